//! Altered streams: whether the properties notice it when one fact of a clean run is another.
//!
//! All that correct nodes report in a run is kept. Then one fact is altered, and new checkers are
//! told the rest of the stream as it was. Properties that rest on more than reports are not asked.
//! An alteration is noticed if a property is violated, or if a checker panics. `excuse` says which alterations no property could notice, and why.

mod change;
mod excuse;
mod fields;
mod stream;
pub mod tally;

use std::collections::BTreeMap;

use byzsim_core::{Purpose, SimRng, Verdict};

use self::change::{Change, altered, changes};
use self::excuse::excuse;
use self::stream::Stream;
use self::tally::{Miss, Tally, Told, ToldOfRun};
use crate::file::format::SeedRange;
use crate::run::scenario::Scenario;
use crate::sweep::cancel::Cancel;
use crate::sweep::pool;

pub use self::excuse::EXCUSES;

/// Alters the streams of the clean runs of a scenario. In each run every kind of fact undergoes
/// every change once, at a place that the run's seed draws.
pub fn alter(scenario: &Scenario, seeds: SeedRange, jobs: usize, cancel: Cancel<'_>) -> Tally {
    let mut tally = Tally { scenario: scenario.name.clone(), seeds, ..Tally::default() };
    let work = |place: u64| told(scenario, seeds.start + place);
    let mut all = BTreeMap::new();
    pool::as_finished(jobs, seeds.len(), work, |place, told| {
        all.insert(place, told);
        cancel.flow()
    });
    // In the order of the seeds, so that the misses that are shown do not depend on threads.
    all.into_values().for_each(|told| tally.add(told));
    tally
}

/// What the properties said to the alterations of one run; none if the run is not clean.
fn told(scenario: &Scenario, seed: u64) -> Option<ToldOfRun> {
    let stream = Stream::of_clean_run(scenario, seed)?;
    let mut rng = SimRng::new(seed, Purpose::Alteration, 0);
    let mut places: BTreeMap<(&str, Change), Vec<usize>> = BTreeMap::new();
    for (place, fact) in stream.facts.iter().enumerate() {
        for change in changes(fact) {
            places.entry((fields::kind(&fact.what), change)).or_default().push(place);
        }
    }
    let each = places.into_iter().filter_map(|((kind, change), places)| {
        let place = *rng.pick(&places);
        let facts = altered(&stream, place, change, &mut rng)?;
        let noticed = noticed(&stream, &facts);
        let excuse = if noticed.is_empty() { excuse(&stream, place, change) } else { None };
        let miss = || Miss {
            seed,
            event: stream.facts[place].at.event,
            before: stream.facts[place].to_string(),
            after: facts.get(place).map_or_else(String::new, ToString::to_string),
        };
        let miss = (noticed.is_empty() && excuse.is_none()).then(miss);
        Some(Told { kind, change: change.name(), noticed, excuse, miss })
    });
    Some(ToldOfRun { told: each.collect(), unasked: stream.unasked().collect() })
}

/// The properties that an altered stream violates.
fn noticed(stream: &Stream, facts: &[stream::Fact]) -> Vec<&'static str> {
    let verdicts = stream.judge(facts).into_iter();
    let cries = |verdict: Result<Verdict, _>| verdict.is_ok_and(|it| it.is_violated());
    let said = verdicts.filter_map(|(name, verdict)| match verdict {
        Err(_) => Some("panic"),
        verdict => cries(verdict).then_some(name),
    });
    said.collect()
}
