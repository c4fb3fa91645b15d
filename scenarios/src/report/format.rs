//! The formats in which commands write their results: one list for all of them.

use std::io;

use serde::Serialize;

/// How a result is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Text, for people.
    Human,
    /// One JSON value.
    Json,
    /// One JSON value a line.
    Ndjson,
    /// Plain numbers, separated by commas.
    Csv,
    /// Tables in Markdown.
    Md,
}

impl Format {
    /// The name on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Human => "human",
            Self::Json => "json",
            Self::Ndjson => "ndjson",
            Self::Csv => "csv",
            Self::Md => "md",
        }
    }

    /// Whether a sweep writes a line for each run in it.
    pub const fn has_rows(self) -> bool {
        matches!(self, Self::Ndjson | Self::Csv)
    }
}

/// A format in which a result can be written.
#[derive(Clone, Copy, Debug)]
pub struct Offer<T> {
    /// The format.
    pub format: Format,
    /// What it holds, for the help.
    pub about: &'static str,
    /// Writes it.
    pub write: fn(&T) -> io::Result<String>,
}

/// A result that is written in some of the formats.
pub trait Written: Sized {
    /// The formats in which it can be written.
    fn offers() -> Vec<Offer<Self>>;

    /// The text in one of these.
    ///
    /// # Errors
    /// If a value cannot be written as JSON.
    ///
    /// # Panics
    /// If the format is not offered.
    fn in_format(&self, format: Format) -> io::Result<String> {
        let offers = Self::offers();
        let offer = offers.iter().find(|offer| offer.format == format);
        (offer.expect("only what is offered is asked for").write)(self)
    }
}

/// A value as indented JSON.
///
/// # Errors
/// If it has no form in JSON.
pub fn json(value: &impl Serialize) -> io::Result<String> {
    let text = serde_json::to_string_pretty(value).map_err(io::Error::other)?;
    Ok(format!("{text}\n"))
}
