//! A replica's history: the orders that it executed after its last stable checkpoint, each with
//! what it takes to undo it.

use byzsim_core::{Answer, Digest};

use super::message::{GENESIS, Link, Ordered, Seq};
use super::state::Undone;
use byzsim_core::Sorted;

/// The history.
#[derive(Clone, Debug)]
pub(super) struct History {
    /// The last stable checkpoint: what lies at or below it is forgotten.
    base: Seq,
    /// `h_n` there.
    base_digest: Digest,
    /// The slots from base + 1 on.
    slots: Sorted<Seq, Slot>,
}

/// An executed slot.
#[derive(Clone, Debug)]
pub(super) struct Slot {
    pub(super) ordered: Ordered,
    /// What the request answered; none if it was executed before, or is the null request.
    pub(super) answer: Option<Answer>,
    pub(super) undone: Option<Undone>,
}

impl Default for History {
    fn default() -> Self {
        Self { base: 0, base_digest: GENESIS, slots: Sorted::default() }
    }
}

impl History {
    pub(super) const fn base(&self) -> Seq {
        self.base
    }

    /// max_n: the last slot.
    pub(super) fn last(&self) -> Seq {
        self.slots.last().map_or(self.base, |(seq, _)| seq)
    }

    pub(super) fn get(&self, seq: Seq) -> Option<&Slot> {
        self.slots.get(seq)
    }

    /// `h_n`, from the base on.
    pub(super) fn digest(&self, seq: Seq) -> Option<Digest> {
        if seq == self.base {
            return Some(self.base_digest);
        }
        self.get(seq).map(|slot| slot.ordered.order.history)
    }

    /// h of the whole history.
    pub(super) fn head(&self) -> Digest {
        self.slots.last().map_or(self.base_digest, |(_, slot)| slot.ordered.order.history)
    }

    pub(super) fn push(&mut self, slot: Slot) {
        self.slots.insert(slot.ordered.order.seq, slot);
    }

    /// Takes the last slot off.
    pub(super) fn pop(&mut self) -> Option<Slot> {
        self.slots.pop_last().map(|(_, slot)| slot)
    }

    /// Puts the same request's order of a later view in place of the one that is there.
    pub(super) fn reissue(&mut self, ordered: &Ordered) {
        if let Some(slot) = self.slots.get_mut(ordered.order.seq) {
            assert_eq!(slot.ordered.order.history, ordered.order.history, "the same history");
            slot.ordered = ordered.clone();
        }
    }

    /// The orders, from the base on.
    pub(super) fn orders(&self) -> impl Iterator<Item = &Ordered> {
        self.slots.values().map(|slot| &slot.ordered)
    }

    /// What the slots up to `seq` hold.
    pub(super) fn path(&self, seq: Seq) -> Vec<Link> {
        self.orders().take_while(|it| it.order.seq <= seq).map(Ordered::link).collect()
    }

    /// Forgets what lies at or below a stable checkpoint, whose history has this digest. What is
    /// above it stays, if it is the same history.
    pub(super) fn collect_garbage(&mut self, seq: Seq, digest: Digest) {
        let same = self.digest(seq) == Some(digest);
        assert!(same || self.slots.is_empty(), "another history was rolled back before");
        self.slots.take_through(seq);
        (self.base, self.base_digest) = (seq, digest);
    }
}
