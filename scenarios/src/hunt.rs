//! Hunts: how many runs each strategy needs to find each planted flaw, knowing nothing of it.
//!
//! Every flaw is hunted in the same scenario, its protocol's `chaos`, with nothing changed but the
//! flaw. A hunt ends with the first run that violates any property. The first finding of the last
//! strategy that has one is shrunk, to show how small a plan the flaw needs.

#![expect(clippy::disallowed_types, reason = "a hunt tells how long each search took")]

use std::ops::ControlFlow;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use byzsim_core::CryptoBackend;
use byzsim_protocols::FlawEntry;
use serde::Serialize;

use crate::error::LoadError;
use crate::format::SeedRange;
use crate::load::{Changes, load_with};
use crate::repro::Repro;
use crate::scenario::{PlayOptions, Scenario};
use crate::search::Strategy;
use crate::shrink::{Budget, shrink};
use crate::sweep::{SweepOptions, sweep};

/// What is hunted, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HuntOptions {
    /// The strategies that are compared.
    pub strategies: Vec<Strategy>,
    /// How many searches each strategy gets, with seeds of its own.
    pub campaigns: u64,
    /// How many runs one search has at most.
    pub runs_max: u64,
    /// How many searches go on at once, each on one thread.
    pub jobs: usize,
}

/// A flaw, and how it was found.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Hunted {
    /// The flaw's name.
    pub flaw: &'static str,
    /// Its protocol.
    pub protocol: &'static str,
    /// The property that it is known to violate.
    pub violates: &'static str,
    /// The searches, strategy by strategy, campaign by campaign.
    pub searches: Vec<Searched>,
    /// The smallest plan: of the first finding of the first strategy, from the last, that has one.
    pub smallest: Option<Smallest>,
}

/// The searches of one strategy.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Searched {
    /// The strategy.
    pub strategy: Strategy,
    /// What each campaign came to; `None` where it found nothing.
    pub catches: Vec<Option<Catch>>,
}

/// A search that found the flaw.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Catch {
    /// How many runs it took, the failing one included.
    pub runs: u64,
    /// How long it took on one thread, in milliseconds.
    pub wall_ms: u64,
    /// What was violated.
    pub property: String,
    #[serde(skip)]
    repro: Option<Box<Repro>>,
}

/// A shrunk plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Smallest {
    /// How many faults the finding had.
    pub faults_before: u64,
    /// How many are left.
    pub faults: u64,
    /// What kinds of faults are left.
    pub class: String,
    /// What the shrunk run violates.
    pub property: String,
    /// Whether nothing more can be taken away.
    pub is_minimal: bool,
    /// How long shrinking took, in milliseconds.
    pub wall_ms: u64,
}

impl Searched {
    /// The median of the runs that the campaigns took, and of the milliseconds; `None` if at least
    /// half of them found nothing.
    pub fn median(&self) -> Option<(u64, u64)> {
        let middle = |mut numbers: Vec<u64>| {
            numbers.sort_unstable();
            numbers.get(self.catches.len() / 2).copied()
        };
        let found = || self.catches.iter().flatten();
        let runs = middle(found().map(|it| it.runs).collect())?;
        Some((runs, middle(found().map(|it| it.wall_ms).collect())?))
    }

    /// How many campaigns found the flaw.
    pub fn found(&self) -> usize {
        self.catches.iter().flatten().count()
    }
}

/// A search that is to be made.
struct Task {
    flaw: usize,
    strategy: usize,
    campaign: u64,
}

/// Hunts the flaws of protocols. `each` is told after every search: the flaw, the strategy, and
/// what was found.
///
/// # Errors
/// If a protocol has no scenario `chaos`, or a flaw cannot be planted in it.
pub fn hunt(
    flaws: &[(&'static str, FlawEntry)],
    options: &HuntOptions,
    each: impl Fn(&str, Strategy, Option<&Catch>) + Sync,
) -> Result<Vec<Hunted>, LoadError> {
    let scenarios = flaws
        .iter()
        .map(|(protocol, flaw)| {
            let changes = Changes { flaws: vec![flaw.name.to_owned()], set: Vec::new() };
            load_with(&format!("{protocol}/chaos"), &changes)
        })
        .collect::<Result<Vec<Scenario>, LoadError>>()?;
    let mut tasks = Vec::new();
    for flaw in 0..flaws.len() {
        for strategy in 0..options.strategies.len() {
            let of = |campaign| Task { flaw, strategy, campaign };
            tasks.extend((0..options.campaigns).map(of));
        }
    }
    let empty = |(protocol, flaw): &(&'static str, FlawEntry)| Hunted {
        flaw: flaw.name,
        protocol,
        violates: flaw.violates,
        searches: options.strategies.iter().map(|strategy| none(*strategy, options)).collect(),
        smallest: None,
    };
    let hunted: Mutex<Vec<Hunted>> = Mutex::new(flaws.iter().map(empty).collect());
    in_parallel(options.jobs, tasks.len(), |place| {
        let Task { flaw, strategy, campaign } = tasks[place];
        let seeds = campaign * options.runs_max;
        let seeds = SeedRange { start: seeds, end: seeds + options.runs_max };
        let catch = search(&scenarios[flaw], options.strategies[strategy], seeds);
        each(flaws[flaw].1.name, options.strategies[strategy], catch.as_ref());
        let mut hunted = hunted.lock().expect("no thread panics: runs are caught");
        let campaign = usize::try_from(campaign).expect("campaigns are counted in small numbers");
        hunted[flaw].searches[strategy].catches[campaign] = catch;
    });
    let hunted = Mutex::into_inner(hunted).expect("no thread panics: runs are caught");
    let smallest: Mutex<Vec<Option<Smallest>>> = Mutex::new(vec![None; hunted.len()]);
    in_parallel(options.jobs, hunted.len(), |place| {
        let found = smallest_of(&hunted[place]);
        smallest.lock().expect("no thread panics: runs are caught")[place] = found;
    });
    let smallest = Mutex::into_inner(smallest).expect("no thread panics: runs are caught");
    let filled = hunted.into_iter().zip(smallest);
    Ok(filled.map(|(it, smallest)| Hunted { smallest, ..it }).collect())
}

fn none(strategy: Strategy, options: &HuntOptions) -> Searched {
    Searched { strategy, catches: (0..options.campaigns).map(|_| None).collect() }
}

fn in_parallel(jobs: usize, count: usize, work: impl Fn(usize) + Sync) {
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..jobs.clamp(1, count.max(1)) {
            scope.spawn(|| {
                loop {
                    let place = next.fetch_add(1, Ordering::Relaxed);
                    if count <= place {
                        return;
                    }
                    work(place);
                }
            });
        }
    });
}

/// One search, on this thread, up to its first violation.
fn search(scenario: &Scenario, strategy: Strategy, seeds: SeedRange) -> Option<Catch> {
    let started = Instant::now();
    let options = SweepOptions { strategy, ..SweepOptions::of(seeds) };
    let mut failing = None;
    sweep(scenario, &options, |row| {
        let Some(finding) = row.findings().next() else { return ControlFlow::Continue(()) };
        // After the first one, a sweep may still tell of a run that was under way.
        failing.get_or_insert_with(|| (row.seed, row.draft.clone(), finding.property.to_owned()));
        ControlFlow::Break(())
    });
    let wall_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
    let (seed, draft, property) = failing?;
    let (run_seed, drawn) = match draft {
        Some(draft) => (draft.seed, draft.drawn),
        None => (seed, scenario.draw_by(strategy, seed)),
    };
    let play = PlayOptions { crypto: CryptoBackend::Ideal, with_marks: true };
    let report = scenario.play_drawn(run_seed, drawn, &play, None);
    let repro = Some(Box::new(Repro::new(scenario, &report, CryptoBackend::Ideal)));
    Some(Catch { runs: seed - seeds.start + 1, wall_ms, property, repro })
}

/// The shrunk plan of a finding.
fn smallest_of(hunted: &Hunted) -> Option<Smallest> {
    let repro = hunted
        .searches
        .iter()
        .rev()
        .flat_map(|searched| &searched.catches)
        .flatten()
        .find_map(|it| it.repro.as_deref())?;
    let scenario = Scenario::new(&repro.name, repro.scenario.clone(), &[]).ok()?;
    let started = Instant::now();
    let shrunk = shrink(repro, &scenario, &Budget::default()).ok()?;
    let wall_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
    Some(Smallest {
        faults_before: shrunk.before.faults,
        faults: shrunk.after.faults,
        class: shrunk.class,
        property: shrunk.reason.property,
        is_minimal: shrunk.is_minimal,
        wall_ms,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_median_counts_searches_that_found_nothing() {
        let catch = |runs| {
            Some(Catch { runs, wall_ms: runs * 2, property: "agreement".to_owned(), repro: None })
        };
        for (catches, median) in [
            (vec![catch(5)], Some((5, 10))),
            (vec![catch(9), catch(1), catch(5)], Some((5, 10))),
            (vec![None, catch(1), catch(5)], Some((5, 10))),
            (vec![None, catch(1), None], None),
            (vec![None], None),
        ] {
            let searched = Searched { strategy: Strategy::Random, catches };
            assert_eq!(searched.median(), median, "{searched:?}");
        }
    }
}
