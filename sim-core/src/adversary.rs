//! The adversary: it schedules every message, and it is every corrupted node.
//!
//! Powers: it sees every message as it is sent, and every observation; it wishes for delays,
//! losses and copies; it acts as the corrupted nodes and holds their signers; it crashes and
//! restarts nodes. Non-powers, by type: its outbox names no sender, so it cannot send as a correct
//! node; its wishes are clamped to the network model ([`crate::network`]); it never sees a node's
//! state or the simulation.

use crate::id::NodeId;
use crate::node::{Input, Kind, Outbox};
use crate::observation::Observation;
use crate::time::{Span, Time};

/// One message on its way over one link.
#[derive(Debug)]
pub struct Sent<'a, M> {
    /// When it is sent.
    pub now: Time,
    /// Who sends it.
    pub from: NodeId,
    /// To whom.
    pub to: NodeId,
    /// Which kind it is.
    pub kind: Kind,
    /// How many messages of its kind the link carried before.
    pub count: u32,
    /// The message.
    pub msg: &'a M,
}

/// What the adversary wishes for a message. The network grants what its model allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// The latency that the network draws.
    Natural,
    /// That much later than the network's latency.
    Delay(Span),
    /// After exactly that span, whatever the network would draw.
    Exactly(Span),
    /// Not before [`Control::release`] is called with this key.
    Hold(u32),
    /// Never.
    Drop,
    /// As the network draws, and once more that much later.
    Duplicate(Span),
}

/// What the network made of the wish for one message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Granted {
    /// When the message arrives; none if it is held, lost or never sent.
    pub arrives: Option<Time>,
    /// Whether it fares otherwise than it would have without the wish.
    pub is_changed: bool,
    /// Whether the model's bounds cut the wish: the message would have arrived too late, or not at
    /// all.
    pub is_cut: bool,
}

/// The timer key of corrupted nodes: a token that the adversary chooses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Wake(pub u64);

/// When and how a node crashes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Crash {
    /// When it stops.
    pub point: CrashPoint,
    /// What it has lost when it restarts.
    pub loses: Loss,
    /// Whether it surely never restarts.
    pub is_final: bool,
}

impl Crash {
    /// At once, with all that it wrote, to restart or not.
    pub const PLAIN: Self = Self { point: CrashPoint::Now, loses: Loss::Nothing, is_final: false };
}

/// When a node stops that crashes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CrashPoint {
    /// At once, between two inputs.
    Now,
    /// In the middle of the first input from now on upon which it sends more than so many messages:
    /// so many are sent, and the others are not. A broadcast is one message to each receiver, in
    /// the order of their numbers.
    AfterSending(u32),
    /// After the first input from now on upon which it sends anything, when all of it is sent.
    AfterInput,
}

/// What a node has lost that crashed.
///
/// A node writes what it learned from an input, its own messages to itself included, before it
/// sends the first message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loss {
    /// Nothing but its timers.
    Nothing,
    /// What it wrote upon the last input, although it sent messages that rest on that. Not with
    /// [`CrashPoint::Now`].
    LastWrite,
    /// All that it ever wrote: it starts again from its initial state.
    Everything,
}

/// What the adversary decides outside of any message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command {
    /// A node stops; messages to it are lost, its timers are gone.
    Crash(NodeId, Crash),
    /// A crash that was to come in the middle of something, and did not, is called off.
    CallOff(NodeId),
    /// A crashed node starts again with what it kept.
    Restart(NodeId),
    /// The messages held under this key are delivered, with the latency that the network draws.
    Release(u32),
    /// [`Adversary::control`] is called again then.
    Alarm(Time),
}

/// Where the adversary leaves its commands.
#[derive(Debug, Default)]
pub struct Control {
    pub(crate) commands: Vec<Command>,
}

impl Control {
    /// Stops a node that is not corrupted.
    pub fn crash(&mut self, node: NodeId, crash: Crash) {
        self.commands.push(Command::Crash(node, crash));
    }

    /// Calls off a crash that was to come in the middle of something, and did not.
    pub fn call_off(&mut self, node: NodeId) {
        self.commands.push(Command::CallOff(node));
    }

    /// Starts a crashed node again.
    pub fn restart(&mut self, node: NodeId) {
        self.commands.push(Command::Restart(node));
    }

    /// Lets the messages held under `key` go.
    pub fn release(&mut self, key: u32) {
        self.commands.push(Command::Release(key));
    }

    /// Asks to be called at `time`.
    pub fn alarm(&mut self, time: Time) {
        self.commands.push(Command::Alarm(time));
    }
}

/// The adversary of a run.
pub trait Adversary<M> {
    /// The nodes that it corrupted, from the start to the end.
    fn corrupted(&self) -> Vec<NodeId>;

    /// The nodes that lose what they wrote when they crash. They are not the adversary's, but they
    /// count as faulty: such a node may contradict what it said before.
    fn forgetful(&self) -> Vec<NodeId> {
        Vec::new()
    }

    /// Is told that a node crashed in the middle of something, as it commanded.
    fn crashed(&mut self, _: NodeId, _: &mut Control) {}

    /// How much slower (positive, in parts per million) a node's timers run.
    fn drift_ppm(&self, node: NodeId) -> i32;

    /// Decides about one message.
    fn schedule(&mut self, sent: &Sent<'_, M>) -> Fate;

    /// Is told what became of the message that was scheduled last, if a fate other than
    /// [`Fate::Natural`] was wished for.
    fn granted(&mut self, _: Granted) {}

    /// Acts as the corrupted node `me`.
    fn act(&mut self, me: NodeId, input: Input<'_, M, Wake>, out: &mut Outbox<M, Wake>);

    /// Is shown what a node reports, corrupted nodes included.
    fn notice(&mut self, now: Time, node: NodeId, observation: &Observation, control: &mut Control);

    /// Is called at the start, and at every alarm that it asked for.
    fn control(&mut self, now: Time, control: &mut Control);

    /// When the last of what it does to the network and to correct nodes for a known time is over,
    /// and what lasted until a report, if that came. What lasts for ever, or until a report that
    /// may never come, does not count. It may grow while the run goes on.
    fn settled_at(&self) -> Time;
}

/// The adversary that does nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Benign;

impl<M> Adversary<M> for Benign {
    fn corrupted(&self) -> Vec<NodeId> {
        Vec::new()
    }
    fn drift_ppm(&self, _: NodeId) -> i32 {
        0
    }
    fn schedule(&mut self, _: &Sent<'_, M>) -> Fate {
        Fate::Natural
    }
    fn act(&mut self, me: NodeId, _: Input<'_, M, Wake>, _: &mut Outbox<M, Wake>) {
        unreachable!("{me} is not corrupted");
    }
    fn notice(&mut self, _: Time, _: NodeId, _: &Observation, _: &mut Control) {}
    fn control(&mut self, _: Time, _: &mut Control) {}
    fn settled_at(&self) -> Time {
        Time::ZERO
    }
}
