//! What a checker found, and how it keeps that while the run goes on.

use serde::{Deserialize, Serialize};

use super::Stamp;

/// What a checker found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// The property holds in this run, over so many judged facts.
    Holds(u64),
    /// The property is violated.
    Violated(Violation),
    /// Nothing to judge, or a budget ran out: why.
    Inconclusive(String),
}

/// The first place where a property is violated.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Violation {
    /// When it became visible.
    pub at: Stamp,
    /// What happened, in a sentence that names nodes, slots and requests.
    pub explanation: String,
    /// The stretch of the run that repeats, if it goes round in circles.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repeats: Option<[Stamp; 2]>,
    /// The shape of the violation: what stays the same when names and numbers change. Runs that
    /// violate a property in the same shape count as one finding.
    pub shape: String,
}

impl Verdict {
    /// Whether the property is violated.
    pub const fn is_violated(&self) -> bool {
        self.violation().is_some()
    }

    /// Where the property is violated first, if it is.
    pub const fn violation(&self) -> Option<&Violation> {
        match self {
            Self::Violated(violation) => Some(violation),
            Self::Holds(_) | Self::Inconclusive(_) => None,
        }
    }
}

/// Keeps only the first violation, because later ones may be its consequences.
#[derive(Debug, Default)]
pub(super) struct Findings {
    pub(super) judged: u64,
    pub(super) violation: Option<Violation>,
}

impl Findings {
    pub(super) fn judge(&mut self) {
        self.judged += 1;
    }

    pub(super) fn violate(&mut self, at: Stamp, shape: &str, explanation: impl FnOnce() -> String) {
        if self.violation.is_none() {
            let (explanation, shape) = (explanation(), shape.to_owned());
            self.violation = Some(Violation { at, explanation, repeats: None, shape });
        }
    }

    /// The verdict on a property that wants something to happen: if it did not, why that is so.
    pub(super) fn verdict(&mut self, nothing: &str) -> Verdict {
        match self.verdict_on_absence() {
            Verdict::Holds(0) => Verdict::Inconclusive(nothing.to_owned()),
            verdict => verdict,
        }
    }

    /// The verdict on a property that demands only that something does not happen: a run in which
    /// nothing was judged satisfies it.
    pub(super) fn verdict_on_absence(&mut self) -> Verdict {
        match self.violation.take() {
            Some(violation) => Verdict::Violated(violation),
            None => Verdict::Holds(self.judged),
        }
    }
}
