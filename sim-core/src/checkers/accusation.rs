//! No false accusation: proofs of misbehaviour name only corrupted nodes.

use std::collections::BTreeSet;

use super::{Checker, Findings, RunInfo, Stamp, Verdict};
use crate::id::NodeId;
use crate::observation::Observation;

#[derive(Debug)]
pub(super) struct Accusation {
    findings: Findings,
    corrupted: BTreeSet<NodeId>,
}

impl Accusation {
    pub(super) fn new(info: &RunInfo) -> Self {
        let corrupted = info.corrupted.iter().copied().collect();
        Self { findings: Findings::default(), corrupted }
    }
}

impl Checker for Accusation {
    fn observe(&mut self, at: Stamp, node: NodeId, observation: &Observation) {
        let Observation::Proven { node: accused, reason } = observation else { return };
        self.findings.judge();
        if !self.corrupted.contains(accused) {
            self.findings.violate(at, reason, || {
                format!("{node} holds proof against the correct node {accused}: {reason}")
            });
        }
    }

    /// A run without proofs satisfies the property, which demands only their absence.
    fn finish(&mut self, _: Stamp) -> Verdict {
        match self.findings.violation.take() {
            Some(violation) => Verdict::Violated(violation),
            None => Verdict::Holds(self.findings.judged),
        }
    }
}
