//! The kinds of faults: one descriptor for each, from which everything that asks about faults in
//! general derives its answer.
//!
//! A new kind of fault is a variant of [`Action`], an entry of [`Class`], and an entry in
//! [`Action::head`] and [`Action::parts`]. How it is shrunk, varied, renumbered and corrupts
//! follows from these.

use byzsim_core::{NodeId, Span};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::crash::Lost;
use crate::descriptor::{Descriptor, Strikes, Window};
use crate::groups::Groups;
use crate::plan::{Change, Pattern, Split};

/// What goes wrong. The network model limits what can happen to messages between correct nodes
/// ([`byzsim_core::network`]).
///
/// `lie`, `mutate` and `twins` change what a node sends. All faults about messages, including
/// `mute`, `omit` and `lag`, decide about the fate of what was sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", rename_all_fields = "kebab-case", deny_unknown_fields)]
pub enum Action {
    /// Messages wait until the fault ends.
    Hold(Pattern),
    /// Messages take that much longer.
    Delay {
        /// Which.
        messages: Pattern,
        /// How much longer.
        by: Span,
    },
    /// Messages are lost.
    Drop(Pattern),
    /// Messages arrive twice.
    Duplicate {
        /// Which.
        messages: Pattern,
        /// How much later the second time.
        after: Span,
    },
    /// Messages do not pass between groups: they wait until the fault ends, or are lost.
    Partition {
        /// Nodes that can communicate. Nodes in no group form one more group.
        groups: Vec<Vec<NodeId>>,
        /// Whether only messages *from* the first group are cut off.
        #[serde(default)]
        one_way: bool,
        /// Whether messages are lost instead of waiting.
        #[serde(default)]
        lose: bool,
    },
    /// A correct node crashes, between two inputs. It restarts with its stable storage when the
    /// fault ends.
    Crash(NodeId),
    /// A correct node's timers run slow by that many parts per million, or fast if the number is
    /// negative. This lasts for the whole run.
    Drift {
        /// Whose.
        node: NodeId,
        /// By how much.
        ppm: i32,
    },
    /// A corrupted node that follows the protocol but sends nothing.
    Mute(NodeId),
    /// A corrupted node that does not send some of its messages.
    Omit {
        /// Who.
        node: NodeId,
        /// Which; the sender is the node.
        messages: Pattern,
    },
    /// A corrupted node that sends some of its messages late.
    Lag {
        /// Who.
        node: NodeId,
        /// Which; the sender is the node.
        messages: Pattern,
        /// How late.
        by: Span,
    },
    /// A corrupted node that tells one of its protocol's lies. A lie about a broadcast is told
    /// once: all receivers that the fault is about get the same one.
    Lie {
        /// Who.
        node: NodeId,
        /// The lie's name.
        lie: String,
        /// With which messages; the sender is the node.
        #[serde(default)]
        messages: Pattern,
    },
    /// A corrupted node that changes one field of its messages and signs them again.
    Mutate {
        /// Who.
        node: NodeId,
        /// Which messages; the sender is the node.
        #[serde(default)]
        messages: Pattern,
        /// The field, as the protocol names it.
        field: String,
        /// What is made of it.
        change: Change,
    },
    /// A corrupted node that sends old messages again, once, when the fault starts. Its own
    /// messages are repeated as it sent them, including lies and mutations. At most the first 256
    /// messages that match are repeated.
    Replay {
        /// Who.
        node: NodeId,
        /// Which of the messages that it sent or, with `heard`, that it received. The pattern
        /// cannot name receivers.
        #[serde(default)]
        messages: Pattern,
        /// The receivers; by default all replicas.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        to: Vec<NodeId>,
        /// Whether it repeats what it received, instead of what it sent.
        #[serde(default)]
        heard: bool,
    },
    /// A corrupted node that passes messages on, at once: what it receives, to nodes that have it
    /// already or were not meant to have it; or what it sends, to an accomplice. What it received
    /// passes through its lies and mutations: so it alters the words of others
    /// ([`Change::Graft`]), or says them in its own name ([`Change::Claim`] of itself). Of the
    /// messages that match, at most the first 256 are passed on.
    Relay {
        /// Who.
        node: NodeId,
        /// Which of the messages that it receives or, without `heard`, that it sends. The pattern
        /// cannot name receivers.
        #[serde(default)]
        messages: Pattern,
        /// The receivers; by default all replicas.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        to: Vec<NodeId>,
        /// Whether it passes on what it receives, instead of what it sends; by default it does.
        #[serde(default = "yes")]
        heard: bool,
    },
    /// A corrupted node that receives and sends every message without delay, whatever the network's
    /// latency, so that its messages arrive before those of all others.
    Rush(NodeId),
    /// Two copies of a corrupted node under one key, each with its own state, which equivocate for
    /// the whole run. Each copy communicates with the nodes on its side; nodes on neither side
    /// communicate with both copies. If several nodes run as twins, left copies receive only from
    /// left copies, and right copies from right copies. The copies of a client request different
    /// operations under one timestamp. Only the observations of the first copy are reported.
    Twins {
        /// Who.
        node: NodeId,
        /// The nodes with which the first copy communicates.
        left: Vec<NodeId>,
        /// The nodes with which the second copy communicates.
        right: Vec<NodeId>,
        /// Other sides for messages of some views; the first entry with the view counts.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        splits: Vec<Split>,
    },
    /// Messages of a link arrive in another order than they were sent: of those that are sent
    /// within `by` of the first one, up to `within` arrive in reverse, and the others behind them.
    /// Each takes at least `by` and at most three times as long, whatever the network would draw.
    Reorder {
        /// Which.
        messages: Pattern,
        /// How many of them at most change places.
        within: u32,
        /// For how long what is sent changes places with the first.
        by: Span,
    },
    /// A correct node crashes in the middle of the first input upon which it sends more than
    /// `after` messages: so many are sent, the others are not. What it wrote is on stable storage
    /// by then. It restarts when the fault ends.
    CrashMidway {
        /// Who.
        node: NodeId,
        /// How many messages are sent before. A broadcast is one message to each receiver, in the
        /// order of their numbers.
        after: u32,
    },
    /// A replica crashes and loses what it wrote, so that it may contradict what it said before. It
    /// counts as faulty for the whole run, and is not corrupted otherwise.
    Forget {
        /// Who.
        node: NodeId,
        /// What it loses.
        loses: Lost,
        /// Whether it crashes in the middle of the first input upon which it sends more than so
        /// many messages. By default it crashes at once if it loses everything, and after the first
        /// input upon which it sends anything if it loses its last write.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        after: Option<u32>,
    },
}

const fn yes() -> bool {
    true
}

const ON_MESSAGES: Descriptor = Descriptor {
    name: "",
    about: "",
    strikes: Strikes::Messages,
    window: Window::Any,
    needs_asynchrony: false,
    is_usual: true,
};
const ON_CORRUPTED: Descriptor = Descriptor { strikes: Strikes::CorruptedNode, ..ON_MESSAGES };
const HEALED: Descriptor = Descriptor { needs_asynchrony: true, ..ON_MESSAGES };

/// Declares the classes of faults, one entry for each, so that [`Class::ALL`] is complete.
macro_rules! classes {
    ($($class:ident: $name:literal, $about:literal, $rest:expr;)*) => {
        /// A class of faults, named like the action of most of its faults.
        #[derive(
            Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
        )]
        #[serde(rename_all = "kebab-case")]
        pub enum Class {
            $(#[doc = $about] $class,)*
        }

        impl Class {
            /// All classes, in the order of their declaration, on which every recorded seed
            /// depends: a new one comes last.
            pub const ALL: &'static [Self] = &[$(Self::$class,)*];

            /// What there is to know about it.
            pub const fn descriptor(self) -> Descriptor {
                match self {
                    $(Self::$class => Descriptor { name: $name, about: $about, ..$rest },)*
                }
            }
        }
    };
}

classes! {
    Hold: "hold", "Messages wait until the fault ends.", HEALED;
    Delay: "delay", "Messages take longer.", ON_MESSAGES;
    Drop: "drop", "Messages are lost.", HEALED;
    Duplicate: "duplicate", "Messages arrive twice.", ON_MESSAGES;
    Partition: "partition", "Messages between groups of nodes wait or are lost.", HEALED;
    Crash: "crash", "A correct node crashes, and restarts when the fault ends.",
        Descriptor {
            strikes: Strikes::CorrectNode { instead: "use `mute`, which looks the same to other \
                                                      nodes" },
            ..HEALED
        };
    Drift: "drift", "A correct node's timers run slow or fast.",
        Descriptor {
            strikes: Strikes::CorrectNode { instead: "use `lag`" },
            window: Window::WholeRun,
            ..ON_MESSAGES
        };
    Mute: "mute", "A corrupted node sends nothing.", ON_CORRUPTED;
    Omit: "omit", "A corrupted node does not send some of its messages.", ON_CORRUPTED;
    Lag: "lag", "A corrupted node sends some of its messages late.", ON_CORRUPTED;
    Lie: "lie", "A corrupted node tells one of its protocol's lies.", ON_CORRUPTED;
    Twins: "twins", "A corrupted node runs as two copies under one key, which equivocate.",
        Descriptor { window: Window::WholeRun, ..ON_CORRUPTED };
    Mutate: "mutate", "A corrupted node changes a field of its messages and signs them again.",
        ON_CORRUPTED;
    Replay: "replay", "A corrupted node sends again what it sent or received before.",
        Descriptor { window: Window::AtStart, ..ON_CORRUPTED };
    Rush: "rush", "A corrupted node receives and sends every message without delay.", ON_CORRUPTED;
    Reorder: "reorder", "Messages of a link arrive in another order than they were sent.",
        Descriptor { is_usual: false, ..ON_MESSAGES };
    Relay: "relay", "A corrupted node passes on what it receives or sends, as it is or altered.",
        ON_CORRUPTED;
    CrashMidway: "crash-midway",
        "A correct node crashes in the middle of what it sends, and restarts when the fault ends.",
        Descriptor { strikes: Strikes::CorrectNode { instead: "use `omit`" }, ..HEALED };
    Forget: "forget", "A replica crashes and loses what it wrote; it counts as faulty.",
        Descriptor {
            strikes: Strikes::CorrectNode { instead: "remove one of the two" },
            ..HEALED
        };
}

/// The parts of a fault that validation, searches and shrinking reach for. A part that an action
/// has not is `None`, or empty.
#[derive(Debug, Default)]
pub struct Parts<'a> {
    /// The node whose fault it is.
    pub owner: Option<&'a mut NodeId>,
    /// The messages that it is about.
    pub messages: Option<&'a mut Pattern>,
    /// The lie that it tells.
    pub lie: Option<&'a mut String>,
    /// The field that it changes, and how.
    pub field: Option<(&'a mut String, &'a mut Change)>,
    /// How much later messages arrive.
    pub delay: Option<&'a mut Span>,
    /// How many messages at most change places.
    pub within: Option<&'a mut u32>,
    /// How many messages its node sends before it crashes.
    pub after: Option<&'a mut u32>,
    /// How much later copies arrive.
    pub copy_after: Option<&'a mut Span>,
    /// Nodes besides those of the messages; an empty list means everyone.
    pub to: Option<&'a mut Vec<NodeId>>,
    /// Whether it repeats what the node heard, instead of what it said.
    pub heard: Option<&'a mut bool>,
    /// By how much a clock drifts.
    pub drift: Option<&'a mut i32>,
    /// How it divides the nodes.
    pub groups: Groups<'a>,
    /// What it does besides, in words.
    pub extras: Vec<(&'static str, &'a mut bool)>,
}

impl Action {
    /// Its class, and the node whose fault it is.
    const fn head(&self) -> (Class, Option<NodeId>) {
        match self {
            Self::Hold(_) => (Class::Hold, None),
            Self::Delay { .. } => (Class::Delay, None),
            Self::Drop(_) => (Class::Drop, None),
            Self::Duplicate { .. } => (Class::Duplicate, None),
            Self::Partition { .. } => (Class::Partition, None),
            Self::Crash(node) => (Class::Crash, Some(*node)),
            Self::Drift { node, .. } => (Class::Drift, Some(*node)),
            Self::Mute(node) => (Class::Mute, Some(*node)),
            Self::Omit { node, .. } => (Class::Omit, Some(*node)),
            Self::Lag { node, .. } => (Class::Lag, Some(*node)),
            Self::Lie { node, .. } => (Class::Lie, Some(*node)),
            Self::Twins { node, .. } => (Class::Twins, Some(*node)),
            Self::Mutate { node, .. } => (Class::Mutate, Some(*node)),
            Self::Replay { node, .. } => (Class::Replay, Some(*node)),
            Self::Relay { node, .. } => (Class::Relay, Some(*node)),
            Self::Rush(node) => (Class::Rush, Some(*node)),
            Self::Reorder { .. } => (Class::Reorder, None),
            Self::CrashMidway { node, .. } => (Class::CrashMidway, Some(*node)),
            Self::Forget { node, .. } => (Class::Forget, Some(*node)),
        }
    }

    /// Its parts. No entry leaves out a field: what it does not bind, it cannot have forgotten.
    pub fn parts(&mut self) -> Parts<'_> {
        let none = Parts::default();
        match self {
            Self::Hold(messages) | Self::Drop(messages) => {
                Parts { messages: Some(messages), ..none }
            }
            Self::Delay { messages, by } => {
                Parts { messages: Some(messages), delay: Some(by), ..none }
            }
            Self::Duplicate { messages, after } => {
                Parts { messages: Some(messages), copy_after: Some(after), ..none }
            }
            Self::Partition { groups, one_way, lose } => {
                let extras = vec![("its loss of messages", lose), ("its direction", one_way)];
                Parts { groups: Groups::Partition(groups), extras, ..none }
            }
            Self::Crash(node) | Self::Mute(node) | Self::Rush(node) => {
                Parts { owner: Some(node), ..none }
            }
            Self::Drift { node, ppm } => Parts { owner: Some(node), drift: Some(ppm), ..none },
            Self::Omit { node, messages } => {
                Parts { owner: Some(node), messages: Some(messages), ..none }
            }
            Self::Lag { node, messages, by } => {
                Parts { owner: Some(node), messages: Some(messages), delay: Some(by), ..none }
            }
            Self::Lie { node, lie, messages } => {
                Parts { owner: Some(node), messages: Some(messages), lie: Some(lie), ..none }
            }
            Self::Mutate { node, messages, field, change } => {
                let field = Some((field, change));
                Parts { owner: Some(node), messages: Some(messages), field, ..none }
            }
            Self::Replay { node, messages, to, heard }
            | Self::Relay { node, messages, to, heard } => {
                let (to, heard) = (Some(to), Some(heard));
                Parts { owner: Some(node), messages: Some(messages), to, heard, ..none }
            }
            Self::Twins { node, left, right, splits } => {
                let groups = Groups::Twins(left, right, splits);
                Parts { owner: Some(node), groups, ..none }
            }
            Self::Reorder { messages, within, by } => {
                let (messages, within, delay) = (Some(messages), Some(within), Some(by));
                Parts { messages, within, delay, ..none }
            }
            Self::CrashMidway { node, after } => {
                Parts { owner: Some(node), after: Some(after), ..none }
            }
            Self::Forget { node, loses: _, after } => {
                Parts { owner: Some(node), after: after.as_mut(), ..none }
            }
        }
    }

    /// Its class.
    pub const fn class(&self) -> Class {
        self.head().0
    }

    /// The name in scenario files.
    pub const fn name(&self) -> &'static str {
        self.class().descriptor().name
    }

    /// The node whose fault it is.
    pub const fn owner(&self) -> Option<NodeId> {
        self.head().1
    }

    /// The node that must be corrupted for this to happen.
    pub const fn corrupts(&self) -> Option<NodeId> {
        match self.class().descriptor().strikes {
            Strikes::CorruptedNode => self.owner(),
            Strikes::Messages | Strikes::CorrectNode { .. } => None,
        }
    }
}

impl Class {
    /// The name in scenario files, and of the [action](Action::name) of its faults; where a node of
    /// [`Class::Omit`] ignores messages, the action is `drop`.
    pub const fn name(self) -> &'static str {
        self.descriptor().name
    }

    /// Whether it is about corrupted nodes.
    pub const fn corrupts(self) -> bool {
        matches!(self.descriptor().strikes, Strikes::CorruptedNode)
    }
}
