//! The protocols, one folder each, and the replicated service that they all run.
//!
//! A protocol knows no adversary and no file format. Its folder's `mod.rs` says what the paper
//! claims, what each message means and where the implementation deviates. To add one: write its
//! folder, implement [`Protocol`](byzsim_core::Protocol) and [`Catalogued`], and add its row to the
//! registry of the `byzsim` crate.

pub mod catalogue;
pub mod pbft;
pub mod quorum;
pub mod service;
pub mod zyzzyva;

pub use catalogue::{Catalogued, Flaw, FlawEntry, Flaws};
