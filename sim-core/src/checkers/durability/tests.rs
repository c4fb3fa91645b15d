//! What the judge of completions notices, and what it must not be misled by.

use std::rc::Rc;

use super::*;
use crate::crypto::Digest;
use crate::observation::{Content, Decided};
use crate::time::Time;

const R0: NodeId = NodeId::Replica(0);
const R1: NodeId = NodeId::Replica(1);
const C0: NodeId = NodeId::Client(0);
const C1: NodeId = NodeId::Client(1);

/// A stream of observations under way.
#[derive(Default)]
struct Stream {
    judge: Durability,
    event: u64,
}

fn append(value: &str) -> Operation {
    Operation::Append { key: "x".into(), value: value.into() }
}

fn history(name: u8) -> Digest {
    Digest([name; 32])
}

impl Stream {
    fn say(&mut self, node: NodeId, observation: Observation) {
        self.event += 1;
        let at = Stamp { time: Time::ZERO, event: self.event };
        self.judge.observe(at, node, &observation);
    }

    fn asks(&mut self, client: NodeId, timestamp: u64) {
        self.say(client, Observation::Invoked { timestamp, operation: append("a") });
    }

    fn applies(&mut self, node: NodeId, seq: u64, (client, timestamp): Request) {
        let (operation, answer) = (append("a"), Answer::Done);
        self.say(node, Observation::Applied { seq, client, timestamp, operation, answer });
    }

    /// Slots from `first` on, each with the name of its history and the request in it.
    fn speculates(&mut self, node: NodeId, first: u64, slots: &[(u8, Request)]) {
        for (seq, (name, request)) in (first..).zip(slots) {
            let (batch, history) = (Digest::default(), history(*name));
            self.say(node, Observation::Speculated { view: 0, seq, batch, history });
            self.applies(node, seq, *request);
        }
    }

    fn completes(&mut self, (client, timestamp): Request, view: u64, (seq, name): (u64, u8)) {
        let history = history(name);
        self.say(client, Observation::Anchored { timestamp, view, seq, history });
        self.accepts((client, timestamp), Answer::Done);
    }

    fn accepts(&mut self, (client, timestamp): Request, answer: Answer) {
        self.say(client, Observation::Completed { timestamp, answer });
    }

    fn executes(&mut self, node: NodeId, seq: u64, request: Option<Request>) {
        let (view, batch, null) = (0, Digest::default(), request.is_none());
        self.say(node, Observation::Executed { view, seq, batch, null });
        if let Some(request) = request {
            self.applies(node, seq, request);
        }
    }

    fn restores(&mut self, node: NodeId, seq: u64, name: Option<u8>, replies: &[Request]) {
        let replies = replies.iter().map(|(client, t)| (*client, (*t, Answer::Done))).collect();
        let content = Rc::new(Content { replies, ..Content::default() });
        let (state, history) = (Digest::default(), name.map(history));
        self.say(node, Observation::Restored { seq, state, history, content });
    }

    fn violation(&mut self) -> Option<(String, u64)> {
        match self.judge.finish(Stamp { time: Time::ZERO, event: self.event }) {
            Verdict::Violated(violation) => Some((violation.shape, violation.at.event)),
            Verdict::Holds(_) => None,
            Verdict::Inconclusive(why) => panic!("{why}"),
        }
    }
}

fn lost(event: u64) -> Option<(String, u64)> {
    Some(("completed operation lost".to_owned(), event))
}

#[test]
fn a_later_view_begins_with_what_completed() {
    let mut stream = Stream::default();
    stream.asks(C0, 1);
    stream.asks(C1, 1);
    stream.speculates(R0, 1, &[(1, (C0, 1)), (2, (C1, 1))]);
    stream.speculates(R1, 1, &[(3, (C1, 1))]);
    stream.completes((C0, 1), 0, (1, 1));
    // In the view of the completion another history is nothing bad yet.
    assert_eq!(stream.violation(), None);
    stream.say(R0, Observation::EnteredView { view: 1 });
    stream.say(R1, Observation::EnteredView { view: 0 });
    assert_eq!(stream.violation(), None);
    stream.say(R1, Observation::EnteredView { view: 1 });
    assert_eq!(stream.violation(), lost(stream.event));
    // An empty slot is as bad.
    stream.say(R0, Observation::RolledBack { to: 0 });
    stream.say(R0, Observation::EnteredView { view: 2 });
    assert_eq!(stream.violation(), lost(stream.event));
}

/// The client is the last to learn of it: no view is entered after that.
#[test]
fn a_completion_is_compared_with_the_views_that_were_entered_before_it_was_known() {
    let mut stream = Stream::default();
    stream.asks(C0, 1);
    for node in [R0, R1] {
        stream.speculates(node, 1, &[(1, (C0, 1))]);
        stream.say(node, Observation::RolledBack { to: 0 });
        stream.speculates(node, 1, &[(2, (C1, 1)), (3, (C0, 1))]);
        stream.say(node, Observation::EnteredView { view: 1 });
    }
    assert_eq!(stream.violation(), None);
    stream.completes((C0, 1), 0, (1, 1));
    assert_eq!(stream.violation(), lost(stream.event - 1));
    // In the view that was entered it may complete.
    let mut stream = Stream::default();
    stream.asks(C0, 1);
    stream.speculates(R0, 1, &[(1, (C1, 1))]);
    stream.say(R0, Observation::EnteredView { view: 1 });
    stream.speculates(R0, 2, &[(2, (C0, 1))]);
    stream.completes((C0, 1), 1, (2, 2));
    assert_eq!(stream.violation(), None);
}

/// A replica that knows of a new view and of nothing else has executed nothing, whatever was known
/// to be complete by then.
#[test]
fn who_enters_a_view_with_nothing_lacks_what_completed() {
    for known_before in [false, true] {
        let mut stream = Stream::default();
        stream.asks(C0, 1);
        stream.speculates(R0, 1, &[(1, (C0, 1))]);
        if known_before {
            stream.completes((C0, 1), 0, (1, 1));
        }
        stream.say(R1, Observation::EnteredView { view: 1 });
        let mut noticed = stream.event;
        if !known_before {
            assert_eq!(stream.violation(), None);
            stream.completes((C0, 1), 0, (1, 1));
            noticed = stream.event - 1;
        }
        assert_eq!(stream.violation(), lost(noticed), "{known_before}");
    }
    // Where replicas do not speculate, it says nothing of what they hold.
    let mut stream = Stream::default();
    stream.asks(C0, 1);
    stream.say(R1, Observation::EnteredView { view: 1 });
    stream.executes(R1, 1, Some((C0, 1)));
    stream.accepts((C0, 1), Answer::Done);
    stream.executes(R1, 2, None);
    assert_eq!(stream.violation(), None);
}

#[test]
fn what_is_committed_is_what_completed_in_whatever_order() {
    let commits = |stream: &mut Stream, seq, name| {
        let (view, decided) = (0, Decided::History(history(name)));
        stream.say(R1, Observation::Committed { view, seq, decided });
    };
    let shape = "committed against a completion".to_owned();
    for (seq, name, is_bad) in [(1, 1, false), (2, 2, false), (1, 11, true), (2, 12, true)] {
        for commits_first in [false, true] {
            let mut stream = Stream::default();
            stream.asks(C0, 1);
            stream.speculates(R0, 1, &[(1, (C1, 1)), (2, (C0, 1))]);
            stream.speculates(R1, 1, &[(11, (C1, 1)), (12, (C0, 1))]);
            if commits_first {
                commits(&mut stream, seq, name);
            }
            assert_eq!(stream.violation(), None);
            stream.completes((C0, 1), 0, (2, 2));
            let noticed = stream.event - 1;
            if !commits_first {
                assert_eq!(stream.violation(), None);
                commits(&mut stream, seq, name);
            }
            let noticed = if commits_first { noticed } else { stream.event };
            let expected = is_bad.then(|| (shape.clone(), noticed));
            assert_eq!(stream.violation(), expected, "s{seq} {name} {commits_first}");
        }
    }
}

#[test]
fn completions_are_of_one_line_in_whatever_order() {
    // Two lines: slots 1, 2, 3 with the histories 1, 2, 3, and with 1, 12, 13.
    let line = |first: (u64, u8), second: (u64, u8)| {
        let mut stream = Stream::default();
        stream.asks(C0, 1);
        stream.asks(C1, 1);
        let one = |name| (name, if name % 10 == first.1 % 10 { (C0, 1) } else { (C1, 1) });
        stream.speculates(R0, 1, &[one(1), one(2), one(3)]);
        stream.speculates(R1, 1, &[one(1), one(12), one(13)]);
        stream.completes((C0, 1), 0, first);
        stream.completes((C1, 1), 0, second);
        stream.violation().map(|(shape, _)| shape)
    };
    let contradict = Some("two completions contradict each other".to_owned());
    for (first, second, judged) in [
        ((1, 1), (3, 3), None),
        ((3, 3), (1, 1), None),
        ((1, 1), (3, 13), None),
        ((2, 2), (2, 12), contradict.clone()),
        ((2, 2), (3, 13), contradict.clone()),
        ((3, 13), (2, 2), contradict.clone()),
    ] {
        assert_eq!(line(first, second).filter(|it| !it.contains("slot of")), judged, "{first:?}");
    }
}

#[test]
fn a_completion_is_what_was_executed_there() {
    let shape = |place, answer| {
        let mut stream = Stream::default();
        stream.asks(C0, 1);
        stream.speculates(R0, 1, &[(1, (C0, 1)), (2, (C1, 1))]);
        let (seq, name): (u64, u8) = place;
        let (timestamp, view, history) = (1, 0, history(name));
        stream.say(C0, Observation::Anchored { timestamp, view, seq, history });
        stream.accepts((C0, 1), answer);
        stream.violation().map(|(shape, _)| shape)
    };
    assert_eq!(shape((1, 1), Answer::Done), None);
    let other = shape((1, 1), Answer::Swapped(true));
    assert_eq!(other.as_deref(), Some("another answer"));
    let slot = shape((2, 2), Answer::Done);
    assert_eq!(slot.as_deref(), Some("completed in the slot of another"));
    let nothing = shape((1, 9), Answer::Done);
    assert_eq!(nothing.as_deref(), Some("completed out of nothing"));
}

#[test]
fn what_is_asked_for_later_comes_later() {
    let mut stream = Stream::default();
    stream.asks(C0, 1);
    stream.asks(C1, 1);
    stream.speculates(R0, 1, &[(1, (C1, 1)), (2, (C0, 1))]);
    stream.completes((C0, 1), 0, (2, 2));
    // It was asked for before: it may stand before.
    stream.completes((C1, 1), 0, (1, 1));
    assert_eq!(stream.violation(), None);
    stream.asks(C1, 2);
    stream.say(C1, Observation::Anchored { timestamp: 2, view: 0, seq: 1, history: history(1) });
    let shape = stream.violation().map(|(shape, _)| shape);
    assert_eq!(shape.as_deref(), Some("completed before its time"));
}

/// A judge that believes all that lies below a restored state passes the second of these.
#[test]
fn a_restored_history_is_compared_like_one_that_was_executed() {
    for (name, expected) in [(2, None), (12, lost(10))] {
        let mut stream = Stream::default();
        stream.asks(C0, 1);
        stream.speculates(R0, 1, &[(1, (C0, 1)), (2, (C1, 1))]);
        stream.speculates(NodeId::Replica(2), 1, &[(11, (C1, 1)), (12, (C0, 1))]);
        assert_eq!(stream.event, 9);
        stream.completes((C0, 1), 0, (1, 1));
        stream.restores(R1, 2, Some(name), &[]);
        stream.say(R1, Observation::EnteredView { view: 1 });
        let expected = expected.map(|(shape, _)| (shape, stream.event));
        assert_eq!(stream.violation(), expected);
    }
}

#[test]
fn an_answer_is_an_anchor_where_clients_know_no_place() {
    let mut stream = Stream::default();
    stream.asks(C0, 1);
    stream.executes(R0, 1, Some((C0, 1)));
    stream.accepts((C0, 1), Answer::Done);
    stream.executes(R1, 1, Some((C0, 1)));
    stream.executes(R1, 2, None);
    assert_eq!(stream.violation(), None);
    let mut stream = Stream::default();
    stream.asks(C0, 1);
    stream.executes(R0, 1, Some((C0, 1)));
    stream.accepts((C0, 1), Answer::Swapped(true));
    let shape = stream.violation().map(|(shape, _)| shape);
    assert_eq!(shape.as_deref(), Some("an answer from nowhere"));
}

#[test]
fn whoever_passes_the_slot_has_the_operation() {
    // R1 executes the slot after the completion, and before it.
    for before in [false, true] {
        let mut stream = Stream::default();
        stream.asks(C0, 1);
        if before {
            stream.executes(R1, 1, None);
        }
        stream.executes(R0, 1, Some((C0, 1)));
        stream.accepts((C0, 1), Answer::Done);
        let mut noticed = stream.event;
        if !before {
            stream.executes(R1, 1, None);
            noticed = stream.event;
            stream.executes(R1, 2, Some((C0, 1)));
        }
        assert_eq!(stream.violation(), lost(noticed), "{before}");
    }
}

#[test]
fn a_restored_state_has_the_operation() {
    for (last, holds) in [(0, false), (2, true), (3, true)] {
        for before in [false, true] {
            let mut stream = Stream::default();
            stream.asks(C0, 2);
            stream.executes(R0, 1, Some((C0, 2)));
            if before {
                stream.restores(R1, 1, None, &[(C0, last)]);
            }
            stream.accepts((C0, 2), Answer::Done);
            if !before {
                stream.restores(R1, 1, None, &[(C0, last)]);
            }
            let expected = (!holds).then(|| lost(stream.event)).flatten();
            assert_eq!(stream.violation(), expected, "#{last} {before}");
        }
    }
    // What is restored replaces what was executed beyond it, too.
    let mut stream = Stream::default();
    stream.asks(C0, 1);
    for node in [R0, R1] {
        stream.executes(node, 1, None);
        stream.executes(node, 2, Some((C0, 1)));
    }
    stream.accepts((C0, 1), Answer::Done);
    stream.restores(R1, 1, None, &[]);
    assert_eq!(stream.violation(), None, "it has not passed the slot again");
    stream.executes(R1, 2, None);
    assert_eq!(stream.violation(), lost(stream.event));
}

/// A read that was answered past the order has no slot to keep.
#[test]
fn a_read_past_the_order_needs_a_replica_that_answered_so() {
    let violation = |given: Answer| {
        let mut stream = Stream::default();
        let operation = Operation::Get { key: "x".into() };
        stream.say(C0, Observation::Invoked { timestamp: 1, operation: operation.clone() });
        let (seq, client, timestamp) = (0, C0, 1);
        let read = Observation::Read { seq, client, timestamp, operation, answer: given };
        stream.say(R0, read);
        stream.accepts((C0, 1), Answer::Value(None));
        stream.executes(R0, 1, None);
        stream.violation()
    };
    assert_eq!(violation(Answer::Value(None)), None);
    let nobody = violation(Answer::Value(Some("a".into())));
    assert_eq!(nobody, Some(("an answer from nowhere".to_owned(), 3)));
}
