//! Causes: findings whose smallest runs have faults of one class.
//!
//! A sweep may find one bug on a hundred seeds, or two bugs that violate the same property in the
//! same shape. The faults that are left after shrinking distinguish them.

use byzsim_adversaries::Fault;
use serde::Serialize;

use super::{Budget, Reason, Shrunk, shrink_made};
use crate::repro::Repro;
use crate::sweep::cancel::Cancel;
use crate::sweep::pool;

/// How many findings of a sweep are shrunk.
const SHRUNK_MAX: usize = 20;

/// How many events all of these may take together: a sweep must come to its end.
const EVENTS_MAX: u64 = 10_000_000;

/// Findings with one reason, whose smallest runs have faults of one class.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Cause {
    /// Why the runs fail.
    pub reason: Reason,
    /// The kinds of faults that are left: `lie deny-history + hold view-change`.
    pub class: String,
    /// How many of the runs that were shrunk have this cause.
    pub runs: u64,
    /// The seed of the smallest of them.
    pub seed: u64,
    /// How many faults that run had.
    pub faults_before: u64,
    /// How many are left.
    pub faults_after: u64,
    /// Whether none of them can be removed; if not, the budget ran out.
    pub is_minimal: bool,
    /// Those that are left, in words.
    pub plan: Vec<String>,
    /// What happens in that run.
    pub explanation: String,
    /// The repro file of that run before it was shrunk, and that of the smaller one.
    pub files: Option<[String; 2]>,
}

/// Shrinks runs of one sweep, as many as are allowed of each reason, on `jobs` threads. Each goes
/// by the seed that the sweep played it as, which in a guided search is not the run's own.
pub(super) fn shrink_all(
    repros: &[(u64, Repro)],
    jobs: usize,
    cancel: Cancel<'_>,
) -> Vec<(u64, Shrunk)> {
    let chosen = chosen(repros);
    let events_max = EVENTS_MAX / chosen.len().max(1) as u64;
    let budget = Budget { events_max, ..Budget::default() };
    let all = pool::in_order(jobs, &chosen, |(seed, repro)| {
        Some((*seed, shrink_made(repro, &budget, cancel).ok()?))
    });
    all.into_iter().flatten().collect()
}

/// Of each reason equally many, the shortest runs first.
fn chosen(repros: &[(u64, Repro)]) -> Vec<&(u64, Repro)> {
    let reason = |repro: &Repro| repro.found.as_ref().map(Reason::from);
    let mut failing: Vec<(Reason, &(u64, Repro))> =
        repros.iter().filter_map(|pair| Some((reason(&pair.1)?, pair))).collect();
    let events = |repro: &Repro| repro.trace.as_ref().map_or(0, |trace| trace.events);
    failing.sort_by(|(a, (one, first)), (b, (other, second))| {
        (a, events(first), one).cmp(&(b, events(second), other))
    });
    let groups: Vec<_> = failing.chunk_by(|(a, _), (b, _)| a == b).collect();
    let each = (SHRUNK_MAX / groups.len().max(1)).max(1);
    let firsts = groups.into_iter().flat_map(|group| group.iter().take(each));
    firsts.take(SHRUNK_MAX).map(|(_, pair)| *pair).collect()
}

/// What the shrunk runs have in common: the causes, those of many runs first.
pub(super) fn causes(all: &[(u64, Shrunk)]) -> Vec<Cause> {
    let mut causes: Vec<(Cause, &Shrunk)> = Vec::new();
    for (seed, shrunk) in all {
        let same = |(cause, _): &&mut (Cause, &Shrunk)| {
            cause.reason == shrunk.reason && cause.class == shrunk.class
        };
        let found = causes.iter_mut().find(same);
        let Some((cause, smallest)) = found else {
            causes.push((Cause::of(*seed, shrunk, 1), shrunk));
            continue;
        };
        let size = |it: &Shrunk| (it.after.faults, it.after.operations, it.after.events);
        if size(shrunk) < size(smallest) {
            *cause = Cause::of(*seed, shrunk, cause.runs);
            *smallest = shrunk;
        }
        cause.runs += 1;
    }
    let mut causes: Vec<Cause> = causes.into_iter().map(|(cause, _)| cause).collect();
    let rank = |it: &Cause| (std::cmp::Reverse(it.runs), it.faults_after, it.class.clone());
    causes.sort_by_key(rank);
    causes
}

impl Cause {
    fn of(seed: u64, shrunk: &Shrunk, runs: u64) -> Self {
        let repro = &shrunk.repro;
        let faults = &repro.scenario.faults.faults;
        let found = repro.found.as_ref();
        Self {
            reason: shrunk.reason.clone(),
            class: shrunk.class.clone(),
            runs,
            seed,
            faults_before: shrunk.before.faults,
            faults_after: shrunk.after.faults,
            is_minimal: shrunk.is_minimal,
            plan: faults.iter().map(Fault::in_words).collect(),
            explanation: found.map(|found| found.explanation.clone()).unwrap_or_default(),
            files: None,
        }
    }
}
