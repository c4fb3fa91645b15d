//! Liveness: after GST, every operation of a correct client completes within a bound; and where
//! primaries are elected, one leads on ([`super::steadiness`]).
//!
//! The bound is the protocol's own, computed from its timeouts
//! ([`Protocol::liveness_bound`](crate::Protocol::liveness_bound)). In a network that never becomes
//! synchronous no protocol can guarantee progress (Fischer, Lynch, Paterson 1985), so the verdict
//! is inconclusive there.
//!
//! A violation says what the run was doing: it goes round in circles (*livelock*), nothing can
//! happen any more (*deadlock*), or others are served (*slow*). Where rounds grow longer, as
//! timeouts double, a longer timeout may end the livelock: that is a class of its own. Where no
//! state came again, and nothing was served, the run is just *stuck*; if leaders change, and no
//! state came again, or the last leader leads on, it is *unsteady*. Links that lost messages
//! although the network is synchronous are named: they are the cause.

use std::collections::{BTreeMap, BTreeSet};

use super::steadiness::{Steadiness, Unsteady};
use super::{Checker, Circle, Findings, Happening, RunInfo, Stagnation, Stamp, Verdict};
use crate::history::Operation;
use crate::id::NodeId;
use crate::observation::Observation;
use crate::time::{Span, Time};

#[derive(Debug)]
pub(super) struct Liveness {
    findings: Findings,
    gst: Time,
    bound: Span,
    /// Whether timeouts are drawn: where primaries are elected.
    is_drawn: bool,
    /// The operation that each client waits for, and since when.
    waiting: BTreeMap<NodeId, (u64, Operation, Time)>,
    /// The operations of clients that are down: nothing is owed to these. A client that restarts
    /// asks again, and the bound holds from then on.
    down: BTreeMap<NodeId, (u64, Operation, Time)>,
    /// The last report of each replica, to show where it is stuck.
    last: BTreeMap<NodeId, (Time, Observation)>,
    /// How many operations completed, the highest slot that was executed, and when either rose.
    completed: u64,
    executed: u64,
    served: Time,
    stagnation: Stagnation,
    steadiness: Steadiness,
    /// The links between correct nodes that lost messages although the network is synchronous.
    cut: BTreeSet<[NodeId; 2]>,
}

impl Liveness {
    pub(super) fn new(info: &RunInfo) -> Self {
        Self {
            findings: Findings::default(),
            gst: info.gst,
            bound: info.liveness_bound,
            is_drawn: info.elects,
            waiting: BTreeMap::new(),
            down: BTreeMap::new(),
            last: BTreeMap::new(),
            completed: 0,
            executed: 0,
            served: Time::ZERO,
            stagnation: Stagnation::default(),
            steadiness: Steadiness::new(info),
            cut: BTreeSet::new(),
        }
    }

    fn deadline(&self, asked: Time) -> Time {
        if self.gst == Time::NEVER { Time::NEVER } else { asked.max(self.gst) + self.bound }
    }

    fn overdue(
        &mut self,
        at: Stamp,
        client: NodeId,
        (timestamp, operation, asked): (u64, Operation, Time),
    ) {
        let deadline = self.deadline(asked);
        let last: Vec<String> = self
            .last
            .iter()
            .map(|(node, (time, what))| format!("{node} last {what} at {time}"))
            .collect();
        let (class, why) = self.class(at);
        self.violate(at, class, || {
            format!(
                "{client}#{timestamp} `{operation}`, requested at {asked}, was due by {deadline}; \
                 {class}: {why}; replicas: {}",
                listed(&last)
            )
        });
    }

    /// Leaders change, or nobody leads.
    fn unsteady(&mut self, Unsteady { at, what, is_led }: Unsteady) {
        let (class, why) = match (self.stagnated(), &self.stagnation.lasso) {
            // Under a leader that leads on, a state that stands still is all that there is to do.
            (_, Some(Circle::Still { from, to })) if is_led => {
                let why = format!("the last one that won leads on {}", stretch(*from, *to));
                ("unsteady", why + &self.lossy_links())
            }
            (("stuck", why), _) => ("unsteady", why),
            (it, _) => it,
        };
        self.violate(at, class, || format!("{what}; {class}: {why}"));
    }

    /// Keeps a violation of this class; of a livelock, with what repeats.
    fn violate(&mut self, at: Stamp, class: &str, explanation: impl FnOnce() -> String) {
        let is_first = self.findings.violation.is_none();
        self.findings.violate(at, class, explanation);
        if let Some(violation) = self.findings.violation.as_mut().filter(|_| is_first)
            && class.starts_with("livelock")
            && let Some(Circle::Views { from, to, .. } | Circle::Still { from, to }) =
                self.stagnation.lasso
        {
            violation.repeats = Some([from, to]);
        }
    }

    /// A correct replica executed this slot. One that is executed again, after a rollback, serves
    /// nobody.
    fn note_slot(&mut self, at: Stamp, seq: u64) {
        if self.executed < seq {
            (self.executed, self.served) = (seq, at.time);
        }
    }

    /// The links that lost messages, for a reader: `r0>r1` one way, `r0-r1` both ways.
    fn lossy_links(&self) -> String {
        let named = |[from, to]: &[NodeId; 2]| match self.cut.contains(&[*to, *from]) {
            true if to < from => None,
            true => Some(format!("{from}-{to}")),
            false => Some(format!("{from}>{to}")),
        };
        match self.cut.iter().filter_map(named).collect::<Vec<_>>() {
            links if links.is_empty() => String::new(),
            links => format!("; links that lost messages from GST on: {}", listed(&links)),
        }
    }

    /// What the run was doing: the class of the violation, and the facts.
    fn class(&self, at: Stamp) -> (&'static str, String) {
        if at.time.since(self.served) < Span::from_nanos(self.bound.nanos() / 3) {
            let why = format!(
                "{} operations completed and {} slots were executed in all, the last at {}",
                self.completed, self.executed, self.served
            );
            return ("slow", why);
        }
        self.stagnated()
    }

    /// What a run was doing that serves nobody.
    fn stagnated(&self) -> (&'static str, String) {
        let Stagnation { lasso, timers, held, is_dead, may_lead_on } = &self.stagnation;
        let (timers, held, links) = (listed(timers), listed(held), self.lossy_links());
        let facts = format!("timers: {timers}; held for ever: {held}{links}");
        if *is_dead {
            let why = format!("no timer of a replica runs, and nothing is under way; {facts}");
            return ("deadlock", why);
        }
        match lasso {
            Some(Circle::Views { views, took, took_before, from, to }) => {
                // Where timeouts are drawn, one round is longer than another by chance.
                let longer = !self.is_drawn
                    && *took_before + Span::from_nanos(took_before.nanos() / 4) < *took;
                let class = if longer { "livelock with back-off" } else { "livelock" };
                let views = if *views == 1 { "1 view".into() } else { format!("{views} views") };
                let why = format!(
                    "the states of the correct nodes repeat with a period of {views} / {took}, \
                     after {took_before} in the round before, {}; {facts}",
                    stretch(*from, *to)
                );
                (class, why)
            }
            Some(Circle::Still { from, to }) if *may_lead_on => {
                let why = format!(
                    "nothing changes at the correct nodes {}, but a timer that was armed before \
                     still runs, and may lead on; {facts}",
                    stretch(*from, *to)
                );
                ("slow", why)
            }
            Some(Circle::Still { from, to }) => {
                let why = format!(
                    "the states of the correct nodes repeat with a period of 0 views: all timers \
                     expired {}, and nothing came of it but messages that are sent again; {facts}",
                    stretch(*from, *to)
                );
                ("livelock", why)
            }
            None => {
                let why = format!("no state of the correct nodes came again so far; {facts}");
                ("stuck", why)
            }
        }
    }
}

/// A list for a reader, who must be able to tell that it is empty.
fn listed(list: &[String]) -> String {
    if list.is_empty() { "none".to_owned() } else { list.join(", ") }
}

fn stretch(from: Stamp, to: Stamp) -> String {
    format!("from {} (event {}) to {} (event {})", from.time, from.event, to.time, to.event)
}

impl Checker for Liveness {
    fn observe(&mut self, at: Stamp, node: NodeId, observation: &Observation) {
        self.steadiness.observe(at, node, observation);
        match observation {
            Observation::Invoked { timestamp, operation } => {
                self.waiting.insert(node, (*timestamp, operation.clone(), at.time));
            }
            Observation::Completed { timestamp, .. } => {
                (self.completed, self.served) = (self.completed + 1, at.time);
                let Some(asked) = self.waiting.remove(&node) else { return };
                assert_eq!(asked.0, *timestamp, "a client completes what it asked last");
                if self.gst != Time::NEVER {
                    self.findings.judge();
                }
                if self.deadline(asked.2) < at.time {
                    self.overdue(at, node, asked);
                }
            }
            Observation::ViewChangeStarted { .. }
            | Observation::EnteredView { .. }
            | Observation::Executed { .. }
            | Observation::Restored { .. } => {
                if let Observation::Executed { seq, .. } | Observation::Restored { seq, .. } =
                    observation
                {
                    self.note_slot(at, *seq);
                }
                self.last.insert(node, (at.time, observation.clone()));
            }
            Observation::Speculated { seq, .. } => self.note_slot(at, *seq),
            _ => {}
        }
    }

    fn happen(&mut self, at: Stamp, happening: Happening) {
        self.steadiness.happen(at, happening);
        match happening {
            Happening::Crashed(node) => {
                if let Some(asked) = self.waiting.remove(&node) {
                    self.down.insert(node, asked);
                }
            }
            Happening::Restarted(node) => {
                if let Some((timestamp, operation, _)) = self.down.remove(&node) {
                    self.waiting.insert(node, (timestamp, operation, at.time));
                }
            }
            Happening::Lost { from, to } => _ = self.cut.insert([from, to]),
            Happening::Expired { .. } | Happening::Handled => {}
        }
    }

    fn conclude(&mut self, stagnation: &Stagnation) {
        self.stagnation = stagnation.clone();
    }

    fn finish(&mut self, end: Stamp) -> Verdict {
        let waiting = std::mem::take(&mut self.waiting);
        let (overdue, open): (Vec<_>, Vec<_>) =
            waiting.into_iter().partition(|(_, asked)| self.deadline(asked.2) <= end.time);
        for (client, asked) in overdue {
            self.overdue(end, client, asked);
        }
        match self.steadiness.finish(end) {
            Ok(true) => self.findings.judge(),
            Ok(false) => {}
            Err(unsteady) => self.unsteady(unsteady),
        }
        if let (None, Some((client, asked))) = (&self.findings.violation, open.first())
            && self.gst != Time::NEVER
        {
            return Verdict::Inconclusive(format!(
                "the run ended at {} before the deadline of {client}#{}",
                end.time, asked.0
            ));
        }
        let nothing = if self.gst == Time::NEVER {
            "the network never becomes synchronous"
        } else {
            "no correct client asked for anything"
        };
        self.findings.verdict(nothing)
    }
}
