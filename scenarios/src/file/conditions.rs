//! Conditions: parts of a scenario file that are laid over the whole.

use serde_json::{Map, Value};

use crate::file::error::Problem;
use crate::file::format::ScenarioFile;
use crate::file::names;
use crate::file::path::Step;

/// What a condition may change: how a run is played, but not what is asked of it.
pub(crate) const KEYS: [&str; 6] = ["cluster", "workload", "params", "network", "run", "random"];

/// The file under each of its conditions, in their order.
///
/// # Errors
/// If one of them is not part of a scenario, or changes what no condition may.
pub(crate) fn files(
    file: &ScenarioFile,
) -> impl Iterator<Item = Result<ScenarioFile, Problem>> + '_ {
    let parts = file.random.as_ref().map_or(&[][..], |random| &random.conditions);
    let whole = serde_json::to_value(file).expect("a scenario has string keys only");
    parts.iter().enumerate().map(move |(place, part)| under(whole.clone(), place, part))
}

/// What is wrong under the condition at this place.
pub(crate) fn problem(place: usize, what: impl Into<String>, help: impl Into<String>) -> Problem {
    Problem::at(&format!("random.conditions[{place}]"), what, help).labelled("under this condition")
}

fn under(
    mut whole: Value,
    place: usize,
    part: &Map<String, Value>,
) -> Result<ScenarioFile, Problem> {
    if let Some(key) = part.keys().find(|key| !KEYS.contains(&key.as_str())) {
        let help = format!("it may change {}", names::alternatives(KEYS));
        let mut problem = problem(place, format!("a condition cannot change `{key}`"), help);
        problem.path.push(Step::key(key));
        return Err(problem);
    }
    if part.get("random").is_some_and(|random| random.get("conditions").is_some()) {
        let what = "a condition cannot contain conditions";
        let help = "list them beside this one: each seed is played under one condition";
        let mut problem = problem(place, what, help);
        problem.path.extend(["random", "conditions"].map(Step::key));
        return Err(problem);
    }
    overlay(&mut whole, part);
    let mut whole: ScenarioFile = serde_json::from_value(whole)
        .map_err(|why| problem(place, why.to_string(), "a condition is a part of a scenario"))?;
    // Those of the file are its own.
    if let Some(random) = &mut whole.random {
        random.conditions.clear();
    }
    Ok(whole)
}

/// Tables of one key, which says what they are: another key makes them something else. Tables of
/// several keys may be written with one as well, such as a workload, so names tell them apart.
const TAGGED: [&str; 1] = ["latency"];

/// Lays a part of a table over the whole: what it does not name stays.
fn overlay(whole: &mut Value, part: &Map<String, Value>) {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::file::format::Condition;

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
    fn what_a_condition_may_change_is_what_its_type_holds() {
        let schema = schemars::schema_for!(Condition);
        let properties = schema.get("properties").and_then(Value::as_object).expect("a table");
        let mut keys = KEYS.to_vec();
        keys.sort_unstable();
        assert_eq!(properties.keys().collect::<Vec<_>>(), keys);
    }
}
