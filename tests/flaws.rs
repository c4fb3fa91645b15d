//! Every planted flaw is caught, by its script and by random search; without it the script holds.

use byzsim::Cancel;
use byzsim::Strategy;
use byzsim::hunt::found::Hunted;
use byzsim::hunt::{Effort, HuntOptions, hunt};
use byzsim::run::registry::PROTOCOLS;
use byzsim_core::{PROPERTIES, Time};

use crate::support::{scenario, sweep};

/// The scripts of the flaws, by the flaw's name.
fn scripts(protocol: &str) -> Vec<String> {
    let prefix = format!("{protocol}/flaws/");
    byzsim::file::library::all().into_keys().filter(|name| name.starts_with(&prefix)).collect()
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
                let waits = ["liveness", "convergence", "quiescence"].contains(&&**property);
                let is_unjudged = waits && scenario.file.network.gst == Time::NEVER;
                let is_right = undecided == 0 || decides_late || is_unjudged;
                assert!(is_right, "{name} without its flaw: {property}");
            }
        }
    }
}

/// Flaws that every campaign finds soon. The medians of all are in `docs/flaws.md`: what takes
/// thousands of runs changes with every change of a generator, and takes minutes.
const SOON: &[&str] =
    &["P02", "P03", "P08", "P23", "P26b", "P28", "P30", "P37", "Z07", "Z12", "R09", "R11"];

#[test]
fn one_guided_campaign_finds_flaws_and_shrinks_them() {
    let flaws: Vec<_> = PROTOCOLS
        .iter()
        .flat_map(|entry| (entry.flaws)().into_iter().map(|flaw| (entry.name, flaw)))
        .filter(|(_, flaw)| SOON.iter().any(|it| flaw.name.split('-').next() == Some(it)))
        .collect();
    assert_eq!(flaws.len(), SOON.len());
    let guided = Effort { strategy: Strategy::Guided, runs_max: 20_000 };
    let options = HuntOptions { strategies: vec![guided], campaigns: 1, jobs: 2 };
    let mut told = Vec::new();
    let hunted =
        hunt(&flaws, &options, Cancel::NEVER, |it| told.push(it.flaw)).expect("each has its chaos");
    for it in &hunted {
        assert_eq!(it.searches[0].found(), 1, "byzsim hunt {} --strategies guided", it.flaw);
    }
    let mut names: Vec<_> = hunted.iter().map(|it| it.flaw).collect();
    let catalogued: Vec<_> = flaws.iter().map(|(_, flaw)| flaw.name).collect();
    assert_eq!(names, catalogued, "they are returned in the order of the catalogue");
    told.sort_unstable();
    names.sort_unstable();
    assert_eq!(told, names, "each is told of once");
    let smallest: Vec<_> = hunted.iter().filter_map(Hunted::smallest).collect();
    assert_eq!(smallest.len(), flaws.len(), "what was found shrinks");
    assert!(smallest.iter().all(|it| it.is_minimal), "{smallest:?}");
    let faults: u64 = smallest.iter().map(|it| it.faults).sum();
    assert!(faults <= 6 * smallest.len() as u64, "{faults} faults in {} plans", smallest.len());
}
