//! What can be wrong with a file: one error, with its place and what would have been right.

use std::ops::Range;
use std::sync::Arc;

use thiserror::Error;

use crate::file::names;
use crate::file::path::{self, Step};

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

impl Problem {
    /// A problem at `path`, written like `fault[2].do`.
    pub fn at(path: &str, what: impl Into<String>, help: impl Into<String>) -> Self {
        let (what, help) = (what.into(), Some(help.into()));
        Self { what, help, path: path::parse(path), label: "here".to_owned() }
    }

    /// The same, with `label` beneath the place.
    #[must_use]
    pub fn labelled(mut self, label: impl Into<String>) -> Self {
        self.label = label.into();
        self
    }

    /// The path as it is written.
    pub fn path_text(&self) -> String {
        path::text(&self.path)
    }
}

/// What would be right, if `what` is serde's complaint about a value.
pub(crate) fn advice(what: &str) -> Option<String> {
    near_name(what).or_else(|| whole_number(what))
}

/// What was probably meant, if `what` is serde's complaint about an unknown name.
fn near_name(what: &str) -> Option<String> {
    let field = what.strip_prefix("unknown field ");
    let list = field.or_else(|| what.strip_prefix("unknown variant "))?;
    let mut quoted = list.split('`').skip(1).step_by(2);
    let wrong = quoted.next()?;
    let near = names::near(wrong, quoted);
    (!near.is_empty()).then(|| format!("did you mean {}?", names::alternatives(near)))
}

/// What serde means by `u16`, for people.
fn whole_number(what: &str) -> Option<String> {
    let (_, expected) = what.rsplit_once("expected ")?;
    let max = match expected {
        "u16" => u64::from(u16::MAX),
        "u32" => u64::from(u32::MAX),
        "u64" => u64::MAX,
        _ => return None,
    };
    Some(format!("write a whole number from 0 to {max}"))
}
