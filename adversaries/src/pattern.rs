//! Which messages a fault is about: a [`Pattern`] compiled for a committee.

use byzsim_core::{Committee, Kind, Message, NodeId};

use crate::plan::Pattern;
use crate::range::Range;

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
    view: Option<Range>,
    seq: Option<Range>,
    nth: Option<Range>,
    /// How many messages matched all but `nth`.
    matched: u64,
}

impl Matcher {
    /// Compiles `pattern` for the kinds of `M`.
    ///
    /// # Panics
    /// If the pattern names a kind or a node that does not exist: plans are validated first.
    pub(crate) fn new<M: Message>(pattern: &Pattern, committee: Committee) -> Self {
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
            view: pattern.view,
            seq: pattern.seq,
            nth: pattern.nth,
            matched: 0,
        }
    }

    /// Whether the fault is about this message; counts it if so.
    ///
    /// A fault counts every message that matches, even one that an earlier fault decided about:
    /// taking that one out of the plan must not change which message is the n-th here.
    pub(crate) fn hit<M: Message>(&mut self, from: NodeId, to: NodeId, msg: &M) -> bool {
        if !self.matches(from, to, msg) {
            return false;
        }
        self.matched += 1;
        self.nth.is_none_or(|nth| nth.contains(self.matched))
    }

    fn matches<M: Message>(&self, from: NodeId, to: NodeId, msg: &M) -> bool {
        let Kind(kind) = msg.kind();
        // The cheapest first: the mask refuses most messages of a run.
        self.kinds >> kind & 1 == 1
            && self.from.contains(from)
            && self.to.contains(to)
            && within(self.view, || msg.view())
            && within(self.seq, || msg.seq())
    }
}

/// Whether the number is in the range. A message without the number is in no range.
fn within(range: Option<Range>, number: impl FnOnce() -> Option<u64>) -> bool {
    range.is_none_or(|range| number().is_some_and(|number| range.contains(number)))
}
