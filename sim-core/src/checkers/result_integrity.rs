//! Result integrity: correct clients accept only answers that the committed order gives.
//!
//! The order is replayed through the sequential model of the linearizability search, which shares
//! nothing with the replicated service. A read may have been answered past the order: then a
//! correct replica says after which slot, and the order up to that slot gives the answer.

use std::collections::BTreeMap;

use super::log::LogReader;
use super::{Checker, Findings, Shared, Stamp, Verdict};
use crate::checkers::by_request::ByRequest;
use crate::history::{Answer, Operation, Text};
use crate::id::NodeId;
use crate::linearizability::Register;
use crate::observation::Observation;

#[derive(Debug)]
pub(super) struct ResultIntegrity {
    findings: Findings,
    log: LogReader,
    asked: ByRequest<Operation>,
    accepted: ByRequest<(Answer, Stamp)>,
    /// What correct replicas answered to reads, past the order: by the slot of the state.
    reads: BTreeMap<u64, Vec<((NodeId, u64), Operation, Answer)>>,
}

impl ResultIntegrity {
    /// The reads that were accepted with an answer that a replica gave past the order, and that the
    /// order gives there, are right.
    fn accept_reads(&mut self) {
        let reads = std::mem::take(&mut self.reads);
        let log = self.log.settled();
        let mut entries = log.entries().peekable();
        let mut registers: BTreeMap<&Text, Register<'_>> = BTreeMap::new();
        for (seq, answered) in &reads {
            while let Some((_, entry)) = entries.next_if(|(slot, _)| slot <= seq) {
                let key = entry.operation.key();
                let register = registers.entry(key).or_insert_with(|| Register::holding(None));
                register.take(&entry.operation, None);
            }
            for (request, operation, answer) in answered {
                let held = registers.get(operation.key()).and_then(Register::held);
                let is_accepted = self.accepted.get(*request).is_some_and(|(it, _)| it == answer);
                if is_accepted && *answer == Answer::Value(held) {
                    self.accepted.remove(*request);
                    self.findings.judge();
                }
            }
        }
    }

    pub(super) fn new(shared: &Shared) -> Self {
        Self {
            findings: Findings::default(),
            log: shared.log.clone(),
            asked: ByRequest::default(),
            accepted: ByRequest::default(),
            reads: BTreeMap::new(),
        }
    }
}

impl Checker for ResultIntegrity {
    fn observe(&mut self, at: Stamp, node: NodeId, observation: &Observation) {
        self.log.observe(node, observation);
        match observation {
            Observation::Invoked { timestamp, operation } => {
                self.asked.insert((node, *timestamp), operation.clone());
            }
            Observation::Completed { timestamp, answer } => {
                self.accepted.insert((node, *timestamp), (answer.clone(), at));
            }
            Observation::Read { seq, client, timestamp, operation, answer } => {
                let read = ((*client, *timestamp), operation.clone(), answer.clone());
                self.reads.entry(*seq).or_default().push(read);
            }
            _ => {}
        }
    }

    fn finish(&mut self, _: Stamp) -> Verdict {
        self.accept_reads();
        let log = self.log.settled();
        let mut registers: BTreeMap<&Text, Register<'_>> = BTreeMap::new();
        for (seq, entry) in log.entries() {
            let register =
                registers.entry(entry.operation.key()).or_insert_with(|| Register::holding(None));
            let held = register.held();
            let request = (entry.client, entry.timestamp);
            let accepted = self.accepted.remove(request);
            let answer = accepted.as_ref().map(|(answer, _)| answer);
            self.findings.judged += u64::from(accepted.is_some());
            if !register.take(&entry.operation, answer) {
                let (answer, at) = accepted.expect("a request without an answer takes any");
                self.findings.violate(at, "wrong answer", || {
                    format!(
                        "{}#{} accepted {answer} for `{}`, but in the committed order \
                         (slot s{seq}) the key held {}",
                        request.0,
                        request.1,
                        entry.operation,
                        Answer::Value(held)
                    )
                });
            }
        }
        // The rest was accepted and never applied.
        for ((client, timestamp), (answer, at)) in self.accepted.iter() {
            let operation = self.asked.get((client, timestamp)).expect("it was asked");
            self.findings.violate(*at, "never executed", || {
                format!(
                    "{client}#{timestamp} accepted {answer} for `{operation}`, \
                     which is not in the committed order"
                )
            });
        }
        self.findings.verdict("no correct client accepted an answer")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::Digest;
    use crate::time::Time;

    const R0: NodeId = NodeId::Replica(0);
    const C: [NodeId; 2] = [NodeId::Client(0), NodeId::Client(1)];

    /// c0 writes `a` in slot 1 and `b` in slot 2; c1 reads, and accepts `answer`. A replica says
    /// that it read each of these answers after each of these slots.
    fn shape(answer: Option<&str>, reads: &[(u64, Option<&str>)]) -> Option<String> {
        let mut checker = ResultIntegrity::new(&Shared::default());
        let at = Stamp { time: Time::ZERO, event: 0 };
        let value = |text: Option<&str>| Answer::Value(text.map(Text::from));
        let (view, batch, null) = (0, Digest::default(), false);
        for (seq, line) in [(1, "put x a"), (2, "put x b")] {
            let operation: Operation = line.parse().expect("an operation");
            let (client, timestamp, answer) = (C[0], seq, Answer::Done);
            checker.observe(at, R0, &Observation::Executed { view, seq, batch, null });
            let applied = Observation::Applied { seq, client, timestamp, operation, answer };
            checker.observe(at, R0, &applied);
        }
        let operation: Operation = "get x".parse().expect("an operation");
        let (client, timestamp) = (C[1], 1);
        let invoked = Observation::Invoked { timestamp, operation: operation.clone() };
        checker.observe(at, client, &invoked);
        for (seq, found) in reads {
            let (seq, operation, answer) = (*seq, operation.clone(), value(*found));
            let read = Observation::Read { seq, client, timestamp, operation, answer };
            checker.observe(at, R0, &read);
        }
        let answer = value(answer);
        checker.observe(at, client, &Observation::Completed { timestamp, answer });
        match checker.finish(at) {
            Verdict::Violated(violation) => Some(violation.shape),
            Verdict::Holds(judged) => {
                assert_eq!(judged, 1, "one answer was accepted");
                None
            }
            Verdict::Inconclusive(why) => panic!("{why}"),
        }
    }

    #[test]
    fn a_read_past_the_order_has_the_answer_of_its_slot() {
        assert_eq!(shape(None, &[(0, None)]), None);
        assert_eq!(shape(Some("a"), &[(1, Some("a"))]), None);
        assert_eq!(shape(Some("b"), &[(1, Some("a")), (2, Some("b"))]), None);
        assert_eq!(shape(Some("b"), &[(9, Some("b"))]), None, "nothing follows slot 2");
        let wrong = Some("never executed".to_owned());
        assert_eq!(shape(Some("b"), &[(1, Some("b"))]), wrong, "slot 1 gives another answer");
        assert_eq!(shape(Some("b"), &[(2, Some("a"))]), wrong, "nobody read that");
        assert_eq!(shape(Some("b"), &[]), wrong);
    }
}
