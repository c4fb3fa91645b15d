//! What a run is made of.

use std::collections::BTreeMap;
use std::rc::Rc;

use crate::crypto::{CryptoBackend, Signer};
use crate::id::{Committee, NodeId};
use crate::network::NetworkModel;
use crate::time::{Span, Time};
use crate::workload::Workload;

/// What a run is made of, apart from the protocol's parameters and the adversary.
#[derive(Clone, Debug)]
pub struct Setup {
    /// Where all chance comes from.
    pub seed: u64,
    /// Who takes part.
    pub committee: Committee,
    /// How signatures are made. No output depends on it.
    pub crypto: CryptoBackend,
    /// The network.
    pub network: NetworkModel,
    /// What the clients ask.
    pub workload: Workload,
    /// The run goes on until then at least, even if the clients are done.
    pub at_least: Time,
    /// The run ends then at the latest.
    pub at_most: Time,
    /// When the clients are done, messages that are under way get this long to arrive.
    pub drain: Span,
    /// The run ends after so many events: a guard against protocols that spin.
    pub events_max: u64,
    /// How many steps the linearizability search may take.
    pub search_budget: u64,
    /// Whether the trace keeps marks, for comparison with another run.
    pub with_marks: bool,
}

/// The signers of the corrupted nodes: what an adversary acts with.
#[derive(Debug)]
pub struct CorruptedSigners {
    /// By node.
    pub by_node: BTreeMap<NodeId, Rc<Signer>>,
    /// Who takes part.
    pub committee: Committee,
    /// The run's seed, for streams of the adversary's own.
    pub seed: u64,
}
