//! No needless deposition: after GST a correct primary is given up only for a cause that the
//! protocol's rules name.
//!
//! A protocol that deposes correct primaries again and again may still answer within the bound of
//! liveness, and be of no use. There are three ways to leave a view:
//!
//! * *A timer expires.* That says something of a correct primary only if the timer ran, in a
//!   network that had settled, for as long as a correct primary takes to serve ([`Promptness`]).
//!   Timeouts that are shorter than that are no mistake: they double until they are long enough.
//! * *A message arrives*, such as proof of misbehaviour. No message makes a correct replica give up
//!   a correct primary.
//! * *Others ask for it.* One of them is correct, so some correct replica gave up this view, or a
//!   later one. It was judged for that.

use std::collections::BTreeMap;

use super::{Checker, Findings, Happening, Promptness, RunInfo, Stamp, Verdict, Wait};
use crate::id::NodeId;
use crate::observation::Observation;
use crate::time::{Span, Time};

#[derive(Debug)]
pub(super) struct Deposition {
    findings: Findings,
    info: RunInfo,
    /// By correct replica: the view that it is in, or on the way to.
    goals: BTreeMap<NodeId, u64>,
    /// The highest view that a correct replica gave up for a cause of its own.
    given_up: Option<u64>,
    /// How many correct replicas are down.
    down: usize,
    /// When all that was lost, before GST or by a crash, has been made good.
    whole: Time,
    /// When a correct replica last left or entered a view, or fetched a state.
    moved: Time,
    /// The timer that expired in the present event, if one did.
    expired: Option<Expired>,
}

/// A timer that expired.
#[derive(Clone, Copy, Debug)]
struct Expired {
    armed: Time,
    /// How long the slowest message between correct nodes took since GST.
    slowest: Span,
}

impl Deposition {
    pub(super) fn new(info: &RunInfo) -> Self {
        let correct = info.committee.replica_ids().filter(|node| !info.corrupted.contains(node));
        Self {
            findings: Findings::default(),
            goals: correct.map(|node| (node, 0)).collect(),
            given_up: None,
            down: 0,
            // In a network that is synchronous from the start nothing is ever lost.
            whole: match info.gst {
                Time::ZERO => Time::ZERO,
                gst => gst + info.promptness.settling.at(info.delta),
            },
            moved: Time::ZERO,
            expired: None,
            info: info.clone(),
        }
    }

    /// Whether no more replicas are corrupted than the protocol tolerates.
    fn is_within_f(&self) -> bool {
        let correct = self.goals.len();
        let all = usize::from(self.info.committee.replicas);
        all - correct <= usize::from(self.info.committee.faults)
    }

    /// A correct replica gives up the primary of a view, for a cause of its own.
    fn give_up(&mut self, at: Stamp, node: NodeId, view: u64, primary: NodeId) {
        self.given_up = self.given_up.max(Some(view));
        let is_whole = self.down == 0 && self.info.gst <= at.time && self.is_within_f();
        if !is_whole || self.info.corrupted.contains(&primary) {
            return;
        }
        self.findings.judge();
        let Some(Expired { armed, slowest }) = self.expired else {
            self.findings.violate(at, "by a message", || {
                format!(
                    "{node} gives up {primary}, the correct primary of v{view}, for a message: no \
                     message proves or shows that a correct primary is faulty"
                )
            });
            return;
        };
        if self.goals.values().any(|goal| *goal != view) {
            // Some are in other views: whom the primary can serve is open.
            return;
        }
        let Promptness { settling, serving } = self.info.promptness;
        // What was lost before is made good by retransmission; in a view change nothing is lost.
        let together = Wait { timers: Span::ZERO, ..settling };
        // Without a message since GST none is known to be fast.
        let slowest = if slowest == Span::ZERO { self.info.delta } else { slowest };
        let settled = self.whole.max(self.moved + together.at(slowest));
        let (from, enough) = (armed.max(settled), serving.at(slowest));
        let waited = at.time.since(from);
        if waited <= enough {
            return;
        }
        self.findings.violate(at, "by a timer", || {
            format!(
                "{node} gives up {primary}, the correct primary of v{view}, by a timer that ran \
                 since {armed}; all correct replicas had this view for their goal since {}, the \
                 network was settled from {settled} on, and no message took longer than \
                 {slowest}, so the primary serves within {enough}, and {waited} went by",
                self.moved
            )
        });
    }

    /// A correct replica leaves its view, or the way to one, for another.
    fn leave(&mut self, at: Stamp, node: NodeId, view: u64) {
        let before = self.goals.insert(node, view).unwrap_or(0);
        self.moved = at.time;
        if self.given_up < Some(before) && self.is_within_f() {
            self.findings.judge();
            self.findings.violate(at, "asked by nobody correct", || {
                format!(
                    "{node} leaves v{before} for v{view}, although no correct replica gave up \
                     v{before} or a later view"
                )
            });
        }
    }
}

impl Checker for Deposition {
    fn happen(&mut self, at: Stamp, happening: Happening) {
        match happening {
            Happening::Expired { armed, slowest } => {
                self.expired = Some(Expired { armed, slowest });
            }
            Happening::Handled => self.expired = None,
            // Correct replicas serve the others while a client is down.
            Happening::Crashed(node) | Happening::Restarted(node) if node.is_client() => {}
            Happening::Crashed(_) => {
                self.down += 1;
            }
            Happening::Restarted(_) => {
                self.down -= 1;
                let settling = self.info.promptness.settling.at(self.info.delta);
                self.whole = self.whole.max(at.time + settling);
            }
        }
    }

    fn observe(&mut self, at: Stamp, node: NodeId, observation: &Observation) {
        match *observation {
            Observation::GaveUp { view, primary } => self.give_up(at, node, view, primary),
            Observation::ViewChangeStarted { view, .. } => self.leave(at, node, view),
            Observation::EnteredView { view } => {
                self.goals.insert(node, view);
                self.moved = at.time;
            }
            Observation::Restored { .. } => self.moved = at.time,
            _ => {}
        }
    }

    /// A run in which nobody gave up a correct primary satisfies the property.
    fn finish(&mut self, _: Stamp) -> Verdict {
        self.findings.verdict_on_absence()
    }
}
