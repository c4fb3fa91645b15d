//! Which keys of a fault hold nodes, as the types of faults say it.
//!
//! The schema of a fault marks names of nodes, so a new kind of fault has its lists of nodes
//! expanded without being named here.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use byzsim_adversaries::Fault;
use byzsim_core::NodeId;
use schemars::schema_for;
use serde_json::Value;

/// What a key of a fault holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Holds {
    /// One node.
    Node,
    /// A list of nodes.
    List,
    /// A list of such lists.
    Lists,
}

/// What the key holds, if it holds nodes.
pub(super) fn holds(key: &str) -> Option<Holds> {
    static KEYS: LazyLock<BTreeMap<String, Holds>> = LazyLock::new(|| {
        let mut keys = BTreeMap::new();
        collect(schema_for!(Fault).as_value(), &mut keys);
        keys
    });
    KEYS.get(key).copied()
}

fn collect(schema: &Value, keys: &mut BTreeMap<String, Holds>) {
    let properties = schema.get("properties").and_then(Value::as_object).into_iter().flatten();
    for (key, value) in properties {
        if let Some(holds) = of(value) {
            let other = keys.insert(key.clone(), holds);
            assert!(other.is_none_or(|other| other == holds), "`{key}` holds two sorts of things");
        }
    }
    match schema {
        Value::Object(table) => table.values().for_each(|value| collect(value, keys)),
        Value::Array(items) => items.iter().for_each(|value| collect(value, keys)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn of(schema: &Value) -> Option<Holds> {
    if schema.get("format").is_some_and(|format| format == NodeId::FORMAT) {
        return Some(Holds::Node);
    }
    match of(schema.get("items")?)? {
        Holds::Node => Some(Holds::List),
        Holds::List | Holds::Lists => Some(Holds::Lists),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_hold_what_the_types_of_faults_say() {
        for (holding, keys) in [
            (Holds::Node, &["node", "mute", "crash", "rush", "claim"][..]),
            (Holds::List, &["from", "to", "left", "right"]),
            (Holds::Lists, &["groups"]),
        ] {
            for key in keys {
                assert_eq!(holds(key), Some(holding), "{key}");
            }
        }
        for key in ["kinds", "note", "lie", "splits", "messages", "when"] {
            assert_eq!(holds(key), None, "{key}");
        }
    }
}
