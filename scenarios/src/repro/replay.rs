//! Replays: whether a run takes the course that a repro file recorded, and where it leaves it.

use byzsim_core::{NodeId, Recorder, Time, TraceEvent, Verdict};

use crate::file::names;
use crate::repro::Repro;
use crate::run::event;
use crate::run::result::{PlayOptions, Report};
use crate::run::scenario::Scenario;

/// What a replay found.
#[derive(Clone, Debug)]
pub struct Replay {
    /// The run, as it went now.
    pub report: Report,
    /// Where it left the recorded course; none if the runs are identical.
    pub divergence: Option<Divergence>,
}

/// Where two runs part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Divergence {
    /// The first event that differs lies in this closed range of event numbers.
    pub between: (u64, u64),
    /// How it differs.
    pub what: String,
    /// This run's events from two before the range on.
    pub events: Vec<Happened>,
}

/// An event of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Happened {
    /// Its number.
    pub number: u64,
    /// When it happened.
    pub time: Time,
    /// To whom.
    pub node: NodeId,
    /// What, in words.
    pub text: String,
}

/// Plays the run of a repro file, and compares it with what was recorded.
pub fn replay(repro: &Repro, scenario: &Scenario) -> Replay {
    replay_recorded(repro, scenario, None)
}

/// Plays and compares the run of a repro file, and shows every event to `recorder`.
pub fn replay_recorded(
    repro: &Repro,
    scenario: &Scenario,
    recorder: Option<&mut dyn Recorder>,
) -> Replay {
    let options = PlayOptions { crypto: repro.crypto, with_marks: true };
    let report = scenario.play_recorded(repro.seed, &options, recorder);
    let divergence = compare(repro, &report).map(|(between, what)| {
        let events = excerpt(scenario, repro.seed, &options, between);
        Divergence { between, what, events }
    });
    Replay { report, divergence }
}

/// Where the run of `report` leaves the recorded one, and how.
fn compare(repro: &Repro, report: &Report) -> Option<((u64, u64), String)> {
    match (&repro.trace, &report.result) {
        (Some(recorded), Ok(played)) => {
            let outcome = &played.outcome;
            if recorded.hash == outcome.trace.hex() {
                return other_verdicts(repro, report)
                    .map(|what| ((outcome.events, outcome.events), what));
            }
            let mine = outcome.marks.as_ref().expect("the run was played with marks");
            let theirs = recorded.parse_marks().expect("the file was checked");
            let shorter = recorded.events.min(outcome.events);
            let between = mine.first_difference(&theirs).unwrap_or((shorter, shorter));
            let what = if recorded.events == outcome.events {
                "other events, but as many as recorded".to_owned()
            } else {
                format!("the number of events is {} instead of {}", outcome.events, recorded.events)
            };
            Some((between, what))
        }
        (None, Err(panic)) => {
            let recorded = repro.found.as_ref()?;
            if recorded.shape == panic.location && recorded.explanation == panic.message {
                return None;
            }
            let what = format!("panicked at {} instead of {}", panic.location, recorded.shape);
            Some(((0, u64::MAX), what))
        }
        (Some(recorded), Err(panic)) => {
            Some(((0, recorded.events), format!("panicked: {}", panic.message)))
        }
        (None, Ok(played)) => {
            let events = played.outcome.events;
            Some(((0, events), "did not panic as the recorded run did".to_owned()))
        }
    }
}

/// The same course, judged otherwise: a checker changed, or the file. A run is judged on the
/// properties that its file records: a checker that came later breaks no older file.
fn other_verdicts(repro: &Repro, report: &Report) -> Option<String> {
    let differs = |(name, now): &&(&str, Verdict)| {
        repro.verdicts.get(*name).is_some_and(|recorded| !is_same(recorded, now))
    };
    let other: Vec<&str> =
        report.verdicts().iter().filter(differs).map(|(name, _)| *name).collect();
    let names = repro.verdicts.keys().map(String::as_str);
    let unknown: Vec<&str> = names.filter(|name| report.verdict(name).is_none()).collect();
    let mut differences = Vec::new();
    if !other.is_empty() {
        differences.push(format!("the same events, but other verdicts: {}", other.join(", ")));
    }
    if !unknown.is_empty() {
        let names = names::alternatives(unknown);
        differences.push(format!("the file has a verdict on {names}, which byzsim does not judge"));
    }
    (!differences.is_empty()).then(|| differences.join("; "))
}

/// Whether two verdicts say the same, in whatever words: another version may explain a violation
/// better, and its files are no worse for that.
fn is_same(recorded: &Verdict, now: &Verdict) -> bool {
    match (recorded, now) {
        (Verdict::Violated(recorded), Verdict::Violated(now)) => {
            (recorded.at, &recorded.shape) == (now.at, &now.shape)
        }
        (Verdict::Inconclusive(_), Verdict::Inconclusive(_)) => true,
        _ => recorded == now,
    }
}

/// This run's events around the place where it leaves the recorded one.
fn excerpt(
    scenario: &Scenario,
    seed: u64,
    options: &PlayOptions,
    (first, last): (u64, u64),
) -> Vec<Happened> {
    const BEFORE: u64 = 2;
    let (first, last) = (first.saturating_sub(BEFORE), last.saturating_add(1));
    let mut window = Window { first, last, events: Vec::new() };
    scenario.play_recorded(seed, options, Some(&mut window));
    window.events
}

struct Window {
    first: u64,
    last: u64,
    events: Vec<Happened>,
}

impl Window {
    /// How many events are shown.
    const EVENTS_MAX: usize = 8;
}

impl Recorder for Window {
    fn record(&mut self, number: u64, time: Time, what: &TraceEvent<'_>) {
        // Sending is shown but not hashed: it has no number of its own.
        let is_counted = !matches!(what, TraceEvent::Sent { .. });
        if is_counted
            && (self.first..=self.last).contains(&number)
            && self.events.len() < Self::EVENTS_MAX
        {
            let (node, text) = event::describe(what);
            self.events.push(Happened { number, time, node, text });
        }
    }
}
