//! The catalogue of Raft's flaws. The rules that they break are in [`super::rules`].

use crate::catalogue::flaws;

flaws! {
    /// The flaws that can be planted in Raft.
    pub enum RaftFlaw;
}
