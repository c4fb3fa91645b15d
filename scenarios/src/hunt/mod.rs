//! Hunts: how many runs each strategy needs to find each planted flaw, knowing nothing of it.
//!
//! Every flaw is hunted in the same scenario, its protocol's `chaos`, with nothing changed but the
//! flaw. A search ends with the first run that violates any property. The searches of a flaw go
//! one after the other, and whoever ends the last one shrinks what was found: so flaws are finished
//! one by one, and an interruption leaves those that are.

#![expect(clippy::disallowed_types, reason = "a hunt tells how long each search took")]

use std::ops::ControlFlow;
use std::sync::Mutex;
use std::time::Instant;

use byzsim_core::{CryptoBackend, PROPERTIES, Verdict};
use byzsim_protocols::FlawEntry;
use serde::Serialize;

use crate::cli::interrupt;
use crate::file::error::LoadError;
use crate::file::format::SeedRange;
use crate::repro::Repro;
use crate::run::load::{Changes, load_with};
use crate::run::scenario::Scenario;
use crate::run::strategy::Strategy;
use crate::shrink::{Budget, Refusal, shrink};
use crate::sweep::pool;
use crate::sweep::{SweepOptions, sweep};

/// How many findings of a flaw are shrunk: one for each of three campaigns.
const SHRUNK_MAX: usize = 3;

/// How hard each of them is shrunk. Runs that lose liveness are long, up to 200,000 events, but
/// some dozens of them show what can go: all that were measured were minimal after three million
/// events, the slowest after six seconds. A count ends a shrink and no clock, so that what comes
/// out is the same on every machine.
pub const SHRINK_BUDGET: Budget = Budget { runs_max: 5_000, events_max: 4_000_000 };

/// A strategy, and how long one search goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Effort {
    /// How plans are chosen.
    pub strategy: Strategy,
    /// How many runs one search has at most.
    pub runs_max: u64,
}

/// What is hunted, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HuntOptions {
    /// The strategies that are compared.
    pub strategies: Vec<Effort>,
    /// How many searches each strategy gets, with seeds of its own.
    pub campaigns: u64,
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
    /// The property that fell first in the failing run; `panic` for a panic.
    pub property: String,
    /// What the run shrank to, if it is one of those that were shrunk.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shrunk: Option<Smaller>,
    /// Why it could not be shrunk: an error of byzsim itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refusal: Option<String>,
    #[serde(skip)]
    repro: Option<Box<Repro>>,
}

/// What a run shrank to. It was replayed, and fails for the same reason: [`shrink`] sees to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Smaller {
    /// How many faults the run had.
    pub faults_before: u64,
    /// How many are left.
    pub faults: u64,
    /// How many operations are left.
    pub operations: u64,
    /// How many events the shrunk run has.
    pub events: u64,
    /// What kinds of faults are left.
    pub class: String,
    /// What the shrunk run violates: the first such property in the order of [`PROPERTIES`].
    pub property: String,
    /// Whether nothing more can be taken away; if not, the budget ran out.
    pub is_minimal: bool,
    /// How many runs shrinking took.
    pub runs: u64,
    /// How long it took, in milliseconds.
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

impl Hunted {
    /// All that was found: by the last strategy first, which is the one that is hunted with.
    pub fn catches(&self) -> impl Iterator<Item = &Catch> {
        self.searches.iter().rev().flat_map(|searched| &searched.catches).flatten()
    }

    /// What its findings shrank to.
    pub fn shrunk(&self) -> impl Iterator<Item = &Smaller> {
        self.catches().filter_map(|it| it.shrunk.as_ref())
    }

    /// The smallest of them: no more than that is needed to show the flaw.
    pub fn smallest(&self) -> Option<&Smaller> {
        self.shrunk().min_by_key(|it| (it.faults, it.operations, it.events))
    }

    /// The properties that fell first, those of most findings first.
    pub fn fell(&self) -> Vec<&str> {
        let count = |name: &str| self.catches().filter(|it| it.property == name).count();
        let mut names: Vec<&str> = self.catches().map(|it| &*it.property).collect();
        names.sort_by_key(|name| (std::cmp::Reverse(count(name)), *name));
        names.dedup();
        names
    }

    /// Shrinks the first findings.
    fn shrink(&mut self) {
        let catches = self.searches.iter_mut().rev().flat_map(|it| &mut it.catches).flatten();
        for catch in catches.take(SHRUNK_MAX) {
            let Some(repro) = catch.repro.take() else { continue };
            match smaller(&repro) {
                Ok(smaller) => catch.shrunk = Some(smaller),
                Err(refusal) => catch.refusal = Some(refusal.to_string()),
            }
        }
    }
}

/// Hunts the flaws of protocols. `each` is told of every flaw that is finished. Returned are those
/// that are, in the order of `flaws`: all, if nobody pressed Ctrl-C.
///
/// # Errors
/// If a protocol has no scenario `chaos`, or a flaw cannot be planted in it.
pub fn hunt(
    flaws: &[(&'static str, FlawEntry)],
    options: &HuntOptions,
    mut each: impl FnMut(&Hunted),
) -> Result<Vec<Hunted>, LoadError> {
    let scenarios = flaws
        .iter()
        .map(|(protocol, flaw)| {
            let changes = Changes { flaws: vec![flaw.name.to_owned()], set: Vec::new() };
            load_with(&format!("{protocol}/chaos"), &changes)
        })
        .collect::<Result<Vec<Scenario>, LoadError>>()?;
    let tasks = tasks(flaws.len(), options);
    let open: Vec<_> = flaws.iter().map(|flaw| Mutex::new(Open::new(flaw, options))).collect();
    let work = |place: u64| {
        let place = usize::try_from(place).expect("it is below the number of tasks");
        let Task { flaw, strategy, campaign } = tasks[place];
        let Effort { strategy: chosen, runs_max } = options.strategies[strategy];
        let ended = search(&scenarios[flaw], chosen, seeds(campaign, runs_max))?;
        let mut open = open[flaw].lock().expect("no thread panics: runs are caught");
        let mut hunted = open.add((strategy, campaign), ended)?;
        drop(open);
        hunted.shrink();
        Some((flaw, hunted))
    };
    let mut finished = Vec::new();
    pool::as_finished(options.jobs, tasks.len() as u64, work, |_, hunted| {
        if let Some((flaw, hunted)) = hunted {
            each(&hunted);
            finished.push((flaw, hunted));
        }
        if interrupt::asked() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    finished.sort_unstable_by_key(|(flaw, _)| *flaw);
    Ok(finished.into_iter().map(|(_, hunted)| hunted).collect())
}

/// A search that is to be made.
#[derive(Clone, Copy)]
struct Task {
    flaw: usize,
    strategy: usize,
    campaign: usize,
}

/// Flaw by flaw, so that one is finished before the next but one is begun.
fn tasks(flaws: usize, options: &HuntOptions) -> Vec<Task> {
    let campaigns = campaigns(options);
    let mut tasks = Vec::new();
    for flaw in 0..flaws {
        for strategy in 0..options.strategies.len() {
            tasks.extend((0..campaigns).map(|campaign| Task { flaw, strategy, campaign }));
        }
    }
    tasks
}

fn campaigns(options: &HuntOptions) -> usize {
    usize::try_from(options.campaigns).expect("campaigns are counted in small numbers")
}

/// Each campaign has seeds of its own, and those of no other.
const fn seeds(campaign: usize, runs_max: u64) -> SeedRange {
    let start = campaign as u64 * runs_max;
    SeedRange { start, end: start + runs_max }
}

/// A flaw that is hunted, as far as its searches ended.
struct Open {
    hunted: Option<Hunted>,
    missing: usize,
}

impl Open {
    fn new((protocol, flaw): &(&'static str, FlawEntry), options: &HuntOptions) -> Self {
        let campaigns = campaigns(options);
        let none = |Effort { strategy, .. }: &Effort| Searched {
            strategy: *strategy,
            catches: vec![None; campaigns],
        };
        let searches = options.strategies.iter().map(none).collect();
        let FlawEntry { name: flaw, violates, .. } = *flaw;
        Self {
            hunted: Some(Hunted { flaw, protocol, violates, searches }),
            missing: options.strategies.len() * campaigns,
        }
    }

    /// Adds what a search came to; all of it, if that was the last one.
    fn add(
        &mut self,
        (strategy, campaign): (usize, usize),
        catch: Option<Catch>,
    ) -> Option<Hunted> {
        let hunted = self.hunted.as_mut().expect("no search ends after the last one");
        hunted.searches[strategy].catches[campaign] = catch;
        self.missing -= 1;
        if self.missing == 0 { self.hunted.take() } else { None }
    }
}

/// One search, on this thread, up to its first violation: what it found, if it found something.
/// `None` if it was interrupted before either was known.
#[expect(clippy::option_option, reason = "not to have ended is not to have found nothing")]
fn search(scenario: &Scenario, strategy: Strategy, seeds: SeedRange) -> Option<Option<Catch>> {
    let started = Instant::now();
    let options = SweepOptions { strategy, ..SweepOptions::of(seeds) };
    let (mut failing, mut is_cut) = (None, false);
    sweep(scenario, &options, |row| {
        if row.findings().next().is_some() {
            // After the first one, a sweep may still tell of a run that was under way.
            failing.get_or_insert_with(|| (row.seed, row.draft.clone()));
            return ControlFlow::Break(());
        }
        is_cut |= interrupt::asked();
        if is_cut { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    let wall_ms = millis(started);
    let Some((seed, draft)) = failing else { return if is_cut { None } else { Some(None) } };
    let played = (strategy, seed);
    let repro = Repro::of_search(scenario, played, draft.as_ref(), CryptoBackend::Ideal);
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
    let fallen =
        PROPERTIES.iter().filter_map(|property| match repro.verdicts.get(property.name)? {
            Verdict::Violated(violation) => Some((violation.at.event, property.name)),
            Verdict::Holds(_) | Verdict::Inconclusive(_) => None,
        });
    let first = fallen.min_by_key(|(event, _)| *event).map(|(_, name)| name);
    first.or(repro.found.as_ref().map(|it| &*it.property)).expect("the run fails")
}

/// What a run shrinks to.
fn smaller(repro: &Repro) -> Result<Smaller, Refusal> {
    let scenario = Scenario::new(&repro.name, repro.scenario.clone(), &[])
        .map_err(|why| Refusal::Unstable(why.what))?;
    let started = Instant::now();
    let shrunk = shrink(repro, &scenario, &SHRINK_BUDGET)?;
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

#[cfg(test)]
mod tests {
    use super::*;

    fn catch(runs: u64, property: &str) -> Catch {
        Catch {
            runs,
            wall_ms: runs * 2,
            property: property.to_owned(),
            shrunk: None,
            refusal: None,
            repro: None,
        }
    }

    #[test]
    fn a_median_counts_searches_that_found_nothing() {
        let catch = |runs| Some(catch(runs, "agreement"));
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

    #[test]
    fn what_fell_most_often_comes_first() {
        let catches = ["liveness", "agreement", "liveness", "durability"];
        let catches = catches.map(|property| Some(catch(1, property)));
        let hunted = Hunted {
            flaw: "P00",
            protocol: "pbft",
            violates: "agreement",
            searches: vec![Searched { strategy: Strategy::Guided, catches: catches.into() }],
        };
        assert_eq!(hunted.fell(), ["liveness", "agreement", "durability"]);
    }

    #[test]
    fn a_flaw_is_finished_with_its_last_search() {
        let options = HuntOptions {
            strategies: [Strategy::Random, Strategy::Guided]
                .map(|strategy| Effort { strategy, runs_max: 10 })
                .into(),
            campaigns: 2,
            jobs: 1,
        };
        let flaw = FlawEntry { name: "P00", about: "", violates: "agreement" };
        let mut open = Open::new(&("pbft", flaw), &options);
        for (place, found) in [((1, 1), Some(catch(4, "liveness"))), ((0, 0), None), ((0, 1), None)]
        {
            assert!(open.add(place, found).is_none());
        }
        let hunted = open.add((1, 0), None).expect("it was the last");
        let found: Vec<usize> = hunted.searches.iter().map(Searched::found).collect();
        assert_eq!(found, [0, 1]);
        assert!(hunted.searches[1].catches[1].is_some(), "each search keeps its place");
    }
}
