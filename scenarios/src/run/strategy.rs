//! Strategies: how the plans of a sweep are chosen.
//!
//! All are seeded, and all yield plans: whatever finds a violation, what it found is data. Four of
//! them draw each run from its own seed. The guided search learns from the runs before; it is as
//! deterministic, but a run of it needs its draft to be played again.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// How the plans of a sweep are chosen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Strategy {
    /// Each seed draws a plan from the scenario's weather.
    #[default]
    Random,
    /// The seed is the number of a schedule of twins: who is twins, and how the network is split in
    /// each of the first views. Consecutive seeds enumerate all of them.
    Twins,
    /// Delay-bounded: few messages are late, all else is as usual.
    Delays,
    /// PCT: senders have priorities, which change at few points.
    Priorities,
    /// Plans that reached something new are kept and varied.
    Guided,
}

impl Strategy {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::Random, Self::Twins, Self::Delays, Self::Priorities, Self::Guided];

    /// The name on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Random => "random",
            Self::Twins => "twins",
            Self::Delays => "delays",
            Self::Priorities => "priorities",
            Self::Guided => "guided",
        }
    }

    /// The name behind `before`; nothing for the usual strategy, which goes without saying.
    pub(crate) fn said(self, before: &str) -> String {
        if self == Self::Random { String::new() } else { format!("{before}{self}") }
    }
}

impl fmt::Display for Strategy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Strategy {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL.into_iter().find(|strategy| strategy.name() == text).ok_or_else(|| {
            let names = Self::ALL.map(Self::name);
            format!("`{text}` is not a strategy: use one of {}", names.join(", "))
        })
    }
}
