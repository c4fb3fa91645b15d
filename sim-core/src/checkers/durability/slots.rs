//! Completions without a place: a correct replica gave the accepted answer when it applied the
//! operation in some slot, and the operation keeps this slot at every correct replica that passes
//! it, in states that it fetched as well.

use std::collections::BTreeMap;
use std::iter;

use super::{Applied, Request};
use crate::checkers::by_request::ByRequest;
use crate::checkers::{Findings, Stamp};
use crate::history::Answer;
use crate::id::{NodeId, ReplicaSet};
use crate::observation::Content;
use crate::sorted::Sorted;

/// A slot in which a request was applied, with which answer, and by whom.
#[derive(Debug)]
struct Given {
    seq: u64,
    answer: Answer,
    by: ReplicaSet,
}

/// Where a request was applied: nearly always in one slot, with one answer.
#[derive(Debug)]
struct Places {
    first: Given,
    others: Vec<Given>,
}

/// How far a replica is.
#[derive(Debug, Default)]
struct Progress {
    /// The last slot that it executed, or restored a state after.
    last: u64,
    /// The slot that it is at, and since when.
    open: Option<(u64, Stamp)>,
    /// Up to where it restored, and the last request of each client in that state.
    restored: (u64, BTreeMap<NodeId, (u64, Answer)>),
}

#[derive(Debug, Default)]
pub(super) struct Slots {
    given: Vec<Places>,
    /// The place of each request among them.
    numbers: ByRequest<usize>,
    /// The requests that completed, by the slots of the answers that were accepted; the place of
    /// the request, and the number of what was given there.
    completed: BTreeMap<(u64, Request), (usize, usize)>,
    replicas: Sorted<NodeId, Progress>,
}

/// The least of all requests.
const FIRST: Request = (NodeId::Replica(0), 0);

impl Places {
    fn iter(&self) -> impl Iterator<Item = &Given> {
        iter::once(&self.first).chain(&self.others)
    }

    /// Where this answer was given, and the number of that.
    fn with(&self, answer: &Answer) -> Option<(usize, &Given)> {
        self.iter().enumerate().find(|(_, it)| it.answer == *answer)
    }

    fn iter_mut(&mut self) -> impl Iterator<Item = &mut Given> {
        iter::once(&mut self.first).chain(&mut self.others)
    }
}

impl Progress {
    /// Whether a replica that passed the slot of a completed request has it.
    fn holds(&self, node: NodeId, (client, timestamp): Request, given: &Given) -> bool {
        if self.restored.0 < given.seq {
            return given.by.contains(node);
        }
        match self.restored.1.get(&client) {
            Some((last, answer)) if *last == timestamp => *answer == given.answer,
            Some((last, _)) => timestamp < *last,
            None => false,
        }
    }
}

impl Slots {
    pub(super) fn execute(&mut self, at: Stamp, findings: &mut Findings, node: NodeId, seq: u64) {
        self.close(findings, node);
        let replica = self.replicas.or_default(node);
        (replica.last, replica.open) = (seq, Some((seq, at)));
    }

    pub(super) fn apply(&mut self, node: NodeId, seq: u64, applied: Applied<'_>) {
        let Applied { request, answer, .. } = applied;
        let given = || Given { seq, answer: answer.clone(), by: iter::once(node).collect() };
        let number = *self.numbers.or_insert_with(request, || self.given.len());
        let Some(places) = self.given.get_mut(number) else {
            return self.given.push(Places { first: given(), others: Vec::new() });
        };
        let is_it = |it: &&mut Given| it.seq == seq && it.answer == *answer;
        let known = places.iter_mut().find(is_it).map(|known| known.by.insert(node));
        if known.is_none() {
            places.others.push(given());
        }
    }

    /// Whether a replica gave this answer when it applied the request in some slot.
    pub(super) fn gave(&self, request: Request, answer: &Answer) -> bool {
        let place = self.numbers.get(request);
        place.is_some_and(|place| self.given[*place].with(answer).is_some())
    }

    /// An answer is accepted: somebody gave it, and those that passed its slot have it.
    pub(super) fn complete(
        &mut self,
        at: Stamp,
        findings: &mut Findings,
        (request, name): (Request, &dyn Fn() -> String),
        answer: &Answer,
    ) {
        findings.judge();
        let place = self.numbers.get(request).copied();
        let places = place.map(|place| (place, &self.given[place]));
        let given = places.and_then(|(place, it)| Some((place, it.with(answer)?)));
        let Some((place, (number, given))) = given else {
            let instead = match places.map(|(_, it)| it) {
                Some(Places { first, .. }) => format!("; what was given is {}", first.answer),
                None => ": no correct replica applied it".to_owned(),
            };
            return findings.violate(at, "an answer from nowhere", || {
                format!(
                    "{} completed with {answer}, which no correct replica gave{instead}",
                    name()
                )
            });
        };
        let seq = given.seq;
        self.completed.insert((seq, request), (place, number));
        for (node, replica) in self.replicas.iter() {
            if seq <= replica.last {
                compare(at, findings, (node, replica), (request, given));
            }
        }
    }

    /// A replica replaces its state: what completed up to it is in it.
    pub(super) fn restore(
        &mut self,
        at: Stamp,
        findings: &mut Findings,
        node: NodeId,
        (seq, content): (u64, &Content),
    ) {
        self.close(findings, node);
        self.forget(node, seq);
        let replica = self.replicas.or_default(node);
        replica.last = seq;
        replica.restored = (seq, content.replies.clone());
        let replica = &*replica;
        for ((_, request), it) in self.completed.range(..(seq + 1, FIRST)) {
            compare(at, findings, (node, replica), (*request, given(&self.given, *it)));
        }
    }

    pub(super) fn roll_back(&mut self, node: NodeId, to: u64) {
        self.forget(node, to);
        if let Some(replica) = self.replicas.get_mut(node) {
            (replica.last, replica.open) = (to.min(replica.last), None);
        }
    }

    pub(super) fn finish(&mut self, findings: &mut Findings) {
        let nodes: Vec<NodeId> = self.replicas.iter().map(|(node, _)| node).collect();
        nodes.into_iter().for_each(|node| self.close(findings, node));
    }

    /// A replica starts over above a slot, if it was beyond.
    fn forget(&mut self, node: NodeId, to: u64) {
        if self.replicas.get(node).is_none_or(|replica| replica.last <= to) {
            return;
        }
        let given = self.given.iter_mut().flat_map(Places::iter_mut);
        for given in given.filter(|given| to < given.seq) {
            given.by = given.by.iter().filter(|it| *it != node).collect();
        }
    }

    /// A replica passed the slot that it was at: with what completed in it.
    fn close(&mut self, findings: &mut Findings, node: NodeId) {
        let Some(replica) = self.replicas.get_mut(node) else { return };
        let Some((seq, at)) = replica.open.take() else { return };
        for ((_, request), it) in self.completed.range((seq, FIRST)..(seq + 1, FIRST)) {
            compare(at, findings, (node, &*replica), (*request, given(&self.given, *it)));
        }
    }
}

/// What was given to the request at this place, and is the `number`-th of that.
fn given(all: &[Places], (place, number): (usize, usize)) -> &Given {
    all[place].iter().nth(number).expect("it was given")
}

/// Whether a replica that passed a slot has the request that completed in it.
fn compare(
    at: Stamp,
    findings: &mut Findings,
    (node, replica): (NodeId, &Progress),
    (request, given): (Request, &Given),
) {
    findings.judge();
    if replica.holds(node, request, given) {
        return;
    }
    let (answer, seq, (client, timestamp)) = (&given.answer, given.seq, request);
    let how = if replica.restored.0 < seq { "passed that slot" } else { "restored a state" };
    findings.violate(at, "completed operation lost", || {
        let by = given.by.iter().next();
        let by = by.map_or_else(String::new, |by| format!(", as {by} gave it in slot s{seq}"));
        format!("{client}#{timestamp} completed with {answer}{by}; {node} {how} without it")
    });
}
