//! A comparison in all of its formats: for people, in Markdown, as JSON, as lines of plain numbers.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::format::{Format, Offer, Written, json};
use super::run::{HEADING, line};
use super::style::{BAD, FAINT, GOOD, HEAD, LOUD, counted, grouped, paint, verb};
use crate::compare::measure::Measure;
use crate::compare::stats::{Agreement, Estimate, Relation, Scale};
use crate::compare::{Cell, Comparison, Expected, Figure, Ratio, Tally};
use crate::run::expect::Judgement;

/// A comparison with what its output needs.
#[derive(Clone, Copy, Debug)]
pub struct CompareOutput<'a> {
    /// What came out.
    pub comparison: &'a Comparison,
    /// Whether people get the verdict only.
    pub is_quiet: bool,
}

impl Written for CompareOutput<'_> {
    fn offers() -> Vec<Offer<Self>> {
        vec![
            Offer {
                format: Format::Human,
                about: "Tables, for people",
                write: |it| {
                    Ok(if it.is_quiet { verdict(it.comparison) } else { human(it.comparison) })
                },
            },
            Offer {
                format: Format::Json,
                about: "Everything, for programs",
                write: |it| json(it.comparison),
            },
            Offer {
                format: Format::Csv,
                about: "One line per figure",
                write: |it| Ok(csv(it.comparison)),
            },
            Offer {
                format: Format::Md,
                about: "Tables in Markdown",
                write: |it| Ok(markdown(it.comparison)),
            },
        ]
    }
}

/// Everything.
pub fn human(comparison: &Comparison) -> String {
    let names: Vec<&str> = comparison.protocols.iter().map(|it| &*it.name).collect();
    let version = paint(HEAD, format!("byzsim {}", comparison.byzsim));
    let mut text = format!("{version}  compare {}\n", names.join(" "));
    conditions(comparison, &mut text);
    for cells in blocks(comparison) {
        block(comparison, cells, &mut text);
    }
    text.push('\n');
    text.push_str(&legend());
    text.push_str(&verdict(comparison));
    text
}

fn conditions(comparison: &Comparison, text: &mut String) {
    for condition in &comparison.conditions {
        line(text, "with", condition);
    }
    if comparison.cells.iter().any(|cell| cell.random) {
        line(text, "seeds", &format!("{} in settings with message loss", comparison.seeds));
    }
    for contestant in &comparison.protocols {
        let params = contestant.params.iter().map(|(name, value)| {
            let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            format!("{name} {text}")
        });
        let params: Vec<String> = params.filter(|it| !it.ends_with(" []")).collect();
        // A longer name does not fit in front of them.
        let is_short = contestant.name.len() < HEADING;
        if !is_short {
            writeln!(text, "{}", paint(FAINT, &contestant.name)).expect("a string");
        }
        for (place, some) in params.chunks(4).enumerate() {
            let label = if is_short && place == 0 { &*contestant.name } else { "" };
            line(text, label, &some.join(", "));
        }
    }
}

/// The cells that stand beside each other: one of each protocol.
fn blocks(comparison: &Comparison) -> impl Iterator<Item = &[Cell]> {
    comparison.cells.chunks(comparison.protocols.len().max(1))
}

fn ratio_of<'a>(comparison: &'a Comparison, cell: &'a Cell, measure: Measure) -> Option<&'a Ratio> {
    comparison.ratios.iter().find(|it| {
        it.measure == measure
            && it.under == cell.protocol
            && it.replicas == cell.replicas
            && it.setting == cell.setting
    })
}

/// The measures that some of the cells have: totals, then the kinds of message as the protocols
/// list them, then the rest.
fn measures(cells: &[Cell]) -> Vec<Measure> {
    let mut seen = BTreeSet::new();
    let all = cells.iter().flat_map(|cell| &cell.figures).map(|figure| figure.measure);
    let (kinds, others): (Vec<Measure>, Vec<Measure>) = all
        .filter(|measure| seen.insert(*measure))
        .partition(|measure| matches!(measure, Measure::Kind(_)));
    let (mut sorted, mut rest): (Vec<Measure>, Vec<Measure>) =
        others.into_iter().partition(|measure| *measure <= Measure::FromReplicas);
    sorted.sort_unstable();
    rest.sort_unstable();
    sorted.extend(kinds);
    sorted.extend(rest);
    sorted
}

/// One table: the measures of one setting, a column for each protocol.
fn block(comparison: &Comparison, cells: &[Cell], text: &mut String) {
    let Some(first) = cells.first() else { return };
    let title = format!("n = {}, f = {}  {}", first.replicas, first.faults, first.setting);
    let runs = runs_of(first);
    writeln!(text, "\n{}  {}  {runs}", paint(HEAD, title), first.about).expect("a string");
    let heads = cells.iter().enumerate().flat_map(|(place, cell)| {
        let ratio = (0 < place).then(|| format!("{} : {}", first.protocol, cell.protocol));
        [Some(cell.protocol.clone()), ratio].into_iter().flatten()
    });
    let head: Vec<String> = std::iter::once(String::new()).chain(heads).collect();
    let mut rows = vec![head];
    for measure in measures(cells) {
        let mut row = vec![measure.label()];
        for (place, cell) in cells.iter().enumerate() {
            row.push(cell.figure(measure).map_or_else(|| "–".to_owned(), figure_text));
            if 0 < place {
                row.push(ratio_of(comparison, cell, measure).map_or_else(String::new, ratio_text));
            }
        }
        rows.push(row);
    }
    text.push_str(&aligned(&rows));
    for cell in cells {
        troubles(cell, text);
    }
}

/// How many runs of how many requests.
fn runs_of(cell: &Cell) -> String {
    let requests = counted(u64::from(cell.requests), "request");
    format!("{} of {requests}", counted(cell.runs as u64, "run"))
}

fn troubles(cell: &Cell, text: &mut String) {
    if let Some(seed) = cell.violations.first() {
        let runs = counted(cell.violations.len() as u64, "run");
        let violate = verb(cell.violations.len() as u64, "violates", "violate");
        let what = format!("{}: {runs} {violate} a property, first seed {seed}", cell.protocol);
        writeln!(text, "{}  {what}", paint(BAD, "FAIL")).expect("a string");
    }
    if 0 < cell.unfinished {
        let runs = counted(cell.unfinished as u64, "run");
        let what = format!("{}: some request never completed in {runs}", cell.protocol);
        writeln!(text, "{}  {what}", paint(LOUD, "UNFINISHED")).expect("a string");
    }
}

/// Puts columns below each other, two blanks apart.
fn aligned(rows: &[Vec<String>]) -> String {
    let width = |text: &String| anstream::adapter::strip_str(text).to_string().chars().count();
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let widths: Vec<usize> = (0..columns)
        .map(|column| rows.iter().filter_map(|row| row.get(column)).map(width).max().unwrap_or(0))
        .collect();
    let mut text = String::new();
    for row in rows {
        let mut line = String::new();
        for (cell, widest) in row.iter().zip(&widths) {
            line.push_str("  ");
            line.push_str(cell);
            line.extend(std::iter::repeat_n(' ', widest - width(cell)));
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

/// The figure, the formula beside it, and whether they agree.
fn figure_text(figure: &Figure) -> String {
    let mut text = estimate_text(&figure.measured, figure.measure.scale());
    if let Some(expected) = &figure.formula {
        write!(text, " {}", expected_text(figure, expected)).expect("a string");
    }
    text
}

fn expected_text(figure: &Figure, expected: &Expected) -> String {
    let sign = match expected.relation {
        Relation::Equal => "=",
        Relation::AtLeast => "≥",
        Relation::Shape => "~",
    };
    let value = number(expected.value, figure.measure.scale());
    // What is a plain number already need not be said twice.
    let formula = match expected.text {
        text if text == value => text.to_owned(),
        text => format!("{text} = {value}"),
    };
    let mark = match expected.agreement {
        Agreement::Agrees if expected.relation == Relation::Equal => {
            let formula = if expected.text == value { "" } else { expected.text };
            let blank = if formula.is_empty() { "" } else { " " };
            return format!("{}{blank}{}", paint(GOOD, "✓"), paint(FAINT, formula));
        }
        Agreement::Agrees => paint(GOOD, "✓"),
        Agreement::WithinThreeSigma => {
            paint(GOOD, format!("✓ {:+.1}σ", expected.sigmas.unwrap_or_default()))
        }
        Agreement::ShapeOnly => paint(FAINT, "growth only"),
        Agreement::Differs => match expected.sigmas {
            Some(sigmas) => paint(BAD, format!("✗ {sigmas:+.1}σ")),
            None => paint(BAD, "✗"),
        },
    };
    format!("{mark} {}", paint(FAINT, format!("{sign} {formula}")))
}

fn estimate_text(estimate: &Estimate, scale: Scale) -> String {
    let mean = number(estimate.mean, scale);
    if estimate.low < estimate.high {
        let (low, high) = (number(estimate.low, scale), number(estimate.high, scale));
        if low != high {
            return format!("{mean} [{low}, {high}]");
        }
    }
    mean
}

fn ratio_text(ratio: &Ratio) -> String {
    if ratio.low < ratio.high {
        return format!("{:.3} [{:.3}, {:.3}]", ratio.ratio, ratio.low, ratio.high);
    }
    format!("{:.3}", ratio.ratio)
}

/// A number as short as it can be without loss of what matters.
fn number(value: f64, scale: Scale) -> String {
    let decimals = if scale == Scale::Share { 4 } else { 2 };
    let text = format!("{value:.decimals$}");
    match text.trim_end_matches('0').trim_end_matches('.') {
        "" | "-0" => "0".to_owned(),
        short => short.to_owned(),
    }
}

fn legend() -> String {
    let mut text = String::new();
    let what = "agrees with the formula; a random figure is that many standard errors (σ) off";
    line(&mut text, "✓", what);
    let what = "95 % confidence interval: normal for amounts, Wilson's for shares,";
    line(&mut text, "[ ]", what);
    let what = "delta method on the logarithm for ratios of runs with the same seeds";
    line(&mut text, "", what);
    line(&mut text, "s, q", "number of silent backups, probability of loss");
    line(&mut text, "c", "signatures in the certificates of a slot: 4f + 1 votes, or 2 aggregates");
    line(&mut text, "–", "the protocol has no such thing");
    text
}

/// The line with the verdict.
pub fn verdict(comparison: &Comparison) -> String {
    let Tally { agree, within_three_sigma, shape_only, differ, without_formula } = comparison.tally;
    let violated: usize = comparison.cells.iter().map(|cell| cell.violations.len()).sum();
    let unfinished: usize = comparison.cells.iter().map(|cell| cell.unfinished).sum();
    let word = match comparison.judgement() {
        Judgement::Violation => paint(BAD, "FAIL"),
        Judgement::Inconclusive => paint(LOUD, "INCONCLUSIVE"),
        Judgement::Expected => paint(GOOD, "PASS"),
    };
    let judged = grouped((agree + within_three_sigma + differ) as u64);
    let mut text = format!(
        "{word}  {} of {judged} figures agree with their formulas ({} within 3σ); {} growth only, \
         {} without a formula\n",
        grouped((agree + within_three_sigma) as u64),
        grouped(within_three_sigma as u64),
        grouped(shape_only as u64),
        grouped(without_formula as u64)
    );
    if 0 < violated {
        let runs = counted(violated as u64, "run");
        writeln!(text, "      {runs} violated a property").expect("a string");
    }
    if 0 < unfinished {
        let runs = counted(unfinished as u64, "run");
        writeln!(text, "      some request never completed in {runs}").expect("a string");
    }
    text
}

/// The names of the fields of [`csv`].
pub const CSV_HEADER: &str = "replicas,setting,protocol,measure,mean,low,high,deviation,runs,\
    formula,expected,relation,tag,agreement";

/// A line per figure, then a line per ratio: its protocols are `a/b`, and it has no formula.
pub fn csv(comparison: &Comparison) -> String {
    let mut text = format!("{CSV_HEADER}\n");
    for cell in &comparison.cells {
        for figure in &cell.figures {
            let it = &figure.measured;
            let formula = figure.formula.as_ref();
            let words = |word: fn(&Expected) -> String| formula.map_or_else(String::new, word);
            let fields = [
                cell.replicas.to_string(),
                cell.setting.clone(),
                cell.protocol.clone(),
                figure.name.clone(),
                it.mean.to_string(),
                it.low.to_string(),
                it.high.to_string(),
                it.deviation.to_string(),
                it.runs.to_string(),
                words(|formula| quoted(formula.text)),
                words(|formula| formula.value.to_string()),
                words(|formula| word(&formula.relation)),
                words(|formula| word(&formula.tag)),
                words(|formula| word(&formula.agreement)),
            ];
            writeln!(text, "{}", fields.join(",")).expect("a string");
        }
    }
    for Ratio { over, under, replicas, setting, name, ratio, low, high, .. } in &comparison.ratios {
        writeln!(text, "{replicas},{setting},{over}/{under},{name},{ratio},{low},{high},,,,,,,")
            .expect("a string");
    }
    text
}

/// A field that may hold commas.
fn quoted(field: &str) -> String {
    format!("\"{}\"", field.replace('"', "\"\""))
}

/// The name of a variant, as in the JSON.
fn word(value: &impl serde::Serialize) -> String {
    let value = serde_json::to_value(value).expect("a variant without fields");
    value.as_str().unwrap_or_default().to_owned()
}

/// Tables in Markdown: one for each setting.
pub fn markdown(comparison: &Comparison) -> String {
    let mut text = String::new();
    for cells in blocks(comparison) {
        let Some(first) = cells.first() else { continue };
        let title = format!("n = {}, f = {}, {}", first.replicas, first.faults, first.setting);
        writeln!(text, "**{title}**: {} {}.\n", first.about, runs_of(first)).expect("a string");
        let (mut head, mut rule) = ("| |".to_owned(), "| --- |".to_owned());
        for (place, cell) in cells.iter().enumerate() {
            write!(head, " {0} | {0}, formula |", cell.protocol).expect("a string");
            rule.push_str(" ---: | --- |");
            if 0 < place {
                write!(head, " {} : {} |", first.protocol, cell.protocol).expect("a string");
                rule.push_str(" ---: |");
            }
        }
        writeln!(text, "{head}\n{rule}").expect("a string");
        for measure in measures(cells) {
            write!(text, "| {} |", measure.label().trim_start()).expect("a string");
            for (place, cell) in cells.iter().enumerate() {
                let (measured, formula) =
                    cell.figure(measure).map_or_else(Default::default, |it| {
                        let formula = it.formula.as_ref();
                        let formula = formula.map_or_else(String::new, |f| expected_text(it, f));
                        (estimate_text(&it.measured, measure.scale()), formula)
                    });
                let formula = anstream::adapter::strip_str(&formula).to_string();
                write!(text, " {measured} | {formula} |").expect("a string");
                if 0 < place {
                    let ratio = ratio_of(comparison, cell, measure);
                    let ratio = ratio.map_or_else(String::new, ratio_text);
                    write!(text, " {ratio} |").expect("a string");
                }
            }
            text.push('\n');
        }
        text.push('\n');
    }
    text.push_str(&anstream::adapter::strip_str(&verdict(comparison)).to_string());
    text
}
