//! `byzsim shrink`: the smallest run that fails for the same reason.

use std::fs;
use std::path::{Path, PathBuf};

use clap::Args;

use super::options::{CommonOptions, format_of};
use super::{Failure, output};
use crate::cli::exit::Exit;
use crate::file::document::Document;
use crate::file::error::LoadError;
use crate::file::format::VERSION;
use crate::report::format::Format;
use crate::report::shrink::ShrinkOutput;
use crate::repro::Repro;
use crate::repro::files::{create, smaller};
use crate::repro::replay::replay;
use crate::run::scenario::Scenario;
use crate::shrink::{Budget, Reason, Refusal, Shrunk, shrink};
use crate::sweep::cancel::Cancel;

/// Find a smaller run that fails for the same reason as that of a repro file.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    byzsim shrink runs/pbft-chaos-8391.json\n  \
    byzsim shrink runs/pbft-chaos-8391.json -v --out smallest.json\n  \
    byzsim shrink runs/pbft-chaos-8391.json --format json\n\n\
    The repro file is not changed; the smaller run is written beside it, as `….min.json`.")]
pub struct Shrink {
    /// A repro file of a run that violates a property.
    #[arg(value_name = "REPRO")]
    file: String,
    /// Where to write the smaller run [default: beside the repro file].
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// The greatest number of runs to play.
    #[arg(long, value_name = "N", default_value_t = Budget::default().runs_max)]
    runs_max: u64,
    /// Show every step that was taken.
    #[arg(short, long, conflicts_with = "quiet")]
    verbose: bool,
    /// The format of the output.
    #[arg(long, value_parser = format_of::<ShrinkOutput<'_>>(), default_value = "human")]
    format: Format,
}

impl Shrink {
    pub(super) fn execute(&self, common: &CommonOptions) -> Result<Exit, Failure> {
        let document = Document::find(&self.file)?;
        if !Repro::is_one(&document) {
            let help = "`byzsim run` and `byzsim sweep` write repro files of runs that fail";
            return Err(LoadError::new(format!("{} is not a repro file", self.file), help).into());
        }
        let (repro, scenario) = Repro::read(&document)?;
        let out = self.out.clone().unwrap_or_else(|| smaller(Path::new(&document.file)));
        refuse_to_overwrite(Path::new(&document.file), &out)?;
        if repro.byzsim != VERSION {
            let theirs = &repro.byzsim;
            output::note(&format!("note: written by byzsim {theirs}, shrunk by byzsim {VERSION}"));
        }
        if repro.scenario_hash != scenario.hash.hex() {
            output::note("note: the scenario in the file was changed since it was written");
        }
        let budget = Budget { runs_max: self.runs_max, ..Budget::default() };
        let shrunk = match shrink(&repro, &scenario, &budget, Cancel::NEVER) {
            Ok(shrunk) => shrunk,
            Err(Refusal::Passes) => {
                let help = "give the repro file of a run that violates a property";
                return Err(LoadError::new(Refusal::Passes.to_string(), help).into());
            }
            Err(refusal @ Refusal::Otherwise(_)) => {
                output::note(&format!("error: {refusal}"));
                return Ok(Exit::Diverged);
            }
            Err(refusal @ Refusal::Unstable(_)) => {
                output::note(&format!("error: {refusal}"));
                return Ok(Exit::Internal);
            }
        };
        write(&shrunk.repro, &out)?;
        let smaller = confirmed(&shrunk, &out)?;
        let output = ShrinkOutput {
            shrunk: &shrunk,
            smaller: &smaller,
            file: &out.display().to_string(),
            is_quiet: common.quiet,
            is_verbose: self.verbose,
        };
        output::result(&output, self.format)?;
        Ok(Exit::Expected)
    }
}

/// The original is what was found: it is never replaced.
fn refuse_to_overwrite(file: &Path, out: &Path) -> Result<(), LoadError> {
    let real = |path: &Path| fs::canonicalize(path).ok();
    if file == out || real(file).is_some() && real(file) == real(out) {
        let what = format!("`--out {}` would overwrite the original", out.display());
        return Err(LoadError::new(what, "name another file"));
    }
    Ok(())
}

fn write(repro: &Repro, out: &Path) -> Result<(), LoadError> {
    create(out, &repro.to_json()).map(|_| ()).map_err(|why| {
        let what = format!("cannot write {}: {why}", out.display());
        LoadError::new(what, "`--out` needs a file that can be written")
    })
}

/// Reads the file that was written and replays it: what is said of it is said of the file.
fn confirmed(shrunk: &Shrunk, out: &Path) -> Result<Scenario, Failure> {
    let document = Document::read(out, &out.display().to_string())?;
    let (repro, scenario) = Repro::read(&document)?;
    let replay = replay(&repro, &scenario);
    let is_same = Reason::of(&replay.report).as_ref() == Some(&shrunk.reason);
    if replay.divergence.is_some() || !is_same {
        let what = format!("{} does not replay as it was played", out.display());
        return Err(std::io::Error::other(what).into());
    }
    Ok(scenario)
}
