//! Whether a history of the key-value service is linearizable (Herlihy & Wing 1990): whether all
//! calls could have been made one at a time, each at a point between its invocation and its
//! completion, with the answers that the clients were given.
//!
//! - Each key is judged alone (`key_history`): linearizability is local.
//! - The order of completion is tried first (`witness`). It explains most histories of few clients.
//! - Other histories are searched (`search`), one step per completion, with a budget.
//! - Calls `a` and `b` are ordered only if `a.completed < b.invoked`. Intervals are closed, so
//!   calls that touch at one instant overlap: virtual time has many ties, and the order in which a
//!   simulator works off one instant is not something that its clients could see.
//! - A pending call took effect once after its invocation, or never, whatever its answer would have
//!   been. A client may have any number of open calls: Byzantine clients do.
//!
//! Sources: M. Herlihy, J. Wing, "Linearizability", TOPLAS 12(3), 1990; J. Wing, C. Gong, "Testing
//! and verifying concurrent objects", JPDC 17, 1993; P. Gibbons, E. Korach, "Testing shared
//! memories", SIAM J. Comput. 26(4), 1997; G. Lowe, "Testing for linearizability", CCPE 29(4),
//! 2017; A. Horn, D. Kroening, "Faster linearizability checking via P-compositionality", FORTE
//! 2015.

mod bits;
#[cfg(test)]
mod brute_force;
mod counterexample;
mod key_history;
mod lookahead;
mod model;
mod open_calls;
mod search;
mod state;
#[cfg(test)]
mod tests;
mod visited;
mod witness;

pub use counterexample::Counterexample;
pub(crate) use model::{Change, Register, step};
pub use witness::is_witness;

use crate::history::{Call, Text};
use counterexample::explain;
use key_history::{KeyHistory, split_by_key};
use open_calls::OpenCalls;
use search::{Explore, Progress, Search};

/// What the search found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Linearizability {
    /// An order explains every answer.
    Linearizable,
    /// No order does.
    NotLinearizable(Counterexample),
    /// The search ran out of its budget, or had more calls open at once than it can tell apart.
    Unknown {
        /// The first key that it did not decide.
        key: Text,
        /// The budget that was spent.
        budget: u64,
    },
}

/// Searches for an order of `calls` that explains every answer.
///
/// `initial` is what every key holds at first. `budget` bounds the search: it is the number of
/// choices of a next call that are weighed, each about 50 ns, over all keys. As much again may go
/// into the shortest counterexample. A million is plenty for the history of a simulation.
///
/// The verdict is a function of the arguments alone.
///
/// ```
/// use byzsim_core::linearizability::{Linearizability, check};
/// use byzsim_core::{Answer, Call, NodeId, Time};
/// let call = |client, line: &str, invoked, completed, answer| Call {
///     client: NodeId::Client(client),
///     operation: line.parse().expect("an operation"),
///     invoked: Time::from_nanos(invoked),
///     completed: Some((Time::from_nanos(completed), answer)),
/// };
/// let stale = [
///     call(0, "put x 1", 0, 1_000_000, Answer::Done),
///     call(1, "get x", 2_000_000, 3_000_000, Answer::Value(None)),
/// ];
/// let Linearizability::NotLinearizable(why) = check(&stale, None, 1_000_000) else { panic!() };
/// assert_eq!(why.call, 1);
/// assert_eq!(
///     why.explanation,
///     "get x of c1, invoked at 2ms, found nothing at 3ms, \
///      but it could only have found \"1\""
/// );
/// ```
///
/// # Panics
/// If a call is completed before it is invoked.
pub fn check(calls: &[Call], initial: Option<&str>, budget: u64) -> Linearizability {
    let mut histories = split_by_key(calls);
    histories.retain(|history| !witness::completion_order_explains(history, initial));
    let mut left = budget;
    match search_all(&histories, initial, &mut left) {
        Verdict::Explained => Linearizability::Linearizable,
        Verdict::Undecided(history) => {
            Linearizability::Unknown { key: histories[history].key.clone(), budget }
        }
        Verdict::Unexplained { history, furthest } => Linearizability::NotLinearizable(explain(
            calls,
            &histories[history],
            initial,
            furthest,
            budget,
        )),
    }
}

/// The verdict on the histories of several keys.
enum Verdict {
    Explained,
    /// The place of the one that no order explains, and how many of its calls an order was found
    /// for.
    Unexplained {
        history: usize,
        furthest: usize,
    },
    /// The place of the first that is not decided.
    Undecided(usize),
}

/// Searches the keys by turns, with a growing allowance: one bad key decides, and it should not
/// have to wait for the hard ones.
fn search_all(histories: &[KeyHistory<'_>], initial: Option<&str>, budget: &mut u64) -> Verdict {
    const ALLOWANCE_MIN: u64 = 1_024;
    const ALLOWANCE_GROWTH: u64 = 8;
    let mut searches: Vec<_> =
        histories.iter().map(|history| search(history, initial)).enumerate().collect();
    let mut allowance = ALLOWANCE_MIN;
    while !searches.is_empty() {
        let mut undecided = Vec::new();
        for (history, mut search) in searches {
            let mut share = allowance.min(*budget);
            *budget -= share;
            let progress = search.explore(&mut share);
            *budget += share;
            match progress {
                Progress::Explained => {}
                Progress::Undecided => undecided.push((history, search)),
                Progress::Unexplained { furthest } => {
                    return Verdict::Unexplained { history, furthest: furthest as usize };
                }
            }
        }
        searches = undecided;
        if let Some((history, _)) = searches.first()
            && *budget == 0
        {
            return Verdict::Undecided(*history);
        }
        allowance = allowance.saturating_mul(ALLOWANCE_GROWTH);
    }
    Verdict::Explained
}

/// The search of one key, with sets as wide as the number of open calls asks for.
fn search<'a>(history: &KeyHistory<'a>, initial: Option<&'a str>) -> Box<dyn Explore + 'a> {
    let mut calls = OpenCalls::new(history, initial);
    let is_complete = calls.options.len() <= BITS_MAX;
    calls.options.truncate(BITS_MAX);
    match calls.slots.max(calls.options.len()) {
        0..=64 => Box::new(Search::<1>::new(calls, is_complete)),
        65..=256 => Box::new(Search::<4>::new(calls, is_complete)),
        257..=BITS_MAX => Box::new(Search::<WORDS_MAX>::new(calls, is_complete)),
        _ => Box::new(TooWide),
    }
}

const WORDS_MAX: usize = 32;
const BITS_MAX: usize = 64 * WORDS_MAX;

/// Replaces the search of a key that has more open calls than its sets can hold.
struct TooWide;

impl Explore for TooWide {
    fn explore(&mut self, allowance: &mut u64) -> Progress {
        *allowance = 0;
        Progress::Undecided
    }
}
