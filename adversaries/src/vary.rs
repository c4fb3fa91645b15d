//! Variations of plans, for searches that keep what worked: small changes of one plan, sometimes
//! with faults of another. A variation stays within the fault model that its weather allows.

use byzsim_core::{Committee, Message, NodeId, Purpose, SimRng};

use crate::action::{Class, Parts};
use crate::aim::place;
use crate::deceit::change;
use crate::descriptor::Window;
use crate::generate::Draw;
use crate::groups::Groups;
use crate::odds::{self, Detail, Shift, Step, Tweak};
use crate::plan::{Fault, Moment, Plan};
use crate::range::Range;
use crate::validate::Vocabulary;
use crate::weather::{Seen, Timing, Weather};

/// How many faults a plan may grow to: long plans are slow, and hard to understand.
const FAULTS_MAX: usize = 16;

/// How often a variation is tried anew when it breaks the rules of plans.
const TRIES: u32 = 8;

/// A variation of `parent`, perhaps with faults of `other`, aimed at what `parent`'s run was `seen`
/// to go through. The same `seed` gives the same one.
///
/// [`Plan::validate`] accepts it, and it corrupts no more than `weather` allows; where no variation
/// is found that does, it is `parent` itself.
pub fn vary<M: Message>(
    (parent, other, seen): (&Plan, &Plan, &Seen),
    weather: &Weather,
    committee: Committee,
    timing: &Timing,
    seed: u64,
) -> Plan {
    let mut choices = SimRng::new(seed, Purpose::Search, 0);
    let is_allowed =
        |plan: &Plan| is_allowed(plan, weather, (committee, timing), Vocabulary::of::<M>());
    for attempt in 0..TRIES {
        // The draws of each attempt come from a stream of its own.
        let stream = choices.next_u64();
        let mut draw = Draw::new::<M>(weather, committee, timing, stream, parent.faults.clone());
        draw.aim.seen = seen.clone();
        let mut variation = Variation { draw, other };
        // Mostly one step, now and then a leap.
        let leaps = attempt == 0 && choices.chance(odds::LEAP_PPM);
        let [least, most] = odds::LEAP;
        let steps = if leaps { choices.between(least, most) } else { 1 };
        for _ in 0..steps {
            variation.step();
        }
        let plan = Plan { faults: variation.draw.faults };
        let is_short = plan.faults.len() <= FAULTS_MAX.max(parent.faults.len());
        if is_short && plan != *parent && is_allowed(&plan) {
            return plan;
        }
    }
    parent.clone()
}

/// Whether the plan makes sense, and corrupts no more nodes than the weather may.
fn is_allowed(
    plan: &Plan,
    weather: &Weather,
    (committee, timing): (Committee, &Timing),
    vocabulary: Vocabulary,
) -> bool {
    let corrupted = plan.corrupted();
    let clients = corrupted.iter().filter(|node| node.is_client()).count();
    let replicas_max = usize::from(weather.corrupt_max.unwrap_or(committee.faults));
    // Who crashes and is not back by GST counts as faulty as well. It may do so in place of a
    // replica that might be corrupted; and as one more, where the weather and f have room.
    let faulty = plan.faulty_replicas(timing.gst).len();
    let untrusted = plan.untrusted().iter().filter(|node| !node.is_client()).count();
    let more = usize::from(weather.down_max);
    let faulty_max = (replicas_max + more).min(replicas_max.max(usize::from(committee.faults)));
    clients <= usize::from(weather.corrupt_clients_max)
        && untrusted <= replicas_max
        && faulty <= faulty_max
        && plan.validate(committee, vocabulary).is_ok()
}

struct Variation<'a> {
    draw: Draw<'a>,
    other: &'a Plan,
}

impl Variation<'_> {
    fn step(&mut self) {
        match odds::pick(&mut self.draw.aim.rng, &odds::STEPS) {
            Step::Remove => self.remove(),
            Step::Add => self.add(),
            Step::Tell => self.tell(),
            Step::Splice => self.splice(),
            Step::RepeatInNextView => self.repeat_in_next_view(),
            Step::Exchange => self.exchange(),
            Step::Tweak => self.tweak(),
        }
    }

    /// The place of some fault, if there is one.
    fn any_fault(&mut self) -> Option<usize> {
        let last = self.draw.faults.len().checked_sub(1)?;
        Some(place(self.draw.aim.rng.between(0, last as u64)))
    }

    fn remove(&mut self) {
        if let Some(at) = self.any_fault() {
            self.draw.faults.remove(at);
        }
    }

    /// One more fault: of a corrupted node, or of the network.
    fn add(&mut self) {
        let (corrupting, natural): (Vec<Class>, Vec<Class>) =
            self.draw.possible().into_iter().partition(|class| class.corrupts());
        let rng = &mut self.draw.aim.rng;
        let mut behaves = || natural.is_empty() || rng.chance(odds::ADD_BEHAVIOUR_PPM);
        if !corrupting.is_empty() && behaves() {
            self.behave(&corrupting);
        } else if !natural.is_empty() {
            let class = *self.draw.aim.rng.pick(&natural);
            let corrupted = Plan { faults: self.draw.faults.clone() }.corrupted();
            let committee = self.draw.committee;
            let correct: Vec<NodeId> =
                committee.nodes().filter(|node| !corrupted.contains(node)).collect();
            self.draw.strike(class, &correct);
        }
    }

    /// One more lie. There is one way to be silent, and there are many to lie.
    fn tell(&mut self) {
        let mut lies = self.draw.possible();
        lies.retain(|class| matches!(class, Class::Lie | Class::Mutate));
        if !lies.is_empty() {
            self.behave(&lies);
        }
    }

    /// What a corrupted node does besides; of somebody new if there is none.
    fn behave(&mut self, classes: &[Class]) {
        let corrupted = Plan { faults: self.draw.faults.clone() }.corrupted();
        let rng = &mut self.draw.aim.rng;
        let class = *rng.pick(classes);
        let node = if corrupted.is_empty() { self.draw.someone() } else { *rng.pick(&corrupted) };
        self.draw.behave(node, class);
    }

    /// Some faults of the other plan. What they say of its corrupted nodes goes for our own.
    fn splice(&mut self) {
        let mine = Plan { faults: self.draw.faults.clone() }.corrupted();
        for fault in &self.other.faults {
            if !self.draw.aim.rng.chance(odds::SPLICE_PPM) {
                continue;
            }
            let mut fault = fault.clone();
            if let Some(theirs) = fault.action.corrupts() {
                let alike = mine.iter().find(|node| node.is_client() == theirs.is_client());
                if let Some(ours) = alike {
                    exchange_in(&mut fault, theirs, *ours);
                }
            }
            self.draw.faults.push(fault);
        }
    }

    /// What a fault does in one view, done in the next one as well.
    fn repeat_in_next_view(&mut self) {
        let Some(at) = self.any_fault() else { return };
        let mut again = self.draw.faults[at].clone();
        let Parts { messages, lie, .. } = again.action.parts();
        let Some(messages) = messages else { return };
        let view = messages.view.map_or(0, |view| view.max.min(1 << 20));
        messages.view = Some(Range::only(view + 1));
        // Who hides something in one view may show it in the next.
        if let Some(lie) = lie
            && self.draw.aim.rng.chance(odds::OTHER_LIE_PPM)
        {
            *lie = self.draw.aim.rng.pick(self.draw.vocabulary.lies).name.to_owned();
        }
        self.draw.faults.insert(at + 1, again);
    }

    /// Two replicas change their parts.
    fn exchange(&mut self) {
        let mut replicas: Vec<NodeId> = self.draw.committee.replica_ids().collect();
        if replicas.len() < 2 {
            return;
        }
        self.draw.aim.rng.shuffle(&mut replicas);
        for fault in &mut self.draw.faults {
            exchange_in(fault, replicas[0], replicas[1]);
        }
    }

    /// Another detail in one fault.
    fn tweak(&mut self) {
        let Some(at) = self.any_fault() else { return };
        let mut fault = self.draw.faults[at].clone();
        match odds::pick(&mut self.draw.aim.rng, &odds::TWEAKS) {
            Tweak::Shift => self.shift(&mut fault),
            Tweak::AimAnew => self.aim_anew(&mut fault),
            Tweak::Redo => self.redo(&mut fault),
        }
        self.draw.faults[at] = fault;
    }

    /// Another window.
    fn shift(&mut self, fault: &mut Fault) {
        let window = fault.action.class().descriptor().window;
        let heals = fault.action.crashes().is_some();
        let aim = &mut self.draw.aim;
        (fault.start, fault.end) = match odds::pick(&mut aim.rng, &odds::SHIFTS) {
            _ if window == Window::WholeRun => (None, None),
            _ if heals => {
                let (start, end) = aim.window();
                (Some(start), Some(end))
            }
            Shift::Strike => aim.strike(),
            Shift::Wait => (Some(aim.trigger()), None),
            Shift::Last => (fault.start.clone(), None),
            Shift::Behaviour => aim.behaviour(),
        };
        if fault.start.is_none() && window == Window::AtStart {
            fault.start = Some(Moment::At(aim.time()));
        }
    }

    /// Another pattern, or another detail of it.
    fn aim_anew(&mut self, fault: &mut Fault) {
        let sender = fault.action.corrupts();
        let Parts { messages, lie, field, heard, .. } = fault.action.parts();
        let Some(messages) = messages else { return };
        let (replays, alters) = (heard.is_some(), lie.is_some() || field.is_some());
        let aim = &mut self.draw.aim;
        match odds::pick(&mut aim.rng, &odds::DETAILS) {
            Detail::View => {
                let view = aim.view();
                messages.view = aim.rng.chance(odds::NAME_VIEW_PPM).then(|| Range::only(view));
            }
            Detail::Receivers if !replays => messages.to = aim.messages().to,
            Detail::Senders if sender.is_none() => messages.from = aim.messages().from,
            Detail::Kinds => messages.kinds = aim.scope().kinds,
            Detail::Receivers | Detail::Senders | Detail::Numbers => {
                (messages.seq, messages.nth) = (None, None);
            }
        }
        // Which kinds these are about is up to the lie, and to the field.
        if alters {
            messages.kinds.clear();
        }
    }

    /// Another lie, another change, other sides.
    fn redo(&mut self, fault: &mut Fault) {
        let Draw { aim, vocabulary, .. } = &mut self.draw;
        let Parts {
            owner,
            messages,
            lie,
            field,
            delay,
            to,
            heard,
            mut groups,
            // To vary these as well would shift the draws of every recorded search.
            within: _,
            after: _,
            copy_after: _,
            drift: _,
            extras: _,
        } = fault.action.parts();
        if let Some(lie) = lie
            && !vocabulary.lies.is_empty()
        {
            *lie = aim.rng.pick(vocabulary.lies).name.to_owned();
        } else if let (Some((field, made)), Some(messages)) = (field, messages) {
            let chosen = aim.field(vocabulary.fields);
            messages.kinds = vec![chosen.kind.to_owned()];
            chosen.name.clone_into(field);
            *made = change(aim, chosen);
        } else if let (Groups::Twins(left, right, _), Some(node)) = (&mut groups, owner) {
            (**left, **right) = aim.sides(*node);
        } else if let Groups::Partition(groups) = groups {
            *groups = vec![aim.group()];
        } else if let Some(delay) = delay {
            *delay = aim.span(aim.timing.timeout * odds::DELAY_TIMEOUTS);
        } else if let (Some(to), Some(heard)) = (to, heard) {
            *heard = !*heard;
            to.clear();
        } else {
            self.shift(fault);
        }
    }
}

/// Lets two nodes change their parts in a fault.
fn exchange_in(fault: &mut Fault, one: NodeId, other: NodeId) {
    fault.renumber(&|node| {
        Some(if node == one {
            other
        } else if node == other {
            one
        } else {
            node
        })
    });
}
