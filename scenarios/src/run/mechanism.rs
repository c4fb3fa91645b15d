//! How a completed operation was lost, in the words of the protocol: part of what a run violates.
//!
//! One property may fall for different reasons. A protocol that can tell them apart is shown the
//! run a second time; what it says becomes part of the shape, so runs with different mechanisms are
//! different findings, and shrink to smaller runs with the same one.

use byzsim_core::{Outcome, Verdict, Violation};
use byzsim_protocols::Loss;

/// The properties that fall when a completed operation is lost. The first that fell gets the
/// detail.
const LOST_BY: [&str; 3] = ["durability", "result-integrity", "linearizability"];

/// Whether a run may have lost a completed operation.
pub(super) fn is_to_be_told(outcome: &Outcome) -> bool {
    let violated =
        |(name, verdict): &(&str, Verdict)| LOST_BY.contains(name) && verdict.is_violated();
    outcome.verdicts.iter().any(violated)
}

/// Adds how it was lost to what the run violates.
pub(super) fn tell(outcome: &mut Outcome, loss: &Loss) {
    let mut detail = Some(&loss.detail);
    for property in LOST_BY {
        let Some(Violation { explanation, shape, .. }) = violation(outcome, property) else {
            continue;
        };
        *shape = format!("{shape}: {}", loss.mechanism);
        if let Some(detail) = detail.take() {
            *explanation = format!("{explanation}; {} ({detail})", loss.mechanism);
        }
    }
}

fn violation<'a>(outcome: &'a mut Outcome, property: &str) -> Option<&'a mut Violation> {
    let verdict = outcome.verdicts.iter_mut().find(|(name, _)| *name == property);
    match verdict.map(|(_, verdict)| verdict) {
        Some(Verdict::Violated(violation)) => Some(violation),
        Some(Verdict::Holds(_) | Verdict::Inconclusive(_)) | None => None,
    }
}
