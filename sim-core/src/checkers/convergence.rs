//! Convergence: when the faults are over, every correct replica comes to hold each decided slot,
//! and the same state.
//!
//! A slot is *decided* when a correct replica executes or commits it for good, or when a correct
//! client completes an operation and knows that it has its place there; and when all slots below it
//! are decided. Above a hole nothing can be executed, and while no client waits, nobody owes that
//! the hole is filled: a corrupted primary can leave one behind. Each correct replica that
//! is up must have executed the slot, or have fetched a state that covers it, within the liveness
//! bound of the protocol after that, or after the run settled: the clients are done, the network is
//! synchronous, and the faults that end are over.
//!
//! A replica that was cut off cannot know what it missed before others speak again. So if no client
//! asked for anything since the faults were over, one that lags behind is left out, unless replicas
//! of the protocol keep telling each other what is decided, as a leader does with heartbeats; so is
//! one that stays crashed, and one that lags behind with a link that lost messages from GST on. A
//! read that is answered past the order makes no replica speak to another: it does not count. The
//! verdict says so. Nothing else excuses a correct replica.

use std::collections::{BTreeMap, BTreeSet};

use super::quiescence::unsettled;
use super::{Checker, Closing, Findings, Happening, RunInfo, Stamp, Verdict};
use crate::crypto::Digest;
use crate::id::NodeId;
use crate::observation::{Observation, Standing};
use crate::time::{Span, Time};

/// A decided slot: the first that is higher than all before it.
#[derive(Clone, Copy, Debug)]
struct Decided {
    seq: u64,
    time: Time,
    /// Who knows it.
    by: NodeId,
}

/// How far a correct replica is.
#[derive(Clone, Debug, Default)]
struct Progress {
    /// The last slot that it executed, or that a state covers which it fetched.
    executed: u64,
    /// How many of the decided slots lie at or below it.
    covered: usize,
}

/// A client, and its number for a request.
type Request = (NodeId, u64);

#[derive(Debug)]
pub(super) struct Convergence {
    findings: Findings,
    bound: Span,
    /// Whether replicas tell each other what is decided although no client asks.
    keeps_telling: bool,
    decided: Vec<Decided>,
    /// Slots that were committed above a hole, and who knows them.
    above_hole: BTreeMap<u64, NodeId>,
    /// By replica; none of a corrupted one.
    progress: Vec<Option<Progress>>,
    /// Slots that a replica came to hold long after they were decided: who, which, and when.
    slow: Vec<(NodeId, Decided, Stamp)>,
    /// The history with which an operation completed, at the highest slot that has one.
    completed: Option<(u64, Digest)>,
    /// The correct nodes with a link that loses messages although the network is synchronous.
    cut: BTreeSet<NodeId>,
    /// When correct clients asked for what, in the order in which they did.
    asked: Vec<(Time, Request)>,
    /// Which of that was answered past the order, and was not applied since.
    reads: BTreeSet<Request>,
    undecided: Option<String>,
    /// Which replicas are left out, and why.
    left_out: Vec<String>,
}

impl Convergence {
    pub(super) fn new(info: &RunInfo) -> Self {
        let progress = |node| (!info.corrupted.contains(&node)).then(Progress::default);
        Self {
            findings: Findings::default(),
            bound: info.liveness_bound,
            keeps_telling: info.keeps_telling,
            decided: Vec::new(),
            above_hole: BTreeMap::new(),
            progress: info.committee.replica_ids().map(progress).collect(),
            slow: Vec::new(),
            completed: None,
            cut: BTreeSet::new(),
            asked: Vec::new(),
            reads: BTreeSet::new(),
            undecided: None,
            left_out: Vec::new(),
        }
    }

    fn last_decided(&self) -> u64 {
        self.decided.last().map_or(0, |last| last.seq)
    }

    /// A slot is committed: that decides it, if all slots below it are.
    fn commit(&mut self, at: Stamp, by: NodeId, seq: u64) {
        match seq <= self.last_decided() + 1 {
            true => self.decide(at, by, seq),
            false => _ = self.above_hole.insert(seq, by),
        }
    }

    /// A slot is decided, and with it all slots below it, and those committed right above it.
    fn decide(&mut self, at: Stamp, by: NodeId, seq: u64) {
        if seq <= self.last_decided() {
            return;
        }
        self.decided.push(Decided { seq, time: at.time, by });
        // Who executed it before covers it now, and all before it.
        for it in self.progress.iter_mut().flatten().filter(|it| seq <= it.executed) {
            it.covered = self.decided.len();
        }
        while let Some(above) = self.above_hole.first_entry().filter(|it| *it.key() <= seq) {
            above.remove();
        }
        if let Some(by) = self.above_hole.remove(&(seq + 1)) {
            self.decide(at, by, seq + 1);
        }
    }

    /// A replica has come to this slot.
    fn advance(&mut self, at: Stamp, node: NodeId, seq: u64) {
        let Some(it) = &mut self.progress[usize::from(node.number())] else { return };
        it.executed = it.executed.max(seq);
        while let Some(decided) = self.decided.get(it.covered)
            && decided.seq <= it.executed
        {
            if decided.time + self.bound < at.time {
                self.slow.push((node, *decided, at));
            }
            it.covered += 1;
        }
    }

    fn roll_back(&mut self, node: NodeId, to: u64) {
        if let Some(it) = &mut self.progress[usize::from(node.number())] {
            it.executed = it.executed.min(to);
            it.covered = self.decided.partition_point(|decided| decided.seq <= to).min(it.covered);
        }
    }

    /// How far the correct replicas are that are up, or those that are down.
    fn replicas<'a>(
        &'a self,
        down: bool,
        is_down: &'a dyn Fn(NodeId) -> bool,
    ) -> impl Iterator<Item = (NodeId, &'a Progress)> {
        let replicas = (0..).map(NodeId::Replica).zip(&self.progress);
        replicas
            .filter_map(|(node, it)| Some((node, it.as_ref()?)))
            .filter(move |(node, _)| is_down(*node) == down)
    }

    /// Whether every replica hears of what was decided: replicas keep telling, or a client asked
    /// for something since the faults were over that was ordered, or is to be.
    fn is_told(&self, calm: Time) -> bool {
        let mut since = self.asked.iter().rev().take_while(|(asked, _)| calm <= *asked);
        self.keeps_telling || since.any(|(_, request)| !self.reads.contains(request))
    }

    /// Whether each replica that is up came to each decided slot.
    fn judge_progress(&mut self, end: Stamp, settled: Time, closing: &Closing<'_>) {
        for (node, decided, at) in std::mem::take(&mut self.slow) {
            if self.cut.contains(&node) {
                continue;
            }
            let due = decided.time.max(settled) + self.bound;
            if due < at.time {
                let Decided { seq, time, by } = decided;
                self.findings.violate(at, "caught up late", || {
                    format!(
                        "{node} comes to slot s{seq}, which {by} knew to be decided at {time}; it \
                         was due by {due}"
                    )
                });
            }
        }
        let replicas = self.replicas(false, closing.is_down);
        let replicas: Vec<_> = replicas.map(|(node, it)| (node, it.clone())).collect();
        for (node, it) in replicas {
            self.findings.judged += it.covered as u64;
            let Some(Decided { seq, time, by }) = self.decided.get(it.covered).copied() else {
                continue;
            };
            let due = time.max(settled) + self.bound;
            let lags = format!(
                "{node} executed up to slot s{} and lacks slot s{seq}, which {by} knew to be \
                 decided at {time}",
                it.executed
            );
            // What pulses lead to, such as heartbeats, may still tell it. A run waits for that if it
            // is owed.
            let may_be_told = closing.has_pulses && self.is_told(closing.calm);
            let is_over = closing.is_at_rest && !may_be_told;
            if self.cut.contains(&node) {
                self.left_out.push(format!("{lags}, and a link of it lost messages from GST on"));
            } else if !is_over && end.time <= due {
                let why = format!("the run ended at {}: {lags}, and had until {due}", end.time);
                self.undecided = Some(why);
            } else if !self.is_told(closing.calm) {
                self.left_out.push(format!(
                    "{lags}, and nothing told it, as no client asked for anything after the faults \
                     were over at {}",
                    closing.calm
                ));
            } else {
                let still = match is_over {
                    true => "and correct nodes are at rest".to_owned(),
                    false => format!("and was due by {due}"),
                };
                self.findings.violate(end, "left behind", || {
                    format!(
                        "{lags}; the last fault and the last answer were over at {settled}, {still}"
                    )
                });
            }
        }
    }

    /// Whether the replicas that are up hold the same.
    fn judge_standings(&mut self, end: Stamp, closing: &Closing<'_>) {
        let Some(Decided { seq, .. }) = self.decided.last().copied() else { return };
        // The history up to another slot is another one.
        let completed = self.completed.filter(|(slot, _)| *slot == seq);
        let mut prefix = completed.map(|(_, history)| (history, "a client".to_owned()));
        let mut heads: Vec<(NodeId, Standing)> = Vec::new();
        let replicas = self.replicas(false, closing.is_down).filter(|(_, it)| seq <= it.executed);
        let nodes: Vec<NodeId> = replicas.map(|(node, _)| node).collect();
        for node in nodes {
            let Some(standing) = (closing.standing)(node, seq) else { continue };
            if let Some((_, Some(own))) = standing.history {
                match &prefix {
                    Some((other, whose)) if *other != own => {
                        self.findings.violate(end, "histories differ", || {
                            format!(
                                "slot s{seq} is decided, and {node} holds history {own} up to it, \
                                 where {whose} has {other}"
                            )
                        });
                    }
                    Some(_) => self.findings.judge(),
                    None => prefix = Some((own, node.to_string())),
                }
            }
            let head = |it: &Standing| (it.executed, it.history.map(|(head, _)| head));
            let other = heads.iter().find(|(_, other)| head(other) == head(&standing));
            match other {
                Some((other, its)) if its.state != standing.state => {
                    let (own, its) = (standing.state, its.state);
                    self.findings.violate(end, "states differ", || {
                        format!(
                            "after slot s{} {node} has state {own}, where {other} has {its}",
                            standing.executed
                        )
                    });
                }
                Some(_) => self.findings.judge(),
                None => heads.push((node, standing)),
            }
        }
    }
}

impl Checker for Convergence {
    fn observe(&mut self, at: Stamp, node: NodeId, observation: &Observation) {
        match observation {
            Observation::Executed { seq, .. } => {
                self.decide(at, node, *seq);
                self.advance(at, node, *seq);
            }
            Observation::Speculated { seq, .. } | Observation::Restored { seq, .. } => {
                self.advance(at, node, *seq);
            }
            Observation::Committed { seq, .. } => self.commit(at, node, *seq),
            Observation::StableCheckpoint { seq, .. } => self.decide(at, node, *seq),
            Observation::RolledBack { to } => self.roll_back(node, *to),
            Observation::Anchored { seq, history, .. } => {
                self.decide(at, node, *seq);
                if self.completed.is_none_or(|(last, _)| last < *seq) {
                    self.completed = Some((*seq, *history));
                }
            }
            Observation::Invoked { timestamp, .. } => {
                self.asked.push((at.time, (node, *timestamp)));
            }
            Observation::Read { client, timestamp, .. } => {
                self.reads.insert((*client, *timestamp));
            }
            Observation::Applied { client, timestamp, .. } => {
                self.reads.remove(&(*client, *timestamp));
            }
            _ => {}
        }
    }

    fn happen(&mut self, _: Stamp, happening: Happening) {
        if let Happening::Lost { from, to } = happening {
            self.cut.extend([from, to]);
        }
    }

    fn is_open(&self, calm: Time, is_down: &dyn Fn(NodeId) -> bool) -> bool {
        self.is_told(calm)
            && self.decided.last().is_some_and(|last| {
                let mut lacks =
                    self.replicas(false, is_down).filter(|(_, it)| it.executed < last.seq);
                lacks.any(|(node, _)| !self.cut.contains(&node))
            })
    }

    fn close(&mut self, end: Stamp, closing: &Closing<'_>) {
        let Some(settled) = closing.settled else {
            self.undecided = Some(unsettled(closing.calm, end));
            return;
        };
        let down = self.replicas(true, closing.is_down);
        self.left_out = down.map(|(node, _)| format!("{node} stays crashed")).collect();
        self.judge_progress(end, settled, closing);
        if self.undecided.is_none() {
            self.judge_standings(end, closing);
        }
    }

    fn finish(&mut self, _: Stamp) -> Verdict {
        match self.undecided.take() {
            Some(why) if self.findings.violation.is_none() => Verdict::Inconclusive(why),
            _ => self.findings.verdict("no slot was decided"),
        }
    }

    fn remark(&mut self) -> Option<String> {
        let left_out = std::mem::take(&mut self.left_out);
        (!left_out.is_empty()).then(|| format!("left out: {}", left_out.join("; ")))
    }
}

#[cfg(test)]
mod tests;
