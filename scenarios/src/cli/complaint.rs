//! How errors are printed: what is wrong, where in the file, and what would be right.

use std::fmt;

use miette::{Diagnostic, GraphicalReportHandler, GraphicalTheme, LabeledSpan, NamedSource};

use super::output;
use crate::file::error::{LoadError, Place};

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
        let place = cropped(*place);
        let span = (place.span.start, place.span.len());
        complaint.label = Some(LabeledSpan::new_primary_with_span(Some(place.label), span));
        complaint.source = Some(NamedSource::new(place.file, place.text.to_string()));
    }
    let handler = GraphicalReportHandler::new_themed(GraphicalTheme::unicode())
        // Terminals wrap lines; broken by us they could not be copied.
        .with_wrap_lines(false)
        .with_context_lines(1);
    let mut text = String::new();
    match handler.render_report(&mut text, &complaint) {
        Ok(()) => output::note(text.trim_end()),
        Err(_) => output::note(&format!("error: {complaint}")),
    }
}

/// A part of the file without its endless lines: JSON may be one line of megabytes.
fn cropped(place: Place) -> Place {
    const WIDTH_MAX: usize = 300;
    const AROUND: usize = 60;
    let text = &*place.text;
    let start = text[..place.span.start].rfind('\n').map_or(0, |newline| newline + 1);
    // The line before and the line after are shown as well.
    let first = text[..start.saturating_sub(1)].rfind('\n').map_or(0, |newline| newline + 1);
    if text[first..].lines().take(3).all(|line| line.len() <= WIDTH_MAX) {
        return place;
    }
    let (line, column) = (text[..start].matches('\n').count() + 1, place.span.start - start + 1);
    let mut from = place.span.start.saturating_sub(AROUND).max(start);
    let mut to = (place.span.end + AROUND).min(text.len());
    while !text.is_char_boundary(from) {
        from -= 1;
    }
    while !text.is_char_boundary(to) {
        to += 1;
    }
    let excerpt = text[from..to].lines().next().unwrap_or_default();
    let at = place.span.start - from;
    Place {
        file: format!("{}, line {line}, column {column}, cropped", place.file),
        span: at..(at + place.span.len()).min(excerpt.len()).max(at),
        text: excerpt.into(),
        label: place.label,
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
