//! Elections (Ongaro and Ousterhout §5.2, §5.4.1; thesis §4.2.3, §6.2 and §9.6): rules A1 to A5.

#[cfg(test)]
mod tests;

use byzsim_core::{NodeId, Observation, ReplicaSet};

use super::message::{BEYOND, Index, LogEntry, Msg, RequestVote, Term, Vote};
use super::replica::{Follower, Out, Replica, Role, Timer};
use super::seal::{Acks, Proof, Sealed};

impl Replica {
    /// A1: no word of a leader for as long as the timer ran.
    pub(super) fn on_election_timeout(&mut self, out: &mut Out) {
        if self.is_leader() {
            return;
        }
        if matches!(self.volatile.role, Role::Candidate | Role::PreCandidate) {
            out.observe(Observation::Reached("election-failed"));
        }
        self.give_up_leader(out);
        match self.params.pre_vote.asks_first() {
            true => self.ask_beforehand(out),
            false => self.campaign("no word of a leader", out),
        }
    }

    /// An election that the parameters order: PreVote is for those that timers lead to.
    pub(super) fn on_campaign(&mut self, out: &mut Out) {
        self.give_up_leader(out);
        self.campaign("as the scenario says", out);
    }

    /// The leader of the term is given up; of a term without one, the own hope.
    fn give_up_leader(&mut self, out: &mut Out) {
        let primary = self.volatile.leader.take().unwrap_or(self.id);
        out.observe(Observation::GaveUp { view: self.term, primary });
        self.volatile.fresh = false;
    }

    /// A1: the next term, the own vote first. It is on disk before anyone is asked.
    fn campaign(&mut self, reason: &'static str, out: &mut Out) {
        let term = self.term + 1;
        if term == BEYOND {
            return;
        }
        self.leave_office(out);
        (self.term, self.voted_for) = (term, Some(self.id));
        self.volatile.role = Role::Candidate;
        self.volatile.votes = ReplicaSet::from_iter([self.id]);
        out.observe(Observation::ViewChangeStarted { view: term, reason });
        self.await_leader(out);
        out.send_each(self.others(), Msg::RequestVote(self.candidature(term)));
        self.count_votes(out);
    }

    /// PreVote (thesis §9.6): nothing is stored, and no term is touched.
    fn ask_beforehand(&mut self, out: &mut Out) {
        self.volatile.role = Role::PreCandidate;
        self.volatile.votes = ReplicaSet::from_iter([self.id]);
        self.await_leader(out);
        out.send_each(self.others(), Msg::PreVote(self.candidature(self.term + 1)));
        self.count_votes(out);
    }

    fn candidature(&self, term: Term) -> RequestVote {
        let (last_term, last_index) = self.log.last();
        RequestVote { term, candidate: self.id, last_index, last_term }
    }

    /// A2: a higher term: the own one is over, and with it the own vote and office.
    pub(super) fn adopt(&mut self, term: Term, out: &mut Out) {
        if self.is_leader() {
            out.observe(Observation::Reached("stepped-down"));
        }
        self.leave_office(out);
        (self.term, self.voted_for) = (term, None);
        self.volatile.leader = None;
        self.volatile.role = Role::Follower;
        out.observe(Observation::ViewChangeStarted { view: term, reason: "a higher term" });
    }

    /// A leader leads no longer: its heartbeats stop, and it waits for a leader, as all others do
    /// already.
    pub(super) fn leave_office(&mut self, out: &mut Out) {
        if !self.is_leader() {
            return;
        }
        self.volatile.role = Role::Follower;
        self.volatile.leader = None;
        self.volatile.followers.clear();
        out.cancel_timer(Timer::Heartbeat);
        out.cancel_timer(Timer::Quorum);
        self.await_leader(out);
    }

    /// A3: a vote for the first candidate of the term whose log is at least as far as the own one,
    /// and for it again. It is on disk before it leaves.
    pub(super) fn on_request_vote(&mut self, from: NodeId, it: RequestVote, out: &mut Out) {
        let is_free = self.voted_for.is_none_or(|voted| voted == it.candidate);
        let is_far = self.rules.is_up_to_date((it.last_term, it.last_index), self.log.last());
        let granted = it.term == self.term && is_free && is_far;
        if granted {
            self.voted_for = Some(it.candidate);
        } else if it.term == self.term && is_free {
            out.observe(Observation::Reached("vote-refused"));
        }
        if self.rules.waits_for_candidate(granted) {
            self.await_leader(out);
        }
        let candidate = it.candidate;
        let vote = Vote { term: self.term, candidate, granted };
        let signer = self.rules.signs_votes().then_some(&*self.signer);
        out.send(from, Msg::Vote(Sealed::new(vote, signer)));
    }

    /// PreVote: it would vote so if the log is far enough, and it hears of no leader. A refusal
    /// carries the own term: who is in an earlier one learns it.
    pub(super) fn on_pre_vote(&mut self, from: NodeId, it: RequestVote, out: &mut Out) {
        if !self.rules.answers_pre_vote(it.term, self.term) {
            return;
        }
        let is_far = self.rules.is_up_to_date((it.last_term, it.last_index), self.log.last());
        let hears = self.volatile.fresh || self.is_leader();
        let minds = self.params.pre_vote.minds_leaders() && hears;
        let granted = self.term < it.term && is_far && !minds;
        let term = if granted { it.term } else { self.term };
        let candidate = it.candidate;
        out.send(from, Msg::PreVoteReply(Vote { term, candidate, granted }));
    }

    /// A4: votes of distinct servers, of this term, while it stands.
    pub(super) fn on_vote(&mut self, from: NodeId, it: Vote, out: &mut Out) {
        let is_for_me = it.granted && it.candidate == self.id;
        let is_candidate = self.volatile.role == Role::Candidate;
        if is_candidate && is_for_me && self.rules.is_vote_for(it.term, self.term) {
            self.volatile.votes.insert(from);
            self.count_votes(out);
        }
    }

    pub(super) fn on_pre_vote_reply(&mut self, from: NodeId, it: Vote, out: &mut Out) {
        let is_for_me = it.granted && it.candidate == self.id;
        let asks = self.volatile.role == Role::PreCandidate;
        if asks && is_for_me && it.term == self.term + 1 {
            self.volatile.votes.insert(from);
            self.count_votes(out);
        }
    }

    /// A4: a majority leads on.
    fn count_votes(&mut self, out: &mut Out) {
        if self.volatile.votes.len() < self.rules.quorum() {
            return;
        }
        match self.volatile.role {
            Role::PreCandidate => self.campaign("a majority would vote for it", out),
            Role::Candidate => self.lead(out),
            Role::Follower | Role::Leader => {}
        }
    }

    /// A5: it leads, and says so at once.
    fn lead(&mut self, out: &mut Out) {
        self.take_office(out);
        self.beat(out);
        self.advance_commit(out);
    }

    /// A5: of the followers a leader knows nothing yet: it begins with the end of its own log.
    pub(super) fn take_office(&mut self, out: &mut Out) {
        self.volatile.role = Role::Leader;
        self.volatile.leader = Some(self.id);
        self.volatile.contacts = ReplicaSet::default();
        (self.volatile.acks, self.volatile.proof) = (Acks::default(), Proof::default());
        let last: Index = self.log.last_index();
        let unknown = Follower { next: last + 1, matched: 0, sent: last };
        self.volatile.followers = self.others().map(|node| (node, unknown)).collect();
        self.followed = self.term;
        out.cancel_timer(Timer::Election);
        if self.volatile.commit < last {
            out.observe(Observation::Reached("leader-change-mid-commit"));
        }
        out.observe(Observation::Leads { view: self.term });
        out.observe(Observation::EnteredView { view: self.term });
        if self.params.check_quorum {
            out.set_timer(Timer::Quorum, self.params.election_timeout);
        }
        if self.params.no_op {
            // Without an entry of its own term it could commit none of earlier ones (A10).
            self.append(LogEntry::no_op(self.term), out);
        }
    }

    /// Check-quorum (thesis §6.2): a leader that a majority does not answer gives up its office.
    /// Its term stays.
    pub(super) fn on_quorum_timer(&mut self, out: &mut Out) {
        if !self.is_leader() {
            return;
        }
        let mut heard = std::mem::take(&mut self.volatile.contacts);
        heard.insert(self.id);
        if heard.len() < self.rules.quorum() {
            out.observe(Observation::Reached("quorum-lost"));
            self.leave_office(out);
        } else {
            out.set_timer(Timer::Quorum, self.params.election_timeout);
        }
    }
}
