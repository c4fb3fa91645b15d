//! Which calls of one key are open at each step of the search, one step per completion.

use std::collections::BTreeMap;

use super::key_history::{Completed, KeyHistory, Pending};
use super::state::{Mentions, State};
use crate::history::{Answer, Operation};

/// What a call does to the state, and in which states its answer is right.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Transition<'a> {
    /// Found this state; changes nothing.
    Found(State),
    /// Found any state but this one (a compare-and-swap that did not swap); changes nothing.
    FoundOther(State),
    /// Sets the state, whatever it was.
    Put(State),
    /// Puts a string behind the state.
    Append(&'a str),
    /// Sets the state, if it was `from`.
    Swap { from: State, to: State },
    /// Has an answer that no state explains, such as `ok` to a get.
    Impossible,
}

/// A completed call.
#[derive(Clone, Copy, Debug)]
pub(super) struct Step<'a> {
    pub(super) transition: Transition<'a>,
    /// The first step whose completion does not precede the invocation of this call.
    pub(super) opens: u32,
    /// Its bit while it is open; the bit is used again afterwards. Observers and mutators have
    /// separate bits.
    pub(super) slot: u32,
}

/// A pending call that may have taken effect.
#[derive(Clone, Copy, Debug)]
pub(super) struct Optional<'a> {
    pub(super) transition: Transition<'a>,
    pub(super) opens: u32,
    /// The pending call before it that does the same. The two are interchangeable, so this one is
    /// used only after that one.
    pub(super) alike: Option<u32>,
}

/// Step numbers, listed for each step.
#[derive(Debug, Default)]
struct Lists {
    starts: Vec<u32>,
    steps: Vec<u32>,
}

/// The history of one key.
#[derive(Debug)]
pub(super) struct OpenCalls<'a> {
    pub(super) mentions: Mentions<'a>,
    pub(super) initial: State,
    /// The completed calls, in the order of completion.
    pub(super) steps: Vec<Step<'a>>,
    /// The pending calls, in the order of invocation.
    pub(super) options: Vec<Optional<'a>>,
    /// For each step, the open calls that change nothing, in the order of completion.
    observers: Lists,
    /// For each step, the open calls that may change the state, in the order of completion.
    mutators: Lists,
    /// How many bits a set of open calls needs.
    pub(super) slots: usize,
}

impl Transition<'_> {
    /// Whether the call changes nothing in any state. Such a call is taken as soon as its answer is
    /// right: that forecloses nothing.
    pub(super) const fn is_observer(&self) -> bool {
        matches!(self, Self::Found(_) | Self::FoundOther(_))
    }

    /// The state that the call always leaves behind.
    pub(super) const fn sets(&self) -> Option<State> {
        match self {
            Self::Put(to) | Self::Swap { to, .. } => Some(*to),
            Self::Found(_) | Self::FoundOther(_) | Self::Append(_) | Self::Impossible => None,
        }
    }

    /// The state that the call must find.
    pub(super) const fn needs(&self) -> Option<State> {
        match self {
            Self::Found(state) | Self::Swap { from: state, .. } => Some(*state),
            Self::FoundOther(_) | Self::Put(_) | Self::Append(_) | Self::Impossible => None,
        }
    }
}

impl Lists {
    fn at(&self, step: u32) -> &[u32] {
        let step = step as usize;
        &self.steps[self.starts[step] as usize..self.starts[step + 1] as usize]
    }
}

impl<'a> OpenCalls<'a> {
    pub(super) fn new(history: &KeyHistory<'a>, initial: Option<&'a str>) -> Self {
        let mentions = mentions(history);
        let initial = mentions.state(initial);
        let mut calls = Self {
            initial,
            steps: history
                .completed
                .iter()
                .map(|done| Step { transition: transition(done, &mentions), opens: 0, slot: 0 })
                .collect(),
            mentions,
            options: Vec::new(),
            observers: Lists::default(),
            mutators: Lists::default(),
            slots: 0,
        };
        calls.lay_out_steps(history);
        calls.lay_out_options(history);
        calls
    }

    /// The state after `transition`, or `None` if its answer is wrong in `state`.
    pub(super) fn apply(&self, transition: &Transition<'a>, state: State) -> Option<State> {
        match transition {
            Transition::Found(found) => (state == *found).then_some(state),
            Transition::FoundOther(found) => (state != *found).then_some(state),
            Transition::Put(to) => Some(*to),
            Transition::Append(text) => Some(self.mentions.append(state, text)),
            Transition::Swap { from, to } => (state == *from).then_some(*to),
            Transition::Impossible => None,
        }
    }

    /// The calls open at `step` that change nothing.
    pub(super) fn open_observers(&self, step: u32) -> impl Iterator<Item = &Step<'a>> {
        self.observers.at(step).iter().map(|&open| &self.steps[open as usize])
    }

    /// The calls open at `step` that may change the state.
    pub(super) fn open_mutators(&self, step: u32) -> impl Iterator<Item = &Step<'a>> {
        self.mutators.at(step).iter().map(|&open| &self.steps[open as usize])
    }

    /// The numbers of the calls open at `step` that may change the state.
    pub(super) fn open_mutator_steps(&self, step: u32) -> &[u32] {
        self.mutators.at(step)
    }

    /// How many pending calls are open at `step`.
    pub(super) fn open_options(&self, step: u32) -> usize {
        self.options.partition_point(|option| option.opens <= step)
    }

    /// How many steps there are.
    pub(super) fn len(&self) -> u32 {
        small(self.steps.len())
    }

    /// Lists what is open at each step, and gives each call a bit that nothing else open has.
    fn lay_out_steps(&mut self, history: &KeyHistory<'a>) {
        let mut arrivals: Vec<u32> = (0..self.len()).collect();
        arrivals.sort_unstable_by_key(|&step| history.completed[step as usize].invoked);
        let mut arrivals = arrivals.into_iter().peekable();
        let mut observers = Open::default();
        let mut mutators = Open::default();
        for (step, done) in history.completed.iter().enumerate() {
            let now = small(step);
            // A call that is invoked at the very instant of a completion overlaps it.
            let invoked = |&step: &u32| history.completed[step as usize].invoked <= done.completed;
            while let Some(arrival) = arrivals.next_if(invoked) {
                let opened = &mut self.steps[arrival as usize];
                let kind =
                    if opened.transition.is_observer() { &mut observers } else { &mut mutators };
                opened.opens = now;
                opened.slot = kind.open(arrival);
            }
            self.observers.push(&observers.steps);
            self.mutators.push(&mutators.steps);
            let closed = self.steps[step];
            if closed.transition.is_observer() {
                observers.close(now, closed.slot);
            } else {
                mutators.close(now, closed.slot);
            }
        }
        self.observers.starts.push(small(self.observers.steps.len()));
        self.mutators.starts.push(small(self.mutators.steps.len()));
        self.slots = observers.slots.max(mutators.slots) as usize;
    }

    /// Keeps the pending calls that may matter. A get that was not answered, a swap of a value
    /// for itself and what begins after the last completion explain no answer.
    fn lay_out_options(&mut self, history: &KeyHistory<'a>) {
        let mut latest: BTreeMap<Transition<'a>, u32> = BTreeMap::new();
        for pending in &history.pending {
            let opens = history.completed.partition_point(|done| done.completed < pending.invoked);
            let Some(transition) = pending_transition(pending, &self.mentions) else { continue };
            if opens == self.steps.len() {
                break;
            }
            let alike = latest.insert(transition, small(self.options.len()));
            self.options.push(Optional { transition, opens: small(opens), alike });
        }
    }
}

/// The calls of one kind that are open, while the layout walks over the completions.
#[derive(Default)]
struct Open {
    steps: Vec<u32>,
    free: Vec<u32>,
    slots: u32,
}

impl Open {
    fn open(&mut self, step: u32) -> u32 {
        let place = self.steps.partition_point(|other| *other < step);
        self.steps.insert(place, step);
        self.free.pop().unwrap_or_else(|| {
            self.slots += 1;
            self.slots - 1
        })
    }

    fn close(&mut self, step: u32, slot: u32) {
        let place = self.steps.binary_search(&step).expect("a call opens before it closes");
        self.steps.remove(place);
        self.free.push(slot);
    }
}

impl Lists {
    fn push(&mut self, steps: &[u32]) {
        self.starts.push(small(self.steps.len()));
        self.steps.extend_from_slice(steps);
    }
}

fn mentions<'a>(history: &KeyHistory<'a>) -> Mentions<'a> {
    let found = history.completed.iter().filter_map(|done| match done.answer {
        Answer::Value(value) => value.as_deref(),
        Answer::Done | Answer::Swapped(_) => None,
    });
    let completed = history.completed.iter().map(|done| done.operation);
    let pending = history.pending.iter().map(|open| open.operation);
    let operations = completed.chain(pending);
    let expected = operations.clone().filter_map(|operation| match operation {
        Operation::Cas { expected, .. } => expected.as_deref(),
        Operation::Get { .. } | Operation::Put { .. } | Operation::Append { .. } => None,
    });
    let appends = operations.clone().any(|op| matches!(op, Operation::Append { .. }));
    Mentions::new(found.chain(expected), appends)
}

fn transition<'a>(done: &Completed<'a>, mentions: &Mentions<'a>) -> Transition<'a> {
    match (done.operation, done.answer) {
        (Operation::Get { .. }, Answer::Value(value)) => {
            Transition::Found(mentions.state(value.as_deref()))
        }
        (Operation::Put { value, .. }, Answer::Done) => {
            Transition::Put(mentions.state(Some(value)))
        }
        (Operation::Append { value, .. }, Answer::Done) => Transition::Append(value),
        (Operation::Cas { expected, new, .. }, Answer::Swapped(swapped)) => {
            let from = mentions.state(expected.as_deref());
            let to = mentions.state(Some(new));
            match swapped {
                true if from == to => Transition::Found(from),
                true => Transition::Swap { from, to },
                false => Transition::FoundOther(from),
            }
        }
        (Operation::Get { .. }, Answer::Done | Answer::Swapped(_))
        | (
            Operation::Put { .. } | Operation::Append { .. },
            Answer::Value(_) | Answer::Swapped(_),
        )
        | (Operation::Cas { .. }, Answer::Done | Answer::Value(_)) => Transition::Impossible,
    }
}

fn pending_transition<'a>(open: &Pending<'a>, mentions: &Mentions<'a>) -> Option<Transition<'a>> {
    match open.operation {
        Operation::Get { .. } => None,
        Operation::Put { value, .. } => Some(Transition::Put(mentions.state(Some(value)))),
        Operation::Append { value, .. } => Some(Transition::Append(value)),
        Operation::Cas { expected, new, .. } => {
            let from = mentions.state(expected.as_deref());
            let to = mentions.state(Some(new));
            (from != to).then_some(Transition::Swap { from, to })
        }
    }
}

pub(super) fn small(n: usize) -> u32 {
    u32::try_from(n).expect("a history in memory has no 4 billion calls")
}
