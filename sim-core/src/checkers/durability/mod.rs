//! Durability: an operation that a correct client completed keeps its place in the history.
//!
//! In a speculative protocol the client decides. Agreement among the replicas' logs would miss an
//! operation that completed at its client and that a view change then removed. So a client reports
//! the history in which its operation completed, and this history is compared with every other one
//! ([`histories`]).
//!
//! Where the client does not know the place of its operation, those that gave the answer do: the
//! operation keeps the slot in which a correct replica applied it with that answer ([`slots`]). A
//! read that was answered past the order has no place to keep: a correct replica gave its answer.
//!
//! Facts are compared in whatever order they become known. A client may learn that its operation
//! completed when every replica has lost it already.

mod histories;
mod slots;
#[cfg(test)]
mod tests;

use super::{Checker, Findings, Stamp, Verdict};
use crate::checkers::by_request::ByRequest;
use crate::history::{Answer, Operation};
use crate::id::NodeId;
use crate::observation::{Decided, Observation};

/// A client, and its number for a request.
type Request = (NodeId, u64);

/// A request that a replica applied.
#[derive(Clone, Copy, Debug)]
struct Applied<'a> {
    request: Request,
    operation: &'a Operation,
    answer: &'a Answer,
}

#[derive(Debug, Default)]
pub(super) struct Durability {
    findings: Findings,
    asked: ByRequest<Operation>,
    /// What correct replicas answered to reads, past the order.
    reads: ByRequest<Vec<Answer>>,
    histories: histories::Histories,
    slots: slots::Slots,
}

impl Durability {
    fn complete(&mut self, at: Stamp, request: Request, answer: &Answer) {
        let Self { findings, asked, reads, histories, slots } = self;
        let operation = asked.get(request);
        let name = || match operation {
            Some(operation) => format!("{}#{} `{operation}`", request.0, request.1),
            None => format!("{}#{}", request.0, request.1),
        };
        let is_read = reads.get(request).is_some_and(|given| given.contains(answer));
        if is_read && !slots.gave(request, answer) {
            findings.judge();
        } else if !histories.answered(at, findings, (request, &name), answer) {
            slots.complete(at, findings, (request, &name), answer);
        }
    }
}

impl Checker for Durability {
    fn observe(&mut self, at: Stamp, node: NodeId, observation: &Observation) {
        let Self { findings, asked, reads, histories, slots } = self;
        match observation {
            Observation::Invoked { timestamp, operation } => {
                asked.insert((node, *timestamp), operation.clone());
                histories.ask((node, *timestamp));
            }
            Observation::Anchored { timestamp, view, seq, history } => {
                let anchor = histories::Anchor {
                    request: (node, *timestamp),
                    view: *view,
                    place: (*seq, *history),
                };
                histories.complete(at, findings, anchor);
            }
            Observation::Completed { timestamp, answer } => {
                self.complete(at, (node, *timestamp), answer);
            }
            Observation::Speculated { seq, history, .. } => {
                histories.speculate(node, (*seq, *history));
            }
            Observation::Executed { seq, .. } => slots.execute(at, findings, node, *seq),
            Observation::Applied { seq, client, timestamp, operation, answer } => {
                let applied = Applied { request: (*client, *timestamp), operation, answer };
                if !histories.apply(node, *seq, applied) {
                    slots.apply(node, *seq, applied);
                }
            }
            Observation::Read { client, timestamp, answer, .. } => {
                reads.or_insert_with((*client, *timestamp), Vec::new).push(answer.clone());
            }
            Observation::RolledBack { to } => {
                histories.roll_back(node, *to);
                slots.roll_back(node, *to);
            }
            Observation::Restored { seq, history: Some(history), .. } => {
                histories.restore(node, (*seq, *history));
            }
            Observation::Restored { seq, history: None, content, .. } => {
                slots.restore(at, findings, node, (*seq, content));
            }
            Observation::EnteredView { view } => histories.enter(at, findings, node, *view),
            Observation::Committed { seq, decided: Decided::History(history), .. } => {
                histories.commit(at, findings, node, (*seq, *history));
            }
            _ => {}
        }
    }

    fn finish(&mut self, _: Stamp) -> Verdict {
        self.slots.finish(&mut self.findings);
        self.findings.verdict_on_absence()
    }
}
