//! The rules of what a restart leaves.

use byzsim_core::NodeId;

use super::super::flaws::RaftFlaw;
use super::Rules;
use crate::raft::message::{Index, Term};

impl Rules {
    /// §5.1 (A12): the term and the vote in it are written before anyone hears of them. With its
    /// term a server would forget that its vote for it is given, and that later entries exist.
    pub(in crate::raft) fn written(
        &self,
        term: Term,
        vote: Option<NodeId>,
    ) -> (Term, Option<NodeId>) {
        if self.flaws.has(RaftFlaw::TermForgotten) {
            return (0, None);
        }
        (term, vote.filter(|_| !self.flaws.has(RaftFlaw::VoteForgotten)))
    }

    /// §5.1 (A12): up to where the log is written, which ends with `last`: an entry is, before it
    /// is acknowledged, as the leader counts on it.
    pub(in crate::raft) fn written_up_to(&self, last: Index, executed: Index) -> Index {
        match self.flaws.has(RaftFlaw::AcknowledgedUnwritten) {
            false => last,
            true => last.min(executed),
        }
    }
}
