//! Checkpoints, garbage collection and state transfer.
//!
//! Every so many slots a replica sends its SPEC-RESPONSE to all replicas as well. 2f + 1 that match
//! are a certificate without a client; who holds one says CHECKPOINT, and 2f + 1 of these make the
//! checkpoint stable: f + 1 correct replicas hold certificates, so no view change loses it.

use std::rc::Rc;

use byzsim_core::{Digest, NodeId, Observation, Signed};

use super::message::{Certificate, Checkpoint, Msg, Seq, SpecResponse};
use super::replica::{Out, Replica};
use super::state::State;
use crate::quorum::{are_of_distinct_replicas, vouches, whom_to_ask};

impl Replica {
    /// If the slot is due for a checkpoint, all replicas are told the response to it.
    pub(super) fn announce_checkpoint(&mut self, seq: Seq, out: &mut Out) {
        if let Some(response) = self.checkpoint_response(seq) {
            out.broadcast(Msg::SpecResponse(self.signer.sign(response), None, None));
            self.count_responses(seq, out);
        }
    }

    /// What it answers, in the current view, in a slot that is due for a checkpoint.
    fn checkpoint_response(&self, seq: Seq) -> Option<SpecResponse> {
        let slot = self.history.get(seq)?;
        if !seq.is_multiple_of(self.params.checkpoint_interval) {
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
        let is_due = seq.is_multiple_of(self.params.checkpoint_interval);
        let far = self.high() + 2 * self.params.checkpoint_interval;
        if !is_due || seq <= self.stable || far < seq || it.signer().is_client() {
            return;
        }
        if !vouches(&self.signer, from, it) {
            return;
        }
        self.volatile.responses.entry(seq).or_default().add(it.clone());
        self.count_responses(seq, out);
    }

    fn count_responses(&mut self, seq: Seq, out: &mut Out) {
        if self.rules.takes_checkpoint(self.is_covered(seq)) {
            self.take_checkpoints(out);
            return;
        }
        let Some(own) = self.checkpoint_response(seq) else { return };
        let Some(votes) = self.volatile.responses.get(&seq) else { return };
        let matching = votes.iter().filter(|vote| *vote.body() == own);
        let certificate: Vec<_> = matching.take(self.rules.quorum()).cloned().collect();
        if certificate.len() == self.rules.quorum() {
            self.hold(Certificate::Commit(Rc::new(certificate)), out);
        }
    }

    /// CHECKPOINT for each slot that is due for one and covered, once in each view.
    pub(super) fn take_checkpoints(&mut self, out: &mut Out) {
        if !self.is_active() {
            return;
        }
        let own = |seq: &Seq| self.checkpoints.get(seq).and_then(|votes| votes.get(&self.id));
        let said = |seq: &Seq| own(seq).is_some_and(|vote| vote.view == self.view);
        let due: Vec<Checkpoint> = self
            .snapshots
            .range(self.stable + 1..)
            .filter(|(seq, _)| self.rules.takes_checkpoint(self.is_covered(**seq)) && !said(seq))
            .filter_map(|(seq, (state, _))| {
                let (view, history) = (self.view, self.history.digest(*seq)?);
                Some(Checkpoint { view, seq: *seq, history, state: *state })
            })
            .collect();
        for checkpoint in due {
            let checkpoint = self.signer.sign(checkpoint);
            // Noted at once: what it leads to comes with the copy that it sends to itself.
            let votes = self.checkpoints.entry(checkpoint.seq).or_default();
            votes.insert(self.id, checkpoint.clone());
            out.broadcast(Msg::Checkpoint(checkpoint));
        }
    }

    /// A quorum of equal CHECKPOINTs of one view makes it stable. Those far ahead are heard too: a
    /// replica that fell behind learns from them.
    pub(super) fn on_checkpoint(&mut self, from: NodeId, it: &Signed<Checkpoint>, out: &mut Out) {
        let (seq, sender) = (it.seq, it.signer());
        let is_due = seq.is_multiple_of(self.params.checkpoint_interval);
        if !is_due || seq <= self.stable || sender.is_client() {
            return;
        }
        if !vouches(&self.signer, from, it) {
            return;
        }
        if self.high() < seq {
            self.forget_far_checkpoints_of(sender);
        }
        let votes = self.checkpoints.entry(seq).or_default();
        let last = votes.entry(sender).or_insert_with(|| it.clone());
        if last.view < it.view {
            *last = it.clone();
        }
        let equal = votes.values().filter(|vote| vote.body() == it.body());
        let proof: Vec<_> = equal.take(self.rules.quorum()).cloned().collect();
        if proof.len() == self.rules.quorum() {
            self.stabilise(proof, out);
        }
    }

    /// Another replica proves that a checkpoint is stable.
    pub(super) fn on_stable_proof(&mut self, proof: &[Signed<Checkpoint>], out: &mut Out) {
        let seq = proof.first().map_or(0, |checkpoint| checkpoint.seq);
        if self.stable < seq && self.proves(seq, proof) {
            self.stabilise(proof.to_vec(), out);
        }
    }

    /// Above the window one checkpoint per sender is kept, or a liar could fill the memory.
    fn forget_far_checkpoints_of(&mut self, sender: NodeId) {
        let high = self.high();
        for (_, votes) in self.checkpoints.range_mut(high + 1..) {
            votes.remove(&sender);
        }
        self.checkpoints.retain(|_, votes| !votes.is_empty());
    }

    /// What is proven stable never changes: the history before it is forgotten, and so is an own
    /// history that contradicts it.
    pub(super) fn stabilise(&mut self, proof: Vec<Signed<Checkpoint>>, out: &mut Out) {
        let Some(Checkpoint { view, seq, history, state }) = proof.first().map(|it| *it.body())
        else {
            return;
        };
        assert!(self.stable < seq, "the stable checkpoint moves up");
        let own_state = self.snapshots.get(&seq).map(|(state, _)| *state);
        if self.history.digest(seq) == Some(history) && own_state.is_some() {
            for slot in self.history.base() + 1..=seq {
                let Some(batch) = self.history.digest(slot) else { continue };
                out.observe(Observation::Committed { view: self.view, seq: slot, batch });
            }
            let state = own_state.unwrap_or(state);
            out.observe(Observation::Checkpointed { seq, state });
        } else {
            self.roll_back(self.history.base(), out);
            out.observe(Observation::Committed { view: self.view, seq, batch: history });
        }
        self.history.collect_garbage(seq, history);
        self.trim_held_certificate(self.stable, (seq, history));
        self.stable = seq;
        self.stable_proof = proof;
        self.checkpoints = self.checkpoints.split_off(&(seq + 1));
        self.volatile.responses = self.volatile.responses.split_off(&(seq + 1));
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
            self.snapshots = self.snapshots.split_off(&seq);
            self.order_waiting(out);
            self.execute_ready(out);
        }
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

    /// Asks one of those who proved the checkpoint for the state; at each call the next.
    pub(super) fn fetch_state(&mut self, out: &mut Out) {
        if !self.lacks_state() {
            return;
        }
        if let Some(to) = whom_to_ask(&self.stable_proof, self.id, self.volatile.fetches) {
            self.volatile.fetches += 1;
            out.send(to, Msg::FetchState(self.stable));
        }
    }

    /// Sends the state of the last stable checkpoint, if it is what is asked for or later.
    pub(super) fn on_fetch_state(&self, from: NodeId, seq: Seq, out: &mut Out) {
        let Some((_, state)) = self.snapshots.get(&self.stable) else { return };
        if seq <= self.stable && 0 < self.stable && !from.is_client() {
            let proof = self.stable_proof.clone();
            out.send(from, Msg::State(self.stable, Rc::clone(state), proof));
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
        if seq <= self.executed || seq < self.stable || !proof.first().is_some_and(claims) {
            return;
        }
        if !self.proves(seq, proof) {
            return;
        }
        if self.stable < seq {
            self.stabilise(proof.to_vec(), out);
        }
        if !self.lacks_state() || seq != self.stable {
            return;
        }
        self.state = State::clone(state);
        self.executed = seq;
        self.snapshots = [(seq, (digest, Rc::clone(state)))].into();
        out.observe(Observation::Restored { seq, state: digest });
        self.adopt_pending(out);
        self.try_enter(out);
        self.order_waiting(out);
        self.execute_ready(out);
    }

    /// Whether `proof` is a quorum's word on one state after `seq`. It is not the planted flaw's
    /// business: what a stable checkpoint rests on is always verified.
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
