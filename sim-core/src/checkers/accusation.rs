//! No false accusation: whoever is proven guilty is corrupted, and the proof proves it.
//!
//! A node's word that it holds proof is not enough. Of a node that happens to be corrupted it is
//! true by luck, and the same rule convicts a correct node the next time.

use super::{Checker, Findings, RunInfo, Stamp, Verdict};
use crate::evidence::{Evidence, Verifier};
use crate::id::NodeId;
use crate::observation::Observation;

#[derive(Debug)]
pub(super) struct Accusation {
    findings: Findings,
    corrupted: Vec<NodeId>,
    verifier: Verifier,
}

impl Accusation {
    pub(super) fn new(info: &RunInfo) -> Self {
        let (corrupted, verifier) = (info.corrupted.clone(), info.verifier.clone());
        Self { findings: Findings::default(), corrupted, verifier }
    }

    fn judge(&mut self, at: Stamp, accuser: NodeId, accused: NodeId, case: Case<'_>) {
        let Case { reason, evidence } = case;
        self.findings.judge();
        if !self.corrupted.contains(&accused) {
            return self.findings.violate(at, reason, || {
                format!("{accuser} holds proof against the correct node {accused}: {reason}")
            });
        }
        let flaw = match self.verifier.convicts(evidence) {
            Ok(guilty) if guilty == accused => return,
            Ok(guilty) => format!("it proves {guilty} guilty"),
            Err(why) => why.to_owned(),
        };
        self.findings.violate(at, "no proof", || {
            format!("{accuser} says that it holds proof against {accused} ({reason}), but {flaw}")
        });
    }
}

/// What is said against a node, and what it rests on.
struct Case<'a> {
    reason: &'static str,
    evidence: &'a Evidence,
}

impl Checker for Accusation {
    fn observe(&mut self, at: Stamp, node: NodeId, observation: &Observation) {
        if let Observation::Proven { node: accused, reason, evidence } = observation {
            self.judge(at, node, *accused, Case { reason, evidence });
        }
    }

    /// A run without proofs satisfies the property, which demands only their absence.
    fn finish(&mut self, _: Stamp) -> Verdict {
        self.findings.verdict_on_absence()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::Committee;
    use crate::time::Time;

    const AT: Stamp = Stamp { time: Time::ZERO, event: 0 };

    /// What comes of the word of r2 that it holds proof against `accused`, where r1 is corrupted,
    /// and evidence is worth what it says about itself.
    fn verdict(accused: u16, worth: Result<u16, &'static str>) -> Verdict {
        let info = RunInfo {
            corrupted: vec![NodeId::Replica(1)],
            verifier: Verifier::new(|evidence| {
                let worth = evidence.statements::<Result<u16, &'static str>>();
                worth.expect("evidence of this test").map(NodeId::Replica)
            }),
            ..RunInfo::of(Committee { replicas: 4, faults: 1, clients: 1 })
        };
        let mut checker = Accusation::new(&info);
        let (node, evidence) = (NodeId::Replica(accused), Evidence::new(worth));
        let proven = Observation::Proven { node, reason: "a reason", evidence };
        checker.observe(AT, NodeId::Replica(2), &proven);
        checker.finish(AT)
    }

    #[test]
    fn a_lucky_accusation_is_no_proof() {
        assert_eq!(verdict(1, Ok(1)), Verdict::Holds(1), "a corrupted node, and a proof");
        let explanation = |verdict| match verdict {
            Verdict::Violated(violation) => violation.explanation,
            Verdict::Holds(_) | Verdict::Inconclusive(_) => panic!("{verdict:?}"),
        };
        let lucky = explanation(verdict(1, Err("they do not contradict each other")));
        assert!(lucky.ends_with("but they do not contradict each other"), "{lucky}");
        let another = explanation(verdict(1, Ok(3)));
        assert!(another.ends_with("but it proves r3 guilty"), "{another}");
        for worth in [Ok(0), Err("nothing")] {
            let correct = explanation(verdict(0, worth));
            assert!(correct.contains("the correct node r0"), "{correct}");
        }
    }
}
