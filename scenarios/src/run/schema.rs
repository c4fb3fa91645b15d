//! The JSON Schema of scenario files, for editors: the format, and the parameters of the protocols.

use schemars::Schema;
use schemars::generate::SchemaSettings;
use serde_json::Value;

use crate::file::format::ScenarioFile;
use crate::run::registry::PROTOCOLS;

/// Where a scenario has parameters: its own, and those of its conditions.
const PARAMS: [&str; 2] =
    ["/properties/params", "/definitions/Random/properties/conditions/items/properties/params"];

/// The schema of scenario files. Draft 7: the newest that the usual TOML editors understand.
pub fn scenario() -> Schema {
    let mut generator = SchemaSettings::draft07().into_generator();
    let params = PROTOCOLS.iter().map(|entry| (entry.schema)(&mut generator).to_value());
    let params: Vec<Value> = params.collect();
    let mut schema = generator.into_root_schema_for::<ScenarioFile>();
    for place in PARAMS {
        let any = schema.pointer_mut(place).and_then(Value::as_object_mut);
        any.expect("a scenario has parameters there")
            .insert("anyOf".to_owned(), params.clone().into());
    }
    schema
}
