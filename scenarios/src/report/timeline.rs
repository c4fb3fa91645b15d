//! A run as lines: one per state transition, each node in its own column.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use byzsim_core::{Committee, NodeId, Observation, Recorder, Time, TraceEvent};

use super::style;
use crate::run::event;
use crate::run::result::Report;

/// Collects the lines of a run. They are written when it is over: only then is it known which of
/// them is a violation.
#[derive(Debug)]
pub struct Timeline {
    committee: Committee,
    corrupted: Vec<NodeId>,
    with_messages: bool,
    views: BTreeMap<NodeId, u64>,
    lines: Vec<Line>,
}

#[derive(Debug)]
struct Line {
    number: u64,
    time: Time,
    node: NodeId,
    glyph: char,
    view: Option<u64>,
    text: String,
}

/// Clusters with more nodes have no column for each: the line would hold nothing else.
const COLUMNS_MAX: usize = 24;

impl Timeline {
    /// An empty timeline; with every message and every small step if they are wanted.
    pub fn new(committee: Committee, corrupted: Vec<NodeId>, with_messages: bool) -> Self {
        Self { committee, corrupted, with_messages, views: BTreeMap::new(), lines: Vec::new() }
    }

    /// The lines, with the violations of `report` marked.
    pub fn render(&self, report: &Report) -> String {
        let mut stars: BTreeMap<u64, Vec<&str>> = BTreeMap::new();
        for finding in report.findings() {
            if let Some(at) = finding.at {
                stars.entry(at.event).or_default().push(finding.property);
            }
        }
        let mut text = self.heading();
        let mut lines = self.lines.iter().peekable();
        while let Some(line) = lines.next() {
            let last_of_event = lines.peek().is_none_or(|next| next.number != line.number);
            // A violation may fall on an event that is not shown: it is marked on the next one.
            let due = if last_of_event {
                let later = stars.split_off(&(line.number + 1));
                std::mem::replace(&mut stars, later)
            } else {
                BTreeMap::new()
            };
            self.write(&mut text, line, &due.into_values().flatten().collect::<Vec<_>>());
        }
        for (_, properties) in stars {
            let star = format!("★ {}", properties.join(", ").to_uppercase());
            writeln!(text, "         end  {}", style::paint(style::BAD, star)).expect("a string");
        }
        text
    }

    fn has_columns(&self) -> bool {
        self.committee.len() <= COLUMNS_MAX
    }

    fn heading(&self) -> String {
        let mut line = format!("{:>12} ", "time");
        if self.has_columns() {
            for node in self.committee.nodes() {
                let mark = if self.corrupted.contains(&node) { "*" } else { "" };
                write!(line, "{:<4}", format!("{node}{mark}")).expect("a string");
            }
        }
        line.push_str(" view  event");
        format!("{}\n", style::paint(style::HEAD, line))
    }

    fn write(&self, text: &mut String, line: &Line, stars: &[&str]) {
        write!(text, "{:>12} ", line.time).expect("a string");
        if self.has_columns() {
            for node in self.committee.nodes() {
                let glyph = if node == line.node { line.glyph } else { ' ' };
                write!(text, "{glyph:<4}").expect("a string");
            }
        }
        let view = line.view.map_or_else(String::new, |view| view.to_string());
        let corrupted = if self.corrupted.contains(&line.node) { " (corrupted)" } else { "" };
        write!(text, " {view:>4}  {}{corrupted} {}", line.node, line.text).expect("a string");
        if !stars.is_empty() {
            let star = format!("★ {}", stars.join(", ").to_uppercase());
            write!(text, "  {}", style::paint(style::BAD, star)).expect("a string");
        }
        text.push('\n');
    }

    /// The letter of an event, and whether it is shown without messages; none if it never is.
    fn glyph(&self, event: &TraceEvent<'_>) -> Option<char> {
        let (glyph, is_transition) = match event {
            TraceEvent::Sent { .. } => ('s', false),
            TraceEvent::Delivered { .. } => ('.', false),
            TraceEvent::Lost { .. } => ('x', false),
            TraceEvent::Expired { .. } => ('t', false),
            TraceEvent::Crashed(_) => ('X', true),
            TraceEvent::Restarted(_) => ('^', true),
            TraceEvent::Observed(_, observation) => match observation {
                Observation::Invoked { .. } => ('?', true),
                Observation::Completed { .. } => ('!', true),
                Observation::Accepted { .. } => ('a', false),
                Observation::Committed { .. } => ('C', true),
                Observation::Executed { null, .. } => (if *null { '0' } else { 'e' }, *null),
                Observation::Speculated { .. } => ('S', true),
                Observation::RolledBack { .. } => ('<', true),
                Observation::Anchored { .. } => ('A', true),
                Observation::Applied { .. } => ('.', false),
                Observation::Read { .. } => ('r', true),
                Observation::Checkpointed { .. } => ('k', false),
                Observation::StableCheckpoint { .. } => ('K', true),
                Observation::Restored { .. } => ('R', true),
                Observation::ViewChangeStarted { .. } => ('v', true),
                Observation::EnteredView { .. } => ('V', true),
                Observation::Leads { .. } => ('L', true),
                Observation::Cut { .. } => ('/', true),
                Observation::GaveUp { .. } => ('u', false),
                Observation::Suspected { .. } => ('~', true),
                Observation::Proven { .. } => ('P', true),
                Observation::Reached(_) => ('+', true),
            },
        };
        (is_transition || self.with_messages).then_some(glyph)
    }
}

impl Recorder for Timeline {
    fn record(&mut self, number: u64, time: Time, event: &TraceEvent<'_>) {
        if let TraceEvent::Observed(node, Observation::EnteredView { view }) = event {
            self.views.insert(*node, *view);
        }
        let Some(glyph) = self.glyph(event) else { return };
        let (node, text) = event::describe(event);
        let view = (!node.is_client()).then(|| self.views.get(&node).copied().unwrap_or(0));
        self.lines.push(Line { number, time, node, glyph, view, text });
    }
}
