//! The log of a replica: for each slot of the window, what the current view says about it.

use std::collections::BTreeMap;
use std::rc::Rc;

use byzsim_core::{Certificate, Digest, Signed};

use super::message::{Batch, Commit, Decision, PrePrepare, Prepare, PreparedCertificate, Seq};
use super::rules::Rules;
use crate::shared::quorum::Votes;

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
    slots: BTreeMap<Seq, Slot>,
    /// The batches of slots above the last stable checkpoint, of all views: a later view may
    /// propose a batch again by its digest alone.
    /// There is seldom more than one for a slot.
    batches: BTreeMap<Seq, Vec<(Digest, Rc<Batch>)>>,
    /// For slots that prepared in views before the current one: the certificate of the highest.
    certificates: BTreeMap<Seq, PreparedCertificate>,
    /// Slots that were decided in views before the current one, or by the word of others.
    decisions: BTreeMap<Seq, Decision>,
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
        self.collected_prepares(digest).is_some()
            || rules.prepares()
                <= rules.tally(self.matching_prepares(rules, digest).map(Signed::signer))
    }

    /// §4.2, *committed-local(m, v, n, i)*.
    pub(super) fn may_commit(&self, rules: &Rules) -> bool {
        let Some(digest) = self.digest() else { return false };
        self.prepared
            && (self.collected_commits(digest).is_some()
                || rules.commits() <= rules.committers(self, digest))
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

impl Log {
    pub(super) fn get(&self, seq: Seq) -> Option<&Slot> {
        self.slots.get(&seq)
    }

    pub(super) fn slot(&mut self, seq: Seq) -> &mut Slot {
        self.slots.entry(seq).or_default()
    }

    /// The slots from `seq` on.
    pub(super) fn from(&self, seq: Seq) -> impl DoubleEndedIterator<Item = (Seq, &Slot)> {
        self.slots.range(seq..).map(|(seq, slot)| (*seq, slot))
    }

    pub(super) fn batch(&self, seq: Seq, digest: Digest) -> Option<&Rc<Batch>> {
        self.batches.get(&seq)?.iter().find(|(known, _)| *known == digest).map(|(_, it)| it)
    }

    /// Keeps the batch that a proposal for `seq` names by this digest.
    pub(super) fn keep_batch(&mut self, seq: Seq, digest: Digest, batch: &Rc<Batch>) {
        if self.batch(seq, digest).is_none() {
            self.batches.entry(seq).or_default().push((digest, Rc::clone(batch)));
        }
    }

    /// The batch that the current view proposes for `seq`, if it is known.
    pub(super) fn proposed(&self, seq: Seq) -> Option<(Digest, &Rc<Batch>)> {
        let digest = self.slots.get(&seq)?.digest()?;
        self.batch(seq, digest).map(|batch| (digest, batch))
    }

    /// Proposals of the current view whose batch is unknown.
    pub(super) fn missing(&self) -> Vec<(Seq, Digest)> {
        let digest = |(seq, slot): (&Seq, &Slot)| slot.digest().map(|digest| (*seq, digest));
        let unknown = |(seq, digest): &(Seq, Digest)| self.batch(*seq, *digest).is_none();
        self.slots.iter().filter_map(digest).filter(unknown).collect()
    }

    /// Leaves the current view: its votes go, what prepared in it stays as a certificate.
    pub(super) fn leave_view(&mut self, rules: &Rules) {
        for seq in self.slots.keys().copied().collect::<Vec<_>>() {
            if let Some(decision) = self.decision(seq, rules) {
                self.decisions.insert(seq, decision);
            }
        }
        for (seq, slot) in std::mem::take(&mut self.slots) {
            if let Some(certificate) = slot.certificate(rules) {
                self.certificates.insert(seq, certificate);
            }
        }
    }

    /// The proof that a slot is decided, if it is.
    pub(super) fn decision(&self, seq: Seq, rules: &Rules) -> Option<Decision> {
        let Some(slot) = self.slots.get(&seq).filter(|slot| slot.committed) else {
            return self.decisions.get(&seq).cloned();
        };
        let (digest, batch) = self.proposed(seq)?;
        let commits = slot.collected_commits(digest).cloned().unwrap_or_else(|| {
            let matching = slot.matching_commits(rules, digest);
            matching.take(rules.commits()).cloned().collect::<Vec<_>>().into()
        });
        Some(Decision { commits, batch: Rc::clone(batch) })
    }

    /// What was decided for a slot.
    pub(super) fn decided(&self, seq: Seq) -> Option<&Rc<Batch>> {
        match self.slots.get(&seq) {
            Some(slot) if slot.committed => self.proposed(seq).map(|(_, batch)| batch),
            _ => self.decisions.get(&seq).map(|decision| &decision.batch),
        }
    }

    pub(super) fn keep_decision(&mut self, seq: Seq, decision: &Decision) {
        self.decisions.insert(seq, decision.clone());
    }

    /// Whether this slot is proposed or decided.
    pub(super) fn has_begun(&self, seq: Seq) -> bool {
        self.slots.get(&seq).is_some_and(|slot| slot.pre_prepare.is_some())
            || self.decisions.contains_key(&seq)
    }

    /// The last slot that has begun or is decided.
    pub(super) fn last(&self) -> Seq {
        let slot = self.slots.last_key_value().map_or(0, |(seq, _)| *seq);
        let decision = self.decisions.last_key_value().map_or(0, |(seq, _)| *seq);
        slot.max(decision)
    }

    /// P of §4.4: for each slot that prepared, the certificate of the highest view.
    pub(super) fn prepared(&self) -> Vec<PreparedCertificate> {
        self.certificates.values().cloned().collect()
    }

    /// §4.3: forgets the slots up to a stable checkpoint.
    pub(super) fn collect_garbage(&mut self, stable: Seq) {
        self.slots = self.slots.split_off(&(stable + 1));
        self.certificates = self.certificates.split_off(&(stable + 1));
        self.decisions = self.decisions.split_off(&(stable + 1));
        self.batches = self.batches.split_off(&(stable + 1));
    }

    /// The batch that prepared for this slot in the views before the current one, if any.
    pub(super) fn prepared_before(&self, seq: Seq) -> Option<Digest> {
        self.certificates.get(&seq).map(|certificate| certificate.pre_prepare.digest)
    }

    /// Whether some slot above `executed` is open: it is proposed or decided, or a collector shows
    /// that it is. A vote may be a liar's, for a slot that will never begin.
    pub(super) fn has_open(&self, executed: Seq) -> bool {
        let above = executed + 1;
        self.decisions.range(above..).next().is_some()
            || self.slots.range(above..).any(|(_, slot)| slot.is_open())
    }
}
