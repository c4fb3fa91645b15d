//! What kinds of weather a scenario lets the generator draw.

use byzsim_core::{Span, Time};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a scenario's `[random]` table may set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Weather {
    /// The classes of faults that may be drawn; each seed draws from about half of them.
    pub classes: Vec<Class>,
    /// How often at most the network or a correct node is struck. One strike may be several faults,
    /// such as the crashes of several replicas.
    pub strikes_max: u16,
    /// How many replicas at most are corrupted; f if nothing is said. More than f is allowed, and
    /// then no property of the protocol is promised.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub corrupt_max: Option<u16>,
    /// How many clients at most are corrupted.
    pub corrupt_clients_max: u16,
    /// How many faults at most say what one corrupted node does.
    pub behaviours_max: u16,
    /// By how much at most a correct node's timers run slow or fast, in parts per million.
    pub drift_ppm_max: u32,
}

impl Default for Weather {
    fn default() -> Self {
        Self {
            classes: Class::ALL.to_vec(),
            strikes_max: 4,
            corrupt_max: None,
            corrupt_clients_max: 1,
            behaviours_max: 3,
            drift_ppm_max: 50_000,
        }
    }
}

/// A class of faults, named like the action that most of them take.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Class {
    /// Messages wait.
    Hold,
    /// Messages take longer.
    Delay,
    /// Messages are lost.
    Drop,
    /// Messages arrive twice.
    Duplicate,
    /// Nodes do not hear each other.
    Partition,
    /// Correct replicas crash and restart.
    Crash,
    /// Timers run slow or fast.
    Drift,
    /// Corrupted nodes fall silent.
    Mute,
    /// Corrupted nodes do not send some messages, or are deaf: some that are sent to them are
    /// dropped.
    Omit,
    /// Corrupted nodes send some messages late.
    Lag,
    /// Corrupted nodes lie.
    Lie,
    /// Corrupted nodes equivocate.
    Twins,
    /// Corrupted nodes change fields of their messages.
    Mutate,
    /// Corrupted nodes repeat old messages.
    Replay,
    /// Corrupted nodes hear everything, and are heard, at once.
    Rush,
}

impl Class {
    /// All classes, in the order of their declaration, on which every recorded seed depends.
    pub const ALL: [Self; 15] = [
        Self::Hold,
        Self::Delay,
        Self::Drop,
        Self::Duplicate,
        Self::Partition,
        Self::Crash,
        Self::Drift,
        Self::Mute,
        Self::Omit,
        Self::Lag,
        Self::Lie,
        Self::Twins,
        Self::Mutate,
        Self::Replay,
        Self::Rush,
    ];

    /// The name in scenario files, and of the [action](crate::Action::name) of its faults; deaf
    /// ears of [`Class::Omit`] are faults that drop messages.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Hold => "hold",
            Self::Delay => "delay",
            Self::Drop => "drop",
            Self::Duplicate => "duplicate",
            Self::Partition => "partition",
            Self::Crash => "crash",
            Self::Drift => "drift",
            Self::Mute => "mute",
            Self::Omit => "omit",
            Self::Lag => "lag",
            Self::Lie => "lie",
            Self::Twins => "twins",
            Self::Mutate => "mutate",
            Self::Replay => "replay",
            Self::Rush => "rush",
        }
    }

    /// Whether it is about corrupted nodes.
    pub const fn corrupts(self) -> bool {
        match self {
            Self::Mute
            | Self::Omit
            | Self::Lag
            | Self::Lie
            | Self::Twins
            | Self::Mutate
            | Self::Replay
            | Self::Rush => true,
            Self::Hold
            | Self::Delay
            | Self::Drop
            | Self::Duplicate
            | Self::Partition
            | Self::Crash
            | Self::Drift => false,
        }
    }

    /// Whether the model allows it only before GST: afterwards the network heals what it does. What
    /// a corrupted node does not hear is no matter of the network.
    pub const fn needs_asynchrony(self) -> bool {
        matches!(self, Self::Hold | Self::Drop | Self::Partition | Self::Crash)
    }
}

/// The times of a run that the generators must know to aim well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timing {
    /// The global stabilisation time: what strikes correct nodes is over by then.
    pub gst: Time,
    /// The protocol's base timeout: the measure of windows and delays.
    pub timeout: Span,
    /// Δ: the greatest delay after GST.
    pub delta: Span,
}

/// What a run went through, for variations of its plan to aim at.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// The kinds of messages that arrived from corrupted nodes; from anyone, if nobody is corrupted.
    pub kinds: Vec<&'static str>,
    /// The highest view that a correct replica entered, if the run was watched.
    pub view: Option<u64>,
    /// How many views began while some correct replicas had executed what others had not: then
    /// safety hangs on what the view change hears, and on whom it believes.
    pub divergent_views: u64,
}
