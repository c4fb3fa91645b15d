//! The repro file: all of one run as data, and its fingerprint. It survives what a seed does not:
//! changes of the generators. It can be shrunk, read, edited and committed.

pub mod replay;

use std::collections::BTreeMap;
use std::fmt::Write as _;

use byzsim_core::{CryptoBackend, Marks, Verdict};
use serde::{Deserialize, Serialize};

use crate::VERSION;
use crate::file::document::Document;
use crate::file::error::{LoadError, Problem};
use crate::file::format::{FORMAT, ScenarioFile};
use crate::file::path::Step;
use crate::run::draw::Draft;
use crate::run::result::{PlayOptions, Report};
use crate::run::scenario::Scenario;
use crate::run::strategy::Strategy;
use crate::sweep::row;

/// A repro file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Repro {
    /// The version of the file format.
    pub format: u32,
    /// The version of byzsim that wrote it.
    pub byzsim: String,
    /// The scenario's name, for a reader.
    pub name: String,
    /// The scenario with everything drawn: nothing in it is left open.
    pub scenario: ScenarioFile,
    /// The hash of `scenario` when it was written, to tell whether someone changed it since.
    pub scenario_hash: String,
    /// The seed, from which the single messages and the operations are drawn.
    pub seed: u64,
    /// How signatures were made.
    pub crypto: CryptoBackend,
    /// The run's fingerprint; none if the protocol panicked.
    pub trace: Option<TracePrint>,
    /// The verdicts.
    pub verdicts: BTreeMap<String, Verdict>,
    /// The first violation.
    pub found: Option<Found>,
    /// How often each fault fired.
    pub fired: Vec<u64>,
}

/// The fingerprint of a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct TracePrint {
    /// The trace hash in hexadecimal.
    pub hash: String,
    /// The number of events.
    pub events: u64,
    /// Marks stand 2^shift events apart.
    pub shift: u32,
    /// The marks: four hexadecimal digits each.
    pub marks: String,
}

/// A violation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Found {
    /// Of which property; `panic` for a panic.
    pub property: String,
    /// What happened.
    pub explanation: String,
    /// What stays the same when names and numbers change.
    pub shape: String,
}

impl Repro {
    /// The repro of the run of `seed`, which is played for it.
    pub fn of(scenario: &Scenario, seed: u64, crypto: CryptoBackend) -> Self {
        Self::of_search(scenario, (Strategy::Random, seed), None, crypto)
    }

    /// The repro of what a search played as `seed`, which is played again for it: of the draft that
    /// its row kept, where the seed alone does not tell.
    pub fn of_search(
        scenario: &Scenario,
        (strategy, seed): (Strategy, u64),
        draft: Option<&Draft>,
        crypto: CryptoBackend,
    ) -> Self {
        let (run_seed, drawn) = match draft {
            Some(draft) => (draft.seed, draft.drawn.clone()),
            None => (seed, scenario.draw_by(strategy, seed)),
        };
        let options = PlayOptions { crypto, with_marks: true };
        Self::new(scenario, &scenario.play_drawn(run_seed, drawn, &options, None), crypto)
    }

    /// The repro of a run that was played with marks.
    ///
    /// # Panics
    /// If it was played without.
    pub fn new(scenario: &Scenario, report: &Report, crypto: CryptoBackend) -> Self {
        let file = scenario.fixed(&report.drawn);
        let found = report.findings().first().map(|finding| Found {
            property: finding.property.to_owned(),
            explanation: finding.explanation.to_owned(),
            shape: finding.shape.to_owned(),
        });
        let outcome = report.result.as_ref().ok().map(|played| &played.outcome);
        let verdicts = report.verdicts().iter();
        Self {
            format: FORMAT,
            byzsim: VERSION.to_owned(),
            name: scenario.name.clone(),
            scenario_hash: file.hash().hex(),
            scenario: file,
            seed: report.seed,
            crypto,
            trace: outcome.map(|outcome| {
                let marks = outcome.marks.as_ref().expect("the run was played with marks");
                TracePrint {
                    hash: outcome.trace.hex(),
                    events: outcome.events,
                    shift: marks.shift,
                    marks: hex(marks),
                }
            }),
            verdicts: verdicts.map(|(n, v)| ((*n).to_owned(), v.clone())).collect(),
            found,
            fired: report.result.as_ref().map_or(Vec::new(), |played| played.fired.clone()),
        }
    }

    /// Whether a document is a repro file rather than a scenario.
    pub fn is_one(document: &Document) -> bool {
        // Only a repro holds a whole scenario. What is no JSON at all is told apart by its name.
        let keys = ["\"scenario\"", "\"byzsim\""];
        document.file.ends_with(".json") && keys.iter().any(|key| document.text.contains(key))
    }

    /// Reads a repro file, and its scenario.
    ///
    /// # Errors
    /// What is wrong, and where in the document.
    pub fn read(document: &Document) -> Result<(Self, Scenario), LoadError> {
        let repro: Self = document.parse()?;
        repro.check().map_err(|problem| document.locate(problem))?;
        let scenario =
            Scenario::new(&repro.name, repro.scenario.clone(), &[]).map_err(|mut problem| {
                problem.path.insert(0, Step::key("scenario"));
                document.locate(problem)
            })?;
        Ok((repro, scenario))
    }

    fn check(&self) -> Result<(), Problem> {
        if self.format != FORMAT {
            let what = format!("format {} is unknown", self.format);
            return Err(Problem::at("format", what, format!("this byzsim reads format {FORMAT}")));
        }
        if self.scenario.random.is_some() {
            let what = "a repro file leaves nothing open";
            let help = "put the drawn values in its place";
            return Err(Problem::at("scenario.random", what, help));
        }
        if !self.scenario.groups.is_empty() {
            let help = "put their members into the fault rows, and take them out";
            return Err(Problem::at(
                "scenario.groups",
                "a repro file names nodes, no groups",
                help,
            ));
        }
        let Some(trace) = &self.trace else { return Ok(()) };
        if row::digest(&trace.hash).is_none() {
            let help = "64 hexadecimal digits";
            return Err(Problem::at("trace.hash", "this is no trace hash", help));
        }
        let right = || Problem::at("trace.marks", "these are no marks", "four digits each");
        trace.parse_marks().map(|_| ()).ok_or_else(right)
    }

    /// The file's text.
    pub fn to_json(&self) -> String {
        let mut text = serde_json::to_string_pretty(self).expect("a repro is plain data");
        text.push('\n');
        text
    }
}

impl TracePrint {
    /// The marks; none if they are not well-formed.
    pub fn parse_marks(&self) -> Option<Marks> {
        // More marks than events would mean that someone made them up.
        const SHIFT_MAX: u32 = 40;
        if SHIFT_MAX < self.shift || !self.marks.is_ascii() || !self.marks.len().is_multiple_of(4) {
            return None;
        }
        let count = self.marks.len() / 4;
        let parse = |place: usize| u16::from_str_radix(&self.marks[4 * place..4 * place + 4], 16);
        let values = (0..count).map(parse).collect::<Result<_, _>>().ok()?;
        Some(Marks { shift: self.shift, values })
    }
}

fn hex(marks: &Marks) -> String {
    marks.values.iter().fold(String::new(), |mut text, mark| {
        write!(text, "{mark:04x}").expect("a string takes all");
        text
    })
}
