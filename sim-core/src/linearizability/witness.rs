//! Replay of a proposed order: the cheap proof that a history is linearizable.

use std::collections::BTreeMap;

use super::key_history::KeyHistory;
use super::model::Register;
use crate::history::Call;
use crate::time::Time;

/// Whether `order`, a list of indices into `calls`, proves that the history is linearizable.
///
/// It does if it names every completed call once and every pending call at most once, if each
/// completed call gets its answer when the calls are made one at a time in this order, and if no
/// call stands behind one that was invoked after its completion. `initial` is what every key holds
/// at first.
///
/// The committed log of the replicas is such a proposal. An order that fails proves nothing: the
/// replicas may have answered by an order that they did not log. Ask [`super::check`] then.
///
/// ```
/// use byzsim_core::linearizability::is_witness;
/// use byzsim_core::{Answer, Call, NodeId, Time};
/// let call = |line: &str, invoked, completed, answer| Call {
///     client: NodeId::Client(0),
///     operation: line.parse().expect("an operation"),
///     invoked: Time::from_nanos(invoked),
///     completed: Some((Time::from_nanos(completed), answer)),
/// };
/// let calls = [call("put x 1", 0, 9, Answer::Done), call("get x", 5, 7, Answer::Value(None))];
/// assert!(is_witness(&calls, &[1, 0], None));
/// assert!(!is_witness(&calls, &[0, 1], None), "the get would have found the put");
/// ```
pub fn is_witness(calls: &[Call], order: &[usize], initial: Option<&str>) -> bool {
    let mut missing: Vec<bool> = vec![true; calls.len()];
    let mut registers: BTreeMap<&str, Register<'_>> = BTreeMap::new();
    let mut latest_invocation = Time::ZERO;
    for &index in order {
        let Some(call) = calls.get(index) else { return false };
        if !std::mem::replace(&mut missing[index], false) {
            return false;
        }
        latest_invocation = latest_invocation.max(call.invoked);
        if call.completed.as_ref().is_some_and(|(completed, _)| *completed < latest_invocation) {
            return false;
        }
        let answer = call.completed.as_ref().map(|(_, answer)| answer);
        let register =
            registers.entry(call.operation.key()).or_insert_with(|| Register::holding(initial));
        if !register.take(&call.operation, answer) {
            return false;
        }
    }
    calls.iter().zip(missing).all(|(call, missing)| call.completed.is_none() || !missing)
}

/// Whether the order of completion explains the history of one key. It always respects real time,
/// and without much concurrency it is right more often than not.
pub(super) fn completion_order_explains(history: &KeyHistory<'_>, initial: Option<&str>) -> bool {
    let mut register = Register::holding(initial);
    history.completed.iter().all(|done| register.take(done.operation, Some(done.answer)))
}
