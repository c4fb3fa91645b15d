//! The rules of the paper that a planted flaw can break, each with what it protects from.
//!
//! Every flaw of Zyzzyva lives here, in the one rule that it breaks; the handlers ask the rule. The
//! names are those of the catalogue of real bugs (`docs/flaws.md`). How a new view chooses its
//! history is a parameter with several values, side by side in [`super::selection`]; a flaw can
//! name each of the wrong ones.

use byzsim_core::{Committee, NodeId, ReplicaSet, Signed, Signer, Statement};

use super::Params;
use super::flaws::ZyzzyvaFlaw;
use super::message::{Seq, SpecResponse, View};
use super::selection::{Step, ViewChangeRule};
use crate::catalogue::Flaws;
use crate::quorum::quorum;

/// The rules, for one committee.
#[derive(Clone, Debug)]
pub(super) struct Rules {
    committee: Committee,
    flaws: Flaws<ZyzzyvaFlaw>,
    view_change: ViewChangeRule,
}

/// The flaws that are rules of the view change.
const RULES: [(ZyzzyvaFlaw, ViewChangeRule); 5] = [
    (ZyzzyvaFlaw::OriginalViewChange, ViewChangeRule::Original),
    (ZyzzyvaFlaw::FPlus1First, ViewChangeRule::FPlus1First),
    (ZyzzyvaFlaw::CcByView, ViewChangeRule::CcByView),
    (ZyzzyvaFlaw::NotStrict, ViewChangeRule::NotStrict),
    (ZyzzyvaFlaw::LatestClientCertificateOnly, ViewChangeRule::LatestClientCertificateOnly),
];

impl Rules {
    pub(super) fn new(committee: Committee, params: &Params) -> Self {
        let flaws = params.flaws.clone();
        let planted = RULES.iter().find(|(flaw, _)| flaws.has(*flaw));
        let view_change = planted.map_or(params.view_change, |(_, rule)| *rule);
        Self { committee, flaws, view_change }
    }

    /// View v has primary v mod n.
    pub(super) fn primary(&self, view: View) -> NodeId {
        let number = view % u64::from(self.committee.replicas);
        NodeId::Replica(u16::try_from(number).expect("below n"))
    }

    /// All replicas.
    pub(super) fn replicas(&self) -> impl Iterator<Item = NodeId> + use<> {
        self.committee.replica_ids()
    }

    /// 3f + 1: all.
    pub(super) fn everyone(&self) -> usize {
        usize::from(self.committee.replicas)
    }

    /// 2f + 1 of 3f + 1. Any two share a correct replica.
    pub(super) fn quorum(&self) -> usize {
        quorum(usize::from(self.committee.replicas), usize::from(self.committee.faults))
    }

    /// f + 1: at least one of them is correct.
    pub(super) const fn weak(&self) -> usize {
        self.committee.faults as usize + 1
    }

    /// Step 4a: a client completes on 3f + 1 matching responses: then every correct replica holds
    /// the request, and f + 1 of any 2f + 1 that report at a view change say so.
    pub(super) fn responses(&self) -> usize {
        match self.flaws.has(ZyzzyvaFlaw::ClientImpatient) {
            false => self.everyone(),
            true => self.quorum(),
        }
    }

    /// Steps 4a, 4b: responses match iff all that they say is equal. Equal answers alone may rest
    /// on different histories, of which a view change keeps one.
    pub(super) fn match_each_other(&self, one: &SpecResponse, other: &SpecResponse) -> bool {
        match self.flaws.has(ZyzzyvaFlaw::ResponsesMixed) {
            false => one == other,
            true => one.answer == other.answer && one.timestamp == other.timestamp,
        }
    }

    /// A certificate is the word of 2f + 1 *distinct* replicas, each *verified*: a list of names
    /// that anyone can write certifies nothing.
    pub(super) fn certifies<T: Statement + PartialEq>(
        &self,
        votes: &[Signed<T>],
        signer: &Signer,
    ) -> bool {
        let Some(first) = votes.first() else { return false };
        if votes.iter().any(|vote| vote.body() != first.body()) {
            return false;
        }
        if self.flaws.has(ZyzzyvaFlaw::CertificateUnverified) {
            return self.quorum() <= votes.len();
        }
        // Exactly so many: who keeps it passes it on.
        if votes.len() != self.quorum() {
            return false;
        }
        let counts = |it: &&Signed<T>| !it.signer().is_client() && signer.verify(it);
        let signers: ReplicaSet = votes.iter().filter(counts).map(Signed::signer).collect();
        signers.len() == votes.len()
    }

    /// ORDER-REQs are executed in order, without gaps, and only if the digest of the history is the
    /// own one, continued.
    pub(super) fn checks_history(&self) -> bool {
        !self.flaws.has(ZyzzyvaFlaw::GapsExecuted)
    }

    /// The slot that an order is executed in.
    pub(super) fn executes(&self, seq: Seq, next: Seq) -> bool {
        seq == next || next < seq && !self.checks_history()
    }

    /// What is undone never happened: no reply, no timestamp of it stays. Otherwise a client is
    /// answered from a history that no longer exists, and its request is never executed again.
    pub(super) fn undoes_replies(&self) -> bool {
        !self.flaws.has(ZyzzyvaFlaw::CacheSurvives)
    }

    /// VC2: f + 1 accusations, one of them from a correct replica.
    pub(super) fn accusations(&self) -> usize {
        match self.flaws.has(ZyzzyvaFlaw::HateAlone) {
            false => self.weak(),
            true => 1,
        }
    }

    /// VC2: a VIEW-CHANGE carries the accusations that justify it, so that one faulty replica
    /// cannot change views at will.
    pub(super) fn asks_for_accusations(&self) -> bool {
        !self.flaws.has(ZyzzyvaFlaw::Unaccused)
    }
    /// VC1: who suspects the primary keeps working. As no phase of agreement commits anything at
    /// the replicas, one that stopped alone, beside f silent ones, would block clients for ever.
    pub(super) fn stops(&self, suspects: bool) -> bool {
        suspects && self.flaws.has(ZyzzyvaFlaw::StopsAlone)
    }

    /// VC3: how a new view chooses its history: the parameter's value, or that which a flaw names.
    pub(super) const fn view_change(&self) -> ViewChangeRule {
        self.view_change
    }

    /// VC3: reports agree on a slot if they agree on the whole history up to it. Who counts those
    /// of one request together takes the history before it from one of them, which may be the
    /// liar's.
    pub(super) fn agree(&self, one: Step, other: Step) -> bool {
        match self.flaws.has(ZyzzyvaFlaw::DigestMatched) {
            false => one == other,
            true => one.digest == other.digest,
        }
    }

    /// VC3: all that open a view asked for this very one. Who asked for an earlier one may have
    /// helped to complete something since.
    pub(super) fn opens(&self, asked: View, view: View) -> bool {
        asked == view || asked < view && self.flaws.has(ZyzzyvaFlaw::ViewsMixed)
    }

    /// CHECKPOINT says that a certificate covers the slot. Without one f + 1 correct replicas know
    /// of the history, and a new view hears of one of them only: less than f + 1.
    pub(super) fn takes_checkpoint(&self, covered: bool) -> bool {
        covered || self.flaws.has(ZyzzyvaFlaw::CheckpointUncovered)
    }
}
