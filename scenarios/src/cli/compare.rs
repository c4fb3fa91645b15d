//! `byzsim compare`: protocols side by side, and beside the formulas of their papers.

use std::io::{self, IsTerminal as _};

use clap::Args;

use super::options::{CommonOptions, format_of};
use super::{Failure, output};
use crate::cli::exit::Exit;
use crate::compare::settings::{self, Setting};
use crate::compare::{Grid, compare};
use crate::file::format::SeedRange;
use crate::report::compare::CompareOutput;
use crate::report::format::Format;

/// Measure the costs of protocols and compare them with formulas.
///
/// Exits with 1 if a property is violated or a figure differs from its formula.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    byzsim compare pbft\n  \
    byzsim compare pbft zyzzyva --replicas 4,7,10,16,31 --faults none,silent-backup\n  \
    byzsim compare linear-pbft linear-pbft:certificates=aggregate --faults none\n  \
    byzsim compare pbft --faults all --seeds 0..5000 --format csv")]
pub struct Compare {
    /// Protocols (`byzsim list protocols`), perhaps with parameters: `NAME:KEY=VALUE,…`. Ratios
    /// compare the first one with each other one.
    #[arg(required = true, value_name = "PROTOCOL")]
    protocols: Vec<String>,
    /// Numbers of replicas, each of the form 3f + 1.
    #[arg(long, value_name = "N,…", value_delimiter = ',', default_value = "4,7,10")]
    replicas: Vec<u16>,
    #[arg(
        long,
        value_name = "NAME,…",
        value_delimiter = ',',
        default_value = "none,silent-backup,silent-primary,loss-1%",
        help = settings::help()
    )]
    faults: Vec<String>,
    /// The seeds of settings with message loss; the other settings play only the first seed.
    #[arg(long, value_name = "A..B", default_value = "0..1000")]
    seeds: SeedRange,
    /// The number of threads [default: one per core].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1_024))]
    jobs: Option<u16>,
    /// The format of the output on stdout.
    #[arg(long, value_parser = format_of::<CompareOutput<'_>>(), default_value = "human")]
    format: Format,
}

impl Compare {
    pub(super) fn execute(&self, common: &CommonOptions) -> Result<Exit, Failure> {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let grid = Grid {
            protocols: distinct(&self.protocols),
            replicas: distinct(&self.replicas),
            settings: Setting::read(&self.faults)?,
            seeds: self.seeds,
            jobs: self.jobs.map_or(cores, usize::from),
        };
        let is_watched = !common.quiet && io::stderr().is_terminal();
        let comparison = compare(&grid, |cell| {
            if is_watched {
                output::note(cell);
            }
        })?;
        let output = CompareOutput { comparison: &comparison, is_quiet: common.quiet };
        output::result(&output, self.format)?;
        Ok(comparison.judgement().into())
    }
}

/// What is named twice counts once.
fn distinct<T: Clone + PartialEq>(given: &[T]) -> Vec<T> {
    let mut distinct: Vec<T> = Vec::new();
    for it in given {
        if !distinct.contains(it) {
            distinct.push(it.clone());
        }
    }
    distinct
}
