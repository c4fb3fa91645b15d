//! The lasso: what a run in which an operation is overdue was doing. It goes round in circles
//! (livelock), nothing can happen any more (deadlock), or others are served (slow).
//!
//! States are compared after abstraction ([`Node::outline`](crate::Node::outline)): views relative
//! to the highest one, without times and without counters that only grow. So views that pass with
//! longer and longer timeouts are one livelock, and the growth is told beside it. What corrupted
//! nodes hold is unknown; what is said is said of the correct ones.
//!
//! The lasso never makes a verdict: the checker of liveness does, and the lasso tells which kind of
//! violation it is. Clean runs pay for a sample at each view change, and for nothing else.

use crate::checkers::{Circle, Stamp};
use crate::crypto::Digest;
use crate::time::{Span, Time};

/// How many looks at a run that stands still there are, in the span of the liveness bound.
const LOOKS: u64 = 32;
/// For how many spans between two looks a run must stand still.
const STILL: u64 = 9;

/// The states of a run since an operation completed last.
#[derive(Debug)]
pub(super) struct Lasso {
    /// At each rise of the highest view that a correct replica is in or asks for.
    turns: Vec<Sample>,
    /// From time to time, where no view rises.
    looks: Vec<Sample>,
    bound: Span,
    every: Span,
    /// When the operation that waits longest is overdue.
    deadline: Time,
    /// The highest view.
    view: u64,
    next_look: Time,
}

/// The state of all correct nodes, abstracted.
#[derive(Clone, Copy, Debug)]
struct Sample {
    at: Stamp,
    /// The highest view.
    view: u64,
    state: Digest,
}

impl Lasso {
    pub(super) fn new(bound: Span) -> Self {
        let every = Span::from_nanos((bound.nanos() / LOOKS).max(1));
        Self {
            turns: Vec::new(),
            looks: Vec::new(),
            bound,
            every,
            deadline: Time::NEVER,
            view: 0,
            next_look: Time::NEVER,
        }
    }

    /// Whether it wants to see the state of the correct nodes now: the highest view has just risen
    /// to `view`, or none rises for long. The operation that waits longest is overdue at
    /// `deadline`: what was before it waited belongs to another story.
    #[inline]
    pub(super) fn wants(&mut self, deadline: Time, view: u64, now: Time) -> bool {
        if deadline != self.deadline {
            self.begin(deadline);
        }
        let rises = self.view < view;
        if rises && deadline == Time::NEVER {
            self.view = view;
        }
        (rises || self.next_look <= now) && deadline != Time::NEVER
    }

    /// Begins the story of another operation, which is overdue at `deadline`.
    fn begin(&mut self, deadline: Time) {
        self.deadline = deadline;
        self.turns.clear();
        self.looks.clear();
        let half = self.bound.nanos() / 2;
        self.next_look = match deadline {
            Time::NEVER => Time::NEVER,
            deadline => Time::from_nanos(deadline.nanos().saturating_sub(half)),
        };
    }

    /// The state of the correct nodes now.
    pub(super) fn sample(&mut self, at: Stamp, view: u64, state: Digest) {
        let sample = Sample { at, view, state };
        if self.view < view {
            self.view = view;
            self.looks.clear();
            self.turns.push(sample);
        } else {
            self.looks.push(sample);
        }
        self.next_look = self.next_look.max(at.time + self.every);
    }

    /// What the run was doing when it ended, at `end`, if it goes round in circles or stands still.
    pub(super) fn circle(&self, end: Time, faults: u16) -> Option<Circle> {
        // A stretch of time, and not of looks: where little happens there are few looks. Views that
        // stand still for about a third of the bound are no part of a circle.
        let is_long = |first: &Sample| self.every * STILL <= end.since(first.at.time);
        if self.looks.first().is_some_and(is_long) {
            let last = self.looks.last()?;
            let same = self.looks.iter().rev().take_while(|it| it.state == last.state);
            let stands = same.last().filter(|it| is_long(it));
            let first = stands.or_else(|| self.alternates(end))?;
            return Some(Circle::Still { from: first.at, to: last.at });
        }
        let last = self.turns.len().checked_sub(1)?;
        let (period, matched) = (1..=last / 2).find_map(|period| {
            let equals =
                |place: &usize| self.turns[*place].state == self.turns[*place - period].state;
            let matched = (period..=last).rev().take_while(equals).count();
            // Two rounds at least, and no coincidence of two states.
            (period.max(2) <= matched).then_some((period, matched))
        })?;
        let (from, to) = (self.turns[last - matched + 1 - period], self.turns[last]);
        let (before, middle) = (self.turns[last - 2 * period], self.turns[last - period]);
        let views = to.view - middle.view;
        // Some view of the circle had a correct primary.
        if to.view - from.view <= u64::from(faults) {
            return None;
        }
        let took = to.at.time.since(middle.at.time);
        let took_before = middle.at.time.since(before.at.time);
        let (from, to) = (from.at, to.at);
        Some(Circle::Views { views, took, took_before, from, to })
    }

    /// The first look, if no state of the second half of the looks is new, and its own is among
    /// them: replicas that wait for what a client sends again have more than one state.
    fn alternates(&self, end: Time) -> Option<&Sample> {
        let first = self.looks.first()?;
        let half = Span::from_nanos(end.since(first.at.time).nanos() / 2);
        let middle = self.looks.partition_point(|it| it.at.time.since(first.at.time) < half);
        let (before, after) = self.looks.split_at(middle);
        let is_known = |it: &Sample| before.iter().any(|earlier| earlier.state == it.state);
        let comes_again = after.iter().any(|it| it.state == first.state);
        (comes_again && after.iter().all(is_known)).then_some(first)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lasso(turns: &[(u64, u64, u8)]) -> Option<Circle> {
        let mut lasso = Lasso::new(Span::from_secs(64));
        for (event, (secs, view, state)) in turns.iter().enumerate() {
            let time = Time::ZERO + Span::from_secs(*secs);
            assert!(lasso.wants(Time::ZERO + Span::from_secs(64), *view, time));
            assert!(!lasso.wants(Time::ZERO + Span::from_secs(64), 0, time), "no view rises");
            lasso.sample(Stamp { time, event: event as u64 }, *view, Digest([*state; 32]));
        }
        lasso.circle(Time::ZERO + Span::from_secs(64), 1)
    }

    #[test]
    fn a_circle_is_two_rounds_of_the_same_states() {
        let at = |secs, event| Stamp { time: Time::ZERO + Span::from_secs(secs), event };
        let circle = |views, took, took_before, from, to| {
            let (took, took_before) = (Span::from_secs(took), Span::from_secs(took_before));
            Some(Circle::Views { views, took, took_before, from, to })
        };
        // One view each, of growing length; the first state was another one.
        let growing = [(0, 1, 9), (1, 2, 7), (3, 3, 7), (7, 4, 7)];
        assert_eq!(lasso(&growing), circle(1, 4, 2, at(1, 1), at(7, 3)));
        let two = [(0, 1, 1), (1, 2, 2), (2, 3, 1), (3, 4, 2), (4, 5, 1)];
        assert_eq!(lasso(&two), circle(2, 2, 2, at(0, 0), at(4, 4)));
        assert_eq!(lasso(&two[..3]), None, "once is not again and again");
        assert_eq!(lasso(&[(0, 1, 1), (1, 2, 2), (2, 3, 3), (3, 4, 4)]), None);
        // A naive form would take two states that happen to be equal for a circle.
        assert_eq!(lasso(&[(0, 1, 1), (1, 2, 2), (2, 3, 2)]), None);
    }

    #[test]
    fn a_run_stands_still_if_nothing_changes_for_long() {
        let secs = |secs| Time::ZERO + Span::from_secs(secs);
        let mut lasso = Lasso::new(Span::from_secs(32));
        assert!(!lasso.wants(secs(32), 0, secs(15)), "half of the bound is not over");
        let look = |lasso: &mut Lasso, time: u64, state: u8| {
            assert!(lasso.wants(secs(32), 0, secs(time)));
            let at = Stamp { time: secs(time), event: time };
            lasso.sample(at, 0, Digest([state; 32]));
            assert!(!lasso.wants(secs(32), 0, secs(time)), "not before a second is over");
            at
        };
        look(&mut lasso, 16, 1);
        let from = look(&mut lasso, 17, 2);
        for time in 18..26 {
            look(&mut lasso, time, 2);
            assert_eq!(lasso.circle(secs(time), 1), None, "not long enough");
        }
        let to = look(&mut lasso, 26, 2);
        assert_eq!(lasso.circle(secs(26), 1), Some(Circle::Still { from, to }));
        // Nothing happens any more: there is nothing to look at, and the run stands still.
        assert_eq!(lasso.circle(secs(32), 1), Some(Circle::Still { from, to }));
        assert!(!lasso.wants(secs(50), 0, secs(27)), "another operation waits longest now");
        assert_eq!(lasso.circle(secs(27), 1), None);
    }

    #[test]
    fn few_looks_tell_as_much_where_little_happens() {
        let secs = |secs| Time::ZERO + Span::from_secs(secs);
        let mut lasso = Lasso::new(Span::from_secs(32));
        let look = |lasso: &mut Lasso, time: u64, state: u8| {
            assert!(lasso.wants(secs(32), 0, secs(time)));
            lasso.sample(Stamp { time: secs(time), event: time }, 0, Digest([state; 32]));
        };
        for time in [16, 22, 28] {
            look(&mut lasso, time, 1);
        }
        assert!(matches!(lasso.circle(secs(32), 1), Some(Circle::Still { .. })));
        look(&mut lasso, 31, 2);
        assert_eq!(lasso.circle(secs(32), 1), None, "something has changed");
    }

    #[test]
    fn states_that_alternate_are_a_circle_unless_one_is_new() {
        let secs = |secs| Time::ZERO + Span::from_secs(secs);
        let circle = |states: &[u8]| {
            let mut lasso = Lasso::new(Span::from_secs(32));
            for (time, state) in (16..).zip(states) {
                assert!(lasso.wants(secs(32), 0, secs(time)));
                lasso.sample(Stamp { time: secs(time), event: time }, 0, Digest([*state; 32]));
            }
            lasso.circle(secs(16 + states.len() as u64 - 1), 1)
        };
        let at = |time| Stamp { time: secs(time), event: time };
        let whole = Some(Circle::Still { from: at(16), to: at(27) });
        assert_eq!(circle(&[1, 2, 2, 1, 2, 1, 1, 2, 1, 2, 2, 1]), whole);
        assert_eq!(circle(&[1, 2, 2, 1, 2, 1, 1, 2, 1, 3, 2, 1]), None, "a state is new");
        assert_eq!(circle(&[3, 2, 2, 1, 2, 1, 1, 2, 1, 2, 2, 1]), None, "the first came once");
        assert_eq!(circle(&[1, 2, 2, 1, 2, 1]), None, "not long enough");
    }
}
