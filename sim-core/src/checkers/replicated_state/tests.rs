//! What the judge of states notices, and what it must not be misled by.

use std::rc::Rc;

use super::*;
use crate::checkers::Verdict;
use crate::time::Time;

const R0: NodeId = NodeId::Replica(0);
const R1: NodeId = NodeId::Replica(1);
const R2: NodeId = NodeId::Replica(2);

/// A stream of observations under way.
#[derive(Default)]
struct Stream {
    judge: ReplicatedState,
    event: u64,
}

impl Stream {
    fn say(&mut self, node: NodeId, observation: Observation) {
        self.event += 1;
        let at = Stamp { time: Time::ZERO, event: self.event };
        self.judge.observe(at, node, &observation);
    }

    fn applied(&mut self, node: NodeId, seq: u64, (client, timestamp): (u16, u64), what: &str) {
        let (line, answer) = what.split_once(" = ").unwrap_or((what, "ok"));
        let operation = line.parse().expect("an operation");
        let answer = match answer {
            "ok" => Answer::Done,
            "-" => Answer::Value(None),
            "swapped" => Answer::Swapped(true),
            "not swapped" => Answer::Swapped(false),
            value => Answer::Value(Some(value.into())),
        };
        let client = NodeId::Client(client);
        self.say(node, Observation::Applied { seq, client, timestamp, operation, answer });
    }

    /// A slot of a replica that executes what is decided, with the requests of c0, c1, ...
    fn executes(&mut self, node: NodeId, seq: u64, requests: &[&str]) {
        let (view, batch, null) = (0, Digest::default(), requests.is_empty());
        self.say(node, Observation::Executed { view, seq, batch, null });
        for (client, what) in (0..).zip(requests) {
            self.applied(node, seq, (client, seq), what);
        }
    }

    /// A slot of a replica that speculates, after which its history has this name.
    fn speculates(&mut self, node: NodeId, (seq, name): (u64, u8), what: &str) {
        let (view, batch, history) = (0, Digest::default(), Digest([name; 32]));
        self.say(node, Observation::Speculated { view, seq, batch, history });
        self.applied(node, seq, (0, seq), what);
    }

    fn checkpoint(&mut self, node: NodeId, seq: u64, name: u8) {
        self.say(node, Observation::Checkpointed { seq, state: Digest([name; 32]) });
    }

    /// Restores a state with these keys and replies of c0, c1, ...
    fn restores(&mut self, node: NodeId, seq: u64, store: &[(&str, &str)], replies: &[u64]) {
        let store = store.iter().map(|(key, value)| ((*key).into(), (*value).into())).collect();
        let clients = (0..).map(NodeId::Client);
        let replies = clients.zip(replies.iter().map(|t| (*t, Answer::Done))).collect();
        let content = Rc::new(Content { store, replies });
        let state = Digest([9; 32]);
        self.say(node, Observation::Restored { seq, state, history: None, content });
    }

    fn verdict(&mut self) -> Verdict {
        self.judge.finish(Stamp { time: Time::ZERO, event: self.event })
    }

    /// The shape of the violation, and the event at which it was noticed.
    fn violation(&mut self) -> (String, u64) {
        match self.verdict() {
            Verdict::Violated(violation) => (violation.shape, violation.at.event),
            other => panic!("not violated: {other:?}"),
        }
    }
}

#[test]
fn replicas_that_do_the_same_hold_the_same() {
    let mut stream = Stream::default();
    for node in [R0, R1] {
        stream.executes(node, 1, &["append x a", "get x = a"]);
        stream.executes(node, 2, &[]);
        stream.executes(node, 3, &["cas x a b = swapped"]);
        stream.checkpoint(node, 3, 3);
    }
    stream.restores(R2, 2, &[("x", "a")], &[]);
    assert_eq!(stream.violation().0, "another state restored", "the reply cache is missing");
    let mut stream = Stream::default();
    for node in [R0, R1] {
        stream.executes(node, 1, &["append x a", "append y b"]);
        stream.executes(node, 2, &[]);
    }
    stream.restores(R2, 2, &[("x", "a"), ("y", "b")], &[1, 1]);
    stream.executes(R0, 3, &["get y = b"]);
    stream.executes(R2, 3, &["get y = b"]);
    assert_eq!(stream.verdict(), Verdict::Holds(7));
}

#[test]
fn what_is_missing_more_or_other_in_a_slot_is_noticed() {
    let first = ["append x a", "append x b"];
    let cases: [(&[&str], &str, u64); 5] = [
        (&["append x a"], "missing request", 5),
        (&[], "missing request", 4),
        (&["append x a", "append x b", "get x = ab"], "another request", 7),
        (&["append x b", "append x a"], "another request", 5),
        (&["append x a", "append x c"], "another request", 6),
    ];
    for (other, shape, event) in cases {
        let mut stream = Stream::default();
        stream.executes(R0, 1, &first);
        stream.executes(R1, 1, other);
        // Later slots agree again, and hide nothing.
        stream.executes(R0, 2, &["put x z"]);
        stream.executes(R1, 2, &["put x z"]);
        assert_eq!(stream.violation(), (shape.to_owned(), event), "{other:?}");
    }
}

#[test]
fn an_answer_that_all_give_is_judged_by_the_operations() {
    for wrong in ["get x = b", "get x = -", "get x = ok", "cas x b c = swapped", "put x a = -"] {
        let mut stream = Stream::default();
        for node in [R0, R1] {
            stream.executes(node, 1, &["append x a"]);
            stream.executes(node, 2, &[wrong]);
        }
        assert_eq!(stream.violation(), ("wrong answer".to_owned(), 4), "{wrong}");
    }
}

/// A judge that takes the replica's digest for its state believes all of these.
#[test]
fn a_digest_that_covers_nothing_is_not_believed() {
    let mut stream = Stream::default();
    for node in [R0, R1] {
        stream.executes(node, 1, &["append x a"]);
        stream.checkpoint(node, 1, 9);
    }
    stream.restores(R2, 1, &[], &[]);
    assert_eq!(stream.violation().0, "another state restored");

    let mut stream = Stream::default();
    stream.executes(R0, 1, &["append x a"]);
    stream.checkpoint(R0, 1, 9);
    stream.executes(R0, 2, &["append x b"]);
    stream.checkpoint(R0, 2, 9);
    assert_eq!(stream.violation(), ("one digest for two states".to_owned(), 6));

    let mut stream = Stream::default();
    for (node, name) in [(R0, 1), (R1, 2)] {
        stream.executes(node, 1, &["append x a"]);
        stream.checkpoint(node, 1, name);
    }
    assert_eq!(stream.violation(), ("two digests for one state".to_owned(), 6));
}

#[test]
fn states_come_from_somewhere() {
    let mut stream = Stream::default();
    stream.executes(R0, 1, &["append x a"]);
    stream.restores(R1, 2, &[("x", "a")], &[1]);
    assert_eq!(stream.violation().0, "nobody's state");
    let mut stream = Stream::default();
    stream.executes(R0, 1, &["append x a"]);
    stream.checkpoint(R0, 2, 1);
    assert_eq!(stream.violation().0, "nobody's checkpoint");
    let mut stream = Stream::default();
    stream.executes(R0, 1, &[]);
    stream.applied(R0, 2, (0, 1), "append x a");
    assert_eq!(stream.violation().0, "applied elsewhere");
}

/// The old state of c0 is left in the cache of R1: nothing tells it from the others until c0 asks
/// again. A judge that compares the words of the first replica alone never notices.
#[test]
fn a_cache_that_was_left_behind_is_noticed_at_once() {
    let mut stream = Stream::default();
    stream.executes(R0, 1, &["append x a", "put y b"]);
    stream.restores(R1, 1, &[("x", "a"), ("y", "b")], &[0, 1]);
    let (shape, event) = stream.violation();
    assert_eq!((shape.as_str(), event), ("another state restored", stream.event));
}

/// A judge that compares slot by slot, and not history by history, cries here; so does one that
/// forgets to undo.
#[test]
fn branches_of_a_speculative_history_are_other_slots() {
    let mut stream = Stream::default();
    stream.speculates(R0, (1, 1), "append x a");
    stream.speculates(R1, (1, 1), "append x a");
    stream.speculates(R0, (2, 2), "append x b");
    stream.speculates(R1, (2, 3), "append x c");
    stream.speculates(R1, (3, 4), "put x d");
    stream.say(R1, Observation::RolledBack { to: 1 });
    stream.speculates(R1, (2, 2), "append x b");
    stream.speculates(R1, (3, 5), "get x = ab");
    stream.speculates(R0, (3, 5), "get x = ab");
    // Back, and forth once more: it is compared with its own word, too.
    stream.say(R0, Observation::RolledBack { to: 1 });
    stream.speculates(R0, (2, 2), "append x b");
    assert_eq!(stream.verdict(), Verdict::Holds(9));
    stream.say(R0, Observation::RolledBack { to: 1 });
    stream.speculates(R0, (2, 2), "append x c");
    assert_eq!(stream.violation().0, "another request");
}

#[test]
fn what_is_stable_is_not_undone() {
    let mut stream = Stream::default();
    stream.speculates(R0, (1, 1), "append x a");
    stream.speculates(R0, (2, 2), "append x b");
    stream.say(R0, Observation::StableCheckpoint { seq: 1, state: Digest([7; 32]) });
    stream.say(R0, Observation::RolledBack { to: 1 });
    stream.speculates(R0, (2, 3), "get x = a");
    assert_eq!(stream.verdict(), Verdict::Holds(3));
    stream.say(R0, Observation::RolledBack { to: 0 });
    assert_eq!(stream.violation(), ("undone for good".to_owned(), stream.event));
}

/// A replica that repairs itself restores a state below what it executed, and executes again.
#[test]
fn a_repaired_replica_starts_over_from_what_it_restored() {
    let mut stream = Stream::default();
    for (seq, what) in [(1, "append x a"), (2, "append x b"), (3, "append x c")] {
        stream.executes(R0, seq, &[what]);
    }
    stream.executes(R1, 1, &["append x a"]);
    stream.restores(R1, 1, &[("x", "a")], &[1]);
    for (seq, what) in [(2, "append x b"), (3, "append x c"), (4, "get x = abc")] {
        stream.executes(R1, seq, &[what]);
    }
    assert_eq!(stream.verdict(), Verdict::Holds(8));
}

/// R1 lags behind R0; each reads from what it executed.
#[test]
fn a_read_is_answered_from_the_state_that_the_replica_has() {
    let stream = |node, seq, value: Option<&str>| {
        let mut stream = Stream::default();
        stream.executes(R0, 1, &["put x a"]);
        stream.executes(R0, 2, &["put x b"]);
        stream.executes(R1, 1, &["put x a"]);
        let (operation, answer) =
            ("get x".parse().expect("an operation"), Answer::Value(value.map(Into::into)));
        let (client, timestamp) = (NodeId::Client(1), 1);
        stream.say(node, Observation::Read { seq, client, timestamp, operation, answer });
        stream
    };
    for (node, seq, value) in [(R0, 2, Some("b")), (R1, 1, Some("a")), (R2, 0, None)] {
        assert!(!stream(node, seq, value).verdict().is_violated(), "{node} after s{seq}");
    }
    let elsewhere = ("read elsewhere".to_owned(), 7);
    assert_eq!(stream(R1, 2, Some("b")).violation(), elsewhere);
    assert_eq!(stream(R0, 1, Some("a")).violation(), elsewhere);
    assert_eq!(stream(R1, 1, Some("b")).violation(), ("wrong read".to_owned(), 7));
}
