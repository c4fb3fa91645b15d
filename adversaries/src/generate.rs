//! Random plans: plausible ones, within the fault model by construction.
//!
//! A generator that draws every fault at once buries each under the others, and one that draws
//! uniformly aims at nothing. So each seed first draws *which* classes of faults it has at all
//! (swarm testing: Groce et al., ISSTA 2012), then few faults, of small scope, aimed at kinds that
//! exist and at early views and slots, where a short run is.

use byzsim_core::{Committee, Message, NodeId, Span, Time};

use crate::action::{Action, Class};
use crate::aim::{Aim, place};
use crate::odds;
use crate::plan::{Fault, Moment, Pattern, Plan};
use crate::range::Range;
use crate::validate::{REORDERED_BY_MIN, Vocabulary};
use crate::weather::{Timing, Weather};

/// Draws the plan of `seed`.
///
/// At most `corrupt-max` replicas and `corrupt-clients-max` clients are corrupted; they stay so.
/// Correct replicas that crash restart before GST, but for `down-max` of them. What else strikes
/// correct nodes before GST is over by then, or waits for a trigger, and then the network heals it.
/// [`Plan::validate`] accepts every plan that this draws.
pub fn generate<M: Message>(
    weather: &Weather,
    committee: Committee,
    timing: &Timing,
    seed: u64,
) -> Plan {
    let mut draw = Draw::new::<M>(weather, committee, timing, seed, Vec::new());
    let (corrupting, natural): (Vec<Class>, Vec<Class>) =
        draw.swarm().into_iter().partition(|class| class.corrupts());
    // Some seeds corrupt nobody, if there is anything else to strike with.
    let spared = corrupting.is_empty()
        || !natural.is_empty() && draw.aim.rng.chance(odds::NOBODY_CORRUPTED_PPM);
    let corrupted = if spared { Vec::new() } else { draw.corrupted() };
    for node in &corrupted {
        draw.misbehave(*node, &corrupting);
    }
    let correct: Vec<NodeId> = committee.nodes().filter(|node| !corrupted.contains(node)).collect();
    if !natural.is_empty() {
        // A seed without corrupted nodes is struck at least once.
        let least = u64::from(corrupted.is_empty()).min(u64::from(weather.strikes_max));
        for _ in 0..draw.aim.rng.between(least, u64::from(weather.strikes_max)) {
            let class = *draw.aim.rng.pick(&natural);
            draw.strike(class, &correct);
        }
    }
    draw.more_crashes(weather, seed);
    Plan { faults: draw.faults }
}

/// A plan in the making.
pub(crate) struct Draw<'a> {
    pub(crate) aim: Aim,
    weather: &'a Weather,
    pub(crate) committee: Committee,
    pub(crate) vocabulary: Vocabulary,
    pub(crate) faults: Vec<Fault>,
}

impl<'a> Draw<'a> {
    /// A plan that starts with these faults.
    pub(crate) fn new<M: Message>(
        weather: &'a Weather,
        committee: Committee,
        timing: &Timing,
        seed: u64,
        faults: Vec<Fault>,
    ) -> Self {
        let aim = Aim::new(committee, *timing, M::KINDS, seed);
        Self { aim, weather, committee, vocabulary: Vocabulary::of::<M>(), faults }
    }

    pub(crate) fn push(&mut self, (start, end): (Option<Moment>, Option<Moment>), action: Action) {
        self.faults.push(Fault { note: None, start, end, action });
    }

    /// The classes that the weather allows, and that can do something in this run.
    pub(crate) fn possible(&self) -> Vec<Class> {
        let synchronous = self.aim.timing.gst == Time::ZERO;
        let possible = |class: &Class| {
            !(synchronous && class.descriptor().needs_asynchrony)
                && (*class != Class::Lie || !self.vocabulary.lies.is_empty())
                && (*class != Class::Mutate || !self.vocabulary.fields.is_empty())
                && (*class != Class::Drift || 0 < self.weather.drift_ppm_max)
        };
        // These are drawn in place of some crashes, from a stream of their own.
        let is_apart = |class: &Class| matches!(class, Class::CrashMidway | Class::Forget);
        let classes = self.weather.classes.iter().copied();
        let mut allowed: Vec<Class> =
            classes.filter(|class| !is_apart(class) && possible(class)).collect();
        allowed.sort_unstable();
        allowed.dedup();
        allowed
    }

    /// Which of the allowed classes this seed has: at least one.
    fn swarm(&mut self) -> Vec<Class> {
        let allowed = self.possible();
        let rng = &mut self.aim.rng;
        let drawn: Vec<Class> =
            allowed.iter().copied().filter(|_| rng.chance(odds::CLASS_PPM)).collect();
        if drawn.is_empty() && !allowed.is_empty() { vec![*rng.pick(&allowed)] } else { drawn }
    }

    /// Whom to corrupt.
    fn corrupted(&mut self) -> Vec<NodeId> {
        let Committee { replicas, faults, clients } = self.committee;
        let rng = &mut self.aim.rng;
        let replicas_max = u64::from(self.weather.corrupt_max.unwrap_or(faults).min(replicas));
        let clients_max = u64::from(self.weather.corrupt_clients_max.min(clients));
        let clients =
            if rng.chance(odds::CLIENTS_CORRUPTED_PPM) { rng.between(0, clients_max) } else { 0 };
        // A seed with a corrupted client needs no corrupted replica.
        let least = u64::from(clients == 0).min(replicas_max);
        let mut nodes = Vec::new();
        let mut candidates: Vec<NodeId> = self.committee.replica_ids().collect();
        for _ in 0..rng.between(least, replicas_max) {
            // The lower of two: low numbers lead the early views, and leaders can do more harm.
            let last = candidates.len() as u64 - 1;
            let lower = rng.between(0, last).min(rng.between(0, last));
            nodes.push(candidates.remove(place(lower)));
        }
        let mut candidates: Vec<NodeId> = self.committee.client_ids().collect();
        rng.shuffle(&mut candidates);
        nodes.extend(candidates.into_iter().take(place(clients)));
        nodes.sort_unstable();
        nodes
    }

    /// A replica to corrupt, if nobody is yet.
    pub(crate) fn someone(&mut self) -> NodeId {
        let replicas: Vec<NodeId> = self.committee.replica_ids().collect();
        *self.aim.rng.pick(&replicas)
    }

    /// What a corrupted node does: one or several behaviours.
    fn misbehave(&mut self, node: NodeId, classes: &[Class]) {
        let most = usize::from(self.weather.behaviours_max.max(1));
        let rng = &mut self.aim.rng;
        let count = rng.between(1, most as u64);
        let mut drawn: Vec<Class> = (0..count).map(|_| *rng.pick(classes)).collect();
        // A lone liar is caught soon. One that also equivocates, or withholds, may be believed.
        let others: Vec<Class> =
            classes.iter().copied().filter(|class| *class != Class::Lie).collect();
        if drawn == [Class::Lie]
            && 1 < most
            && !others.is_empty()
            && rng.chance(odds::LIAR_DOES_MORE_PPM)
        {
            drawn.push(*rng.pick(&others));
        }
        // Last, what is withheld: who is deaf must be corrupted by something else as well.
        drawn.sort_unstable_by_key(|class| (*class == Class::Omit, *class));
        // Nobody is twins twice.
        drawn.dedup_by(|a, b| a == b && *a == Class::Twins);
        for class in drawn {
            // Lies that hide one another come in numbers.
            let count = if class == Class::Lie { self.aim.rng.between(1, most as u64) } else { 1 };
            for _ in 0..count {
                self.behave(node, class);
            }
        }
    }

    /// One more fault of what a corrupted node does.
    pub(crate) fn behave(&mut self, node: NodeId, class: Class) {
        let is_corrupted = self.faults.iter().any(|fault| fault.action.corrupts() == Some(node));
        let aim = &mut self.aim;
        if class == Class::Twins {
            let (left, right) = aim.sides(node);
            let splits = Vec::new();
            return self.push((None, None), Action::Twins { node, left, right, splits });
        }
        if class == Class::Replay {
            let (from, until) = aim.window();
            let (messages, heard) = (aim.scope(), aim.rng.chance(odds::REPLAY_HEARD_PPM));
            let action = Action::Replay { node, messages, to: aim.audience(node), heard };
            let start = if aim.rng.chance(odds::REPLAY_WAITS_PPM) { aim.trigger() } else { from };
            let end = aim.rng.chance(odds::REPLAY_ENDS_PPM).then_some(until);
            return self.push((Some(start), end), action);
        }
        let (start, end) = aim.behaviour();
        let action = match class {
            // Who is corrupted may be deaf as well: to some senders, or to all.
            Class::Omit if is_corrupted && aim.rng.chance(odds::DEAF_PPM) => {
                let from = aim.audience(node);
                Action::Drop(Pattern { from, to: vec![node], ..aim.scope() })
            }
            Class::Omit => Action::Omit { node, messages: aim.sayings(node) },
            Class::Lag => {
                let by = aim.span(aim.timing.timeout * odds::DELAY_TIMEOUTS);
                Action::Lag { node, messages: aim.sayings(node), by }
            }
            Class::Lie => {
                let lie = aim.rng.pick(self.vocabulary.lies).name.to_owned();
                let mut messages = Pattern { kinds: Vec::new(), ..aim.sayings(node) };
                // A lie that is told in every view contradicts itself.
                if messages.view.is_none() && aim.rng.chance(odds::LIE_IN_ONE_VIEW_PPM) {
                    messages.view = Some(Range::only(aim.view()));
                }
                Action::Lie { node, lie, messages }
            }
            Class::Mute => Action::Mute(node),
            Class::Rush => Action::Rush(node),
            Class::Mutate => return self.mutate(node, (start, end)),
            Class::Relay => return self.relay(node, (start, end)),
            Class::Twins
            | Class::Replay
            | Class::Hold
            | Class::Delay
            | Class::Drop
            | Class::Duplicate
            | Class::Partition
            | Class::Crash
            | Class::Drift
            | Class::Reorder
            | Class::CrashMidway
            | Class::Forget => unreachable!("{class:?} has no window of a behaviour"),
        };
        // Who is silent from the start to the end does no more than one replica fewer.
        let whole_run = start.is_none() && class == Class::Mute;
        let start = if whole_run { Some(Moment::At(aim.time())) } else { start };
        self.push((start, if whole_run { None } else { end }), action);
    }

    /// Something that strikes correct nodes, or the network.
    pub(crate) fn strike(&mut self, class: Class, correct: &[NodeId]) {
        if matches!(class, Class::Crash | Class::CrashMidway | Class::Forget) {
            return self.crashes(correct);
        }
        if class == Class::Drift {
            return self.drift(correct);
        }
        if class == Class::Hold && self.aim.rng.chance(odds::STORM_PPM) {
            return self.storm();
        }
        let aim = &mut self.aim;
        let window = aim.strike();
        let action = match class {
            Class::Hold => Action::Hold(aim.messages()),
            Class::Delay => {
                let synchronous = aim.timing.gst == Time::ZERO;
                let most = if synchronous {
                    aim.timing.delta
                } else {
                    aim.timing.timeout * odds::DELAY_TIMEOUTS
                };
                Action::Delay { by: aim.span(most), messages: aim.messages() }
            }
            Class::Drop => Action::Drop(aim.messages()),
            Class::Duplicate => {
                Action::Duplicate { after: aim.span(aim.timing.timeout), messages: aim.messages() }
            }
            Class::Reorder => {
                let delta = aim.timing.delta.nanos();
                let most = Span::from_nanos(delta / odds::REORDERED_PART_OF_DELTA);
                let within = u32::try_from(aim.rng.between(2, odds::REORDERED_MAX));
                Action::Reorder {
                    by: aim.span(most).max(REORDERED_BY_MIN),
                    within: within.expect("a small number"),
                    messages: aim.messages(),
                }
            }
            Class::Partition => Action::Partition {
                groups: vec![aim.group()],
                one_way: aim.rng.chance(odds::ONE_WAY_PPM),
                lose: aim.rng.chance(odds::LOSE_PPM),
            },
            Class::Crash
            | Class::CrashMidway
            | Class::Forget
            | Class::Drift
            | Class::Mute
            | Class::Omit
            | Class::Lag
            | Class::Lie
            | Class::Mutate
            | Class::Replay
            | Class::Relay
            | Class::Rush
            | Class::Twins => unreachable!("{class:?} does not strike messages"),
        };
        self.push(window, action);
    }

    /// Another split of the network in each of the first views: what a view change decides hangs
    /// on who heard what in the view before, and on whose word comes too late.
    fn storm(&mut self) {
        let gst = self.aim.timing.gst;
        let end = (gst != Time::NEVER).then_some(Moment::At(gst));
        let first = self.aim.rng.between(0, odds::STORM_BEGINS_MAX);
        for view in first..=first + self.aim.rng.between(0, odds::STORM_MORE_VIEWS_MAX) {
            for _ in 0..self.aim.rng.between(1, odds::STORM_FAULTS_MAX) {
                let mut messages = self.aim.messages();
                (messages.view, messages.seq, messages.nth) = (Some(Range::only(view)), None, None);
                self.push((None, end.clone()), Action::Hold(messages));
            }
        }
    }

    /// Crashes of one or several correct replicas, at once or one after the other; all of them
    /// restart by the clock: a trigger might never come.
    fn crashes(&mut self, correct: &[NodeId]) {
        let mut replicas: Vec<NodeId> =
            correct.iter().copied().filter(|node| !node.is_client()).collect();
        if replicas.is_empty() {
            return;
        }
        let rng = &mut self.aim.rng;
        rng.shuffle(&mut replicas);
        let most = replicas.len() as u64;
        // Mostly few: all at once is one kind of weather among many.
        let count = rng.between(1, most).min(rng.between(1, most));
        let together = rng.chance(odds::CRASH_TOGETHER_PPM);
        let (mut start, mut end) = self.aim.window();
        for node in replicas.into_iter().take(place(count)) {
            self.push((Some(start.clone()), Some(end.clone())), Action::Crash(node));
            if !together {
                (start, end) = self.aim.window();
                if self.aim.rng.chance(odds::CRASH_WAITS_PPM) {
                    start = self.aim.trigger();
                }
            }
        }
    }

    fn drift(&mut self, correct: &[NodeId]) {
        let drifts = |node: &NodeId| {
            let drifts = |it: &Action| it.class() == Class::Drift && it.owner() == Some(*node);
            self.faults.iter().any(|fault| drifts(&fault.action))
        };
        let steady: Vec<NodeId> = correct.iter().copied().filter(|node| !drifts(node)).collect();
        if steady.is_empty() {
            return;
        }
        let node = *self.aim.rng.pick(&steady);
        let most = self.weather.drift_ppm_max.min(crate::validate::DRIFT_PPM_MAX.unsigned_abs());
        let ppm = self.aim.rng.between(1, u64::from(most));
        let ppm = i32::try_from(ppm).expect("at most 900,000");
        let ppm = if self.aim.rng.chance(odds::FAST_PPM) { -ppm } else { ppm };
        self.push((None, None), Action::Drift { node, ppm });
    }
}
