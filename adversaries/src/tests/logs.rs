//! What a fault's log says about a fault that did not fire.

use std::collections::BTreeSet;

use byzsim_core::{NodeId, Span};

use super::runs::{C0, R0, R1, R2, always, between, link, logs, millis};
use crate::{
    Action, Change, Demand, Fault, FaultLog, Moment, Pattern, Range, Reported, Target, Trigger,
};

fn log_of(fault: Fault) -> FaultLog {
    logs(vec![fault]).pop().expect("a log for each fault")
}

#[test]
fn a_log_tells_how_far_messages_got() {
    let pattern = |from, view| Pattern { kinds: vec!["ping".into()], from, view, ..link(C0, R1) };
    for (messages, met, not_met) in [
        (pattern(vec![R2], None), Demand::Kind, Demand::Sender),
        (Pattern { to: vec![C0], ..pattern(vec![C0], None) }, Demand::Sender, Demand::Receiver),
        (pattern(vec![C0], Some(Range::only(1))), Demand::Receiver, Demand::View),
    ] {
        let log = log_of(always(Action::Drop(messages.clone())));
        assert_eq!(log.target, Target::Fate(messages));
        assert!(log.messages.has_met(met) && !log.messages.has_met(not_met), "{log:?}");
        assert_eq!(log.matched, 0, "{log:?}");
    }
}

/// c0 pings at 0, 130 and 260 ms.
#[test]
fn a_log_tells_by_how_much_messages_missed_a_window() {
    let log = log_of(between(50, 100, Action::Drop(link(C0, R1))));
    assert_eq!((log.began, log.end.came), (Some(millis(50)), Some(millis(100))));
    assert_eq!((log.messages.met, log.matched), (3, 0));
    assert_eq!(log.too_early(), Some(Span::from_millis(50)));
    assert_eq!(log.too_late(), Some(Span::from_millis(30)));
}

#[test]
fn a_log_tells_who_was_first() {
    let messages = link(R0, R1);
    let faults = vec![
        always(Action::Mute(R0)),
        always(Action::Omit { node: R0, messages: messages.clone() }),
        always(Action::Mutate {
            node: R0,
            messages: messages.clone(),
            field: "word".into(),
            change: Change::Add(0),
        }),
    ];
    let logs = logs(faults);
    assert_eq!(logs[1].preempted_by, BTreeSet::from([0]));
    assert!(0 < logs[1].matched && logs[0].preempted_by.is_empty());
    assert!(0 < logs[2].unchangeable && logs[2].unchangeable_after.is_empty());
}

#[test]
fn a_log_tells_what_a_trigger_waited_for() {
    let drops = |node: NodeId, seq, end| {
        let seq = Some(Range::only(seq));
        let trigger =
            Trigger { node: Some(node), event: Reported::Committed, view: None, seq, count: 1 };
        let start = Some(Moment::When(trigger));
        Fault { note: None, start, end, action: Action::Drop(link(C0, R1)) }
    };
    let log = log_of(drops(R0, 9, None));
    assert_eq!((log.start.came, log.began), (None, None));
    assert!(log.start.reports.has_met(Demand::View) && log.start.reports.met == 0);
    assert_eq!(log.start.reports.slots, Some(Range { min: 1, max: 3 }));
    // What is sent meanwhile comes too early, or would have.
    assert_eq!((log.messages.met, log.matched, log.too_early()), (3, 0, None));
    let log = log_of(drops(R0, 1, Some(Moment::At(millis(5)))));
    assert!(log.end.came < log.start.came && log.began.is_none());
}
