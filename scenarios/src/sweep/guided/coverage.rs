//! What a run went through, as a set of features: what a guided search wants to see more of.
//!
//! Features are made of what correct nodes report, and of nothing that belongs to one protocol:
//! each report with its view and slot, and with which of the values that the slot ever held; which
//! reports follow each other at one node; and how far apart the replicas are when something is
//! decided, undone, or a view begins. Node numbers do not count: what r1 went through is not new
//! when r2 goes through it.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "a feature is made of the observations that it is about, and of no others"
)]

use std::collections::BTreeMap;

use byzsim_adversaries::{Action, Parts, Seen};
use byzsim_core::{Committee, Digest, NodeId, Observation, Recorder, Time, TraceEvent};

/// How many features can be told apart: hashes of so many bits.
pub(super) const FEATURES: usize = 1 << 17;

/// Numbers above these are all the same: a search that counts to a thousand learns nothing.
const VIEW_MAX: u64 = 5;
const SEQ_MAX: u64 = 6;

/// The features of one run.
#[derive(Debug)]
pub struct Coverage {
    committee: Committee,
    corrupted: Vec<NodeId>,
    known: Vec<u64>,
    features: Vec<u32>,
    seen: Seen,
    nodes: Vec<Track>,
    /// By slot: the values that it ever held, in the order of their appearance.
    values: BTreeMap<u64, Vec<Digest>>,
    /// By node and slot: which values it held there, one after the other.
    courses: BTreeMap<(NodeId, u64), u64>,
    /// The highest slot whose history a client relies on.
    anchored: u64,
    /// The last view that began while correct replicas were apart.
    divergent_view: u64,
}

/// Where a node stands.
#[derive(Clone, Copy, Debug, Default)]
struct Track {
    /// What it reported last, and before.
    last: [u64; 2],
    view: u64,
    /// The last slot that it executed, and which of the slot's values.
    executed: (u64, u64),
}

impl Coverage {
    /// Nothing yet.
    pub fn new(committee: Committee, corrupted: Vec<NodeId>) -> Self {
        Self {
            committee,
            corrupted,
            known: vec![0; FEATURES / 64],
            features: Vec::new(),
            seen: Seen::default(),
            nodes: vec![Track::default(); committee.len()],
            values: BTreeMap::new(),
            courses: BTreeMap::new(),
            anchored: 0,
            divergent_view: 0,
        }
    }

    /// The features, in the order in which they were reached, and what variations can aim at.
    pub fn into_parts(self) -> (Vec<u32>, Seen) {
        (self.features, self.seen)
    }

    fn reach(&mut self, words: &[u64]) {
        // FNV-1a over whole words, folded: a fingerprint for a search, not for defence.
        let mut hash = 0xCBF2_9CE4_8422_2325_u64;
        for word in words {
            hash = (hash ^ word).wrapping_mul(0x0000_0100_0000_01B3).rotate_left(29);
        }
        let hash = (hash ^ hash >> 32) % FEATURES as u64;
        let feature = u32::try_from(hash).expect("below 2^17");
        let (word, bit) = (feature as usize / 64, 1 << (feature % 64));
        if self.known[word] & bit == 0 {
            self.known[word] |= bit;
            self.features.push(feature);
        }
    }

    /// Which of the values that the slot ever held this is.
    fn rank(&mut self, seq: u64, value: Digest) -> u64 {
        let values = self.values.entry(seq).or_default();
        let place = values.iter().position(|known| *known == value).unwrap_or_else(|| {
            values.push(value);
            values.len() - 1
        });
        place as u64
    }

    fn observe(&mut self, node: NodeId, observation: &Observation) {
        let place = self.committee.index(node);
        let (view, seq) = (|view: u64| view.min(VIEW_MAX), |seq: u64| seq.min(SEQ_MAX));
        // The report, roughly; its slot; whether it tells how far the replicas are apart.
        let (rough, slot, tells) = match *observation {
            Observation::Completed { .. } => ([1, 0, 0], 0, true),
            Observation::Accepted { view: v, seq: s, batch } => {
                ([2, view(v), self.rank(s, batch)], seq(s), false)
            }
            Observation::Committed { view: v, seq: s, decided } => {
                ([3, view(v), self.rank(s, decided.digest())], seq(s), true)
            }
            Observation::Executed { view: v, seq: s, batch: value, .. }
            | Observation::Speculated { view: v, seq: s, history: value, .. } => {
                let rank = self.rank(s, value);
                self.nodes[place].executed = (seq(s), rank);
                self.turn(node, s, rank);
                ([4, view(v), rank], seq(s), false)
            }
            Observation::RolledBack { to } => {
                // What a client relies on is undone: it should come back, and if it does not, that
                // is what a search is for.
                let relied_on = u64::from(to < self.anchored);
                ([5, self.nodes[place].view, relied_on], seq(to), true)
            }
            Observation::Anchored { view: v, seq: s, history, .. } => {
                self.anchored = self.anchored.max(s);
                ([6, view(v), self.rank(s, history)], seq(s), true)
            }
            Observation::Read { seq: s, .. } => ([14, 0, 0], seq(s), false),
            Observation::StableCheckpoint { seq: s, .. } => ([7, 0, 0], seq(s), false),
            Observation::Restored { seq: s, .. } => ([8, 0, 0], seq(s), true),
            Observation::ViewChangeStarted { view: v, reason } => {
                ([9, view(v), word(reason)], 0, false)
            }
            Observation::EnteredView { view: v } => {
                self.nodes[place].view = view(v);
                self.seen.view = self.seen.view.max(Some(v));
                if self.divergent_view < v && self.is_apart() {
                    self.divergent_view = v;
                    self.seen.divergent_views += 1;
                }
                ([10, view(v), 0], 0, true)
            }
            Observation::Suspected { reason, .. } => ([11, 0, word(reason)], 0, false),
            Observation::Proven { reason, .. } => ([12, 0, word(reason)], 0, false),
            Observation::Reached(milestone) => {
                ([13, self.nodes[place].view, word(milestone)], 0, true)
            }
            _ => return,
        };
        let [what, at, which] = rough;
        self.reach(&[1, what, at, which, slot]);
        let token = what << 56 | at << 48 | which & 0xFFFF_FFFF_FFFF;
        let [last, before] = self.nodes[place].last;
        self.reach(&[2, last, token]);
        self.reach(&[3, before, last, token]);
        self.nodes[place].last = [token, last];
        if tells {
            self.spread(what, at);
        }
    }

    /// A corrupted node lied so. A lie that nobody believes leaves no trace in what correct nodes
    /// report; it is worth a try in other circumstances nonetheless.
    pub fn said(&mut self, action: &Action) {
        let mut action = action.clone();
        let Parts { messages, lie, field, .. } = action.parts();
        let Some(messages) = messages else { return };
        if let Some(lie) = lie {
            let view = messages.view.map_or(VIEW_MAX + 1, |view| view.min.min(VIEW_MAX));
            self.reach(&[8, word(lie), view]);
        }
        if let Some((field, change)) = field {
            let kind = messages.kinds.first().map_or("", String::as_str);
            self.reach(&[9, word(kind), word(field), word(change.name())]);
        }
    }

    /// A node holds this of the slot's values now. That a value comes back that another one had
    /// replaced is rare, and telling.
    fn turn(&mut self, node: NodeId, seq: u64, rank: u64) {
        let course = self.courses.entry((node, seq)).or_default();
        *course = *course << 3 | (rank + 1).min(7);
        let course = *course;
        if 7 < course {
            self.reach(&[6, course]);
            self.reach(&[7, course, seq.min(SEQ_MAX)]);
        }
    }

    /// Whether correct replicas differ in what they executed.
    fn is_apart(&self) -> bool {
        let mut correct = self.correct();
        let first = correct.next().map(|track| track.executed);
        correct.any(|track| Some(track.executed) != first)
    }

    /// Where the correct replicas stand.
    fn correct(&self) -> impl Iterator<Item = Track> {
        let replicas = self.committee.replica_ids();
        let correct = replicas.filter(|replica| !self.corrupted.contains(replica));
        correct.map(|replica| self.nodes[self.committee.index(replica)])
    }

    /// How far apart the correct replicas are.
    fn spread(&mut self, what: u64, at: u64) {
        let mut stand: Vec<u64> = self
            .correct()
            .map(|Track { view, executed: (seq, rank), .. }| view << 16 | seq << 8 | rank)
            .collect();
        stand.sort_unstable();
        stand.extend([what, at, 4]);
        self.reach(&stand);
    }
}

/// A word as a number.
fn word(text: &str) -> u64 {
    let step = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01B3);
    text.bytes().fold(0xCBF2_9CE4_8422_2325, step)
}

impl Recorder for Coverage {
    fn record(&mut self, _: u64, _: Time, event: &TraceEvent<'_>) {
        match *event {
            TraceEvent::Delivered { from, what, .. } => {
                let is_aimed_at = self.corrupted.is_empty() || self.corrupted.contains(&from);
                if is_aimed_at && !self.seen.kinds.contains(&what.name) {
                    self.seen.kinds.push(what.name);
                }
            }
            TraceEvent::Observed(node, observation) if !self.corrupted.contains(&node) => {
                self.observe(node, observation);
            }
            TraceEvent::Crashed(node) => {
                let view = self.nodes[self.committee.index(node)].view;
                self.reach(&[5, view]);
            }
            _ => {}
        }
    }
}
