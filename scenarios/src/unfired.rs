//! Why a row of a script never fired: what a writer of scripts wants to know before anything else.
//!
//! A row is explained from runs, not from its text: what was sent by whom, what was reported, and
//! how long the runs lasted. So the explanation is true of the seeds that were played, and says so.

use std::collections::BTreeSet;

use byzsim_adversaries::{Action, Fault, Milestone, Moment, Pattern};
use byzsim_core::{NodeId, Observation, Recorder, Time, TraceEvent};

use crate::format::SeedRange;
use crate::scenario::{PlayOptions, Scenario};

/// How many seeds are played to see whether a row fires.
pub const SEEDS_MAX: u64 = 20;

/// A row that fired on none of the seeds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unfired {
    /// The row's place in the file, from 0.
    pub row: usize,
    /// The action's name.
    pub action: &'static str,
    /// Why, as far as the runs tell.
    pub why: String,
    /// Which seeds were played.
    pub seeds: SeedRange,
}

/// The rows of the scenario's own script that fire on none of its seeds, of which at most
/// [`SEEDS_MAX`] are played.
pub fn unfired(scenario: &Scenario) -> Vec<Unfired> {
    let rows = &scenario.file.faults.faults;
    if rows.is_empty() {
        return Vec::new();
    }
    let first = scenario.file.seeds.start;
    let seeds = SeedRange { start: first, end: scenario.file.seeds.end.min(first + SEEDS_MAX) };
    let mut fired = vec![0; rows.len()];
    let mut witness = Witness::default();
    for seed in seeds.start..seeds.end {
        let report = scenario.play_recorded(seed, &PlayOptions::default(), Some(&mut witness));
        let Ok(played) = &report.result else { continue };
        // What is drawn comes behind the file's own rows.
        for (sum, count) in fired.iter_mut().zip(&played.fired) {
            *sum += count;
        }
    }
    let silent = rows.iter().enumerate().filter(|(row, _)| fired[*row] == 0);
    let explained = silent.map(|(row, fault)| Unfired {
        row,
        action: fault.action.name(),
        why: witness.explain(fault),
        seeds,
    });
    explained.collect()
}

/// What happened in some runs.
#[derive(Debug, Default)]
struct Witness {
    sent: BTreeSet<(&'static str, NodeId, NodeId)>,
    /// What was reported, of whom.
    reported: Vec<(NodeId, Observation)>,
    end: Time,
}

impl Recorder for Witness {
    fn record(&mut self, _: u64, time: Time, event: &TraceEvent<'_>) {
        self.end = self.end.max(time);
        match *event {
            TraceEvent::Sent { from, to, ref what, .. } => {
                self.sent.insert((what.name, from, to));
            }
            TraceEvent::Observed(node, observation) => {
                if !self.reported.iter().any(|known| *known == (node, observation.clone())) {
                    self.reported.push((node, observation.clone()));
                }
            }
            TraceEvent::Delivered { .. }
            | TraceEvent::Lost { .. }
            | TraceEvent::Expired { .. }
            | TraceEvent::Crashed(_)
            | TraceEvent::Restarted(_) => {}
        }
    }
}

impl Witness {
    fn explain(&self, fault: &Fault) -> String {
        if let Some(why) = fault.start.as_ref().and_then(|start| self.never_comes(start)) {
            return format!("its start never comes: {why}");
        }
        match &fault.action {
            Action::Twins { .. } => {
                "the copies never contradicted each other: they heard the same".to_owned()
            }
            Action::Hold(messages)
            | Action::Drop(messages)
            | Action::Delay { messages, .. }
            | Action::Duplicate { messages, .. } => self.unmatched(messages, None, fault),
            Action::Omit { node, messages }
            | Action::Lag { node, messages, .. }
            | Action::Mutate { node, messages, .. }
            | Action::Lie { node, messages, .. } => self.unmatched(messages, Some(*node), fault),
            Action::Replay { node, messages, heard, .. } => {
                self.unmatched(messages, (!heard).then_some(*node), fault)
            }
            Action::Mute(node) => self.unmatched(&Pattern::default(), Some(*node), fault),
            Action::Rush(node) => {
                let to = Pattern { to: vec![*node], ..Pattern::default() };
                self.unmatched(&to, None, fault)
            }
            Action::Partition { .. } | Action::Crash(_) | Action::Drift { .. } => {
                "nothing was sent across it while it was in force".to_owned()
            }
        }
    }

    /// Why a moment never comes; none if it does.
    fn never_comes(&self, moment: &Moment) -> Option<String> {
        match moment {
            Moment::At(at) if self.end < *at => {
                Some(format!("it is at {at}, and the runs are over by {}", self.end))
            }
            Moment::At(_) => None,
            Moment::When(milestone) => {
                let who =
                    milestone.node.map_or_else(|| "nobody".to_owned(), |node| node.to_string());
                let event = milestone.event.name();
                let never = if milestone.node.is_some() { "never reports" } else { "reports" };
                let loose = Milestone { view: None, seq: None, count: 1, ..milestone.clone() };
                let reports = |wanted: &Milestone| {
                    self.reported.iter().filter(|(node, it)| wanted.is_met_by(*node, it)).count()
                };
                if reports(&loose) == 0 {
                    return Some(format!("{who} {never} `{event}`"));
                }
                let exact = Milestone { count: 1, ..milestone.clone() };
                (reports(&exact) == 0)
                    .then(|| format!("`{event}` is reported, and never of this view or slot"))
            }
        }
    }

    /// Which part of a pattern leaves nothing.
    fn unmatched(&self, messages: &Pattern, sender: Option<NodeId>, fault: &Fault) -> String {
        let Pattern { kinds, to, .. } = messages;
        let from = sender.map_or_else(|| messages.from.clone(), |node| vec![node]);
        let of_kind = |it: &&(&'static str, NodeId, NodeId)| {
            kinds.is_empty() || kinds.iter().any(|kind| kind == it.0)
        };
        let is_from =
            |it: &&(&'static str, NodeId, NodeId)| from.is_empty() || from.contains(&it.1);
        let is_to = |it: &&(&'static str, NodeId, NodeId)| to.is_empty() || to.contains(&it.2);
        let list =
            |nodes: &[NodeId]| nodes.iter().map(NodeId::to_string).collect::<Vec<_>>().join(" or ");
        let named = match &kinds[..] {
            [] => "anything".to_owned(),
            kinds => kinds.iter().map(|kind| format!("`{kind}`")).collect::<Vec<_>>().join(" or "),
        };
        let sent = || self.sent.iter().filter(of_kind);
        if sent().next().is_none() {
            return format!("nobody ever sends {named}");
        }
        if sent().filter(is_from).count() == 0 {
            return format!("{} never sends {named}", list(&from));
        }
        if sent().filter(is_from).filter(is_to).count() == 0 {
            return format!("{named} is sent, and never to {}", list(to));
        }
        let narrowed = [
            messages.view.map(|view| format!("of view {view}")),
            messages.seq.map(|seq| format!("about slot {seq}")),
            messages.nth.map(|nth| format!("that is number {nth}")),
        ];
        let narrowed: Vec<String> = narrowed.into_iter().flatten().collect();
        let windowed = fault.start.is_some() || fault.end.is_some();
        match (narrowed.is_empty(), windowed) {
            (false, false) => format!("{named} is sent there, but none {}", narrowed.join(" ")),
            (false, true) => {
                let narrowed = narrowed.join(" ");
                format!("{named} is sent there, but none {narrowed} while the row is in force")
            }
            (true, true) => {
                format!("{named} is sent there, but not while the row is in force")
            }
            (true, false) => {
                format!("{named} is sent there, but an earlier row decides, or it changes nothing")
            }
        }
    }
}
