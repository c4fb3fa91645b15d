//! The scenario file: an experiment as a value, in TOML or JSON.
//!
//! Enums are externally tagged and unknown keys denied, so that every mistake is found at its
//! place.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use byzsim_adversaries::{Plan, Weather};
use byzsim_core::{Committee, NetworkModel, NodeId, Operation, Span, Time};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};

use crate::file::groups;
use crate::file::limits::CONDITIONS_MAX;
use crate::file::part::Part;

/// The one version of the format that this byzsim reads.
pub const FORMAT: u32 = 1;

/// The version of byzsim, which is written into files beside that of the format.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// A scenario file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(title = "byzsim scenario")]
pub struct ScenarioFile {
    /// The version of the file format: 1.
    pub format: u32,
    /// What the scenario shows, in a few words.
    pub title: String,
    /// What happens and why, with the paper's section.
    #[serde(default)]
    pub about: String,
    /// The protocol, by its name in `byzsim list protocols`.
    pub protocol: String,
    /// What is expected of its runs.
    #[serde(default)]
    pub expect: Expect,
    /// Milestones that some seed must reach.
    #[serde(default)]
    pub reaches: Vec<String>,
    /// Whether more goes wrong than the protocol is configured to tolerate. Every output says so.
    #[serde(default)]
    pub beyond_f: bool,
    /// The seeds that `sweep` plays unless it is given others; `run` plays the first one.
    #[serde(default)]
    pub seeds: SeedRange,
    /// The nodes.
    pub cluster: Cluster,
    /// The operations of the clients.
    #[serde(default)]
    pub workload: WorkloadSpec,
    /// The protocol's own parameters, including the names of planted flaws.
    #[serde(default)]
    #[schemars(schema_with = "params")]
    pub params: Map<String, Value>,
    /// The network.
    #[serde(default)]
    pub network: NetworkModel,
    /// When a run ends.
    #[serde(default)]
    pub run: RunLimits,
    /// What each seed draws anew.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub random: Option<Random>,
    /// Names for lists of nodes. The lists of faults can contain them, besides nodes, `replicas`
    /// and `clients`. `!` before a node or a name excludes it. When the file is read, the members
    /// replace these names.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(extend(
        "propertyNames" = { "pattern": groups::NAME },
        "additionalProperties" = { "type": "array", "items": { "type": "string" }, "minItems": 1 },
    ))]
    pub groups: BTreeMap<String, Vec<String>>,
    /// What goes wrong. If two faults apply to one message, the first one decides.
    #[serde(default, rename = "fault")]
    pub faults: Plan,
}

impl ScenarioFile {
    /// The SHA-256 hash over the canonical JSON of the scenario: keys in order, no blanks.
    pub fn hash(&self) -> byzsim_core::Digest {
        // serde_json keeps the keys of its maps in order; structs go through a map for that.
        let value = serde_json::to_value(self).expect("a scenario has string keys only");
        byzsim_core::Digest(Sha256::digest(value.to_string().as_bytes()).into())
    }
}

/// Whoever knows the protocols defines what this refers to.
fn params(_: &mut SchemaGenerator) -> Schema {
    Schema::new_ref(format!("#/definitions/{PARAMS}"))
}

/// The name under which a schema of scenarios defines the parameters of protocols.
pub(crate) const PARAMS: &str = "ProtocolParams";

/// The expected outcome of the runs of a scenario.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Expect {
    /// Every property holds on every seed. Liveness is not judged if the network never becomes
    /// synchronous.
    #[default]
    Holds,
    /// Each of these properties is violated on some seed.
    Violated(Vec<String>),
    /// Every property holds on every seed, but these may be inconclusive.
    Inconclusive(Vec<String>),
}

/// A half-open range of seeds, such as `0..20`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SeedRange {
    /// The first.
    pub start: u64,
    /// The one behind the last.
    pub end: u64,
}

impl Default for SeedRange {
    fn default() -> Self {
        Self { start: 0, end: 10 }
    }
}

impl SeedRange {
    /// How many seeds there are.
    pub const fn len(&self) -> u64 {
        self.end - self.start
    }

    /// Whether there is none. A range that was read never is empty.
    pub const fn is_empty(&self) -> bool {
        self.end <= self.start
    }
}

impl fmt::Display for SeedRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}..{}", self.start, self.end)
    }
}

impl FromStr for SeedRange {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is not a range of seeds: write it like `0..1000`");
        let (start, end) = text.split_once("..").ok_or_else(wrong)?;
        let number = |text: &str| text.trim().replace('_', "").parse::<u64>();
        let (start, end) = (number(start).map_err(|_| wrong())?, number(end).map_err(|_| wrong())?);
        if end <= start {
            return Err(format!("`{text}` contains no seed: the end is excluded"));
        }
        Ok(Self { start, end })
    }
}

impl Serialize for SeedRange {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for SeedRange {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

impl JsonSchema for SeedRange {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "SeedRange".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        schemars::json_schema!({ "type": "string", "pattern": r"^[0-9_]+\.\.[0-9_]+$" })
    }
}

/// The nodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Cluster {
    /// n, the number of replicas.
    pub replicas: u16,
    /// f, the number of faulty replicas that the protocol is configured to tolerate.
    pub faults: u16,
    /// The number of clients.
    #[serde(default = "one")]
    pub clients: u16,
}

impl Cluster {
    /// The same, for the simulation.
    pub const fn committee(self) -> Committee {
        let Self { replicas, faults, clients } = self;
        Committee { replicas, faults, clients }
    }
}

const fn one() -> u16 {
    1
}

/// The operations of the clients: drawn, or scripted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct WorkloadSpec {
    /// How many operations are drawn for each client; 5 by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub operations: Option<u32>,
    /// On how many keys; 2 by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub keys: Option<u16>,
    /// How long a client waits between an answer and its next operation.
    pub think: Span,
    /// When operations arrive, whether or not the last one is answered; by default a client asks
    /// for the next one when it has its answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub arrival: Option<Arrival>,
    /// The operations of each client, by its name: `{ c0 = ["put x 1", "get x"] }`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub script: Option<BTreeMap<NodeId, Vec<Operation>>>,
    /// Whether a correct client reads every key when the workload is done, the network is
    /// synchronous, and the faults that end are over.
    #[serde(skip_serializing_if = "is_on")]
    pub audit: bool,
}

/// How the operations of a client follow each other when they arrive on their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Arrival {
    /// One after each such span.
    Every(Span),
    /// With a gap before each that is drawn between two bounds, all of it equally likely.
    Uniform {
        /// The least gap.
        min: Span,
        /// The greatest gap.
        max: Span,
    },
}

impl Arrival {
    /// The least and the greatest gap.
    pub const fn gaps(self) -> [Span; 2] {
        match self {
            Self::Every(gap) => [gap, gap],
            Self::Uniform { min, max } => [min, max],
        }
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature that serde calls")]
const fn is_on(switch: &bool) -> bool {
    *switch
}

impl Default for WorkloadSpec {
    fn default() -> Self {
        Self {
            operations: None,
            keys: None,
            think: Span::default(),
            arrival: None,
            script: None,
            audit: true,
        }
    }
}

/// When a run ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct RunLimits {
    /// The run does not end before, even if the clients are done.
    pub at_least: Time,
    /// The run ends then at the latest.
    pub at_most: Time,
    /// How long messages in transit may still take to arrive once the clients are done.
    pub drain: Span,
    /// The run ends after so many events, which guards against protocols that never stop.
    pub events_max: u64,
    /// The greatest number of steps of the linearizability search.
    pub search_budget: u64,
}

impl Default for RunLimits {
    fn default() -> Self {
        Self {
            at_least: Time::ZERO,
            at_most: Time::ZERO + Span::from_secs(3_600),
            drain: Span::from_secs(1),
            events_max: 1_000_000,
            search_budget: 1_000_000,
        }
    }
}

/// What each seed draws anew.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Random {
    /// Faults, which follow those of the file; none are drawn without this table.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub faults: Option<Weather>,
    /// Properties of the network, in place of those of the file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub network: Option<NetworkWeather>,
    /// Conditions, each a part of a scenario that overrides this file. Each seed is played under
    /// one of them or as the file says, all with the same probability.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(with = "Vec<Part<Condition>>", length(max = CONDITIONS_MAX))]
    pub conditions: Vec<Map<String, Value>>,
}

/// What a condition may change, as much of it as it likes: how a run is played, but not what is
/// asked of it.
#[derive(Debug, JsonSchema)]
#[schemars(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Condition {
    /// The nodes.
    pub cluster: Cluster,
    /// The operations of the clients.
    pub workload: WorkloadSpec,
    /// The protocol's own parameters.
    #[schemars(schema_with = "params")]
    pub params: Map<String, Value>,
    /// The network.
    pub network: NetworkModel,
    /// When a run ends.
    pub run: RunLimits,
    /// What each seed draws anew.
    pub random: RandomDraws,
}

/// What is drawn anew for each seed under a condition, which has no conditions of its own.
#[derive(Debug, JsonSchema)]
#[schemars(rename_all = "kebab-case", deny_unknown_fields)]
pub struct RandomDraws {
    /// Faults.
    pub faults: Weather,
    /// Conditions of the network.
    pub network: NetworkWeather,
}

/// Properties of the network that are drawn for each seed, each between two bounds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct NetworkWeather {
    /// The least and the greatest latency; the model is constant, uniform or log-normal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub latency: Option<[Span; 2]>,
    /// The least and the greatest GST; about one seed in four has the least.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gst: Option<[Time; 2]>,
    /// Bounds of the loss before GST, in parts per million; about half of the seeds have the least.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(inner(range(max = 1_000_000)))]
    pub loss_ppm: Option<[u32; 2]>,
    /// Bounds of the duplication, in parts per million; about half of the seeds have the least.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(inner(range(max = 1_000_000)))]
    pub duplicate_ppm: Option<[u32; 2]>,
    /// Whether about one seed in four has links that keep the order of sending.
    pub fifo: bool,
}
