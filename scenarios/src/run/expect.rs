//! A run's verdicts against what its scenario expects.

use byzsim_core::{Time, Verdict};
use serde::{Deserialize, Serialize};

use crate::file::format::Expect;

/// The property that a panic violates, in outputs.
pub const PANIC: &str = "panic";

/// What a run is worth, given what its scenario expects.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Judgement {
    /// As expected.
    Expected,
    /// Nothing is wrong, but something is undecided, or an expected violation did not happen.
    Inconclusive,
    /// Something is violated that should hold.
    Violation,
}

/// Judges one run by its verdicts, and by whether it panicked.
pub fn judge<'a>(
    expect: &Expect,
    gst: Time,
    verdicts: impl Iterator<Item = (&'a str, &'a Verdict)> + Clone,
    panicked: bool,
) -> Judgement {
    if panicked {
        return Judgement::Violation;
    }
    let violates = |name: &str| verdicts.clone().any(|(n, v)| n == name && v.is_violated());
    let violated = verdicts.clone().any(|(_, verdict)| verdict.is_violated());
    let spared = match expect {
        Expect::Violated(properties) => {
            let all = properties.iter().all(|name| violates(name));
            let any = properties.iter().any(|name| violates(name));
            // Beside an expected violation others are taken for its consequences.
            return match (all, any, violated) {
                (true, ..) => Judgement::Expected,
                (_, false, true) => Judgement::Violation,
                _ => Judgement::Inconclusive,
            };
        }
        Expect::Holds => [].as_slice(),
        Expect::Inconclusive(properties) => properties,
    };
    if violated {
        return Judgement::Violation;
    }
    let undecided = verdicts.filter(|(_, verdict)| matches!(verdict, Verdict::Inconclusive(_)));
    let mut counted = undecided
        .filter(|(name, _)| !is_unjudged(name, gst) && !spared.iter().any(|spared| spared == name));
    if counted.next().is_none() { Judgement::Expected } else { Judgement::Inconclusive }
}

/// Whether the property is not judged at all: no protocol owes progress in a network that never
/// becomes synchronous (Fischer, Lynch, Paterson 1985), nor that replicas which are cut off catch
/// up, nor that they stop asking for what they lack.
pub fn is_unjudged(property: &str, gst: Time) -> bool {
    matches!(property, "liveness" | "convergence" | "quiescence") && gst == Time::NEVER
}

#[cfg(test)]
mod tests {
    use super::*;
    use byzsim_core::Stamp;

    #[test]
    fn a_run_is_judged_by_what_is_expected() {
        let held = Verdict::Holds(3);
        let open = Verdict::Inconclusive("nothing happened".to_owned());
        let at = Stamp { time: Time::ZERO, event: 0 };
        let broken = Verdict::Violated(byzsim_core::Violation {
            repeats: None,
            at,
            explanation: "slots differ".to_owned(),
            shape: "slots".to_owned(),
        });
        let violated = || Expect::Violated(vec!["agreement".to_owned()]);
        let spared = || Expect::Inconclusive(vec!["liveness".to_owned()]);
        let (never, zero) = (Time::NEVER, Time::ZERO);
        use Judgement::{Expected, Inconclusive, Violation};
        for (expect, gst, agreement, liveness, judgement) in [
            (Expect::Holds, zero, &held, &held, Expected),
            (Expect::Holds, zero, &held, &open, Inconclusive),
            (Expect::Holds, never, &held, &open, Expected),
            (Expect::Holds, never, &open, &open, Inconclusive),
            (Expect::Holds, zero, &broken, &open, Violation),
            (spared(), zero, &held, &open, Expected),
            (spared(), zero, &open, &held, Inconclusive),
            (spared(), zero, &held, &broken, Violation),
            (violated(), zero, &broken, &held, Expected),
            (violated(), zero, &broken, &broken, Expected),
            (violated(), zero, &held, &held, Inconclusive),
            (violated(), zero, &held, &broken, Violation),
        ] {
            let verdicts = [("agreement", agreement), ("liveness", liveness)];
            let judged = judge(&expect, gst, verdicts.into_iter(), false);
            assert_eq!(judged, judgement, "{expect:?} {gst} {verdicts:?}");
            assert_eq!(judge(&expect, gst, verdicts.into_iter(), true), Violation);
        }
    }
}
