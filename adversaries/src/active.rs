//! Active faults: where each fault of a plan stands during a run, what it does, how often it did.

use byzsim_core::{Committee, CrashPoint, Fate, Granted, Lie, Message, NodeId, Span, Time};

use crate::action::Action;
use crate::crash::Downfall;
use crate::log::{Demand, FaultLog, MomentLog, Target};
use crate::pattern::Matcher;
use crate::plan::{Change, Fault, Pattern};
use crate::reorder::Reorder;

/// A fault of a plan while a run goes on.
#[derive(Debug)]
pub(crate) struct ActiveFault {
    pub(crate) phase: Phase,
    pub(crate) behavior: Behavior,
    /// How often the fault had an effect.
    pub(crate) fired: u64,
    /// What it goes through, if that was asked for.
    pub(crate) log: Option<Box<FaultLog>>,
}

/// Where a fault stands in its window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    Waiting,
    InForce,
    Over,
}

/// A fault takes effect, or ends. What ends at a moment ends before anything else begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Transition {
    End,
    Start,
}

/// What a fault does while it is in force.
#[derive(Debug)]
pub(crate) enum Behavior {
    /// Messages that match meet this fate.
    Decide(Matcher, Fate),
    /// Messages from one group to another meet this fate.
    Partition(Cut, Fate),
    /// Messages that match change places on their links.
    Reorder(Matcher, Reorder),
    /// Messages to and from the node take no time.
    Rush(NodeId),
    /// The node crashes so.
    Crash(Downfall),
    /// The corrupted sender sends other versions of messages that match.
    Rewrite(Rewrite, Matcher),
    /// The corrupted node repeats what it kept for this.
    Replay(Replay),
    /// The corrupted node passes on what it hears or says.
    Relay(Relay),
    /// A clock drifts, for the whole run.
    Drift,
    /// The corrupted node is two copies of itself, for the whole run.
    Twins,
}

/// What makes other versions of the messages of a corrupted sender.
#[derive(Debug)]
pub(crate) enum Rewrite {
    /// One of the protocol's lies.
    Lie(&'static Lie),
    /// A change of one field: the place in [`Message::FIELDS`] of its first namesake, its name.
    Mutation(usize, String, Change),
}

/// What a corrupted node keeps, and to whom and when it repeats it.
#[derive(Debug)]
pub(crate) struct Replay {
    node: NodeId,
    /// Whether it keeps what it hears, and not what it says.
    heard: bool,
    messages: Matcher,
    /// To these; to all replicas if nobody is named.
    pub(crate) to: Vec<NodeId>,
    /// Whether it is still to be done: the fault began, and the node did not act since.
    pub(crate) pending: bool,
}

/// What a corrupted node passes on, and to whom.
#[derive(Debug)]
pub(crate) struct Relay {
    node: NodeId,
    /// Whether it passes on what it hears, and not what it says.
    heard: bool,
    messages: Matcher,
    /// To these; to all replicas if nobody is named.
    to: Vec<NodeId>,
}

/// How many messages a node passes on for a fault. Two nodes may pass on to each other.
const RELAYED_MAX: u64 = 256;

impl ActiveFault {
    /// The `number`-th fault of its plan, from 0, before the run.
    pub(crate) fn new<M: Message>(number: usize, fault: &Fault, committee: Committee) -> Self {
        let behavior = Behavior::new::<M>(number, fault, committee);
        Self { phase: Phase::Waiting, behavior, fired: 0, log: None }
    }

    /// Whether the fault applies to this message, which is sent `now`. Every message must be shown
    /// to a fault in force, even if an earlier fault decided about it ([`Matcher::count`]).
    pub(crate) fn applies<M: Message>(
        &mut self,
        now: Time,
        (from, to): (NodeId, NodeId),
        msg: &M,
    ) -> bool {
        let failed = self.behavior.failed(from, to, msg);
        if let Some(log) = &mut self.log {
            log.message((now, self.phase), failed, (msg.view(), msg.seq()));
        }
        failed.is_none() && self.phase == Phase::InForce && self.behavior.count()
    }

    /// Whether a replay is to repeat this message, which its node says or hears.
    pub(crate) fn keeps<M: Message>(&mut self, from: NodeId, to: NodeId, msg: &M) -> bool {
        let failed = self.behavior.failed(from, to, msg);
        if let Some(log) = &mut self.log {
            log.messages.note(failed, (msg.view(), msg.seq()));
        }
        failed.is_none() && self.behavior.count()
    }

    /// To whom a relay passes this message on, which its node says or hears `now`; none if it does
    /// not. Nobody named means all replicas.
    pub(crate) fn relays<M: Message>(
        &mut self,
        heard: bool,
        now: Time,
        (from, to): (NodeId, NodeId),
        msg: &M,
    ) -> Option<Vec<NodeId>> {
        let Behavior::Relay(relay) = &self.behavior else { unreachable!("a relay's fault") };
        if relay.heard != heard {
            return None;
        }
        let receivers = relay.to.clone();
        if !self.applies(now, (from, to), msg) || self.fired == RELAYED_MAX {
            return None;
        }
        self.fired += 1;
        Some(receivers)
    }

    /// The log of the moment of a transition, if one is kept.
    pub(crate) fn moment_log(&mut self, transition: Transition) -> Option<&mut MomentLog> {
        self.log.as_mut().map(|log| match transition {
            Transition::Start => &mut log.start,
            Transition::End => &mut log.end,
        })
    }

    /// Whether the fault has to be shown the messages that it might be about.
    pub(crate) fn watches(&self) -> bool {
        self.phase == Phase::InForce || self.log.is_some()
    }

    /// The fate of a message to which the fault applies, if no earlier fault decided about it.
    pub(crate) fn fate(&mut self, now: Time, (from, to): (NodeId, NodeId)) -> Fate {
        match &mut self.behavior {
            Behavior::Decide(_, fate) | Behavior::Partition(_, fate) => *fate,
            Behavior::Rush(_) => Fate::Exactly(Span::ZERO),
            Behavior::Reorder(_, reorder) => Fate::Exactly(reorder.next(from, to, now)),
            Behavior::Crash(_)
            | Behavior::Rewrite(..)
            | Behavior::Replay(_)
            | Behavior::Relay(_)
            | Behavior::Drift
            | Behavior::Twins => unreachable!("it does not decide about fates"),
        }
    }

    /// What the network made of the fate on which this fault decided. It counts as an effect if the
    /// message fares otherwise than it would have without the fault.
    pub(crate) fn granted(&mut self, (from, to): (NodeId, NodeId), granted: Granted) {
        let has_effect = match (&mut self.behavior, granted.arrives) {
            (Behavior::Reorder(_, reorder), Some(at)) => reorder.overtakes(from, to, at),
            (Behavior::Reorder(..), None) => false,
            (
                Behavior::Decide(..)
                | Behavior::Partition(..)
                | Behavior::Rush(_)
                | Behavior::Crash(_)
                | Behavior::Rewrite(..)
                | Behavior::Replay(_)
                | Behavior::Relay(_)
                | Behavior::Drift
                | Behavior::Twins,
                _,
            ) => granted.is_changed,
        };
        self.fired += u64::from(has_effect);
        if let Some(log) = &mut self.log
            && !has_effect
        {
            log.ineffective(granted.is_cut);
        }
    }

    /// Another fault, the `first`-th, decided about a message to which this one applies.
    pub(crate) fn preempted(&mut self, first: usize) {
        if let Some(log) = &mut self.log {
            log.preempted_by.insert(first);
        }
    }

    /// The fault applies to a message, and cannot change what `earlier` faults made of it.
    pub(crate) fn left_unchanged(&mut self, earlier: &[usize]) {
        if let Some(log) = &mut self.log {
            log.unchangeable(earlier);
        }
    }
}

impl Behavior {
    fn new<M: Message>(number: usize, fault: &Fault, committee: Committee) -> Self {
        // The network keeps the key u32::MAX for itself, and no plan has so many faults.
        let hold = Fate::Hold(u32::try_from(number).expect("a plan has fewer than 2^32 faults"));
        let matcher = |pattern: &Pattern| Matcher::new::<M>(pattern.clone(), committee);
        let sent_by = |node: NodeId, pattern: &Pattern| {
            Matcher::new::<M>(Pattern { from: vec![node], ..pattern.clone() }, committee)
        };
        let downfall =
            |node, after, loses| Self::Crash(Downfall::new(node, after, loses, fault.end.as_ref()));
        match &fault.action {
            Action::Hold(messages) => Self::Decide(matcher(messages), hold),
            Action::Delay { messages, by } => Self::Decide(matcher(messages), Fate::Delay(*by)),
            Action::Drop(messages) => Self::Decide(matcher(messages), Fate::Drop),
            Action::Duplicate { messages, after } => {
                Self::Decide(matcher(messages), Fate::Duplicate(*after))
            }
            Action::Partition { groups, one_way, lose } => {
                let fate = if *lose { Fate::Drop } else { hold };
                Self::Partition(Cut::new(groups, *one_way, committee), fate)
            }
            Action::Crash(node) => downfall(*node, None, None),
            Action::CrashMidway { node, after } => downfall(*node, Some(*after), None),
            Action::Forget { node, loses, after } => downfall(*node, *after, Some(*loses)),
            // What a corrupted node withholds keeps its number on its link, though it was never
            // sent, so that taking the fault out changes nothing but these messages.
            Action::Mute(node) => Self::Decide(sent_by(*node, &Pattern::default()), Fate::Drop),
            Action::Omit { node, messages } => Self::Decide(sent_by(*node, messages), Fate::Drop),
            Action::Lag { node, messages, by } => {
                Self::Decide(sent_by(*node, messages), Fate::Delay(*by))
            }
            Action::Lie { node, lie, messages } => {
                let lie = M::LIES.iter().find(|known| known.name == lie);
                let lie = lie.expect("the plan was validated: the lie is known");
                // `nth` counts the messages that the lie can be told with.
                let messages = Pattern { kinds: vec![lie.kind.into()], ..messages.clone() };
                Self::Rewrite(Rewrite::Lie(lie), sent_by(*node, &messages))
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
                Self::Rewrite(mutation, sent_by(*node, &messages))
            }
            Action::Replay { node, messages, to, heard } => Self::Replay(Replay {
                node: *node,
                heard: *heard,
                messages: matcher(messages),
                to: to.clone(),
                pending: false,
            }),
            Action::Relay { node, messages, to, heard } => Self::Relay(Relay {
                node: *node,
                heard: *heard,
                messages: matcher(messages),
                to: to.clone(),
            }),
            Action::Rush(node) => Self::Rush(*node),
            Action::Reorder { messages, within, by } => {
                Self::Reorder(matcher(messages), Reorder::new(*within, *by))
            }
            Action::Drift { .. } => Self::Drift,
            Action::Twins { .. } => Self::Twins,
        }
    }

    /// What a fault that does this acts on.
    pub(crate) fn target(&self) -> Target {
        match self {
            Self::Decide(messages, _) => Target::Fate(messages.pattern().clone()),
            Self::Reorder(messages, _) => Target::Order(messages.pattern().clone()),
            Self::Partition(..) => Target::Cut,
            Self::Rush(node) => Target::Links(*node),
            Self::Rewrite(_, messages) => Target::Content(messages.pattern().clone()),
            Self::Replay(Replay { node, heard, messages, .. })
            | Self::Relay(Relay { node, heard, messages, .. }) => {
                let target = if *heard { Target::Heard } else { Target::Said };
                target(*node, messages.pattern().clone())
            }
            Self::Twins => Target::Copies,
            Self::Crash(Downfall { node, crash, .. }) => match crash.point {
                CrashPoint::Now => Target::Node,
                CrashPoint::AfterSending(count) => Target::Sends(*node, count),
                CrashPoint::AfterInput => Target::Sends(*node, 0),
            },
            Self::Drift => Target::Node,
        }
    }

    /// Whether it decides about the fate of messages.
    pub(crate) const fn decides_fates(&self) -> bool {
        matches!(self, Self::Decide(..) | Self::Partition(..) | Self::Reorder(..) | Self::Rush(_))
    }

    /// The first demand that the message fails; `None` if it meets all but `nth`.
    fn failed<M: Message>(&self, from: NodeId, to: NodeId, msg: &M) -> Option<Demand> {
        match self {
            Self::Decide(messages, _)
            | Self::Reorder(messages, _)
            | Self::Rewrite(_, messages)
            | Self::Relay(Relay { messages, .. })
            | Self::Replay(Replay { messages, .. }) => messages.failed(from, to, msg),
            Self::Partition(cut, _) => (!cut.cuts(from, to)).then_some(Demand::Link),
            Self::Rush(node) => (*node != from && *node != to).then_some(Demand::Link),
            Self::Crash(_) | Self::Drift | Self::Twins => Some(Demand::Link),
        }
    }

    /// Counts a message that meets all demands but `nth`; whether it meets that one, too.
    fn count(&mut self) -> bool {
        match self {
            Self::Decide(messages, _)
            | Self::Reorder(messages, _)
            | Self::Rewrite(_, messages)
            | Self::Relay(Relay { messages, .. })
            | Self::Replay(Replay { messages, .. }) => messages.count(),
            Self::Partition(..) | Self::Rush(_) | Self::Crash(_) | Self::Drift | Self::Twins => {
                true
            }
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
