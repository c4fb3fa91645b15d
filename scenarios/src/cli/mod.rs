//! The command line: one file per command.

mod alter;
mod check;
mod compare;
mod complaint;
pub mod exit;
mod hunt;
mod interrupt;
mod list;
mod merge;
mod new;
mod options;
mod output;
mod profile;
mod progress;
mod replay;
mod run;
mod shell;
mod shrink;
mod sweep;

use std::process::ExitCode;

use clap::{ColorChoice, Parser, Subcommand};

use options::CommonOptions;

use crate::cli::exit::Exit;
use crate::file::error::LoadError;
use crate::run::registry::{self, ProtocolEntry};

/// A deterministic simulator for Byzantine fault-tolerant protocols.
#[derive(Debug, Parser)]
#[command(
    name = "byzsim",
    bin_name = "byzsim",
    version,
    about,
    max_term_width = 100,
    after_help = "Examples:\n  \
        byzsim list                          scenarios, protocols, faults, flaws, ...\n  \
        byzsim run pbft/fault-free           one run, step by step\n  \
        byzsim sweep pbft/chaos --seeds 0..10000\n\n\
        Exit codes: 0 as expected, 1 violation, 2 wrong usage or invalid file, 3 inconclusive,\n\
        4 replay diverged, or the run to shrink no longer fails, 70 internal error,\n\
        130 interrupted (finished rows are kept)."
)]
pub struct Cli {
    /// The options of all commands.
    #[command(flatten)]
    common: CommonOptions,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Play one run of a scenario and show it step by step.
    Run(run::Run),
    /// Play a repro file again, or a seed twice, and compare the runs.
    Replay(replay::Replay),
    /// Find a smaller run that fails for the same reason as that of a repro file.
    Shrink(shrink::Shrink),
    /// Measure how many runs each strategy needs to find planted flaws.
    Hunt(hunt::Hunt),
    /// Play many seeds of a scenario.
    Sweep(sweep::Sweep),
    /// Combine the shards of a sweep.
    Merge(merge::Merge),
    /// Measure the costs of protocols and compare them with formulas.
    Compare(compare::Compare),
    /// Alter what correct nodes reported in clean runs, and count what the properties notice.
    Alter(alter::Alter),
    /// Measure what is usual in the runs of a scenario, and tell what has changed.
    Profile(profile::ProfileCommand),
    /// Check scenario and repro files, and explain faults that never fire.
    Check(check::Check),
    /// Start a protocol, a scenario or an attack of your own.
    New(new::New),
    /// List scenarios, protocols, faults, lies, fields, flaws, properties and milestones.
    List(list::List),
    /// Print the JSON Schema of scenario files.
    Schema(shell::Schema),
    /// Print a completion script for a shell.
    Completions(shell::Completions),
    /// Print the manual page of byzsim or of a command.
    Man(shell::Man),
}

/// Runs the command line of this process with more protocols: those of the program that calls it.
pub fn main_with(protocols: Vec<ProtocolEntry>) -> ExitCode {
    registry::add(protocols);
    main()
}

/// Runs the command line of this process.
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            let exit = if error.use_stderr() { Exit::Usage } else { Exit::Expected };
            // If even that cannot be written, the exit code still tells.
            let _ = error.print();
            return exit.into();
        }
    };
    match cli.common.color {
        ColorChoice::Auto => {}
        ColorChoice::Always => anstream::ColorChoice::Always.write_global(),
        ColorChoice::Never => anstream::ColorChoice::Never.write_global(),
    }
    let exit = std::panic::catch_unwind(|| dispatch(&cli));
    match exit {
        Ok(Ok(exit)) => exit.into(),
        Ok(Err(Failure::Load(error))) => {
            complaint::print(*error);
            Exit::Usage.into()
        }
        Ok(Err(Failure::Io(error))) if error.kind() == std::io::ErrorKind::BrokenPipe => {
            // Whoever reads has read enough.
            Exit::Expected.into()
        }
        Ok(Err(Failure::Io(error))) => {
            output::note(&format!("error: {error}"));
            Exit::Internal.into()
        }
        // The panic's own message is on stderr already.
        Err(_) => Exit::Internal.into(),
    }
}

fn dispatch(Cli { common, command }: &Cli) -> Result<Exit, Failure> {
    match command {
        Command::Run(run) => run.execute(common),
        Command::Replay(replay) => replay.execute(common),
        Command::Shrink(shrink) => shrink.execute(common),
        Command::Hunt(hunt) => hunt.execute(common),
        Command::Sweep(sweep) => sweep.execute(common),
        Command::Merge(merge) => merge.execute(common),
        Command::Compare(compare) => compare.execute(common),
        Command::Alter(alter) => alter.execute(common),
        Command::Profile(profile) => profile.execute(common),
        Command::Check(check) => check.execute(common),
        Command::New(new) => new.execute(common),
        Command::List(list) => list.execute(),
        Command::Schema(schema) => schema.execute(),
        Command::Completions(completions) => completions.execute(),
        Command::Man(man) => man.execute(),
    }
}

/// Why a command did not run to its end.
#[derive(Debug)]
enum Failure {
    Load(Box<LoadError>),
    Io(std::io::Error),
}

impl From<LoadError> for Failure {
    fn from(error: LoadError) -> Self {
        Self::Load(Box::new(error))
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Self::Io(error)
    }
}
