//! Zyzzyva's published safety violation (Abraham, Gueta, Malkhi, Alvisi, Kotla, Martin, arXiv
//! 1712.01367), and what each rule for the view change makes of the schedules around it.
//!
//! The schedules are reconstructions; B follows the paper's structure as remembered.

use crate::support::{play, scenario};

const RULES: [&str; 6] = [
    "original",
    "cc-by-view",
    "f-plus-1-first",
    "not-strict",
    "latest-client-certificate-only",
    "fixed",
];

/// Whether the completed operation is kept, by schedule and rule.
const KEPT: &[(&str, [bool; 6])] = &[
    ("a", [false, false, true, true, true, true]),
    ("b", [false, true, true, true, true, true]),
    ("b-prime", [false, true, true, true, true, true]),
    ("c", [false, true, true, true, true, true]),
    ("d", [true, true, false, true, true, true]),
    ("e", [false, false, true, true, true, true]),
    ("f", [true, true, false, false, true, true]),
    ("g", [true, true, true, true, false, true]),
];

#[test]
fn each_rule_keeps_and_loses_what_it_should() {
    let mut wrong = Vec::new();
    for (schedule, kept) in KEPT {
        for (rule, expected) in RULES.iter().zip(kept) {
            let name = format!("zyzzyva/agm/{schedule}");
            let set = [&*format!("params.view-change=\"{rule}\""), "expect=\"holds\""];
            let report = play(&scenario(&name, &set), 0);
            let verdict = report.verdict("durability").expect("every run is judged");
            if verdict.is_violated() == *expected {
                wrong.push(format!(
                    "byzsim run {name} --set {}: expected {}, found {verdict:?}",
                    set[0],
                    if *expected { "kept" } else { "lost" }
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
