//! An active fault: a fault of a plan at work, which knows where it stands in its window, what it
//! does, and how often it did.

use byzsim_core::{Committee, Fate, Lie, Message, NodeId, Span};

use crate::action::Action;
use crate::pattern::Matcher;
use crate::plan::{Change, Fault, Pattern};

/// A fault of a plan while a run goes on.
#[derive(Debug)]
pub(crate) struct ActiveFault {
    pub(crate) phase: Phase,
    pub(crate) behavior: Behavior,
    /// How often the fault had an effect.
    pub(crate) fired: u64,
}

/// Where a fault stands in its window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    Waiting,
    InForce,
    Over,
}

/// What a fault does while it is in force.
#[derive(Debug)]
pub(crate) enum Behavior {
    /// Messages that match meet this fate.
    Decide(Matcher, Fate),
    /// Messages from one group to another meet this fate.
    Partition(Cut, Fate),
    /// Messages to and from the node take no time.
    Rush(NodeId),
    /// The replica is down.
    Crash(NodeId),
    /// The corrupted sender sends other versions of messages that match.
    Rewrite(Rewrite, Matcher),
    /// The corrupted node repeats what it kept for this.
    Replay(Replay),
    /// What holds for the whole run, and is set up before it: drift, twins.
    WholeRun,
}

/// What makes other versions of the messages of a corrupted sender.
#[derive(Debug)]
pub(crate) enum Rewrite {
    /// One of the protocol's lies.
    Lie(&'static Lie),
    /// A change of one field: the place in [`Message::FIELDS`] of its first namesake, its name.
    Mutation(usize, String, Change),
}

/// To whom a corrupted node repeats what it kept for the fault, and when.
#[derive(Debug)]
pub(crate) struct Replay {
    /// To these; to all replicas if nobody is named.
    pub(crate) to: Vec<NodeId>,
    /// Whether it is still to be done: the fault began, and the node did not act since.
    pub(crate) pending: bool,
}

impl ActiveFault {
    /// The `number`-th fault of its plan, from 0, before the run.
    pub(crate) fn new<M: Message>(number: usize, fault: &Fault, committee: Committee) -> Self {
        // The network keeps the key u32::MAX for itself, and no plan has so many faults.
        let hold = Fate::Hold(u32::try_from(number).expect("a plan has fewer than 2^32 faults"));
        let matcher = |pattern: &Pattern| Matcher::new::<M>(pattern, committee);
        let sent_by = |node: NodeId, pattern: &Pattern| {
            matcher(&Pattern { from: vec![node], ..pattern.clone() })
        };
        let behavior = match &fault.action {
            Action::Hold(messages) => Behavior::Decide(matcher(messages), hold),
            Action::Delay { messages, by } => Behavior::Decide(matcher(messages), Fate::Delay(*by)),
            Action::Drop(messages) => Behavior::Decide(matcher(messages), Fate::Drop),
            Action::Duplicate { messages, after } => {
                Behavior::Decide(matcher(messages), Fate::Duplicate(*after))
            }
            Action::Partition { groups, one_way, lose } => {
                let fate = if *lose { Fate::Drop } else { hold };
                Behavior::Partition(Cut::new(groups, *one_way, committee), fate)
            }
            Action::Crash(node) => Behavior::Crash(*node),
            // What a corrupted node withholds keeps its number on its link, though it was never
            // sent, so that taking the fault out changes nothing but these messages.
            Action::Mute(node) => Behavior::Decide(sent_by(*node, &Pattern::default()), Fate::Drop),
            Action::Omit { node, messages } => {
                Behavior::Decide(sent_by(*node, messages), Fate::Drop)
            }
            Action::Lag { node, messages, by } => {
                Behavior::Decide(sent_by(*node, messages), Fate::Delay(*by))
            }
            Action::Lie { node, lie, messages } => {
                let lie = M::LIES.iter().find(|known| known.name == lie);
                let lie = lie.expect("the plan was validated: the lie is known");
                // `nth` counts the messages that the lie can be told with.
                let messages = Pattern { kinds: vec![lie.kind.into()], ..messages.clone() };
                Behavior::Rewrite(Rewrite::Lie(lie), sent_by(*node, &messages))
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
                let mutation = Rewrite::Mutation(place, field.clone(), change.clone());
                Behavior::Rewrite(mutation, sent_by(*node, &messages))
            }
            Action::Replay { to, .. } => {
                Behavior::Replay(Replay { to: to.clone(), pending: false })
            }
            Action::Rush(node) => Behavior::Rush(*node),
            Action::Drift { .. } | Action::Twins { .. } => Behavior::WholeRun,
        };
        Self { phase: Phase::Waiting, behavior, fired: 0 }
    }

    /// Whether the fault decides about the fate of messages.
    pub(crate) const fn decides_fates(&self) -> bool {
        matches!(self.behavior, Behavior::Decide(..) | Behavior::Partition(..) | Behavior::Rush(_))
    }

    /// The fate that the fault has for this message. Every message must be shown to the fault, even
    /// if an earlier fault decided about it ([`Matcher::hit`]).
    pub(crate) fn fate<M: Message>(&mut self, from: NodeId, to: NodeId, msg: &M) -> Option<Fate> {
        match &mut self.behavior {
            Behavior::Decide(matcher, fate) => matcher.hit(from, to, msg).then_some(*fate),
            Behavior::Partition(cut, fate) => cut.cuts(from, to).then_some(*fate),
            Behavior::Rush(node) => {
                (*node == from || *node == to).then_some(Fate::Exactly(Span::ZERO))
            }
            Behavior::Crash(_)
            | Behavior::Rewrite(..)
            | Behavior::Replay(_)
            | Behavior::WholeRun => None,
        }
    }
}

/// Which links a partition cuts.
#[derive(Debug)]
pub(crate) struct Cut {
    committee: Committee,
    /// The number of each node's group.
    group: Vec<usize>,
    one_way: bool,
}

impl Cut {
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
    fn cuts(&self, from: NodeId, to: NodeId) -> bool {
        let (from, to) = (self.committee.index(from), self.committee.index(to));
        self.group[from] != self.group[to] && (!self.one_way || self.group[from] == 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_partition_cuts_groups_and_the_rest_off() {
        let committee = Committee { replicas: 4, faults: 1, clients: 1 };
        let [r0, r1, r2, c0] =
            [NodeId::Replica(0), NodeId::Replica(1), NodeId::Replica(2), NodeId::Client(0)];
        let groups = [vec![r0, r1]];
        for (one_way, from, to, is_cut) in [
            (false, r0, r1, false),
            (false, r0, r2, true),
            (false, r2, r0, true),
            (false, r2, c0, false),
            (true, r0, r2, true),
            (true, r2, r0, false),
        ] {
            let cut = Cut::new(&groups, one_way, committee);
            assert_eq!(cut.cuts(from, to), is_cut, "{from} to {to}, one way: {one_way}");
        }
    }
}
