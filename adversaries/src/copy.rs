//! One copy of a corrupted node: a puppet, the nodes that it deals with, and its operations.

use std::collections::VecDeque;
use std::rc::Rc;

use byzsim_core::{
    Committee, Input, Message, NodeId, Operation, Protocol, Request, Signer, Time, Wake,
};

use crate::pattern::NodeSet;
use crate::plan::Split;
use crate::puppet::Puppet;
use crate::range::Range;
use crate::twins::altered;

/// One copy of a corrupted node.
pub(crate) struct NodeCopy<P: Protocol> {
    puppet: Puppet<P>,
    /// Its place among the copies of the node.
    place: usize,
    /// The nodes that it deals with.
    side: NodeSet,
    /// The nodes that it deals with about messages of some views.
    sides: Vec<(Range, NodeSet)>,
    /// The operations of a client's copy; the first one is in progress.
    operations: VecDeque<Operation>,
    /// How many operations it was given.
    asked: u64,
}

impl<P: Protocol> NodeCopy<P> {
    /// The only copy of the signer's node, which deals with all nodes.
    pub(crate) fn only(
        signer: &Rc<Signer>,
        (committee, seed): (Committee, u64),
        params: &P::Params,
    ) -> Self {
        Self::new(0, Puppet::new(signer, committee, seed, params), NodeSet::everyone(committee))
    }

    /// The copies of the signer's node that make it twins: each deals with all but the other's
    /// side, which may be another one in some views.
    pub(crate) fn twins(
        (left, right): (&[NodeId], &[NodeId]),
        splits: &[Split],
        signer: &Rc<Signer>,
        (committee, seed): (Committee, u64),
        params: &P::Params,
    ) -> Vec<Self> {
        let all_but = |others: &[NodeId]| {
            let side: Vec<NodeId> =
                committee.nodes().filter(|node| !others.contains(node)).collect();
            NodeSet::of(committee, &side)
        };
        let copy = |place: u8, others: &[NodeId]| {
            let puppet = Puppet::of_several((place, 2), signer, committee, seed, params);
            let mut copy = Self::new(place.into(), puppet, all_but(others));
            let others =
                |split: &Split| all_but(if place == 0 { &split.right } else { &split.left });
            copy.sides = splits.iter().map(|split| (split.view, others(split))).collect();
            copy
        };
        vec![copy(0, right), copy(1, left)]
    }

    fn new(place: usize, puppet: Puppet<P>, side: NodeSet) -> Self {
        let (sides, operations) = (Vec::new(), VecDeque::new());
        Self { puppet, place, side, sides, operations, asked: 0 }
    }

    /// Whether the copy deals with `other` about this message.
    pub(crate) fn deals(&self, other: NodeId, msg: &P::Msg) -> bool {
        let special = match self.sides.is_empty() {
            true => None,
            false => msg.view().and_then(|view| {
                self.sides.iter().find(|(views, _)| views.contains(view)).map(|(_, side)| side)
            }),
        };
        special.unwrap_or(&self.side).contains(other)
    }

    /// See [`Puppet::handle`].
    pub(crate) fn handle(
        &mut self,
        now: Time,
        input: Input<'_, P::Msg, Wake>,
        request: impl FnMut(Request<'_, P::Msg, Wake>),
    ) {
        self.puppet.handle(now, input, request);
    }

    /// The application gives the node, a client, an operation. Returns what the copy is to begin
    /// now: nothing while another operation is in progress. A client does one operation at a time,
    /// and one copy may be ahead of the other.
    pub(crate) fn ask(&mut self, operation: &Operation) -> Option<Operation> {
        self.asked += 1;
        let mine = match self.place {
            0 => operation.clone(),
            _ => altered(operation, self.puppet.node(), self.asked),
        };
        self.operations.push_back(mine.clone());
        (self.operations.len() == 1).then_some(mine)
    }

    /// The operation in progress is complete; returns what the copy is to begin next.
    pub(crate) fn complete(&mut self) -> Option<Operation> {
        self.operations.pop_front();
        self.operations.front().cloned()
    }
}
