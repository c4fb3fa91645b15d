//! One seed, one run: bit for bit.

use byzsim::{PlayOptions, SweepOptions};
use byzsim_core::CryptoBackend;

use crate::support::{play, scenario, sweep};

/// Golden trace hashes. A change here voids every recorded seed: it must be meant, and said in the
/// commit. They hold in debug and release builds and with either crypto backend.
const GOLDEN: &[(&str, u64, &str)] = &[
    ("pbft/fault-free", 0, "f74c73fd69535a77"),
    ("pbft/committed-survives", 0, "1e5c8d8db9510a89"),
    ("pbft/chaos", 0, "35ce1c95c0cc50c1"),
    ("pbft/chaos", 1, "64c88b6aedb71016"),
    ("linear-pbft/fault-free", 0, "61e6c7050d366eda"),
    ("linear-pbft/chaos", 0, "021c376fa9e1059a"),
    ("zyzzyva/fault-free", 0, "ef23cd8ed8fdec92"),
    ("zyzzyva/agm/a", 0, "ed741ea6b84dd387"),
    ("raft/fault-free", 0, "d26f6259b667be73"),
    ("raft/chaos", 0, "6304b9e76b6a1444"),
];

#[test]
fn recorded_traces_do_not_change() {
    let played: Vec<(&str, u64, String)> = GOLDEN
        .iter()
        .map(|(name, seed, _)| {
            let hash = play(&scenario(name, &[]), *seed).trace().expect("no panic").hex();
            (*name, *seed, hash[..16].to_owned())
        })
        .collect();
    let golden: Vec<(&str, u64, String)> =
        GOLDEN.iter().map(|(name, seed, hash)| (*name, *seed, (*hash).to_owned())).collect();
    assert_eq!(played, golden);
}

#[test]
fn crypto_backends_give_equal_traces() {
    let aggregates = ["params.certificates=\"aggregate\""];
    for (name, set) in [("pbft/chaos", &[][..]), ("linear-pbft/chaos", &aggregates)] {
        backends_agree(name, &scenario(name, set));
    }
}

fn backends_agree(name: &str, scenario: &byzsim::Scenario) {
    for seed in 0..15 {
        let of = |crypto| scenario.play(seed, &PlayOptions { crypto, with_marks: false });
        let [real, ideal] = [CryptoBackend::Ed25519, CryptoBackend::Ideal].map(of);
        assert_eq!(real.trace(), ideal.trace(), "byzsim replay {name} --seed {seed}");
        let metrics = |report: &byzsim::Report| {
            report.result.as_ref().expect("no panic").outcome.metrics.clone()
        };
        assert_eq!(metrics(&real), metrics(&ideal), "seed {seed}: costs do not depend on it");
    }
}

#[test]
fn threads_give_equal_sweeps() {
    let scenario = scenario("pbft/chaos", &[]);
    let seeds = byzsim::SeedRange { start: 0, end: 60 };
    let digest = |jobs| {
        let options = SweepOptions { jobs, ..SweepOptions::of(seeds) };
        let summary = byzsim::sweep(&scenario, &options, |_| std::ops::ControlFlow::Continue(()));
        assert_eq!(summary.runs, 60);
        summary.digest()
    };
    let alone = digest(1);
    assert_eq!(alone, digest(2));
    assert_eq!(alone, digest(7));
}

/// A hash that never changes proves nothing.
#[test]
fn other_seeds_and_scenarios_give_other_traces() {
    let summary = sweep(&scenario("pbft/chaos", &[]), 0..200);
    let distinct: std::collections::BTreeSet<_> = summary.traces.values().collect();
    assert_eq!(distinct.len(), 200);
    let one = play(&scenario("pbft/fault-free", &[]), 1).trace();
    assert_ne!(one, play(&scenario("pbft/fault-free", &["workload.keys=1"]), 1).trace());
    assert_ne!(one, play(&scenario("pbft/fault-free", &["cluster.replicas=5"]), 1).trace());
    assert_ne!(
        one,
        play(&scenario("pbft/fault-free", &[r#"network.latency={ constant = "11ms" }"#]), 1)
            .trace()
    );
}

/// Taking out a fault that never fired leaves the run as it was, and so does one on a link that no
/// other message uses: choices belong to messages, not to the order of draws.
#[test]
fn an_unrelated_fault_changes_nothing_else() {
    let with = |fault: &str| {
        let set = [r#"network.latency={ uniform = { min = "1ms", max = "40ms" } }"#, fault];
        play(&scenario("pbft/fault-free", &set), 5).trace()
    };
    let none = with("fault=[]");
    let silent =
        r#"fault=[{ do = { delay = { messages = { kinds = ["view-change"] }, by = "9ms" } } }]"#;
    assert_eq!(none, with(silent));
    let felt = r#"fault=[{ do = { delay = { messages = { kinds = ["commit"] }, by = "9ms" } } }]"#;
    assert_ne!(none, with(felt));
}
