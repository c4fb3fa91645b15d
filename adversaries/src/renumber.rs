//! Gives the nodes of a fault other numbers: when nodes leave the committee, or change their parts.

use byzsim_core::NodeId;

use crate::action::Parts;
use crate::groups::Groups;
use crate::plan::{Change, Fault, Moment, Trigger};

impl Fault {
    /// Gives the nodes of a fault other numbers; `number` says which, or that a node is gone. The
    /// nodes of each list are put in order. Whether anything of the fault is left: what is about
    /// gone nodes only is to be taken out.
    pub fn renumber(&mut self, number: &impl Fn(NodeId) -> Option<NodeId>) -> bool {
        let renamed = |node: &mut NodeId| number(*node).map(|new| *node = new).is_some();
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
        if let Some(node) = trigger(&mut self.end).and_then(|it| it.node.as_mut())
            && !renamed(node)
        {
            self.end = None;
        }
        let starts = trigger(&mut self.start).and_then(|it| it.node.as_mut());
        // A part that names nodes must be renumbered: one that is new must be looked at here.
        let Parts {
            owner,
            messages,
            field,
            to,
            groups,
            lie: _,
            delay: _,
            within: _,
            after: _,
            copy_after: _,
            heard: _,
            drift: _,
            extras: _,
        } = self.action.parts();
        let mut is_left = [starts, owner].into_iter().flatten().all(renamed);
        if let Some(messages) = messages {
            is_left &= keeps(&mut messages.from) & keeps(&mut messages.to);
        }
        if let Some(to) = to {
            is_left &= keeps(to);
        }
        if let Some((_, Change::Claim(node))) = field {
            is_left &= renamed(node);
        }
        match groups {
            Groups::None => {}
            Groups::Partition(groups) => {
                groups.iter_mut().for_each(rename_all);
                is_left &= groups.first().is_some_and(|first| !first.is_empty());
                groups.retain(|group| !group.is_empty());
            }
            sides @ Groups::Twins(..) => sides.lists().into_iter().for_each(rename_all),
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
    use crate::{Action, Pattern};

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
