//! What makes two copies of one corrupted node differ, and whether they did.
//!
//! Twins are two honest copies under one key: equivocation against every protocol (Bano et al.,
//! "Twins: BFT Systems Made Robust", OPODIS 2021). Replica copies come to differ because they hear
//! from different nodes. Client copies hear nothing before they ask, so the second one asks for
//! something else under the same timestamp.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use byzsim_core::history::Text;
use byzsim_core::{Message, NodeId, Operation};

/// What a message is about: its kind, view and slot.
type Topic = (u8, Option<u64>, Option<u64>);

/// The messages of two copies on each topic, as the first bytes of their digests.
///
/// Copies that receive the same messages send the same, and their equivocation is vacuous: this
/// counts whether it is.
#[derive(Debug, Default)]
pub(crate) struct Contradictions {
    wanted: BTreeMap<Topic, [BTreeSet<u64>; 2]>,
}

impl Contradictions {
    /// Notes a message that copy `place` wants to send.
    pub(crate) fn note(&mut self, place: usize, msg: &impl Message) {
        let topic = (msg.kind().0, msg.view(), msg.seq());
        self.wanted.entry(topic).or_default()[place].insert(msg.sha256().prefix());
    }

    /// How many messages of one copy face another on the same topic that only the other copy sent.
    ///
    /// A topic may have many messages, such as replies to all clients; a copy that is merely slower
    /// has sent some of what the other sent, and contradicts nothing.
    pub(crate) fn count(&self) -> u64 {
        let facing = |[left, right]: &[BTreeSet<u64>; 2]| {
            left.difference(right).count().min(right.difference(left).count()) as u64
        };
        self.wanted.values().map(facing).sum()
    }
}

/// Which copy of some twins sent which message to other twins: copies of one side work together,
/// and only with each other. On the wire nothing tells them apart, so they remember their messages.
#[derive(Debug)]
pub(crate) struct SenderSides<M>(Rc<RefCell<Remembered<M>>>);

#[derive(Debug)]
struct Remembered<M> {
    twins: BTreeSet<NodeId>,
    /// By address, which is looked up and never listed: kept alive, no two messages share one.
    sent: BTreeMap<usize, (usize, Rc<M>)>,
}

impl<M> SenderSides<M> {
    /// Among these twins.
    pub(crate) fn among(twins: BTreeSet<NodeId>) -> Self {
        Self(Rc::new(RefCell::new(Remembered { twins, sent: BTreeMap::new() })))
    }

    /// Notes that a copy of this side sends `msg` to `to`.
    pub(crate) fn note(&self, to: NodeId, msg: &Rc<M>, side: usize) {
        let mut remembered = self.0.borrow_mut();
        if remembered.twins.contains(&to) {
            let address = Rc::as_ptr(msg).addr();
            remembered.sent.insert(address, (side, Rc::clone(msg)));
        }
    }

    /// The side of the twin that sent `msg`; none if no twin did.
    pub(crate) fn side_of(&self, msg: &Rc<M>) -> Option<usize> {
        self.0.borrow().sent.get(&Rc::as_ptr(msg).addr()).map(|(side, _)| *side)
    }
}

impl<M> Default for SenderSides<M> {
    fn default() -> Self {
        Self::among(BTreeSet::new())
    }
}

impl<M> Clone for SenderSides<M> {
    fn clone(&self) -> Self {
        Self(Rc::clone(&self.0))
    }
}

/// What the second copy of `client` asks instead of its `number`-th operation: the same key,
/// another effect, and a value that nobody else writes, so that a read names the copy that it saw.
pub(crate) fn altered(operation: &Operation, client: NodeId, number: u64) -> Operation {
    let other = |value: &Text| Text::from(format!("{value}~"));
    match operation {
        Operation::Get { key } => {
            let value = Text::from(format!("{client}.{number}~"));
            Operation::Put { key: Text::clone(key), value }
        }
        Operation::Put { key, value } => {
            Operation::Put { key: Text::clone(key), value: other(value) }
        }
        Operation::Append { key, value } => {
            Operation::Append { key: Text::clone(key), value: other(value) }
        }
        Operation::Cas { key, expected, new } => {
            Operation::Cas { key: Text::clone(key), expected: expected.clone(), new: other(new) }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_copy_never_asks_for_the_same() {
        for (asked, instead) in [
            ("get x", "put x c0.3~"),
            ("put x 1", "put x 1~"),
            ("append x 1", "append x 1~"),
            ("cas x - 1", "cas x - 1~"),
        ] {
            let asked: Operation = asked.parse().expect("an operation");
            assert_eq!(altered(&asked, NodeId::Client(0), 3).to_string(), instead);
        }
    }
}
