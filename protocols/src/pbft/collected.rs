//! What a replica takes from certificates, and what it makes them of, where votes go to a collector
//! instead of to everybody: the parts of PBFT that linear PBFT ([`crate::linear_pbft`]) needs.
//! PBFT itself uses none of this.

use byzsim_core::{Certificate, CertificateForm, Encoder, Statement};

use super::log::Slot;
use super::message::{Commit, Msg, Prepare, Seq, View};
use super::replica::{Out, Replica};

impl Replica {
    /// The view that it is in.
    pub(crate) const fn view(&self) -> View {
        self.view
    }

    /// The last slot that it executed.
    pub(crate) const fn executed(&self) -> Seq {
        self.executed
    }

    /// h.
    pub(crate) const fn last_stable(&self) -> Seq {
        self.stable()
    }

    /// Whether votes on this slot of this view are of use now.
    pub(crate) fn takes_votes_on(&self, view: View, seq: Seq) -> bool {
        self.is_active() && view == self.view && self.in_window(seq)
    }

    /// Whether votes on this slot of this view may be of use later.
    pub(crate) fn will_take_votes_on(&self, view: View, seq: Seq) -> bool {
        let high = self.stable().saturating_add(self.params.window);
        self.view < view || view == self.view && high < seq
    }

    /// Whether a certificate of PREPAREs on this slot is news.
    pub(crate) fn lacks_prepares(&self, seq: Seq) -> bool {
        self.log.get(seq).is_none_or(|slot| !slot.prepared && slot.collected.prepares.is_none())
    }

    /// Whether a certificate of COMMITs on this slot is news.
    pub(crate) fn lacks_commits(&self, seq: Seq) -> bool {
        self.log.get(seq).is_none_or(|slot| !slot.committed && slot.collected.commits.is_none())
    }

    /// Takes a verified certificate in place of the PREPAREs in it.
    pub(crate) fn take_prepares(&mut self, seq: Seq, it: Certificate<Prepare>, out: &mut Out) {
        self.log.slot(seq).collected.prepares = Some(it);
        self.try_prepare(seq, out);
        self.watch(out);
    }

    /// Takes a verified certificate in place of the COMMITs in it.
    pub(crate) fn take_commits(&mut self, seq: Seq, it: Certificate<Commit>, out: &mut Out) {
        self.log.slot(seq).collected.commits = Some(it);
        self.try_commit(seq, out);
        self.watch(out);
    }

    /// As the collector of its view: the certificate of what prepared in a slot. It is made once.
    pub(crate) fn collect_prepares(
        &mut self,
        seq: Seq,
        form: CertificateForm,
    ) -> Option<Certificate<Prepare>> {
        let prepares = self.log.get(seq)?.certificate(&self.rules)?.prepares;
        let made = self.put_together(prepares, form)?;
        self.log.slot(seq).collected.prepares = Some(made.clone());
        Some(made)
    }

    /// As the collector of its view: the certificate of what it committed in a slot. It is made
    /// once.
    pub(crate) fn collect_commits(
        &mut self,
        seq: Seq,
        form: CertificateForm,
    ) -> Option<Certificate<Commit>> {
        self.log.get(seq).filter(|slot| slot.committed)?;
        let commits = self.log.decision(seq, &self.rules)?.commits;
        let made = self.put_together(commits, form)?;
        self.log.slot(seq).collected.commits = Some(made.clone());
        Some(made)
    }

    fn put_together<T: Statement + Clone>(
        &self,
        votes: Certificate<T>,
        form: CertificateForm,
    ) -> Option<Certificate<T>> {
        match votes {
            Certificate::List(votes) => self.signer.certify(votes, form),
            Certificate::Aggregate(_) => Some(votes),
        }
    }

    /// Says how far it came, to who may have heard nothing of it.
    pub(crate) fn tell_progress(&self, out: &mut Out) {
        out.send_each(self.others(), Msg::Status(self.progress()));
    }

    /// Writes down which certificates it holds, to compare states.
    pub(crate) fn write_collected(&self, out: &mut Encoder) {
        let held = |slot: &Slot| {
            [slot.collected.prepares.is_some(), slot.collected.commits.is_some()].map(u8::from)
        };
        for (seq, slot) in self.log.from(0) {
            out.u64(seq).raw(&held(slot));
        }
    }
}
