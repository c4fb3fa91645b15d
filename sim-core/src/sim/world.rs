//! The world around the nodes: what they ask for happens here, and the adversary has its say.
//!
//! Nothing in it sees a node.

use std::rc::Rc;

use super::Event;
use super::adversary::AdversaryPort;
use super::clients::{Clients, Next};
use super::recording::Recording;
use super::settling::Settling;
use super::transport::Transport;
use crate::adversary::{Adversary, Command, Control, Fate, Wake};
use crate::host::Request;
use crate::id::{Committee, NodeId};
use crate::network::Transit;
use crate::node::{Effect, Input, Message as _, Protocol};
use crate::observation::Observation;
use crate::queue::EventQueue;
use crate::time::Time;

/// All of a run but its nodes.
pub(super) struct World<'a, P: Protocol> {
    pub(super) committee: Committee,
    pub(super) queue: EventQueue<Event<P>>,
    pub(super) transport: Transport<P::Msg>,
    pub(super) clients: Clients,
    pub(super) recording: Recording<'a>,
    pub(super) adversary: AdversaryPort<'a, P::Msg>,
    pub(super) settling: Settling,
}

impl<P: Protocol> World<'_, P> {
    pub(super) const fn now(&self) -> Time {
        self.queue.now()
    }

    /// Since when the run has settled: the clients are done, the network is synchronous, and the
    /// faults that end are over. None as long as a client is not done.
    pub(super) fn settled_at(&self) -> Option<Time> {
        self.clients.done_at().map(|done| done.max(self.calm_at()))
    }

    /// Since when nothing hinders correct nodes any more but what does so for ever.
    pub(super) fn calm_at(&self) -> Time {
        self.settling.calm_at(self.adversary.settled_at())
    }

    /// Does what a correct node asks for.
    pub(super) fn perform(&mut self, node: NodeId, request: Request<'_, P::Msg, P::Timer>) {
        match request {
            Request::Send(to, msg) => self.send(node, std::iter::once(to), msg),
            Request::Broadcast(msg) => self.broadcast(node, msg),
            Request::Look(timer, at) => {
                self.queue.push(at, Event::Timer { node, timer: timer.clone() });
            }
            Request::Observe(observation) => self.observe(node, observation),
        }
    }

    /// Lets the adversary act as a corrupted node, and does what it asks for.
    pub(super) fn act(&mut self, node: NodeId, input: Input<'_, P::Msg, Wake>) {
        let now = self.now();
        let outbox = self.adversary.act(now, node, input);
        for effect in outbox.effects() {
            match effect {
                Effect::Send(to, msg) if *to != node => {
                    self.send(node, std::iter::once(*to), msg);
                }
                // What corrupted nodes say to themselves is the adversary's own business, and a
                // wake-up that it does not want any more it ignores.
                Effect::Send(..) | Effect::CancelTimer(_) => {}
                Effect::Broadcast(msg) => self.broadcast(node, msg),
                // An adversary has streams of its own, and needs nothing drawn.
                Effect::SetTimer(wake, span) | Effect::SetTimerWithin(wake, span, _) => {
                    self.queue.push(now + *span, Event::Wake { node, wake: *wake });
                }
                Effect::Observe(observation) => self.observe(node, observation),
            }
        }
        self.adversary.take_back(outbox);
    }

    /// Calls the adversary, and queues its commands.
    pub(super) fn consult(&mut self, call: impl FnOnce(&mut dyn Adversary<P::Msg>, &mut Control)) {
        let now = self.now();
        for command in self.adversary.consult(call) {
            let at = match command {
                Command::Alarm(at) => at.max(now),
                // Soon, but never in the middle of a node's handler.
                Command::Crash(..)
                | Command::CallOff(_)
                | Command::Restart(_)
                | Command::Release(_) => now,
            };
            self.queue.push(at, Event::Command(command));
        }
    }

    /// Lets the messages go that the adversary holds under `key`.
    pub(super) fn release(&mut self, key: u32) {
        for (at, envelope) in self.transport.release(self.now(), key) {
            self.queue.push(at, Event::Deliver(envelope));
        }
    }

    fn broadcast(&mut self, from: NodeId, msg: &Rc<P::Msg>) {
        let others = self.committee.replica_ids().filter(move |to| *to != from);
        self.send(from, others, msg);
    }

    /// Puts one message on its way to each of `receivers`: past the adversary, who wishes for a
    /// fate, and through the network, which grants what its model allows.
    fn send(&mut self, from: NodeId, receivers: impl Iterator<Item = NodeId>, msg: &Rc<P::Msg>) {
        let now = self.now();
        let parcel = self.transport.parcel(from, msg, self.settling.cause());
        for to in receivers {
            let sent = self.transport.envelope(&parcel, to);
            let Some(wish) = self.adversary.wish(now, &sent) else {
                // It was never sent: it costs nothing. Its place in the link's count stays, so
                // that the messages after it keep their choices.
                continue;
            };
            let (transit, granted) = self.transport.grant(now, wish, &sent);
            if wish != Fate::Natural {
                self.adversary.granted(granted);
            }
            self.recording.sent(now, &sent, transit);
            if !self.adversary.is_corrupted(from) && !self.adversary.is_corrupted(to) {
                self.recording.promised(now, [from, to], transit);
            }
            if let Some(settled) = self.settled_at()
                && !self.adversary.is_faulty(from)
            {
                let kind = P::Msg::KINDS[usize::from(sent.kind.0)];
                let at = self.recording.stamp(now);
                self.settling.sent(at, settled, from, (kind, sent.cause));
            }
            match transit {
                Transit::Lost => self.recording.lost(now, &sent),
                Transit::Held(key, deadline) => {
                    let number = self.transport.hold(key, deadline, sent);
                    if deadline != Time::NEVER {
                        self.queue.push(deadline, Event::HoldEnds { key, number });
                    }
                }
                Transit::Arrives(first, second) => {
                    let copy = second.map(|at| (at, sent.clone()));
                    self.queue.push(first, Event::Deliver(sent));
                    if let Some((at, copy)) = copy {
                        self.queue.push(at, Event::Deliver(copy));
                    }
                }
            }
        }
    }

    /// Begins the audit, if it is due.
    pub(super) fn begin_audit(&mut self) {
        let (now, settled) = (self.now(), self.adversary.settled_at());
        if let Some((client, at)) = self.clients.begin_audit(now, settled) {
            self.queue.push(at, Event::Ask { client });
        }
    }

    fn observe(&mut self, node: NodeId, observation: &Observation) {
        let now = self.now();
        self.recording.observed(now, node, observation);
        if let Observation::Completed { timestamp, answer } = observation {
            match self.clients.completed(now, node, (*timestamp, answer)) {
                Some(Next::Ask(at)) => self.queue.push(at, Event::Ask { client: node }),
                Some(Next::Audit) => self.begin_audit(),
                None => {}
            }
        }
        if !self.adversary.is_faulty(node) {
            self.recording.judge(now, node, observation);
            self.settling.note(node, observation);
        }
        self.consult(|adversary, control| adversary.notice(now, node, observation, control));
    }
}
