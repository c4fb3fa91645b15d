//! The plans that a guided search keeps: those that reached something new.

use byzsim_adversaries::Seen;
use byzsim_core::SimRng;

use super::Draft;
use super::coverage::FEATURES;

/// How many plans an island keeps. Beyond that, the one whose features are the most common goes.
const KEPT_MAX: usize = 200;

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
        let island = || Island { kept: Vec::new(), hits: vec![0; FEATURES], reached: 0 };
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
    pub(super) fn add(&mut self, draft: &Draft, features: &[u32], seen: Seen) {
        self.islands[draft.drawn.condition].add(draft, features, seen);
    }

    /// A plan to vary, what its run went through, and another plan whose rows may help.
    pub(super) fn pick(&mut self, rng: &mut SimRng) -> Option<(&Draft, &Seen, &Draft)> {
        let settled = self.islands.iter_mut().filter(|island| !island.kept.is_empty());
        let mut settled: Vec<&mut Island> = settled.collect();
        let last = settled.len().checked_sub(1)? as u64;
        let chosen = usize::try_from(rng.between(0, last)).expect("a place in a list");
        Some(settled.swap_remove(chosen).pick(rng))
    }
}

impl Island {
    fn add(&mut self, draft: &Draft, features: &[u32], seen: Seen) {
        let mut news = Vec::new();
        for feature in features {
            let hits = &mut self.hits[*feature as usize];
            if *hits == 0 {
                news.push(*feature);
            }
            *hits = hits.saturating_add(1);
        }
        if news.is_empty() {
            return;
        }
        self.reached += news.len();
        self.kept.push(Kept { draft: draft.clone(), seen, news, varied: 0 });
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
    /// island, or those whose runs were as tense as one, two or three view changes make it.
    fn pick(&mut self, rng: &mut SimRng) -> (&Draft, &Seen, &Draft) {
        const DRAWN: u32 = 8;
        let all: Vec<usize> = (0..self.kept.len()).collect();
        let other = *rng.pick(&all);
        let tension = rng.between(0, 3);
        let is_tense = |place: &usize| tension <= self.kept[*place].seen.tension;
        let tense: Vec<usize> = all.iter().copied().filter(is_tense).collect();
        let field = if tense.is_empty() { all } else { tense };
        let best = (0..DRAWN).map(|_| *rng.pick(&field)).min_by_key(|place| self.rank(*place));
        let best = best.expect("some were drawn");
        self.kept[best].varied += 1;
        let Kept { draft, seen, .. } = &self.kept[best];
        (draft, seen, &self.kept[other].draft)
    }
}
