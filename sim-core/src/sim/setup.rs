//! What a run is made of, and how its parts are put together.

use std::collections::BTreeMap;
use std::fmt;
use std::rc::Rc;

use super::adversary::AdversaryPort;
use super::clients::{Clients, Times};
use super::corrupted::Corrupted;
use super::hosts::Hosts;
use super::lasso::Lasso;
use super::recording::Recording;
use super::settling::Settling;
use super::transport::Transport;
use super::world::World;
use super::{Limits, Outcome, Run};
use crate::adversary::Adversary;
use crate::checkers::RunInfo;
use crate::crypto::{CryptoBackend, Keyring, PublicKeys, Signer};
use crate::evidence::{Law, Verifier};
use crate::id::{Committee, NodeId};
use crate::network::NetworkModel;
use crate::node::{Message as _, Protocol};
use crate::queue::EventQueue;
use crate::time::{Span, Time};
use crate::trace::{Recorder, Trace};
use crate::workload::Workload;

/// What a run is made of, apart from the protocol's parameters and the adversary.
#[derive(Clone, Debug)]
pub struct Setup {
    /// Where all chance comes from.
    pub seed: u64,
    /// The nodes.
    pub committee: Committee,
    /// How signatures are made. No output depends on it.
    pub crypto: CryptoBackend,
    /// The network.
    pub network: NetworkModel,
    /// The operations of the clients.
    pub workload: Workload,
    /// The run goes on until then at least, even if the clients are done.
    pub at_least: Time,
    /// The run ends then at the latest.
    pub at_most: Time,
    /// When the clients are done and the run has settled, messages that are under way get this long
    /// to arrive, unless correct nodes themselves go on.
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
    /// The nodes.
    pub committee: Committee,
    /// The run's seed, for streams of the adversary's own.
    pub seed: u64,
}

/// A run in the making.
pub struct Simulation<P: Protocol> {
    setup: Setup,
    keys: PublicKeys,
    signers: Vec<Rc<Signer>>,
    params: P::Params,
}

impl<P: Protocol> fmt::Debug for Simulation<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Simulation").field("setup", &self.setup).finish_non_exhaustive()
    }
}

impl<P: Protocol> Simulation<P> {
    /// Prepares a run.
    ///
    /// # Panics
    /// If the workload has not one list of operations for each client, or the committee is larger
    /// than [`Committee::REPLICAS_MAX`].
    pub fn new(setup: Setup, params: P::Params) -> Self {
        let committee = setup.committee;
        assert!(committee.replicas <= Committee::REPLICAS_MAX, "too many replicas");
        assert_eq!(setup.workload.operations.len(), usize::from(committee.clients));
        let keyring = Keyring::new(setup.crypto, committee, setup.seed);
        let signers = committee.nodes().map(|node| keyring.signer(node)).collect();
        Self { setup, keys: keyring.public(), signers, params }
    }

    /// Hands out the signers of the nodes that the adversary corrupts.
    pub fn corrupted_signers(&self, corrupted: &[NodeId]) -> CorruptedSigners {
        let committee = self.setup.committee;
        let signer = |node: &NodeId| (*node, Rc::clone(&self.signers[committee.index(*node)]));
        let by_node = corrupted.iter().map(signer).collect();
        CorruptedSigners { by_node, committee, seed: self.setup.seed }
    }

    /// The public keys of the run's nodes.
    pub fn keys(&self) -> PublicKeys {
        self.keys.clone()
    }

    /// Plays the run to its end.
    pub fn run<'a>(
        self,
        adversary: &'a mut dyn Adversary<P::Msg>,
        recorder: Option<&'a mut dyn Recorder>,
    ) -> Outcome {
        self.assemble(adversary, recorder).play_to_the_end()
    }

    /// The parts of the run, put together.
    fn assemble<'a>(
        self,
        adversary: &'a mut dyn Adversary<P::Msg>,
        recorder: Option<&'a mut dyn Recorder>,
    ) -> Run<'a, P> {
        let Self { setup, keys, signers, params } = self;
        let Setup { committee, seed, network, .. } = setup;
        let nodes = adversary.corrupted();
        let corrupted = Corrupted::new(committee, &nodes);
        let (gst, delta, at_most) = (network.gst, network.delta, setup.at_most);
        let synchronous = network.deadline(Time::ZERO);
        let asynchrony = gst.since(Time::ZERO);
        let bound = P::liveness_bound(committee, &params, delta, asynchrony);
        // Every timer of a slow clock runs longer, and with it all that follows from timers.
        let slowest = committee.nodes().map(|node| adversary.drift_ppm(node)).max();
        let liveness_bound = bound.drifted(slowest.unwrap_or(0).max(0));
        let keeps_telling = P::keeps_telling(&params);
        let judged_by = params.clone();
        let verifier = Verifier::new(move |evidence| {
            P::convicts(evidence, Law { keys: &keys, committee, params: &judged_by })
        });
        let faulty = [nodes, adversary.forgetful()].concat();
        let judged = Corrupted::new(committee, &faulty);
        let info = RunInfo {
            committee,
            corrupted: faulty,
            gst,
            liveness_bound,
            delta: network.delta,
            promptness: P::promptness(committee, &params),
            resilience: P::resilience(committee, &params),
            elects: P::ELECTS,
            keeps_telling,
            search_budget: setup.search_budget,
            verifier,
        };
        let trace = Trace::new(setup.with_marks);
        let drift_ppm = |node| adversary.drift_ppm(node);
        Run {
            limits: Limits {
                at_least: setup.at_least,
                at_most: setup.at_most,
                drain: setup.drain,
                events_max: setup.events_max,
            },
            lasso: Lasso::new(liveness_bound),
            hosts: Hosts::new(committee, signers, params, (&corrupted, seed), drift_ppm),
            world: World {
                committee,
                queue: EventQueue::default(),
                transport: Transport::new(committee, corrupted.clone(), network, seed),
                clients: Clients::new(
                    committee,
                    setup.workload,
                    corrupted.clone(),
                    Times { gst, delta, at_most, liveness_bound },
                ),
                recording: Recording::new(&info, P::Msg::KINDS.len(), trace, recorder),
                adversary: AdversaryPort::new(adversary, corrupted, judged),
                settling: Settling::new(committee, synchronous, liveness_bound),
            },
        }
    }
}
