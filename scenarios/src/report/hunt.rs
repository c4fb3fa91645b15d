//! A hunt in all of its formats: as a table for people, in Markdown, as JSON.

use std::fmt::Write as _;
use std::io;

use serde_json::json as value;

use super::format::{Format, Offer, Written, json};
use super::style::{HEAD, LOUD, counted, grouped, paint};
use crate::file::format::VERSION;
use crate::hunt::found::{Hunted, Searched, Smaller};
use crate::hunt::{Effort, HuntOptions, SHRINK_BUDGET};

/// What was hunted, and of how many flaws.
#[derive(Clone, Copy, Debug)]
pub struct Table<'a> {
    /// The flaws that are finished.
    pub hunted: &'a [Hunted],
    /// How many there would be without an interruption.
    pub wanted: usize,
    /// How they were hunted.
    pub options: &'a HuntOptions,
    /// The command that hunts the same again.
    pub command: &'a str,
}

impl Written for Table<'_> {
    fn offers() -> Vec<Offer<Self>> {
        vec![
            Offer { format: Format::Human, about: "For people", write: |it| Ok(it.human()) },
            Offer {
                format: Format::Json,
                about: "For programs: every search separately",
                write: Self::json,
            },
            Offer {
                format: Format::Md,
                about: "A table in Markdown",
                write: |it| Ok(it.markdown()),
            },
        ]
    }
}

impl Table<'_> {
    fn json(&self) -> io::Result<String> {
        let options = self.options;
        json(&value!({
            "byzsim": VERSION,
            "campaigns": options.campaigns,
            "runs-max": options.strategies.iter().map(|it| it.runs_max).collect::<Vec<u64>>(),
            "shrink-events-max": SHRINK_BUDGET.events_max,
            "flaws-wanted": self.wanted,
            "flaws": self.hunted,
        }))
    }

    fn human(&self) -> String {
        let mut all = vec![self.heads()];
        all.extend(self.hunted.iter().map(cells));
        let width = |column: usize| {
            all.iter().map(|row| row[column].chars().count()).max().unwrap_or_default()
        };
        let widths: Vec<usize> = (0..all[0].len()).map(width).collect();
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
        for line in self.summary() {
            writeln!(text, "{line}").expect("a string takes all");
        }
        if self.hunted.len() < self.wanted {
            let some = format!("{} of {} flaws", self.hunted.len(), self.wanted);
            writeln!(text, "{}  {some}", paint(LOUD, "INCOMPLETE")).expect("a string takes all");
        }
        text
    }

    /// In Markdown, below the command that wrote it.
    pub fn markdown(&self) -> String {
        let (heads, command) = (self.heads(), self.command);
        let mut text = format!("```sh\n{command}\n```\n\n| {} |\n", heads.join(" | "));
        writeln!(text, "|{}", " --- |".repeat(heads.len())).expect("a string takes all");
        for row in self.hunted {
            writeln!(text, "| {} |", cells(row).join(" | ")).expect("a string takes all");
        }
        text.push('\n');
        for line in self.summary() {
            writeln!(text, "- {line}").expect("a string takes all");
        }
        if self.hunted.len() < self.wanted {
            let (finished, wanted) = (self.hunted.len(), self.wanted);
            writeln!(text, "- incomplete: {finished} of {wanted} flaws")
                .expect("a string takes all");
        }
        text
    }

    fn heads(&self) -> Vec<String> {
        let mut heads = vec!["flaw".to_owned(), "violates".to_owned()];
        heads.extend(self.options.strategies.iter().map(|it| it.strategy.to_string()));
        heads.extend(["fell first", "faults", "shrunk to", "what is left"].map(str::to_owned));
        heads
    }

    /// What the table means, and adds up to.
    fn summary(&self) -> Vec<String> {
        let HuntOptions { campaigns, strategies, .. } = self.options;
        let searches = match campaigns {
            1 => "one search".to_owned(),
            _ => format!("medians of {campaigns} searches"),
        };
        let mut lines = vec![format!(
            "runs (and seconds on one thread) until the first violation: {searches}; — where most \
             found nothing"
        )];
        for (place, Effort { strategy, runs_max }) in strategies.iter().enumerate() {
            let falls = |it: &&Hunted| it.searches[place].median().is_some();
            let (falls, all) = (self.hunted.iter().filter(falls).count(), self.hunted.len());
            let percent = (falls * 100).checked_div(all).unwrap_or_default();
            let within = grouped(*runs_max);
            lines.push(format!(
                "{strategy}: {falls} of {all} flaws, {percent} %, within {within} runs"
            ));
        }
        lines.extend(self.shrunk());
        lines
    }

    /// What shrinking came to.
    fn shrunk(&self) -> Vec<String> {
        let smallest: Vec<&Smaller> = self.hunted.iter().filter_map(Hunted::smallest).collect();
        let all: Vec<&Smaller> = self.hunted.iter().flat_map(Hunted::shrunk).collect();
        let Some(longest) = all.iter().map(|it| it.wall_ms).max() else { return Vec::new() };
        let spent = all.iter().filter(|it| !it.is_minimal).count();
        let most = smallest.iter().map(|it| it.faults).max().unwrap_or_default();
        let mut lines = vec![
            format!(
                "shrunk: the smallest of up to three findings of a flaw; {} faults on average, \
                 {most} at most; all {} that were shrunk: {} on average",
                mean(&smallest),
                all.len(),
                mean(&all)
            ),
            match spent {
                0 => "all of them are minimal: no single step makes one smaller".to_owned(),
                _ => format!(
                    "“or fewer”: {spent} of them are not minimal: shrinking ended before, after {} \
                     events at most",
                    grouped(SHRINK_BUDGET.events_max)
                ),
            },
            format!(
                "each shrunk run was replayed, and fails for the same reason; the longest shrink \
                 took {}",
                seconds(longest)
            ),
        ];
        let catches = self.hunted.iter().flat_map(|it| it.catches().map(|catch| (it.flaw, catch)));
        let refusals = catches.filter_map(|(flaw, it)| Some((flaw, it.refusal.as_ref()?)));
        lines.extend(refusals.map(|(flaw, why)| format!("NOT SHRUNK {flaw}: {why}")));
        lines
    }
}

/// A flaw that is finished, in one line.
pub fn progress(hunted: &Hunted, options: &HuntOptions) -> String {
    let mut text = hunted.flaw.to_owned();
    for (Effort { strategy, .. }, searches) in options.strategies.iter().zip(&hunted.searches) {
        write!(text, "  {strategy} {}", searched(searches)).expect("a string takes all");
    }
    if let Some(it) = hunted.smallest() {
        let (before, left) = (it.faults_before, counted(it.faults, "fault"));
        let more = or_fewer(it);
        write!(text, "  {}  {before} → {left}{more}", hunted.fell().join(", "))
            .expect("a string takes all");
    }
    text
}

fn cells(hunted: &Hunted) -> Vec<String> {
    let mut cells = vec![hunted.flaw.to_owned(), hunted.violates.to_owned()];
    cells.extend(hunted.searches.iter().map(searched));
    cells.push(hunted.fell().join(", "));
    let Some(smallest) = hunted.smallest() else {
        cells.extend(["", "", ""].map(str::to_owned));
        return cells;
    };
    cells.push(smallest.faults_before.to_string());
    cells.push(format!("{}{}", smallest.faults, or_fewer(smallest)));
    let nothing = "no fault: it fails by itself".to_owned();
    cells.push(if smallest.faults == 0 { nothing } else { smallest.class.clone() });
    cells
}

const fn or_fewer(smaller: &Smaller) -> &'static str {
    if smaller.is_minimal { "" } else { " or fewer" }
}

/// `120 (0.3 s)`; with how many of the searches found it, if some did not.
fn searched(searched: &Searched) -> String {
    let (found, all) = (searched.found(), searched.catches.len());
    match searched.median() {
        None if found == 0 => "—".to_owned(),
        None => format!("— ({found} of {all})"),
        Some((runs, wall_ms)) => {
            let some = if found < all { format!(", {found} of {all}") } else { String::new() };
            format!("{} ({}{some})", grouped(runs), seconds(wall_ms))
        }
    }
}

fn seconds(wall_ms: u64) -> String {
    if wall_ms < 100 {
        return "<0.1 s".to_owned();
    }
    format!("{}.{} s", wall_ms / 1_000, wall_ms % 1_000 / 100)
}

/// How many faults are left on average, with one decimal.
fn mean(all: &[&Smaller]) -> String {
    let sum: u64 = all.iter().map(|it| it.faults).sum();
    let tenths = (sum * 10).checked_div(all.len() as u64).unwrap_or_default();
    format!("{}.{}", tenths / 10, tenths % 10)
}
