//! Searches: the same plans whatever the threads, every schedule once, and more found than by
//! chance.

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use byzsim::run::registry::PROTOCOLS;
use byzsim::{Row, Scenario, SeedRange, Strategy, Summary, SweepOptions};
use byzsim_adversaries::{twins_schedule, twins_schedules};
use byzsim_core::Committee;

use crate::support::{flawed, scenario};

fn search(scenario: &Scenario, strategy: Strategy, seeds: SeedRange, jobs: usize) -> Summary {
    let options = SweepOptions { strategy, jobs, ..SweepOptions::of(seeds) };
    byzsim::sweep(scenario, &options, |_| ControlFlow::Continue(()))
}

const fn seeds(start: u64, end: u64) -> SeedRange {
    SeedRange { start, end }
}

#[test]
fn a_guided_search_does_not_depend_on_threads() {
    let scenario = flawed("pbft/chaos", &["P23"], &[]);
    let of = |jobs| {
        let mut rows = Vec::new();
        let options =
            SweepOptions { strategy: Strategy::Guided, jobs, ..SweepOptions::of(seeds(0, 700)) };
        let summary = byzsim::sweep(&scenario, &options, |row: &Row| {
            rows.push(row.clone());
            ControlFlow::Continue(())
        });
        (summary.digest(), summary.search, rows)
    };
    let alone = of(1);
    assert_eq!(alone, of(2));
    assert_eq!(alone, of(5));
    let failing = alone.2.iter().filter(|row| !row.findings().is_empty());
    assert!(0 < failing.clone().count(), "it finds the flaw on the way");
    assert!(failing.into_iter().all(|row| row.draft.is_some()), "and keeps what failed");
    let other = search(&scenario, Strategy::Guided, seeds(1, 701), 2);
    assert_ne!(alone.0, other.digest(), "another first seed is another search");
}

#[test]
fn a_guided_finding_is_played_again_from_its_draft() {
    let scenario = flawed("pbft/chaos", &["P23"], &[]);
    let summary = search(&scenario, Strategy::Guided, seeds(0, 700), 2);
    assert!(!summary.drafts.is_empty());
    for (seed, draft) in summary.drafts.iter().take(5) {
        let options = byzsim::PlayOptions::default();
        let report = scenario.play_drawn(draft.seed, draft.drawn.clone(), &options, None);
        assert_eq!(report.trace(), summary.traces.get(seed).copied(), "run {seed}");
    }
}

#[test]
fn a_guided_search_goes_further_than_chance() {
    let scenario = scenario("zyzzyva/chaos", &[]);
    let [random, guided] = [Strategy::Random, Strategy::Guided]
        .map(|strategy| search(&scenario, strategy, seeds(0, 2_000), 2));
    for milestone in ["rollback", "view-change"] {
        let of = |summary: &Summary| summary.reached.get(milestone).copied().unwrap_or(0);
        assert!(2 * of(&random) < of(&guided), "{milestone}");
    }
    assert!(random.search.is_none());
    assert!(guided.search.is_some_and(|search| 0 < search.kept && 0 < search.features));
}

#[test]
fn every_strategy_keeps_a_correct_protocol_correct() {
    for protocol in PROTOCOLS {
        let scenario = scenario(&format!("{}/chaos", protocol.name), &[]);
        for strategy in Strategy::ALL {
            if let Err(why) = scenario.admits(strategy) {
                // A protocol for crashes has no twins that it could tolerate.
                let tolerated = scenario.resilience().byzantine;
                assert!(strategy == Strategy::Twins && tolerated == 0, "{strategy}: {why}");
                continue;
            }
            let summary = search(&scenario, strategy, seeds(0, 300), 2);
            assert!(summary.findings.is_empty(), "{strategy}: {:?}", summary.findings);
            assert_eq!(summary.runs, 300);
            assert!(0 < summary.faults.fired, "{strategy}: no fault ever fired");
            assert_eq!(summary.beyond_f_runs, 0, "{strategy}");
        }
    }
}

#[test]
fn searches_by_seed_can_be_resumed() {
    let scenario = scenario("pbft/chaos", &[]);
    for strategy in [Strategy::Twins, Strategy::Delays, Strategy::Priorities] {
        let whole = search(&scenario, strategy, seeds(0, 60), 2).traces;
        let mut parts = search(&scenario, strategy, seeds(0, 25), 1).traces;
        parts.extend(search(&scenario, strategy, seeds(25, 60), 1).traces);
        assert_eq!(whole, parts, "{strategy}");
    }
}

#[test]
fn twins_schedules_are_all_different() {
    let committee = Committee { replicas: 4, faults: 1, clients: 1 };
    // Four twins; three others on one side or the other in three views, the first one's side in the
    // first view given; in each view the sides hear each other or not, where both have someone.
    let count = twins_schedules(committee);
    assert_eq!(count, 4 * (3 * 2 + 1) * (6 * 2 + 2) * (6 * 2 + 2));
    let text = |number| serde_json::to_string(&twins_schedule(committee, number)).expect("a plan");
    let different: BTreeSet<String> = (0..count).map(text).collect();
    assert_eq!(different.len() as u64, count);
    assert_eq!(text(0), text(count), "and then they begin anew");
}

/// Schedules are whole plans, and a search varies only what a scenario lets it vary.
#[test]
fn strategies_choose_plans_only_where_nothing_else_does() {
    use Strategy::{Delays, Guided, Priorities, Random, Twins};
    for (name, set, refused) in [
        ("pbft/chaos", &[][..], &[][..]),
        ("pbft/chaos", &["random.faults.corrupt-max=0"], &[Twins]),
        ("pbft/fault-free", &[], &[Guided]),
        ("pbft/fault-free", &["cluster.faults=0"], &[Twins, Guided]),
        ("pbft/crash-and-restart", &[], &[Twins, Delays, Priorities, Guided]),
    ] {
        let scenario = scenario(name, set);
        for strategy in Strategy::ALL {
            let is_refused = scenario.admits(strategy).is_err();
            assert_eq!(is_refused, refused.contains(&strategy), "{name} {set:?} {strategy}");
            assert!(strategy != Random || !is_refused);
        }
    }
}

#[test]
fn twins_are_enumerated_in_one_committee_and_no_more_than_allowed() {
    let set = ["cluster.replicas=7", "cluster.faults=2", "random.faults.corrupt-max=1"];
    for (scenario, replicas) in
        [(scenario("pbft/chaos", &[]), 4), (scenario("pbft/chaos", &set), 7)]
    {
        for seed in 0..100 {
            let drawn = scenario.draw_by(Strategy::Twins, seed);
            assert_eq!(drawn.condition, 0, "as the file says");
            let committee = Committee { replicas, faults: 1, clients: 3 };
            assert_eq!(drawn.plan, twins_schedule(committee, seed));
            assert_eq!(drawn.plan.corrupted().len(), 1);
        }
    }
}

/// Twins alone find bugs of counting and comparing, by enumeration: some schedules in a hundred.
#[test]
fn enumerated_twins_find_flaws() {
    for flaw in ["P08", "P14", "P19", "P23"] {
        let scenario = flawed("pbft/chaos", &[flaw], &[]);
        let summary = search(&scenario, Strategy::Twins, seeds(0, 3_000), 2);
        assert!(!summary.findings.is_empty(), "{flaw}");
    }
}
