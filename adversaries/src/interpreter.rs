//! The adversary that carries out a plan.

use std::collections::BTreeMap;
use std::fmt;
use std::rc::Rc;

use byzsim_core::{
    Adversary, Committee, Control, CorruptedSigners, CrashPoint, Fate, Granted, Input, NodeId,
    Observation, Outbox, Protocol, Sent, Time, Wake,
};

use crate::action::{Action, Class, Parts};
use crate::active::{ActiveFault, Behavior, Phase, Transition};
use crate::corrupted::CorruptedNode;
use crate::crash::Downfall;
use crate::groups::Groups;
use crate::log::FaultLog;
use crate::plan::{Moment, Plan, Reported, Trigger};
use crate::twins::SenderSides;

/// The adversary that carries out a [`Plan`].
pub struct PlanAdversary<P: Protocol> {
    faults: Vec<ActiveFault>,
    /// The faults that decide about the fate of messages and are shown each of these, in order:
    /// those in force, and all if there are logs.
    deciding: Vec<usize>,
    /// The fault that decided about the last message, and the message's link.
    decided: Option<(usize, (NodeId, NodeId))>,
    /// The transitions that wait for a time.
    timed: Vec<Awaited<Time>>,
    alarms_set: bool,
    /// The transitions that wait for a report, with how many such reports were seen.
    triggered: Vec<(Awaited<Trigger>, u32)>,
    corrupted: BTreeMap<NodeId, CorruptedNode<P>>,
    forgetful: Vec<NodeId>,
    drift_ppm: BTreeMap<NodeId, i32>,
    /// When the last fault ended.
    last_end: Time,
}

/// A transition of a fault, and what it waits for.
#[derive(Debug)]
struct Awaited<W> {
    when: W,
    transition: Transition,
    /// The number of the fault, from 0.
    number: usize,
}

impl<P: Protocol> fmt::Debug for PlanAdversary<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PlanAdversary").field("faults", &self.faults).finish_non_exhaustive()
    }
}

impl<P: Protocol> PlanAdversary<P> {
    /// The adversary of one run. `signers` holds the signers of [`Plan::corrupted`].
    ///
    /// # Panics
    /// If [`Plan::validate`] refuses the plan, or a signer is missing.
    pub fn new(plan: &Plan, signers: &CorruptedSigners, params: &P::Params) -> Self {
        let committee = signers.committee;
        let active = |(number, fault)| ActiveFault::new::<P::Msg>(number, fault, committee);
        let mut adversary = Self {
            faults: plan.faults.iter().enumerate().map(active).collect(),
            deciding: Vec::new(),
            decided: None,
            timed: Vec::new(),
            alarms_set: false,
            triggered: Vec::new(),
            corrupted: corrupted(plan, signers, committee, params),
            forgetful: plan.forgetful(),
            drift_ppm: BTreeMap::new(),
            last_end: Time::ZERO,
        };
        for (number, fault) in plan.faults.iter().enumerate() {
            adversary.wait_for(number, Transition::Start, fault.start.as_ref());
            adversary.wait_for(number, Transition::End, fault.end.as_ref());
            if let Action::Drift { node, ppm } = &fault.action {
                adversary.drift_ppm.insert(*node, *ppm);
                adversary.faults[number].fired = 1;
            }
        }
        adversary
    }

    /// The same adversary, which keeps a log of each fault. Runs are slower then, but no different.
    pub fn with_logs(mut self) -> Self {
        for (number, fault) in self.faults.iter_mut().enumerate() {
            fault.log = Some(Box::new(FaultLog::new(fault.behavior.target())));
            if fault.behavior.decides_fates() {
                self.deciding.push(number);
            }
        }
        self
    }

    /// What each fault of the plan went through so far; nothing unless it keeps
    /// [logs](Self::with_logs).
    pub fn logs(&self) -> Vec<FaultLog> {
        self.faults.iter().filter_map(|fault| fault.log.as_deref().cloned()).collect()
    }

    /// How often each fault of the plan had an effect so far: messages held, delayed, lost,
    /// duplicated or turned into lies; crashes; of drift 1; of twins, messages of one copy that
    /// contradict what the other said of the same kind, view and slot.
    ///
    /// An effect is what the network granted: a message that fares as it would have without the
    /// fault is none.
    pub fn fired(&self) -> Vec<u64> {
        let mut fired: Vec<u64> = self.faults.iter().map(|fault| fault.fired).collect();
        for (number, contradictions) in
            self.corrupted.values().filter_map(CorruptedNode::equivocation)
        {
            fired[number] = contradictions;
        }
        fired
    }

    fn wait_for(&mut self, number: usize, transition: Transition, moment: Option<&Moment>) {
        match (moment, transition) {
            (None, Transition::Start) => {
                self.timed.push(Awaited { when: Time::ZERO, transition, number });
            }
            (None, Transition::End) => {}
            (Some(Moment::At(when)), _) => {
                self.timed.push(Awaited { when: *when, transition, number });
            }
            (Some(Moment::When(trigger)), _) => {
                self.triggered.push((Awaited { when: trigger.clone(), transition, number }, 0));
            }
        }
    }

    /// Makes the transitions whose moment has come.
    fn make(
        &mut self,
        now: Time,
        mut transitions: Vec<(Transition, usize)>,
        control: &mut Control,
    ) {
        transitions.sort_unstable();
        for (transition, number) in transitions {
            if let Some(moment) = self.faults[number].moment_log(transition) {
                moment.came = Some(now);
            }
            match (transition, self.faults[number].phase) {
                (Transition::Start, Phase::Waiting) => self.begin(now, number, control),
                (Transition::End, Phase::InForce) => {
                    self.last_end = now;
                    self.end(number, control);
                }
                // It ends before it began: it never does.
                (Transition::End, Phase::Waiting) => self.faults[number].phase = Phase::Over,
                (Transition::Start, Phase::InForce | Phase::Over)
                | (Transition::End, Phase::Over) => {}
            }
        }
    }

    fn begin(&mut self, now: Time, number: usize, control: &mut Control) {
        let fault = &mut self.faults[number];
        fault.phase = Phase::InForce;
        match &mut fault.log {
            Some(log) => log.began = Some(now),
            None if fault.behavior.decides_fates() => {
                let place = self.deciding.partition_point(|earlier| *earlier < number);
                self.deciding.insert(place, number);
            }
            None => {}
        }
        match &mut self.faults[number].behavior {
            Behavior::Crash(Downfall { node, crash, has_come }) => {
                control.crash(*node, *crash);
                if crash.point == CrashPoint::Now {
                    *has_come = true;
                    self.faults[number].fired += 1;
                }
            }
            Behavior::Replay(replay) => replay.pending = true,
            Behavior::Decide(..)
            | Behavior::Partition(..)
            | Behavior::Reorder(..)
            | Behavior::Rush(_)
            | Behavior::Rewrite(..)
            | Behavior::Relay(_)
            | Behavior::Drift
            | Behavior::Twins => {}
        }
    }

    fn end(&mut self, number: usize, control: &mut Control) {
        let fault = &mut self.faults[number];
        fault.phase = Phase::Over;
        if fault.log.is_none() {
            self.deciding.retain(|other| *other != number);
        }
        match &mut self.faults[number].behavior {
            Behavior::Decide(_, Fate::Hold(key)) | Behavior::Partition(_, Fate::Hold(key)) => {
                control.release(*key);
            }
            Behavior::Crash(Downfall { node, has_come: false, .. }) => control.call_off(*node),
            Behavior::Crash(Downfall { node, .. }) => {
                let node = *node;
                if !self.keeps_down(node) {
                    control.restart(node);
                }
            }
            // A node that did not act meanwhile repeats nothing later.
            Behavior::Replay(replay) => replay.pending = false,
            Behavior::Decide(..)
            | Behavior::Partition(..)
            | Behavior::Reorder(..)
            | Behavior::Rush(_)
            | Behavior::Rewrite(..)
            | Behavior::Relay(_)
            | Behavior::Drift
            | Behavior::Twins => {}
        }
    }

    /// Whether a fault in force says that `node` is down.
    fn keeps_down(&self, node: NodeId) -> bool {
        self.faults.iter().filter(|fault| fault.phase == Phase::InForce).any(|fault| {
            let Behavior::Crash(crash) = &fault.behavior else { return false };
            crash.node == node && crash.has_come
        })
    }
}

/// The corrupted nodes, each with what the plan makes of it.
fn corrupted<P: Protocol>(
    plan: &Plan,
    signers: &CorruptedSigners,
    committee: Committee,
    params: &P::Params,
) -> BTreeMap<NodeId, CorruptedNode<P>> {
    let honest = |node: NodeId| {
        let signer = signers.by_node.get(&node).expect("there is each corrupted node's signer");
        (node, CorruptedNode::new(Rc::clone(signer), committee, signers.seed, params))
    };
    let mut corrupted: BTreeMap<NodeId, CorruptedNode<P>> =
        plan.corrupted().into_iter().map(honest).collect();
    let twins = plan.faults.iter().filter_map(|fault| {
        if let Action::Twins { node, .. } = &fault.action { Some(*node) } else { None }
    });
    let sender_sides = SenderSides::among(twins.collect());
    for (number, fault) in plan.faults.iter().enumerate() {
        let Some(node) = fault.action.corrupts() else { continue };
        let node = corrupted.get_mut(&node).expect("every corrupted node was made one");
        let (mut action, class) = (fault.action.clone(), fault.action.class());
        let Parts { lie, field, heard, groups, .. } = action.parts();
        if lie.is_some() {
            node.add_lie(number);
        }
        if let Some((_, change)) = field {
            node.add_mutation(number, change);
        }
        match heard {
            Some(_) if class == Class::Relay => node.add_relay(number),
            Some(heard) => node.add_replay(number, *heard),
            None => {}
        }
        if let Groups::Twins(left, right, splits) = groups {
            node.split(number, (left, right), splits, &sender_sides, params);
        }
    }
    corrupted
}

impl<P: Protocol> Adversary<P::Msg> for PlanAdversary<P> {
    fn corrupted(&self) -> Vec<NodeId> {
        self.corrupted.keys().copied().collect()
    }

    fn forgetful(&self) -> Vec<NodeId> {
        self.forgetful.clone()
    }

    fn crashed(&mut self, node: NodeId, control: &mut Control) {
        // A node has one fault at most that lets it crash in the middle of something.
        let awaits = |fault: &&mut ActiveFault| {
            matches!(fault.behavior, Behavior::Crash(it) if it.node == node && !it.has_come)
                && fault.phase != Phase::Waiting
        };
        let Some(fault) = self.faults.iter_mut().find(awaits) else { return };
        if let Behavior::Crash(downfall) = &mut fault.behavior {
            downfall.has_come = true;
        }
        fault.fired += 1;
        // It came at the moment when the fault ended, and was not called off in time.
        if fault.phase == Phase::Over && !self.keeps_down(node) {
            control.restart(node);
        }
    }

    fn drift_ppm(&self, node: NodeId) -> i32 {
        self.drift_ppm.get(&node).copied().unwrap_or(0)
    }

    fn schedule(&mut self, sent: &Sent<'_, P::Msg>) -> Fate {
        let mut decided = None;
        for number in &self.deciding {
            let fault = &mut self.faults[*number];
            if !fault.applies(sent.now, (sent.from, sent.to), sent.msg) {
                continue;
            }
            let fate = fault.fate(sent.now, (sent.from, sent.to));
            match decided {
                Some((first, _)) => fault.preempted(first),
                None => decided = Some((*number, fate)),
            }
        }
        self.decided = decided.map(|(number, _)| (number, (sent.from, sent.to)));
        decided.map_or(Fate::Natural, |(_, fate)| fate)
    }

    fn granted(&mut self, granted: Granted) {
        if let Some((number, link)) = self.decided.take() {
            self.faults[number].granted(link, granted);
        }
    }

    fn act(&mut self, me: NodeId, input: Input<'_, P::Msg, Wake>, out: &mut Outbox<P::Msg, Wake>) {
        let node = self.corrupted.get_mut(&me).expect("only corrupted nodes act");
        node.act(&input, &mut self.faults, out);
    }

    fn notice(
        &mut self,
        now: Time,
        node: NodeId,
        observation: &Observation,
        control: &mut Control,
    ) {
        if self.triggered.is_empty() {
            return;
        }
        let Some(report) = Reported::of(observation) else { return };
        let mut transitions = Vec::new();
        self.triggered.retain_mut(|(awaited, seen)| {
            let failed = awaited.when.failed(node, report);
            if let Some(moment) = self.faults[awaited.number].moment_log(awaited.transition) {
                let (_, view, slot) = report;
                moment.reports.note(failed, (view, slot));
            }
            if failed.is_some() {
                return true;
            }
            *seen += 1;
            if *seen < awaited.when.count {
                return true;
            }
            transitions.push((awaited.transition, awaited.number));
            false
        });
        self.make(now, transitions, control);
    }

    fn control(&mut self, now: Time, control: &mut Control) {
        let mut transitions = Vec::new();
        self.timed.retain(|awaited| {
            let due = awaited.when <= now;
            if due {
                transitions.push((awaited.transition, awaited.number));
            }
            !due
        });
        if !std::mem::replace(&mut self.alarms_set, true) {
            for awaited in self.timed.iter().filter(|awaited| awaited.when != Time::NEVER) {
                control.alarm(awaited.when);
            }
        }
        self.make(now, transitions, control);
    }

    fn settled_at(&self) -> Time {
        let ends = self.timed.iter().filter(|it| {
            it.transition == Transition::End
                && it.when != Time::NEVER
                && self.faults[it.number].phase != Phase::Over
        });
        ends.map(|it| it.when).max().unwrap_or(Time::ZERO).max(self.last_end)
    }
}
