//! What happened in some runs, as far as it explains why rows of a script did not fire.

use std::collections::BTreeSet;

use byzsim_adversaries::{Action, Fault, Milestone, Moment};
use byzsim_core::{NodeId, Recorder, Time, TraceEvent};

/// A kind of message, its sender, its receiver.
pub(crate) type Link = (&'static str, NodeId, NodeId);

/// What was sent by whom to whom.
pub(crate) type Links = BTreeSet<Link>;

/// What happened in some runs. It grows with kinds and nodes, not with the length of the runs.
#[derive(Clone, Debug)]
pub(crate) struct Witness<'a> {
    rows: &'a [Fault],
    pub(crate) sent: Links,
    /// By row: of a replay, what its node said or heard before the row began.
    pub(crate) before: Vec<Links>,
    /// By row: the reports that its start waits for.
    pub(crate) reports: Vec<Reports>,
    /// By row: whether it began in this run.
    begun: Vec<bool>,
    /// When the longest run ended.
    pub(crate) end: Time,
    /// How many events there were in all runs.
    pub(crate) events: u64,
    events_here: u64,
}

/// The reports that the start of a row waits for.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Reports {
    /// Whether there were any, of whatever view or slot.
    pub(crate) any: bool,
    here: u32,
    /// How many right ones there were in one run at most.
    pub(crate) most: u32,
}

impl<'a> Witness<'a> {
    pub(crate) fn new(rows: &'a [Fault]) -> Self {
        Self {
            rows,
            sent: Links::new(),
            before: vec![Links::new(); rows.len()],
            reports: vec![Reports::default(); rows.len()],
            begun: vec![false; rows.len()],
            end: Time::ZERO,
            events: 0,
            events_here: 0,
        }
    }

    /// A run begins.
    pub(crate) fn begin(&mut self) {
        self.events_here = 0;
        self.begun.fill(false);
        self.reports.iter_mut().for_each(|reports| reports.here = 0);
    }

    /// A run ends.
    pub(crate) fn end(&mut self) {
        self.events += self.events_here;
    }

    fn pass(&mut self, heard_or_said: bool, link: Link) {
        let (_, from, to) = link;
        for (row, fault) in self.rows.iter().enumerate() {
            let Action::Replay { node, heard, .. } = &fault.action else { continue };
            let is_its = *node == if *heard { to } else { from };
            if !self.begun[row] && *heard == heard_or_said && is_its {
                self.before[row].insert(link);
            }
        }
    }
}

impl Recorder for Witness<'_> {
    fn record(&mut self, number: u64, time: Time, event: &TraceEvent<'_>) {
        self.end = self.end.max(time);
        self.events_here = number + 1;
        for (row, fault) in self.rows.iter().enumerate() {
            match (&fault.start, event) {
                (None, _) => self.begun[row] = true,
                (Some(Moment::At(at)), _) => self.begun[row] |= *at <= time,
                (Some(Moment::When(milestone)), TraceEvent::Observed(node, observation)) => {
                    let loose = Milestone { view: None, seq: None, ..milestone.clone() };
                    let reports = &mut self.reports[row];
                    reports.any |= loose.is_met_by(*node, observation);
                    if milestone.is_met_by(*node, observation) {
                        reports.here = reports.here.saturating_add(1);
                        reports.most = reports.most.max(reports.here);
                        self.begun[row] |= milestone.count <= reports.here;
                    }
                }
                (Some(Moment::When(_)), _) => {}
            }
        }
        match *event {
            TraceEvent::Sent { from, to, ref what, .. } => {
                self.sent.insert((what.name, from, to));
                self.pass(false, (what.name, from, to));
            }
            TraceEvent::Delivered { from, to, ref what } => self.pass(true, (what.name, from, to)),
            TraceEvent::Observed(..)
            | TraceEvent::Lost { .. }
            | TraceEvent::Expired { .. }
            | TraceEvent::Crashed(_)
            | TraceEvent::Restarted(_) => {}
        }
    }
}
