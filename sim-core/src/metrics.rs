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
