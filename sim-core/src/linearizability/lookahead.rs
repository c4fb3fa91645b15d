//! What the calls to come want of the state: who must find it, who can tell it from others, who
//! sets it.
//!
//! The search gives up a branch when it leaves a state behind that is still to be found and that
//! nothing brings back. With unique writes (every value is written once) that leaves next to
//! nothing to guess: it does the work of the read mapping of Gibbons & Korach (1997) without
//! assuming one.

use super::bits::Bits;
use super::open_calls::{OpenCalls, Transition};
use super::search::Configuration;
use super::state::State;

/// Where a pending call closes.
pub(super) const NEVER: u32 = u32::MAX;

/// Who wants and who makes each mentioned state. Steps count from 0; a field named `until` is one
/// more than a step, 0 if there is none, [`NEVER`] if it stays open.
#[derive(Debug)]
pub(super) struct Lookahead {
    states: Vec<Interest>,
    /// All states together.
    total: Interest,
    /// For each step, the first from it on where a call is open that sets a state which a call to
    /// come found *not* to be there.
    next_risk: Vec<u32>,
    /// Whether there are appends, completed or pending.
    appends: bool,
}

/// The interest in one state.
#[derive(Clone, Copy, Debug, Default)]
struct Interest {
    /// When the last completed call that must find it opens.
    found_opens: u32,
    /// When the last of them closes.
    found_until: u32,
    /// When the last call that can tell it from another closes.
    distinguished_until: u32,
    /// When the last call closes that found another state.
    other_until: u32,
    /// How many calls set it. That it is there at first counts as one.
    makers: u32,
    /// When the last of them opens.
    made_opens: u32,
    /// When the last of them closes.
    made_until: u32,
}

impl Lookahead {
    pub(super) fn new(calls: &OpenCalls<'_>) -> Self {
        let mut lookahead = Self {
            states: vec![Interest::default(); calls.mentions.count()],
            total: Interest::default(),
            next_risk: Vec::new(),
            appends: false,
        };
        for (until, step) in (1..).zip(&calls.steps) {
            lookahead.count(calls, &step.transition, step.opens, until);
        }
        for option in &calls.options {
            lookahead.count(calls, &option.transition, option.opens, NEVER);
        }
        if let Some(number) = calls.mentions.number(calls.initial) {
            lookahead.states[number].makers += 1;
        }
        lookahead.next_risk = lookahead.risks(calls);
        lookahead
    }

    /// See `next_risk`.
    fn risks(&self, calls: &OpenCalls<'_>) -> Vec<u32> {
        if self.total.other_until == 0 {
            return Vec::new();
        }
        let mut next: Vec<u32> = vec![NEVER; calls.steps.len()];
        let mut mark = |opens: u32, until: u32| {
            for step in opens..until {
                next[step as usize] = step;
            }
        };
        if self.appends {
            // Which states the appends may make is not looked into.
            mark(0, self.total.other_until);
        }
        let completed =
            (1..).zip(&calls.steps).map(|(until, made)| (made.opens, until, made.transition));
        let pending = calls.options.iter().map(|made| (made.opens, NEVER, made.transition));
        for (opens, until, transition) in completed.chain(pending) {
            if let Some(made) = transition.sets() {
                mark(opens, until.min(self.state(calls, made).other_until));
            }
        }
        let mut risk = NEVER;
        for step in next.iter_mut().rev() {
            risk = risk.min(*step);
            *step = risk;
        }
        next
    }

    fn count(
        &mut self,
        calls: &OpenCalls<'_>,
        transition: &Transition<'_>,
        opens: u32,
        until: u32,
    ) {
        self.appends |= matches!(transition, Transition::Append(_));
        let number = |state| calls.mentions.number(state);
        if let Transition::FoundOther(state) = transition {
            self.total.other_until = self.total.other_until.max(until);
            if let Some(number) = number(*state) {
                self.states[number].distinguish(until);
                self.states[number].other_until = self.states[number].other_until.max(until);
            }
        }
        if let Some(found) = transition.needs().and_then(number) {
            for interest in [&mut self.states[found], &mut self.total] {
                interest.distinguish(until);
                if until != NEVER {
                    interest.found_opens = interest.found_opens.max(opens);
                    interest.found_until = interest.found_until.max(until);
                }
            }
        }
        if let Some(state) = transition.sets() {
            self.total.make(opens, until);
            if let Some(made) = number(state) {
                self.states[made].make(opens, until);
            }
        }
    }

    /// The state as far as the steps from `step` on can tell it from others.
    pub(super) fn distinguished(&self, calls: &OpenCalls<'_>, step: u32, state: State) -> State {
        match calls.mentions.number(state) {
            Some(number) if !self.appends && self.states[number].distinguished_until <= step => {
                State::Unmentioned
            }
            _ => state,
        }
    }

    /// Whether `transition`, which closes at step `closes`, is a put that explains nothing from
    /// `step` on, where the key holds `state`. Nobody can tell what the put leaves behind. And
    /// nobody needs it for what it takes away: a state that is there until `closes` and that some
    /// call to come found not to be there.
    pub(super) fn is_spent(
        &self,
        calls: &OpenCalls<'_>,
        step: u32,
        transition: &Transition<'_>,
        closes: u32,
        state: State,
    ) -> bool {
        let Transition::Put(to) = transition else { return false };
        let risk = self.next_risk.get(step as usize);
        self.distinguished(calls, step, *to) == State::Unmentioned
            && risk.is_none_or(|risk| closes < *risk || *risk == NEVER)
            && self.state(calls, state).other_until <= step
    }

    /// Whether a configuration that has just left the state `left` explains nothing any more.
    pub(super) fn is_lost<const W: usize>(
        &self,
        calls: &OpenCalls<'_>,
        step: u32,
        now: &Configuration<W>,
        left: State,
    ) -> bool {
        if left == now.state {
            return false;
        }
        if self.appends {
            // Appends only make a string longer. Without a put or a swap to come, a string comes
            // back only if it begins with what is there now, and an unmentioned one stays
            // unmentioned.
            let grows_only = self.total.made_until <= step;
            let is_gone = left == State::Absent || grows_only && !now.state.grows_into(left);
            let is_stuck = grows_only && now.state == State::Unmentioned;
            return is_gone && wanted(calls, step, now, &self.state(calls, left), Some(left))
                || is_stuck && wanted(calls, step, now, &self.total, None);
        }
        let interest = self.state(calls, left);
        wanted(calls, step, now, &interest, Some(left))
            && !self.comes_back(calls, step, &now.mutated, &interest, left)
    }

    fn state(&self, calls: &OpenCalls<'_>, state: State) -> Interest {
        calls.mentions.number(state).map_or(Interest::default(), |number| self.states[number])
    }

    /// Whether a call not yet taken sets `state`, which has been there once.
    fn comes_back<const W: usize>(
        &self,
        calls: &OpenCalls<'_>,
        step: u32,
        mutated: &Bits<W>,
        interest: &Interest,
        state: State,
    ) -> bool {
        if interest.makers <= 1 || interest.made_until <= step {
            return false;
        }
        step < interest.made_opens
            || interest.made_until == NEVER
            || calls
                .open_mutators(step)
                .any(|open| open.transition.sets() == Some(state) && !mutated.contains(open.slot))
    }
}

impl Interest {
    fn distinguish(&mut self, until: u32) {
        self.distinguished_until = self.distinguished_until.max(until);
    }

    fn make(&mut self, opens: u32, until: u32) {
        self.makers += 1;
        self.made_opens = self.made_opens.max(opens);
        self.made_until = self.made_until.max(until);
    }
}

/// Whether a completed call that is not yet taken must find `state` (any mentioned one if `None`).
fn wanted<const W: usize>(
    calls: &OpenCalls<'_>,
    step: u32,
    now: &Configuration<W>,
    interest: &Interest,
    state: Option<State>,
) -> bool {
    if interest.found_until <= step {
        return false;
    }
    let needs = |transition: &Transition<'_>| match state {
        None => transition.needs().is_some(),
        Some(state) => transition.needs() == Some(state),
    };
    step < interest.found_opens
        || calls
            .open_observers(step)
            .any(|open| needs(&open.transition) && !now.observed.contains(open.slot))
        || calls
            .open_mutators(step)
            .any(|open| needs(&open.transition) && !now.mutated.contains(open.slot))
}
