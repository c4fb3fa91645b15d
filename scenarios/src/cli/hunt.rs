//! `byzsim hunt`: how many runs it takes to find each planted flaw.

use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::{fmt, fs};

use clap::Args;

use super::options::{CommonOptions, format_of};
use super::{Failure, output};
use crate::cli::exit::Exit;
use crate::cli::interrupt;
use crate::file::error::LoadError;
use crate::file::names;
use crate::hunt::{Effort, HuntOptions, hunt};
use crate::report::format::Format;
use crate::report::hunt::{self as report, Table};
use crate::run::registry::protocols;
use crate::run::strategy::Strategy;

/// Measure how many runs each strategy needs to find planted flaws.
///
/// The hunt also shrinks findings, which shows how few faults a flaw needs.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    byzsim hunt P02 P08 Z07\n  \
    byzsim hunt pbft --strategies guided --runs 20000 --campaigns 3\n  \
    byzsim hunt --format json --into docs/flaws.md > hunt.json\n\n\
    Ctrl-C ends the hunt and shows the flaws that are finished.")]
pub struct Hunt {
    /// Flaws, by name or number, or protocols [default: all flaws].
    #[arg(value_name = "FLAW")]
    flaws: Vec<String>,
    /// The strategies to compare. `random=5000` gives a strategy a limit other than `--runs`.
    #[arg(
        long,
        value_name = "NAME[=N]",
        value_delimiter = ',',
        default_value = "random,twins,guided"
    )]
    strategies: Vec<Sought>,
    /// The greatest number of runs of one search.
    #[arg(
        long,
        value_name = "N",
        default_value = "20000",
        value_parser = clap::value_parser!(u64).range(1..=RUNS_MAX)
    )]
    runs: u64,
    /// The number of searches per flaw and strategy; the table shows their medians.
    #[arg(
        long,
        value_name = "N",
        default_value = "3",
        value_parser = clap::value_parser!(u64).range(1..=99)
    )]
    campaigns: u64,
    /// The number of searches at a time [default: one per core].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1_024))]
    jobs: Option<u16>,
    /// The format of the output on stdout.
    #[arg(long, value_parser = format_of::<Table<'_>>(), default_value = "human")]
    format: Format,
    /// Also write the table in Markdown into this file, between the lines
    /// `<!-- byzsim hunt: begin -->` and `<!-- byzsim hunt: end -->`.
    #[arg(long, value_name = "FILE")]
    into: Option<PathBuf>,
}

/// How many runs a search may be told to have at most.
const RUNS_MAX: u64 = 1_000_000_000;

/// A strategy as it is named: `guided`, or `random=5000`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Sought {
    strategy: Strategy,
    runs: Option<u64>,
}

impl Sought {
    fn effort(self, runs: u64) -> Effort {
        Effort { strategy: self.strategy, runs_max: self.runs.unwrap_or(runs) }
    }
}

impl FromStr for Sought {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let Some((name, runs)) = text.split_once('=') else {
            return Ok(Self { strategy: text.parse()?, runs: None });
        };
        let runs = runs.parse().ok().filter(|runs| (1..=RUNS_MAX).contains(runs));
        let why = || format!("`{text}` needs a number of runs, from 1 to {RUNS_MAX}");
        Ok(Self { strategy: name.parse()?, runs: Some(runs.ok_or_else(why)?) })
    }
}

impl fmt::Display for Sought {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.runs {
            None => write!(f, "{}", self.strategy),
            Some(runs) => write!(f, "{}={runs}", self.strategy),
        }
    }
}

impl Hunt {
    pub(super) fn execute(&self, common: &CommonOptions) -> Result<Exit, Failure> {
        let flaws = self.chosen()?;
        // Before hours are spent on it.
        if let Some(path) = &self.into {
            around(path, &read(path)?)?;
        }
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let options = HuntOptions {
            strategies: self.strategies.iter().map(|it| it.effort(self.runs)).collect(),
            campaigns: self.campaigns,
            jobs: self.jobs.map_or(cores, usize::from),
        };
        let cancel = interrupt::listen();
        let mut done = 0;
        let hunted = hunt(&flaws, &options, cancel, |hunted| {
            done += 1;
            if !common.quiet {
                let row = report::progress(hunted, &options);
                output::note(&format!("{done:>3}/{}  {row}", flaws.len()));
            }
        })?;
        let command = self.command();
        let (wanted, command) = (flaws.len(), &*command);
        let table = Table { hunted: &hunted, wanted, options: &options, command };
        output::result(&table, self.format)?;
        // Even where all flaws are finished, the last plan may not be as small as it would be.
        if cancel.is_asked() {
            if let Some(path) = &self.into {
                let what = "is unchanged, because the hunt was interrupted";
                output::note(&format!("note: {} {what}", path.display()));
            }
            return Ok(Exit::Interrupted);
        }
        if let Some(path) = &self.into {
            replace(path, &table.markdown())?;
        }
        Ok(Exit::Expected)
    }

    /// The command that hunts the same again.
    fn command(&self) -> String {
        let mut words = vec!["byzsim hunt".to_owned()];
        words.extend(self.flaws.iter().cloned());
        let strategies: Vec<String> = self.strategies.iter().map(ToString::to_string).collect();
        words.push(format!("--strategies {}", strategies.join(",")));
        words.push(format!("--campaigns {} --runs {}", self.campaigns, self.runs));
        if let Some(path) = &self.into {
            words.push(format!("--into {}", path.display()));
        }
        words.join(" ")
    }

    /// The flaws that are meant, each with its protocol.
    fn chosen(&self) -> Result<Vec<(&'static str, byzsim_protocols::FlawEntry)>, LoadError> {
        let all: Vec<_> = protocols()
            .flat_map(|entry| (entry.flaws)().into_iter().map(|flaw| (entry.name, flaw)))
            .collect();
        let is_it = |wanted: &str, protocol: &str, flaw: &str| {
            wanted == protocol || wanted == flaw || flaw.split('-').next() == Some(wanted)
        };
        for wanted in &self.flaws {
            if !all.iter().any(|(protocol, flaw)| is_it(wanted, protocol, flaw.name)) {
                let known = all.iter().map(|(_, flaw)| flaw.name);
                let help = names::advice(wanted, known);
                return Err(LoadError::new(format!("unknown flaw `{wanted}`"), &help));
            }
        }
        let is_meant = |(protocol, flaw): &(&str, byzsim_protocols::FlawEntry)| {
            self.flaws.is_empty() || self.flaws.iter().any(|it| is_it(it, protocol, flaw.name))
        };
        Ok(all.into_iter().filter(is_meant).collect())
    }
}

/// The lines of a document between which the table stands.
const BEGIN: &str = "<!-- byzsim hunt: begin -->\n";
const END: &str = "<!-- byzsim hunt: end -->\n";

fn read(path: &Path) -> Result<String, LoadError> {
    fs::read_to_string(path).map_err(|why| {
        let what = format!("cannot read {}: {why}", path.display());
        LoadError::new(what, "`--into` needs a document with a place for the table")
    })
}

/// What a document has before and behind its table, with the lines that mark it.
fn around<'a>(path: &Path, document: &'a str) -> Result<(&'a str, &'a str), LoadError> {
    let begin = document.find(BEGIN).map(|at| at + BEGIN.len());
    let found = begin.and_then(|begin| Some((begin, begin + document[begin..].find(END)?)));
    let Some((begin, end)) = found else {
        let what = format!("{} has no place for the table", path.display());
        let help = format!("add the lines `{}` and `{}`", BEGIN.trim_end(), END.trim_end());
        return Err(LoadError::new(what, &help));
    };
    Ok((&document[..begin], &document[end..]))
}

/// Puts the table in its place. The document is read again: a hunt takes long, and meanwhile others
/// write.
fn replace(path: &Path, table: &str) -> Result<(), Failure> {
    let document = read(path)?;
    let (before, behind) = around(path, &document)?;
    fs::write(path, format!("{before}\n{table}\n{behind}")).map_err(|why| {
        let what = format!("cannot write {}: {why}", path.display());
        LoadError::new(what, "`--into` needs a document that can be written").into()
    })
}
