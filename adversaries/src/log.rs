//! What each fault of a plan went through in a run: why it fired, or why it did not.
//!
//! The interpreter fills these logs where it decides, so a log records the decision itself.

use std::collections::BTreeSet;

use byzsim_core::{NodeId, Span, Time};

use crate::active::Phase;
use crate::plan::Pattern;
use crate::range::Range;

/// What one fault went through in one run. A log stays small, however long the run is.
#[derive(Clone, Debug)]
pub struct FaultLog {
    /// What the fault acts on.
    pub target: Target,
    /// How its start came.
    pub start: MomentLog,
    /// How its end came.
    pub end: MomentLog,
    /// When it took effect; never if its end did not come after its start.
    pub began: Option<Time>,
    /// How far messages met the fault's demands, whether it was in force or not. For a replay,
    /// these are the messages that its node sent or received before it repeated them.
    pub messages: Tally,
    /// How many messages met all demands but `nth` while the fault was in force.
    pub matched: u64,
    /// When the last message met all demands but `nth` before the fault began.
    pub last_before: Option<Time>,
    /// When the first message met all demands but `nth` after the fault ended.
    pub first_after: Option<Time>,
    /// The faults that decided about a message before this one could.
    pub preempted_by: BTreeSet<usize>,
    /// How many messages about which the fault decided fare as they would have without it, because
    /// the network model grants no more.
    pub cut: u64,
    /// How many such messages fare so for another reason: the network lost them, or what the fault
    /// asked for is what would have happened.
    pub idle: u64,
    /// How many messages, as the protocol makes them, this fault could not change.
    pub unchangeable: u64,
    /// The faults whose versions of a message this one could not change.
    pub unchangeable_after: BTreeSet<usize>,
}

/// What a fault acts on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// The fate of messages. The pattern includes the implied sender.
    Fate(Pattern),
    /// The order of messages on their links.
    Order(Pattern),
    /// The content of a node's messages. The pattern includes the implied sender and kinds.
    Content(Pattern),
    /// Messages that a node sends again.
    Said(NodeId, Pattern),
    /// Messages that a node received and sends on.
    Heard(NodeId, Pattern),
    /// The fate of messages over the links that a partition cuts.
    Cut,
    /// The fate of messages from and to a node.
    Links(NodeId),
    /// The copies of a node.
    Copies,
    /// A node that crashes as soon as it sends more than so many messages at once.
    Sends(NodeId, u32),
    /// A node or its clock, on which it acts as soon as it starts.
    Node,
}

/// How the moment came for which a fault waits.
#[derive(Clone, Debug, Default)]
pub struct MomentLog {
    /// When it came.
    pub came: Option<Time>,
    /// How far reports met the trigger, until it came.
    pub reports: Tally,
}

/// A demand on a message or a report. Demands are checked in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Demand {
    /// What it is.
    Kind,
    /// Who sends or reports it.
    Sender,
    /// Its receiver.
    Receiver,
    /// Its link, for a partition or a node that rushes.
    Link,
    /// Its view.
    View,
    /// Its slot or timestamp.
    Slot,
}

/// How far messages or reports met the demands on them, one demand after the other.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    /// By demand: how many failed it and met those before it.
    failed: [u64; 6],
    /// How many met all demands.
    pub met: u64,
    /// From the least to the greatest view of those that failed the demand on it.
    pub views: Option<Range>,
    /// From the least to the greatest slot of those that failed the demand on it.
    pub slots: Option<Range>,
}

impl Tally {
    /// Counts something of this view and slot that failed a demand, or none.
    pub(crate) fn note(
        &mut self,
        failed: Option<Demand>,
        (view, slot): (Option<u64>, Option<u64>),
    ) {
        let Some(demand) = failed else {
            self.met += 1;
            return;
        };
        self.failed[demand as usize] += 1;
        match demand {
            Demand::View => self.views = cover(self.views, view.map(Range::only)),
            Demand::Slot => self.slots = cover(self.slots, slot.map(Range::only)),
            Demand::Kind | Demand::Sender | Demand::Receiver | Demand::Link => {}
        }
    }

    /// Whether anything met this demand and those before it.
    pub fn has_met(&self, demand: Demand) -> bool {
        let later = &self.failed[demand as usize + 1..];
        0 < self.met || later.iter().any(|count| 0 < *count)
    }

    /// Adds what was counted in another run.
    pub fn add(&mut self, other: &Self) {
        for (sum, count) in self.failed.iter_mut().zip(other.failed) {
            *sum += count;
        }
        self.met += other.met;
        self.views = cover(self.views, other.views);
        self.slots = cover(self.slots, other.slots);
    }
}

/// The least range that holds both.
fn cover(one: Option<Range>, other: Option<Range>) -> Option<Range> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.cover(other)),
        (one, other) => one.or(other),
    }
}

impl FaultLog {
    /// The log of a fault that acts on `target`, before the run.
    pub(crate) fn new(target: Target) -> Self {
        Self {
            target,
            start: MomentLog::default(),
            end: MomentLog::default(),
            began: None,
            messages: Tally::default(),
            matched: 0,
            last_before: None,
            first_after: None,
            preempted_by: BTreeSet::new(),
            cut: 0,
            idle: 0,
            unchangeable: 0,
            unchangeable_after: BTreeSet::new(),
        }
    }

    /// Notes a message that was sent `now` and failed a demand, or none.
    pub(crate) fn message(
        &mut self,
        (now, phase): (Time, Phase),
        failed: Option<Demand>,
        numbers: (Option<u64>, Option<u64>),
    ) {
        self.messages.note(failed, numbers);
        if failed.is_none() {
            match phase {
                Phase::Waiting => self.last_before = Some(now),
                Phase::InForce => self.matched += 1,
                Phase::Over => {
                    self.first_after.get_or_insert(now);
                }
            }
        }
    }

    /// Notes that a message about which the fault decided fares as it would have without it.
    pub(crate) const fn ineffective(&mut self, is_cut: bool) {
        if is_cut {
            self.cut += 1;
        } else {
            self.idle += 1;
        }
    }

    /// Notes that the fault could not change a message of which `earlier` faults made this version.
    pub(crate) fn unchangeable(&mut self, earlier: &[usize]) {
        self.unchangeable += u64::from(earlier.is_empty());
        self.unchangeable_after.extend(earlier);
    }

    /// By how much the last message that would have matched came too early; `None` if the fault
    /// never began, or there was none.
    pub fn too_early(&self) -> Option<Span> {
        Some(self.began?.since(self.last_before?))
    }

    /// By how much the first message that would have matched came too late; `None` if the fault
    /// never ended, or there was none.
    pub fn too_late(&self) -> Option<Span> {
        Some(self.first_after?.since(self.end.came?))
    }
}
