//! How views and sets of replicas are written where states are compared after abstraction.

use byzsim_core::{Encoder, ReplicaSet};

/// How long before the present view another one was: later, the present, the one before, or
/// earlier. A certificate of an old view grows older with each view, and stays the same.
///
/// ```
/// use byzsim_protocols::shared::outline::ago;
///
/// assert_eq!([8, 7, 6, 5, 0].map(|view| ago(7, view)), [0, 1, 2, 3, 3]);
/// ```
pub const fn ago(present: u64, view: u64) -> u64 {
    if present < view {
        return 0;
    }
    match present - view {
        0 => 1,
        1 => 2,
        _ => 3,
    }
}

/// Writes a set of replicas.
pub fn replicas(set: ReplicaSet, out: &mut Encoder) {
    out.len(set.len());
    for node in set.iter() {
        out.node(node);
    }
}
