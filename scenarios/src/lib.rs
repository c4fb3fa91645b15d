//! Experiments with byzsim: scenario files, runs, replays, sweeps and their reports.
//!
//! This crate is the only place with files, threads and clocks. Where to look: [`mod@file`] reads a
//! scenario; [`run`] plays it for one seed and judges the run, and has the table of protocols;
//! [`mod@sweep`] plays many seeds; [`repro`] keeps a run as a file and replays it; [`mod@shrink`]
//! makes a failing run smaller; [`hunt`] searches for planted flaws; [`mod@compare`] sets protocols
//! beside their formulas; [`mod@alter`] alters what checkers are told; [`mod@profile`] tells what
//! is usual; [`scaffold`] makes new things; [`report`] is what people read; [`cli`] is the command
//! line.
//!
//! ```
//! use byzsim::{PlayOptions, load};
//! let scenario = load("pbft/fault-free")?;
//! let report = scenario.play(7, &PlayOptions::default());
//! assert_eq!(report.trace(), scenario.play(7, &PlayOptions::default()).trace());
//! # Ok::<(), byzsim::LoadError>(())
//! ```

pub mod alter;
pub mod cli;
pub mod compare;
pub mod file;
pub mod hunt;
pub mod profile;
pub mod report;
pub mod repro;
pub mod run;
pub mod scaffold;
pub mod shrink;
pub mod sweep;
#[cfg(test)]
mod tests;

pub use file::document::Document;
pub use file::error::{LoadError, Problem};
pub use file::format::{Expect, ScenarioFile, SeedRange, VERSION};
pub use repro::Repro;
pub use repro::replay::{Replay, replay};
pub use run::draw::{Draft, Drawn};
pub use run::expect::Judgement;
pub use run::finding::Finding;
pub use run::load::{Changes, load, load_with};
pub use run::panics::Panic;
pub use run::result::{PlayOptions, Report};
pub use run::scenario::Scenario;
pub use run::strategy::Strategy;
pub use shrink::{Shrunk, shrink};
pub use sweep::cancel::Cancel;
pub use sweep::options::SweepOptions;
pub use sweep::row::Row;
pub use sweep::summary::Summary;
pub use sweep::sweep;
