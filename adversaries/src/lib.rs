//! Adversaries: faults as data, the interpreter that carries them out, and the generator that draws
//! them.
//!
//! A [`Plan`] is a list of faults: messages held, delayed, lost or duplicated; partitions; crashes;
//! clocks that drift; and corrupted nodes that fall silent, withhold, lag, lie or go twins. A plan
//! is written by hand or drawn by [`generate()`], and [`PlanAdversary`] carries it out against any
//! protocol: it knows no more of one than [`byzsim_core::Message`] says.
//!
//! # Powers
//!
//! - It sees every message as it is sent, and everything that nodes report.
//! - It delays, holds, loses and doubles messages, within the network's model; without bounds those
//!   that a corrupted node sends or is sent.
//! - It crashes and restarts correct replicas, and lets correct nodes' clocks drift.
//! - Each corrupted node is one honest copy of itself, or two ([`Puppet`]), whose words it
//!   withholds, delays or replaces by lies that it signs with the node's own key.
//!
//! # Non-powers
//!
//! - It cannot send as a correct node: an outbox names no sender.
//! - It cannot sign as a correct node: it holds the signers of the corrupted nodes only.
//! - It cannot delay a message between correct nodes past GST + Δ, or lose one that the model
//!   keeps: its wishes are clamped by [`byzsim_core::network`].
//! - It sees no correct node's state, and it corrupts nobody during the run.
//! - It has no clock, no file, no thread, and no chance but streams of the run's seed. What it
//!   draws for one fault depends on no other fault, so that a plan can be shrunk fault by fault.

mod action;
mod active;
mod aim;
mod copy;
mod corrupted;
mod crash;
mod crashes;
mod deceit;
mod describe;
mod descriptor;
mod generate;
mod groups;
mod interpreter;
mod log;
mod memory;
mod mutation;
pub mod names;
mod odds;
mod pattern;
mod plan;
mod puppet;
mod range;
mod renumber;
mod reorder;
mod schedules;
mod trigger;
mod twins;
mod validate;
mod vary;
mod versions;
mod weather;

#[cfg(test)]
mod tests;

pub use action::{Action, Class, Parts};
pub use crash::Lost;
pub use descriptor::{Descriptor, Strikes, Window};
pub use generate::generate;
pub use groups::Groups;
pub use interpreter::PlanAdversary;
pub use log::{Demand, FaultLog, MomentLog, Tally, Target};
pub use plan::{Change, Fault, Moment, Pattern, Plan, Reported, Split, Trigger};
pub use puppet::Puppet;
pub use range::Range;
pub use schedules::{TWINS_VIEWS, delays, priorities, twins_schedule, twins_schedules};
pub use validate::{DRIFT_PPM_MAX, PlanError, REORDERED_BY_MIN, REORDERED_MAX, Vocabulary};
pub use vary::vary;
pub use weather::{Seen, Timing, Weather};
