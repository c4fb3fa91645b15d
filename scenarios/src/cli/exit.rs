//! Exit codes.

use std::process::ExitCode;

use crate::run::expect::Judgement;
use crate::sweep::options::Shard;
use crate::sweep::summary::Summary;

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// All as expected.
    Expected = 0,
    /// A property was violated.
    Violation = 1,
    /// Wrong usage, or a bad file.
    Usage = 2,
    /// Inconclusive: nothing violated, but something undecided, or never reached.
    Inconclusive = 3,
    /// A replay took another course than the run that it replays, or a run that was to be shrunk no
    /// longer fails.
    Diverged = 4,
    /// An error of byzsim itself.
    Internal = 70,
    /// Interrupted; the finished rows are kept.
    Interrupted = 130,
}

impl From<Judgement> for Exit {
    fn from(judgement: Judgement) -> Self {
        match judgement {
            Judgement::Expected => Self::Expected,
            Judgement::Inconclusive => Self::Inconclusive,
            Judgement::Violation => Self::Violation,
        }
    }
}

impl From<&Summary> for Exit {
    fn from(summary: &Summary) -> Self {
        if summary.runs < summary.wanted() {
            Self::Interrupted
        } else if summary.head.shard != Shard::WHOLE {
            // Verdicts are data: a scheduler must not retry a shard because it found a bug.
            Self::Expected
        } else {
            summary.judgement().into()
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}
