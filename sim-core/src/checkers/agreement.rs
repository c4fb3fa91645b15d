//! Agreement: correct replicas execute the same batches in the same slots.
//!
//! Each slot is compared with what the first correct replica decided in it, so that a lagging
//! replica hides nothing. Decisions are kept for the whole run, so that a later view cannot change
//! one. After a slot all states have one digest, those that replicas hold and those that they have
//! proof of: what a quorum certifies is what correct replicas have.

use super::{Checker, Findings, Stamp, Verdict};
use crate::crypto::Digest;
use crate::id::NodeId;
use crate::observation::Observation;
use crate::sorted::Sorted;

#[derive(Debug, Default)]
pub(super) struct Agreement {
    findings: Findings,
    /// Of each slot: who decided it first, in which view, and what.
    decided: Sorted<u64, (NodeId, u64, Digest)>,
    /// Of each slot due for a checkpoint: who spoke of its state first, how, and the digest.
    states: Sorted<u64, (NodeId, Word, Digest)>,
    /// The last slot that each replica executed.
    executed: Sorted<NodeId, u64>,
}

/// How a replica speaks of a state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Word {
    /// It holds it.
    Holds,
    /// A quorum certifies it.
    Proves,
}

impl Word {
    const fn verb(self) -> &'static str {
        match self {
            Self::Holds => "has state",
            Self::Proves => "has proof of state",
        }
    }
}

impl Agreement {
    fn decide(&mut self, at: Stamp, node: NodeId, (view, seq): (u64, u64), batch: Digest) {
        self.findings.judge();
        let &mut (first, first_view, other) =
            self.decided.or_insert_with(seq, || (node, view, batch));
        if other != batch {
            let shape = if first_view == view { "two batches, one view" } else { "across views" };
            self.findings.violate(at, shape, || {
                format!(
                    "{first} decided {other} in slot s{seq} (view {first_view}), \
                     {node} decided {batch} (view {view})"
                )
            });
        }
    }

    fn execute(&mut self, at: Stamp, node: NodeId, seq: u64) {
        let last = self.executed.insert(node, seq).unwrap_or(0);
        if seq != last + 1 {
            self.findings.violate(at, "gap", || {
                format!("{node} executed slot s{seq} after s{last}: s{} is missing", last + 1)
            });
        }
    }

    fn state(&mut self, at: Stamp, (node, word): (NodeId, Word), seq: u64, state: Digest) {
        self.findings.judge();
        let &mut (first, how, other) = self.states.or_insert_with(seq, || (node, word, state));
        if other != state {
            let shape = if how == word { "state" } else { "proof of another state" };
            self.findings.violate(at, shape, || {
                let (verb, other_verb) = (word.verb(), how.verb());
                format!("after slot s{seq}, {first} {other_verb} {other} but {node} {verb} {state}")
            });
        }
    }
}

impl Checker for Agreement {
    fn observe(&mut self, at: Stamp, node: NodeId, observation: &Observation) {
        match *observation {
            Observation::Committed { view, seq, decided } => {
                self.decide(at, node, (view, seq), decided.digest());
            }
            Observation::Executed { view, seq, batch, .. } => {
                self.execute(at, node, seq);
                self.decide(at, node, (view, seq), batch);
            }
            Observation::Speculated { seq, .. } => self.execute(at, node, seq),
            Observation::RolledBack { to } => {
                self.executed.insert(node, to);
            }
            Observation::Checkpointed { seq, state } => {
                self.state(at, (node, Word::Holds), seq, state);
            }
            Observation::StableCheckpoint { seq, state } => {
                self.state(at, (node, Word::Proves), seq, state);
            }
            Observation::Restored { seq, state, .. } => {
                self.executed.insert(node, seq);
                self.state(at, (node, Word::Holds), seq, state);
            }
            _ => {}
        }
    }

    fn finish(&mut self, _: Stamp) -> Verdict {
        self.findings.verdict("no correct replica decided anything")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observation::Decided;
    use crate::time::Time;

    fn shape(said: &[(u16, Observation)]) -> Option<String> {
        let mut judge = Agreement::default();
        let at = Stamp { time: Time::ZERO, event: 0 };
        for (replica, observation) in said {
            judge.observe(at, NodeId::Replica(*replica), observation);
        }
        judge.finish(at).violation().map(|violation| violation.shape.clone())
    }

    fn holds(seq: u64, name: u8) -> Observation {
        Observation::Checkpointed { seq, state: Digest([name; 32]) }
    }

    fn proves(seq: u64, name: u8) -> Observation {
        Observation::StableCheckpoint { seq, state: Digest([name; 32]) }
    }

    /// A judge that compares the states of replicas alone lets what nobody has be certified.
    #[test]
    fn what_is_certified_is_what_replicas_hold_in_whatever_order() {
        assert_eq!(shape(&[(0, holds(4, 1)), (1, holds(4, 1)), (0, proves(4, 1))]), None);
        assert_eq!(shape(&[(0, holds(4, 1)), (0, proves(8, 2))]), None, "of another slot");
        let other = "proof of another state";
        assert_eq!(shape(&[(0, holds(4, 1)), (0, proves(4, 2))]).as_deref(), Some(other));
        assert_eq!(shape(&[(0, proves(4, 2)), (1, holds(4, 1))]).as_deref(), Some(other));
        assert_eq!(shape(&[(0, proves(4, 2)), (1, proves(4, 1))]).as_deref(), Some("state"));
        assert_eq!(shape(&[(0, holds(4, 1)), (1, holds(4, 2))]).as_deref(), Some("state"));
    }

    #[test]
    fn slots_are_decided_once_and_executed_in_order() {
        let batch = |name| Digest([name; 32]);
        let commits = |view, seq, name| {
            let decided = Decided::Batch(batch(name));
            Observation::Committed { view, seq, decided }
        };
        let executes = |seq| Observation::Executed { view: 0, seq, batch: batch(1), null: false };
        assert_eq!(shape(&[(0, commits(0, 1, 1)), (1, commits(1, 1, 1))]), None);
        let views = [(0, commits(0, 1, 1)), (1, commits(1, 1, 2))];
        assert_eq!(shape(&views).as_deref(), Some("across views"));
        let view = [(0, commits(0, 1, 1)), (1, commits(0, 1, 2))];
        assert_eq!(shape(&view).as_deref(), Some("two batches, one view"));
        assert_eq!(shape(&[(0, executes(1)), (0, executes(2)), (1, executes(1))]), None);
        assert_eq!(shape(&[(0, executes(1)), (0, executes(3))]).as_deref(), Some("gap"));
    }
}
