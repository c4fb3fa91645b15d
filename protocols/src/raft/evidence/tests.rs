//! What proves a server guilty, and what does not.

use std::rc::Rc;

use byzsim_core::{Digest, NodeId, Operation, Signed, Signer};

use super::*;
use crate::judgement::court::Court;
use crate::raft::message::Request;

fn court() -> Court<Exhibit> {
    Court::new(Params::default())
}

fn entry(term: Term, number: u64) -> LogEntry {
    let operation = Operation::Get { key: "k".into() };
    LogEntry::new(term, Rc::new(Request { client: NodeId::Client(0), number, operation }))
}

fn entries(by: &Signer, term: Term, prev_index: Index, entries: &[LogEntry]) -> Exhibit {
    let (leader, entries) = (by.node(), entries.to_vec());
    let it = AppendEntries { term, leader, prev_index, prev_term: 1, entries, commit: 0 };
    Exhibit::Entries(Rc::new(by.sign(it)))
}

fn success(by: &Signer, term: Term, index: Index, log: u8) -> Exhibit {
    Exhibit::Success(by.sign(Success { term, index, digest: Digest([log; 32]) }))
}

fn vote(by: &Signer, term: Term, candidate: u16, granted: bool) -> Exhibit {
    let candidate = NodeId::Replica(candidate);
    Exhibit::Vote(Rc::new(by.sign(Vote { term, candidate, granted })))
}

const NOTHING: Result<&str, &str> = Err("a correct replica can say all this");

#[test]
fn a_leader_that_sends_two_entries_for_one_index_is_guilty() {
    let court = court();
    let [a, b] = [0, 1].map(|number| court.replica(number));
    let says = |one, other| court.says(&[one, other]);
    let long = entries(&a, 1, 2, &[entry(1, 1), entry(1, 2)]);
    assert_eq!(says(long.clone(), entries(&a, 1, 3, &[entry(1, 3)])), Ok("E1"), "they overlap");
    assert_eq!(says(long.clone(), entries(&a, 1, 3, &[entry(1, 2)])), NOTHING, "the same entry");
    assert_eq!(says(long.clone(), entries(&a, 1, 4, &[entry(1, 3)])), NOTHING, "another index");
    assert_eq!(says(long.clone(), entries(&a, 2, 3, &[entry(1, 3)])), NOTHING, "another term");
    let older = entries(&a, 2, 2, &[entry(1, 1)]);
    assert_eq!(says(older, entries(&a, 2, 2, &[entry(2, 1)])), Ok("E1"), "of two terms");
    let of_two = says(long, entries(&b, 1, 3, &[entry(1, 3)]));
    assert_eq!(of_two, Err("the statements are of different nodes"));
}

#[test]
fn a_server_that_votes_twice_is_guilty() {
    let court = court();
    let a = court.replica(0);
    let says = |one, other| court.says(&[one, other]);
    assert_eq!(says(vote(&a, 2, 1, true), vote(&a, 2, 3, true)), Ok("E2"));
    assert_eq!(says(vote(&a, 2, 1, true), vote(&a, 2, 1, true)), NOTHING, "the same again");
    assert_eq!(says(vote(&a, 2, 1, true), vote(&a, 3, 3, true)), NOTHING, "of two terms");
    assert_eq!(says(vote(&a, 2, 1, true), vote(&a, 2, 3, false)), NOTHING, "one is a refusal");
}

#[test]
fn a_server_that_acknowledges_two_logs_is_guilty() {
    let court = court();
    let a = court.replica(0);
    let says = |one, other| court.says(&[one, other]);
    assert_eq!(says(success(&a, 1, 4, 7), success(&a, 1, 4, 8)), Ok("E3"));
    assert_eq!(says(success(&a, 1, 4, 7), success(&a, 1, 5, 8)), NOTHING, "of two indices");
    assert_eq!(says(success(&a, 1, 4, 7), success(&a, 2, 4, 8)), NOTHING, "of two terms");
    assert_eq!(says(success(&a, 1, 4, 7), success(&a, 1, 4, 0)), NOTHING, "nothing is bound");
    let forged = Exhibit::Success(Signed::forged(
        Success { term: 1, index: 4, digest: Digest([8; 32]) },
        a.node(),
    ));
    assert_eq!(says(success(&a, 1, 4, 7), forged), Err("a signature does not verify"));
    assert_eq!(court.says(&[success(&a, 1, 4, 7)]), NOTHING, "one alone proves nothing");
}
