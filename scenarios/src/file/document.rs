//! Documents: the text of a file or of the library, in TOML or JSON, and errors that know their
//! place in it.

use std::path::Path;
use std::sync::Arc;

use serde::Deserialize as _;
use serde::de::DeserializeOwned;
use serde_json::Value;
use toml::de::{DeTable, ValueDeserializer};

use crate::file::error::{self, LoadError, Place, Problem};
use crate::file::format::ScenarioFile;
use crate::file::groups::{self, Leader};
use crate::file::library::{self, Found};
use crate::file::limits::BYTES_MAX;
use crate::file::locate;
use crate::file::overridden;
use crate::file::path;

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
            LoadError::new(format!("cannot read {file}: {why}"), "is this the right path?")
        };
        let size = std::fs::metadata(path).map_err(|why| cannot(&why))?.len();
        if BYTES_MAX < size {
            let help = format!("byzsim reads files of at most {} MiB", BYTES_MAX >> 20);
            return Err(LoadError::new(format!("{file} is too large: {size} bytes"), help));
        }
        let bytes = std::fs::read(path).map_err(|why| cannot(&why))?;
        let text = String::from_utf8(bytes).map_err(|why| {
            LoadError::new(format!("{file} is not text: {why}"), "scenarios are UTF-8 text")
        })?;
        Ok(Self::of(name, &file, text.into()))
    }

    pub(crate) fn of(name: &str, file: &str, text: Arc<str>) -> Self {
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
            Language::Toml => toml::from_str(&self.text).map_err(|error| self.toml_error(&error)),
            Language::Json => self.parse_json(),
        }
    }

    /// Reads the document as a scenario file, with the members of groups in place of their names,
    /// and the leaders of views in place of theirs.
    ///
    /// # Errors
    /// If it is none, or a group is wrong, with its place.
    pub(crate) fn parse_scenario(&self, leader: Leader<'_>) -> Result<ScenarioFile, LoadError> {
        let value: Option<Value> = match self.language {
            Language::Toml => toml::from_str(&self.text).ok(),
            Language::Json => serde_json::from_str(&self.text).ok(),
        };
        // Whoever reads the scenario itself has the better words for broken syntax.
        let Some(mut value) = value else { return self.parse() };
        overridden::refuse(&value).map_err(|problem| self.locate(problem))?;
        let lists = groups::expand(&value, leader).map_err(|problem| self.locate(problem))?;
        if lists.is_empty() {
            return self.parse();
        }
        match self.language {
            Language::Toml => {
                let wrong = |error| self.toml_error(&error);
                let mut document = locate::whole(DeTable::parse(&self.text).map_err(wrong)?);
                groups::put_in_toml(&mut document, &lists);
                ScenarioFile::deserialize(ValueDeserializer::from(document)).map_err(wrong)
            }
            Language::Json => {
                groups::put_in_json(&mut value, &lists);
                serde_path_to_error::deserialize(value).map_err(|error| {
                    let path = path::of_error(error.path());
                    self.locate(Problem { path, ..Problem::at("", error.inner().to_string(), "") })
                })
            }
        }
    }

    fn toml_error(&self, error: &toml::de::Error) -> LoadError {
        self.error(error.message().trim_end(), None, error.span().unwrap_or(0..0))
    }

    fn parse_json<T: DeserializeOwned>(&self) -> Result<T, LoadError> {
        let mut json = serde_json::Deserializer::from_str(&self.text);
        let value = serde_path_to_error::deserialize(&mut json).map_err(|error| {
            let path = path::of_error(error.path());
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
            self.error("there is more text after the end of the value", None, place)
        })?;
        Ok(value)
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
        let help = error::advice(what).or(help);
        LoadError { what: what.to_owned(), help, place: Some(Box::new(place)) }
    }
}
