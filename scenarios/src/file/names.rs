//! Near names: what someone who wrote a wrong name probably meant.

/// The names among `known` that are near to `wrong`, nearest first, at most three.
pub fn near<'a>(wrong: &str, known: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    let mut ranked: Vec<(usize, &str)> = known
        .into_iter()
        .map(|name| (distance(wrong, name), name))
        .filter(|(distance, name)| {
            *distance <= 1 + name.len() / 5 || 2 < wrong.len() && name.contains(wrong)
        })
        .collect();
    ranked.sort_unstable();
    ranked.into_iter().map(|(_, name)| name).take(3).collect()
}

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
        [] if known.is_empty() => "there is none to choose from".to_owned(),
        [] => format!("it is one of {}", alternatives(known)),
        ref names => format!("did you mean {}?", alternatives(names.iter().copied())),
    }
}

/// Names are short: the long ones of hostile files count as far away.
fn distance(a: &str, b: &str) -> usize {
    if 100 < a.len().max(b.len()) { usize::MAX } else { strsim::damerau_levenshtein(a, b) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_come_first() {
        let known = ["pbft", "zyzzyva", "hotstuff"];
        for (wrong, nearest) in
            [("pbtf", vec!["pbft"]), ("zyzyva", vec!["zyzzyva"]), ("stuff", vec!["hotstuff"])]
        {
            assert_eq!(near(wrong, known), nearest, "{wrong}");
        }
        assert!(near("something", known).is_empty());
        assert_eq!(advice("x", ["aaaaa", "bbbbb"]), "it is one of `aaaaa` or `bbbbb`");
        assert!(near(&"x".repeat(1_000_000), known).is_empty());
    }
}
