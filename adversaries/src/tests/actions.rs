//! Each action has its effect, and `fired` counts it.

use byzsim_core::{Latency, NodeId, Observation, Span, Time};

use super::runs::{
    C0, C1, Log, R0, R1, R2, R3, Seen, always, between, link, millis, play, play_with, settled_at,
};
use super::toy::{STUTTER, TWIST};
use crate::{Action, Change, Fault, Moment, Pattern, Range, Reported, Split, Trigger};

#[test]
fn an_empty_plan_does_nothing() {
    let (log, fired) = play(Vec::new());
    assert_eq!(log.arrivals(C0, R1, "ping"), [10, 140, 270]);
    assert!(fired.is_empty());
}

#[test]
fn hold_keeps_messages_until_its_end() {
    let (log, fired) = play(vec![between(0, 200, Action::Hold(link(C0, R1)))]);
    // Released at 200 ms, one latency later it arrives; what is sent later is not held. The three
    // other echoes of r1's ping come from the others: the operation itself is not held up.
    assert_eq!(log.arrivals(C0, R1, "ping"), [210, 210, 270]);
    assert_eq!(fired, [2]);
}

#[test]
fn a_hold_without_an_end_lasts_as_long_as_the_network_allows() {
    let (log, fired) = play(vec![always(Action::Hold(link(C0, R1)))]);
    assert_eq!(log.arrivals(C0, R1, "ping"), [750, 750, 750]);
    assert_eq!(fired, [3]);
}

#[test]
fn delay_drop_and_duplicate_do_so() {
    let by = Span::from_millis(30);
    let (log, fired) = play(vec![
        always(Action::Delay { messages: link(C0, R1), by }),
        always(Action::Drop(link(C0, R2))),
        always(Action::Duplicate { messages: link(C0, R3), after: by }),
    ]);
    assert_eq!(log.arrivals(C0, R1, "ping")[0], 40);
    assert!(log.arrivals(C0, R2, "ping").is_empty());
    assert_eq!(log.arrivals(C0, R3, "ping")[..2], [10, 40]);
    assert_eq!(fired, [3, 3, 3]);
}

#[test]
fn the_first_fault_that_matches_decides_and_the_others_count_on() {
    let third = Pattern { nth: Some(Range::only(3)), ..link(C0, R1) };
    let second = Pattern { nth: Some(Range::only(2)), ..link(C0, R1) };
    let (log, fired) = play(vec![
        always(Action::Drop(second)),
        always(Action::Delay { messages: third, by: Span::from_millis(30) }),
    ]);
    // The second message was lost, and still the third one is the third one.
    assert_eq!(log.arrivals(C0, R1, "ping"), [10, 300]);
    assert_eq!(fired, [1, 1]);
}

#[test]
fn a_partition_parts_and_heals() {
    let cut = |one_way, lose| Action::Partition { groups: vec![vec![R3]], one_way, lose };
    let (log, fired) = play(vec![between(0, 200, cut(false, false))]);
    assert_eq!(log.arrivals(C0, R3, "ping"), [210, 210, 270]);
    assert_eq!(log.arrivals(R0, R3, "echo")[0], 210);
    assert!(0 < fired[0]);

    let (log, _) = play(vec![between(0, 200, cut(true, true))]);
    assert_eq!(log.arrivals(C0, R3, "ping")[0], 10, "what r3 hears is not cut off");
    // Two clients asked twice by then.
    assert_eq!(log.losses(R3, R0, "echo"), 4);
}

#[test]
fn a_crash_lasts_until_its_end() {
    let (log, fired) = play(vec![
        between(5, 200, Action::Crash(R3)),
        // A second reason to be down outlasts the first.
        between(100, 250, Action::Crash(R3)),
        between(900, 950, Action::Crash(R0)),
    ]);
    assert_eq!(log.times(|seen| *seen == Seen::Crash(R3)), [5]);
    assert_eq!(log.times(|seen| *seen == Seen::Restart(R3)), [250]);
    assert_eq!(log.times(|seen| *seen == Seen::Restart(R0)), [950]);
    assert_eq!(log.losses(C0, R3, "ping"), 2);
    assert_eq!(fired, [1, 1, 1]);
}

#[test]
fn drift_slows_a_clock() {
    let tick = |what: &Observation| *what == Observation::Reached("tick");
    let (log, fired) = play(vec![always(Action::Drift { node: R1, ppm: 500_000 })]);
    assert_eq!(log.reports(R0, tick)[..2], [50, 100]);
    assert_eq!(log.reports(R1, tick)[..2], [75, 150]);
    assert_eq!(fired, [1]);
}

#[test]
fn a_corrupted_node_withholds_and_lags() {
    let (log, fired) = play(vec![between(100, 200, Action::Mute(R0))]);
    assert_eq!(log.arrivals(R0, R1, "echo").len(), 4, "two rounds of two clients are heard");
    assert_eq!(log.losses(R0, R1, "echo"), 0, "what is withheld was never sent");
    assert_eq!(fired[0], 6 + 2, "echoes to three, pongs to two");

    let messages = Pattern { to: vec![R1], ..Pattern::default() };
    let (log, fired) = play(vec![always(Action::Omit { node: R0, messages })]);
    assert!(log.arrivals(R0, R1, "echo").is_empty());
    assert_eq!(log.arrivals(R0, R2, "echo").len(), 6);
    assert_eq!(fired, [6]);

    let (messages, by) = (Pattern::default(), Span::from_secs(5));
    let (log, fired) = play(vec![always(Action::Lag { node: R0, messages, by })]);
    assert!(log.arrivals(R0, R1, "echo").is_empty(), "no bound holds for a corrupted node");
    assert!(0 < fired[0]);
}

#[test]
fn a_lie_is_told_to_those_that_the_fault_is_about() {
    let lie = |lie: &str, to| {
        let messages = Pattern { to, ..Pattern::default() };
        always(Action::Lie { node: R0, lie: lie.into(), messages })
    };
    let (log, fired) = play(vec![lie(STUTTER, vec![R3]), lie(TWIST, vec![R2, R3])]);
    let [r1, r2, r3] = [R1, R2, R3].map(|to| log.texts(R0, to, "echo"));
    assert_eq!([r1.len(), r2.len()], [6, 6]);
    assert!(r1.iter().all(|echo| !r2.contains(echo)), "r2 hears nothing but lies");
    // To r3 the first lie decides; where it cannot be told, the second one is, as to r2.
    assert_eq!(r1[..2], r3[..2]);
    assert_eq!(r2[2..], r3[2..]);
    assert_eq!(log.arrivals(R0, R3, "echo").len(), 2 + 6);
    assert_eq!(fired, [2, 6 + 4]);
}

#[test]
fn twins_say_two_things_under_one_name() {
    let twins = |node, left, right| always(twins(node, vec![left], vec![right]));
    let (log, fired) = play(vec![twins(C0, R1, R2)]);
    let [r0, r1, r2] = [R0, R1, R2].map(|to| log.texts(C0, to, "ping"));
    assert_ne!(r1[0], r2[0], "each side is asked for something else");
    assert_eq!(r0[..2], [r1[0], r2[0]], "who is on no side hears both");
    assert!(0 < fired[0]);

    // The copies of a replica that hear different clients fill one slot with different things.
    let (log, fired) = play(vec![twins(R0, C0, NodeId::Client(1))]);
    assert_eq!(log.arrivals(R0, R1, "echo").len(), 6, "who is on no side hears both copies");
    assert_eq!(log.arrivals(R0, C0, "pong").len(), 3, "who is on a side hears one");
    assert_eq!(fired, [3], "one contradiction in each of three slots");
    let tick = |what: &Observation| *what == Observation::Reached("tick");
    assert_eq!(log.reports(R0, tick)[..2], [50, 100], "timers are private, one copy reports");
}

#[test]
fn twins_may_split_anew_in_each_view() {
    // All echoes of the toy are of view 0; its pings and pongs are of none.
    let splits = vec![Split { view: Range::only(0), left: vec![R1, R3], right: vec![R2] }];
    let action = |splits| Action::Twins { node: R0, left: vec![C0], right: vec![C1], splits };
    let (log, _) = play(vec![always(action(splits))]);
    let [r1, r2] = [R1, R2].map(|to| log.texts(R0, to, "echo"));
    assert_eq!([r1.len(), r2.len()], [3, 3], "who is on a side in view 0 hears one copy");
    assert!(r1.iter().all(|echo| !r2.contains(echo)), "and each side the other one");
    let (log, _) = play(vec![always(action(Vec::new()))]);
    assert_eq!(log.texts(R0, R1, "echo").len(), 6);
}

#[test]
fn a_mutation_changes_one_field_for_whom_it_is_about() {
    let mutate = |change, to: Vec<NodeId>| {
        let messages = Pattern { kinds: vec!["echo".into()], to, ..Pattern::default() };
        always(Action::Mutate { node: R0, messages, field: "word".into(), change })
    };
    let (log, fired) =
        play(vec![mutate(Change::Set(7), vec![R1]), mutate(Change::Recall, vec![R2])]);
    let [r1, r2, r3] = [R1, R2, R3].map(|to| log.texts(R0, to, "echo"));
    assert!(r1.iter().all(|echo| echo.ends_with(", 7)")), "{r1:?}");
    let word = |echo: &str| echo.rsplit(", ").next().map(str::to_owned);
    assert!(r2.iter().all(|echo| word(echo) == word(r3[0])), "all recall the first: {r2:?}");
    assert_eq!(r3.iter().collect::<std::collections::BTreeSet<_>>().len(), 6, "r3 hears the truth");
    assert_eq!(fired, [6, 5], "what a recall leaves as it was is no lie");
}

#[test]
fn a_replay_repeats_what_was_said_or_heard() {
    let replay = |heard| Fault {
        start: Some(Moment::At(Time::ZERO + Span::from_millis(60))),
        ..always(Action::Replay {
            node: R0,
            messages: Pattern { kinds: vec!["echo".into()], ..Pattern::default() },
            to: vec![R1],
            heard,
        })
    };
    let before = log_of_echoes(&play(Vec::new()).0);
    for (heard, more) in [(false, 2), (true, 6_u8)] {
        let (log, fired) = play(vec![replay(heard)]);
        assert_eq!(fired, [u64::from(more)], "heard: {heard}");
        assert_eq!(log_of_echoes(&log), before + usize::from(more), "heard: {heard}");
    }
}

#[test]
fn a_replay_repeats_what_went_out_and_finds_what_came_late() {
    let echoes = |seq| Pattern { seq: Some(Range::only(seq)), ..Pattern::default() };
    let replay = |start, end, seq| {
        let (messages, to) = (echoes(seq), vec![R1]);
        between(start, end, Action::Replay { node: R0, messages, to, heard: false })
    };
    let messages = Pattern { to: vec![R1], ..echoes(3) };
    let (field, change) = ("word".into(), Change::Set(7));
    let lie = always(Action::Mutate { node: R0, messages, field, change });
    // r0 lies to r1 about two clients' third operations. Lie and truth are repeated, each once.
    let (log, fired) = play(vec![lie, replay(600, 700, 3)]);
    assert_eq!(fired, [2, 4]);
    let lies = log.texts(R0, R1, "echo").iter().filter(|echo| echo.ends_with(", 7)")).count();
    assert_eq!(lies, 2 + 2, "r1 hears the lies again, besides what the others heard");
    // Nothing happens at r0 between 110 ms and 115 ms.
    for (end, repeated) in [(114, 0), (200, 2)] {
        let (_, fired) = play(vec![replay(111, end, 1)]);
        assert_eq!(fired, [repeated], "what is over before the node acts is not done later");
    }
}

fn log_of_echoes(log: &Log) -> usize {
    log.arrivals(R0, R1, "echo").len()
}

#[test]
fn a_rushing_node_hears_at_once() {
    let (log, fired) = play(vec![always(Action::Rush(R0))]);
    assert_eq!(log.arrivals(C0, R0, "ping")[0], 0);
    assert_eq!(log.arrivals(C0, R1, "ping")[0], 10);
    assert!(0 < fired[0]);
}

#[test]
fn twins_that_hear_the_same_did_not_fire() {
    // Only r1 is heard by one copy alone, and it says what the others say.
    let right = vec![R1];
    let (_, fired) = play(vec![always(twins(R0, Vec::new(), right))]);
    assert_eq!(fired, [0]);
}

#[test]
fn the_workload_of_a_corrupted_client_goes_on() {
    let right = vec![R0, R1, R2, R3];
    let twins = twins(C0, Vec::new(), right);
    let (log, _) = play(vec![always(twins)]);
    let done = log.reports(C0, |what| matches!(what, Observation::Completed { .. }));
    assert_eq!(done.len(), 3, "the first copy hears nobody, the second asks on");
}

#[test]
fn triggers_start_and_end_faults() {
    let when = |node, event, seq, count| {
        let seq = Some(Range::only(seq));
        Some(Moment::When(Trigger { node, event, view: None, seq, count }))
    };
    let drops = |start, end| Fault { note: None, start, end, action: Action::Drop(link(C0, R1)) };
    // c0 asks for the second operation at 130 ms, and replicas commit the first one, of each
    // client, at 20 ms.
    let committed = |count| when(None, Reported::Committed, 1, count);
    for (start, end, arrivals, drops_made) in [
        (committed(1), None, &[10][..], 2),
        (committed(8), None, &[10], 2),
        (committed(9), None, &[10, 140, 270], 0),
        (None, committed(1), &[140, 270], 1),
        (committed(1), when(Some(C0), Reported::Completed, 2, 1), &[10, 270], 1),
        // The end comes before the start: never in force.
        (when(Some(R0), Reported::Committed, 2, 1), committed(1), &[10, 140, 270], 0),
    ] {
        let name = format!("{start:?} to {end:?}");
        let (log, fired) = play(vec![drops(start, end)]);
        assert_eq!(log.arrivals(C0, R1, "ping"), arrivals, "{name}");
        assert_eq!(fired, [drops_made], "{name}");
    }
}

#[test]
fn taking_a_fault_out_leaves_the_rest_as_it_was() {
    let uniform = || Latency::Uniform { min: Span::from_millis(1), max: Span::from_millis(20) };
    let twist = |to| {
        let messages = Pattern { to: vec![to], ..Pattern::default() };
        always(Action::Lie { node: R0, lie: TWIST.into(), messages })
    };
    let double = always(Action::Duplicate { messages: link(R3, C0), after: Span::from_millis(5) });
    let nth = Pattern { nth: Some(Range { min: 2, max: 4 }), ..link(R1, R2) };
    let delay = always(Action::Delay { messages: nth, by: Span::from_millis(7) });
    let elsewhere = |(_, seen): &&(Time, Seen)| {
        let Seen::Arrives { from, to, .. } = seen else { return true };
        (*from, *to) != (R3, C0)
    };
    let (all, fired) = play_with(uniform(), vec![double, twist(R1), twist(R2), delay.clone()]);
    assert!(fired.iter().all(|count| 0 < *count), "{fired:?}");
    let (fewer, _) = play_with(uniform(), vec![twist(R1), twist(R2), delay.clone()]);
    assert_ne!(all.0, fewer.0);
    let rest = |log: &Log| log.0.iter().filter(elsewhere).cloned().collect::<Vec<_>>();
    assert_eq!(rest(&all), rest(&fewer));
    // A lie is told in the same words if another one is not.
    let (one_lie, _) = play_with(uniform(), vec![twist(R2), delay]);
    assert_eq!(one_lie.texts(R0, R2, "echo"), fewer.texts(R0, R2, "echo"));
}

fn twins(node: NodeId, left: Vec<NodeId>, right: Vec<NodeId>) -> Action {
    Action::Twins { node, left, right, splits: Vec::new() }
}

#[test]
fn the_adversary_has_settled_when_the_last_fault_that_ends_is_over() {
    let drop = || Action::Drop(link(C0, R1));
    let committed = |seq| {
        let (event, seq) = (Reported::Committed, Some(Range { min: seq, max: seq }));
        Some(Moment::When(Trigger { node: Some(R0), event, view: None, seq, count: 1 }))
    };
    let until = |end| Fault { note: None, start: None, end, action: drop() };
    // R0 commits the first operation of the first client at 20 ms. The run ends at 1 s.
    for (faults, settled) in [
        (vec![], 0),
        (vec![always(drop())], 0),
        (vec![always(drop()), between(100, 300, drop()), between(50, 200, drop())], 300),
        (vec![between(100, 5_000, drop())], 5_000),
        (vec![until(committed(1))], 20),
        (vec![until(committed(99))], 0),
        (vec![Fault { end: Some(Moment::At(Time::NEVER)), ..always(drop()) }], 0),
    ] {
        assert_eq!(settled_at(faults.clone()), millis(settled), "{faults:?}");
    }
}
