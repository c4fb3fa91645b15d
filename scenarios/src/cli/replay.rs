//! `byzsim replay`: the same run again, and whether it is the same.

use byzsim_core::{CryptoBackend, Recorder};
use clap::Args;

use super::options::{ChangeOptions, CommonOptions, StrategyOption};
use super::{Failure, output};
use crate::cli::exit::Exit;
use crate::file::document::Document;
use crate::file::error::LoadError;
use crate::file::format::VERSION;
use crate::report;
use crate::report::timeline::Timeline;
use crate::repro::Repro;
use crate::repro::replay::replay_recorded;
use crate::run::draw::Drawn;
use crate::run::result::PlayOptions;
use crate::run::scenario::Scenario;
use crate::run::strategy::Strategy;

/// Play a repro file again, or a seed twice, and compare the runs.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    byzsim replay runs/pbft-chaos-8391.json\n  \
    byzsim replay runs/pbft-chaos-8391.min.json -v\n  \
    byzsim replay pbft/chaos --seed 8391\n  \
    byzsim replay my.toml --seed 3 --flaw P06")]
pub struct Replay {
    /// A repro file, or a scenario with `--seed`.
    #[arg(value_name = "FILE")]
    file: String,
    /// The seed of the scenario [default: its first seed].
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    #[command(flatten)]
    strategy: StrategyOption,
    #[command(flatten)]
    changes: ChangeOptions,
    /// Show the run step by step, with every message.
    #[arg(short, long, conflicts_with = "quiet")]
    verbose: bool,
}

impl Replay {
    pub(super) fn execute(&self, common: &CommonOptions) -> Result<Exit, Failure> {
        let document = Document::find(&self.file)?;
        if Repro::is_one(&document) {
            self.refuse_options()?;
            let (repro, scenario) = Repro::read(&document)?;
            return self.play(&repro, &scenario, (&scenario, 0), common);
        }
        let scenario = self.changes.load(&self.file, common)?;
        let seed = self.seed.unwrap_or(scenario.file.seeds.start);
        // The drawn run, fixed, and played from the fixed file: this checks the file as well.
        let crypto = CryptoBackend::Ed25519;
        let drawn = scenario.draw_by(self.strategy.of(&scenario)?, seed);
        let condition = drawn.condition;
        let options = PlayOptions { crypto, with_marks: true };
        let repro =
            Repro::new(&scenario, &scenario.play_drawn(seed, drawn, &options, None), crypto);
        let fixed = repro
            .played()
            .map_err(|problem| LoadError::new(problem.what, problem.help.unwrap_or_default()))?;
        self.play(&repro, &fixed, (&scenario, condition), common)
    }

    fn refuse_options(&self) -> Result<(), LoadError> {
        let changed = !self.changes.flaws.is_empty() || !self.changes.set.is_empty();
        if self.seed.is_some() || changed || self.strategy.strategy != Strategy::Random {
            let what = "a repro file contains everything about its run: it takes no options";
            return Err(LoadError::new(
                what,
                "edit the file, or replay the scenario with `--seed`",
            ));
        }
        Ok(())
    }

    /// Plays the run of `repro`, read from a file or drawn from the scenario that is `shown`, under
    /// one of its conditions, which a fixed scenario has none of.
    fn play(
        &self,
        repro: &Repro,
        scenario: &Scenario,
        (shown, condition): (&Scenario, usize),
        common: &CommonOptions,
    ) -> Result<Exit, Failure> {
        if repro.byzsim != VERSION {
            let theirs = &repro.byzsim;
            output::note(&format!(
                "note: written by byzsim {theirs}, replayed by byzsim {VERSION}"
            ));
        }
        if repro.scenario_hash != scenario.hash.hex() {
            output::note("note: the scenario in the file was changed since it was written");
        }
        // All is fixed in this file: its faults are those of the run.
        let corrupted = scenario.file.faults.corrupted();
        let mut timeline = Timeline::new(scenario.committee, corrupted, true);
        let recorder = self.verbose.then_some(&mut timeline as &mut dyn Recorder);
        let replay = replay_recorded(repro, scenario, recorder);
        let run = &replay.report;
        let mut text = String::new();
        if !common.quiet {
            let drawn = Drawn { condition, ..run.drawn.clone() };
            text.push_str(&report::run::header(shown, run.seed, &drawn, run.beyond_f));
            if self.verbose {
                text.push_str(&timeline.render(run));
            }
            text.push_str(&report::run::verdict(scenario, run));
            let options = PlayOptions { crypto: repro.crypto, with_marks: false };
            if let Some(accountability) = scenario.blame(run, &options) {
                text.push_str(&report::accountability::human(&accountability));
            }
        }
        text.push_str(&report::replay::verdict(&replay));
        output::data(&text)?;
        Ok(if replay.divergence.is_none() { Exit::Expected } else { Exit::Diverged })
    }
}
