//! A run of the toy protocol under a plan, and what happened in it.

use byzsim_core::network::Transit;
use byzsim_core::trace::TraceEvent;
use byzsim_core::workload::{self, Workload};
use byzsim_core::{
    Adversary as _, Committee, CryptoBackend, Latency, NetworkModel, NodeId, Observation, Recorder,
    Setup, Simulation, Span, Time,
};

use super::toy::{Msg, Toy};
use crate::{Action, Fault, FaultLog, Moment, Pattern, Plan, PlanAdversary, Vocabulary};

pub(super) const COMMITTEE: Committee = Committee { replicas: 4, faults: 1, clients: 2 };
pub(super) const C0: NodeId = NodeId::Client(0);
pub(super) const C1: NodeId = NodeId::Client(1);
pub(super) const R0: NodeId = NodeId::Replica(0);
pub(super) const R1: NodeId = NodeId::Replica(1);
pub(super) const R2: NodeId = NodeId::Replica(2);
pub(super) const R3: NodeId = NodeId::Replica(3);

/// What happened in a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Seen {
    Arrives { from: NodeId, to: NodeId, kind: &'static str, msg: String },
    Lost { from: NodeId, to: NodeId, kind: &'static str },
    Held { from: NodeId, to: NodeId, kind: &'static str },
    Crash(NodeId),
    Restart(NodeId),
    Reports(NodeId, Observation),
}

#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Log(pub(super) Vec<(Time, Seen)>);

impl Recorder for Log {
    fn record(&mut self, _: u64, time: Time, event: &TraceEvent<'_>) {
        let seen = match event {
            TraceEvent::Delivered { from, to, what } => {
                let msg = format!("{:?}", what.msg);
                Seen::Arrives { from: *from, to: *to, kind: what.name, msg }
            }
            TraceEvent::Lost { from, to, what } => {
                Seen::Lost { from: *from, to: *to, kind: what.name }
            }
            TraceEvent::Sent { from, to, what, transit: Transit::Held(..) } => {
                Seen::Held { from: *from, to: *to, kind: what.name }
            }
            TraceEvent::Sent { .. } | TraceEvent::Expired { .. } => return,
            TraceEvent::Crashed(node) => Seen::Crash(*node),
            TraceEvent::Restarted(node) => Seen::Restart(*node),
            TraceEvent::Observed(node, what) => Seen::Reports(*node, (*what).clone()),
        };
        self.0.push((time, seen));
    }
}

impl Log {
    /// The times of what fits.
    pub(super) fn times(&self, fits: impl Fn(&Seen) -> bool) -> Vec<u64> {
        let fitting = self.0.iter().filter(|(_, seen)| fits(seen));
        fitting.map(|(time, _)| time.nanos() / 1_000_000).collect()
    }

    /// When messages of this kind arrive on this link, in milliseconds.
    pub(super) fn arrivals(&self, a: NodeId, b: NodeId, name: &str) -> Vec<u64> {
        self.times(|seen| {
            matches!(seen, Seen::Arrives { from, to, kind, .. }
                if (*from, *to, *kind) == (a, b, name))
        })
    }

    /// How many messages of this kind are lost on this link.
    pub(super) fn losses(&self, a: NodeId, b: NodeId, name: &str) -> usize {
        self.times(|seen| {
            matches!(seen, Seen::Lost { from, to, kind } if (*from, *to, *kind) == (a, b, name))
        })
        .len()
    }

    /// The different messages of this kind that arrive on this link.
    pub(super) fn texts(&self, a: NodeId, b: NodeId, name: &str) -> Vec<&str> {
        let mut texts: Vec<&str> = self
            .0
            .iter()
            .filter_map(|(_, seen)| {
                let Seen::Arrives { from, to, kind, msg } = seen else { return None };
                ((*from, *to, *kind) == (a, b, name)).then_some(msg.as_str())
            })
            .collect();
        texts.dedup();
        texts
    }

    pub(super) fn reports(&self, node: NodeId, wanted: impl Fn(&Observation) -> bool) -> Vec<u64> {
        self.times(|seen| matches!(seen, Seen::Reports(who, what) if *who == node && wanted(what)))
    }
}

pub(super) fn millis(ms: u64) -> Time {
    Time::ZERO + Span::from_millis(ms)
}

/// For the whole run.
pub(super) fn always(action: Action) -> Fault {
    Fault { note: None, start: None, end: None, action }
}

pub(super) fn between(start: u64, end: u64, action: Action) -> Fault {
    let at = |ms| Some(Moment::At(millis(ms)));
    Fault { note: None, start: at(start), end: at(end), action }
}

pub(super) fn link(from: NodeId, to: NodeId) -> Pattern {
    Pattern { from: vec![from], to: vec![to], ..Pattern::default() }
}

/// Plays three operations of each client in a network that is asynchronous for 700 ms; a message
/// takes 10 ms.
pub(super) fn play(faults: Vec<Fault>) -> (Log, Vec<u64>) {
    play_with(Latency::Constant(Span::from_millis(10)), faults)
}

pub(super) fn play_with(latency: Latency, faults: Vec<Fault>) -> (Log, Vec<u64>) {
    let plan = Plan { faults };
    let (log, adversary) = run(latency.clone(), &plan, |adversary| adversary);
    let (with_logs, _) = run(latency, &plan, PlanAdversary::with_logs);
    assert_eq!(log, with_logs, "a run is the same if its faults keep logs");
    (log, adversary.fired())
}

/// When the faults that end are over, as the adversary says when the run has ended.
pub(super) fn settled_at(faults: Vec<Fault>) -> Time {
    let latency = Latency::Constant(Span::from_millis(10));
    let (_, adversary) = run(latency, &Plan { faults }, |adversary| adversary);
    adversary.settled_at()
}

/// What the faults go through.
pub(super) fn logs(faults: Vec<Fault>) -> Vec<FaultLog> {
    let latency = Latency::Constant(Span::from_millis(10));
    run(latency, &Plan { faults }, PlanAdversary::with_logs).1.logs()
}

fn run(
    latency: Latency,
    plan: &Plan,
    prepare: fn(PlanAdversary<Toy>) -> PlanAdversary<Toy>,
) -> (Log, PlanAdversary<Toy>) {
    plan.validate(COMMITTEE, Vocabulary::of::<Msg>()).expect("a good plan");
    let operations = workload::draw(1, COMMITTEE.clients, 3, 2);
    let setup = Setup {
        seed: 1,
        committee: COMMITTEE,
        crypto: CryptoBackend::Ideal,
        network: NetworkModel {
            latency,
            gst: millis(700),
            loss_allowed: true,
            ..NetworkModel::default()
        },
        workload: Workload { operations, think: Span::from_millis(100), ..Workload::default() },
        at_least: millis(1_000),
        at_most: millis(1_000),
        drain: Span::ZERO,
        events_max: 100_000,
        search_budget: 0,
        with_marks: false,
    };
    let simulation = Simulation::<Toy>::new(setup, ());
    let signers = simulation.corrupted_signers(&plan.corrupted());
    let mut adversary = prepare(PlanAdversary::new(plan, &signers, &()));
    let mut log = Log::default();
    simulation.run(&mut adversary, Some(&mut log));
    (log, adversary)
}
