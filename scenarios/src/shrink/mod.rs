//! Shrinking: from a run that fails to a smaller one that fails for the same reason.
//!
//! Every step is tried by playing the run after it. A step is kept if the run still violates the
//! same property in the same shape ([`Reason`]); when no single step can be kept any more, the run
//! is minimal. Nothing is guessed, and nothing depends on chance: the same run always shrinks to
//! the same smaller one.

mod candidate;
mod causes;
pub mod findings;
mod one_fault;
mod same;
mod shorter;
mod steps;

use std::collections::BTreeSet;

use byzsim_core::{CryptoBackend, Digest};
use serde::Serialize;
use thiserror::Error;

use crate::file::error::Problem;
use crate::file::format::{ScenarioFile, WorkloadSpec};
use crate::repro::Repro;
use crate::repro::replay::replay;
use crate::run::result::{PlayOptions, Report};
use crate::run::scenario::Scenario;
use crate::sweep::cancel::Cancel;
use candidate::{Generator, Run};
use same::Same;
use steps::KINDS;

pub use causes::Cause;
pub use same::Reason;

/// How hard to try.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    /// How many runs may be played.
    pub runs_max: u64,
    /// How many events these may have together: runs differ in length by a factor of thousands.
    pub events_max: u64,
}

/// What a run is charged at least: to set it up takes time as well, and one that panics has no
/// events to count.
const EVENTS_MIN: u64 = 1_000;

impl Default for Budget {
    /// Ten seconds or so.
    fn default() -> Self {
        Self { runs_max: 20_000, events_max: 20_000_000 }
    }
}

/// What came out of shrinking.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Shrunk {
    /// Why the run fails, before and after.
    pub reason: Reason,
    /// The run before.
    pub before: Size,
    /// The run after.
    pub after: Size,
    /// The kinds of faults that are left.
    pub class: String,
    /// The steps that were taken, in order.
    pub steps: Vec<Taken>,
    /// How many runs were played.
    pub runs: u64,
    /// Whether no single step makes the run smaller; if not, the budget ran out, or shrinking was
    /// cancelled.
    pub is_minimal: bool,
    /// The smaller run.
    #[serde(skip)]
    pub repro: Repro,
}

/// How large a run is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Size {
    /// Faults of the plan.
    pub faults: u64,
    /// Nodes that the plan corrupts.
    pub corrupted: u64,
    /// Clients.
    pub clients: u64,
    /// Operations of all clients.
    pub operations: u64,
    /// Replicas.
    pub replicas: u64,
    /// Events of the run; 0 if the protocol panicked.
    pub events: u64,
}

/// A step that was taken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Taken {
    /// What is gone.
    pub what: String,
    /// How many runs were played up to it.
    pub runs: u64,
    /// The run after it.
    pub after: Size,
}

/// Why a run is not shrunk.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum Refusal {
    /// The file says that nothing is violated.
    #[error("the run of this repro file violates nothing, so there is nothing to shrink")]
    Passes,
    /// It does not fail any more, or for another reason.
    #[error("the run no longer fails as recorded: {0}")]
    Otherwise(String),
    /// The smaller run does not replay: an error of byzsim itself.
    #[error("the smaller run does not replay as it was played: {0}")]
    Unstable(String),
}

/// Shrinks the run of a repro that was not read from a file, but made.
///
/// # Errors
/// As [`shrink`].
pub(crate) fn shrink_made(
    repro: &Repro,
    budget: &Budget,
    cancel: Cancel<'_>,
) -> Result<Shrunk, Refusal> {
    let scenario = repro.played().map_err(|why| Refusal::Unstable(why.what))?;
    shrink(repro, &scenario, budget, cancel)
}

/// Shrinks the run of `repro`, whose scenario was read from it ([`Repro::read`]). If it is
/// cancelled, the smallest run so far comes out, and is not said to be minimal.
///
/// # Errors
/// If the run does not fail, or not as it is recorded.
pub fn shrink(
    repro: &Repro,
    scenario: &Scenario,
    budget: &Budget,
    cancel: Cancel<'_>,
) -> Result<Shrunk, Refusal> {
    let reason = Reason::from(repro.found.as_ref().ok_or(Refusal::Passes)?);
    let first = scenario.play(repro.seed, &IDEAL);
    let same = Same::new(reason.clone(), &first);
    if !same.holds(&first) {
        return Err(Refusal::Otherwise(difference(&reason, &first)));
    }
    let before = Size::of(scenario, repro.seed, &first);
    let mut search = Search {
        name: &repro.name,
        seed: repro.seed,
        per_fault: scenario.replicas_per_fault(),
        same,
        budget: *budget,
        cancel,
        best: Best { file: scenario.file.clone(), size: before, fired: fired(&first) },
        tried: BTreeSet::from([scenario.hash]),
        steps: Vec::new(),
        runs: 1,
        events: before.events.max(EVENTS_MIN),
    };
    search.write_out_the_workload(scenario, &first);
    let is_minimal = search.run();
    let Search { best, steps, runs, .. } = search;
    let smaller = made(&repro.name, best.file).expect("it was played");
    Ok(Shrunk {
        class: smaller.file.faults.class(),
        repro: verified(&reason, &smaller, repro)?,
        reason,
        before,
        after: best.size,
        steps,
        runs,
        is_minimal,
    })
}

/// No output depends on how signatures are made, and nobody reads marks here.
const IDEAL: PlayOptions = PlayOptions { crypto: CryptoBackend::Ideal, with_marks: false };

fn made(name: &str, file: ScenarioFile) -> Result<Scenario, Problem> {
    Scenario::new(name, file, &[])
}

fn fired(report: &Report) -> Vec<u64> {
    report.result.as_ref().map_or(Vec::new(), |played| played.fired.clone())
}

fn difference(recorded: &Reason, now: &Report) -> String {
    let Reason { property, shape } = recorded;
    let now = match Reason::of(now) {
        None => "nothing".to_owned(),
        Some(now) => format!("{} ({})", now.property, now.shape),
    };
    format!("it violated {property} ({shape}), but now it violates {now}")
}

/// The repro of the smaller run, replayed from its own text.
fn verified(reason: &Reason, smaller: &Scenario, first: &Repro) -> Result<Repro, Refusal> {
    let repro = Repro::of(smaller, first.seed, first.crypto);
    let again: Repro =
        serde_json::from_str(&repro.to_json()).map_err(|why| Refusal::Unstable(why.to_string()))?;
    let scenario = again.played().map_err(|why| Refusal::Unstable(why.what))?;
    let replay = replay(&again, &scenario);
    if let Some(divergence) = replay.divergence {
        return Err(Refusal::Unstable(divergence.what));
    }
    if Reason::of(&replay.report).as_ref() != Some(reason) {
        return Err(Refusal::Unstable(difference(reason, &replay.report)));
    }
    Ok(repro)
}

impl Size {
    fn of(scenario: &Scenario, seed: u64, report: &Report) -> Self {
        let plan = &scenario.file.faults;
        let operations = scenario.operations(seed).iter().map(|asked| asked.len() as u64).sum();
        Self {
            faults: plan.faults.len() as u64,
            corrupted: plan.corrupted().len() as u64,
            clients: u64::from(scenario.committee.clients),
            operations,
            replicas: u64::from(scenario.committee.replicas),
            events: report.result.as_ref().map_or(0, |played| played.outcome.events),
        }
    }
}

/// The smallest run so far.
struct Best {
    file: ScenarioFile,
    size: Size,
    fired: Vec<u64>,
}

struct Search<'a> {
    name: &'a str,
    seed: u64,
    /// How many replicas one of f takes.
    per_fault: u16,
    same: Same,
    budget: Budget,
    cancel: Cancel<'a>,
    best: Best,
    /// What was played already: a run that did not fail once will not fail again.
    tried: BTreeSet<Digest>,
    steps: Vec<Taken>,
    runs: u64,
    events: u64,
}

impl Search<'_> {
    /// Drawn operations become a script, so that they can go one by one. The run must stay the
    /// same: its trace says so.
    fn write_out_the_workload(&mut self, scenario: &Scenario, first: &Report) {
        if scenario.file.workload.script.is_some() {
            return;
        }
        let operations = scenario.operations(self.seed);
        let script = scenario.committee.client_ids().zip(operations).collect();
        let WorkloadSpec { think, arrival, audit, .. } = scenario.file.workload;
        let script = Some(script);
        let workload = WorkloadSpec { operations: None, keys: None, think, arrival, script, audit };
        let Ok(scripted) = made(self.name, ScenarioFile { workload, ..scenario.file.clone() })
        else {
            return;
        };
        self.runs += 1;
        let report = scripted.play(self.seed, &IDEAL);
        if report.trace() == first.trace() && self.same.holds(&report) {
            self.best.file = scripted.file;
        }
    }

    /// Takes steps until none can be taken; whether that was reached.
    fn run(&mut self) -> bool {
        loop {
            let before = self.steps.len();
            for kind in KINDS {
                self.pass(*kind);
            }
            if self.is_spent() {
                return false;
            }
            if self.steps.len() == before {
                return true;
            }
        }
    }

    /// Tries all steps of one kind. After one that is kept, the list is another, and the next one
    /// stands at the same place of it.
    fn pass(&mut self, kind: Generator) {
        let mut place = 0;
        loop {
            let Best { file, fired, .. } = &self.best;
            let run = Run { file, fired, per_fault: self.per_fault };
            let candidates = kind(run);
            let kept = candidates
                .into_iter()
                .enumerate()
                .skip(place)
                .find_map(|(at, step)| self.try_step(step.file, &step.what).then_some(at));
            match kept {
                Some(at) => place = at,
                None => return,
            }
        }
    }

    /// Plays the run after a step; whether the step is kept.
    fn try_step(&mut self, file: ScenarioFile, what: &str) -> bool {
        if self.is_spent() || !self.tried.insert(file.hash()) {
            return false;
        }
        // What the scenario's own checks refuse is not played.
        let Ok(scenario) = made(self.name, file) else { return false };
        let report = scenario.play(self.seed, &IDEAL);
        let size = Size::of(&scenario, self.seed, &report);
        self.runs += 1;
        self.events = self.events.saturating_add(size.events.max(EVENTS_MIN));
        if !self.same.holds(&report) {
            return false;
        }
        self.best = Best { file: scenario.file, size, fired: fired(&report) };
        self.steps.push(Taken { what: what.to_owned(), runs: self.runs, after: size });
        true
    }

    /// Whether the budget ran out, or whoever waits has waited enough.
    fn is_spent(&self) -> bool {
        self.budget.runs_max <= self.runs
            || self.budget.events_max <= self.events
            || self.cancel.is_asked()
    }
}
