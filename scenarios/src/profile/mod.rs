//! Profiles: what is usual in the runs of a scenario, and whether that has changed.
//!
//! Many bugs violate nothing: what they break, retransmission and view changes heal. But they
//! change how often something happens. A profile has, for each thing that is counted in runs, how
//! often it usually happens in each of several disjoint blocks of seeds. Where that is farther away
//! in another sweep than these blocks vary among each other, something has changed.
//!
//! What is usual is the mean of logarithms, that is a geometric mean.

#![expect(clippy::float_arithmetic, reason = "means and deviations are for reading only")]

use std::collections::{BTreeMap, BTreeSet};

use byzsim_adversaries::Action;
use byzsim_core::CryptoBackend;
use serde::{Deserialize, Serialize};

use crate::file::format::SeedRange;
use crate::run::result::{PlayOptions, Report};
use crate::run::scenario::Scenario;
use crate::sweep::cancel::Cancel;
use crate::sweep::pool;

/// The measure of which every change is told.
const VIOLATIONS: &str = "violations";

/// The count of which a mean of logarithms tells.
pub fn usual(thousandths: f64) -> f64 {
    (thousandths / 1_000.0).exp2() - 1.0
}

/// How many blocks the seeds of a profile are divided into.
pub const BLOCKS: u64 = 20;

/// By how many standard errors a mean must differ. With twenty blocks, chance goes beyond that in
/// one of ten thousand measures.
const ERRORS: f64 = 5.0;

/// What is usual in the runs of a scenario.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Profile {
    /// The scenario.
    pub scenario: String,
    /// The seeds.
    pub seeds: SeedRange,
    /// By measure and block of seeds: the sum over the runs of log2(count + 1), in thousandths.
    pub measures: BTreeMap<String, Vec<u64>>,
}

/// A measure that changed.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Shift {
    /// What is measured.
    pub measure: String,
    /// What was usual in a run.
    pub was: f64,
    /// The least that would be no change.
    pub low: f64,
    /// The most that would be no change.
    pub high: f64,
    /// What is usual in a run now.
    pub is: f64,
}

/// Why two profiles cannot be compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Incomparable {
    /// They are of different scenarios.
    #[error("the recorded profile is of another scenario")]
    Scenario,
    /// Their blocks are of different lengths, or one has no blocks of equal length at all.
    #[error("the recorded profile has blocks of another length")]
    Blocks,
}

/// Plays the seeds and adds up what happens; none if it was cancelled.
///
/// # Panics
/// If the seeds cannot be divided into [`BLOCKS`] blocks of equal length.
pub fn profile(
    scenario: &Scenario,
    seeds: SeedRange,
    jobs: usize,
    cancel: Cancel<'_>,
) -> Option<Profile> {
    assert!(divides(seeds), "{seeds} cannot be divided into {BLOCKS} blocks");
    let blocks = usize::try_from(BLOCKS).expect("it is small");
    let mut measures: BTreeMap<String, Vec<u64>> = BTreeMap::new();
    let options = PlayOptions { crypto: CryptoBackend::Ideal, with_marks: false };
    let work = |place| measured(scenario, &scenario.play(seeds.start + place, &options));
    let mut played = 0;
    pool::as_finished(jobs, seeds.len(), work, |place, counts| {
        played += 1;
        let block = usize::try_from(place * BLOCKS / seeds.len()).expect("below the blocks");
        for (measure, count) in counts {
            let sums = measures.entry(measure).or_insert_with(|| vec![0; blocks]);
            sums[block] = sums[block].saturating_add(count);
        }
        cancel.flow()
    });
    let profile = Profile { scenario: scenario.name.clone(), seeds, measures };
    (played == seeds.len()).then_some(profile)
}

/// Whether seeds can be divided into blocks of equal length.
pub const fn divides(seeds: SeedRange) -> bool {
    !seeds.is_empty() && seeds.len().is_multiple_of(BLOCKS)
}

/// The logarithm of a count plus one, to the base of 2, in thousandths. A few runs are a hundred
/// times longer than others: the mean of their counts would say more about these few than about
/// the rest.
fn thousandths_of_bits(count: u64) -> u64 {
    #[expect(clippy::cast_possible_truncation, reason = "it is at most 64,000")]
    #[expect(clippy::cast_sign_loss, reason = "a count plus one is at least one")]
    let thousandths = ((count as f64 + 1.0).log2() * 1_000.0).round() as u64;
    thousandths
}

/// What is counted in a run.
fn measured(scenario: &Scenario, report: &Report) -> Vec<(String, u64)> {
    let violated = report.findings().len() as u64;
    let mut counts = vec![(VIOLATIONS.to_owned(), violated)];
    let Ok(played) = &report.result else {
        return counts
            .into_iter()
            .map(|(name, count)| (name, thousandths_of_bits(count)))
            .collect();
    };
    let outcome = &played.outcome;
    let metrics = &outcome.metrics;
    let signed = metrics.crypto.iter().map(|it| it.signed).sum();
    let verified = metrics.crypto.iter().map(|it| it.verified).sum();
    for (name, count) in [
        ("events", outcome.events),
        ("milliseconds", outcome.end.nanos() / 1_000_000),
        ("views", outcome.view_max),
        ("bytes", metrics.bytes()),
        ("signatures", signed),
        ("verifications", verified),
    ] {
        counts.push((name.to_owned(), count));
    }
    for (kind, traffic) in scenario.protocol.vocabulary.kinds.iter().zip(&metrics.traffic) {
        counts.push((format!("sent {kind}"), traffic.messages()));
    }
    for (milestone, count) in outcome.milestones.counts() {
        counts.push((format!("reached {milestone}"), *count));
    }
    // Corrupted nodes use the protocol's code as well.
    let mut fired: BTreeMap<String, u64> = BTreeMap::new();
    for (fault, count) in report.drawn.plan.faults.iter().zip(&played.fired) {
        let what = if let Action::Lie { lie, .. } = &fault.action {
            format!("told {lie}")
        } else {
            format!("fired {}", fault.action.name())
        };
        *fired.entry(what).or_default() += count;
    }
    counts.extend(fired);
    counts.into_iter().map(|(measure, count)| (measure, thousandths_of_bits(count))).collect()
}

impl Profile {
    /// How many runs are in a block.
    const fn block(&self) -> u64 {
        self.seeds.len() / BLOCKS
    }

    /// What has changed since `recorded`.
    ///
    /// # Errors
    /// If they are not of the same scenario, or their blocks are of different lengths.
    pub fn against(&self, recorded: &Self) -> Result<Vec<Shift>, Incomparable> {
        if self.scenario != recorded.scenario {
            return Err(Incomparable::Scenario);
        }
        if !divides(recorded.seeds) || self.block() != recorded.block() {
            return Err(Incomparable::Blocks);
        }
        let measures: BTreeSet<&String> =
            self.measures.keys().chain(recorded.measures.keys()).collect();
        let runs = self.block() as f64;
        let shift = |measure: &String| {
            let (was, is) = (recorded.means(measure), self.means(measure));
            let (before, now) = (mean(&was), mean(&is));
            let spread = if measure == VIOLATIONS {
                0.0
            } else if self.seeds == recorded.seeds {
                // The same draws: what both blocks have in common does not blur the difference.
                let differences: Vec<f64> = was.iter().zip(&is).map(|(was, is)| is - was).collect();
                ERRORS * error(&differences)
            } else {
                // Of what happened in no run, a few times is no change: it might have been once.
                let once: Vec<f64> = (0..was.len())
                    .map(|place| if place == 0 { 1_000.0 / runs } else { 0.0 })
                    .collect();
                ERRORS * error(&was).max(error(&once)) * 2.0_f64.sqrt()
            };
            let differs = spread < (before - now).abs();
            differs.then(|| Shift {
                measure: measure.clone(),
                was: usual(before),
                low: usual(before - spread),
                high: usual(before + spread),
                is: usual(now),
            })
        };
        Ok(measures.into_iter().filter_map(shift).collect())
    }

    /// The mean of each block. What has no measure never happened.
    fn means(&self, measure: &str) -> Vec<f64> {
        let runs = self.block() as f64;
        let of = |block: usize| {
            let sums = self.measures.get(measure);
            sums.and_then(|sums| sums.get(block)).map_or(0.0, |sum| *sum as f64 / runs)
        };
        (0..usize::try_from(BLOCKS).expect("it is small")).map(of).collect()
    }
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// The standard error of the mean.
fn error(values: &[f64]) -> f64 {
    let (mean, count) = (mean(values), values.len() as f64);
    let squares: f64 = values.iter().map(|it| (it - mean).powi(2)).sum();
    (squares / (count - 1.0) / count).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(sums: [u64; 20]) -> Profile {
        let measures = [("events".to_owned(), sums.to_vec())].into();
        Profile { scenario: "s".to_owned(), seeds: SeedRange { start: 0, end: 200 }, measures }
    }

    #[test]
    fn a_change_beyond_the_spread_is_told() {
        let sums: [u64; 20] = std::array::from_fn(|place| 100_000 + 1_000 * (place as u64 % 3));
        let recorded = of(sums);
        let elsewhere =
            |profile: Profile| Profile { seeds: SeedRange { start: 200, end: 400 }, ..profile };
        let against = |profile: Profile| profile.against(&recorded).expect("the same blocks");
        assert_eq!(against(recorded.clone()), []);
        // The means of ten runs vary by about 84 from block to block, so those of other seeds may
        // be off by some 130.
        assert_eq!(against(elsewhere(of(sums.map(|sum| sum + 800)))), []);
        let shifts = against(elsewhere(of(sums.map(|sum| sum + 3_000))));
        let [Shift { was, low, high, is, .. }] = shifts[..] else { panic!("{shifts:?}") };
        assert!(low < was && was < high && high < is, "{shifts:?}");
        // Where the seeds are the same, so are the blocks, but for what changed.
        let in_some = |some: usize| {
            of(std::array::from_fn(|place| sums[place] + if place < some { 800 } else { 0 }))
        };
        assert_eq!(against(in_some(3)), []);
        assert_eq!(against(in_some(16)).len(), 1);
        let nothing = Profile { measures: BTreeMap::new(), ..recorded.clone() };
        assert_eq!(nothing.against(&recorded).map(|it| it.len()), Ok(1), "it no longer happens");
        assert_eq!(recorded.against(&nothing).map(|it| it.len()), Ok(1), "it never happened");
    }

    #[test]
    fn other_sweeps_cannot_be_compared() {
        let recorded = of([1; 20]);
        let other = Profile { scenario: "t".to_owned(), ..recorded.clone() };
        assert_eq!(other.against(&recorded), Err(Incomparable::Scenario));
        let longer = Profile { seeds: SeedRange { start: 0, end: 400 }, ..recorded.clone() };
        assert_eq!(longer.against(&recorded), Err(Incomparable::Blocks));
    }
}
