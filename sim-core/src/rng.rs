//! The only source of randomness: ChaCha8 streams derived from (seed, purpose, index).
//!
//! Each purpose draws from a stream of its own, so a new draw in one place shifts nothing
//! elsewhere. Choices about single messages go one step further: they are a function of the
//! message's identity ([`MessageChoices`]), so removing one fault from a plan leaves the rest of
//! the run unchanged. Only integers and closed ranges are drawn: samples of floats or of `usize`
//! would depend on the platform or on the library's version.

use rand::{Rng as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;

/// What a stream is for. The discriminants are part of every run's identity: append, never reorder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Purpose {
    /// Latency, loss and duplication of single messages.
    Network = 1,
    /// The operations of the clients.
    Workload = 2,
    /// The keys of the nodes.
    Keys = 3,
    /// The fault plan.
    Plan = 4,
    /// What a scenario leaves to be drawn.
    Scenario = 5,
    /// Choices of the adversary during the run.
    Adversary = 6,
    /// Choices of a search among plans.
    Search = 7,
    /// The spans of timers that nodes leave to be drawn: one stream for each copy of a node.
    Timers = 8,
    /// When operations arrive: one stream for each client.
    Arrivals = 9,
    /// Alterations of what was observed.
    Alteration = 16,
}

/// A stream of random integers.
#[derive(Clone, Debug)]
pub struct SimRng(ChaCha8Rng);

impl SimRng {
    /// The stream of `seed` for `purpose`, the `index`-th of its kind.
    pub fn new(seed: u64, purpose: Purpose, index: u32) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        rng.set_stream(u64::from(purpose as u32) << 32 | u64::from(index));
        Self(rng)
    }

    /// The next 64 bits.
    pub fn next_u64(&mut self) -> u64 {
        self.0.next_u64()
    }

    /// 32 bytes, for a key.
    pub fn key(&mut self) -> [u8; 32] {
        let mut key = [0; 32];
        self.0.fill_bytes(&mut key);
        key
    }

    /// An integer of the closed range `low..=high`, each equally likely to within 2^-64.
    ///
    /// # Panics
    /// If `high < low`.
    pub fn between(&mut self, low: u64, high: u64) -> u64 {
        scale(self.next_u64(), low, high)
    }

    /// Whether an event of probability `ppm` parts per million happens.
    pub fn chance(&mut self, ppm: u32) -> bool {
        happens(self.next_u64(), ppm)
    }

    /// One of `items`, each equally likely.
    ///
    /// # Panics
    /// If there is none.
    pub fn pick<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        assert!(!items.is_empty(), "nothing to pick from");
        let last = items.len() as u64 - 1;
        let place = usize::try_from(self.between(0, last)).expect("an index of the slice");
        &items[place]
    }

    /// Puts `items` in a random order (Fisher–Yates).
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for i in (1..items.len()).rev() {
            let j = usize::try_from(self.between(0, i as u64)).expect("an index of the slice");
            items.swap(i, j);
        }
    }
}

/// Choices about one message, as a function of (seed, link, kind, how many of its kind the link has
/// carried): no draw for another message can change them.
#[derive(Clone, Copy, Debug)]
pub struct MessageChoices {
    state: u64,
}

impl MessageChoices {
    /// The choices of a run with this `key` for the message of this identity.
    #[inline]
    pub const fn new(key: u64, from: u16, to: u16, kind: u8, count: u32) -> Self {
        let link = (from as u64) << 48 | (to as u64) << 32 | count as u64;
        Self { state: mix(mix(key ^ link).wrapping_add(kind as u64)) }
    }

    /// The next 64 bits about this message.
    #[inline]
    pub const fn next_u64(&mut self) -> u64 {
        // SplitMix64 (Steele, Lea, Flood 2014): a fixed increment and a bijective finalizer.
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        mix(self.state)
    }

    /// An integer of the closed range `low..=high`.
    #[inline]
    pub const fn between(&mut self, low: u64, high: u64) -> u64 {
        scale(self.next_u64(), low, high)
    }

    /// Whether an event of probability `ppm` parts per million happens.
    #[inline]
    pub const fn chance(&mut self, ppm: u32) -> bool {
        happens(self.next_u64(), ppm)
    }
}

/// The finalizer of SplitMix64.
#[inline]
const fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

#[inline]
const fn scale(bits: u64, low: u64, high: u64) -> u64 {
    assert!(low <= high, "an empty range");
    let width = (high - low) as u128 + 1;
    low + ((bits as u128 * width) >> 64) as u64
}

#[inline]
const fn happens(bits: u64, ppm: u32) -> bool {
    scale(bits, 1, 1_000_000) <= ppm as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Golden values: if a dependency's update changes one, every recorded seed is void.
    #[test]
    fn the_streams_never_change() {
        let mut rng = SimRng::new(7, Purpose::Network, 0);
        let drawn: Vec<u64> = (0..3).map(|_| rng.next_u64()).collect();
        assert_eq!(drawn, GOLDEN_STREAM);
        let mut choices = MessageChoices::new(42, 1, 2, 3, 4);
        assert_eq!([choices.next_u64(), choices.next_u64()], GOLDEN_CHOICES);
    }
    const GOLDEN_STREAM: [u64; 3] = [6779257601862804052, 6766751744002426521, 7854536619294713340];
    const GOLDEN_CHOICES: [u64; 2] = [18046740573106238983, 4577461941843079330];

    #[test]
    fn streams_differ_by_seed_purpose_and_index() {
        let first = |seed, purpose, index| SimRng::new(seed, purpose, index).next_u64();
        let base = first(1, Purpose::Network, 0);
        assert_ne!(base, first(2, Purpose::Network, 0));
        assert_ne!(base, first(1, Purpose::Workload, 0));
        assert_ne!(base, first(1, Purpose::Network, 1));
    }

    #[test]
    fn ranges_are_closed_and_reached() {
        let mut rng = SimRng::new(1, Purpose::Plan, 0);
        let mut seen = [0_u32; 3];
        for _ in 0..3_000 {
            seen[usize::try_from(rng.between(0, 2)).expect("small")] += 1;
        }
        assert!(seen.iter().all(|count| (900..1_100).contains(count)), "{seen:?}");
        assert_eq!(rng.between(5, 5), 5);
        let halves = (0..64).filter(|_| rng.between(0, u64::MAX) < 1 << 63).count();
        assert!((16..48).contains(&halves), "{halves} of 64 in the lower half");
    }

    #[test]
    fn message_choices_are_spread() {
        let hits = (0..100_000_u32)
            .filter(|&count| MessageChoices::new(9, 0, 1, 2, count).chance(10_000))
            .count();
        assert!((900..1_100).contains(&hits), "1 % of 100,000 is about 1,000, not {hits}");
    }
}
