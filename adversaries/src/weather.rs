//! What kinds of weather a scenario lets the generator draw.

use byzsim_core::{Span, Time};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::action::Class;

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
        let usual = Class::ALL.iter().copied().filter(|class| class.descriptor().is_usual);
        Self {
            classes: usual.collect(),
            strikes_max: 4,
            corrupt_max: None,
            corrupt_clients_max: 1,
            behaviours_max: 3,
            drift_ppm_max: 50_000,
        }
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
