//! Where a history stops being linearizable, for the user.

use super::key_history::{Completed, KeyHistory};
use super::model::Register;
use super::{Verdict, search_all};
use crate::history::{Answer, Call, Operation, Text};
use crate::time::Time;

/// Why a history is not linearizable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counterexample {
    /// The key whose calls no order explains.
    pub key: Text,
    /// The index of the call whose answer cannot be explained, given those completed before it.
    pub call: usize,
    /// How many calls on the key had completed when this one did, itself included: the length of
    /// the shortest prefix of the history that is not linearizable.
    pub prefix: usize,
    /// Whether no shorter prefix is bad. `false` if the budget ended before that was known; the
    /// prefix is bad all the same.
    pub is_shortest: bool,
    /// Answers that the call could have had instead, if it is a get: those among the last values
    /// written, as far as the budget went.
    pub possible: Vec<Answer>,
    /// A sentence that names the call, its answer and what speaks against it.
    pub explanation: String,
}

/// Explains why no order explains `history`, of which the search explained `furthest` completions.
pub(super) fn explain(
    calls: &[Call],
    history: &KeyHistory<'_>,
    initial: Option<&str>,
    furthest: usize,
    budget: u64,
) -> Counterexample {
    let mut judge = Judge { initial, budget };
    let (length, is_shortest) = judge.shortest_prefix(history, furthest);
    let bad = history.prefix(length);
    let culprit = *bad.completed.last().expect("an empty history is linearizable");
    let possible = judge.possible_answers(&bad, &culprit);
    let Call { client, operation, invoked, .. } = &calls[culprit.call];
    let explanation = format!(
        "{operation} of {client}, invoked at {invoked}, {} at {}, but {}",
        answer_text(culprit.answer),
        culprit.completed,
        objection(&bad, &culprit, initial, &possible),
    );
    Counterexample {
        key: history.key.clone(),
        call: culprit.call,
        prefix: length,
        is_shortest,
        possible: possible.answers,
        explanation,
    }
}

/// The answers that a call could have had instead.
#[derive(Default)]
struct Possible {
    /// Sorted.
    answers: Vec<Answer>,
    /// Whether there are no others.
    is_all: bool,
}

/// Judges variants of a history.
struct Judge<'a> {
    initial: Option<&'a str>,
    /// What is left of the budget for all of them.
    budget: u64,
}

impl Judge<'_> {
    /// How many completions the shortest bad prefix has. The search looks ahead, so it may give up
    /// before that; the whole history is known to be bad, and every prefix of a linearizable
    /// history is linearizable.
    fn shortest_prefix(&mut self, history: &KeyHistory<'_>, furthest: usize) -> (usize, bool) {
        let (mut good, mut bad) = (furthest, history.completed.len());
        let (mut is_shortest, mut stride) = (true, 1);
        while good + 1 < bad {
            // The end is near `furthest`, as a rule.
            let middle = (good + stride).min(good.midpoint(bad));
            stride *= 2;
            let verdict = self.verdict(&history.prefix(middle));
            is_shortest &= verdict.is_some();
            match verdict {
                Some(false) => bad = middle,
                Some(true) | None => good = middle,
            }
        }
        (bad, is_shortest)
    }

    /// The answers that `culprit`, the last of `bad`, could have had if it is a get.
    fn possible_answers(&mut self, bad: &KeyHistory<'_>, culprit: &Completed<'_>) -> Possible {
        if !matches!(culprit.operation, Operation::Get { .. }) {
            return Possible::default();
        }
        let Possible { mut answers, mut is_all } = candidates(bad, culprit, self.initial);
        answers.retain(|answer| {
            let mut other = bad.clone();
            let last = other.completed.last_mut().expect("the culprit is in it");
            *last = Completed { answer, ..*culprit };
            let verdict = self.verdict(&other);
            is_all &= verdict.is_some();
            verdict == Some(true)
        });
        Possible { answers, is_all }
    }

    /// Whether `history` is linearizable; `None` if the budget does not suffice to know.
    fn verdict(&mut self, history: &KeyHistory<'_>) -> Option<bool> {
        match search_all(std::slice::from_ref(history), self.initial, &mut self.budget) {
            Verdict::Explained => Some(true),
            Verdict::Unexplained { .. } => Some(false),
            Verdict::Undecided(_) => None,
        }
    }
}

/// The most answers that are tried in place of a wrong one.
const CANDIDATES_MAX: usize = 16;

/// What a get might have found: what was written last before it completed, and what two simple
/// orders of the appends make.
fn candidates(bad: &KeyHistory<'_>, culprit: &Completed<'_>, initial: Option<&str>) -> Possible {
    let mut calls: Vec<(Time, &Operation)> = before(bad, culprit).collect();
    let mut by_completion = Register::holding(initial);
    for done in &bad.completed {
        by_completion.take(done.operation, None);
    }
    calls.sort_by_key(|(invoked, _)| *invoked);
    let mut by_invocation = Register::holding(initial);
    for (_, operation) in &calls {
        by_invocation.take(operation, None);
    }
    let mut values = vec![initial.map(Text::from), by_completion.held(), by_invocation.held()];
    let mut is_all = true;
    for (_, operation) in calls.iter().rev() {
        is_all &= !matches!(operation, Operation::Append { .. });
        let Some(value) = written(operation) else { continue };
        if values.iter().any(|other| other.as_ref() == Some(value)) {
            continue;
        }
        if values.len() == CANDIDATES_MAX {
            is_all = false;
            break;
        }
        values.push(Some(value.clone()));
    }
    values.sort_unstable();
    values.dedup();
    Possible { answers: values.into_iter().map(Answer::Value).collect(), is_all }
}

/// The calls that were invoked before `culprit` completed, and when.
fn before<'a>(
    bad: &KeyHistory<'a>,
    culprit: &Completed<'a>,
) -> impl Iterator<Item = (Time, &'a Operation)> {
    let completed = bad.completed.iter().map(|done| (done.invoked, done.operation));
    let pending = bad.pending.iter().map(|open| (open.invoked, open.operation));
    completed.chain(pending).filter(|(invoked, _)| *invoked <= culprit.completed)
}

/// The value that an operation sets, whatever was there.
const fn written(operation: &Operation) -> Option<&Text> {
    match operation {
        Operation::Put { value, .. } | Operation::Cas { new: value, .. } => Some(value),
        Operation::Get { .. } | Operation::Append { .. } => None,
    }
}

/// The answer that the client got, in words.
fn answer_text(answer: &Answer) -> String {
    match answer {
        Answer::Done => "completed".to_owned(),
        Answer::Value(None) => "found nothing".to_owned(),
        Answer::Value(Some(text)) => format!("found {text:?}"),
        Answer::Swapped(true) => "swapped".to_owned(),
        Answer::Swapped(false) => "did not swap".to_owned(),
    }
}

/// What speaks against the answer of `culprit`, the last of `bad`.
fn objection(
    bad: &KeyHistory<'_>,
    culprit: &Completed<'_>,
    initial: Option<&str>,
    possible: &Possible,
) -> String {
    match (culprit.operation, culprit.answer) {
        (Operation::Get { .. }, Answer::Value(value)) => {
            let found: Vec<String> = possible.answers.iter().map(value_of).collect();
            let found = found.join(" or ");
            let is_written = is_written(bad, culprit, initial, value.as_ref());
            match (is_written, found.is_empty(), possible.is_all) {
                (true, true, _) => NO_ORDER.to_owned(),
                (true, false, true) => format!("it could only have found {found}"),
                (true, false, false) => format!("it could have found {found}"),
                (false, true, _) => "no client had written that".to_owned(),
                (false, false, true) => {
                    format!("no client had written that: it could only have found {found}")
                }
                (false, false, false) => {
                    format!("no client had written that: it could have found {found}")
                }
            }
        }
        (Operation::Cas { expected, .. }, Answer::Swapped(false)) => {
            let expected = value_of(&Answer::Value(expected.clone()));
            format!("in every order that explains the calls before it, it finds {expected}")
        }
        (Operation::Cas { .. }, Answer::Swapped(true)) => {
            "it cannot swap in any order that explains the calls before it".to_owned()
        }
        (Operation::Put { .. } | Operation::Append { .. }, Answer::Done) => NO_ORDER.to_owned(),
        (Operation::Get { .. }, Answer::Done | Answer::Swapped(_))
        | (
            Operation::Put { .. } | Operation::Append { .. },
            Answer::Value(_) | Answer::Swapped(_),
        )
        | (Operation::Cas { .. }, Answer::Done | Answer::Value(_)) => {
            "this is not an answer to this operation".to_owned()
        }
    }
}

const NO_ORDER: &str = "no order of the calls before it explains that";

fn value_of(answer: &Answer) -> String {
    match answer {
        Answer::Value(None) => "nothing".to_owned(),
        Answer::Value(Some(_)) | Answer::Done | Answer::Swapped(_) => answer.to_string(),
    }
}

/// Whether the key may have held `value` when `culprit` completed, as far as its writers tell. What
/// appends make of each other is not looked into.
fn is_written(
    bad: &KeyHistory<'_>,
    culprit: &Completed<'_>,
    initial: Option<&str>,
    value: Option<&Text>,
) -> bool {
    value.map(AsRef::as_ref) == initial
        || before(bad, culprit).any(|(_, operation)| {
            matches!(operation, Operation::Append { .. })
                || value.is_some() && written(operation) == value
        })
}
