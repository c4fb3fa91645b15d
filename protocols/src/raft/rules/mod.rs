//! The rules of the paper that a planted flaw can break, by part; here, who takes part, and how
//! many are enough.
//!
//! A rule is a method that says what the paper demands, and what a flaw makes of it. The handlers
//! ask the rule; what no correct implementation does stands behind it. The flaws' names are in
//! [`super::flaws`].

mod disk;
mod election;
mod log;
mod proof;
mod session;

use byzsim_core::{Committee, NodeId};

use super::Params;
use super::flaws::RaftFlaw;
use super::params::{AckQuorum, Acks};
use crate::catalogue::Flaws;

/// The rules, for one committee.
#[derive(Clone, Debug)]
pub(super) struct Rules {
    committee: Committee,
    quorum: usize,
    flaws: Flaws<RaftFlaw>,
    acks: Acks,
    ack_quorum: AckQuorum,
    signed_votes: bool,
}

impl Rules {
    pub(super) fn new(committee: Committee, params: &Params) -> Self {
        Self {
            committee,
            quorum: params.quorum(committee),
            acks: params.acks,
            ack_quorum: params.ack_quorum,
            flaws: params.flaws.clone(),
            signed_votes: params.signed_votes,
        }
    }

    /// All servers.
    pub(super) fn replicas(&self) -> impl Iterator<Item = NodeId> + use<> {
        self.committee.replica_ids()
    }

    /// Whether this is a server of the cluster.
    pub(super) const fn is_replica(&self, node: NodeId) -> bool {
        !node.is_client() && self.committee.contains(node)
    }

    /// Whether this is a client of the cluster.
    pub(super) const fn is_client(&self, node: NodeId) -> bool {
        node.is_client() && self.committee.contains(node)
    }

    /// How many servers there are.
    pub(super) const fn servers(&self) -> usize {
        self.committee.replicas as usize
    }

    /// The server of this number, counted round and round.
    pub(super) const fn server(&self, number: u16) -> NodeId {
        NodeId::Replica(number % self.committee.replicas)
    }

    /// A majority, floor(n/2) + 1, for votes and for entries alike: any two share a server, which
    /// votes once in a term, and refuses who lacks what it holds.
    pub(super) const fn quorum(&self) -> usize {
        self.quorum
    }
}
