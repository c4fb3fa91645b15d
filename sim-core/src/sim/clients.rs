//! The clients' applications: what is asked next, and when an answer is overdue.

use super::corrupted::Corrupted;
use super::outcome::{Served, Slack};
use crate::history::Operation;
use crate::id::{Committee, NodeId};
use crate::observation::Observation;
use crate::time::{Span, Time};
use crate::workload::Workload;

/// The workload, and how far the clients are with it.
pub(super) struct Clients {
    workload: Workload,
    corrupted: Corrupted,
    gst: Time,
    /// How long an operation may take after GST, or after it was asked if that is later.
    liveness_bound: Span,
    progress: Vec<Progress>,
    served: Vec<Served>,
    /// How many operations the correct clients ask in all, and how many of them are not complete.
    operations: u64,
    unfinished: u64,
    next_deadline: Time,
    done_at: Option<Time>,
}

/// Where a client stands in its workload.
#[derive(Clone, Copy, Debug, Default)]
struct Progress {
    asked: usize,
    completed: usize,
    /// The place of the operation under way in `served`.
    open: Option<usize>,
}

impl Clients {
    pub(super) fn new(
        committee: Committee,
        workload: Workload,
        corrupted: Corrupted,
        gst: Time,
        liveness_bound: Span,
    ) -> Self {
        let correct = committee.client_ids().filter(|client| !corrupted.contains(*client));
        let count = |client: NodeId| workload.operations[usize::from(client.number())].len() as u64;
        let operations = correct.map(count).sum();
        Self {
            progress: vec![Progress::default(); workload.operations.len()],
            workload,
            corrupted,
            gst,
            liveness_bound,
            served: Vec::new(),
            operations,
            unfinished: operations,
            next_deadline: Time::NEVER,
            done_at: (operations == 0).then_some(Time::ZERO),
        }
    }

    /// When the first of the operations under way is overdue.
    pub(super) const fn next_deadline(&self) -> Time {
        self.next_deadline
    }

    /// When the correct clients had completed all of their operations.
    pub(super) const fn done_at(&self) -> Option<Time> {
        self.done_at
    }

    /// Whether the client has an operation left to ask.
    pub(super) fn has_next(&self, client: NodeId) -> bool {
        let number = usize::from(client.number());
        self.progress[number].asked < self.workload.operations[number].len()
    }

    /// The next operation of a client, which is under way from now on.
    pub(super) fn ask(&mut self, now: Time, client: NodeId) -> Operation {
        let number = usize::from(client.number());
        let place = self.progress[number].asked;
        self.progress[number].asked += 1;
        if !self.corrupted.contains(client) {
            self.progress[number].open = Some(self.served.len());
            let timestamp = place as u64 + 1;
            self.served.push(Served { client, timestamp, asked: now, completed: None });
            self.note_deadline();
        }
        self.workload.operations[number][place].clone()
    }

    /// Takes note of what a client reports. When it is to ask for its next operation, if it
    /// completed one and has another.
    pub(super) fn note(
        &mut self,
        now: Time,
        client: NodeId,
        observation: &Observation,
    ) -> Option<Time> {
        let Observation::Completed { timestamp, answer } = observation else { return None };
        let number = usize::from(client.number());
        if !self.corrupted.contains(client) {
            let open = self.progress[number].open.take();
            let open = open.unwrap_or_else(|| panic!("{client} completed #{timestamp} twice"));
            assert_eq!(self.served[open].timestamp, *timestamp, "{client} answers what it asked");
            self.served[open].completed = Some((now, answer.clone()));
            self.unfinished -= 1;
            self.note_deadline();
            if self.unfinished == 0 {
                self.done_at = Some(now);
            }
        }
        let has_next = self.has_next(client);
        let progress = &mut self.progress[number];
        progress.completed += 1;
        // A corrupted client's copies may report one operation twice; it asks on once.
        if progress.completed < progress.asked || !has_next {
            return None;
        }
        progress.completed = progress.asked;
        Some(now + self.workload.think)
    }

    /// How near the run, which ended at `end`, came to an overdue operation.
    pub(super) fn slack(&self, end: Time) -> Option<Slack> {
        let taken = |it: &Served| {
            let answered = it.completed.as_ref().map_or(end, |(at, _)| *at);
            answered.since(it.asked.max(self.gst))
        };
        let slowest = self.served.iter().filter(|_| self.gst != Time::NEVER).map(taken).max();
        slowest.map(|slowest| Slack { slowest, bound: self.liveness_bound })
    }

    /// The operations of the correct clients, and how many they were to ask in all.
    pub(super) fn finish(self) -> (Vec<Served>, u64) {
        (self.served, self.operations)
    }

    fn note_deadline(&mut self) {
        if self.gst == Time::NEVER {
            return;
        }
        let open = self.progress.iter().filter_map(|progress| progress.open);
        let deadline = |open: usize| self.served[open].asked.max(self.gst) + self.liveness_bound;
        self.next_deadline = open.map(deadline).min().unwrap_or(Time::NEVER);
    }
}
