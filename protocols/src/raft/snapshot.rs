//! Snapshots (Ongaro and Ousterhout §7): each server takes its own, and a leader sends its to a
//! follower that lacks what the log no longer has.

use std::rc::Rc;

use byzsim_core::{NodeId, Observation};

use super::message::InstallSnapshot;
use super::replica::{Out, Replica};
use crate::service::Service;

impl Replica {
    /// State, sessions, and the last index and term are written before the entries go. Every server
    /// takes its snapshots after the same entries, so that judges can compare them.
    pub(super) fn take_snapshot_if_due(&mut self, out: &mut Out) {
        let interval = self.params.snapshot_interval;
        if interval == 0 || !self.executed.is_multiple_of(interval) {
            return;
        }
        let (seq, state) = (self.executed, self.service.digest());
        out.observe(Observation::Checkpointed { seq, state });
        self.snapshot = Rc::new(self.rules.snapshot(&self.service));
        self.log.compact(seq);
        out.observe(Observation::StableCheckpoint { seq, state });
    }

    /// The leader's state replaces the own one, unless that is as far. Entries behind it stay if
    /// the log agrees with it.
    pub(super) fn on_install_snapshot(
        &mut self,
        from: NodeId,
        it: InstallSnapshot,
        state: &Rc<Service>,
        out: &mut Out,
    ) {
        if it.term < self.term {
            return self.answer_append(from, false, self.log.last_index() + 1, out);
        }
        if !self.follow(it.leader, out) {
            return;
        }
        self.refresh(out);
        let seq = it.last_index;
        if self.executed < seq {
            if self.log.replace((seq, it.last_term)) {
                out.observe(Observation::Cut { from: seq + 1 });
            }
            self.snapshot = Rc::clone(state);
            self.service = Service::clone(state);
            self.executed = seq;
            self.volatile.commit = self.volatile.commit.max(seq);
            let (digest, content) = (self.service.digest(), Rc::new(self.service.content()));
            out.observe(Observation::StableCheckpoint { seq, state: digest });
            out.observe(Observation::Restored { seq, state: digest, history: None, content });
        }
        self.answer_append(from, true, seq, out);
    }
}
