//! A row of a plan at work: where it stands in its window, what it does, how often it did.

use byzsim_core::{Committee, Fate, Lie, Message, NodeId, Span};

use crate::pattern::Matcher;
use crate::plan::{Action, Change, Fault, Pattern};

/// A row at work.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) phase: Phase,
    pub(crate) deed: Deed,
    /// How often the row had an effect.
    pub(crate) fired: u64,
}

/// Where a row stands in its window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    Waiting,
    InForce,
    Over,
}

/// What a row does while it is in force.
#[derive(Debug)]
pub(crate) enum Deed {
    /// Messages that match meet this fate.
    Befall(Matcher, Fate),
    /// Messages from one group to another meet this fate.
    Part(Wall, Fate),
    /// Messages to and from the node take no time.
    Rush(NodeId),
    /// The replica is down.
    Crash(NodeId),
    /// The corrupted sender says something else with messages that match.
    Tell(Untruth, Matcher),
    /// The corrupted node repeats what it kept for this.
    Replay(Replay),
    /// What holds for the whole run, and is set up before it: drift, twins.
    Lasting,
}

/// What a corrupted sender makes of a message.
#[derive(Debug)]
pub(crate) enum Untruth {
    /// One of the protocol's lies.
    Lie(&'static Lie),
    /// A change of one field: the place in [`Message::FIELDS`] of its first namesake, its name.
    Mutation(usize, String, Change),
}

/// To whom a corrupted node repeats what it kept for the row, and when.
#[derive(Debug)]
pub(crate) struct Replay {
    /// To these; to all replicas if nobody is named.
    pub(crate) to: Vec<NodeId>,
    /// Whether it is still to be done: the row began, and the node did not act since.
    pub(crate) pending: bool,
}

impl Row {
    /// The row at work, the `number`-th of its plan, from 0.
    pub(crate) fn new<M: Message>(number: usize, fault: &Fault, committee: Committee) -> Self {
        // The network keeps the key u32::MAX for itself, and no plan has so many rows.
        let hold = Fate::Hold(u32::try_from(number).expect("a plan has fewer than 2^32 rows"));
        let matcher = |pattern: &Pattern| Matcher::new::<M>(pattern, committee);
        let sent_by = |node: NodeId, pattern: &Pattern| {
            matcher(&Pattern { from: vec![node], ..pattern.clone() })
        };
        let deed = match &fault.action {
            Action::Hold(messages) => Deed::Befall(matcher(messages), hold),
            Action::Delay { messages, by } => Deed::Befall(matcher(messages), Fate::Delay(*by)),
            Action::Drop(messages) => Deed::Befall(matcher(messages), Fate::Drop),
            Action::Duplicate { messages, after } => {
                Deed::Befall(matcher(messages), Fate::Duplicate(*after))
            }
            Action::Partition { groups, one_way, lose } => {
                let fate = if *lose { Fate::Drop } else { hold };
                Deed::Part(Wall::new(groups, *one_way, committee), fate)
            }
            Action::Crash(node) => Deed::Crash(*node),
            // What a corrupted node withholds keeps its number on its link, though it was never
            // sent, so that taking the row out changes nothing but these messages.
            Action::Mute(node) => Deed::Befall(sent_by(*node, &Pattern::default()), Fate::Drop),
            Action::Omit { node, messages } => Deed::Befall(sent_by(*node, messages), Fate::Drop),
            Action::Lag { node, messages, by } => {
                Deed::Befall(sent_by(*node, messages), Fate::Delay(*by))
            }
            Action::Lie { node, lie, messages } => {
                let lie = M::LIES.iter().find(|known| known.name == lie);
                let lie = lie.expect("the plan was validated: the lie is known");
                // `nth` counts the messages that the lie can be told with.
                let messages = Pattern { kinds: vec![lie.kind.into()], ..messages.clone() };
                Deed::Tell(Untruth::Lie(lie), sent_by(*node, &messages))
            }
            Action::Mutate { node, messages, field, change } => {
                let namesakes = || M::FIELDS.iter().filter(|known| known.name == field);
                let place = M::FIELDS.iter().position(|known| known.name == field);
                let place = place.expect("the plan was validated: the field is known");
                // `nth` counts the messages that have the field.
                let mut messages = messages.clone();
                if messages.kinds.is_empty() {
                    messages.kinds = namesakes().map(|known| known.kind.to_owned()).collect();
                }
                let mutation = Untruth::Mutation(place, field.clone(), change.clone());
                Deed::Tell(mutation, sent_by(*node, &messages))
            }
            Action::Replay { to, .. } => Deed::Replay(Replay { to: to.clone(), pending: false }),
            Action::Rush(node) => Deed::Rush(*node),
            Action::Drift { .. } | Action::Twins { .. } => Deed::Lasting,
        };
        Self { phase: Phase::Waiting, deed, fired: 0 }
    }

    /// Whether the row decides about the fate of messages.
    pub(crate) const fn befalls(&self) -> bool {
        matches!(self.deed, Deed::Befall(..) | Deed::Part(..) | Deed::Rush(_))
    }

    /// The fate that the row has for this message. Every message must be shown to the row, even if
    /// an earlier row decided about it ([`Matcher::hit`]).
    pub(crate) fn fate<M: Message>(&mut self, from: NodeId, to: NodeId, msg: &M) -> Option<Fate> {
        match &mut self.deed {
            Deed::Befall(matcher, fate) => matcher.hit(from, to, msg).then_some(*fate),
            Deed::Part(wall, fate) => wall.parts(from, to).then_some(*fate),
            Deed::Rush(node) => (*node == from || *node == to).then_some(Fate::Exactly(Span::ZERO)),
            Deed::Crash(_) | Deed::Tell(..) | Deed::Replay(_) | Deed::Lasting => None,
        }
    }
}

/// What stands between the groups of a partition.
#[derive(Debug)]
pub(crate) struct Wall {
    committee: Committee,
    /// The number of each node's group.
    group: Vec<usize>,
    one_way: bool,
}

impl Wall {
    fn new(groups: &[Vec<NodeId>], one_way: bool, committee: Committee) -> Self {
        let mut group = vec![groups.len(); committee.len()];
        for (number, members) in groups.iter().enumerate() {
            for node in members {
                group[committee.index(*node)] = number;
            }
        }
        Self { committee, group, one_way }
    }

    /// Whether messages from `from` do not pass to `to`.
    fn parts(&self, from: NodeId, to: NodeId) -> bool {
        let (from, to) = (self.committee.index(from), self.committee.index(to));
        self.group[from] != self.group[to] && (!self.one_way || self.group[from] == 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wall_parts_groups_and_the_rest() {
        let committee = Committee { replicas: 4, faults: 1, clients: 1 };
        let [r0, r1, r2, c0] =
            [NodeId::Replica(0), NodeId::Replica(1), NodeId::Replica(2), NodeId::Client(0)];
        let groups = [vec![r0, r1]];
        for (one_way, from, to, parted) in [
            (false, r0, r1, false),
            (false, r0, r2, true),
            (false, r2, r0, true),
            (false, r2, c0, false),
            (true, r0, r2, true),
            (true, r2, r0, false),
        ] {
            let wall = Wall::new(&groups, one_way, committee);
            assert_eq!(wall.parts(from, to), parted, "{from} to {to}, one way: {one_way}");
        }
    }
}
