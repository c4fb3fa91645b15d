//! Errors for people: file, line, caret, and what would have been right.

use std::fmt;

use miette::{Diagnostic, GraphicalReportHandler, GraphicalTheme, LabeledSpan, NamedSource};

use super::output;
use crate::error::LoadError;

struct Complaint {
    what: String,
    help: Option<String>,
    source: Option<NamedSource<String>>,
    label: Option<LabeledSpan>,
}

/// Prints an error on stderr.
pub(super) fn print(error: LoadError) {
    let mut complaint = Complaint { what: error.what, help: error.help, source: None, label: None };
    if let Some(place) = error.place {
        let span = (place.span.start, place.span.len());
        complaint.label = Some(LabeledSpan::new_primary_with_span(Some(place.label), span));
        complaint.source = Some(NamedSource::new(place.file, place.text.to_string()));
    }
    let handler = GraphicalReportHandler::new_themed(GraphicalTheme::unicode())
        .with_width(100)
        .with_context_lines(1);
    let mut text = String::new();
    match handler.render_report(&mut text, &complaint) {
        Ok(()) => output::note(text.trim_end()),
        Err(_) => output::note(&format!("error: {complaint}")),
    }
}

impl fmt::Display for Complaint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)
    }
}

impl fmt::Debug for Complaint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for Complaint {}

impl Diagnostic for Complaint {
    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.help.as_ref().map(|help| Box::new(help) as Box<dyn fmt::Display>)
    }
    fn source_code(&self) -> Option<&dyn miette::SourceCode> {
        self.source.as_ref().map(|source| source as &dyn miette::SourceCode)
    }
    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        self.label
            .clone()
            .map(|label| Box::new(std::iter::once(label)) as Box<dyn Iterator<Item = _>>)
    }
}
