//! The clients' applications: what is asked next, and when an answer is overdue.

use super::Event;
use super::Run;
use super::outcome::Served;
use crate::id::NodeId;
use crate::node::{Input, Protocol};
use crate::observation::Observation;
use crate::time::Time;

/// Where a client stands in its workload.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Progress {
    pub(super) asked: usize,
    pub(super) completed: usize,
    /// The place of the operation under way in `served`.
    pub(super) open: Option<usize>,
}

impl<P: Protocol> Run<'_, P> {
    pub(super) fn operations_of(&self, client: NodeId) -> usize {
        self.setup.workload.operations[usize::from(client.number())].len()
    }

    pub(super) fn ask(&mut self, client: NodeId) {
        let number = usize::from(client.number());
        let place = self.progress[number].asked;
        self.progress[number].asked += 1;
        if !self.corrupted[self.committee.index(client)] {
            self.progress[number].open = Some(self.served.len());
            let timestamp = place as u64 + 1;
            self.served.push(Served { client, timestamp, asked: self.now, completed: None });
            self.note_deadline();
        }
        let operation = self.setup.workload.operations[number][place].clone();
        self.handle(client, Input::Operation(&operation));
    }

    pub(super) fn complete(&mut self, client: NodeId, observation: &Observation) {
        let Observation::Completed { timestamp, answer } = observation else { return };
        let number = usize::from(client.number());
        let correct = !self.corrupted[self.committee.index(client)];
        if correct {
            let open = self.progress[number].open.take();
            let open = open.unwrap_or_else(|| panic!("{client} completed #{timestamp} twice"));
            assert_eq!(self.served[open].timestamp, *timestamp, "{client} answers what it asked");
            self.served[open].completed = Some((self.now, answer.clone()));
            self.unfinished -= 1;
            self.note_deadline();
            self.note_done();
        }
        let progress = &mut self.progress[number];
        progress.completed += 1;
        // A corrupted client's copies may report one operation twice; it asks on once.
        if progress.asked <= progress.completed && progress.asked < self.operations_of(client) {
            self.progress[number].completed = self.progress[number].asked;
            self.queue.push(self.now + self.setup.workload.think, Event::Ask { client });
        }
    }

    pub(super) fn note_done(&mut self) {
        if self.unfinished == 0 && self.done_at.is_none() {
            self.done_at = Some(self.now);
        }
    }

    fn note_deadline(&mut self) {
        let gst = self.setup.network.gst;
        if gst == Time::NEVER {
            return;
        }
        let open = self.progress.iter().filter_map(|progress| progress.open);
        let deadline = |open: usize| self.served[open].asked.max(gst) + self.liveness_bound;
        self.next_deadline = open.map(deadline).min().unwrap_or(Time::NEVER);
    }
}
