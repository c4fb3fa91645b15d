//! Settings of the network that a file gives although each seed draws them anew.

use serde_json::Value;

use crate::file::error::Problem;

/// The keys that `[random.network]` has in common with `[network]`.
const DRAWN: [&str; 5] = ["latency", "gst", "loss-ppm", "duplicate-ppm", "fifo"];

/// Refuses a value of `[network]`, in the file or in one of its conditions, that no run has: each
/// seed draws another in its place. `--set` puts its values into the file, so this is also about
/// them.
pub(crate) fn refuse(file: &Value) -> Result<(), Problem> {
    given_in_vain(file, file, "")?;
    let conditions = file.pointer("/random/conditions").and_then(Value::as_array);
    for (place, condition) in conditions.into_iter().flatten().enumerate() {
        given_in_vain(condition, file, &format!("random.conditions[{place}]."))?;
    }
    Ok(())
}

/// `part` is the file itself or a condition, at `prefix`.
fn given_in_vain(part: &Value, file: &Value, prefix: &str) -> Result<(), Problem> {
    for key in DRAWN {
        let draws =
            |it: &Value| it.pointer("/random/network").is_some_and(|it| it[key] != Value::Null);
        let is_given = part.pointer("/network").is_some_and(|network| !network[key].is_null());
        // `fifo = false` draws nothing.
        let is_off = |it: &Value| it.pointer("/random/network/fifo") == Some(&Value::Bool(false));
        let is_drawn = draws(part) || draws(file);
        if !is_given || !is_drawn || key == "fifo" && (is_off(part) || is_off(file)) {
            continue;
        }
        let what = format!("`network.{key}` has no effect: each seed draws this anew");
        let help = format!("remove it, or set `random.network.{key}` instead");
        return Err(Problem::at(&format!("{prefix}network.{key}"), what, help)
            .labelled("overridden by `random.network`"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_each_seed_draws_cannot_be_given_as_well() {
        let refused = |text: &str| {
            let file: Value = toml::from_str(text).expect("TOML");
            refuse(&file).err().map(|problem| problem.path_text())
        };
        let both = "[network]\ngst = \"1s\"\n[random.network]\ngst = [\"1s\", \"2s\"]\n";
        assert_eq!(refused(both).as_deref(), Some("network.gst"));
        let other = "[network]\ndelta = \"9ms\"\n[random.network]\ngst = [\"1s\", \"2s\"]\n";
        assert_eq!(refused(other), None);
        let condition = "[random.network]\nlatency = [\"1ms\", \"2ms\"]\n\
                         [[random.conditions]]\nnetwork.latency.constant = \"1ms\"\n";
        assert_eq!(refused(condition).as_deref(), Some("random.conditions[0].network.latency"));
        let fifo = |drawn| format!("[network]\nfifo = true\n[random.network]\nfifo = {drawn}\n");
        assert_eq!(refused(&fifo(false)), None);
        assert_eq!(refused(&fifo(true)).as_deref(), Some("network.fifo"));
    }
}
