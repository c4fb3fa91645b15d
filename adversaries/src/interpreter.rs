//! The adversary that carries out a plan.

use std::collections::BTreeMap;
use std::fmt;
use std::rc::Rc;

use byzsim_core::{
    Adversary, Committee, Control, CorruptedSigners, Fate, Input, NodeId, Observation, Outbox,
    Protocol, Sent, Time, Wake,
};

use crate::corrupted::CorruptedNode;
use crate::plan::{Action, Milestone, Moment, Plan};
use crate::row::{Deed, Phase, Row};
use crate::twins::SenderSides;

/// The adversary that carries out a [`Plan`].
pub struct PlanAdversary<P: Protocol> {
    rows: Vec<Row>,
    /// The rows in force that decide about the fate of messages, in order.
    befalling: Vec<usize>,
    /// What happens at which time.
    clock: Vec<Turn<Time>>,
    alarms_set: bool,
    /// What happens at which milestone, with how many reports of it were seen.
    watches: Vec<(Turn<Milestone>, u32)>,
    corrupted: BTreeMap<NodeId, CorruptedNode<P>>,
    drift_ppm: BTreeMap<NodeId, i32>,
}

/// A row takes force, or loses it.
#[derive(Debug)]
struct Turn<W> {
    when: W,
    edge: Edge,
    row: usize,
}

/// Which end of a row's window. What ends at a moment ends before anything else begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Edge {
    End,
    Start,
}

impl<P: Protocol> fmt::Debug for PlanAdversary<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PlanAdversary").field("rows", &self.rows).finish_non_exhaustive()
    }
}

impl<P: Protocol> PlanAdversary<P> {
    /// The adversary of one run. `signers` holds the signers of [`Plan::corrupted`].
    ///
    /// # Panics
    /// If [`Plan::validate`] refuses the plan, or a signer is missing.
    pub fn new(plan: &Plan, signers: &CorruptedSigners, params: &P::Params) -> Self {
        let committee = signers.committee;
        let rows = plan.faults.iter().enumerate();
        let mut adversary = Self {
            rows: rows.map(|(i, fault)| Row::new::<P::Msg>(i, fault, committee)).collect(),
            befalling: Vec::new(),
            clock: Vec::new(),
            alarms_set: false,
            watches: Vec::new(),
            corrupted: corrupted(plan, signers, committee, params),
            drift_ppm: BTreeMap::new(),
        };
        for (row, fault) in plan.faults.iter().enumerate() {
            adversary.wait_for(row, Edge::Start, fault.start.as_ref());
            adversary.wait_for(row, Edge::End, fault.end.as_ref());
            if let Action::Drift { node, ppm } = &fault.action {
                adversary.drift_ppm.insert(*node, *ppm);
                adversary.rows[row].fired = 1;
            }
        }
        adversary
    }

    /// How often each row of the plan had an effect so far: messages held, delayed, lost,
    /// duplicated or turned into lies; crashes; of drift 1; of twins, messages of one copy that
    /// contradict what the other said of the same kind, view and slot.
    ///
    /// An effect is what the row wished for; the network may have granted less.
    pub fn fired(&self) -> Vec<u64> {
        let mut fired: Vec<u64> = self.rows.iter().map(|row| row.fired).collect();
        for (row, contradictions) in self.corrupted.values().filter_map(CorruptedNode::equivocation)
        {
            fired[row] = contradictions;
        }
        fired
    }

    fn wait_for(&mut self, row: usize, edge: Edge, moment: Option<&Moment>) {
        match (moment, edge) {
            (None, Edge::Start) => self.clock.push(Turn { when: Time::ZERO, edge, row }),
            (None, Edge::End) => {}
            (Some(Moment::At(when)), _) => self.clock.push(Turn { when: *when, edge, row }),
            (Some(Moment::When(milestone)), _) => {
                self.watches.push((Turn { when: milestone.clone(), edge, row }, 0));
            }
        }
    }

    /// Lets rows take force and lose it, as their time has come.
    fn turn(&mut self, mut turns: Vec<(Edge, usize)>, control: &mut Control) {
        turns.sort_unstable();
        for (edge, row) in turns {
            match (edge, self.rows[row].phase) {
                (Edge::Start, Phase::Waiting) => self.begin(row, control),
                (Edge::End, Phase::InForce) => self.end(row, control),
                // It ends before it began: it never does.
                (Edge::End, Phase::Waiting) => self.rows[row].phase = Phase::Over,
                (Edge::Start, Phase::InForce | Phase::Over) | (Edge::End, Phase::Over) => {}
            }
        }
    }

    fn begin(&mut self, row: usize, control: &mut Control) {
        self.rows[row].phase = Phase::InForce;
        if self.rows[row].befalls() {
            let place = self.befalling.partition_point(|earlier| *earlier < row);
            self.befalling.insert(place, row);
        }
        match &mut self.rows[row].deed {
            Deed::Crash(node) => {
                control.crash(*node);
                self.rows[row].fired += 1;
            }
            Deed::Replay(replay) => replay.pending = true,
            Deed::Befall(..) | Deed::Part(..) | Deed::Rush(_) | Deed::Tell(..) | Deed::Lasting => {}
        }
    }

    fn end(&mut self, row: usize, control: &mut Control) {
        self.rows[row].phase = Phase::Over;
        self.befalling.retain(|other| *other != row);
        match &mut self.rows[row].deed {
            Deed::Befall(_, Fate::Hold(key)) | Deed::Part(_, Fate::Hold(key)) => {
                control.release(*key);
            }
            Deed::Crash(node) => {
                let node = *node;
                if !self.keeps_down(node) {
                    control.restart(node);
                }
            }
            // A node that did not act meanwhile repeats nothing later.
            Deed::Replay(replay) => replay.pending = false,
            Deed::Befall(..) | Deed::Part(..) | Deed::Rush(_) | Deed::Tell(..) | Deed::Lasting => {}
        }
    }

    /// Whether a row in force says that `node` is down.
    fn keeps_down(&self, node: NodeId) -> bool {
        let says_so = |row: &Row| matches!(row.deed, Deed::Crash(down) if down == node);
        self.rows.iter().any(|row| row.phase == Phase::InForce && says_so(row))
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
    for (row, fault) in plan.faults.iter().enumerate() {
        let Some(node) = fault.action.corrupts() else { continue };
        let node = corrupted.get_mut(&node).expect("every corrupted node was made one");
        match &fault.action {
            Action::Lie { .. } => node.add_lie(row),
            Action::Mutate { change, .. } => node.add_mutation(row, change),
            Action::Replay { heard, messages, .. } => node.add_replay(row, *heard, messages),
            Action::Twins { left, right, splits, .. } => {
                node.split(row, (left, right), splits, &sender_sides, params);
            }
            Action::Mute(_)
            | Action::Omit { .. }
            | Action::Lag { .. }
            | Action::Rush(_)
            | Action::Hold(_)
            | Action::Delay { .. }
            | Action::Drop(_)
            | Action::Duplicate { .. }
            | Action::Partition { .. }
            | Action::Crash(_)
            | Action::Drift { .. } => {}
        }
    }
    corrupted
}

impl<P: Protocol> Adversary<P::Msg> for PlanAdversary<P> {
    fn corrupted(&self) -> Vec<NodeId> {
        self.corrupted.keys().copied().collect()
    }

    fn drift_ppm(&self, node: NodeId) -> i32 {
        self.drift_ppm.get(&node).copied().unwrap_or(0)
    }

    fn schedule(&mut self, sent: &Sent<'_, P::Msg>) -> Fate {
        let mut decided = None;
        for row in &self.befalling {
            let row = &mut self.rows[*row];
            let fate = row.fate(sent.from, sent.to, sent.msg);
            if decided.is_none() && fate.is_some() {
                row.fired += 1;
                decided = fate;
            }
        }
        decided.unwrap_or(Fate::Natural)
    }

    fn act(&mut self, me: NodeId, input: Input<'_, P::Msg, Wake>, out: &mut Outbox<P::Msg, Wake>) {
        let node = self.corrupted.get_mut(&me).expect("only corrupted nodes act");
        node.act(&input, &mut self.rows, out);
    }

    fn notice(&mut self, _: Time, node: NodeId, observation: &Observation, control: &mut Control) {
        if self.watches.is_empty() {
            return;
        }
        let mut turns = Vec::new();
        self.watches.retain_mut(|(turn, seen)| {
            if !turn.when.is_met_by(node, observation) {
                return true;
            }
            *seen += 1;
            if *seen < turn.when.count {
                return true;
            }
            turns.push((turn.edge, turn.row));
            false
        });
        self.turn(turns, control);
    }

    fn control(&mut self, now: Time, control: &mut Control) {
        let mut turns = Vec::new();
        self.clock.retain(|turn| {
            let due = turn.when <= now;
            if due {
                turns.push((turn.edge, turn.row));
            }
            !due
        });
        if !std::mem::replace(&mut self.alarms_set, true) {
            for turn in self.clock.iter().filter(|turn| turn.when != Time::NEVER) {
                control.alarm(turn.when);
            }
        }
        self.turn(turns, control);
    }
}
