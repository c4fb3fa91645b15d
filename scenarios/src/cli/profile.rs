//! `byzsim profile`: what is usual in the runs of a scenario, and whether that has changed.

use std::fs;
use std::path::{Path, PathBuf};

use clap::Args;

use super::options::{ChangeOptions, CommonOptions, format_of};
use super::{Failure, output};
use crate::cli::exit::Exit;
use crate::cli::interrupt;
use crate::file::error::LoadError;
use crate::file::format::SeedRange;
use crate::profile::{BLOCKS, Profile, divides, profile};
use crate::report::format::{Format, Written as _};
use crate::report::profile::ProfileOutput;
use crate::repro::files::create;

/// Measure what is usual in the runs of a scenario, and tell what has changed.
///
/// A profile counts events, views, messages by kind, milestones and the like over disjoint blocks
/// of seeds. With `--against` a change of more than the spread of the blocks is told, and the exit
/// code is 1.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    byzsim profile pbft/chaos --seeds 0..2000 --out pbft.json\n  \
    byzsim profile pbft/chaos --seeds 0..2000 --against pbft.json --flaw P35e")]
pub struct ProfileCommand {
    /// A scenario file, or the name of a scenario in the library.
    #[arg(value_name = "SCENARIO")]
    scenario: String,
    /// The seeds, with the end excluded: a multiple of 20, as they are divided into 20 blocks.
    #[arg(long, value_name = "A..B", default_value = "0..2000")]
    seeds: SeedRange,
    /// Compare with the profile in this file.
    #[arg(long, value_name = "FILE")]
    against: Option<PathBuf>,
    /// Record the profile in this file.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// The number of threads [default: one per core].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1_024))]
    jobs: Option<u16>,
    #[command(flatten)]
    changes: ChangeOptions,
    /// The format of the output on stdout.
    #[arg(long, value_parser = format_of::<ProfileOutput<'_>>(), default_value = "human")]
    format: Format,
}

impl ProfileCommand {
    pub(super) fn execute(&self, common: &CommonOptions) -> Result<Exit, Failure> {
        let scenario = self.changes.load(&self.scenario, common)?;
        if !divides(self.seeds) {
            let what = format!("the seeds {} cannot be divided into {BLOCKS} blocks", self.seeds);
            return Err(LoadError::new(what, "choose a multiple of 20, such as `0..2000`").into());
        }
        let recorded = self.against.as_deref().map(read).transpose()?;
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let jobs = self.jobs.map_or(cores, usize::from);
        let Some(profile) = profile(&scenario, self.seeds, jobs, interrupt::listen()) else {
            return Ok(Exit::Interrupted);
        };
        let compared = recorded.map(|recorded| profile.against(&recorded)).transpose();
        let shifts = compared.map_err(|why| {
            LoadError::new(why.to_string(), "record it with the same scenario and number of seeds")
        })?;
        if let Some(path) = &self.out {
            let output = ProfileOutput { profile: &profile, shifts: None, is_quiet: true };
            let text = output.in_format(Format::Json)?;
            create(path, &text).map_err(|why| {
                let what = format!("cannot write {}: {why}", path.display());
                LoadError::new(what, "`--out` needs a file that can be written")
            })?;
        }
        let is_quiet = common.quiet;
        let output = ProfileOutput { profile: &profile, shifts: shifts.as_deref(), is_quiet };
        output::result(&output, self.format)?;
        let is_same = shifts.is_none_or(|shifts| shifts.is_empty());
        Ok(if is_same { Exit::Expected } else { Exit::Violation })
    }
}

fn read(path: &Path) -> Result<Profile, LoadError> {
    let help = "`--against` needs a file that `byzsim profile --out` wrote";
    let text = fs::read_to_string(path)
        .map_err(|why| LoadError::new(format!("cannot read {}: {why}", path.display()), help))?;
    serde_json::from_str(&text)
        .map_err(|why| LoadError::new(format!("{}: {why}", path.display()), help))
}
