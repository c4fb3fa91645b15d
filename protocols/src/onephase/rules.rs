//! The rules that flaws break, and the names of the flaws.

use byzsim_core::{Committee, NodeId};

use super::Params;
use crate::catalogue::{Flaws, flaws};

flaws! {
    /// The flaws that can be planted.
    pub enum OnephaseFlaw;

    FirstReply: "ONEPHASE1-first-reply" breaks "result-integrity",
        "a client accepts the first answer that it gets";
}

/// What the protocol demands.
#[derive(Clone, Debug)]
pub(super) struct Rules {
    committee: Committee,
    flaws: Flaws<OnephaseFlaw>,
}

impl Rules {
    pub(super) fn new(committee: Committee, params: &Params) -> Self {
        Self { committee, flaws: params.flaws.clone() }
    }

    /// Who orders, always.
    #[expect(clippy::unused_self, reason = "a rule is asked like the others")]
    pub(super) const fn sequencer(&self) -> NodeId {
        NodeId::Replica(0)
    }

    /// How many replicas must give a client the same answer.
    pub(super) fn replies(&self) -> usize {
        if self.flaws.has(OnephaseFlaw::FirstReply) {
            return 1;
        }
        usize::from(self.committee.faults) + 1
    }
}
