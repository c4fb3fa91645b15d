//! Experiments with byzsim: scenario files, runs, replays, sweeps and their reports.
//!
//! This crate is the only place with files, threads and clocks. Where to look: [`format`] is the
//! scenario file; [`registry`] the table of protocols; [`scenario`] plays a run; [`sweep`] plays
//! many; [`expect`] says what a run is worth; [`cli`] is the command line.
//!
//! ```
//! use byzsim::{PlayOptions, load};
//! let scenario = load("pbft/fault-free")?;
//! let report = scenario.play(7, &PlayOptions::default());
//! assert_eq!(report.trace(), scenario.play(7, &PlayOptions::default()).trace());
//! # Ok::<(), byzsim::LoadError>(())
//! ```

pub mod check;
pub mod cli;
pub mod compare;
pub mod draw;
pub mod error;
pub mod exit;
pub mod expect;
pub mod format;
mod groups;
pub mod hunt;
pub mod interrupt;
pub mod library;
pub mod load;
mod locate;
pub mod names;
pub mod panics;
mod pool;
pub mod registry;
pub mod replay;
pub mod report;
pub mod repro;
pub mod row;
pub mod scenario;
pub mod schema;
pub mod search;
pub mod shrink;
pub mod summary;
pub mod sweep;
#[cfg(test)]
mod tests;
pub mod unfired;
mod witness;

pub use draw::Drawn;
pub use error::{LoadError, Problem};
pub use exit::Exit;
pub use expect::Judgement;
pub use format::{Expect, ScenarioFile, SeedRange};
pub use load::{Changes, Document, load, load_with};
pub use panics::Panic;
pub use replay::{Replay, replay};
pub use repro::Repro;
pub use row::Row;
pub use scenario::{Finding, PlayOptions, Report, Scenario};
pub use search::{Draft, Strategy};
pub use shrink::{Shrunk, shrink};
pub use summary::Summary;
pub use sweep::{SweepOptions, sweep};

/// The version of byzsim.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");
