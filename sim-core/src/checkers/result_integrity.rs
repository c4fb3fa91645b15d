//! Result integrity: correct clients accept only answers that the committed order gives.
//!
//! The order is replayed through the sequential model of the linearizability search, which shares
//! nothing with the replicated service.

use std::collections::BTreeMap;

use super::log::LogReader;
use super::{Checker, Findings, Shared, Stamp, Verdict};
use crate::history::{Answer, Operation, Text};
use crate::id::NodeId;
use crate::linearizability::Register;
use crate::observation::Observation;

#[derive(Debug)]
pub(super) struct ResultIntegrity {
    findings: Findings,
    log: LogReader,
    asked: BTreeMap<(NodeId, u64), Operation>,
    accepted: BTreeMap<(NodeId, u64), (Answer, Stamp)>,
}

impl ResultIntegrity {
    pub(super) fn new(shared: &Shared) -> Self {
        Self {
            findings: Findings::default(),
            log: shared.log.clone(),
            asked: BTreeMap::new(),
            accepted: BTreeMap::new(),
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
            _ => {}
        }
    }

    fn finish(&mut self, _: Stamp) -> Verdict {
        let log = self.log.settled();
        let mut registers: BTreeMap<&Text, Register<'_>> = BTreeMap::new();
        for (seq, entry) in log.entries() {
            let register =
                registers.entry(entry.operation.key()).or_insert_with(|| Register::holding(None));
            let held = register.held();
            let request = (entry.client, entry.timestamp);
            let accepted = self.accepted.remove(&request);
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
        for ((client, timestamp), (answer, at)) in std::mem::take(&mut self.accepted) {
            let operation = &self.asked[&(client, timestamp)];
            self.findings.violate(at, "never executed", || {
                format!(
                    "{client}#{timestamp} accepted {answer} for `{operation}`, \
                     which is not in the committed order"
                )
            });
        }
        self.findings.verdict("no correct client accepted an answer")
    }
}
