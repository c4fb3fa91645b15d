//! What a corrupted node said and heard, as far as some row of the plan needs it.

use std::collections::BTreeMap;
use std::rc::Rc;

use byzsim_core::{Kind, Message, NodeId};

/// How many messages a node keeps of what it said, and of what it heard: a replay is about the
/// early run, and a run may be long.
const KEPT_MAX: usize = 256;

/// What a corrupted node said and heard. It keeps only what it was told to keep.
#[derive(Debug)]
pub(crate) struct Memory<M> {
    first: Option<BTreeMap<Kind, Rc<M>>>,
    said: Option<Vec<(Option<NodeId>, Rc<M>)>>,
    heard: Option<Vec<(Option<NodeId>, Rc<M>)>>,
}

impl<M> Default for Memory<M> {
    fn default() -> Self {
        Self { first: None, said: None, heard: None }
    }
}

impl<M: Message> Memory<M> {
    /// Keeps the first message of each kind that it says.
    pub(crate) fn keep_first(&mut self) {
        self.first.get_or_insert_default();
    }

    /// Keeps what it says.
    pub(crate) fn keep_said(&mut self) {
        self.said.get_or_insert_default();
    }

    /// Keeps what it hears.
    pub(crate) fn keep_heard(&mut self) {
        self.heard.get_or_insert_default();
    }

    /// The node says `msg`, to whomever.
    pub(crate) fn say(&mut self, msg: &Rc<M>) {
        if let Some(first) = &mut self.first {
            first.entry(msg.kind()).or_insert_with(|| Rc::clone(msg));
        }
        keep(&mut self.said, None, msg);
    }

    /// The node hears `msg`.
    pub(crate) fn hear(&mut self, from: NodeId, msg: &Rc<M>) {
        keep(&mut self.heard, Some(from), msg);
    }

    /// The first message of this kind that it said.
    pub(crate) fn first(&self, kind: Kind) -> Option<&M> {
        self.first.as_ref()?.get(&kind).map(|msg| &**msg)
    }

    /// What it said, or what it heard from whom, in order.
    pub(crate) fn recall(&self, heard: bool) -> impl Iterator<Item = &(Option<NodeId>, Rc<M>)> {
        let kept = if heard { &self.heard } else { &self.said };
        kept.iter().flatten()
    }
}

fn keep<M>(kept: &mut Option<Vec<(Option<NodeId>, Rc<M>)>>, from: Option<NodeId>, msg: &Rc<M>) {
    if let Some(kept) = kept
        && kept.len() < KEPT_MAX
    {
        kept.push((from, Rc::clone(msg)));
    }
}
