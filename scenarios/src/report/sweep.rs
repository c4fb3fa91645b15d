//! A sweep in all of its formats: for people, in Markdown, as JSON.

use std::fmt::Write as _;
use std::io;

use byzsim_core::PROPERTIES;

use super::format::{Format, Offer, Written, json};
use super::run::{beyond_f_label, line, moved};
use super::style::{BAD, FAINT, GOOD, HEAD, LOUD, counted, grouped, paint, verb};
use crate::file::format::Expect;
use crate::run::expect::{Judgement, PANIC};
use crate::run::strategy::Strategy;
use crate::shrink::Cause;
use crate::sweep::options::Shard;
use crate::sweep::summary::{FindingGroup, Slackest, Summary, Tally};

/// How a sweep went, apart from what came out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Circumstances {
    /// How long it took, in milliseconds; nothing if it was merged from shards.
    pub wall_ms: Option<u64>,
    /// How many threads played.
    pub jobs: usize,
    /// Why the runs fail that were shrunk.
    pub causes: Vec<Cause>,
    /// Repro files that were written.
    pub repros: Vec<String>,
    /// Where the rows are.
    pub rows: Option<String>,
}

/// A sweep with what its output needs. Formats with rows have a line for each run
/// ([`super::row`]), and the summary beside them.
#[derive(Clone, Copy, Debug)]
pub struct SweepOutput<'a> {
    /// What came out.
    pub summary: &'a Summary,
    /// How it went.
    pub circumstances: &'a Circumstances,
    /// Whether people get the verdict only.
    pub is_quiet: bool,
}

impl Written for SweepOutput<'_> {
    fn offers() -> Vec<Offer<Self>> {
        let people = |it: &Self| match it.is_quiet {
            true => Ok(verdict(it.summary)),
            false => Ok(summary(it.summary, it.circumstances)),
        };
        vec![
            Offer { format: Format::Human, about: "The summary, for people", write: people },
            Offer { format: Format::Json, about: "The summary, for programs", write: as_json },
            Offer {
                format: Format::Ndjson,
                about: "The rows, one JSON object per line; the summary goes to stderr",
                write: people,
            },
            Offer {
                format: Format::Csv,
                about: "The numbers of the rows; the summary goes to stderr",
                write: people,
            },
            Offer {
                format: Format::Md,
                about: "The summary as tables in Markdown",
                write: |it| Ok(markdown(it.summary)),
            },
        ]
    }
}

fn as_json(output: &SweepOutput<'_>) -> io::Result<String> {
    let summary = output.summary;
    let mut value = serde_json::to_value(summary)?;
    value["digest"] = summary.digest().hex().into();
    value["distinct-traces"] = summary.distinct_traces().into();
    value["distinct-shapes"] = summary.commit_orders.len().into();
    value["judgement"] = serde_json::to_value(summary.judgement())?;
    value["never-reached"] = summary.missed().into();
    value["causes"] = serde_json::to_value(&output.circumstances.causes)?;
    json(&value)
}

/// The whole summary.
fn summary(summary: &Summary, how: &Circumstances) -> String {
    let head = &summary.head;
    let mut text = format!(
        "{}  {}  #{}  seeds {}",
        paint(HEAD, format!("byzsim {}", head.byzsim)),
        head.scenario,
        &head.hash[..head.hash.len().min(8)],
        head.seeds
    );
    if head.shard != Shard::WHOLE {
        write!(text, "  shard {}", head.shard).expect("a string");
    }
    text.push_str(&head.strategy.said("  strategy "));
    text.push('\n');
    if head.beyond_f || 0 < summary.beyond_f_runs {
        text.push_str(&beyond_f_label());
    }
    let notes: Vec<String> = head.notes.iter().map(|note| paint(LOUD, note)).collect();
    block(&mut text, "NOTES", &notes);
    block(&mut text, "PROPERTIES", &properties(summary));
    block(&mut text, "REACHED", &reached(summary));
    block(&mut text, "FAULTS", &faults(summary));
    block(&mut text, "SLACK", &slack(summary));
    block(&mut text, "NETWORK", &wrap(moved(&summary.moved)));
    let distinct = format!(
        "{}  {}",
        counted(summary.distinct_traces() as u64, "trace"),
        counted(summary.commit_orders.len() as u64, "commit order")
    );
    block(&mut text, "DISTINCT", &[distinct]);
    block(&mut text, "FAILING", &failing(summary, &how.causes));
    block(&mut text, "UNDECIDED", &undecided(summary));
    text.push_str(&verdict(summary));
    line(&mut text, "digest", &summary.digest().hex());
    if let Some(wall_ms) = how.wall_ms {
        let rate = summary.runs * 1_000 / wall_ms.max(1);
        let what = format!(
            "{} runs/s  {} events/s  {}  {}.{:03}s",
            grouped(rate),
            grouped(summary.events * 1_000 / wall_ms.max(1)),
            counted(how.jobs as u64, "job"),
            wall_ms / 1_000,
            wall_ms % 1_000
        );
        line(&mut text, "rate", &what);
    }
    if let Some(rows) = &how.rows {
        line(&mut text, "rows", rows);
    }
    text.push_str(&next(summary, how));
    text
}

fn block(text: &mut String, heading: &str, lines: &[String]) {
    for (place, what) in lines.iter().enumerate() {
        let heading = if place == 0 { heading } else { "" };
        writeln!(text, "{}{what}", paint(HEAD, format!("{heading:<12}"))).expect("a string");
    }
}

fn properties(summary: &Summary) -> Vec<String> {
    let words = in_order(summary).map(|(name, tally)| {
        let Tally { holds, violated, inconclusive } = tally;
        if violated + inconclusive + holds == 0 {
            return paint(FAINT, format!("{name} not judged"));
        }
        let mut word = name.to_owned();
        if 0 < holds {
            write!(word, " {}", paint(GOOD, format!("✓ {}", grouped(holds)))).expect("a string");
        }
        if 0 < violated {
            write!(word, " {}", paint(BAD, format!("✗ {}", grouped(violated)))).expect("a string");
        }
        if 0 < inconclusive {
            write!(word, " {}", paint(LOUD, format!("? {}", grouped(inconclusive))))
                .expect("a string");
        }
        word
    });
    wrap(words.collect())
}

/// The verdicts, in the order in which all outputs show properties; panics last.
fn in_order(summary: &Summary) -> impl Iterator<Item = (&str, Tally)> {
    let names = PROPERTIES.iter().map(|property| property.name).chain([PANIC]);
    names.filter_map(|name| summary.properties.get(name).map(|tally| (name, *tally)))
}

fn reached(summary: &Summary) -> Vec<String> {
    let mut ranked: Vec<(&String, &u64)> = summary.reached.iter().collect();
    ranked.sort_by_key(|(name, count)| (std::cmp::Reverse(**count), (*name).clone()));
    let mut words: Vec<String> =
        ranked.into_iter().map(|(name, count)| format!("{name} {}", grouped(*count))).collect();
    let missed = summary.missed().into_iter();
    words.extend(missed.map(|name| paint(LOUD, format!("{name} 0 ← NEVER REACHED"))));
    wrap(words)
}

fn faults(summary: &Summary) -> Vec<String> {
    let faults = summary.faults;
    if faults.planned == 0 {
        return vec!["none planned".to_owned()];
    }
    let mut what = format!("{} of {} fired", grouped(faults.fired), grouped(faults.planned));
    if 0 < faults.silent_runs {
        let seeds = counted(faults.silent_runs, "seed");
        write!(what, "  {}", paint(LOUD, format!("no fault fired on {seeds}"))).expect("a string");
    }
    let fired = summary.head.named.iter().zip(&summary.named_fired).enumerate();
    let never = fired.filter(|(_, (_, runs))| 0 < summary.runs && **runs == 0);
    let words = never.map(|(place, (name, _))| {
        paint(LOUD, format!("fault {} ({name}) ← NEVER FIRED", place + 1))
    });
    std::iter::once(what).chain(wrap(words.collect())).collect()
}

/// How near any run came to a violation of liveness.
fn slack(summary: &Summary) -> Vec<String> {
    let line = |Slackest { used_permille, seed, slack }: Slackest| {
        let (whole, tenth) = (used_permille / 10, used_permille % 10);
        format!(
            "the slowest operation took {} of {} ({whole}.{tenth} % of its bound), on seed {seed}",
            slack.slowest, slack.bound
        )
    };
    summary.slack.map(line).into_iter().collect()
}

/// The findings: first those that were shrunk, by cause, then what these runs violate as well.
fn failing(summary: &Summary, causes: &[Cause]) -> Vec<String> {
    let of_group = |group: &FindingGroup| {
        let is_of_group = |cause: &&Cause| {
            cause.reason.property == group.property && cause.reason.shape == group.shape
        };
        causes.iter().filter(is_of_group).collect::<Vec<_>>()
    };
    let heading = |group: &FindingGroup| {
        let seeds = counted(group.runs, "seed");
        format!("{}  {}  on {seeds}", paint(BAD, &group.property), group.shape)
    };
    let (explained, others): (Vec<&FindingGroup>, Vec<&FindingGroup>) =
        summary.findings.iter().partition(|group| !of_group(group).is_empty());
    let mut lines = Vec::new();
    for group in explained {
        lines.push(heading(group));
        lines.extend(of_group(group).into_iter().flat_map(cause_lines));
    }
    for group in others {
        let (events, seed) = group.smallest;
        let seeds: Vec<String> = group.seeds.iter().map(u64::to_string).collect();
        let smallest = format!("smallest seed {seed} ({})", counted(events, "event"));
        lines.push(format!("{}: {smallest}, first {}", heading(group), seeds.join(" ")));
        lines.push(format!("  {}", group.explanation));
    }
    lines
}

/// A cause, by its smallest run.
fn cause_lines(cause: &Cause) -> Vec<String> {
    let (before, after) = (grouped(cause.faults_before), counted(cause.faults_after, "fault"));
    let runs = counted(cause.runs, "shrunk run");
    let mut lines = vec![format!("  {}  in {runs}", paint(LOUD, &cause.class))];
    let place = match &cause.files {
        Some([_, smaller]) => smaller.clone(),
        None => format!("seed {}", cause.seed),
    };
    let more = if cause.is_minimal { "" } else { "  (not minimal: `byzsim shrink` continues)" };
    lines.push(format!("    {before} → {after}: {place}{more}"));
    lines.extend(cause.plan.iter().map(|fault| format!("    - {fault}")));
    lines.push(format!("    {}", cause.explanation));
    lines
}

fn undecided(summary: &Summary) -> Vec<String> {
    let spared = |name: &str| match &summary.head.expect {
        Expect::Inconclusive(names) => names.iter().any(|spared| spared == name),
        Expect::Holds | Expect::Violated(_) => false,
    };
    let line = |(name, (seed, why)): (&String, &(u64, String))| {
        let note = if spared(name) { ", as expected" } else { "" };
        format!("{name}{note}: seed {seed}: {why}")
    };
    summary.undecided.iter().map(line).collect()
}

/// The line with the verdict.
fn verdict(summary: &Summary) -> String {
    let runs = counted(summary.runs, "run");
    let mut text = match summary.judgement() {
        Judgement::Violation => {
            let count = summary.judged(Judgement::Violation);
            let violate = verb(count, "violates", "violate");
            let what = format!("{} of {runs} {violate} what should hold", grouped(count));
            format!("{}  {what}\n", paint(BAD, "FAIL"))
        }
        Judgement::Inconclusive => {
            let mut why = Vec::new();
            if !summary.missed().is_empty() {
                why.push(format!("never reached: {}", summary.missed().join(", ")));
            }
            if !summary.unviolated().is_empty() {
                why.push(format!("never violated: {}", summary.unviolated().join(", ")));
            } else if matches!(summary.head.expect, Expect::Holds | Expect::Inconclusive(_)) {
                let count = summary.judged(Judgement::Inconclusive);
                if 0 < count {
                    why.push(format!("{} undecided", counted(count, "run")));
                }
            }
            format!("{}  {runs}: {}\n", paint(LOUD, "INCONCLUSIVE"), why.join("; "))
        }
        Judgement::Expected => match &summary.head.expect {
            Expect::Violated(names) => {
                format!(
                    "{}  {runs}: {} violated, as expected\n",
                    paint(GOOD, "PASS"),
                    names.join(", ")
                )
            }
            Expect::Holds | Expect::Inconclusive(_) => {
                format!("{}  {runs}, no violation\n", paint(GOOD, "PASS"))
            }
        },
    };
    if summary.runs < summary.wanted() {
        let wanted = grouped(summary.wanted());
        writeln!(text, "{}  {runs} of {wanted}", paint(LOUD, "INCOMPLETE")).expect("a string");
    }
    if summary.findings.is_empty() && 0 < summary.runs {
        writeln!(text, "        {}", none_violated(summary)).expect("a string");
    }
    text
}

/// What follows from a sweep without a violation.
fn none_violated(summary: &Summary) -> String {
    let runs = counted(summary.runs, "run");
    match summary.head.strategy {
        // Of three runs or fewer it says nothing.
        Strategy::Random | Strategy::Delays | Strategy::Priorities if summary.runs <= 3 => {
            format!("no violation in {runs}: too few for a rate")
        }
        Strategy::Random | Strategy::Delays | Strategy::Priorities => {
            let percent = rule_of_three(summary.runs);
            format!(
                "no violation in {runs}: fewer than {percent} % of such seeds violate a property, \
                 at 95 % confidence (rule of three)"
            )
        }
        Strategy::Guided => {
            format!(
                "no violation in {runs} of one search: they depend on each other, so no rate \
                 follows"
            )
        }
        Strategy::Twins => match summary.twins() {
            Some((played, all)) => {
                let (played, all) = (grouped(played), grouped(all));
                format!("no violation in {played} of {all} schedules of twins")
            }
            None => format!("no violation in {runs}"),
        },
    }
}

/// With no violation in N independent runs, the rate is below 3/N at 95 % confidence; in percent.
fn rule_of_three(runs: u64) -> String {
    // In millionths of a percent, rounded up.
    let micro = (300_000_000_u64).div_ceil(runs);
    let (whole, rest) = (micro / 1_000_000, micro % 1_000_000);
    let fraction = format!("{rest:06}");
    let fraction = fraction.trim_end_matches('0');
    if fraction.is_empty() { whole.to_string() } else { format!("{whole}.{fraction}") }
}

fn next(summary: &Summary, how: &Circumstances) -> String {
    let mut text = String::new();
    let files: Vec<&[String; 2]> =
        how.causes.iter().filter_map(|cause| cause.files.as_ref()).take(5).collect();
    for [_, smaller] in &files {
        line(&mut text, "replay", &format!("byzsim replay {smaller}"));
    }
    if let Some([first, _]) = files.first() {
        line(&mut text, "next", &format!("byzsim shrink {first} -v"));
        return text;
    }
    for repro in &how.repros {
        line(&mut text, "replay", &format!("byzsim replay {repro}"));
    }
    let head = &summary.head;
    let seed = summary.traces.keys().next();
    match (how.repros.first(), seed) {
        (Some(repro), _) => line(&mut text, "next", &format!("byzsim shrink {repro}")),
        // No command plays a single run of a search: it depends on the runs before it.
        (None, Some(seed)) if head.strategy != Strategy::Guided => {
            let strategy = head.strategy.said(" --strategy ");
            let what =
                format!("byzsim run {}{}{strategy} --seed {seed}", head.scenario, head.changes);
            line(&mut text, "next", &what);
        }
        (None, _) => {}
    }
    text
}

/// Puts words on lines of at most a hundred characters or so.
fn wrap(words: Vec<String>) -> Vec<String> {
    let mut lines: Vec<(usize, String)> = Vec::new();
    for word in words {
        let width = anstream::adapter::strip_str(&word).to_string().chars().count();
        match lines.last_mut() {
            Some((used, line)) if *used + 3 + width <= 88 => {
                *used += 3 + width;
                line.push_str("   ");
                line.push_str(&word);
            }
            _ => lines.push((width, word)),
        }
    }
    lines.into_iter().map(|(_, line)| line).collect()
}

/// The verdicts as a table in Markdown.
fn markdown(summary: &Summary) -> String {
    let head = &summary.head;
    let mut text = format!(
        "{} `#{}`, seeds {}{}, {}\n\n| property | holds | violated | inconclusive |\n| --- | ---: | ---: | ---: |\n",
        head.scenario,
        &head.hash[..head.hash.len().min(8)],
        head.seeds,
        head.strategy.said(", strategy "),
        counted(summary.runs, "run")
    );
    for (name, Tally { holds, violated, inconclusive }) in in_order(summary) {
        writeln!(text, "| {name} | {holds} | {violated} | {inconclusive} |").expect("a string");
    }
    if head.beyond_f || 0 < summary.beyond_f_runs {
        text.push_str(
            "\n**BEYOND f**: more goes wrong here than the protocol claims to tolerate\n",
        );
    }
    text.push_str("\n| milestone | seeds |\n| --- | ---: |\n");
    let missed = summary.missed().into_iter().map(|name| (name, 0));
    for (name, count) in summary.reached.iter().map(|(n, c)| (n.as_str(), *c)).chain(missed) {
        writeln!(text, "| {name} | {count} |").expect("a string");
    }
    writeln!(text, "\nsweep digest `{}`", summary.digest().hex()).expect("a string");
    text
}
