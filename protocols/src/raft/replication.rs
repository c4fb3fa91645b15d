//! Log replication (Ongaro and Ousterhout §5.3): rules A7 to A9.

use std::rc::Rc;

use byzsim_core::{NodeId, Observation};

use super::message::{AppendEntries, AppendReply, Index, InstallSnapshot, LogEntry, Msg};
use super::replica::{Out, Replica, Role, Timer};
use super::seal::{Acked, Proof};

impl Replica {
    /// An entry is written to the end of the log.
    pub(super) fn append(&mut self, entry: LogEntry, out: &mut Out) {
        let (view, batch) = (entry.term(), entry.digest());
        let seq = self.log.push(entry);
        out.observe(Observation::Accepted { view, seq, batch });
    }

    /// A7: entries to all followers, or heartbeats where there are none, now and from time to time.
    pub(super) fn beat(&mut self, out: &mut Out) {
        self.send_entries_to_all(out);
        out.set_timer(Timer::Heartbeat, self.params.heartbeat);
    }

    pub(super) fn on_heartbeat_timer(&mut self, out: &mut Out) {
        if self.is_leader() {
            self.beat(out);
        }
    }

    pub(super) fn send_entries_to_all(&mut self, out: &mut Out) {
        for node in self.others() {
            self.send_entries(node, out);
        }
    }

    /// A7: what the follower lacks, from the entry on that it is thought to lack. If the log does
    /// not reach back that far, the snapshot.
    fn send_entries(&mut self, to: NodeId, out: &mut Out) {
        let Some(follower) = self.volatile.followers.get_mut(&to) else { return };
        let prev_index = follower.next - 1;
        let Some(prev_term) = self.log.term_at(prev_index) else {
            let (last_index, last_term) = self.log.base;
            follower.sent = last_index;
            let it = InstallSnapshot { term: self.term, leader: self.id, last_index, last_term };
            out.send(to, Msg::InstallSnapshot(it, Rc::clone(&self.snapshot)));
            return;
        };
        let entries = self.log.behind(prev_index, usize::from(self.params.batch_max)).to_vec();
        let sent = prev_index + entries.len() as u64;
        follower.sent = sent;
        let commit = self.rules.announced(self.volatile.commit, sent);
        let (term, leader) = (self.term, self.id);
        let it = AppendEntries { term, leader, prev_index, prev_term, entries, commit };
        out.send(to, self.append_entries(it));
    }

    /// A8: whoever sends entries of this term leads it. Whether it follows.
    pub(super) fn follow(&mut self, leader: NodeId, out: &mut Out) -> bool {
        if self.is_leader() || !self.rules.is_replica(leader) {
            return false;
        }
        self.voted_for = self.rules.vote_beside_leader(self.voted_for);
        self.volatile.role = Role::Follower;
        self.volatile.leader = Some(leader);
        if self.followed < self.term {
            self.followed = self.term;
            out.observe(Observation::EnteredView { view: self.term });
        }
        true
    }

    /// A8: accept iff the log holds the entry before the first; then cut from the first entry on
    /// that differs, append the rest, and learn what is committed.
    pub(super) fn on_append_entries(
        &mut self,
        from: NodeId,
        it: &AppendEntries,
        proof: &Proof,
        out: &mut Out,
    ) {
        if it.term < self.term {
            return self.answer_append(from, false, self.log.last_index() + 1, out);
        }
        if !self.follow(it.leader, out) {
            return;
        }
        let mismatch = self.mismatch(it.prev_index, it.prev_term);
        if self.rules.is_word_of_leader(mismatch.is_none()) {
            self.refresh(out);
        }
        if let Some(hint) = mismatch {
            return self.answer_append(from, false, hint, out);
        }
        let last_new = it.prev_index + it.entries.len() as u64;
        self.store(it, out);
        let commit = self.rules.learned(it.commit, last_new, self.log.last_index());
        let commit = self.believed(it, proof, commit);
        let is_news = self.volatile.commit < commit;
        self.volatile.commit = self.volatile.commit.max(commit);
        self.execute(out);
        if self.rules.shows_acks() && is_news && it.entries.is_empty() {
            // A notice: what it is about was acknowledged.
            return;
        }
        let matched = self.rules.matched(last_new, self.log.last_index());
        self.answer_append(from, true, matched, out);
    }

    /// Where to try again, if the log does not hold this entry. What a snapshot covers is
    /// committed: it matches any leader's.
    fn mismatch(&self, index: Index, term: super::message::Term) -> Option<Index> {
        if index < self.log.base.0 {
            return None;
        }
        match self.log.term_at(index) {
            Some(own) if own == term => None,
            Some(_) => Some(self.log.term_begins(index)),
            None => Some(self.log.last_index() + 1),
        }
    }

    /// A8: entries that it has are skipped: an old message that comes late cuts nothing.
    fn store(&mut self, it: &AppendEntries, out: &mut Out) {
        let base = self.log.base.0;
        let news = (it.prev_index + 1..).zip(&it.entries).filter(|(index, _)| base < *index);
        let mut news = news.skip_while(|(index, entry)| {
            self.rules.is_same(self.log.term_at(*index), entry.term())
        });
        let Some((first, entry)) = news.next() else { return };
        let rest: Vec<LogEntry> = news.map(|(_, entry)| entry.clone()).collect();
        let entry = entry.clone();
        if self.log.cut(first) {
            out.observe(Observation::Cut { from: first });
            out.observe(Observation::Reached("log-repaired"));
        }
        self.append(entry, out);
        for entry in rest {
            self.append(entry, out);
        }
    }

    pub(super) fn answer_append(&mut self, to: NodeId, success: bool, index: Index, out: &mut Out) {
        let mut ack = None;
        if success && self.rules.shows_acks() {
            ack = self.vouch(index, out);
            if ack.is_none() {
                return;
            }
        }
        let reply = AppendReply { term: self.term, success, index };
        out.send(to, Msg::AppendReply(Acked { reply, ack }));
    }

    /// A9: what the follower holds moves up only; where its log does not fit, the leader tries
    /// further back, at once.
    pub(super) fn on_append_reply(&mut self, from: NodeId, it: &Acked, out: &mut Out) {
        if it.term != self.term || !self.is_leader() {
            return;
        }
        if self.rules.is_replica(from) && it.success && !self.keep_ack(from, it, out) {
            self.volatile.contacts.insert(from);
            return;
        }
        let last = self.log.last_index();
        let Some(follower) = self.volatile.followers.get_mut(&from) else { return };
        self.volatile.contacts.insert(from);
        if !it.success {
            let next = it.index.min(follower.next - 1).max(follower.matched + 1);
            let moves = next < follower.next;
            follower.next = next;
            if moves {
                self.send_entries(from, out);
            }
            return;
        }
        // No correct follower holds more than its leader.
        follower.matched = follower.matched.max(it.index.min(last));
        follower.next = follower.matched + 1;
        let lacks_more = follower.sent <= follower.matched && follower.matched < last;
        self.advance_commit(out);
        if lacks_more {
            // The batch was full, or a snapshot went before.
            self.send_entries(from, out);
        }
    }
}
