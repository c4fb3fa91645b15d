//! Reading scenarios: from TOML or JSON, from a file or the library, with errors that know their
//! place.

use std::path::Path;
use std::sync::Arc;

use serde::Deserialize as _;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use serde_path_to_error::Segment;
use toml::de::DeTable;

use crate::file::error::{LoadError, Place, Problem, Step, steps};
use crate::file::format::ScenarioFile;
use crate::file::groups;
use crate::file::library::{self, Found};
use crate::file::locate;
use crate::file::names;
use crate::run::scenario::Scenario;

/// What the command line changes in a scenario.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// Flaws to plant, by name or number.
    pub flaws: Vec<String>,
    /// Values to set, as `path=value` with the value in TOML: `cluster.replicas=7`.
    pub set: Vec<String>,
}

/// Scenario files are small; what is larger is not one.
const BYTES_MAX: u64 = 16 << 20;

/// Loads a scenario: a path to a file, or the name of one of the library, such as `pbft/chaos`.
///
/// # Errors
/// If there is no such file, or it is wrong: one error, with its place and what would be right.
pub fn load(name: &str) -> Result<Scenario, LoadError> {
    load_with(name, &Changes::default())
}

/// The same, with changes.
///
/// # Errors
/// As [`load`]; or if a change is wrong.
pub fn load_with(name: &str, changes: &Changes) -> Result<Scenario, LoadError> {
    let document = Document::find(name)?;
    let scenario = Scenario::from_document(&document, &changes.flaws)?;
    if changes.set.is_empty() {
        return Ok(scenario);
    }
    let (document, left_out) = document.with(&changes.set)?;
    let mut changed = Scenario::from_document(&document, &changes.flaws)?;
    changed.left_out = left_out;
    Ok(changed)
}

/// The text of a file.
#[derive(Clone, Debug)]
pub struct Document {
    /// The name of the scenario: that in the library, or the path.
    pub name: String,
    /// The file's name, for errors.
    pub file: String,
    /// What it says.
    pub text: Arc<str>,
    /// In which language.
    pub language: Language,
}

/// The two languages of scenario files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Language {
    /// For people.
    Toml,
    /// For programs.
    Json,
}

impl Document {
    /// Finds a scenario by its path or its name in the library.
    ///
    /// # Errors
    /// If there is none, or the file cannot be read.
    pub fn find(name: &str) -> Result<Self, LoadError> {
        match library::find(name)? {
            Found::File(path) => Self::read(&path, name),
            Found::Embedded { path, text } => Ok(Self::of(name, path, text.into())),
        }
    }

    /// Reads a file.
    ///
    /// # Errors
    /// If it cannot be read, is far too large or holds no text.
    pub fn read(path: &Path, name: &str) -> Result<Self, LoadError> {
        let file = path.display().to_string();
        let cannot = |why: &dyn std::fmt::Display| {
            LoadError::new(format!("cannot read {file}: {why}"), "is it the right path?")
        };
        let size = std::fs::metadata(path).map_err(|why| cannot(&why))?.len();
        if BYTES_MAX < size {
            let help = format!("a file of at most {} MiB", BYTES_MAX >> 20);
            return Err(LoadError::new(format!("{file} has {size} bytes: too many"), help));
        }
        let bytes = std::fs::read(path).map_err(|why| cannot(&why))?;
        let text = String::from_utf8(bytes).map_err(|why| {
            LoadError::new(format!("{file} is not text: {why}"), "scenarios are UTF-8 text")
        })?;
        Ok(Self::of(name, &file, text.into()))
    }

    fn of(name: &str, file: &str, text: Arc<str>) -> Self {
        let json = Path::new(file).extension().is_some_and(|ext| ext == "json")
            || text.trim_start().starts_with('{');
        let language = if json { Language::Json } else { Language::Toml };
        Self { name: name.to_owned(), file: file.to_owned(), text, language }
    }

    /// Reads the document as a value.
    ///
    /// # Errors
    /// If it is none, with its place.
    pub fn parse<T: DeserializeOwned>(&self) -> Result<T, LoadError> {
        match self.language {
            Language::Toml => toml::from_str(&self.text).map_err(|error| {
                let message = error.message();
                self.error(message.trim_end(), None, error.span().unwrap_or(0..0))
            }),
            Language::Json => self.parse_json(),
        }
    }

    /// Reads the document as a scenario file, with the members of groups in place of their names.
    ///
    /// # Errors
    /// If it is none, or a group is wrong, with its place.
    pub fn parse_scenario(&self) -> Result<ScenarioFile, LoadError> {
        let value: Option<Value> = match self.language {
            Language::Toml => toml::from_str(&self.text).ok(),
            Language::Json => serde_json::from_str(&self.text).ok(),
        };
        // Whoever reads the scenario itself has the better words for broken syntax.
        let Some(mut value) = value else { return self.parse() };
        let lists = groups::expand(&value).map_err(|problem| self.locate(problem))?;
        if lists.is_empty() {
            return self.parse();
        }
        match self.language {
            Language::Toml => {
                let wrong = |error: toml::de::Error| {
                    self.error(error.message().trim_end(), None, error.span().unwrap_or(0..0))
                };
                let mut document = DeTable::parse(&self.text).map_err(wrong)?;
                groups::put_in_toml(document.get_mut(), &lists);
                ScenarioFile::deserialize(toml::Deserializer::from(document)).map_err(wrong)
            }
            Language::Json => {
                groups::put_in_json(&mut value, &lists);
                serde_path_to_error::deserialize(value).map_err(|error| {
                    let path = steps_of(error.path());
                    self.locate(Problem { path, ..Problem::at("", error.inner().to_string(), "") })
                })
            }
        }
    }

    fn parse_json<T: DeserializeOwned>(&self) -> Result<T, LoadError> {
        let mut json = serde_json::Deserializer::from_str(&self.text);
        let value = serde_path_to_error::deserialize(&mut json).map_err(|error| {
            let path = steps_of(error.path());
            let inner = error.inner();
            let place = locate::at_line(&self.text, inner.line(), inner.column());
            // A value of the wrong type is best shown whole; broken syntax has no whole.
            let span = if inner.is_data() { locate::in_json(&self.text, &path) } else { None };
            let message = inner.to_string();
            let what = message.split(" at line ").next().unwrap_or(&message);
            let help = (!path.is_empty()).then(|| format!("in `{}`", error.path()));
            self.error(what, help, span.unwrap_or(place))
        })?;
        json.end().map_err(|error| {
            let place = locate::at_line(&self.text, error.line(), error.column());
            self.error("there is more behind the end of the value", None, place)
        })?;
        Ok(value)
    }

    /// The document with the values of `set` put into it, and how many conditions these leave out.
    fn with(&self, set: &[String]) -> Result<(Self, usize), LoadError> {
        let mut value = match self.language {
            Language::Toml => toml::from_str(&self.text).expect("it was read before"),
            Language::Json => {
                let mut value = serde_json::from_str(&self.text).expect("it was read before");
                forget_nulls(&mut value);
                toml::Table::try_from(value).map_err(|why| {
                    LoadError::new(format!("cannot set values: {why}"), "use a TOML file")
                })?
            }
        };
        let mut left_out = 0;
        for change in set {
            assign(&mut value, change)?;
            left_out += forget_conditions(&mut value, change);
        }
        let text = toml::to_string(&value)
            .map_err(|why| LoadError::new(format!("cannot set values: {why}"), "check `--set`"))?;
        let document = Self {
            name: self.name.clone(),
            file: format!("{} with --set {}", self.file, set.join(" --set ")),
            text: text.into(),
            language: Language::Toml,
        };
        Ok((document, left_out))
    }

    /// Says where in the document a problem is.
    pub fn locate(&self, problem: Problem) -> LoadError {
        if problem.path.is_empty() {
            return LoadError { what: problem.what, help: problem.help, place: None };
        }
        let span = match self.language {
            Language::Toml => locate::in_toml(&self.text, &problem.path),
            Language::Json => locate::in_json(&self.text, &problem.path),
        };
        let help = problem.help.filter(|help| !help.is_empty());
        let mut error = self.error(&problem.what, help, span.unwrap_or(0..0));
        if let Some(place) = &mut error.place {
            place.label = problem.label;
        }
        error
    }

    fn error(&self, what: &str, help: Option<String>, span: std::ops::Range<usize>) -> LoadError {
        let place = Place {
            file: self.file.clone(),
            text: Arc::clone(&self.text),
            span,
            label: "here".to_owned(),
        };
        let help = advice(what).or(help);
        LoadError { what: what.to_owned(), help, place: Some(Box::new(place)) }
    }
}

/// What would be right, if `what` is serde's complaint about a value.
pub(crate) fn advice(what: &str) -> Option<String> {
    near_name(what).or_else(|| whole_number(what))
}

/// What was probably meant, if `what` is serde's complaint about an unknown name.
fn near_name(what: &str) -> Option<String> {
    let field = what.strip_prefix("unknown field ");
    let list = field.or_else(|| what.strip_prefix("unknown variant "))?;
    let mut quoted = list.split('`').skip(1).step_by(2);
    let wrong = quoted.next()?;
    let near = names::near(wrong, quoted);
    (!near.is_empty()).then(|| format!("did you mean {}?", names::alternatives(near)))
}

/// What serde means by `u16`, for people.
fn whole_number(what: &str) -> Option<String> {
    let (_, expected) = what.rsplit_once("expected ")?;
    let max = match expected {
        "u16" => u64::from(u16::MAX),
        "u32" => u64::from(u32::MAX),
        "u64" => u64::MAX,
        _ => return None,
    };
    Some(format!("a whole number from 0 to {max}"))
}

/// Sets the value at a path: `cluster.replicas=7`.
fn assign(table: &mut toml::Table, change: &str) -> Result<(), LoadError> {
    let help = "write it like `--set cluster.replicas=7` or `--set 'network.gst=\"1s\"'`";
    let wrong = |why: &str| LoadError::new(format!("cannot set `{change}`: {why}"), help);
    let (path, text) = change.split_once('=').ok_or_else(|| wrong("there is no `=`"))?;
    // What is no TOML value is taken for a string, so that quotes are not needed twice.
    let value = toml::from_str::<toml::Table>(&format!("value = {text}"))
        .ok()
        .and_then(|mut table| table.remove("value"))
        .unwrap_or_else(|| toml::Value::String(text.to_owned()));
    let path = steps(path);
    let Some((Step::Key(first), rest)) = path.split_first() else {
        return Err(wrong("there is no path"));
    };
    let empty = || toml::Value::Table(toml::Table::new());
    let mut here = table.entry(first.clone()).or_insert_with(empty);
    for step in rest {
        here = match (here, step) {
            (toml::Value::Table(table), Step::Key(key)) => {
                table.entry(key.clone()).or_insert_with(empty)
            }
            (toml::Value::Array(array), Step::Index(index)) => {
                array.get_mut(*index).ok_or_else(|| wrong("the array is shorter"))?
            }
            (_, Step::Key(key)) => {
                return Err(wrong(&format!("there is no table that has `{key}`")));
            }
            (_, Step::Index(index)) => {
                return Err(wrong(&format!("there is no array that has `[{index}]`")));
            }
        };
    }
    *here = value;
    Ok(())
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
fn forget_conditions(table: &mut toml::Table, change: &str) -> usize {
    let path = steps(change.split('=').next().unwrap_or_default());
    let conditions = table
        .get_mut("random")
        .and_then(|random| random.get_mut("conditions"))
        .and_then(toml::Value::as_array_mut);
    let says = |condition: &toml::Value| {
        let step = |here: &toml::Value, step: &Step| match step {
            Step::Key(key) => here.get(key).cloned(),
            Step::Index(index) => here.get(*index).cloned(),
        };
        path.iter().try_fold(condition.clone(), |here, next| step(&here, next)).is_some()
    };
    let Some(conditions) = conditions else { return 0 };
    let before = conditions.len();
    conditions.retain(|condition| !says(condition));
    before - conditions.len()
}

/// Tables of one key, which says what they are: another key makes them something else. Tables of
/// several keys may be written with one as well, such as a workload, so names tell them apart.
const TAGGED: [&str; 1] = ["latency"];

/// Lays a part of a table over the whole: what it does not name stays.
pub(crate) fn overlay(whole: &mut Value, part: &Map<String, Value>) {
    let Value::Object(whole) = whole else { return };
    for (key, value) in part {
        let is_other = |below: &Value, part: &Map<String, Value>| {
            TAGGED.contains(&key.as_str()) && part.keys().any(|tag| below.get(tag).is_none())
        };
        match (whole.get_mut(key), value) {
            (Some(below @ Value::Object(_)), Value::Object(part)) if !is_other(below, part) => {
                overlay(below, part);
            }
            (_, value) => {
                whole.insert(key.clone(), value.clone());
            }
        }
    }
}

/// The path of a deserialisation error, as ours.
pub(crate) fn steps_of(path: &serde_path_to_error::Path) -> Vec<Step> {
    path.iter()
        .filter_map(|segment| match segment {
            Segment::Seq { index } => Some(Step::Index(*index)),
            Segment::Map { key } => Some(Step::Key(key.clone())),
            Segment::Enum { variant } => Some(Step::Key(variant.clone())),
            Segment::Unknown => None,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use byzsim_adversaries::Action;

    use super::*;

    #[test]
    fn parts_are_laid_over_the_whole() {
        let mut whole = serde_json::json!({
            "network": { "latency": { "constant": "2ms" }, "delta": "50ms" },
            "workload": { "think": "1ms" },
        });
        let part = serde_json::json!({
            "network": { "latency": { "uniform": { "min": "1ms", "max": "2ms" } } },
            "workload": { "operations": 3 },
        });
        overlay(&mut whole, part.as_object().expect("a table"));
        let expected = serde_json::json!({
            "network": { "latency": { "uniform": { "min": "1ms", "max": "2ms" } }, "delta": "50ms" },
            "workload": { "think": "1ms", "operations": 3 },
        });
        assert_eq!(whole, expected);
        let part = serde_json::json!({ "network": { "latency": { "uniform": { "max": "3ms" } } } });
        overlay(&mut whole, part.as_object().expect("a table"));
        assert_eq!(whole["network"]["latency"]["uniform"]["min"], "1ms");
    }

    #[test]
    fn values_are_set_by_path() {
        let mut table = toml::from_str("[cluster]\nreplicas = 4\n").expect("TOML");
        for change in ["cluster.replicas=7", "network.gst=1.5s", "network.latency.constant=2ms"] {
            assign(&mut table, change).expect(change);
        }
        assert_eq!(table["cluster"]["replicas"].as_integer(), Some(7));
        assert_eq!(table["network"]["gst"].as_str(), Some("1.5s"));
        assert_eq!(table["network"]["latency"]["constant"].as_str(), Some("2ms"));
        for wrong in ["cluster", "=3", "cluster[1]=3", "cluster.replicas.x=3"] {
            assert!(assign(&mut table, wrong).is_err(), "{wrong}");
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
            let (document, _) = document.with(&set).expect("it can be set");
            let file = document.parse_scenario().expect("it makes sense");
            let Action::Hold(messages) = &file.faults.faults[0].action else { panic!("a hold") };
            assert_eq!((messages.from.len(), messages.to.len()), (5, 5), "{}", document.text);
        }
    }
}
