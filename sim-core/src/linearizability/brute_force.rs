//! The search against the definition, on random histories small enough to try every order.

use std::collections::BTreeMap;

use super::*;
use crate::history::{Answer, Operation};
use crate::id::NodeId;
use crate::time::Time;

const BUDGET: u64 = 1_000_000;

/// The definition of Herlihy & Wing, tried order by order: a witness that is no search.
struct BruteForce<'a> {
    calls: &'a [Call],
    initial: Option<String>,
    order: Vec<usize>,
}

impl BruteForce<'_> {
    fn explains(&mut self, held: &BTreeMap<Text, Option<String>>) -> bool {
        let open: Vec<usize> =
            (0..self.calls.len()).filter(|index| !self.order.contains(index)).collect();
        if open.iter().all(|&index| self.calls[index].completed.is_none()) {
            return true;
        }
        for &next in &open {
            let call = &self.calls[next];
            let precedes = |&other: &usize| {
                let completed = self.calls[other].completed.as_ref();
                completed.is_some_and(|(completed, _)| *completed < call.invoked)
            };
            if open.iter().any(precedes) {
                continue;
            }
            let mut held = held.clone();
            let slot = held.entry(call.operation.key().clone()).or_insert(self.initial.clone());
            let answer = execute(slot, &call.operation);
            if call.completed.as_ref().is_some_and(|(_, given)| *given != answer) {
                continue;
            }
            self.order.push(next);
            if self.explains(&held) {
                return true;
            }
            self.order.pop();
        }
        false
    }
}

fn execute(held: &mut Option<String>, operation: &Operation) -> Answer {
    match operation {
        Operation::Get { .. } => return Answer::Value(held.as_deref().map(Text::from)),
        Operation::Put { value, .. } => *held = Some(value.to_string()),
        Operation::Append { value, .. } => {
            *held = Some(held.clone().unwrap_or_default() + value);
        }
        Operation::Cas { expected, new, .. } => {
            let swaps = *held == expected.as_ref().map(ToString::to_string);
            if swaps {
                *held = Some(new.to_string());
            }
            return Answer::Swapped(swaps);
        }
    }
    Answer::Done
}

/// A linear congruential generator (Knuth's MMIX).
struct Lcg(u64);

impl Lcg {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }

    fn pick(&mut self, texts: &[&str]) -> Text {
        let place = usize::try_from(self.below(texts.len() as u64)).expect("small");
        texts[place].into()
    }
}

/// What a random history is made of.
struct Taste {
    keys: &'static [&'static str],
    values: &'static [&'static str],
    calls_max: u64,
    time_max: u64,
    operations: &'static [u64],
}

fn random_operation(rng: &mut Lcg, taste: &Taste) -> Operation {
    let key = rng.pick(taste.keys);
    let value = rng.pick(taste.values);
    let kind = rng.below(taste.operations.iter().sum());
    let mut upto = 0;
    let kind = taste.operations.iter().take_while(|weight| {
        upto += **weight;
        upto <= kind
    });
    match kind.count() {
        0 => Operation::Get { key },
        1 => Operation::Put { key, value },
        2 => Operation::Append { key, value },
        _ => {
            let expected = (0 < rng.below(4)).then(|| rng.pick(taste.values));
            Operation::Cas { key, expected, new: value }
        }
    }
}

/// A history that happened, some of whose answers are then changed.
fn random_history(rng: &mut Lcg, taste: &Taste, initial: Option<&str>) -> Vec<Call> {
    let count = 2 + rng.below(taste.calls_max - 1);
    let mut calls: Vec<(u64, Call)> = (0..count)
        .map(|_| {
            let invoked = rng.below(taste.time_max);
            let effect = invoked + rng.below(6);
            let completed = effect + rng.below(6);
            let call = Call {
                client: NodeId::Client(0),
                operation: random_operation(rng, taste),
                invoked: Time::from_nanos(invoked),
                completed: Some((Time::from_nanos(completed), Answer::Done)),
            };
            (effect, call)
        })
        .collect();
    calls.sort_by_key(|(effect, _)| *effect);
    let mut held: BTreeMap<Text, Option<String>> = BTreeMap::new();
    for (_, call) in &mut calls {
        if rng.below(8) == 0 {
            call.completed = None;
            if rng.below(2) == 0 {
                continue;
            }
        }
        let slot = held.entry(call.operation.key().clone()).or_insert(initial.map(str::to_owned));
        let answer = execute(slot, &call.operation);
        if let Some((_, given)) = &mut call.completed {
            *given = answer;
        }
    }
    if rng.below(3) != 0 {
        let place = usize::try_from(rng.below(count)).expect("small");
        let found = rng.pick(taste.values);
        match &mut calls[place].1.completed {
            Some((_, Answer::Value(value))) => *value = (found.len() != 1).then_some(found),
            Some((_, Answer::Swapped(swapped))) => *swapped = !*swapped,
            Some((_, Answer::Done)) | None => {}
        }
    }
    calls.into_iter().map(|(_, call)| call).collect()
}

#[test]
fn the_search_agrees_with_brute_force() {
    const HISTORIES: u64 = 12_000;
    let tastes = [
        // A register with unique values, one with few, one with swaps; appends; all, on two keys.
        Taste {
            keys: &["x"],
            values: &["1", "2", "3", "4", "5", "6", "7"],
            calls_max: 7,
            time_max: 12,
            operations: &[4, 4],
        },
        Taste {
            keys: &["x"],
            values: &["1", "2"],
            calls_max: 7,
            time_max: 10,
            operations: &[4, 4, 0, 1],
        },
        Taste {
            keys: &["x"],
            values: &["1", "2", "3"],
            calls_max: 7,
            time_max: 12,
            operations: &[2, 2, 0, 6],
        },
        Taste {
            keys: &["x"],
            values: &["a", "b", "", "ab"],
            calls_max: 7,
            time_max: 12,
            operations: &[4, 1, 5],
        },
        Taste {
            keys: &["x", "y"],
            values: &["a", "b", "ab"],
            calls_max: 8,
            time_max: 14,
            operations: &[4, 2, 3, 3],
        },
    ];
    for (number, taste) in tastes.iter().enumerate() {
        let mut rng = Lcg(7 + number as u64);
        let (mut good, mut bad, mut searched) = (0, 0, 0);
        for _ in 0..HISTORIES {
            let initial =
                [None, None, Some(""), Some("1")][usize::try_from(rng.below(4)).expect("small")];
            let calls = random_history(&mut rng, taste, initial);
            let order = brute_force(&calls, initial);
            let by_completion = split_by_key(&calls)
                .iter()
                .all(|history| witness::completion_order_explains(history, initial));
            searched += u64::from(!by_completion);
            match (check(&calls, initial, BUDGET), order) {
                (Linearizability::Linearizable, Some(order)) => {
                    good += 1;
                    assert!(is_witness(&calls, &order, initial), "{calls:#?} {order:?}");
                }
                (Linearizability::NotLinearizable(why), None) => {
                    bad += 1;
                    assert_shortest(&calls, initial, &why);
                }
                (verdict, order) => panic!("{verdict:?}, but {order:?} of {calls:#?}"),
            }
        }
        assert!(HISTORIES / 5 < good && HISTORIES / 10 < bad, "{number}: {good} and {bad}");
        assert!(HISTORIES / 10 < searched - bad, "{number}: {searched} not by completion order");
    }
}

fn brute_force(calls: &[Call], initial: Option<&str>) -> Option<Vec<usize>> {
    let initial = initial.map(str::to_owned);
    let mut search = BruteForce { calls, initial, order: Vec::new() };
    search.explains(&BTreeMap::new()).then_some(search.order)
}

/// The calls on the key up to the culprit are bad, and without its answer they are good.
fn assert_shortest(calls: &[Call], initial: Option<&str>, why: &Counterexample) {
    assert!(why.is_shortest);
    let history = split_by_key(calls).into_iter().find(|history| *history.key == why.key);
    let history = history.expect("the key is one of the history");
    let kept: Vec<usize> = history.completed[..why.prefix].iter().map(|done| done.call).collect();
    assert_eq!(kept.last(), Some(&why.call));
    let (end, _) = calls[why.call].completed.as_ref().expect("a culprit has an answer");
    let mut prefix = calls.to_vec();
    for (index, call) in prefix.iter_mut().enumerate() {
        if !kept.contains(&index) {
            call.completed = None;
        }
    }
    let started: Vec<Call> = prefix
        .iter()
        .filter(|call| call.invoked <= *end && *call.operation.key() == why.key)
        .cloned()
        .collect();
    assert_eq!(brute_force(&started, initial), None, "{why:?} {calls:#?}");
    prefix[why.call].completed = None;
    assert!(brute_force(&prefix, initial).is_some(), "{why:?} {calls:#?}");
}
