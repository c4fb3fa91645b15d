//! Hunts: one table whatever the threads, written into its document, and kept when interrupted.

use std::process::Stdio;

use byzsim::hunt::found::Hunted;
use byzsim::hunt::{Effort, HuntOptions, hunt};
use byzsim::run::registry::{PROTOCOLS, ProtocolEntry};
use byzsim::{Cancel, Strategy, load};
use byzsim_protocols::FlawEntry;

use crate::workdir::{Output, Workdir, program};

fn two_flaws() -> Vec<(&'static str, FlawEntry)> {
    PROTOCOLS
        .iter()
        .flat_map(|entry| (entry.flaws)().into_iter().map(|flaw| (entry.name, flaw)))
        .filter(|(_, flaw)| ["P08", "P18"].iter().any(|it| flaw.name.split('-').next() == Some(it)))
        .collect()
}

/// Of four findings three are shrunk, the guided ones first; nothing of it depends on threads.
#[test]
fn a_hunt_does_not_depend_on_threads() {
    let flaws = two_flaws();
    let of = |jobs| {
        let strategies = [Strategy::Random, Strategy::Guided];
        let strategies = strategies.map(|strategy| Effort { strategy, runs_max: 500 }).into();
        let options = HuntOptions { strategies, campaigns: 2, jobs };
        let hunted = hunt(&flaws, &options, Cancel::NEVER, |_| {}).expect("each has its chaos");
        let mut value = serde_json::to_value(hunted).expect("plain data");
        forget_clocks(&mut value);
        value
    };
    let alone = of(1);
    assert_eq!(alone, of(3));
    for flaw in alone.as_array().expect("flaws") {
        let shrunk = |strategy: usize| {
            let catches = flaw["searches"][strategy]["catches"].as_array().expect("campaigns");
            catches.iter().filter(|it| it["shrunk"].is_object()).count()
        };
        assert_eq!((shrunk(0), shrunk(1)), (1, 2), "{flaw}");
    }
}

/// A hunt that is cancelled at once finishes no flaw: each has four searches.
#[test]
fn a_cancelled_hunt_tells_of_no_flaw_that_is_not_finished() {
    let strategies = [Strategy::Random, Strategy::Guided];
    let strategies = strategies.map(|strategy| Effort { strategy, runs_max: 500 }).into();
    let options = HuntOptions { strategies, campaigns: 2, jobs: 1 };
    let at_once = || true;
    let cancel = Cancel::when(&at_once);
    let told = |_: &Hunted| panic!("no flaw is finished");
    assert!(hunt(&two_flaws(), &options, cancel, told).expect("each has its chaos").is_empty());
}

/// The registry names the scenarios: nothing is assumed of their names.
#[test]
fn protocols_name_the_scenario_of_their_hunts() {
    for entry in PROTOCOLS {
        let scenario = load(entry.hunting_scenario().expect("it names one")).expect("it is there");
        assert_eq!(scenario.protocol.name, entry.name);
        let without = ProtocolEntry { hunted_in: None, ..*entry };
        let error = without.hunting_scenario().expect_err("it names none").to_string();
        assert!(error.contains("no scenario in which its flaws are hunted"), "{error}");
    }
}

fn forget_clocks(value: &mut serde_json::Value) {
    if let Some(fields) = value.as_object_mut() {
        fields.remove("wall-ms");
        fields.values_mut().for_each(forget_clocks);
    } else if let Some(items) = value.as_array_mut() {
        items.iter_mut().for_each(forget_clocks);
    }
}

const DOCUMENT: &str =
    "before\n<!-- byzsim hunt: begin -->\nold\n<!-- byzsim hunt: end -->\nbehind\n";

#[test]
fn the_table_is_written_into_its_document() {
    let workdir = Workdir::new("hunt-into");
    workdir.write("flaws.md", DOCUMENT);
    let command = "hunt P18 --strategies guided --campaigns 1 --runs 20 --into flaws.md";
    let Output { code, stdout: out, stderr: errors } =
        workdir.byzsim(&format!("{command} --format json"));
    assert_eq!(code, 0, "{errors}");
    assert!(errors.starts_with("  1/1  P18-cache-answers-all  guided 1 ("), "{errors}");
    let value: serde_json::Value = serde_json::from_str(&out).expect("JSON");
    assert_eq!(value["flaws"][0]["searches"][0]["catches"][0]["runs"], 1, "{out}");
    let document = workdir.read("flaws.md");
    let old = DOCUMENT.split_once("old\n").expect("it has an old table");
    let table = document.strip_prefix(old.0).and_then(|rest| rest.strip_suffix(old.1));
    let table = table.expect("what is around the table stays");
    for words in [
        &format!("```sh\nbyzsim {command}\n```"),
        "| P18-cache-answers-all | result-integrity | 1 (",
        "- guided: 1 of 1 flaws, 100 %",
        "- each shrunk run was replayed, and fails for the same reason",
    ] {
        assert!(table.contains(words), "no {words} in\n{table}");
    }
    // A document without a place is refused before anything is hunted.
    workdir.write("flaws.md", "no place");
    let Output { code, stdout: out, stderr: errors } = workdir.byzsim(command);
    assert_eq!((code, out.as_str()), (2, ""), "{errors}");
    assert!(errors.contains("no place for the table") && !errors.contains("P18"), "{errors}");
}

#[test]
#[cfg(unix)]
fn an_interrupted_hunt_keeps_the_flaws_that_are_finished() {
    use std::io::{BufRead as _, BufReader, Read as _};
    let workdir = Workdir::new("hunt-interrupt");
    workdir.write("flaws.md", DOCUMENT);
    // Two flaws fall at once, and one never does.
    let command = "hunt P11 P18 P29 --strategies random --campaigns 1 --runs 100000000 \
        --format md --into flaws.md --jobs 1";
    let mut child = program(&workdir.folder)
        .args(command.split_whitespace())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program can be started");
    let mut errors = BufReader::new(child.stderr.take().expect("it is piped"));
    for number in 1..=2 {
        let mut line = String::new();
        errors.read_line(&mut line).expect("it tells of every finished flaw");
        assert!(line.starts_with(&format!("  {number}/3  P1")), "{line}");
    }
    let kill = std::process::Command::new("kill").args(["-INT", &child.id().to_string()]).status();
    assert!(kill.expect("there is a kill").success());
    let mut rest = String::new();
    errors.read_to_string(&mut rest).expect("byzsim writes text");
    let output = child.wait_with_output().expect("it ends");
    let table = String::from_utf8(output.stdout).expect("byzsim writes text");
    assert_eq!(output.status.code(), Some(130), "{table}{rest}");
    for words in ["| P11-executes-ahead |", "| P18-cache-answers-all |", "incomplete: 2 of 3"] {
        assert!(table.contains(words), "no {words} in\n{table}");
    }
    assert!(!table.contains("| P29"), "{table}");
    assert!(rest.contains("flaws.md is unchanged"), "{rest}");
    assert_eq!(workdir.read("flaws.md"), DOCUMENT, "half a table replaces no whole one");
}
