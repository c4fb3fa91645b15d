//! A map as a sorted sequence, for keys that lie close together.

use std::vec::Drain;

use crate::id::NodeId;

/// A map from nodes or slots, in their order.
///
/// Nodes are few, and the slots of a window follow each other. So a key is mostly found at its
/// distance from the first one, where a tree would be walked; any other one is searched for. Keys
/// may be any, even those that a liar makes up: they cost a little more.
///
/// ```
/// use byzsim_core::Sorted;
///
/// let mut slots: Sorted<u64, &str> = Sorted::default();
/// for (seq, batch) in [(3, "c"), (5, "e"), (4, "d"), (1 << 60, "a liar's")] {
///     assert_eq!(slots.insert(seq, batch), None);
/// }
/// assert_eq!((slots.get(5), slots.get(6), slots.get(0)), (Some(&"e"), None, None));
/// assert_eq!(slots.from(4).map(|(seq, _)| seq).collect::<Vec<_>>(), [4, 5, 1 << 60]);
/// assert_eq!(slots.take_through(4).collect::<Vec<_>>(), [(3, "c"), (4, "d")]);
/// assert_eq!(slots.pop_last(), Some((1 << 60, "a liar's")));
/// assert_eq!(slots.first(), Some((5, &"e")));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sorted<K, V> {
    entries: Vec<(K, V)>,
}

/// What can be a key.
pub trait Key: Copy + Ord {
    /// Where it is in a sequence without gaps that begins with `first`; anything if in none.
    fn distance(self, first: Self) -> usize;
}

/// A slot, or another number.
impl Key for u64 {
    #[inline]
    fn distance(self, first: Self) -> usize {
        usize::try_from(self.wrapping_sub(first)).unwrap_or(usize::MAX)
    }
}

impl Key for NodeId {
    #[inline]
    fn distance(self, first: Self) -> usize {
        usize::from(self.number().wrapping_sub(first.number()))
    }
}

impl<K, V> Default for Sorted<K, V> {
    fn default() -> Self {
        Self { entries: Vec::new() }
    }
}

impl<K: Key, V> Sorted<K, V> {
    /// The place of a key, or the one that it would have.
    #[inline]
    fn place(&self, key: K) -> Result<usize, usize> {
        let Some((first, _)) = self.entries.first() else { return Err(0) };
        let guess = key.distance(*first);
        match self.entries.get(guess) {
            Some((there, _)) if *there == key => Ok(guess),
            _ => self.search(key),
        }
    }

    fn search(&self, key: K) -> Result<usize, usize> {
        match self.entries.last() {
            Some((last, _)) if *last < key => Err(self.entries.len()),
            _ => self.entries.binary_search_by_key(&key, |(there, _)| *there),
        }
    }

    /// The value of a key.
    #[inline]
    pub fn get(&self, key: K) -> Option<&V> {
        self.place(key).ok().map(|place| &self.entries[place].1)
    }

    /// The value of a key, to be changed.
    #[inline]
    pub fn get_mut(&mut self, key: K) -> Option<&mut V> {
        self.place(key).ok().map(|place| &mut self.entries[place].1)
    }

    /// The value of a key; if it has none, `value` is put there before.
    #[inline]
    pub fn or_insert_with(&mut self, key: K, value: impl FnOnce() -> V) -> &mut V {
        let place = self.place(key).unwrap_or_else(|place| {
            self.entries.insert(place, (key, value()));
            place
        });
        &mut self.entries[place].1
    }

    /// The value of a key; if it has none, the default is put there before.
    #[inline]
    pub fn or_default(&mut self, key: K) -> &mut V
    where
        V: Default,
    {
        self.or_insert_with(key, V::default)
    }

    /// Puts a value in; returns the one that was there.
    pub fn insert(&mut self, key: K, value: V) -> Option<V> {
        match self.place(key) {
            Ok(place) => Some(std::mem::replace(&mut self.entries[place].1, value)),
            Err(place) => {
                self.entries.insert(place, (key, value));
                None
            }
        }
    }

    /// Takes a value out.
    pub fn remove(&mut self, key: K) -> Option<V> {
        let place = self.place(key).ok()?;
        Some(self.entries.remove(place).1)
    }

    /// The first entry.
    pub fn first(&self) -> Option<(K, &V)> {
        self.entries.first().map(|(key, value)| (*key, value))
    }

    /// The last entry.
    pub fn last(&self) -> Option<(K, &V)> {
        self.entries.last().map(|(key, value)| (*key, value))
    }

    /// Takes the first entry out, if its key is such a one.
    pub fn pop_first_if(&mut self, is_it: impl FnOnce(K) -> bool) -> Option<(K, V)> {
        let (first, _) = self.entries.first()?;
        is_it(*first).then(|| self.entries.remove(0))
    }

    /// Takes the last entry out.
    pub fn pop_last(&mut self) -> Option<(K, V)> {
        self.entries.pop()
    }

    /// Takes the entries up to a key out, and that of the key.
    pub fn take_through(&mut self, key: K) -> Drain<'_, (K, V)> {
        let end = self.place(key).map_or_else(|place| place, |place| place + 1);
        self.entries.drain(..end)
    }

    /// Keeps the entries that `keeps` says to keep.
    pub fn retain(&mut self, keeps: impl Fn(K, &V) -> bool) {
        self.entries.retain(|(key, value)| keeps(*key, value));
    }

    /// Takes all out.
    pub fn clear(&mut self) {
        self.entries.clear();
    }

    /// How many entries there are.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// All entries.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (K, &V)> + Clone {
        self.entries.iter().map(|(key, value)| (*key, value))
    }

    /// The entries from a key on.
    pub fn from(&self, key: K) -> impl DoubleEndedIterator<Item = (K, &V)> + Clone {
        let start = self.place(key).unwrap_or_else(|place| place);
        self.entries[start..].iter().map(|(key, value)| (*key, value))
    }

    /// All values.
    pub fn values(&self) -> impl DoubleEndedIterator<Item = &V> + Clone {
        self.entries.iter().map(|(_, value)| value)
    }

    /// All values, to be changed.
    pub fn values_mut(&mut self) -> impl Iterator<Item = &mut V> {
        self.entries.iter_mut().map(|(_, value)| value)
    }

    /// All values, taken out.
    pub fn into_values(self) -> impl Iterator<Item = V> {
        self.entries.into_iter().map(|(_, value)| value)
    }
}

impl<K: Key, V> Extend<(K, V)> for Sorted<K, V> {
    fn extend<I: IntoIterator<Item = (K, V)>>(&mut self, entries: I) {
        for (key, value) in entries {
            self.insert(key, value);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    /// Slots of a window that moves up, with some that somebody made up.
    #[test]
    fn it_does_what_a_tree_does() {
        let mut sorted: Sorted<u64, u64> = Sorted::default();
        let mut tree: BTreeMap<u64, u64> = BTreeMap::new();
        let mut state = 1_u64;
        for step in 0..5_000 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let drawn = state >> 33;
            let seq = match drawn % 8 {
                0 => state,
                1 => step,
                _ => step + drawn / 8 % 30,
            };
            match drawn / 1_000 % 16 {
                0 => {
                    let kept = tree.split_off(&(seq + 1));
                    let gone: Vec<_> = std::mem::replace(&mut tree, kept).into_iter().collect();
                    assert_eq!(sorted.take_through(seq).collect::<Vec<_>>(), gone);
                }
                1 => assert_eq!(sorted.remove(seq), tree.remove(&seq)),
                2 => assert_eq!(sorted.pop_last(), tree.pop_last()),
                3 => {
                    *sorted.or_default(seq) += step;
                    *tree.entry(seq).or_default() += step;
                }
                _ => assert_eq!(sorted.insert(seq, step), tree.insert(seq, step)),
            }
            assert_eq!(sorted.get(seq), tree.get(&seq));
            let ours: Vec<_> = sorted.from(seq).collect();
            let theirs: Vec<_> = tree.range(seq..).map(|(seq, value)| (*seq, value)).collect();
            assert_eq!(ours, theirs, "from {seq}");
        }
    }

    #[test]
    fn nodes_of_two_classes_are_told_apart() {
        let mut said = Sorted::default();
        let nodes = [NodeId::Client(1), NodeId::Replica(2), NodeId::Client(0), NodeId::Replica(0)];
        for node in nodes {
            assert_eq!(said.insert(node, node), None);
        }
        for node in nodes {
            assert_eq!(said.get(node), Some(&node));
        }
        assert_eq!(said.get(NodeId::Replica(1)), None);
        assert_eq!(said.get(NodeId::Client(2)), None);
        said.retain(|node, _| node.is_client());
        assert_eq!(said.first().map(|(node, _)| node), Some(NodeId::Client(0)));
    }
}
