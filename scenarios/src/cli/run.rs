//! `byzsim run`: one run, step by step.

use std::path::Path;

use clap::Args;

use super::options::{ChangeOptions, Crypto, Format, Manner, StrategyOption};
use super::repro_files::ReproFiles;
use super::{Failure, output};
use crate::cli::exit::Exit;
use crate::file::document::Document;
use crate::file::error::LoadError;
use crate::report::run as report;
use crate::report::timeline::Timeline;
use crate::repro::Repro;
use crate::run::result::{PlayOptions, Report};
use crate::run::scenario::Scenario;
use crate::sweep::row::Row;

/// Play one run of a scenario, and show it step by step.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    byzsim run pbft/fault-free\n  \
    byzsim run pbft/chaos --seed 17 -v\n  \
    byzsim run pbft/chaos --strategy twins --seed 285\n  \
    byzsim run my.toml --set cluster.replicas=7 --set cluster.faults=2")]
pub struct Run {
    /// A file, or a name of the library (`byzsim list scenarios`).
    #[arg(value_name = "SCENARIO")]
    scenario: String,
    /// The seed; the first of the scenario's if nothing is said.
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// How signatures are made. No output depends on it.
    #[arg(long, value_enum, default_value = "ed25519")]
    crypto: Crypto,
    #[command(flatten)]
    strategy: StrategyOption,
    #[command(flatten)]
    changes: ChangeOptions,
    /// Show every message and every small step as well.
    #[arg(short, long, conflicts_with = "quiet")]
    verbose: bool,
    /// How the run is written.
    #[arg(long, value_enum, default_value = "human")]
    format: Format,
}

impl Run {
    pub(super) fn execute(&self, manner: &Manner) -> Result<Exit, Failure> {
        if Repro::is_one(&Document::find(&self.scenario)?) {
            let what = format!("`{}` is a repro file: a run, and not a scenario", self.scenario);
            let help = format!("`byzsim replay {} -v` shows it step by step", self.scenario);
            return Err(LoadError::new(what, help).into());
        }
        let scenario = self.changes.load(&self.scenario, manner)?;
        let strategy = self.strategy.of(&scenario)?;
        let seed = self.seed.unwrap_or(scenario.file.seeds.start);
        let options = PlayOptions { crypto: self.crypto.into(), with_marks: true };
        let drawn = scenario.draw_by(strategy, seed);
        if self.format == Format::Json {
            let report = scenario.play_drawn(seed, drawn, &options, None);
            output::json(&Row::new(&report))?;
            return Ok(report.judgement.into());
        }
        let mut timeline =
            Timeline::new(scenario.under(&drawn).committee, drawn.plan.corrupted(), self.verbose);
        let report = if manner.quiet {
            scenario.play_drawn(seed, drawn, &options, None)
        } else {
            scenario.play_drawn(seed, drawn, &options, Some(&mut timeline))
        };
        let mut text = report::header(&scenario, seed, &report.drawn, report.beyond_f);
        if !manner.quiet {
            text.push_str(&timeline.render(&report));
        }
        text.push_str(&report::verdict(&scenario, &report));
        let again = match self.repro(&scenario, &report) {
            Some(path) => format!("byzsim replay {path}"),
            None => {
                let how = self.changes.as_arguments() + &strategy.said(" --strategy ");
                format!("byzsim replay {}{how} --seed {seed}", self.scenario)
            }
        };
        report::line(&mut text, "replay", &again);
        output::data(&text)?;
        Ok(report.judgement.into())
    }

    /// Writes a repro file if something is violated; where it is, if it could be written.
    fn repro(&self, scenario: &Scenario, report: &Report) -> Option<String> {
        if report.findings().is_empty() {
            return None;
        }
        let repro = Repro::new(scenario, report, self.crypto.into());
        let files = ReproFiles {
            folder: Path::new("runs"),
            scenario,
            changes: &self.changes,
            strategy: self.strategy.strategy,
            search: None,
        };
        files.write(report.seed, &repro)
    }
}
