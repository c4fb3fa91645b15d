//! One scenario file and one seed: what is drawn, played, and judged.

pub mod check;
pub mod draw;
pub mod expect;
pub mod panics;
pub mod registry;
pub mod scenario;
pub mod schema;
pub mod strategy;
pub mod unfired;
mod witness;
