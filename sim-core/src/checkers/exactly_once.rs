//! Exactly-once: per client, each replica applies increasing timestamps, none twice.
//!
//! A request that a restored state contains was applied, too: by the replicas that it comes from.

use super::{Checker, Findings, Stamp, Verdict};
use crate::id::NodeId;
use crate::observation::{Content, Observation};
use crate::sorted::Sorted;

#[derive(Debug, Default)]
pub(super) struct ExactlyOnce {
    findings: Findings,
    /// Of each replica and client: the timestamps applied and not rolled back, with their slots.
    applied: Sorted<NodeId, Sorted<NodeId, Vec<(u64, u64)>>>,
}

impl ExactlyOnce {
    /// What a replica executed itself beyond the restored state is undone, and what it executed
    /// before it was done, whatever the state remembers.
    fn restore(&mut self, node: NodeId, seq: u64, content: &Content) {
        let own = self.applied.or_default(node);
        for applied in own.values_mut() {
            applied.retain(|(_, slot)| *slot <= seq);
        }
        for (client, (timestamp, _)) in &content.replies {
            let applied = own.or_default(*client);
            if applied.last().is_none_or(|(last, _)| last < timestamp) {
                applied.push((*timestamp, seq));
            }
        }
    }
}

impl Checker for ExactlyOnce {
    fn observe(&mut self, at: Stamp, node: NodeId, observation: &Observation) {
        let (seq, client, timestamp) = match observation {
            Observation::Applied { seq, client, timestamp, .. } => (seq, client, timestamp),
            Observation::RolledBack { to } => {
                for applied in self.applied.or_default(node).values_mut() {
                    applied.retain(|(_, seq)| seq <= to);
                }
                return;
            }
            Observation::Restored { seq, content, .. } => {
                self.restore(node, *seq, content);
                return;
            }
            _ => return,
        };
        self.findings.judge();
        let applied = self.applied.or_default(node).or_default(*client);
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::rc::Rc;

    use super::*;
    use crate::crypto::Digest;
    use crate::history::{Answer, Operation};
    use crate::time::Time;

    const R0: NodeId = NodeId::Replica(0);

    /// Applies requests of c0, each with its slot, after each of which a step is made.
    fn shape(steps: &[(u64, u64, Option<Observation>)]) -> Option<String> {
        let mut judge = ExactlyOnce::default();
        let at = Stamp { time: Time::ZERO, event: 0 };
        for (seq, timestamp, then) in steps {
            let (client, operation) = (NodeId::Client(0), Operation::Get { key: "x".into() });
            let (seq, timestamp, answer) = (*seq, *timestamp, Answer::Value(None));
            let applied = Observation::Applied { seq, client, timestamp, operation, answer };
            judge.observe(at, R0, &applied);
            if let Some(then) = then {
                judge.observe(at, R0, then);
            }
        }
        judge.finish(at).violation().map(|violation| violation.shape.clone())
    }

    fn restored(seq: u64, last: u64) -> Option<Observation> {
        let replies = BTreeMap::from([(NodeId::Client(0), (last, Answer::Done))]);
        let content = Rc::new(Content { replies, ..Content::default() });
        Some(Observation::Restored { seq, state: Digest::default(), history: None, content })
    }

    #[test]
    fn a_request_counts_once_until_it_is_undone() {
        let undone = Some(Observation::RolledBack { to: 1 });
        assert_eq!(shape(&[(1, 1, None), (2, 2, undone), (2, 2, None)]), None);
        assert_eq!(shape(&[(1, 1, None), (2, 1, None)]).as_deref(), Some("twice"));
        assert_eq!(shape(&[(1, 2, None), (2, 1, None)]).as_deref(), Some("out of order"));
    }

    /// Whoever forgets what a restored state contains lets each of the first two pass.
    #[test]
    fn what_a_restored_state_contains_was_applied() {
        let case = |last, next| shape(&[(1, 1, restored(8, last)), (9, next, None)]);
        assert_eq!(case(3, 3).as_deref(), Some("twice"));
        assert_eq!(case(3, 2).as_deref(), Some("out of order"));
        assert_eq!(case(3, 4), None);
        // A state without its reply cache does not undo what the replica applied.
        assert_eq!(case(0, 1).as_deref(), Some("twice"));
        // What it applied beyond the state is undone.
        assert_eq!(shape(&[(4, 1, restored(3, 0)), (4, 1, None)]), None);
    }
}
