//! The committed order of requests, as the correct replicas reported it.
//!
//! Agreement is judged elsewhere; here the first correct replica that applies a slot speaks for
//! it.

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

#[derive(Debug, Default)]
pub(super) struct CommittedLog {
    slots: BTreeMap<u64, (NodeId, Vec<Entry>)>,
}

impl CommittedLog {
    pub(super) fn observe(&mut self, node: NodeId, observation: &Observation) {
        let Observation::Applied { seq, client, timestamp, operation, .. } = observation else {
            return;
        };
        let (speaker, entries) = self.slots.entry(*seq).or_insert_with(|| (node, Vec::new()));
        if *speaker == node {
            let (client, timestamp, operation) = (*client, *timestamp, operation.clone());
            entries.push(Entry { client, timestamp, operation });
        }
    }

    /// The requests, in their order.
    pub(super) fn entries(&self) -> impl Iterator<Item = (u64, &Entry)> {
        self.slots.iter().flat_map(|(seq, (_, entries))| entries.iter().map(move |e| (*seq, e)))
    }
}
