//! A run as a row of a sweep: what researchers count, and what summaries are made of.

use std::collections::BTreeMap;

use byzsim_core::{Digest, Moved, NodeId, Slack, Time, Verdict};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::run::accountability::Accountability;
use crate::run::draw::Draft;
use crate::run::expect::Judgement;
use crate::run::finding::{Finding, findings};
use crate::run::panics::Panic;
use crate::run::result::Report;

/// One run. One line of NDJSON.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Row {
    /// The seed.
    pub seed: u64,
    /// What the run is worth, given what its scenario expects.
    pub judgement: Judgement,
    /// The trace hash in hexadecimal; none if the protocol panicked.
    pub trace: Option<String>,
    /// The fingerprint of the order in which correct replicas committed and changed views.
    #[serde(rename = "shape")]
    pub commit_order: Option<String>,
    /// The verdicts by property.
    pub properties: BTreeMap<String, Verdict>,
    /// What the protocol said when it panicked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub panic: Option<Panic>,
    /// The number of events.
    pub events: u64,
    /// When the run ended.
    pub end: Time,
    /// Operations that completed.
    pub completed: u64,
    /// Operations that the correct clients were to ask.
    pub operations: u64,
    /// The highest view that a correct replica entered.
    pub view_max: u64,
    /// How near the run came to a violation of liveness, where that is judged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slack: Option<Slack>,
    /// Messages sent.
    pub messages: u64,
    /// Bytes sent.
    pub bytes: u64,
    /// What the network and its model did to messages.
    #[serde(default)]
    pub moved: Moved,
    /// How often each milestone was reached.
    pub milestones: BTreeMap<String, u64>,
    /// How often each fault of the plan fired.
    pub fired: Vec<u64>,
    /// The corrupted nodes.
    pub corrupted: Vec<NodeId>,
    /// Whether more went wrong than the protocol was configured to tolerate.
    pub beyond_f: bool,
    /// The network and the number of faults, for a reader.
    pub drawn: String,
    /// Who is to blame, if that was asked: for single runs that violate a safety property.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accountability: Option<Accountability>,
    /// All that was decided for a run that violates something, where its seed alone does not tell:
    /// in a guided search.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub draft: Option<Draft>,
}

impl Row {
    /// The row of a report.
    pub fn new(report: &Report) -> Self {
        let mut row = Self {
            seed: report.seed,
            judgement: report.judgement,
            trace: None,
            commit_order: None,
            properties: BTreeMap::new(),
            panic: None,
            events: 0,
            end: Time::ZERO,
            completed: 0,
            operations: 0,
            view_max: 0,
            slack: None,
            messages: 0,
            bytes: 0,
            moved: Moved::default(),
            milestones: BTreeMap::new(),
            fired: Vec::new(),
            corrupted: report.drawn.plan.corrupted(),
            beyond_f: report.beyond_f,
            drawn: report.drawn.summary(),
            accountability: None,
            draft: None,
        };
        match &report.result {
            Err(panic) => row.panic = Some(panic.clone()),
            Ok(played) => {
                let outcome = &played.outcome;
                row.trace = Some(outcome.trace.hex());
                row.commit_order = Some(format!("{:016x}", outcome.milestones.commit_order()));
                let verdicts = outcome.verdicts.iter();
                row.properties = verdicts.map(|(n, v)| ((*n).to_owned(), v.clone())).collect();
                row.events = outcome.events;
                row.end = outcome.end;
                row.completed = completed(outcome);
                row.operations = outcome.operations;
                row.view_max = outcome.view_max;
                row.slack = outcome.slack;
                row.messages = outcome.metrics.messages();
                row.bytes = outcome.metrics.bytes();
                row.moved = outcome.metrics.moved;
                let milestones = outcome.milestones.counts().iter();
                row.milestones = milestones.map(|(n, count)| ((*n).to_owned(), *count)).collect();
                row.fired.clone_from(&played.fired);
            }
        }
        row
    }

    /// The row of a run of a guided search, the one that stands for `seed`.
    pub fn of_draft(seed: u64, report: &Report) -> Self {
        let mut row = Self { seed, ..Self::new(report) };
        if !row.findings().is_empty() {
            row.draft = Some(Draft { seed: report.seed, drawn: report.drawn.clone() });
        }
        row
    }

    /// What is violated, or the panic.
    pub fn findings(&self) -> Vec<Finding<'_>> {
        let verdicts = self.properties.iter().map(|(name, verdict)| (name.as_str(), verdict));
        findings(self.panic.as_ref(), verdicts)
    }

    /// The trace hash; if the protocol panicked, a hash of what it said.
    pub fn trace_digest(&self) -> Digest {
        if let Some(panic) = &self.panic {
            let said = format!("{}\n{}", panic.location, panic.message);
            return Digest(Sha256::digest(said.as_bytes()).into());
        }
        self.trace.as_deref().and_then(|hash| hash.parse().ok()).unwrap_or_default()
    }
}

/// How many operations of correct clients' workload completed.
pub fn completed(outcome: &byzsim_core::Outcome) -> u64 {
    served(outcome, false)
}

/// How many reads of the audit completed.
pub fn audited(outcome: &byzsim_core::Outcome) -> u64 {
    served(outcome, true)
}

fn served(outcome: &byzsim_core::Outcome, of_audit: bool) -> u64 {
    let served = outcome.served.iter().filter(|served| served.of_audit == of_audit);
    served.filter(|served| served.completed.is_some()).count() as u64
}
