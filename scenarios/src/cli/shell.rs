//! `byzsim schema`, `completions` and `man`: what other programs know of byzsim.

use clap::{Args, CommandFactory as _};

use super::{Cli, Failure, output};
use crate::cli::exit::Exit;
use crate::file::error::LoadError;
use crate::file::names;
use crate::report::format::json;
use crate::run::schema as schemas;

/// Print a completion script for a shell.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    byzsim completions bash > ~/.local/share/bash-completion/completions/byzsim\n  \
    byzsim completions zsh > ~/.zfunc/_byzsim\n  \
    byzsim completions fish > ~/.config/fish/completions/byzsim.fish")]
pub struct Completions {
    /// The shell.
    #[arg(value_enum)]
    shell: clap_complete::Shell,
}

impl Completions {
    pub(super) fn execute(&self) -> Result<Exit, Failure> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut Cli::command(), "byzsim", &mut script);
        output::data(&String::from_utf8_lossy(&script))?;
        Ok(Exit::Expected)
    }
}

/// Print the JSON Schema of scenario files.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    byzsim schema > scenario.schema.json\n  \
    byzsim schema | jq .definitions.Cluster\n  \
    Editors with the Taplo language server complete and check a TOML file that begins with\n  \
    `#:schema ./scenario.schema.json`.")]
pub struct Schema {}

impl Schema {
    #[expect(clippy::unused_self, reason = "every command is executed in this way")]
    pub(super) fn execute(&self) -> Result<Exit, Failure> {
        output::data(&json(&schemas::scenario())?)?;
        Ok(Exit::Expected)
    }
}

/// Print the manual page of byzsim or of a command.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    byzsim man | man -l -\n  \
    byzsim man sweep | man -l -\n  \
    byzsim man > ~/.local/share/man/man1/byzsim.1")]
pub struct Man {
    /// The command.
    command: Option<String>,
}

impl Man {
    pub(super) fn execute(&self) -> Result<Exit, Failure> {
        let mut cli = Cli::command();
        cli.build();
        let command = match &self.command {
            None => cli,
            Some(name) => cli.find_subcommand(name).cloned().ok_or_else(|| {
                let known = cli.get_subcommands().map(clap::Command::get_name);
                LoadError::new(format!("there is no command `{name}`"), names::advice(name, known))
            })?,
        };
        let mut page = Vec::new();
        clap_mangen::Man::new(command).render(&mut page)?;
        output::data(&String::from_utf8_lossy(&page))?;
        Ok(Exit::Expected)
    }
}
