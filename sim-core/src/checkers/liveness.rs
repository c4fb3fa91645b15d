//! Liveness: after GST, every operation of a correct client completes within a bound.
//!
//! The bound is the protocol's own, computed from its timeouts
//! ([`Protocol::liveness_bound`](crate::Protocol::liveness_bound)). In a network that never becomes
//! synchronous no protocol can guarantee progress (Fischer, Lynch, Paterson 1985), so the verdict
//! is inconclusive there.

use std::collections::BTreeMap;

use super::{Checker, Findings, RunInfo, Stamp, Verdict};
use crate::history::Operation;
use crate::id::NodeId;
use crate::observation::Observation;
use crate::time::{Span, Time};

#[derive(Debug)]
pub(super) struct Liveness {
    findings: Findings,
    gst: Time,
    bound: Span,
    /// The operation that each client waits for, and since when.
    waiting: BTreeMap<NodeId, (u64, Operation, Time)>,
    /// The last report of each replica, to show where it is stuck.
    last: BTreeMap<NodeId, (Time, Observation)>,
}

impl Liveness {
    pub(super) fn new(info: &RunInfo) -> Self {
        Self {
            findings: Findings::default(),
            gst: info.gst,
            bound: info.liveness_bound,
            waiting: BTreeMap::new(),
            last: BTreeMap::new(),
        }
    }

    fn deadline(&self, asked: Time) -> Time {
        if self.gst == Time::NEVER { Time::NEVER } else { asked.max(self.gst) + self.bound }
    }

    fn overdue(
        &mut self,
        at: Stamp,
        client: NodeId,
        (timestamp, operation, asked): (u64, Operation, Time),
    ) {
        let deadline = self.deadline(asked);
        let last: Vec<String> = self
            .last
            .iter()
            .map(|(node, (time, what))| format!("{node} last {what} at {time}"))
            .collect();
        self.findings.violate(at, "stuck", || {
            format!(
                "{client}#{timestamp} `{operation}`, requested at {asked}, was due by {deadline}; {}",
                last.join(", ")
            )
        });
    }
}

impl Checker for Liveness {
    fn observe(&mut self, at: Stamp, node: NodeId, observation: &Observation) {
        match observation {
            Observation::Invoked { timestamp, operation } => {
                self.waiting.insert(node, (*timestamp, operation.clone(), at.time));
            }
            Observation::Completed { timestamp, .. } => {
                let Some(asked) = self.waiting.remove(&node) else { return };
                assert_eq!(asked.0, *timestamp, "a client completes what it asked last");
                if self.gst != Time::NEVER {
                    self.findings.judge();
                }
                if self.deadline(asked.2) < at.time {
                    self.overdue(at, node, asked);
                }
            }
            Observation::ViewChangeStarted { .. }
            | Observation::EnteredView { .. }
            | Observation::Executed { .. }
            | Observation::Restored { .. } => {
                self.last.insert(node, (at.time, observation.clone()));
            }
            _ => {}
        }
    }

    fn finish(&mut self, end: Stamp) -> Verdict {
        let waiting = std::mem::take(&mut self.waiting);
        let (overdue, open): (Vec<_>, Vec<_>) =
            waiting.into_iter().partition(|(_, asked)| self.deadline(asked.2) <= end.time);
        for (client, asked) in overdue {
            self.overdue(end, client, asked);
        }
        if let (None, Some((client, asked))) = (&self.findings.violation, open.first())
            && self.gst != Time::NEVER
        {
            return Verdict::Inconclusive(format!(
                "the run ended at {} before the deadline of {client}#{}",
                end.time, asked.0
            ));
        }
        let nothing = if self.gst == Time::NEVER {
            "the network never becomes synchronous"
        } else {
            "no correct client asked for anything"
        };
        self.findings.verdict(nothing)
    }
}
