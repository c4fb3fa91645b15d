//! One search for a planted flaw: a sweep up to its first violation, and what that shrinks to.

#![expect(clippy::disallowed_types, reason = "a hunt tells how long each search took")]

use std::ops::ControlFlow;
use std::time::Instant;

use super::found::{Catch, Hunted, Smaller};
use crate::file::format::SeedRange;
use crate::repro::Repro;
use crate::run::finding;
use crate::run::scenario::Scenario;
use crate::run::strategy::Strategy;
use crate::shrink::{Budget, Refusal, findings, shrink_made};
use crate::sweep::cancel::Cancel;
use crate::sweep::options::SweepOptions;
use crate::sweep::sweep;

/// How many findings of a flaw are shrunk: one for each of three campaigns.
const SHRUNK_MAX: usize = 3;

/// How hard each of them is shrunk. Runs that lose liveness are long, up to 200,000 events, but
/// some dozens of them show what can go: all that were measured were minimal after three million
/// events, the slowest after six seconds. A count ends a shrink and no clock, so that what comes
/// out is the same on every machine.
pub const SHRINK_BUDGET: Budget = Budget { runs_max: 5_000, events_max: 4_000_000 };

/// One search, on this thread, up to its first violation: what it found, if it found something.
/// `None` if it was interrupted before either was known.
#[expect(clippy::option_option, reason = "not to have ended is not to have found nothing")]
pub(super) fn search(
    scenario: &Scenario,
    strategy: Strategy,
    seeds: SeedRange,
    cancel: Cancel<'_>,
) -> Option<Option<Catch>> {
    let started = Instant::now();
    let options = SweepOptions { strategy, ..SweepOptions::of(seeds) };
    let (mut failing, mut is_cut) = (None, false);
    let summary = sweep(scenario, &options, |row| {
        if !row.findings().is_empty() {
            // After the first one, a sweep may still tell of a run that was under way.
            failing.get_or_insert(row.seed);
            return ControlFlow::Break(());
        }
        is_cut |= cancel.is_asked();
        if is_cut { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    let wall_ms = millis(started);
    let Some(seed) = failing else { return if is_cut { None } else { Some(None) } };
    let repro = findings::repro(scenario, &summary, seed);
    Some(Some(Catch {
        runs: seed - seeds.start + 1,
        wall_ms,
        property: fell_first(&repro).to_owned(),
        shrunk: None,
        refusal: None,
        repro: Some(Box::new(repro)),
    }))
}

fn millis(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX)
}

/// The property whose violation became visible first; `panic` for a panic. The others are mostly
/// consequences.
fn fell_first(repro: &Repro) -> &str {
    let verdicts = repro.verdicts.iter().map(|(name, verdict)| (name.as_str(), verdict));
    let found = finding::findings(None, verdicts);
    let first = found.into_iter().min_by_key(|it| it.at.map(|at| at.event));
    first.map_or_else(
        || &*repro.found.as_ref().expect("the run fails").property,
        |finding| finding.property,
    )
}

/// Shrinks the first findings of a flaw.
pub(super) fn shrink_first(hunted: &mut Hunted, cancel: Cancel<'_>) {
    let catches = hunted.searches.iter_mut().rev().flat_map(|it| &mut it.catches).flatten();
    for catch in catches.take(SHRUNK_MAX) {
        let Some(repro) = catch.repro.take() else { continue };
        match smaller(&repro, cancel) {
            Ok(smaller) => catch.shrunk = Some(smaller),
            Err(refusal) => catch.refusal = Some(refusal.to_string()),
        }
    }
}

/// What a run shrinks to.
fn smaller(repro: &Repro, cancel: Cancel<'_>) -> Result<Smaller, Refusal> {
    let started = Instant::now();
    let shrunk = shrink_made(repro, &SHRINK_BUDGET, cancel)?;
    Ok(Smaller {
        faults_before: shrunk.before.faults,
        faults: shrunk.after.faults,
        operations: shrunk.after.operations,
        events: shrunk.after.events,
        class: shrunk.class,
        property: shrunk.reason.property,
        is_minimal: shrunk.is_minimal,
        runs: shrunk.runs,
        wall_ms: millis(started),
    })
}
