//! Naive forms of the properties, as one might write them first. Each says whether it cries.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "a judge reads the observations that it is about, and no others"
)]

use std::collections::{BTreeMap, BTreeSet};

use super::{Answer, Digest, NodeId, Observation, Operation, Span, Stream, Time};

/// Compares the last slots of the replicas where they are equally far.
pub(super) fn compares_what_replicas_executed_last(stream: &Stream) -> bool {
    let mut last: BTreeMap<NodeId, (u64, Digest)> = BTreeMap::new();
    for (_, node, what) in &stream.facts {
        if let Observation::Executed { seq, batch, .. } = what {
            last.insert(*node, (*seq, *batch));
            let differs = |(other, with): &(u64, Digest)| other == seq && with != batch;
            if last.values().any(differs) {
                return true;
            }
        }
    }
    false
}

/// A request is known if its client asked for something under its number.
pub(super) fn knows_requests_by_their_number(stream: &Stream) -> bool {
    let mut asked = BTreeSet::new();
    stream.facts.iter().any(|(_, node, what)| match what {
        Observation::Invoked { timestamp, .. } => {
            asked.insert((*node, *timestamp));
            false
        }
        Observation::Applied { client, timestamp, .. } => !asked.contains(&(*client, *timestamp)),
        _ => false,
    })
}

/// What was applied was applied, whatever was undone since.
pub(super) fn counts_what_was_rolled_back(stream: &Stream) -> bool {
    let mut applied = BTreeSet::new();
    stream.facts.iter().any(|(_, node, what)| match what {
        Observation::Applied { client, timestamp, .. } => {
            !applied.insert((*node, *client, *timestamp))
        }
        _ => false,
    })
}

/// An answer is right if a correct replica gave it.
pub(super) fn believes_the_answers_of_replicas(stream: &Stream) -> bool {
    let mut given: BTreeSet<(NodeId, u64, &Answer)> = BTreeSet::new();
    stream.facts.iter().any(|(_, node, what)| match what {
        Observation::Applied { client, timestamp, answer, .. } => {
            given.insert((*client, *timestamp, answer));
            false
        }
        Observation::Completed { timestamp, answer } => {
            !given.contains(&(*node, *timestamp, answer))
        }
        _ => false,
    })
}

/// Nothing is lost as long as the replicas hold the same history in each view.
pub(super) fn compares_the_histories_of_replicas(stream: &Stream) -> bool {
    let mut held: BTreeMap<(u64, u64), Digest> = BTreeMap::new();
    stream.facts.iter().any(|(_, _, what)| match what {
        Observation::Speculated { view, seq, history, .. } => {
            held.insert((*view, *seq), *history).is_some_and(|other| other != *history)
        }
        _ => false,
    })
}

/// Plays the operations one after the other, in the order in which their answers came.
pub(super) fn orders_operations_by_their_completion(stream: &Stream) -> bool {
    let mut asked: BTreeMap<(NodeId, u64), &Operation> = BTreeMap::new();
    let mut held = BTreeMap::new();
    stream.facts.iter().any(|(_, node, what)| match what {
        Observation::Invoked { timestamp, operation } => {
            asked.insert((*node, *timestamp), operation);
            false
        }
        Observation::Completed { timestamp, answer } => match asked[&(*node, *timestamp)] {
            Operation::Put { key, value } => {
                held.insert(key, value.clone());
                false
            }
            Operation::Get { key } => *answer != Answer::Value(held.get(key).cloned()),
            Operation::Append { .. } | Operation::Cas { .. } => false,
        },
        _ => false,
    })
}

/// Every operation has the bound from its invocation on.
pub(super) fn counts_from_the_invocation(stream: &Stream) -> bool {
    let bound = stream.info().liveness_bound;
    let at = |ms: u64| Time::ZERO + Span::from_millis(ms);
    let mut asked = BTreeMap::new();
    stream.facts.iter().any(|(ms, node, what)| match what {
        Observation::Invoked { .. } => {
            asked.insert(*node, at(*ms) + bound);
            false
        }
        Observation::Completed { .. } => asked[node] < at(*ms),
        _ => false,
    })
}

/// Views come one after the other.
pub(super) fn wants_every_view(stream: &Stream) -> bool {
    let mut views: BTreeMap<NodeId, u64> = BTreeMap::new();
    stream.facts.iter().any(|(_, node, what)| match what {
        Observation::EnteredView { view } => views.insert(*node, *view).unwrap_or(0) + 1 != *view,
        _ => false,
    })
}

/// A proof against a corrupted node is one.
pub(super) fn believes_who_hits_the_corrupted(stream: &Stream) -> bool {
    stream.facts.iter().any(|(_, _, what)| match what {
        Observation::Proven { node, .. } => !stream.corrupted.contains(node),
        _ => false,
    })
}

/// Whoever gives up a correct primary is wrong, whatever the network did.
pub(super) fn wants_no_primary_given_up(stream: &Stream) -> bool {
    stream.facts.iter().any(|(_, _, what)| match what {
        Observation::GaveUp { primary, .. } => !stream.corrupted.contains(primary),
        _ => false,
    })
}

/// Replicas hold the same state if they say so.
pub(super) fn compares_the_digests_of_states(stream: &Stream) -> bool {
    let mut states: BTreeMap<u64, Digest> = BTreeMap::new();
    stream.facts.iter().any(|(_, _, what)| match what {
        Observation::Checkpointed { seq, state } => {
            states.insert(*seq, *state).is_some_and(|other| other != *state)
        }
        _ => false,
    })
}

/// Whatever one replica executed, all four must have executed in the end.
pub(super) fn wants_every_slot_everywhere(stream: &Stream) -> bool {
    let executed = stream.facts.iter().filter_map(|(_, node, what)| match what {
        Observation::Executed { seq, .. } => Some((*seq, *node)),
        _ => None,
    });
    let executed: BTreeSet<(u64, NodeId)> = executed.collect();
    let slots: BTreeSet<u64> = executed.iter().map(|(seq, _)| *seq).collect();
    executed.len() < 4 * slots.len()
}

/// Who is heard when the last answer is long past goes on for ever.
pub(super) fn wants_silence_after_the_last_answer(stream: &Stream) -> bool {
    let bound_ms = stream.info().liveness_bound.nanos() / 1_000_000;
    let answers =
        stream.facts.iter().filter(|(_, _, what)| matches!(what, Observation::Completed { .. }));
    let last = answers.map(|(ms, ..)| *ms).max().unwrap_or(0);
    stream.facts.iter().any(|(ms, ..)| last + bound_ms < *ms)
}

/// There is one leader, whatever the views: who leads when another one began is wrong.
pub(super) fn wants_one_leader_at_a_time(stream: &Stream) -> bool {
    let mut leader = None;
    stream.facts.iter().any(|(_, node, what)| match what {
        Observation::Leads { .. } => leader.replace(*node).is_some_and(|other| other != *node),
        _ => false,
    })
}
