//! The audit: what was written last is read, when nothing hides it any more.

use byzsim::Report;
use byzsim_core::{Audit, Ended, NodeId, Outcome, Served, Span, Time};

use crate::support::{play, scenario};

fn outcome(report: &Report) -> &Outcome {
    &report.result.as_ref().expect("no panic").outcome
}

fn reads(outcome: &Outcome) -> Vec<&Served> {
    outcome.served.iter().filter(|served| served.of_audit).collect()
}

fn millis(ms: u64) -> Time {
    Time::ZERO + Span::from_millis(ms)
}

#[test]
fn it_begins_when_the_clients_are_done_and_all_is_settled() {
    const CUT: &str = r#"fault=[
        { end.at = "3s", do.partition = { groups = [["r3"]] } },
        { start.at = "9s", do.mute = "r2" },
        { end.when = { event = "completed", seq = 99 }, do.drop = { to = ["r2"] } },
    ]"#;
    let later = r#"network.gst="2s""#;
    // Δ is 50 ms: the clients are done at 50 ms, the network is synchronous at 2.05 s, the
    // partition is over at 3 s, and the other faults never end, or not at a known time.
    let cases: [(&[&str], Time, Time); 3] = [
        (&[], millis(50), millis(200)),
        (&[later], millis(2_050), millis(2_050)),
        (&[later, CUT], millis(3_000), millis(3_000)),
    ];
    for (more, from, to) in cases {
        let set = [&["workload.operations=1", "workload.keys=2"], more].concat();
        let report = play(&scenario("pbft/fault-free", &set), 1);
        let outcome = outcome(&report);
        assert_eq!((outcome.operations, outcome.ended), (2, Ended::Done), "{more:?}");
        let reads = reads(outcome);
        assert_eq!(outcome.audit, Audit::Reads(reads.len() as u64));
        assert!(from <= reads[0].asked && reads[0].asked <= to, "{more:?}: {reads:?}");
        let is_read = |served: &&Served| {
            served.client == NodeId::Client(0)
                && served.completed.as_ref().is_some_and(|(at, _)| *at <= outcome.end)
        };
        assert!(reads.iter().all(is_read), "{more:?}: {reads:?}");
    }
}

#[test]
fn it_can_be_switched_off_and_needs_time_and_a_correct_client() {
    let mute = r#"fault=[{ do.mute = "c0" }, { do.mute = "c1" }]"#;
    let late = [r#"network.gst="2s""#, r#"run.at-most="2s""#];
    let cases: [(&[&str], Audit); 4] = [
        (&["workload.audit=false"], Audit::Off),
        (&["workload.script={}"], Audit::Off),
        (&["workload.operations=1", mute, r#"expect="holds""#], Audit::NoCorrectClient),
        (&["workload.operations=1", "workload.keys=1", late[0], late[1]], Audit::Reads(1)),
    ];
    for (set, audit) in cases {
        let report = play(&scenario("pbft/fault-free", set), 1);
        let outcome = outcome(&report);
        assert_eq!((outcome.audit, outcome.ended), (audit, Ended::Done), "{set:?}");
        assert!(reads(outcome).is_empty(), "{set:?}");
    }
}

/// What a corrupted client wrote is read by a correct one.
#[test]
fn the_keys_of_corrupted_clients_count() {
    let script = r#"workload.script={ c0 = ["put x 1"], c1 = ["put y 2", "put z 3"] }"#;
    let corrupt = r#"fault=[{ do.twins = { node = "c1", left = ["r0"], right = ["r1"] } }]"#;
    let report = play(&scenario("pbft/fault-free", &[script, corrupt]), 1);
    let outcome = outcome(&report);
    assert_eq!((outcome.operations, outcome.audit), (1, Audit::Reads(3)));
    assert_eq!(reads(outcome).len(), 3);
    // Nobody is left with a workload, and there is something to read.
    let alone = r#"workload.script={ c1 = ["put y 2"] }"#;
    let report = play(&scenario("pbft/fault-free", &[alone, corrupt]), 1);
    let outcome = self::outcome(&report);
    assert_eq!(
        (outcome.operations, outcome.audit, outcome.ended),
        (0, Audit::Reads(1), Ended::Done)
    );
    assert_eq!(reads(outcome).len(), 1);
}

/// A request is executed twice. If nobody reads, nothing that the client was told shows it.
#[test]
fn it_gives_teeth_to_a_workload_that_only_writes() {
    let script = r#"workload.script={ c0 = ["append x a"] }"#;
    for (audit, violated) in [("workload.audit=false", false), ("workload.audit=true", true)] {
        let report = play(&scenario("pbft/flaws/P19-executes-again", &[script, audit]), 0);
        let verdict = report.verdict("linearizability").expect("it is judged");
        assert_eq!(verdict.is_violated(), violated, "{audit}: {verdict:?}");
    }
}

/// Who crashes for good reads nothing any more: another client does, if there is one.
#[test]
fn another_client_reads_when_the_first_is_gone() {
    const ONE: &str = r#"fault=[{ start.at = "20ms", do.crash = "c0" }]"#;
    const BOTH: &str = r#"fault=[
        { start.at = "20ms", do.crash = "c0" },
        { start.at = "20ms", do.crash = "c1" },
    ]"#;
    const NOT_FOR_GOOD: &str = r#"fault=[{ start.at = "20ms", end.at = "2s", do.crash = "c0" }]"#;
    let cases: [(&str, Option<u16>); 3] = [(ONE, Some(1)), (BOTH, None), (NOT_FOR_GOOD, Some(0))];
    for (crash, reader) in cases {
        let set = ["workload.operations=1", "workload.keys=2", crash];
        let report = play(&scenario("pbft/fault-free", &set), 1);
        let outcome = outcome(&report);
        let reads = reads(outcome);
        let audit = reader.map_or(Audit::NoCorrectClient, |_| Audit::Reads(reads.len() as u64));
        assert_eq!((outcome.audit, outcome.ended), (audit, Ended::Done), "{crash}");
        assert_eq!(reads.is_empty(), reader.is_none(), "{crash}");
        let is_readers = |served: &&Served| {
            Some(served.client) == reader.map(NodeId::Client) && served.completed.is_some()
        };
        assert!(reads.iter().all(is_readers), "{crash}: {reads:?}");
    }
}

/// Who crashes for good while it reads leaves the rest to another. If nobody is left, no output may
/// claim an audit.
#[test]
fn another_client_reads_what_the_first_one_left_unread() {
    const SCRIPT: &str =
        r#"workload.script={ c0 = ["put x a", "put y b", "put z c"], c1 = ["put x d"] }"#;
    const FIRST: &str =
        r#"{ start.when = { node = "c0", event = "completed", seq = 4 }, do.crash = "c0" }"#;
    const SECOND: &str =
        r#"{ start.when = { node = "c1", event = "invoked", seq = 3 }, do.crash = "c1" }"#;
    const LAST: &str =
        r#"{ start.when = { node = "c1", event = "completed", seq = 3 }, do.crash = "c1" }"#;
    let cases = [
        (vec![FIRST], Audit::Reads(3), vec![0, 1, 1]),
        (vec![FIRST, SECOND], Audit::CutShort(3), vec![0, 1]),
        (vec![FIRST, LAST], Audit::Reads(3), vec![0, 1, 1]),
    ];
    for (crashes, audit, readers) in cases {
        let crashes = format!("fault=[{}]", crashes.join(", "));
        let report = play(&scenario("pbft/fault-free", &[SCRIPT, &crashes]), 1);
        let outcome = outcome(&report);
        assert_eq!((outcome.audit, outcome.ended), (audit, Ended::Done), "{crashes}");
        let read = reads(outcome).into_iter().filter(|served| served.completed.is_some());
        let read: Vec<NodeId> = read.map(|served| served.client).collect();
        let readers: Vec<NodeId> = readers.into_iter().map(NodeId::Client).collect();
        assert_eq!(read, readers, "{crashes}");
    }
}

/// The bound counts from the restart of a client, and the message says so.
#[test]
fn a_request_counts_from_the_restart_of_its_client() {
    const NOBODY_ANSWERS: &str = r#"fault=[
        { do.mute = "r1" },
        { do.mute = "r2" },
        { start.at = "20ms", end.at = "3s", do.crash = "c0" },
    ]"#;
    let set = ["workload.script={ c0 = [\"put x 1\"] }", "beyond-f=true", NOBODY_ANSWERS];
    let report = play(&scenario("pbft/fault-free", &set), 1);
    let Some(byzsim_core::Verdict::Violated(violation)) = report.verdict("liveness") else {
        panic!("{:?}", report.verdict("liveness"));
    };
    assert!(violation.explanation.contains("requested at 3s, was due by"), "{violation:?}");
}
