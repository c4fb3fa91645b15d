//! Who is to blame for a run that violates a safety property: from the signed messages that correct
//! nodes hold, whom they prove guilty, and what that says of the protocol.
//!
//! With more than f faulty replicas PBFT loses agreement only in a way that proves f + 1 of them
//! guilty (Sheng, Wang, Nayak, Kannan, Viswanath, "BFT Protocol Forensics", CCS 2021). With at most
//! f a correct protocol loses nothing, so where something is lost and no f + 1 culprits exist, the
//! protocol itself is at fault, or its implementation.

use std::collections::{BTreeMap, BTreeSet};

use byzsim_core::{NodeId, Time};
use serde::{Deserialize, Serialize};

use crate::run::draw::Drawn;
use crate::run::registry::Investigation;
use crate::run::result::{PlayOptions, Report};
use crate::run::scenario::Scenario;

/// What follows from the signed messages of a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Accountability {
    /// Who is to blame.
    pub blame: Blame,
    /// How many replicas that break its rules the protocol is configured to tolerate: f, or none.
    pub faults: u16,
    /// The replicas that the scenario lets break the rules: the corrupted, and those that forget.
    /// One that only crashes signs nothing that a correct one would not.
    pub faulty: Vec<NodeId>,
    /// Two things that quorums signed and that exclude each other.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dispute: Option<Dispute>,
    /// Who is proven guilty by what all correct nodes hold together.
    pub culprits: Vec<Culprit>,
    /// Each correct node, and whom it proves guilty alone.
    pub witnesses: Vec<Witness>,
    /// Who would be proven guilty if all that was ever sent were known.
    pub omniscient: Vec<NodeId>,
    /// What else the messages show.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

/// Who is to blame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Blame {
    /// f + 1 replicas or more, all of them faulty: the protocol is blameless.
    FaultBoundExceeded,
    /// At most f replicas are faulty, and a property is violated all the same.
    ProtocolAtFault,
    /// The number of replicas or the quorum is not what the paper demands.
    OutsideTheModel,
    /// More than f and at most 2f replicas are faulty, agreement is lost, and fewer than f + 1 are
    /// proven guilty: evidence is missing.
    EvidenceLost,
    /// More than f replicas are faulty, and no theorem promises f + 1 culprits for this.
    NothingPromised,
    /// A replica is proven guilty that nothing made faulty.
    CorrectNodeConvicted,
    /// Nothing is violated that a culprit could be sought for.
    NothingViolated,
}

/// Two things that quorums signed and that exclude each other.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Dispute {
    /// The rule that says who is to blame for such a thing.
    pub rule: String,
    /// Which two things.
    pub about: String,
    /// What no correct node holds, and may prove more.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub missing: Vec<String>,
}

/// A replica that is proven guilty.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Culprit {
    /// Which.
    pub node: NodeId,
    /// Whether the scenario made it faulty.
    pub is_faulty: bool,
    /// What it did, of each kind the first.
    pub offences: Vec<Offence>,
}

/// What a replica did that no correct replica does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Offence {
    /// The number of the rule.
    pub rule: String,
    /// What it did.
    pub about: String,
    /// The signed statements that prove it.
    pub evidence: Vec<Statement>,
}

/// A signed statement.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Statement {
    /// What it says.
    pub what: String,
    /// The event with which it first came to a correct node, or was sent by one.
    pub event: u64,
    /// When that was.
    pub time: Time,
}

/// A correct node, and whom it proves guilty alone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Witness {
    /// Which.
    pub node: NodeId,
    /// Whom it proves guilty.
    pub proves: Vec<NodeId>,
}

/// The properties whose violation is nobody's fault that signed messages could show: a slow or
/// silent replica leaves no proof, and what `accusation` is about has its culprit already.
const WITHOUT_CULPRITS: &[&str] =
    &["liveness", "accusation", "convergence", "quiescence", "deposition"];

impl Scenario {
    /// Who is to blame for what the run of `report` violates; none if that is nothing that signed
    /// messages could show. The run is played a second time, for its messages.
    pub fn blame(&self, report: &Report, options: &PlayOptions) -> Option<Accountability> {
        let is_safety = |name: &str| !WITHOUT_CULPRITS.contains(&name);
        let violates = report.result.is_ok()
            && report.verdicts().iter().any(|(name, it)| it.is_violated() && is_safety(name));
        violates.then(|| self.investigate(report.seed, &report.drawn, true, options))
    }

    /// Whom the signed messages of a run prove guilty, whether or not it violates something.
    pub fn investigate(
        &self,
        seed: u64,
        drawn: &Drawn,
        violates: bool,
        options: &PlayOptions,
    ) -> Accountability {
        let here = self.under(drawn);
        let found = here.play_for_evidence(seed, drawn, options);
        let mut faulty = drawn.plan.untrusted();
        faulty.retain(|node| !node.is_client());
        let culprits = culprits(&found, &faulty);
        let tolerated = here.resilience();
        let faults = tolerated.byzantine;
        let clients = drawn.plan.untrusted().into_iter().filter(|node| node.is_client());
        let blame = Evidence {
            is_client_trusted_wrongly: !tolerated.any_client && clients.count() != 0,
            proven: culprits.len(),
            is_correct_convicted: culprits.iter().any(|it| !it.is_faulty),
            is_disputed: found.all.dispute.is_some(),
            faulty: faulty.len(),
            faults: usize::from(faults),
            is_within_model: here.is_within_model(),
            violates,
        };
        let dispute = found.all.dispute.map(|it| Dispute {
            rule: it.rule.to_owned(),
            about: it.about,
            missing: it.missing,
        });
        let proves = |(node, proves): (NodeId, BTreeSet<NodeId>)| Witness {
            node,
            proves: proves.into_iter().collect(),
        };
        Accountability {
            blame: blame.weighed(),
            faults,
            faulty,
            dispute,
            culprits,
            witnesses: found.by_witness.into_iter().map(proves).collect(),
            omniscient: found.omniscient.into_iter().collect(),
            notes: found.all.notes,
        }
    }
}

fn culprits(found: &Investigation, faulty: &[NodeId]) -> Vec<Culprit> {
    let mut culprits: BTreeMap<NodeId, Vec<Offence>> = BTreeMap::new();
    for it in &found.all.offences {
        let statement = |(what, place): &(String, byzsim_core::forensics::Place)| Statement {
            what: what.clone(),
            event: place.event,
            time: place.time,
        };
        culprits.entry(it.culprit).or_default().push(Offence {
            rule: it.rule.to_owned(),
            about: it.about.to_owned(),
            evidence: it.statements.iter().map(statement).collect(),
        });
    }
    let culprit = |(node, offences)| Culprit { node, is_faulty: faulty.contains(&node), offences };
    culprits.into_iter().map(culprit).collect()
}

/// What decides who is to blame.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "five independent facts")]
struct Evidence {
    /// Whether a client breaks the rules that the protocol trusts.
    is_client_trusted_wrongly: bool,
    proven: usize,
    is_correct_convicted: bool,
    is_disputed: bool,
    faulty: usize,
    faults: usize,
    is_within_model: bool,
    violates: bool,
}

impl Evidence {
    const fn weighed(self) -> Blame {
        let Self { proven, faulty, faults, .. } = self;
        if self.is_correct_convicted {
            Blame::CorrectNodeConvicted
        } else if !self.violates {
            Blame::NothingViolated
        } else if !self.is_within_model {
            Blame::OutsideTheModel
        } else if faulty <= faults && !self.is_client_trusted_wrongly {
            Blame::ProtocolAtFault
        } else if faults < proven {
            Blame::FaultBoundExceeded
        } else if self.is_disputed && faults < faulty && faulty <= 2 * faults {
            Blame::EvidenceLost
        } else {
            Blame::NothingPromised
        }
    }
}

impl Accountability {
    /// The verdict, in a sentence.
    pub fn verdict(&self) -> String {
        let proven = self.culprits.len();
        let (needed, faulty) = (self.faults + 1, self.faulty.len());
        match self.blame {
            Blame::FaultBoundExceeded => format!(
                "fault bound exceeded: {proven} replicas are proven guilty, f + 1 = {needed} or \
                 more; the protocol is not to blame"
            ),
            Blame::ProtocolAtFault => format!(
                "no f + 1 = {needed} culprits exist: the protocol is at fault, or its \
                 implementation"
            ),
            Blame::OutsideTheModel => {
                "the cluster or its quorum is not what the paper demands: nothing is promised"
                    .into()
            }
            Blame::EvidenceLost => format!(
                "evidence lost: {faulty} replicas are faulty, more than f, and only {proven} of \
                 f + 1 = {needed} are proven guilty"
            ),
            Blame::NothingPromised if faulty <= usize::from(self.faults) || self.faults == 0 => {
                format!(
                    "nodes break the rules that the protocol trusts to keep them: nothing is \
                     promised, and {proven} replicas are proven guilty"
                )
            }
            Blame::NothingPromised => format!(
                "{faulty} replicas are faulty, more than f; no theorem promises f + 1 = {needed} \
                 culprits here, and {proven} are proven guilty"
            ),
            Blame::CorrectNodeConvicted => {
                let of = self.culprits.iter().filter(|it| !it.is_faulty);
                let nodes: Vec<String> = of.map(|it| it.node.to_string()).collect();
                format!(
                    "nothing made {} faulty, and signed statements convict: the implementation is \
                     at fault, or the judge",
                    nodes.join(", ")
                )
            }
            Blame::NothingViolated => format!(
                "no safety property is violated, so nobody is to blame; signed messages prove \
                 {proven} guilty"
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_verdict_depends_on_who_was_faulty_and_on_who_is_proven_guilty() {
        let case = |faulty, proven, is_disputed| Evidence {
            is_client_trusted_wrongly: false,
            proven,
            is_correct_convicted: false,
            is_disputed,
            faulty,
            faults: 2,
            is_within_model: true,
            violates: true,
        };
        use Blame::{
            CorrectNodeConvicted, EvidenceLost, FaultBoundExceeded, NothingPromised,
            NothingViolated, OutsideTheModel, ProtocolAtFault,
        };
        for (faulty, proven, is_disputed, blame) in [
            (0, 0, true, ProtocolAtFault),
            (2, 2, true, ProtocolAtFault),
            (3, 3, true, FaultBoundExceeded),
            (4, 3, false, FaultBoundExceeded),
            (3, 2, true, EvidenceLost),
            (4, 0, false, NothingPromised),
            (5, 2, true, NothingPromised),
        ] {
            let case = case(faulty, proven, is_disputed);
            assert_eq!(case.weighed(), blame, "{case:?}");
            let convicted = Evidence { is_correct_convicted: true, ..case };
            assert_eq!(convicted.weighed(), CorrectNodeConvicted, "{convicted:?}");
            if faulty <= 2 {
                let trusted = Evidence { is_client_trusted_wrongly: true, ..case };
                assert_eq!(trusted.weighed(), NothingPromised, "{trusted:?}");
            }
            let outside = Evidence { is_within_model: false, ..case };
            assert_eq!(outside.weighed(), OutsideTheModel, "{outside:?}");
            assert_eq!(Evidence { violates: false, ..outside }.weighed(), NothingViolated);
        }
    }
}
