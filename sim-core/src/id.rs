//! Who takes part in a run.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

use crate::time::serde_as_text;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A participant: replica `r0`, `r1`, … or client `c0`, `c1`, ….
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub enum NodeId {
    /// The replica of this number, from 0.
    Replica(u16),
    /// The client of this number, from 0.
    Client(u16),
}

impl NodeId {
    /// The `format` by which a schema tells nodes from other strings.
    pub const FORMAT: &'static str = "node";

    /// Its place in the order of all nodes: replicas first.
    #[inline]
    pub(crate) const fn rank(self) -> u32 {
        match self {
            Self::Replica(number) => number as u32,
            Self::Client(number) => 1 << 16 | number as u32,
        }
    }

    /// Whether this is a client.
    #[inline]
    pub const fn is_client(self) -> bool {
        matches!(self, Self::Client(_))
    }

    /// The number within its class, from 0.
    #[inline]
    pub const fn number(self) -> u16 {
        match self {
            Self::Replica(number) | Self::Client(number) => number,
        }
    }
}

/// Replicas first, by number: one comparison, as maps by node are everywhere.
impl Ord for NodeId {
    #[inline]
    fn cmp(&self, other: &Self) -> Ordering {
        self.rank().cmp(&other.rank())
    }
}

impl PartialOrd for NodeId {
    #[inline]
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Display for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Replica(number) => f.pad(&format!("r{number}")),
            Self::Client(number) => f.pad(&format!("c{number}")),
        }
    }
}

impl fmt::Debug for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for NodeId {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is not a node: write a replica as `r0`, a client as `c0`");
        let class = text.chars().next().ok_or_else(wrong)?;
        let number = text.get(1..).and_then(|rest| rest.parse().ok()).ok_or_else(wrong)?;
        match class {
            'r' => Ok(Self::Replica(number)),
            'c' => Ok(Self::Client(number)),
            _ => Err(wrong()),
        }
    }
}

// Without a pattern: in lists of nodes, a scenario file may name groups as well.
serde_as_text!(NodeId, "NodeId", {
    "description": "A replica such as \"r0\", or a client such as \"c0\"",
    "type": "string",
    "format": NodeId::FORMAT,
});

/// Who takes part, and how many replicas may be faulty. Every node knows it from the start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Committee {
    /// n, the number of replicas; at most [`Committee::REPLICAS_MAX`].
    pub replicas: u16,
    /// f, the number of faulty replicas that the protocol is configured to tolerate.
    pub faults: u16,
    /// The number of clients.
    pub clients: u16,
}

impl Committee {
    /// The largest n: votes are counted in the bits of one integer ([`ReplicaSet`]).
    pub const REPLICAS_MAX: u16 = 128;

    /// All replicas, in order.
    pub fn replica_ids(&self) -> impl DoubleEndedIterator<Item = NodeId> + use<> {
        (0..self.replicas).map(NodeId::Replica)
    }

    /// All clients, in order.
    pub fn client_ids(&self) -> impl DoubleEndedIterator<Item = NodeId> + use<> {
        (0..self.clients).map(NodeId::Client)
    }

    /// All nodes, replicas first: the order of [`Committee::index`].
    pub fn nodes(&self) -> impl Iterator<Item = NodeId> + use<> {
        self.replica_ids().chain(self.client_ids())
    }

    /// All nodes, for a reader: `r0 to r3 and c0`.
    pub fn in_words(&self) -> String {
        let span = |class, count: u16| match count {
            0 => None,
            1 => Some(format!("{class}0")),
            _ => Some(format!("{class}0 to {class}{}", count - 1)),
        };
        let spans = [span('r', self.replicas), span('c', self.clients)];
        spans.into_iter().flatten().collect::<Vec<_>>().join(" and ")
    }

    /// How many nodes there are.
    #[inline]
    pub fn len(&self) -> usize {
        usize::from(self.replicas) + usize::from(self.clients)
    }

    /// Whether there is no node at all.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether `node` is one of them.
    #[inline]
    pub const fn contains(&self, node: NodeId) -> bool {
        match node {
            NodeId::Replica(number) => number < self.replicas,
            NodeId::Client(number) => number < self.clients,
        }
    }

    /// The place of `node` in a table of all nodes.
    ///
    /// # Panics
    /// If `node` is not of this committee.
    #[inline]
    pub fn index(&self, node: NodeId) -> usize {
        if !self.contains(node) {
            self.refuse(node);
        }
        match node {
            NodeId::Replica(number) => usize::from(number),
            NodeId::Client(number) => usize::from(self.replicas) + usize::from(number),
        }
    }

    /// Out of line, as places are looked up everywhere.
    #[cold]
    #[inline(never)]
    fn refuse(&self, node: NodeId) -> ! {
        panic!("{node} is not one of the {} nodes", self.len());
    }
}

/// A set of replicas, as bits. Quorums count distinct voters.
///
/// ```
/// use byzsim_core::{NodeId, ReplicaSet};
/// let mut voters = ReplicaSet::default();
/// assert!(voters.insert(NodeId::Replica(2)));
/// assert!(!voters.insert(NodeId::Replica(2)), "a second vote does not make a second voter");
/// assert_eq!(voters.len(), 1);
/// ```
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct ReplicaSet(u128);

impl ReplicaSet {
    /// Adds `node`; says whether it was absent. A client is never in the set.
    ///
    /// # Panics
    /// If the replica's number is [`Committee::REPLICAS_MAX`] or more.
    #[inline]
    pub fn insert(&mut self, node: NodeId) -> bool {
        let NodeId::Replica(number) = node else { return false };
        assert!(number < Committee::REPLICAS_MAX, "{node} does not fit the set");
        let bit = 1_u128 << number;
        let absent = self.0 & bit == 0;
        self.0 |= bit;
        absent
    }

    /// Whether `node` is in the set.
    pub const fn contains(&self, node: NodeId) -> bool {
        match node {
            NodeId::Replica(number) => number < 128 && self.0 >> number & 1 == 1,
            NodeId::Client(_) => false,
        }
    }

    /// How many replicas are in the set.
    pub const fn len(&self) -> usize {
        self.0.count_ones() as usize
    }

    /// Whether no replica is in the set.
    pub const fn is_empty(&self) -> bool {
        self.0 == 0
    }

    /// The members, a bit for each replica, that of number 0 the lowest of the first byte.
    pub const fn bitmap(&self) -> [u8; 16] {
        self.0.to_le_bytes()
    }

    /// The members, in order.
    pub fn iter(&self) -> impl Iterator<Item = NodeId> + use<> {
        let bits = self.0;
        (0..Committee::REPLICAS_MAX).filter(move |i| bits >> i & 1 == 1).map(NodeId::Replica)
    }
}

impl FromIterator<NodeId> for ReplicaSet {
    fn from_iter<I: IntoIterator<Item = NodeId>>(nodes: I) -> Self {
        let mut set = Self::default();
        for node in nodes {
            set.insert(node);
        }
        set
    }
}

impl fmt::Debug for ReplicaSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}
