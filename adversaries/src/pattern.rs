//! Which messages a fault is about: a [`Pattern`] compiled for a committee.

use byzsim_core::{Committee, Kind, Message, NodeId};

use crate::log::Demand;
use crate::plan::Pattern;
use crate::range::within;

/// A set of nodes, looked up by a node's place in the committee. `None` holds everyone.
#[derive(Clone, Debug)]
pub(crate) struct NodeSet {
    committee: Committee,
    members: Option<Box<[bool]>>,
}

impl NodeSet {
    /// All nodes.
    pub(crate) const fn everyone(committee: Committee) -> Self {
        Self { committee, members: None }
    }

    /// The `nodes` only.
    pub(crate) fn of(committee: Committee, nodes: &[NodeId]) -> Self {
        let mut members = vec![false; committee.len()];
        for node in nodes {
            members[committee.index(*node)] = true;
        }
        Self { committee, members: Some(members.into_boxed_slice()) }
    }

    /// The `nodes`, or everyone if none is named: what a list in a pattern means.
    fn named(committee: Committee, nodes: &[NodeId]) -> Self {
        if nodes.is_empty() { Self::everyone(committee) } else { Self::of(committee, nodes) }
    }

    /// Whether `node` is in the set.
    pub(crate) fn contains(&self, node: NodeId) -> bool {
        match &self.members {
            None => true,
            Some(members) => members[self.committee.index(node)],
        }
    }
}

/// A pattern, ready to be asked about every message of a run.
#[derive(Clone, Debug)]
pub(crate) struct Matcher {
    /// The bit of each kind that matches.
    kinds: u64,
    from: NodeSet,
    to: NodeSet,
    pattern: Pattern,
    /// How many messages matched all but `nth`.
    matched: u64,
}

impl Matcher {
    /// Compiles `pattern` for the kinds of `M`.
    ///
    /// # Panics
    /// If the pattern names a kind or a node that does not exist: plans are validated first.
    pub(crate) fn new<M: Message>(pattern: Pattern, committee: Committee) -> Self {
        assert!(M::KINDS.len() <= 64, "kinds are the bits of a u64");
        let bit = |name: &String| {
            let place = M::KINDS.iter().position(|kind| kind == name);
            1_u64 << place.unwrap_or_else(|| panic!("the plan was not validated: kind {name}"))
        };
        let named = pattern.kinds.iter().map(bit).fold(0, |mask, bit| mask | bit);
        Self {
            kinds: if pattern.kinds.is_empty() { u64::MAX } else { named },
            from: NodeSet::named(committee, &pattern.from),
            to: NodeSet::named(committee, &pattern.to),
            pattern,
            matched: 0,
        }
    }

    /// The pattern.
    pub(crate) const fn pattern(&self) -> &Pattern {
        &self.pattern
    }

    /// The first demand that the message fails; `None` if it meets all but `nth`.
    pub(crate) fn failed<M: Message>(&self, from: NodeId, to: NodeId, msg: &M) -> Option<Demand> {
        let Kind(kind) = msg.kind();
        // The cheapest first: the mask refuses most messages of a run.
        if self.kinds >> kind & 1 == 0 {
            Some(Demand::Kind)
        } else if !self.from.contains(from) {
            Some(Demand::Sender)
        } else if !self.to.contains(to) {
            Some(Demand::Receiver)
        } else if !within(self.pattern.view, || msg.view()) {
            Some(Demand::View)
        } else if !within(self.pattern.seq, || msg.seq()) {
            Some(Demand::Slot)
        } else {
            None
        }
    }

    /// Counts a message that meets all demands but `nth`; whether it meets that one, too.
    ///
    /// A fault counts every message that matches, even one that an earlier fault decided about:
    /// taking that one out of the plan must not change which message is the n-th here.
    pub(crate) fn count(&mut self) -> bool {
        self.matched += 1;
        self.pattern.nth.is_none_or(|nth| nth.contains(self.matched))
    }
}
