//! Every planted flaw is caught, by its script and by random search; without it the script holds.

use byzsim::registry::PROTOCOLS;
use byzsim_core::PROPERTIES;

use crate::support::{flawed, scenario, sweep};

/// The scripts of the flaws, by the flaw's name.
fn scripts(protocol: &str) -> Vec<String> {
    let prefix = format!("{protocol}/flaws/");
    byzsim::library::all().into_keys().filter(|name| name.starts_with(&prefix)).collect()
}

#[test]
fn every_flaw_has_a_script_and_every_script_a_flaw() {
    for protocol in PROTOCOLS {
        let known: Vec<String> = (protocol.flaws)()
            .iter()
            .map(|flaw| format!("{}/flaws/{}", protocol.name, flaw.name))
            .collect();
        let mut sorted = known.clone();
        sorted.sort_unstable();
        assert_eq!(scripts(protocol.name), sorted);
        for flaw in (protocol.flaws)() {
            let is_property = PROPERTIES.iter().any(|it| it.name == flaw.violates);
            assert!(is_property, "{}: no property {}", flaw.name, flaw.violates);
        }
    }
}

/// That the scripts fail with their flaws is their own promise; here the proof that it is the flaw
/// which breaks them.
#[test]
fn without_its_flaw_every_script_holds() {
    for protocol in PROTOCOLS {
        for name in scripts(protocol.name) {
            let scenario = scenario(&name, &["params.flaws=[]", r#"expect="holds""#]);
            let summary = sweep(&scenario, 0..10);
            for (property, tally) in &summary.properties {
                assert_eq!(tally.violated, 0, "{name} without its flaw: {property}");
                // Where replicas speculate, a slot is decided by a checkpoint, which few scripts
                // reach.
                let decides_late = protocol.name == "zyzzyva" && property == "agreement";
                let undecided = tally.inconclusive;
                assert!(undecided == 0 || decides_late, "{name} without its flaw: {property}");
            }
        }
    }
}

/// Flaws that chance finds in other places than `pbft/chaos`, and how these are changed: four
/// replicas have the right quorum; a message must be changed in one field of many; the timeout is
/// long enough.
const ELSEWHERE: &[(&str, &str, &str)] = &[
    ("P01-fixed-quorum", "pbft/chaos", "cluster.replicas=5"),
    ("P15-request-unverified", "pbft/hostile", r#"random.faults.classes=["mutate"]"#),
    ("P15b-body-unverified", "pbft/hostile", r#"random.faults.classes=["mutate"]"#),
    ("P34a-joins-at-f", "pbft/hostile", r#"random.faults.classes=["mutate"]"#),
    ("P35a-timeout-constant", "pbft/chaos", "params.view-change-timeout=40ms"),
];

/// Flaws that take more than chance: a sender whose votes come twice and first in every view; a
/// course of six views; batches that prepare in two views at different replicas; slots below one
/// replica's checkpoint that a new view's other two sponsors do not know; forgeries that fit
/// together; one client that is served for as long as another waits; a pause of minutes.
const SCRIPTED_ONLY: &[&str] = &[
    "P07-duplicates-spoil",
    "P16b-view-unbound",
    "P24-lock-kept",
    "P26a-smallest-checkpoint",
    "P29-view-change-unverified",
    "P31-certificate-unchecked",
    "P34c-asking-counted",
    "P35c-rest-unawaited",
    "P35d-idle-timer",
];

/// The budget is 10,000 seeds; the search stops at the first seed that fails.
#[test]
fn random_sweeps_find_every_flaw_of_pbft() {
    const BUDGET: u64 = 10_000;
    const STEP: u64 = 500;
    let pbft = PROTOCOLS.iter().find(|it| it.name == "pbft").expect("a known protocol");
    for flaw in (pbft.flaws)() {
        if SCRIPTED_ONLY.contains(&flaw.name) {
            continue;
        }
        let elsewhere = ELSEWHERE.iter().find(|(name, ..)| *name == flaw.name);
        let (name, changes) = elsewhere.map_or(("pbft/chaos", &[][..]), |(_, name, change)| {
            (name, std::slice::from_ref(change))
        });
        let scenario = flawed(name, &[flaw.name], changes);
        let found = (0..BUDGET).step_by(usize::try_from(STEP).expect("small")).find(|first| {
            let summary = sweep(&scenario, *first..first + STEP);
            summary.properties.get(flaw.violates).is_some_and(|tally| 0 < tally.violated)
        });
        assert!(
            found.is_some(),
            "byzsim sweep {name} --flaw {} --seeds 0..{BUDGET} {changes:?} finds nothing",
            flaw.name
        );
    }
}
