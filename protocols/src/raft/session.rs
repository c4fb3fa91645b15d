//! What clients ask (Ongaro and Ousterhout §8; thesis §6): rule A6, sessions, and redirection.

use std::rc::Rc;

use byzsim_core::{Answer, Observation};

use super::message::{LogEntry, Msg, Redirect, Reply, Request};
use super::replica::{Out, Replica, Timer};

impl Replica {
    /// A6: the leader appends what is new, reads like writes. What was executed it answers from the
    /// client's session. Whoever does not lead says who does.
    ///
    /// A request that is in the log already and was not executed is appended again: whether that
    /// entry will be committed is open, and of two that are the session lets one take effect.
    pub(super) fn on_request(&mut self, it: &Rc<Request>, out: &mut Out) {
        if !self.rules.is_client(it.client) {
            return;
        }
        if !self.is_leader() {
            if self.rules.shows_acks() && self.rules.is_done(&self.service, it) {
                return self.answer_from_session(it.client, it.number, out);
            }
            return self.redirect(it, out);
        }
        if self.rules.is_done(&self.service, it) {
            out.observe(Observation::Reached("session-duplicate"));
            if self.rules.shows_acks() && self.log.last().0 < self.term {
                // The others may not know that it is committed, and one answer is not enough: what
                // is shown to them is of this term.
                self.append(LogEntry::no_op(self.term), out);
                self.send_entries_to_all(out);
                self.advance_commit(out);
            }
            return self.answer_from_session(it.client, it.number, out);
        }
        let commits_own = self.log.term_at(self.volatile.commit) == Some(self.term);
        if let Some(answer) = self.rules.read(&self.service, it, commits_own) {
            return self.answer_read(it, answer, out);
        }
        self.volatile.gathered.push(Rc::clone(it));
        match self.params.batch_delay {
            None => self.append_gathered(out),
            Some(delay) if self.volatile.gathered.len() == 1 => out.set_timer(Timer::Batch, delay),
            Some(_) => {}
        }
    }

    /// A6: what the leader gathered goes into its log, in one step. Whoever leads no longer says
    /// who does.
    pub(super) fn append_gathered(&mut self, out: &mut Out) {
        let gathered = std::mem::take(&mut self.volatile.gathered);
        if !self.rules.may_append(self.is_leader()) {
            for it in gathered {
                self.redirect(&it, out);
            }
            return;
        }
        for it in gathered {
            self.append(LogEntry::new(self.term, it), out);
        }
        self.send_entries_to_all(out);
        self.advance_commit(out);
    }

    fn redirect(&self, it: &Request, out: &mut Out) {
        let redirect = Redirect { number: it.number, leader: self.volatile.leader };
        out.send(it.client, Msg::Redirect(redirect));
    }

    /// The answer to a read that has no entry in the log.
    fn answer_read(&self, it: &Request, answer: Answer, out: &mut Out) {
        let (seq, client, number) = (self.executed, it.client, it.number);
        let operation = it.operation.clone();
        let read =
            Observation::Read { seq, client, timestamp: number, operation, answer: answer.clone() };
        out.observe(read);
        out.send(client, Msg::Reply(Reply { number, answer }));
    }
}
