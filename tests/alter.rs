//! Altered streams: the properties notice when a fact of a clean run is another.

use byzsim::Cancel;
use byzsim::SeedRange;
use byzsim::alter::{EXCUSES, alter};
use byzsim::run::registry::PROTOCOLS;

use crate::support::scenario;
use crate::workdir::{Output, Workdir};

/// Of every hundred alterations that change a fact which a property speaks of, so many are noticed.
const LEAST: u64 = 99;

/// The properties that rest on more than what nodes report.
const REST_ON_MORE: &[&str] = &["deposition", "convergence", "quiescence"];

#[test]
fn altered_streams_are_noticed() {
    for protocol in PROTOCOLS {
        let name = protocol.hunting_scenario().expect("it names one");
        let tally = alter(&scenario(name, &[]), SeedRange { start: 0, end: 60 }, 2, Cancel::NEVER);
        assert_eq!((tally.runs, tally.failing), (60, 0), "{name}: all runs are clean");
        for (property, runs) in &tally.unasked {
            assert!(REST_ON_MORE.contains(property), "{name}: {property} on {runs} runs");
        }
        let missed: Vec<String> = tally
            .cells
            .iter()
            .filter(|(_, cell)| 0 < cell.missed)
            .map(|((kind, change), cell)| format!("{kind} {change}: {:?}", cell.misses))
            .collect();
        let (noticed, speaking) = tally.score();
        assert!(
            tally.reaches(LEAST) == Some(true),
            "{name}: {noticed} of {speaking} were noticed; byzsim alter {name}\n{}",
            missed.join("\n")
        );
        // An excuse that hides whole kinds of facts would make the score worthless.
        let tried: u64 = tally.cells.values().map(|cell| cell.tried).sum();
        assert!(speaking * 10 >= tried * 6, "{name}: {speaking} of {tried} speak of something");
        for excuse in tally.cells.values().flat_map(|cell| cell.excused.keys()) {
            assert!(EXCUSES.iter().any(|(name, _)| name == excuse), "{excuse} has no reason");
        }
    }
}

#[test]
fn altered_streams_do_not_depend_on_threads() {
    let scenario = scenario("zyzzyva/chaos", &[]);
    let of = |jobs| {
        let tally = alter(&scenario, SeedRange { start: 7, end: 17 }, jobs, Cancel::NEVER);
        serde_json::to_value(&tally).expect("plain data")
    };
    assert_eq!(of(1), of(3));
}

#[test]
fn runs_that_fail_are_left_out() {
    let workdir = Workdir::new("alter");
    let command = "alter pbft/chaos --flaw P18 --seeds 0..6";
    let Output { code, stdout, stderr } = workdir.byzsim(command);
    assert_eq!(code, 3, "{stdout}{stderr}");
    assert!(stdout.contains("left out: 6 runs in which a property is violated"), "{stdout}");
    let Output { code, stdout, .. } = workdir.byzsim("alter pbft/chaos --seeds 0..3 --least 100");
    assert!(stdout.contains("Committed          batch"), "{stdout}");
    assert!(code == 0 || code == 1, "{stdout}");
    let Output { code, stdout, .. } = workdir.byzsim("alter pbft/chaos --seeds 0..3 -q --least 0");
    assert_eq!((code, stdout.lines().count()), (0, 3), "{stdout}");
}
