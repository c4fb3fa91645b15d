//! The protocols, one folder each, and what they share.
//!
//! | where | what |
//! | --- | --- |
//! | [`pbft`], [`linear_pbft`], [`zyzzyva`], [`raft`] | the protocols |
//! | [`onephase`] | the smallest protocol, to start from |
//! | [`shared`] | parts of replicas that know no protocol, to take or to leave |
//! | [`service`] | the replicated service that all of them run |
//! | [`catalogue`] | what a protocol offers to files: parameters, and planted flaws |
//! | `docket` | the search for offences in what nodes hold |
//! | `judgement` | what every proof of an offence must keep, whatever the statements are of |
//! | `flawed` | what planted flaws do to the shared parts, and no correct implementation does |
//!
//! A protocol knows no adversary and no file format. All folders have one layout, so who knows one
//! finds the way in the next:
//!
//! | in a protocol's folder | what |
//! | --- | --- |
//! | `mod.rs` | what the paper claims, the thresholds, the deviations from it; the parameters |
//! | `message.rs` | the messages, and what each of them says |
//! | `lies.rs` | the lies that a corrupted node can tell with them |
//! | `replica.rs` | the state, and the one `match` that hands out what comes in |
//! | one file for each part of the paper | the handlers |
//! | `client.rs` | the client |
//! | `evidence/` | what signed statements prove against replicas; it shares no code with them |
//! | `flaws.rs` | the names of the planted flaws |
//! | `rules/` | what the paper demands and a flaw breaks, by part: handlers ask here |
//!
//! To add a protocol: write its folder, implement [`Protocol`](byzsim_core::Protocol) and
//! [`Catalogued`], and add its entry to the registry of the `byzsim` crate.

pub mod catalogue;
mod docket;
mod flawed;
mod judgement;
pub mod linear_pbft;
pub mod onephase;
pub mod pbft;
pub mod raft;
pub mod service;
pub mod shared;
pub mod zyzzyva;

pub use catalogue::{Catalogued, Diagnosis, Flaw, FlawEntry, Flaws, Loss};
