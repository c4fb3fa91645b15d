//! What is committed, and executed (Ongaro and Ousterhout §5.3, §5.4.2): rules A10 and A11.

use byzsim_core::{Decided, NodeId, Observation};

use super::message::{Index, LogEntry, Msg, Reply};
use super::replica::{Out, Replica};

impl Replica {
    /// A10: the leader counts who holds an entry, itself included; of its own term alone. What lies
    /// before comes along: counting an older entry is what Figure 8 of the paper warns of.
    pub(super) fn advance_commit(&mut self, out: &mut Out) {
        let index = match self.rules.shows_acks() {
            true => self.acknowledged(out),
            false => self.counted(),
        };
        if let Some(index) = index {
            self.volatile.commit = index;
        }
        self.execute(out);
        match index {
            None => {}
            Some(_) if self.rules.shows_acks() => self.notify(out),
            Some(_) if self.params.eager_commit => self.send_entries_to_all(out),
            Some(_) => {}
        }
    }

    /// A10: the last entry that enough servers hold, if that is news.
    fn counted(&self) -> Option<Index> {
        let mut matched: Vec<Index> =
            self.volatile.followers.values().map(|it| it.matched).collect();
        matched.push(self.log.last_index());
        matched.sort_unstable_by(|a, b| b.cmp(a));
        let index = *matched.get(self.rules.quorum() - 1)?;
        let entry_term = self.log.term_at(index);
        let is_news = self.volatile.commit < index;
        (is_news && self.rules.may_count(entry_term, self.term)).then_some(index)
    }

    /// A11: in the order of the log, what is committed.
    pub(super) fn execute(&mut self, out: &mut Out) {
        while self.executed < self.rules.executes_up_to(self.volatile.commit, &self.log) {
            let Some(entry) = self.log.get(self.executed + 1).cloned() else { return };
            self.executed += 1;
            self.execute_entry(&entry, out);
            self.take_snapshot_if_due(out);
        }
    }

    fn execute_entry(&mut self, entry: &LogEntry, out: &mut Out) {
        let (seq, batch) = (self.executed, entry.digest());
        let decided = Decided::Batch(batch);
        out.observe(Observation::Committed { view: entry.term(), seq, decided });
        let null = entry.request().is_none();
        out.observe(Observation::Executed { view: self.followed, seq, batch, null });
        let Some(request) = entry.request() else { return };
        let (client, timestamp) = (request.client, request.number);
        match self.rules.apply(&mut self.service, request) {
            Some(answer) => {
                let operation = request.operation.clone();
                out.observe(Observation::Applied {
                    seq,
                    client,
                    timestamp,
                    operation,
                    answer: answer.clone(),
                });
            }
            None => out.observe(Observation::Reached("session-duplicate")),
        }
        if self.is_leader() || self.rules.shows_acks() {
            self.answer_from_session(client, timestamp, out);
        }
    }

    /// The answer to the client's last request that was executed, if that is this one.
    pub(super) fn answer_from_session(&self, client: NodeId, number: u64, out: &mut Out) {
        if let (last, Some(answer)) = self.service.last_reply(client)
            && last == number
            && self.rules.is_client(client)
        {
            let answer = answer.clone();
            out.send(client, Msg::Reply(Reply { number, answer }));
        }
    }
}
