//! `byzsim new`: something to start from.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};

use super::options::CommonOptions;
use super::{Failure, output};
use crate::cli::exit::Exit;
use crate::file::error::LoadError;
use crate::run::registry;
use crate::scaffold::scenario::{self, Start};
use crate::scaffold::{self, Draft, protocol};

/// Start a protocol, a scenario or an attack of your own.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    byzsim new scenario slow-links --protocol pbft\n  \
    byzsim new attack withhold --protocol zyzzyva\n  \
    byzsim new protocol two-phase               in a checkout of byzsim's sources")]
pub struct New {
    /// What.
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Add a protocol to a checkout of byzsim's sources: a copy of the smallest one.
    Protocol {
        /// Its name: lower-case letters and digits, with hyphens between words.
        name: String,
    },
    /// Write a scenario file in which nothing goes wrong yet.
    Scenario(File),
    /// Write a scenario file with faults to edit.
    Attack(File),
}

#[derive(Debug, Args)]
struct File {
    /// The name of the file to write, without `.toml`.
    name: String,
    /// The protocol, by its name in `byzsim list protocols`.
    #[arg(long)]
    protocol: String,
}

impl New {
    pub(super) fn execute(&self, common: &CommonOptions) -> Result<Exit, Failure> {
        match &self.what {
            What::Protocol { name } => of_protocol(name, common)?,
            What::Scenario(file) => of_scenario(file, Start::Scenario, common)?,
            What::Attack(file) => of_scenario(file, Start::Attack, common)?,
        }
        Ok(Exit::Expected)
    }
}

fn of_protocol(name: &str, common: &CommonOptions) -> Result<(), Failure> {
    let here = std::env::current_dir()?;
    let root = protocol::checkout(&here)?;
    let drafts = protocol::drafts(&root, name)?;
    scaffold::write(&drafts)?;
    for Draft { path, is_change, .. } in &drafts {
        let path = path.strip_prefix(&root).unwrap_or(path).display();
        let verb = if *is_change { "changed" } else { "written" };
        output::data(&format!("{verb}  {path}\n"))?;
    }
    if !common.quiet {
        output::note(&format!(
            "next: cargo fmt --all\n      \
             cargo run --profile checked -- run {name}/fault-free\n      \
             cargo run --profile checked -- sweep {name}/chaos\n\
             docs/your-protocol.md goes on from here"
        ));
    }
    Ok(())
}

fn of_scenario(file: &File, start: Start, common: &CommonOptions) -> Result<(), Failure> {
    let protocol = registry::protocol(&file.protocol).map_err(|problem| LoadError {
        what: problem.what,
        help: problem.help,
        place: None,
    })?;
    let stem = file.name.strip_suffix(".toml").unwrap_or(&file.name);
    let path = PathBuf::from(format!("{stem}.toml"));
    let title = Path::new(stem).file_name().map(|it| it.to_string_lossy().into_owned());
    let title = title.filter(|title| !title.is_empty()).ok_or_else(|| {
        LoadError::new(format!("`{}` is no name for a file", file.name), "use a word: `my-attack`")
    })?;
    let text = scenario::text(protocol, &title, start);
    scaffold::write(&[Draft { path, text, is_change: false }])?;
    output::data(&format!("written  {stem}.toml\n"))?;
    if !common.quiet {
        let is_plain = |it: char| it.is_ascii_alphanumeric() || "-_./".contains(it);
        let quote = if stem.chars().all(is_plain) { "" } else { "'" };
        let file = format!("{quote}{stem}.toml{quote}");
        output::note(&format!(
            "next: byzsim check {file}\n      byzsim run {file}\n      byzsim sweep {file}"
        ));
    }
    Ok(())
}
