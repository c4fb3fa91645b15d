//! Maps from requests, for the checkers: clients are few, and each numbers its requests from 1 on.

use crate::id::NodeId;
use crate::sorted::Sorted;

/// A map from clients and their numbers for requests, in this order.
///
/// What is taken out leaves its place empty: requests are taken out in their order, and each time
/// all later ones would move.
#[derive(Clone, Debug)]
pub(super) struct ByRequest<T> {
    clients: Sorted<NodeId, Sorted<u64, Option<T>>>,
}

impl<T> Default for ByRequest<T> {
    fn default() -> Self {
        Self { clients: Sorted::default() }
    }
}

impl<T> ByRequest<T> {
    /// What is there for a client's request of this number.
    pub(super) fn get(&self, (client, timestamp): (NodeId, u64)) -> Option<&T> {
        self.clients.get(client)?.get(timestamp)?.as_ref()
    }

    /// What is there for a request; if there is nothing, `make` is put there before.
    pub(super) fn or_insert_with(
        &mut self,
        (client, timestamp): (NodeId, u64),
        make: impl FnOnce() -> T,
    ) -> &mut T {
        self.clients.or_default(client).or_default(timestamp).get_or_insert_with(make)
    }

    /// Puts something there, in place of what is returned.
    pub(super) fn insert(&mut self, (client, timestamp): (NodeId, u64), value: T) -> Option<T> {
        self.clients.or_default(client).or_default(timestamp).replace(value)
    }

    /// Takes out what is there.
    pub(super) fn remove(&mut self, (client, timestamp): (NodeId, u64)) -> Option<T> {
        self.clients.get_mut(client)?.get_mut(timestamp)?.take()
    }

    /// All, in their order.
    pub(super) fn iter(&self) -> impl Iterator<Item = ((NodeId, u64), &T)> {
        self.clients.iter().flat_map(|(client, all)| {
            all.iter().filter_map(move |(number, it)| Some(((client, number), it.as_ref()?)))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_taken_out_is_gone_and_the_rest_is_in_order() {
        let clients = [NodeId::Client(2), NodeId::Client(0)];
        let mut map = ByRequest::default();
        for (place, client) in clients.into_iter().enumerate() {
            for timestamp in [3, 1] {
                assert_eq!(map.insert((client, timestamp), place), None);
            }
        }
        let gone = (clients[0], 1);
        assert_eq!((map.remove(gone), map.remove(gone), map.get(gone)), (Some(0), None, None));
        let left = [((clients[1], 1), &1), ((clients[1], 3), &1), ((clients[0], 3), &0)];
        assert!(map.iter().eq(left));
        assert_eq!(*map.or_insert_with(gone, || 7), 7, "its place serves again");
        assert_eq!(map.insert(gone, 8), Some(7));
    }
}
