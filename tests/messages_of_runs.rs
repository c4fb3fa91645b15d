//! Messages of all kinds, from random runs of a protocol, for tests about messages.

use std::rc::Rc;

use byzsim_adversaries::{PlanAdversary, Timing, Weather, generate};
use byzsim_core::workload::{self, Workload};
use byzsim_core::{
    Adversary, Committee, Control, CryptoBackend, Fate, Input, Message, NetworkModel, NodeId,
    Observation, Outbox, Sent, Setup, Signer, Simulation, Span, Time, Wake,
};
use byzsim_protocols::Catalogued;

/// Messages, and somebody who can verify their signatures.
pub(crate) struct Sample<M> {
    pub(crate) messages: Vec<Rc<M>>,
    pub(crate) judge: Rc<Signer>,
}

const COMMITTEE: Committee = Committee { replicas: 4, faults: 1, clients: 3 };

/// How many runs, all of which have the keys of one seed.
const RUNS: u64 = 300;

/// How many messages of a kind are kept of a run.
const KEPT_MAX: usize = 4;

/// Messages of correct and corrupted nodes, of every kind.
pub(crate) fn sample<P: Catalogued>() -> Sample<P::Msg>
where
    P::Msg: Clone,
{
    let params = P::small();
    let setup = Setup {
        seed: 1,
        committee: COMMITTEE,
        crypto: CryptoBackend::Ideal,
        network: NetworkModel { gst: Time::ZERO + Span::from_secs(2), ..NetworkModel::default() },
        workload: Workload {
            operations: workload::draw(1, 3, 6, 2),
            think: Span::from_millis(20),
            audit: false,
            ..Workload::default()
        },
        at_least: Time::ZERO,
        at_most: Time::ZERO + Span::from_secs(20),
        drain: Span::from_secs(1),
        events_max: 1_000_000,
        search_budget: 100_000,
        with_marks: false,
    };
    let timing = Timing {
        gst: setup.network.gst,
        delta: setup.network.delta,
        timeout: Span::from_millis(500),
    };
    let mut messages = Vec::new();
    let mut judge = None;
    for plan in 0..RUNS {
        let plan = generate::<P::Msg>(&Weather::default(), COMMITTEE, &timing, plan);
        let simulation = Simulation::<P>::new(setup.clone(), params.clone());
        let signers = simulation.corrupted_signers(&plan.corrupted());
        judge = Some(simulation.corrupted_signers(&[NodeId::Replica(0)]).by_node);
        let inner = PlanAdversary::<P>::new(&plan, &signers, &params);
        let kept = vec![0; P::Msg::KINDS.len()];
        let mut listener = Listener { inner, kept, messages: &mut messages };
        simulation.run(&mut listener, None);
    }
    for (place, kind) in P::Msg::KINDS.iter().enumerate() {
        let is_there = messages.iter().any(|it: &Rc<P::Msg>| usize::from(it.kind().0) == place);
        assert!(is_there, "no run has a `{kind}`");
    }
    let judge = judge.and_then(|signers| signers.into_values().next()).expect("there was a run");
    Sample { messages, judge }
}

/// A random adversary, and a list of what is sent.
struct Listener<'a, P: Catalogued> {
    inner: PlanAdversary<P>,
    kept: Vec<usize>,
    messages: &'a mut Vec<Rc<P::Msg>>,
}

impl<P: Catalogued> Adversary<P::Msg> for Listener<'_, P>
where
    P::Msg: Clone,
{
    fn corrupted(&self) -> Vec<NodeId> {
        self.inner.corrupted()
    }

    fn drift_ppm(&self, node: NodeId) -> i32 {
        self.inner.drift_ppm(node)
    }

    fn schedule(&mut self, sent: &Sent<'_, P::Msg>) -> Fate {
        let kept = &mut self.kept[usize::from(sent.kind.0)];
        if *kept < KEPT_MAX {
            *kept += 1;
            self.messages.push(Rc::new(sent.msg.clone()));
        }
        self.inner.schedule(sent)
    }

    fn settled_at(&self) -> Time {
        self.inner.settled_at()
    }

    fn act(&mut self, me: NodeId, input: Input<'_, P::Msg, Wake>, out: &mut Outbox<P::Msg, Wake>) {
        self.inner.act(me, input, out);
    }

    fn notice(&mut self, now: Time, node: NodeId, it: &Observation, control: &mut Control) {
        self.inner.notice(now, node, it, control);
    }

    fn control(&mut self, now: Time, control: &mut Control) {
        self.inner.control(now, control);
    }
}
