//! Which seeds a sweep plays, and how; which part of them a shard has.

use std::fmt;
use std::str::FromStr;

use byzsim_core::CryptoBackend;
use serde::{Deserialize, Serialize};

use crate::file::format::SeedRange;
use crate::run::strategy::Strategy;

/// Which seeds are played, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SweepOptions {
    /// The seeds.
    pub seeds: SeedRange,
    /// Which part of them.
    pub shard: Shard,
    /// How many threads play.
    pub jobs: usize,
    /// How the plans are chosen.
    pub strategy: Strategy,
    /// How signatures are made. No output depends on it.
    pub crypto: CryptoBackend,
}

impl SweepOptions {
    /// All of `seeds`, on one thread, with ideal signatures.
    pub const fn of(seeds: SeedRange) -> Self {
        let (shard, strategy) = (Shard::WHOLE, Strategy::Random);
        Self { seeds, shard, jobs: 1, strategy, crypto: CryptoBackend::Ideal }
    }
}

/// A part of a sweep: of every `count` seeds that of this index.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Shard {
    /// From 0.
    pub index: u64,
    /// At least 1.
    pub count: u64,
}

impl Shard {
    /// All seeds.
    pub const WHOLE: Self = Self { index: 0, count: 1 };

    /// How many of `seeds` are of this shard.
    pub const fn len(&self, seeds: SeedRange) -> u64 {
        seeds.len().saturating_sub(self.index).div_ceil(self.count)
    }

    /// The `place`-th seed of this shard. Slow seeds come in clusters: shards take turns.
    pub(crate) const fn seed(&self, seeds: SeedRange, place: u64) -> u64 {
        seeds.start + self.index + place * self.count
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.index, self.count)
    }
}

impl FromStr for Shard {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong =
            || format!("`{text}` is not a shard: the first of eight is `0/8`, the last `7/8`");
        let (index, count) = text.split_once('/').ok_or_else(wrong)?;
        let shard = Self {
            index: index.parse().map_err(|_| wrong())?,
            count: count.parse().map_err(|_| wrong())?,
        };
        if shard.index < shard.count { Ok(shard) } else { Err(wrong()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shards_share_out_all_seeds() {
        let seeds = SeedRange { start: 5, end: 22 };
        let mut played: Vec<u64> = (0..4)
            .map(|index| Shard { index, count: 4 })
            .flat_map(|shard| (0..shard.len(seeds)).map(move |place| shard.seed(seeds, place)))
            .collect();
        played.sort_unstable();
        assert_eq!(played, (5..22).collect::<Vec<u64>>());
        assert_eq!(Shard { index: 7, count: 8 }.len(SeedRange { start: 0, end: 3 }), 0);
        for wrong in ["8/8", "1", "a/b", "0/0", "-1/2"] {
            assert!(wrong.parse::<Shard>().is_err(), "{wrong}");
        }
    }
}
