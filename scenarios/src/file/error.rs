//! What can be wrong with a file: one error, with its place and what would have been right.

use std::ops::Range;
use std::sync::Arc;

use thiserror::Error;

/// Why a file could not be read or makes no sense.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("{what}")]
pub struct LoadError {
    /// What is wrong.
    pub what: String,
    /// What would be right.
    pub help: Option<String>,
    /// Where in which file.
    pub place: Option<Box<Place>>,
}

/// A place in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The file's name.
    pub file: String,
    /// Its text.
    pub text: Arc<str>,
    /// The bytes in question.
    pub span: Range<usize>,
    /// What is said beneath them.
    pub label: String,
}

impl LoadError {
    /// An error without a place.
    pub fn new(what: impl Into<String>, help: impl Into<String>) -> Self {
        Self { what: what.into(), help: Some(help.into()), place: None }
    }
}

/// What is wrong with a scenario as a value: the place is a path into it, such as
/// `cluster.replicas` or `fault[2].do`.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("{what}")]
pub struct Problem {
    /// What is wrong.
    pub what: String,
    /// What would be right.
    pub help: Option<String>,
    /// Where.
    pub path: Vec<Step>,
    /// What is said beneath the place.
    pub label: String,
}

/// A step into a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// To the value of a key.
    Key(String),
    /// To an element of an array.
    Index(usize),
}

impl Problem {
    /// A problem at `path`, written like `fault[2].do`.
    pub fn at(path: &str, what: impl Into<String>, help: impl Into<String>) -> Self {
        let (what, help) = (what.into(), Some(help.into()));
        Self { what, help, path: steps(path), label: "here".to_owned() }
    }

    /// The same, with `label` beneath the place.
    #[must_use]
    pub fn labelled(mut self, label: impl Into<String>) -> Self {
        self.label = label.into();
        self
    }

    /// The path as it is written.
    pub fn path_text(&self) -> String {
        let mut text = String::new();
        for step in &self.path {
            match step {
                Step::Key(key) if text.is_empty() => text.push_str(key),
                Step::Key(key) => text.extend([".", key]),
                Step::Index(index) => text.push_str(&format!("[{index}]")),
            }
        }
        text
    }
}

/// Reads a path such as `fault[2].do`.
pub(crate) fn steps(path: &str) -> Vec<Step> {
    let mut steps = Vec::new();
    for part in path.split('.').filter(|part| !part.is_empty()) {
        let (key, indices) = part.split_once('[').unwrap_or((part, ""));
        if !key.is_empty() {
            steps.push(Step::Key(key.to_owned()));
        }
        let indices =
            indices.split('[').filter_map(|index| index.trim_end_matches(']').parse().ok());
        steps.extend(indices.map(Step::Index));
    }
    steps
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_read_back_what_they_print() {
        for path in ["cluster.replicas", "fault[2].do.lie", "reaches[0]", "matrix[1][3]"] {
            assert_eq!(Problem::at(path, "", "").path_text(), path);
        }
    }
}
