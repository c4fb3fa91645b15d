//! The rules of the log: what is stored, counted, announced and executed.

use super::super::flaws::RaftFlaw;
use super::Rules;
use crate::raft::log::Log;
use crate::raft::message::{Index, Term};

impl Rules {
    /// A7: what a leader tells a follower to be committed: nothing behind the entries that it sends
    /// with it, as it knows nothing of what the follower holds there.
    pub(in crate::raft) fn announced(&self, commit: Index, sent: Index) -> Index {
        match self.flaws.has(RaftFlaw::CommitBeyondMessage) {
            false => commit.min(sent),
            true => commit,
        }
    }

    /// A8: what a follower learns to be committed: no more than the entries that the message
    /// vouches for. Its log may go on with entries of another leader.
    pub(in crate::raft) fn learned(&self, announced: Index, last_new: Index, own: Index) -> Index {
        announced.min(if self.flaws.has(RaftFlaw::CommitBeyondMessage) { own } else { last_new })
    }

    /// A8: up to where a follower's log matches its leader's: as far as the message went. Behind it
    /// may lie entries of another leader.
    pub(in crate::raft) fn matched(&self, last_new: Index, own: Index) -> Index {
        if self.flaws.has(RaftFlaw::MatchOverstated) { own } else { last_new }
    }

    /// A8: an entry that it has it keeps, with all that follows: the term tells.
    pub(in crate::raft) fn is_same(&self, own: Option<Term>, term: Term) -> bool {
        own == Some(term) && !self.flaws.has(RaftFlaw::CutWithoutConflict)
    }

    /// §5.4.2 (A10): an entry is committed by counting in the term in which it was made.
    pub(in crate::raft) fn may_count(&self, entry: Option<Term>, term: Term) -> bool {
        entry == Some(term) || self.flaws.has(RaftFlaw::OlderTermCounted)
    }

    /// A11: what is committed is executed.
    pub(in crate::raft) fn executes_up_to(&self, commit: Index, log: &Log) -> Index {
        match self.flaws.has(RaftFlaw::ExecutesBeforeCommit) {
            false => commit,
            true => log.last_index(),
        }
    }
}
