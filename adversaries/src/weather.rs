//! What a scenario lets the generator draw: its weather.

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
    /// The greatest number of strikes against the network or correct nodes. One strike may be
    /// several faults, such as the crashes of several replicas.
    pub strikes_max: u16,
    /// The greatest number of corrupted replicas; by default f. More than f is allowed, but then
    /// the protocol promises nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub corrupt_max: Option<u16>,
    /// The greatest number of correct replicas that crash for good. They count among the f, with
    /// the corrupted ones and those that forget; more than f in all are never drawn.
    #[serde(skip_serializing_if = "is_none")]
    pub down_max: u16,
    /// The greatest number of corrupted clients.
    pub corrupt_clients_max: u16,
    /// The greatest number of faults of one corrupted node.
    pub behaviours_max: u16,
    /// How much slower or faster a correct node's timers may run, in parts per million.
    pub drift_ppm_max: u32,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
const fn is_none(count: &u16) -> bool {
    *count == 0
}

impl Default for Weather {
    fn default() -> Self {
        let usual = Class::ALL.iter().copied().filter(|class| class.descriptor().is_usual);
        Self {
            classes: usual.collect(),
            strikes_max: 4,
            corrupt_max: None,
            down_max: 0,
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
    /// The kinds of messages that arrived from corrupted nodes; from anyone, if nobody is
    /// corrupted.
    pub kinds: Vec<&'static str>,
    /// The highest view that a correct replica entered, if the run was watched.
    pub view: Option<u64>,
    /// How many views began while some correct replicas had executed what others had not: then
    /// safety hangs on what the view change hears, and on whom it believes.
    pub divergent_views: u64,
}
