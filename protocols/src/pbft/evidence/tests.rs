//! Which statements convict, and which do not.

use byzsim_core::forensics::{Case, Held, Place};
use byzsim_core::{Certificate, CertificateForm, Time};

use super::search::investigate;
use super::*;
use crate::judgement::court::{self, COMMITTEE};
use crate::pbft::message::Msg;

const A: Digest = Digest([1; 32]);
const B: Digest = Digest([2; 32]);

type Court = court::Court<Exhibit>;

impl Court {
    /// The certificate of `digest` at slot 1 in view 0.
    fn certificate(&self, digest: Digest, voters: [u16; 2]) -> PreparedCertificate {
        let (view, seq) = (0, 1);
        let pre_prepare = self.replica(0).sign(PrePrepare { view, seq, digest });
        let vote = |it: u16| self.replica(it).sign(Prepare { view, seq, digest });
        PreparedCertificate { pre_prepare, prepares: voters.map(vote).to_vec().into() }
    }

    fn view_change(&self, of: u16, prepared: Vec<PreparedCertificate>) -> Signed<ViewChange> {
        let proof = Vec::new();
        self.replica(of).sign(ViewChange { view: 1, stable: 0, proof, prepared })
    }

    fn new_view(&self, prepared: Vec<PreparedCertificate>, proposed: &[Digest]) -> NewView {
        let reports = [(1, prepared), (2, Vec::new()), (3, Vec::new())];
        let report = |(of, prepared)| Rc::new(self.view_change(of, prepared));
        let propose = |(seq, digest): (Seq, &Digest)| {
            self.replica(1).sign(PrePrepare { view: 1, seq, digest: *digest })
        };
        NewView {
            view: 1,
            view_changes: reports.map(report).to_vec(),
            proposals: (1..).zip(proposed).map(propose).collect(),
        }
    }
}

const INNOCENT: Result<&str, &str> = Err("a correct replica can say all this");

#[test]
fn two_words_of_one_slot_and_view_convict_and_of_two_do_not() {
    let court = Court::new(Params::default());
    let (r0, r1) = (court.replica(0), court.replica(1));
    let propose =
        |view, seq, digest| Exhibit::PrePrepare(r0.sign(PrePrepare { view, seq, digest }));
    let commit = |view, digest| Exhibit::Commit(r1.sign(Commit { view, seq: 1, digest }).into());
    let prepare = |view, digest| Exhibit::Prepare(r1.sign(Prepare { view, seq: 1, digest }).into());
    let state = |seq, state| Exhibit::Checkpoint(r1.sign(Checkpoint { seq, state }));
    assert_eq!(court.says(&[propose(0, 1, A), propose(0, 1, B)]), Ok("E1"));
    assert_eq!(court.says(&[propose(0, 1, A), propose(0, 1, A)]), INNOCENT);
    assert_eq!(court.says(&[propose(0, 1, A), propose(4, 1, B)]), INNOCENT);
    assert_eq!(court.says(&[propose(0, 1, A), propose(0, 2, B)]), INNOCENT);
    assert_eq!(court.says(&[prepare(0, A), prepare(0, B)]), Ok("E2"));
    assert_eq!(court.says(&[prepare(0, A), prepare(2, B)]), INNOCENT);
    assert_eq!(court.says(&[commit(0, A), commit(0, B)]), Ok("E3"));
    assert_eq!(court.says(&[commit(0, A), commit(2, B)]), INNOCENT);
    assert_eq!(court.says(&[prepare(1, A)]), Ok("E4"), "r1 is the primary of view 1");
    assert_eq!(court.says(&[prepare(0, A)]), INNOCENT);
    assert_eq!(court.says(&[state(4, A), state(4, B)]), Ok("E8"));
    assert_eq!(court.says(&[state(4, A), state(8, B)]), INNOCENT);
    assert_eq!(court.says(&[prepare(0, A), commit(0, B)]), INNOCENT, "of two kinds");
    assert_eq!(court.says(&[]), Err("there is no statement"));
}

#[test]
fn what_others_can_make_up_convicts_nobody() {
    let court = Court::new(Params::default());
    let r2 = NodeId::Replica(2);
    let genuine = court.view_change(2, vec![court.certificate(A, [1, 2])]);
    let altered = ViewChange { prepared: Vec::new(), ..genuine.body().clone() };
    let altered = Exhibit::ViewChange(Rc::new(Signed::forged(altered, r2)));
    let genuine = Exhibit::ViewChange(Rc::new(genuine));
    let said = court.says(&[genuine.clone(), altered]);
    assert_eq!(said, Err("a signature does not verify"));
    let other = Exhibit::ViewChange(Rc::new(court.view_change(3, Vec::new())));
    assert_eq!(court.says(&[genuine, other]), Err("the statements are of different nodes"));
}

#[test]
fn a_certificate_that_was_committed_must_be_reported() {
    let court = Court::new(Params::default());
    let commit = |view, digest| {
        let it = Commit { view, seq: 1, digest };
        Exhibit::Commit(court.replica(2).sign(it).into())
    };
    let reports = |certificates: &[PreparedCertificate]| {
        Exhibit::ViewChange(Rc::new(court.view_change(2, certificates.to_vec())))
    };
    let (a, b) = (court.certificate(A, [1, 2]), court.certificate(B, [1, 2]));
    assert_eq!(court.says(&[commit(0, A), reports(&[])]), Ok("E5"));
    assert_eq!(court.says(&[commit(0, A), reports(&[b])]), Ok("E5"));
    assert_eq!(court.says(&[commit(0, A), reports(std::slice::from_ref(&a))]), INNOCENT);
    assert_eq!(court.says(&[commit(1, A), reports(&[])]), INNOCENT, "of a later view");
    assert_eq!(court.says(&[reports(&[]), reports(&[a])]), Ok("E6"));
}

#[test]
fn reports_and_new_views_are_judged_by_what_their_signer_signed() {
    let court = Court::new(Params::default());
    let new_view = |it| court.says(&[Exhibit::NewView(Rc::new(court.replica(1).sign(it)))]);
    let a = || vec![court.certificate(A, [1, 2])];
    assert_eq!(new_view(court.new_view(a(), &[A])), INNOCENT);
    assert_eq!(new_view(court.new_view(Vec::new(), &[])), INNOCENT);
    for proposed in [&[B][..], &[], &[A, A], &[Batch::null_digest()]] {
        assert_eq!(new_view(court.new_view(a(), proposed)), Ok("E7"), "{proposed:?}");
    }
    let mut few = court.new_view(a(), &[A]);
    few.view_changes.pop();
    assert_eq!(new_view(few), Ok("E7"));

    // Who relays it can spoil the signatures inside, which it does not cover.
    let mut garbled = a();
    garbled[0].prepares = garbled[0].prepares.forged();
    let relayed = court.new_view(garbled.clone(), &[A]);
    assert_eq!(new_view(relayed), INNOCENT);
    let report = |it| court.says(&[Exhibit::ViewChange(Rc::new(court.view_change(3, it)))]);
    assert_eq!(report(garbled), INNOCENT);
    for voters in [[0, 1], [1, 1]] {
        let impossible = vec![court.certificate(A, voters)];
        assert_eq!(report(impossible), Ok("E9"), "votes of {voters:?} in view 0");
    }
}

/// An aggregate proves what each of its signers said, and of nobody else.
#[test]
fn two_aggregates_convict_who_is_in_both() {
    let court = Court::new(Params::default());
    let signers = [0, 1, 2, 3].map(|it| court.replica(it));
    let sum = |digest, of: [usize; 3]| {
        let commit = Commit { view: 0, seq: 1, digest };
        let votes = of.map(|it| signers[it].sign(commit)).to_vec();
        signers[0].certify(votes, CertificateForm::Aggregate).expect("all say the same")
    };
    let said = |it: &Certificate<Commit>, number| {
        let of = |it: &Attested<Commit>| it.signer() == NodeId::Replica(number);
        it.attested().into_iter().find(of).map(Exhibit::Commit)
    };
    let (one, other) = (sum(A, [0, 1, 2]), sum(B, [0, 1, 3]));
    for number in [0, 1] {
        let both = [&one, &other].map(|it| said(it, number).expect("it is in both"));
        assert_eq!(court.says(&both), Ok("E3"), "r{number}");
        let alone = signers[usize::from(number)].sign(Commit { view: 0, seq: 1, digest: B });
        let mixed = [both[0].clone(), Exhibit::Commit(alone.into())];
        assert_eq!(court.says(&mixed), Ok("E3"), "r{number}: beside a vote by itself");
    }
    assert!(said(&one, 3).is_none() && said(&other, 2).is_none());
    // Somebody writes r3 into the aggregate that it is not in.
    let mut altered = one.clone();
    byzsim_core::field::Entries::adopt(&mut altered, 2, &signers[3]);
    let both = [&altered, &other].map(|it| said(it, 3).expect("it is named in both"));
    assert_eq!(court.says(&both), Err("a signature does not verify"));
}

/// r0 and r1 helped r2 to commit A in view 0, opened view 1 with r3 and without A, and committed B
/// there.
fn cross_view(court: &Court) -> Vec<Msg> {
    let commit = |of: u16, view, digest| {
        Msg::Commit(Rc::new(court.replica(of).sign(Commit { view, seq: 1, digest })))
    };
    let report = |of| Rc::new(court.view_change(of, Vec::new()));
    let new_view =
        NewView { view: 1, view_changes: [1, 0, 3].map(report).to_vec(), proposals: Vec::new() };
    let mut said: Vec<Msg> = [0, 1, 2].map(|of| commit(of, 0, A)).to_vec();
    said.push(Msg::NewView(Rc::new(court.replica(1).sign(new_view))));
    said.extend([0, 1, 3].map(|of| commit(of, 1, B)));
    said
}

fn case(court: &Court, said: Vec<Msg>) -> Case {
    let at = |event, msg| {
        let place = Place { event, time: Time::ZERO };
        Held { place, msg: Rc::new(msg) }
    };
    let held: Vec<Held<Msg>> = (0..).zip(said).map(|(event, msg)| at(event, msg)).collect();
    let keys = &court.keyring.public();
    investigate(&held, Law { keys, committee: COMMITTEE, params: &court.params })
}

fn names(case: &Case) -> Vec<(u16, &str)> {
    let name = |it: &byzsim_core::forensics::Offence| (it.culprit.number(), it.rule);
    case.offences.iter().map(name).collect()
}

#[test]
fn who_denies_what_it_committed_is_found() {
    let court = Court::new(Params::default());
    let found = case(&court, cross_view(&court));
    assert_eq!(names(&found), [(0, "E5"), (1, "E5")]);
    let dispute = found.dispute.expect("two batches were committed");
    assert_eq!((dispute.rule, dispute.missing), ("R2", Vec::new()), "{}", dispute.about);
    assert!(dispute.about.contains("by the word of r0 r1 too"), "{}", dispute.about);
    let events: Vec<u64> = found.offences[0].statements.iter().map(|it| it.1.event).collect();
    assert_eq!(events, [0, 3], "the COMMIT, and the NEW-VIEW that holds the VIEW-CHANGE");
}

#[test]
fn without_the_new_view_the_evidence_is_lost() {
    let court = Court::new(Params::default());
    let mut said = cross_view(&court);
    said.retain(|msg| !matches!(msg, Msg::NewView(_)));
    let found = case(&court, said);
    assert_eq!(names(&found), []);
    let dispute = found.dispute.expect("two batches were committed");
    assert_eq!(dispute.missing, ["the NEW-VIEW of view 1"], "{}", dispute.about);
}

/// As with message authentication codes, which nobody but their receiver can tell from garbage.
#[test]
fn what_is_not_signed_proves_nothing() {
    let court = Court::new(Params::default());
    let mut said = cross_view(&court);
    for msg in &mut said {
        if let Msg::Commit(it) = msg {
            *it = Rc::new(Signed::forged(*it.body(), it.signer()));
        } else if let Msg::NewView(it) = msg {
            *it = Rc::new(Signed::forged(it.body().clone(), it.signer()));
        }
    }
    let found = case(&court, said);
    // The VIEW-CHANGEs inside the NEW-VIEW are signed by themselves, and contradict nothing.
    assert_eq!(names(&found), []);
    assert_eq!(found.dispute, None);
}

/// A faulty replica hands round a VIEW-CHANGE of r2 from which it took the certificate.
#[test]
fn a_made_up_accusation_fails() {
    let court = Court::new(Params::default());
    let mut said = cross_view(&court);
    let genuine = court.view_change(2, vec![court.certificate(A, [1, 2])]);
    let altered = ViewChange { prepared: Vec::new(), ..genuine.body().clone() };
    said.push(Msg::ViewChange(Rc::new(Signed::forged(altered, NodeId::Replica(2)))));
    said.push(Msg::ViewChange(Rc::new(genuine)));
    // It follows late, and votes for what view 1 proposes.
    let (view, seq, digest) = (1, 1, B);
    said.push(Msg::Prepare(Rc::new(court.replica(2).sign(Prepare { view, seq, digest }))));
    said.push(Msg::Commit(Rc::new(court.replica(2).sign(Commit { view, seq, digest }))));
    assert_eq!(names(&case(&court, said)), [(0, "E5"), (1, "E5")]);
}
