//! From a text to a scenario file: documents, their format and its limits, errors with a place.

pub mod document;
pub mod error;
pub mod format;
pub(crate) mod groups;
pub mod library;
pub(crate) mod locate;
pub mod names;
