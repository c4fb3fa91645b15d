//! A fixed set of small numbers.

/// A set of numbers below `64 * W`. One word is the common case; the wide ones exist so that a
/// Byzantine client with hundreds of open calls is a slower search and not a panic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Bits<const W: usize>([u64; W]);

impl<const W: usize> Bits<W> {
    pub(super) const EMPTY: Self = Self([0; W]);

    pub(super) const fn contains(&self, number: u32) -> bool {
        self.0[number as usize / 64] >> (number % 64) & 1 == 1
    }

    pub(super) const fn insert(&mut self, number: u32) {
        self.0[number as usize / 64] |= 1 << (number % 64);
    }

    pub(super) const fn remove(&mut self, number: u32) {
        self.0[number as usize / 64] &= !(1 << (number % 64));
    }

    pub(super) fn is_subset(&self, of: &Self) -> bool {
        self.0.iter().zip(&of.0).all(|(small, large)| small & !large == 0)
    }

    pub(super) const fn words(&self) -> &[u64; W] {
        &self.0
    }
}
