//! What a run cost: messages and bytes by kind and by class of sender, signatures, verifications.
//!
//! A multicast to k receivers counts as k messages, and a message to oneself as none. Copies that
//! the network adds, and messages that it loses, do not change what was sent. A message that a
//! corrupted node withholds was not sent.

use serde::{Deserialize, Serialize};

/// Messages of one kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Traffic {
    /// Sent by replicas.
    pub from_replicas: u64,
    /// Sent by clients.
    pub from_clients: u64,
    /// Bytes sent: canonical bytes, and 64 for every signature.
    pub bytes: u64,
}

impl Traffic {
    /// All messages.
    pub const fn messages(&self) -> u64 {
        self.from_replicas + self.from_clients
    }
}

/// Cryptography of one node.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CryptoCount {
    /// Signatures made.
    pub signed: u64,
    /// Signatures verified.
    pub verified: u64,
}

/// How many messages fared otherwise than the latency drawn for them says, and why. A message may
/// count more than once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Moved {
    /// Latencies above Δ, which the model cut to it ([`NetworkModel::clamp`]).
    ///
    /// [`NetworkModel::clamp`]: crate::NetworkModel::clamp
    pub latencies_cut: u64,
    /// Delays and copies that faults asked for, which the model cut to Δ, or to GST + Δ.
    pub delays_cut: u64,
    /// Messages that faults held, and that the model released at their deadline.
    pub holds_ended: u64,
    /// Messages that faults were not allowed to lose: they arrive as late as the model allows.
    pub losses_refused: u64,
    /// Messages that the network lost before GST, as its rate of loss says.
    pub lost_by_chance: u64,
    /// Messages that faults lost after they were sent.
    pub lost_by_faults: u64,
    /// Messages that arrived at a node that was down.
    pub lost_at_down_nodes: u64,
    /// Messages that faults still held when the run ended.
    pub held_to_the_end: u64,
    /// Copies that the network made, as its rate of duplication says.
    pub copies_by_chance: u64,
    /// Copies that faults made.
    pub copies_by_faults: u64,
}

impl Moved {
    /// Each count with its name, in the order in which outputs show them.
    pub const fn counts(&self) -> [(&'static str, u64); 10] {
        [
            ("latencies-cut", self.latencies_cut),
            ("delays-cut", self.delays_cut),
            ("holds-ended", self.holds_ended),
            ("losses-refused", self.losses_refused),
            ("lost-by-chance", self.lost_by_chance),
            ("lost-by-faults", self.lost_by_faults),
            ("lost-at-down-nodes", self.lost_at_down_nodes),
            ("held-to-the-end", self.held_to_the_end),
            ("copies-by-chance", self.copies_by_chance),
            ("copies-by-faults", self.copies_by_faults),
        ]
    }

    /// Adds the counts of another run.
    pub const fn add(&mut self, other: &Self) {
        self.latencies_cut += other.latencies_cut;
        self.delays_cut += other.delays_cut;
        self.holds_ended += other.holds_ended;
        self.losses_refused += other.losses_refused;
        self.lost_by_chance += other.lost_by_chance;
        self.lost_by_faults += other.lost_by_faults;
        self.lost_at_down_nodes += other.lost_at_down_nodes;
        self.held_to_the_end += other.held_to_the_end;
        self.copies_by_chance += other.copies_by_chance;
        self.copies_by_faults += other.copies_by_faults;
    }
}

/// The costs of a run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Metrics {
    /// By kind, in the order of the protocol's kinds: what correct and corrupted nodes sent.
    pub traffic: Vec<Traffic>,
    /// By node, replicas first.
    pub crypto: Vec<CryptoCount>,
    /// Messages that arrived.
    pub delivered: u64,
    /// Messages that did not.
    pub lost: u64,
    /// What the network and its model did to messages.
    pub moved: Moved,
}

impl Metrics {
    /// All messages sent.
    pub fn messages(&self) -> u64 {
        self.traffic.iter().map(Traffic::messages).sum()
    }

    /// All bytes sent.
    pub fn bytes(&self) -> u64 {
        self.traffic.iter().map(|kind| kind.bytes).sum()
    }
}
