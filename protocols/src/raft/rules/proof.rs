//! The rules of signed acknowledgements. They are not of the paper: rule S is what its readers ask
//! for, once one server may lie.

use std::collections::BTreeSet;

use byzsim_core::{Digest, NodeId, Signer};

use super::Rules;
use crate::raft::message::{Index, Term};
use crate::raft::params::{AckQuorum, Acks};
use crate::raft::seal::{Proof, Success};

impl Rules {
    /// Whether acknowledgements are signed, and shown with what is committed.
    pub(in crate::raft) const fn shows_acks(&self) -> bool {
        !matches!(self.acks, Acks::Plain)
    }

    /// Whether acknowledgements say what the log holds.
    pub(in crate::raft) const fn binds_log(&self) -> bool {
        matches!(self.acks, Acks::Digest)
    }

    /// Whether votes are signed.
    pub(in crate::raft) const fn signs_votes(&self) -> bool {
        self.signed_votes
    }

    /// What is signed with an acknowledgement of the entries up to this one.
    pub(in crate::raft) fn success(&self, term: Term, index: Index, digest: Digest) -> Success {
        let nothing = Success { term: 0, index: 0, digest: Digest::default() };
        match self.acks {
            Acks::Plain | Acks::Unbound => nothing,
            Acks::Index => Success { term, index, ..nothing },
            Acks::Digest => Success { term, index, digest },
        }
    }

    /// Whether the leader's own word is one of those that are counted.
    pub(in crate::raft) const fn counts_leader(&self) -> bool {
        matches!(self.ack_quorum, AckQuorum::Majority)
    }

    /// S: what a follower takes for committed: what distinct servers, enough of them, acknowledged
    /// in these words.
    pub(in crate::raft) fn is_shown(
        &self,
        proof: &Proof,
        said: &Success,
        leader: NodeId,
        judge: &Signer,
    ) -> bool {
        let counts =
            |node: NodeId| self.is_replica(node) && (self.counts_leader() || node != leader);
        let fits = proof.acks().iter().filter(|ack| ack.body() == said && counts(ack.signer()));
        let signers: BTreeSet<NodeId> =
            fits.filter(|ack| judge.verify(ack)).map(|ack| ack.signer()).collect();
        self.quorum() <= signers.len()
    }

    /// How many equal answers a client waits for. One server's word is enough in the paper; where
    /// servers show what is committed, one of f + 1 is correct.
    pub(in crate::raft) fn answers(&self) -> usize {
        if self.shows_acks() { usize::from(self.committee.faults) + 1 } else { 1 }
    }
}
