//! The parts of a fault that steps reach for: one match over all actions for each kind of part.

use byzsim_adversaries::{Action, Change, Fault, Milestone, Moment, Pattern};
use byzsim_core::{NodeId, Span};

/// The messages that a fault is about.
pub(super) const fn messages(action: &mut Action) -> Option<&mut Pattern> {
    match action {
        Action::Hold(messages)
        | Action::Drop(messages)
        | Action::Delay { messages, .. }
        | Action::Duplicate { messages, .. }
        | Action::Omit { messages, .. }
        | Action::Lag { messages, .. }
        | Action::Lie { messages, .. }
        | Action::Mutate { messages, .. }
        | Action::Replay { messages, .. } => Some(messages),
        Action::Partition { .. }
        | Action::Crash(_)
        | Action::Drift { .. }
        | Action::Mute(_)
        | Action::Rush(_)
        | Action::Twins { .. } => None,
    }
}

/// How long a fault delays something.
pub(super) const fn span(action: &mut Action) -> Option<&mut Span> {
    match action {
        Action::Delay { by, .. } | Action::Lag { by, .. } => Some(by),
        Action::Duplicate { after, .. } => Some(after),
        Action::Hold(_)
        | Action::Drop(_)
        | Action::Omit { .. }
        | Action::Lie { .. }
        | Action::Mutate { .. }
        | Action::Replay { .. }
        | Action::Rush(_)
        | Action::Partition { .. }
        | Action::Crash(_)
        | Action::Drift { .. }
        | Action::Mute(_)
        | Action::Twins { .. } => None,
    }
}

/// The groups of a partition, the sides of twins.
pub(super) fn groups(action: &mut Action) -> Vec<&mut Vec<NodeId>> {
    match action {
        Action::Partition { groups, .. } => groups.iter_mut().collect(),
        Action::Twins { left, right, splits, .. } => {
            let sides = splits.iter_mut().flat_map(|split| [&mut split.left, &mut split.right]);
            [left, right].into_iter().chain(sides).collect()
        }
        Action::Hold(_)
        | Action::Drop(_)
        | Action::Delay { .. }
        | Action::Duplicate { .. }
        | Action::Omit { .. }
        | Action::Lag { .. }
        | Action::Lie { .. }
        | Action::Mutate { .. }
        | Action::Replay { .. }
        | Action::Rush(_)
        | Action::Crash(_)
        | Action::Drift { .. }
        | Action::Mute(_) => Vec::new(),
    }
}

/// The node whose fault it is.
pub(super) const fn owner(action: &mut Action) -> Option<&mut NodeId> {
    match action {
        Action::Crash(node)
        | Action::Mute(node)
        | Action::Drift { node, .. }
        | Action::Omit { node, .. }
        | Action::Lag { node, .. }
        | Action::Lie { node, .. }
        | Action::Mutate { node, .. }
        | Action::Replay { node, .. }
        | Action::Rush(node)
        | Action::Twins { node, .. } => Some(node),
        Action::Hold(_)
        | Action::Drop(_)
        | Action::Delay { .. }
        | Action::Duplicate { .. }
        | Action::Partition { .. } => None,
    }
}

/// The milestone of a moment.
pub(super) const fn milestone(moment: &mut Option<Moment>) -> Option<&mut Milestone> {
    match moment {
        Some(Moment::When(milestone)) => Some(milestone),
        Some(Moment::At(_)) | None => None,
    }
}

/// Gives the nodes of a fault other numbers; `number` says which, or that a node is gone. Whether
/// anything of the fault is left: what is about gone nodes only is to be taken out.
pub(super) fn renumber(fault: &mut Fault, number: &impl Fn(NodeId) -> Option<NodeId>) -> bool {
    let renamed = |node: &mut NodeId| number(*node).map(|new| *node = new).is_some();
    if owner(&mut fault.action).is_some_and(|node| !renamed(node)) {
        return false;
    }
    if let Some(node) = milestone(&mut fault.start).and_then(|it| it.node.as_mut())
        && !renamed(node)
    {
        return false;
    }
    if let Some(node) = milestone(&mut fault.end).and_then(|it| it.node.as_mut())
        && !renamed(node)
    {
        fault.end = None;
    }
    // An empty list of these means everyone: not what is left when the last one goes.
    let keeps = |list: &mut Vec<NodeId>| {
        let named = !list.is_empty();
        list.retain_mut(renamed);
        !(named && list.is_empty())
    };
    let mut is_left = match messages(&mut fault.action) {
        Some(messages) => keeps(&mut messages.from) & keeps(&mut messages.to),
        None => true,
    };
    if let Action::Replay { to, .. } = &mut fault.action {
        is_left &= keeps(to);
    }
    if let Action::Mutate { change: Change::Claim(node), .. } = &mut fault.action {
        is_left &= renamed(node);
    }
    for group in groups(&mut fault.action) {
        group.retain_mut(renamed);
    }
    if let Action::Partition { groups, .. } = &mut fault.action {
        is_left &= groups.first().is_some_and(|first| !first.is_empty());
        groups.retain(|group| !group.is_empty());
    }
    is_left
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
            renumber(&mut fault, &number).then_some(fault.action)
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
}
