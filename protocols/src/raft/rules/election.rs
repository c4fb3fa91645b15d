//! The rules of elections.

use super::Rules;
use crate::raft::message::{Index, Term};

impl Rules {
    /// §5.4.1: a candidate's log must end with a later term than the own one, or with the same term
    /// and be no shorter: whoever holds what is committed votes for none that lacks it.
    pub(in crate::raft) fn is_up_to_date(
        &self,
        candidate: (Term, Index),
        own: (Term, Index),
    ) -> bool {
        own <= candidate
    }

    /// §5.2: a vote counts in the term in which it was given.
    pub(in crate::raft) const fn is_vote_for(&self, given: Term, term: Term) -> bool {
        given == term
    }
}
