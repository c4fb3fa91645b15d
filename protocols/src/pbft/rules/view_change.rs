//! Rules of view changes (§4.4): what a new view takes over, and when one begins.

use std::rc::Rc;

use byzsim_core::{Certificate, Digest, NodeId, Signed, Signer, Span};

use super::super::flaws::PbftFlaw;
use super::super::log::Log;
use super::super::message::{Batch, Prepare, PreparedCertificate, Seq, View, ViewChange};
use super::super::view_change::order;
use super::Rules;
use crate::shared::patience::Patience;

impl Rules {
    /// §4.4: P, for each slot that prepared. A committed batch lives on in a quorum's P.
    pub(in crate::pbft) fn carries(
        &self,
        prepared: Vec<PreparedCertificate>,
    ) -> Vec<PreparedCertificate> {
        match self.flaws.has(PbftFlaw::PreparedForgotten) {
            false => prepared,
            true => Vec::new(),
        }
    }

    /// §4.4, §4.5.2: of each replica the last VIEW-CHANGE counts. Whether this one is later than
    /// what is known of its sender.
    pub(in crate::pbft) fn is_later(
        &self,
        known: &[Rc<Signed<ViewChange>>],
        it: &Signed<ViewChange>,
    ) -> bool {
        let last = known.iter().find(|known| known.signer() == it.signer());
        last.is_none_or(|last| last.view < it.view) || self.flaws.has(PbftFlaw::AskingCounted)
    }

    /// §4.4, §4.5.2: of each replica the last VIEW-CHANGE is kept.
    pub(in crate::pbft) fn keep_last(
        &self,
        known: &mut Vec<Rc<Signed<ViewChange>>>,
        it: &Rc<Signed<ViewChange>>,
    ) {
        if !self.flaws.has(PbftFlaw::AskingCounted) {
            known.retain(|known| known.signer() != it.signer());
        }
        known.push(Rc::clone(it));
    }

    /// §4.4: a VIEW-CHANGE is what its sender says, not what someone says in its name.
    pub(in crate::pbft) fn is_of_sender(&self, it: &Signed<ViewChange>, me: &Signer) -> bool {
        !it.signer().is_client()
            && (self.flaws.has(PbftFlaw::ViewChangeUnverified) || me.verify(it))
    }

    /// §4.2: a certificate holds PREPAREs of 2f *distinct backups* for *one* batch in *one* view,
    /// which is what `counts` says of each. Less than that a faulty primary makes by itself.
    pub(in crate::pbft) fn certifies(
        &self,
        prepares: &Certificate<Prepare>,
        me: &Signer,
        counts: impl Fn(&Prepare, NodeId) -> bool,
    ) -> bool {
        // Exactly the votes that are needed: what does not count is not carried on.
        prepares.len() == self.prepares()
            && (self.flaws.has(PbftFlaw::CertificateUnchecked)
                || prepares.proves(me, counts) && self.are_distinct(prepares))
    }

    /// §4.5.2: whether a replica joins, when so many others ask for later views than its own: at
    /// f + 1 one of them is correct. Fewer would let the faulty change views at will; and a replica
    /// whose own timer does not run, such as the primary, would be left behind without this rule.
    pub(in crate::pbft) fn joins(&self, asking: usize) -> bool {
        if self.flaws.has(PbftFlaw::NeverJoins) {
            return false;
        }
        match self.flaws.has(PbftFlaw::JoinsAtF) {
            false => self.weak() <= asking,
            true => self.faults().max(1) <= asking,
        }
    }

    /// §4.5.2: whether who asked for one view counts when the timer for the NEW-VIEW of another is
    /// to start. The paper speaks of those who ask for that very view. Who asks for a later one
    /// counts here, too: it left this one after a quorum that others may never see, as a faulty
    /// replica can complete a quorum for one replica alone, and it says again its last word only.
    pub(in crate::pbft) fn awaits_with(&self, asked: View, goal: View) -> bool {
        asked == goal || goal < asked && !self.flaws.has(PbftFlaw::LaterViewsIgnored)
    }

    /// §4.5.2: how many must ask for a view before the timer for its NEW-VIEW starts: a quorum. A
    /// replica that waits for nobody runs away from the others.
    pub(in crate::pbft) fn starts_timer(&self, asking: usize) -> bool {
        let enough = if self.flaws.has(PbftFlaw::TimerHasty) { 1 } else { self.quorum };
        enough <= asking
    }

    /// §4.5.2: each view that fails doubles the timeout: at some point it is long enough.
    pub(in crate::pbft) fn timeout(&self, base: Span, patience: &Patience) -> Span {
        match self.flaws.has(PbftFlaw::TimeoutConstant) {
            false => patience.timeout(base),
            true => base,
        }
    }

    /// §4.4: how many VIEW-CHANGEs a NEW-VIEW rests on: 2f of others and the new primary's own.
    /// That is a quorum, which shares a correct replica with each that decided something; 2f is
    /// none.
    pub(in crate::pbft) fn reports(&self) -> usize {
        match self.flaws.has(PbftFlaw::ReportsTooFew) {
            false => self.quorum,
            true => self.quorum - 1,
        }
    }

    /// §4.4: the new primary opens its view with a quorum of VIEW-CHANGEs, its own first. It
    /// proposes what follows from them, even where another batch prepared at itself.
    pub(in crate::pbft) fn opens(
        &self,
        view_changes: &[Rc<Signed<ViewChange>>],
        me: NodeId,
        log: &Log,
    ) -> bool {
        let locked = |(seq, digest): &(Seq, Digest)| self.is_locked_out(*seq, *digest, log);
        view_changes.len() == self.reports()
            && view_changes[0].signer() == me
            // Its proposals are its votes.
            && !(self.flaws.has(PbftFlaw::LockKept)
                && order(view_changes, self).proposals.iter().any(locked))
    }

    /// §4.4: min-s is the *latest* stable checkpoint in V, whatever its name says: what lies below
    /// is done, and its certificates are gone. Its place and slot.
    pub(in crate::pbft) fn min_s(
        &self,
        checkpoints: impl Iterator<Item = Seq>,
    ) -> Option<(usize, Seq)> {
        let numbered = checkpoints.enumerate();
        match self.flaws.has(PbftFlaw::SmallestCheckpoint) {
            false => numbered.max_by_key(|(_, seq)| *seq),
            true => numbered.min_by_key(|(_, seq)| *seq),
        }
    }

    /// §4.4: O has one proposal for *each* slot from min-s + 1 to max-s, that one included: the
    /// null request where nobody prepared, or nothing above it would ever execute; else what a
    /// certificate proves. One valid certificate is enough: a committed batch may be known to one
    /// correct replica of a quorum only.
    pub(in crate::pbft) fn proposes_all(
        &self,
        mut proposals: Vec<(Seq, Digest)>,
        view_changes: &[Rc<Signed<ViewChange>>],
    ) -> Vec<(Seq, Digest)> {
        let certificates = || view_changes.iter().flat_map(|it| &it.prepared);
        let certified = || certificates().map(|it| (it.pre_prepare.seq, it.pre_prepare.digest));
        if self.flaws.has(PbftFlaw::LastSlotDropped) {
            proposals.pop();
        }
        if self.flaws.has(PbftFlaw::GapsLeft) {
            proposals.retain(|(seq, _)| certified().any(|(prepared, _)| prepared == *seq));
        }
        if self.flaws.has(PbftFlaw::NullPreferred) {
            for proposal in &mut proposals {
                if certified().filter(|it| it == proposal).count() < self.weak() {
                    proposal.1 = Batch::null_digest();
                }
            }
        }
        proposals
    }

    /// §4.4: a backup verifies O by a computation like the primary's: the primary may lie.
    pub(in crate::pbft) fn follows<T: PartialEq>(&self, proposed: &[T], computed: &[T]) -> bool {
        proposed == computed || self.flaws.has(PbftFlaw::NewViewBelieved)
    }

    /// §4.4: whether a NEW-VIEW with valid VIEW-CHANGEs that is not accepted proves its primary
    /// faulty: it does if what the primary signed is wrong. Its signature does not cover those
    /// inside, and any replica passes a NEW-VIEW on: a bad one may be that replica's doing.
    pub(in crate::pbft) fn is_proof(&self, follows: bool) -> bool {
        !follows || self.flaws.has(PbftFlaw::GarbageProves)
    }

    /// §4.4: a new primary numbers on above max-s: the slots up to it are given away.
    pub(in crate::pbft) fn number_on(&self, next: &mut Seq, last: Seq) {
        if !self.flaws.has(PbftFlaw::NumbersReused) {
            *next = last + 1;
        }
    }
}
