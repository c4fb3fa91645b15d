//! The rules of the paper that a planted flaw can break, by part; here, how many are enough.
//!
//! A rule is a method that says what the paper demands, and what a flaw makes of it. The handlers
//! ask the rule; what no correct implementation does stands behind it. The flaws' names are in
//! [`super::flaws`], and those of real bugs beside them in `docs/flaws.md`.

mod checkpoint;
mod normal;
mod reads;
mod requests;
mod view_change;

use byzsim_core::{Committee, NodeId};

use super::Params;
use super::flaws::PbftFlaw;
use super::message::View;
use crate::catalogue::Flaws;
use crate::shared::quorum;

/// The rules, for one committee.
#[derive(Clone, Debug)]
pub(super) struct Rules {
    committee: Committee,
    quorum: usize,
    read_only: bool,
    replies: Option<u16>,
    flaws: Flaws<PbftFlaw>,
    /// What flaws remember of requests.
    memory: requests::Memory,
}

impl Rules {
    pub(super) fn new(committee: Committee, params: &Params) -> Self {
        let (n, f) = (usize::from(committee.replicas), usize::from(committee.faults));
        let flaws = params.flaws.clone();
        // Beyond n = 3f + 1 two sets of 2f + 1 may share faulty replicas only.
        let right = match flaws.has(PbftFlaw::FixedQuorum) {
            false => quorum::quorum(n, f),
            true => 2 * f + 1,
        };
        let quorum = params.quorum.map_or(right, usize::from);
        let (read_only, replies) = (params.read_only, params.replies);
        Self { committee, quorum, read_only, replies, flaws, memory: requests::Memory::default() }
    }

    /// §4.2: view v has primary v mod n.
    pub(super) fn primary(&self, view: View) -> NodeId {
        quorum::primary(self.committee, view)
    }

    /// All replicas.
    pub(super) fn replicas(&self) -> impl Iterator<Item = NodeId> + use<> {
        self.committee.replica_ids()
    }

    /// A quorum: 2f + 1 of 3f + 1. Any two share a correct replica.
    pub(super) const fn quorum(&self) -> usize {
        self.quorum
    }

    /// f + 1: at least one of them is correct.
    pub(super) const fn weak(&self) -> usize {
        self.faults() + 1
    }

    const fn faults(&self) -> usize {
        self.committee.faults as usize
    }

    /// §4.2: *prepared* needs 2f PREPAREs beside the primary's PRE-PREPARE: a quorum stands by one
    /// batch, so no other can prepare in this view. A quorum of PREPAREs would ask for the vote of
    /// every backup, as n - f replicas are a quorum and the primary sends none.
    pub(super) fn prepares(&self) -> usize {
        let early = usize::from(self.flaws.has(PbftFlaw::PreparedEarly));
        let late = usize::from(self.flaws.has(PbftFlaw::PrimaryAwaited));
        (self.quorum - 1 + late).saturating_sub(early)
    }

    /// §4.2: *committed-local* needs 2f + 1 COMMITs, so f + 1 correct replicas prepared, and every
    /// view change hears of one of them.
    pub(super) fn commits(&self) -> usize {
        match self.flaws.has(PbftFlaw::CommitQuorum) {
            false => self.quorum,
            true => self.quorum - 1,
        }
    }
}
