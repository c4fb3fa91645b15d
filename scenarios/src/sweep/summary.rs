//! What many runs add up to.

use std::collections::{BTreeMap, BTreeSet};

use byzsim_core::checkers::Scope;
use byzsim_core::{CryptoBackend, Digest, Moved, PROPERTIES, Slack, Verdict};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::file::format::{Expect, SeedRange, VERSION};
use crate::run::draw::Draft;
use crate::run::expect::Judgement;
use crate::run::scenario::Scenario;
use crate::run::strategy::Strategy;
use crate::sweep::options::{Shard, SweepOptions};
use crate::sweep::row::Row;

/// What all rows of a sweep share: the first line of their file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Head {
    /// The version of byzsim.
    pub byzsim: String,
    /// The scenario's name.
    pub scenario: String,
    /// The scenario's hash in hexadecimal.
    pub hash: String,
    /// Whether more goes wrong than the protocol is configured to tolerate.
    pub beyond_f: bool,
    /// What is expected.
    pub expect: Expect,
    /// Milestones that some seed must reach.
    pub reaches: Vec<String>,
    /// The actions of the faults that the scenario's file names, in its order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub named: Vec<String>,
    /// Settings of the file that have no effect.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// The seeds of the whole sweep.
    pub seeds: SeedRange,
    /// Which part of them.
    pub shard: Shard,
    /// How the plans were chosen.
    #[serde(default)]
    pub strategy: Strategy,
    /// How many schedules of twins there are, if these are what is enumerated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schedules: Option<u64>,
    /// How signatures were made.
    pub crypto: CryptoBackend,
    /// What else the commands that reproduce a seed need: changes from the command line.
    pub changes: String,
}

impl Head {
    /// The head of a sweep.
    pub fn new(scenario: &Scenario, options: &SweepOptions) -> Self {
        let named = scenario.file.faults.faults.iter();
        Self {
            byzsim: VERSION.to_owned(),
            scenario: scenario.name.clone(),
            hash: scenario.hash.hex(),
            beyond_f: scenario.file.beyond_f,
            expect: scenario.file.expect.clone(),
            reaches: scenario.file.reaches.clone(),
            named: named.map(|fault| fault.action.name().to_owned()).collect(),
            notes: scenario.notes.clone(),
            seeds: options.seeds,
            shard: options.shard,
            strategy: options.strategy,
            schedules: (options.strategy == Strategy::Twins).then(|| scenario.twins_schedules()),
            crypto: options.crypto,
            changes: String::new(),
        }
    }
}

/// What many runs add up to.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Summary {
    /// What the runs share.
    pub head: Head,
    /// How many runs there were.
    pub runs: u64,
    /// The verdicts by property, panics among them.
    pub properties: BTreeMap<String, Tally>,
    /// Runs by what they are worth.
    pub judgements: BTreeMap<Judgement, u64>,
    /// On how many seeds each milestone was reached.
    pub reached: BTreeMap<String, u64>,
    /// The faults of all plans.
    pub faults: Faults,
    /// In how many runs each fault that the scenario's file names fired.
    pub named_fired: Vec<u64>,
    /// What was found, by property and shape.
    pub findings: Vec<FindingGroup>,
    /// Runs in which more went wrong than the protocol was configured to tolerate.
    pub beyond_f_runs: u64,
    /// The run that came nearest to a violation of liveness, if any was judged.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub slack: Option<Slackest>,
    /// Events of all runs.
    pub events: u64,
    /// What the network and its model did to messages in all runs.
    pub moved: Moved,
    /// The fingerprints of the orders in which correct replicas committed and changed views.
    #[serde(skip)]
    pub commit_orders: BTreeSet<String>,
    /// The trace hash of each seed.
    #[serde(skip)]
    pub traces: BTreeMap<u64, Digest>,
    /// The drafts of failing runs, where their seeds alone do not tell.
    #[serde(skip)]
    pub drafts: BTreeMap<u64, Draft>,
    /// How far a guided search came.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub search: Option<Search>,
    /// The first reason why each property was inconclusive, and on which seed.
    pub undecided: BTreeMap<String, (u64, String)>,
}

/// The run that came nearest to a violation of liveness.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Slackest {
    /// How much of its bound the slowest operation used, in thousandths.
    pub used_permille: u64,
    /// On which seed: of several the lowest.
    pub seed: u64,
    /// The operation and its bound.
    #[serde(flatten)]
    pub slack: Slack,
}

/// How far a guided search came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Search {
    /// How many plans it keeps.
    pub kept: usize,
    /// How many features its runs had in all.
    pub features: usize,
}

/// Verdicts on one property.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Tally {
    /// Runs in which it holds.
    pub holds: u64,
    /// Runs in which it is violated.
    pub violated: u64,
    /// Runs in which there was nothing to judge, or a budget ran out.
    pub inconclusive: u64,
}

/// The faults of all plans.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Faults {
    /// How many faults the plans had.
    pub planned: u64,
    /// How many of them fired.
    pub fired: u64,
    /// Runs with faults of which none fired.
    pub silent_runs: u64,
}

/// Violations of one property in one shape.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct FindingGroup {
    /// The property; `panic` for a panic.
    pub property: String,
    /// What they have in common.
    pub shape: String,
    /// In how many runs.
    pub runs: u64,
    /// The run with the fewest events: how many, and its seed.
    pub smallest: (u64, u64),
    /// What happened in that run.
    pub explanation: String,
    /// The lowest seeds, in order.
    pub seeds: Vec<u64>,
}

impl FindingGroup {
    /// How many seeds a group keeps.
    pub const SEEDS_MAX: usize = 5;
}

impl Summary {
    /// Nothing yet.
    pub fn new(head: Head) -> Self {
        // Others come with the first run that they speak of.
        let usual = PROPERTIES.iter().filter(|property| property.scope == Scope::Every);
        let properties = usual.map(|p| (p.name.to_owned(), Tally::default())).collect();
        let named_fired = vec![0; head.named.len()];
        Self {
            head,
            runs: 0,
            properties,
            judgements: BTreeMap::new(),
            reached: BTreeMap::new(),
            faults: Faults::default(),
            named_fired,
            findings: Vec::new(),
            beyond_f_runs: 0,
            slack: None,
            events: 0,
            moved: Moved::default(),
            commit_orders: BTreeSet::new(),
            traces: BTreeMap::new(),
            undecided: BTreeMap::new(),
            drafts: BTreeMap::new(),
            search: None,
        }
    }

    /// Adds one run. The order of the runs does not matter.
    pub fn add(&mut self, row: &Row) {
        self.runs += 1;
        self.events = self.events.saturating_add(row.events);
        self.moved.add(&row.moved);
        *self.judgements.entry(row.judgement).or_default() += 1;
        for (name, verdict) in &row.properties {
            self.count(name, verdict, row.seed);
        }
        if let Some(slack) = row.slack {
            let it = Slackest { used_permille: slack.used_permille(), seed: row.seed, slack };
            let rank = |it: &Slackest| (it.used_permille, std::cmp::Reverse(it.seed));
            self.slack = self.slack.into_iter().chain([it]).max_by_key(rank);
        }
        for milestone in row.milestones.keys() {
            *self.reached.entry(milestone.clone()).or_default() += 1;
        }
        let fired = row.fired.iter().filter(|count| 0 < **count).count();
        for (runs, count) in self.named_fired.iter_mut().zip(&row.fired) {
            *runs += u64::from(0 < *count);
        }
        self.faults.planned += row.fired.len() as u64;
        self.faults.fired += fired as u64;
        self.faults.silent_runs += u64::from(!row.fired.is_empty() && fired == 0);
        self.beyond_f_runs += u64::from(row.beyond_f);
        self.commit_orders.extend(row.commit_order.clone());
        self.traces.insert(row.seed, row.trace_digest());
        if let Some(draft) = &row.draft {
            self.drafts.insert(row.seed, draft.clone());
        }
        for finding in row.findings() {
            let (property, shape) = (finding.property.to_owned(), finding.shape.to_owned());
            self.properties.entry(property.clone()).or_default().violated += 1;
            let explanation = finding.explanation.to_owned();
            let (smallest, seeds) = ((row.events, row.seed), vec![row.seed]);
            self.find(FindingGroup { property, shape, runs: 1, smallest, explanation, seeds });
        }
    }

    fn count(&mut self, name: &str, verdict: &Verdict, seed: u64) {
        if !self.properties.contains_key(name) {
            self.properties.insert(name.to_owned(), Tally::default());
        }
        let tally = self.properties.get_mut(name).expect("it was put in");
        match verdict {
            // There was nothing that could have violated it: no tick for that.
            Verdict::Holds(0) => {}
            Verdict::Holds(_) => tally.holds += 1,
            // It is counted as a finding, as panics are.
            Verdict::Violated(_) => {}
            Verdict::Inconclusive(why) => {
                tally.inconclusive += 1;
                let first = self.undecided.entry(name.to_owned());
                let first = first.or_insert_with(|| (seed, why.clone()));
                if seed < first.0 {
                    *first = (seed, why.clone());
                }
            }
        }
    }

    fn find(&mut self, found: FindingGroup) {
        let same = |g: &&mut FindingGroup| g.property == found.property && g.shape == found.shape;
        match self.findings.iter_mut().find(same) {
            None => self.findings.push(found),
            Some(group) => {
                group.runs += 1;
                if found.smallest < group.smallest {
                    group.smallest = found.smallest;
                    group.explanation = found.explanation;
                }
                group.seeds.extend(found.seeds);
                group.seeds.sort_unstable();
                group.seeds.truncate(FindingGroup::SEEDS_MAX);
            }
        }
        self.findings.sort_by(|a, b| (a.smallest, &a.property).cmp(&(b.smallest, &b.property)));
    }

    /// How many runs were to be played.
    pub const fn wanted(&self) -> u64 {
        self.head.shard.len(self.head.seeds)
    }

    /// The SHA-256 hash over (seed, trace hash) in the order of the seeds: equal for any number of
    /// threads, shards and machines.
    pub fn digest(&self) -> Digest {
        let mut hash = Sha256::new();
        for (seed, trace) in &self.traces {
            hash.update(seed.to_be_bytes());
            hash.update(trace.0);
        }
        Digest(hash.finalize().into())
    }

    /// How many different traces there were.
    pub fn distinct_traces(&self) -> usize {
        self.traces.values().collect::<BTreeSet<_>>().len()
    }

    /// How many schedules of twins were played, and how many there are: numbers beyond begin anew.
    pub fn twins(&self) -> Option<(u64, u64)> {
        let all = self.head.schedules?;
        let played: BTreeSet<u64> = self.traces.keys().map(|seed| seed % all).collect();
        Some((played.len() as u64, all))
    }

    /// Milestones that some run should have reached, and none did. A scenario promises them of its
    /// own weather, which schedules take the place of.
    pub fn missed(&self) -> Vec<&str> {
        match self.head.strategy {
            Strategy::Random | Strategy::Guided => {}
            Strategy::Twins | Strategy::Delays | Strategy::Priorities => return Vec::new(),
        }
        let missed = |name: &&String| !self.reached.contains_key(*name);
        self.head.reaches.iter().filter(missed).map(String::as_str).collect()
    }

    /// Properties that should have been violated on some seed, and were on none.
    pub fn unviolated(&self) -> Vec<&str> {
        let Expect::Violated(expected) = &self.head.expect else { return Vec::new() };
        let violated = |name: &str| self.properties.get(name).is_some_and(|t| 0 < t.violated);
        expected.iter().map(String::as_str).filter(|name| !violated(name)).collect()
    }

    /// How many runs are worth `judgement`.
    pub fn judged(&self, judgement: Judgement) -> u64 {
        self.judgements.get(&judgement).copied().unwrap_or(0)
    }

    /// Whether the sweep kept its scenario's promise.
    pub fn judgement(&self) -> Judgement {
        let undecided = match self.head.expect {
            // One seed that violates is enough.
            Expect::Violated(_) => !self.unviolated().is_empty(),
            Expect::Holds | Expect::Inconclusive(_) => 0 < self.judged(Judgement::Inconclusive),
        };
        if 0 < self.judged(Judgement::Violation) {
            Judgement::Violation
        } else if undecided || !self.missed().is_empty() || self.runs == 0 {
            Judgement::Inconclusive
        } else {
            Judgement::Expected
        }
    }
}
