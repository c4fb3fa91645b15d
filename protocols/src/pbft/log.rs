//! The log of a replica: for each slot of the window, what the current view says about it.

use std::rc::Rc;

use byzsim_core::{Certificate, Digest, Signed};

use super::message::{Batch, Commit, Decision, PrePrepare, Prepare, PreparedCertificate, Seq};
use super::rules::Rules;
use crate::shared::quorum::Votes;
use byzsim_core::Sorted;

/// What the current view says about one slot.
#[derive(Clone, Debug, Default)]
pub(super) struct Slot {
    pub(super) pre_prepare: Option<Signed<PrePrepare>>,
    pub(super) prepares: Votes<Prepare>,
    pub(super) commits: Votes<Commit>,
    /// *prepared*: its COMMIT was sent.
    pub(super) prepared: bool,
    /// *committed-local*.
    pub(super) committed: bool,
    /// What a collector made of votes that went to it, where they go to one.
    pub(super) collected: Collected,
}

/// The certificates of a collector: they stand for the votes that others never see. There is none
/// where votes go to everybody.
#[derive(Clone, Debug, Default)]
pub(super) struct Collected {
    /// PREPAREs of 2f backups.
    pub(super) prepares: Option<Certificate<Prepare>>,
    /// COMMITs of 2f + 1 replicas.
    pub(super) commits: Option<Certificate<Commit>>,
}

/// The log.
#[derive(Clone, Debug, Default)]
pub(super) struct Log {
    places: Sorted<Seq, Box<Place>>,
    /// Places that were forgotten, emptied: the next slots take their memory.
    #[expect(clippy::vec_box, reason = "they are large, and move to and fro")]
    spare: Vec<Box<Place>>,
}

/// What is known of a place in the order.
#[derive(Clone, Debug, Default)]
struct Place {
    /// What the current view says of it.
    slot: Slot,
    /// Whether it says anything: a proposal came, or a vote.
    is_current: bool,
    /// The batches for it, of all views: a later view may propose a batch again by its digest
    /// alone. There is seldom more than one.
    batches: Vec<(Digest, Rc<Batch>)>,
    /// If it prepared in views before the current one: the certificate of the highest.
    certificate: Option<PreparedCertificate>,
    /// If it was decided in views before the current one, or by the word of others.
    decision: Option<Decision>,
}

impl Slot {
    pub(super) fn digest(&self) -> Option<Digest> {
        self.pre_prepare.as_ref().map(|pre_prepare| pre_prepare.digest)
    }

    /// The slot begins with this proposal, which is not *prepared*.
    pub(super) fn propose(&mut self, pre_prepare: Signed<PrePrepare>) {
        self.pre_prepare = Some(pre_prepare);
        self.prepared = false;
    }

    /// The PREPAREs that count for the accepted proposal.
    pub(super) fn matching_prepares<'a>(
        &'a self,
        rules: &'a Rules,
        digest: Digest,
    ) -> impl Iterator<Item = &'a Signed<Prepare>> {
        self.prepares.iter().filter(move |vote| rules.matches(vote.digest, digest))
    }

    /// §4.2, *prepared(m, v, n, i)*, given that the batch is in the log.
    pub(super) fn may_prepare(&self, rules: &Rules) -> bool {
        let Some(digest) = self.digest() else { return false };
        self.collected_prepares(digest).is_some() || rules.are_prepares_enough(self, digest)
    }

    /// §4.2, *committed-local(m, v, n, i)*.
    pub(super) fn may_commit(&self, rules: &Rules) -> bool {
        let Some(digest) = self.digest() else { return false };
        self.prepared
            && (self.collected_commits(digest).is_some() || rules.are_commits_enough(self, digest))
    }

    fn is_open(&self) -> bool {
        let Collected { prepares, commits } = &self.collected;
        self.pre_prepare.is_some() || prepares.is_some() || commits.is_some()
    }

    fn collected_prepares(&self, digest: Digest) -> Option<&Certificate<Prepare>> {
        let is_for_it = |vote: &Prepare| vote.digest == digest;
        self.collected.prepares.as_ref().filter(|it| it.first().is_some_and(is_for_it))
    }

    fn collected_commits(&self, digest: Digest) -> Option<&Certificate<Commit>> {
        let is_for_it = |vote: &Commit| vote.digest == digest;
        self.collected.commits.as_ref().filter(|it| it.first().is_some_and(is_for_it))
    }

    /// The COMMITs that count for the accepted proposal.
    pub(super) fn matching_commits<'a>(
        &'a self,
        rules: &'a Rules,
        digest: Digest,
    ) -> impl Iterator<Item = &'a Signed<Commit>> {
        self.commits.iter().filter(move |vote| rules.matches(vote.digest, digest))
    }

    pub(super) fn certificate(&self, rules: &Rules) -> Option<PreparedCertificate> {
        let pre_prepare = self.pre_prepare.clone().filter(|_| self.prepared)?;
        if let Some(collected) = self.collected_prepares(pre_prepare.digest) {
            return Some(PreparedCertificate { pre_prepare, prepares: collected.clone() });
        }
        let matching = self.matching_prepares(rules, pre_prepare.digest);
        let prepares: Vec<_> = matching.take(rules.prepares()).cloned().collect();
        Some(PreparedCertificate { pre_prepare, prepares: prepares.into() })
    }
}

impl Slot {
    /// Forgets all, and keeps the memory.
    fn empty(&mut self) {
        let Self { pre_prepare, prepares, commits, prepared, committed, collected } = self;
        (*pre_prepare, *prepared, *committed) = (None, false, false);
        prepares.clear();
        commits.clear();
        *collected = Collected::default();
    }
}

impl Place {
    /// Forgets all, and keeps the memory.
    fn empty(&mut self) {
        let Self { slot, is_current, batches, certificate, decision } = self;
        slot.empty();
        batches.clear();
        (*is_current, *certificate, *decision) = (false, None, None);
    }

    /// What the current view says of it, if anything.
    fn current(&self) -> Option<&Slot> {
        self.is_current.then_some(&self.slot)
    }

    fn batch(&self, digest: Digest) -> Option<&Rc<Batch>> {
        self.batches.iter().find(|(known, _)| *known == digest).map(|(_, it)| it)
    }

    /// The batch that the current view proposes, if it is known.
    fn proposed(&self) -> Option<(Digest, &Rc<Batch>)> {
        let digest = self.slot.digest()?;
        self.batch(digest).map(|batch| (digest, batch))
    }

    /// The proof that it is decided, if it is.
    fn decision(&self, rules: &Rules) -> Option<Decision> {
        let slot = &self.slot;
        if !slot.committed {
            return self.decision.clone();
        }
        let (digest, batch) = self.proposed()?;
        let commits = slot.collected_commits(digest).cloned().unwrap_or_else(|| {
            let matching = slot.matching_commits(rules, digest);
            matching.take(rules.commits()).cloned().collect::<Vec<_>>().into()
        });
        Some(Decision { commits, batch: Rc::clone(batch) })
    }

    /// What was decided for it.
    fn decided(&self) -> Option<&Rc<Batch>> {
        match self.slot.committed {
            true => self.proposed().map(|(_, batch)| batch),
            false => self.decision.as_ref().map(|decision| &decision.batch),
        }
    }

    /// Leaves the current view.
    fn leave_view(&mut self, rules: &Rules) {
        if let Some(decision) = self.decision(rules) {
            self.decision = Some(decision);
        }
        self.certificate = self.slot.certificate(rules).or(self.certificate.take());
        self.slot.empty();
        self.is_current = false;
    }
}

impl Log {
    fn place(&mut self, seq: Seq) -> &mut Place {
        self.places.or_insert_with(seq, || self.spare.pop().unwrap_or_default())
    }

    pub(super) fn get(&self, seq: Seq) -> Option<&Slot> {
        self.places.get(seq)?.current()
    }

    pub(super) fn slot(&mut self, seq: Seq) -> &mut Slot {
        let place = self.place(seq);
        place.is_current = true;
        &mut place.slot
    }

    /// The slots from `seq` on.
    pub(super) fn from(&self, seq: Seq) -> impl Iterator<Item = (Seq, &Slot)> {
        self.places.from(seq).filter_map(|(seq, place)| Some((seq, place.current()?)))
    }

    pub(super) fn batch(&self, seq: Seq, digest: Digest) -> Option<&Rc<Batch>> {
        self.places.get(seq)?.batch(digest)
    }

    /// Keeps the batch that a proposal for `seq` names by this digest.
    pub(super) fn keep_batch(&mut self, seq: Seq, digest: Digest, batch: &Rc<Batch>) {
        let place = self.place(seq);
        if place.batch(digest).is_none() {
            place.batches.push((digest, Rc::clone(batch)));
        }
    }

    /// The slot of a proposal of the current view whose batch is known.
    pub(super) fn proposed_slot(&mut self, seq: Seq) -> Option<(Digest, &mut Slot)> {
        let place = self.places.get_mut(seq)?;
        let (digest, _) = place.proposed()?;
        Some((digest, &mut place.slot))
    }

    /// The batch that the current view proposes for `seq`, if it is known.
    pub(super) fn proposed(&self, seq: Seq) -> Option<(Digest, &Rc<Batch>)> {
        self.places.get(seq)?.proposed()
    }

    /// Proposals of the current view whose batch is unknown.
    pub(super) fn missing(&self) -> Vec<(Seq, Digest)> {
        let proposed = self.places.iter().filter_map(|(seq, place)| {
            let digest = place.slot.digest()?;
            Some((seq, place, digest))
        });
        let unknown = proposed.filter(|(_, place, digest)| place.batch(*digest).is_none());
        unknown.map(|(seq, _, digest)| (seq, digest)).collect()
    }

    /// Leaves the current view: its votes go, what prepared in it stays as a certificate.
    pub(super) fn leave_view(&mut self, rules: &Rules) {
        self.places.values_mut().for_each(|place| place.leave_view(rules));
    }

    /// The proof that a slot is decided, if it is.
    pub(super) fn decision(&self, seq: Seq, rules: &Rules) -> Option<Decision> {
        self.places.get(seq)?.decision(rules)
    }

    /// What was decided for a slot.
    pub(super) fn decided(&self, seq: Seq) -> Option<&Rc<Batch>> {
        self.places.get(seq)?.decided()
    }

    pub(super) fn keep_decision(&mut self, seq: Seq, decision: &Decision) {
        self.place(seq).decision = Some(decision.clone());
    }

    /// Whether this slot is proposed or decided.
    pub(super) fn has_begun(&self, seq: Seq) -> bool {
        let place = self.places.get(seq);
        place.is_some_and(|it| it.slot.pre_prepare.is_some() || it.decision.is_some())
    }

    /// The last slot of which the current view says anything, or that is decided.
    pub(super) fn last(&self) -> Seq {
        let is_known = |it: &Place| it.is_current || it.decision.is_some();
        self.places.iter().rfind(|(_, place)| is_known(place)).map_or(0, |(seq, _)| seq)
    }

    /// P of §4.4: for each slot that prepared, the certificate of the highest view.
    pub(super) fn prepared(&self) -> impl Iterator<Item = &PreparedCertificate> {
        self.places.values().filter_map(|place| place.certificate.as_ref())
    }

    /// §4.3: forgets the slots up to a stable checkpoint.
    pub(super) fn collect_garbage(&mut self, stable: Seq) {
        for (_, mut place) in self.places.take_through(stable) {
            place.empty();
            self.spare.push(place);
        }
    }

    /// The batch that prepared for this slot in the views before the current one, if any.
    pub(super) fn prepared_before(&self, seq: Seq) -> Option<Digest> {
        self.places.get(seq)?.certificate.as_ref().map(|it| it.pre_prepare.digest)
    }

    /// Whether some slot above `executed` is open: it is proposed or decided, or a collector shows
    /// that it is. A vote may be a liar's, for a slot that will never begin.
    pub(super) fn has_open(&self, executed: Seq) -> bool {
        let is_open = |it: &Place| it.decision.is_some() || it.slot.is_open();
        self.places.from(executed + 1).any(|(_, place)| is_open(place))
    }
}
