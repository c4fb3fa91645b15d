//! Checkpoints, garbage collection and state transfer (Castro–Liskov §4.3).

use std::rc::Rc;

use byzsim_core::{Digest, NodeId, Observation, Signed};

use super::message::{Checkpoint, Msg, Seq};
use super::replica::{Out, Replica};
use crate::service::Service;

impl Replica {
    /// §4.3: every K slots a replica keeps a copy of its state and tells the others its digest. One
    /// that executes slots again has told them before: another digest would prove it faulty.
    pub(super) fn take_checkpoint(&mut self, out: &mut Out) {
        let (seq, state) = (self.executed, self.rules.state_digest(&self.service));
        self.checkpoints.keep_state(seq, state, Rc::new(self.service.clone()));
        out.observe(Observation::Checkpointed { seq, state });
        if self.vouched < seq {
            self.vouched = seq;
            out.broadcast(Msg::Checkpoint(self.signer.sign(Checkpoint { seq, state })));
        }
    }

    /// §4.3: a quorum of equal CHECKPOINTs makes it stable. Those above the window are heard too: a
    /// replica that fell behind learns from them.
    pub(super) fn on_checkpoint(
        &mut self,
        from: NodeId,
        checkpoint: &Signed<Checkpoint>,
        out: &mut Out,
    ) {
        let (seq, sender) = (checkpoint.seq, checkpoint.signer());
        let is_news = self.checkpoints.is_news(seq);
        if !is_news || sender.is_client() || !self.vouches(from, checkpoint) {
            return;
        }
        if !self.in_window(seq) {
            self.checkpoints.forget_far(sender, self.stable() + self.params.window);
        }
        let (rules, votes) = (&self.rules, self.checkpoints.votes(seq));
        rules.record_checkpoint(votes, checkpoint);
        let equal = |vote: &Checkpoint| rules.same_state(vote.state, checkpoint.state);
        if let Some(proof) = votes.quorum_of(rules.quorum(), equal) {
            self.stabilise(seq, checkpoint.state, proof, out);
        }
    }

    /// §4.3: h moves to a proven checkpoint; what lies at or below it is forgotten.
    pub(super) fn stabilise(
        &mut self,
        seq: Seq,
        state: Digest,
        proof: Vec<Signed<Checkpoint>>,
        out: &mut Out,
    ) {
        if self.has_diverged(seq, state) {
            self.start_over(seq, out);
        }
        self.rules.stabilise(&mut self.checkpoints, seq, proof);
        self.log.collect_garbage(seq);
        self.next_seq = self.next_seq.max(seq + 1);
        out.observe(Observation::StableCheckpoint { seq, state });
        if self.lacks_state() {
            self.fetch_state(out);
        } else {
            self.checkpoints.forget_old_states();
            self.propose(out);
        }
        self.catch_up_in_window(out);
    }

    /// Whether the own state after this slot is not the one that a quorum signed.
    fn has_diverged(&self, seq: Seq, proven: Digest) -> bool {
        self.checkpoints.own_digest(seq).is_some_and(|own| own != proven)
    }

    /// What it holds is worth nothing from this slot on: it fetches the state that a quorum signed,
    /// and executes again what was decided above it. What it said of slots above it counts no more
    /// here, and it says nothing else of them. The paper has no such case: a correct replica
    /// whose storage and code are sound never diverges.
    fn start_over(&mut self, seq: Seq, out: &mut Out) {
        out.observe(Observation::Reached("state-diverged"));
        out.observe(Observation::RolledBack { to: seq - 1 });
        self.checkpoints.roll_back(self.id, seq - 1);
        self.service = Service::default();
        self.executed = seq - 1;
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
    /// shows the proof of the checkpoint. It may be the only one that has it: a faulty replica can
    /// complete a quorum for one replica alone, and one that lacks the state cannot vote for it.
    pub(super) fn on_fetch_state(
        &mut self,
        from: NodeId,
        proof: &[Signed<Checkpoint>],
        out: &mut Out,
    ) {
        let Some(Checkpoint { seq, state }) = proof.first().map(|it| *it.body()) else { return };
        if from.is_client() {
            return;
        }
        if self.stable() < seq && self.proves(seq, state, proof) {
            self.stabilise(seq, state, proof.to_vec(), out);
        }
        if seq <= self.stable() {
            self.send_stable_state(from, out);
        }
    }

    /// Sends the state of the last stable checkpoint with its proof, in one piece. Relayed one by
    /// one, the CHECKPOINTs might never add up: a liar's other vote may have come first.
    pub(super) fn send_stable_state(&self, to: NodeId, out: &mut Out) {
        if let Some((seq, state, proof)) = self.checkpoints.stable_state() {
            out.send(to, Msg::State(seq, state, proof));
        }
    }

    /// Installs a state whose digest a quorum signed; one that it has itself, it learns to be
    /// stable.
    pub(super) fn on_state(
        &mut self,
        seq: Seq,
        state: &Rc<Service>,
        proof: &[Signed<Checkpoint>],
        out: &mut Out,
    ) {
        if seq <= self.executed && seq <= self.stable() || seq < self.stable() {
            return;
        }
        let digest = self.rules.state_digest(state);
        if !self.rules.is_proven_state(self, (seq, digest), proof) {
            return;
        }
        if self.has_diverged(seq, digest) {
            self.start_over(seq, out);
        }
        if self.executed < seq {
            self.rules.restore(&mut self.service, state);
            self.executed = seq;
            self.checkpoints.keep_state(seq, digest, Rc::clone(state));
            let content = Rc::new(self.service.content());
            out.observe(Observation::Restored { seq, state: digest, history: None, content });
        }
        if self.stable() < seq {
            self.stabilise(seq, digest, proof.to_vec(), out);
        } else {
            self.checkpoints.forget_old_states();
        }
        self.note_progress(out);
        self.execute_ready(out);
    }

    /// Whether `proof` is a quorum's word that the state after `seq` has this digest. It is kept
    /// and relayed, so nothing else may be in it: not even a vote too many.
    pub(super) fn proves(&self, seq: Seq, state: Digest, proof: &[Signed<Checkpoint>]) -> bool {
        let says_so = |it: &Signed<Checkpoint>| {
            *it.body() == Checkpoint { seq, state } && self.signer.verify(it)
        };
        let all_say_so = proof.len() == self.rules.quorum() && proof.iter().all(says_so);
        all_say_so && self.rules.are_distinct_checkpoints(proof)
    }
}
