//! View changes (Castro–Liskov §4.4): how a new primary learns what may have committed.
//!
//! Why no committed batch is lost: it prepared at f + 1 correct replicas at least, a NEW-VIEW rests
//! on the word of 2f + 1, so one of those correct replicas is among them and carries its
//! certificate; a certificate of a higher view can only be for the same batch, by induction. One
//! valid certificate from one replica is enough, since it proves itself.

use std::collections::BTreeMap;
use std::rc::Rc;

use byzsim_core::{Digest, NodeId, Observation, ReplicaSet, Signed};

use super::evidence::{Exhibit, evidence};
use super::message::{
    Batch, Msg, NewView, PrePrepare, Prepare, PreparedCertificate, Seq, View, ViewChange,
};
use super::replica::{Out, Replica, Timer};
use super::rules::Rules;

/// What follows from the VIEW-CHANGEs of a NEW-VIEW.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Order {
    /// min-s: the latest stable checkpoint among them (the *largest* h), and whose proof to take.
    stable: Seq,
    prover: usize,
    /// For the slots from min-s + 1 to max-s: what is proposed again.
    pub(super) proposals: Vec<(Seq, Digest)>,
}

impl Replica {
    /// A request was not executed in time: the primary is suspected.
    pub(super) fn on_progress_timeout(&mut self, view: View, out: &mut Out) {
        if view == self.view && self.is_active() && self.volatile.waiting.stop_timer() {
            out.observe(Observation::Suspected {
                node: self.rules.primary(view),
                reason: "no progress",
            });
            self.volatile.patience.time_out(view);
            self.give_up(view, out);
            self.start_view_change(view + 1, "no progress", out);
        }
    }

    /// The NEW-VIEW did not come in time.
    pub(super) fn on_new_view_timeout(&mut self, view: View, out: &mut Out) {
        if self.changing == Some(view) {
            self.volatile.patience.view_failed();
            self.give_up(view, out);
            self.start_view_change(view + 1, "no new view", out);
        }
    }

    /// Says that it leaves a view for a cause of its own.
    fn give_up(&self, view: View, out: &mut Out) {
        out.observe(Observation::GaveUp { view, primary: self.rules.primary(view) });
    }

    /// Stops the agreement and asks for `view`.
    pub(super) fn start_view_change(&mut self, view: View, reason: &'static str, out: &mut Out) {
        assert!(self.changing.unwrap_or(self.view) < view, "views move up");
        self.stop_progress_timer(out);
        if let Some(before) = self.changing.replace(view) {
            out.cancel_timer(Timer::NewView(before));
        }
        self.log.leave_view(&self.rules);
        self.volatile.patience.leave();
        out.observe(Observation::ViewChangeStarted { view, reason });
        let view_change = ViewChange {
            view,
            stable: self.stable(),
            proof: self.checkpoints.proof().to_vec(),
            prepared: self.rules.carries(self.log.prepared().cloned().collect()),
        };
        out.broadcast(Msg::ViewChange(Rc::new(self.signer.sign(view_change))));
    }

    /// Keeps the last VIEW-CHANGE of each replica, and draws the conclusions.
    pub(super) fn on_view_change(
        &mut self,
        from: NodeId,
        it: &Rc<Signed<ViewChange>>,
        out: &mut Out,
    ) {
        if it.view <= self.view {
            // Late, or of a replica that is stuck: its STATUS asks for the NEW-VIEW.
            return;
        }
        if !self.rules.is_later(&self.view_changes, it) {
            return;
        }
        if from != self.id && !self.is_valid_view_change(it) {
            return;
        }
        self.rules.keep_last(&mut self.view_changes, it);
        self.join(out);
        self.await_new_view(out);
        self.open_new_view(out);
    }

    /// §4.5.2: f + 1 others ask for views above the own one: one of them is correct. Ask for the
    /// smallest of these views even before the own timer expires.
    fn join(&mut self, out: &mut Out) {
        let goal = self.changing.unwrap_or(self.view);
        let ahead = self
            .view_changes
            .iter()
            .filter(|it| it.signer() != self.id && goal < it.view)
            .map(|it| it.view);
        if self.rules.joins(ahead.clone().count()) {
            let smallest = ahead.min().expect("f + 1 is at least one");
            self.start_view_change(smallest, "others ask for it", out);
        }
    }

    /// §4.5.2: the timer for the NEW-VIEW starts when a quorum asks for the view: armed earlier,
    /// replicas would race through views without waiting for each other.
    pub(super) fn await_new_view(&mut self, out: &mut Out) {
        let Some(goal) = self.changing else { return };
        let asking = self.view_changes.iter();
        let asking = asking.filter(|it| self.rules.awaits_with(it.view, goal)).count();
        if self.rules.starts_timer(asking) && self.volatile.patience.await_view(goal) {
            out.set_timer(Timer::NewView(goal), self.timeout());
        }
    }

    /// §4.4: with 2f valid VIEW-CHANGEs of others and its own the new primary opens the view.
    fn open_new_view(&mut self, out: &mut Out) {
        let Some(view) = self.changing.filter(|view| self.rules.primary(*view) == self.id) else {
            return;
        };
        let asking = self.view_changes.iter().filter(|it| it.view == view);
        let (own, others): (Vec<_>, Vec<_>) =
            asking.cloned().partition(|it| it.signer() == self.id);
        let mut view_changes = own;
        view_changes.extend(others);
        view_changes.truncate(self.rules.reports());
        if !self.rules.opens(&view_changes, self.id, &self.log) {
            return;
        }
        let order = order(&view_changes, &self.rules);
        let propose =
            |&(seq, digest): &(Seq, Digest)| self.signer.sign(PrePrepare { view, seq, digest });
        let proposals = order.proposals.iter().map(propose).collect();
        let new_view = Rc::new(self.signer.sign(NewView { view, view_changes, proposals }));
        out.send_each(self.others(), Msg::NewView(Rc::clone(&new_view)));
        self.enter_view(new_view, &order, out);
    }

    /// §4.4: accept iff the primary signed it, its VIEW-CHANGEs are valid, and O follows from them.
    pub(super) fn on_new_view(&mut self, it: &Rc<Signed<NewView>>, out: &mut Out) {
        let primary = self.rules.primary(it.view);
        let goal = self.changing.unwrap_or(self.view);
        if it.view <= self.view || it.view < goal || it.signer() != primary {
            return;
        }
        if !self.signer.verify(it) {
            return;
        }
        let is_for_it =
            |vc: &Rc<Signed<ViewChange>>| vc.view == it.view && self.is_valid_view_change(vc);
        let valid =
            it.view_changes.len() == self.rules.reports() && it.view_changes.iter().all(is_for_it);
        let distinct = || it.view_changes.iter().map(|vc| vc.signer()).collect::<ReplicaSet>();
        if !valid || distinct().len() < self.rules.reports() {
            out.observe(Observation::Suspected { node: primary, reason: "invalid new view" });
            return;
        }
        let order = order(&it.view_changes, &self.rules);
        let follows = self.follows(it, &order);
        let signed = it.proposals.iter().all(|proposal| self.signer.verify(proposal));
        if follows && signed {
            self.enter_view(Rc::clone(it), &order, out);
        } else if self.rules.is_proof(follows) {
            let reason = "a new view that does not follow from its view changes";
            let evidence = evidence([Exhibit::NewView(Rc::clone(it))]);
            out.observe(Observation::Proven { node: primary, reason, evidence });
        } else {
            let reason = "a new view with a garbage signature";
            out.observe(Observation::Suspected { node: primary, reason });
        }
    }

    /// Whether O is what this replica computes from V: all of it is what the primary signed, with
    /// the names of those who signed the VIEW-CHANGEs and proposals, but not their signatures.
    fn follows(&self, it: &Signed<NewView>, order: &Order) -> bool {
        let of_primary = |proposal: &Signed<PrePrepare>| {
            proposal.signer() == it.signer() && proposal.view == it.view
        };
        let proposed: Vec<_> = it.proposals.iter().map(|p| (p.seq, p.digest)).collect();
        self.rules.follows(&proposed, &order.proposals) && it.proposals.iter().all(of_primary)
    }

    fn enter_view(&mut self, new_view: Rc<Signed<NewView>>, order: &Order, out: &mut Out) {
        // While it is not in the view yet: a window that moves lets a primary propose, and in the
        // new view it knows no free number before it has taken up all that O holds.
        if self.stable() < order.stable {
            let proof = new_view.view_changes[order.prover].proof.clone();
            self.stabilise(order.stable, proof[0].state, proof, out);
        }
        if let Some(before) = self.changing.take() {
            out.cancel_timer(Timer::NewView(before));
        }
        self.stop_progress_timer(out);
        // From an older view straight into this one: what prepared there must be kept, too.
        self.log.leave_view(&self.rules);
        self.view = new_view.view;
        self.volatile.patience.enter(self.view);
        self.view_changes.retain(|it| new_view.view < it.view);
        out.observe(Observation::EnteredView { view: self.view });
        let last = order.proposals.last().map_or(order.stable, |(seq, _)| *seq);
        let max_s = last.max(self.stable());
        self.rules.number_on(&mut self.next_seq, max_s);
        let null = Batch::new(Vec::new());
        for pre_prepare in &new_view.proposals {
            if self.in_window(pre_prepare.seq) {
                let batch = (pre_prepare.digest == null.digest()).then_some(&null);
                self.accept(pre_prepare.clone(), batch, out);
            }
        }
        self.new_view = Some(new_view);
        self.resume(out);
    }

    /// Takes up the work in a view that was just entered.
    fn resume(&mut self, out: &mut Out) {
        for (seq, digest) in self.log.missing() {
            out.broadcast(Msg::FetchBatch(seq, digest));
        }
        self.volatile.queue.clear();
        self.volatile.queued.clear();
        for (_, batch) in
            self.log.from(self.executed + 1).filter_map(|(seq, _)| self.log.proposed(seq))
        {
            for request in batch.requests() {
                let queued = self.volatile.queued.or_default(request.signer());
                *queued = request.timestamp.max(*queued);
            }
        }
        if self.is_primary() {
            for request in self.volatile.waiting.in_turn() {
                self.enqueue(&request);
            }
        } else {
            // The primary may never have heard of them: one that equivocated before, or a faulty
            // client, may have shown them to this replica alone, which then would give up one
            // correct primary after the other.
            self.pass_requests_on(out);
        }
        self.start_progress_timer(out);
        self.catch_up(out);
        self.propose(out);
    }

    /// §4.4: signed; C proves (h, d); each entry of P is a certificate of a lower view within the
    /// window, at most one for each slot.
    fn is_valid_view_change(&self, it: &Signed<ViewChange>) -> bool {
        if !self.rules.is_of_sender(it, &self.signer) {
            return false;
        }
        let proven = match it.proof.first() {
            None => it.stable == 0,
            Some(first) => self.proves(it.stable, first.state, &it.proof),
        };
        if !proven {
            // Nor is h a number to reckon with.
            return false;
        }
        let mut last = it.stable;
        it.prepared.iter().all(|certificate| {
            let PrePrepare { view, seq, .. } = *certificate.pre_prepare.body();
            let ascending = last < seq && seq <= it.stable + self.params.window;
            last = seq;
            ascending && view < it.view && self.is_valid_certificate(certificate)
        })
    }

    /// §4.2: the primary's PRE-PREPARE and matching PREPAREs of 2f distinct backups.
    fn is_valid_certificate(&self, it: &PreparedCertificate) -> bool {
        let PrePrepare { view, seq, digest } = *it.pre_prepare.body();
        let counts = |vote: &Prepare, voter: NodeId| {
            (vote.view, vote.seq) == (view, seq)
                && self.rules.matches(vote.digest, digest)
                && self.rules.is_backup(voter, view)
        };
        it.pre_prepare.signer() == self.rules.primary(view)
            && self.signer.verify(&it.pre_prepare)
            && self.rules.certifies(&it.prepares, &self.signer, counts)
    }
}

/// §4.4: for each slot between the latest stable checkpoint and the last prepared slot, the batch
/// of the certificate with the highest view; the null request if there is no certificate.
///
/// Two certificates of one view for one slot cannot be for different batches, unless more than f
/// replicas are faulty: then the smaller digest is taken, by everyone.
pub(super) fn order(view_changes: &[Rc<Signed<ViewChange>>], rules: &Rules) -> Order {
    let (prover, stable) = rules.min_s(view_changes.iter().map(|it| it.stable)).unwrap_or((0, 0));
    let mut best: BTreeMap<Seq, (View, Digest)> = BTreeMap::new();
    let certificates = view_changes.iter().flat_map(|it| &it.prepared);
    for PrePrepare { view, seq, digest } in certificates.map(|it| *it.pre_prepare.body()) {
        if seq <= stable {
            continue;
        }
        let known = best.entry(seq).or_insert((view, digest));
        if known.0 < view || known.0 == view && digest < known.1 {
            *known = (view, digest);
        }
    }
    let max_s = best.last_key_value().map_or(stable, |(seq, _)| *seq);
    let null = Batch::null_digest();
    let chosen = |seq| best.get(&seq).map_or(null, |(_, digest)| *digest);
    let proposals = (stable + 1..=max_s).map(|seq| (seq, chosen(seq))).collect();
    let proposals = rules.proposes_all(proposals, view_changes);
    Order { stable, prover, proposals }
}
