//! Finds the place of a value in the text of its document, for errors that point at it.

use std::collections::BTreeMap;
use std::ops::Range;

use serde_json::value::RawValue;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::file::error::Step;

/// Where the value at `path` is in a TOML document; where its nearest ancestor is, if it is absent.
pub(crate) fn in_toml(text: &str, path: &[Step]) -> Option<Range<usize>> {
    let document = DeTable::parse(text).ok()?;
    let mut found = None;
    let mut steps = path.iter();
    let (Some(Step::Key(first)), table) = (steps.next(), document.get_ref()) else { return None };
    let mut here = member(table, first, &mut found)?;
    for step in steps {
        let next = match (here.get_ref(), step) {
            (DeValue::Table(table), Step::Key(key)) => member(table, key, &mut found),
            (DeValue::Array(array), Step::Index(index)) => {
                array.get(*index).inspect(|item| found = Some(item.span()))
            }
            _ => None,
        };
        let Some(next) = next else { break };
        here = next;
    }
    found.map(|span| one_line(text, span))
}

fn member<'a, 'i>(
    table: &'a DeTable<'i>,
    key: &str,
    found: &mut Option<Range<usize>>,
) -> Option<&'a Spanned<DeValue<'i>>> {
    let (name, value) = table.iter().find(|(name, _)| name.get_ref() == key)?;
    // The span of a table that is written as `[a.b]` is its header: as good as its key.
    let empty = value.span().is_empty();
    *found = Some(if empty { name.span() } else { value.span() });
    Some(value)
}

/// Where the value at `path` is in a JSON document; where its nearest ancestor is, if it is absent.
pub(crate) fn in_json(text: &str, path: &[Step]) -> Option<Range<usize>> {
    let mut here: &RawValue = serde_json::from_str(text).ok()?;
    for step in path {
        let next = match step {
            Step::Key(key) => serde_json::from_str::<BTreeMap<String, &RawValue>>(here.get())
                .ok()
                .and_then(|mut table| table.remove(key)),
            Step::Index(index) => serde_json::from_str::<Vec<&RawValue>>(here.get())
                .ok()
                .and_then(|array| array.get(*index).copied()),
        };
        let Some(next) = next else { break };
        here = next;
    }
    // A raw value is a slice of the text.
    let start = (here.get().as_ptr() as usize).checked_sub(text.as_ptr() as usize)?;
    Some(one_line(text, start..start + here.get().len()))
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
    use crate::file::error::steps;

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
