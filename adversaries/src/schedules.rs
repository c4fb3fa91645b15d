//! Systematic schedules: all splits of twins up to a bound, few delays, priorities that change at
//! few points. Each is a function of a number, and a plan like any other.

use byzsim_core::{Committee, Message, NodeId, Span, Time};

use crate::action::Action;
use crate::aim::Aim;
use crate::odds;
use crate::plan::{Fault, Moment, Pattern, Plan, Split};
use crate::range::Range;
use crate::weather::Timing;

/// In how many views, from the first on, twins schedules split the network; later views are whole.
pub const TWINS_VIEWS: u32 = 3;

/// How many twins schedules there are for a committee: who is twins; on which side of them each
/// other replica is in each of the first [`TWINS_VIEWS`] views; and, where both sides have someone,
/// whether the sides hear each other in that view.
///
/// To swap the two copies changes nothing, so the first replica that is not twins is on the left in
/// the first view: half of the schedules are mirror images, and left out. At most `u64::MAX`.
pub fn twins_schedules(committee: Committee) -> u64 {
    let others = u32::from(committee.replicas.saturating_sub(committee.faults.max(1)));
    let per_view = (0..TWINS_VIEWS).map(|view| views_splits(others, view));
    per_view.fold(u64::from(committee.replicas), u64::saturating_mul)
}

/// In how many ways a view splits that many replicas: each split once, and once more with a wall
/// between the sides where both have someone.
fn views_splits(others: u32, view: u32) -> u64 {
    let sides = if view == 0 { others.saturating_sub(1) } else { others };
    let one_sided = if view == 0 || others == 0 { 1 } else { 2 };
    // Of the 2^sides splits, all but those on one side come twice.
    1_u64.checked_shl(sides + 1).map_or(u64::MAX, |twice| twice - one_sided)
}

/// The split of this number, of [`views_splits`]: whether the `place`-th replica is on the right,
/// and whether there is a wall. First come the splits that leave one side empty.
fn views_split(view: u32, number: u64) -> (impl Fn(usize) -> bool, bool) {
    let one_sided = if view == 0 { 1 } else { 2 };
    let two_sided = number.checked_sub(one_sided);
    // In the first view the first replica is on the left, and the bits are those of the others.
    let bits = two_sided.map_or(0, |number| (number / 2 + 1) << u32::from(view == 0));
    let is_right = move |place| match two_sided {
        None => number == 1,
        Some(_) => u32::try_from(place)
            .ok()
            .and_then(|place| bits.checked_shr(place))
            .is_some_and(|bits| bits & 1 == 1),
    };
    (is_right, two_sided.is_some_and(|number| number % 2 == 1))
}

/// The twins schedule of this number; numbers from [`twins_schedules`] on begin anew (Bano et al.,
/// "Twins: BFT Systems Made Robust", OPODIS 2021).
pub fn twins_schedule(committee: Committee, number: u64) -> Plan {
    let mut rest = number % twins_schedules(committee);
    let mut digit = |base: u64| {
        let digit = rest % base;
        rest /= base;
        digit
    };
    let replicas = u64::from(committee.replicas);
    let first = digit(replicas);
    let is_twin = |node: &NodeId| {
        let place = (u64::from(node.number()) + replicas - first) % replicas;
        place < u64::from(committee.faults.max(1))
    };
    let (twins, others): (Vec<NodeId>, Vec<NodeId>) = committee.replica_ids().partition(is_twin);
    let (mut splits, mut walls) = (Vec::new(), Vec::new());
    let count = u32::try_from(others.len()).expect("a committee is small");
    for view in 0..TWINS_VIEWS {
        let (is_right, has_wall) = views_split(view, digit(views_splits(count, view)));
        let (mut left, mut right) = (Vec::new(), Vec::new());
        for (place, other) in others.iter().enumerate() {
            if is_right(place) { right.push(*other) } else { left.push(*other) }
        }
        let view = Range::only(u64::from(view));
        if has_wall {
            for (from, to) in [(&left, &right), (&right, &left)] {
                let (from, to, view) = (from.clone(), to.clone(), Some(view));
                walls.push(Action::Hold(Pattern { from, to, view, ..Pattern::default() }));
            }
        }
        splits.push(Split { view, left, right });
    }
    let twins = twins.into_iter().map(|node| Action::Twins {
        node,
        left: Vec::new(),
        right: Vec::new(),
        splits: splits.clone(),
    });
    Plan { faults: twins.chain(walls).map(lasting).collect() }
}

const fn lasting(action: Action) -> Fault {
    Fault { note: None, start: None, end: None, action }
}

/// A delay-bounded schedule: everything takes the network's latency, but one to four messages,
/// which are late (Emmi, Qadeer, Rakamarić, "Delay-bounded scheduling", POPL 2011).
pub fn delays<M: Message>(committee: Committee, timing: &Timing, seed: u64) -> Plan {
    let mut aim = Aim::new(committee, *timing, M::KINDS, seed);
    let count = aim.rng.between(1, odds::DELAYS_MAX);
    let late = |aim: &mut Aim| {
        let mut messages = aim.messages();
        messages.nth = Some(Range::only(aim.rng.between(1, odds::DELAYED_NTH_MAX)));
        lasting(Action::Delay {
            by: aim.span(aim.timing.timeout * odds::DELAYED_TIMEOUTS),
            messages,
        })
    };
    Plan { faults: (0..count).map(|_| late(&mut aim)).collect() }
}

/// A schedule by priorities: what a node sends waits the longer, the lower the node's priority is,
/// and at few points all priorities change (after Burckhardt et al., "A randomized scheduler with
/// probabilistic guarantees of finding bugs", ASPLOS 2010, with senders for threads).
pub fn priorities<M: Message>(committee: Committee, timing: &Timing, seed: u64) -> Plan {
    let mut aim = Aim::new(committee, *timing, M::KINDS, seed);
    let mut points: Vec<Time> =
        (0..aim.rng.between(0, odds::PRIORITY_POINTS_MAX)).map(|_| aim.time()).collect();
    points.sort_unstable();
    points.dedup();
    points.retain(|point| *point != Time::ZERO);
    let mut plan = Plan::default();
    let unit = Span::from_nanos(aim.timing.timeout.nanos() / odds::PRIORITY_STEPS);
    for place in 0..=points.len() {
        let start = place.checked_sub(1).map(|before| Moment::At(points[before]));
        let end = points.get(place).map(|point| Moment::At(*point));
        let mut nodes: Vec<NodeId> = committee.nodes().collect();
        aim.rng.shuffle(&mut nodes);
        for (priority, node) in (0..).zip(nodes).skip(1) {
            let messages = Pattern { from: vec![node], ..Pattern::default() };
            let action = Action::Delay { messages, by: unit * priority };
            plan.faults.push(Fault { start: start.clone(), end: end.clone(), ..lasting(action) });
        }
    }
    plan
}
