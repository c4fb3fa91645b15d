//! How a fault divides the nodes: into the groups of a partition, or the sides of twins.

use byzsim_core::NodeId;

use crate::plan::Split;

/// How a fault divides the nodes.
#[derive(Debug, Default)]
pub enum Groups<'a> {
    /// Not at all.
    #[default]
    None,
    /// Into groups that do not hear each other. A group has a member, and the first one is the
    /// one that matters most: without it there is no fault.
    Partition(&'a mut Vec<Vec<NodeId>>),
    /// Into the sides of twins, in some views into others. A side may be empty.
    Twins(&'a mut Vec<NodeId>, &'a mut Vec<NodeId>, &'a mut Vec<Split>),
}

impl<'a> Groups<'a> {
    /// All the lists of nodes.
    pub fn lists(self) -> Vec<&'a mut Vec<NodeId>> {
        match self {
            Self::None => Vec::new(),
            Self::Partition(groups) => groups.iter_mut().collect(),
            Self::Twins(left, right, splits) => {
                let sides = splits.iter_mut().flat_map(|split| [&mut split.left, &mut split.right]);
                [left, right].into_iter().chain(sides).collect()
            }
        }
    }

    /// Takes the node at this place out of a list. A group of which nobody is left is none.
    pub fn take_out(self, list: usize, place: usize) {
        match self {
            Self::Partition(groups) => {
                groups[list].remove(place);
                groups.retain(|group| !group.is_empty());
            }
            sides @ (Self::None | Self::Twins(..)) => {
                sides.lists()[list].remove(place);
            }
        }
    }
}
