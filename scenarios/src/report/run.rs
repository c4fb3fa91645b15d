//! One run in all of its formats. People get the complete setup, the verdict, and the command that
//! plays it again.

use std::fmt::Write as _;

use byzsim_core::{Audit, Ended, Moved, Outcome, Served, Span, Verdict};

use super::accountability;
use super::format::{Format, Offer, Written, json};
use super::style::{BAD, FAINT, GOOD, HEAD, LOUD, counted, grouped, paint};
use crate::file::format::{Expect, VERSION};
use crate::run::accountability::Accountability;
use crate::run::draw::Drawn;
use crate::run::expect::Judgement;
use crate::run::result::Report;
use crate::run::scenario::Scenario;
use crate::sweep::row::{self, Row};

/// A run with what its output needs.
#[derive(Clone, Copy, Debug)]
pub struct RunOutput<'a> {
    /// The scenario.
    pub scenario: &'a Scenario,
    /// The outcome.
    pub report: &'a Report,
    /// Who is to blame for what it violates.
    pub accountability: Option<&'a Accountability>,
    /// The run step by step, if it is shown.
    pub steps: Option<&'a str>,
    /// The command that plays it again.
    pub again: &'a str,
}

impl Written for RunOutput<'_> {
    fn offers() -> Vec<Offer<Self>> {
        vec![
            Offer { format: Format::Human, about: "For people", write: |it| Ok(it.human()) },
            Offer { format: Format::Json, about: "For programs", write: |it| json(&it.row()) },
        ]
    }
}

impl RunOutput<'_> {
    fn row(&self) -> Row {
        Row { accountability: self.accountability.cloned(), ..Row::new(self.report) }
    }

    fn human(&self) -> String {
        let Report { seed, drawn, beyond_f, .. } = self.report;
        let mut text = header(self.scenario, *seed, drawn, *beyond_f);
        text.push_str(self.steps.unwrap_or_default());
        text.push_str(&verdict(self.scenario, self.report));
        if let Some(accountability) = self.accountability {
            text.push_str(&accountability::human(accountability));
        }
        line(&mut text, "replay", self.again);
        text
    }
}

/// What identifies the run: version, scenario, seed, everything drawn.
pub fn header(scenario: &Scenario, seed: u64, drawn: &Drawn, beyond_f: bool) -> String {
    let committee = scenario.under(drawn).committee;
    let mut text = format!(
        "{}  {}  #{}  seed {seed}\n",
        paint(HEAD, format!("byzsim {VERSION}")),
        scenario.name,
        &scenario.hash.hex()[..8],
    );
    line(&mut text, "shows", &scenario.file.title);
    let cluster = format!(
        "{} n={} f={}  {}",
        scenario.file.protocol,
        committee.replicas,
        committee.faults,
        counted(u64::from(committee.clients), "client")
    );
    line(&mut text, "cluster", &cluster);
    line(&mut text, "drawn", &drawn.summary());
    if let Some(flaws) = scenario.file.params.get("flaws").and_then(|flaws| flaws.as_array())
        && !flaws.is_empty()
    {
        let names: Vec<&str> = flaws.iter().filter_map(|flaw| flaw.as_str()).collect();
        line(&mut text, "planted", &paint(LOUD, names.join(" ")));
    }
    for note in &scenario.notes {
        line(&mut text, "note", &paint(LOUD, note));
    }
    if beyond_f {
        text.push_str(&beyond_f_label());
    }
    text
}

/// The label of runs in which more goes wrong than a protocol tolerates.
pub fn beyond_f_label() -> String {
    let label = "BEYOND f: more goes wrong here than the protocol claims to tolerate";
    format!("{}\n", paint(LOUD, label))
}

/// How long operations took that arrive on their own: from their arrival on, and of that at their
/// clients, while others were open.
fn waits(scenario: &Scenario, outcome: &Outcome) -> Option<String> {
    scenario.file.workload.arrival?;
    let served = outcome.served.iter().filter(|it| !it.of_audit);
    let taken = |it: &Served| {
        let (at, _) = it.completed.as_ref()?;
        Some((at.since(it.arrived), it.asked.since(it.arrived)))
    };
    let taken: Vec<(Span, Span)> = served.filter_map(taken).collect();
    let count = u128::try_from(taken.len()).ok().filter(|count| 0 < *count)?;
    let mean = |spans: &mut dyn Iterator<Item = Span>| {
        // A sum may be beyond 64 bits; a mean is not.
        let sum: u128 = spans.map(|it| u128::from(it.nanos())).sum();
        Span::from_nanos(u64::try_from(sum / count).expect("no mean exceeds the greatest"))
    };
    let slowest = taken.iter().map(|(whole, _)| *whole).max()?;
    let longest = taken.iter().map(|(_, queued)| *queued).max()?;
    Some(format!(
        "from arrival to answer {} on average, {slowest} at most; of that queued at the client {} \
         on average, {longest} at most",
        mean(&mut taken.iter().map(|(whole, _)| *whole)),
        mean(&mut taken.iter().map(|(_, queued)| *queued)),
    ))
}

/// The outcome.
pub fn verdict(scenario: &Scenario, report: &Report) -> String {
    let mut text = String::new();
    let played = match &report.result {
        Err(panic) => {
            let what = format!("the protocol panicked at {}: {}", panic.location, panic.message);
            writeln!(text, "{}  {what}", paint(BAD, "FAIL")).expect("a string");
            return text;
        }
        Ok(played) => played,
    };
    let outcome = &played.outcome;
    let mut words = vec![headline(scenario, report)];
    words.extend(report.verdicts().iter().map(|(name, verdict)| match verdict {
        Verdict::Holds(0) => format!("{name} not judged"),
        Verdict::Holds(_) => (*name).to_owned(),
        Verdict::Violated(_) => paint(BAD, format!("{name} VIOLATED")),
        Verdict::Inconclusive(_) if report.is_unjudged(name) => {
            paint(FAINT, format!("{name} not judged"))
        }
        Verdict::Inconclusive(_) => paint(LOUD, format!("{name} inconclusive")),
    }));
    writeln!(text, "{}", words.join("  ")).expect("a string");
    let facts = format!(
        "{}/{} operations{}  {}  {}  {}  {}  {}",
        row::completed(outcome),
        outcome.operations,
        audit(outcome),
        highest(outcome.view_max),
        counted(outcome.events, "event"),
        counted(outcome.metrics.messages(), "message"),
        outcome.end,
        ended(outcome.ended),
    );
    line(&mut text, "", &facts);
    if let Some(waits) = waits(scenario, outcome) {
        line(&mut text, "", &waits);
    }
    for (name, verdict) in report.verdicts() {
        match verdict {
            Verdict::Violated(violation) => {
                let what = format!("{name} at {}: {}", violation.at.time, violation.explanation);
                line(&mut text, "", &paint(BAD, what));
            }
            Verdict::Inconclusive(why) if !report.is_unjudged(name) => {
                line(&mut text, "", &format!("{name}: {why}"));
            }
            Verdict::Inconclusive(_) | Verdict::Holds(_) => {}
        }
    }
    for (name, remark) in &outcome.remarks {
        line(&mut text, "", &format!("{name}: {remark}"));
    }
    text.push_str(&faults(scenario, report));
    line(&mut text, "network", &moved(&outcome.metrics.moved).join("  "));
    let reached: Vec<String> = outcome
        .milestones
        .counts()
        .iter()
        .map(|(name, count)| format!("{name} {}", grouped(*count)))
        .collect();
    if !reached.is_empty() {
        line(&mut text, "reached", &reached.join("  "));
    }
    line(&mut text, "trace", &outcome.trace.hex());
    text
}

fn headline(scenario: &Scenario, report: &Report) -> String {
    let expects_violation = matches!(scenario.file.expect, Expect::Violated(_));
    match report.judgement {
        Judgement::Expected if expects_violation => paint(GOOD, "PASS  violated, as expected:"),
        Judgement::Expected => paint(GOOD, "PASS"),
        Judgement::Violation => paint(BAD, "FAIL"),
        Judgement::Inconclusive if expects_violation => {
            paint(LOUD, "INCONCLUSIVE  not violated on this seed:")
        }
        Judgement::Inconclusive => paint(LOUD, "INCONCLUSIVE"),
    }
}

/// How far the views went. That is no count of view changes: where leaders rotate, views are
/// entered in the normal course, and elsewhere one may fail before anybody enters it.
fn highest(view: u64) -> String {
    format!("highest view {}", grouped(view))
}

/// The audit, beside the operations of the workload.
fn audit(outcome: &Outcome) -> String {
    match outcome.audit {
        Audit::Off => String::new(),
        Audit::NoCorrectClient => "  no audit: no correct client is left to read".to_owned(),
        Audit::CutShort(reads) => format!(
            "  audit cut short after {}/{reads} reads: no correct client is left",
            row::audited(outcome)
        ),
        Audit::Reads(reads) => format!("  {}/{reads} audit reads", row::audited(outcome)),
    }
}

const fn ended(ended: Ended) -> &'static str {
    match ended {
        Ended::Done => "done",
        Ended::Unsettled => "ended because correct nodes did not come to rest",
        Ended::Overdue => "ended by an overdue operation",
        Ended::Quiet => "ended because no event was left",
        Ended::Horizon => "ended at the time limit",
        Ended::EventLimit => "ended at the event limit",
    }
}

/// What the network and its model did to messages, beside the latency that was drawn.
pub fn moved(moved: &Moved) -> Vec<String> {
    let counts = moved.counts().into_iter().filter(|(_, count)| 0 < *count);
    let words: Vec<String> =
        counts.map(|(name, count)| format!("{name} {}", grouped(count))).collect();
    if words.is_empty() {
        return vec!["its model changed nothing, and no message was lost or copied".to_owned()];
    }
    words
}

/// Which faults fired and, prominently, which did not.
fn faults(scenario: &Scenario, report: &Report) -> String {
    let Ok(played) = &report.result else { return String::new() };
    let mut text = String::new();
    if played.fired.is_empty() {
        return text;
    }
    let name = |place: usize| report.drawn.plan.faults[place].action.name();
    let fired: Vec<String> = played
        .fired
        .iter()
        .enumerate()
        .filter(|(_, count)| 0 < **count)
        .map(|(place, count)| format!("{place} {} {}x", name(place), grouped(*count)))
        .collect();
    let listed = if fired.is_empty() { "none".to_owned() } else { fired.join("  ") };
    line(&mut text, "fired", &listed);
    let silent: Vec<String> =
        report.unfired().into_iter().map(|place| format!("{place} {}", name(place))).collect();
    if !silent.is_empty() {
        let drawn = if scenario.file.random.is_some() { " (drawn)" } else { "" };
        let what = format!("NEVER FIRED: {}{drawn}", silent.join("  "));
        line(&mut text, "", &paint(LOUD, what));
    }
    text
}

/// How much room a line has for its heading.
pub(super) const HEADING: usize = 8;

/// A line under a short heading.
pub fn line(text: &mut String, heading: &str, what: &str) {
    writeln!(text, "{heading:<HEADING$}{what}").expect("a string takes all");
}
