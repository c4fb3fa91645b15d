//! Of which runs a property speaks: some are about what only some protocols do.

use super::RunInfo;

/// Of which runs a property speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// All runs.
    Every,
    /// Those of protocols that elect the primaries of views.
    Elections,
}

impl Scope {
    /// Whether it has such a run.
    pub const fn has(self, info: &RunInfo) -> bool {
        match self {
            Self::Every => true,
            Self::Elections => info.elects,
        }
    }
}
