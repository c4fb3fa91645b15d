//! One Byzantine server in Raft: what each attack reaches under each way of acknowledging, cell by
//! cell of the table in `docs/raft.md`; whom signatures prove guilty; and what they cost.

use std::collections::BTreeSet;

use byzsim::compare::measure::Measure;
use byzsim::compare::settings::Setting;
use byzsim::compare::{Grid, compare};
use byzsim::{PlayOptions, Report, SeedRange};
use byzsim_core::{CryptoBackend, NodeId, Span, Verdict};

use crate::support::{play, root, scenario, sweep};
use crate::tidy::read;

/// The columns of the table, and what they set.
const COLUMNS: [(&str, &[&str]); 6] = [
    ("plain", &[]),
    ("unbound", &[r#"params.acks="unbound""#]),
    ("index", &[r#"params.acks="index""#]),
    ("digest", &[r#"params.acks="digest""#]),
    (
        "digest, 3 followers",
        &[r#"params.acks="digest""#, r#"params.ack-quorum="followers""#, "params.quorum=3"],
    ),
    (
        "digest, 4, signed votes",
        &[r#"params.acks="digest""#, "params.quorum=4", "params.signed-votes=true"],
    ),
];

fn shape<'a>(report: &'a Report, property: &str) -> Option<&'a str> {
    match report.verdict(property) {
        Some(Verdict::Violated(it)) => Some(&it.shape),
        Some(_) => None,
        None => panic!("{property} is not judged: {:?}", report.result.as_ref().err()),
    }
}

/// `X`: servers decide differently, execute what no client sent, cut what they executed, or follow
/// two leaders of one term; or a client is told what nothing led to. `s`: nothing of the kind, but
/// somebody waits for ever. `ok`: neither.
fn outcome(report: &Report) -> &'static str {
    let is_lost = ["agreement", "validity", "result-integrity", "linearizability"]
        .iter()
        .any(|property| shape(report, property).is_some());
    // Logs that differ in what is not committed are no harm yet.
    let leadership = shape(report, "leadership");
    let is_harm = leadership.is_some_and(|shape| !shape.starts_with("two entries"));
    match () {
        () if is_lost || is_harm => "X",
        () if matches!(report.verdict("liveness"), Some(Verdict::Holds(_))) => "ok",
        () => "s",
    }
}

/// The rows of the table: the attack, and what the document says of it.
fn rows(document: &str) -> Vec<(String, Vec<String>)> {
    let row = |line: &str| {
        let mut cells = line.split('|').map(str::trim);
        let attack = cells.nth(1)?.strip_prefix("`raft/attacks/")?.strip_suffix('`')?.to_owned();
        let said = cells.filter(|cell| !cell.is_empty()).map(str::to_owned).collect();
        Some((attack, said))
    };
    document.lines().filter_map(row).collect()
}

#[test]
fn the_outcomes_are_those_of_the_table() {
    let rows = rows(&read(&root().join("docs/raft.md")));
    let mut wrong = Vec::new();
    for (attack, said) in &rows {
        let name = format!("raft/attacks/{attack}");
        let seen: Vec<&str> =
            COLUMNS.iter().map(|(_, set)| outcome(&play(&scenario(&name, set), 0))).collect();
        if seen != *said {
            wrong.push(format!("{name}: the table says {said:?}, the runs {seen:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let attacks: BTreeSet<&str> = rows.iter().map(|(attack, _)| &**attack).collect();
    let library = byzsim::file::library::all();
    let files = library.keys().filter_map(|name| name.strip_prefix("raft/attacks/r"));
    let missing: Vec<&str> = files
        .filter(|it| it.starts_with(|first: char| first.is_ascii_digit()))
        // Nobody signs snapshots: it has one column.
        .filter(|it| *it != "9-forged-snapshot" && !attacks.contains(&*format!("r{it}")))
        .collect();
    assert!(missing.is_empty(), "docs/raft.md lacks {missing:?}");
    assert!(12 <= rows.len(), "{rows:?}");
}

fn options() -> PlayOptions {
    PlayOptions { crypto: CryptoBackend::Ideal, with_marks: false }
}

/// Whom the signatures of a run prove guilty, and of what.
fn proven(name: &str, set: &[&str]) -> Vec<(NodeId, Vec<String>)> {
    let scenario = scenario(name, set);
    let report = play(&scenario, 0);
    assert_eq!(report.verdict("accusation"), Some(&Verdict::Holds(0)), "{name}: nobody accuses");
    let found = scenario.investigate(report.seed, &report.drawn, true, &options());
    let rules = |it: &byzsim::run::accountability::Culprit| {
        (it.node, it.offences.iter().map(|offence| offence.rule.clone()).collect())
    };
    found.culprits.iter().map(rules).collect()
}

#[test]
fn signatures_convict_whoever_signs_two_things_and_nobody_else() {
    let [plain, unbound, index, digest, _, four] = COLUMNS.map(|(_, set)| set);
    let guilty = |number, rules: &[&str]| {
        vec![(NodeId::Replica(number), rules.iter().map(|rule| (*rule).to_owned()).collect())]
    };
    let equivocation = "raft/attacks/r1-equivocation";
    let votes = "raft/attacks/r4-double-vote";
    let signed_votes = [digest, &["params.signed-votes=true"]].concat();
    for (name, set, expected) in [
        (equivocation, plain, Vec::new()),
        (equivocation, unbound, guilty(0, &["E1"])),
        (equivocation, index, guilty(0, &["E1"])),
        (equivocation, digest, guilty(0, &["E1", "E3"])),
        (equivocation, four, guilty(0, &["E1"])),
        (votes, plain, Vec::new()),
        (votes, &signed_votes, guilty(4, &["E2", "E3"])),
        (votes, four, guilty(4, &["E2"])),
        // It says too little to be caught: a vote and an acknowledgement may follow each other.
        ("raft/attacks/r3-lying-follower", &signed_votes, Vec::new()),
    ] {
        assert_eq!(proven(name, set), expected, "{name} {set:?}");
    }
}

/// Whatever one server and the network do: a correct server says nothing that convicts it.
#[test]
fn no_correct_server_is_convicted() {
    let set = [
        r#"params.acks="digest""#,
        "params.signed-votes=true",
        // Where a client waits for ever, servers say the same for long.
        r#"run.at-most="20s""#,
        r#"expect="holds""#,
    ];
    let mut caught = 0;
    for name in ["raft/byzantine", "raft/attacks/r5-false-log", "raft/attacks/r8-no-election"] {
        let scenario = scenario(name, &set);
        let seeds = if name == "raft/byzantine" { 60 } else { 1 };
        for seed in 0..seeds {
            let report = play(&scenario, seed);
            let found = scenario.investigate(seed, &report.drawn, true, &options());
            let innocent = found.culprits.iter().find(|it| !it.is_faulty);
            assert!(innocent.is_none(), "{name} --seed {seed}: {innocent:#?}");
            caught += found.culprits.len();
        }
    }
    assert!(0 < caught, "nobody was caught: it was no test");
}

#[test]
fn signed_acknowledgements_cost_a_round_and_the_answers_of_all() {
    let grid = Grid {
        protocols: vec!["raft".to_owned(), "raft:acks=digest".to_owned()],
        replicas: vec![4, 7, 10, 31],
        settings: Setting::read(&["none".to_owned()]).expect("a setting"),
        seeds: SeedRange { start: 0, end: 1 },
        jobs: 2,
    };
    let all = compare(&grid, |_| {}).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(all.tally.differ, 0, "{:?}", all.tally);
    for (n, messages) in [(4, 14.0), (7, 26.0), (10, 38.0), (31, 122.0)] {
        let cell = all.cells.iter().find(|it| it.replicas == n && it.protocol != "raft");
        let figure = |measure| cell.expect("it is there").figure(measure).expect("measured");
        let is = |measure, expected: f64| {
            let measured = figure(measure).measured.mean;
            assert!((measured - expected).abs() < 1e-9, "n = {n}: {measure:?} is {measured}");
        };
        is(Measure::Messages, messages);
        is(Measure::Delays, 5.0);
    }
    let report = play(&scenario("raft/signed-acks", &["cluster.clients=1"]), 0);
    let served = &report.result.as_ref().expect("no panic").outcome.served;
    for it in served {
        let completed = it.completed.as_ref().expect("it completes").0;
        assert_eq!(completed.since(it.asked), Span::from_millis(50), "five delays of 10 ms");
    }
}

/// The random search knows nothing of the attacks, and finds each of the ways in which Raft breaks.
#[test]
fn random_faults_of_one_server_break_each_property_that_the_page_names() {
    let summary = sweep(&scenario("raft/byzantine", &[r#"run.at-most="20s""#]), 0..140);
    let page = read(&root().join("docs/raft.md"));
    let row = |line: &str| {
        let mut cells = line.split('|').map(str::trim).skip(1);
        let property = cells.next()?.strip_prefix("`")?.strip_suffix('`')?.to_owned();
        Some((property, cells.next()?.parse::<u64>().ok()?))
    };
    let rows: Vec<(String, u64)> = page.lines().filter_map(row).collect();
    assert!(6 <= rows.len(), "{rows:?}");
    for (property, first) in rows {
        let found = summary.findings.iter().filter(|it| it.property == property);
        let seen = found.flat_map(|it| it.seeds.iter().copied()).min();
        assert_eq!(seen, Some(first), "{property}: the first seed");
    }
}
