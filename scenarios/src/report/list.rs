//! Lists of what there is, in all of their formats.

use serde::Serialize;

use super::format::{Format, Offer, Written, json};
use super::style::{HEAD, paint};

/// Something that there is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Entry {
    /// Of which kind.
    pub kind: String,
    /// Its name.
    pub name: String,
    /// What it is.
    pub about: String,
}

/// Lists that are written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lists {
    /// One list for each kind.
    pub lists: Vec<(String, Vec<Entry>)>,
    /// Whether each has a heading.
    pub with_headings: bool,
}

impl Written for Lists {
    fn offers() -> Vec<Offer<Self>> {
        vec![
            Offer { format: Format::Human, about: "For people", write: |it| Ok(it.human()) },
            Offer {
                format: Format::Json,
                about: "For programs",
                write: |it| {
                    let entries = it.lists.iter().flat_map(|(_, entries)| entries);
                    json(&entries.collect::<Vec<_>>())
                },
            },
        ]
    }
}

impl Lists {
    fn human(&self) -> String {
        let mut text = String::new();
        for (kind, entries) in &self.lists {
            if self.with_headings {
                text.push_str(&format!("{}\n", paint(HEAD, kind.to_uppercase())));
            }
            let width = entries.iter().map(|entry| entry.name.len()).max().unwrap_or(0);
            for Entry { name, about, .. } in entries {
                text.push_str(&format!("  {name:width$}  {about}\n"));
            }
        }
        text
    }
}
