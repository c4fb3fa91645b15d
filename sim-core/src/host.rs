//! A node at work: its handlers, the messages that it sends to itself, and its timers.
//!
//! The run hosts correct nodes so, and the adversary its puppets: an honest copy of a corrupted
//! node behaves as a correct node would. It takes a node's signer to host it, so the adversary can
//! host the nodes that it corrupted and no others.

use std::collections::VecDeque;
use std::fmt;
use std::rc::Rc;

use crate::adversary::{Crash, CrashPoint, Loss};
use crate::crypto::Signer;
use crate::encode::Encoder;
use crate::id::{Committee, NodeId};
use crate::node::{ClientNode as _, Effect, Input, Node, Outbox, Protocol};
use crate::observation::{Observation, Standing};
use crate::time::{Span, Time};
use crate::timers::{Cause, Look, Timers};

/// A node at work.
pub struct Host<P: Protocol> {
    id: NodeId,
    role: Role<P>,
    timers: Timers<P::Timer>,
    outbox: Outbox<P::Msg, P::Timer>,
    loopback: VecDeque<Rc<P::Msg>>,
    committee: Committee,
    /// The crash that is to come in the middle of something.
    awaited: Option<Crash>,
    /// The crash that just came.
    crashed: Option<Crash>,
}

enum Role<P: Protocol> {
    Replica(P::Replica),
    Client(P::Client),
}

/// What a node wants of the world around it.
#[derive(Clone, Copy, Debug)]
pub enum Request<'a, M, T> {
    /// Send a message to another node.
    Send(NodeId, &'a Rc<M>),
    /// Send a message to all other replicas.
    Broadcast(&'a Rc<M>),
    /// Call [`Host::look_at`] for this timer then.
    Look(&'a T, Time),
    /// Report something.
    Observe(&'a Observation),
}

impl<M, T: Clone> Request<'_, M, T> {
    /// The effect that amounts to the same at `now`, to be kept for later.
    pub fn kept(self, now: Time) -> Effect<M, T> {
        match self {
            Self::Send(to, msg) => Effect::Send(to, Rc::clone(msg)),
            Self::Broadcast(msg) => Effect::Broadcast(Rc::clone(msg)),
            Self::Look(timer, at) => Effect::SetTimer(timer.clone(), at.since(now)),
            Self::Observe(observation) => Effect::Observe(observation.clone()),
        }
    }
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
        Self {
            id: signer.node(),
            role: Role::new(signer, committee, params),
            timers,
            outbox: Outbox::new(Time::ZERO),
            loopback: VecDeque::new(),
            committee,
            awaited: None,
            crashed: None,
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
        mut request: impl FnMut(Request<'_, P::Msg, P::Timer>),
    ) {
        match self.awaited {
            None => self.handle_whole(now, input, &mut request),
            Some(crash) => self.handle_in_part(now, input, crash, &mut request),
        }
    }

    fn handle_whole(
        &mut self,
        now: Time,
        input: Input<'_, P::Msg, P::Timer>,
        request: &mut impl FnMut(Request<'_, P::Msg, P::Timer>),
    ) {
        /// More than any handler has to say to itself.
        const ECHOES_MAX: u32 = 1 << 20;
        self.call(now, input, request);
        let mut echoes = 0;
        while let Some(msg) = self.loopback.pop_front() {
            echoes += 1;
            assert!(echoes < ECHOES_MAX, "{} talks to itself without end", self.id);
            self.call(now, Input::Message(self.id, &msg), request);
        }
    }

    /// Handles an input in whose middle a crash comes, if it sends enough messages. All that the
    /// node writes and reports comes before the first message, and its messages to itself belong to
    /// what it writes.
    fn handle_in_part(
        &mut self,
        now: Time,
        input: Input<'_, P::Msg, P::Timer>,
        crash: Crash,
        request: &mut impl FnMut(Request<'_, P::Msg, P::Timer>),
    ) {
        let before = match (crash.loses, &self.role) {
            (Loss::LastWrite, Role::Replica(replica)) => Some(replica.clone()),
            (Loss::LastWrite | Loss::Nothing | Loss::Everything, _) => None,
        };
        let mut wanted = Vec::new();
        self.handle_whole(now, input, &mut |it: Request<'_, _, _>| wanted.push(it.kept(now)));
        let others = self.others().count();
        let sends = |it: &Effect<P::Msg, P::Timer>| match it {
            Effect::Send(..) => 1,
            Effect::Broadcast(_) => others,
            Effect::SetTimer(..)
            | Effect::SetTimerWithin(..)
            | Effect::CancelTimer(_)
            | Effect::Observe(_) => 0,
        };
        let total: usize = wanted.iter().map(sends).sum();
        let sent_before = match crash.point {
            CrashPoint::Now => unreachable!("it is not awaited"),
            CrashPoint::AfterSending(count) => usize::try_from(count).unwrap_or(usize::MAX),
            CrashPoint::AfterInput => total,
        };
        let comes = match crash.point {
            CrashPoint::Now | CrashPoint::AfterSending(_) => sent_before < total,
            CrashPoint::AfterInput => 0 < total,
        };
        self.ask_for(now, &wanted, if comes { sent_before } else { total }, request);
        if !comes {
            return;
        }
        if let Some(before) = before {
            self.role = Role::Replica(before);
        }
        self.awaited = None;
        self.crashed = Some(crash);
    }

    /// To whom a broadcast of the node goes, besides itself.
    fn others(&self) -> impl Iterator<Item = NodeId> {
        self.committee.replica_ids().filter(|to| *to != self.id)
    }

    /// Asks for what was kept, but for no more than the first `left` messages.
    fn ask_for(
        &self,
        now: Time,
        wanted: &[Effect<P::Msg, P::Timer>],
        mut left: usize,
        request: &mut impl FnMut(Request<'_, P::Msg, P::Timer>),
    ) {
        for it in wanted {
            match it {
                Effect::Send(to, msg) if 0 < left => {
                    left -= 1;
                    request(Request::Send(*to, msg));
                }
                Effect::Broadcast(msg) => {
                    for to in self.others().take(left) {
                        left -= 1;
                        request(Request::Send(to, msg));
                    }
                }
                Effect::Send(..) => {}
                Effect::SetTimer(timer, span) => request(Request::Look(timer, now + *span)),
                Effect::Observe(observation) => request(Request::Observe(observation)),
                Effect::SetTimerWithin(..) | Effect::CancelTimer(_) => {
                    unreachable!("no request is kept so")
                }
            }
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

    /// Says why the node does what it does next. The timers that it arms then pass that on.
    pub(crate) const fn attribute(&mut self, cause: Cause) {
        self.timers.attribute(cause);
    }

    /// Why the node does what it does now.
    pub(crate) const fn cause(&self) -> Cause {
        self.timers.cause()
    }

    /// Whether a pulse runs, or what one led to.
    pub(crate) fn any_pulse(&self) -> bool {
        self.timers.any_pulse()
    }

    /// Whether a timer of the node runs that no pulse led to; of those that it armed on its own
    /// account if only these are meant.
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

    /// Lets the node crash in the middle of something, as soon as it sends enough; `None` calls
    /// that off.
    pub(crate) const fn await_crash(&mut self, crash: Option<Crash>) {
        self.awaited = crash;
    }

    /// The crash that came in the middle of the last input, if one did.
    pub(crate) const fn take_crash(&mut self) -> Option<Crash> {
        self.crashed.take()
    }

    /// The node crashes: its timers are gone.
    pub fn crash(&mut self) {
        self.timers.clear();
    }

    /// The node forgets all that it wrote.
    pub(crate) fn forget(&mut self, signer: &Rc<Signer>, params: &P::Params) {
        self.role = Role::new(signer, self.committee, params);
    }

    fn call(
        &mut self,
        now: Time,
        input: Input<'_, P::Msg, P::Timer>,
        request: &mut impl FnMut(Request<'_, P::Msg, P::Timer>),
    ) {
        self.outbox.reset(now);
        self.role.handle(input, &mut self.outbox);
        for effect in self.outbox.effects() {
            match effect {
                Effect::Send(to, msg) if *to == self.id => self.loopback.push_back(Rc::clone(msg)),
                Effect::Send(to, msg) => request(Request::Send(*to, msg)),
                Effect::Broadcast(msg) => {
                    if !self.id.is_client() {
                        self.loopback.push_back(Rc::clone(msg));
                    }
                    request(Request::Broadcast(msg));
                }
                Effect::SetTimer(timer, span) => {
                    arm::<P>(&mut self.timers, now, timer, *span, request);
                }
                Effect::SetTimerWithin(timer, shortest, longest) => {
                    let span = self.timers.draw(*shortest, *longest);
                    arm::<P>(&mut self.timers, now, timer, span, request);
                }
                Effect::CancelTimer(timer) => self.timers.disarm(timer),
                Effect::Observe(observation) => request(Request::Observe(observation)),
            }
        }
        self.outbox.clear();
    }
}

/// Arms a timer, and asks for the look at it that this needs.
fn arm<P: Protocol>(
    timers: &mut Timers<P::Timer>,
    now: Time,
    timer: &P::Timer,
    span: Span,
    request: &mut impl FnMut(Request<'_, P::Msg, P::Timer>),
) {
    if let Some(at) = timers.arm(now, (timer, P::is_pulse(timer)), span) {
        request(Request::Look(timer, at));
    }
}

impl<P: Protocol> Role<P> {
    /// The signer's node in its initial state.
    fn new(signer: &Rc<Signer>, committee: Committee, params: &P::Params) -> Self {
        let shared = Rc::clone(signer);
        match signer.node() {
            NodeId::Replica(_) => Self::Replica(P::replica(shared, committee, params)),
            NodeId::Client(_) => Self::Client(P::client(shared, committee, params)),
        }
    }

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
