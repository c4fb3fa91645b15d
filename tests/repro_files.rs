//! Repro files from the command line: they replay, what differs is named, and damage is an error.

use std::fs;

use serde_json::{Value, json};

use crate::workdir::Workdir;

#[test]
fn a_replay_is_identical_or_names_the_first_event_that_differs() {
    let workdir = Workdir::new("replay");
    workdir.repro();
    let output = workdir.byzsim("replay runs/pbft-equivocating-primary-P08-0.json");
    assert_eq!((output.code, output.stdout.lines().last()), (0, Some("identical")));
    assert_eq!(output.stderr, "");

    // One byte of the plan: the COMMITs of slot 2 are held back instead of those of slot 1.
    workdir.byzsim("run pbft/flaws/P11-executes-ahead --seed 0");
    let repro = workdir.read("runs/flaws-P11-executes-ahead-0.json");
    let changed = repro.replacen("\"seq\": 1\n", "\"seq\": 2\n", 1);
    assert_eq!(changed.bytes().zip(repro.bytes()).filter(|(one, other)| one != other).count(), 1);
    workdir.write("changed.json", &changed);
    let output = workdir.byzsim("replay changed.json");
    assert_eq!(output.code, 4, "{}{}", output.stdout, output.stderr);
    assert!(output.stdout.contains("DIVERGED  from event "), "{}", output.stdout);
    assert!(output.stderr.contains("was changed since it was written"), "{}", output.stderr);
    let arrows = output.stdout.lines().filter(|line| line.starts_with('→')).count();
    assert_eq!(arrows, 1, "one event is the first:\n{}", output.stdout);

    // A seed replays itself as well.
    let output = workdir.byzsim("replay pbft/chaos --seed 4 --quiet");
    assert_eq!((output.code, output.stdout.as_str()), (0, "identical\n"));
    let output = workdir.byzsim("replay changed.json --seed 4");
    output.refuses("a repro with a seed", &["takes no options"]);
}

#[test]
fn a_repro_is_shown_step_by_step_and_is_no_scenario() {
    let workdir = Workdir::new("repro-shown");
    workdir.repro();
    let file = "runs/pbft-equivocating-primary-P08-0.json";
    let plain = workdir.byzsim(&format!("replay {file}"));
    let shown = workdir.byzsim(&format!("replay {file} -v"));
    assert_eq!((plain.code, shown.code), (0, 0), "{}", shown.stderr);
    let steps = "sends request to r0";
    assert!(shown.stdout.contains(steps) && !plain.stdout.contains(steps), "{}", shown.stdout);
    assert!(shown.stdout.ends_with("identical\n"), "{}", shown.stdout);
    let output = workdir.byzsim(&format!("run {file}"));
    output
        .refuses("a repro is no scenario", &["is a repro file", &format!("byzsim replay {file}")]);
}

/// A checker that is new, or gone: the file of the run is judged on the properties in it.
#[test]
fn a_replay_is_judged_on_the_properties_that_are_recorded() {
    let workdir = Workdir::new("judged");
    let repro: Value = serde_json::from_str(&workdir.repro()).expect("JSON");
    let replay = |verdicts: &dyn Fn(&mut serde_json::Map<String, Value>)| {
        let mut changed = repro.clone();
        verdicts(changed["verdicts"].as_object_mut().expect("a table"));
        workdir.write("judged.json", &changed.to_string());
        workdir.byzsim("replay judged.json")
    };
    let older = replay(&|verdicts| assert!(verdicts.remove("durability").is_some()));
    assert_eq!((older.code, older.stdout.lines().last()), (0, Some("identical")));
    let reworded = replay(&|verdicts| {
        let violated = &mut verdicts["agreement"]["violated"];
        assert!(violated["explanation"].is_string(), "{violated}");
        violated["explanation"] = json!("in other words");
    });
    assert_eq!((reworded.code, reworded.stdout.lines().last()), (0, Some("identical")));
    for (property, words) in [
        ("agreement", "the same events, but other verdicts: agreement\n"),
        ("durability", "the same events, but other verdicts: durability\n"),
        ("beauty", "the file has a verdict on `beauty`, which byzsim does not judge\n"),
    ] {
        let verdict = json!({ "holds": 7 });
        let output = replay(&|verdicts| {
            verdicts.insert(property.to_owned(), verdict.clone());
        });
        assert_eq!(output.code, 4, "{}{}", output.stdout, output.stderr);
        assert!(output.stdout.contains(words), "no {words} in\n{}", output.stdout);
    }
}

#[test]
fn torn_and_hostile_repro_files_are_refused() {
    let workdir = Workdir::new("hostile");
    let repro = workdir.repro();
    // The line break at the end may be missing.
    let whole = repro.trim_end().len();
    for (number, end) in (1..whole).step_by(whole / 12).enumerate() {
        let cut = repro.get(..end).unwrap_or("{");
        let name = format!("cut-{number}.json");
        workdir.write(&name, cut);
        workdir.byzsim(&format!("replay {name}")).refuses(&name, &[]);
    }
    for (number, (old, new)) in [
        ("\"replicas\": 4", "\"replicas\": 65535"),
        ("\"faults\": 1", "\"faults\": -1"),
        ("\"events-max\": 1000000", "\"events-max\": 18446744073709551615"),
        ("\"marks\": \"", "\"marks\": \"zz"),
        ("\"hash\": \"", "\"hash\": \"0"),
        ("\"r0\"", "\"r9\""),
        ("\"format\": 1", "\"format\": 2"),
    ]
    .into_iter()
    .enumerate()
    {
        let name = format!("hostile-{number}.json");
        let changed = repro.replacen(old, new, 1);
        assert_ne!(changed, repro, "{old}");
        workdir.write(&name, &changed);
        workdir.byzsim(&format!("replay {name}")).refuses(new, &["╰──", &name]);
    }
    workdir.write("deep.json", &format!("{{\"scenario\":{}", "[".repeat(200_000)));
    workdir.byzsim("replay deep.json").refuses("a deep value", &[]);
    fs::write(workdir.folder.join("binary.json"), [0xff, 0xfe, 0x00]).expect("it can be written");
    workdir.byzsim("replay binary.json").refuses("no text", &["not text"]);
}
