//! What came out of a run.

use crate::checkers::Verdict;
use crate::crypto::Digest;
use crate::history::Answer;
use crate::id::NodeId;
use crate::metrics::Metrics;
use crate::milestones::Milestones;
use crate::time::{Span, Time};
use crate::trace::Marks;
use serde::{Deserialize, Serialize};

/// Why a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// Every correct client completed its operations, the messages under way arrived, and correct
    /// nodes were at rest.
    Done,
    /// Every correct client completed its operations, and correct nodes had not come to rest within
    /// the bound.
    Unsettled,
    /// An operation of a correct client was overdue.
    Overdue,
    /// Nothing was left that could happen.
    Quiet,
    /// The latest end that the setup allows was reached.
    Horizon,
    /// The greatest number of events was reached.
    EventLimit,
}

/// One operation of a correct client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Served {
    /// Whose.
    pub client: NodeId,
    /// The client's number for it.
    pub timestamp: u64,
    /// Whether it is a read of the audit, and not of the workload.
    pub of_audit: bool,
    /// When it arrived: where operations do not arrive on their own, when it was asked.
    pub arrived: Time,
    /// When it was asked: its client waited for no other answer then.
    pub asked: Time,
    /// When an answer was accepted, and which.
    pub completed: Option<(Time, Answer)>,
}

/// How near a run came to a violation of liveness.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Slack {
    /// How long the slowest operation of a correct client took, counted from GST if it was asked
    /// before.
    pub slowest: Span,
    /// How long it might have taken.
    pub bound: Span,
}

impl Slack {
    /// How much of the bound the slowest operation used, in thousandths.
    pub fn used_permille(&self) -> u64 {
        let used = u128::from(self.slowest.nanos()) * 1_000;
        u64::try_from(used / u128::from(self.bound.nanos().max(1))).unwrap_or(u64::MAX)
    }
}

/// The audit of a run: reads of every key after the workload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Audit {
    /// Nobody asked for one, or no operation has a key to read.
    Off,
    /// There is no correct client who could read, or all of them crashed for good.
    NoCorrectClient,
    /// So many reads were due. Who read crashed for good, and no other correct client was left.
    CutShort(u64),
    /// So many reads were due; those that were made are among the operations that were served.
    Reads(u64),
}

/// What came out of a run.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The verdict on each of [`PROPERTIES`](crate::PROPERTIES) that speaks of such a run, in their
    /// order.
    pub verdicts: Vec<(&'static str, Verdict)>,
    /// What a verdict leaves out, by property.
    pub remarks: Vec<(&'static str, String)>,
    /// The SHA-256 hash over every event: the run's fingerprint.
    pub trace: Digest,
    /// Marks of the trace, if they were asked for.
    pub marks: Option<Marks>,
    /// How many events were folded into the trace.
    pub events: u64,
    /// When the run ended.
    pub end: Time,
    /// Why it ended.
    pub ended: Ended,
    /// What it cost.
    pub metrics: Metrics,
    /// What it reached.
    pub milestones: Milestones,
    /// The operations of the correct clients, in the order in which they were asked.
    pub served: Vec<Served>,
    /// How many operations the correct clients were to ask in all, without those of the audit.
    pub operations: u64,
    /// The audit.
    pub audit: Audit,
    /// The highest view that a correct replica entered.
    pub view_max: u64,
    /// How near it came to a violation of liveness; none if the network never becomes synchronous,
    /// or nothing was asked.
    pub slack: Option<Slack>,
}
