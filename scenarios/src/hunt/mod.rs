//! Hunts: how many runs each strategy needs to find each planted flaw, without knowing it.
//!
//! Every flaw is hunted in one scenario, which its protocol names, where nothing but the flaw is
//! changed. A search ends with the first run that violates any property. The searches of a flaw are
//! started one after the other, and the thread that ends the last one shrinks the findings. So
//! flaws are finished one by one, and an interruption keeps those that are finished.

pub mod found;
mod search;

use std::sync::Mutex;

use byzsim_protocols::FlawEntry;

use self::found::{Catch, Hunted, Searched};
use crate::file::error::LoadError;
use crate::file::format::SeedRange;
use crate::run::load::{Changes, load_with};
use crate::run::registry;
use crate::run::scenario::Scenario;
use crate::run::strategy::Strategy;
use crate::sweep::cancel::Cancel;
use crate::sweep::pool;

pub use self::search::SHRINK_BUDGET;

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

/// Hunts the flaws of protocols. `each` is told of every flaw that is finished. Returned are those
/// that are, in the order of `flaws`: all, unless the hunt is cancelled.
///
/// # Errors
/// If a protocol has no scenario to hunt in, or a flaw cannot be planted in it.
///
/// # Panics
/// If the registry has no protocol of a name.
pub fn hunt(
    flaws: &[(&'static str, FlawEntry)],
    options: &HuntOptions,
    cancel: Cancel<'_>,
    mut each: impl FnMut(&Hunted),
) -> Result<Vec<Hunted>, LoadError> {
    let scenarios = flaws
        .iter()
        .map(|(protocol, flaw)| {
            let changes = Changes { flaws: vec![flaw.name.to_owned()], set: Vec::new() };
            let entry = registry::protocol(protocol).expect("flaws are those of the registry");
            load_with(entry.hunting_scenario()?, &changes)
        })
        .collect::<Result<Vec<Scenario>, LoadError>>()?;
    let tasks = tasks(flaws.len(), options);
    let open: Vec<_> = flaws.iter().map(|flaw| Mutex::new(Open::new(flaw, options))).collect();
    let work = |place: u64| {
        let place = usize::try_from(place).expect("it is below the number of tasks");
        let Task { flaw, strategy, campaign } = tasks[place];
        let Effort { strategy: chosen, runs_max } = options.strategies[strategy];
        let seeds = seeds(campaign, runs_max);
        let ended = search::search(&scenarios[flaw], chosen, seeds, cancel)?;
        let mut open = open[flaw].lock().expect("no thread panics: runs are caught");
        let mut hunted = open.add((strategy, campaign), ended)?;
        drop(open);
        search::shrink_first(&mut hunted, cancel);
        Some((flaw, hunted))
    };
    let mut finished = Vec::new();
    pool::as_finished(options.jobs, tasks.len() as u64, work, |_, hunted| {
        if let Some((flaw, hunted)) = hunted {
            each(&hunted);
            finished.push((flaw, hunted));
        }
        cancel.flow()
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

#[cfg(test)]
mod tests {
    use super::*;

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
        for (place, found) in
            [((1, 1), Some(Catch::for_tests(4, "liveness"))), ((0, 0), None), ((0, 1), None)]
        {
            assert!(open.add(place, found).is_none());
        }
        let hunted = open.add((1, 0), None).expect("it was the last");
        let found: Vec<usize> = hunted.searches.iter().map(Searched::found).collect();
        assert_eq!(found, [0, 1]);
        assert!(hunted.searches[1].catches[1].is_some(), "each search keeps its place");
    }
}
