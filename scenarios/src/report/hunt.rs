//! A hunt as a table.

use std::fmt::Write as _;

use super::style::{HEAD, grouped, paint};
use crate::hunt::{HuntOptions, Hunted, Searched};

/// For people.
pub fn table(hunted: &[Hunted], options: &HuntOptions) -> String {
    let rows: Vec<Vec<String>> = hunted.iter().map(cells).collect();
    let mut all = vec![heads(options)];
    all.extend(rows);
    let columns = all[0].len();
    let width =
        |column: usize| all.iter().map(|row| row[column].chars().count()).max().unwrap_or_default();
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let mut text = String::new();
    for (number, row) in all.iter().enumerate() {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(&widths) {
            write!(line, "{cell:<width$}  ").expect("a string takes all");
        }
        let line = line.trim_end();
        let line = if number == 0 { paint(HEAD, line) } else { line.to_owned() };
        writeln!(text, "{line}").expect("a string takes all");
    }
    text.push_str(&summary(hunted, options));
    text
}

/// In Markdown.
pub fn markdown(hunted: &[Hunted], options: &HuntOptions) -> String {
    let heads = heads(options);
    let mut text = format!("| {} |\n", heads.join(" | "));
    writeln!(text, "|{}", " --- |".repeat(heads.len())).expect("a string takes all");
    for row in hunted {
        writeln!(text, "| {} |", cells(row).join(" | ")).expect("a string takes all");
    }
    write!(text, "\n{}", summary(hunted, options)).expect("a string takes all");
    text
}

fn heads(options: &HuntOptions) -> Vec<String> {
    let mut heads = vec!["flaw".to_owned(), "violates".to_owned()];
    heads.extend(options.strategies.iter().map(ToString::to_string));
    heads.extend(["faults", "shrunk to", "what is left"].map(str::to_owned));
    heads
}

fn cells(hunted: &Hunted) -> Vec<String> {
    let mut cells = vec![hunted.flaw.to_owned(), hunted.violates.to_owned()];
    cells.extend(hunted.searches.iter().map(searched));
    let Some(smallest) = &hunted.smallest else {
        cells.extend(["", "", ""].map(str::to_owned));
        return cells;
    };
    cells.push(smallest.faults_before.to_string());
    let more = if smallest.is_minimal { "" } else { " or fewer" };
    cells.push(format!("{}{more}", smallest.faults));
    let nothing = "no fault: it fails by itself".to_owned();
    cells.push(if smallest.faults == 0 { nothing } else { smallest.class.clone() });
    cells
}

/// `120 (0.3 s)`; with how many of the searches found it, if some did not.
fn searched(searched: &Searched) -> String {
    let (found, all) = (searched.found(), searched.catches.len());
    match searched.median() {
        None if found == 0 => "—".to_owned(),
        None => format!("— ({found} of {all})"),
        Some((runs, wall_ms)) => {
            let seconds = format!("{}.{} s", wall_ms / 1_000, wall_ms % 1_000 / 100);
            let some = if found < all { format!(", {found} of {all}") } else { String::new() };
            format!("{} ({seconds}{some})", grouped(runs))
        }
    }
}

/// What the table adds up to.
fn summary(hunted: &[Hunted], options: &HuntOptions) -> String {
    let mut text = format!(
        "Runs (and seconds on one thread) until the first violation, medians of {} searches of at \
         most {} runs; — where most searches found nothing.\n",
        options.campaigns,
        grouped(options.runs_max)
    );
    for (place, strategy) in options.strategies.iter().enumerate() {
        let falls = hunted.iter().filter(|it| it.searches[place].median().is_some()).count();
        let percent = (falls * 100).checked_div(hunted.len()).unwrap_or_default();
        writeln!(text, "{strategy}: {falls} of {} flaws, {percent} %", hunted.len())
            .expect("a string takes all");
    }
    let smallest: Vec<u64> =
        hunted.iter().filter_map(|it| it.smallest.as_ref()).map(|it| it.faults).collect();
    let sum: u64 = smallest.iter().sum();
    if let Some(tenths) = (sum * 10).checked_div(smallest.len() as u64) {
        let mean = format!("{}.{}", tenths / 10, tenths % 10);
        writeln!(text, "shrunk plans have {mean} faults on average").expect("a string takes all");
    }
    text
}
