//! The committed order of requests, as the correct replicas reported it.
//!
//! Agreement is judged elsewhere; here the first correct replica that applies a slot speaks for
//! it. What replicas execute speculatively may differ and be rolled back, so there each replica
//! speaks for itself, and at the end the one that got furthest is believed.

use std::collections::BTreeMap;

use crate::history::Operation;
use crate::id::NodeId;
use crate::observation::Observation;

/// One request in the committed order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) client: NodeId,
    pub(super) timestamp: u64,
    pub(super) operation: Operation,
}

/// The requests of each slot, and who spoke for it.
type Slots = BTreeMap<u64, (NodeId, Vec<Entry>)>;

#[derive(Debug, Default)]
pub(super) struct CommittedLog {
    decided: Slots,
    /// Of each replica that speculates: its view, and what it executed and did not undo.
    speculated: BTreeMap<NodeId, (u64, Slots)>,
}

impl CommittedLog {
    pub(super) fn observe(&mut self, node: NodeId, observation: &Observation) {
        match observation {
            Observation::Speculated { view, seq, .. } => {
                let (entered, slots) = self.speculated.entry(node).or_default();
                *entered = *view;
                slots.insert(*seq, (node, Vec::new()));
            }
            Observation::EnteredView { view } => {
                if let Some((entered, _)) = self.speculated.get_mut(&node) {
                    *entered = *view;
                }
            }
            Observation::RolledBack { to } => {
                if let Some((_, slots)) = self.speculated.get_mut(&node) {
                    slots.split_off(&(to + 1));
                }
            }
            Observation::Applied { seq, client, timestamp, operation, .. } => {
                let slots = match self.speculated.get_mut(&node) {
                    Some((_, slots)) => slots,
                    None => &mut self.decided,
                };
                let (speaker, entries) = slots.entry(*seq).or_insert_with(|| (node, Vec::new()));
                if *speaker == node {
                    let (client, timestamp) = (*client, *timestamp);
                    let operation = operation.clone();
                    entries.push(Entry { client, timestamp, operation });
                }
            }
            _ => {}
        }
    }

    /// Settles which replica is believed, where they speculate. Slots that it does not know, as it
    /// fetched the state after them, are taken from the next best.
    pub(super) fn settle(&mut self) {
        let mut logs: Vec<(u64, Slots)> =
            std::mem::take(&mut self.speculated).into_values().collect();
        logs.sort_by_key(|(view, slots)| {
            std::cmp::Reverse((*view, slots.last_key_value().map_or(0, |(seq, _)| *seq)))
        });
        for (_, slots) in logs {
            for (seq, spoken) in slots {
                self.decided.entry(seq).or_insert(spoken);
            }
        }
    }

    /// The requests, in their order.
    pub(super) fn entries(&self) -> impl Iterator<Item = (u64, &Entry)> {
        self.decided.iter().flat_map(|(seq, (_, entries))| entries.iter().map(move |e| (*seq, e)))
    }
}
