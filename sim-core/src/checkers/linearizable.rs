//! Linearizability of the clients' history, key by key (Herlihy & Wing 1990).
//!
//! Correct clients' operations are the constraints. An operation of a Byzantine client that a
//! correct replica executed may explain what others saw, once, from its first execution on (after
//! Castro & Liskov, OSDI'99 §3: faulty clients' operations are observed consistently by correct
//! ones). An earlier start would explain nothing more: whoever sees its effect accepted the word
//! of a correct replica that had executed it. Nothing else may be inserted.
//!
//! The committed order is tried first; if it does not explain the history, the search decides.

use std::collections::{BTreeMap, BTreeSet};

use super::log::LogReader;
use super::{Checker, RunInfo, Shared, Stamp, Verdict, Violation};
use crate::history::{Call, Operation};
use crate::id::NodeId;
use crate::linearizability::{Linearizability, check, is_witness};
use crate::observation::Observation;

#[derive(Debug)]
pub(super) struct Linearizable {
    budget: u64,
    corrupted: BTreeSet<NodeId>,
    log: LogReader,
    calls: Vec<Call>,
    completions: Vec<Option<Stamp>>,
    /// The place of each request among the calls.
    places: BTreeMap<(NodeId, u64), usize>,
}

impl Linearizable {
    pub(super) fn new(info: &RunInfo, shared: &Shared) -> Self {
        Self {
            budget: info.search_budget,
            corrupted: info.corrupted.iter().copied().collect(),
            log: shared.log.clone(),
            calls: Vec::new(),
            completions: Vec::new(),
            places: BTreeMap::new(),
        }
    }

    fn call(&mut self, request: (NodeId, u64), call: Call) {
        self.places.insert(request, self.calls.len());
        self.calls.push(call);
        self.completions.push(None);
    }

    /// Whether a corrupted client's request was not applied before with this content. Copies of a
    /// client may sign two under one timestamp; where replicas speculate, one may be rolled back
    /// and the other decided, so either may explain what others saw.
    fn is_news(&self, request: (NodeId, u64), operation: &Operation) -> bool {
        let place = self.places.get(&request);
        place.is_none_or(|place| self.calls[*place].operation != *operation)
    }

    fn committed_order_explains(&self) -> bool {
        let place = |client, timestamp| self.places.get(&(client, timestamp)).copied();
        let order: Option<Vec<usize>> =
            self.log.settled().entries().map(|(_, it)| place(it.client, it.timestamp)).collect();
        order.is_some_and(|order| is_witness(&self.calls, &order, None))
    }
}

impl Checker for Linearizable {
    fn observe(&mut self, at: Stamp, node: NodeId, observation: &Observation) {
        self.log.observe(node, observation);
        match observation {
            Observation::Invoked { timestamp, operation } => {
                let operation = operation.clone();
                let call = Call { client: node, operation, invoked: at.time, completed: None };
                self.call((node, *timestamp), call);
            }
            Observation::Completed { timestamp, answer } => {
                let place = self.places[&(node, *timestamp)];
                self.calls[place].completed = Some((at.time, answer.clone()));
                self.completions[place] = Some(at);
            }
            Observation::Applied { client, timestamp, operation, .. }
                if self.corrupted.contains(client)
                    && self.is_news((*client, *timestamp), operation) =>
            {
                let operation = operation.clone();
                let call = Call { client: *client, operation, invoked: at.time, completed: None };
                self.call((*client, *timestamp), call);
            }
            _ => {}
        }
    }

    fn finish(&mut self, end: Stamp) -> Verdict {
        let judged = self.calls.iter().filter(|call| call.completed.is_some()).count();
        if judged == 0 {
            return Verdict::Inconclusive("no correct client accepted an answer".to_owned());
        }
        if self.committed_order_explains() {
            return Verdict::Holds(judged as u64);
        }
        match check(&self.calls, None, self.budget) {
            Linearizability::Linearizable => Verdict::Holds(judged as u64),
            Linearizability::Unknown { key, budget } => Verdict::Inconclusive(format!(
                "the search for an order of the operations on {key} ran out of its budget of \
                 {budget} steps"
            )),
            Linearizability::NotLinearizable(why) => Verdict::Violated(Violation {
                repeats: None,
                at: self.completions[why.call].unwrap_or(end),
                explanation: why.explanation,
                shape: "no order explains the answers".to_owned(),
            }),
        }
    }
}
