//! `byzsim schema`, `completions` and `man`: what other programs know of byzsim.

use clap::{Args, CommandFactory as _};

use super::{Cli, Failure, output};
use crate::exit::Exit;
use crate::schema as schemas;

/// Print a completion script.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    byzsim completions bash > ~/.local/share/bash-completion/completions/byzsim\n  \
    byzsim completions zsh > ~/.zfunc/_byzsim\n  \
    byzsim completions fish > ~/.config/fish/completions/byzsim.fish")]
pub struct Completions {
    /// For which shell.
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

pub(super) fn schema() -> Result<Exit, Failure> {
    output::json(&schemas::scenario())?;
    Ok(Exit::Expected)
}

pub(super) fn man() -> Result<Exit, Failure> {
    let mut page = Vec::new();
    clap_mangen::Man::new(Cli::command()).render(&mut page)?;
    output::data(&String::from_utf8_lossy(&page))?;
    Ok(Exit::Expected)
}
