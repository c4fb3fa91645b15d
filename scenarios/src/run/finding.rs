//! What a run violates, as one list in one order.

use byzsim_core::{PROPERTIES, Stamp, Verdict};

use crate::run::expect::PANIC;
use crate::run::panics::Panic;

/// A violation, or a panic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Finding<'a> {
    /// The property; [`PANIC`] for a panic.
    pub property: &'a str,
    /// When it became visible; none for a panic.
    pub at: Option<Stamp>,
    /// What happened.
    pub explanation: &'a str,
    /// What stays the same when names and numbers change.
    pub shape: &'a str,
}

/// What a run violates: a panic, then the properties in the order of [`PROPERTIES`], and at last
/// those that only the byzsim knew that wrote a file.
pub fn findings<'a>(
    panic: Option<&'a Panic>,
    verdicts: impl IntoIterator<Item = (&'a str, &'a Verdict)>,
) -> Vec<Finding<'a>> {
    let panicked = panic.map(|panic| Finding {
        property: PANIC,
        at: None,
        explanation: &panic.message,
        shape: &panic.location,
    });
    let violated = verdicts.into_iter().filter_map(|(property, verdict)| {
        verdict.violation().map(|violation| Finding {
            property,
            at: Some(violation.at),
            explanation: &violation.explanation,
            shape: &violation.shape,
        })
    });
    let mut findings: Vec<Finding<'a>> = panicked.into_iter().chain(violated).collect();
    let place = |property: &str| PROPERTIES.iter().position(|it| it.name == property);
    findings.sort_by_key(|it| match place(it.property) {
        _ if it.property == PANIC => 0,
        Some(place) => 1 + place,
        None => 1 + PROPERTIES.len(),
    });
    findings
}

#[cfg(test)]
mod tests {
    use byzsim_core::{Time, Violation};

    use super::*;

    #[test]
    fn a_panic_comes_first_and_an_unknown_property_last() {
        let violated = Verdict::Violated(Violation {
            repeats: None,
            at: Stamp { time: Time::ZERO, event: 7 },
            explanation: "it is not so".to_owned(),
            shape: "not so".to_owned(),
        });
        let known = PROPERTIES.iter().map(|property| property.name);
        // Files hold verdicts in the order of the alphabet.
        let mut names: Vec<&str> = known.clone().chain(["beauty"]).collect();
        names.sort_unstable();
        let panic = Panic { message: "overflow".to_owned(), location: "log.rs".to_owned() };
        let verdicts = names.iter().map(|name| (*name, &violated));
        let found = findings(Some(&panic), verdicts);
        let found: Vec<&str> = found.iter().map(|finding| finding.property).collect();
        let expected: Vec<&str> = [PANIC].into_iter().chain(known).chain(["beauty"]).collect();
        assert_eq!(found, expected);
    }
}
