//! `byzsim alter`: whether the properties notice it when a fact of a clean run is another.

use clap::Args;

use super::options::{ChangeOptions, CommonOptions, format_of};
use super::{Failure, output};
use crate::alter::alter;
use crate::cli::exit::Exit;
use crate::cli::interrupt;
use crate::file::format::SeedRange;
use crate::report::alter::AlterOutput;
use crate::report::format::Format;
use crate::run::registry::protocols;

/// Alter what correct nodes reported in clean runs, and count what the properties notice.
///
/// Exits with 1 if the properties notice too little.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    byzsim alter\n  \
    byzsim alter zyzzyva/chaos --seeds 5000..6000 --format json")]
pub struct Alter {
    /// Scenario files, or names of scenarios in the library [default: those in which the flaws of
    /// each protocol are hunted].
    #[arg(value_name = "SCENARIO")]
    scenarios: Vec<String>,
    /// The seeds, with the end excluded.
    #[arg(long, value_name = "A..B", default_value = "0..1000")]
    seeds: SeedRange,
    /// How many of a hundred alterations must be noticed.
    #[arg(
        long,
        value_name = "PERCENT",
        default_value = "99",
        value_parser = clap::value_parser!(u64).range(0..=100)
    )]
    least: u64,
    /// The number of threads [default: one per core].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1_024))]
    jobs: Option<u16>,
    #[command(flatten)]
    changes: ChangeOptions,
    /// The format of the output on stdout.
    #[arg(long, value_parser = format_of::<AlterOutput<'_>>(), default_value = "human")]
    format: Format,
}

impl Alter {
    pub(super) fn execute(&self, common: &CommonOptions) -> Result<Exit, Failure> {
        let hunted = || protocols().filter_map(|entry| entry.hunted_in).map(str::to_owned);
        let names =
            if self.scenarios.is_empty() { hunted().collect() } else { self.scenarios.clone() };
        let scenarios =
            names.iter().map(|it| self.changes.load(it, common)).collect::<Result<Vec<_>, _>>()?;
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let jobs = self.jobs.map_or(cores, usize::from);
        let cancel = interrupt::listen();
        let tallies: Vec<_> =
            scenarios.iter().map(|it| alter(it, self.seeds, jobs, cancel)).collect();
        let output = AlterOutput { tallies: &tallies, least: self.least, is_quiet: common.quiet };
        output::result(&output, self.format)?;
        Ok(if cancel.is_asked() {
            Exit::Interrupted
        } else if tallies.iter().any(|it| it.reaches(self.least) == Some(false)) {
            Exit::Violation
        } else if tallies.iter().any(|it| it.reaches(self.least).is_none()) {
            Exit::Inconclusive
        } else {
            Exit::Expected
        })
    }
}
