//! The run: one queue of events, handed one by one to the nodes they concern.

mod adversary;
mod clients;
mod corrupted;
mod hosts;
mod lasso;
mod outcome;
mod recording;
mod settling;
mod setup;
mod transport;
mod world;

use crate::adversary::{Command, Crash, CrashPoint, Wake};
use crate::checkers::{Circle, Closing, Happening, Stagnation};
use crate::id::NodeId;
use crate::node::{Input, Protocol};
use crate::time::{Span, Time};
use crate::timers::{Cause, Look};

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
        let (calm, settled) = (self.world.calm_at(), self.world.settled_at());
        let is_at_rest = self.is_at_rest();
        let Self {
            hosts,
            world: World { recording, clients, settling, committee, transport, .. },
            ..
        } = self;
        let runs = |node: &NodeId| hosts.any_timer_runs(false, |other| other == *node);
        let open = |node| Some(format!("{node} {}", settling.open(node)?));
        let closing = Closing {
            calm,
            // What was to come later did not come.
            settled: settled.filter(|settled| *settled <= end),
            is_at_rest,
            late: settling.late().cloned(),
            open: committee.replica_ids().filter(runs).filter_map(open).collect(),
            has_pulses: hosts.any_pulse(),
            is_down: &|node| hosts.is_down(node),
            standing: &|node, seq| hosts.standing(node, seq),
        };
        recording.finish((ended, end), &closing, clients, (hosts.crypto(), transport.moved()))
    }

    fn start(&mut self) {
        let committee = self.world.committee;
        self.world.consult(|adversary, control| adversary.control(Time::ZERO, control));
        for node in committee.nodes() {
            self.give(node, Input::Start, Cause::Own);
        }
        for client in committee.client_ids().filter(|client| self.world.clients.has_next(*client)) {
            let first = self.world.clients.first(client);
            self.world.queue.push(first, Event::Ask { client });
        }
        // The clients may be done before they begin.
        self.world.begin_audit();
    }

    /// Plays events until the run ends. Why it ended, and when.
    fn play(&mut self) -> (Ended, Time) {
        while let Some(time) = self.world.queue.next_time() {
            let (end, ended) = self.end_by(time);
            if end < time {
                return (ended, end.max(self.world.now()));
            }
            if self.limits.events_max <= self.world.recording.events() {
                return (Ended::EventLimit, self.world.now());
            }
            let (now, event) = self.world.queue.pop().expect("an event is queued for that time");
            self.happen(now, &event);
            self.sample(now);
            if self.world.settling.late().is_some() {
                return (Ended::Unsettled, now);
            }
        }
        let now = self.world.now();
        if let Some(settled) = self.world.settled_at() {
            let end = if settled == Time::NEVER { now } else { settled.max(now) };
            return (Ended::Done, end.min(self.limits.at_most.max(now)));
        }
        match self.world.clients.next_deadline() {
            Time::NEVER => (Ended::Quiet, now),
            // Nothing can happen any more, and an operation waits: it will be overdue.
            deadline => (Ended::Quiet, deadline.max(now)),
        }
    }

    /// The latest time at which the run may still go on, and why it ends then. `next`: when
    /// something happens next.
    fn end_by(&self, next: Time) -> (Time, Ended) {
        let (end, ended) = match self.world.clients.done_at() {
            None => (self.world.clients.next_deadline(), Ended::Overdue),
            Some(done) => self.end_after(done, next),
        };
        if self.limits.at_most < end { (self.limits.at_most, Ended::Horizon) } else { (end, ended) }
    }

    /// The same, when the clients are `done`: when correct nodes have come to rest, or when they
    /// should have long ago.
    fn end_after(&self, done: Time, next: Time) -> (Time, Ended) {
        let calm = self.world.calm_at();
        let (settled, is_idle) = (done.max(calm), self.world.transport.is_idle());
        let drained = |from: Time| match is_idle {
            true => from.max(self.limits.at_least).max(self.world.now()),
            false => self.limits.at_least.max(from + self.limits.drain),
        };
        if settled == Time::NEVER {
            return (drained(done), Ended::Done);
        }
        if self.is_at_rest() && (self.is_still() || !self.is_judging(calm)) {
            let echoed = self.echoes_until(settled, next);
            return (echoed.unwrap_or_else(|| drained(settled)), Ended::Done);
        }
        // Who sends on its own account in the second half of this goes on for ever.
        let end = settled.max(self.limits.at_least) + self.world.settling.bound() * 2;
        (end, Ended::Unsettled)
    }

    /// Until when the run goes on because correct nodes do what was provoked: they must come to
    /// rest when nothing provokes them any more. None if they have nothing to do, or if they are
    /// provoked again and again: that may last for ever, and tells nothing.
    fn echoes_until(&self, settled: Time, next: Time) -> Option<Time> {
        let settling = &self.world.settling;
        let since = settling.unprovoked_since(settled);
        let is_provoked = next <= since + self.limits.drain;
        // Who goes on in the second half of this does so for ever.
        let end = since + settling.bound() * 2;
        if end < next || is_provoked && settled + settling.bound() < next {
            return None;
        }
        let counts = |node| settling.open(node).is_none();
        let is_busy = !self.world.transport.is_idle() || self.hosts.any_timer_runs(false, counts);
        is_busy.then_some(end)
    }

    /// Whether correct nodes have nothing to do on their own account: of their messages none is
    /// under way, and none of their timers runs.
    fn is_at_rest(&self) -> bool {
        let settling = &self.world.settling;
        let counts = |node| settling.open(node).is_none();
        self.world.transport.is_at_rest() && !self.hosts.any_timer_runs(true, counts)
    }

    /// Whether nothing is under way, and no timer of a correct node runs, whoever provoked it.
    fn is_still(&self) -> bool {
        self.world.transport.is_idle()
            && !self.hosts.any_timer_runs(false, |_| true)
            && !self.hosts.any_pulse()
    }

    /// Whether a property waits for something that is still to come.
    fn is_judging(&self, calm: Time) -> bool {
        self.world.recording.is_judging(calm, &|node| self.hosts.is_down(node))
    }

    /// When the operation that waits longest is overdue; if none waits, when a leader is to be
    /// steady where leaders are elected.
    fn deadline(&self) -> Time {
        match self.world.clients.next_deadline() {
            Time::NEVER => self.steady_from(),
            deadline => deadline,
        }
    }

    /// From when on the leader is to be the same, if primaries are elected.
    fn steady_from(&self) -> Time {
        if !P::ELECTS {
            return Time::NEVER;
        }
        self.world.settling.together_since() + self.world.settling.bound()
    }

    /// Keeps the state of the correct nodes where the lasso wants it.
    fn sample(&mut self, now: Time) {
        let (deadline, view) = (self.deadline(), self.world.recording.goal_max());
        if !self.lasso.wants(deadline, view, now) {
            return;
        }
        let at = self.world.recording.stamp(now);
        if let Some(state) = self.hosts.outline(view) {
            self.lasso.sample(at, view, state);
        }
    }

    /// Tells the checkers what the run was doing, if an operation is overdue, or the leader is to be
    /// the same.
    fn conclude(&mut self, end: Time) {
        if end < self.world.clients.next_deadline().min(self.steady_from()) {
            return;
        }
        let lasso = self.lasso.circle(end, self.world.committee.faults);
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
    fn happen(&mut self, now: Time, event: &Event<P>) {
        match *event {
            Event::Deliver(ref envelope) => {
                self.world.transport.land(envelope);
                self.deliver(now, envelope);
            }
            Event::HoldEnds { key, number } => {
                if let Some(arrived) = self.world.transport.end_hold(key, number) {
                    self.deliver(now, &arrived);
                }
            }
            Event::Timer { node, ref timer } => match self.hosts.look_at(now, node, timer) {
                Look::Expired(armed) => {
                    self.world.recording.expired(now, node, (timer, armed));
                    let is_left_open = self.is_left_open(now, node);
                    if is_left_open {
                        self.world.settling.stir(now);
                    }
                    let cause = match self.hosts.cause(node) {
                        Cause::Own if is_left_open => Cause::Provoked,
                        it @ (Cause::Own | Cause::Provoked | Cause::Pulse) => it,
                    };
                    self.give(node, Input::Timer(timer.clone()), cause);
                    self.world.recording.happened(now, Happening::Handled);
                }
                Look::Again(at) => {
                    self.world.queue.push(at, Event::Timer { node, timer: timer.clone() });
                }
                Look::Stale => {}
            },
            Event::Wake { node, wake } => self.world.act(node, Input::Timer(wake)),
            Event::Ask { client } => {
                if self.hosts.is_down(client) {
                    return self.world.clients.postpone(client);
                }
                let operation = self.world.clients.ask(now, client);
                self.give(client, Input::Operation(&operation), Cause::Own);
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
            if self.world.adversary.is_faulty(arrived.from)
                && !self.world.adversary.is_faulty(arrived.to)
            {
                self.world.settling.stir(now);
            }
            let cause = match arrived.cause {
                Cause::Provoked if !self.is_settled(now) => Cause::Own,
                it @ (Cause::Own | Cause::Provoked | Cause::Pulse) => it,
            };
            self.give(arrived.to, Input::Message(arrived.from, &arrived.msg), cause);
        }
    }

    fn is_settled(&self, now: Time) -> bool {
        self.world.settled_at().is_some_and(|settled| settled <= now)
    }

    /// Whether the run has settled, and the node is left with something that nobody can close.
    fn is_left_open(&self, now: Time, node: NodeId) -> bool {
        self.is_settled(now) && self.world.settling.open(node).is_some()
    }

    fn obey(&mut self, now: Time, command: Command) {
        match command {
            Command::Crash(node, crash) => self.crash(now, node, crash, false),
            Command::CallOff(node) => self.hosts.call_off(node),
            Command::Restart(node) => {
                if self.hosts.restart(node) {
                    self.world.settling.note_down(now, node, false);
                    let is_faulty = self.world.adversary.is_faulty(node);
                    self.world.recording.restarted(now, node, is_faulty);
                    if self.world.clients.restarted(now, node) {
                        self.world.queue.push(now, Event::Ask { client: node });
                    }
                    self.give(node, Input::Restart, Cause::Own);
                }
            }
            Command::Release(key) => self.world.release(key),
            Command::Alarm(_) => {
                self.world.consult(|adversary, control| adversary.control(now, control));
            }
        }
    }

    /// Lets a node crash: now, or in the middle of something.
    fn crash(&mut self, now: Time, node: NodeId, crash: Crash, is_midway: bool) {
        let strikes = self.hosts.crash(node, crash);
        if strikes {
            self.world.settling.note_down(now, node, true);
            let is_faulty = self.world.adversary.is_faulty(node);
            self.world.recording.crashed(now, node, (is_faulty, is_midway));
        }
        // Who is down already may learn now that it never restarts.
        let is_told = strikes || crash.is_final && crash.point == CrashPoint::Now;
        if is_told && self.world.clients.crashed(now, node, crash.is_final) {
            self.world.begin_audit();
        }
    }

    /// Gives an input to a correct node; to the adversary, if the node is corrupted. `cause`: why
    /// the node does what comes of it.
    fn give(&mut self, node: NodeId, input: Input<'_, P::Msg, P::Timer>, cause: Cause) {
        let Self { hosts, world, .. } = self;
        if let Some(host) = hosts.correct(node) {
            let now = world.now();
            // What a replica does that forgot what it wrote is not its own doing.
            let cause = match cause {
                Cause::Own if world.adversary.is_faulty(node) => Cause::Provoked,
                it @ (Cause::Own | Cause::Provoked | Cause::Pulse) => it,
            };
            host.attribute(cause);
            world.settling.attribute(cause);
            host.handle(now, input, |request| world.perform(node, request));
            if let Some(crash) = host.take_crash() {
                self.crash(now, node, Crash { point: CrashPoint::Now, ..crash }, true);
                self.world.consult(|adversary, control| adversary.crashed(node, control));
            }
            return;
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
