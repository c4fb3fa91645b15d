//! The run: one queue of events, handed one by one to the nodes they concern.

mod adversary;
mod clients;
mod corrupted;
mod hosts;
mod lasso;
mod outcome;
mod recording;
mod setup;
mod transport;
mod world;

use crate::adversary::{Command, Wake};
use crate::checkers::{Circle, Happening, Stagnation};
use crate::id::NodeId;
use crate::node::{Input, Protocol};
use crate::time::{Span, Time};
use crate::timers::Look;

pub use outcome::{Audit, Ended, Outcome, Served, Slack};
pub use setup::{CorruptedSigners, Setup, Simulation};

use hosts::Hosts;
use lasso::Lasso;
use transport::Envelope;
use world::World;

/// What happens next: an entry of the queue.
enum Event<P: Protocol> {
    /// A message arrives.
    Deliver(Envelope<P::Msg>),
    /// A held message arrives, unless it was released before: the model holds it no longer.
    HoldEnds { key: u32, number: u64 },
    /// A timer of a correct node is looked at.
    Timer { node: NodeId, timer: P::Timer },
    /// A corrupted node wakes up.
    Wake { node: NodeId, wake: Wake },
    /// The application asks a client for its next operation.
    Ask { client: NodeId },
    /// What the adversary commanded is done.
    Command(Command),
}

/// When a run ends, whatever the nodes do.
struct Limits {
    at_least: Time,
    at_most: Time,
    drain: Span,
    events_max: u64,
}

/// A run under way: the nodes, and the world around them.
struct Run<'a, P: Protocol> {
    limits: Limits,
    hosts: Hosts<P>,
    world: World<'a, P>,
    lasso: Lasso,
}

impl<P: Protocol> Run<'_, P> {
    /// Plays the run to its end.
    fn play_to_the_end(mut self) -> Outcome {
        self.start();
        let (ended, end) = self.play();
        self.conclude(end);
        let World { recording, clients, transport, .. } = self.world;
        recording.finish((ended, end), clients, self.hosts.crypto(), transport.moved())
    }

    fn start(&mut self) {
        let committee = self.world.committee;
        self.world.consult(|adversary, control| adversary.control(Time::ZERO, control));
        for node in committee.nodes() {
            self.give(node, Input::Start);
        }
        for client in committee.client_ids().filter(|client| self.world.clients.has_next(*client)) {
            self.world.queue.push(Time::ZERO, Event::Ask { client });
        }
        // The clients may be done before they begin.
        self.world.begin_audit();
    }

    /// Plays events until the run ends. Why it ended, and when.
    fn play(&mut self) -> (Ended, Time) {
        while let Some(time) = self.world.queue.next_time() {
            let end = self.end_by();
            if end < time {
                let ended = if self.world.clients.done_at().is_some() && self.limits.at_most != end
                {
                    Ended::Done
                } else if end == self.world.clients.next_deadline() {
                    Ended::Overdue
                } else {
                    Ended::Horizon
                };
                return (ended, end.max(self.world.now()));
            }
            if self.limits.events_max <= self.world.recording.events() {
                return (Ended::EventLimit, self.world.now());
            }
            let (now, event) = self.world.queue.pop().expect("an event is queued for that time");
            self.happen(now, event);
            self.sample(now);
            let is_done = self.world.clients.done_at().is_some();
            if is_done && self.world.transport.is_idle() && self.limits.at_least <= now {
                return (Ended::Done, now);
            }
        }
        let now = self.world.now();
        if self.world.clients.done_at().is_some() {
            return (Ended::Done, now);
        }
        match self.world.clients.next_deadline() {
            Time::NEVER => (Ended::Quiet, now),
            // Nothing can happen any more, and an operation waits: it will be overdue.
            deadline => (Ended::Quiet, deadline.max(now)),
        }
    }

    /// The latest time at which the run may still go on.
    fn end_by(&self) -> Time {
        let drained = match self.world.clients.done_at() {
            Some(done) => self.limits.at_least.max(done + self.limits.drain),
            None => Time::NEVER,
        };
        drained.min(self.world.clients.next_deadline()).min(self.limits.at_most)
    }

    /// Keeps the state of the correct nodes where the lasso wants it.
    fn sample(&mut self, now: Time) {
        let (deadline, view) =
            (self.world.clients.next_deadline(), self.world.recording.goal_max());
        if !self.lasso.wants(deadline, view, now) {
            return;
        }
        let at = self.world.recording.stamp(now);
        self.lasso.sample(at, view, self.hosts.outline(view));
    }

    /// Tells the checkers what the run was doing, if an operation is overdue.
    fn conclude(&mut self, end: Time) {
        if end < self.world.clients.next_deadline() {
            return;
        }
        let lasso = self.lasso.circle(self.world.committee.faults);
        let stands = match lasso {
            Some(Circle::Still { from, .. }) => Some(from.time),
            Some(Circle::Views { .. }) | None => None,
        };
        // Between two rounds of a livelock, too, there may be a moment in which nobody waits.
        let is_quiet = stands.is_some() || self.world.queue.next_time().is_none();
        let is_idle = !self.hosts.any_replica_waits() && self.world.transport.is_idle();
        let stagnation = Stagnation {
            is_dead: is_quiet && is_idle,
            // A timer that has not expired since may lead on.
            may_lead_on: stands.is_some_and(|from| self.hosts.any_waits_since(from)),
            lasso,
            timers: self.hosts.timers(),
            held: self.world.transport.held_for_ever(),
        };
        self.world.recording.conclude(&stagnation);
    }

    /// Lets an event happen.
    fn happen(&mut self, now: Time, event: Event<P>) {
        match event {
            Event::Deliver(envelope) => {
                let arrived = self.world.transport.land(envelope);
                self.deliver(now, &arrived);
            }
            Event::HoldEnds { key, number } => {
                if let Some(arrived) = self.world.transport.end_hold(key, number) {
                    self.deliver(now, &arrived);
                }
            }
            Event::Timer { node, timer } => match self.hosts.look_at(now, node, &timer) {
                Look::Expired(armed) => {
                    self.world.recording.expired(now, node, (&timer, armed));
                    self.give(node, Input::Timer(timer));
                    self.world.recording.happened(now, Happening::Handled);
                }
                Look::Again(at) => self.world.queue.push(at, Event::Timer { node, timer }),
                Look::Stale => {}
            },
            Event::Wake { node, wake } => self.world.act(node, Input::Timer(wake)),
            Event::Ask { client } => {
                let operation = self.world.clients.ask(now, client);
                self.give(client, Input::Operation(&operation));
            }
            Event::Command(command) => self.obey(now, command),
        }
    }

    fn deliver(&mut self, now: Time, arrived: &Envelope<P::Msg>) {
        if self.hosts.is_down(arrived.to) {
            self.world.transport.note_lost_at_down_node();
            self.world.recording.lost(now, arrived);
        } else {
            self.world.recording.delivered(now, arrived);
            self.give(arrived.to, Input::Message(arrived.from, &arrived.msg));
        }
    }

    fn obey(&mut self, now: Time, command: Command) {
        match command {
            Command::Crash(node) => {
                if self.hosts.crash(node) {
                    self.world.recording.crashed(now, node);
                }
            }
            Command::Restart(node) => {
                if self.hosts.restart(node) {
                    self.world.recording.restarted(now, node);
                    self.give(node, Input::Restart);
                }
            }
            Command::Release(key) => self.world.release(key),
            Command::Alarm(_) => {
                self.world.consult(|adversary, control| adversary.control(now, control));
            }
        }
    }

    /// Gives an input to a correct node; to the adversary, if the node is corrupted.
    fn give(&mut self, node: NodeId, input: Input<'_, P::Msg, P::Timer>) {
        let Self { hosts, world, .. } = self;
        if let Some(host) = hosts.correct(node) {
            let now = world.now();
            return host.handle(now, input, |request| world.perform(node, request));
        }
        world.act(
            node,
            match input {
                Input::Start => Input::Start,
                Input::Message(from, msg) => Input::Message(from, msg),
                Input::Operation(operation) => Input::Operation(operation),
                Input::Timer(_) | Input::Restart => {
                    unreachable!("corrupted nodes have wake-ups, and never crash")
                }
            },
        );
    }
}
