//! How fast the spine is: a bare event queue, and what is left of its speed with everything on.
//!
//! Names and sizes last, so that their history can be compared. Throughput is in elements per
//! second: queue operations, delivered messages, or checked runs.

use std::hint::black_box;
use std::time::Duration;

use byzsim::{Changes, PlayOptions, Scenario, load_with};
use byzsim_core::rng::MessageChoices;
use byzsim_core::{CryptoBackend, EventQueue, Time};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};

const IDEAL: PlayOptions = PlayOptions { crypto: CryptoBackend::Ideal, with_marks: false };

/// A thousand events wait; each that is taken out puts in another, a little later.
fn bare_queue(criterion: &mut Criterion) {
    const OPERATIONS: u64 = 100_000;
    let mut group = criterion.benchmark_group("queue");
    group.throughput(Throughput::Elements(OPERATIONS));
    group.bench_function("pop-push", |bencher| {
        let mut choices = MessageChoices::new(1, 0, 0, 0, 0);
        let mut queue = EventQueue::default();
        for event in 0..1_000_u64 {
            queue.push(Time::from_nanos(choices.between(0, 1_000_000)), event);
        }
        bencher.iter(|| {
            for _ in 0..OPERATIONS {
                let (time, event) = queue.pop().expect("a thousand events wait");
                let later = time.nanos() + choices.between(1, 1_000_000);
                queue.push(Time::from_nanos(later), black_box(event));
            }
        });
    });
    group.finish();
}

fn scenario(name: &str, set: &[String]) -> Scenario {
    let changes = Changes { flaws: Vec::new(), set: set.to_vec() };
    load_with(name, &changes).expect("a scenario of the library")
}

/// Fault-free requests, with checks, trace hash and ideal signatures: delivered messages.
fn fault_free(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("pbft-fault-free");
    group.measurement_time(Duration::from_secs(8)).sample_size(20);
    for (n, operations) in [(4, 500), (16, 50), (64, 5)] {
        let scenario = scenario(
            "pbft/fault-free",
            &[
                format!("cluster.replicas={n}"),
                format!("cluster.faults={}", (n - 1) / 3),
                "cluster.clients=4".to_owned(),
                format!("workload.operations={operations}"),
            ],
        );
        let played = scenario.play(1, &IDEAL).result.expect("no panic");
        group.throughput(Throughput::Elements(played.outcome.metrics.delivered));
        group.bench_function(format!("n={n}"), |bencher| {
            bencher.iter(|| black_box(scenario.play(1, &IDEAL)));
        });
    }
    group.finish();
}

/// Random faults, drawn, played, judged: runs.
fn chaos(criterion: &mut Criterion) {
    const RUNS: u64 = 100;
    let mut group = criterion.benchmark_group("pbft-chaos");
    group.throughput(Throughput::Elements(RUNS)).sample_size(20);
    let scenario = scenario("pbft/chaos", &[]);
    group.bench_function("checked-runs", |bencher| {
        bencher.iter(|| {
            for seed in 0..RUNS {
                black_box(scenario.play(seed, &IDEAL));
            }
        });
    });
    group.finish();
}

criterion_group!(spine, bare_queue, fault_free, chaos);
criterion_main!(spine);
