//! Which nodes the adversary corrupted: every part of a run asks.

use std::rc::Rc;

use crate::id::{Committee, NodeId};

/// The corrupted nodes of a run.
#[derive(Clone, Debug)]
pub(super) struct Corrupted {
    replicas: Rc<[bool]>,
    clients: Rc<[bool]>,
}

impl Corrupted {
    pub(super) fn new(committee: Committee, corrupted: &[NodeId]) -> Self {
        let flag = |node| corrupted.contains(&node);
        let replicas = committee.replica_ids().map(flag).collect();
        let clients = committee.client_ids().map(flag).collect();
        Self { replicas, clients }
    }

    #[inline]
    pub(super) fn contains(&self, node: NodeId) -> bool {
        match node {
            NodeId::Replica(number) => self.replicas[usize::from(number)],
            NodeId::Client(number) => self.clients[usize::from(number)],
        }
    }
}
