//! Where and when a random fault strikes: windows, patterns, groups.

use byzsim_core::{Committee, Field, NodeId, Purpose, SimRng, Span, Time};

use crate::odds::{self, Bound, Ends, Narrow, Side};
use crate::plan::{Moment, Pattern, Reported, Trigger};
use crate::range::Range;
use crate::weather::{Seen, Timing};

/// A fault's start and end.
pub(crate) type Window = (Option<Moment>, Option<Moment>);

/// The stream of one plan, and what it aims at.
pub(crate) struct Aim {
    pub(crate) rng: SimRng,
    pub(crate) timing: Timing,
    committee: Committee,
    kinds: &'static [&'static str],
    /// What the run of the plan that is varied went through; nothing if the plan is new.
    pub(crate) seen: Seen,
    /// The times that are drawn are multiples of this.
    grain: Span,
    /// How many grains there are until the faults must be over.
    grains: u64,
}

/// A drawn number as a place in a slice.
pub(crate) fn place(number: u64) -> usize {
    usize::try_from(number).expect("a place in a slice")
}

impl Aim {
    pub(crate) fn new(
        committee: Committee,
        timing: Timing,
        kinds: &'static [&'static str],
        seed: u64,
    ) -> Self {
        // A network that is synchronous from the start, or never, sets no end.
        let horizon = match timing.gst {
            Time::ZERO | Time::NEVER => timing.timeout * odds::HORIZON_TIMEOUTS,
            gst => gst.since(Time::ZERO),
        };
        // Round numbers, where there is room for them: people read plans.
        let grain =
            if odds::ROUND_FROM <= horizon { Span::from_millis(1) } else { Span::from_nanos(1) };
        let grains = (horizon.nanos() / grain.nanos()).max(1);
        let rng = SimRng::new(seed, Purpose::Plan, 0);
        Self { rng, timing, committee, kinds, seen: Seen::default(), grain, grains }
    }

    /// A time before the horizon, rather early than late.
    pub(crate) fn time(&mut self) -> Time {
        Time::ZERO + self.grain * self.beginning()
    }

    /// When something begins, in grains. Half of all faults begin within the first timeouts,
    /// however late GST is: clients that are not disturbed are done by then.
    fn beginning(&mut self) -> u64 {
        let busy = (self.timing.timeout * odds::BUSY_TIMEOUTS).nanos() / self.grain.nanos();
        let last = if self.rng.chance(odds::BEGINS_BUSY_PPM) {
            self.grains.min(busy.max(1))
        } else {
            self.grains
        };
        self.early(0, last - 1)
    }

    /// A span of at most `most`, rather short than long.
    pub(crate) fn span(&mut self, most: Span) -> Span {
        let grains = (most.nanos() / self.grain.nanos()).max(1);
        self.grain * self.early(1, grains)
    }

    fn early(&mut self, low: u64, high: u64) -> u64 {
        self.rng.between(low, high).min(self.rng.between(low, high))
    }

    /// A window by the clock that ends by the horizon.
    pub(crate) fn window(&mut self) -> (Moment, Moment) {
        let start = self.beginning();
        let length =
            self.span(self.timing.timeout * odds::WINDOW_TIMEOUTS).nanos() / self.grain.nanos();
        let end = (start + length).min(self.grains);
        let at = |grains| Moment::At(Time::ZERO + self.grain * grains);
        (at(start), at(end))
    }

    /// A window for what strikes correct nodes: mostly by the clock; now and then from a trigger
    /// on, and now and then until one, which may come never: the network heals at GST.
    pub(crate) fn strike(&mut self) -> Window {
        let (start, end) = self.window();
        let start = if self.rng.chance(odds::STRIKE_WAITS_PPM) { self.trigger() } else { start };
        let end = if self.rng.chance(odds::STRIKE_LASTS_PPM) { self.trigger() } else { end };
        (Some(start), Some(end))
    }

    /// A window for what a corrupted node does: it need not end.
    pub(crate) fn behaviour(&mut self) -> Window {
        let (from, until) = self.window();
        let start = match odds::pick(&mut self.rng, &odds::BEHAVIOUR_STARTS) {
            Bound::None => None,
            Bound::Clock => Some(from),
            Bound::Report => Some(self.trigger()),
        };
        let end = match odds::pick(&mut self.rng, &odds::BEHAVIOUR_ENDS) {
            Bound::None => None,
            Bound::Clock => Some(until),
            Bound::Report => Some(self.trigger()),
        };
        (start, end)
    }

    /// A report of the early run: mostly one that every run makes.
    pub(crate) fn trigger(&mut self) -> Moment {
        const COMMON: [Reported; 5] = [
            Reported::Invoked,
            Reported::Completed,
            Reported::Accepted,
            Reported::Committed,
            Reported::Executed,
        ];
        let common = self.rng.chance(odds::COMMON_REPORT_PPM);
        let event = *self.rng.pick(if common { &COMMON } else { &Reported::ALL });
        let mut trigger = Trigger { node: None, event, view: None, seq: None, count: 1 };
        let class: Vec<NodeId> = if event.is_of_clients() {
            self.committee.client_ids().collect()
        } else {
            self.committee.replica_ids().collect()
        };
        if !class.is_empty() && self.rng.chance(odds::REPORT_OF_NODE_PPM) {
            trigger.node = Some(*self.rng.pick(&class));
        }
        match event {
            Reported::ViewChangeStarted | Reported::EnteredView => {
                trigger.view = Some(Range::only(self.early(1, odds::REPORT_VIEW_MAX)));
            }
            // Where checkpoints are is the protocol's business.
            Reported::StableCheckpoint | Reported::Restored => {}
            Reported::Invoked
            | Reported::Completed
            | Reported::Accepted
            | Reported::Committed
            | Reported::Executed => {
                trigger.seq = Some(Range::only(self.early(1, odds::REPORT_SEQ_MAX)));
            }
        }
        if trigger.node.is_none() && self.rng.chance(odds::REPORT_COUNTED_PPM) {
            let [least, most] = odds::REPORT_COUNTS;
            trigger.count = u32::try_from(self.rng.between(least, most)).expect("2 or 3");
        }
        Moment::When(trigger)
    }

    /// Some messages of the network: from few nodes, or to few, or of few kinds.
    pub(crate) fn messages(&mut self) -> Pattern {
        let nodes: Vec<NodeId> = self.committee.nodes().collect();
        let mut pattern = self.scope();
        let ends = odds::pick(&mut self.rng, &odds::ENDS);
        if matches!(ends, Ends::Senders | Ends::Both) {
            pattern.from = self.some(&nodes, odds::ENDS_MAX);
        }
        let is_of_all = pattern.kinds.is_empty() && pattern.from.is_empty();
        if is_of_all || matches!(ends, Ends::Receivers | Ends::Both) {
            pattern.to = self.some(&nodes, odds::ENDS_MAX);
        }
        pattern
    }

    /// Some of the messages that a corrupted node sends: to everyone, or to a part.
    pub(crate) fn sayings(&mut self, node: NodeId) -> Pattern {
        let mut pattern = self.scope();
        pattern.to = self.audience(node);
        pattern
    }

    /// To whom a corrupted node says something: to a part of the others, or to all (nobody named).
    pub(crate) fn audience(&mut self, node: NodeId) -> Vec<NodeId> {
        if !self.rng.chance(odds::AUDIENCE_PPM) {
            return Vec::new();
        }
        let others: Vec<NodeId> = self.committee.nodes().filter(|other| *other != node).collect();
        self.some(&others, others.len() as u64)
    }

    /// A field of some kind of message: of one that was seen, or rather of the kinds that protocols
    /// name first: runs are made of these.
    pub(crate) fn field(&mut self, fields: &[Field]) -> Field {
        let seen = |field: &Field| self.seen.kinds.contains(&field.kind);
        let seen: Vec<Field> = fields.iter().copied().filter(seen).collect();
        if !seen.is_empty() && self.rng.chance(odds::SEEN_FIELD_PPM) {
            return *self.rng.pick(&seen);
        }
        let mut kinds: Vec<&str> = fields.iter().map(|field| field.kind).collect();
        // Fields stand kind by kind.
        kinds.dedup();
        let kind = kinds[place(self.early(0, kinds.len() as u64 - 1))];
        let of_kind: Vec<Field> = fields.iter().copied().filter(|it| it.kind == kind).collect();
        *self.rng.pick(&of_kind)
    }

    /// Mostly one of the kinds that were seen, each as likely as the others: what a view change
    /// says is said once, and what is said all the time is seldom what matters.
    fn seen_kind(&mut self) -> Option<&'static str> {
        let is_aimed = !self.seen.kinds.is_empty() && self.rng.chance(odds::SEEN_KIND_PPM);
        is_aimed.then(|| *self.rng.pick(&self.seen.kinds))
    }

    /// One of the views that were seen, or the next; one of the first ones if none was.
    pub(crate) fn view(&mut self) -> u64 {
        let next = |view: u64| view.saturating_add(1).min(odds::VIEW_MAX);
        let last = self.seen.view.map_or(odds::UNSEEN_VIEW_MAX, next);
        self.rng.between(0, last)
    }

    /// Any node.
    pub(crate) fn anyone(&mut self) -> NodeId {
        let nodes: Vec<NodeId> = self.committee.nodes().collect();
        *self.rng.pick(&nodes)
    }

    /// The replicas but this one.
    pub(crate) fn peers(&self, node: NodeId) -> Vec<NodeId> {
        self.committee.replica_ids().filter(|replica| *replica != node).collect()
    }

    /// Kinds, view, slot and number of some messages.
    pub(crate) fn scope(&mut self) -> Pattern {
        let mut pattern = Pattern::default();
        if !self.kinds.is_empty() && self.rng.chance(odds::KINDS_PPM) {
            // Protocols name the kinds of the normal case first, and runs are made of these.
            let last = self.kinds.len() as u64 - 1;
            let count = self.early(1, last.clamp(1, odds::KINDS_MAX));
            let mut places: Vec<usize> = (0..count).map(|_| self.kind(last)).collect();
            places.sort_unstable();
            places.dedup();
            pattern.kinds = places.into_iter().map(|place| self.kinds[place].to_owned()).collect();
        }
        let [view, seq, nth] = odds::PATTERN_MAX;
        match odds::pick(&mut self.rng, &odds::NARROW) {
            Narrow::View => pattern.view = Some(self.range(0, view)),
            Narrow::Seq => pattern.seq = Some(self.range(1, seq)),
            Narrow::Nth => pattern.nth = Some(self.range(1, nth)),
            Narrow::No => {}
        }
        pattern
    }

    /// The place of a kind, of which `last` is the last.
    fn kind(&mut self, last: u64) -> usize {
        let seen = self.seen_kind();
        let seen = seen.and_then(|seen| self.kinds.iter().position(|kind| *kind == seen));
        seen.unwrap_or_else(|| place(self.early(0, last)))
    }

    fn range(&mut self, low: u64, high: u64) -> Range {
        let min = self.early(low, high);
        Range { min, max: self.early(min, high) }
    }

    /// Between one and `most` of the `nodes`, in order; none if there are none.
    fn some(&mut self, nodes: &[NodeId], most: u64) -> Vec<NodeId> {
        if nodes.is_empty() {
            return Vec::new();
        }
        let mut nodes = nodes.to_vec();
        self.rng.shuffle(&mut nodes);
        nodes.truncate(place(self.rng.between(1, most.max(1))));
        nodes.sort_unstable();
        nodes
    }

    /// The first group of a partition: some nodes, and not all.
    pub(crate) fn group(&mut self) -> Vec<NodeId> {
        let nodes: Vec<NodeId> = self.committee.nodes().collect();
        assert!(1 < nodes.len(), "there is nobody to part");
        // Often one replica alone: the smallest partition that can matter.
        let most = if self.rng.chance(odds::ALONE_PPM) { 1 } else { nodes.len() as u64 - 1 };
        self.some(&nodes, most)
    }

    /// The sides of twins: each other node on one, few on none, so that the copies hear different
    /// things.
    pub(crate) fn sides(&mut self, node: NodeId) -> (Vec<NodeId>, Vec<NodeId>) {
        let mut others: Vec<NodeId> =
            self.committee.nodes().filter(|other| *other != node).collect();
        self.rng.shuffle(&mut others);
        let (mut left, mut right) = (Vec::new(), Vec::new());
        for (number, other) in others.into_iter().enumerate() {
            match (number, odds::pick(&mut self.rng, &odds::SIDES)) {
                (0, _) | (2.., Side::Left) => left.push(other),
                (1, _) | (2.., Side::Right) => right.push(other),
                (2.., Side::Neither) => {}
            }
        }
        left.sort_unstable();
        right.sort_unstable();
        (left, right)
    }
}
