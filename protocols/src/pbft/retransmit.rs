//! Retransmission: how a replica that is stuck gets what it lacks.
//!
//! The paper assumes that senders retransmit; its library does so by STATUS messages. Here a
//! replica that has something open and made no progress for a whole interval says again what it
//! has to say, and tells the others how far it came; they send what it lacks. A replica with
//! nothing open is silent, so the normal case costs what the paper says.

use std::rc::Rc;

use byzsim_core::{Decided, Digest, NodeId, Observation};

use super::message::{Asked, Batch, Commit, Decision, Msg, Seq, Status};
use super::replica::{Out, Replica, Timer};

/// How many slots one retransmission covers at most; more are asked for when these are done.
const SLOTS_MAX: usize = 16;

impl Replica {
    /// Arms the status timer while something is open.
    pub(super) fn watch(&mut self, out: &mut Out) {
        if !self.volatile.status.is_armed() && self.has_something_open() {
            self.volatile.status.arm(self.progress());
            out.set_timer(Timer::Status, self.params.status_interval);
        }
    }

    fn has_something_open(&self) -> bool {
        !self.is_active()
            || self.lacks_state()
            || !self.volatile.waiting.is_empty()
            || self.log.has_open(self.executed)
            || self.is_overtaken()
            || self.checkpoints.heard().any(|votes| {
                // One vote alone may be a liar's; the own one waits for others.
                votes.of(self.id).is_some() || self.rules.weak() <= votes.iter().count()
            })
    }

    /// Whether f + 1 replicas are further, by their own word: one of them is correct. What they
    /// said may have been of no use here, and they may say no more.
    fn is_overtaken(&self) -> bool {
        self.volatile.others.are_ahead_of(&self.progress(), self.rules.weak())
    }

    pub(super) fn progress(&self) -> Status {
        let (view, changing) = (self.view, self.changing);
        Status { view, changing, stable: self.stable(), executed: self.executed }
    }

    pub(super) fn on_status_timer(&mut self, out: &mut Out) {
        let stuck = self.volatile.status.expires(&self.progress());
        if stuck && self.has_something_open() {
            self.say_again(out);
            self.ask_for_help(out);
        }
    }

    /// Says how far it came, so that others send what it lacks.
    pub(super) fn ask_for_help(&mut self, out: &mut Out) {
        let status = self.progress();
        out.send_each(self.others(), Msg::Status(status));
        for (seq, digest) in self.log.missing().into_iter().take(SLOTS_MAX) {
            out.send_each(self.others(), Msg::FetchBatch(seq, digest));
        }
        self.fetch_state(out);
    }

    /// Sends its own last words on what is open to everyone again.
    fn say_again(&mut self, out: &mut Out) {
        for to in self.others() {
            self.send_slots(to, self.executed, out);
            self.send_own_view_change(to, out);
            self.send_own_checkpoints(to, out);
        }
        if self.is_active() && !self.is_primary() {
            self.pass_requests_on(out);
        }
    }

    /// Sends the primary the requests that it waits for.
    pub(super) fn pass_requests_on(&self, out: &mut Out) {
        for request in self.volatile.waiting.in_turn() {
            out.send(self.rules.primary(self.view), Msg::Request(request, Asked::InOrder));
        }
    }

    /// Someone is stuck: sends it what it lacks.
    pub(super) fn on_status(&self, from: NodeId, status: Status, out: &mut Out) {
        if from.is_client() {
            return;
        }
        if status.stable < self.stable() {
            self.send_stable_state(from, out);
        } else {
            self.send_own_checkpoints(from, out);
        }
        let goal = status.changing.unwrap_or(status.view);
        if goal < self.view || status.view < self.view && goal == self.view {
            self.help_into_view(from, out);
        }
        if self.changing.is_some_and(|view| goal <= view) {
            self.send_own_view_change(from, out);
        }
        self.send_slots(from, status.executed, out);
    }

    /// A replica has not entered this view yet: sends it the NEW-VIEW.
    fn help_into_view(&self, node: NodeId, out: &mut Out) {
        if let Some(new_view) = self.new_view.as_ref().filter(|_| node != self.id) {
            out.send(node, Msg::NewView(Rc::clone(new_view)));
        }
    }

    /// Sends what it knows of the slots above `executed`: of a decided slot the proof, of another
    /// the primary's proposal and its own votes.
    fn send_slots(&self, to: NodeId, executed: Seq, out: &mut Out) {
        // The number is a stranger's word: it may be the greatest there is.
        let slots = executed.saturating_add(1)..=self.log.last();
        for seq in slots.filter(|seq| self.log.has_begun(*seq)).take(SLOTS_MAX) {
            if let Some(decision) = self.rules.proof_of_decision(&self.log, seq) {
                out.send(to, Msg::Decided(seq, decision));
                continue;
            }
            let Some(slot) = self.log.get(seq) else { continue };
            if let Some(pre_prepare) = &slot.pre_prepare
                && self.rules.passes_on(pre_prepare, self.id)
                && let Some((_, batch)) = self.log.proposed(seq)
            {
                out.send(to, Msg::PrePrepare(pre_prepare.clone(), Rc::clone(batch)));
            }
            if let Some(prepare) = slot.prepares.of(self.id) {
                out.send(to, Msg::Prepare(Rc::clone(prepare)));
            }
            if let Some(commit) = slot.commits.of(self.id) {
                out.send(to, Msg::Commit(Rc::clone(commit)));
            }
        }
    }

    /// A quorum's COMMITs of one view decide a slot, whatever view this replica is in.
    pub(super) fn on_decided(&mut self, seq: Seq, it: &Decision, out: &mut Out) {
        if seq <= self.executed || !self.in_window(seq) || self.log.decided(seq).is_some() {
            return;
        }
        let Some(first) = it.commits.first() else { return };
        let (view, digest) = (first.view, it.batch.digest());
        let counts = |vote: &Commit, voter: NodeId| {
            (vote.view, vote.seq) == (view, seq)
                && self.rules.matches(vote.digest, digest)
                && !voter.is_client()
        };
        if it.commits.len() != self.rules.commits() || !it.commits.proves(&self.signer, counts) {
            return;
        }
        if !self.rules.are_distinct(&it.commits) || !self.is_of_clients(&it.batch) {
            return;
        }
        self.log.keep_decision(seq, it);
        out.observe(Observation::Committed { view, seq, decided: Decided::Batch(digest) });
        out.observe(Observation::Reached("decision-learned"));
        self.execute_ready(out);
    }

    fn send_own_view_change(&self, to: NodeId, out: &mut Out) {
        let Some(goal) = self.changing else { return };
        let own = self.view_changes.iter().find(|it| it.signer() == self.id && it.view == goal);
        if let Some(own) = own {
            out.send(to, Msg::ViewChange(Rc::clone(own)));
        }
    }

    fn send_own_checkpoints(&self, to: NodeId, out: &mut Out) {
        for own in self.checkpoints.votes_of(self.id) {
            out.send(to, Msg::Checkpoint(own.clone()));
        }
    }

    /// Sends the batch of a slot to who lacks it.
    pub(super) fn on_fetch_batch(&self, from: NodeId, seq: Seq, digest: Digest, out: &mut Out) {
        let batch = self.log.batch(seq, digest).filter(|_| !from.is_client());
        if let Some(batch) = batch {
            out.send(from, Msg::Batch(seq, Rc::clone(batch)));
        }
    }

    /// A batch came: if the view proposes it for this slot, its digest is proof enough.
    pub(super) fn on_batch(&mut self, seq: Seq, batch: &Rc<Batch>, out: &mut Out) {
        let proposed = self.log.get(seq).and_then(super::log::Slot::digest);
        let is_news = self.log.proposed(seq).is_none();
        if proposed == Some(batch.digest()) && self.keep_batch(seq, batch) {
            if is_news {
                out.observe(Observation::Reached("batch-fetched"));
            }
            self.try_prepare(seq, out);
        }
    }
}

#[cfg(test)]
mod tests {
    use byzsim_core::field::Entry as _;
    use byzsim_core::{Committee, CryptoBackend, Operation, Time, crypto::Keyring};

    use super::super::Params;
    use super::super::message::{PrePrepare, Request};
    use super::super::rules::Rules;
    use super::*;

    /// r2 among four, and everyone's keys.
    fn replica() -> (Replica, Rc<Keyring>) {
        let committee = Committee { replicas: 4, faults: 1, clients: 1 };
        let keyring = Keyring::new(CryptoBackend::Ideal, committee, 7);
        let params = Params::default();
        let rules = Rules::new(committee, &params);
        (Replica::new(keyring.signer(NodeId::Replica(2)), rules, params), keyring)
    }

    /// A corrupted primary proposes what nobody can execute to one replica alone: the others hear
    /// of it by that one's votes, and ask.
    #[test]
    fn a_proposal_far_above_the_last_slot_is_passed_on() {
        let (mut replica, keyring) = replica();
        let batch = Batch::new(Vec::new());
        let seq = SLOTS_MAX as Seq + 20;
        let proposal = PrePrepare { view: 0, seq, digest: batch.digest() };
        let proposal = keyring.signer(NodeId::Replica(0)).sign(proposal);
        replica.accept(proposal, Some(&batch), &mut Out::new(Time::ZERO));
        let mut out = Out::new(Time::ZERO);
        replica.send_slots(NodeId::Replica(1), 0, &mut out);
        let sent = out.drain(Time::ZERO).collect::<Vec<_>>();
        assert_eq!(sent.len(), 1, "its own vote is on its way, and not yet heard: {sent:?}");
    }

    /// The digest covers the requests, and not their signatures.
    #[test]
    fn a_batch_with_garbage_signatures_is_not_kept() {
        let (mut replica, keyring) = replica();
        let request = Request { timestamp: 1, operation: Operation::Get { key: "x".into() } };
        let request = Rc::new(keyring.signer(NodeId::Client(0)).sign(request));
        let (good, bad) = (Batch::new(vec![request.clone()]), Batch::new(vec![request.forged()]));
        let digest = good.digest();
        assert_eq!(bad.digest(), digest);
        let proposal = PrePrepare { view: 0, seq: 1, digest };
        let proposal = keyring.signer(NodeId::Replica(0)).sign(proposal);
        replica.log.slot(1).propose(proposal.clone());
        let mut out = Out::new(Time::ZERO);
        replica.on_batch(1, &bad, &mut out);
        replica.on_pre_prepare(NodeId::Replica(1), &proposal, &bad, &mut out);
        assert!(replica.log.batch(1, digest).is_none(), "nobody could be convinced by it");
        replica.on_batch(1, &good, &mut out);
        assert!(replica.log.batch(1, digest).is_some());
    }
}
