//! The JSON Schema of scenario files, for editors: derived from the types that read them.

use schemars::Schema;
use schemars::generate::SchemaSettings;
use serde_json::{Value, json};

use crate::file::format::{PARAMS, ScenarioFile};
use crate::run::registry;

/// The schema of scenario files. Draft 7: the newest that the usual TOML editors understand.
pub fn scenario() -> Schema {
    let mut generator = SchemaSettings::draft07().into_generator();
    // The parameters of one of the protocols.
    let params: Vec<Value> =
        registry::protocols().map(|entry| (entry.schema)(&mut generator).to_value()).collect();
    let before = generator.definitions_mut().insert(PARAMS.to_owned(), json!({ "anyOf": params }));
    assert!(before.is_none(), "a protocol's own type is called {PARAMS}");
    generator.into_root_schema_for::<ScenarioFile>()
}
