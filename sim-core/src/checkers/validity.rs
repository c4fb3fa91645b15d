//! Validity: correct replicas apply, and answer as reads, only requests that their client issued.
//!
//! A corrupted client may sign anything, so only requests in the names of correct clients are
//! judged.

use std::collections::BTreeSet;

use super::{Checker, Findings, RunInfo, Stamp, Verdict};
use crate::checkers::by_request::ByRequest;
use crate::history::Operation;
use crate::id::NodeId;
use crate::observation::Observation;

#[derive(Debug)]
pub(super) struct Validity {
    findings: Findings,
    corrupted: BTreeSet<NodeId>,
    asked: ByRequest<Operation>,
}

impl Validity {
    pub(super) fn new(info: &RunInfo) -> Self {
        let corrupted = info.corrupted.iter().copied().collect();
        Self { findings: Findings::default(), corrupted, asked: ByRequest::default() }
    }
}

impl Checker for Validity {
    fn observe(&mut self, at: Stamp, node: NodeId, observation: &Observation) {
        match observation {
            Observation::Invoked { timestamp, operation } => {
                self.asked.insert((node, *timestamp), operation.clone());
            }
            Observation::Applied { client, timestamp, operation, .. }
            | Observation::Read { client, timestamp, operation, .. }
                if !self.corrupted.contains(client) =>
            {
                self.findings.judge();
                match self.asked.get((*client, *timestamp)) {
                    Some(asked) if asked == operation => {}
                    Some(asked) => self.findings.violate(at, "altered", || {
                        format!(
                            "{node} applied {client}#{timestamp} as `{operation}`, \
                             but {client} asked for `{asked}`"
                        )
                    }),
                    None => self.findings.violate(at, "invented", || {
                        format!(
                            "{node} applied `{operation}` as {client}#{timestamp}, \
                             but {client} never asked for it"
                        )
                    }),
                }
            }
            _ => {}
        }
    }

    fn finish(&mut self, _: Stamp) -> Verdict {
        self.findings.verdict("no request of a correct client was applied")
    }
}
