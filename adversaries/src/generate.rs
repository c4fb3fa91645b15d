//! Random plans: plausible ones, within the fault model by construction.
//!
//! A generator that draws every fault at once buries each under the others, and one that draws
//! uniformly aims at nothing. So each seed first draws *which* classes of faults it has at all
//! (swarm testing: Groce et al., ISSTA 2012), then few rows, of small scope, aimed at kinds that
//! exist and at early views and slots, where a short run is.

use byzsim_core::{Committee, Lie, Message, NodeId, Time};

use crate::aim::{Aim, place};
use crate::plan::{Action, Fault, Moment, Pattern, Plan};
use crate::weather::{Class, Hints, Weather};

/// Draws the plan of `seed`.
///
/// At most `corrupt-max` replicas and `corrupt-clients-max` clients are corrupted; they stay so.
/// Correct replicas that crash restart before GST. What else strikes correct nodes before GST is
/// over by then, or waits for a milestone, and then the network heals it. [`Plan::validate`]
/// accepts every plan that this draws.
pub fn generate<M: Message>(
    weather: &Weather,
    committee: Committee,
    hints: &Hints,
    seed: u64,
) -> Plan {
    let aim = Aim::new(committee, *hints, M::KINDS, seed);
    let mut draw = Draw { aim, weather, committee, lies: M::LIES, faults: Vec::new() };
    let (cunning, natural): (Vec<Class>, Vec<Class>) =
        draw.swarm().into_iter().partition(|class| class.corrupts());
    // Some seeds corrupt nobody, if there is anything else to strike with.
    let spared = cunning.is_empty() || !natural.is_empty() && draw.aim.rng.chance(200_000);
    let corrupted = if spared { Vec::new() } else { draw.corrupted() };
    for node in &corrupted {
        draw.misbehave(*node, &cunning);
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
    Plan { faults: draw.faults }
}

struct Draw<'a> {
    aim: Aim,
    weather: &'a Weather,
    committee: Committee,
    lies: &'static [Lie],
    faults: Vec<Fault>,
}

impl Draw<'_> {
    fn push(&mut self, (start, end): (Option<Moment>, Option<Moment>), action: Action) {
        self.faults.push(Fault { note: None, start, end, action });
    }

    /// Which of the allowed classes this seed has: each with one half, but at least one.
    fn swarm(&mut self) -> Vec<Class> {
        let synchronous = self.aim.hints.gst == Time::ZERO;
        let possible = |class: &Class| {
            !(synchronous && class.needs_asynchrony())
                && (*class != Class::Lie || !self.lies.is_empty())
                && (*class != Class::Drift || 0 < self.weather.drift_ppm_max)
        };
        let classes = self.weather.classes.iter().copied();
        let mut allowed: Vec<Class> = classes.filter(possible).collect();
        allowed.sort_unstable();
        allowed.dedup();
        let rng = &mut self.aim.rng;
        let drawn: Vec<Class> = allowed.iter().copied().filter(|_| rng.chance(500_000)).collect();
        if drawn.is_empty() && !allowed.is_empty() { vec![*rng.pick(&allowed)] } else { drawn }
    }

    /// Whom to corrupt.
    fn corrupted(&mut self) -> Vec<NodeId> {
        let Committee { replicas, faults, clients } = self.committee;
        let rng = &mut self.aim.rng;
        let replicas_max = u64::from(self.weather.corrupt_max.unwrap_or(faults).min(replicas));
        let clients_max = u64::from(self.weather.corrupt_clients_max.min(clients));
        let clients = if rng.chance(300_000) { rng.between(0, clients_max) } else { 0 };
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

    /// What a corrupted node does: one or several behaviours.
    fn misbehave(&mut self, node: NodeId, classes: &[Class]) {
        let most = usize::from(self.weather.behaviours_max.max(1));
        let rng = &mut self.aim.rng;
        let count = rng.between(1, most as u64);
        let mut drawn: Vec<Class> = (0..count).map(|_| *rng.pick(classes)).collect();
        // A lone liar is caught soon. One that also equivocates, or withholds, may be believed.
        let others: Vec<Class> =
            classes.iter().copied().filter(|class| *class != Class::Lie).collect();
        if drawn == [Class::Lie] && 1 < most && !others.is_empty() && rng.chance(700_000) {
            drawn.push(*rng.pick(&others));
        }
        drawn.sort_unstable();
        // Nobody is twins twice.
        drawn.dedup_by(|a, b| a == b && *a == Class::Twins);
        for class in drawn {
            // Lies that hide one another come in numbers.
            let rows = if class == Class::Lie { self.aim.rng.between(1, most as u64) } else { 1 };
            for _ in 0..rows {
                self.behave(node, class);
            }
        }
    }

    fn behave(&mut self, node: NodeId, class: Class) {
        let aim = &mut self.aim;
        if class == Class::Twins {
            let (left, right) = aim.sides(node);
            return self.push((None, None), Action::Twins { node, left, right });
        }
        let (start, end) = aim.behaviour();
        let action = match class {
            Class::Omit => Action::Omit { node, messages: aim.sayings(node) },
            Class::Lag => {
                let by = aim.span(aim.hints.timeout * 2);
                Action::Lag { node, messages: aim.sayings(node), by }
            }
            Class::Lie => {
                let lie = aim.rng.pick(self.lies).name.to_owned();
                let messages = Pattern { kinds: Vec::new(), ..aim.sayings(node) };
                Action::Lie { node, lie, messages }
            }
            Class::Mute => Action::Mute(node),
            Class::Twins
            | Class::Hold
            | Class::Delay
            | Class::Drop
            | Class::Duplicate
            | Class::Partition
            | Class::Crash
            | Class::Drift => unreachable!("{class:?} has no window of a behaviour"),
        };
        // Who is silent from the start to the end does no more than one replica fewer.
        let whole_run = start.is_none() && class == Class::Mute;
        let start = if whole_run { Some(Moment::At(aim.time())) } else { start };
        self.push((start, if whole_run { None } else { end }), action);
    }

    /// Something that strikes correct nodes, or the network.
    fn strike(&mut self, class: Class, correct: &[NodeId]) {
        if class == Class::Crash {
            return self.crashes(correct);
        }
        if class == Class::Drift {
            return self.drift(correct);
        }
        let aim = &mut self.aim;
        let window = aim.strike();
        let action = match class {
            Class::Hold => Action::Hold(aim.messages()),
            Class::Delay => {
                let synchronous = aim.hints.gst == Time::ZERO;
                let most = if synchronous { aim.hints.delta } else { aim.hints.timeout * 2 };
                Action::Delay { by: aim.span(most), messages: aim.messages() }
            }
            Class::Drop => Action::Drop(aim.messages()),
            Class::Duplicate => {
                Action::Duplicate { after: aim.span(aim.hints.timeout), messages: aim.messages() }
            }
            Class::Partition => Action::Partition {
                groups: vec![aim.group()],
                one_way: aim.rng.chance(250_000),
                lose: aim.rng.chance(300_000),
            },
            Class::Crash
            | Class::Drift
            | Class::Mute
            | Class::Omit
            | Class::Lag
            | Class::Lie
            | Class::Twins => unreachable!("{class:?} does not strike messages"),
        };
        self.push(window, action);
    }

    /// Crashes of one or several correct replicas, at once or one after the other; all of them
    /// restart by the clock: a milestone might never come.
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
        let together = rng.chance(400_000);
        let (mut start, mut end) = self.aim.window();
        for node in replicas.into_iter().take(place(count)) {
            self.push((Some(start.clone()), Some(end.clone())), Action::Crash(node));
            if !together {
                (start, end) = self.aim.window();
                if self.aim.rng.chance(250_000) {
                    start = self.aim.milestone();
                }
            }
        }
    }

    fn drift(&mut self, correct: &[NodeId]) {
        let drifts = |node: &NodeId| {
            let of_node =
                |f: &Fault| matches!(f.action, Action::Drift { node: other, .. } if other == *node);
            self.faults.iter().any(of_node)
        };
        let steady: Vec<NodeId> = correct.iter().copied().filter(|node| !drifts(node)).collect();
        if steady.is_empty() {
            return;
        }
        let node = *self.aim.rng.pick(&steady);
        let most = self.weather.drift_ppm_max.min(crate::validate::DRIFT_PPM_MAX.unsigned_abs());
        let ppm = self.aim.rng.between(1, u64::from(most));
        let ppm = i32::try_from(ppm).expect("at most 900,000");
        let ppm = if self.aim.rng.chance(500_000) { -ppm } else { ppm };
        self.push((None, None), Action::Drift { node, ppm });
    }
}
