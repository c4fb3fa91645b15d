//! What happened in some runs, as far as it explains why rows of a script did not fire.

use std::collections::BTreeSet;

use byzsim_adversaries::{Action, Fault, Moment, Pattern, Range, Reported, Trigger};
use byzsim_core::{NodeId, Observation, Parcel, Recorder, Time, TraceEvent};

/// A kind of message, its sender, its receiver.
pub(crate) type Link = (&'static str, NodeId, NodeId);

/// What was sent by whom to whom.
pub(crate) type Links = BTreeSet<Link>;

/// What happened in some runs. It grows with kinds and nodes, not with the length of the runs.
#[derive(Clone, Debug)]
pub(crate) struct Witness<'a> {
    pub(crate) rows: &'a [Fault],
    pub(crate) sent: Links,
    /// By row: of a replay, what its node said or heard before the row began.
    pub(crate) before: Vec<Links>,
    /// By row: the reports that its start waits for.
    pub(crate) reports: Vec<Reports>,
    /// By row: the messages that it is about, if it is about messages.
    patterns: Vec<Option<Pattern>>,
    /// By row: how far messages matched it.
    pub(crate) matches: Vec<Matches>,
    /// By row: whether it began in this run.
    begun: Vec<bool>,
    /// By row: how many of the reports that its end waits for came in this run.
    ends: Vec<u32>,
    /// By row: whether it ended in this run.
    over: Vec<bool>,
    /// By row: whether it was in force in any run.
    pub(crate) in_force: Vec<bool>,
    /// When the longest run ended.
    pub(crate) end: Time,
    /// How many events there were in all runs.
    pub(crate) events: u64,
    events_here: u64,
}

/// How far something met two demands, on its view and on its slot, one after the other.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Met {
    /// The views that it was of: the least and the greatest.
    pub(crate) views: Option<Range>,
    /// Whether any of them is right.
    pub(crate) of_view: bool,
    /// The slots of what is of a right view.
    pub(crate) slots: Option<Range>,
    /// Whether anything met both demands.
    pub(crate) all: bool,
}

impl Met {
    /// Whether what is of this view and about this slot meets both demands.
    fn note(&mut self, demands: [Option<Range>; 2], found: [Option<u64>; 2]) -> bool {
        let [view, seq] = std::array::from_fn(|place| {
            demands[place].is_none_or(|range| found[place].is_some_and(|it| range.contains(it)))
        });
        extend(&mut self.views, found[0]);
        self.of_view |= view;
        if view {
            extend(&mut self.slots, found[1]);
        }
        self.all |= view && seq;
        view && seq
    }
}

/// The reports that the start of a row waits for.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Reports {
    /// Whether there were any, of whatever view or slot.
    pub(crate) any: bool,
    /// How far these met what the start demands.
    pub(crate) met: Met,
    here: u32,
    /// How many right ones there were in one run at most.
    pub(crate) most: u32,
}

impl Reports {
    fn note(&mut self, trigger: &Trigger, node: NodeId, observation: &Observation) -> bool {
        let loose = Trigger { view: None, seq: None, ..trigger.clone() };
        if !loose.is_met_by(node, observation) {
            return false;
        }
        let (_, view, seq) = Reported::of(observation).expect("a row can wait for it");
        self.any = true;
        let is_met = self.met.note([trigger.view, trigger.seq], [view, seq]);
        self.here = self.here.saturating_add(u32::from(is_met));
        self.most = self.most.max(self.here);
        is_met && trigger.count <= self.here
    }
}

/// How far the messages that were sent matched a row's pattern.
#[derive(Clone, Debug, Default)]
pub(crate) struct Matches {
    /// How far those of the right kind, sender and receiver did; of `nth` it knows nothing.
    pub(crate) met: Met,
    here: u64,
    /// How many did in one run at most while the row was in force.
    pub(crate) most: u64,
}

impl Matches {
    fn note(&mut self, pattern: &Pattern, what: &Parcel<'_>, in_force: bool) {
        if self.met.note([pattern.view, pattern.seq], [what.view, what.seq]) {
            self.here += u64::from(in_force);
            self.most = self.most.max(self.here);
        }
    }
}

fn extend(range: &mut Option<Range>, number: Option<u64>) {
    let Some(number) = number else { return };
    let known = range.unwrap_or(Range::only(number));
    *range = Some(Range { min: known.min.min(number), max: known.max.max(number) });
}

impl<'a> Witness<'a> {
    /// Of runs with these rows; `patterns` are the messages that they are about, with what goes
    /// without saying.
    pub(crate) fn new(rows: &'a [Fault], patterns: Vec<Option<Pattern>>) -> Self {
        Self {
            rows,
            patterns,
            matches: vec![Matches::default(); rows.len()],
            ends: vec![0; rows.len()],
            over: vec![false; rows.len()],
            in_force: vec![false; rows.len()],
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
        self.over.fill(false);
        self.matches.iter_mut().for_each(|matches| matches.here = 0);
        self.reports.iter_mut().for_each(|reports| reports.here = 0);
        self.ends.fill(0);
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

impl Witness<'_> {
    /// Follows the windows of the rows. One that ends before it begins never takes force.
    fn turn(&mut self, time: Time, event: &TraceEvent<'_>) {
        for (row, fault) in self.rows.iter().enumerate() {
            let starts = match (&fault.start, event) {
                (None, _) => true,
                (Some(Moment::At(at)), _) => *at <= time,
                (Some(Moment::When(trigger)), TraceEvent::Observed(node, observation)) => {
                    self.reports[row].note(trigger, *node, observation)
                }
                (Some(Moment::When(_)), _) => false,
            };
            let ends = match (&fault.end, event) {
                (Some(Moment::At(at)), _) => *at <= time,
                (Some(Moment::When(trigger)), TraceEvent::Observed(node, observation)) => {
                    let is_met = trigger.is_met_by(*node, observation);
                    self.ends[row] = self.ends[row].saturating_add(u32::from(is_met));
                    is_met && trigger.count <= self.ends[row]
                }
                (Some(Moment::When(_)) | None, _) => false,
            };
            // What waits for a report begins after whatever ends at that moment.
            let ends_first = ends && matches!(fault.start, Some(Moment::When(_)));
            self.begun[row] |= starts && !self.over[row] && !ends_first;
            self.over[row] |= ends;
            self.in_force[row] |= self.begun[row];
        }
    }

    fn sent(&mut self, link: Link, what: &Parcel<'_>) {
        self.sent.insert(link);
        for (row, pattern) in self.patterns.iter().enumerate() {
            let Some(pattern) = pattern.as_ref().filter(|pattern| is_on(pattern, &link)) else {
                continue;
            };
            self.matches[row].note(pattern, what, self.begun[row] && !self.over[row]);
        }
    }
}

/// Whether a pattern is about messages of this kind, from this sender to this receiver.
fn is_on(pattern: &Pattern, (kind, from, to): &Link) -> bool {
    (pattern.kinds.is_empty() || pattern.kinds.iter().any(|it| it == kind))
        && (pattern.from.is_empty() || pattern.from.contains(from))
        && (pattern.to.is_empty() || pattern.to.contains(to))
}

impl Recorder for Witness<'_> {
    fn record(&mut self, number: u64, time: Time, event: &TraceEvent<'_>) {
        self.end = self.end.max(time);
        self.events_here = number + 1;
        self.turn(time, event);
        match *event {
            TraceEvent::Sent { from, to, ref what, .. } => {
                self.sent((what.name, from, to), what);
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
