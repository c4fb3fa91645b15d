//! From a repro file to the run, ready to play.

use byzsim_core::{Digest, Marks};

use super::{Repro, TracePrint};
use crate::file::document::Document;
use crate::file::error::{LoadError, Problem};
use crate::file::format::FORMAT;
use crate::file::path::Step;
use crate::run::scenario::Scenario;

impl Repro {
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
        let scenario = repro.played().map_err(|mut problem| {
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
            let what = "a repro file cannot have anything random";
            let help = "replace this table by the drawn values";
            return Err(Problem::at("scenario.random", what, help));
        }
        if !self.scenario.groups.is_empty() {
            let help = "name their members in the faults, and remove the groups";
            return Err(Problem::at("scenario.groups", "a repro file cannot have groups", help));
        }
        let Some(trace) = &self.trace else { return Ok(()) };
        if trace.hash.parse::<Digest>().is_err() {
            let help = "a trace hash has 64 hexadecimal digits";
            return Err(Problem::at("trace.hash", "this is not a trace hash", help));
        }
        let help = "each mark has four hexadecimal digits";
        let right = || Problem::at("trace.marks", "these are not marks", help);
        trace.parse_marks().map(|_| ()).ok_or_else(right)
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
