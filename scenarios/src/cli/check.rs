//! `byzsim check`: are the files right?

use clap::Args;

use super::options::CommonOptions;
use super::{Failure, complaint, output};
use crate::cli::exit::Exit;
use crate::file::document::Document;
use crate::file::format::SeedRange;
use crate::repro::Repro;
use crate::run::scenario::Scenario;
use crate::run::unfired::{Unfired, unfired};

/// Check scenario and repro files, and explain faults that never fire.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    byzsim check my.toml\n  \
    byzsim check scenarios/library/pbft/*.toml\n  \
    byzsim check pbft/chaos runs/pbft-chaos-8391.json")]
pub struct Check {
    /// Scenario or repro files, or names of scenarios in the library.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<String>,
}

impl Check {
    pub(super) fn execute(&self, common: &CommonOptions) -> Result<Exit, Failure> {
        let mut exit = Exit::Expected;
        for file in &self.files {
            let checked = Document::find(file).and_then(|document| {
                if Repro::is_one(&document) {
                    // It is about one seed, whatever others its scenario names.
                    Repro::read(&document).map(|(Repro { seed, .. }, scenario)| {
                        (scenario, SeedRange { start: seed, end: seed.saturating_add(1) })
                    })
                } else {
                    let scenario = Scenario::from_document(&document, &[]);
                    scenario.map(|scenario| {
                        let seeds = scenario.file.seeds;
                        (scenario, seeds)
                    })
                }
            });
            match checked {
                Ok(_) if common.quiet => {}
                Ok((scenario, seeds)) => {
                    let hash = scenario.hash.hex();
                    let beyond = if scenario.file.beyond_f { "  BEYOND f" } else { "" };
                    let title = &scenario.file.title;
                    output::data(&format!("ok  {file}  #{}  {title}{beyond}\n", &hash[..8]))?;
                    for note in &scenario.notes {
                        output::note(&format!("note: {note}"));
                    }
                    for Unfired { fault, action, why, played } in unfired(&scenario, seeds) {
                        output::note(&format!(
                            "note: fault {fault} (`{action}`) never fires on {played}: {why}"
                        ));
                    }
                }
                Err(error) => {
                    complaint::print(error);
                    exit = Exit::Usage;
                }
            }
        }
        Ok(exit)
    }
}
