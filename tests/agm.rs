//! Zyzzyva's published safety violation (Abraham, Gueta, Malkhi, Alvisi, Kotla, Martin, arXiv
//! 1712.01367), and what each rule for the view change makes of the schedules around it.
//!
//! The schedules are reconstructions; B follows the paper's structure as remembered. That an
//! operation was lost is not enough: it must be lost in the way that the schedule describes. So the
//! reports of the last view change, what follows from them, and the mechanism are compared as well.

use byzsim::Report;
use byzsim::run::accountability::Culprit;
use byzsim_core::{CryptoBackend, NodeId, Verdict};

use crate::new_views::{Completion, play_views};
use crate::support::{play, scenario};
use crate::workdir::Workdir;

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
    ("agm/a", [false, false, true, true, true, true]),
    ("agm/b", [false, true, true, true, true, true]),
    ("agm/b-prime", [false, true, true, true, true, true]),
    ("agm/c", [false, true, true, true, true, true]),
    ("agm/d", [true, true, false, true, true, true]),
    ("agm/e", [false, false, true, true, true, true]),
    ("agm/f", [true, true, false, false, true, true]),
    ("agm/g", [true, true, true, true, false, true]),
    ("overtaken-certificate", [false, true, true, true, true, true]),
];

#[test]
fn each_rule_keeps_and_loses_what_it_should() {
    let mut wrong = Vec::new();
    for (schedule, kept) in KEPT {
        for (rule, expected) in RULES.iter().zip(kept) {
            let name = format!("zyzzyva/{schedule}");
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

/// A schedule under the rule that loses, or keeps, what completed.
struct Schedule {
    name: &'static str,
    rule: &'static str,
    /// What completes: whose first request, in which view and slot.
    completes: (u16, u64, u64),
    /// The view change that loses it: the view, its reports, and what it chooses.
    view: u64,
    reports: [&'static str; 3],
    chosen: &'static str,
    /// How it is lost; none if it is kept.
    mechanism: Option<&'static str>,
}

/// The reports are those of the last step but one of each schedule. `b@1` is the history b of view
/// 1, `cc a@0` a client's certificate of view 0 for a, `confirmed b@1` the VIEW-CONFIRMs of view 1.
const SCHEDULES: &[Schedule] = &[
    Schedule {
        name: "agm/a",
        rule: "original",
        completes: (1, 1, 1),
        view: 2,
        reports: ["r0: b@1", "r2: b@1", "r3: a@0, cc a@0"],
        chosen: "a",
        mechanism: Some("an old certificate beats f + 1 newer reports"),
    },
    Schedule {
        name: "agm/a",
        rule: "fixed",
        completes: (1, 1, 1),
        view: 2,
        reports: ["r0: b@1, confirmed -@1", "r2: b@1, confirmed -@1", "r3: a@0, cc a@0"],
        chosen: "b",
        mechanism: None,
    },
    Schedule {
        name: "agm/b",
        rule: "original",
        completes: (1, 1, 1),
        view: 2,
        reports: ["r0: a b@0, cc a@0", "r2: b@1", "r3: b@1"],
        chosen: "a",
        mechanism: Some("an old certificate beats f + 1 newer reports"),
    },
    Schedule {
        name: "agm/b",
        rule: "fixed",
        completes: (1, 1, 1),
        view: 2,
        reports: ["r0: a b@0, cc a@0", "r2: b@1, confirmed b@1", "r3: b@1, confirmed b@1"],
        chosen: "b",
        mechanism: None,
    },
    Schedule {
        name: "agm/b-prime",
        rule: "original",
        completes: (1, 1, 1),
        view: 2,
        reports: ["r0: a1 a2 b@0, cc a1 a2@0", "r2: b@1", "r3: b@1"],
        chosen: "a1 a2",
        mechanism: Some("an old certificate beats f + 1 newer reports"),
    },
    Schedule {
        name: "agm/b-prime",
        rule: "fixed",
        completes: (1, 1, 1),
        view: 2,
        reports: ["r0: a1 a2 b@0, cc a1 a2@0", "r2: b@1, confirmed b@1", "r3: b@1, confirmed b@1"],
        chosen: "b",
        mechanism: None,
    },
    Schedule {
        name: "agm/c",
        rule: "original",
        completes: (1, 1, 1),
        view: 2,
        reports: ["r0: a1 a2@0, cc a1 a2@0", "r2: b@1, cc b@1", "r3: -@1"],
        chosen: "a1 a2",
        mechanism: Some("an old certificate beats a newer one"),
    },
    Schedule {
        name: "agm/c",
        rule: "fixed",
        completes: (1, 1, 1),
        view: 2,
        reports: ["r0: a1 a2@0, cc a1 a2@0", "r2: b@1, cc b@1", "r3: -@1, confirmed -@1"],
        chosen: "b",
        mechanism: None,
    },
    Schedule {
        name: "agm/d",
        rule: "f-plus-1-first",
        completes: (1, 1, 1),
        view: 2,
        reports: ["r0: a@0", "r2: b@1, cc b@1", "r3: a@0"],
        chosen: "a",
        mechanism: Some("f + 1 old reports beat a newer certificate"),
    },
    Schedule {
        name: "agm/d",
        rule: "fixed",
        completes: (1, 1, 1),
        view: 2,
        reports: ["r0: a@0", "r2: b@1, cc b@1", "r3: a@0"],
        chosen: "b",
        mechanism: None,
    },
    Schedule {
        name: "agm/e",
        rule: "cc-by-view",
        completes: (1, 1, 1),
        view: 2,
        reports: ["r0: b@1", "r2: b@1", "r3: a@0, cc a@0"],
        chosen: "a",
        mechanism: Some("an old certificate beats f + 1 newer reports"),
    },
    Schedule {
        name: "agm/f",
        rule: "f-plus-1-first",
        completes: (0, 0, 1),
        view: 1,
        reports: ["r0: b@0", "r1: a@0, cc a@0", "r3: b@0"],
        chosen: "b",
        mechanism: Some("f + 1 reports of a certificate's own view beat it"),
    },
    Schedule {
        name: "agm/f",
        rule: "not-strict",
        completes: (0, 0, 1),
        view: 1,
        reports: ["r0: b@0", "r1: a@0, cc a@0", "r3: b@0"],
        chosen: "b",
        mechanism: Some("f + 1 reports of a certificate's own view beat it"),
    },
    Schedule {
        name: "agm/f",
        rule: "fixed",
        completes: (0, 0, 1),
        view: 1,
        reports: ["r0: b@0", "r1: a@0, cc a@0", "r3: b@0"],
        chosen: "a",
        mechanism: None,
    },
    Schedule {
        name: "agm/g",
        rule: "latest-client-certificate-only",
        completes: (2, 0, 3),
        view: 2,
        reports: ["r0: 1 2 3@1, cc 1 2@1", "r2: 1 2@0", "r3: -@1"],
        chosen: "1 2",
        mechanism: Some("the last witness had exchanged its certificate for a shorter one"),
    },
    Schedule {
        name: "agm/g",
        rule: "fixed",
        completes: (2, 0, 3),
        view: 2,
        reports: ["r0: 1 2 3@1, confirmed 1 2 3@1", "r2: 1 2@0", "r3: -@1"],
        chosen: "1 2 3",
        mechanism: None,
    },
    Schedule {
        name: "overtaken-certificate",
        rule: "original",
        completes: (0, 0, 1),
        view: 2,
        reports: ["r0: a@1", "r2: -@0", "r3: -@1"],
        chosen: "-",
        mechanism: Some("the last witness had given up its certificate"),
    },
    Schedule {
        name: "overtaken-certificate",
        rule: "fixed",
        completes: (0, 0, 1),
        view: 2,
        reports: ["r0: a@1, confirmed a@1", "r2: -@0", "r3: -@1"],
        chosen: "a",
        mechanism: None,
    },
];

#[test]
fn each_schedule_goes_its_way() {
    for it in SCHEDULES {
        let set = [&*format!("params.view-change=\"{}\"", it.rule), "expect=\"holds\""];
        let (report, views) = play_views(&scenario(&format!("zyzzyva/{}", it.name), &set), 0);
        let what = format!("{} under {}", it.name, it.rule);
        let (client, view, seq) = it.completes;
        let (client, timestamp) = (NodeId::Client(client), 1);
        let completion = Completion { client, timestamp, view, seq };
        let place = views.completions.iter().find(|(known, _)| *known == completion);
        let (_, opened) = place.unwrap_or_else(|| panic!("{what}: {:?}", views.completions));
        assert_eq!(*opened, view, "{what}: it completes before the next view opens");
        assert_eq!(views.reports(it.view), it.reports, "{what}");
        assert_eq!(views.chosen(it.view), it.chosen, "{what}");
        assert_eq!(mechanism(&report), it.mechanism, "{what}");
        let outcome = &report.result.as_ref().expect("nothing panics").outcome;
        assert_eq!(outcome.view_max, it.view, "{what}: that many view changes");
    }
}

/// Flaws that lose operations in ways of their own.
#[test]
fn each_flaw_has_its_mechanism() {
    for (flaw, expected) in [
        ("Z06-digest-matched", "reports of one request after different histories are added up"),
        ("Z07-client-impatient", "no witness is left, and no correct reporter had a certificate"),
        ("Z10-certificate-unverified", "a certificate contradicts a completion that is not newer"),
        ("Z18-views-mixed", "a report for an earlier view counts"),
    ] {
        let report = play(&scenario(&format!("zyzzyva/flaws/{flaw}"), &[]), 0);
        assert_eq!(mechanism(&report), Some(expected), "{flaw}");
        for finding in report.findings() {
            let is_loss =
                ["durability", "result-integrity", "linearizability"].contains(&finding.property);
            assert!(!is_loss || finding.shape.ends_with(expected), "{flaw}: {finding:?}");
        }
    }
}

/// Beside a blame that convicts corrupted reporters of hiding their certificates, the mechanism
/// does not say that nobody had one.
#[test]
fn the_mechanism_speaks_of_correct_reporters() {
    let scenario = scenario("zyzzyva/both-liars-deny", &[]);
    let report = play(&scenario, 0);
    let expected = "no witness is left, and no correct reporter had a certificate";
    assert_eq!(mechanism(&report), Some(expected));
    let options = byzsim::PlayOptions { crypto: CryptoBackend::Ideal, with_marks: false };
    let blame = scenario.blame(&report, &options).expect("durability is violated");
    let hid = |it: &&Culprit| it.offences.iter().any(|offence| offence.rule == "Z4");
    let hid: Vec<NodeId> = blame.culprits.iter().filter(hid).map(|it| it.node).collect();
    assert_eq!(hid, [NodeId::Replica(2), NodeId::Replica(3)], "{blame:#?}");
}

/// How the run lost a completed operation.
pub(crate) fn mechanism(report: &Report) -> Option<&str> {
    let Some(Verdict::Violated(violation)) = report.verdict("durability") else { return None };
    let (_, mechanism) = violation.shape.split_once(": ").expect("every loss has a mechanism");
    Some(mechanism)
}

#[test]
fn a_flaw_and_a_file_do_not_set_two_rules() {
    let workdir = Workdir::new("two-rules");
    let run = |arguments: &str| workdir.byzsim(arguments);
    let contradiction = run("run zyzzyva/agm/a --flaw Z02 --quiet");
    assert_eq!(contradiction.code, 2, "{}", contradiction.stderr);
    for name in ["`original`", "`Z02-f-plus-1-first`", "`view-change`"] {
        assert!(contradiction.stderr.contains(name), "{}", contradiction.stderr);
    }
    let set = "run zyzzyva/chaos --flaw Z01 --set params.view-change=fixed --seed 0 --quiet";
    let set = run(set);
    assert_eq!(set.code, 2, "the repair is a value like the others: {}", set.stderr);
    assert!(set.stderr.contains("`fixed`"), "{}", set.stderr);
    assert_eq!(run("run zyzzyva/agm/a --flaw Z02 --flaw Z03 --quiet").code, 2);
    assert_eq!(run("run zyzzyva/chaos --flaw Z01 --flaw Z04 --seed 0 --quiet").code, 2);
    assert_eq!(run("run zyzzyva/agm/a --flaw Z01 --quiet").code, 0, "they say the same");
    let reading = run("run zyzzyva/chaos --set params.view-confirms-certify=true --seed 0 --quiet");
    assert_eq!(reading.code, 2, "a reading of a rule that is not in force");
    assert!(reading.stderr.contains("`fixed`"), "{}", reading.stderr);
}
