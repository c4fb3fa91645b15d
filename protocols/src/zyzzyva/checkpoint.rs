//! Checkpoints, garbage collection and state transfer.
//!
//! Every so many slots a replica sends its SPEC-RESPONSE to all replicas as well. 2f + 1 that match
//! are a certificate without a client; who holds one says CHECKPOINT, and 2f + 1 of these make the
//! checkpoint stable: f + 1 correct replicas hold certificates, so no view change loses it.

use std::rc::Rc;

use byzsim_core::{Decided, Digest, NodeId, Observation, Signed};

use super::message::{Certificate, Checkpoint, Msg, OrderReq, Seq, SpecResponse, View};
use super::replica::{Out, Replica};
use super::state::State;
use crate::shared::quorum::{are_of_distinct_replicas, vouches};

impl Replica {
    /// If the slot is due for a checkpoint, all replicas are told the response to it.
    pub(super) fn announce_checkpoint(&mut self, seq: Seq, out: &mut Out) {
        if let Some(response) = self.checkpoint_response(seq) {
            out.broadcast(Msg::SpecResponse(self.signer.sign(response), None, None));
            self.count_responses(seq, out);
        }
    }

    /// The same for each of its slots that are due for a checkpoint, and not stable.
    pub(super) fn announce_unproven(&mut self, out: &mut Out) {
        let due: Vec<Seq> = self.checkpoints.unproven().map(|(seq, _)| seq).collect();
        for seq in due {
            self.announce_checkpoint(seq, out);
        }
    }

    /// What it answers, in the current view, in a slot that is due for a checkpoint.
    fn checkpoint_response(&self, seq: Seq) -> Option<SpecResponse> {
        let slot = self.history.get(seq)?;
        if !self.checkpoints.is_due(seq) {
            return None;
        }
        let nobody = (self.rules.primary(self.view), 0);
        let request = slot.ordered.request.as_ref();
        let (client, timestamp) = request.map_or(nobody, |it| (it.signer(), it.timestamp));
        let answer = super::message::answer_digest(slot.answer.as_ref());
        let history = slot.ordered.order.history;
        Some(SpecResponse { view: self.view, seq, history, answer, client, timestamp })
    }

    /// A replica's response to a slot that is due for a checkpoint.
    pub(super) fn on_spec_response(
        &mut self,
        from: NodeId,
        it: &Signed<SpecResponse>,
        out: &mut Out,
    ) {
        let seq = it.seq;
        let far = self.high() + 2 * self.params.checkpoint_interval;
        if !self.checkpoints.is_news(seq) || far < seq || it.signer().is_client() {
            return;
        }
        if !vouches(&self.signer, from, it) {
            return;
        }
        self.volatile.responses.or_default(seq).add(it.clone());
        self.count_responses(seq, out);
    }

    fn count_responses(&mut self, seq: Seq, out: &mut Out) {
        if self.rules.takes_checkpoint(self.is_covered(seq)) {
            self.take_checkpoints(out);
            return;
        }
        let votes = self.volatile.responses.get(seq);
        let Some(votes) = votes.filter(|votes| self.rules.quorum() <= votes.len()) else { return };
        let Some(own) = self.checkpoint_response(seq) else { return };
        if let Some(certificate) = votes.quorum_of(self.rules.quorum(), |vote| *vote == own) {
            self.hold(Certificate::Commit(Rc::new(certificate)), out);
        }
    }

    /// CHECKPOINT for each slot that is due for one and covered, once in each view.
    pub(super) fn take_checkpoints(&mut self, out: &mut Out) {
        if !self.is_active() {
            return;
        }
        let own = |seq| self.checkpoints.vote_of(self.id, seq);
        let said = |seq| own(seq).is_some_and(|vote| vote.view == self.view);
        let due: Vec<Checkpoint> = self
            .checkpoints
            .unproven()
            .filter(|(seq, _)| self.rules.takes_checkpoint(self.is_covered(*seq)) && !said(*seq))
            .filter_map(|(seq, state)| {
                let (view, history) = (self.view, self.history.digest(seq)?);
                Some(Checkpoint { view, seq, history, state })
            })
            .collect();
        for checkpoint in due {
            let checkpoint = self.signer.sign(checkpoint);
            // Noted at once: what it leads to comes with the copy that it sends to itself.
            self.note_checkpoint(&checkpoint);
            out.broadcast(Msg::Checkpoint(checkpoint));
        }
    }

    /// Of each replica the CHECKPOINT of the highest view is kept.
    fn note_checkpoint(&mut self, it: &Signed<Checkpoint>) {
        self.checkpoints.votes(it.seq).add_latest(it.clone(), |last| last.view < it.view);
    }

    /// A quorum of equal CHECKPOINTs of one view makes it stable. Those far ahead are heard too: a
    /// replica that fell behind learns from them.
    pub(super) fn on_checkpoint(&mut self, from: NodeId, it: &Signed<Checkpoint>, out: &mut Out) {
        let (seq, sender) = (it.seq, it.signer());
        if !self.checkpoints.is_news(seq) || sender.is_client() {
            return;
        }
        if !vouches(&self.signer, from, it) {
            return;
        }
        if self.high() < seq {
            self.checkpoints.forget_far(sender, self.high());
        }
        self.note_checkpoint(it);
        let votes = self.checkpoints.votes(seq).iter();
        let mut proof: Vec<_> = votes.filter(|vote| vote.body() == it.body()).cloned().collect();
        if self.rules.quorum() <= proof.len() {
            proof.sort_by_key(Signed::signer);
            proof.truncate(self.rules.quorum());
            self.stabilise(proof, out);
        }
    }

    /// Another replica proves that a checkpoint is stable.
    pub(super) fn on_stable_proof(&mut self, proof: &[Signed<Checkpoint>], out: &mut Out) {
        let seq = proof.first().map_or(0, |checkpoint| checkpoint.seq);
        if self.stable() < seq && self.proves(seq, proof) {
            self.stabilise(proof.to_vec(), out);
        }
    }

    /// What is proven stable never changes: the history before it is forgotten, and so is an own
    /// history that contradicts it.
    pub(super) fn stabilise(&mut self, proof: Vec<Signed<Checkpoint>>, out: &mut Out) {
        let Some(Checkpoint { view, seq, history, state }) = proof.first().map(|it| *it.body())
        else {
            return;
        };
        let before = self.stable();
        let own_state = self.checkpoints.own_digest(seq);
        if self.history.digest(seq) == Some(history)
            && let Some(own) = own_state
        {
            for slot in self.history.orders().take_while(|it| it.order.seq <= seq) {
                let (view, OrderReq { seq, history, .. }) = (self.view, *slot.order.body());
                let decided = Decided::History(history);
                out.observe(Observation::Committed { view, seq, decided });
            }
            out.observe(Observation::Checkpointed { seq, state: own });
            if own != state {
                self.start_over(seq, out);
            }
        } else {
            self.give_way((view, seq, history), out);
            let decided = Decided::History(history);
            out.observe(Observation::Committed { view: self.view, seq, decided });
        }
        self.history.collect_garbage(seq, history);
        self.trim_held_certificate(before, (seq, history));
        self.checkpoints.stabilise(seq, proof);
        self.volatile.responses.take_through(seq);
        out.observe(Observation::StableCheckpoint { seq, state });
        self.note_commitment();
        if self.goal() < view {
            // A quorum works in a later view: this one is over. Who worked on in it with a state of
            // the later one would contradict what it said before.
            self.leave_for(view, out);
        }
        if self.lacks_state() {
            self.fetch_state(out);
        } else {
            self.checkpoints.forget_old_states();
            self.order_waiting(out);
            self.execute_ready(out);
        }
    }

    /// The stable history is not the own one, or goes beyond it: the own one is undone.
    fn give_way(&mut self, (view, seq, history): (View, Seq, Digest), out: &mut Out) {
        let own = self.history.get(seq).map(|slot| &slot.ordered.order);
        let contradicts = own.is_some_and(|own| own.view == view && own.history != history);
        self.note_undone();
        self.roll_back(self.history.base(), out);
        if contradicts && view == self.view && self.is_active() {
            self.volatile.contradicted = true;
            self.suspect("a stable checkpoint of another history", out);
        }
    }

    /// What was executed on the word of the primary of this view, and is undone now, is remembered:
    /// a replica that executed another order in one of these slots would answer twice for one slot
    /// of one view. Such an order proves that primary guilty. If it is this replica itself, it
    /// orders nothing more in this view: neither another request for one of the slots, nor one of
    /// these requests again, which the stable history may lack.
    fn note_undone(&mut self) {
        let orders = self.history.orders().map(|it| &it.order);
        let of_view = orders.filter(|it| it.view == self.view);
        self.undone.extend(of_view.map(|it| (it.seq, it.clone())));
    }

    /// The same history led to another state than the one that a quorum signed: what it holds is
    /// worth nothing. It fetches the proven state, and executes the later orders of its view again.
    /// The paper has no such case: a correct replica whose storage and code are sound never
    /// diverges.
    fn start_over(&mut self, seq: Seq, out: &mut Out) {
        out.observe(Observation::Reached("state-diverged"));
        let later = self.history.orders().filter(|it| seq < it.order.seq);
        let of_view = later.filter(|it| it.order.view == self.view);
        let again = of_view.filter_map(|it| {
            let request = it.request.as_ref()?;
            Some((it.order.seq, (it.order.clone(), Rc::clone(request))))
        });
        let again: Vec<_> = again.collect();
        self.volatile.ahead.extend(again);
        self.note_undone();
        // What a certificate covers is executed again: it is not given up.
        let held = self.held.take();
        self.roll_back(self.history.base(), out);
        self.held = held;
    }

    /// The path of a certificate begins at the stable checkpoint. A certificate for another history
    /// than the stable one is worth nothing.
    fn trim_held_certificate(&mut self, before: Seq, (seq, history): (Seq, Digest)) {
        let Some(held) = &mut self.held else { return };
        if held.claim.seq <= seq {
            held.path.clear();
            return;
        }
        let count = usize::try_from(seq - before).unwrap_or(usize::MAX).min(held.path.len());
        held.path.drain(..count);
        let links = held.path.iter();
        let end = links.fold(history, |h, link| super::message::chain(h, link.digest));
        if end != held.claim.history {
            self.held = None;
        }
    }

    /// Asks f + 1 of those who proved the checkpoint for the state; at each call the next ones. One
    /// of them is correct, and had the state when it said so.
    pub(super) fn fetch_state(&mut self, out: &mut Out) {
        if !self.lacks_state() || !self.rules.fetches_states() {
            return;
        }
        let proof = self.checkpoints.proof().to_vec();
        let (count, attempts) = (self.rules.weak(), &mut self.volatile.fetches);
        let asked = self.checkpoints.next_to_ask(self.id, attempts, count);
        out.send_each(asked, Msg::FetchState(proof));
    }

    /// Sends the state of the last stable checkpoint, if it is what is asked for or later. Who asks
    /// shows the proof of the checkpoint: it may have heard the quorum first, or alone.
    pub(super) fn on_fetch_state(
        &mut self,
        from: NodeId,
        proof: &[Signed<Checkpoint>],
        out: &mut Out,
    ) {
        if from.is_client() {
            return;
        }
        self.on_stable_proof(proof, out);
        let Some((stable, state, known)) = self.checkpoints.stable_state() else { return };
        if proof.first().is_some_and(|it| it.seq <= stable) {
            out.send(from, Msg::State(stable, state, known));
        }
    }

    /// Installs a state whose digest a quorum signed.
    pub(super) fn on_state(
        &mut self,
        seq: Seq,
        state: &Rc<State>,
        proof: &[Signed<Checkpoint>],
        out: &mut Out,
    ) {
        let digest = state.digest();
        let claims = |it: &Signed<Checkpoint>| it.seq == seq && it.state == digest;
        if seq <= self.executed || seq < self.stable() || !proof.first().is_some_and(claims) {
            return;
        }
        if !self.proves(seq, proof) {
            return;
        }
        if self.stable() < seq {
            self.stabilise(proof.to_vec(), out);
        }
        if !self.lacks_state() || seq != self.stable() {
            return;
        }
        self.state = State::clone(state);
        self.executed = seq;
        self.checkpoints.keep_state(seq, digest, Rc::clone(state));
        self.checkpoints.forget_old_states();
        let (history, content) = (self.history.digest(seq), Rc::new(self.state.content()));
        out.observe(Observation::Restored { seq, state: digest, history, content });
        self.adopt_pending(out);
        self.try_enter(out);
        self.execute_ready(out);
        self.order_waiting(out);
    }

    /// Whether `proof` is a quorum's word on one state after `seq`.
    pub(super) fn proves(&self, seq: Seq, proof: &[Signed<Checkpoint>]) -> bool {
        let Some(first) = proof.first().map(|it| *it.body()) else { return seq == 0 };
        let says_so = |it: &Signed<Checkpoint>| *it.body() == first && self.signer.verify(it);
        // It is kept, relayed and asked for the state: nothing that does not count may be in it.
        if first.seq != seq || proof.len() != self.rules.quorum() || !proof.iter().all(says_so) {
            return false;
        }
        are_of_distinct_replicas(proof)
    }
}
