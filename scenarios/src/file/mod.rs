//! From a text to a scenario file: documents, their format and its limits, errors with a place.

pub(crate) mod conditions;
pub mod document;
pub mod error;
pub mod format;
pub(crate) mod groups;
pub mod library;
pub mod limits;
pub(crate) mod locate;
pub mod names;
mod node_keys;
mod overridden;
pub mod part;
pub mod path;
pub(crate) mod set;
