//! The parts of a fault that searches and shrinking reach for: one match over all actions for each
//! kind of part.

use byzsim_core::{NodeId, Span};

use crate::plan::{Action, Change, Fault, Moment, Pattern, Trigger};

impl Action {
    /// The messages that a fault is about.
    pub const fn messages_mut(&mut self) -> Option<&mut Pattern> {
        match self {
            Self::Hold(messages)
            | Self::Drop(messages)
            | Self::Delay { messages, .. }
            | Self::Duplicate { messages, .. }
            | Self::Omit { messages, .. }
            | Self::Lag { messages, .. }
            | Self::Lie { messages, .. }
            | Self::Mutate { messages, .. }
            | Self::Replay { messages, .. } => Some(messages),
            Self::Partition { .. }
            | Self::Crash(_)
            | Self::Drift { .. }
            | Self::Mute(_)
            | Self::Rush(_)
            | Self::Twins { .. } => None,
        }
    }

    /// How long a fault delays something.
    pub const fn span_mut(&mut self) -> Option<&mut Span> {
        match self {
            Self::Delay { by, .. } | Self::Lag { by, .. } => Some(by),
            Self::Duplicate { after, .. } => Some(after),
            Self::Hold(_)
            | Self::Drop(_)
            | Self::Omit { .. }
            | Self::Lie { .. }
            | Self::Mutate { .. }
            | Self::Replay { .. }
            | Self::Rush(_)
            | Self::Partition { .. }
            | Self::Crash(_)
            | Self::Drift { .. }
            | Self::Mute(_)
            | Self::Twins { .. } => None,
        }
    }

    /// The groups of a partition, the sides of twins.
    pub fn groups_mut(&mut self) -> Vec<&mut Vec<NodeId>> {
        match self {
            Self::Partition { groups, .. } => groups.iter_mut().collect(),
            Self::Twins { left, right, splits, .. } => {
                let sides = splits.iter_mut().flat_map(|split| [&mut split.left, &mut split.right]);
                [left, right].into_iter().chain(sides).collect()
            }
            Self::Hold(_)
            | Self::Drop(_)
            | Self::Delay { .. }
            | Self::Duplicate { .. }
            | Self::Omit { .. }
            | Self::Lag { .. }
            | Self::Lie { .. }
            | Self::Mutate { .. }
            | Self::Replay { .. }
            | Self::Rush(_)
            | Self::Crash(_)
            | Self::Drift { .. }
            | Self::Mute(_) => Vec::new(),
        }
    }

    /// The node whose fault it is.
    pub const fn owner_mut(&mut self) -> Option<&mut NodeId> {
        match self {
            Self::Crash(node)
            | Self::Mute(node)
            | Self::Drift { node, .. }
            | Self::Omit { node, .. }
            | Self::Lag { node, .. }
            | Self::Lie { node, .. }
            | Self::Mutate { node, .. }
            | Self::Replay { node, .. }
            | Self::Rush(node)
            | Self::Twins { node, .. } => Some(node),
            Self::Hold(_)
            | Self::Drop(_)
            | Self::Delay { .. }
            | Self::Duplicate { .. }
            | Self::Partition { .. } => None,
        }
    }
}

impl Fault {
    /// Gives the nodes of a fault other numbers; `number` says which, or that a node is gone. The
    /// nodes of each list are put in order. Whether anything of the fault is left: what is about
    /// gone nodes only is to be taken out.
    pub fn renumber(&mut self, number: &impl Fn(NodeId) -> Option<NodeId>) -> bool {
        let renamed = |node: &mut NodeId| number(*node).map(|new| *node = new).is_some();
        if self.action.owner_mut().is_some_and(|node| !renamed(node)) {
            return false;
        }
        if let Some(node) = trigger(&mut self.start).and_then(|it| it.node.as_mut())
            && !renamed(node)
        {
            return false;
        }
        if let Some(node) = trigger(&mut self.end).and_then(|it| it.node.as_mut())
            && !renamed(node)
        {
            self.end = None;
        }
        let rename_all = |list: &mut Vec<NodeId>| {
            list.retain_mut(renamed);
            list.sort_unstable();
        };
        // An empty list of these means everyone: not what is left when the last one goes.
        let keeps = |list: &mut Vec<NodeId>| {
            let named = !list.is_empty();
            rename_all(list);
            !(named && list.is_empty())
        };
        let mut is_left = match self.action.messages_mut() {
            Some(messages) => keeps(&mut messages.from) & keeps(&mut messages.to),
            None => true,
        };
        if let Action::Replay { to, .. } = &mut self.action {
            is_left &= keeps(to);
        }
        if let Action::Mutate { change: Change::Claim(node), .. } = &mut self.action {
            is_left &= renamed(node);
        }
        for group in self.action.groups_mut() {
            rename_all(group);
        }
        if let Action::Partition { groups, .. } = &mut self.action {
            is_left &= groups.first().is_some_and(|first| !first.is_empty());
            groups.retain(|group| !group.is_empty());
        }
        is_left
    }
}

/// The trigger of a moment.
const fn trigger(moment: &mut Option<Moment>) -> Option<&mut Trigger> {
    match moment {
        Some(Moment::When(trigger)) => Some(trigger),
        Some(Moment::At(_)) | None => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nodes_move_up_and_faults_of_gone_nodes_go() {
        let r = NodeId::Replica;
        // r1 goes, and those above move down by one.
        let number = |node: NodeId| match node {
            NodeId::Replica(1) => None,
            NodeId::Replica(above @ 2..) => Some(r(above - 1)),
            NodeId::Replica(0) | NodeId::Client(_) => Some(node),
        };
        let renumbered = |action: Action| {
            let mut fault = Fault { note: None, start: None, end: None, action };
            fault.renumber(&number).then_some(fault.action)
        };
        let to = |to: &[NodeId]| Pattern { to: to.to_vec(), ..Pattern::default() };
        assert_eq!(renumbered(Action::Crash(r(1))), None);
        assert_eq!(renumbered(Action::Crash(r(3))), Some(Action::Crash(r(2))));
        assert_eq!(renumbered(Action::Hold(to(&[r(1)]))), None);
        assert_eq!(renumbered(Action::Hold(to(&[]))), Some(Action::Hold(to(&[]))));
        let both = Action::Drop(to(&[r(1), r(2)]));
        assert_eq!(renumbered(both), Some(Action::Drop(to(&[r(1)]))));
        let part = |groups| Action::Partition { groups, one_way: false, lose: false };
        assert_eq!(renumbered(part(vec![vec![r(1)], vec![r(0)]])), None);
        assert_eq!(renumbered(part(vec![vec![r(0)], vec![r(1)]])), Some(part(vec![vec![r(0)]])));
    }

    #[test]
    fn nodes_that_change_their_parts_do_so_everywhere() {
        let [r0, r1, r2] = [0, 1, 2].map(NodeId::Replica);
        let swap = |node: NodeId| {
            Some(if node == r0 {
                r1
            } else if node == r1 {
                r0
            } else {
                node
            })
        };
        let messages = Pattern { to: vec![r1, r2], ..Pattern::default() };
        let claim = |node, messages, name| Action::Mutate {
            node,
            messages,
            field: "signer".into(),
            change: Change::Claim(name),
        };
        let action = claim(r0, messages, r1);
        let mut fault = Fault { note: None, start: None, end: None, action };
        assert!(fault.renumber(&swap));
        let messages = Pattern { to: vec![r0, r2], ..Pattern::default() };
        assert_eq!(fault.action, claim(r1, messages, r0));
        fault.action = Action::Replay {
            node: r2,
            messages: Pattern::default(),
            to: vec![r0, r2],
            heard: false,
        };
        assert!(fault.renumber(&swap));
        assert!(matches!(fault.action, Action::Replay { to, .. } if to == [r1, r2]));
    }
}
