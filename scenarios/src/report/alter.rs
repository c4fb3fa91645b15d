//! What the properties said to altered streams, in all of its formats.

use std::fmt::Write as _;

use super::format::{Format, Offer, Written, json};
use super::style::{BAD, FAINT, GOOD, HEAD, LOUD, counted, grouped, paint};
use crate::alter::EXCUSES;
use crate::alter::tally::{Cell, Tally};

/// The tallies of some scenarios.
#[derive(Clone, Copy, Debug)]
pub struct AlterOutput<'a> {
    /// One for each scenario.
    pub tallies: &'a [Tally],
    /// How many of a hundred must be noticed.
    pub least: u64,
    /// Whether only the verdicts are written.
    pub is_quiet: bool,
}

impl Written for AlterOutput<'_> {
    fn offers() -> Vec<Offer<Self>> {
        vec![
            Offer { format: Format::Human, about: "For people", write: |it| Ok(it.human()) },
            Offer {
                format: Format::Json,
                about: "For programs: every kind of fact and change, with the first misses",
                write: |it| json(&it.tallies),
            },
        ]
    }
}

impl AlterOutput<'_> {
    fn human(&self) -> String {
        let mut text = String::new();
        for tally in self.tallies {
            let Tally { scenario, seeds, runs, .. } = tally;
            let runs = counted(*runs, "clean run");
            writeln!(text, "{} {scenario} {seeds}: {runs}", paint(HEAD, "altered"))
                .expect("a string takes all");
            if 0 < tally.failing {
                let failing = counted(tally.failing, "run");
                writeln!(text, "left out: {failing} in which a property is violated")
                    .expect("a string takes all");
            }
            for (property, runs) in tally.unasked.iter().filter(|_| !self.is_quiet) {
                let runs = counted(*runs, "run");
                writeln!(text, "not asked in {runs}: {property}, which rests on more than reports")
                    .expect("a string takes all");
            }
            if !self.is_quiet {
                text.push_str(&table(tally));
                text.push_str(&misses(tally));
            }
            text.push_str(&self.verdict(tally));
        }
        if !self.is_quiet {
            text.push_str(&excuses(self.tallies));
        }
        text
    }

    fn verdict(&self, tally: &Tally) -> String {
        let (noticed, speaking) = tally.score();
        let hundredths = (noticed * 10_000).checked_div(speaking).unwrap_or_default();
        let (percent, rest) = (hundredths / 100, hundredths % 100);
        let word = match tally.reaches(self.least) {
            Some(true) => paint(GOOD, "PASS"),
            Some(false) => paint(BAD, "FAIL"),
            None => paint(LOUD, "INCONCLUSIVE"),
        };
        let (noticed, speaking) = (grouped(noticed), grouped(speaking));
        format!(
            "{word}  noticed {noticed} of {speaking} alterations of facts that a property speaks \
             of: {percent}.{rest:02} %, of at least {} %\n\n",
            self.least
        )
    }
}

fn table(tally: &Tally) -> String {
    let mut rows = vec![
        ["fact", "change", "tried", "noticed", "excused", "missed", "noticed by"]
            .map(str::to_owned),
    ];
    for ((kind, change), cell) in &tally.cells {
        let excused = cell.excused.values().sum::<u64>();
        rows.push([
            (*kind).to_owned(),
            (*change).to_owned(),
            grouped(cell.tried),
            grouped(cell.noticed),
            grouped(excused),
            grouped(cell.missed),
            by(cell),
        ]);
    }
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max();
    let widths: Vec<usize> = (0..7).map(|column| width(column).unwrap_or_default()).collect();
    let mut text = String::new();
    for (number, row) in rows.iter().enumerate() {
        let mut line = String::new();
        for (column, cell) in row.iter().enumerate() {
            let width = widths[column];
            let is_number = (2..6).contains(&column);
            if is_number {
                write!(line, "{cell:>width$}  ")
            } else {
                write!(line, "{cell:<width$}  ")
            }
            .expect("a string takes all");
        }
        let line = line.trim_end();
        let line = if number == 0 { paint(HEAD, line) } else { line.to_owned() };
        writeln!(text, "{line}").expect("a string takes all");
    }
    text
}

/// The properties that noticed, those first that noticed most.
fn by(cell: &Cell) -> String {
    let mut by: Vec<_> = cell.by.iter().collect();
    by.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
    let by: Vec<String> = by.into_iter().map(|(name, count)| format!("{name} {count}")).collect();
    by.join(", ")
}

fn misses(tally: &Tally) -> String {
    let mut text = String::new();
    for ((kind, change), cell) in &tally.cells {
        for miss in &cell.misses {
            let what = paint(BAD, format!("missed {kind} {change}"));
            let (seed, event) = (miss.seed, miss.event);
            writeln!(text, "{what}  seed {seed}, event {event}: {} | {}", miss.before, miss.after)
                .expect("a string takes all");
        }
    }
    text
}

fn excuses(tallies: &[Tally]) -> String {
    let mut text = String::new();
    for (name, reason) in EXCUSES {
        let cells = tallies.iter().flat_map(|tally| tally.cells.values());
        let count: u64 = cells.filter_map(|cell| cell.excused.get(name)).sum();
        if 0 < count {
            let line = format!("excused {}: {name}: {reason}", grouped(count));
            writeln!(text, "{}", paint(FAINT, line)).expect("a string takes all");
        }
    }
    text
}
