//! The repro file: all of one run as data, and its fingerprint. It survives what a seed does not:
//! changes of the generators. It can be shrunk, read, edited and committed.

pub mod files;
mod read;
pub mod replay;
mod write;

use std::collections::BTreeMap;

use byzsim_core::{CryptoBackend, Verdict};
use serde::{Deserialize, Serialize};

use crate::file::error::Problem;
use crate::file::format::ScenarioFile;
use crate::run::scenario::Scenario;

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
    /// The verdicts. A replay is judged on the properties that stand here.
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
    /// The scenario of the run, ready to play.
    ///
    /// # Errors
    /// If the file was changed so that it makes no sense.
    pub fn played(&self) -> Result<Scenario, Problem> {
        Scenario::new(&self.name, self.scenario.clone(), &[])
    }
}
