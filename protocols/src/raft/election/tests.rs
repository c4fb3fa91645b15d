//! Rules of elections whose breach costs time alone, so that no property notices it.

use std::rc::Rc;

use byzsim_core::crypto::Keyring;
use byzsim_core::{Committee, CryptoBackend, Effect, Node as _, Outbox, Time};

use super::*;
use crate::raft::message::{AppendEntries, AppendReply, InstallSnapshot};
use crate::raft::rules::Rules;
use crate::raft::seal::Acked;
use crate::raft::tests::sent;
use crate::raft::{Params, PreVote};

const COMMITTEE: Committee = Committee { replicas: 5, faults: 2, clients: 1 };
const R: [NodeId; 3] = [NodeId::Replica(0), NodeId::Replica(1), NodeId::Replica(2)];

/// r1, in term 2, with two entries, the last of term 2.
fn server(pre_vote: PreVote) -> Replica {
    let params = Params { pre_vote, ..Params::default() };
    let signer = Keyring::new(CryptoBackend::Ideal, COMMITTEE, 7).signer(R[1]);
    let mut it = Replica::new(&signer, Rules::new(COMMITTEE, &params), params);
    it.term = 2;
    for term in [1, 2] {
        it.log.push(LogEntry::no_op(term));
    }
    it
}

/// What the server sends upon a message.
fn upon(server: &mut Replica, from: NodeId, msg: &Msg) -> Vec<Rc<Msg>> {
    let mut out = Outbox::new(Time::ZERO);
    server.on_message(from, msg, &mut out);
    sent(&mut out)
}

/// What it sends when its timer expires.
fn waits_in_vain(server: &mut Replica) -> Vec<Rc<Msg>> {
    let mut out = Outbox::new(Time::ZERO);
    server.on_timer(Timer::Election, &mut out);
    sent(&mut out)
}

/// r0 leads this term.
fn heartbeat(term: Term) -> Msg {
    let entries = Vec::new();
    let it = AppendEntries { term, leader: R[0], prev_index: 0, prev_term: 0, entries, commit: 0 };
    Msg::AppendEntries(Sealed::new(it, None), Proof::default())
}

fn pre_vote(term: Term, last_term: Term, last_index: Index) -> Msg {
    Msg::PreVote(RequestVote { term, candidate: R[2], last_index, last_term })
}

fn vote(term: Term) -> Msg {
    Msg::Vote(Sealed::new(Vote { term, candidate: R[1], granted: true }, None))
}

fn pre_vote_reply(term: Term) -> Msg {
    Msg::PreVoteReply(Vote { term, candidate: R[1], granted: true })
}

/// The term of a reply to a pre-vote, and whether it is granted.
fn reply(sent: &[Rc<Msg>]) -> (Term, bool) {
    let [one] = sent else { panic!("{sent:?}") };
    let Msg::PreVoteReply(it) = &**one else { panic!("{one:?}") };
    (it.term, it.granted)
}

/// Thesis §9.6: who would not be elected is told so before it raises a term; and who is asked has
/// no other term or vote afterwards.
#[test]
fn a_pre_vote_is_for_a_log_that_is_as_far_and_where_no_leader_is_heard() {
    for (asked, granted) in [
        (pre_vote(3, 2, 2), (3, true)),
        (pre_vote(9, 3, 1), (9, true)),
        (pre_vote(3, 2, 1), (2, false)),
        (pre_vote(3, 1, 9), (2, false)),
        (pre_vote(2, 2, 2), (2, false)),
        (pre_vote(1, 2, 2), (2, false)),
    ] {
        let mut server = server(PreVote::On);
        assert_eq!(reply(&upon(&mut server, R[2], &asked)), granted, "{asked:?}");
        assert_eq!((server.term, server.voted_for), (2, None), "{asked:?}");
    }
    for (kind, granted) in [(PreVote::On, (2, false)), (PreVote::LogOnly, (3, true))] {
        let mut server = server(kind);
        upon(&mut server, R[0], &heartbeat(2));
        assert_eq!(reply(&upon(&mut server, R[2], &pre_vote(3, 2, 2))), granted, "{kind:?}");
        // It gave its leader up, and must not mind it any more.
        waits_in_vain(&mut server);
        assert_eq!(reply(&upon(&mut server, R[2], &pre_vote(3, 2, 2))), (3, true), "{kind:?}");
    }
}

/// A3, A8: word of the leader of the term, and a vote, are all that lets a server wait longer.
#[test]
fn the_timer_is_drawn_anew_for_a_leader_and_for_a_vote() {
    let asks = |term, last_term, last_index| {
        Msg::RequestVote(RequestVote { term, candidate: R[2], last_index, last_term })
    };
    let entries = |term, prev_index| {
        let (prev_term, entries) = (2, Vec::new());
        let it = AppendEntries { term, leader: R[0], prev_index, prev_term, entries, commit: 0 };
        Msg::AppendEntries(Sealed::new(it, None), Proof::default())
    };
    let snapshot = |term| {
        let it = InstallSnapshot { term, leader: R[0], last_index: 1, last_term: 1 };
        Msg::InstallSnapshot(it, Rc::default())
    };
    for (what, msg, is_drawn) in [
        ("entries", entries(2, 2), true),
        ("entries that do not fit", entries(2, 9), true),
        ("entries of a term that passed", entries(1, 2), false),
        ("a snapshot", snapshot(2), true),
        ("a snapshot of a term that passed", snapshot(1), false),
        ("a candidate that it votes for", asks(2, 2, 2), true),
        ("one whose log is shorter", asks(2, 2, 1), false),
        ("one whose log ends in an earlier term", asks(2, 1, 9), false),
        ("one of a term that passed", asks(1, 2, 2), false),
        ("one of a later term that it refuses", asks(3, 1, 1), false),
    ] {
        let mut server = server(PreVote::Off);
        let mut out = Outbox::new(Time::ZERO);
        server.on_message(
            if matches!(msg, Msg::RequestVote(_)) { R[2] } else { R[0] },
            &msg,
            &mut out,
        );
        let draws =
            |it: &Effect<Msg, Timer>| matches!(it, Effect::SetTimerWithin(Timer::Election, ..));
        assert_eq!(out.drain(Time::ZERO).any(|it| draws(&it)), is_drawn, "{what}");
    }
}

/// A8: whoever hears of the leader of its term stands for nothing any more, and what was said to
/// it before leads it nowhere.
#[test]
fn a_candidate_that_hears_of_a_leader_follows() {
    let mut candidate = server(PreVote::Off);
    assert_eq!(waits_in_vain(&mut candidate).len(), 4);
    assert_eq!((candidate.term, candidate.voted_for), (3, Some(R[1])));
    upon(&mut candidate, R[0], &heartbeat(3));
    assert_eq!((candidate.volatile.role, candidate.volatile.leader), (Role::Follower, Some(R[0])));
    assert_eq!(candidate.voted_for, Some(R[1]), "its vote stands");

    let mut asking = server(PreVote::On);
    waits_in_vain(&mut asking);
    assert_eq!(asking.volatile.role, Role::PreCandidate);
    upon(&mut asking, R[0], &heartbeat(2));
    for from in [R[0], R[2]] {
        assert!(upon(&mut asking, from, &pre_vote_reply(3)).is_empty());
    }
    assert_eq!((asking.term, asking.volatile.role), (2, Role::Follower));
}

/// A4: a vote is a candidate's, and a pre-vote is none.
#[test]
fn votes_and_pre_votes_are_counted_apart() {
    let mut asking = server(PreVote::On);
    waits_in_vain(&mut asking);
    for from in [R[0], R[2]] {
        upon(&mut asking, from, &vote(2));
    }
    assert_eq!((asking.term, asking.volatile.role), (2, Role::PreCandidate));
    for from in [R[0], R[0], R[2]] {
        assert_eq!(asking.term, 2, "one server says it twice");
        upon(&mut asking, from, &pre_vote_reply(3));
    }
    assert_eq!((asking.term, asking.volatile.role), (3, Role::Candidate));
    for from in [R[0], R[2]] {
        upon(&mut asking, from, &pre_vote_reply(3));
    }
    assert_eq!(asking.volatile.role, Role::Candidate);
    for from in [R[0], R[0], R[2]] {
        assert_eq!(asking.volatile.role, Role::Candidate, "one server says it twice");
        upon(&mut asking, from, &vote(3));
    }
    assert_eq!(asking.volatile.role, Role::Leader);
}

/// A9: what a follower holds does not shrink when an answer comes late. An answer of an earlier
/// term says nothing: what was held then may have been cut.
#[test]
fn what_a_follower_is_known_to_hold_moves_up_only() {
    let mut leader = server(PreVote::Off);
    waits_in_vain(&mut leader);
    for from in [R[0], R[2]] {
        upon(&mut leader, from, &vote(3));
    }
    let answer = |term, success, index| {
        let reply = AppendReply { term, success, index };
        Msg::AppendReply(Acked { reply, ack: None })
    };
    let known = |leader: &Replica| {
        let it = leader.volatile.followers[&R[0]];
        (it.matched, it.next)
    };
    assert_eq!(known(&leader), (0, 3), "nothing, and it begins behind its own log");
    for (term, success, index, expected) in [
        (2, true, 2, (0, 3)),
        (2, false, 1, (0, 3)),
        (3, false, 2, (0, 2)),
        (3, true, 2, (2, 3)),
        (3, true, 1, (2, 3)),
        (3, false, 1, (2, 3)),
        // It holds three with its no-op, and no follower holds more.
        (3, true, 9, (3, 4)),
    ] {
        upon(&mut leader, R[0], &answer(term, success, index));
        assert_eq!(known(&leader), expected, "term {term}: {success} {index}");
    }
    assert!(leader.is_leader());
}
