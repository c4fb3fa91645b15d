//! Agreement: correct replicas execute the same batches in the same slots.
//!
//! Each slot is compared with what the first correct replica decided in it, so that a lagging
//! replica hides nothing. Decisions are kept for the whole run, so that a later view cannot change
//! one.

use std::collections::BTreeMap;

use super::{Checker, Findings, Stamp, Verdict};
use crate::crypto::Digest;
use crate::id::NodeId;
use crate::observation::Observation;

#[derive(Debug, Default)]
pub(super) struct Agreement {
    findings: Findings,
    /// Of each slot: who decided it first, in which view, and what.
    decided: BTreeMap<u64, (NodeId, u64, Digest)>,
    /// Of each slot due for a checkpoint: who had its state first, and which.
    states: BTreeMap<u64, (NodeId, Digest)>,
    /// The last slot that each replica executed.
    executed: BTreeMap<NodeId, u64>,
}

impl Agreement {
    fn decide(&mut self, at: Stamp, node: NodeId, (view, seq): (u64, u64), batch: Digest) {
        self.findings.judge();
        let &mut (first, first_view, other) =
            self.decided.entry(seq).or_insert((node, view, batch));
        if other != batch {
            let shape = if first_view == view { "two batches, one view" } else { "across views" };
            self.findings.violate(at, shape, || {
                format!(
                    "{first} decided {other} in slot s{seq} (view {first_view}), \
                     {node} decided {batch} (view {view})"
                )
            });
        }
    }

    fn execute(&mut self, at: Stamp, node: NodeId, seq: u64) {
        let last = self.executed.insert(node, seq).unwrap_or(0);
        if seq != last + 1 {
            self.findings.violate(at, "gap", || {
                format!("{node} executed slot s{seq} after s{last}: s{} is missing", last + 1)
            });
        }
    }

    fn state(&mut self, at: Stamp, node: NodeId, seq: u64, state: Digest) {
        self.findings.judge();
        let &mut (first, other) = self.states.entry(seq).or_insert((node, state));
        if other != state {
            self.findings.violate(at, "state", || {
                format!("after slot s{seq}, {first} has state {other} but {node} has {state}")
            });
        }
    }
}

impl Checker for Agreement {
    fn observe(&mut self, at: Stamp, node: NodeId, observation: &Observation) {
        match *observation {
            Observation::Committed { view, seq, batch } => {
                self.decide(at, node, (view, seq), batch);
            }
            Observation::Executed { view, seq, batch, .. } => {
                self.execute(at, node, seq);
                self.decide(at, node, (view, seq), batch);
            }
            Observation::Speculated { seq, .. } => self.execute(at, node, seq),
            Observation::RolledBack { to } => {
                self.executed.insert(node, to);
            }
            Observation::Checkpointed { seq, state } => self.state(at, node, seq, state),
            Observation::Restored { seq, state, .. } => {
                self.executed.insert(node, seq);
                self.state(at, node, seq, state);
            }
            _ => {}
        }
    }

    fn finish(&mut self, _: Stamp) -> Verdict {
        self.findings.verdict("no correct replica decided anything")
    }
}
