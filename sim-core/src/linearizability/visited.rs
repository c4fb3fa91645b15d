//! The configurations that the search has visited.

use super::bits::Bits;
use super::search::Configuration;
use super::state::State;

/// A hash table with chains through one vector: no allocation per configuration, and an order that
/// depends on the history alone.
#[derive(Debug)]
pub(super) struct Visited<const W: usize> {
    /// For each hash, one more than the place of the entry that came last; 0 if there is none.
    heads: Vec<u32>,
    entries: Vec<Entry<W>>,
}

#[derive(Debug)]
struct Entry<const W: usize> {
    step: u32,
    /// The next entry of this hash, as in `heads`.
    next: u32,
    configuration: Configuration<W>,
}

impl<const W: usize> Visited<W> {
    const HEADS_MIN: usize = 64;

    pub(super) const fn new() -> Self {
        Self { heads: Vec::new(), entries: Vec::new() }
    }

    /// Adds a configuration; `false` if the search has visited it or one that is as good.
    ///
    /// As good is one with the same state and the same open mutators taken that has taken at least
    /// the same open observers and has used up no other pending calls: whatever explains the rest
    /// from here explains it from there.
    pub(super) fn insert(&mut self, step: u32, configuration: &Configuration<W>) -> bool {
        if self.heads.len() <= self.entries.len() {
            self.grow();
        }
        let head = self.head(step, configuration);
        let mut next = self.heads[head];
        while next != 0 {
            let entry = &self.entries[next as usize - 1];
            if entry.step == step && entry.configuration.is_as_good_as(configuration) {
                return false;
            }
            next = entry.next;
        }
        let next = self.heads[head];
        self.entries.push(Entry { step, next, configuration: *configuration });
        self.heads[head] = self.latest();
        true
    }

    fn grow(&mut self) {
        self.heads = vec![0; (2 * self.heads.len()).max(Self::HEADS_MIN)];
        let mut entries = std::mem::take(&mut self.entries);
        for mut entry in entries.drain(..) {
            let head = self.head(entry.step, &entry.configuration);
            entry.next = self.heads[head];
            self.entries.push(entry);
            self.heads[head] = self.latest();
        }
    }

    fn latest(&self) -> u32 {
        u32::try_from(self.entries.len()).expect("4 billion configurations fit no memory")
    }

    fn head(&self, step: u32, configuration: &Configuration<W>) -> usize {
        let (tag, first, length) = match configuration.state {
            State::Absent => (0, 0, 0),
            State::Unmentioned => (1, 0, 0),
            State::Prefix { first, length, .. } => (2, first, length),
        };
        let mut hash = mix(u64::from(step) << 2 | tag, u64::from(first) << 32 | u64::from(length));
        for word in configuration.mutated.words() {
            hash = mix(hash, *word);
        }
        let mask = self.heads.len() as u64 - 1;
        usize::try_from(hash >> 32 & mask).expect("smaller than a length in memory")
    }
}

impl<const W: usize> Configuration<W> {
    fn is_as_good_as(&self, other: &Self) -> bool {
        let Self { state, mutated, observed, used }: &Self = self;
        *state == other.state
            && *mutated == other.mutated
            && Bits::is_subset(&other.observed, observed)
            && Bits::is_subset(used, &other.used)
    }
}

const fn mix(hash: u64, word: u64) -> u64 {
    (hash.rotate_left(25) ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}
