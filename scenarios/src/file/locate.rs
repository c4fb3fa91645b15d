//! Finds the place of a value in the text of its document, for errors that point at it.

use std::collections::BTreeMap;
use std::ops::Range;

use serde_json::value::RawValue;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::file::path::{Step, Tree};

/// Where the value at `path` is in a TOML document; where its nearest ancestor is, if it is absent.
pub(crate) fn in_toml(text: &str, path: &[Step]) -> Option<Range<usize>> {
    let document = whole(DeTable::parse(text).ok()?);
    let found = Place { value: &document, span: None }.nearest(path);
    found.span.map(|span| one_line(text, span))
}

/// The table of a whole document, as a value like those within it.
pub(crate) fn whole(document: Spanned<DeTable<'_>>) -> Spanned<DeValue<'_>> {
    Spanned::new(document.span(), DeValue::Table(document.into_inner()))
}

/// A value of a TOML document, and where it is; the whole document is in no particular place.
#[derive(Clone)]
struct Place<'a, 'i> {
    value: &'a Spanned<DeValue<'i>>,
    span: Option<Range<usize>>,
}

impl Tree for Place<'_, '_> {
    fn below(self, step: &Step) -> Option<Self> {
        match (self.value.get_ref(), step) {
            (DeValue::Table(table), Step::Key(key)) => {
                let (name, value) = table.iter().find(|(name, _)| name.get_ref() == key)?;
                // The span of a table that is written as `[a.b]` is its header: as good as its key.
                let span = if value.span().is_empty() { name.span() } else { value.span() };
                Some(Place { value, span: Some(span) })
            }
            (DeValue::Array(array), Step::Index(index)) => {
                let value = array.get(*index)?;
                Some(Place { value, span: Some(value.span()) })
            }
            _ => None,
        }
    }
}

/// The value itself, to change it: what is around it keeps its places in the text.
impl Tree for &mut Spanned<DeValue<'_>> {
    fn below(self, step: &Step) -> Option<Self> {
        match (self.get_mut(), step) {
            (DeValue::Table(table), Step::Key(key)) => {
                table.iter_mut().find(|(name, _)| name.get_ref() == key).map(|(_, value)| value)
            }
            (DeValue::Array(array), Step::Index(index)) => array.get_mut(*index),
            _ => None,
        }
    }
}

/// Where the value at `path` is in a JSON document; where its nearest ancestor is, if it is absent.
pub(crate) fn in_json(text: &str, path: &[Step]) -> Option<Range<usize>> {
    let found = serde_json::from_str::<&RawValue>(text).ok()?.nearest(path);
    // A raw value is a slice of the text.
    let start = (found.get().as_ptr() as usize).checked_sub(text.as_ptr() as usize)?;
    Some(one_line(text, start..start + found.get().len()))
}

impl Tree for &RawValue {
    fn below(self, step: &Step) -> Option<Self> {
        match step {
            Step::Key(key) => {
                serde_json::from_str::<BTreeMap<String, Self>>(self.get()).ok()?.remove(key)
            }
            Step::Index(index) => {
                serde_json::from_str::<Vec<Self>>(self.get()).ok()?.get(*index).copied()
            }
        }
    }
}

/// Where line `line`, column `column` (both from 1) of `text` is.
pub(crate) fn at_line(text: &str, line: usize, column: usize) -> Range<usize> {
    let lines = text.split_inclusive('\n').take(line.saturating_sub(1));
    let start: usize = lines.map(str::len).sum();
    let mut place = (start + column.saturating_sub(1)).min(text.len().saturating_sub(1));
    while !text.is_char_boundary(place) {
        place -= 1;
    }
    let width = text[place..].chars().next().map_or(0, char::len_utf8);
    place..place + width
}

/// The part of `span` on its first line: a caret under forty lines points at nothing.
fn one_line(text: &str, span: Range<usize>) -> Range<usize> {
    let length = text[span.clone()].find('\n').unwrap_or(span.len());
    span.start..span.start + length.clamp(1, 200).min(span.len().max(1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::file::path::parse as steps;

    #[test]
    fn values_are_found_in_both_languages() {
        let toml = "format = 1\n[cluster]\nreplicas = 3\n[[fault]]\ndo = { mute = \"r9\" }\n";
        let json =
            r#"{"format": 1, "cluster": {"replicas": 3}, "fault": [{"do": {"mute": "r9"}}]}"#;
        for (path, value) in [("cluster.replicas", "3"), ("fault[0].do.mute", "\"r9\"")] {
            let found = in_toml(toml, &steps(path)).expect("it is there");
            assert_eq!(&toml[found], value, "{path}");
            let found = in_json(json, &steps(path)).expect("it is there");
            assert_eq!(&json[found], value, "{path}");
        }
        let absent = in_toml(toml, &steps("cluster.clients")).expect("its table");
        assert_eq!(&toml[absent], "[cluster]");
    }

    #[test]
    fn lines_and_columns_are_found() {
        let text = "ab\ncde\n";
        assert_eq!(&text[at_line(text, 2, 3)], "e");
        assert_eq!(at_line("", 1, 1), 0..0);
        assert_eq!(&text[at_line(text, 99, 99)], "\n");
    }
}
