//! Durability: an operation that a correct client completed keeps its place in the history.
//!
//! In a speculative protocol the client decides. Agreement among the replicas' logs would miss an
//! operation that completed at its client and that a view change then removed. In the view of the
//! completion, a replica may hold another history for a while, if the primary lied to it; it must
//! not enter a later view with such a history.

use std::collections::BTreeMap;

use super::{Checker, Findings, Stamp, Verdict};
use crate::crypto::Digest;
use crate::history::Operation;
use crate::id::NodeId;
use crate::observation::Observation;

/// A completion with a place.
#[derive(Clone, Debug)]
struct Anchor {
    client: NodeId,
    timestamp: u64,
    view: u64,
    seq: u64,
    history: Digest,
}

#[derive(Debug, Default)]
pub(super) struct Durability {
    findings: Findings,
    asked: BTreeMap<(NodeId, u64), Operation>,
    anchors: Vec<Anchor>,
    /// Of each replica: the history after each slot, and what the slot holds.
    histories: BTreeMap<NodeId, BTreeMap<u64, (Digest, Option<Operation>)>>,
    /// Of each replica: up to where it fetched a state instead of executing.
    restored: BTreeMap<NodeId, u64>,
}

impl Durability {
    fn enter(&mut self, at: Stamp, node: NodeId, view: u64) {
        let restored = self.restored.get(&node).copied().unwrap_or(0);
        let history = self.histories.entry(node).or_default();
        for anchor in self.anchors.iter().filter(|anchor| anchor.view < view) {
            let Anchor { client, timestamp, seq, .. } = *anchor;
            self.findings.judge();
            let held = history.get(&seq);
            if seq <= restored || held.is_some_and(|(history, _)| *history == anchor.history) {
                continue;
            }
            let instead = match held {
                Some((_, Some(operation))) => format!("slot s{seq} holds `{operation}`"),
                Some((_, None)) => format!("slot s{seq} holds something else"),
                None => format!("slot s{seq} is empty"),
            };
            let asked = &self.asked[&(client, timestamp)];
            self.findings.violate(at, "completed operation lost", || {
                format!(
                    "{client}#{timestamp} `{asked}` completed in view {} at slot s{seq} with \
                     history {}; {node} entered view {view} without it: {instead}",
                    anchor.view, anchor.history
                )
            });
        }
    }
}

impl Checker for Durability {
    fn observe(&mut self, at: Stamp, node: NodeId, observation: &Observation) {
        match observation {
            Observation::Invoked { timestamp, operation } => {
                self.asked.insert((node, *timestamp), operation.clone());
            }
            Observation::Anchored { timestamp, view, seq, history } => {
                let (timestamp, view, seq, history) = (*timestamp, *view, *seq, *history);
                self.findings.judge();
                self.anchors.push(Anchor { client: node, timestamp, view, seq, history });
            }
            Observation::Speculated { seq, history, .. } => {
                self.histories.entry(node).or_default().insert(*seq, (*history, None));
            }
            Observation::Applied { seq, operation, .. } => {
                if let Some(slot) = self.histories.entry(node).or_default().get_mut(seq) {
                    slot.1 = Some(operation.clone());
                }
            }
            Observation::RolledBack { to } => {
                self.histories.entry(node).or_default().split_off(&(to + 1));
            }
            Observation::Restored { seq, .. } => {
                self.restored.insert(node, *seq);
            }
            Observation::EnteredView { view } => self.enter(at, node, *view),
            _ => {}
        }
    }

    /// Where clients do not know the places of their operations, agreement and result integrity
    /// judge completions.
    fn finish(&mut self, _: Stamp) -> Verdict {
        match self.findings.violation.take() {
            Some(violation) => Verdict::Violated(violation),
            None => Verdict::Holds(self.findings.judged),
        }
    }
}
