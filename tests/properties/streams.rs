//! Short runs that were made up: what correct nodes reported in them.

use super::{Answer, Conviction, Digest, Evidence, NodeId, Observation, Operation, Stream, Time};

const R0: NodeId = NodeId::Replica(0);
const R1: NodeId = NodeId::Replica(1);
const R2: NodeId = NodeId::Replica(2);
const R3: NodeId = NodeId::Replica(3);
const C0: NodeId = NodeId::Client(0);
const C1: NodeId = NodeId::Client(1);

/// A run of correct nodes in a network that is synchronous from the start.
fn stream(facts: Vec<(u64, NodeId, Observation)>) -> Stream {
    Stream { corrupted: Vec::new(), gst: Time::ZERO, facts, end_ms: 10_000, down: Vec::new() }
}

fn operation(text: &str) -> Operation {
    text.parse().expect("it is an operation")
}

const fn digest(name: u8) -> Digest {
    Digest([name; 32])
}

fn asks(ms: u64, client: NodeId, text: &str) -> (u64, NodeId, Observation) {
    (ms, client, Observation::Invoked { timestamp: 1, operation: operation(text) })
}

fn accepts(ms: u64, client: NodeId, answer: Answer) -> (u64, NodeId, Observation) {
    (ms, client, Observation::Completed { timestamp: 1, answer })
}

fn value(text: &str) -> Answer {
    Answer::Value(Some(text.into()))
}

const fn executes(ms: u64, node: NodeId, seq: u64, batch: u8) -> (u64, NodeId, Observation) {
    let batch = digest(batch);
    (ms, node, Observation::Executed { view: 0, seq, batch, null: false })
}

const fn speculates(
    ms: u64,
    node: NodeId,
    (view, seq): (u64, u64),
    name: u8,
) -> (u64, NodeId, Observation) {
    let (batch, history) = (digest(name), digest(name));
    (ms, node, Observation::Speculated { view, seq, batch, history })
}

fn applies(
    ms: u64,
    (node, seq): (NodeId, u64),
    client: NodeId,
    text: &str,
    answer: Answer,
) -> (u64, NodeId, Observation) {
    let operation = operation(text);
    (ms, node, Observation::Applied { seq, client, timestamp: 1, operation, answer })
}

/// Nothing happened.
pub(super) fn nothing() -> Stream {
    stream(Vec::new())
}

/// r1 executes slot 1 when r0 is at slot 2 already: another batch than r0 executed there.
pub(super) fn a_laggard_disagrees() -> Stream {
    stream(vec![
        executes(1, R0, 1, 1),
        executes(2, R0, 2, 2),
        executes(3, R1, 1, 9),
        executes(4, R1, 2, 2),
    ])
}

/// c0 asked for something else under this number.
pub(super) fn another_operation_is_applied() -> Stream {
    stream(vec![
        asks(1, C0, "put x a"),
        executes(2, R0, 1, 1),
        applies(2, (R0, 1), C0, "put x b", Answer::Done),
    ])
}

/// A view change gives the request another slot.
pub(super) fn a_request_is_rolled_back_and_applied_again() -> Stream {
    stream(vec![
        speculates(1, R0, (0, 1), 1),
        applies(1, (R0, 1), C0, "append x a", Answer::Done),
        (2, R0, Observation::RolledBack { to: 0 }),
        speculates(3, R0, (1, 1), 2),
        applies(3, (R0, 1), C1, "append x b", Answer::Done),
        speculates(4, R0, (1, 2), 3),
        applies(4, (R0, 2), C0, "append x a", Answer::Done),
    ])
}

/// Every replica forgot the write, and all of them agree on what the key holds.
pub(super) fn all_replicas_answer_wrongly() -> Stream {
    let mut facts = vec![asks(1, C0, "put x a")];
    for node in [R0, R1, R2] {
        facts.extend([executes(2, node, 1, 1), applies(2, (node, 1), C0, "put x a", Answer::Done)]);
    }
    facts.extend([accepts(3, C0, Answer::Done), asks(4, C1, "get x")]);
    for node in [R0, R1, R2] {
        let applied = applies(5, (node, 2), C1, "get x", Answer::Value(None));
        facts.extend([executes(5, node, 2, 2), applied]);
    }
    facts.push(accepts(6, C1, Answer::Value(None)));
    stream(facts)
}

/// All replicas roll back what c0 completed, and agree on another history in view 1.
pub(super) fn all_replicas_lose_a_completed_operation() -> Stream {
    let mut facts = vec![asks(1, C0, "put x a")];
    let nodes = [R0, R1, R2, R3];
    for node in nodes {
        facts.push(speculates(2, node, (0, 1), 1));
        facts.push(applies(2, (node, 1), C0, "put x a", Answer::Done));
    }
    let history = digest(1);
    let anchored = Observation::Anchored { timestamp: 1, view: 0, seq: 1, history };
    facts.extend([(3, C0, anchored), accepts(3, C0, Answer::Done)]);
    for node in nodes {
        facts.push((4, node, Observation::RolledBack { to: 0 }));
        facts.push(speculates(5, node, (1, 1), 2));
        facts.push((5, node, Observation::EnteredView { view: 1 }));
    }
    stream(facts)
}

/// Both operations are under way at once: the read may see the write, and end before it.
pub(super) fn a_read_that_ends_first_sees_a_later_write() -> Stream {
    stream(vec![
        asks(1, C0, "put x a"),
        asks(1, C1, "get x"),
        accepts(2, C1, value("a")),
        accepts(3, C0, Answer::Done),
    ])
}

/// The operation completes; but nobody owes that.
pub(super) fn the_network_never_becomes_synchronous() -> Stream {
    let facts = vec![asks(1, C0, "get x"), accepts(2, C0, Answer::Value(None))];
    Stream { gst: Time::NEVER, ..stream(facts) }
}

/// Asked three seconds before GST, it completes half a second after it. The bound is one second.
pub(super) fn an_operation_waits_for_gst() -> Stream {
    let facts = vec![asks(0, C0, "get x"), accepts(3_500, C0, Answer::Value(None))];
    Stream { gst: Time::from_nanos(3_000_000_000), ..stream(facts) }
}

/// The primary of view 1 is silent: the replica hears of view 2 next.
pub(super) fn a_replica_skips_a_view() -> Stream {
    let reason = "no progress";
    stream(vec![
        (1, R0, Observation::ViewChangeStarted { view: 1, reason }),
        (2, R0, Observation::ViewChangeStarted { view: 2, reason }),
        (2, R1, Observation::ViewChangeStarted { view: 2, reason }),
        (2, R2, Observation::ViewChangeStarted { view: 2, reason }),
        (3, R0, Observation::EnteredView { view: 2 }),
    ])
}

/// The first proof is one. What is called the second proves nothing, and hits a corrupted node.
pub(super) fn a_corrupted_node_is_accused_by_luck() -> Stream {
    let reason = "two proposals for one slot";
    let accuses = |ms, evidence: Conviction| {
        let evidence = Evidence::new(evidence);
        (ms, R0, Observation::Proven { node: R3, reason, evidence })
    };
    let facts = vec![accuses(1, Ok(R3)), accuses(2, Err("they are of two views"))];
    Stream { corrupted: vec![R3], ..stream(facts) }
}

/// Before GST its messages are late, and no timer can tell that from silence.
pub(super) fn a_primary_is_given_up_before_gst() -> Stream {
    let reason = "no progress";
    let mut facts = Vec::new();
    for node in [R1, R2, R3] {
        facts.push((1_000, node, Observation::GaveUp { view: 0, primary: R0 }));
        facts.push((1_000, node, Observation::ViewChangeStarted { view: 1, reason }));
    }
    Stream { gst: Time::from_nanos(3_000_000_000), ..stream(facts) }
}

/// The digest of a state that covers nothing is the same for all states.
pub(super) fn a_replica_skips_a_request_and_reports_the_same_digest() -> Stream {
    let state = digest(7);
    stream(vec![
        asks(1, C0, "append x a"),
        executes(2, R0, 1, 1),
        applies(2, (R0, 1), C0, "append x a", Answer::Done),
        (2, R0, Observation::Checkpointed { seq: 1, state }),
        executes(3, R1, 1, 1),
        (3, R1, Observation::Checkpointed { seq: 1, state }),
        executes(4, R1, 2, 2),
    ])
}

/// r3 crashed before the first slot, and does not restart.
pub(super) fn a_replica_stays_crashed() -> Stream {
    let mut facts = vec![asks(1, C0, "put x a")];
    facts.extend([R0, R1, R2].map(|node| executes(2, node, 1, 1)));
    facts.push(accepts(3, C0, Answer::Done));
    Stream { down: vec![R3], ..stream(facts) }
}

/// r3, corrupted, asks for what it lacks long after the last answer, and r0 answers.
pub(super) fn a_corrupted_replica_asks_later() -> Stream {
    let facts = vec![
        asks(1, C0, "put x a"),
        accepts(3, C0, Answer::Done),
        (9_000, R0, Observation::Suspected { node: R3, reason: "it asks again and again" }),
    ];
    Stream { corrupted: vec![R3], ..stream(facts) }
}

/// r1 is elected while r0 still leads: of another view.
pub(super) fn an_old_leader_does_not_know_that_it_is_one() -> Stream {
    let (reason, batch) = ("no word of a leader", digest(1));
    let mut facts = Vec::new();
    for (ms, leader, view) in [(1, R0, 1), (2, R1, 2)] {
        facts.push((ms, leader, Observation::ViewChangeStarted { view, reason }));
        facts.push((ms, leader, Observation::Leads { view }));
        facts.push((ms, leader, Observation::EnteredView { view }));
    }
    facts.push((3, R0, Observation::Accepted { view: 1, seq: 1, batch }));
    stream(facts)
}
