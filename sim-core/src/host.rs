//! A node at work: its handlers, the messages that it sends to itself, and its timers.
//!
//! The run hosts correct nodes so, and the adversary its puppets: an honest copy of a corrupted
//! node behaves as a correct node would. It takes a node's signer to host it, so the adversary can
//! host the nodes that it corrupted and no others.

use std::collections::VecDeque;
use std::fmt;
use std::rc::Rc;

use crate::crypto::Signer;
use crate::encode::Encoder;
use crate::id::{Committee, NodeId};
use crate::node::{ClientNode as _, Effect, Input, Node, Outbox, Protocol};
use crate::observation::{Observation, Standing};
use crate::time::Time;
use crate::timers::{Look, Timers};

/// A node at work.
pub struct Host<P: Protocol> {
    id: NodeId,
    role: Role<P>,
    timers: Timers<P::Timer>,
    outbox: Outbox<P::Msg, P::Timer>,
    loopback: VecDeque<Rc<P::Msg>>,
}

enum Role<P: Protocol> {
    Replica(P::Replica),
    Client(P::Client),
}

/// What a node wants of the world around it.
#[derive(Debug)]
pub enum Request<M, T> {
    /// Send a message to another node.
    Send(NodeId, Rc<M>),
    /// Send a message to all other replicas.
    Broadcast(Rc<M>),
    /// Call [`Host::look_at`] for this timer then.
    Look(T, Time),
    /// Report something.
    Observe(Observation),
}

impl<P: Protocol> fmt::Debug for Host<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Host").field("id", &self.id).finish_non_exhaustive()
    }
}

impl<P: Protocol> Host<P> {
    /// The signer's node in its initial state.
    pub fn new(
        signer: &Rc<Signer>,
        committee: Committee,
        params: &P::Params,
        timers: Timers<P::Timer>,
    ) -> Self {
        let shared = Rc::clone(signer);
        let role = match signer.node() {
            NodeId::Replica(_) => Role::Replica(P::replica(shared, committee, params)),
            NodeId::Client(_) => Role::Client(P::client(shared, committee, params)),
        };
        Self {
            id: signer.node(),
            role,
            timers,
            outbox: Outbox::new(Time::ZERO),
            loopback: VecDeque::new(),
        }
    }

    /// Which node this is.
    pub const fn id(&self) -> NodeId {
        self.id
    }

    /// Calls the handler for `input` at `now`, and then those for the messages that the node sends
    /// to itself. `request` is handed what the node wants of the world, in order.
    pub fn handle(
        &mut self,
        now: Time,
        input: Input<'_, P::Msg, P::Timer>,
        mut request: impl FnMut(Request<P::Msg, P::Timer>),
    ) {
        /// More than any handler has to say to itself.
        const ECHOES_MAX: u32 = 1 << 20;
        self.call(now, input, &mut request);
        let mut echoes = 0;
        while let Some(msg) = self.loopback.pop_front() {
            echoes += 1;
            assert!(echoes < ECHOES_MAX, "{} talks to itself without end", self.id);
            self.call(now, Input::Message(self.id, &msg), &mut request);
        }
    }

    /// Looks at a timer, as the node [asked for](Request::Look).
    pub fn look_at(&mut self, now: Time, timer: &P::Timer) -> Look {
        self.timers.look_at(now, timer)
    }

    /// Writes the state of the node down, abstracted.
    pub(crate) fn outline(&self, view: u64, out: &mut Encoder) {
        match &self.role {
            Role::Replica(replica) => replica.outline(view, out),
            Role::Client(client) => client.outline(view, out),
        }
    }

    /// Its armed timers: since when, and until when.
    pub(crate) fn armed(&self) -> impl Iterator<Item = (&P::Timer, [Time; 2])> {
        self.timers.armed()
    }

    /// Says whether what the node does next was provoked: not its own doing. The timers that it
    /// arms then pass that on.
    pub(crate) const fn provoke(&mut self, provoked: bool) {
        self.timers.provoke(provoked);
    }

    /// Whether what the node does now was provoked.
    pub(crate) const fn is_provoked(&self) -> bool {
        self.timers.is_provoked()
    }

    /// Whether a timer of the node runs; of those that it armed on its own account if only these
    /// are meant.
    pub(crate) fn any_timer_runs(&self, own_only: bool) -> bool {
        self.timers.any_runs(own_only)
    }

    /// What a replica holds. See [`Node::standing`].
    pub(crate) fn standing(&self, seq: u64) -> Option<Standing> {
        match &self.role {
            Role::Replica(replica) => replica.standing(seq),
            Role::Client(_) => None,
        }
    }

    /// The node crashes: its timers are gone.
    pub fn crash(&mut self) {
        self.timers.clear();
    }

    fn call(
        &mut self,
        now: Time,
        input: Input<'_, P::Msg, P::Timer>,
        request: &mut impl FnMut(Request<P::Msg, P::Timer>),
    ) {
        self.outbox.reset(now);
        self.role.handle(input, &mut self.outbox);
        for effect in self.outbox.drain(now) {
            match effect {
                Effect::Send(to, msg) if to == self.id => self.loopback.push_back(msg),
                Effect::Send(to, msg) => request(Request::Send(to, msg)),
                Effect::Broadcast(msg) => {
                    if !self.id.is_client() {
                        self.loopback.push_back(Rc::clone(&msg));
                    }
                    request(Request::Broadcast(msg));
                }
                Effect::SetTimer(timer, span) => {
                    if let Some(at) = self.timers.arm(now, &timer, span) {
                        request(Request::Look(timer, at));
                    }
                }
                Effect::CancelTimer(timer) => self.timers.disarm(&timer),
                Effect::Observe(observation) => request(Request::Observe(observation)),
            }
        }
    }
}

impl<P: Protocol> Role<P> {
    fn handle(&mut self, input: Input<'_, P::Msg, P::Timer>, out: &mut Outbox<P::Msg, P::Timer>) {
        match (self, input) {
            (Self::Client(client), Input::Operation(operation)) => {
                client.on_operation(operation, out);
            }
            (Self::Client(client), input) => handle(client, input, out),
            (Self::Replica(replica), input) => handle(replica, input, out),
        }
    }
}

fn handle<M, T>(node: &mut impl Node<M, T>, input: Input<'_, M, T>, out: &mut Outbox<M, T>) {
    match input {
        Input::Start => node.on_start(out),
        Input::Message(from, msg) => node.on_message(from, msg, out),
        Input::Timer(timer) => node.on_timer(timer, out),
        Input::Restart => node.on_restart(out),
        Input::Operation(_) => unreachable!("operations go to clients"),
    }
}
