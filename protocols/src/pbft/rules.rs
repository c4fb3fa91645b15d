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
use crate::service::Service;

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
        // Beyond n = 3f + 1 two sets of 2f + 1 may share faulty replicas only.
        let right = match params.flaws.has(PbftFlaw::FixedQuorum) {
            false => quorum(n, f),
            true => 2 * f + 1,
        };
        let quorum = params.quorum.map_or(right, usize::from);
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

    /// §4.2: PREPAREs come from backups; the PRE-PREPARE is the primary's vote, and counting both
    /// gives a primary that equivocates two votes in each half.
    pub(super) fn primary_may_prepare(&self) -> bool {
        self.flaws.has(PbftFlaw::PrimaryPrepares)
    }

    /// §4.2: votes of *different* replicas: of each sender the first vote on a slot is kept.
    /// Whether one more is kept, given whether its sender said the same before.
    pub(super) fn keeps_another_vote(&self, said_the_same: impl FnOnce() -> bool) -> bool {
        let all = [PbftFlaw::DuplicateVotes, PbftFlaw::DuplicatesSpoil];
        all.iter().any(|flaw| self.flaws.has(*flaw))
            || self.flaws.has(PbftFlaw::ProposalReplaced) && !said_the_same()
    }

    /// How many votes in the log those of `signers` are. A vote that comes twice is an everyday
    /// thing: networks duplicate, senders retransmit.
    pub(super) fn tally(&self, signers: impl Iterator<Item = NodeId>) -> usize {
        if !self.flaws.has(PbftFlaw::DuplicatesSpoil) {
            return signers.count();
        }
        let signers: Vec<NodeId> = signers.collect();
        let distinct = signers.iter().copied().collect::<ReplicaSet>().len();
        if distinct == signers.len() { distinct } else { 0 }
    }

    /// How many votes those of `signers` are, in a proof that someone sent.
    pub(super) fn voters(&self, signers: &[NodeId]) -> usize {
        match self.flaws.has(PbftFlaw::DuplicateVotes) {
            false => signers.iter().copied().collect::<ReplicaSet>().len(),
            true => signers.len(),
        }
    }

    /// §4.2: votes with the *same* view, sequence number and digest.
    pub(super) fn matches(&self, voted: Digest, digest: Digest) -> bool {
        voted == digest || self.flaws.has(PbftFlaw::DigestIgnored)
    }

    /// §4.2: a PREPARE says that its sender accepted a batch, a COMMIT that it is prepared. Where
    /// the signature does not cover which of them it is, the one passes for the other.
    pub(super) fn pools_phases(&self) -> bool {
        self.flaws.has(PbftFlaw::PhasesPooled)
    }

    /// §4.2: a vote is for the view that it names: its sender may stand by another batch since.
    /// Where the signature does not cover the view, old COMMITs serve again.
    pub(super) fn binds_views(&self) -> bool {
        !self.flaws.has(PbftFlaw::ViewUnbound)
    }

    /// §4.2: a vote is for the slot that it names: a faulty primary may propose one batch for two.
    pub(super) fn binds_slots(&self) -> bool {
        !self.flaws.has(PbftFlaw::SlotUnbound)
    }

    /// §4.2: a backup accepts one proposal for a slot in a view: having voted for two, it may help
    /// both to a quorum.
    pub(super) fn replaces_proposals(&self) -> bool {
        self.flaws.has(PbftFlaw::ProposalReplaced)
    }

    /// §4.2: h < n ≤ H, so that a faulty primary cannot use up the sequence numbers. With the flaw
    /// agreement messages are taken above H, and VIEW-CHANGEs that tell of it are still refused.
    pub(super) fn in_window(&self, seq: Seq, stable: Seq, window: u64) -> bool {
        stable < seq && (seq <= stable + window || self.flaws.has(PbftFlaw::WatermarksIgnored))
    }

    /// §4.1: a request is its client's only by the client's signature, which every replica
    /// verifies: others may invent requests, and so may the primary.
    pub(super) fn verifies_requests(&self) -> bool {
        !self.flaws.has(PbftFlaw::RequestUnverified)
    }

    /// §4.2: d is the digest of the batch that travels beside the PRE-PREPARE.
    pub(super) fn is_body_of(&self, batch: Digest, digest: Digest) -> bool {
        batch == digest || self.flaws.has(PbftFlaw::BodyUnverified)
    }

    /// §4.2: the reply follows the execution, and that follows *committed-local*. What is prepared
    /// may still be replaced by a view change.
    pub(super) fn replies_when_prepared(&self) -> bool {
        self.flaws.has(PbftFlaw::RepliesEarly)
    }

    /// §4.1: the reply cache answers the request that it has the reply of, the client's last one.
    pub(super) fn is_in_cache(&self, asked: u64, last: u64) -> bool {
        asked == last || 0 < last && self.flaws.has(PbftFlaw::CacheAnswersAll)
    }

    /// §4.1: a request counts as done when it was executed. Until then a retransmission may be all
    /// that is left of it.
    pub(super) fn heard_is_executed(&self) -> bool {
        self.flaws.has(PbftFlaw::HeardIsExecuted)
    }

    /// §4.2: at most once: a faulty primary may order a request again, and so may a new primary
    /// that does not know that it was ordered.
    pub(super) fn executes_again(&self) -> bool {
        self.flaws.has(PbftFlaw::ExecutesAgain)
    }

    /// §4.3: the state that a checkpoint speaks of has the reply cache in it.
    pub(super) fn state_digest(&self, state: &Service) -> Digest {
        match self.flaws.has(PbftFlaw::CacheLeftBehind) {
            false => state.digest(),
            true => state.store_digest(),
        }
    }

    /// §4.3: what a replica has when it fetched this state. Without the cache it would execute old
    /// retransmissions that the others know.
    pub(super) fn restored(&self, fetched: &Service, own: &Service) -> Service {
        match self.flaws.has(PbftFlaw::CacheLeftBehind) {
            false => fetched.clone(),
            true => fetched.with_replies_of(own),
        }
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

    /// §4.4: a batch that prepared binds nobody once a later view proves that another may have
    /// committed. Replicas that each stand by their own would never make a quorum again.
    pub(super) fn may_vote(&self, prepared: Option<Digest>, proposed: Digest) -> bool {
        prepared.is_none_or(|it| it == proposed) || !self.flaws.has(PbftFlaw::LockKept)
    }

    /// §4.4: min-s is the *latest* stable checkpoint in V, whatever its name says: what lies below
    /// is done, and its certificates are gone. Its place and slot.
    pub(super) fn min_s(&self, checkpoints: impl Iterator<Item = Seq>) -> Option<(usize, Seq)> {
        let numbered = checkpoints.enumerate();
        match self.flaws.has(PbftFlaw::SmallestCheckpoint) {
            false => numbered.max_by_key(|(_, seq)| *seq),
            true => numbered.min_by_key(|(_, seq)| *seq),
        }
    }

    /// §4.4: whether what follows from V covers this slot, at most max-s: max-s is the last one.
    pub(super) fn reaches(&self, seq: Seq, max_s: Seq) -> bool {
        seq < max_s || !self.flaws.has(PbftFlaw::LastSlotDropped)
    }

    /// §4.4: one valid certificate proves itself, so one report is enough. A committed batch may be
    /// known to one correct replica of a quorum only.
    pub(super) fn outdoes_null(&self, reports: usize) -> bool {
        self.weak() <= reports || !self.flaws.has(PbftFlaw::NullPreferred)
    }

    /// §4.4: a VIEW-CHANGE is what its sender says, not what someone says in its name.
    pub(super) fn verifies_view_changes(&self) -> bool {
        !self.flaws.has(PbftFlaw::ViewChangeUnverified)
    }

    /// §4.2: a certificate holds PREPAREs of 2f *distinct backups* for *one* batch in *one* view.
    /// Less than that a faulty primary makes by itself.
    pub(super) fn checks_certificates(&self) -> bool {
        !self.flaws.has(PbftFlaw::CertificateUnchecked)
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

    /// §4.5.2: whether a replica joins, when so many others ask for later views than its own: at
    /// f + 1 one of them is correct. Fewer would let the faulty change views at will; and a replica
    /// whose own timer does not run, such as the primary, would be left behind without this rule.
    pub(super) fn joins(&self, asking: usize) -> bool {
        if self.flaws.has(PbftFlaw::NeverJoins) {
            return false;
        }
        match self.flaws.has(PbftFlaw::JoinsAtF) {
            false => self.weak() <= asking,
            true => usize::from(self.committee.faults).max(1) <= asking,
        }
    }

    /// §4.4, §4.5.2: of each replica the last VIEW-CHANGE counts.
    pub(super) fn counts_asking_again(&self) -> bool {
        self.flaws.has(PbftFlaw::AskingCounted)
    }

    /// §4.5.2: each view that fails doubles the timeout: at some point it is long enough.
    pub(super) fn doublings(&self, failed_views: u32) -> u32 {
        if self.flaws.has(PbftFlaw::TimeoutConstant) { 0 } else { failed_views }
    }

    /// §4.4: the timer starts anew for what still waits when a request was executed: else a primary
    /// serves one client and starves another.
    pub(super) fn awaits_the_rest(&self) -> bool {
        !self.flaws.has(PbftFlaw::RestUnawaited)
    }

    /// §4.4: no timer runs when nothing waits. Views that fail for want of requests would make the
    /// timeout as long as the pause was.
    pub(super) fn runs_idle(&self) -> bool {
        self.flaws.has(PbftFlaw::IdleTimer)
    }

    /// §4.5.2: how many must ask for a view before the timer for its NEW-VIEW starts: a quorum. A
    /// replica that waits for nobody runs away from the others.
    pub(super) fn patience(&self) -> usize {
        if self.flaws.has(PbftFlaw::TimerHasty) { 1 } else { self.quorum }
    }

    /// §4.4: whether a backup times the request that was the `arrival`-th, where `before` came
    /// before the current view: all alike. The new primary may be faulty, too.
    pub(super) fn times(&self, arrival: u64, before: u64) -> bool {
        before < arrival || !self.flaws.has(PbftFlaw::ClearedByNewView)
    }

    /// §4.4: a new primary numbers on above max-s: the slots up to it are given away. `own` is the
    /// number that it would have used next.
    pub(super) fn next_seq(&self, last: Seq, own: Seq) -> Seq {
        if self.flaws.has(PbftFlaw::NumbersReused) { own } else { last + 1 }
    }

    /// §4.3: CHECKPOINTs of *different* replicas.
    pub(super) fn counts_checkpoints_again(&self) -> bool {
        self.flaws.has(PbftFlaw::CheckpointsCounted)
    }

    /// §4.3: CHECKPOINTs with the *same* digest.
    pub(super) fn same_state(&self, one: Digest, other: Digest) -> bool {
        one == other || self.flaws.has(PbftFlaw::CheckpointDigestIgnored)
    }

    /// §4.3: a state is what a quorum signed, not what one replica sends.
    pub(super) fn compares_states(&self) -> bool {
        !self.flaws.has(PbftFlaw::StateUnproven)
    }
}
