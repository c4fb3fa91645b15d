//! What a hunt found: by flaw, by strategy, by search.

use serde::Serialize;

use crate::repro::Repro;
use crate::run::strategy::Strategy;

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
    pub(super) repro: Option<Box<Repro>>,
}

/// What a run shrank to. It was replayed, and fails for the same reason: [`crate::shrink()`] sees
/// to it.
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
    /// What the shrunk run violates: the first such property in the order of
    /// [`byzsim_core::PROPERTIES`].
    pub property: String,
    /// Whether nothing more can be removed; if not, the budget ran out.
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
}

#[cfg(test)]
impl Catch {
    /// A search that took so many runs.
    pub(super) fn for_tests(runs: u64, property: &str) -> Self {
        Self {
            runs,
            wall_ms: runs * 2,
            property: property.to_owned(),
            shrunk: None,
            refusal: None,
            repro: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_median_counts_searches_that_found_nothing() {
        let catch = |runs| Some(Catch::for_tests(runs, "agreement"));
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
        let catches = catches.map(|property| Some(Catch::for_tests(1, property)));
        let hunted = Hunted {
            flaw: "P00",
            protocol: "pbft",
            violates: "agreement",
            searches: vec![Searched { strategy: Strategy::Guided, catches: catches.into() }],
        };
        assert_eq!(hunted.fell(), ["liveness", "agreement", "durability"]);
    }
}
