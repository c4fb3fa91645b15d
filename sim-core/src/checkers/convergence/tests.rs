//! Runs in which replicas lag, catch up, differ or are left out.

use super::*;
use crate::history::Answer;
use crate::id::Committee;

const R: [NodeId; 3] = [NodeId::Replica(0), NodeId::Replica(1), NodeId::Replica(2)];
const C: NodeId = NodeId::Client(0);
const BOUND: Span = Span::from_secs(10);

fn at(secs: u64) -> Stamp {
    Stamp { time: Time::ZERO + Span::from_secs(secs), event: secs }
}

fn executed(seq: u64) -> Observation {
    Observation::Executed { view: 0, seq, batch: Digest::default(), null: false }
}

fn speculated(seq: u64) -> Observation {
    let (batch, history) = (Digest::default(), Digest::default());
    Observation::Speculated { view: 0, seq, batch, history }
}

fn asked() -> Observation {
    let operation = "get x".parse().expect("an operation");
    Observation::Invoked { timestamp: 1, operation }
}

fn read(client: NodeId) -> Observation {
    let (operation, answer) = ("get x".parse().expect("an operation"), Answer::Value(None));
    Observation::Read { seq: 1, client, timestamp: 1, operation, answer }
}

fn applied(client: NodeId) -> Observation {
    let (operation, answer) = ("get x".parse().expect("an operation"), Answer::Value(None));
    Observation::Applied { seq: 2, client, timestamp: 1, operation, answer }
}

/// What the checker says of three correct replicas, when the run is calm from 5 s and settled
/// from 6 s on, and ends at `end`.
fn judge(
    seen: &[(u64, NodeId, Observation)],
    (end, is_at_rest): (u64, bool),
    is_down: &dyn Fn(NodeId) -> bool,
    standing: &dyn Fn(NodeId) -> Option<Standing>,
) -> (Verdict, Option<String>) {
    close(seen, (end, is_at_rest, false), is_down, &|node, _| standing(node))
}

/// The same, where pulses may run.
fn close(
    seen: &[(u64, NodeId, Observation)],
    (end, is_at_rest, has_pulses): (u64, bool, bool),
    is_down: &dyn Fn(NodeId) -> bool,
    standing: &dyn Fn(NodeId, u64) -> Option<Standing>,
) -> (Verdict, Option<String>) {
    let mut checker = Convergence::new(&RunInfo {
        corrupted: vec![NodeId::Replica(3)],
        liveness_bound: BOUND,
        ..RunInfo::of(Committee { replicas: 4, faults: 1, clients: 1 })
    });
    for (secs, node, observation) in seen {
        checker.observe(at(*secs), *node, observation);
    }
    let closing = Closing {
        calm: at(5).time,
        settled: Some(at(6).time),
        is_at_rest,
        late: None,
        has_pulses,
        open: Vec::new(),
        is_down,
        standing,
    };
    checker.close(at(end), &closing);
    let remark = checker.remark();
    (checker.finish(at(end)), remark)
}

fn up(seen: &[(u64, NodeId, Observation)], end: (u64, bool)) -> (Verdict, Option<String>) {
    judge(seen, end, &|_| false, &|_| None)
}

fn shape(verdict: &Verdict) -> &str {
    match verdict {
        Verdict::Violated(violation) => &violation.shape,
        Verdict::Holds(_) => "holds",
        Verdict::Inconclusive(_) => "inconclusive",
    }
}

#[test]
fn who_lags_behind_for_ever_violates_it() {
    let seen = |asking| {
        let mut seen = vec![(1, R[0], executed(1)), (1, R[1], executed(1)), (asking, C, asked())];
        seen.push((6, R[0], executed(2)));
        seen.push((6, R[1], executed(2)));
        seen
    };
    let (verdict, remark) = up(&seen(5), (6, true));
    assert_eq!((shape(&verdict), remark), ("left behind", None));
    // The run went on, and ended too early, or late enough.
    assert_eq!(shape(&up(&seen(5), (16, false)).0), "inconclusive");
    assert_eq!(shape(&up(&seen(5), (17, false)).0), "left behind");
    // Nobody told it.
    let (verdict, remark) = up(&seen(4), (6, true));
    assert_eq!(verdict, Verdict::Holds(4));
    assert!(remark.is_some_and(|why| why.contains("r2") && why.contains("nothing told it")));
    // It stays crashed.
    let (verdict, remark) = judge(&seen(5), (6, true), &|node| node == R[2], &|_| None);
    assert_eq!(verdict, Verdict::Holds(4));
    assert_eq!(remark.as_deref(), Some("left out: r2 stays crashed"));
}

/// Heartbeats tell a replica that lags, whether a client asks or not: the run waits for it.
#[test]
fn where_replicas_keep_telling_nobody_need_ask() {
    let judge = |keeps_telling, end| {
        let mut checker = Convergence::new(&RunInfo {
            corrupted: vec![NodeId::Replica(3)],
            liveness_bound: BOUND,
            keeps_telling,
            ..RunInfo::of(Committee { replicas: 4, faults: 1, clients: 1 })
        });
        for (secs, node) in [(1, R[0]), (2, R[1])] {
            checker.observe(at(secs), node, &executed(1));
        }
        assert_eq!(checker.is_open(at(5).time, &|_| false), keeps_telling);
        let closing = Closing {
            calm: at(5).time,
            settled: Some(at(6).time),
            is_at_rest: true,
            late: None,
            has_pulses: true,
            open: Vec::new(),
            is_down: &|_| false,
            standing: &|_, _| None,
        };
        checker.close(at(end), &closing);
        (checker.finish(at(end)), checker.remark().is_some())
    };
    let [(early, _), (late, _), (nobody, is_left_out)] =
        [judge(true, 16), judge(true, 17), judge(false, 17)];
    assert_eq!([shape(&early), shape(&late)], ["inconclusive", "left behind"]);
    assert_eq!((shape(&nobody), is_left_out), ("holds", true));
}

#[test]
fn who_has_a_link_that_loses_messages_for_ever_may_lag() {
    let lossy = |lost: [NodeId; 2], end, is_at_rest| {
        let mut checker = Convergence::new(&RunInfo {
            corrupted: vec![NodeId::Replica(3)],
            liveness_bound: BOUND,
            ..RunInfo::of(Committee { replicas: 4, faults: 1, clients: 1 })
        });
        let [from, to] = lost;
        checker.happen(at(1), Happening::Lost { from, to });
        checker.observe(at(5), C, &asked());
        for node in [R[0], R[1]] {
            checker.observe(at(6), node, &executed(1));
        }
        assert_eq!(checker.is_open(at(5).time, &|_| false), lost == [R[0], R[1]]);
        checker.close(
            at(end),
            &Closing {
                calm: at(5).time,
                settled: Some(at(6).time),
                is_at_rest,
                late: None,
                has_pulses: false,
                open: Vec::new(),
                is_down: &|_| false,
                standing: &|_, _| None,
            },
        );
        let remark = checker.remark();
        (checker.finish(at(end)), remark)
    };
    assert_eq!(shape(&lossy([R[0], R[1]], 17, false).0), "left behind");
    for lost in [[R[0], R[2]], [R[2], R[1]]] {
        let (verdict, remark) = lossy(lost, 17, false);
        assert_eq!(verdict, Verdict::Holds(2));
        assert!(remark.is_some_and(|why| why.contains("a link of it lost messages")));
    }
}

#[test]
fn who_catches_up_in_time_keeps_it_and_who_does_later_does_not() {
    for (secs, expected) in [(7, "holds"), (16, "holds"), (17, "caught up late")] {
        let (state, content) = (Digest::default(), std::rc::Rc::default());
        let restored = Observation::Restored { seq: 1, state, history: None, content };
        let seen = [
            (1, R[0], executed(1)),
            (1, R[1], executed(1)),
            (5, C, asked()),
            (secs, R[2], restored),
        ];
        assert_eq!(shape(&up(&seen, (secs, true)).0), expected, "at {secs} s");
    }
}

/// A corrupted primary proposed slot 3, and slot 2 to nobody.
#[test]
fn what_is_committed_above_a_hole_is_decided_when_the_hole_is_filled() {
    let decided = crate::Decided::Batch(Digest::default());
    let committed = |seq| Observation::Committed { view: 0, seq, decided };
    let mut seen: Vec<_> = R.iter().map(|node| (1, *node, executed(1))).collect();
    seen.extend([(5, C, asked()), (6, R[0], committed(3))]);
    assert_eq!(up(&seen, (20, true)).0, Verdict::Holds(3));
    seen.push((7, R[1], committed(2)));
    assert_eq!(shape(&up(&seen, (20, true)).0), "left behind");
    for seq in [2, 3] {
        seen.extend(R.map(|node| (8, node, executed(seq))));
    }
    assert_eq!(up(&seen, (20, true)).0, Verdict::Holds(9));
}

#[test]
fn what_is_executed_before_it_is_decided_is_held_and_what_is_rolled_back_is_not() {
    let anchored = |seq| {
        let history = Digest::default();
        Observation::Anchored { timestamp: 1, view: 0, seq, history }
    };
    let mut seen: Vec<_> = R.iter().map(|node| (1, *node, speculated(1))).collect();
    seen.push((5, C, asked()));
    seen.push((30, C, anchored(1)));
    assert_eq!(shape(&up(&seen, (30, true)).0), "holds");
    seen.push((30, R[1], Observation::RolledBack { to: 0 }));
    assert_eq!(shape(&up(&seen, (30, true)).0), "left behind");
    seen.push((31, R[1], speculated(1)));
    assert_eq!(shape(&up(&seen, (31, true)).0), "holds");
}

#[test]
fn replicas_that_executed_the_same_hold_the_same() {
    let seen: Vec<_> = R.iter().map(|node| (1, *node, executed(1))).collect();
    let judged = |states: [u8; 3], histories: [Option<(u8, u8)>; 3]| {
        let digest = |byte| Digest([byte; 32]);
        let (verdict, _) = judge(&seen, (6, true), &|_| false, &|node| {
            let place = usize::from(node.number());
            let history = histories[place].map(|(head, at)| (digest(head), Some(digest(at))));
            Some(Standing { executed: 1, state: digest(states[place]), history })
        });
        shape(&verdict).to_owned()
    };
    assert_eq!(judged([1, 1, 1], [None; 3]), "holds");
    assert_eq!(judged([1, 1, 2], [None; 3]), "states differ");
    // What is not decided may differ, and then states do.
    let above = |head| Some((head, 9));
    assert_eq!(judged([1, 2, 2], [above(1), above(2), above(2)]), "holds");
    assert_eq!(judged([1, 2, 3], [above(1), above(2), above(2)]), "states differ");
    assert_eq!(judged([1, 1, 1], [above(1), above(1), Some((1, 8))]), "histories differ");
}

/// A read that is answered past the order makes no replica speak to another.
#[test]
fn reads_past_the_order_tell_nobody() {
    let lags = [(1, R[0], executed(1)), (1, R[1], executed(1)), (6, C, asked())];
    let said = |more: &[(u64, NodeId, Observation)]| {
        let seen: Vec<_> = lags.iter().chain(more).cloned().collect();
        judge(&seen, (30, true), &|_| false, &|_| None)
    };
    let (verdict, remark) = said(&[(7, R[0], read(C)), (7, R[1], read(C))]);
    assert!(!verdict.is_violated(), "{verdict:?}");
    assert!(remark.is_some_and(|it| it.contains("r2")), "r2 is left out");
    assert!(said(&[]).0.is_violated(), "an operation that is to be ordered tells r2");
    let in_order = [(7, R[0], read(C)), (8, R[0], applied(C))];
    assert!(said(&in_order).0.is_violated(), "so does one that was ordered in the end");
}

/// What pulses lead to tells who lags, if a client asked; a run in which none did does not wait.
#[test]
fn pulses_tell_who_lags_if_a_client_asked() {
    let judged = |asks_at: u64, end: u64| {
        let seen = [(1, R[0], executed(1)), (1, R[1], executed(1)), (asks_at, C, asked())];
        let (verdict, remark) = close(&seen, (end, true, true), &|_| false, &|_, _| None);
        (shape(&verdict).to_owned(), remark.is_some_and(|it| it.contains("r2")))
    };
    assert_eq!(judged(1, 7), ("holds".to_owned(), true), "r2 is left out");
    assert_eq!(judged(6, 7), ("inconclusive".to_owned(), false), "it may still be told");
    assert_eq!(judged(6, 99), ("left behind".to_owned(), false), "it had the time");
}
