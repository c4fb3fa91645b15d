//! Completions with a place: the history up to a completed operation is a prefix of every later
//! one.
//!
//! The histories that correct replicas executed form a tree. Completions are on one path of it
//! (two of one slot would not be), and so is what a replica enters a later view with. In the view
//! of a completion a replica may hold another history for a while, if the primary lied to it; it
//! must not enter a later view with such a history; and it must not commit any slot of it for good.
//! An operation that was asked for when others had completed comes after them.

use std::collections::BTreeMap;

use super::{Applied, Request};
use crate::checkers::{Findings, Stamp};
use crate::crypto::Digest;
use crate::history::{Answer, Operation};
use crate::id::NodeId;

/// A slot, and the digest of the history that ends with it.
pub(super) type Place = (u64, Digest);

/// A completion.
#[derive(Clone, Copy, Debug)]
pub(super) struct Anchor {
    pub(super) request: Request,
    /// The view of the answers.
    pub(super) view: u64,
    pub(super) place: Place,
}

/// A slot in a history.
#[derive(Debug)]
struct Step {
    /// The digest of the history before it.
    before: Digest,
    held: Option<Held>,
}

/// What a slot holds.
#[derive(Debug)]
struct Held {
    request: Request,
    operation: Operation,
    answer: Answer,
}

/// A replica entered a view with the history that ends there.
#[derive(Clone, Copy, Debug)]
struct Entry {
    node: NodeId,
    view: u64,
    head: Place,
}

/// A replica committed a slot for good.
#[derive(Clone, Copy, Debug)]
struct Commit {
    node: NodeId,
    /// The digest of the history up to it.
    history: Digest,
}

#[derive(Debug, Default)]
pub(super) struct Histories {
    /// All histories that correct replicas executed.
    tree: BTreeMap<Place, Step>,
    /// Where the history of each replica ends.
    heads: BTreeMap<NodeId, Place>,
    entries: Vec<Entry>,
    anchors: Vec<Anchor>,
    /// The longest completed history, slot by slot.
    completed: BTreeMap<u64, Digest>,
    /// Who committed a slot first. That others commit the same is agreement.
    committed: BTreeMap<u64, Commit>,
    /// Of the request that each client waits for: the last slot that had completed when it asked.
    asked_after: BTreeMap<NodeId, u64>,
}

impl Histories {
    pub(super) fn ask(&mut self, (client, _): Request) {
        let last = self.completed.last_key_value().map_or(0, |(seq, _)| *seq);
        self.asked_after.insert(client, last);
    }

    pub(super) fn speculate(&mut self, node: NodeId, place: Place) {
        let head = self.heads.entry(node).or_default();
        let before = if head.0 + 1 == place.0 { head.1 } else { Digest::default() };
        self.tree.entry(place).or_insert(Step { before, held: None });
        *head = place;
    }

    /// Notes what a replica applied; says whether it is one that speculates.
    pub(super) fn apply(&mut self, node: NodeId, seq: u64, applied: Applied<'_>) -> bool {
        let Some(head) = self.heads.get(&node) else { return false };
        if head.0 == seq
            && let Some(step) = self.tree.get_mut(head)
            && step.held.is_none()
        {
            let Applied { request, operation, answer } = applied;
            let (operation, answer) = (operation.clone(), answer.clone());
            step.held = Some(Held { request, operation, answer });
        }
        true
    }

    pub(super) fn roll_back(&mut self, node: NodeId, to: u64) {
        let Some(head) = self.heads.get(&node).copied().filter(|head| to < head.0) else { return };
        let history = self.ancestor(head, to).unwrap_or_default();
        self.heads.insert(node, (to, history));
    }

    pub(super) fn restore(&mut self, node: NodeId, place: Place) {
        self.heads.insert(node, place);
    }

    /// A replica enters a view: with all that completed in earlier ones.
    pub(super) fn enter(&mut self, at: Stamp, findings: &mut Findings, node: NodeId, view: u64) {
        // Who executed nothing yet enters it with nothing.
        let head = self.heads.get(&node).copied().unwrap_or_default();
        let entry = Entry { node, view, head };
        self.entries.push(entry);
        // Below where its history meets the completed one, it is that one.
        let (mut own, mut last) = (BTreeMap::new(), head);
        while self.completed.get(&last.0) != Some(&last.1)
            && let Some(step) = self.tree.get(&last)
        {
            own.insert(last.0, last.1);
            last = (last.0 - 1, step.before);
        }
        let holds = |(seq, history): Place| match own.get(&seq) {
            Some(digest) => *digest == history,
            None => seq <= last.0 && self.completed.get(&seq) == Some(&history),
        };
        let earlier = self.anchors.iter().filter(|anchor| anchor.view < view);
        let mut lost = earlier.inspect(|_| findings.judged += 1).filter(|it| !holds(it.place));
        if let Some(anchor) = lost.next().copied() {
            self.lost(at, findings, entry, anchor);
        }
    }

    /// An operation completes: its history continues, or is continued by, that of every other
    /// completion, and every view that was entered after its own began with it.
    pub(super) fn complete(&mut self, at: Stamp, findings: &mut Findings, anchor: Anchor) {
        findings.judge();
        let Anchor { request: (client, timestamp), view, place } = anchor;
        let (seq, history) = place;
        if !self.tree.contains_key(&place) {
            findings.violate(at, "completed out of nothing", || {
                format!(
                    "{client}#{timestamp} completed at slot s{seq} with history {history}, which \
                     no correct replica executed"
                )
            });
        }
        let asked_after = self.asked_after.get(&client).copied().unwrap_or(0);
        if seq <= asked_after {
            findings.violate(at, "completed before its time", || {
                format!(
                    "{client}#{timestamp} completed at slot s{seq}, but slot s{asked_after} had \
                     completed when {client} asked for it"
                )
            });
        }
        if !self.extend(at, findings, place) {
            let other = self.anchors.iter().rev().find(|other| self.contradict(**other, anchor));
            findings.violate(at, "two completions contradict each other", || {
                let other = other.map_or_else(String::new, |Anchor { request, place, .. }| {
                    let ((client, timestamp), (seq, history)) = (request, place);
                    format!(": {client}#{timestamp} completed at slot s{seq} with {history}")
                });
                format!(
                    "{client}#{timestamp} completed at slot s{seq} with history {history}, which \
                     is not of one line with what completed before{other}"
                )
            });
        }
        let later = |entry: &&Entry| view < entry.view;
        let holds = |entry: &Entry| self.ancestor(entry.head, seq) == Some(history);
        if let Some(entry) = self.entries.iter().filter(later).find(|it| !holds(it)).copied() {
            self.lost(at, findings, entry, anchor);
        }
        self.anchors.push(anchor);
    }

    /// A replica commits a slot for good: with the history in which operations completed there. In
    /// a protocol that does not speculate nothing completes in a history.
    pub(super) fn commit(
        &mut self,
        at: Stamp,
        findings: &mut Findings,
        node: NodeId,
        (seq, history): Place,
    ) {
        let commit = Commit { node, history };
        self.committed.entry(seq).or_insert(commit);
        if let Some(completed) = self.completed.get(&seq).copied() {
            Self::compare(at, findings, commit, (seq, completed));
        }
    }

    /// Compares what a replica committed in a slot with the history that completed there.
    fn compare(at: Stamp, findings: &mut Findings, commit: Commit, (seq, completed): Place) {
        findings.judge();
        let Commit { node, history } = commit;
        if history != completed {
            findings.violate(at, "committed against a completion", || {
                format!(
                    "{node} committed slot s{seq} with history {history}, but operations completed \
                     there, or in a later slot, with history {completed}"
                )
            });
        }
    }

    /// Whether a completed operation has a place. If so, its answer is the one that was given
    /// there.
    pub(super) fn answered(
        &self,
        at: Stamp,
        findings: &mut Findings,
        (request, name): (Request, &dyn Fn() -> String),
        answer: &Answer,
    ) -> bool {
        let Some(anchor) = self.anchors.last().filter(|it| it.request == request) else {
            return false;
        };
        let seq = anchor.place.0;
        match self.tree.get(&anchor.place).map(|step| &step.held) {
            Some(Some(held)) if held.request == request && held.answer == *answer => {}
            // Nobody executed it, which was said before.
            None => {}
            Some(Some(held)) if held.request == request => {
                findings.violate(at, "another answer", || {
                    let (name, right) = (name(), &held.answer);
                    format!(
                        "{name} completed at slot s{seq} with {answer}, but what was given is {right}"
                    )
                });
            }
            Some(held) => findings.violate(at, "completed in the slot of another", || {
                let held = in_words(held.as_ref());
                format!("{} completed at slot s{seq}, which holds {held}", name())
            }),
        }
        true
    }

    /// Adds a history to the longest completed one, if they are of one line.
    fn extend(&mut self, at: Stamp, findings: &mut Findings, place: Place) -> bool {
        let end = self.completed.last_key_value().map(|(seq, digest)| (*seq, *digest));
        let Some((last, digest)) = end.filter(|(last, _)| *last < place.0) else {
            // None yet, or a longer one, which holds it or not.
            if end.is_some() {
                return self.completed.get(&place.0) == Some(&place.1);
            }
            self.follow(at, findings, place, 0);
            return true;
        };
        if self.ancestor(place, last) != Some(digest) {
            return false;
        }
        self.follow(at, findings, place, last);
        true
    }

    /// Takes the history that ends there for the completed one, down to the slot above `last`; what
    /// was committed there must be the same.
    fn follow(&mut self, at: Stamp, findings: &mut Findings, mut place: Place, last: u64) {
        while last < place.0 {
            self.completed.insert(place.0, place.1);
            if let Some(commit) = self.committed.get(&place.0) {
                Self::compare(at, findings, *commit, place);
            }
            let Some(step) = self.tree.get(&place) else { return };
            place = (place.0 - 1, step.before);
        }
    }

    fn contradict(&self, one: Anchor, other: Anchor) -> bool {
        let (short, long) = match one.place.0 < other.place.0 {
            true => (one.place, other.place),
            false => (other.place, one.place),
        };
        self.ancestor(long, short.0) != Some(short.1)
    }

    /// The history after slot `seq` that the one which ends there began with.
    fn ancestor(&self, mut place: Place, seq: u64) -> Option<Digest> {
        while seq < place.0 {
            place = (place.0 - 1, self.tree.get(&place)?.before);
        }
        (place.0 == seq).then_some(place.1)
    }

    fn lost(&self, at: Stamp, findings: &mut Findings, entry: Entry, anchor: Anchor) {
        let Anchor { request: (client, timestamp), view, place: (seq, history) } = anchor;
        findings.violate(at, "completed operation lost", || {
            let place = self.ancestor(entry.head, seq).map(|digest| (seq, digest));
            let instead = match place.and_then(|place| self.tree.get(&place)) {
                Some(step) => format!("slot s{seq} holds {}", in_words(step.held.as_ref())),
                None => format!("slot s{seq} is empty"),
            };
            let completed = self.tree.get(&anchor.place).and_then(|step| step.held.as_ref());
            let what = completed.map_or_else(String::new, |it| format!(" `{}`", it.operation));
            let Entry { node, view: entered, .. } = entry;
            format!(
                "{client}#{timestamp}{what} completed in view {view} at slot s{seq} with history \
                 {history}; {node} entered view {entered} without it: {instead}"
            )
        });
    }
}

fn in_words(held: Option<&Held>) -> String {
    held.map_or_else(|| "something else".to_owned(), |held| format!("`{}`", held.operation))
}
