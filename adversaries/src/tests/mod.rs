//! Tests of plans, their interpreter and their generator, against a toy protocol.

mod actions;
mod crashes;
mod generator;
mod logs;
mod memory;
mod plans;
mod relays;
mod reorder;
mod runs;
mod strings;
mod toy;
