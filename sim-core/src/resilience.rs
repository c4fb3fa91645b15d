//! What a protocol promises: how many replicas of which kind of fault it tolerates, in its words.

use crate::id::{Committee, NodeId};

/// How many faulty replicas a protocol tolerates in a committee. What lies beyond is *beyond f*.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Resilience {
    /// The least n for the committee's f.
    pub replicas_min: u32,
    /// How many replicas may break every rule: corrupted ones, and those that lose what they wrote.
    pub byzantine: u16,
    /// How many replicas may be faulty in all: those, and those that are down for ever.
    pub faulty: u16,
    /// Whether clients may break every rule, any number of them.
    pub any_client: bool,
    /// The replica that the protocol cannot do without, if there is one: a fixed sequencer.
    pub trusted: Option<Trusted>,
    /// How many replicas decide together. Any two such sets share one that followed the rules.
    pub quorum: usize,
    /// How n depends on f: `n >= 3f + 1`.
    pub formula: &'static str,
    /// The faults that f counts: `Byzantine fault`.
    pub counted: &'static str,
}

/// A replica that a protocol cannot replace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trusted {
    /// Which one.
    pub node: NodeId,
    /// Whether safety rests on it as well; otherwise it is progress alone, which no protocol
    /// promises in a network that never becomes synchronous.
    pub for_safety: bool,
}

impl Resilience {
    /// n >= 3f + 1, of which f may be Byzantine, and any number of clients; ceil((n + f + 1) / 2)
    /// of them decide: 2f + 1 for n = 3f + 1. No protocol for such faults does with fewer.
    pub fn byzantine(committee: Committee) -> Self {
        let (n, f) = (usize::from(committee.replicas), usize::from(committee.faults));
        Self {
            replicas_min: 3 * u32::from(committee.faults) + 1,
            byzantine: committee.faults,
            faulty: committee.faults,
            any_client: true,
            trusted: None,
            quorum: (n + f + 1).div_ceil(2),
            formula: "n >= 3f + 1",
            counted: "Byzantine fault",
        }
    }

    /// n >= 2f + 1, of which f may crash and none may break a rule, clients neither; a majority of
    /// them decides. No protocol for crash faults does with fewer in an asynchronous network.
    pub fn crash(committee: Committee) -> Self {
        Self {
            replicas_min: 2 * u32::from(committee.faults) + 1,
            byzantine: 0,
            faulty: committee.faults,
            any_client: false,
            trusted: None,
            quorum: usize::from(committee.replicas) / 2 + 1,
            formula: "n >= 2f + 1",
            counted: "crash fault",
        }
    }
}
