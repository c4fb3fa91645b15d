//! The JSON Schema of what a scenario file holds, for its types.
//!
//! The types of `sim-core` know nothing of schemas, so those of its types that scenario files hold
//! are described here by hand; a test holds the descriptions against the types.

use byzsim_adversaries::Weather;
use schemars::{JsonSchema as _, Schema, SchemaGenerator, json_schema};
use serde_json::{Value, json};

use crate::file::format::{Cluster, NetworkWeather, RunLimits, WorkloadSpec};
use crate::file::limits::CONDITIONS_MAX;

const DURATION: &str = r"^[0-9]+(\.[0-9]+)?(ns|us|µs|ms|s)$";
const TIME: &str = r"^([0-9]+(\.[0-9]+)?(ns|us|µs|ms|s)|never)$";

/// A duration, such as `20ms`.
pub(crate) fn duration(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "string", "pattern": DURATION })
}

/// A time, such as `1.5s` or `never`.
pub(crate) fn time(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "string", "pattern": TIME })
}

/// Two durations, the lesser first.
pub(crate) fn durations(generator: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "array", "minItems": 2, "maxItems": 2, "items": duration(generator) })
}

/// The parameters: those of one of the protocols, which this room does not know.
pub(crate) fn params(_: &mut SchemaGenerator) -> Schema {
    json_schema!({})
}

/// Groups: words that cannot be taken for nodes, and their members.
pub(crate) fn groups(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "object",
        "propertyNames": { "pattern": "^(?!([rc][0-9]+|replicas|clients)$)[A-Za-z][A-Za-z0-9_-]*$" },
        "additionalProperties": { "type": "array", "items": { "type": "string" }, "minItems": 1 },
    })
}

/// Conditions: parts of a scenario, of what a condition may change.
pub(crate) fn conditions(generator: &mut SchemaGenerator) -> Schema {
    let mut cluster = Cluster::json_schema(generator);
    cluster.remove("required");
    let mut network = network(generator);
    // A condition may name one bound of a latency only.
    if let Some(latency) = network.pointer_mut("/properties/latency") {
        *latency = json!({ "type": "object" });
    }
    let random = json!({
        "type": "object",
        "additionalProperties": false,
        "properties": {
            "faults": generator.subschema_for::<Weather>(),
            "network": generator.subschema_for::<NetworkWeather>(),
        },
    });
    let condition = json!({
        "type": "object",
        "additionalProperties": false,
        "properties": {
            "cluster": cluster,
            "workload": generator.subschema_for::<WorkloadSpec>(),
            "params": params(generator),
            "network": network,
            "run": generator.subschema_for::<RunLimits>(),
            "random": random,
        },
    });
    json_schema!({ "type": "array", "items": condition, "maxItems": CONDITIONS_MAX })
}

/// The network model.
pub(crate) fn network(_: &mut SchemaGenerator) -> Schema {
    let ppm = json!({ "type": "integer", "minimum": 0, "maximum": 1_000_000 });
    let flag = json!({ "type": "boolean" });
    json_schema!({
        "type": "object",
        "additionalProperties": false,
        "properties": {
            "latency": { "oneOf": latency() },
            "fifo": flag,
            "loss-ppm": ppm,
            "duplicate-ppm": ppm,
            "loss-allowed": flag,
            "gst": { "type": "string", "pattern": TIME },
            "delta": { "type": "string", "pattern": DURATION },
        },
    })
}

/// The latency models.
fn latency() -> Value {
    let span = json!({ "type": "string", "pattern": DURATION });
    let table = |properties: Value| {
        let names: Vec<&String> =
            properties.as_object().into_iter().flatten().map(|p| p.0).collect();
        let required = json!(names);
        json!({ "type": "object", "additionalProperties": false,
                "properties": properties, "required": required })
    };
    let row = json!({ "type": "array", "items": span });
    json!([
        table(json!({ "constant": span })),
        table(json!({ "uniform": table(json!({ "min": span, "max": span })) })),
        table(json!({ "log-normal": table(json!({
            "median": span, "sigma-percent": { "type": "integer", "minimum": 0 }, "max": span,
        })) })),
        table(json!({ "wan": table(json!({
            "matrix": { "type": "array", "items": row }, "jitter": span,
        })) })),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::file::conditions::KEYS;
    use byzsim_core::NetworkModel;
    use schemars::generate::SchemaSettings;

    #[test]
    fn the_network_is_described_in_full() {
        let described = network(&mut SchemaSettings::draft07().into_generator()).to_value();
        let model = serde_json::to_value(NetworkModel::default()).expect("plain data");
        let names = |value: &Value| -> Vec<String> {
            value.as_object().expect("a table").keys().cloned().collect()
        };
        assert_eq!(names(&described["properties"]), names(&model));
    }

    #[test]
    fn conditions_are_described_in_full() {
        let described = conditions(&mut SchemaSettings::draft07().into_generator()).to_value();
        let properties = described["items"]["properties"].as_object().expect("a table");
        let mut keys: Vec<&str> = KEYS.to_vec();
        keys.sort_unstable();
        assert_eq!(properties.keys().collect::<Vec<_>>(), keys);
    }
}
