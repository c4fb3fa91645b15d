//! Crashes in the middle of something, with losses, and of clients.

use byzsim_core::{NodeId, Observation, Span};

use super::runs::{C0, Log, R0, R1, R2, R3, Seen, always, between, link, logs, play};
use crate::{Action, Fault, Lost, Target};

/// When `node` reports that it committed its first slot, and when its answers arrive at c0.
fn first_round(log: &Log, node: NodeId) -> (Vec<u64>, Vec<u64>) {
    let committed = |what: &Observation| matches!(what, Observation::Committed { seq: 1, .. });
    let early = |times: Vec<u64>| times.into_iter().filter(|ms| *ms < 100).collect();
    (early(log.reports(node, committed)), early(log.arrivals(node, C0, "pong")))
}

/// r3 commits c0's first request upon r1's echo, at 20 ms. That of r2 comes when r3 is up again.
fn as_it_commits(action: Action) -> Vec<Fault> {
    let late = Action::Delay { messages: link(R2, R3), by: Span::from_millis(30) };
    vec![always(late), between(15, 40, action)]
}

#[test]
fn a_crash_midway_sends_a_part_of_a_broadcast() {
    let midway = Action::CrashMidway { node: R3, after: 2 };
    let (log, fired) = play(vec![between(5, 200, midway)]);
    assert_eq!(log.times(|seen| *seen == Seen::Crash(R3)), [10]);
    assert_eq!(log.times(|seen| *seen == Seen::Restart(R3)), [200]);
    // It echoes the ping of c0 to two of three. Up again, it echoes those of both clients.
    assert_eq!(log.arrivals(R3, R0, "echo"), [20, 280, 280]);
    assert_eq!(log.arrivals(R3, R1, "echo"), [20, 280, 280]);
    assert_eq!(log.arrivals(R3, R2, "echo"), [280, 280]);
    assert_eq!(fired, [1]);
}

#[test]
fn what_was_written_before_a_crash_midway_is_still_there() {
    let (log, _) = play(as_it_commits(Action::CrashMidway { node: R3, after: 0 }));
    // It commits and says nothing of it; the fourth echo adds nothing.
    assert_eq!(first_round(&log, R3), (vec![20], vec![]));
}

#[test]
fn a_replica_that_loses_its_last_write_does_again_what_it_did() {
    let forget = Action::Forget { node: R3, loses: Lost::LastWrite, after: None };
    let (log, fired) = play(as_it_commits(forget));
    assert_eq!(first_round(&log, R3), (vec![20, 50], vec![30, 60]));
    assert_eq!(fired[1], 1);
    let midway = Action::Forget { node: R3, loses: Lost::LastWrite, after: Some(0) };
    let (log, _) = play(as_it_commits(midway));
    assert_eq!(first_round(&log, R3), (vec![20, 50], vec![60]));
}

#[test]
fn a_replica_that_forgets_everything_starts_over() {
    for after in [None, Some(0)] {
        let forget = Action::Forget { node: R3, loses: Lost::Everything, after };
        let (log, fired) = play(as_it_commits(forget));
        // The late echo is the first one that it knows of.
        let committed = if after.is_some() { vec![20] } else { vec![] };
        assert_eq!(first_round(&log, R3), (committed, vec![]), "{after:?}");
        assert_eq!(fired[1], 1, "{after:?}");
    }
}

#[test]
fn a_crash_midway_that_does_not_come_is_called_off() {
    let midway = || Action::CrashMidway { node: R3, after: 3 };
    let (log, fired) = play(vec![between(5, 200, midway()), between(50, 100, Action::Crash(R3))]);
    assert_eq!(log.times(|seen| *seen == Seen::Crash(R3)), [50], "nothing sends four messages");
    assert_eq!(log.times(|seen| *seen == Seen::Restart(R3)), [100]);
    assert_eq!(fired, [0, 1]);
    let [log] = &logs(vec![always(midway())])[..] else { panic!("one fault") };
    assert_eq!(log.target, Target::Sends(R3, 3));
}

/// A restart is an input like others: the crash may come upon it, in the moment in which its fault
/// ends.
#[test]
fn a_crash_that_comes_as_its_fault_ends_does_not_last() {
    let slow = Action::Delay { messages: link(C0, R3), by: Span::from_millis(50) };
    let midway = Action::CrashMidway { node: R3, after: 0 };
    // The ping of c0 arrives at 60 ms, when the fault ends.
    let (log, fired) = play(vec![between(0, 5, slow), between(55, 60, midway)]);
    assert_eq!(log.times(|seen| *seen == Seen::Crash(R3)), [60]);
    assert_eq!(log.times(|seen| *seen == Seen::Restart(R3)), [60]);
    assert_eq!(fired[1], 1);
    assert_eq!(log.arrivals(R3, R0, "echo").last(), Some(&280), "it is up again");
}

#[test]
fn a_client_that_is_down_asks_when_it_restarts() {
    let (log, fired) = play(vec![between(50, 250, Action::Crash(C0))]);
    assert_eq!(log.arrivals(C0, R1, "ping"), [10, 260, 390]);
    assert_eq!(fired, [1]);
    // The toy's client does not ask again. What it had not sent is lost.
    let (log, fired) = play(vec![between(50, 250, Action::CrashMidway { node: C0, after: 1 })]);
    assert_eq!(log.arrivals(C0, R0, "ping"), [10, 140]);
    assert_eq!(log.arrivals(C0, R1, "ping"), [10]);
    assert_eq!(fired, [1]);
}
