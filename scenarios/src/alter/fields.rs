//! The kinds of observations and their fields, and other values for these.
//!
//! Every field is listed, so that a new one does not compile before it is here. The exception is
//! the evidence of a proof: it is signed, and whoever verifies it has tests that alter it.

use std::rc::Rc;

use byzsim_core::observation::Content;
use byzsim_core::{Answer, Decided, Digest, NodeId, Observation, Operation, SimRng};

/// A field of an observation.
pub(super) enum Value<'a> {
    Number(&'a mut u64),
    Digest(&'a mut Digest),
    Answer(&'a mut Answer),
    Operation(&'a mut Operation),
    Node(&'a mut NodeId),
    History(&'a mut Option<Digest>),
    Content(&'a mut Rc<Content>),
    Flag(&'a mut bool),
    Word(&'a mut &'static str),
}

/// The name of its kind.
pub(super) const fn kind(what: &Observation) -> &'static str {
    match what {
        Observation::Invoked { .. } => "Invoked",
        Observation::Completed { .. } => "Completed",
        Observation::Accepted { .. } => "Accepted",
        Observation::Committed { .. } => "Committed",
        Observation::Executed { .. } => "Executed",
        Observation::Speculated { .. } => "Speculated",
        Observation::RolledBack { .. } => "RolledBack",
        Observation::Anchored { .. } => "Anchored",
        Observation::Applied { .. } => "Applied",
        Observation::Read { .. } => "Read",
        Observation::Checkpointed { .. } => "Checkpointed",
        Observation::StableCheckpoint { .. } => "StableCheckpoint",
        Observation::Restored { .. } => "Restored",
        Observation::ViewChangeStarted { .. } => "ViewChangeStarted",
        Observation::EnteredView { .. } => "EnteredView",
        Observation::Leads { .. } => "Leads",
        Observation::Cut { .. } => "Cut",
        Observation::GaveUp { .. } => "GaveUp",
        Observation::Suspected { .. } => "Suspected",
        Observation::Proven { .. } => "Proven",
        Observation::Reached(_) => "Reached",
    }
}

/// Its fields, by name.
pub(super) fn fields(what: &mut Observation) -> Vec<(&'static str, Value<'_>)> {
    use Value as V;
    match what {
        Observation::Invoked { timestamp, operation } => {
            vec![("timestamp", V::Number(timestamp)), ("operation", V::Operation(operation))]
        }
        Observation::Completed { timestamp, answer } => {
            vec![("timestamp", V::Number(timestamp)), ("answer", V::Answer(answer))]
        }
        Observation::Accepted { view, seq, batch }
        | Observation::Committed { view, seq, decided: Decided::Batch(batch) } => {
            vec![("view", V::Number(view)), ("seq", V::Number(seq)), ("batch", V::Digest(batch))]
        }
        Observation::Committed { view, seq, decided: Decided::History(history) } => vec![
            ("view", V::Number(view)),
            ("seq", V::Number(seq)),
            ("history", V::Digest(history)),
        ],
        Observation::Executed { view, seq, batch, null } => vec![
            ("view", V::Number(view)),
            ("seq", V::Number(seq)),
            ("batch", V::Digest(batch)),
            ("null", V::Flag(null)),
        ],
        Observation::Speculated { view, seq, batch, history } => vec![
            ("view", V::Number(view)),
            ("seq", V::Number(seq)),
            ("batch", V::Digest(batch)),
            ("history", V::Digest(history)),
        ],
        Observation::RolledBack { to } => vec![("to", V::Number(to))],
        Observation::Anchored { timestamp, view, seq, history } => vec![
            ("timestamp", V::Number(timestamp)),
            ("view", V::Number(view)),
            ("seq", V::Number(seq)),
            ("history", V::Digest(history)),
        ],
        Observation::Applied { seq, client, timestamp, operation, answer }
        | Observation::Read { seq, client, timestamp, operation, answer } => vec![
            ("seq", V::Number(seq)),
            ("client", V::Node(client)),
            ("timestamp", V::Number(timestamp)),
            ("operation", V::Operation(operation)),
            ("answer", V::Answer(answer)),
        ],
        Observation::Checkpointed { seq, state } | Observation::StableCheckpoint { seq, state } => {
            vec![("seq", V::Number(seq)), ("state", V::Digest(state))]
        }
        Observation::Restored { seq, state, history, content } => vec![
            ("seq", V::Number(seq)),
            ("state", V::Digest(state)),
            ("history", V::History(history)),
            ("content", V::Content(content)),
        ],
        Observation::ViewChangeStarted { view, reason } => {
            vec![("view", V::Number(view)), ("reason", V::Word(reason))]
        }
        Observation::EnteredView { view } | Observation::Leads { view } => {
            vec![("view", V::Number(view))]
        }
        Observation::Cut { from } => vec![("from", V::Number(from))],
        Observation::GaveUp { view, primary } => {
            vec![("view", V::Number(view)), ("primary", V::Node(primary))]
        }
        Observation::Suspected { node, reason } | Observation::Proven { node, reason, .. } => {
            vec![("node", V::Node(node)), ("reason", V::Word(reason))]
        }
        Observation::Reached(milestone) => vec![("milestone", V::Word(milestone))],
    }
}

/// `what` with another value in one field: half of the time that of `other`, an observation of the
/// same kind, if it has another one there; else a value near to its own.
pub(super) fn with_other_value(
    what: &Observation,
    field: &str,
    other: Option<&Observation>,
    rng: &mut SimRng,
) -> Observation {
    let mut altered = what.clone();
    let find = |(name, value)| if name == field { Some(value) } else { None };
    let mut other = other.filter(|_| rng.chance(500_000)).cloned();
    let theirs = other.as_mut().and_then(|other| fields(other).into_iter().find_map(find));
    let own = fields(&mut altered).into_iter().find_map(find).expect("it has such a field");
    take(own, theirs, rng);
    altered
}

fn take(own: Value<'_>, theirs: Option<Value<'_>>, rng: &mut SimRng) {
    match (own, theirs) {
        (Value::Number(own), Some(Value::Number(it))) if own != it => *own = *it,
        (Value::Digest(own), Some(Value::Digest(it))) if own != it => *own = *it,
        (Value::Answer(own), Some(Value::Answer(it))) if own != it => *own = it.clone(),
        (Value::Operation(own), Some(Value::Operation(it))) if own != it => *own = it.clone(),
        (Value::Node(own), Some(Value::Node(it))) if own != it => *own = *it,
        (Value::History(own), Some(Value::History(it))) if own != it => *own = *it,
        (Value::Content(own), Some(Value::Content(it))) if own != it => *own = Rc::clone(it),
        (Value::Number(own), _) => {
            let less = 0 < *own && rng.chance(500_000);
            *own = if less { *own - 1 } else { *own + 1 };
        }
        (Value::Digest(own), _) => {
            let byte = usize::try_from(rng.between(0, 31)).expect("it is small");
            own.0[byte] ^= 1 << rng.between(0, 7);
        }
        (Value::Answer(own), _) => *own = other_answer(own),
        (Value::Operation(own), _) => *own = other_operation(own, rng),
        (Value::Node(own), _) => *own = neighbour(*own),
        (Value::History(own), _) => *own = if own.is_none() { Some(Digest([7; 32])) } else { None },
        (Value::Content(own), _) => {
            Rc::make_mut(own).store.insert("another key".into(), "another value".into());
        }
        (Value::Flag(own), _) => *own = !*own,
        (Value::Word(own), _) => *own = "another word",
    }
}

fn other_answer(answer: &Answer) -> Answer {
    match answer {
        Answer::Done => Answer::Swapped(false),
        Answer::Value(None) => Answer::Value(Some("another value".into())),
        Answer::Value(Some(_)) => Answer::Value(None),
        Answer::Swapped(swapped) => Answer::Swapped(!swapped),
    }
}

fn other_operation(operation: &Operation, rng: &mut SimRng) -> Operation {
    let mut altered = operation.clone();
    let of_key = rng.chance(500_000);
    match &mut altered {
        Operation::Get { key } => *key = "another key".into(),
        Operation::Put { key, .. } | Operation::Append { key, .. } | Operation::Cas { key, .. }
            if of_key =>
        {
            *key = "another key".into();
        }
        Operation::Put { value, .. } | Operation::Append { value, .. } => {
            *value = "another value".into();
        }
        Operation::Cas { new, .. } => *new = "another value".into(),
    }
    altered
}

/// Another node of the same class, which need not be one of the committee.
const fn neighbour(node: NodeId) -> NodeId {
    match node {
        NodeId::Replica(number) => NodeId::Replica(number ^ 1),
        NodeId::Client(number) => NodeId::Client(number ^ 1),
    }
}
