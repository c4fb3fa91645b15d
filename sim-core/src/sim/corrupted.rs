//! Which nodes the adversary corrupted: every part of a run asks.

use std::rc::Rc;

use crate::id::{Committee, NodeId};

/// The corrupted nodes of a run.
#[derive(Clone, Debug)]
pub(super) struct Corrupted {
    committee: Committee,
    /// By the index of the node in the committee.
    flags: Rc<[bool]>,
}

impl Corrupted {
    pub(super) fn new(committee: Committee, corrupted: &[NodeId]) -> Self {
        let flags = committee.nodes().map(|node| corrupted.contains(&node)).collect();
        Self { committee, flags }
    }

    pub(super) fn contains(&self, node: NodeId) -> bool {
        self.flags[self.committee.index(node)]
    }
}
