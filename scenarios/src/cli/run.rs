//! `byzsim run`: one run, step by step.

use std::path::{Path, PathBuf};

use byzsim_core::Recorder;
use clap::Args;

use super::options::{ChangeOptions, CommonOptions, Crypto, StrategyOption, format_of};
use super::{Failure, output};
use crate::cli::exit::Exit;
use crate::file::document::Document;
use crate::file::error::LoadError;
use crate::report::format::Format;
use crate::report::run::RunOutput;
use crate::report::timeline::Timeline;
use crate::repro::Repro;
use crate::repro::files::ReproFiles;
use crate::run::accountability::Accountability;
use crate::run::result::{PlayOptions, Report};
use crate::run::scenario::Scenario;

/// Play one run of a scenario and show it step by step.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    byzsim run pbft/fault-free\n  \
    byzsim run pbft/chaos --seed 17 -v\n  \
    byzsim run pbft/chaos --strategy twins --seed 285\n  \
    byzsim run my.toml --set cluster.replicas=7 --set cluster.faults=2")]
pub struct Run {
    /// A scenario file, or the name of a scenario in the library (`byzsim list scenarios`).
    #[arg(value_name = "SCENARIO")]
    scenario: String,
    /// The seed [default: the first seed of the scenario].
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// How signatures are made. It changes neither traces nor verdicts.
    #[arg(long, value_enum, default_value = "ed25519")]
    crypto: Crypto,
    #[command(flatten)]
    strategy: StrategyOption,
    #[command(flatten)]
    changes: ChangeOptions,
    /// Also show every message and every minor event.
    #[arg(short, long, conflicts_with = "quiet")]
    verbose: bool,
    /// Say whom signed messages prove guilty, even if no safety property is violated.
    #[arg(long)]
    blame: bool,
    /// The format of the output.
    #[arg(long, value_parser = format_of::<RunOutput<'_>>(), default_value = "human")]
    format: Format,
}

impl Run {
    pub(super) fn execute(&self, common: &CommonOptions) -> Result<Exit, Failure> {
        if Repro::is_one(&Document::find(&self.scenario)?) {
            let what = format!("`{}` is a repro file, not a scenario", self.scenario);
            let help = format!("`byzsim replay {} -v` shows its run step by step", self.scenario);
            return Err(LoadError::new(what, help).into());
        }
        let scenario = self.changes.load(&self.scenario, common)?;
        let strategy = self.strategy.of(&scenario)?;
        let seed = self.seed.unwrap_or(scenario.file.seeds.start);
        let options = PlayOptions { crypto: self.crypto.into(), with_marks: true };
        let drawn = scenario.draw_by(strategy, seed);
        // Programs read the numbers of the run, and nothing of its steps.
        let is_watched = self.format == Format::Human && !common.quiet;
        let mut timeline =
            Timeline::new(scenario.under(&drawn).committee, drawn.plan.corrupted(), self.verbose);
        let recorder = is_watched.then_some(&mut timeline as &mut dyn Recorder);
        let report = scenario.play_drawn(seed, drawn, &options, recorder);
        let steps = is_watched.then(|| timeline.render(&report));
        let repro =
            if self.format == Format::Human { self.repro(&scenario, &report) } else { None };
        let again = match repro {
            Some(path) => format!("byzsim replay {}", path.display()),
            None => {
                let how = self.changes.as_arguments() + &strategy.said(" --strategy ");
                format!("byzsim replay {}{how} --seed {seed}", self.scenario)
            }
        };
        let accountability = self.accountability(&scenario, &report, &options);
        let accountability = accountability.as_ref();
        let (steps, again) = (steps.as_deref(), &*again);
        let (scenario, report) = (&scenario, &report);
        let output = RunOutput { scenario, report, accountability, steps, again };
        output::result(&output, self.format)?;
        Ok(report.judgement.into())
    }

    /// Who is to blame, if something is violated or the user wants to know all the same.
    fn accountability(
        &self,
        scenario: &Scenario,
        report: &Report,
        options: &PlayOptions,
    ) -> Option<Accountability> {
        scenario.blame(report, options).or_else(|| {
            let is_asked = self.blame && report.result.is_ok();
            is_asked.then(|| scenario.investigate(report.seed, &report.drawn, false, options))
        })
    }

    /// Writes a repro file if something is violated; where it is, if it could be written.
    fn repro(&self, scenario: &Scenario, report: &Report) -> Option<PathBuf> {
        if report.findings().is_empty() {
            return None;
        }
        let repro = Repro::new(scenario, report, self.crypto.into());
        let files = ReproFiles {
            folder: Path::new("runs"),
            scenario,
            changes: &self.changes.changes(),
            strategy: self.strategy.strategy,
            search: None,
        };
        let written = files.write(report.seed, &repro);
        // The verdict counts all the same.
        written.inspect_err(|unwritten| output::note(&format!("note: {unwritten}"))).ok()
    }
}
