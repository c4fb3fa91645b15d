//! The nodes in their places: handlers are called, and what they leave in their outbox happens.

use super::{Event, Run};
use crate::adversary::Wake;
use crate::encode::Encode as _;
use crate::history::Operation;
use crate::id::NodeId;
use crate::node::{ClientNode, Effect, Input, Node, Outbox, Protocol};
use crate::observation::Observation;
use crate::time::{Span, Time};
use crate::trace::TraceEvent;

/// A node in its place.
pub(super) enum Seat<P: Protocol> {
    Replica(P::Replica),
    Client(P::Client),
    Corrupted,
}

/// A timer of a node.
#[derive(Clone, Copy, Debug)]
pub(super) struct Arming {
    /// When it expires; never if it was disarmed.
    deadline: Option<Time>,
    /// When the queue looks at it next.
    looked_at: Time,
}

fn give<M, T, N: Node<M, T>>(
    input: Input<'_, M, T>,
    node: &mut N,
    out: &mut Outbox<M, T>,
    operate: impl FnOnce(&mut N, &Operation, &mut Outbox<M, T>),
) {
    match input {
        Input::Start => node.on_start(out),
        Input::Message(from, msg) => node.on_message(from, msg, out),
        Input::Timer(timer) => node.on_timer(timer, out),
        Input::Operation(operation) => operate(node, operation, out),
        Input::Restart => node.on_restart(out),
    }
}

impl<P: Protocol> Run<'_, P> {
    /// Runs one handler of `node`, and then those of the messages that it sends to itself.
    pub(super) fn handle(&mut self, node: NodeId, input: Input<'_, P::Msg, P::Timer>) {
        /// More than any handler has to say to itself.
        const ECHOES_MAX: u32 = 1 << 20;
        self.call(node, input);
        let mut echoes = 0;
        while let Some(msg) = self.loopback.pop_front() {
            echoes += 1;
            assert!(echoes < ECHOES_MAX, "{node} talks to itself without end");
            self.call(node, Input::Message(node, &msg));
        }
    }

    fn call(&mut self, node: NodeId, input: Input<'_, P::Msg, P::Timer>) {
        let mut outbox = std::mem::replace(&mut self.outbox, Outbox::new(self.now));
        outbox.reset(self.now);
        match &mut self.seats[self.committee.index(node)] {
            Seat::Corrupted => {
                let input = match input {
                    Input::Start => Input::Start,
                    Input::Message(from, msg) => Input::Message(from, msg),
                    Input::Operation(operation) => Input::Operation(operation),
                    Input::Timer(_) | Input::Restart => {
                        unreachable!("corrupted nodes have wakes")
                    }
                };
                return self.act_as(node, input);
            }
            Seat::Replica(replica) => give(input, replica, &mut outbox, |_, _, _| {
                unreachable!("operations go to clients");
            }),
            Seat::Client(client) => give(input, client, &mut outbox, |client, operation, out| {
                client.on_operation(operation, out);
            }),
        }
        for effect in outbox.drain(self.now) {
            match effect {
                Effect::Send(to, msg) if to == node => self.loopback.push_back(msg),
                Effect::Send(to, msg) => self.send(node, [to].into_iter(), &msg),
                Effect::Broadcast(msg) => {
                    let others = self.committee.replica_ids().filter(move |to| *to != node);
                    self.send(node, others, &msg);
                    if !node.is_client() {
                        self.loopback.push_back(msg);
                    }
                }
                Effect::SetTimer(timer, span) => self.arm(node, timer, span),
                Effect::CancelTimer(timer) => {
                    let timers = &mut self.timers[self.committee.index(node)];
                    if let Some(arming) = timers.get_mut(&timer) {
                        arming.deadline = None;
                    }
                }
                Effect::Observe(observation) => self.observe(node, &observation),
            }
        }
        self.outbox = outbox;
    }

    /// Lets the adversary act as a corrupted node.
    pub(super) fn act_as(&mut self, node: NodeId, input: Input<'_, P::Msg, Wake>) {
        let mut outbox = std::mem::replace(&mut self.corrupted_outbox, Outbox::new(self.now));
        outbox.reset(self.now);
        self.adversary.act(node, input, &mut outbox);
        for effect in outbox.drain(self.now) {
            match effect {
                // What corrupted nodes say to themselves is the adversary's own business.
                Effect::Send(to, msg) if to != node => self.send(node, [to].into_iter(), &msg),
                Effect::Send(..) | Effect::CancelTimer(_) => {}
                Effect::Broadcast(msg) => {
                    let others = self.committee.replica_ids().filter(move |to| *to != node);
                    self.send(node, others, &msg);
                }
                Effect::SetTimer(wake, span) => {
                    self.queue.push(self.now + span, Event::Wake { node, wake });
                }
                Effect::Observe(observation) => self.observe(node, &observation),
            }
        }
        self.corrupted_outbox = outbox;
    }

    /// Most timers are moved or disarmed before they expire. So the queue holds one event for each,
    /// which looks at the deadline when its time has come, and waits on if that was moved.
    fn arm(&mut self, node: NodeId, timer: P::Timer, span: Span) {
        let place = self.committee.index(node);
        let at = self.now + span.drifted(self.drift_ppm[place]);
        match self.timers[place].get_mut(&timer) {
            Some(arming) if arming.looked_at <= at => arming.deadline = Some(at),
            _ => {
                let arming = Arming { deadline: Some(at), looked_at: at };
                self.timers[place].insert(timer.clone(), arming);
                self.queue.push(at, Event::Expire { node, timer });
            }
        }
    }

    pub(super) fn look_at(&mut self, node: NodeId, timer: P::Timer) {
        let timers = &mut self.timers[self.committee.index(node)];
        let Some(arming) = timers.get_mut(&timer).filter(|it| it.looked_at == self.now) else {
            // Of an arming that was moved forward, or wiped out by a crash.
            return;
        };
        match arming.deadline {
            Some(deadline) if self.now < deadline => {
                arming.looked_at = deadline;
                self.queue.push(deadline, Event::Expire { node, timer });
            }
            Some(_) => {
                timers.remove(&timer);
                self.expire(node, timer);
            }
            None => {
                timers.remove(&timer);
            }
        }
    }

    fn expire(&mut self, node: NodeId, timer: P::Timer) {
        let mut key = std::mem::take(&mut self.encoder);
        key.clear();
        timer.encode(&mut key);
        self.record(&TraceEvent::Expired { node, key: key.bytes(), name: &timer });
        self.encoder = key;
        self.handle(node, Input::Timer(timer));
    }

    fn observe(&mut self, node: NodeId, observation: &Observation) {
        self.record(&TraceEvent::Observed(node, observation));
        if let Observation::Completed { .. } = observation {
            self.complete(node, observation);
        }
        if !self.corrupted[self.committee.index(node)] {
            let at = self.stamp();
            for (_, checker) in &mut self.checkers {
                checker.observe(at, node, observation);
            }
            self.milestones.observe(node, observation);
            if let Observation::EnteredView { view } = observation {
                self.view_max = self.view_max.max(*view);
            }
        }
        let now = self.now;
        self.call_adversary(|adversary, control| {
            adversary.notice(now, node, observation, control);
        });
    }

    pub(super) fn crash(&mut self, node: NodeId) {
        let place = self.committee.index(node);
        if self.corrupted[place] || self.down[place] {
            return;
        }
        self.down[place] = true;
        self.timers[place].clear();
        self.record(&TraceEvent::Crashed(node));
    }

    pub(super) fn restart(&mut self, node: NodeId) {
        let place = self.committee.index(node);
        if !self.down[place] {
            return;
        }
        self.down[place] = false;
        self.record(&TraceEvent::Restarted(node));
        self.milestones.reach("crash-restart");
        self.handle(node, Input::Restart);
    }
}
