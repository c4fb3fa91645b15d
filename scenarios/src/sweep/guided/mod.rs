//! The guided search: generations of plans, each varied from those that reached something new.
//!
//! A generation is decided before any of it is played, and what it reached is learned in the order
//! of its seeds. So the search does not depend on how many threads play.

mod corpus;
pub mod coverage;

use std::ops::ControlFlow;

use byzsim_adversaries::{Action, Seen};
use byzsim_core::{NetworkModel, Purpose, SimRng};

use self::corpus::Corpus;
use self::coverage::Coverage;
use crate::run::draw::Draft;
use crate::run::result::PlayOptions;
use crate::run::scenario::Scenario;
use crate::sweep::options::SweepOptions;
use crate::sweep::pool;
use crate::sweep::row::Row;
use crate::sweep::summary::{Head, Search, Summary};

/// How many runs are decided at once. Smaller, and threads wait for each other; larger, and the
/// search learns late.
pub const GENERATION: u64 = 64;

/// Plays `options.seeds` as one search; the first seed decides all of it.
pub(crate) fn guided(
    scenario: &Scenario,
    options: &SweepOptions,
    mut each: impl FnMut(&Row) -> ControlFlow<()>,
) -> Summary {
    let mut summary = Summary::new(Head::new(scenario, options));
    let mut rng = SimRng::new(options.seeds.start, Purpose::Search, 1);
    let mut corpus = Corpus::new(scenario.conditions().len() + 1);
    let mut next = options.seeds.start;
    'search: while next < options.seeds.end {
        let until = options.seeds.end.min(next.saturating_add(GENERATION));
        let drafts: Vec<(u64, Draft)> = (next..until)
            .map(|seed| (seed, draft(scenario, &mut corpus, &mut rng, seed)))
            .collect();
        for ((_, draft), (row, reached)) in drafts.iter().zip(play(scenario, options, &drafts)) {
            // What fails is found: to vary it would find it again and again.
            if row.findings().is_empty() {
                let (features, seen) = reached;
                corpus.add(trimmed(scenario, draft, &row), &features, seen, row.events);
            }
            summary.add(&row);
            if each(&row).is_break() {
                break 'search;
            }
        }
        next = until;
    }
    summary.search = Some(Search { kept: corpus.len(), features: corpus.reached() });
    summary
}

/// The draft without the faults that never fired: the run is the same without them, and a variation
/// of one of them would be the same run again.
fn trimmed(scenario: &Scenario, draft: &Draft, row: &Row) -> Draft {
    let own = scenario.under(&draft.drawn).file.faults.faults.len();
    let mut draft = draft.clone();
    let mut place = 0;
    draft.drawn.plan.faults.retain(|fault| {
        // Twins that did not contradict each other still said everything twice.
        let fired = row.fired.get(place).is_none_or(|count| 0 < *count);
        let stays = fired || place < own || matches!(fault.action, Action::Twins { .. });
        place += 1;
        stays
    });
    draft
}

/// What is played as this seed: something fresh, or a variation of what was kept.
fn draft(scenario: &Scenario, corpus: &mut Corpus, rng: &mut SimRng, seed: u64) -> Draft {
    const FRESH_PPM: u32 = 200_000;
    let fresh = || Draft { seed, drawn: scenario.draw(seed) };
    if rng.chance(FRESH_PPM) {
        return fresh();
    }
    let Some((parent, seen, other)) = corpus.pick(rng) else { return fresh() };
    let (seen, other) = (seen.clone(), other.drawn.plan.clone());
    let Draft { seed: mut run_seed, mut drawn } = parent.clone();
    match rng.between(0, 9) {
        0 => {
            // What is over by GST must stay so, and what the conditions say of the network.
            let (here, gst) = (scenario.under(&drawn), drawn.network.gst);
            drawn.network = NetworkModel { gst, ..here.draw(seed).network };
        }
        // The same plan in other weather: other operations, other latencies.
        1..=2 => run_seed = seed,
        _ => {}
    }
    drawn.plan = scenario.vary(&drawn, &seen, &other, rng.next_u64());
    Draft { seed: run_seed, drawn }
}

/// What a run reached: its features, and what its variations can aim at.
type Reached = (Vec<u32>, Seen);

/// Plays the drafts; what came out, in their order.
fn play(
    scenario: &Scenario,
    options: &SweepOptions,
    drafts: &[(u64, Draft)],
) -> Vec<(Row, Reached)> {
    let play = PlayOptions { crypto: options.crypto, with_marks: false };
    pool::in_order(options.jobs, drafts, |(seed, draft)| {
        let corrupted = draft.drawn.plan.corrupted();
        let mut coverage = Coverage::new(scenario.under(&draft.drawn).committee, corrupted);
        let drawn = draft.drawn.clone();
        let report = scenario.play_drawn(draft.seed, drawn, &play, Some(&mut coverage));
        let row = Row::of_draft(*seed, &report);
        let said = draft.drawn.plan.faults.iter().zip(&row.fired);
        said.filter(|(_, fired)| 0 < **fired).for_each(|(fault, _)| coverage.said(&fault.action));
        (row, coverage.into_parts())
    })
}
