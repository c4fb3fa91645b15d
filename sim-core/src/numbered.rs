//! Maps from small numbers that mostly come in order: slots, timestamps, nodes.
//!
//! A search tree costs a walk for each look. Here what is near is found by its place. Numbers may
//! also be anything, as a mutation or an ignored window leads to: what is far off is in a tree.

use std::collections::BTreeMap;

use crate::id::NodeId;

/// How far beyond the last place a number may lie and still get one.
const GAP: usize = 1024;

/// A map from numbers, in their order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Numbered<T> {
    /// By number, from 0 on.
    near: Vec<Option<T>>,
    /// Those beyond.
    far: BTreeMap<u64, T>,
}

impl<T> Default for Numbered<T> {
    fn default() -> Self {
        Self { near: Vec::new(), far: BTreeMap::new() }
    }
}

impl<T> Numbered<T> {
    /// What is there for a number.
    pub fn get(&self, number: u64) -> Option<&T> {
        match self.place(number) {
            Some(place) => self.near[place].as_ref(),
            None if self.far.is_empty() => None,
            None => self.far.get(&number),
        }
    }

    /// The same, to be changed.
    pub fn get_mut(&mut self, number: u64) -> Option<&mut T> {
        match self.place(number) {
            Some(place) => self.near[place].as_mut(),
            None if self.far.is_empty() => None,
            None => self.far.get_mut(&number),
        }
    }

    /// What is there for a number, or is put there now.
    pub fn or_insert_with(&mut self, number: u64, make: impl FnOnce() -> T) -> &mut T {
        match self.place(number).or_else(|| self.grow(number)) {
            Some(place) => self.near[place].get_or_insert_with(make),
            None => self.far.entry(number).or_insert_with(make),
        }
    }

    /// Puts something there, in place of what is returned.
    pub fn insert(&mut self, number: u64, value: T) -> Option<T> {
        match self.place(number).or_else(|| self.grow(number)) {
            Some(place) => self.near[place].replace(value),
            None => self.far.insert(number, value),
        }
    }

    /// Takes out what is there.
    pub fn remove(&mut self, number: u64) -> Option<T> {
        match self.place(number) {
            Some(place) => self.near[place].take(),
            None => self.far.remove(&number),
        }
    }

    /// All, in the order of their numbers.
    pub fn iter(&self) -> impl Iterator<Item = (u64, &T)> {
        let near = (0..).zip(&self.near).filter_map(|(number, it)| Some((number, it.as_ref()?)));
        near.chain(self.far.iter().map(|(number, it)| (*number, it)))
    }

    /// The same, to be changed.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = (u64, &mut T)> {
        let near =
            (0..).zip(&mut self.near).filter_map(|(number, it)| Some((number, it.as_mut()?)));
        near.chain(self.far.iter_mut().map(|(number, it)| (*number, it)))
    }

    /// Where a number is, if it has a place.
    fn place(&self, number: u64) -> Option<usize> {
        usize::try_from(number).ok().filter(|place| *place < self.near.len())
    }

    /// Gives a number a place, if it is near.
    fn grow(&mut self, number: u64) -> Option<usize> {
        let place = usize::try_from(number).ok()?;
        if self.near.len() + GAP <= place {
            return None;
        }
        self.near.resize_with(place + 1, || None);
        // What was far off may be near now.
        while let Some(entry) = self.far.first_entry() {
            let Some(near) = usize::try_from(*entry.key()).ok().filter(|it| *it <= place) else {
                break;
            };
            self.near[near] = Some(entry.remove());
        }
        Some(place)
    }
}

impl<T: Default> Numbered<T> {
    /// What is there for a number, or the default, which is put there.
    pub fn or_default(&mut self, number: u64) -> &mut T {
        self.or_insert_with(number, T::default)
    }
}

/// A map from nodes: replicas come before clients.
#[derive(Clone, Debug)]
pub struct ByNode<T> {
    replicas: Numbered<T>,
    clients: Numbered<T>,
}

impl<T> Default for ByNode<T> {
    fn default() -> Self {
        Self { replicas: Numbered::default(), clients: Numbered::default() }
    }
}

impl<T> ByNode<T> {
    /// What is there for a node.
    pub fn get(&self, node: NodeId) -> Option<&T> {
        match node {
            NodeId::Replica(number) => self.replicas.get(number.into()),
            NodeId::Client(number) => self.clients.get(number.into()),
        }
    }

    /// The same, to be changed.
    pub fn get_mut(&mut self, node: NodeId) -> Option<&mut T> {
        self.kind(node).get_mut(node.number().into())
    }

    /// What is there for a node, or is put there now.
    pub fn or_insert_with(&mut self, node: NodeId, make: impl FnOnce() -> T) -> &mut T {
        self.kind(node).or_insert_with(node.number().into(), make)
    }

    /// Puts something there, in place of what is returned.
    pub fn insert(&mut self, node: NodeId, value: T) -> Option<T> {
        self.kind(node).insert(node.number().into(), value)
    }

    /// All, in the order of the nodes.
    pub fn iter(&self) -> impl Iterator<Item = (NodeId, &T)> {
        let replicas =
            self.replicas.iter().map(|(number, it)| (NodeId::Replica(short(number)), it));
        replicas.chain(self.clients.iter().map(|(number, it)| (NodeId::Client(short(number)), it)))
    }

    /// The same, to be changed.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = (NodeId, &mut T)> {
        let replicas =
            self.replicas.iter_mut().map(|(number, it)| (NodeId::Replica(short(number)), it));
        let clients =
            self.clients.iter_mut().map(|(number, it)| (NodeId::Client(short(number)), it));
        replicas.chain(clients)
    }

    fn kind(&mut self, node: NodeId) -> &mut Numbered<T> {
        match node {
            NodeId::Replica(_) => &mut self.replicas,
            NodeId::Client(_) => &mut self.clients,
        }
    }
}

impl<T: Default> ByNode<T> {
    /// What is there for a node, or the default, which is put there.
    pub fn or_default(&mut self, node: NodeId) -> &mut T {
        self.or_insert_with(node, T::default)
    }
}

/// The number of a node that was put in.
fn short(number: u64) -> u16 {
    u16::try_from(number).expect("nodes have 16 bits")
}

/// A map from requests, in the order of their clients.
#[derive(Clone, Debug)]
pub struct ByRequest<T> {
    clients: ByNode<Numbered<T>>,
}

impl<T> Default for ByRequest<T> {
    fn default() -> Self {
        Self { clients: ByNode::default() }
    }
}

impl<T> ByRequest<T> {
    /// What is there for a client's request of this number.
    pub fn get(&self, (client, timestamp): (NodeId, u64)) -> Option<&T> {
        self.clients.get(client)?.get(timestamp)
    }

    /// What is there for a request, or is put there now.
    pub fn or_insert_with(
        &mut self,
        (client, timestamp): (NodeId, u64),
        make: impl FnOnce() -> T,
    ) -> &mut T {
        self.clients.or_default(client).or_insert_with(timestamp, make)
    }

    /// Puts something there, in place of what is returned.
    pub fn insert(&mut self, (client, timestamp): (NodeId, u64), value: T) -> Option<T> {
        self.clients.or_default(client).insert(timestamp, value)
    }

    /// Takes out what is there.
    pub fn remove(&mut self, (client, timestamp): (NodeId, u64)) -> Option<T> {
        self.clients.get_mut(client)?.remove(timestamp)
    }

    /// All, in the order of clients and numbers.
    pub fn iter(&self) -> impl Iterator<Item = ((NodeId, u64), &T)> {
        self.clients
            .iter()
            .flat_map(|(client, all)| all.iter().map(move |(number, it)| ((client, number), it)))
    }
}

impl<T: Default> ByRequest<T> {
    /// What is there for a request, or the default, which is put there.
    pub fn or_default(&mut self, request: (NodeId, u64)) -> &mut T {
        self.or_insert_with(request, T::default)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::{Purpose, SimRng};

    /// A tree does the same, slowly.
    #[test]
    fn it_is_a_map() {
        for seed in 0..50 {
            let mut rng = SimRng::new(seed, Purpose::Network, 0);
            let (mut map, mut tree) = (Numbered::default(), BTreeMap::new());
            for step in 0..400_u64 {
                // In order, about the gap, and anywhere.
                let number = match rng.next_u64() % 4 {
                    0 => step,
                    1 => rng.next_u64() % 64,
                    2 => rng.next_u64() % (4 * GAP as u64),
                    _ => rng.next_u64() >> (rng.next_u64() % 64),
                };
                match rng.next_u64() % 4 {
                    0 => assert_eq!(map.insert(number, step), tree.insert(number, step)),
                    1 => assert_eq!(map.remove(number), tree.remove(&number)),
                    2 => {
                        let it = map.or_insert_with(number, || step);
                        assert_eq!(it, tree.entry(number).or_insert(step));
                    }
                    _ => assert_eq!(map.get_mut(number), tree.get_mut(&number)),
                }
                assert_eq!(map.get(number), tree.get(&number));
            }
            assert!(map.iter().eq(tree.iter().map(|(number, it)| (*number, it))));
            assert!(!map.far.is_empty() && GAP < map.near.len(), "both parts are in use");
        }
    }

    #[test]
    fn replicas_come_before_clients() {
        let mut map = ByRequest::default();
        let nodes = [NodeId::Replica(2), NodeId::Client(0), NodeId::Client(u16::MAX)];
        for (place, node) in nodes.into_iter().enumerate().rev() {
            map.insert((node, 7), place);
            map.insert((node, 3), place);
        }
        let all: Vec<_> =
            map.iter().map(|((node, number), place)| (node, number, *place)).collect();
        let expected: Vec<_> = nodes
            .into_iter()
            .zip(0..)
            .flat_map(|(node, it)| [(node, 3, it), (node, 7, it)])
            .collect();
        assert_eq!(all, expected);
        assert_eq!(map.remove((nodes[1], 3)), Some(1));
        assert_eq!(map.get((nodes[1], 3)), None);
    }
}
