//! The command line as its users see it: exit codes, messages, and what goes where.

use std::fs;
use std::process::Command;

use serde_json::Value;

use crate::workdir::{Output, Workdir, program};

const GOOD: &str = "\
format = 1
title = \"t\"
protocol = \"pbft\"

[cluster]
replicas = 4
faults = 1
";

#[test]
fn a_run_tells_its_verdict_by_its_exit_code() {
    let workdir = Workdir::new("verdicts");
    for (arguments, code, words) in [
        ("run pbft/fault-free", 0, "PASS  agreement"),
        ("run pbft/fault-free --quiet", 0, "PASS  agreement"),
        ("run pbft/flaws/P08-digest-ignored", 0, "PASS  violated, as expected"),
        ("run pbft/equivocating-primary --flaw P08", 1, "agreement VIOLATED"),
        ("run pbft/twins-beyond-f", 0, "BEYOND f"),
        // No event is left to complete anything: there is nothing to judge.
        ("run pbft/fault-free --set run.events-max=1", 3, "INCONCLUSIVE"),
        ("sweep pbft/equivocating-primary --flaw P08 --seeds 0..3", 1, "FAIL"),
        ("sweep pbft/equivocating-primary --flaw P08 --seeds 0..3 --shard 0/1", 1, "FAIL"),
        ("sweep pbft/equivocating-primary --flaw P08 --seeds 0..3 --shard 0/2", 0, "FAIL"),
        ("sweep pbft/fault-free --set reaches=[\"rollback\"] --seeds 0..3", 3, "NEVER REACHED"),
        ("sweep pbft/fault-free --seeds 0..10", 0, "fewer than 30 % of such seeds"),
        ("sweep pbft/fault-free --seeds 0..3", 0, "too few for a rate"),
        ("sweep pbft/fault-free --seeds 0..3 --quiet", 0, "PASS  3 runs, no violation"),
    ] {
        let output = workdir.byzsim(arguments);
        assert_eq!(output.code, code, "{arguments}:\n{}{}", output.stdout, output.stderr);
        assert!(output.stdout.contains(words), "{arguments}: no {words} in\n{}", output.stdout);
        assert_eq!(output.stderr, "", "{arguments}");
    }
}

/// Each mistake in a file is one error, with file, line, caret and what would have been right.
#[test]
fn mistakes_in_files_are_shown_at_their_place() {
    let workdir = Workdir::new("mistakes");
    for (name, old, new, place, words) in [
        (
            "condition",
            "faults = 1",
            "faults = 1\n[[random.conditions]]\nrun.drain = \"2s\"\nexpect = \"holds\"",
            "10:10",
            "may change `cluster`, `workload`",
        ),
        ("unknown-key", "faults = 1", "faults = 1\nclinets = 2", "8:1", "did you mean `clients`"),
        ("wrong-type", "= 4", "= \"four\"", "6:12", "from 0 to 65535"),
        ("too-few", "= 4", "= 3", "6:12", "at least 4 replicas"),
        ("no-unit", "faults = 1", "faults = 1\n[network]\ndelta = \"50\"", "9:9", "`50ms`"),
        (
            "too-slow",
            "faults = 1",
            "faults = 1\n[network]\nlatency = { constant = \"200ms\" }",
            "9:24",
            "network.clamp",
        ),
        ("no-loss", "faults = 1", "faults = 1\n[network]\nloss-ppm = 9", "9:12", "from the start"),
        ("unknown-protocol", "pbft", "pbtf", "3:12", "did you mean `pbft`"),
        ("torn", "[cluster]", "[cluster", "5:9", "]"),
    ] {
        let file = format!("{name}.toml");
        workdir.write(&file, &GOOD.replacen(old, new, 1));
        for command in ["check", "run", "sweep", "replay"] {
            let output = workdir.byzsim(&format!("{command} {file}"));
            let place = format!("[{file}:{place}]");
            output.refuses(&format!("{command} {file}"), &[&place, "╰──", words]);
        }
    }
    workdir.write("good.toml", GOOD);
    let output = workdir.byzsim("check good.toml");
    assert_eq!((output.code, output.stderr.as_str()), (0, ""));
    assert!(output.stdout.starts_with("ok  good.toml  #"), "{}", output.stdout);
    let output = workdir.byzsim("check good.toml too-few.toml good.toml");
    assert_eq!((output.code, output.stdout.lines().count()), (2, 2), "all files are checked");
}

#[test]
fn wrong_usage_names_what_would_be_right() {
    let workdir = Workdir::new("usage");
    workdir.write("taken", "a file");
    for (arguments, words) in [
        ("run pbft/chaos --flaw P99", ["unknown flaw `P99`", "P08-digest-ignored"]),
        ("sweep pbft/chaos --flaw P08-digest", ["unknown flaw", "P08-digest-ignored"]),
        ("run pbft/chaoss", ["pbft/chaoss", "did you mean `pbft/chaos`"]),
        ("run no/such.toml", ["no/such.toml", "byzsim list scenarios"]),
        ("replay no/such.json", ["no/such.json", "byzsim list scenarios"]),
        ("merge no/such.ndjson", ["cannot read no/such.ndjson", "right path"]),
        ("run pbft/fault-free --set cluster.replicas", ["there is no `=`", "cluster.replicas=7"]),
        ("run pbft/fault-free --set cluster.replicsa=7", ["replicsa", "did you mean `replicas`"]),
        ("sweep pbft/chaos --seeds 7", ["`7` is not a range of seeds", "0..1000"]),
        ("sweep pbft/chaos --seeds 7..7", ["contains no seed", "--seeds"]),
        ("sweep pbft/chaos --shard 3/2", ["3/2", "--shard"]),
        ("sweep pbft/chaos --jobs 0", ["0 is not in", "--jobs"]),
        ("sweep pbft/fault-free --out taken/rows.ndjson", ["cannot write taken/rows", "--out"]),
        ("compare pbft onephase", ["`silent-primary` makes r0 faulty", "--faults none,silent-"]),
        ("man swep", ["swep", "did you mean `sweep`"]),
        ("frobnicate", ["frobnicate", "--help"]),
        ("run", ["SCENARIO", "byzsim run"]),
    ] {
        workdir.byzsim(arguments).refuses(arguments, &words);
    }
    assert_eq!(workdir.byzsim("").code, 2, "no command is a mistake, and shows the help");
}

#[test]
fn rows_are_data_and_shards_add_up() {
    let workdir = Workdir::new("rows");
    let whole = workdir.byzsim("sweep pbft/chaos --seeds 0..30 --out whole.ndjson");
    let rows = workdir.read("whole.ndjson");
    assert_eq!(rows.lines().count(), 31, "a head and 30 rows");
    let row = |line: &str| serde_json::from_str::<Value>(line).expect("each line is JSON");
    let head = row(rows.lines().next().expect("a head"));
    assert_eq!((&head["scenario"], &head["seeds"]), (&"pbft/chaos".into(), &"0..30".into()));
    let mut seeds: Vec<u64> =
        rows.lines().skip(1).map(|line| row(line)["seed"].as_u64().expect("a seed")).collect();
    seeds.sort_unstable();
    assert_eq!(seeds, (0..30).collect::<Vec<u64>>());

    for shard in 0..3 {
        let output =
            workdir.byzsim(&format!("sweep pbft/chaos --seeds 0..30 --shard {shard}/3 --out out"));
        assert_eq!(output.code, 0, "{}", output.stderr);
    }
    let files = [0, 1, 2].map(|shard| format!("out/shard-{shard}-of-3.ndjson"));
    let merged = workdir.byzsim(&format!("merge {}", files.join(" ")));
    assert_eq!(merged.code, whole.code, "{}{}", merged.stdout, merged.stderr);
    assert_eq!(merged.sweep_digest(), whole.sweep_digest());
    workdir.byzsim("sweep pbft/chaos --seeds 0..30 --shard 2/3 --strategy twins --out twins");
    let mixed = format!("merge {} twins/shard-2-of-3.ndjson", files[..2].join(" "));
    workdir.byzsim(&mixed).refuses("shards of two strategies", &["has another strategy: twins"]);
    let some = workdir.byzsim(&format!("merge {}", files[..2].join(" ")));
    assert_eq!(some.code, 3, "seeds are missing");
    assert!(some.stderr.contains("seeds are missing"), "{}", some.stderr);

    let streamed = workdir.byzsim("sweep pbft/chaos --seeds 0..30 --format ndjson --jobs 1");
    let mut streamed: Vec<&str> = streamed.stdout.lines().collect();
    let mut rows: Vec<&str> = rows.lines().collect();
    streamed.sort_unstable();
    rows.sort_unstable();
    assert_eq!(streamed, rows, "stdout has what the file has");
}

/// What a sweep by another strategy prints leads to its own runs, and claims what follows.
#[test]
fn strategies_are_told_and_lead_to_their_runs() {
    let workdir = Workdir::new("strategies");
    let next = |output: &Output| {
        let line = output.stdout.lines().find_map(|line| line.strip_prefix("next    byzsim "));
        line.map(str::to_owned)
    };
    for (strategy, code, words) in [
        ("twins", 0, "no violation in 20 of 5 488 schedules of twins"),
        ("delays", 0, "rule of three"),
        ("guided", 0, "no rate follows"),
    ] {
        let output =
            workdir.byzsim(&format!("sweep pbft/chaos --seeds 0..20 --strategy {strategy}"));
        assert_eq!(output.code, code, "{}{}", output.stdout, output.stderr);
        for words in [words, &format!("seeds 0..20  strategy {strategy}\n")] {
            assert!(output.stdout.contains(words), "no {words} in\n{}", output.stdout);
        }
        let Some(next) = next(&output) else {
            assert_eq!(strategy, "guided", "only its runs have no command");
            continue;
        };
        assert!(next.ends_with(&format!("--strategy {strategy} --seed 0")), "{next}");
        let run = workdir.byzsim(&next);
        let replay = run.stdout.lines().find_map(|line| line.strip_prefix("replay  byzsim "));
        let replay = workdir.byzsim(replay.expect("a command"));
        assert!(replay.stdout.ends_with("identical\n"), "{}", replay.stdout);
        let drawn = |output: &Output| {
            let line = output.stdout.lines().find(|line| line.starts_with("drawn "));
            line.map(str::to_owned)
        };
        assert_eq!(drawn(&run), drawn(&replay));
    }
    let failing = "sweep pbft/chaos --flaw P08 --strategy twins --seeds 0..400 --no-shrink";
    let output = workdir.byzsim(failing);
    assert_eq!(output.code, 1, "{}", output.stdout);
    assert!(output.stdout.contains("runs/pbft-chaos-P08-twins-"), "{}", output.stdout);
    for (arguments, words) in [
        ("run pbft/chaos --strategy guided", "a guided search depends on"),
        ("run pbft/crash-and-restart --strategy twins", "has faults of its own"),
        ("sweep pbft/crash-and-restart --strategy delays", "has faults of its own"),
        ("sweep pbft/fault-free --strategy guided", "[random.faults]"),
        ("sweep pbft/chaos --strategy guided --shard 0/2", "has no shards"),
    ] {
        workdir.byzsim(arguments).refuses(arguments, &[words]);
    }
}

#[test]
fn what_is_set_leaves_out_conditions_and_says_so() {
    let workdir = Workdir::new("conditions");
    let note = "note: 2 conditions of the scenario are left out: `--set` sets what they change\n";
    let run = "run pbft/chaos --set params.checkpoint-interval=4";
    assert_eq!(workdir.byzsim(run).stderr, note);
    assert_eq!(workdir.byzsim(&format!("{run} -q")).stderr, "");
    assert_eq!(workdir.byzsim("run pbft/chaos --set workload.keys=3").stderr, "", "none says so");
}

#[test]
fn formats_for_programs_are_well_formed() {
    let workdir = Workdir::new("formats");
    for arguments in [
        "run pbft/fault-free --format json",
        "sweep pbft/fault-free --seeds 0..3 --format json",
        "list --format json",
        "schema",
    ] {
        let output = workdir.byzsim(arguments);
        assert_eq!((output.code, output.stderr.as_str()), (0, ""), "{arguments}");
        serde_json::from_str::<Value>(&output.stdout)
            .unwrap_or_else(|why| panic!("{arguments}: {why}"));
    }
    let csv = workdir.byzsim("sweep pbft/fault-free --seeds 0..3 --format csv").stdout;
    let commas: Vec<usize> = csv.lines().map(|line| line.matches(',').count()).collect();
    assert_eq!(commas, [commas[0]; 4]);
    for (arguments, words) in [
        ("list", "pbft/chaos"),
        ("list scenarios --protocol raft", "lecture/02a-leader-one-log"),
        ("list flaws", "P08-digest-ignored"),
        ("completions bash", "_byzsim"),
        ("completions zsh", "#compdef byzsim"),
        ("completions fish", "complete -c byzsim"),
        ("man", ".TH byzsim 1"),
        ("man sweep", "\\-\\-seeds"),
        ("sweep pbft/fault-free --seeds 0..3 --format md", "| milestone | seeds |"),
        ("--version", env!("CARGO_PKG_VERSION")),
        ("help", "Exit codes"),
    ] {
        let output = workdir.byzsim(arguments);
        assert_eq!((output.code, output.stderr.as_str()), (0, ""), "{arguments}");
        assert!(output.stdout.contains(words), "{arguments}: no {words} in\n{}", output.stdout);
    }
    for command in
        ["run", "replay", "sweep", "merge", "check", "list", "schema", "completions", "man"]
    {
        let help = workdir.byzsim(&format!("{command} --help")).stdout;
        let (_, examples) = help.split_once("Examples:\n").expect(command);
        let shown = examples.lines().filter(|line| line.trim_start().starts_with("byzsim")).count();
        assert!(2 <= shown, "{command} shows {shown} examples");
    }
}

#[test]
fn colour_is_for_terminals() {
    let workdir = Workdir::new("colour");
    let escaped =
        |output: &Output| output.stdout.contains('\u{1b}') || output.stderr.contains('\u{1b}');
    let run = "run pbft/equivocating-primary --flaw P08";
    assert!(!escaped(&workdir.byzsim(run)), "a pipe is no terminal");
    assert!(!escaped(&workdir.byzsim("check no.toml")), "errors neither");
    assert!(escaped(&workdir.byzsim(&format!("{run} --color always"))), "who asks for it gets it");
    let words = run.split_whitespace();
    let output = program(&workdir.folder).args(words).env("NO_COLOR", "1").output();
    assert!(!escaped(&Output::of(output.expect("the program can be started"))));
}

#[test]
fn progress_and_notes_stay_off_stdout() {
    let workdir = Workdir::new("streams");
    let output =
        workdir.byzsim("sweep pbft/fault-free --seeds 0..1000 --set workload.operations=1");
    assert_eq!(output.stderr.lines().count(), 10, "a line per tenth:\n{}", output.stderr);
    assert!(output.stderr.starts_with(" 10 %  100 runs"), "{}", output.stderr);
    assert!(output.stdout.starts_with("byzsim "), "{}", output.stdout);
    let quiet = "sweep pbft/fault-free --seeds 0..1000 --set workload.operations=1 -q";
    assert_eq!(workdir.byzsim(quiet).stderr, "");
}

/// Whoever reads has read enough: that is no error.
#[test]
#[cfg(unix)]
fn a_closed_pipe_is_no_error() {
    use std::process::Stdio;
    let workdir = Workdir::new("pipe");
    let mut child = program(&workdir.folder)
        .args(["list"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program can be started");
    drop(child.stdout.take());
    let output = Output::of(child.wait_with_output().expect("it ends"));
    assert_eq!((output.code, output.stderr.as_str()), (0, ""));
}

#[test]
#[cfg(unix)]
fn an_interrupted_sweep_keeps_its_rows() {
    use std::process::Stdio;
    let workdir = Workdir::new("interrupt");
    let arguments = "sweep pbft/chaos --seeds 0..100000000 --out rows.ndjson";
    let mut child = program(&workdir.folder)
        .args(arguments.split_whitespace())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program can be started");
    let rows = || fs::read_to_string(workdir.folder.join("rows.ndjson")).unwrap_or_default();
    // It listens before it plays: once there are rows, it can be interrupted.
    while rows().lines().count() < 10 {
        assert!(child.try_wait().expect("it can be asked").is_none(), "it ended by itself");
        std::thread::yield_now();
    }
    let kill = Command::new("kill").args(["-INT", &child.id().to_string()]).status();
    assert!(kill.expect("there is a kill").success());
    let output = Output::of(child.wait_with_output().expect("it ends"));
    assert_eq!(output.code, 130, "{}{}", output.stdout, output.stderr);
    assert!(output.stdout.contains("INCOMPLETE"), "{}", output.stdout);
    let rows = rows();
    let played = rows.lines().count() - 1;
    assert!(rows.ends_with('\n') && 9 <= played, "{played} rows are whole");
    let digest = output.sweep_digest().to_owned();
    let merged = workdir.byzsim("merge rows.ndjson");
    assert_eq!((merged.code, merged.sweep_digest()), (3, digest.as_str()), "no row is missing");
}

#[test]
fn what_is_violated_is_violated_however_much_is_missing() {
    let workdir = Workdir::new("merge-violated");
    let sweep = "sweep pbft/chaos --flaw P23 --seeds 0..60";
    workdir.byzsim(&format!("{sweep} --shard 0/2 --out out"));
    let merged = workdir.byzsim("merge out/shard-0-of-2.ndjson");
    assert_eq!(merged.code, 1, "{}", merged.stdout);
    assert!(merged.stderr.contains("seeds are missing"), "{}", merged.stderr);
}

#[test]
fn a_sweep_names_the_faults_that_fire_on_no_seed() {
    let workdir = Workdir::new("never-fired");
    let head = "format = 1\ntitle = \"t\"\nprotocol = \"pbft\"\n\n[cluster]\nreplicas = 4\nfaults = 1\n\
                clients = 1\n\n[network]\ngst = \"2s\"\nloss-allowed = true\n\n";
    let live = "[[fault]]\ndo.hold = { kinds = [\"commit\"], to = [\"r3\"] }\n\n";
    let dead = "[[fault]]\ndo.drop = { kinds = [\"new-view\"], view = 9 }\n";
    workdir.write("t.toml", &format!("{head}{live}{dead}"));
    let output = workdir.byzsim("sweep t.toml --seeds 0..5");
    assert!(output.stdout.contains("fault 2 (drop) ← NEVER FIRED"), "{}", output.stdout);
    assert!(!output.stdout.contains("fault 1"), "{}", output.stdout);
    workdir.write("t.toml", &format!("{head}{live}"));
    let output = workdir.byzsim("sweep t.toml --seeds 0..5");
    assert!(!output.stdout.contains("NEVER FIRED"), "{}", output.stdout);
}

#[test]
fn nobody_is_left_out_who_is_not_there() {
    let workdir = Workdir::new("left-out");
    let scenario = |to: &str| {
        format!(
            "format = 1\ntitle = \"t\"\nprotocol = \"pbft\"\n\n[cluster]\nreplicas = 4\nfaults = 1\n\
             clients = 2\n\n[network]\ngst = \"2s\"\n\n[[fault]]\ndo.hold = {{ to = [\"{to}\"] }}\n"
        )
    };
    workdir.write("good.toml", &scenario("!r3"));
    assert_eq!(workdir.byzsim("check good.toml").code, 0);
    for absent in ["!r9", "!c2"] {
        workdir.write("bad.toml", &scenario(absent));
        let output = workdir.byzsim("check bad.toml");
        output.refuses(absent, &["to exclude", "4 replicas and 2 clients", "bad.toml:14"]);
    }
}
