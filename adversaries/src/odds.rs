//! The odds of the generators: how likely each choice is, and how far each number goes.
//!
//! Every recorded seed depends on all of them, and on the order in which they are asked. Chances
//! are in parts per million; weights stand beside what they are the weights of.

use byzsim_core::{SimRng, Span};

/// Things, each with its weight.
pub(crate) type Weighted<T, const N: usize> = [(u64, T); N];

/// One of the things, each as likely as its weight is great.
pub(crate) fn pick<T: Copy, const N: usize>(rng: &mut SimRng, things: &Weighted<T, N>) -> T {
    let total: u64 = things.iter().map(|(weight, _)| weight).sum();
    let mut drawn = rng.between(0, total - 1);
    for (weight, thing) in things {
        if drawn < *weight {
            return *thing;
        }
        drawn -= weight;
    }
    unreachable!("less than the sum of the weights was drawn")
}

// What a plan is made of. No class of faults has odds of its own: the classes that a seed has are
// equally likely.

/// That a seed has a class of faults that its weather allows.
pub(crate) const CLASS_PPM: u32 = 500_000;
/// That a plan corrupts nobody, if something else can strike.
pub(crate) const NOBODY_CORRUPTED_PPM: u32 = 200_000;
/// That clients may be corrupted as well as replicas.
pub(crate) const CLIENTS_CORRUPTED_PPM: u32 = 300_000;
/// That a node that only lies does something else as well.
pub(crate) const LIAR_DOES_MORE_PPM: u32 = 700_000;

// What corrupted nodes do.

/// That a corrupted node that withholds is deaf as well, if it is corrupted by another fault.
pub(crate) const DEAF_PPM: u32 = 400_000;
/// That a lie is told in one view only.
pub(crate) const LIE_IN_ONE_VIEW_PPM: u32 = 250_000;
/// That a replay repeats what the node heard, and not what it said.
pub(crate) const REPLAY_HEARD_PPM: u32 = 500_000;
/// That a replay waits for a report, and not for a time.
pub(crate) const REPLAY_WAITS_PPM: u32 = 500_000;
/// That a replay is given up after a time.
pub(crate) const REPLAY_ENDS_PPM: u32 = 100_000;
/// That a relay has an accomplice, if another node is corrupted: what that one says, it says too.
pub(crate) const ACCOMPLICE_PPM: u32 = 700_000;
/// What becomes of what a corrupted node passes on.
pub(crate) const RELAYED: Weighted<Relayed, 3> =
    [(5, Relayed::Changed), (2, Relayed::InOwnName), (1, Relayed::AsItIs)];
/// That what is changed of it keeps its signatures.
pub(crate) const RELAYED_GRAFT_PPM: u32 = 600_000;
/// That a second field of the same message is changed as well.
pub(crate) const SECOND_FIELD_PPM: u32 = 400_000;
/// That a replica that claims a name claims those of its peers.
pub(crate) const CLAIM_PEERS_PPM: u32 = 800_000;
/// How many peers at most a replica speaks for.
pub(crate) const CLAIMS_MAX: usize = 3;

/// What becomes of what a corrupted node passes on.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Relayed {
    Changed,
    InOwnName,
    AsItIs,
}

// What is made of a field.

/// That a field is said as it was said first.
pub(crate) const RECALL_PPM: u32 = 150_000;
/// That something is invented under the signature that was there.
pub(crate) const GRAFT_PPM: u32 = 100_000;
/// That the entries of a list are made up, and the list does not lose or repeat any.
pub(crate) const INVENT_ENTRIES_PPM: u32 = 300_000;
/// What becomes of a number.
pub(crate) const NUMBERS: Weighted<Number, 5> = [
    (4, Number::Greater),
    (3, Number::Smaller),
    (2, Number::Small),
    (1, Number::Far),
    (1, Number::Ahead),
];
/// By how much at most a number is raised or lowered.
pub(crate) const STEP_MAX: u64 = 4;
/// By how much a number is raised that is to be near the end of a window, or beyond it.
pub(crate) const AHEAD: [u64; 2] = [5, 64];
/// The greatest of the small numbers.
pub(crate) const SMALL_MAX: u64 = 8;
/// What honest nodes never say: numbers at the ends of what can be written.
pub(crate) const FAR: [u64; 6] =
    [1 << 20, 1 << 40, i64::MAX.unsigned_abs(), u64::MAX - 4, u64::MAX - 1, u64::MAX];

/// What becomes of a number.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Number {
    Greater,
    Smaller,
    Small,
    Far,
    Ahead,
}

// What strikes correct nodes and the network.

/// That what is held is a storm: another split of the network in each of the first views.
pub(crate) const STORM_PPM: u32 = 350_000;
/// The last view in which a storm may begin.
pub(crate) const STORM_BEGINS_MAX: u64 = 1;
/// How many more views a storm may last.
pub(crate) const STORM_MORE_VIEWS_MAX: u64 = 2;
/// How many faults a storm has at most in each view.
pub(crate) const STORM_FAULTS_MAX: u64 = 2;
/// That a partition cuts off one direction only.
pub(crate) const ONE_WAY_PPM: u32 = 250_000;
/// That a partition loses messages.
pub(crate) const LOSE_PPM: u32 = 300_000;
/// That the smallest partition is drawn: one node alone.
pub(crate) const ALONE_PPM: u32 = 400_000;
/// That replicas crash together.
pub(crate) const CRASH_TOGETHER_PPM: u32 = 400_000;
/// That the next of several crashes waits for a report.
pub(crate) const CRASH_WAITS_PPM: u32 = 250_000;
/// That a crash of a replica comes in the middle of something.
pub(crate) const CRASH_MIDWAY_PPM: u32 = 300_000;
/// That a replica that crashes loses what it wrote, if one more may be faulty.
pub(crate) const FORGETS_PPM: u32 = 500_000;
/// That it does so in the middle of something.
pub(crate) const FORGETS_MIDWAY_PPM: u32 = 500_000;
/// That a replica that crashes stays down, where the weather lets replicas do so.
pub(crate) const STAYS_DOWN_PPM: u32 = 300_000;
/// That a correct client crashes.
pub(crate) const CLIENT_CRASHES_PPM: u32 = 50_000;
/// That a clock that drifts is fast.
pub(crate) const FAST_PPM: u32 = 500_000;

/// How many messages at most change places.
pub(crate) const REORDERED_MAX: u64 = 4;
/// Which part of Δ the time is in which they do: a message takes up to three times as long.
pub(crate) const REORDERED_PART_OF_DELTA: u64 = 3;

// When a fault is active. Windows, delays and horizons are multiples of the protocol's timeout.

/// How long faults last at most where the network sets no end, in timeouts.
pub(crate) const HORIZON_TIMEOUTS: u64 = 20;
/// How long the run is busy from its start on, in timeouts.
pub(crate) const BUSY_TIMEOUTS: u64 = 2;
/// How long a window is at most, in timeouts.
pub(crate) const WINDOW_TIMEOUTS: u64 = 4;
/// How much later at most delayed messages arrive, in timeouts.
pub(crate) const DELAY_TIMEOUTS: u64 = 2;
/// Times are in whole milliseconds where there are at least so many of them: people read plans.
pub(crate) const ROUND_FROM: Span = Span::from_millis(20);
/// That a fault begins while the run is busy.
pub(crate) const BEGINS_BUSY_PPM: u32 = 500_000;
/// That what strikes correct nodes waits for a report.
pub(crate) const STRIKE_WAITS_PPM: u32 = 250_000;
/// That what strikes correct nodes lasts until a report.
pub(crate) const STRIKE_LASTS_PPM: u32 = 150_000;
/// When a corrupted node begins to misbehave.
pub(crate) const BEHAVIOUR_STARTS: Weighted<Bound, 3> =
    [(5, Bound::None), (3, Bound::Clock), (2, Bound::Report)];
/// When a corrupted node ceases to.
pub(crate) const BEHAVIOUR_ENDS: Weighted<Bound, 3> =
    [(7, Bound::None), (2, Bound::Clock), (1, Bound::Report)];

/// What begins or ends a fault.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Bound {
    /// Nothing but the run itself.
    None,
    /// A time.
    Clock,
    /// What a node reports.
    Report,
}

// Which reports faults wait for.

/// That it is a report that every run makes.
pub(crate) const COMMON_REPORT_PPM: u32 = 700_000;
/// That the report is of one node.
pub(crate) const REPORT_OF_NODE_PPM: u32 = 600_000;
/// That a report of any node is not the first such report.
pub(crate) const REPORT_COUNTED_PPM: u32 = 300_000;
/// The how manieth report it is then.
pub(crate) const REPORT_COUNTS: [u64; 2] = [2, 3];
/// The greatest view that a report is waited for of; the least is 1.
pub(crate) const REPORT_VIEW_MAX: u64 = 3;
/// The greatest slot or timestamp of a report; the least is 1.
pub(crate) const REPORT_SEQ_MAX: u64 = 8;

// Which messages a fault is about.

/// That a pattern names kinds.
pub(crate) const KINDS_PPM: u32 = 700_000;
/// How many kinds a pattern names at most.
pub(crate) const KINDS_MAX: u64 = 4;
/// What narrows a pattern. Each narrows it to a fraction; together they would leave nothing.
pub(crate) const NARROW: Weighted<Narrow, 4> =
    [(1, Narrow::View), (3, Narrow::Seq), (2, Narrow::Nth), (14, Narrow::No)];
/// The greatest view, slot and place that a pattern names.
pub(crate) const PATTERN_MAX: [u64; 3] = [3, 8, 20];
/// Which ends of links a pattern names. Single links carry little.
pub(crate) const ENDS: Weighted<Ends, 4> =
    [(4, Ends::Senders), (4, Ends::Receivers), (1, Ends::Both), (1, Ends::Neither)];
/// How many nodes at most a pattern of the network names at each end.
pub(crate) const ENDS_MAX: u64 = 2;
/// That a corrupted node says something to a part of the others only.
pub(crate) const AUDIENCE_PPM: u32 = 600_000;
/// That a variation aims at a kind of message that the run had.
pub(crate) const SEEN_KIND_PPM: u32 = 800_000;
/// That a variation changes a field of a kind of message that the run had.
pub(crate) const SEEN_FIELD_PPM: u32 = 800_000;
/// The greatest view that is aimed at if no run was seen.
pub(crate) const UNSEEN_VIEW_MAX: u64 = 3;
/// The greatest view that is aimed at in any case.
pub(crate) const VIEW_MAX: u64 = 6;
/// On which side of twins a node is, from the third on: one is on each side for certain.
pub(crate) const SIDES: Weighted<Side, 3> = [(4, Side::Left), (4, Side::Right), (2, Side::Neither)];

/// What narrows a pattern.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Narrow {
    View,
    Seq,
    Nth,
    No,
}

/// Which ends of links a pattern names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ends {
    Senders,
    Receivers,
    Both,
    Neither,
}

/// A side of twins.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Side {
    Left,
    Right,
    Neither,
}

// How plans vary.

/// That the first attempt at a variation makes several steps.
pub(crate) const LEAP_PPM: u32 = 300_000;
/// How many steps it makes then, at least and at most.
pub(crate) const LEAP: [u64; 2] = [2, 5];
/// The steps of a variation.
pub(crate) const STEPS: Weighted<Step, 7> = [
    (3, Step::Remove),
    (2, Step::Add),
    (3, Step::Tell),
    (1, Step::Splice),
    (1, Step::RepeatInNextView),
    (1, Step::Exchange),
    (4, Step::Tweak),
];
/// That an added fault is one of a corrupted node.
pub(crate) const ADD_BEHAVIOUR_PPM: u32 = 500_000;
/// That a fault of another plan is taken over.
pub(crate) const SPLICE_PPM: u32 = 400_000;
/// That the lie of the next view is another one.
pub(crate) const OTHER_LIE_PPM: u32 = 500_000;
/// What becomes of a detail.
pub(crate) const TWEAKS: Weighted<Tweak, 3> =
    [(1, Tweak::Shift), (5, Tweak::AimAnew), (4, Tweak::Redo)];
/// What a window becomes.
pub(crate) const SHIFTS: Weighted<Shift, 4> =
    [(1, Shift::Strike), (1, Shift::Wait), (1, Shift::Last), (1, Shift::Behaviour)];
/// Which detail of a pattern changes.
pub(crate) const DETAILS: Weighted<Detail, 5> = [
    (2, Detail::View),
    (1, Detail::Receivers),
    (1, Detail::Senders),
    (1, Detail::Kinds),
    (1, Detail::Numbers),
];
/// That a view is named, where views are what changes.
pub(crate) const NAME_VIEW_PPM: u32 = 800_000;

/// A step of a variation.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Step {
    Remove,
    Add,
    Tell,
    Splice,
    RepeatInNextView,
    Exchange,
    Tweak,
}

/// What becomes of one fault.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Tweak {
    Shift,
    AimAnew,
    Redo,
}

/// What a window becomes.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Shift {
    /// One as of what strikes correct nodes.
    Strike,
    /// From a report on.
    Wait,
    /// Without its end.
    Last,
    /// One as of what corrupted nodes do.
    Behaviour,
}

/// A detail of a pattern.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Detail {
    View,
    Receivers,
    Senders,
    Kinds,
    Numbers,
}

// Schedules.

/// How many messages at most a delay-bounded schedule delays.
pub(crate) const DELAYS_MAX: u64 = 4;
/// The greatest place, among those that match, of a message that it delays.
pub(crate) const DELAYED_NTH_MAX: u64 = 12;
/// By how much at most it delays them, in timeouts.
pub(crate) const DELAYED_TIMEOUTS: u64 = 4;
/// At how many points at most the priorities of a schedule change.
pub(crate) const PRIORITY_POINTS_MAX: u64 = 3;
/// Which part of a timeout one step of priority is.
pub(crate) const PRIORITY_STEPS: u64 = 4;

#[cfg(test)]
mod tests {
    use byzsim_core::Purpose;

    use super::*;

    #[test]
    fn things_are_picked_as_their_weights_say() {
        let mut rng = SimRng::new(1, Purpose::Plan, 0);
        let mut counts = [0_u32; 3];
        for _ in 0..10_000 {
            counts[pick(&mut rng, &[(7, 0), (0, 1), (3, 2)])] += 1;
        }
        assert!((6_800..7_200).contains(&counts[0]) && counts[1] == 0, "{counts:?}");
    }
}
