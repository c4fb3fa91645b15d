//! The fault settings of a comparison: names that become scenarios.

use std::collections::BTreeMap;

use byzsim_adversaries::{Action, Fault, Pattern, Plan};
use byzsim_core::{Latency, NetworkModel, NodeId, Operation, Span, Time};
use serde_json::{Map, Value};

use crate::file::error::LoadError;
use crate::file::format::{
    Cluster, Expect, FORMAT, RunLimits, ScenarioFile, SeedRange, WorkloadSpec,
};
use crate::file::names;

/// d: how long every message takes.
pub const LATENCY: Span = Span::from_millis(10);
/// The number of slots between checkpoints, where there are any.
pub const CHECKPOINT_INTERVAL: u64 = 5;
/// How late the messages of a slow backup are.
pub const LAG: Span = Span::from_millis(100);
/// How late answers are that no client waits for.
pub const LATE_ANSWER: Span = Span::from_secs(1);

/// What a setting does, for the formulas: they are about a case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Case {
    /// Nothing goes wrong.
    FaultFree,
    /// One backup is silent.
    SilentBackup,
    /// f backups are silent.
    SilentBackups,
    /// The primary of view 0 is silent.
    SilentPrimary,
    /// One backup sends late.
    SlowBackup,
    /// One backup answers clients late.
    SlowAnswers,
    /// Nothing goes wrong, and there are checkpoints.
    Checkpoints,
    /// Nothing goes wrong, and the client only reads.
    Reads,
    /// Each message is lost with this probability, in parts per million.
    Loss(u32),
}

/// A named case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting {
    /// The name on the command line.
    pub name: String,
    /// What goes wrong.
    pub about: String,
    /// The same, for the formulas.
    pub case: Case,
}

/// The settings without a number in their name, and what goes wrong in them.
const NAMED: [(&str, Case, &str); 8] = [
    ("none", Case::FaultFree, "Nothing goes wrong."),
    ("silent-backup", Case::SilentBackup, "The last backup sends nothing."),
    ("silent-backups", Case::SilentBackups, "The last f backups send nothing."),
    ("silent-primary", Case::SilentPrimary, "The primary of view 0 sends nothing."),
    ("slow-backup", Case::SlowBackup, "The last backup sends everything 100ms late."),
    ("slow-answers", Case::SlowAnswers, "The last backup's answers to clients come 1s late."),
    ("checkpoints", Case::Checkpoints, "Nothing goes wrong; every fifth slot is a checkpoint."),
    ("reads", Case::Reads, "Nothing goes wrong; the client reads, past the order if it can."),
];

/// The protocols that can answer reads past the order, and the parameter that lets them.
const READERS: [(&str, &str); 1] = [("pbft", "read-only")];

/// The parameter with which a protocol answers reads past the order, if it can.
pub(super) fn reader(protocol: &str) -> Option<&'static str> {
    READERS.iter().find(|(name, _)| *name == protocol).map(|(_, param)| *param)
}

/// The losses that `all` stands for, and that the help names.
const LOSSES: [&str; 3] = ["loss-1%", "loss-5%", "loss-10%"];

/// What `loss-…` says.
fn about_loss(percent: &str) -> String {
    format!("Each message is lost with probability {percent} %.")
}

impl Setting {
    /// All settings, with three of the losses.
    pub fn all() -> Vec<Self> {
        let named = NAMED.iter().map(|(name, ..)| *name);
        named.chain(LOSSES).filter_map(Self::find).collect()
    }

    /// The settings of these names; `all` stands for all of them.
    ///
    /// # Errors
    /// If there is none of a name: which ones there are.
    pub fn read(names: &[String]) -> Result<Vec<Self>, LoadError> {
        let mut settings: Vec<Self> = Vec::new();
        for name in names {
            let found = match &**name {
                "all" => Self::all(),
                name => vec![Self::find(name).ok_or_else(|| unknown(name))?],
            };
            settings.extend(found);
        }
        let mut seen = Vec::new();
        settings.retain(|setting| {
            let is_new = !seen.contains(&setting.name);
            seen.push(setting.name.clone());
            is_new
        });
        Ok(settings)
    }

    fn find(name: &str) -> Option<Self> {
        if let Some((name, case, about)) = NAMED.iter().find(|(known, ..)| *known == name) {
            return Some(Self {
                name: (*name).to_owned(),
                about: (*about).to_owned(),
                case: *case,
            });
        }
        let percent = name.strip_prefix("loss-")?.strip_suffix('%')?;
        let case = Case::Loss(ppm(percent)?);
        Some(Self { name: name.to_owned(), about: about_loss(percent), case })
    }

    /// Whether runs of it differ by more than the values that the clients write.
    pub const fn is_random(&self) -> bool {
        matches!(self.case, Case::Loss(_))
    }

    /// Whether all requests complete without a view change and without losses.
    pub const fn is_served_soon(&self) -> bool {
        match self.case {
            Case::SilentPrimary | Case::Loss(_) => false,
            Case::FaultFree
            | Case::SilentBackup
            | Case::SilentBackups
            | Case::SlowBackup
            | Case::SlowAnswers
            | Case::Checkpoints
            | Case::Reads => true,
        }
    }

    /// How many requests a run has. Where messages are lost, it has one, because no closed formula
    /// says how a message that is lost for one request affects the next.
    pub const fn requests(&self) -> u32 {
        if self.is_random() { 1 } else { 10 }
    }

    /// q: the probability that a message is lost, in parts per million.
    pub const fn loss_ppm(&self) -> u32 {
        if let Case::Loss(ppm) = self.case { ppm } else { 0 }
    }

    /// s: how many backups are silent, for a committee that tolerates f.
    pub const fn silent(&self, f: u16) -> u16 {
        match self.case {
            Case::SilentBackup => 1,
            Case::SilentBackups => f,
            Case::FaultFree
            | Case::SilentPrimary
            | Case::SlowBackup
            | Case::SlowAnswers
            | Case::Checkpoints
            | Case::Reads
            | Case::Loss(_) => 0,
        }
    }

    /// The scenario of one cell: one client that asks one request after the other, of n = 3f + 1
    /// replicas over links that all take [`LATENCY`].
    pub fn scenario(&self, protocol: &str, n: u16, mut params: Map<String, Value>) -> ScenarioFile {
        let loss_ppm = self.loss_ppm();
        if self.case == Case::Checkpoints {
            let snapshots = "snapshot-interval";
            let takes = params.contains_key(snapshots);
            let name = if takes { snapshots } else { "checkpoint-interval" };
            params.insert(name.to_owned(), CHECKPOINT_INTERVAL.into());
            if let Some(window) = params.get_mut("window") {
                *window = (2 * CHECKPOINT_INTERVAL).into();
            }
        }
        if self.case == Case::Reads
            && let Some(param) = reader(protocol)
        {
            params.insert(param.to_owned(), true.into());
        }
        ScenarioFile {
            format: FORMAT,
            title: format!("{protocol}, n = {n}: {}", self.name),
            about: self.about.clone(),
            protocol: protocol.to_owned(),
            expect: Expect::Holds,
            reaches: Vec::new(),
            beyond_f: false,
            seeds: SeedRange::default(),
            cluster: Cluster { replicas: n, faults: (n - 1) / 3, clients: 1 },
            workload: self.workload(),
            params,
            network: NetworkModel {
                latency: Latency::Constant(LATENCY),
                loss_ppm,
                // Only an asynchronous network loses messages between correct nodes.
                gst: if 0 < loss_ppm { Time::NEVER } else { Time::ZERO },
                ..NetworkModel::default()
            },
            run: RunLimits { events_max: 100_000_000, ..RunLimits::default() },
            random: None,
            groups: BTreeMap::new(),
            faults: self.plan(n),
        }
    }

    /// The operations; the formulas count the messages of these, and of no others.
    fn workload(&self) -> WorkloadSpec {
        let (requests, audit) = (self.requests(), false);
        if self.case != Case::Reads {
            let operations = Some(requests);
            return WorkloadSpec { operations, audit, ..WorkloadSpec::default() };
        }
        let reads = (0..requests).map(|_| Operation::Get { key: "x".into() }).collect();
        let script = Some(BTreeMap::from([(NodeId::Client(0), reads)]));
        WorkloadSpec { script, audit, ..WorkloadSpec::default() }
    }

    fn plan(&self, n: u16) -> Plan {
        let actions: Vec<Action> = match self.case {
            Case::FaultFree | Case::Checkpoints | Case::Reads | Case::Loss(_) => Vec::new(),
            Case::SilentBackup | Case::SilentBackups => {
                let silent = self.silent((n - 1) / 3);
                (n - silent..n).map(|backup| Action::Mute(NodeId::Replica(backup))).collect()
            }
            Case::SilentPrimary => vec![Action::Mute(NodeId::Replica(0))],
            Case::SlowBackup => {
                let node = NodeId::Replica(n - 1);
                vec![Action::Lag { node, messages: Pattern::default(), by: LAG }]
            }
            Case::SlowAnswers => {
                let node = NodeId::Replica(n - 1);
                let messages = Pattern { to: vec![NodeId::Client(0)], ..Pattern::default() };
                vec![Action::Lag { node, messages, by: LATE_ANSWER }]
            }
        };
        let fault = |action| Fault { note: None, start: None, end: None, action };
        Plan { faults: actions.into_iter().map(fault).collect() }
    }
}

/// The settings, one sentence each, for `--help`.
pub fn help() -> String {
    let mut text =
        "The fault settings, separated by commas; `all` means all of these:\n".to_owned();
    for (name, _, about) in NAMED {
        text.push_str(&format!("\n  {name:<15} {about}"));
    }
    text.push_str(&format!("\n  {:<15} {}", "loss-P%", about_loss("P")));
    text
}

fn unknown(name: &str) -> LoadError {
    let all = Setting::all();
    let known = all.iter().map(|setting| &*setting.name).chain(["all"]);
    LoadError::new(format!("unknown fault setting `{name}`"), names::advice(name, known))
}

/// Parts per million of a percentage with at most four decimals.
fn ppm(percent: &str) -> Option<u32> {
    let (whole, decimals) = percent.split_once('.').unwrap_or((percent, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || 3 < whole.len() || 4 < decimals.len() {
        return None;
    }
    if !digits(whole) || !digits(decimals) {
        return None;
    }
    let ppm: u32 = format!("{whole}{decimals:0<4}").parse().ok()?;
    (0 < ppm && ppm < 1_000_000).then_some(ppm)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn losses_are_read_exactly() {
        let right = [("1", 10_000), ("0.1", 1_000), ("12.3456", 123_456), ("10.", 100_000)];
        for (text, expected) in right {
            assert_eq!(ppm(text), Some(expected), "{text}");
        }
        for wrong in ["", "0", "100", "1.23456", "x", "-1", "1e3", ".5"] {
            assert_eq!(ppm(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn unknown_names_get_the_right_ones() {
        let error = Setting::read(&["silent-bakup".to_owned()]).expect_err("a slip");
        assert!(error.help.is_some_and(|help| help.contains("silent-backup")), "{}", error.what);
        let all = Setting::read(&["none".to_owned(), "all".to_owned()]).expect("all are known");
        assert_eq!(all.len(), NAMED.len() + LOSSES.len(), "none comes twice");
    }
}
