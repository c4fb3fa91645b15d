//! The search for an order that explains the history of one key.
//!
//! Wing & Gong (1993) search depth first over orders of the calls. Lowe (2017) remembers the
//! configurations that failed, and takes a call only when it must: at its completion, after those
//! open calls that have to come before it. A configuration is then what the key holds and which of
//! the *open* calls are taken, so it fits a few words however long the history is.

use super::bits::Bits;
use super::lookahead::{Lookahead, NEVER};
use super::open_calls::{OpenCalls, Transition, small};
use super::state::State;
use super::visited::Visited;

/// What an order of some calls leaves to the calls after it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Configuration<const W: usize> {
    /// What the key holds.
    pub(super) state: State,
    /// The open mutators that are taken.
    pub(super) mutated: Bits<W>,
    /// The open observers that are taken.
    pub(super) observed: Bits<W>,
    /// The pending calls that are taken.
    pub(super) used: Bits<W>,
}

/// How far the search is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Progress {
    /// An order was found.
    Explained,
    /// There is no order. All were given up at this step or before.
    Unexplained { furthest: u32 },
    /// It spent its allowance. It can be given more.
    Undecided,
}

/// A search that may be interrupted.
pub(super) trait Explore {
    /// Goes on until it is done, or until it has weighed `allowance` more choices of what comes
    /// next. Takes what it spends off `allowance`.
    fn explore(&mut self, allowance: &mut u64) -> Progress;
}

/// The search, depth first, with the branches still to try on an explicit stack.
#[derive(Debug)]
pub(super) struct Search<'a, const W: usize> {
    calls: OpenCalls<'a>,
    lookahead: Lookahead,
    visited: Visited<W>,
    stack: Vec<Branch<W>>,
    furthest: u32,
    explained: bool,
    /// Whether all pending calls are among them. If not, an order that leaves the others out still
    /// explains the history, but that there is none says nothing.
    is_complete: bool,
}

/// A configuration at a step whose call is not yet taken, and the choices tried so far.
#[derive(Clone, Copy, Debug)]
struct Branch<const W: usize> {
    step: u32,
    tried: u32,
    configuration: Configuration<W>,
}

/// What may come next at a branch.
enum Choice<const W: usize> {
    /// This step and configuration.
    Go(u32, Configuration<W>),
    /// A call that cannot come next, or that was taken before.
    Skip,
    /// Nothing is left to try.
    End,
}

impl<'a, const W: usize> Search<'a, W> {
    pub(super) fn new(calls: OpenCalls<'a>, is_complete: bool) -> Self {
        let lookahead = Lookahead::new(&calls);
        let configuration = Configuration {
            state: calls.initial,
            mutated: Bits::EMPTY,
            observed: Bits::EMPTY,
            used: Bits::EMPTY,
        };
        let mut search = Self {
            calls,
            lookahead,
            visited: Visited::new(),
            stack: Vec::new(),
            furthest: 0,
            explained: false,
            is_complete,
        };
        let left = configuration.state;
        search.enter(0, configuration, left);
        search
    }

    /// Follows a configuration, which has just left the state `left`, to the next step whose call
    /// has to be taken.
    fn enter(&mut self, mut step: u32, mut now: Configuration<W>, left: State) {
        let end = self.calls.len();
        if step < end && self.lookahead.is_lost(&self.calls, step, &now, left) {
            return;
        }
        while step < end {
            now.state = self.lookahead.distinguished(&self.calls, step, now.state);
            for open in self.calls.open_observers(step) {
                if self.calls.apply(&open.transition, now.state).is_some() {
                    now.observed.insert(open.slot);
                }
            }
            let call = &self.calls.steps[step as usize];
            let taken =
                if call.transition.is_observer() { &mut now.observed } else { &mut now.mutated };
            if !taken.contains(call.slot) {
                self.furthest = self.furthest.max(step);
                if self.visited.insert(step, &now) {
                    self.stack.push(Branch { step, tried: 0, configuration: now });
                }
                return;
            }
            // The call closes, and another may get its bit.
            taken.remove(call.slot);
            step += 1;
        }
        self.explained = true;
    }

    /// The next choice at a branch: first the call that completes, as whatever else may come before
    /// it can also wait. Then the other calls, open or pending: those first that leave what the
    /// call that completes must find, as it will take one of them.
    fn choose(&self, branch: &Branch<W>) -> Choice<W> {
        let Branch { step, tried, configuration } = *branch;
        let transition = &self.calls.steps[step as usize].transition;
        if tried == 0 {
            return match self.calls.apply(transition, configuration.state) {
                None => Choice::Skip,
                Some(state) => {
                    let mut now = Configuration { state, ..configuration };
                    self.take_spent_puts(step, transition, &mut now);
                    Choice::Go(step + 1, now)
                }
            };
        }
        let mutators = self.calls.open_mutator_steps(step);
        let others = mutators.len() + self.calls.open_options(step);
        let needed = transition.needs();
        let turn = tried as usize - 1 + if needed.is_none() { others } else { 0 };
        if 2 * others <= turn {
            return Choice::End;
        }
        let place = turn % others;
        let (other, next) = match mutators.get(place) {
            Some(&other) => (
                &self.calls.steps[other as usize].transition,
                self.take_mutator(step, other, configuration),
            ),
            None => {
                let place = place - mutators.len();
                (&self.calls.options[place].transition, self.use_option(step, place, configuration))
            }
        };
        let is_first_round = turn < others;
        let is_helpful = needed.is_some() && other.sets() == needed;
        if is_first_round == is_helpful { next } else { Choice::Skip }
    }

    /// Takes another open call before the one that completes.
    fn take_mutator(&self, step: u32, other: u32, mut now: Configuration<W>) -> Choice<W> {
        let open = &self.calls.steps[other as usize];
        if other == step || now.mutated.contains(open.slot) {
            return Choice::Skip;
        }
        let Some(state) = self.calls.apply(&open.transition, now.state) else {
            return Choice::Skip;
        };
        now.mutated.insert(open.slot);
        now.state = state;
        self.take_spent_puts(step, &open.transition, &mut now);
        Choice::Go(step, now)
    }

    /// Takes a pending call before the one that completes.
    fn use_option(&self, step: u32, place: usize, mut now: Configuration<W>) -> Choice<W> {
        let option = &self.calls.options[place];
        let number = small(place);
        let waits = |earlier| !now.used.contains(earlier);
        if now.used.contains(number)
            || option.alike.is_some_and(waits)
            || self.lookahead.is_spent(&self.calls, step, &option.transition, NEVER, now.state)
        {
            return Choice::Skip;
        }
        match self.calls.apply(&option.transition, now.state) {
            Some(state) if state != now.state => {
                now.used.insert(number);
                now.state = state;
                self.take_spent_puts(step, &option.transition, &mut now);
                Choice::Go(step, now)
            }
            // A pending call that changes nothing can as well not happen.
            Some(_) | None => Choice::Skip,
        }
    }

    /// Takes the open puts that explain nothing any more, where that is harmless: just before
    /// another put. Left open, each doubles the configurations of a history that nothing explains.
    fn take_spent_puts(&self, step: u32, before: &Transition<'_>, now: &mut Configuration<W>) {
        if !matches!(before, Transition::Put(_)) {
            return;
        }
        for &other in self.calls.open_mutator_steps(step) {
            let open = &self.calls.steps[other as usize];
            let is_spent =
                self.lookahead.is_spent(&self.calls, step, &open.transition, other, now.state);
            if other != step && is_spent {
                now.mutated.insert(open.slot);
            }
        }
    }

    fn count_choice(&mut self) {
        if let Some(branch) = self.stack.last_mut() {
            branch.tried += 1;
        }
    }
}

impl<const W: usize> Explore for Search<'_, W> {
    fn explore(&mut self, allowance: &mut u64) -> Progress {
        while !self.explained {
            let Some(branch) = self.stack.last().copied() else {
                if !self.is_complete {
                    *allowance = 0;
                    return Progress::Undecided;
                }
                return Progress::Unexplained { furthest: self.furthest };
            };
            if *allowance == 0 {
                return Progress::Undecided;
            }
            *allowance -= 1;
            match self.choose(&branch) {
                Choice::End => {
                    self.stack.pop();
                }
                Choice::Skip => self.count_choice(),
                Choice::Go(step, configuration) => {
                    self.count_choice();
                    self.enter(step, configuration, branch.configuration.state);
                }
            }
        }
        Progress::Explained
    }
}
