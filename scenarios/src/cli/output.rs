//! Data goes to stdout, notes go to stderr.

use std::io::{self, Write as _};

use crate::report::format::{Format, Written};

/// Writes data.
pub(super) fn data(text: &str) -> io::Result<()> {
    let mut out = anstream::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()
}

/// Writes a result in a format that it offers.
pub(super) fn result(result: &impl Written, format: Format) -> io::Result<()> {
    data(&result.in_format(format)?)
}

/// Writes a note. If stderr is gone, there is nobody to tell.
pub(super) fn note(text: &str) {
    let _ = writeln!(anstream::stderr().lock(), "{text}");
}
