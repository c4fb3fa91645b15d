//! Who is to blame for a run, for people.

use byzsim_core::NodeId;

use super::run::line;
use super::style::{BAD, GOOD, LOUD, paint};
use crate::run::accountability::{Accountability, Blame, Culprit, Offence, Statement};

/// The lines about who is to blame.
pub fn human(it: &Accountability) -> String {
    let mut text = String::new();
    let style = match it.blame {
        Blame::FaultBoundExceeded | Blame::NothingViolated => GOOD,
        Blame::ProtocolAtFault | Blame::CorrectNodeConvicted => BAD,
        Blame::OutsideTheModel | Blame::EvidenceLost | Blame::NothingPromised => LOUD,
    };
    line(&mut text, "blame", &paint(style, it.verdict()));
    if let Some(dispute) = &it.dispute {
        line(&mut text, "", &format!("{} {}", dispute.rule, dispute.about));
        if !dispute.missing.is_empty() {
            let missing = dispute.missing.join(", ");
            line(&mut text, "", &format!("no correct node holds {missing}"));
        }
    }
    for Culprit { node, is_faulty, offences } in &it.culprits {
        let corrupted = if *is_faulty { "faulty" } else { "CORRECT" };
        // The first is proof enough; programs get all.
        let mut offences = offences.iter();
        let Some(Offence { rule, about, evidence }) = offences.next() else { continue };
        line(&mut text, "", &format!("{node} ({corrupted}) {rule} {about}"));
        for Statement { what, event, time } in evidence {
            line(&mut text, "", &format!("  {what}  (event {event}, {time})"));
        }
        let others: Vec<&str> = offences.map(|other| other.rule.as_str()).collect();
        if !others.is_empty() {
            line(&mut text, "", &format!("  and {}", others.join(", ")));
        }
    }
    for note in &it.notes {
        line(&mut text, "", note);
    }
    if !it.culprits.is_empty() {
        let alone = |witness: &crate::run::accountability::Witness| {
            let proves =
                if witness.proves.is_empty() { "nobody".into() } else { listed(&witness.proves) };
            format!("{}: {proves}", witness.node)
        };
        let alone: Vec<String> = it.witnesses.iter().map(alone).collect();
        line(
            &mut text,
            "",
            &format!("whom each correct node can prove guilty alone: {}", alone.join("; ")),
        );
    }
    let is_hidden = |node: &&NodeId| it.culprits.iter().all(|culprit| culprit.node != **node);
    let hidden: Vec<NodeId> = it.omniscient.iter().filter(is_hidden).copied().collect();
    if !hidden.is_empty() {
        let hidden = listed(&hidden);
        let what = format!("what no correct node received would also prove {hidden} guilty");
        line(&mut text, "", &what);
    }
    text
}

fn listed(nodes: &[NodeId]) -> String {
    nodes.iter().map(NodeId::to_string).collect::<Vec<_>>().join(",")
}
