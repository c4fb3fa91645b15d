//! The rules of elections.

use byzsim_core::NodeId;

use super::super::flaws::RaftFlaw;
use super::Rules;
use crate::raft::message::{Index, Term};

impl Rules {
    /// §5.4.1: a candidate's log must end with a later term than the own one, or with the same term
    /// and be no shorter: whoever holds what is committed votes for none that lacks it. A longer
    /// log may be one of entries that nobody else ever had.
    pub(in crate::raft) fn is_up_to_date(
        &self,
        candidate: (Term, Index),
        own: (Term, Index),
    ) -> bool {
        if self.flaws.has(RaftFlaw::LengthsCompared) {
            return own.1 <= candidate.1;
        }
        own <= candidate || self.flaws.has(RaftFlaw::LogsUncompared)
    }

    /// §5.2: a vote counts in the term in which it was given.
    pub(in crate::raft) fn is_vote_for(&self, given: Term, term: Term) -> bool {
        given == term || given < term && self.flaws.has(RaftFlaw::OldVotesCounted)
    }

    /// §5.2: a vote stands as long as its term: a second candidate of a term that has a leader
    /// would be a second leader.
    pub(in crate::raft) fn vote_beside_leader(&self, vote: Option<NodeId>) -> Option<NodeId> {
        vote.filter(|_| !self.flaws.has(RaftFlaw::VoteClearedByEntries))
    }

    /// §5.2 (A3): the timer is drawn anew for a vote only: else one that nobody elects could keep
    /// the others from standing.
    pub(in crate::raft) fn waits_for_candidate(&self, granted: bool) -> bool {
        granted || self.flaws.has(RaftFlaw::RefusalDelays)
    }

    /// §5.2 (A8): entries of the leader are word of it even if the log does not fit them yet: else
    /// a follower that lags would stand again and again, and depose whoever is about to repair its
    /// log.
    pub(in crate::raft) fn is_word_of_leader(&self, fits: bool) -> bool {
        fits || !self.flaws.has(RaftFlaw::MisfitUnheard)
    }

    /// Thesis §9.6: who is asked for a term that it has passed says so: the other one may have the
    /// only log that could win, and would ask for that term for ever.
    pub(in crate::raft) fn answers_pre_vote(&self, asked: Term, own: Term) -> bool {
        own <= asked || !self.flaws.has(RaftFlaw::PreVoteDropped)
    }
}
