//! The plans that a guided search keeps: those that reached something new.

use byzsim_adversaries::Seen;
use byzsim_core::SimRng;

use super::coverage::FEATURES;
use crate::run::draw::Draft;

/// How many plans an island keeps. Beyond that, the one whose features are the most common goes.
const KEPT_MAX: usize = 200;

/// How many times the usual number of events a run may take for its plan to be kept: the longer a
/// run, the more happens in it that is new, and a search that follows it gets slower and slower.
const COST_MAX: u64 = 3;

/// Of how many runs the usual number is the median: the first ones, which are mostly fresh.
const PACE_RUNS: usize = 100;

/// The plans that are kept, on islands: one for each of the scenario's conditions. What is news
/// under short timeouts may be a matter of course elsewhere, and where everything happens at once
/// there is always news: one corpus for all would be one of the wildest condition.
#[derive(Debug)]
pub(super) struct Corpus {
    islands: Vec<Island>,
}

/// The plans that are kept of one condition, and how often each feature was reached under it.
#[derive(Debug)]
struct Island {
    kept: Vec<Kept>,
    hits: Vec<u32>,
    reached: usize,
    /// How many events the first runs took, in order.
    pace: Vec<u64>,
}

#[derive(Debug)]
struct Kept {
    draft: Draft,
    seen: Seen,
    /// What it was the first to reach.
    news: Vec<u32>,
    /// How often it was varied.
    varied: u32,
}

impl Corpus {
    /// Nothing yet, under each of the scenario's conditions.
    pub(super) fn new(conditions: usize) -> Self {
        let island =
            || Island { kept: Vec::new(), hits: vec![0; FEATURES], reached: 0, pace: Vec::new() };
        Self { islands: (0..conditions).map(|_| island()).collect() }
    }

    /// How many plans are kept.
    pub(super) fn len(&self) -> usize {
        self.islands.iter().map(|island| island.kept.len()).sum()
    }

    /// How many features were reached, under each condition.
    pub(super) fn reached(&self) -> usize {
        self.islands.iter().map(|island| island.reached).sum()
    }

    /// Counts the features of a run, and keeps its draft if some are new.
    pub(super) fn add(&mut self, draft: Draft, features: &[u32], seen: Seen, events: u64) {
        self.islands[draft.drawn.condition].add(draft, features, seen, events);
    }

    /// A plan to vary, what its run went through, and another plan whose faults may help.
    pub(super) fn pick(&mut self, rng: &mut SimRng) -> Option<(&Draft, &Seen, &Draft)> {
        let settled = self.islands.iter_mut().filter(|island| !island.kept.is_empty());
        let mut settled: Vec<&mut Island> = settled.collect();
        let last = settled.len().checked_sub(1)? as u64;
        let chosen = usize::try_from(rng.between(0, last)).expect("a place in a list");
        Some(settled.swap_remove(chosen).pick(rng))
    }
}

impl Island {
    fn add(&mut self, draft: Draft, features: &[u32], seen: Seen, events: u64) {
        if self.pace.len() < PACE_RUNS {
            self.pace.push(events);
            self.pace.sort_unstable();
        }
        let mut news = Vec::new();
        for feature in features {
            let hits = &mut self.hits[*feature as usize];
            if *hits == 0 {
                news.push(*feature);
            }
            *hits = hits.saturating_add(1);
        }
        self.reached += news.len();
        let usual = self.pace[self.pace.len() / 2];
        if news.is_empty() || usual.saturating_mul(COST_MAX) < events {
            return;
        }
        self.kept.push(Kept { draft, seen, news, varied: 0 });
        if KEPT_MAX < self.kept.len() {
            let commonest = (0..self.kept.len()).max_by_key(|place| self.rank(*place));
            self.kept.remove(commonest.expect("there are some"));
        }
    }

    /// How common what this plan stands for has become, and how often it was varied: the lower,
    /// the better.
    fn rank(&self, place: usize) -> (u32, u32) {
        let Kept { news, varied, .. } = &self.kept[place];
        let rarest = news.iter().map(|feature| self.hits[*feature as usize]).min();
        // A plan is worth a few variations for each time that its rarest feature was reached.
        (rarest.unwrap_or(u32::MAX).saturating_add(varied / 4), *varied)
    }

    /// The best of a few plans that are drawn, and any other. What is drawn from is the whole
    /// island, or those in whose runs one, two or three views began while replicas differed.
    fn pick(&mut self, rng: &mut SimRng) -> (&Draft, &Seen, &Draft) {
        const DRAWN: u32 = 8;
        let all: Vec<usize> = (0..self.kept.len()).collect();
        let other = *rng.pick(&all);
        let wanted = rng.between(0, 3);
        let is_divergent = |place: &usize| wanted <= self.kept[*place].seen.divergent_views;
        let divergent: Vec<usize> = all.iter().copied().filter(is_divergent).collect();
        let field = if divergent.is_empty() { all } else { divergent };
        let best = (0..DRAWN).map(|_| *rng.pick(&field)).min_by_key(|place| self.rank(*place));
        let best = best.expect("some were drawn");
        self.kept[best].varied += 1;
        let Kept { draft, seen, .. } = &self.kept[best];
        (draft, seen, &self.kept[other].draft)
    }
}

#[cfg(test)]
mod tests {
    use byzsim_adversaries::Plan;
    use byzsim_core::{NetworkModel, Purpose};

    use super::*;
    use crate::run::draw::Drawn;

    /// The seed tells the drafts apart.
    fn draft(condition: usize, seed: u64) -> Draft {
        let drawn = Drawn { condition, network: NetworkModel::default(), plan: Plan::default() };
        Draft { seed, drawn }
    }

    fn divergent(divergent_views: u64) -> Seen {
        Seen { divergent_views, ..Seen::default() }
    }

    fn picks(corpus: &mut Corpus) -> Vec<u64> {
        let mut rng = SimRng::new(1, Purpose::Search, 1);
        let mut pick = || corpus.pick(&mut rng).expect("something is kept").0.seed;
        (0..1_000).map(|_| pick()).collect()
    }

    #[test]
    fn what_is_new_is_new_under_its_condition() {
        let mut corpus = Corpus::new(2);
        assert!(corpus.pick(&mut SimRng::new(1, Purpose::Search, 1)).is_none());
        corpus.add(draft(0, 1), &[7, 8], divergent(0), 9);
        corpus.add(draft(0, 2), &[8], divergent(0), 9);
        assert_eq!((corpus.len(), corpus.reached()), (1, 2), "8 was known");
        corpus.add(draft(1, 3), &[8], divergent(0), 9);
        assert_eq!((corpus.len(), corpus.reached()), (2, 3), "8 was not known here");
    }

    #[test]
    fn each_condition_gets_its_share_however_much_is_new_under_another() {
        let mut corpus = Corpus::new(3);
        for seed in 0..300 {
            let feature = u32::try_from(seed).expect("300 are few");
            corpus.add(draft(0, seed), &[feature], divergent(0), 9);
        }
        assert_eq!(corpus.len(), KEPT_MAX);
        corpus.add(draft(2, 1_000), &[1], divergent(0), 9);
        let of_other = picks(&mut corpus).iter().filter(|seed| **seed == 1_000).count();
        assert!((400..600).contains(&of_other), "{of_other} of 1,000, of two islands with plans");
    }

    #[test]
    fn divergent_plans_are_varied_more_often() {
        let mut corpus = Corpus::new(1);
        for seed in 0..100 {
            let feature = u32::try_from(seed).expect("100 are few");
            corpus.add(draft(0, seed), &[feature], divergent(u64::from(seed == 9) * 2), 9);
        }
        let chosen = picks(&mut corpus).iter().filter(|seed| **seed == 9).count();
        assert!(400 < chosen, "{chosen} of 1,000: two draws of four ask for divergent views");
    }

    #[test]
    fn runs_that_take_very_long_are_not_varied() {
        let mut corpus = Corpus::new(1);
        for (seed, events) in [(1, 100), (2, 120), (3, 1_000), (4, 300)] {
            let feature = u32::try_from(seed).expect("4 are few");
            corpus.add(draft(0, seed), &[feature], divergent(0), events);
        }
        assert_eq!((corpus.len(), corpus.reached()), (3, 4), "the third took ten times as long");
    }

    #[test]
    fn what_became_common_goes_first() {
        let mut corpus = Corpus::new(1);
        corpus.add(draft(0, 1), &[1], divergent(0), 9);
        for _ in 0..9 {
            corpus.add(draft(0, 2), &[1], divergent(0), 9);
        }
        for seed in 10..10 + KEPT_MAX as u64 {
            let feature = u32::try_from(seed).expect("they are few");
            corpus.add(draft(0, seed), &[feature], divergent(0), 9);
        }
        assert!(!picks(&mut corpus).contains(&1), "it stood for what ten runs reached");
    }
}
