//! A puppet: an honest copy of a corrupted node, on strings.
//!
//! The copy runs the protocol's own code and does not know that it is one. What it wants done goes
//! to whoever pulls the strings, who passes it on, changes it, or keeps it. Its timers and its
//! messages to itself are private: two copies behind one identity must not wake or hear each other.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::rc::Rc;

use byzsim_core::{
    ClientNode, Committee, Effect, Input, Node, NodeId, Operation, Outbox, Protocol, Signer, Time,
    Wake,
};

/// An honest copy of a corrupted node.
pub struct Puppet<P: Protocol> {
    node: NodeId,
    role: Role<P>,
    /// Each armed timer with its wake-up. A wake-up that is not here is stale.
    armed: BTreeMap<P::Timer, Wake>,
    /// The timer that each wake-up is for.
    wakes: BTreeMap<Wake, P::Timer>,
    next_wake: u64,
    /// By how much wake-ups are numbered on, so that the puppets of one node share none.
    wake_step: u64,
    outbox: Outbox<P::Msg, P::Timer>,
    loopback: VecDeque<Rc<P::Msg>>,
}

enum Role<P: Protocol> {
    Replica(P::Replica),
    Client(P::Client),
}

impl<P: Protocol> fmt::Debug for Puppet<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Puppet").field("node", &self.node).finish_non_exhaustive()
    }
}

impl<P: Protocol> Puppet<P> {
    /// The only copy of the signer's node.
    pub fn new(signer: &Rc<Signer>, committee: Committee, params: &P::Params) -> Self {
        Self::of_several((0, 1), signer, committee, params)
    }

    /// The `place`-th of `count` copies of the signer's node. They share the signer.
    pub fn of_several(
        (place, count): (u64, u64),
        signer: &Rc<Signer>,
        committee: Committee,
        params: &P::Params,
    ) -> Self {
        assert!(place < count, "copy {place} of {count}");
        let shared = Rc::clone(signer);
        let role = match signer.node() {
            NodeId::Replica(_) => Role::Replica(P::replica(shared, committee, params)),
            NodeId::Client(_) => Role::Client(P::client(shared, committee, params)),
        };
        Self {
            node: signer.node(),
            role,
            armed: BTreeMap::new(),
            wakes: BTreeMap::new(),
            next_wake: place,
            wake_step: count,
            outbox: Outbox::new(Time::ZERO),
            loopback: VecDeque::new(),
        }
    }

    /// Whose copy this is.
    pub const fn node(&self) -> NodeId {
        self.node
    }

    /// Lets the copy live through `event` at `now`, and through the messages that it sends to
    /// itself. `sink` is handed what it wants done, in order: a send to another node, a broadcast
    /// to all other replicas, a wake-up to ask for, an observation. A wake-up of another copy, or
    /// of a timer that was moved or disarmed, is ignored.
    pub fn live(
        &mut self,
        now: Time,
        input: Input<'_, P::Msg, Wake>,
        mut sink: impl FnMut(Effect<P::Msg, Wake>),
    ) {
        self.outbox.reset(now);
        self.handle(input);
        self.hand_over(now, &mut sink);
        while let Some(msg) = self.loopback.pop_front() {
            self.handle(Input::Message(self.node, &msg));
            self.hand_over(now, &mut sink);
        }
    }

    fn handle(&mut self, input: Input<'_, P::Msg, Wake>) {
        let expired = match input {
            Input::Timer(wake) => match self.expire(wake) {
                None => return,
                timer => timer,
            },
            Input::Start | Input::Message(..) | Input::Operation(_) | Input::Restart => None,
        };
        let out = &mut self.outbox;
        match &mut self.role {
            Role::Replica(replica) => give(replica, input, expired, out, |_, _, _| {
                unreachable!("operations go to clients");
            }),
            Role::Client(client) => give(client, input, expired, out, P::Client::on_operation),
        }
    }

    /// The timer that `wake` is for, if it still counts.
    fn expire(&mut self, wake: Wake) -> Option<P::Timer> {
        let timer = self.wakes.remove(&wake)?;
        let arming = self.armed.remove(&timer);
        assert_eq!(arming, Some(wake), "a timer has one wake-up, its latest");
        Some(timer)
    }

    fn hand_over(&mut self, now: Time, sink: &mut impl FnMut(Effect<P::Msg, Wake>)) {
        for effect in self.outbox.drain(now) {
            match effect {
                Effect::Send(to, msg) if to == self.node => self.loopback.push_back(msg),
                Effect::Send(to, msg) => sink(Effect::Send(to, msg)),
                Effect::Broadcast(msg) => {
                    if !self.node.is_client() {
                        self.loopback.push_back(Rc::clone(&msg));
                    }
                    sink(Effect::Broadcast(msg));
                }
                Effect::SetTimer(timer, span) => {
                    let wake = Wake(self.next_wake);
                    self.next_wake += self.wake_step;
                    if let Some(earlier) = self.armed.insert(timer.clone(), wake) {
                        self.wakes.remove(&earlier);
                    }
                    self.wakes.insert(wake, timer);
                    sink(Effect::SetTimer(wake, span));
                }
                Effect::CancelTimer(timer) => {
                    if let Some(wake) = self.armed.remove(&timer) {
                        self.wakes.remove(&wake);
                    }
                }
                Effect::Observe(observation) => sink(Effect::Observe(observation)),
            }
        }
    }
}

fn give<M, T, N: Node<M, T>>(
    node: &mut N,
    input: Input<'_, M, Wake>,
    expired: Option<T>,
    out: &mut Outbox<M, T>,
    operate: impl FnOnce(&mut N, &Operation, &mut Outbox<M, T>),
) {
    match input {
        Input::Start => node.on_start(out),
        Input::Message(from, msg) => node.on_message(from, msg, out),
        Input::Timer(_) => node.on_timer(expired.expect("a stale wake-up was ignored"), out),
        Input::Operation(operation) => operate(node, operation, out),
        Input::Restart => node.on_restart(out),
    }
}
