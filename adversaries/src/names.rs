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

/// How many letters are added, left out, changed or exchanged between two names. Names are short:
/// the long ones of hostile files count as far away, since the effort is the product of lengths.
pub fn distance(a: &str, b: &str) -> usize {
    const LENGTH_MAX: usize = 100;
    if LENGTH_MAX < a.len().max(b.len()) {
        return usize::MAX;
    }
    strsim::damerau_levenshtein(a, b)
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
        assert!(near(&"x".repeat(1_000_000), known).is_empty());
    }
}
