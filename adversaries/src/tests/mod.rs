//! Tests of plans, their interpreter and their generator, against a toy protocol.

mod actions;
mod generator;
mod memory;
mod plans;
mod strings;
mod toy;
