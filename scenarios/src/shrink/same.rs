//! Whether a run fails for the same reason as another.

use serde::Serialize;

use crate::repro::Found;
use crate::run::expect::Judgement;
use crate::run::result::Report;

/// Why a run fails: what must not change while its plan shrinks.
///
/// The explanation names nodes, slots and values, which do change; a shape does not. Where several
/// properties are violated, the first one in the order of [`byzsim_core::PROPERTIES`] is the
/// reason: the others are mostly its consequences. A run that violates an earlier one as well may
/// show another bug, and is not the same.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Reason {
    /// The property; `panic` for a panic.
    pub property: String,
    /// What stays the same when names and numbers change.
    pub shape: String,
}

impl Reason {
    /// Why a run fails; none if it violates nothing.
    pub fn of(report: &Report) -> Option<Self> {
        let first = report.findings().first().copied()?;
        Some(Self { property: first.property.to_owned(), shape: first.shape.to_owned() })
    }
}

impl From<&Found> for Reason {
    fn from(found: &Found) -> Self {
        Self { property: found.property.clone(), shape: found.shape.clone() }
    }
}

/// What a smaller run must have in common with the first one.
#[derive(Clone, Debug)]
pub(super) struct Same {
    reason: Reason,
    judgement: Judgement,
    beyond_f: bool,
    /// How many replicas the first plan makes faulty.
    faulty: usize,
}

impl Same {
    /// The predicate of a run that fails for `reason`.
    pub(super) fn new(reason: Reason, report: &Report) -> Self {
        let (judgement, beyond_f) = (report.judgement, report.beyond_f);
        Self { reason, judgement, beyond_f, faulty: faulty(report) }
    }

    /// Whether a run fails for the same reason, is judged the same by its scenario, and has no more
    /// faulty replicas.
    pub(super) fn holds(&self, report: &Report) -> bool {
        Reason::of(report).as_ref() == Some(&self.reason)
            && report.judgement == self.judgement
            && (self.beyond_f || !report.beyond_f)
            && faulty(report) <= self.faulty
    }
}

fn faulty(report: &Report) -> usize {
    report.drawn.plan.faulty_replicas(report.gst()).len()
}
