//! `byzsim hunt`: how many runs it takes to find each planted flaw.

use clap::Args;

use super::options::Manner;
use super::{Failure, output};
use crate::error::LoadError;
use crate::exit::Exit;
use crate::hunt::{HuntOptions, hunt};
use crate::names;
use crate::registry::PROTOCOLS;
use crate::report::hunt as report;
use crate::search::Strategy;

/// Hunt planted flaws: how many runs until each strategy finds them, and how small they shrink.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    byzsim hunt P02 P08 Z07\n  \
    byzsim hunt pbft --strategies guided --runs 20000 --campaigns 3\n  \
    byzsim hunt --format md")]
pub struct Hunt {
    /// Flaws, by name or number, or protocols; all flaws if nothing is said.
    #[arg(value_name = "FLAW")]
    flaws: Vec<String>,
    /// The strategies that are compared.
    #[arg(
        long,
        value_name = "NAMES",
        value_delimiter = ',',
        default_value = "random,twins,guided"
    )]
    strategies: Vec<Strategy>,
    /// How many runs one search has at most.
    #[arg(
        long,
        value_name = "N",
        default_value = "20000",
        value_parser = clap::value_parser!(u64).range(1..)
    )]
    runs: u64,
    /// How many searches each strategy gets; medians are shown.
    #[arg(
        long,
        value_name = "N",
        default_value = "3",
        value_parser = clap::value_parser!(u64).range(1..=99)
    )]
    campaigns: u64,
    /// How many searches go on at once; one per core if nothing is said.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1_024))]
    jobs: Option<u16>,
    /// How the table is written.
    #[arg(long, value_enum, default_value = "human")]
    format: HuntFormat,
}

/// How a hunt is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum HuntFormat {
    /// For people.
    Human,
    /// For programs.
    Json,
    /// A table in Markdown.
    Md,
}

impl Hunt {
    pub(super) fn execute(&self, manner: &Manner) -> Result<Exit, Failure> {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let options = HuntOptions {
            strategies: self.strategies.clone(),
            campaigns: self.campaigns,
            runs_max: self.runs,
            jobs: self.jobs.map_or(cores, usize::from),
        };
        let hunted = hunt(&self.chosen()?, &options, |flaw, strategy, catch| {
            if !manner.quiet {
                let what = match catch {
                    Some(catch) => format!("{} after {} runs", catch.property, catch.runs),
                    None => format!("nothing in {} runs", self.runs),
                };
                output::note(&format!("{flaw}  {strategy}: {what}"));
            }
        })?;
        match self.format {
            HuntFormat::Human => output::data(&report::table(&hunted, &options))?,
            HuntFormat::Md => output::data(&report::markdown(&hunted, &options))?,
            HuntFormat::Json => output::json(&hunted)?,
        }
        Ok(Exit::Expected)
    }

    /// The flaws that are meant, each with its protocol.
    fn chosen(&self) -> Result<Vec<(&'static str, byzsim_protocols::FlawEntry)>, LoadError> {
        let all: Vec<_> = PROTOCOLS
            .iter()
            .flat_map(|row| (row.flaws)().into_iter().map(|flaw| (row.name, flaw)))
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
