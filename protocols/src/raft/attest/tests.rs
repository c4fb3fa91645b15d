//! What signatures a server makes, and which ones it believes.

use std::rc::Rc;

use byzsim_core::crypto::Keyring;
use byzsim_core::{
    Committee, CryptoBackend, Encode as _, Encoder, Node as _, Outbox, Signer, Time,
};

use super::*;
use crate::raft::message::{AppendReply, LogEntry, Term, Vote};
use crate::raft::rules::Rules;
use crate::raft::tests::sent;
use crate::raft::{AckQuorum, Acks, Params};

const COMMITTEE: Committee = Committee { replicas: 5, faults: 1, clients: 1 };

struct Cluster(Rc<Keyring>);

impl Cluster {
    fn new() -> Self {
        Self(Keyring::new(CryptoBackend::Ideal, COMMITTEE, 7))
    }

    fn signer(&self, number: u16) -> Rc<Signer> {
        self.0.signer(NodeId::Replica(number))
    }

    /// r1, which follows r0 in term 1.
    fn follower(&self, params: Params) -> Replica {
        let params = Params { snapshot_interval: 0, ..params };
        let mut it = Replica::new(&self.signer(1), Rules::new(COMMITTEE, &params), params);
        it.term = 1;
        it
    }

    /// The acknowledgements of these servers, in the same words.
    fn proof(&self, said: Success, by: &[u16]) -> Proof {
        Proof::of(by.iter().map(|number| self.signer(*number).sign(said)).collect())
    }
}

fn signed(acks: Acks) -> Params {
    Params { acks, quorum: Some(3), ..Params::default() }
}

/// r0's entries behind an index, of one term.
fn entries(prev_index: Index, terms: &[Term], commit: Index) -> AppendEntries {
    AppendEntries {
        term: 1,
        leader: NodeId::Replica(0),
        prev_index,
        prev_term: Term::from(0 < prev_index),
        entries: terms.iter().map(|term| LogEntry::no_op(*term)).collect(),
        commit,
    }
}

/// What a server sends upon a message of r0.
fn upon(server: &mut Replica, msg: &Msg) -> Vec<Rc<Msg>> {
    from(server, 0, msg)
}

fn from(server: &mut Replica, number: u16, msg: &Msg) -> Vec<Rc<Msg>> {
    let mut out = Outbox::new(Time::ZERO);
    server.on_message(NodeId::Replica(number), msg, &mut out);
    sent(&mut out)
}

/// The acknowledgement among what was sent.
fn ack(sent: &[Rc<Msg>]) -> Option<Success> {
    sent.iter().find_map(|msg| {
        let Msg::AppendReply(it) = &**msg else { return None };
        it.ack.as_ref().map(|ack| *ack.body())
    })
}

#[test]
fn what_is_not_signed_has_no_byte_more() {
    let reply = AppendReply { term: 3, success: true, index: 9 };
    assert_eq!(Acked { reply, ack: None }.sha256(), reply.sha256());
    let it = entries(4, &[1, 1], 5);
    assert_eq!(Sealed::new(it.clone(), None).sha256(), it.sha256());
    let mut bytes = Encoder::default();
    bytes.value(&Proof::default());
    assert!(bytes.bytes().is_empty());
}

#[test]
fn what_is_signed_is_signed_by_its_sender() {
    let cluster = Cluster::new();
    let [r0, r2] = [0, 2].map(|number| cluster.signer(number));
    let msg = |signer: Option<&Signer>| {
        Msg::AppendEntries(Sealed::new(entries(0, &[1], 0), signer), Proof::default())
    };
    let stored = |acks, sender, msg: &Msg| {
        let mut server = cluster.follower(signed(acks));
        from(&mut server, sender, msg);
        server.log.last_index()
    };
    assert_eq!(stored(Acks::Index, 0, &msg(Some(&r0))), 1);
    assert_eq!(stored(Acks::Index, 0, &msg(None)), 0, "it is not signed");
    assert_eq!(stored(Acks::Index, 0, &msg(Some(&r2))), 0, "another one signed it");
    assert_eq!(stored(Acks::Index, 2, &msg(Some(&r2))), 0, "it is said to be another's");
    assert_eq!(stored(Acks::Plain, 0, &msg(Some(&r0))), 0, "nobody signs there");
    let forged = Signed::forged(entries(0, &[1], 0), r0.node());
    let forged = Msg::AppendEntries(Sealed::Signed(Rc::new(forged)), Proof::default());
    assert_eq!(stored(Acks::Index, 0, &forged), 0, "with garbage");

    let vote = Vote { term: 1, candidate: NodeId::Replica(1), granted: true };
    let server = cluster.follower(Params { signed_votes: true, ..signed(Acks::Digest) });
    let is_vote =
        |signer| server.is_authentic(NodeId::Replica(2), &Msg::Vote(Sealed::new(vote, signer)));
    assert!(is_vote(Some(&*r2)) && !is_vote(Some(&*r0)) && !is_vote(None));

    let reply = AppendReply { term: 1, success: true, index: 4 };
    let said = |term, index| Success { term, index, digest: Digest::default() };
    let server = cluster.follower(signed(Acks::Index));
    let is_ack =
        |ack| server.is_authentic(NodeId::Replica(2), &Msg::AppendReply(Acked { reply, ack }));
    assert!(is_ack(Some(r2.sign(said(1, 4)))));
    assert!(!is_ack(None) && !is_ack(Some(r0.sign(said(1, 4)))), "of nobody, of another");
    assert!(!is_ack(Some(r2.sign(said(1, 3)))) && !is_ack(Some(r2.sign(said(2, 4)))), "of another");
    let refusal = AppendReply { success: false, ..reply };
    let refused = Msg::AppendReply(Acked { reply: refusal, ack: None });
    assert!(server.is_authentic(NodeId::Replica(2), &refused), "a refusal is not signed");
}

#[test]
fn a_follower_executes_what_enough_signatures_stand_for() {
    let cluster = Cluster::new();
    let digest = |count: usize| {
        let mut log = crate::raft::log::Log::default();
        (0..count).for_each(|_| _ = log.push(LogEntry::no_op(1)));
        log.digest_at(count as u64).expect("it is there")
    };
    let said = |term, index, digest| Success { term, index, digest };
    let none = Digest::default();
    // What is signed, who signs, and whether two entries count as committed.
    let right = said(1, 2, digest(2));
    for (params, said, by, believes) in [
        (signed(Acks::Digest), right, &[0, 1, 2][..], true),
        (signed(Acks::Digest), right, &[0, 2][..], false),
        (signed(Acks::Digest), right, &[2, 2, 2][..], false),
        (signed(Acks::Digest), said(1, 2, digest(3)), &[0, 1, 2][..], false),
        (signed(Acks::Digest), said(2, 2, digest(2)), &[0, 1, 2][..], false),
        (signed(Acks::Index), said(1, 2, none), &[0, 1, 2][..], true),
        (signed(Acks::Index), said(1, 1, none), &[0, 1, 2][..], false),
        (signed(Acks::Unbound), said(0, 0, none), &[0, 1, 2][..], true),
        (signed(Acks::Unbound), right, &[0, 1, 2][..], false),
    ] {
        let what = format!("{:?}: {said:?} by {by:?}", params.acks);
        let mut server = cluster.follower(params.clone());
        let proof = cluster.proof(said, by);
        let sealed = Sealed::new(entries(0, &[1, 1], 2), Some(&*cluster.signer(0)));
        upon(&mut server, &Msg::AppendEntries(sealed, proof));
        assert_eq!(server.executed, if believes { 2 } else { 0 }, "{what}");
    }
    let followers = Params { ack_quorum: AckQuorum::Followers, ..signed(Acks::Digest) };
    for (by, executed) in [(&[0, 1, 2][..], 0), (&[1, 2, 3][..], 2)] {
        let mut server = cluster.follower(followers.clone());
        let sealed = Sealed::new(entries(0, &[1, 1], 2), Some(&*cluster.signer(0)));
        upon(&mut server, &Msg::AppendEntries(sealed, cluster.proof(right, by)));
        assert_eq!(server.executed, executed, "the leader's own word: {by:?}");
    }
}

/// §5.4.2, Figure 8: an entry of an earlier term may be cut although enough servers hold it. It
/// counts as committed with one of the term in which the proof is shown.
#[test]
fn a_proof_is_about_an_entry_of_its_own_term() {
    let cluster = Cluster::new();
    let mut server = cluster.follower(signed(Acks::Digest));
    for (terms, executed) in [(&[0, 0][..], 0), (&[0, 0, 1][..], 3)] {
        let index = terms.len() as u64;
        let mut log = crate::raft::log::Log::default();
        terms.iter().for_each(|term| _ = log.push(LogEntry::no_op(*term)));
        let digest = log.digest_at(index).expect("it is there");
        let proof = cluster.proof(Success { term: 1, index, digest }, &[0, 1, 2]);
        let sealed = Sealed::new(entries(0, terms, index), Some(&*cluster.signer(0)));
        upon(&mut server, &Msg::AppendEntries(sealed, proof));
        assert_eq!(server.executed, executed, "{terms:?}");
    }
}

/// A9: a leader keeps what is said of its own log: what others acknowledge it cannot show.
#[test]
fn a_leader_counts_no_acknowledgement_of_another_log() {
    let cluster = Cluster::new();
    let params =
        Params { acks: Acks::Digest, leader: Some(NodeId::Replica(1)), ..Params::default() };
    let mut leader = cluster.follower(params);
    leader.take_office(&mut Outbox::new(Time::ZERO));
    let own = leader.log.digest_at(1).expect("its no-op");
    let ack = |number: u16, digest| {
        let reply = AppendReply { term: 1, success: true, index: 1 };
        let ack = cluster.signer(number).sign(Success { term: 1, index: 1, digest });
        (number, Msg::AppendReply(Acked { reply, ack: Some(ack) }))
    };
    let other = Encoder::digest_of(|out| _ = out.text("another log"));
    for ((number, msg), executed) in [
        (ack(0, own), 0),
        (ack(2, other), 0),
        (ack(3, other), 0),
        (ack(0, own), 0),
        (ack(4, own), 1),
    ] {
        from(&mut leader, number, &msg);
        assert_eq!(leader.executed, executed, "r{number}");
    }
}

#[test]
fn a_server_stands_by_one_log_in_a_term() {
    let cluster = Cluster::new();
    let r0 = cluster.signer(0);
    let msg = |it| Msg::AppendEntries(Sealed::new(it, Some(&*r0)), Proof::default());
    let mut server = cluster.follower(signed(Acks::Digest));
    let first = ack(&upon(&mut server, &msg(entries(0, &[0, 0], 0)))).expect("it signs");
    assert_eq!((first.term, first.index), (1, 2));
    assert_eq!(ack(&upon(&mut server, &msg(entries(0, &[0, 0], 0)))), Some(first), "again");
    // The leader cuts what it signed: it stores that, as Raft has it, and signs nothing.
    assert_eq!(ack(&upon(&mut server, &msg(entries(0, &[0, 1], 0)))), None, "in place of it");
    assert_eq!(ack(&upon(&mut server, &msg(entries(2, &[1], 0)))), None, "behind it");
    // In another term it may.
    let later = AppendEntries { term: 2, ..entries(0, &[0, 1], 0) };
    assert!(ack(&upon(&mut server, &msg(later))).is_some());

    let mut unbound = cluster.follower(signed(Acks::Index));
    assert!(ack(&upon(&mut unbound, &msg(entries(0, &[0, 0], 0)))).is_some());
    assert!(ack(&upon(&mut unbound, &msg(entries(0, &[0, 1], 0)))).is_some(), "who could tell");
}
