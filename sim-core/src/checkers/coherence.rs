//! Coherence: what a correct node reports agrees with what it reported before, and with what others
//! reported of the same batch, the same history and the same certificate.
//!
//! The other properties judge what a run came to. This one judges the way there, so that they rest
//! on reports that hang together: a replica whose views run back, which executes what it did not
//! decide, or which decides what too few replicas accepted, has gone wrong even if nothing came of
//! it in this run. Each rule says what any protocol owes that makes reports of this kind.

mod reported;

use std::collections::{BTreeMap, BTreeSet};

use super::{Checker, Findings, RunInfo, Stamp, Verdict};
use crate::crypto::Digest;
use crate::id::{NodeId, ReplicaSet};
use crate::observation::{Decided, Observation};
use crate::sorted::Sorted;
use crate::time::Time;

use reported::Slot;

#[derive(Debug)]
pub(super) struct Coherence {
    findings: Findings,
    /// How many of the correct replicas must accept what is decided: a quorum contains no more
    /// corrupted replicas than there are.
    witnesses: usize,
    /// How many of the correct replicas must have taken a checkpoint that is stable.
    certifiers: usize,
    /// Whether the primaries of views are elected.
    elects: bool,
    now: Time,
    clients: Vec<Client>,
    replicas: Vec<Replica>,
    slots: Sorted<u64, Slot>,
    /// Which correct replicas asked for a view.
    asked_for: BTreeMap<u64, ReplicaSet>,
    /// The views that a correct replica entered.
    entered: BTreeSet<u64>,
    /// Whether replicas execute what is not decided.
    speculates: bool,
    /// Whether the completions of this protocol have places.
    anchors: Option<bool>,
}

#[derive(Debug, Default)]
struct Client {
    asked: u64,
    is_waiting: bool,
    is_anchored: bool,
}

#[derive(Debug, Default)]
struct Replica {
    view: u64,
    /// The views that it last asked for, and last adopted a history for.
    asked_for: u64,
    adopts: u64,
    /// The last slot that it executed, whether it was decided by then, and whether it was null.
    last: u64,
    is_decided: bool,
    is_null: bool,
    stable: u64,
    /// The slots above the stable checkpoint that it executed speculatively and did not undo, with
    /// the history up to each.
    histories: Vec<(u64, Digest)>,
    /// The slots that it executed and went on from, without a checkpoint.
    unmarked: Vec<u64>,
    checkpoints: BTreeMap<u64, Digest>,
    proven: BTreeMap<u64, Digest>,
    restored: Vec<(u64, Digest, Stamp)>,
    /// Up to where a fetched state stands for what it did not execute.
    skipped: u64,
}

impl Replica {
    /// The history up to a slot, if it holds it.
    fn history(&self, seq: u64) -> Option<Digest> {
        let found = self.histories.iter().rev().find(|(slot, _)| *slot == seq);
        found.map(|(_, history)| *history)
    }

    /// Whether it may work in a view: it is in it, and asked for no later one.
    const fn works_in(&self, view: u64) -> bool {
        self.view == view && self.asked_for <= view && self.adopts <= view
    }
}

impl Coherence {
    pub(super) fn new(info: &RunInfo) -> Self {
        let corrupted = info.corrupted.iter().filter(|node| !node.is_client()).count();
        let witnesses = info.resilience.quorum.saturating_sub(corrupted);
        Self {
            findings: Findings::default(),
            witnesses,
            // An elected leader's word is enough for a state.
            certifiers: if info.elects { 1_usize.saturating_sub(corrupted) } else { witnesses },
            elects: info.elects,
            now: Time::ZERO,
            clients: info.committee.client_ids().map(|_| Client::default()).collect(),
            replicas: info.committee.replica_ids().map(|_| Replica::default()).collect(),
            slots: Sorted::default(),
            asked_for: BTreeMap::new(),
            entered: BTreeSet::new(),
            speculates: false,
            anchors: None,
        }
    }

    /// Violates the property unless `holds`.
    fn demand(&mut self, holds: bool, at: Stamp, node: NodeId, what: &Observation, rule: &str) {
        self.findings.judge();
        if !holds {
            self.findings.violate(at, rule, || format!("{node} {what}, but {rule}"));
        }
    }

    fn of_client(&mut self, at: Stamp, node: NodeId, what: &Observation) {
        let client = &mut self.clients[usize::from(node.number())];
        let Client { asked, is_waiting, is_anchored } = *client;
        match *what {
            Observation::Invoked { timestamp, .. } => {
                *client = Client { asked: timestamp, is_waiting: true, is_anchored: false };
                let rule = "a client asks for one operation after the other";
                self.demand(!is_waiting && timestamp == asked + 1, at, node, what, rule);
            }
            Observation::Anchored { timestamp, view, seq, history } => {
                client.is_anchored = true;
                let rule = "a client learns once the place of the operation that it waits for";
                let is_due = is_waiting && !is_anchored && timestamp == asked;
                self.demand(is_due, at, node, what, rule);
                let slot = self.slots.get(seq);
                let is_known =
                    slot.is_some_and(|slot| slot.histories.iter().any(|(it, ..)| *it == history));
                let rule = "no correct replica executed this history";
                self.demand(is_known, at, node, what, rule);
                let is_view = view == 0 || self.entered.contains(&view);
                self.demand(is_view, at, node, what, "no correct replica was in this view");
            }
            Observation::Completed { timestamp, .. } => {
                client.is_waiting = false;
                client.is_anchored = false;
                let rule = "a client completes the operation that it waits for";
                self.demand(is_waiting && timestamp == asked, at, node, what, rule);
                let usual = *self.anchors.get_or_insert(is_anchored);
                let rule = "only some completions have a place";
                self.demand(usual == is_anchored, at, node, what, rule);
            }
            _ => {}
        }
    }

    fn of_views(&mut self, at: Stamp, node: NodeId, what: &Observation) {
        let replica = &mut self.replicas[usize::from(node.number())];
        match *what {
            Observation::ViewChangeStarted { view, .. } => {
                let is_later = replica.view.max(replica.asked_for) < view;
                replica.asked_for = view;
                self.asked_for.entry(view).or_default().insert(node);
                self.demand(is_later, at, node, what, "a replica asks for a later view");
            }
            Observation::EnteredView { view } => {
                let is_later = replica.view < view && replica.asked_for.max(replica.adopts) <= view;
                replica.view = view;
                self.entered.insert(view);
                let asked = self.asked_for.get(&view).map_or(0, ReplicaSet::len);
                self.demand(is_later, at, node, what, "a replica enters a later view");
                let rule = "too few correct replicas asked for this view";
                self.demand(self.witnesses <= asked, at, node, what, rule);
            }
            Observation::Accepted { view, seq, batch } => {
                // An elected leader sends what its log has of earlier views, again if it was cut.
                let is_here = match self.elects {
                    false => replica.works_in(view),
                    true => view <= replica.view && replica.works_in(replica.view),
                };
                let said = self.slots.or_default(seq).accepting_in(view);
                let is_first = match self.elects {
                    false => !said.has(node),
                    true => !said.contradicts(batch, node),
                };
                said.add(batch, node);
                let rule = "a replica accepts proposals of the view that it is in";
                self.demand(is_here, at, node, what, rule);
                let rule = "a replica accepts one proposal for a slot of a view";
                self.demand(is_first, at, node, what, rule);
            }
            _ => {}
        }
    }

    /// A replica may learn of a decision twice: by votes, and by a proof.
    fn decide(&mut self, at: Stamp, node: NodeId, what: &Observation) {
        let Observation::Committed { view, seq, decided } = *what else { return };
        let replica = &self.replicas[usize::from(node.number())];
        let (own, is_here) = (replica.history(seq), replica.view == view);
        self.slots.or_default(seq).decided.add(decided.digest(), node);
        match decided {
            Decided::History(history) => {
                let rule = "a replica commits its history in the view that it is in";
                self.demand(is_here, at, node, what, rule);
                let rule = "its own history is another one";
                self.demand(own.is_none_or(|own| own == history), at, node, what, rule);
            }
            Decided::Batch(batch) => {
                let slot = self.slots.get(seq);
                let said = slot.and_then(|slot| slot.accepted_in(view));
                let count = said.map_or(0, |said| said.by(batch).len());
                let rule = "too few correct replicas accepted that in this view";
                self.demand(self.witnesses <= count, at, node, what, rule);
            }
        }
    }

    fn execute(&mut self, at: Stamp, node: NodeId, what: &Observation) {
        let Observation::Executed { view, seq, batch, null } = *what else { return };
        let replica = &mut self.replicas[usize::from(node.number())];
        let before = replica.last;
        if replica.is_decided && !replica.checkpoints.contains_key(&before) {
            replica.unmarked.push(before);
        }
        let is_here = replica.view == view;
        (replica.last, replica.is_decided, replica.is_null) = (seq, true, null);
        let slot = self.slots.or_default(seq);
        let is_decided = slot.decided.by(batch).contains(node);
        let (first, is_null) = *slot.null.get_or_insert((batch, null));
        self.demand(is_decided, at, node, what, "a replica executes what it decided");
        self.demand(is_here, at, node, what, "a replica executes in the view that it is in");
        let same = first != batch || is_null == null;
        self.demand(same, at, node, what, "whether a batch is null follows from the batch");
    }

    fn speculate(&mut self, at: Stamp, node: NodeId, what: &Observation) {
        let Observation::Speculated { view, seq, batch, history } = *what else { return };
        self.speculates = true;
        let replica = &mut self.replicas[usize::from(node.number())];
        // A replica adopts the history of a view before it enters the view.
        let is_adopted = replica.view < view && replica.adopts <= view;
        let is_here = replica.view == view;
        replica.adopts = view;
        let before =
            if seq == 1 { Some(Digest::default()) } else { replica.history(seq.saturating_sub(1)) };
        (replica.last, replica.is_decided, replica.is_null) = (seq, false, false);
        replica.histories.push((seq, history));
        let follows = self.slots.or_default(seq).is_chained(history, before, batch);
        let said = self.slots.get(seq).and_then(|slot| slot.accepted_in(view));
        let is_accepted = is_here && said.is_some_and(|said| said.by(batch).contains(node));
        let asked = self.asked_for.get(&view).map_or(0, ReplicaSet::len);
        let is_backed = view == 0 || self.witnesses <= asked;
        self.demand(is_backed, at, node, what, "too few correct replicas asked for this view");
        let rule = "a replica executes what it accepted in its view, or adopts for a later one";
        self.demand(is_adopted || is_accepted, at, node, what, rule);
        self.demand(follows, at, node, what, "a history and a batch make one history");
    }

    fn apply(&mut self, at: Stamp, node: NodeId, what: &Observation) {
        let Observation::Applied { seq, .. } = *what else { return };
        let replica = &self.replicas[usize::from(node.number())];
        let is_closed = replica.checkpoints.last_key_value().is_some_and(|(last, _)| seq <= *last);
        let is_here = seq == replica.last && !replica.is_null && !is_closed;
        let rule = "a replica applies requests of the slot that it executes";
        self.demand(is_here, at, node, what, rule);
    }

    /// Whether the replica decided every slot up to `seq` that it executed speculatively.
    fn decides_up_to(&self, node: NodeId, seq: u64) -> bool {
        let replica = &self.replicas[usize::from(node.number())];
        let mut executed = replica.histories.iter().filter(|(slot, _)| *slot <= seq);
        executed.all(|(slot, _)| self.slots.get(*slot).is_some_and(|it| it.decided.has(node)))
    }

    fn take_checkpoint(&mut self, at: Stamp, node: NodeId, what: &Observation) {
        let Observation::Checkpointed { seq, state } = *what else { return };
        let is_complete = self.decides_up_to(node, seq);
        let replica = &mut self.replicas[usize::from(node.number())];
        let is_due = if replica.is_decided { seq == replica.last } else { seq <= replica.last };
        if replica.is_decided {
            self.slots.or_default(seq).checkpoints.add(state, node);
        }
        let is_first = replica.checkpoints.insert(seq, state).is_none();
        self.demand(is_due, at, node, what, "a replica has the states of what it executed");
        self.demand(is_first, at, node, what, "a replica takes one checkpoint after a slot");
        self.demand(is_complete, at, node, what, "a checkpoint decides the slots before it");
    }

    fn stabilise(&mut self, at: Stamp, node: NodeId, what: &Observation) {
        let Observation::StableCheckpoint { seq, state } = *what else { return };
        let replica = &mut self.replicas[usize::from(node.number())];
        let is_later = replica.stable < seq;
        replica.stable = seq;
        replica.histories.retain(|(slot, _)| seq <= *slot);
        replica.proven.insert(seq, state);
        let has_it = seq <= replica.last && replica.skipped < seq;
        let has_same = !has_it || replica.checkpoints.get(&seq) == Some(&state);
        let slot = self.slots.or_default(seq);
        let is_decided = !self.speculates || slot.decided.has(node);
        let is_backed = self.speculates || self.certifiers <= slot.checkpoints.by(state).len();
        self.demand(is_later, at, node, what, "stable checkpoints move on");
        self.demand(has_same, at, node, what, "it took no such checkpoint");
        let rule = "too few correct replicas took this checkpoint";
        self.demand(is_backed, at, node, what, rule);
        self.demand(is_decided, at, node, what, "a stable checkpoint decides its slot");
    }

    fn jump(&mut self, at: Stamp, node: NodeId, what: &Observation) {
        let replica = &mut self.replicas[usize::from(node.number())];
        match *what {
            Observation::RolledBack { to } => {
                let undoes = to < replica.last && replica.stable <= to;
                replica.last = to;
                replica.histories.retain(|(slot, _)| *slot <= to);
                self.demand(undoes, at, node, what, "a replica undoes what is not stable");
            }
            Observation::Restored { seq, state, .. } => {
                let is_ahead = replica.last < seq;
                replica.restored.push((seq, state, at));
                (replica.last, replica.skipped, replica.is_decided) = (seq, seq, false);
                replica.histories.clear();
                let rule = "a replica fetches the state of a later slot";
                self.demand(is_ahead, at, node, what, rule);
            }
            _ => {}
        }
    }
}

impl Checker for Coherence {
    fn observe(&mut self, at: Stamp, node: NodeId, what: &Observation) {
        self.demand(self.now <= at.time, at, node, what, "time moves on");
        self.now = at.time;
        match what {
            Observation::Invoked { .. }
            | Observation::Anchored { .. }
            | Observation::Completed { .. } => self.of_client(at, node, what),
            Observation::ViewChangeStarted { .. }
            | Observation::EnteredView { .. }
            | Observation::Accepted { .. } => self.of_views(at, node, what),
            Observation::Committed { .. } => self.decide(at, node, what),
            Observation::Executed { .. } => self.execute(at, node, what),
            Observation::Speculated { .. } => self.speculate(at, node, what),
            Observation::Applied { .. } => self.apply(at, node, what),
            Observation::Checkpointed { .. } => self.take_checkpoint(at, node, what),
            Observation::StableCheckpoint { .. } => self.stabilise(at, node, what),
            Observation::RolledBack { .. } | Observation::Restored { .. } => {
                self.jump(at, node, what);
            }
            _ => {}
        }
    }

    fn finish(&mut self, end: Stamp) -> Verdict {
        for (number, replica) in (0..).zip(&self.replicas) {
            let node = NodeId::Replica(number);
            let unproven = replica
                .restored
                .iter()
                .find(|(seq, state, _)| replica.proven.get(seq) != Some(state));
            if let Some((seq, state, at)) = unproven {
                self.findings.violate(*at, "a state that is not stable", || {
                    format!("{node} restored state {state} after s{seq}, and holds no proof of it")
                });
            }
            // Whoever went on from a slot after which another took a checkpoint took one, too.
            let is_due = |seq: &&u64| {
                self.slots.get(**seq).is_some_and(|slot| slot.checkpoints.first.is_some())
            };
            if let Some(seq) = replica.unmarked.iter().find(is_due) {
                self.findings.violate(end, "no checkpoint", || {
                    format!("{node} executed s{seq} and went on without a checkpoint")
                });
            }
        }
        if end.time < self.now {
            self.findings.violate(end, "time moves on", || format!("a fact after {}", end.time));
        }
        self.findings.verdict("no correct node reported anything")
    }
}
