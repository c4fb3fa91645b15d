//! Options that several commands share.

use byzsim_core::CryptoBackend;
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use clap::{Args, ColorChoice, ValueEnum};

use super::output;
use crate::file::error::LoadError;
use crate::report::format::{Format, Written};
use crate::report::style::{counted, verb};
use crate::run::load::{Changes, load_with};
use crate::run::scenario::Scenario;
use crate::run::strategy::Strategy;

/// The options that all commands have.
#[derive(Debug, Args)]
#[command(next_help_heading = "Options of all commands")]
pub(super) struct CommonOptions {
    /// When to use colour.
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    pub(super) color: ColorChoice,
    /// Print less: no steps, only the result.
    #[arg(short, long, global = true)]
    pub(super) quiet: bool,
}

/// What is changed in a scenario.
#[derive(Debug, Args)]
pub(super) struct ChangeOptions {
    /// Plant a flaw, given by its name or number (`P06`); may be repeated.
    #[arg(long = "flaw", value_name = "NAME")]
    pub(super) flaws: Vec<String>,
    /// Set a value of the scenario, such as `cluster.replicas=7`; may be repeated.
    #[arg(long, value_name = "PATH=VALUE")]
    pub(super) set: Vec<String>,
}

impl ChangeOptions {
    /// Loads a scenario with these changes. A note says what falls away with them.
    pub(super) fn load(&self, name: &str, common: &CommonOptions) -> Result<Scenario, LoadError> {
        let scenario = load_with(name, &self.changes())?;
        if 0 < scenario.left_out && !common.quiet {
            let count = scenario.left_out as u64;
            output::note(&format!(
                "note: {} of the scenario {} left out: `--set` sets what {}",
                counted(count, "condition"),
                verb(count, "is", "are"),
                verb(count, "it changes", "they change")
            ));
        }
        Ok(scenario)
    }

    /// The changes as the library knows them.
    pub(super) fn changes(&self) -> Changes {
        Changes { flaws: self.flaws.clone(), set: self.set.clone() }
    }

    /// The changes as a command line repeats them, with a blank before each.
    pub(super) fn as_arguments(&self) -> String {
        let flaws = self.flaws.iter().map(|flaw| format!(" --flaw {flaw}"));
        let set = self.set.iter().map(|set| format!(" --set '{set}'"));
        flaws.chain(set).collect()
    }
}

/// How the plan of a single run is chosen.
#[derive(Debug, Args)]
pub(super) struct StrategyOption {
    /// How the plan is chosen: `random`, `twins`, `delays`, `priorities`.
    #[arg(long, value_name = "NAME", default_value = "random")]
    pub(super) strategy: Strategy,
}

impl StrategyOption {
    /// The strategy, if the seed alone tells what plan it has for `scenario`.
    pub(super) fn of(&self, scenario: &Scenario) -> Result<Strategy, LoadError> {
        if self.strategy == Strategy::Guided {
            let what = "a run of a guided search depends on earlier runs, not on its seed alone";
            let help = "sweep with `--strategy guided` and replay the repro files that it writes";
            return Err(LoadError::new(what, help));
        }
        scenario.admits(self.strategy)?;
        Ok(self.strategy)
    }
}

/// How signatures are made. It changes neither traces nor verdicts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Crypto {
    /// Real signatures.
    Ed25519,
    /// Signatures that are known to be genuine because only their signer can make them; faster.
    Ideal,
}

impl From<Crypto> for CryptoBackend {
    fn from(crypto: Crypto) -> Self {
        match crypto {
            Crypto::Ed25519 => Self::Ed25519,
            Crypto::Ideal => Self::Ideal,
        }
    }
}

/// Reads the name of a format in which `T` is written.
pub(super) fn format_of<T: Written + 'static>() -> impl TypedValueParser<Value = Format> {
    let values = T::offers()
        .into_iter()
        .map(|offer| PossibleValue::new(offer.format.name()).help(offer.about));
    PossibleValuesParser::new(values).map(|name| {
        let named = T::offers().into_iter().find(|offer| offer.format.name() == name);
        named.expect("no other name is taken").format
    })
}
