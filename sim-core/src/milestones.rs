//! What a run reached: a property that holds because nothing happened says nothing.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "a milestone reads the observations that it is about, and no others"
)]

use std::collections::{BTreeMap, BTreeSet};

use crate::crypto::Digest;
use crate::id::NodeId;
use crate::observation::Observation;
use crate::sorted::Sorted;

/// The milestones that every protocol shares. A protocol adds its own by observing
/// [`Reached`](Observation::Reached).
pub const SHARED_MILESTONES: &[(&str, &str)] = &[
    ("completed", "a correct client accepted an answer"),
    (
        "view-change",
        "a correct replica entered a view that a correct replica had asked for; where leaders are \
         elected, one above the first that had a leader",
    ),
    ("election", "a correct replica began to lead a view above the first that had a leader"),
    ("null-request", "a correct replica executed a null request"),
    ("checkpoint-gc", "a correct replica dropped its log up to a stable checkpoint"),
    ("state-transfer", "a correct replica installed a fetched state"),
    ("rollback", "a correct replica undid speculative execution"),
    ("crash-restart", "a correct replica crashed and restarted"),
    (
        "crash-midway",
        "a correct node crashed when it had sent some of its messages, and not the rest",
    ),
    ("client-restart", "a correct client crashed and restarted"),
    ("equivocation", "two correct replicas accepted different batches for one slot of one view"),
    ("proof-of-misbehaviour", "a correct node had signed proof that another node misbehaved"),
    ("suspicion", "a correct node suspected another node, without proof"),
];

/// How often each milestone was reached in a run, and a fingerprint of the way there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Milestones {
    counts: BTreeMap<&'static str, u64>,
    /// By slot: the batch that was accepted first in each view.
    accepted: Sorted<u64, Vec<(u64, Digest)>>,
    /// The views that a correct replica asked for. Where leaders rotate, others are entered in the
    /// normal course, and that is no milestone.
    asked_for: BTreeSet<u64>,
    /// Whether leaders are elected.
    elects: bool,
    /// The first view that had a leader, where leaders are elected.
    first: u64,
    commit_order: u64,
}

impl Milestones {
    /// Of a run of a protocol that elects its leaders, or not.
    pub fn new(elects: bool) -> Self {
        Self { elects, ..Self::default() }
    }

    /// Counts one milestone.
    pub fn reach(&mut self, milestone: &'static str) {
        *self.counts.entry(milestone).or_default() += 1;
    }

    /// A correct node observes something.
    pub fn observe(&mut self, node: NodeId, observation: &Observation) {
        match *observation {
            Observation::Completed { .. } => self.reach("completed"),
            Observation::Leads { view } => {
                if self.first == 0 {
                    self.first = view;
                }
                if self.first < view {
                    self.turn(node, 8, view);
                    self.reach("election");
                }
            }
            // Its leader is faulty, and said nothing: it leads all the same.
            Observation::EnteredView { view } if self.elects && self.first == 0 => {
                self.first = view;
            }
            Observation::EnteredView { view } if self.first < view => {
                self.turn(node, 1, view);
                if self.asked_for.contains(&view) {
                    self.reach("view-change");
                }
            }
            Observation::Executed { seq, null: true, .. } => {
                self.turn(node, 2, seq);
                self.reach("null-request");
            }
            Observation::RolledBack { to } => {
                self.turn(node, 7, to);
                self.reach("rollback");
            }
            Observation::StableCheckpoint { seq, .. } => {
                self.turn(node, 3, seq);
                self.reach("checkpoint-gc");
            }
            Observation::Restored { seq, .. } => {
                self.turn(node, 4, seq);
                self.reach("state-transfer");
            }
            Observation::Committed { view, seq, .. } => self.turn(node, 5, view << 32 | seq),
            Observation::ViewChangeStarted { view, .. } => {
                self.asked_for.insert(view);
                self.turn(node, 6, view);
            }
            Observation::Proven { .. } => self.reach("proof-of-misbehaviour"),
            Observation::Suspected { .. } => self.reach("suspicion"),
            Observation::Reached(milestone) => self.reach(milestone),
            Observation::Accepted { view, seq, batch } => {
                let views = self.accepted.or_default(seq);
                match views.iter().rev().find(|(it, _)| *it == view) {
                    None => views.push((view, batch)),
                    Some((_, first)) if *first != batch => self.reach("equivocation"),
                    Some(_) => {}
                }
            }
            _ => {}
        }
    }

    /// How often each milestone was reached, by name.
    pub const fn counts(&self) -> &BTreeMap<&'static str, u64> {
        &self.counts
    }

    /// A fingerprint of the order in which correct replicas committed, changed views and fetched
    /// state. Runs that differ only in their times and values have the same one.
    pub const fn commit_order(&self) -> u64 {
        self.commit_order
    }

    fn turn(&mut self, node: NodeId, what: u64, number: u64) {
        // FNV-1a over whole words: a fingerprint for counting, not for defence.
        for word in [u64::from(node.number()), what, number] {
            self.commit_order =
                (self.commit_order ^ word).wrapping_mul(0x0000_0100_0000_01B3).rotate_left(23);
        }
    }
}
