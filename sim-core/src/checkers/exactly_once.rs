//! Exactly-once: per client, each replica applies increasing timestamps, none twice.

use std::collections::BTreeMap;

use super::{Checker, Findings, Stamp, Verdict};
use crate::id::NodeId;
use crate::observation::Observation;

#[derive(Debug, Default)]
pub(super) struct ExactlyOnce {
    findings: Findings,
    /// Of each replica and client: the timestamps applied and not rolled back, with their slots.
    applied: BTreeMap<(NodeId, NodeId), Vec<(u64, u64)>>,
}

impl Checker for ExactlyOnce {
    fn observe(&mut self, at: Stamp, node: NodeId, observation: &Observation) {
        let (seq, client, timestamp) = match observation {
            Observation::Applied { seq, client, timestamp, .. } => (seq, client, timestamp),
            Observation::RolledBack { to } => {
                let own = (node, NodeId::Replica(0))..=(node, NodeId::Client(u16::MAX));
                for (_, applied) in self.applied.range_mut(own) {
                    applied.retain(|(_, seq)| seq <= to);
                }
                return;
            }
            _ => return,
        };
        self.findings.judge();
        let applied = self.applied.entry((node, *client)).or_default();
        let before = applied.last().copied();
        applied.push((*timestamp, *seq));
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
