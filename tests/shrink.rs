//! What fails shrinks to little that fails for the same reason, replays, and cannot lose a fault.

use std::sync::atomic::{AtomicU64, Ordering};

use byzsim::shrink::{Budget, Reason, Refusal, Shrunk, shrink};
use byzsim::{Cancel, Repro, Scenario, ScenarioFile, replay};
use byzsim_adversaries::Plan;
use byzsim_core::CryptoBackend;

use crate::support::{flawed, from_text, play, scenario};
use crate::workdir::{Output, Workdir};

/// Scenarios with a flaw that random faults find soon; the most faults that a shrunk run needs.
const FOUND: [(&str, &str, usize); 7] = [
    ("pbft/chaos", "P08", 1),
    ("pbft/chaos", "P11", 0),
    ("pbft/chaos", "P17", 1),
    ("pbft/chaos", "P23", 2),
    ("pbft/chaos", "P27", 3),
    ("zyzzyva/chaos", "Z07", 2),
    ("zyzzyva/chaos", "Z12", 2),
];

/// The first random run that fails.
fn failing(name: &str, flaw: &str) -> Repro {
    const SEEDS: u64 = 2_000;
    let scenario = flawed(name, &[flaw], &[]);
    let seed = (0..SEEDS).find(|seed| !play(&scenario, *seed).findings().is_empty());
    let seed = seed.unwrap_or_else(|| panic!("{name} --flaw {flaw}: {SEEDS} seeds hold"));
    Repro::of(&scenario, seed, CryptoBackend::Ideal)
}

fn made(file: &ScenarioFile) -> Option<Scenario> {
    Scenario::new("smaller", file.clone(), &[]).ok()
}

fn shrunk(repro: &Repro) -> Shrunk {
    let scenario = made(&repro.scenario).expect("it was played");
    shrink(repro, &scenario, &Budget::default(), Cancel::NEVER).expect("it fails")
}

/// Whether the run of a file fails as `repro` says; a file that makes no sense does not.
fn fails_alike(file: &ScenarioFile, repro: &Repro) -> bool {
    let Some(scenario) = made(file) else { return false };
    let report = play(&scenario, repro.seed);
    !report.beyond_f && Reason::of(&report) == repro.found.as_ref().map(Reason::from)
}

#[test]
fn planted_flaws_shrink_to_little() {
    for (name, flaw, most) in FOUND {
        let repro = failing(name, flaw);
        let smaller = shrunk(&repro);
        let what = format!("{name} --flaw {flaw} --seed {}", repro.seed);
        let faults = smaller.repro.scenario.faults.faults.len();
        assert!(smaller.is_minimal, "{what}: {} runs were not enough", smaller.runs);
        assert!(faults <= most, "{what}: {faults} faults are left");
        assert!(smaller.after.faults <= smaller.before.faults, "{what}");
        assert!(smaller.after.operations < smaller.before.operations, "{what}");
        assert_eq!(smaller.repro.scenario.expect, repro.scenario.expect, "{what}");
    }
}

#[test]
fn what_is_left_replays_and_fails_for_the_same_reason() {
    for (name, flaw, _) in FOUND {
        let repro = failing(name, flaw);
        let smaller = shrunk(&repro).repro;
        let what = format!("{name} --flaw {flaw} --seed {}", repro.seed);
        let replay = replay(&smaller, &made(&smaller.scenario).expect("it was played"));
        assert_eq!(replay.divergence, None, "{what}");
        assert_eq!(Reason::of(&replay.report), repro.found.as_ref().map(Reason::from), "{what}");
        assert!(!replay.report.beyond_f, "{what}: no more than f replicas are faulty");
    }
}

/// Whoever cancels gets the smallest run so far, which is not said to be minimal.
#[test]
fn a_cancelled_shrink_keeps_what_it_has() {
    let repro = failing("pbft/chaos", "P23");
    let (whole, scenario) = (shrunk(&repro), made(&repro.scenario).expect("it was played"));
    for runs in [0, 3, 10] {
        let asked = AtomicU64::new(0);
        let enough = || runs <= asked.fetch_add(1, Ordering::Relaxed);
        let cut = shrink(&repro, &scenario, &Budget::default(), Cancel::when(&enough));
        let cut = cut.expect("it fails");
        assert!(whole.is_minimal && !cut.is_minimal, "after {runs} runs");
        assert!(cut.runs <= runs + 2 && cut.runs < whole.runs, "{} of {runs} runs", cut.runs);
        assert_eq!(cut.steps, whole.steps[..cut.steps.len()], "after {runs} runs");
        let replay = replay(&cut.repro, &made(&cut.repro.scenario).expect("it was played"));
        assert_eq!(replay.divergence, None, "after {runs} runs");
    }
}

/// By brute force: without any one of its faults, and without any one operation, the run does not
/// fail for this reason.
#[test]
fn no_single_fault_and_no_operation_can_go() {
    for (name, flaw, _) in FOUND {
        let smaller = shrunk(&failing(name, flaw)).repro;
        let what = format!("{name} --flaw {flaw} --seed {}", smaller.seed);
        assert!(fails_alike(&smaller.scenario, &smaller), "{what}");
        for place in 0..smaller.scenario.faults.faults.len() {
            let mut file = smaller.scenario.clone();
            let gone = file.faults.faults.remove(place);
            assert!(!fails_alike(&file, &smaller), "{what}: {} is not needed", gone.in_words());
        }
        let script = smaller.scenario.workload.script.clone().expect("operations were written out");
        for (client, asked) in &script {
            for place in 0..asked.len() {
                let mut file = smaller.scenario.clone();
                let script = file.workload.script.as_mut().expect("it has one");
                script.get_mut(client).expect("it asks").remove(place);
                script.retain(|_, asked| !asked.is_empty());
                let operation = &asked[place];
                assert!(!fails_alike(&file, &smaller), "{what}: `{operation}` is not needed");
            }
        }
    }
}

#[test]
fn shrinking_is_deterministic_and_ends() {
    let repro = failing("pbft/chaos", "P23");
    let (once, twice) = (shrunk(&repro), shrunk(&repro));
    assert_eq!((&once.repro, once.runs, &once.steps), (&twice.repro, twice.runs, &twice.steps));
    // What was shrunk once cannot be shrunk again.
    let again = shrunk(&once.repro);
    assert_eq!(again.steps, []);
    assert_eq!(again.repro, once.repro);
}

#[test]
fn a_spent_budget_is_said() {
    let repro = failing("pbft/chaos", "P23");
    let scenario = made(&repro.scenario).expect("it was played");
    let budget = Budget { runs_max: 5, ..Budget::default() };
    let smaller = shrink(&repro, &scenario, &budget, Cancel::NEVER).expect("it fails");
    assert!(!smaller.is_minimal && smaller.runs <= 5, "{} runs", smaller.runs);
    assert!(fails_alike(&smaller.repro.scenario, &repro));
}

#[test]
fn what_does_not_fail_is_refused() {
    let holds = scenario("pbft/fault-free", &[]);
    let passing = Repro::of(&holds, 0, CryptoBackend::Ideal);
    let refusal =
        shrink(&passing, &holds, &Budget::default(), Cancel::NEVER).expect_err("it holds");
    assert_eq!(refusal, Refusal::Passes);
    // The flaw is gone, and with it the failure.
    let mut repaired = failing("pbft/chaos", "P08");
    repaired.scenario.params["flaws"] = serde_json::json!([]);
    let scenario = made(&repaired.scenario).expect("a scenario");
    let refusal =
        shrink(&repaired, &scenario, &Budget::default(), Cancel::NEVER).expect_err("it holds now");
    assert!(matches!(refusal, Refusal::Otherwise(_)), "{refusal}");
}

/// A script with its reason, buried under much else: seven replicas, five clients, a wild network.
#[test]
fn replicas_clients_and_the_network_go_as_well() {
    let scenario = from_text(
        r#"
        format = 1
        title = "Much ado"
        protocol = "pbft"
        cluster = { replicas = 7, faults = 2, clients = 5 }
        params = { flaws = ["P08"] }
        network = { fifo = true, gst = "900ms", loss-ppm = 1000, duplicate-ppm = 20_000 }
        workload = { operations = 4 }

        [[fault]]
        do.twins = { node = "r0", left = ["r1", "r2", "r3", "c0"], right = ["r4", "r5", "r6", "c1"] }

        [[fault]]
        do.lag = { node = "r6", messages = { kinds = ["commit", "prepare"] }, by = "70ms" }

        [[fault]]
        end.at = "800ms"
        do.delay = { messages = { from = ["r2"] }, by = "15ms" }
        "#,
    );
    let seed = (0..50).find(|seed| {
        Reason::of(&play(&scenario, *seed)).is_some_and(|reason| reason.property == "agreement")
    });
    let repro = Repro::of(&scenario, seed.expect("it fails"), CryptoBackend::Ideal);
    let smaller = shrunk(&repro);
    let after = smaller.after;
    assert_eq!((after.faults, after.corrupted, after.replicas), (1, 1, 4), "{after:?}");
    assert!(after.clients <= 2 && after.operations <= 2, "{after:?}");
    let network = &smaller.repro.scenario.network;
    assert_eq!(*network, byzsim_core::NetworkModel::default());
    assert_ne!(smaller.repro.scenario.faults, Plan::default());
}

/// The file that the commands below shrink.
const FILE: &str = "found.json";

/// A folder with the repro file of a failing run.
fn workdir(test: &str) -> (Workdir, Repro) {
    let (workdir, repro) = (Workdir::new(test), failing("pbft/chaos", "P08"));
    workdir.write(FILE, &repro.to_json());
    (workdir, repro)
}

#[test]
fn the_command_keeps_the_original_and_writes_what_replays() {
    let (workdir, _) = workdir("shrink-keeps");
    let before = workdir.read(FILE);
    let Output { code, stdout: out, stderr: errors } = workdir.byzsim("shrink found.json -v");
    assert_eq!(code, 0, "{out}{errors}");
    for words in ["before   after", "MINIMAL", "plan    1. r", "removed", "replays identical"] {
        assert!(out.contains(words), "no {words} in\n{out}");
    }
    assert_eq!(workdir.read(FILE), before, "the original is kept");
    let Output { code, stdout: out, .. } = workdir.byzsim("replay found.min.json");
    assert_eq!(code, 0, "{out}");
    assert!(out.contains("identical") && out.contains("agreement VIOLATED"), "{out}");
    let Output { code, stdout: out, .. } =
        workdir.byzsim("shrink found.min.json --out again.json --format json");
    let value: serde_json::Value = serde_json::from_str(&out).expect("JSON");
    assert_eq!((code, &value["steps"]), (0, &serde_json::json!([])), "it is minimal already");
    assert_eq!(value["plan"].as_array().map(Vec::len), Some(1), "{out}");
    assert_eq!(workdir.read("again.json"), workdir.read("found.min.json"));
}

#[test]
fn the_command_refuses_in_one_line_each() {
    let (workdir, repro) = workdir("shrink-refuses");
    let holds = scenario("pbft/fault-free", &[]);
    let passing = Repro::of(&holds, 0, CryptoBackend::Ideal);
    workdir.write("passing.json", &passing.to_json());
    let mut repaired = repro.clone();
    repaired.scenario.params["flaws"] = serde_json::json!([]);
    workdir.write("repaired.json", &repaired.to_json());
    let mut older = repro.clone();
    older.byzsim = "0.0.1".to_owned();
    workdir.write("older.json", &older.to_json());
    for (arguments, exit, words) in [
        ("shrink passing.json", 2, "violates nothing"),
        ("shrink pbft/chaos", 2, "is not a repro file"),
        ("shrink missing.json", 2, "missing.json"),
        ("shrink found.json --out found.json", 2, "would overwrite the original"),
        ("shrink repaired.json", 4, "no longer fails as recorded"),
        ("shrink repaired.json", 4, "note: the scenario in the file was changed"),
        ("shrink older.json", 0, "note: written by byzsim 0.0.1"),
    ] {
        let Output { code, stdout: out, stderr: errors } = workdir.byzsim(arguments);
        assert_eq!(code, exit, "{arguments}\n{out}{errors}");
        assert!(errors.contains(words), "{arguments}: no {words} in\n{errors}");
        assert_eq!(out.is_empty(), exit != 0, "{arguments}: data only if it was shrunk");
    }
}

#[test]
fn sweeps_shrink_what_they_find() {
    let (workdir, repro) = workdir("shrink-sweeps");
    let seeds = format!("--seeds {0}..{1}", repro.seed, repro.seed + 1);
    let sweep = format!("sweep pbft/chaos --flaw P08 {seeds}");
    let Output { code, stdout: out, .. } = workdir.byzsim(&sweep);
    assert_eq!(code, 1, "{out}");
    let smaller = format!("runs/pbft-chaos-P08-{}.min.json", repro.seed);
    for words in ["twins  in 1 shrunk run", &smaller, "- r0 runs as two copies", "byzsim shrink"] {
        assert!(out.contains(words), "no {words} in\n{out}");
    }
    assert_eq!(workdir.byzsim(&format!("replay {smaller}")).code, 0);
    let Output { stdout: out, .. } = workdir.byzsim(&format!("{sweep} --no-shrink --out plain"));
    assert!(!out.contains("shrunk run") && out.contains("byzsim shrink plain/"), "{out}");
    let written = std::fs::read_dir(workdir.folder.join("plain")).expect("it was written").count();
    assert_eq!(written, 2, "rows and one repro file");
}
