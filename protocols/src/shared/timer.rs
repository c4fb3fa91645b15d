//! The key of a timer, for protocols that need no type of their own for it.

use byzsim_core::{Encode, Encoder};

/// A timer: what it is for, and the view, the slot or the timestamp that it is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Timer(pub &'static str, pub u64);

impl Encode for Timer {
    fn encode(&self, out: &mut Encoder) {
        out.text(self.0).u64(self.1);
    }
}
