//! A corrupted node: its faults act on the messages of its copies before these leave the node.

use std::rc::Rc;

use byzsim_core::{Committee, Effect, Input, NodeId, Observation, Outbox, Protocol, Signer, Wake};

use crate::active::{ActiveFault, Behavior};
use crate::copy::NodeCopy;
use crate::memory::Memory;
use crate::plan::{Change, Split};
use crate::twins::{Contradictions, SenderSides};
use crate::versions::{Outgoing, Rewrites, Versions};

/// A corrupted node.
pub(crate) struct CorruptedNode<P: Protocol> {
    signer: Rc<Signer>,
    committee: Committee,
    seed: u64,
    /// The one copy, or the twins.
    copies: Vec<NodeCopy<P>>,
    /// The fault that made it twins, and where these contradict each other.
    twins: Option<(usize, Contradictions)>,
    /// Which copies of other twins sent what to this node, and which of its own sent what to them.
    sender_sides: SenderSides<P::Msg>,
    /// Its lies and mutations.
    rewrites: Rewrites,
    /// The faults that are its replays, in order.
    replays: Vec<usize>,
    /// The faults that are its relays, in order.
    relays: Vec<usize>,
    /// What it sent and received, as far as some fault needs it.
    memory: Memory<P::Msg>,
    /// The highest timestamp whose completion was reported.
    completed: u64,
    /// Memory for what a copy wants on one input.
    requests: Vec<Effect<P::Msg, Wake>>,
}

impl<P: Protocol> CorruptedNode<P> {
    /// A node with one copy, which deals with all nodes.
    pub(crate) fn new(
        signer: Rc<Signer>,
        committee: Committee,
        seed: u64,
        params: &P::Params,
    ) -> Self {
        Self {
            copies: vec![NodeCopy::only(&signer, (committee, seed), params)],
            rewrites: Rewrites::new(Rc::clone(&signer), seed),
            signer,
            committee,
            seed,
            twins: None,
            sender_sides: SenderSides::default(),
            replays: Vec::new(),
            relays: Vec::new(),
            memory: Memory::default(),
            completed: 0,
            requests: Vec::new(),
        }
    }

    /// Adds a lie: the number of its fault. In the order of the faults.
    pub(crate) fn add_lie(&mut self, fault: usize) {
        self.rewrites.add_lie(fault);
    }

    /// Adds a mutation: the number of its fault. In the order of the faults.
    pub(crate) fn add_mutation(&mut self, fault: usize, change: &Change) {
        self.rewrites.add_mutation(fault);
        if *change == Change::Recall {
            self.memory.keep_first();
        }
    }

    /// Adds a replay: the number of its fault, and whether it repeats what the node received
    /// instead of what it sent. In the order of the faults.
    pub(crate) fn add_replay(&mut self, fault: usize, heard: bool) {
        self.replays.push(fault);
        self.memory.keep(fault, heard);
    }

    /// Adds a relay: the number of its fault. In the order of the faults.
    pub(crate) fn add_relay(&mut self, fault: usize) {
        self.relays.push(fault);
    }

    /// Makes the node twins, as this fault says.
    pub(crate) fn split(
        &mut self,
        fault: usize,
        sides: (&[NodeId], &[NodeId]),
        splits: &[Split],
        sender_sides: &SenderSides<P::Msg>,
        params: &P::Params,
    ) {
        self.sender_sides = sender_sides.clone();
        let run = (self.committee, self.seed);
        self.copies = NodeCopy::twins(sides, splits, &self.signer, run, params);
        self.twins = Some((fault, Contradictions::default()));
    }

    /// The fault that made the node twins, and how often they contradicted each other.
    pub(crate) fn equivocation(&self) -> Option<(usize, u64)> {
        self.twins.as_ref().map(|(fault, contradictions)| (*fault, contradictions.count()))
    }

    /// Handles an input, as all copies that it concerns.
    pub(crate) fn act(
        &mut self,
        input: &Input<'_, P::Msg, Wake>,
        faults: &mut [ActiveFault],
        out: &mut Outbox<P::Msg, Wake>,
    ) {
        if let Input::Message(from, msg) = *input {
            self.memory.note_received(from, self.signer.node(), msg, faults);
            self.relay_heard(from, msg, faults, out);
        }
        self.replay(faults, out);
        for place in 0..self.copies.len() {
            match *input {
                Input::Start => self.handle(place, Input::Start, faults, out),
                Input::Restart => self.handle(place, Input::Restart, faults, out),
                Input::Timer(wake) => self.handle(place, Input::Timer(wake), faults, out),
                Input::Message(from, msg) => {
                    let is_for_it = self.sender_sides.side_of(msg).is_none_or(|side| side == place);
                    if is_for_it && self.copies[place].deals(from, msg) {
                        self.handle(place, Input::Message(from, msg), faults, out);
                    }
                }
                Input::Operation(operation) => {
                    if let Some(operation) = self.copies[place].ask(operation) {
                        self.handle(place, Input::Operation(&operation), faults, out);
                    }
                }
            }
        }
    }

    /// Handles an input as one copy, and carries out the copy's requests as the faults allow.
    fn handle(
        &mut self,
        place: usize,
        input: Input<'_, P::Msg, Wake>,
        faults: &mut [ActiveFault],
        out: &mut Outbox<P::Msg, Wake>,
    ) {
        let now = out.now();
        let mut requests = std::mem::take(&mut self.requests);
        self.copies[place].handle(now, input, |request| requests.push(request.kept(now)));
        let mut completed = false;
        for request in requests.drain(..) {
            match request {
                Effect::Send(to, msg) => self.send(place, Some(to), &msg, faults, out),
                Effect::Broadcast(msg) => self.send(place, None, &msg, faults, out),
                Effect::SetTimer(..) | Effect::SetTimerWithin(..) | Effect::CancelTimer(_) => {
                    out.push(request);
                }
                Effect::Observe(observation) => {
                    completed |= matches!(observation, Observation::Completed { .. });
                    self.report(place, observation, out);
                }
            }
        }
        self.requests = requests;
        if !completed {
            return;
        }
        if let Some(next) = self.copies[place].complete() {
            self.handle(place, Input::Operation(&next), faults, out);
        }
    }

    /// Reports what the first copy observes. The end of an operation is reported by the copy that
    /// sees it first, because the application then issues the next one, and a copy that hears too
    /// few replicas would keep both copies from continuing.
    fn report(&mut self, place: usize, observation: Observation, out: &mut Outbox<P::Msg, Wake>) {
        let reports = if let Observation::Completed { timestamp, .. } = observation {
            let first = self.completed < timestamp;
            self.completed = self.completed.max(timestamp);
            first
        } else {
            place == 0
        };
        if reports {
            out.observe(observation);
        }
    }

    /// Sends a message that a copy wants to send, to one node or to all replicas, as far as the
    /// copy deals with them.
    fn send(
        &mut self,
        place: usize,
        to: Option<NodeId>,
        msg: &Rc<P::Msg>,
        faults: &mut [ActiveFault],
        out: &mut Outbox<P::Msg, Wake>,
    ) {
        self.memory.note_wanted(msg);
        let message = Outgoing { copy: place, msg };
        if let Some((_, contradictions)) = &mut self.twins {
            contradictions.note(place, &**msg);
        }
        let node = self.signer.node();
        match to {
            // Nothing tells the receivers apart: one message, shared by all.
            None if self.twins.is_none() && !self.rewrites.are_watching(faults) => {
                self.memory.note_sent(node, msg, faults);
                out.push(Effect::Broadcast(Rc::clone(msg)));
                self.relay_said(msg, faults, out);
            }
            None => {
                let others = self.committee.replica_ids().filter(|to| *to != node);
                self.say(others, &message, faults, out);
            }
            Some(to) => self.say(std::iter::once(to), &message, faults, out),
        }
    }

    /// Sends each of the receivers its versions, and passes these on to accomplices.
    fn say(
        &mut self,
        receivers: impl Iterator<Item = NodeId>,
        message: &Outgoing<'_, P::Msg>,
        faults: &mut [ActiveFault],
        out: &mut Outbox<P::Msg, Wake>,
    ) {
        for version in self.send_versions(receivers, message, faults, out) {
            self.relay_said(&version, faults, out);
        }
    }

    /// Passes on what it said.
    fn relay_said(
        &self,
        msg: &Rc<P::Msg>,
        faults: &mut [ActiveFault],
        out: &mut Outbox<P::Msg, Wake>,
    ) {
        let me = self.signer.node();
        for number in &self.relays {
            let to = faults[*number].relays(false, out.now(), (me, me), &**msg);
            for to in to.iter().flat_map(|to| self.others(to)) {
                out.push(Effect::Send(to, Rc::clone(msg)));
            }
        }
    }

    /// Passes on what it hears, as its lies and mutations make it.
    fn relay_heard(
        &mut self,
        from: NodeId,
        msg: &Rc<P::Msg>,
        faults: &mut [ActiveFault],
        out: &mut Outbox<P::Msg, Wake>,
    ) {
        let me = self.signer.node();
        for place in 0..self.relays.len() {
            let number = self.relays[place];
            if let Some(to) = faults[number].relays(true, out.now(), (from, me), &**msg) {
                let to = self.others(&to).collect::<Vec<_>>().into_iter();
                self.send_versions(to, &Outgoing { copy: 0, msg }, faults, out);
            }
        }
    }

    /// These, or all replicas if nobody is named; but for the node itself.
    fn others(&self, to: &[NodeId]) -> impl Iterator<Item = NodeId> + use<P> {
        let me = self.signer.node();
        let to = if to.is_empty() { self.committee.replica_ids().collect() } else { to.to_vec() };
        to.into_iter().filter(move |to| *to != me)
    }

    /// Sends each of the receivers its versions of a message; returns them, each once.
    fn send_versions(
        &mut self,
        receivers: impl Iterator<Item = NodeId>,
        message: &Outgoing<'_, P::Msg>,
        faults: &mut [ActiveFault],
        out: &mut Outbox<P::Msg, Wake>,
    ) -> Vec<Rc<P::Msg>> {
        let copy = &self.copies[message.copy];
        let mut made = Versions::new();
        let mut sent: Vec<Rc<P::Msg>> = Vec::new();
        for to in receivers.filter(|to| copy.deals(*to, message.msg)) {
            let link = (out.now(), to);
            let versions =
                self.rewrites.versions_for(link, message, &self.memory, faults, &mut made);
            for version in versions {
                if self.twins.is_some() {
                    self.sender_sides.note(to, version, message.copy);
                }
                out.push(Effect::Send(to, Rc::clone(version)));
                if !sent.iter().any(|known| Rc::ptr_eq(known, version)) {
                    sent.push(Rc::clone(version));
                }
            }
        }
        for version in &sent {
            self.memory.note_sent(self.signer.node(), version, faults);
        }
        sent
    }

    /// Repeats messages, if a fault that wants it has begun.
    fn replay(&mut self, faults: &mut [ActiveFault], out: &mut Outbox<P::Msg, Wake>) {
        let me = self.signer.node();
        for number in &self.replays {
            let fault = &mut faults[*number];
            let Behavior::Replay(replay) = &mut fault.behavior else {
                unreachable!("a replay's fault")
            };
            if !std::mem::replace(&mut replay.pending, false) {
                continue;
            }
            for msg in self.memory.recall(*number) {
                fault.fired += 1;
                if replay.to.is_empty() {
                    out.push(Effect::Broadcast(Rc::clone(&msg)));
                }
                for to in replay.to.iter().filter(|to| **to != me) {
                    out.push(Effect::Send(*to, Rc::clone(&msg)));
                }
            }
        }
    }
}
