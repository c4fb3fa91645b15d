//! What a protocol is, and how its nodes act on the world.
//!
//! A protocol is a closed enum of messages, a timer key, and two kinds of node. A node has no
//! clock, no socket and no generator of its own; what it wants done it leaves in an [`Outbox`].

use std::fmt::Debug;
use std::rc::Rc;

use crate::checkers::Promptness;
use crate::crypto::{Digest, Signer};
use crate::editable::Pen;
use crate::encode::{Encode, Encoder};
use crate::evidence::{Conviction, Evidence, Law};
use crate::field::{Edit, Field};
use crate::forensics::{Case, Held};
use crate::history::Operation;
use crate::id::{Committee, NodeId};
use crate::observation::{Observation, Standing};
use crate::resilience::Resilience;
use crate::rng::SimRng;
use crate::time::{Span, Time};

/// A protocol: its messages, its timers, and the two kinds of node that speak them.
pub trait Protocol: Sized + 'static {
    /// One enum of all messages.
    type Msg: Message;
    /// The key of a timer. It carries its view where it has one. See [`Outbox::set_timer`].
    type Timer: TimerKey;
    /// What a scenario may set: timeouts, windows, quorum rules, planted flaws.
    type Params: Clone + Debug + 'static;
    /// A replica. It can be cloned for the sake of crashes that lose what was written last.
    type Replica: Node<Self::Msg, Self::Timer> + Clone;
    /// A client.
    type Client: ClientNode<Self::Msg, Self::Timer>;

    /// The name in scenario files and outputs.
    const NAME: &'static str;

    /// A replica in its initial state.
    fn replica(signer: Rc<Signer>, committee: Committee, params: &Self::Params) -> Self::Replica;

    /// A client in its initial state.
    fn client(signer: Rc<Signer>, committee: Committee, params: &Self::Params) -> Self::Client;

    /// Within which span after GST, or after it was asked if that is later, an operation of a
    /// correct client must complete with at most f faulty replicas, when messages take at most
    /// `delta` and the network was asynchronous for `asynchrony` before.
    fn liveness_bound(
        committee: Committee,
        params: &Self::Params,
        delta: Span,
        asynchrony: Span,
    ) -> Span;

    /// What the protocol promises in this committee with these parameters. By default what
    /// protocols for Byzantine faults do: n >= 3f + 1, of which f may be Byzantine, and any number
    /// of clients.
    fn resilience(committee: Committee, _: &Self::Params) -> Resilience {
        Resilience::byzantine(committee)
    }

    /// Whether the primaries of views are elected: a view may have none, and replicas report who
    /// [leads](Observation::Leads) one. By default views have their primaries by number.
    const ELECTS: bool = false;

    /// Whether a timer runs for as long as its node does, as a leader's heartbeat: that it runs is
    /// no sign that the node has something to do, and whatever it leads to is not what
    /// `quiescence` judges. By default no timer does.
    fn is_pulse(_: &Self::Timer) -> bool {
        false
    }

    /// Whether replicas tell each other again and again what is decided, on their own account, as a
    /// leader does with its heartbeats: one that lags catches up then although no client asks for
    /// anything. By default they do not.
    fn keeps_telling(_: &Self::Params) -> bool {
        false
    }

    /// Who leads a view, where that is a function of the view: faults can then be aimed at the
    /// leader of a view. None where leaders are elected, or there are none.
    fn leader(_: Committee, _: &Self::Params, _view: u64) -> Option<NodeId> {
        None
    }

    /// How soon a correct primary serves, with at most f faulty replicas. None if the protocol does
    /// not say: whether a timer gave up a correct primary too soon is then not judged.
    fn promptness(_: Committee, _: &Self::Params) -> Option<Promptness> {
        None
    }

    /// Whom the evidence of a [`Proven`](Observation::Proven) observation proves guilty, by public
    /// keys alone. It judges the replicas, so it shares no code with their handlers and rules. A
    /// protocol whose nodes prove nothing leaves it as it is.
    ///
    /// # Errors
    /// What the evidence lacks.
    fn convicts(_: &Evidence, _: Law<'_, Self::Params>) -> Conviction {
        Err("nothing proves anything in this protocol")
    }

    /// Whom a transcript proves guilty, and what it shows of the reason. It must prove nothing
    /// against a correct node, however many others are faulty; each offence is one that
    /// [`convicts`](Self::convicts) confirms.
    fn investigate(_: &[Held<Self::Msg>], _: Law<'_, Self::Params>) -> Case {
        Case::default()
    }
}

/// One participant.
pub trait Node<M, T> {
    /// Called once, at the start of the run. Most nodes wait for what comes.
    fn on_start(&mut self, _: &mut Outbox<M, T>) {}
    /// A message arrived. `from` is who really sent it: links are authenticated.
    fn on_message(&mut self, from: NodeId, msg: &M, out: &mut Outbox<M, T>);
    /// A timer expired.
    fn on_timer(&mut self, timer: T, out: &mut Outbox<M, T>);
    /// The node starts again after a crash, with nothing but what it keeps on stable storage; its
    /// timers are gone. The implementation forgets whatever the paper does not call durable.
    fn on_restart(&mut self, out: &mut Outbox<M, T>);
    /// Writes the state down, abstracted: views relative to `view`, the highest one that a correct
    /// replica is in or asks for, and without what only grows while nothing is served, such as
    /// counters and timeouts. In a run that goes round in circles the same words come again. A node
    /// that writes nothing cannot be compared: what a run was doing that does not serve is then not
    /// told.
    fn outline(&self, _view: u64, _out: &mut Encoder) {}
    /// What a replica holds, for the judges, who ask when the run is over; `seq` is a slot that is
    /// decided. Nothing of a client.
    fn standing(&self, _seq: u64) -> Option<Standing> {
        None
    }
}

/// A client: a node that is asked for operations, one at a time.
pub trait ClientNode<M, T>: Node<M, T> {
    /// The application asks for `operation`. The client observes
    /// [`Invoked`](Observation::Invoked) now and [`Completed`](Observation::Completed) later.
    fn on_operation(&mut self, operation: &Operation, out: &mut Outbox<M, T>);
}

/// What happens to a node: what one of its handlers is called with.
#[derive(Debug)]
pub enum Input<'a, M, T> {
    /// The run starts.
    Start,
    /// A message arrives. The node is who really sent it.
    Message(NodeId, &'a Rc<M>),
    /// A timer expires.
    Timer(T),
    /// The application asks a client for an operation.
    Operation(&'a Operation),
    /// The node starts again after a crash. A corrupted node never crashes.
    Restart,
}

/// The key of a timer.
pub trait TimerKey: Ord + Clone + Debug + Encode {}
impl<T: Ord + Clone + Debug + Encode> TimerKey for T {}

/// The kind of a message: an index into [`Message::KINDS`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Kind(pub u8);

/// A protocol's message, and what traces, scripts and lies need to know of it. A declaration by
/// [`messages!`](crate::messages) writes all of it.
pub trait Message: Debug + Encode + 'static {
    /// The names of the kinds, as scenario files spell them.
    const KINDS: &'static [&'static str];

    /// The lies that a corrupted sender can tell with these messages. Without any it can still
    /// change their fields.
    const LIES: &'static [Lie] = &[];

    /// The fields that a corrupted sender can change, kind by kind.
    const FIELDS: &'static [Field];

    /// Which kind this is.
    fn kind(&self) -> Kind;

    /// The view it belongs to, where it has one.
    fn view(&self) -> Option<u64>;

    /// The slot it is about, where it has one.
    fn seq(&self) -> Option<u64>;

    /// What it proposes or votes for, where it does.
    fn digest(&self) -> Option<Digest>;

    /// Tells the lie of this name: what the corrupted `signer` sends instead of `self`, in order.
    /// `None` if the lie does not apply to this message.
    fn tell(&self, _lie: &str, _signer: &Signer, _rng: &mut SimRng) -> Option<Vec<Self>>
    where
        Self: Sized,
    {
        None
    }

    /// Whether all signatures in it verify.
    fn is_genuine(&self, judge: &Signer) -> bool;

    /// The message with one of its [`FIELDS`](Self::FIELDS) changed by `edit`, and what `pen` makes
    /// of the signatures. `None` if it has no such field, the pen cannot, or nothing is changed.
    fn edited(&self, field: &str, pen: Pen<'_>, edit: &mut Edit<'_>) -> Option<Self>
    where
        Self: Sized;
}

/// A way to lie with a message of one kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lie {
    /// The name, as scenario files spell it.
    pub name: &'static str,
    /// The kind of message that it changes.
    pub kind: &'static str,
    /// What it does, in a sentence.
    pub about: &'static str,
}

/// A thing that a node wants done.
#[derive(Debug)]
pub enum Effect<M, T> {
    /// Send a message to one node.
    Send(NodeId, Rc<M>),
    /// Send a message to all replicas, the sender included.
    Broadcast(Rc<M>),
    /// Arm a timer.
    SetTimer(T, Span),
    /// Arm a timer for a span that is drawn, from the first to the second.
    SetTimerWithin(T, Span, Span),
    /// Disarm a timer.
    CancelTimer(T),
    /// Report something.
    Observe(Observation),
}

/// Where a node leaves what it wants done. Effects happen in order, when the handler has returned.
#[derive(Debug)]
pub struct Outbox<M, T> {
    now: Time,
    effects: Vec<Effect<M, T>>,
}

impl<M, T> Outbox<M, T> {
    /// An empty outbox for a handler that runs at `now`.
    pub const fn new(now: Time) -> Self {
        Self { now, effects: Vec::new() }
    }

    /// The time at which the handler runs.
    pub const fn now(&self) -> Time {
        self.now
    }

    /// Sends `msg` to `to`. A node may send to itself: that takes no time and no network.
    pub fn send(&mut self, to: NodeId, msg: M) {
        self.effects.push(Effect::Send(to, Rc::new(msg)));
    }

    /// Sends `msg` to each of `receivers`, in order.
    pub fn send_each(&mut self, receivers: impl Iterator<Item = NodeId>, msg: M) {
        let msg = Rc::new(msg);
        self.effects.extend(receivers.map(|to| Effect::Send(to, Rc::clone(&msg))));
    }

    /// Sends `msg` to all replicas; if the sender is a replica, to itself as well: a vote is a
    /// vote. The copy to itself takes no time and no network, and is handled before anything else.
    pub fn broadcast(&mut self, msg: M) {
        self.effects.push(Effect::Broadcast(Rc::new(msg)));
    }

    /// Calls `on_timer(timer)` after `span`. Arming a timer that is armed moves it.
    pub fn set_timer(&mut self, timer: T, span: Span) {
        self.effects.push(Effect::SetTimer(timer, span));
    }

    /// Calls `on_timer(timer)` after a span from `shortest` to `longest`, each nanosecond of it
    /// equally likely. A node has no generator of its own: who runs it draws, from a stream of this
    /// node alone that goes on when the node crashes. Arming a timer that is armed moves it.
    pub fn set_timer_within(&mut self, timer: T, shortest: Span, longest: Span) {
        assert!(shortest <= longest, "the shortest span is above the longest");
        self.effects.push(Effect::SetTimerWithin(timer, shortest, longest));
    }

    /// Disarms a timer; nothing happens if it is not armed.
    pub fn cancel_timer(&mut self, timer: T) {
        self.effects.push(Effect::CancelTimer(timer));
    }

    /// Reports something.
    pub fn observe(&mut self, observation: Observation) {
        self.effects.push(Effect::Observe(observation));
    }

    /// Leaves an effect.
    pub fn push(&mut self, effect: Effect<M, T>) {
        self.effects.push(effect);
    }

    /// The effects, in order.
    pub(crate) fn effects(&self) -> &[Effect<M, T>] {
        &self.effects
    }

    /// Forgets the effects, as they are done; the outbox keeps its memory.
    pub(crate) fn clear(&mut self) {
        self.effects.clear();
    }

    /// Takes the effects out, in order; the outbox keeps its memory and serves the handler that
    /// runs at `now` next.
    pub fn drain(&mut self, now: Time) -> std::vec::Drain<'_, Effect<M, T>> {
        self.now = now;
        self.effects.drain(..)
    }

    /// Starts over for a handler that runs at `now`.
    ///
    /// # Panics
    /// If effects were left in it.
    pub fn reset(&mut self, now: Time) {
        assert!(self.effects.is_empty(), "effects of the last handler were lost");
        self.now = now;
    }
}
