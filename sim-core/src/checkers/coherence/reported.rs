//! What correct replicas reported of a slot.

use crate::crypto::Digest;
use crate::id::{NodeId, ReplicaSet};

/// What replicas said of one thing. There is seldom more than one digest.
#[derive(Debug, Default)]
pub(super) struct Said {
    pub(super) first: Option<(Digest, ReplicaSet)>,
    pub(super) others: Vec<(Digest, ReplicaSet)>,
}

impl Said {
    /// Says whether `node` had not said so before.
    pub(super) fn add(&mut self, digest: Digest, node: NodeId) -> bool {
        let mut all = self.first.iter_mut().chain(&mut self.others);
        if let Some((_, nodes)) = all.find(|(it, _)| *it == digest) {
            return nodes.insert(node);
        }
        let it = (digest, ReplicaSet::from_iter([node]));
        match self.first {
            None => self.first = Some(it),
            Some(_) => self.others.push(it),
        }
        true
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &(Digest, ReplicaSet)> {
        self.first.iter().chain(&self.others)
    }

    pub(super) fn by(&self, digest: Digest) -> ReplicaSet {
        self.iter().find(|(it, _)| *it == digest).map(|(_, nodes)| *nodes).unwrap_or_default()
    }

    pub(super) fn has(&self, node: NodeId) -> bool {
        self.iter().any(|(_, nodes)| nodes.contains(node))
    }

    /// Whether `node` said something else.
    pub(super) fn contradicts(&self, digest: Digest, node: NodeId) -> bool {
        self.iter().any(|(it, nodes)| *it != digest && nodes.contains(node))
    }
}

/// What was reported of a slot.
#[derive(Debug, Default)]
pub(super) struct Slot {
    /// By view: who accepted which batch.
    pub(super) accepted: Vec<(u64, Said)>,
    pub(super) decided: Said,
    /// Who took a checkpoint after it at once, when it executed it.
    pub(super) checkpoints: Said,
    /// The batch that was executed first, and whether it is the null request.
    pub(super) null: Option<(Digest, bool)>,
    /// The histories that end with it, each with the history before and the batch.
    pub(super) histories: Vec<(Digest, Option<Digest>, Digest)>,
}

impl Slot {
    /// Who accepted which batch in a view.
    pub(super) fn accepted_in(&self, view: u64) -> Option<&Said> {
        self.accepted.iter().rev().find(|(it, _)| *it == view).map(|(_, said)| said)
    }

    /// The same, to be added to.
    pub(super) fn accepting_in(&mut self, view: u64) -> &mut Said {
        let known = self.accepted.iter().rposition(|(it, _)| *it == view);
        let place = known.unwrap_or_else(|| {
            self.accepted.push((view, Said::default()));
            self.accepted.len() - 1
        });
        &mut self.accepted[place].1
    }

    /// Notes a history; says whether each history has one batch, and each batch after the same
    /// history makes one.
    pub(super) fn is_chained(
        &mut self,
        history: Digest,
        before: Option<Digest>,
        batch: Digest,
    ) -> bool {
        let mut is_known = false;
        for (other, other_before, other_batch) in &self.histories {
            let same_step = before.is_some() && before == *other_before && batch == *other_batch;
            if *other == history && *other_batch != batch || same_step && *other != history {
                return false;
            }
            is_known |= *other == history && before == *other_before;
        }
        if !is_known {
            self.histories.push((history, before, batch));
        }
        true
    }
}
