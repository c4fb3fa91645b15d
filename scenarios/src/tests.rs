//! Whole files and whole runs, through the library as its users call it.

use std::ops::ControlFlow;
use std::path::Path;

use byzsim_core::CryptoBackend;

use crate::run::load::{Changes, load, load_with};

use crate::file::document::{Document, Language};
use crate::file::library;
use crate::run::registry::Watch;
use crate::run::result::PlayOptions;
use crate::run::scenario::Scenario;
use crate::run::schema;
use crate::run::unfired::{EVENTS_MAX, unfired};
use crate::sweep::options::{Shard, SweepOptions};
use crate::sweep::sweep;
use crate::{Repro, SeedRange, Summary, replay};

const BASE: &str =
    "format = 1\ntitle = \"t\"\nprotocol = \"pbft\"\n[cluster]\nreplicas = 4\nfaults = 1\n";

fn document(text: &str, language: Language) -> Document {
    let (name, file) = ("t".to_owned(), "t.toml".to_owned());
    Document { name, file, text: text.into(), language }
}

/// Each mistake is one error that points at it and says what would be right.
#[test]
fn mistakes_are_found_at_their_place() {
    let with = |more: &str| format!("{BASE}{more}");
    let instead = |old: &str, new: &str| BASE.replace(old, new);
    for (text, place, words) in [
        (with("clinets = 1\n"), "clinets", "did you mean `clients`"),
        (instead("= 4", "= \"four\""), "\"four\"", "expected u16"),
        (instead("= 4", "= 3"), "3", "at least 4 replicas"),
        (instead("= 4", "= 65535"), "65535", "at most 128"),
        (instead("pbft", "pbtf"), "\"pbtf\"", "did you mean `pbft`"),
        (with("[network]\ndelta = \"50\"\n"), "\"50\"", "`50ms`"),
        (with("[workload]\noperations = 4000000000\n"), "4000000000", "at most"),
        (with("clients = 60000\n"), "60000", "at most 64"),
        (with("[params]\nflaws = [\"P06-dup\"]\n"), "\"P06-dup\"", "P06-duplicate-votes"),
        (with("[params]\nwindwo = 3\n"), "3", "did you mean `window`"),
        (with("[[fault]]\ndo.mut = \"r0\"\n"), "mut", "did you mean `mute`"),
        (with("[[fault]]\ndo.mute = \"r9\"\n"), "\"r9\"", "r0 to r3"),
        (
            with("[[fault]]\ndo.lie = { node = \"r0\", lie = \"wrong-anser\" }\n"),
            "{ node = \"r0\", lie = \"wrong-anser\" }",
            "did you mean `wrong-answer`",
        ),
        (with("[[fault]]\ndo.mute = \"r0\"\n[[fault]]\ndo.crash = \"r1\"\n"), "\"r1\"", "beyond-f"),
        (format!("reaches = [\"view-chang\"]\n{BASE}"), "\"view-chang\"", "`view-change`"),
        (format!("expect.violated = [\"agrement\"]\n{BASE}"), "\"agrement\"", "`agreement`"),
        (with("[[random.conditions]]\nfalut = []\n"), "[]", "cannot change `falut`"),
        (
            with(&format!("[random]\nconditions = [{}]\n", "{},".repeat(101))),
            // What is longer is shown in part.
            &format!("[{}", "{},".repeat(101))[..200],
            "at most 100",
        ),
        (
            with("[[random.conditions]]\nrandom.conditions = []\n"),
            "[]",
            "cannot contain conditions",
        ),
    ] {
        refuses(&text, place, words);
    }
}

/// Checks that a mistake is found at its place, and that its error has these words.
fn refuses(text: &str, place: &str, words: &str) {
    let document = document(text, Language::Toml);
    let error = Scenario::from_document(&document, &[]).expect_err(text);
    let found = error.place.clone().expect("it has a place");
    assert_eq!(&found.text[found.span], place, "{text}\n{error}");
    let said = format!("{} {}", error.what, error.help.unwrap_or_default());
    assert!(said.contains(words), "{text}\n{said}");
}

#[test]
fn groups_that_make_no_sense_are_found_at_their_place() {
    let fault =
        |groups: &str, fault: &str| format!("{BASE}[groups]\n{groups}\n[[fault]]\n{fault}\n");
    let one = "left = [\"r1\"]";
    for (text, place, words) in [
        (fault(one, "do.drop = { to = [\"lfet\"] }"), "\"lfet\"", "did you mean `left`"),
        (fault(one, "do.drop = { to = [\"x\"] }"), "\"x\"", "neither a node nor a group"),
        (fault(one, "do.drop = { to = [\"left\", \"!r1\"] }"), "[\"left\", \"!r1\"]", "no node"),
        (fault(one, "do.mute = \"left\""), "\"left\"", "one node"),
        (fault(one, "do.drop = { to = [\"left\"], nht = 3 }"), "nht", "did you mean `nth`"),
        (
            fault("", "do.drop = { to = [\"clients\", \"r9\"] }"),
            "{ to = [\"clients\", \"r9\"] }",
            "r9",
        ),
        (
            fault("", "do.hold = { to = [\"!r0\"] }\n[[random.conditions]]\ncluster.clients = 2"),
            "[\"!r0\"]",
            "with the cluster of random.conditions[0]",
        ),
        (fault("left = [\"r9\"]", ""), "\"r9\"", "r0 to r3"),
        (fault("left = []", ""), "[]", "no node"),
        (fault("left = [1]", ""), "[1]", "list of nodes"),
        (fault("r2 = [\"r1\"]", ""), "[\"r1\"]", "the name of a node"),
        (fault("clients = [\"r1\"]", ""), "[\"r1\"]", "is predefined"),
        (fault("\"!r2\" = [\"r1\"]", ""), "[\"r1\"]", "a letter, then"),
        (fault("a = [\"r1\"]\nb = [\"a\"]", ""), "\"a\"", "cannot contain groups"),
    ] {
        refuses(&text.replace("[[fault]]\n\n", ""), place, words);
    }
}

/// Whoever uses groups writes the same scenario: nothing that is made of it knows of them.
#[test]
fn groups_stand_for_their_members() {
    let with = |groups: &str, lists: [&str; 4]| {
        let [left, right, to, group] = lists;
        format!(
            "{BASE}clients = 2\n{groups}\n[[fault]]\ndo.twins = {{ node = \"r0\", left = [{left}], \
             right = [{right}], splits = [{{ view = 1, left = [{right}], right = [{left}] }}] }}\n\
             [[fault]]\nstart.at = \"1s\"\ndo.replay = {{ node = \"r0\", to = [{to}] }}\n\
             [[fault]]\nend.at = \"1s\"\ndo.partition = {{ groups = [[{group}], [\"r3\"]] }}\n"
        )
    };
    let (left, right) = ("\"r1\", \"c0\"", "\"c1\", \"r2\", \"r3\"");
    let plain = with("", [left, right, "\"r1\", \"r2\", \"r3\", \"c1\"", "\"c1\", \"r1\", \"r2\""]);
    let groups = "[groups]\nleft = [\"r1\", \"c0\"]\nboth = [\"replicas\", \"!r0\"]\n";
    let right = "\"c1\", \"both\", \"!left\"";
    let named = with(
        groups,
        ["\"left\"", right, "\"!c0\", \"!r0\"", "\"clients\", \"!c0\", \"r1\", \"r2\""],
    );
    let scenario = |text: &str, language| {
        Scenario::from_document(&document(text, language), &[]).expect("it makes sense")
    };
    let as_json: serde_json::Value = toml::from_str(&named).expect("TOML");
    let as_json = scenario(&as_json.to_string(), Language::Json);
    let (plain, named) = (scenario(&plain, Language::Toml), scenario(&named, Language::Toml));
    assert_eq!((&plain.file, plain.hash), (&named.file, named.hash));
    assert_eq!(as_json.file, plain.file);

    let mut repro = Repro::of(&named, 0, CryptoBackend::Ideal);
    assert!(repro.scenario.groups.is_empty());
    repro.scenario.groups.insert("left".to_owned(), vec!["r1".to_owned()]);
    let error = Repro::read(&document(&repro.to_json(), Language::Json)).expect_err("it has one");
    assert_eq!(error.what, "a repro file cannot have groups");
}

#[test]
fn names_that_do_not_exist_name_their_neighbours() {
    let error = load("pbft/chaoss").expect_err("there is none");
    assert!(error.help.is_some_and(|help| help.contains("`pbft/chaos`")));
    let changes = Changes { flaws: vec!["P999".to_owned()], ..Changes::default() };
    let error = load_with("pbft/chaos", &changes).expect_err("there is none");
    assert_eq!((error.what.as_str(), error.place), ("unknown flaw `P999`", None));
}

#[test]
fn every_scenario_of_the_library_loads() {
    let all = library::all();
    assert!(!all.is_empty());
    for name in all.keys() {
        load(name).unwrap_or_else(|error| panic!("{name}: {error}"));
    }
    serde_json::to_string(&schema::scenario()).expect("plain data");
}

/// The repro of a drawn run fixes all that was drawn, and takes the very same course.
#[test]
fn a_repro_replays_identically_and_notices_every_change() {
    let scenario = load("pbft/chaos").expect("it is in the library");
    for seed in 0..20 {
        let options = PlayOptions { crypto: CryptoBackend::Ideal, with_marks: false };
        let report = scenario.play(seed, &options);
        let text = Repro::of(&scenario, seed, CryptoBackend::Ideal).to_json();
        let (repro, fixed) = Repro::read(&document(&text, Language::Json)).expect("as written");
        assert_eq!(repro.scenario_hash, fixed.hash.hex());
        let replayed = replay(&repro, &fixed);
        assert_eq!(replayed.divergence, None, "seed {seed}");
        assert_eq!(replayed.report.trace(), report.trace(), "seed {seed}");

        let mut changed = repro;
        changed.seed += 1;
        let divergence = replay(&changed, &fixed).divergence.expect("another run");
        assert!(divergence.between.0 <= divergence.between.1 && !divergence.events.is_empty());
    }
}

/// Whatever is cut off or put in, there is an error or a scenario that can be played: no panic.
#[test]
fn hostile_repro_files_are_errors() {
    let scenario = load("pbft/equivocating-primary").expect("it is in the library");
    let text = Repro::of(&scenario, 0, CryptoBackend::Ideal).to_json();
    for end in (0..text.len()).step_by(97) {
        let cut = document(&text[..end], Language::Json);
        Repro::read(&cut).expect_err("it is cut off");
    }
    for (old, new) in [
        ("\"replicas\": 4", "\"replicas\": 65535"),
        ("\"replicas\": 4", "\"replicas\": 0"),
        ("\"faults\": 1", "\"faults\": 40000"),
        ("\"shift\": 0", "\"shift\": 4000000000"),
        ("\"shift\": 0", "\"shift\": -1"),
        ("\"marks\": \"", "\"marks\": \"zzzz"),
        ("\"marks\": \"", "\"marks\": \"é"),
        ("\"hash\": \"", "\"hash\": \"0"),
        ("\"format\": 1", "\"format\": 7"),
        ("\"fifo\": false", "\"fifo\": 1e999"),
        ("\"loss-ppm\": 0", "\"loss-ppm\": 1000001"),
        ("\"latency\": {", "\"latency\": {\"wan\": {\"matrix\": [], \"jitter\": \"0s\"},"),
    ] {
        let changed = text.replacen(old, new, 1);
        assert_ne!(changed, text, "{old}");
        Repro::read(&document(&changed, Language::Json)).expect_err(new);
    }
    let deep = format!("{{\"scenario\":{}", "[".repeat(1_000_000));
    Repro::read(&document(&deep, Language::Json)).expect_err("it is deep");
}

/// One sweep is one digest, however it is played.
#[test]
fn sweeps_do_not_depend_on_threads_shards_or_signatures() {
    let scenario = load("pbft/chaos").expect("it is in the library");
    let seeds = SeedRange { start: 0, end: 24 };
    let play = |options| sweep(&scenario, &options, |_| ControlFlow::Continue(()));
    let whole = play(SweepOptions::of(seeds));
    assert_eq!((whole.runs, whole.wanted(), whole.distinct_traces()), (24, 24, 24));
    let threads = play(SweepOptions { jobs: 3, ..SweepOptions::of(seeds) });
    assert_eq!(threads.digest(), whole.digest());
    let crypto = CryptoBackend::Ed25519;
    let real = play(SweepOptions { crypto, jobs: 2, ..SweepOptions::of(seeds) });
    assert_eq!(real.digest(), whole.digest());

    let mut merged = Summary::new(whole.head.clone());
    for index in 0..3 {
        let shard = Shard { index, count: 3 };
        let options = SweepOptions { shard, ..SweepOptions::of(seeds) };
        sweep(&scenario, &options, |row| {
            merged.add(row);
            ControlFlow::Continue(())
        });
    }
    assert_eq!(merged.digest(), whole.digest());
    assert_eq!(merged.reached, whole.reached);
    let other = play(SweepOptions::of(SeedRange { start: 1, end: 25 }));
    assert_ne!(other.digest(), whole.digest());
}

#[test]
fn an_ended_sweep_keeps_what_it_finished() {
    let scenario = load("pbft/fault-free").expect("it is in the library");
    let options = SweepOptions::of(SeedRange { start: 0, end: 1_000_000_000 });
    let mut rows = 0;
    let summary = sweep(&scenario, &options, |_| {
        rows += 1;
        if rows < 5 { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    });
    assert_eq!(summary.runs, rows);
    assert_eq!(crate::cli::exit::Exit::from(&summary), crate::cli::exit::Exit::Interrupted);
}

#[test]
fn values_are_set_from_the_command_line() {
    let set = ["cluster.replicas=7", "cluster.faults=2", "run.drain=2s"].map(str::to_owned);
    let changes = Changes { set: set.to_vec(), ..Changes::default() };
    let scenario = load_with("pbft/fault-free", &changes).expect("it makes sense");
    assert_eq!((scenario.committee.replicas, scenario.committee.faults), (7, 2));
    assert_ne!(scenario.hash, load("pbft/fault-free").expect("it is there").hash);
    assert!(Document::read(Path::new("no/such/file"), "x").is_err());
}

/// The explanations of the faults that never fire.
/// Why faults behind `BASE` never fire. There are five slots, as the audit would add more.
fn explained(faults: &str) -> Vec<String> {
    let text = format!("{BASE}[workload]\naudit = false\n{faults}");
    let scenario = Scenario::from_document(&document(&text, Language::Toml), &[]);
    let scenario = scenario.expect("it makes sense");
    unfired(&scenario, scenario.file.seeds).into_iter().map(|fault| fault.why).collect()
}

#[test]
fn faults_that_never_fire_are_explained() {
    for (fault, why) in [
        (
            "do.omit = { node = \"r3\", messages = { kinds = [\"pre-prepare\"] } }",
            "r3 never sends `pre-prepare`",
        ),
        ("do.lie = { node = \"c0\", lie = \"wrong-answer\" }", "c0 never sends `reply`"),
        (
            "start.when = { event = \"entered-view\", view = 5 }\ndo.mute = \"r3\"",
            "its start never comes: no node reports `entered-view`",
        ),
        (
            "start.when = { node = \"r0\", event = \"committed\", view = 5 }\ndo.crash = \"r1\"",
            "its start never comes: each `committed` of r0 belongs to view 0, and none to view 5",
        ),
        (
            "start.when = { event = \"committed\", view = 0, seq = 77 }\ndo.crash = \"r1\"",
            "its start never comes: each `committed` of view 0 is about slot 1 to 5, and none \
             about slot 77",
        ),
        (
            "start.when = { node = \"c0\", event = \"completed\", seq = 9 }\ndo.mute = \"r3\"",
            "its start never comes: each `completed` of c0 is about operation 1 to 5, and none \
             about operation 9",
        ),
        (
            "start.when = { node = \"r0\", event = \"committed\", seq = 1, count = 2 }\n\
             do.mute = \"r1\"",
            "its start never comes: `committed` is reported like that at most once in a run, and \
             not 2 times",
        ),
        ("start.at = \"900s\"\ndo.mute = \"r3\"", "its start never comes: it is at 900s"),
        (
            "end.when = { node = \"r0\", event = \"committed\", seq = 1 }\n\
             start.when = { node = \"r0\", event = \"committed\", seq = 2 }\ndo.crash = \"r1\"",
            "its end comes before its start, so it is never in force",
        ),
        (
            "end.when = { node = \"r0\", event = \"committed\", seq = 2 }\n\
             start.when = { node = \"r0\", event = \"committed\", seq = 2 }\ndo.mute = \"r1\"",
            "it ends at the moment when it would begin, so it is never in force",
        ),
        (
            "start.at = \"1ms\"\n\
             do.replay = { node = \"r3\", messages = { kinds = [\"commit\"] } }",
            "r3 never sends `commit` before the fault begins",
        ),
        (
            "start.at = \"100ms\"\n\
             do.replay = { node = \"r3\", messages = { kinds = [\"commit\"], view = 3 } }",
            "each `commit` that r3 sends before the fault begins belongs to view 0, and none to view 3",
        ),
    ] {
        let said = explained(&format!("[[fault]]\n{fault}\n"));
        assert!(said.len() == 1 && said[0].starts_with(why), "{fault}\n{said:?}");
    }
    let fires = "[[fault]]\ndo.omit = { node = \"r3\", messages = { kinds = [\"commit\"] } }\n";
    assert!(explained(fires).is_empty());
}

#[test]
fn what_was_sent_instead_explains_faults() {
    for (fault, why) in [
        (
            "do.drop = { kinds = [\"commit\"], view = 3 }",
            "each `commit` belongs to view 0, and none to view 3",
        ),
        (
            "do.omit = { node = \"r3\", messages = { view = 3 } }",
            "each message from r3 belongs to view 0, and none to view 3",
        ),
        ("do.drop = { kinds = [\"request\"], view = 0 }", "no `request` belongs to a view"),
        (
            "do.drop = { kinds = [\"commit\"], seq = [90, 99] }",
            "each `commit` is about slot 1 to 5, and none about slot 90 to 99",
        ),
        (
            "do.drop = { kinds = [\"commit\"], to = [\"r2\"], nth = 900 }",
            "at most 15 of the messages of a run match, and none has number 900",
        ),
        (
            "end.at = \"5ms\"\ndo.drop = { kinds = [\"commit\"], seq = 1 }",
            "`commit` about slot 1 is sent, but not while the fault is in force: the closest 25ms \
             after it ends",
        ),
        ("do.drop = { kinds = [\"commit\"], to = [\"c0\"] }", "no node ever sends `commit` to c0"),
        (
            "do.drop = { from = [\"r1\"], to = [\"r1\"] }",
            "what r1 sends to itself never goes over the network",
        ),
        (
            "do.mutate = { node = \"r3\", messages = { kinds = [\"commit\"] }, field = \"seq\", \
             change = { add = 0 } }",
            "`commit` is the same with this fault as without it",
        ),
    ] {
        let said = explained(&format!("[[fault]]\n{fault}\n"));
        assert_eq!(said, [why], "{fault}");
    }
    for (first, why) in [
        ("mute = \"r3\"", "fault 1 (`mute`) decides first about all that match"),
        ("hold = { to = [\"!r3\"] }", "fault 1 (`hold`) decides first about all that match"),
    ] {
        let second = "do.omit = { node = \"r3\", messages = { kinds = [\"commit\"] } }";
        let said = explained(&format!("[[fault]]\ndo.{first}\n[[fault]]\n{second}\n"));
        assert_eq!(said, [why], "{first}");
    }
    let mutate = |field: &str, change: &str| {
        let messages = "messages = { kinds = [\"commit\"] }";
        format!(
            "[[fault]]\ndo.mutate = {{ node = \"r3\", {messages}, field = \"{field}\", \
             change = {{ {change} }} }}\n"
        )
    };
    let faults = mutate("signer", "claim = \"r1\"") + &mutate("seq", "add = 1");
    let why = "`commit` is already in another node's name, by fault 1 (`mutate`), so r3 cannot sign \
               it";
    assert_eq!(explained(&faults), [why]);
}

#[test]
fn logs_make_no_difference_to_runs() {
    for name in ["pbft/chaos", "zyzzyva/chaos"] {
        let scenario = load(name).expect("it is in the library");
        for seed in 0..30 {
            let played = |with_logs| {
                let options = (&PlayOptions::default(), u64::MAX);
                let watch = Watch { recorder: None, with_logs };
                let report = scenario.play_watched(seed, scenario.draw(seed), options, watch);
                report.result.expect("no panic")
            };
            let (with, without) = (played(true), played(false));
            assert_eq!(with.outcome.trace, without.outcome.trace, "{name} {seed}");
            assert_eq!(with.fired, without.fired, "{name} {seed}");
            assert_eq!((with.logs.len(), without.logs.len()), (with.fired.len(), 0));
        }
    }
}

#[test]
fn a_search_for_silent_faults_is_bounded() {
    let seeds = "seeds = \"18446744073709551000..18446744073709551615\"\n[cluster]";
    let long = "[run]\nat-least = \"100000s\"\nat-most = \"100000s\"\nevents-max = 1000000000\n\
                [workload]\noperations = 50000\nthink = \"1ms\"\n\
                [[fault]]\ndo.omit = { node = \"r3\", messages = { kinds = [\"pre-prepare\"] } }\n";
    let text = format!("{}{long}", BASE.replace("[cluster]", seeds));
    let scenario = Scenario::from_document(&document(&text, Language::Toml), &[]);
    let scenario = scenario.expect("it makes sense");
    let said = unfired(&scenario, scenario.file.seeds);
    assert!(said[0].played.cut_off, "{said:?}");
    assert!(said[0].played.to_string().ends_with(&format!("cut off after {EVENTS_MAX} events")));
}

#[test]
fn the_faults_of_the_library_fire() {
    let mut silent = Vec::new();
    for name in library::all().keys() {
        let scenario = load(name).expect("it is in the library");
        let faults = unfired(&scenario, scenario.file.seeds).into_iter();
        silent.extend(faults.map(|unfired| format!("{name} {}: {}", unfired.fault, unfired.why)));
    }
    // Each doubles a hold that comes first, or is there to make its node corrupted, or cuts a link.
    let known = "31a-all-or-certificate 1, 31b-impatient-client 1, Z07-client-impatient 1, \
                 Z17-checkpoint-uncovered 4, P48-asks-primary-alone 1, s2-no-leader 1";
    silent.retain(|said| !known.split(", ").any(|known| said.contains(&format!("/{known}:"))));
    assert!(silent.is_empty(), "{silent:#?}");
}
