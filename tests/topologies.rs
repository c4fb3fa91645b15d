//! What a partial partition does to Raft: the table of `docs/raft.md`, cell by cell, and livelocks
//! with their periods.

use std::fmt;
use std::fs;

use byzsim::{PlayOptions, Report};
use byzsim_core::{
    CryptoBackend, NodeId, Observation, Recorder, Span, Stamp, Time, TraceEvent, Verdict,
};

use crate::support::{from_text, play, root, scenario};

/// The rows: the scenario, and the cells that are expected of it, in the order of [`VARIANTS`].
const ROWS: &[(&str, [Kind; 6])] = &[
    ("t1-two-outside", [Churn, Ok, Churn, Ok, Ok, Ok]),
    ("t2-leader-at-the-rim", [Ok, Dead, Ok, Ok, Dead, Ok]),
    ("t3-star", [Ok, Dead, Ok, Ok, Dead, Ok]),
    ("t4-behind-at-the-hub", [Dead, Dead, Dead, Dead, Dead, Dead]),
    ("t5-chain", [Ok, Ok, Ok, Ok, Ok, Ok]),
    ("t6-sends-hears-nothing", [Churn, Ok, Churn, Ok, Ok, Ok]),
    ("t7-leader-hears-nothing", [Dead, Dead, Churn, Ok, Dead, Ok]),
    ("t8-one-way-lost", [Ok, Ok, Ok, Ok, Ok, Ok]),
    ("t9-line", [Churn, Ok, Churn, Ok, Ok, Ok]),
];
use Kind::{Churn, Dead, Ok};

const P: &str = "params.pre-vote=on";
const P0: &str = "params.pre-vote=log-only";
const Q: &str = "params.check-quorum=true";
const S: &str = "params.stickiness=true";
/// The columns.
const VARIANTS: &[(&str, &[&str])] =
    &[("plain", &[]), ("P", &[P]), ("Q", &[Q]), ("P+Q", &[P, Q]), ("S", &[S]), ("Q+S", &[Q, S])];

const SEEDS: std::ops::Range<u64> = 0..4;
/// Seed 0 is played for so long that the leader is to be steady, and the judge is asked; of the
/// others the topology shows soon what becomes of them.
const SHORT: [&str; 2] = ["run.at-least=4s", "workload.operations=250"];
/// The election timeout of the scenarios.
const T: Span = Span::from_millis(50);
/// From question to question of a client whose leader is steady: four delays, and the pause.
const PACE: Span = Span::from_millis(11);

/// What became of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// No leader changes any more, and all commands are committed.
    Ok,
    /// Leaders change for ever, and some commands are committed.
    Churn,
    /// Nothing is committed any more.
    Dead,
}

/// When elections were won, and commands answered.
#[derive(Debug, Default)]
struct Course {
    elections: Vec<Time>,
    answers: Vec<Time>,
    end: Time,
}

impl Recorder for Course {
    fn record(&mut self, _: u64, _: Time, _: &TraceEvent<'_>) {}

    fn judged(&mut self, at: Stamp, _: NodeId, observation: &Observation) {
        if matches!(observation, Observation::Leads { .. }) {
            self.elections.push(at.time);
        } else if matches!(observation, Observation::Completed { .. }) {
            self.answers.push(at.time);
        }
    }

    fn end(&mut self, at: Stamp) {
        self.end = at.time;
    }
}

/// A run: what became of it, and how many percent of the commands it committed that a steady leader
/// commits in this time.
#[derive(Clone, Copy, Debug)]
struct Cell {
    kind: Kind,
    percent: u64,
}

impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            Ok => f.write_str("ok"),
            Churn => write!(f, "churn {} %", self.percent),
            Dead => f.write_str("dead"),
        }
    }
}

/// A run, and how many operations it has; and how it violates liveness, if it does.
fn course(name: &str, set: &[&str], seed: u64) -> (Course, u64, Option<String>) {
    let mut course = Course::default();
    let options = PlayOptions { crypto: CryptoBackend::Ideal, with_marks: false };
    let name = format!("raft/topologies/{name}");
    let report = scenario(&name, set).play_recorded(seed, &options, Some(&mut course));
    // Only the topology is at fault: nobody is accused, and no promise but this one is broken.
    for (property, verdict) in report.verdicts() {
        assert!(*property == "liveness" || !verdict.is_violated(), "{name} {set:?}: {property}");
    }
    let violation = match report.verdict("liveness") {
        Some(Verdict::Violated(found)) => Some(found.shape.clone()),
        Some(Verdict::Holds(_) | Verdict::Inconclusive(_)) | None => None,
    };
    let played = report.result.unwrap_or_else(|panic| panic!("{name} {set:?}: {panic:?}"));
    let accused = played.outcome.milestones.counts().contains_key("proof-of-misbehaviour");
    assert!(!accused, "{name} {set:?}");
    (course, played.outcome.operations, violation)
}

fn cell(name: &str, set: &[&str], seed: u64) -> Cell {
    let set = if seed == 0 { set.to_vec() } else { [set, &SHORT].concat() };
    let (Course { elections, answers, end }, operations, violation) = course(name, &set, seed);
    let stretch = Time::ZERO + (end.since(Time::ZERO) - T * 30);
    let is_late = |times: &[Time]| times.last().is_some_and(|last| stretch < *last);
    let is_done = answers.len() as u64 == operations;
    let kind = match (is_late(&elections), is_late(&answers)) {
        (false, _) if is_done => Ok,
        (true, true) => Churn,
        (_, false) if !is_done => Dead,
        other => panic!("{name} {set:?} seed {seed}: {other:?}, {} answers", answers.len()),
    };
    let is_told = seed == 0 || kind == Dead;
    assert!(!is_told || violation.is_some() == (kind != Ok), "{name} {set:?}: {violation:?}");
    // Logs grow as clients repeat what they ask, or terms rise at drawn times.
    let is_stuck = violation.is_some_and(|shape| shape == "stuck");
    assert!(kind != Dead || is_stuck, "{name} {set:?}: the page says `stuck`");
    let took = answers.last().map_or(Span::ZERO, |last| last.since(Time::ZERO));
    let steady = 2 * took.nanos() / PACE.nanos();
    Cell { kind, percent: 100 * answers.len() as u64 / steady.max(1) }
}

/// The cells of a row.
fn cells(name: &str, expected: &[Kind]) -> Vec<String> {
    let mut cells = Vec::new();
    for ((variant, set), kind) in VARIANTS.iter().zip(expected) {
        let runs: Vec<Cell> = SEEDS.map(|seed| cell(name, set, seed)).collect();
        assert!(runs.iter().all(|it| it.kind == *kind), "{name} {variant}: {runs:?}");
        let percent = runs.iter().map(|it| it.percent).sum::<u64>() / runs.len() as u64;
        cells.push(Cell { kind: *kind, percent }.to_string());
    }
    cells
}

/// The table of the page. `UPDATE=1` rewrites its cells.
#[test]
fn each_topology_and_variant_does_what_the_page_says() {
    let path = root().join("docs/raft.md");
    let page = fs::read_to_string(&path).expect("there is a page");
    let mut now = page.clone();
    for (name, expected) in ROWS {
        let cells = cells(name, expected).join(" | ");
        let link = format!("topologies/{name}.toml)");
        let line = page.lines().find(|line| line.starts_with("| [T") && line.contains(&link));
        let line = line.unwrap_or_else(|| panic!("no row of the page has {name}"));
        let fixed: Vec<&str> = line.split(" | ").take(3).collect();
        now = now.replace(line, &format!("{} | {cells} |", fixed.join(" | ")));
    }
    if std::env::var_os("UPDATE").is_some() {
        fs::write(&path, &now).expect("the page can be written");
    } else {
        assert!(page == now, "UPDATE=1 renews the table of docs/raft.md:\n{now}");
    }
}

/// A pre-vote that does not mind whether a leader is heard of has the same outcomes here.
#[test]
fn pre_votes_by_the_log_alone_change_no_outcome() {
    for (name, expected) in ROWS {
        for (set, like) in [([P0].as_slice(), 1), ([P0, Q].as_slice(), 3)] {
            assert_eq!(cell(name, set, 0).kind, expected[like], "{name} {set:?}");
        }
    }
}

/// With equal logs the middle of the chain votes for both ends, for ever.
#[test]
fn an_idle_chain_has_no_steady_leader_unless_the_middle_minds() {
    let variants: [(&[&str], bool); 8] = [
        (&[], true),
        (&[Q], true),
        (&[P0], true),
        (&[P0, Q], true),
        (&[P], false),
        (&[P, Q], false),
        (&[S], false),
        (&[Q, S], false),
    ];
    for (set, churns) in variants {
        let (Course { elections, end, .. }, ..) = course("t5-idle-chain", set, 0);
        let each = end.since(Time::ZERO).nanos() / elections.len() as u64;
        let is_often = (T.nanos()..=T.nanos() * 21 / 10).contains(&each);
        assert_eq!(is_often, churns, "{set:?}: {} elections by {end}", elections.len());
        assert_eq!(elections.len() == 1, !churns, "{set:?}: the first leader leads on");
    }
}

#[test]
fn who_comes_back_deposes_the_leader_unless_it_asks_first() {
    for (variant, set) in VARIANTS {
        for seed in SEEDS {
            let (Course { elections, .. }, ..) = course("rejoin", set, seed);
            let expected = if set.contains(&P) { 1 } else { 2 };
            assert_eq!(elections.len(), expected, "{variant}, seed {seed}: {elections:?}");
        }
    }
}

/// With fixed timeouts and equal logs a run comes back to where it was, to the nanosecond.
#[test]
fn livelocks_are_told_with_their_periods() {
    for (name, views, ms, leaders) in [
        ("s1-two-leaders", "4 views", 379, 2),
        ("s2-no-leader", "", 350, 0),
        ("s3-chain", "2 views", 149, 2),
    ] {
        let report = play(&scenario(&format!("raft/topologies/{name}"), &[]), 0);
        let Some(Verdict::Violated(found)) = report.verdict("liveness") else {
            panic!("{name}: {:?}", report.verdict("liveness"))
        };
        assert_eq!(found.shape, "livelock", "{name}: {}", found.explanation);
        let period = format!("{views} / {ms}ms, after {ms}ms in the round before");
        let cause = "links that lost messages from GST on: r0-r";
        for words in [&period, cause] {
            assert!(found.explanation.contains(words), "{name}: {}", found.explanation);
        }
        let [from, to] = found.repeats.expect("what repeats");
        let (Course { elections, .. }, ..) = course(name, &[], 0);
        let rounds = to.time.since(from.time).nanos() / Span::from_millis(ms).nanos();
        assert!(10 < rounds, "{name}: {rounds} rounds");
        // Elections that are won in the last two rounds.
        let begin = to.time.since(Time::ZERO) - Span::from_millis(2 * ms);
        let is_last = |at: &&Time| Time::ZERO + begin < **at && **at <= to.time;
        let won = elections.iter().filter(is_last).count();
        assert_eq!(won, 2 * leaders, "{name}: elections won");
    }
}

/// Three servers, with a leader that nothing troubles but this fault, and 20 s.
fn steady(fault: &str) -> Report {
    let file = format!(
        "format = 1\ntitle = \"t\"\nprotocol = \"raft\"\nbeyond-f = true\n\
         cluster = {{ replicas = 3, faults = 1, clients = 1 }}\n\
         params = {{ leader = \"r0\", election-timeout = \"50ms\", heartbeat = \"5ms\" }}\n\
         network = {{ latency.constant = \"1ms\", delta = \"1ms\", losses-last = true }}\n\
         run.at-least = \"20s\"\nworkload.operations = 3\n[[fault]]\n{fault}\n"
    );
    play(&from_text(&file), 0)
}

#[test]
fn a_leader_that_leads_on_in_the_end_is_no_livelock() {
    let cut = "start.at = \"15s\"\nend.at = \"15100ms\"\n\
               do.partition = { groups = [[\"r0\"]], lose = true }";
    let report = steady(cut);
    let Some(Verdict::Violated(found)) = report.verdict("liveness") else {
        panic!("{:?}", report.verdict("liveness"))
    };
    assert_eq!((&*found.shape, found.repeats), ("unsteady", None), "{}", found.explanation);
    // The links work again since 15.1 s.
    for words in ["the last one that won leads on from 15.", "; links that lost messages from GST"]
    {
        assert!(found.explanation.contains(words), "{}", found.explanation);
    }
}

#[test]
fn a_corrupted_leader_is_a_leader() {
    // It is counted as corrupted from the start, and leads as it should.
    let report = steady("start.at = \"19s\"\ndo.omit = { node = \"r0\", messages.nth = 9999 }");
    let liveness = report.verdict("liveness");
    assert!(matches!(liveness, Some(Verdict::Holds { .. })), "{liveness:?}");
    let played = report.result.as_ref().expect("no panic");
    assert_eq!(played.outcome.view_max, 1, "the first leader leads on");
    assert_eq!(played.outcome.milestones.counts().get("view-change"), None);
}
