//! The plans that a guided search keeps: those that reached something new.

use byzsim_adversaries::Seen;
use byzsim_core::SimRng;

use super::Draft;
use super::coverage::FEATURES;

/// How many plans are kept. Beyond that, the one whose features are the most common goes.
const KEPT_MAX: usize = 600;

/// The plans that are kept, and how often each feature was reached.
#[derive(Debug)]
pub(super) struct Corpus {
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
    pub(super) fn new() -> Self {
        Self { kept: Vec::new(), hits: vec![0; FEATURES], reached: 0 }
    }

    /// How many plans are kept.
    pub(super) fn len(&self) -> usize {
        self.kept.len()
    }

    /// How many features were reached.
    pub(super) const fn reached(&self) -> usize {
        self.reached
    }

    /// Counts the features of a run, and keeps its draft if some are new.
    pub(super) fn add(&mut self, draft: &Draft, features: &[u32], seen: Seen) {
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

    /// A plan to vary: the best of a few that are drawn.
    pub(super) fn pick(&mut self, rng: &mut SimRng) -> Option<(&Draft, &Seen)> {
        const DRAWN: u32 = 5;
        let last = self.kept.len().checked_sub(1)? as u64;
        let mut draw = || usize::try_from(rng.between(0, last)).expect("a place in a list");
        let drawn: Vec<usize> = (0..DRAWN).map(|_| draw()).collect();
        let best = drawn.into_iter().min_by_key(|place| self.rank(*place))?;
        self.kept[best].varied += 1;
        let Kept { draft, seen, .. } = &self.kept[best];
        Some((draft, seen))
    }

    /// Any plan.
    pub(super) fn any(&self, rng: &mut SimRng) -> Option<&Draft> {
        if self.kept.is_empty() { None } else { Some(&rng.pick(&self.kept).draft) }
    }
}
