//! `byzsim list`: what there is.

use byzsim_adversaries::Class;
use byzsim_core::{PROPERTIES, SHARED_MILESTONES};
use clap::{Args, ValueEnum};

use super::options::format_of;
use super::{Failure, output};
use crate::cli::exit::Exit;
use crate::file::error::LoadError;
use crate::file::library::{self, Found};
use crate::report::format::Format;
use crate::report::list::{Entry, Lists};
use crate::run::load::load;
use crate::run::registry::{ProtocolEntry, protocol, protocols};

/// List scenarios, protocols, faults, lies, fields, flaws, properties and milestones.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    byzsim list\n  \
    byzsim list flaws --protocol pbft\n  \
    byzsim list scenarios --format json")]
pub struct List {
    /// What to list [default: everything].
    #[arg(value_enum)]
    what: Option<What>,
    /// Only what belongs to this protocol: its scenarios, lies, fields and flaws.
    #[arg(long)]
    protocol: Option<String>,
    /// The format of the output.
    #[arg(long, value_parser = format_of::<Lists>(), default_value = "human")]
    format: Format,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum What {
    Scenarios,
    Protocols,
    Faults,
    Lies,
    Fields,
    Flaws,
    Properties,
    Milestones,
}

impl List {
    pub(super) fn execute(&self) -> Result<Exit, Failure> {
        let all = What::value_variants();
        let kinds = self.what.as_ref().map_or(all, std::slice::from_ref);
        let chosen = match &self.protocol {
            None => protocols().collect(),
            Some(name) => vec![protocol(name).map_err(|problem| LoadError {
                what: problem.what,
                help: problem.help,
                place: None,
            })?],
        };
        let list = |kind: &What| (name_of(*kind), entries(*kind, &chosen));
        let lists = kinds.iter().map(list).collect();
        output::result(&Lists { lists, with_headings: self.what.is_none() }, self.format)?;
        Ok(Exit::Expected)
    }
}

fn name_of(kind: What) -> String {
    kind.to_possible_value().expect("no kind is hidden").get_name().to_owned()
}

fn entries(kind: What, chosen: &[&'static ProtocolEntry]) -> Vec<Entry> {
    let entry = |name: &str, about: &str| Entry {
        kind: name_of(kind),
        name: name.to_owned(),
        about: about.to_owned(),
    };
    match kind {
        What::Scenarios => {
            let is_any = chosen.len() == protocols().count();
            let is_chosen = |name: &str| is_any || chosen.iter().any(|it| it.name == name);
            let all = library::all();
            let all = all.iter().map(|(name, found)| scenario(name, found));
            all.filter(|(of, _)| is_chosen(of)).map(|(_, entry)| entry).collect()
        }
        What::Protocols => chosen.iter().map(|it| entry(it.name, it.about)).collect(),
        What::Faults => {
            let descriptors = Class::ALL.iter().map(|class| class.descriptor());
            descriptors.map(|it| entry(it.name, it.about)).collect()
        }
        What::Lies => chosen
            .iter()
            .flat_map(|protocol| protocol.vocabulary.lies.iter().map(move |lie| (protocol, lie)))
            .map(|(protocol, lie)| {
                let about = format!("{} {}: {}", protocol.name, lie.kind, lie.about);
                entry(lie.name, &about)
            })
            .collect(),
        What::Fields => chosen
            .iter()
            .flat_map(|protocol| {
                protocol.vocabulary.fields.iter().map(move |field| (protocol, field))
            })
            .map(|(protocol, field)| {
                let about =
                    format!("{} {}: {}", protocol.name, field.kind, field.sort.with_article());
                entry(field.name, &about)
            })
            .collect(),
        What::Flaws => chosen
            .iter()
            .flat_map(|protocol| (protocol.flaws)().into_iter().map(move |flaw| (protocol, flaw)))
            .map(|(protocol, flaw)| {
                let about = format!("{}: {} ({})", protocol.name, flaw.about, flaw.violates);
                entry(flaw.name, &about)
            })
            .collect(),
        What::Properties => PROPERTIES.iter().map(|p| entry(p.name, p.about)).collect(),
        What::Milestones => SHARED_MILESTONES.iter().map(|(n, about)| entry(n, about)).collect(),
    }
}

/// The protocol of a scenario, and its entry. Of an invalid one the folder tells.
fn scenario(name: &str, found: &Found) -> (String, Entry) {
    let path = match found {
        Found::File(path) => path.display().to_string(),
        Found::Embedded { .. } => name.to_owned(),
    };
    let folder = name.split('/').next().unwrap_or(name);
    let (protocol, title) = match load(&path).map(|scenario| scenario.file) {
        Ok(file) if file.beyond_f => (file.protocol, format!("{} (BEYOND f)", file.title)),
        Ok(file) => (file.protocol, file.title),
        Err(error) => {
            let what = error.what.lines().next().unwrap_or_default();
            (folder.to_owned(), format!("(invalid: {what})"))
        }
    };
    (protocol, Entry { kind: name_of(What::Scenarios), name: name.to_owned(), about: title })
}
