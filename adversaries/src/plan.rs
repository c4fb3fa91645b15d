//! Faults as data: a plan is a list of faults, each a plain value.
//!
//! A plan written by hand (a *script*) and one drawn by the generator are the same type, so every
//! random run can be saved, read, edited, shrunk and committed as a scenario.

use byzsim_core::{NodeId, Time};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::action::Action;
use crate::range::Range;

/// What goes wrong in a run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Plan {
    /// The faults. Where two faults apply to one message, the first one decides.
    pub faults: Vec<Fault>,
}

/// One fault of a plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Fault {
    /// Why the fault is there, for a reader.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// When it starts; by default at the start of the run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start: Option<Moment>,
    /// When it ends; by default never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end: Option<Moment>,
    /// What goes wrong until then.
    #[serde(rename = "do")]
    pub action: Action,
}

/// A point of a run. It does not depend on the fault: reports are counted from the start of the
/// run, and a fault whose end comes before its start never takes effect.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Moment {
    /// A time.
    At(Time),
    /// When a node reports something.
    When(Trigger),
}

/// Something that a node reports, for faults that wait for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Trigger {
    /// Which node; by default any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node: Option<NodeId>,
    /// What it reports.
    pub event: Reported,
    /// In which view, where the report has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub view: Option<Range>,
    /// Of which slot or, of a client, of which timestamp.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seq: Option<Range>,
    /// Which of these reports it is, counted from 1; by default the first.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub count: u32,
}

const fn one() -> u32 {
    1
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature that serde calls")]
const fn is_one(count: &u32) -> bool {
    *count == 1
}

/// The reports that a fault can wait for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Reported {
    /// A client issues an operation; `seq` is its timestamp.
    Invoked,
    /// A client accepts an answer; `seq` is its timestamp.
    Completed,
    /// A replica accepts a proposal.
    Accepted,
    /// A replica knows that a slot is decided.
    Committed,
    /// A replica executes a slot, speculatively or not.
    Executed,
    /// A replica drops its log up to a stable checkpoint.
    StableCheckpoint,
    /// A replica installs a fetched state.
    Restored,
    /// A replica asks for a view.
    ViewChangeStarted,
    /// A replica enters a view.
    EnteredView,
}

/// Which messages a fault is about. What is left out matches everything.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Pattern {
    /// Kinds, as the protocol names them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub kinds: Vec<String>,
    /// Senders.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub from: Vec<NodeId>,
    /// Receivers.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub to: Vec<NodeId>,
    /// Views. A message that belongs to no view does not match.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub view: Option<Range>,
    /// Slots. A message that is about no slot does not match.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seq: Option<Range>,
    /// Of the messages that match all else while the fault is in force: the how manieth, from 1. A
    /// broadcast is one message to each receiver, in the order of their numbers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nth: Option<Range>,
}

/// The sides of twins in some views.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Split {
    /// The views of the messages.
    pub view: Range,
    /// The nodes with which the first copy communicates.
    pub left: Vec<NodeId>,
    /// The nodes with which the second copy communicates.
    pub right: Vec<NodeId>,
}

/// What is made of a field.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Change {
    /// Adds to a number.
    Add(u64),
    /// Subtracts from a number, down to 0 at most.
    Subtract(u64),
    /// Sets a number.
    Set(u64),
    /// Something invented: a digest of nothing, a wrong answer, another operation; in a list, every
    /// entry is invented.
    Invent,
    /// The value in the first message of this kind that the node sent, or would have sent without
    /// lies.
    Recall,
    /// Names another node: as the signer, whose signature is then garbage unless it is the node's
    /// own; or where the message is about a node.
    Claim(NodeId),
    /// Something invented under the signature that was there, which was made for something else. In
    /// a list of the node's own, all entries are invented alike and keep their signatures.
    Graft,
    /// A list without entries.
    Empty,
    /// A list without its first entry.
    DropFirst,
    /// A list without its last entry.
    DropLast,
    /// A list with its first entry twice.
    Repeat,
    /// A list with its first entry in place of every entry.
    AllAlike,
    /// A list whose signatures are garbage.
    Forge,
    /// A list whose last entry the node says itself, in its own name.
    Join,
}

impl Plan {
    /// The replicas that count as faulty, in order: those that are corrupted, that lose what they
    /// wrote, or that are down when the network becomes synchronous. Protocols keep their promises
    /// for at most f of them.
    ///
    /// A replica that crashes and restarts before `gst` was only slow. One whose restart waits for
    /// a trigger may never restart.
    pub fn faulty_replicas(&self, gst: Time) -> Vec<NodeId> {
        let gone = |fault: &Fault| {
            let node = fault.action.crashes()?;
            let is_back = match fault.end {
                None => false,
                Some(Moment::At(end)) => end <= gst,
                Some(Moment::When(_)) => gst == Time::NEVER,
            };
            (!is_back).then_some(node)
        };
        let gone = self.faults.iter().filter_map(gone);
        let mut nodes: Vec<NodeId> = self.untrusted().into_iter().chain(gone).collect();
        nodes.retain(|node| !node.is_client());
        nodes.sort_unstable();
        nodes.dedup();
        nodes
    }

    /// The nodes that may break the protocol's rules, in order: those that are corrupted, and the
    /// replicas that lose what they wrote, and may contradict it. A node that is merely down breaks
    /// no rule.
    pub fn untrusted(&self) -> Vec<NodeId> {
        let mut nodes = [self.corrupted(), self.forgetful()].concat();
        nodes.sort_unstable();
        nodes.dedup();
        nodes
    }

    /// The replicas that lose what they wrote, in order.
    pub fn forgetful(&self) -> Vec<NodeId> {
        let forgets = |fault: &Fault| {
            if let Action::Forget { node, .. } = fault.action { Some(node) } else { None }
        };
        let mut nodes: Vec<NodeId> = self.faults.iter().filter_map(forgets).collect();
        nodes.sort_unstable();
        nodes.dedup();
        nodes
    }

    /// The nodes that the plan corrupts, in order.
    pub fn corrupted(&self) -> Vec<NodeId> {
        corrupted(&self.faults)
    }
}

/// The nodes that these faults corrupt, in order.
pub(crate) fn corrupted(faults: &[Fault]) -> Vec<NodeId> {
    let mut nodes: Vec<NodeId> =
        faults.iter().filter_map(|fault| fault.action.corrupts()).collect();
    nodes.sort_unstable();
    nodes.dedup();
    nodes
}
