//! Reconciliation: a replica adopts the history of a new view, undoes what is not in it, and enters
//! the view when 2f + 1 replicas adopted the same (VC4, VC5).

use byzsim_core::{NodeId, Observation, Signed};

use super::message::{Certificate, Msg, Seq, ViewConfirm};
use super::replica::{Adoption, Out, Replica, Timer};
use crate::shared::quorum::vouches;

impl Replica {
    /// VC4: adopts the pending history, as soon as it has the state that it begins with.
    pub(super) fn adopt_pending(&mut self, out: &mut Out) {
        let Some(mut adoption) = self.pending.take() else { return };
        let view = adoption.new_view.view;
        assert_eq!(self.changing, Some(view), "a pending history is of the view to come");
        if self.stable() < adoption.start.stable {
            self.pending = Some(adoption);
            let proof = self.pending.as_ref().map_or_else(Vec::new, |it| it.proof.clone());
            self.stabilise(proof, out);
            // The state may have been there, or has to be fetched first.
            if !self.lacks_state() {
                self.adopt_pending(out);
            }
            return;
        }
        if self.lacks_state() {
            self.pending = Some(adoption);
            return;
        }
        if !self.is_compatible_with_checkpoint(&adoption) {
            // Only an unsafe rule, or more than f faults, lead here.
            out.observe(Observation::Reached("conflict-with-checkpoint"));
            self.suspect("a new view that contradicts a stable checkpoint", out);
            return;
        }
        let confirmed = std::mem::take(&mut adoption.confirmed);
        let own = self.adopt(adoption, out);
        if confirmed.is_empty() {
            self.try_enter(out);
        } else {
            self.enter(own, confirmed, out);
        }
    }

    /// Whether G continues, or is continued by, the own stable checkpoint. It may be longer than G
    /// if others have entered the view and worked in it.
    fn is_compatible_with_checkpoint(&self, adoption: &Adoption) -> bool {
        let base = self.history.base();
        let Some(above) = base.checked_sub(adoption.start.stable).filter(|above| 0 < *above) else {
            return self.history.digest(base) == Some(adoption.start.history);
        };
        let place = usize::try_from(above - 1).unwrap_or(usize::MAX);
        match adoption.orders.get(place) {
            Some(ordered) => self.history.digest(base) == Some(ordered.order.history),
            None => {
                let view = adoption.new_view.view;
                self.checkpoints.proof().first().is_none_or(|checkpoint| view <= checkpoint.view)
            }
        }
    }

    /// Undoes what G does not hold, and executes what G holds beyond the common prefix.
    fn adopt(&mut self, adoption: Adoption, out: &mut Out) -> ViewConfirm {
        let Adoption { new_view, start, orders, .. } = adoption;
        let view = new_view.view;
        let last = start.stable + orders.len() as u64;
        let agrees = |seq: &Seq| {
            let place = seq.checked_sub(start.stable + 1).and_then(|it| usize::try_from(it).ok());
            let theirs = place.and_then(|place| orders.get(place));
            theirs.is_some_and(|it| self.history.digest(*seq) == Some(it.order.history))
        };
        let base = self.history.base();
        let reach = base + 1..=self.executed.min(last);
        let common = reach.take_while(agrees).last().unwrap_or(base);
        self.roll_back(common, out);
        self.origin = view;
        for ordered in &orders {
            let seq = ordered.order.seq;
            if seq <= common {
                self.history.reissue(ordered);
            } else {
                self.execute(ordered.clone(), out);
            }
        }
        self.forget_overtaken_certificate();
        let history = orders.last().map_or(start.history, |ordered| ordered.order.history);
        let confirm = ViewConfirm { view, seq: last, history };
        // Once in a view, whatever comes after.
        let is_first = !self.has_adopted();
        self.adopted = Some((new_view, confirm));
        if is_first {
            out.broadcast(Msg::ViewConfirm(self.signer.sign(confirm)));
        }
        confirm
    }

    /// Undoes all slots above `to`: what they wrote, their replies, their timestamps.
    pub(super) fn roll_back(&mut self, to: Seq, out: &mut Out) {
        if self.history.last() <= to {
            return;
        }
        if self.held.as_ref().is_some_and(|held| to < held.claim.seq) {
            out.observe(Observation::Reached("rolled-back-commit"));
        }
        out.observe(Observation::RolledBack { to });
        while to < self.history.last() {
            let slot = self.history.pop();
            if let Some(undone) = slot.and_then(|slot| slot.undone) {
                self.rules.undo(&mut self.state, &undone);
            }
        }
        self.executed = to;
        self.checkpoints.roll_back(self.id, to);
    }

    /// VC5: the last VIEW-CONFIRM of each replica; of one view the first.
    pub(super) fn on_view_confirm(
        &mut self,
        from: NodeId,
        it: &Signed<ViewConfirm>,
        out: &mut Out,
    ) {
        let sender = it.signer();
        if it.view <= self.view || sender.is_client() {
            return;
        }
        if !vouches(&self.signer, from, it) {
            return;
        }
        let last = self.confirms.entry(sender).or_insert_with(|| it.clone());
        if last.view < it.view {
            *last = it.clone();
        }
        self.try_enter(out);
    }

    /// VC5: 2f + 1 replicas adopted the same history: without that, a primary could open one view
    /// with different histories, from different reports, for different replicas.
    pub(super) fn try_enter(&mut self, out: &mut Out) {
        if !self.has_adopted() || self.lacks_state() {
            return;
        }
        let Some(own) = self.adopted.as_ref().map(|(_, confirm)| *confirm) else { return };
        if self.stable() < own.seq && self.history.digest(own.seq) != Some(own.history) {
            // A stable checkpoint undid what it adopted: only an unsafe rule, or more than f
            // faults, lead here. In the view it would contradict what it confirmed, and ordered.
            return;
        }
        let matching = self.confirms.values().filter(|it| *it.body() == own);
        let confirmation: Vec<_> = matching.take(self.rules.quorum()).cloned().collect();
        if confirmation.len() == self.rules.quorum() {
            self.enter(own, confirmation, out);
        }
    }

    fn enter(&mut self, own: ViewConfirm, confirmation: Vec<Signed<ViewConfirm>>, out: &mut Out) {
        let view = own.view;
        self.changing = None;
        self.view = view;
        out.cancel_timer(Timer::NewView(view));
        self.volatile.patience.enter(view);
        self.view_changes.retain(|it| view < it.view);
        self.confirms.retain(|_, it| view < it.view);
        self.hates.retain(|_, it| view <= it.view);
        self.undone.clear();
        out.observe(Observation::EnteredView { view });
        out.observe(Observation::Reached("view-confirm"));
        let reading = self.rules.view_change();
        if reading.forgets_at_entry() {
            self.held = None;
        }
        if reading.certifies_entry(own.seq, self.stable()) {
            let votes = std::rc::Rc::new(confirmation.clone());
            self.hold(Certificate::Confirm(votes), out);
        }
        self.confirmation = confirmation;
        self.resume(out);
    }

    /// Takes up the work in a view that was just entered.
    fn resume(&mut self, out: &mut Out) {
        self.announce_unproven(out);
        let mut requests = self.volatile.waiting.take();
        requests.extend(std::mem::take(&mut self.volatile.unanswered).into_values());
        for request in requests {
            self.on_request(request.signer(), &request, out);
        }
        self.catch_up(out);
        self.execute_ready(out);
    }
}
