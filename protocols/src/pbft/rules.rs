//! The rules of the paper that a planted flaw can break, each with what it protects from.
//!
//! Every flaw of PBFT lives here, in the one rule that it breaks; the handlers ask the rule. The
//! names are those of the catalogue of real bugs (`docs/flaws.md`).

use byzsim_core::{Committee, Digest, NodeId, ReplicaSet};

use super::Params;
use super::flaws::PbftFlaw;
use super::message::{PreparedCertificate, Seq, View};
use crate::catalogue::Flaws;
use crate::quorum::quorum;

/// The rules, for one committee.
#[derive(Clone, Debug)]
pub(super) struct Rules {
    committee: Committee,
    quorum: usize,
    flaws: Flaws<PbftFlaw>,
}

impl Rules {
    pub(super) fn new(committee: Committee, params: &Params) -> Self {
        let (n, f) = (usize::from(committee.replicas), usize::from(committee.faults));
        let quorum = params.quorum.map_or_else(|| quorum(n, f), usize::from);
        Self { committee, quorum, flaws: params.flaws.clone() }
    }

    /// §4.2: view v has primary v mod n.
    pub(super) fn primary(&self, view: View) -> NodeId {
        let number = view % u64::from(self.committee.replicas);
        NodeId::Replica(u16::try_from(number).expect("below n"))
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
        self.committee.faults as usize + 1
    }

    /// §4.2: *prepared* needs 2f PREPAREs beside the primary's PRE-PREPARE: a quorum stands by one
    /// batch, so no other can prepare in this view.
    pub(super) const fn prepares(&self) -> usize {
        self.quorum - 1
    }

    /// §4.2: *committed-local* needs 2f + 1 COMMITs, so f + 1 correct replicas prepared, and every
    /// view change hears of one of them.
    pub(super) fn commits(&self) -> usize {
        match self.flaws.has(PbftFlaw::CommitQuorum) {
            false => self.quorum,
            true => self.quorum - 1,
        }
    }

    /// §4.2: PREPAREs come from backups; the PRE-PREPARE is the primary's vote, and counting both
    /// gives a primary that equivocates two votes in each half.
    pub(super) fn primary_may_prepare(&self) -> bool {
        self.flaws.has(PbftFlaw::PrimaryPrepares)
    }

    /// §4.2: votes of *different* replicas.
    pub(super) fn counts_votes_again(&self) -> bool {
        self.flaws.has(PbftFlaw::DuplicateVotes)
    }

    /// How many votes those of `signers` are.
    pub(super) fn voters(&self, signers: &[NodeId]) -> usize {
        match self.counts_votes_again() {
            false => signers.iter().copied().collect::<ReplicaSet>().len(),
            true => signers.len(),
        }
    }

    /// §4.2: votes with the *same* view, sequence number and digest.
    pub(super) fn matches(&self, voted: Digest, digest: Digest) -> bool {
        voted == digest || self.flaws.has(PbftFlaw::DigestIgnored)
    }

    /// §4.2: a replica executes n when it executed all slots below n.
    pub(super) fn executes(&self, seq: Seq, last_executed: Seq) -> bool {
        match self.flaws.has(PbftFlaw::ExecutesAhead) {
            false => seq == last_executed + 1,
            true => last_executed < seq,
        }
    }

    /// §4.1: a client needs f + 1 equal answers, so that a correct replica gave one of them.
    pub(super) fn replies(&self) -> usize {
        match self.flaws.has(PbftFlaw::ClientTrusts) {
            false => self.weak(),
            true => usize::from(self.committee.faults).max(1),
        }
    }

    /// §4.4: P, for each slot that prepared. A committed batch lives on in a quorum's P.
    pub(super) fn carries(&self, prepared: Vec<PreparedCertificate>) -> Vec<PreparedCertificate> {
        match self.flaws.has(PbftFlaw::PreparedForgotten) {
            false => prepared,
            true => Vec::new(),
        }
    }

    /// §4.4: a slot between min-s and max-s that nobody prepared gets the null request. Left open,
    /// nothing above it would ever execute.
    pub(super) fn fills_gaps(&self) -> bool {
        !self.flaws.has(PbftFlaw::GapsLeft)
    }

    /// §4.4: a backup verifies O by a computation like the primary's: the primary may lie.
    pub(super) fn recomputes_new_view(&self) -> bool {
        !self.flaws.has(PbftFlaw::NewViewBelieved)
    }
}
