//! View changes: suspicion, accusation, VIEW-CHANGE, NEW-VIEW.
//!
//! VC1: who suspects the primary says so and *keeps working*: as no phase of agreement commits
//! anything at the replicas, a lone suspicious replica that stopped could block clients for ever.
//! VC2: on f + 1 accusations a replica stops, and reports what it may have helped to complete.
//! VC3: from 2f + 1 reports the new primary, and every replica after it, computes the history that
//! the view starts with ([`super::selection`]).

use std::collections::BTreeMap;
use std::rc::Rc;

use byzsim_core::{Digest, NodeId, Observation, ReplicaSet, Signed};

use super::evidence::{Exhibit, evidence};
use super::message::{
    Certified, GENESIS, Hate, Link, Msg, NewView, OrderReq, Ordered, Past, View, ViewChange,
    ViewConfirm, chain, null_digest,
};
use super::replica::{Adoption, Out, Replica, Timer};
use super::selection::{Report, Start, Step};
use crate::shared::quorum::vouches;

impl Replica {
    /// VC1.
    pub(super) fn suspect(&mut self, reason: &'static str, out: &mut Out) {
        let node = self.rules.primary(self.goal());
        out.observe(Observation::Suspected { node, reason });
        self.hate(out);
    }

    /// Says I-HATE-THE-PRIMARY of the view that it is in, or on the way to; once.
    pub(super) fn hate(&mut self, out: &mut Out) {
        let view = self.goal();
        if self.hates.get(&self.id).is_none_or(|hate| hate.view < view) {
            let hate = self.signer.sign(Hate { view });
            out.observe(Observation::GaveUp { view, primary: self.rules.primary(view) });
            self.hates.insert(self.id, hate.clone());
            out.broadcast(Msg::Hate(hate));
        }
    }

    /// POM: two orders of one primary that no correct primary gives both: one slot, two orders; or
    /// one request, two slots. Anyone can check the signatures.
    pub(super) fn on_proof(
        &mut self,
        one: &Signed<OrderReq>,
        other: &Signed<OrderReq>,
        out: &mut Out,
    ) {
        let view = one.view;
        let is_news = self.volatile.proven.as_ref().is_none_or(|[last, _]| last.view < view);
        let is_against = self.rules.is_against(view, self.view);
        if !is_against || !self.is_active() || !is_news || !contradict(one, other) {
            return;
        }
        let primary = self.rules.primary(view);
        let signed = |it: &Signed<OrderReq>| it.signer() == primary && self.signer.verify(it);
        if !signed(one) || !signed(other) {
            return;
        }
        self.volatile.proven = Some([one.clone(), other.clone()]);
        let reason = "two orders that contradict each other";
        let evidence = evidence([one.clone(), other.clone()].map(Exhibit::OrderReq));
        out.observe(Observation::Proven { node: primary, reason, evidence });
        out.send_each(self.others(), Msg::ProofOfMisbehaviour(one.clone(), other.clone()));
        self.volatile.contradicted = true;
        self.hate(out);
    }

    /// VC2: f + 1 accusations, one of them from a correct replica: leave the view.
    pub(super) fn on_hate(&mut self, from: NodeId, it: &Signed<Hate>, out: &mut Out) {
        let sender = it.signer();
        if it.view < self.goal() || sender.is_client() {
            return;
        }
        if !vouches(&self.signer, from, it) {
            return;
        }
        let last = self.hates.entry(sender).or_insert_with(|| it.clone());
        if last.view < it.view {
            *last = it.clone();
        }
        let same = self.hates.values().filter(|hate| hate.view == it.view);
        let hates: Vec<_> = same.take(self.rules.accusations()).cloned().collect();
        // There is none after the last view.
        let next = it.view.checked_add(1).filter(|_| hates.len() == self.rules.accusations());
        if let Some(next) = next {
            self.start_view_change(next, hates, "f + 1 accusations", out);
        }
    }

    /// Stops the agreement and asks for `view`.
    fn start_view_change(
        &mut self,
        view: View,
        hates: Vec<Signed<Hate>>,
        reason: &'static str,
        out: &mut Out,
    ) {
        assert!(self.goal() < view, "views move up");
        self.leave_for(view, out);
        out.observe(Observation::ViewChangeStarted { view, reason });
        self.forget_overtaken_certificate();
        let certificate = self.held.as_ref().map(|held| Certified {
            certificate: held.certificate.clone(),
            path: held.path.clone(),
        });
        let view_change = Rc::new(self.signer.sign(ViewChange {
            view,
            stable: self.stable(),
            proof: self.checkpoints.proof().to_vec(),
            certificate,
            origin: self.origin,
            history: self.history.orders().cloned().collect(),
            hates,
        }));
        out.broadcast(Msg::ViewChange(Rc::clone(&view_change), self.past.clone()));
        let mut past = self.past.0.to_vec();
        past.push(view_change);
        self.past = Past(Rc::new(past));
    }

    /// Stops the agreement.
    pub(super) fn leave_for(&mut self, view: View, out: &mut Out) {
        self.stop_order_timer(out);
        if self.volatile.hole.take().is_some() {
            out.cancel_timer(Timer::Hole(self.view));
        }
        if let Some(before) = self.changing.replace(view) {
            out.cancel_timer(Timer::NewView(before));
        }
        self.pending = None;
        self.volatile.patience.leave();
        self.volatile.ahead.clear();
        self.volatile.responses.clear();
        self.volatile.contradicted = false;
    }

    /// Keeps the last VIEW-CHANGE of each replica, and draws the conclusions. One valid VIEW-CHANGE
    /// is enough to join: it carries the f + 1 accusations.
    pub(super) fn on_view_change(
        &mut self,
        from: NodeId,
        it: &Rc<Signed<ViewChange>>,
        out: &mut Out,
    ) {
        if it.view <= self.view {
            self.help_into_view(from, out);
            return;
        }
        let known = self.view_changes.iter().find(|known| known.signer() == it.signer());
        if known.is_some_and(|known| it.view <= known.view) {
            return;
        }
        if from != self.id && !self.is_valid_view_change(it) {
            return;
        }
        self.view_changes.retain(|known| known.signer() != it.signer());
        self.view_changes.push(Rc::clone(it));
        if self.goal() < it.view {
            self.start_view_change(it.view, it.hates.clone(), "another asks for it", out);
        }
        self.await_new_view(out);
        self.open_new_view(out);
    }

    /// VC3: the timer starts when a quorum asks for the view, or for a later one.
    pub(super) fn await_new_view(&mut self, out: &mut Out) {
        let Some(goal) = self.changing else { return };
        let asking = self.view_changes.iter().filter(|it| goal <= it.view).count();
        if self.rules.quorum() <= asking && self.volatile.patience.await_view(goal) {
            let timeout = self.volatile.patience.timeout(self.params.view_change_timeout);
            out.set_timer(Timer::NewView(goal), timeout);
        }
    }

    /// The view was not entered in time: the next one, if f others think so too.
    pub(super) fn on_new_view_timeout(&mut self, view: View, out: &mut Out) {
        if self.changing == Some(view) {
            self.volatile.patience.view_failed();
            self.suspect("the new view does not come about", out);
        }
    }

    /// VC3: with 2f + 1 valid VIEW-CHANGEs, its own among them, the new primary opens the view. P
    /// is exactly the first 2f + 1: more would let f + 1 reports be found for two histories.
    fn open_new_view(&mut self, out: &mut Out) {
        let Some(view) = self.changing.filter(|view| self.rules.primary(*view) == self.id) else {
            return;
        };
        if self.has_adopted() || self.pending.is_some() {
            return;
        }
        let asking = self.view_changes.iter().filter(|it| self.rules.opens(it.view, view));
        let (own, others): (Vec<_>, Vec<_>) =
            asking.cloned().partition(|it| it.signer() == self.id);
        let mut view_changes = own;
        view_changes.extend(others);
        view_changes.truncate(self.rules.quorum());
        if view_changes.len() < self.rules.quorum() || view_changes[0].signer() != self.id {
            return;
        }
        let outcome = self.outcome(&view_changes);
        let order = |(seq, step): (u64, &Step)| {
            let OrderReq { digest, history, .. } = outcome.order(view, seq, *step);
            self.signer.sign(OrderReq { view, seq, history, digest })
        };
        let orders: Vec<_> = (outcome.start.stable + 1..).zip(&outcome.steps).map(order).collect();
        let new_view = NewView { view, view_changes, orders };
        let new_view = Rc::new(self.signer.sign(new_view));
        out.send_each(self.others(), Msg::NewView(Rc::clone(&new_view)));
        self.pending = Some(outcome.adoption(new_view));
        self.adopt_pending(out);
    }

    /// VC4: accept iff the primary signed it, its VIEW-CHANGEs are 2f + 1 valid ones for this view,
    /// and G follows from them.
    pub(super) fn on_new_view(&mut self, it: &Rc<Signed<NewView>>, out: &mut Out) {
        let primary = self.rules.primary(it.view);
        if it.view <= self.view || it.view < self.goal() || it.signer() != primary {
            return;
        }
        let known = (self.has_adopted() || self.pending.is_some()) && self.goal() == it.view;
        if known || !self.signer.verify(it) {
            return;
        }
        let Some(adoption) = self.verified(it, out) else { return };
        self.take_up(adoption, out);
        self.await_new_view(out);
    }

    /// VC5, for a replica that did not get in: 2f + 1 replicas confirmed the history of this
    /// NEW-VIEW, so nobody ever confirms another one in that number. Whoever adopted another, from
    /// a primary that signed two, adopts this one instead; it confirms nothing for a second time.
    pub(super) fn on_opened(
        &mut self,
        it: &Rc<Signed<NewView>>,
        confirms: &[Signed<ViewConfirm>],
        out: &mut Out,
    ) {
        let primary = self.rules.primary(it.view);
        if it.view <= self.view || it.view < self.goal() || it.signer() != primary {
            return;
        }
        let Some(confirm) = confirms.first().map(|first| *first.body()) else { return };
        let exact = confirms.len() == self.rules.quorum();
        if confirm.view != it.view || !exact || !self.rules.certifies(confirms, &self.signer) {
            return;
        }
        if !self.signer.verify(it) {
            return;
        }
        let Some(adoption) = self.verified(it, out) else { return };
        let end =
            adoption.orders.last().map_or((adoption.start.stable, adoption.start.history), |it| {
                (it.order.seq, it.order.history)
            });
        if end == (confirm.seq, confirm.history) {
            self.take_up(Adoption { confirmed: confirms.to_vec(), ..adoption }, out);
        }
    }

    fn take_up(&mut self, adoption: Adoption, out: &mut Out) {
        let view = adoption.new_view.view;
        if self.changing != Some(view) {
            self.leave_for(view, out);
        }
        self.pending = Some(adoption);
        self.adopt_pending(out);
    }

    /// What a NEW-VIEW that its primary signed leads to; none if it does not follow from valid
    /// VIEW-CHANGEs.
    fn verified(&self, it: &Rc<Signed<NewView>>, out: &mut Out) -> Option<Adoption> {
        let primary = self.rules.primary(it.view);
        let is_for_it = |vc: &&Rc<Signed<ViewChange>>| {
            self.rules.opens(vc.view, it.view) && self.is_valid_view_change(vc)
        };
        let quorum = self.rules.quorum();
        let first = it.view_changes.iter().take(quorum);
        let signers: ReplicaSet = first.filter(is_for_it).map(|vc| vc.signer()).collect();
        if signers.len() != quorum || it.view_changes.len() != quorum {
            out.observe(Observation::Suspected { node: primary, reason: "an invalid new view" });
            return None;
        }
        let outcome = self.outcome(&it.view_changes);
        let expected = (outcome.start.stable + 1..).zip(&outcome.steps);
        let expected = expected.map(|(seq, step)| outcome.order(it.view, seq, *step));
        if !it.orders.iter().map(|order| *order.body()).eq(expected) {
            let reason = "a new view that does not follow from its view changes";
            let evidence = evidence([Exhibit::NewView(Rc::clone(it))]);
            out.observe(Observation::Proven { node: primary, reason, evidence });
            return None;
        }
        let signed =
            |order: &Signed<OrderReq>| order.signer() == primary && self.signer.verify(order);
        it.orders.iter().all(signed).then(|| outcome.adoption(Rc::clone(it)))
    }

    /// What follows from the VIEW-CHANGEs of a NEW-VIEW.
    fn outcome(&self, view_changes: &[Rc<Signed<ViewChange>>]) -> Outcome {
        let mut reporting: Vec<&ViewChange> = Vec::new();
        let mut in_order: Vec<_> = view_changes.iter().collect();
        in_order.sort_by_key(|it| it.signer());
        reporting.extend(in_order.iter().map(|it| it.body()));
        // min-s: the latest stable checkpoint, of the lowest number.
        let latest = reporting.iter().rev().max_by_key(|it| it.stable);
        let proof = latest.map_or_else(Vec::new, |it| it.proof.clone());
        let stable = latest.map_or(0, |it| it.stable);
        let start = Start { stable, history: history_of(&proof) };
        let reports: Vec<Report> = reporting.iter().map(|it| report(it)).collect();
        let rule = self.rules.view_change();
        let steps = rule.select(start, &reports, &self.rules, self.params.null_fill);
        let mut links = BTreeMap::new();
        for it in reporting {
            let base = history_of(&it.proof);
            let path = it.certificate.iter().flat_map(|certified| &certified.path).cloned();
            collect_links(base, path, &mut links);
            collect_links(base, it.history.iter().map(Ordered::link), &mut links);
        }
        Outcome { start, proof, steps, links }
    }
}

/// Whether two orders contradict each other, if one primary signed both.
pub(super) fn contradict(one: &OrderReq, other: &OrderReq) -> bool {
    let one_slot = one.seq == other.seq && one != other;
    // Null requests may fill any number of slots.
    let one_request =
        one.digest == other.digest && one.seq != other.seq && one.digest != null_digest();
    one.view == other.view && (one_slot || one_request)
}

/// What follows from 2f + 1 VIEW-CHANGEs: where the new view starts, G, and what its slots hold.
struct Outcome {
    start: Start,
    proof: Vec<Signed<super::message::Checkpoint>>,
    steps: Vec<Step>,
    /// By the history that it ends: what a slot holds.
    links: BTreeMap<Digest, Link>,
}

impl Outcome {
    const fn order(&self, view: View, seq: u64, step: Step) -> OrderReq {
        OrderReq { view, seq, history: step.history, digest: step.digest }
    }

    fn adoption(&self, new_view: Rc<Signed<NewView>>) -> Adoption {
        let ordered = |order: &Signed<OrderReq>| {
            let link = self.links.get(&order.history);
            let request = link.and_then(|link| link.request.clone());
            Ordered { order: order.clone(), request }
        };
        let orders = new_view.orders.iter().map(ordered).collect();
        let (start, proof, confirmed) = (self.start, self.proof.clone(), Vec::new());
        Adoption { start, proof, orders, new_view, confirmed }
    }
}

/// `h_n` at the stable checkpoint that a proof is of.
pub(super) fn history_of(proof: &[Signed<super::message::Checkpoint>]) -> Digest {
    proof.first().map_or(GENESIS, |checkpoint| checkpoint.history)
}

fn report(it: &ViewChange) -> Report {
    let base = history_of(&it.proof);
    let step =
        |ordered: &Ordered| Step { digest: ordered.order.digest, history: ordered.order.history };
    let certificate = it.certificate.as_ref().and_then(|certified| {
        let mut last = base;
        let steps = certified.path.iter().map(|link| {
            last = chain(last, link.digest);
            Step { digest: link.digest, history: last }
        });
        Some((certified.certificate.claim()?, steps.collect()))
    });
    let history = it.history.iter().map(step).collect();
    Report { stable: it.stable, certificate, origin: it.origin, history }
}

fn collect_links(
    base: Digest,
    path: impl Iterator<Item = Link>,
    links: &mut BTreeMap<Digest, Link>,
) {
    let mut last = base;
    for link in path {
        last = chain(last, link.digest);
        links.insert(last, link);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_request_has_one_slot_and_null_requests_have_any() {
        let order = |seq, digest| OrderReq { view: 1, seq, history: Digest([9; 32]), digest };
        let (a, b) = (Digest([1; 32]), Digest([2; 32]));
        assert!(contradict(&order(1, a), &order(1, b)), "two requests in one slot");
        assert!(contradict(&order(1, a), &order(2, a)), "one request in two slots");
        assert!(!contradict(&order(1, a), &order(2, b)));
        assert!(!contradict(&order(1, null_digest()), &order(2, null_digest())));
        assert!(!contradict(&order(1, a), &OrderReq { view: 2, ..order(1, b) }), "of two views");
    }
}
