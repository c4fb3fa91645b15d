//! The part of a history that touches one key.
//!
//! Linearizability is local (Herlihy & Wing 1990, theorem 1): a history is linearizable if and only
//! if its part at every object is. Horn & Kroening (2015) call the use of it P-compositionality.
//! Every operation of the service touches one key, so every key is an object of its own.

use std::collections::BTreeMap;

use crate::history::{Answer, Call, Operation, Text};
use crate::time::Time;

/// The calls on one key.
#[derive(Clone, Debug)]
pub(super) struct KeyHistory<'a> {
    pub(super) key: &'a Text,
    /// In the order of completion.
    pub(super) completed: Vec<Completed<'a>>,
    /// In the order of invocation.
    pub(super) pending: Vec<Pending<'a>>,
}

/// A call that was answered.
#[derive(Clone, Copy, Debug)]
pub(super) struct Completed<'a> {
    /// Its index among all calls.
    pub(super) call: usize,
    pub(super) operation: &'a Operation,
    pub(super) invoked: Time,
    pub(super) completed: Time,
    pub(super) answer: &'a Answer,
}

/// A call that was not answered: it took effect at one point after its invocation, or never.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pending<'a> {
    pub(super) operation: &'a Operation,
    pub(super) invoked: Time,
}

/// The history of each key, in the order of keys.
///
/// # Panics
/// If a call is completed before it is invoked.
pub(super) fn split_by_key(calls: &[Call]) -> Vec<KeyHistory<'_>> {
    let mut places: BTreeMap<&Text, usize> = BTreeMap::new();
    let mut histories: Vec<KeyHistory<'_>> = Vec::new();
    for (index, call) in calls.iter().enumerate() {
        let key = call.operation.key();
        let place = *places.entry(key).or_insert_with(|| {
            histories.push(KeyHistory { key, completed: Vec::new(), pending: Vec::new() });
            histories.len() - 1
        });
        let (operation, invoked) = (&call.operation, call.invoked);
        match &call.completed {
            None => histories[place].pending.push(Pending { operation, invoked }),
            Some((completed, answer)) => {
                let completed = *completed;
                assert!(invoked <= completed, "call {index} was answered before it was made");
                let done = Completed { call: index, operation, invoked, completed, answer };
                histories[place].completed.push(done);
            }
        }
    }
    for history in &mut histories {
        history.completed.sort_unstable_by_key(|done| (done.completed, done.invoked, done.call));
        history.pending.sort_by_key(|open| open.invoked);
    }
    histories.sort_unstable_by_key(|history| history.key);
    histories
}

impl<'a> KeyHistory<'a> {
    /// The history as it was when the first `length` calls had completed: the others are pending.
    pub(super) fn prefix(&self, length: usize) -> Self {
        let (completed, open) = self.completed.split_at(length);
        let open =
            open.iter().map(|done| Pending { operation: done.operation, invoked: done.invoked });
        let mut pending: Vec<Pending<'a>> = self.pending.iter().copied().chain(open).collect();
        pending.sort_by_key(|open| open.invoked);
        Self { key: self.key, completed: completed.to_vec(), pending }
    }
}
