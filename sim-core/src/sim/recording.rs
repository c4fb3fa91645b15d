//! What is kept of a run: its trace, its costs, what it reached, and what the checkers say.

use super::clients::Clients;
use super::outcome::{Ended, Outcome};
use super::transport::Envelope;
use crate::checkers::{
    Checker, Closing, Happening, PROPERTIES, RunInfo, Shared, Stagnation, Stamp,
};
use crate::encode::Encoder;
use crate::id::NodeId;
use crate::metrics::{CryptoCount, Metrics, Moved, Traffic};
use crate::milestones::Milestones;
use crate::network::Transit;
use crate::node::{Message, TimerKey};
use crate::observation::Observation;
use crate::time::{Span, Time};
use crate::trace::{Passage, Recorder, Trace, TraceEvent};

/// The record of a run.
pub(super) struct Recording<'a> {
    trace: Trace,
    recorder: Option<&'a mut dyn Recorder>,
    metrics: Metrics,
    milestones: Milestones,
    /// The highest view that a correct replica entered.
    view_max: u64,
    /// The highest view that a correct replica asked for or entered.
    goal_max: u64,
    gst: Time,
    /// How long the slowest message between correct nodes takes that was sent since GST.
    slowest: Span,
    checkers: Vec<(&'static str, Box<dyn Checker>)>,
    /// What the keys of timers are written in.
    encoder: Option<Encoder>,
}

impl<'a> Recording<'a> {
    /// An empty record of a protocol with so many `kinds` of messages.
    pub(super) fn new(
        info: &RunInfo,
        kinds: usize,
        trace: Trace,
        mut recorder: Option<&'a mut dyn Recorder>,
    ) -> Self {
        if let Some(recorder) = &mut recorder {
            recorder.begin(info);
        }
        let shared = Shared::default();
        Self {
            trace,
            recorder,
            metrics: Metrics { traffic: vec![Traffic::default(); kinds], ..Metrics::default() },
            milestones: Milestones::new(info.elects),
            view_max: 0,
            goal_max: 0,
            gst: info.gst,
            slowest: Span::ZERO,
            checkers: PROPERTIES
                .iter()
                .filter(|p| p.scope.has(info))
                .map(|p| (p.name, (p.checker)(info, &shared)))
                .collect(),
            encoder: None,
        }
    }

    /// How many events were folded into the trace.
    #[inline]
    pub(super) const fn events(&self) -> u64 {
        self.trace.events()
    }

    pub(super) fn sent<M: Message>(&mut self, now: Time, sent: &Envelope<M>, transit: Transit) {
        let traffic = &mut self.metrics.traffic[usize::from(sent.kind.0)];
        traffic.bytes += u64::from(sent.bytes);
        match sent.from {
            NodeId::Replica(_) => traffic.from_replicas += 1,
            NodeId::Client(_) => traffic.from_clients += 1,
        }
        // It is shown and not hashed.
        let (from, to) = (sent.from, sent.to);
        self.show(now, || TraceEvent::Sent { from, to, what: sent.info(), transit });
    }

    pub(super) fn delivered<M: Message>(&mut self, now: Time, delivered: &Envelope<M>) {
        self.metrics.delivered += 1;
        let (from, to) = (delivered.from, delivered.to);
        self.show(now, || TraceEvent::Delivered { from, to, what: delivered.info() });
        self.trace.fold_passage(now, Passage::Delivered, [from, to], delivered.identity());
    }

    pub(super) fn lost<M: Message>(&mut self, now: Time, lost: &Envelope<M>) {
        self.metrics.lost += 1;
        let (from, to) = (lost.from, lost.to);
        self.show(now, || TraceEvent::Lost { from, to, what: lost.info() });
        self.trace.fold_passage(now, Passage::Lost, [from, to], lost.identity());
    }

    /// A message between correct nodes arrives then at the latest, or never.
    pub(super) fn promised(&mut self, now: Time, [from, to]: [NodeId; 2], transit: Transit) {
        if now < self.gst {
            return;
        }
        match transit {
            Transit::Arrives(at, _) | Transit::Held(_, at) => {
                self.slowest = self.slowest.max(at.since(now));
            }
            Transit::Lost => self.happened(now, Happening::Lost { from, to }),
        }
    }

    /// The highest view that a correct replica asked for or entered.
    #[inline]
    pub(super) const fn goal_max(&self) -> u64 {
        self.goal_max
    }

    /// Tells the checkers what a run was doing in which an operation is overdue.
    pub(super) fn conclude(&mut self, stagnation: &Stagnation) {
        for (_, checker) in &mut self.checkers {
            checker.conclude(stagnation);
        }
    }

    /// Tells the checkers what a correct node does not report.
    pub(super) fn happened(&mut self, now: Time, happening: Happening) {
        let at = self.stamp(now);
        for (_, checker) in &mut self.checkers {
            checker.happen(at, happening);
        }
    }

    /// A timer of a correct node expires that was armed then.
    pub(super) fn expired(
        &mut self,
        now: Time,
        node: NodeId,
        (timer, armed): (&impl TimerKey, Time),
    ) {
        // It is put back: memory of its own for each timer would cost more than the record.
        let mut key = self.encoder.take().unwrap_or_default();
        key.clear();
        timer.encode(&mut key);
        self.record(now, &TraceEvent::Expired { node, key: key.bytes(), name: timer });
        self.encoder = Some(key);
        self.happened(now, Happening::Expired { armed, slowest: self.slowest });
    }

    pub(super) fn crashed(
        &mut self,
        now: Time,
        node: NodeId,
        (is_faulty, is_midway): (bool, bool),
    ) {
        self.record(now, &TraceEvent::Crashed(node));
        if is_faulty {
            return;
        }
        if is_midway {
            self.milestones.reach("crash-midway");
        }
        self.happened(now, Happening::Crashed(node));
    }

    pub(super) fn restarted(&mut self, now: Time, node: NodeId, is_faulty: bool) {
        self.record(now, &TraceEvent::Restarted(node));
        let milestone = match (node, is_faulty) {
            (_, true) => return,
            (NodeId::Replica(_), false) => "crash-restart",
            (NodeId::Client(_), false) => "client-restart",
        };
        self.milestones.reach(milestone);
        self.happened(now, Happening::Restarted(node));
    }

    /// A node reports something.
    pub(super) fn observed(&mut self, now: Time, node: NodeId, observation: &Observation) {
        self.record(now, &TraceEvent::Observed(node, observation));
    }

    /// Shows the checkers, and counts towards the milestones, what a correct node reports.
    pub(super) fn judge(&mut self, now: Time, node: NodeId, observation: &Observation) {
        let at = self.stamp(now);
        if let Some(recorder) = &mut self.recorder {
            recorder.judged(at, node, observation);
        }
        for (_, checker) in &mut self.checkers {
            checker.observe(at, node, observation);
        }
        self.milestones.observe(node, observation);
        if let Observation::EnteredView { view } = observation {
            self.view_max = self.view_max.max(*view);
        }
        if let Observation::EnteredView { view } | Observation::ViewChangeStarted { view, .. } =
            observation
        {
            self.goal_max = self.goal_max.max(*view);
        }
    }

    /// Whether a property waits for something that is still to come. `calm`: since when nothing
    /// hinders correct nodes.
    pub(super) fn is_judging(&self, calm: Time, is_down: &dyn Fn(NodeId) -> bool) -> bool {
        self.checkers.iter().any(|(_, checker)| checker.is_open(calm, is_down))
    }

    /// The outcome of a run that ended for this reason, at this time.
    pub(super) fn finish(
        mut self,
        (ended, end): (Ended, Time),
        closing: &Closing<'_>,
        clients: Clients,
        (crypto, moved): (Vec<CryptoCount>, Moved),
    ) -> Outcome {
        let at = self.stamp(end);
        if let Some(recorder) = &mut self.recorder {
            recorder.end(at);
        }
        for (_, checker) in &mut self.checkers {
            checker.close(at, closing);
        }
        let remarks = self.checkers.iter_mut();
        let remarks = remarks.filter_map(|(name, checker)| Some((*name, checker.remark()?)));
        let remarks = remarks.collect();
        let verdicts =
            self.checkers.iter_mut().map(|(name, checker)| (*name, checker.finish(at))).collect();
        let events = self.trace.events();
        let (trace, marks) = self.trace.finish();
        let slack = clients.slack(end);
        let (served, operations, audit) = clients.finish();
        Outcome {
            verdicts,
            remarks,
            trace,
            marks,
            events,
            end,
            ended,
            metrics: Metrics { crypto, moved, ..self.metrics },
            milestones: self.milestones,
            served,
            operations,
            audit,
            view_max: self.view_max,
            slack,
        }
    }

    /// When something happens.
    #[inline]
    pub(super) fn stamp(&self, time: Time) -> Stamp {
        Stamp { time, event: self.trace.events().saturating_sub(1) }
    }

    fn record(&mut self, now: Time, event: &TraceEvent<'_>) {
        if let Some(recorder) = &mut self.recorder {
            recorder.record(self.trace.events(), now, event);
        }
        self.trace.fold(now, event);
    }

    /// Shows an event to the recorder, if there is one: nobody else needs it put together.
    #[inline]
    fn show<'b>(&mut self, now: Time, event: impl FnOnce() -> TraceEvent<'b>) {
        if let Some(recorder) = &mut self.recorder {
            recorder.record(self.trace.events(), now, &event());
        }
    }
}
