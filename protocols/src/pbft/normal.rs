//! The normal case (Castro–Liskov §4.1, §4.2): request, pre-prepare, prepare, commit, reply.

use std::rc::Rc;

use byzsim_core::{Answer, Decided, NodeId, Observation, Signed};

use super::evidence::{Exhibit, evidence};
use super::message::{Asked, Basis, Batch, Commit, Msg, PrePrepare, Prepare, Reply, Request, Seq};
use super::replica::{Out, Replica, Timer};

impl Replica {
    /// §4.1: executed before: send the reply again. New: the primary orders it, a backup relays it
    /// to the primary and starts its timer: this pair deposes a silent primary. It does so if it is
    /// new here, whoever sent it: a faulty replica may pass it on to backups alone, which would
    /// depose a primary that never heard of it. What is not new goes no further, unless its client
    /// asks: replicas in different views might pass it round in a circle.
    pub(super) fn on_request(
        &mut self,
        from: NodeId,
        request: &Rc<Signed<Request>>,
        out: &mut Out,
    ) {
        let client = request.signer();
        if !self.rules.is_of_client(request, &self.signer) {
            return;
        }
        let is_active = self.is_active();
        let (last, answer) = self.service.last_reply(client);
        match answer {
            Some(answer) if self.rules.is_in_cache(request.timestamp, last) => {
                let answer = answer.clone();
                self.reply(client, request.timestamp, answer, out);
                return;
            }
            _ if self.rules.takes_up(request, last, is_active) => {}
            _ => return,
        }
        let is_new = self.await_execution(request, out);
        if !is_active {
            return;
        }
        if self.is_primary() {
            self.enqueue(request);
            self.propose(out);
        } else if from == client || is_new {
            out.send(
                self.rules.primary(self.view),
                Msg::Request(Rc::clone(request), Asked::InOrder),
            );
        }
    }

    /// §5.1: a read is answered at once, from the state after the last slot that was executed: all
    /// that it reflects is decided. It changes nothing, is no progress, and enters no reply cache.
    pub(super) fn on_read(&self, from: NodeId, request: &Signed<Request>, out: &mut Out) {
        let (client, timestamp) = (request.signer(), request.timestamp);
        let is_news = self.service.last_reply(client).0 < timestamp;
        if from != client || !is_news || !self.rules.is_of_client(request, &self.signer) {
            return;
        }
        let Some((seq, answer)) = self.rules.read(self, &request.operation) else { return };
        let operation = request.operation.clone();
        let read = answer.clone();
        out.observe(Observation::Read { seq, client, timestamp, operation, answer: read });
        let reply = Reply { view: self.view, timestamp, client, answer };
        out.send(client, Msg::Reply(self.signer.sign(reply), Basis::State(seq)));
    }

    /// §4.4: a backup that waits for a request runs a timer. Says whether it did not wait for it.
    pub(super) fn await_execution(&mut self, request: &Rc<Signed<Request>>, out: &mut Out) -> bool {
        let client = request.signer();
        if request.timestamp <= self.service.last_reply(client).0 {
            return false;
        }
        let id = (client, request.timestamp);
        let is_new = self.volatile.waiting.add(out.now(), id, Rc::clone(request));
        if self.volatile.waiting.is_timed_replaced() {
            self.stop_progress_timer(out);
        }
        self.start_progress_timer(out);
        is_new
    }

    /// The timer runs for the request that waits longest, and stops for no other: a primary that
    /// serves some clients only is deposed. It stops if its client has sent a later request: it
    /// waits for that one no more.
    pub(super) fn start_progress_timer(&mut self, out: &mut Out) {
        if self.volatile.waiting.is_timed() || !self.is_active() || self.is_primary() {
            return;
        }
        if let Some(request) = self.rules.times(self.view, &self.volatile.waiting) {
            self.volatile.waiting.start_timer(request);
            out.set_timer(Timer::Progress(self.view), self.timeout());
        }
    }

    pub(super) fn stop_progress_timer(&mut self, out: &mut Out) {
        if self.volatile.waiting.stop_timer() {
            out.cancel_timer(Timer::Progress(self.view));
        }
    }

    pub(super) fn enqueue(&mut self, request: &Rc<Signed<Request>>) {
        let queued = self.volatile.queued.or_default(request.signer());
        if *queued < request.timestamp {
            *queued = request.timestamp;
            let client = request.signer();
            let mut queue = self.volatile.queue.iter_mut();
            match queue.find(|older| older.signer() == client) {
                // A correct client waits for its answer: only a faulty one has an older request
                // here. Its turn stays: if it lost it with each request, none would be executed,
                // and a backup that knows of the older one would give up this primary.
                Some(older) => *older = Rc::clone(request),
                None => self.volatile.queue.push_back(Rc::clone(request)),
            }
        }
    }

    /// §4.2: the primary gives the next slot to the next batch, as long as the window and the
    /// number of open slots allow.
    pub(super) fn propose(&mut self, out: &mut Out) {
        while self.is_active()
            && self.is_primary()
            && !self.volatile.queue.is_empty()
            && self.in_window(self.next_seq)
            && self.next_seq <= self.executed + self.params.pipeline
        {
            let size = self.volatile.queue.len().min(usize::from(self.params.batch_max));
            let batch = Batch::new(self.volatile.queue.drain(..size).collect());
            let (view, seq, digest) = (self.view, self.next_seq, batch.digest());
            self.next_seq += 1;
            let pre_prepare = self.signer.sign(PrePrepare { view, seq, digest });
            // The primary logs its own proposal before anything else happens.
            self.on_pre_prepare(self.id, &pre_prepare, &batch, out);
            out.send_each(self.others(), Msg::PrePrepare(pre_prepare, batch));
        }
    }

    /// §4.2: accept iff the primary of this view signed it, the client signed each request, no
    /// other batch was accepted for (v, n), and h < n ≤ H.
    pub(super) fn on_pre_prepare(
        &mut self,
        from: NodeId,
        pre_prepare: &Signed<PrePrepare>,
        batch: &Rc<Batch>,
        out: &mut Out,
    ) {
        let (seq, digest) = (pre_prepare.seq, pre_prepare.digest);
        let primary = self.rules.primary(self.view);
        let is_body = self.rules.is_body_of(batch.digest(), digest);
        if !self.in_window(seq) || !is_body || pre_prepare.signer() != primary {
            return;
        }
        match self.rules.stands_by(&self.log, pre_prepare) {
            None => {}
            Some(known) if !self.rules.contradict(known, digest) => {
                // A retransmission; the batch may be new, if a NEW-VIEW proposed it.
                if self.keep_batch(seq, batch) {
                    self.try_prepare(seq, out);
                }
                return;
            }
            Some(_) => {
                // Two statements of one primary for one (v, n): anyone can check both signatures.
                let known = self.log.get(seq).and_then(|slot| slot.pre_prepare.as_ref());
                if self.signer.verify(pre_prepare)
                    && let Some(known) = known
                {
                    let reason = "two pre-prepares for one slot";
                    let two = [known.clone(), pre_prepare.clone()].map(Exhibit::PrePrepare);
                    let evidence = evidence(two);
                    out.observe(Observation::Proven { node: primary, reason, evidence });
                }
                return;
            }
        }
        let is_null = batch.requests().is_empty();
        if is_null || from != self.id && !self.verify_proposal(pre_prepare, batch) {
            return;
        }
        self.accept(pre_prepare.clone(), Some(batch), out);
        for request in batch.requests() {
            self.await_execution(request, out);
        }
    }

    fn verify_proposal(&self, pre_prepare: &Signed<PrePrepare>, batch: &Batch) -> bool {
        self.signer.verify(pre_prepare) && self.is_of_clients(batch)
    }

    /// Whether clients signed all requests of a batch.
    pub(super) fn is_of_clients(&self, batch: &Batch) -> bool {
        let is_of_client = |it: &Rc<_>| self.rules.is_of_client(it, &self.signer);
        batch.requests().iter().all(is_of_client)
    }

    /// Keeps the batch of a proposal, whoever sent it; whether it is there then. The digest does
    /// not cover the signatures of the requests: who kept a batch with garbage among them would
    /// pass on what others refuse.
    pub(super) fn keep_batch(&mut self, seq: Seq, batch: &Rc<Batch>) -> bool {
        let is_there = self.log.batch(seq, batch.digest()).is_some();
        if !is_there && !self.is_of_clients(batch) {
            return false;
        }
        self.log.keep_batch(seq, batch.digest(), batch);
        true
    }

    /// Logs a proposal of the current view, and votes for it as a backup.
    pub(super) fn accept(
        &mut self,
        pre_prepare: Signed<PrePrepare>,
        batch: Option<&Rc<Batch>>,
        out: &mut Out,
    ) {
        let PrePrepare { view, seq, digest } = *pre_prepare;
        assert_eq!(view, self.view, "proposals are accepted in their view");
        if let Some(batch) = batch {
            self.log.keep_batch(seq, digest, batch);
        }
        let votes = self.rules.votes_for(&pre_prepare, self.id, &self.log);
        self.log.slot(seq).propose(pre_prepare);
        out.observe(Observation::Accepted { view, seq, batch: digest });
        if votes {
            let prepare = self.signer.sign(Prepare { view, seq, digest });
            out.broadcast(Msg::Prepare(Rc::new(prepare)));
        }
        self.try_prepare(seq, out);
    }

    /// §4.2: accept iff signed, in this view and window; from a backup; the first of its sender.
    pub(super) fn on_prepare(
        &mut self,
        from: NodeId,
        prepare: &Rc<Signed<Prepare>>,
        out: &mut Out,
    ) {
        let is_backup = self.rules.is_backup(prepare.signer(), self.view);
        if !self.in_window(prepare.seq) || !is_backup || !self.vouches(from, prepare) {
            return;
        }
        let slot = self.log.slot(prepare.seq);
        if !self.rules.record(&mut slot.prepares, prepare) {
            return;
        }
        self.try_prepare(prepare.seq, out);
    }

    /// §4.2: when *prepared* becomes true, multicast COMMIT, once.
    pub(super) fn try_prepare(&mut self, seq: Seq, out: &mut Out) {
        let proposed = self.rules.proposed_slot(&mut self.log, seq);
        let Some((digest, slot)) = proposed else { return };
        if !slot.prepared {
            if !slot.may_prepare(&self.rules) {
                return;
            }
            slot.prepared = true;
            let commit = self.signer.sign(Commit { view: self.view, seq, digest });
            self.rules.multicast(commit, self, out);
        }
        self.try_commit(seq, out);
    }

    /// §4.2: accept iff signed, in this view and window; the first of its sender.
    pub(super) fn on_commit(&mut self, from: NodeId, commit: &Rc<Signed<Commit>>, out: &mut Out) {
        let is_client = commit.signer().is_client();
        if !self.in_window(commit.seq) || is_client || !self.vouches(from, commit) {
            return;
        }
        let slot = self.log.slot(commit.seq);
        if !self.rules.record(&mut slot.commits, commit) {
            return;
        }
        self.try_commit(commit.seq, out);
    }

    /// §4.2: *committed-local* decides the slot; slots are decided in any order, and executed in
    /// theirs.
    pub(super) fn try_commit(&mut self, seq: Seq, out: &mut Out) {
        let Some((digest, slot)) = self.log.proposed_slot(seq) else { return };
        if slot.committed || !slot.may_commit(&self.rules) {
            return;
        }
        slot.committed = true;
        let decided = Decided::Batch(digest);
        out.observe(Observation::Committed { view: self.view, seq, decided });
        self.execute_ready(out);
    }

    /// Executes what is decided and has its turn.
    pub(super) fn execute_ready(&mut self, out: &mut Out) {
        while let Some((seq, batch)) = self.rules.next_to_execute(&self.log, self.executed) {
            self.execute(seq, &batch, out);
        }
        self.propose(out);
    }

    fn execute(&mut self, seq: Seq, batch: &Batch, out: &mut Out) {
        self.executed = seq;
        let null = batch.requests().is_empty();
        let digest = batch.digest();
        out.observe(Observation::Executed { view: self.view, seq, batch: digest, null });
        let mut progress = false;
        for request in batch.requests() {
            progress |= self.apply(seq, request, out);
        }
        if seq.is_multiple_of(self.params.checkpoint_interval) {
            self.take_checkpoint(out);
        }
        if progress {
            self.note_progress(out);
        }
    }

    /// §4.2: at most once: a timestamp that is not new is not executed, and is not progress.
    fn apply(&mut self, seq: Seq, request: &Signed<Request>, out: &mut Out) -> bool {
        let (client, timestamp) = (request.signer(), request.timestamp);
        let Some(answer) = self.rules.execute(&mut self.service, request) else { return false };
        let operation = request.operation.clone();
        let result = answer.clone();
        out.observe(Observation::Applied { seq, client, timestamp, operation, answer: result });
        self.reply(client, timestamp, answer, out);
        true
    }

    /// §4.4: the timer stops when its request was executed, and starts anew for what still waits.
    pub(super) fn note_progress(&mut self, out: &mut Out) {
        let (service, rules) = (&self.service, &self.rules);
        let waits = |client, timestamp| rules.waits(timestamp, service.last_reply(client).0);
        let is_timed_one_done = self.volatile.waiting.retain(waits);
        self.volatile.patience.note_progress();
        self.volatile.patience.recover();
        if self.rules.stops_timer(is_timed_one_done) {
            self.stop_progress_timer(out);
        }
        self.start_progress_timer(out);
    }

    pub(super) fn reply(&self, client: NodeId, timestamp: u64, answer: Answer, out: &mut Out) {
        let reply = Reply { view: self.view, timestamp, client, answer };
        out.send(client, Msg::Reply(self.signer.sign(reply), Basis::Order));
    }
}

#[cfg(test)]
mod tests {
    use byzsim_core::crypto::Keyring;
    use byzsim_core::{Committee, CryptoBackend, Operation};

    use super::super::Params;
    use super::super::rules::Rules;
    use super::*;

    /// Otherwise it would go to the end of the queue for ever, and a backup that knows of its first
    /// request would give up the primary.
    #[test]
    fn a_client_that_gives_up_its_request_keeps_its_turn() {
        let committee = Committee { replicas: 4, faults: 1, clients: 2 };
        let keyring = Keyring::new(CryptoBackend::Ideal, committee, 7);
        let params = Params::default();
        let rules = Rules::new(committee, &params);
        let mut primary = Replica::new(keyring.signer(NodeId::Replica(0)), rules, params);
        let [c0, c1] = [0, 1].map(NodeId::Client);
        for (client, timestamp) in [(c1, 1), (c0, 1), (c1, 2), (c1, 1)] {
            let request = Request { timestamp, operation: Operation::Get { key: "x".into() } };
            primary.enqueue(&Rc::new(keyring.signer(client).sign(request)));
        }
        let queue = primary.volatile.queue.iter().map(|it| (it.signer(), it.timestamp));
        assert_eq!(queue.collect::<Vec<_>>(), [(c1, 2), (c0, 1)]);
    }
}
