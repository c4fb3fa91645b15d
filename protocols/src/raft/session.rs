//! What clients ask (Ongaro and Ousterhout §8; thesis §6): rule A6, sessions, and redirection.

use std::rc::Rc;

use byzsim_core::Observation;

use super::message::{LogEntry, Msg, Redirect, Request};
use super::replica::{Out, Replica};

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
            let redirect = Redirect { number: it.number, leader: self.volatile.leader };
            return out.send(it.client, Msg::Redirect(redirect));
        }
        if self.rules.is_done(&self.service, it) {
            out.observe(Observation::Reached("session-duplicate"));
            return self.answer_from_session(it.client, it.number, out);
        }
        self.append(LogEntry::new(self.term, Rc::clone(it)), out);
        self.send_entries_to_all(out);
        self.advance_commit(out);
    }
}
