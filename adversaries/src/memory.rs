//! What a corrupted node sent and received, as far as a fault of the plan needs it.

use std::collections::BTreeMap;
use std::rc::Rc;

use byzsim_core::{Kind, Message, NodeId};

use crate::active::ActiveFault;

/// How many messages a node keeps for a fault. A run may be long, and more would be a flood.
const KEPT_MAX: usize = 256;

/// What a corrupted node sent and received, as far as faults need it.
#[derive(Debug)]
pub(crate) struct Memory<M> {
    first: Option<BTreeMap<Kind, Rc<M>>>,
    /// By the number of the fault that is to repeat it. Each fault has its own list, so that the
    /// messages of one fault do not displace those of another.
    replays: BTreeMap<usize, Kept<M>>,
}

/// What a fault is to repeat.
#[derive(Debug)]
struct Kept<M> {
    heard: bool,
    list: Vec<Rc<M>>,
}

impl<M> Default for Memory<M> {
    fn default() -> Self {
        Self { first: None, replays: BTreeMap::new() }
    }
}

impl<M: Message> Memory<M> {
    /// Keeps the first message of each kind that its copy wants to send.
    pub(crate) fn keep_first(&mut self) {
        self.first.get_or_insert_default();
    }

    /// Keeps, for a fault, what it sends or receives and the fault is to repeat.
    pub(crate) fn keep(&mut self, fault: usize, heard: bool) {
        self.replays.insert(fault, Kept { heard, list: Vec::new() });
    }

    /// The node's copy wants to send `msg`, to any receiver.
    pub(crate) fn note_wanted(&mut self, msg: &Rc<M>) {
        if let Some(first) = &mut self.first {
            first.entry(msg.kind()).or_insert_with(|| Rc::clone(msg));
        }
    }

    /// Node `me` sends `msg`, a version of what its copy wanted to send. Call this once for all
    /// receivers.
    pub(crate) fn note_sent(&mut self, me: NodeId, msg: &Rc<M>, faults: &mut [ActiveFault]) {
        self.note(false, (me, me), msg, faults);
    }

    /// Node `me` receives `msg`.
    pub(crate) fn note_received(
        &mut self,
        from: NodeId,
        me: NodeId,
        msg: &Rc<M>,
        faults: &mut [ActiveFault],
    ) {
        self.note(true, (from, me), msg, faults);
    }

    /// The original receiver does not matter: the fault says to whom the message is repeated.
    fn note(
        &mut self,
        heard: bool,
        (from, to): (NodeId, NodeId),
        msg: &Rc<M>,
        faults: &mut [ActiveFault],
    ) {
        for (fault, kept) in self.replays.iter_mut().filter(|(_, kept)| kept.heard == heard) {
            if kept.list.len() < KEPT_MAX && faults[*fault].keeps(from, to, &**msg) {
                kept.list.push(Rc::clone(msg));
            }
        }
    }

    /// The first message of this kind that its copy wanted to send.
    pub(crate) fn first(&self, kind: Kind) -> Option<&M> {
        self.first.as_ref()?.get(&kind).map(|msg| &**msg)
    }

    /// Takes what this fault is to repeat, in order. A fault repeats only once.
    pub(crate) fn recall(&mut self, fault: usize) -> Vec<Rc<M>> {
        self.replays.remove(&fault).map_or_else(Vec::new, |kept| kept.list)
    }
}
