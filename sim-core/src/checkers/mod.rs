//! Properties of runs, judged online from observations of correct nodes.
//!
//! Each property has a file. A checker shares no code with what it judges, and reports how much it
//! judged: a property that "holds" because nothing happened is inconclusive.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "a checker reads the observations that it is about, and no others"
)]

mod accusation;
mod agreement;
mod by_request;
mod coherence;
mod convergence;
mod deposition;
mod durability;
mod exactly_once;
mod leadership;
mod linearizable;
mod liveness;
mod log;
mod model;
mod quiescence;
mod replicated_state;
mod result_integrity;
mod scope;
mod steadiness;
mod validity;
mod verdict;

pub use scope::Scope;
pub use verdict::{Verdict, Violation};

use crate::evidence::Verifier;
use crate::id::{Committee, NodeId};
use crate::observation::{Observation, Standing};
use crate::resilience::Resilience;
use crate::time::{Span, Time};
use serde::{Deserialize, Serialize};

use verdict::Findings;

/// When something was observed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stamp {
    /// The virtual time.
    pub time: Time,
    /// The number of the event in the trace.
    pub event: u64,
}

/// A property of a run.
pub trait Checker {
    /// A correct node observes something.
    fn observe(&mut self, at: Stamp, node: NodeId, observation: &Observation);
    /// Something happens to a correct node that it does not report.
    fn happen(&mut self, _: Stamp, _: Happening) {}
    /// The run is about to be over, and an operation is overdue: what it was doing.
    fn conclude(&mut self, _: &Stagnation) {}
    /// The run is over at `end`: how it stands then. Called before [`finish`](Self::finish).
    fn close(&mut self, _end: Stamp, _closing: &Closing<'_>) {}
    /// The run is over at `end`.
    fn finish(&mut self, end: Stamp) -> Verdict;
    /// Whether the property waits for something that is still to come, though correct nodes are at
    /// rest. `calm` is when the faults that end are over and the network is synchronous.
    fn is_open(&self, _calm: Time, _is_down: &dyn Fn(NodeId) -> bool) -> bool {
        false
    }
    /// What the verdict leaves out, in a sentence. Called after [`close`](Self::close).
    fn remark(&mut self) -> Option<String> {
        None
    }
}

/// How a run stands when it is over.
pub struct Closing<'a> {
    /// Since when nothing hinders correct nodes any more but what does so for ever: the faults that
    /// end are over, the network is synchronous, and what was sent before arrived. `NEVER` in a
    /// network that stays asynchronous.
    pub calm: Time,
    /// The same, and every correct client has its answers; none if that never came.
    pub settled: Option<Time>,
    /// Whether correct nodes are at rest: they have nothing to do on their own account.
    pub is_at_rest: bool,
    /// The first message that one of them sent when it should have come to rest.
    pub late: Option<Late>,
    /// Whether a pulse of a correct node runs: what it leads to goes on for ever.
    pub has_pulses: bool,
    /// Which correct replicas go on as they are left with something open that nobody can close.
    pub open: Vec<String>,
    /// Whether a node is down.
    pub is_down: &'a dyn Fn(NodeId) -> bool,
    /// What a replica holds.
    pub standing: &'a dyn Fn(NodeId, u64) -> Option<Standing>,
}

impl std::fmt::Debug for Closing<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Closing").field("settled", &self.settled).finish_non_exhaustive()
    }
}

/// A message that a correct node sends when it should have come to rest.
#[derive(Clone, Debug)]
pub struct Late {
    /// When.
    pub at: Stamp,
    /// Who.
    pub node: NodeId,
    /// Its kind.
    pub kind: &'static str,
    /// When the last thing happened that could lead to it: the run settled, or, if the message was
    /// provoked, a faulty node spoke last.
    pub since: Time,
    /// The how manieth it is that correct nodes sent since the run settled.
    pub sent: u64,
}

/// What a run was doing that served no operation any more.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stagnation {
    /// The states of the correct nodes that came again.
    pub lasso: Option<Circle>,
    /// Whose timers run.
    pub timers: Vec<String>,
    /// What the adversary holds for ever.
    pub held: Vec<String>,
    /// Whether no replica's timer runs, and nothing is under way.
    pub is_dead: bool,
    /// Whether a timer runs that has not expired since the states stand still.
    pub may_lead_on: bool,
}

/// States of the correct nodes that came again, after abstraction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Circle {
    /// As views went by: those of the last round came before.
    Views {
        /// How many views a round has.
        views: u64,
        /// How long the last round took.
        took: Span,
        /// How long the one before took.
        took_before: Span,
        /// Where the repeated stretch begins.
        from: Stamp,
        /// Where it ends.
        to: Stamp,
    },
    /// Without any view: the states stayed as they were, or the same ones came again and again.
    Still {
        /// From here.
        from: Stamp,
        /// To here.
        to: Stamp,
    },
}

/// What happens to a correct node, and is no word of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Happening {
    /// A timer expires; what the node reports next it reports in the handler of this timer.
    Expired {
        /// When it was armed.
        armed: Time,
        /// How long the slowest message between correct nodes took that was sent since GST.
        slowest: Span,
    },
    /// The handler of the timer is done.
    Handled,
    /// The node crashes.
    Crashed(NodeId),
    /// The node starts again.
    Restarted(NodeId),
    /// A message between correct nodes is lost, though the network is synchronous: their link does
    /// not work, and nobody owes what needs it.
    Lost {
        /// Who sent it.
        from: NodeId,
        /// Who would have got it.
        to: NodeId,
    },
}

/// How long something takes at most: so many messages in a row, and so much waiting besides.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Wait {
    /// Messages that follow each other.
    pub messages: u64,
    /// The timers that have to expire in between, together.
    pub timers: Span,
}

impl Wait {
    /// How long it takes if no message takes longer than `delta`.
    pub fn at(self, delta: Span) -> Span {
        delta * self.messages + self.timers
    }
}

/// How soon correct replicas serve with a correct primary, in a network without loss.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Promptness {
    /// Until all correct replicas have what they lacked when the network became whole.
    pub settling: Wait,
    /// From then on: until a request that a correct replica waits for is served; or until a view
    /// is entered that all correct replicas ask for.
    pub serving: Wait,
}

/// What checkers are told about a run before it starts.
#[derive(Clone, Debug)]
pub struct RunInfo {
    /// The nodes.
    pub committee: Committee,
    /// Which nodes are faulty: those that the adversary corrupted, and those that lose what they
    /// wrote. A checker is shown nothing that they report, from the start on: a fault makes its
    /// node faulty for the whole run, whenever it strikes.
    pub corrupted: Vec<NodeId>,
    /// When the network becomes synchronous; `NEVER` if it does not.
    pub gst: Time,
    /// Within which span after GST and after its invocation an operation must complete.
    pub liveness_bound: Span,
    /// The bound on delays from GST on.
    pub delta: Span,
    /// How soon a correct primary serves, if the protocol says so.
    pub promptness: Option<Promptness>,
    /// What the protocol promises in this committee.
    pub resilience: Resilience,
    /// Whether the primaries of views are elected.
    pub elects: bool,
    /// Whether replicas tell each other what is decided although no client asks for anything.
    pub keeps_telling: bool,
    /// How many steps the linearizability search may take before it gives up.
    pub search_budget: u64,
    /// What the protocol says of evidence.
    pub verifier: Verifier,
}

impl RunInfo {
    /// What there is to say of a run of a protocol for Byzantine faults in which nobody is faulty,
    /// the network is synchronous from the start, and nothing takes any time.
    pub fn of(committee: Committee) -> Self {
        Self {
            committee,
            corrupted: Vec::new(),
            gst: Time::ZERO,
            liveness_bound: Span::ZERO,
            delta: Span::ZERO,
            promptness: None,
            resilience: Resilience::byzantine(committee),
            elects: false,
            keeps_telling: false,
            search_budget: 0,
            verifier: Verifier::new(|_| Err("nothing is signed")),
        }
    }
}

/// A row of the table of checkers.
#[derive(Clone, Copy)]
pub struct Property {
    /// The name in scenario files and outputs.
    pub name: &'static str,
    /// The property, in a sentence.
    pub about: &'static str,
    /// Of which runs it speaks. Of others no output names it.
    pub scope: Scope,
    /// Makes the checker for one run.
    pub checker: fn(&RunInfo, &Shared) -> Box<dyn Checker>,
}

/// What the checkers that judge one stream of observations have in common. They must all be shown
/// the whole stream; a checker that is alone has it for itself.
#[derive(Clone, Debug, Default)]
pub struct Shared {
    log: log::LogReader,
}

impl std::fmt::Debug for Property {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}

/// All properties, in the order in which outputs show them.
pub const PROPERTIES: &[Property] = &[
    Property {
        name: "agreement",
        about: "Correct replicas execute the same batches in the same slots, each in order and \
                without gaps, and no decided slot ever changes.",
        scope: Scope::Every,
        checker: |_, _| Box::new(agreement::Agreement::default()),
    },
    Property {
        name: "validity",
        about: "Correct replicas apply, and answer as reads, only requests that their client issued.",
        scope: Scope::Every,
        checker: |info, _| Box::new(validity::Validity::new(info)),
    },
    Property {
        name: "exactly-once",
        about: "No correct replica applies a request twice, or a client's requests out of order.",
        scope: Scope::Every,
        checker: |_, _| Box::new(exactly_once::ExactlyOnce::default()),
    },
    Property {
        name: "replicated-state",
        about: "Correct replicas that executed the same slots applied the same requests with the \
                same answers, and hold the same state: the one that these requests lead to.",
        scope: Scope::Every,
        checker: |_, _| Box::new(replicated_state::ReplicatedState::default()),
    },
    Property {
        name: "result-integrity",
        about: "Correct clients accept only answers that the committed order of requests gives.",
        scope: Scope::Every,
        checker: |_, shared| Box::new(result_integrity::ResultIntegrity::new(shared)),
    },
    Property {
        name: "durability",
        about: "An operation that a correct client completed keeps its place in the history.",
        scope: Scope::Every,
        checker: |_, _| Box::new(durability::Durability::default()),
    },
    Property {
        name: "linearizability",
        about: "The history of the correct clients is linearizable, key by key.",
        scope: Scope::Every,
        checker: |info, shared| Box::new(linearizable::Linearizable::new(info, shared)),
    },
    Property {
        name: "liveness",
        about: "After GST, every operation of a correct client completes within the bound that the \
                protocol's timeouts give; and where primaries are elected, one leads on from then.",
        scope: Scope::Every,
        checker: |info, _| Box::new(liveness::Liveness::new(info)),
    },
    Property {
        name: "deposition",
        about: "After GST, a correct primary is given up only for a cause that the protocol's rules \
                name.",
        scope: Scope::Every,
        checker: |info, _| Box::new(deposition::Deposition::new(info)),
    },
    Property {
        name: "coherence",
        about: "What a correct node reports agrees with its reports before, and with those of \
                others about the same batch, history or decision.",
        scope: Scope::Every,
        checker: |info, _| Box::new(coherence::Coherence::new(info)),
    },
    Property {
        name: "leadership",
        about: "Where primaries are elected: a view has at most one, whose log holds all that was \
                decided before and only grows; and a slot and a view name one entry, with one \
                before it, in all logs.",
        scope: Scope::Elections,
        checker: |info, _| Box::new(leadership::Leadership::new(info)),
    },
    Property {
        name: "convergence",
        about: "When the faults are over, every correct replica comes to hold each decided slot, and \
                the same state.",
        scope: Scope::Every,
        checker: |info, _| Box::new(convergence::Convergence::new(info)),
    },
    Property {
        name: "quiescence",
        about: "When the faults are over and no client waits, correct nodes stop sending.",
        scope: Scope::Every,
        checker: |info, _| Box::new(quiescence::Quiescence::new(info)),
    },
    Property {
        name: "accusation",
        about: "No correct node is proven guilty, and every proof is one that anybody can verify, from \
                one or two signed statements.",
        scope: Scope::Every,
        checker: |info, _| Box::new(accusation::Accusation::new(info)),
    },
];
