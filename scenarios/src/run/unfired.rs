//! Which faults of a script never fire: the first thing that a writer of scripts wants to know.
//!
//! Some runs are played. What is said about a fault is true of their seeds, and says so.

use std::fmt;

use byzsim_core::{Recorder, Time, TraceEvent};

use crate::file::format::SeedRange;
use crate::run::explain::Logs;
use crate::run::registry::Watch;
use crate::run::result::PlayOptions;
use crate::run::scenario::Scenario;

/// How many seeds are played to see whether a fault fires.
pub const SEEDS_MAX: u64 = 20;

/// How many events are played in all: a file may ask for long runs.
pub const EVENTS_MAX: u64 = 500_000;

/// A fault that fired on none of the seeds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unfired {
    /// The fault's place in the file, from 0.
    pub fault: usize,
    /// The action's name.
    pub action: &'static str,
    /// Why, as far as the runs tell.
    pub why: String,
    /// What was played.
    pub played: Played,
}

/// The runs that an explanation rests on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Played {
    /// The seeds.
    pub seeds: SeedRange,
    /// How many of them panicked: nothing is known of these.
    pub panicked: u64,
    /// Whether [`EVENTS_MAX`] cut the last run off, or left seeds unplayed.
    pub cut_off: bool,
}

impl fmt::Display for Played {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "seeds {}", self.seeds)?;
        if 0 < self.panicked {
            write!(f, " except {} that panicked", self.panicked)?;
        }
        if self.cut_off {
            write!(f, ", cut off after {EVENTS_MAX} events")?;
        }
        Ok(())
    }
}

/// Counts events, also of a run that panics.
struct Events(u64);

impl Recorder for Events {
    fn record(&mut self, _: u64, _: Time, _: &TraceEvent<'_>) {
        self.0 += 1;
    }
}

/// The faults of the scenario's own script that fire on none of these seeds, of which at most
/// [`SEEDS_MAX`] are played.
pub fn unfired(scenario: &Scenario, seeds: SeedRange) -> Vec<Unfired> {
    let faults = &scenario.file.faults.faults;
    let end = seeds.end.min(seeds.start.saturating_add(SEEDS_MAX));
    let seeds = SeedRange { start: seeds.start, end };
    if faults.is_empty() || seeds.is_empty() {
        return Vec::new();
    }
    let mut fired = vec![0; faults.len()];
    let mut logs = Logs::new(faults);
    let mut played = Played { seeds, panicked: 0, cut_off: false };
    let mut events = Events(0);
    for seed in seeds.start..seeds.end {
        let left = EVENTS_MAX - events.0;
        let watch = Watch { recorder: Some(&mut events), with_logs: true };
        let options = (&PlayOptions::default(), left);
        match scenario.play_watched(seed, scenario.draw(seed), options, watch).result {
            Ok(run) => {
                // What is drawn comes behind the file's own faults.
                fired.iter_mut().zip(run.fired).for_each(|(sum, count)| *sum += count);
                logs.add(run.logs, run.outcome.end);
            }
            Err(_) => played.panicked += 1,
        }
        if EVENTS_MAX <= events.0 {
            played.seeds.end = seed + 1;
            played.cut_off = true;
            break;
        }
    }
    if played.panicked == played.seeds.len() {
        return Vec::new();
    }
    let silent = faults.iter().enumerate().filter(|(fault, _)| fired[*fault] == 0);
    silent
        .map(|(fault, what)| {
            let (action, why) = (what.action.name(), logs.explain(fault));
            Unfired { fault, action, why, played }
        })
        .collect()
}
