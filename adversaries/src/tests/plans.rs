//! How plans are written, and what is wrong with some.

use byzsim_core::Committee;

use super::toy::Msg;
use crate::{Plan, Vocabulary, Weather};

const COMMITTEE: Committee = Committee { replicas: 4, faults: 1, clients: 1 };

fn read(faults: &str) -> Plan {
    serde_json::from_str(faults).unwrap_or_else(|error| panic!("{faults}: {error}"))
}

#[test]
fn plans_read_back_what_they_write() {
    for fault in [
        r#"{"do":{"hold":{"kinds":["echo"],"from":["r0"],"to":["r1","c0"],"view":0,"seq":[1,3]}}}"#,
        r#"{"start":{"at":"20ms"},"end":{"at":"1.5s"},"do":{"drop":{"nth":2}}}"#,
        r#"{"start":{"when":{"node":"r2","event":"entered-view","view":1}},"do":{"mute":"r0"}}"#,
        r#"{"end":{"when":{"event":"committed","seq":3,"count":2}},"do":{"crash":"r1"}}"#,
        r#"{"note":"why","do":{"delay":{"messages":{},"by":"5ms"}}}"#,
        r#"{"do":{"duplicate":{"messages":{},"after":"5ms"}}}"#,
        r#"{"do":{"reorder":{"messages":{},"within":3,"by":"5ms"}}}"#,
        r#"{"do":{"partition":{"groups":[["r0","r1"]],"one-way":true,"lose":false}}}"#,
        r#"{"do":{"drift":{"node":"c0","ppm":-5000}}}"#,
        r#"{"do":{"crash":"c0"}}"#,
        r#"{"do":{"crash-midway":{"node":"c0","after":2}}}"#,
        r#"{"do":{"forget":{"node":"r1","loses":"last-write","after":0}}}"#,
        r#"{"do":{"forget":{"node":"r1","loses":"everything"}}}"#,
        r#"{"do":{"omit":{"node":"r0","messages":{"to":["r1"]}}}}"#,
        r#"{"do":{"lag":{"node":"r0","messages":{},"by":"1s"}}}"#,
        r#"{"do":{"lie":{"node":"r0","lie":"twist-echo","messages":{}}}}"#,
        r#"{"do":{"twins":{"node":"r0","left":["r1"],"right":["r2","c0"]}}}"#,
    ] {
        let text = format!("[{fault}]");
        let plan = read(&text);
        assert_eq!(serde_json::to_string(&plan).expect("a plan"), text);
        assert_eq!(plan.validate(COMMITTEE, Vocabulary::of::<Msg>()), Ok(()), "{text}");
    }
}

/// Asserts that validation refuses fault `fault` of these with this problem and this help.
fn refused(faults: &str, fault: usize, problem: &str, help: &str) {
    let plan = read(&format!("[{faults}]"));
    let error = plan.validate(COMMITTEE, Vocabulary::of::<Msg>()).expect_err(faults);
    assert_eq!(error.fault, fault, "{faults}: {error}");
    assert!(error.problem.contains(problem), "{faults}: {error}");
    assert!(error.help.contains(help), "{faults}: {error}");
}

const MUTE: &str = r#"{"do":{"mute":"r0"}}"#;

#[test]
fn names_that_do_not_fit_are_refused_with_those_that_do() {
    for (faults, fault, problem, help) in [
        (r#"{"do":{"mute":"r4"}}"#, 0, "there is no r4", "there are r0 to r3 and c0"),
        (r#"{"do":{"hold":{"from":["c1"]}}}"#, 0, "there is no c1", "c0"),
        (r#"{"do":{"hold":{"kinds":["ehco"]}}}"#, 0, "no kind `ehco`", "did you mean `echo`?"),
        (r#"{"do":{"hold":{"kinds":["x"]}}}"#, 0, "no kind `x`", "there are `ping`, `echo`"),
        (r#"{"do":{"hold":{"nth":[0,2]}}}"#, 0, "0th message", "count from 1"),
        (r#"{"do":{"lie":{"node":"r0","lie":"twist"}}}"#, 0, "no lie `twist`", "`twist-echo`"),
        (
            r#"{"do":{"lie":{"node":"r0","lie":"twist-echo","messages":{"kinds":["ping"]}}}}"#,
            0,
            "to messages of these kinds",
            "it changes `echo`",
        ),
        (
            r#"{"do":{"omit":{"node":"r0","messages":{"from":["r1"]}}}}"#,
            0,
            "the only sender is r0",
            "remove `from`",
        ),
        (
            r#"{"start":{"at":"1s"},"do":{"replay":{"node":"r0","messages":{"to":["r1"]}}}}"#,
            0,
            "cannot have `to`",
            "write `to` beside `messages`",
        ),
        (
            r#"{"start":{"at":"1s"},"do":{"replay":{"node":"r0","messages":{},"to":["r0"]}}}"#,
            0,
            "r0 would send only to itself",
            "name other nodes in `to`",
        ),
        (&format!(r#"{MUTE},{{"do":{{"crash":"r0"}}}}"#), 1, "r0 is corrupted", "use `mute`"),
        (
            &format!(r#"{{"do":{{"drift":{{"node":"r0","ppm":1}}}}}},{MUTE}"#),
            0,
            "by the `mute` of faults[1]",
            "use `lag`",
        ),
        (
            r#"{"do":{"reorder":{"messages":{},"within":1,"by":"5ms"}}}"#,
            0,
            "fewer than 2 messages cannot change places",
            "at least 2",
        ),
        (
            r#"{"do":{"reorder":{"messages":{},"within":101,"by":"5ms"}}}"#,
            0,
            "101 messages are too many",
            "at most 100",
        ),
        (
            r#"{"do":{"reorder":{"messages":{},"within":2,"by":"0ms"}}}"#,
            0,
            "no message overtakes another within 0",
            "use at least 1us",
        ),
        (r#"{"do":{"drift":{"node":"r0","ppm":0}}}"#, 0, "a drift of 0", "remove the fault"),
        (r#"{"do":{"drift":{"node":"r0","ppm":900001}}}"#, 0, "out of range", "900000"),
        (
            r#"{"do":{"drift":{"node":"r0","ppm":1}}},{"do":{"drift":{"node":"r0","ppm":2}}}"#,
            1,
            "r0 already has a `drift` fault",
            "keep faults[0] or this fault",
        ),
    ] {
        refused(faults, fault, problem, help);
    }
}

#[test]
fn sides_and_groups_that_make_no_sense_are_refused() {
    const TWINS: &str = r#"{"do":{"twins":{"node":"r0","left":["r1"],"right":[]}}}"#;
    let third = format!("{TWINS},{MUTE},{TWINS}");
    for (faults, fault, problem, help) in [
        (third.as_str(), 2, "r0 already has a `twins` fault", "faults[0]"),
        (
            r#"{"do":{"twins":{"node":"r0","left":["r1","r2"],"right":["r2"]}}}"#,
            0,
            "r2 is on both sides",
            "communicates with both",
        ),
        (
            r#"{"do":{"twins":{"node":"r0","left":["r0"],"right":["r2"]}}}"#,
            0,
            "its own twins",
            "remove it",
        ),
        (
            r#"{"do":{"twins":{"node":"r0","left":[],"right":[]}}}"#,
            0,
            "receive the same",
            "`left` or `right`",
        ),
        (r#"{"do":{"partition":{"groups":[]}}}"#, 0, "separates no nodes", "groups = "),
        (
            r#"{"do":{"partition":{"groups":[["r0","r1","r2","r3","c0"]]}}}"#,
            0,
            "separates no nodes",
            "groups = ",
        ),
        (
            r#"{"do":{"partition":{"groups":[["r0"],["r1","r0"]]}}}"#,
            0,
            "r0 is named twice",
            "one group",
        ),
    ] {
        refused(faults, fault, problem, help);
    }
}

#[test]
fn windows_that_make_no_sense_are_refused() {
    for (faults, fault, problem, help) in [
        (
            r#"{"end":{"at":"1s"},"do":{"twins":{"node":"r0","left":["r1"],"right":[]}}}"#,
            0,
            "`twins` lasts the whole run",
            "remove `start` and `end`",
        ),
        (
            r#"{"start":{"at":"2s"},"end":{"at":"1s"},"do":{"mute":"r0"}}"#,
            0,
            "the fault starts at 2s but ends at 1s",
            "set `end` to a time after `start`",
        ),
        (
            r#"{"start":{"when":{"node":"c0","event":"committed"}},"do":{"mute":"r0"}}"#,
            0,
            "c0 never reports `committed`",
            "only replicas do",
        ),
        (
            r#"{"start":{"when":{"event":"completed","view":1}},"do":{"mute":"r0"}}"#,
            0,
            "`completed` has no view",
            "remove `view`",
        ),
        (
            r#"{"start":{"when":{"event":"entered-view","seq":1}},"do":{"mute":"r0"}}"#,
            0,
            "`entered-view` has no slot",
            "remove `seq`",
        ),
        (
            r#"{"start":{"when":{"event":"entered-view","count":0}},"do":{"mute":"r0"}}"#,
            0,
            "0th report",
            "count from 1",
        ),
    ] {
        refused(faults, fault, problem, help);
    }
}

#[test]
fn crashes_that_make_no_sense_are_refused() {
    for (faults, fault, problem, help) in [
        (
            r#"{"do":{"forget":{"node":"c0","loses":"everything"}}}"#,
            0,
            "c0 is a client: only replicas can forget",
            "use `crash`",
        ),
        (
            r#"{"do":{"crash-midway":{"node":"r1","after":1}}},
               {"do":{"forget":{"node":"r1","loses":"last-write"}}}"#,
            1,
            "r1 already has a fault `crash-midway` or `forget`",
            "keep faults[0]",
        ),
    ] {
        refused(faults, fault, problem, help);
    }
}

#[test]
fn the_faulty_are_the_corrupted_the_forgetful_and_those_that_never_restart() {
    let plan = read(
        r#"[{"do":{"crash":"r3"}}, {"end":{"at":"1s"},"do":{"crash-midway":{"node":"r2","after":1}}},
            {"end":{"at":"1s"},"do":{"forget":{"node":"r0","loses":"everything"}}}, {"end":{"at":"1s"},"do":{"crash":"r2"}}, {"do":{"mute":"r1"}},
            {"do":{"mute":"c0"}}, {"do":{"lie":{"node":"r1","lie":"twist-echo"}}}]"#,
    );
    let text = |nodes: Vec<_>| format!("{nodes:?}");
    assert_eq!(text(plan.corrupted()), "[r1, c0]");
    assert_eq!(text(plan.forgetful()), "[r0]");
    assert_eq!(text(plan.untrusted()), "[r0, r1, c0]", "who is down breaks no rule");
    assert_eq!(text(plan.faulty_replicas(byzsim_core::Time::NEVER)), "[r0, r1, r3]");
}

#[test]
fn the_schema_speaks_of_what_files_hold() {
    let plan = serde_json::to_string(&schemars::schema_for!(Plan)).expect("a schema");
    for word in ["partition", "one-way", "entered-view", "minItems"] {
        assert!(plan.contains(word), "{word} is not in {plan}");
    }
    let weather: Weather =
        serde_json::from_str(r#"{"classes":["twins","lie"],"corrupt-max":2}"#).expect("a weather");
    assert_eq!((weather.classes.len(), weather.corrupt_max), (2, Some(2)));
    assert!(serde_json::from_str::<Weather>(r#"{"corupt-max":2}"#).is_err());
}
