//! Alterations: one fact of a stream is changed, dropped, repeated, swapped or moved.

use byzsim_core::{NodeId, SimRng, Span};

use super::fields::{self, kind, with_other_value};
use super::stream::{Fact, Stream};

/// What is done to a fact.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Change {
    /// A field gets another value.
    Field(&'static str),
    /// It happens before what happened before it, or later than an operation may take.
    Time,
    /// It does not happen.
    Drop,
    /// It happens once more, at once.
    Repeat,
    /// It changes places with the next fact of its node.
    Swap,
    /// Another correct node of its class reports it instead.
    Move,
}

impl Change {
    /// The name in tables.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Field(name) => name,
            Self::Time => "(time)",
            Self::Drop => "(dropped)",
            Self::Repeat => "(repeated)",
            Self::Swap => "(swapped)",
            Self::Move => "(moved)",
        }
    }
}

/// The changes that every kind of fact can undergo.
const OF_ALL: [Change; 5] =
    [Change::Time, Change::Drop, Change::Repeat, Change::Swap, Change::Move];

/// What can be done to a fact.
pub(super) fn changes(fact: &Fact) -> Vec<Change> {
    let mut what = fact.what.clone();
    let named = fields::fields(&mut what).into_iter().map(|(name, _)| Change::Field(name));
    named.chain(OF_ALL).collect()
}

/// The stream with one fact altered; none if the change cannot be made there.
pub(super) fn altered(
    stream: &Stream,
    place: usize,
    change: Change,
    rng: &mut SimRng,
) -> Option<Vec<Fact>> {
    let mut facts = stream.facts.clone();
    let fact = &stream.facts[place];
    match change {
        Change::Field(name) => {
            let alike: Vec<&Fact> =
                facts.iter().filter(|it| kind(&it.what) == kind(&fact.what)).collect();
            let other = rng.pick(&alike).what.clone();
            facts[place].what = with_other_value(&fact.what, name, Some(&other), rng);
            if facts[place].what == fact.what {
                return None;
            }
        }
        Change::Time => {
            let before = place.checked_sub(1).map(|before| facts[before].at.time);
            let too_early = before.and_then(|it| it.nanos().checked_sub(1));
            facts[place].at.time = match too_early {
                Some(nanos) if rng.chance(500_000) => byzsim_core::Time::from_nanos(nanos),
                _ => fact.at.time + stream.info.liveness_bound + Span::from_nanos(1),
            };
        }
        Change::Drop => {
            facts.remove(place);
        }
        Change::Repeat => facts.insert(place, fact.clone()),
        Change::Swap => {
            let next = next_of_node(stream, place)?;
            if facts[next].what == fact.what {
                return None;
            }
            let what = facts[next].what.clone();
            facts[next].what = std::mem::replace(&mut facts[place].what, what);
        }
        Change::Move => {
            let others = others(stream, fact.node);
            if others.is_empty() {
                return None;
            }
            facts[place].node = *rng.pick(&others);
        }
    }
    Some(facts)
}

/// The place of the next fact of the same node.
pub(super) fn next_of_node(stream: &Stream, place: usize) -> Option<usize> {
    let node = stream.facts[place].node;
    let next = stream.facts[place + 1..].iter().position(|it| it.node == node)?;
    Some(place + 1 + next)
}

/// The other correct nodes of the same class.
fn others(stream: &Stream, node: NodeId) -> Vec<NodeId> {
    let is_other = |it: &NodeId| {
        *it != node && it.is_client() == node.is_client() && !stream.info.corrupted.contains(it)
    };
    stream.info.committee.nodes().filter(is_other).collect()
}
