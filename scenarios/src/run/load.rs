//! Loading: from the name of a scenario to the scenario, ready to play.

use byzsim_core::{Committee, NodeId};
use serde_json::Value;

use crate::file::document::Document;
use crate::file::error::LoadError;
use crate::file::set;
use crate::run::registry;
use crate::run::scenario::Scenario;

/// What the command line changes in a scenario.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// Flaws to plant, by name or number.
    pub flaws: Vec<String>,
    /// Values to set, as `path=value` with the value in TOML: `cluster.replicas=7`.
    pub set: Vec<String>,
}

/// Loads a scenario: a path to a file, or the name of one of the library, such as `pbft/chaos`.
///
/// # Errors
/// If there is no such file, or it is wrong: one error, with its place and what would be right.
pub fn load(name: &str) -> Result<Scenario, LoadError> {
    load_with(name, &Changes::default())
}

/// The same, with changes.
///
/// # Errors
/// As [`load`]; or if a change is wrong.
pub fn load_with(name: &str, changes: &Changes) -> Result<Scenario, LoadError> {
    let document = Document::find(name)?;
    let as_it_is = || Scenario::from_document(&document, &changes.flaws);
    if changes.set.is_empty() {
        return as_it_is();
    }
    let changed = set::with(&document, &changes.set).and_then(|(document, left_out)| {
        let mut scenario = Scenario::from_document(&document, &changes.flaws)?;
        scenario.left_out = left_out;
        Ok(scenario)
    });
    // A mistake that was there before is shown where it was made: in the file.
    changed.map_err(|error| as_it_is().err().unwrap_or(error))
}

/// Who leads a view in the scenario that a document holds, as far as it can be read; the rest is
/// found to be wrong later.
fn leader(document: &Value, committee: Committee, view: u64) -> Option<NodeId> {
    let protocol = registry::protocol(document.get("protocol")?.as_str()?).ok()?;
    let params = document.get("params").and_then(Value::as_object).cloned().unwrap_or_default();
    (protocol.prepare)(&params, &[], committee).ok()?.leader(committee, view)
}

impl Scenario {
    /// Reads and checks a document.
    ///
    /// # Errors
    /// What is wrong, and where in the document.
    pub fn from_document(document: &Document, flaws: &[String]) -> Result<Self, LoadError> {
        let file = document.parse_scenario(&leader)?;
        Self::new(&document.name, file, flaws).map_err(|problem| document.locate(problem))
    }
}
