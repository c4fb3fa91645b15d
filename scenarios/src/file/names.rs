//! Names in sentences: the right ones for someone who wrote a wrong one.

pub use byzsim_adversaries::names::{distance, near};

/// The names as a list for a sentence: `a`, `b` or `c`.
pub fn alternatives<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    let quoted: Vec<String> = names.into_iter().map(|name| format!("`{name}`")).collect();
    match quoted.split_last() {
        None => "nothing".to_owned(),
        Some((last, [])) => last.clone(),
        Some((last, rest)) => format!("{} or {last}", rest.join(", ")),
    }
}

/// Advice for someone who wrote `wrong` where one of `known` belongs.
pub fn advice<'a>(wrong: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    let known: Vec<&str> = known.into_iter().collect();
    match near(wrong, known.iter().copied())[..] {
        [] if known.is_empty() => "no name is possible here".to_owned(),
        [] => format!("use one of {}", alternatives(known)),
        ref names => format!("did you mean {}?", alternatives(names.iter().copied())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn far_names_are_all_listed() {
        assert_eq!(advice("x", ["aaaaa", "bbbbb"]), "use one of `aaaaa` or `bbbbb`");
        assert_eq!(advice("aaaba", ["aaaaa", "bbbbb"]), "did you mean `aaaaa`?");
    }
}
