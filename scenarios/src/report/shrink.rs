//! A shrunk run in all of its formats. People get its size before and after, and its plan in words.

use std::fmt::Write as _;
use std::io;

use byzsim_adversaries::{Fault, Plan};

use super::format::{Format, Offer, Written, json};
use super::run::{beyond_f_label, line};
use super::style::{BAD, FAINT, GOOD, HEAD, LOUD, counted, grouped, paint};
use crate::file::format::VERSION;
use crate::run::scenario::Scenario;
use crate::shrink::{Shrunk, Size};

/// A shrunk run with what its output needs.
#[derive(Clone, Copy, Debug)]
pub struct ShrinkOutput<'a> {
    /// What came out.
    pub shrunk: &'a Shrunk,
    /// The scenario of the smaller run, as its file says.
    pub smaller: &'a Scenario,
    /// That file.
    pub file: &'a str,
    /// Whether people get the verdict only.
    pub is_quiet: bool,
    /// Whether people get every step that was taken.
    pub is_verbose: bool,
}

impl Written for ShrinkOutput<'_> {
    fn offers() -> Vec<Offer<Self>> {
        vec![
            Offer { format: Format::Human, about: "For people", write: |it| Ok(it.human()) },
            Offer { format: Format::Json, about: "For programs", write: Self::json },
        ]
    }
}

impl ShrinkOutput<'_> {
    fn human(&self) -> String {
        if self.is_quiet {
            return verdict(self.shrunk);
        }
        let mut text = String::new();
        if self.is_verbose {
            text.push_str(&history(self.shrunk));
        }
        text.push_str(&summary(self.shrunk, self.smaller));
        line(&mut text, "replays", "identically, and fails for the same reason");
        line(&mut text, "replay", &format!("byzsim replay {}", self.file));
        text
    }

    fn json(&self) -> io::Result<String> {
        let mut value = serde_json::to_value(self.shrunk)?;
        value["plan"] = self.smaller.file.faults.faults.iter().map(Fault::in_words).collect();
        value["file"] = self.file.into();
        json(&value)
    }
}

/// Everything but what to do next.
fn summary(shrunk: &Shrunk, smaller: &Scenario) -> String {
    let repro = &shrunk.repro;
    let mut text = format!(
        "{}  {}  seed {}  {}\n",
        paint(HEAD, format!("byzsim {VERSION}")),
        repro.name,
        repro.seed,
        reason(shrunk)
    );
    if smaller.file.beyond_f {
        text.push_str(&beyond_f_label());
    }
    text.push_str(&table(&shrunk.before, &shrunk.after));
    text.push_str(&verdict(shrunk));
    text.push_str(&plan(&smaller.file.faults));
    if let Some(found) = &repro.found {
        line(&mut text, "fails", &format!("{}: {}", found.property, found.explanation));
    }
    text
}

/// Why it fails: `agreement (two batches, one view)`.
fn reason(shrunk: &Shrunk) -> String {
    let reason = &shrunk.reason;
    format!("{} ({})", paint(BAD, &reason.property), reason.shape)
}

/// In one line, what became of the run.
fn verdict(shrunk: &Shrunk) -> String {
    let runs = counted(shrunk.runs, "run");
    let steps = counted(shrunk.steps.len() as u64, "step");
    let what = match (shrunk.is_minimal, shrunk.steps.is_empty()) {
        (true, true) => {
            format!("{}  nothing can be removed ({runs})", paint(GOOD, "MINIMAL ALREADY"))
        }
        (true, false) => {
            let what = "nothing more can be removed";
            format!("{}  {what} ({steps}, {runs})", paint(GOOD, "MINIMAL"))
        }
        (false, _) => {
            let what = "not minimal: the budget of runs (`--runs-max`) or of events ran out";
            format!("{}  {what} ({steps}, {runs})", paint(LOUD, "SMALLER"))
        }
    };
    format!("{what}\n")
}

fn table(before: &Size, after: &Size) -> String {
    let mut text = format!("{}\n", paint(HEAD, format!("{:<16}{:>8}{:>8}", "", "before", "after")));
    for (name, before, after) in [
        ("faults", before.faults, after.faults),
        ("corrupted nodes", before.corrupted, after.corrupted),
        ("clients", before.clients, after.clients),
        ("operations", before.operations, after.operations),
        ("replicas", before.replicas, after.replicas),
        ("events", before.events, after.events),
    ] {
        let row = format!("{name:<16}{:>8}{:>8}", grouped(before), grouped(after));
        let row = if before == after { paint(FAINT, row) } else { row };
        writeln!(text, "{row}").expect("a string takes all");
    }
    text
}

/// One sentence per fault.
fn plan(plan: &Plan) -> String {
    let mut text = String::new();
    if plan.faults.is_empty() {
        line(&mut text, "plan", "no fault: the run fails without any");
    }
    for (number, fault) in plan.faults.iter().enumerate() {
        let heading = if number == 0 { "plan" } else { "" };
        line(&mut text, heading, &format!("{}. {}", number + 1, fault.in_words()));
        if let Some(note) = &fault.note {
            line(&mut text, "", &paint(FAINT, format!("   {note}")));
        }
    }
    text
}

/// Every step that was taken.
fn history(shrunk: &Shrunk) -> String {
    let heading = format!("{:>7} {:>7} {:>7}  removed", "runs", "faults", "events");
    let mut text = format!("{}\n", paint(HEAD, heading));
    for step in &shrunk.steps {
        let (faults, events) = (grouped(step.after.faults), grouped(step.after.events));
        writeln!(text, "{:>7} {faults:>7} {events:>7}  {}", grouped(step.runs), step.what)
            .expect("a string takes all");
    }
    text
}
