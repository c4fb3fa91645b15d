//! One scenario file and one seed: what is drawn, played, and judged.

pub mod accountability;
mod admits;
pub mod check;
pub mod draw;
pub mod event;
pub mod expect;
mod explain;
pub mod finding;
pub mod load;
mod mechanism;
pub mod panics;
pub mod registry;
mod resilience;
pub mod result;
pub mod scenario;
pub mod schema;
pub mod strategy;
pub mod unfired;
mod without_effect;
