//! Exactly-once: per client, each replica applies increasing timestamps, none twice.

use std::collections::BTreeMap;

use super::{Checker, Findings, Stamp, Verdict};
use crate::id::NodeId;
use crate::observation::Observation;

#[derive(Debug, Default)]
pub(super) struct ExactlyOnce {
    findings: Findings,
    /// Of each replica and client: the last timestamp applied, and its slot.
    last: BTreeMap<(NodeId, NodeId), (u64, u64)>,
}

impl Checker for ExactlyOnce {
    fn observe(&mut self, at: Stamp, node: NodeId, observation: &Observation) {
        let Observation::Applied { seq, client, timestamp, .. } = observation else { return };
        self.findings.judge();
        let before = self.last.insert((node, *client), (*timestamp, *seq));
        match before {
            Some((last, slot)) if *timestamp == last => self.findings.violate(at, "twice", || {
                format!("{node} applied {client}#{timestamp} twice, in slots s{slot} and s{seq}")
            }),
            Some((last, slot)) if *timestamp < last => {
                self.findings.violate(at, "out of order", || {
                    format!(
                        "{node} applied {client}#{timestamp} in slot s{seq}, \
                         after #{last} in slot s{slot}"
                    )
                });
            }
            _ => {}
        }
    }

    fn finish(&mut self, _: Stamp) -> Verdict {
        self.findings.verdict("no request was applied")
    }
}
