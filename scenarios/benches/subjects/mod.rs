//! What the benchmarks measure: each subject does some work for a seed, and counts it.
//!
//! No seed comes twice: the same run over and over teaches the branch predictor what comes next,
//! and is faster than any run that somebody waits for.

use std::hint::black_box;
use std::ops::ControlFlow;

use byzsim::{Changes, PlayOptions, Scenario, SeedRange, Strategy, SweepOptions, load_with, sweep};
use byzsim_core::linearizability::{Linearizability, check};
use byzsim_core::rng::MessageChoices;
use byzsim_core::{
    Answer, Call, CryptoBackend, EventQueue, NodeId, Operation, Purpose, SimRng, Time,
};

/// Work that is measured.
pub(crate) struct Subject {
    /// Stays the same for good, so that figures can be compared with older ones.
    pub(crate) name: String,
    /// What is counted, in the plural.
    pub(crate) unit: &'static str,
    /// Works for a seed; says how much that was.
    pub(crate) work: Box<dyn FnMut(u64) -> Work>,
}

/// How much was done.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Work {
    /// In the unit of the subject.
    pub(crate) count: u64,
    /// How many runs that were; 0 if it is no run.
    pub(crate) runs: u64,
}

/// The name of the subject that all others are compared with.
pub(crate) const BARE_QUEUE: &str = "queue";

/// All subjects, the bare queue first.
pub(crate) fn all() -> Vec<Subject> {
    let mut all = vec![queue()];
    for protocol in ["pbft", "zyzzyva"] {
        all.extend([(4, 500), (16, 50), (64, 5), (128, 1)].map(|it| fault_free(protocol, it)));
    }
    all.extend(["pbft", "zyzzyva", "raft"].map(|it| chaos(it, CryptoBackend::Ideal)));
    all.extend(["pbft", "zyzzyva"].map(guided));
    all.push(chaos("pbft", CryptoBackend::Ed25519));
    all.push(linearizability());
    all
}

/// A thousand events wait; each that is taken out puts in another, a little later.
fn queue() -> Subject {
    const OPERATIONS: u64 = 100_000;
    let mut queue = EventQueue::default();
    let mut choices = MessageChoices::new(1, 0, 0, 0, 0);
    for event in 0..1_000_u64 {
        queue.push(Time::from_nanos(choices.between(0, 1_000_000)), event);
    }
    let work = move |seed| {
        let mut choices = MessageChoices::new(seed, 0, 0, 0, 0);
        for _ in 0..OPERATIONS {
            let (time, event) = queue.pop().expect("a thousand events wait");
            let later = time.nanos() + choices.between(1, 1_000_000);
            queue.push(Time::from_nanos(later), black_box(event));
        }
        Work { count: OPERATIONS, runs: 0 }
    };
    Subject { name: BARE_QUEUE.to_owned(), unit: "events", work: Box::new(work) }
}

fn scenario(name: &str, set: &[String]) -> Scenario {
    let changes = Changes { flaws: Vec::new(), set: set.to_vec() };
    load_with(name, &changes).expect("a scenario of the library")
}

/// A fault-free cluster of n replicas.
pub(crate) fn fault_free_cluster(
    protocol: &str,
    n: u64,
    clients: u64,
    operations: u64,
) -> Scenario {
    let set = [
        format!("cluster.replicas={n}"),
        format!("cluster.faults={}", (n - 1) / 3),
        format!("cluster.clients={clients}"),
        format!("workload.operations={operations}"),
    ];
    scenario(&format!("{protocol}/fault-free"), &set)
}

/// Fault-free requests of four clients, with all properties, the trace hash and ideal signatures:
/// delivered messages.
fn fault_free(protocol: &'static str, (n, operations): (u64, u64)) -> Subject {
    let scenario = fault_free_cluster(protocol, n, 4, operations);
    let options = PlayOptions { crypto: CryptoBackend::Ideal, with_marks: false };
    let work = move |seed| {
        let played = scenario.play(seed, &options).result.expect("no panic");
        Work { count: played.outcome.metrics.delivered, runs: 1 }
    };
    let name = format!("{protocol}/fault-free n={n}");
    Subject { name, unit: "messages", work: Box::new(work) }
}

/// Random faults, drawn, played and judged: events.
fn chaos(protocol: &'static str, crypto: CryptoBackend) -> Subject {
    let scenario = scenario(&format!("{protocol}/chaos"), &[]);
    let options = PlayOptions { crypto, with_marks: false };
    let work = move |seed| {
        let played = scenario.play(seed, &options).result.expect("no panic");
        Work { count: played.outcome.events, runs: 1 }
    };
    let signed = match crypto {
        CryptoBackend::Ideal => "",
        CryptoBackend::Ed25519 => " ed25519",
    };
    let name = format!("{protocol}/chaos{signed}");
    Subject { name, unit: "events", work: Box::new(work) }
}

/// The guided search, on one thread: events.
fn guided(protocol: &'static str) -> Subject {
    const RUNS: u64 = 50;
    let scenario = scenario(&format!("{protocol}/chaos"), &[]);
    let work = move |seed: u64| {
        let seeds = SeedRange { start: seed * RUNS, end: (seed + 1) * RUNS };
        let options = SweepOptions { strategy: Strategy::Guided, ..SweepOptions::of(seeds) };
        let summary = sweep(&scenario, &options, |_| ControlFlow::Continue(()));
        Work { count: summary.events, runs: RUNS }
    };
    let name = format!("{protocol}/chaos guided");
    Subject { name, unit: "events", work: Box::new(work) }
}

/// The search for an order that explains a history of eight clients, whose operations on two keys
/// overlap: calls.
fn linearizability() -> Subject {
    const CALLS: usize = 2_000;
    let work = move |seed| {
        let calls = history(seed, CALLS);
        let found = check(&calls, None, 100_000_000);
        assert_eq!(found, Linearizability::Linearizable, "it was made so");
        Work { count: calls.len() as u64, runs: 0 }
    };
    Subject { name: "linearizability".to_owned(), unit: "calls", work: Box::new(work) }
}

/// A linearizable history: each call takes effect somewhere between its beginning and its end.
fn history(seed: u64, calls: usize) -> Vec<Call> {
    let mut rng = SimRng::new(seed, Purpose::Workload, 0);
    let mut below = move |n: u64| rng.next_u64() % n;
    let mut held = [None, None];
    let mut free_at = [0_u64; 8];
    let mut all: Vec<Call> = Vec::new();
    for effect in (0..calls as u64).map(|it| it * 1_000) {
        let first = usize::try_from(below(8)).expect("small");
        // Who is still busy asks for nothing.
        let mut clients = (0..8).map(|it| (first + it) % 8);
        let Some(client) = clients.find(|it| free_at[*it] <= effect) else { continue };
        let key = usize::try_from(below(2)).expect("small");
        let (name, value) = (["x", "y"][key], below(5));
        let (line, answer) = match below(2) {
            0 => (format!("put {name} {value}"), Answer::Done),
            _ => (format!("get {name}"), Answer::Value(held[key].clone())),
        };
        let operation: Operation = line.parse().expect("an operation");
        if answer == Answer::Done {
            held[key] = Some(value.to_string().as_str().into());
        }
        let (invoked, completed) =
            (effect.saturating_sub(below(3_000)).max(free_at[client]), effect + below(3_000));
        free_at[client] = completed + 1;
        all.push(Call {
            client: NodeId::Client(u16::try_from(client).expect("small")),
            operation,
            invoked: Time::from_nanos(invoked),
            completed: Some((Time::from_nanos(completed), answer)),
        });
    }
    all
}
