//! `--set`: values that the command line puts into a document.

use serde_json::{Map, Value};

use crate::file::document::{Document, Language};
use crate::file::error::LoadError;
use crate::file::path::{self, Step, Tree as _};

/// The document with the values of `set` put into it, and how many conditions these leave out.
///
/// # Errors
/// If the document cannot be read, or one of the values cannot be put into it.
pub(crate) fn with(document: &Document, set: &[String]) -> Result<(Document, usize), LoadError> {
    let mut value: Value = document.parse()?;
    forget_nulls(&mut value);
    let mut left_out = 0;
    for change in set {
        let path = assign(&mut value, change)?;
        left_out += forget_conditions(&mut value, &path);
    }
    // JSON has greater numbers than TOML.
    let help = match document.language {
        Language::Json => "write the scenario in TOML, or set smaller values",
        Language::Toml => "check `--set`",
    };
    let cannot = |why: String| LoadError::new(format!("cannot set values: {why}"), help);
    let table = toml::Table::try_from(value).map_err(|why| cannot(why.to_string()))?;
    let text = toml::to_string(&table).map_err(|why| cannot(why.to_string()))?;
    let document = Document {
        name: document.name.clone(),
        file: format!("{} with --set {}", document.file, set.join(" --set ")),
        text: text.into(),
        language: Language::Toml,
    };
    Ok((document, left_out))
}

/// Sets the value at a path: `cluster.replicas=7`. Returns the path.
fn assign(document: &mut Value, change: &str) -> Result<Vec<Step>, LoadError> {
    let help = "write it like `--set cluster.replicas=7` or `--set 'network.gst=\"1s\"'`";
    let wrong = |why: &str| LoadError::new(format!("cannot set `{change}`: {why}"), help);
    let (path, text) = change.split_once('=').ok_or_else(|| wrong("there is no `=`"))?;
    let value = value(text);
    let path = path::parse(path);
    if path.is_empty() {
        return Err(wrong("there is no path"));
    }
    let place = path.iter().try_fold(document, |here, step| match (here, step) {
        (Value::Object(table), Step::Key(key)) => {
            Ok(table.entry(key.clone()).or_insert_with(|| Map::new().into()))
        }
        (Value::Array(array), Step::Index(index)) => {
            array.get_mut(*index).ok_or_else(|| wrong("the array has fewer entries"))
        }
        (_, Step::Key(key)) => Err(wrong(&format!("no table can contain `{key}` here"))),
        (_, Step::Index(index)) => Err(wrong(&format!("no array can contain `[{index}]` here"))),
    })?;
    *place = value;
    Ok(path)
}

/// The value that a word on the command line stands for. What is no TOML value is taken for a
/// string, so that quotes are not needed twice.
pub(crate) fn value(text: &str) -> Value {
    toml::from_str::<Map<String, Value>>(&format!("value = {text}"))
        .ok()
        .and_then(|mut table| table.remove("value"))
        .unwrap_or_else(|| Value::from(text))
}

/// Takes out what JSON leaves open with a `null`: TOML leaves it out.
fn forget_nulls(value: &mut Value) {
    match value {
        Value::Object(table) => {
            table.retain(|_, value| !value.is_null());
            table.values_mut().for_each(forget_nulls);
        }
        Value::Array(items) => items.iter_mut().for_each(forget_nulls),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// Takes out the conditions that say something else about what was set; how many there were.
fn forget_conditions(document: &mut Value, path: &[Step]) -> usize {
    let conditions = document.pointer_mut("/random/conditions").and_then(Value::as_array_mut);
    let Some(conditions) = conditions else { return 0 };
    let before = conditions.len();
    conditions.retain(|condition| condition.at(path).is_none());
    before - conditions.len()
}

#[cfg(test)]
mod tests {
    use byzsim_adversaries::Action;

    use super::*;

    #[test]
    fn values_are_set_by_path() {
        let mut document = toml::from_str("[cluster]\nreplicas = 4\n").expect("TOML");
        for change in ["cluster.replicas=7", "network.gst=1.5s", "network.latency.constant=2ms"] {
            assign(&mut document, change).expect(change);
        }
        assert_eq!(document["cluster"]["replicas"], 7);
        assert_eq!(document["network"]["gst"], "1.5s");
        assert_eq!(document["network"]["latency"]["constant"], "2ms");
        for wrong in ["cluster", "=3", "cluster[1]=3", "cluster.replicas.x=3"] {
            assert!(assign(&mut document, wrong).is_err(), "{wrong}");
        }
    }

    /// Groups follow the cluster that is set, in both languages.
    #[test]
    fn values_are_set_before_groups_are_read() {
        let toml = "format = 1\ntitle = \"t\"\nprotocol = \"pbft\"\n\
                    cluster = { replicas = 4, faults = 1 }\n\
                    fault = [{ do.hold = { to = [\"!c0\"], from = [\"replicas\"] } }]\n"
            .to_owned();
        let mut json: Value = toml::from_str(&toml).expect("TOML");
        json["random"] = Value::Null;
        for text in [toml, json.to_string()] {
            let document = Document::of("t", "t", text.into());
            let set = ["cluster.replicas=5".to_owned()];
            let (document, _) = with(&document, &set).expect("it can be set");
            let file = document.parse_scenario(&|_, _, _| None).expect("it makes sense");
            let Action::Hold(messages) = &file.faults.faults[0].action else { panic!("a hold") };
            assert_eq!((messages.from.len(), messages.to.len()), (5, 5), "{}", document.text);
        }
    }
}
