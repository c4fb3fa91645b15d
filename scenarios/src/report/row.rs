//! The runs of a sweep as lines: the rows of a file, or plain numbers.

use std::io;

use super::format::Format;
use crate::run::expect::Judgement;
use crate::sweep::row::Row;
use crate::sweep::summary::Head;

/// The names of the fields of a row in CSV.
pub const CSV_HEADER: &str = "seed,judgement,trace,shape,violated,events,end_ns,\
    completed,operations,view_max,messages,bytes,faults,fired,beyond_f,\
    latencies_cut,delays_cut,holds_ended,losses_refused,lost_by_chance,lost_by_faults,\
    lost_at_down_nodes,held_to_the_end,copies_by_chance,copies_by_faults";

/// The line before the rows; none in formats without rows.
///
/// # Errors
/// If a value cannot be written as JSON.
pub fn heading(format: Format, head: &Head) -> io::Result<Option<String>> {
    match format {
        Format::Ndjson => Ok(Some(format!("{}\n", serde_json::to_string(head)?))),
        Format::Csv => Ok(Some(format!("{CSV_HEADER}\n"))),
        Format::Human | Format::Json | Format::Md => Ok(None),
    }
}

/// The line of a row; none in formats without rows.
///
/// # Errors
/// If a value cannot be written as JSON.
pub fn line(format: Format, row: &Row) -> io::Result<Option<String>> {
    match format {
        Format::Ndjson => Ok(Some(format!("{}\n", serde_json::to_string(row)?))),
        Format::Csv => Ok(Some(format!("{}\n", csv(row)))),
        Format::Human | Format::Json | Format::Md => Ok(None),
    }
}

/// The plain numbers of a row, separated by commas.
fn csv(row: &Row) -> String {
    let findings = row.findings();
    let mut violated: Vec<&str> = findings.iter().map(|finding| finding.property).collect();
    violated.sort_unstable();
    let judgement = match row.judgement {
        Judgement::Expected => "expected",
        Judgement::Inconclusive => "inconclusive",
        Judgement::Violation => "violation",
    };
    let mut fields = vec![
        row.seed.to_string(),
        judgement.to_owned(),
        row.trace.clone().unwrap_or_default(),
        row.commit_order.clone().unwrap_or_default(),
        violated.join("+"),
        row.events.to_string(),
        row.end.nanos().to_string(),
        row.completed.to_string(),
        row.operations.to_string(),
        row.view_max.to_string(),
        row.messages.to_string(),
        row.bytes.to_string(),
        row.fired.len().to_string(),
        row.fired.iter().filter(|count| 0 < **count).count().to_string(),
        row.beyond_f.to_string(),
    ];
    fields.extend(row.moved.counts().map(|(_, count)| count.to_string()));
    fields.join(",")
}
