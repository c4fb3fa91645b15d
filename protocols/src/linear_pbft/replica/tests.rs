//! What a backup makes of certificates that are genuine, and not for what it has; what a collector
//! shows.

use std::rc::Rc;

use byzsim_core::crypto::Keyring;
use byzsim_core::{
    CertificateForm, Committee, CryptoBackend, Decided, Digest, Operation, Protocol, Signed, Time,
};

use super::super::LinearPbft;
use super::super::message::{Commit, Prepare};
use super::*;
use crate::pbft::message::{
    Asked, Batch, Decision, NewView, PrePrepare, Request, Status, ViewChange,
};

const COMMITTEE: Committee = Committee { replicas: 4, faults: 1, clients: 2 };
const R0: NodeId = NodeId::Replica(0);

/// r2 in view 0, and everyone's keys.
struct Stage {
    keyring: Rc<Keyring>,
    backup: Replica,
    form: CertificateForm,
}

impl Stage {
    fn new(form: CertificateForm) -> Self {
        let keyring = Keyring::new(CryptoBackend::Ideal, COMMITTEE, 7);
        let params = Params { certificates: form, ..Params::default() };
        let backup = LinearPbft::replica(keyring.signer(NodeId::Replica(2)), COMMITTEE, &params);
        Self { keyring, backup, form }
    }

    /// c0 or c1 asks for something.
    fn batch(&self, client: u16) -> Rc<Batch> {
        let request = Request { timestamp: 1, operation: Operation::Get { key: "x".into() } };
        Batch::new(vec![Rc::new(self.keyring.signer(NodeId::Client(client)).sign(request))])
    }

    /// What it does when it hears this from r0.
    fn hears(&mut self, msg: &Msg) -> Vec<Effect<Msg, Timer>> {
        let mut out = Out::new(Time::ZERO);
        self.backup.on_message(R0, msg, &mut out);
        out.drain(Time::ZERO).collect()
    }

    /// r0 proposes a batch for slot 1 of view 0.
    fn proposed(&mut self, batch: &Rc<Batch>) {
        let proposal = PrePrepare { view: 0, seq: 1, digest: batch.digest() };
        let proposal = self.keyring.signer(R0).sign(proposal);
        let effects = self.hears(&pbft::Msg::PrePrepare(proposal, Rc::clone(batch)).into());
        assert!(
            effects.iter().any(|it| is_vote(it, false)),
            "it accepts the proposal: {effects:?}"
        );
    }

    /// r2 and r3 are backups in views 0 and 1.
    fn prepare_cert(&self, view: View, seq: Seq, digest: Digest) -> Msg {
        let sign = |i| self.keyring.signer(NodeId::Replica(i)).sign(Prepare { view, seq, digest });
        let votes: Vec<Signed<Prepare>> = [2, 3].map(sign).to_vec();
        let made = self.keyring.signer(R0).certify(votes, self.form);
        Msg::Shown(Shown::PrepareCert(made.expect("they say the same")))
    }

    fn commit_cert(&self, view: View, seq: Seq, digest: Digest) -> Msg {
        let sign = |i| self.keyring.signer(NodeId::Replica(i)).sign(Commit { view, seq, digest });
        let votes: Vec<Signed<Commit>> = [0, 2, 3].map(sign).to_vec();
        let made = self.keyring.signer(R0).certify(votes, self.form);
        Msg::Shown(Shown::CommitCert(made.expect("they say the same")))
    }
}

/// Whether a vote goes to r0.
fn is_vote(effect: &Effect<Msg, Timer>, commits: bool) -> bool {
    is_vote_to(R0, effect, commits)
}

fn is_vote_to(collector: NodeId, effect: &Effect<Msg, Timer>, commits: bool) -> bool {
    let Effect::Send(to, msg) = effect else { return false };
    if *to != collector {
        return false;
    }
    match &**msg {
        Msg::Pbft(msg) => Ballot::of(msg).is_some_and(|it| it.is_commit == commits),
        Msg::Shown(_) => false,
    }
}

/// Which batch it commits.
fn committed(effects: &[Effect<Msg, Timer>]) -> Option<Digest> {
    effects.iter().find_map(|effect| {
        let Effect::Observe(Observation::Committed { decided, .. }) = effect else { return None };
        let Decided::Batch(batch) = decided else { return None };
        Some(*batch)
    })
}

/// The VIEW-CHANGE that it sends to all.
fn view_change(effect: &Effect<Msg, Timer>) -> Option<Rc<Signed<ViewChange>>> {
    let Effect::Broadcast(msg) = effect else { return None };
    let Msg::Pbft(msg) = &**msg else { return None };
    let pbft::Msg::ViewChange(it) = &**msg else { return None };
    Some(Rc::clone(it))
}

const FORMS: [CertificateForm; 2] = [CertificateForm::List, CertificateForm::Aggregate];

#[test]
fn certificates_stand_for_the_batch_that_was_proposed() {
    for form in FORMS {
        let mut stage = Stage::new(form);
        let [one, other] = [0, 1].map(|client| stage.batch(client));
        stage.proposed(&one);
        let prepared = stage.hears(&stage.prepare_cert(0, 1, one.digest()));
        assert!(prepared.iter().any(|it| is_vote(it, true)), "{form:?}: {prepared:?}");
        let decided = stage.hears(&stage.commit_cert(0, 1, one.digest()));
        assert_eq!(committed(&decided), Some(one.digest()), "{form:?}");

        // The primary proposed something else here than elsewhere, and shows what prepared there.
        let mut stage = Stage::new(form);
        stage.proposed(&one);
        let prepared = stage.hears(&stage.prepare_cert(0, 1, other.digest()));
        assert!(!prepared.iter().any(|it| is_vote(it, true)), "{form:?}: {prepared:?}");
        let decided = stage.hears(&stage.commit_cert(0, 1, other.digest()));
        assert_eq!(committed(&decided), None, "{form:?}");

        // It is prepared, and what is decided elsewhere is another batch.
        let mut stage = Stage::new(form);
        stage.proposed(&one);
        stage.hears(&stage.prepare_cert(0, 1, one.digest()));
        let decided = stage.hears(&stage.commit_cert(0, 1, other.digest()));
        assert_eq!(committed(&decided), None, "{form:?}");
    }
}

/// As in PBFT, *committed-local* asks for *prepared*: what a replica executed must be in its
/// VIEW-CHANGE.
#[test]
fn a_commit_cert_waits_for_the_prepare_cert() {
    for form in FORMS {
        let mut stage = Stage::new(form);
        let batch = stage.batch(0);
        stage.proposed(&batch);
        let early = stage.hears(&stage.commit_cert(0, 1, batch.digest()));
        assert_eq!(committed(&early), None, "{form:?}");
        let both = stage.hears(&stage.prepare_cert(0, 1, batch.digest()));
        assert_eq!(committed(&both), Some(batch.digest()), "{form:?}");
    }
}

#[test]
fn certificates_count_in_their_view_and_slot_only() {
    for form in FORMS {
        for (view, seq) in [(1, 1), (0, 2)] {
            let mut stage = Stage::new(form);
            let batch = stage.batch(0);
            stage.proposed(&batch);
            let prepared = stage.hears(&stage.prepare_cert(view, seq, batch.digest()));
            assert!(!prepared.iter().any(|it| is_vote(it, true)), "{form:?}: {prepared:?}");
            stage.hears(&stage.prepare_cert(0, 1, batch.digest()));
            let decided = stage.hears(&stage.commit_cert(view, seq, batch.digest()));
            assert_eq!(committed(&decided), None, "{form:?}: of view {view} and slot {seq}");
        }
    }
}

/// The certificate that it took, and no PREPAREs that it never saw, goes into its VIEW-CHANGE: who
/// cannot show what prepared lets it be forgotten.
#[test]
fn a_view_change_carries_the_certificate_of_what_prepared() {
    for form in FORMS {
        let mut stage = Stage::new(form);
        let batch = stage.batch(0);
        stage.proposed(&batch);
        stage.hears(&stage.prepare_cert(0, 1, batch.digest()));
        let mut out = Out::new(Time::ZERO);
        stage.backup.on_timer(Timer::Pbft(pbft::Timer::Progress(0)), &mut out);
        let sent: Vec<_> = out.drain(Time::ZERO).collect();
        let asked = sent.iter().find_map(view_change).expect("it asks for view 1");
        let carried = &asked.prepared;
        let [certificate] = &carried[..] else { panic!("{form:?}: {carried:?}") };
        assert_eq!(certificate.pre_prepare.digest, batch.digest(), "{form:?}");
        assert!(stage.backup.rules.proves_prepared(&certificate.prepares, &stage.backup.signer));
    }
}

/// Peers may enter a view first: what its collector shows before is kept, or it would be missing
/// until somebody asks for it.
#[test]
fn a_certificate_of_a_view_to_come_is_kept() {
    let r1 = NodeId::Replica(1);
    for form in FORMS {
        let mut stage = Stage::new(form);
        let batch = stage.batch(0);
        let early = stage.hears(&stage.prepare_cert(1, 1, batch.digest()));
        assert!(early.is_empty(), "{form:?}: {early:?}");
        let asks = |i| {
            let it = ViewChange { view: 1, stable: 0, proof: Vec::new(), prepared: Vec::new() };
            Rc::new(stage.keyring.signer(NodeId::Replica(i)).sign(it))
        };
        let view_changes = [1, 0, 3].map(asks).to_vec();
        let new_view = NewView { view: 1, view_changes, proposals: Vec::new() };
        let new_view = Rc::new(stage.keyring.signer(r1).sign(new_view));
        stage.hears(&pbft::Msg::NewView(new_view).into());
        let proposal = PrePrepare { view: 1, seq: 1, digest: batch.digest() };
        let proposal = stage.keyring.signer(r1).sign(proposal);
        let effects = stage.hears(&pbft::Msg::PrePrepare(proposal, batch).into());
        assert!(effects.iter().any(|it| is_vote_to(r1, it, false)), "{form:?}: {effects:?}");
        assert!(effects.iter().any(|it| is_vote_to(r1, it, true)), "{form:?}: {effects:?}");
    }
}

/// A decision that somebody passes on is proven like a COMMIT-CERT.
#[test]
fn a_decision_is_proven_by_a_quorum_of_commits_for_its_batch() {
    for form in FORMS {
        let stage = Stage::new(form);
        let [one, other] = [0, 1].map(|client| stage.batch(client));
        let decision = |voters: &[u16], batch: &Rc<Batch>| {
            let digest = one.digest();
            let sign = |i: &u16| {
                let signer = stage.keyring.signer(NodeId::Replica(*i));
                signer.sign(Commit { view: 0, seq: 1, digest })
            };
            let votes = voters.iter().map(sign).collect();
            let commits = stage.keyring.signer(R0).certify(votes, form).expect("they add up");
            Msg::from(pbft::Msg::Decided(1, Decision { commits, batch: Rc::clone(batch) }))
        };
        for (voters, batch, counts) in [
            (&[0, 1, 3][..], &one, true),
            (&[0, 1], &one, false),
            (&[0, 1, 2, 3], &one, false),
            (&[0, 1, 3], &other, false),
        ] {
            let effects = Stage::new(form).hears(&decision(voters, batch));
            let expected = counts.then_some(batch.digest());
            assert_eq!(committed(&effects), expected, "{form:?} of {voters:?}");
        }
    }
}

/// Who is shown a PREPARE-CERT.
fn shown_to(effects: &[Effect<Msg, Timer>]) -> Vec<NodeId> {
    let shown = effects.iter().filter_map(|effect| {
        let Effect::Send(to, msg) = effect else { return None };
        matches!(&**msg, Msg::Shown(Shown::PrepareCert(_))).then_some(*to)
    });
    shown.collect()
}

/// 2f PREPAREs make a certificate for all others, once; who lags is shown it again. Its own COMMIT
/// goes to nobody else.
#[test]
fn a_collector_shows_what_prepared_and_shows_it_again_to_who_lags() {
    let others = [1, 2, 3].map(NodeId::Replica);
    for form in FORMS {
        let stage = Stage::new(form);
        let params = Params { certificates: form, ..Params::default() };
        let mut collector = LinearPbft::replica(stage.keyring.signer(R0), COMMITTEE, &params);
        let batch = stage.batch(0);
        let request = Rc::clone(&batch.requests()[0]);
        let mut hears = |from: NodeId, msg: pbft::Msg| {
            let mut out = Out::new(Time::ZERO);
            collector.on_message(from, &msg.into(), &mut out);
            out.drain(Time::ZERO).collect::<Vec<_>>()
        };
        hears(NodeId::Client(0), pbft::Msg::Request(request, Asked::InOrder));
        let digest = batch.digest();
        let mut votes = others.iter().map(|voter| {
            let vote = Prepare { view: 0, seq: 1, digest };
            hears(*voter, pbft::Msg::Prepare(Rc::new(stage.keyring.signer(*voter).sign(vote))))
        });
        let [first, second, third] = [votes.next(), votes.next(), votes.next()];
        drop(votes);
        let [first, second, third] = [first, second, third].map(|it| it.expect("three votes"));
        assert_eq!(shown_to(&first), [], "{form:?}: one vote is too few");
        assert_eq!(shown_to(&second), others, "{form:?}");
        assert_eq!(shown_to(&third), [], "{form:?}: it is shown");
        let lags = Status { view: 0, changing: None, stable: 0, executed: 0 };
        let asked = hears(others[2], pbft::Msg::Status(lags));
        // Its COMMIT is on its way to itself: it has nothing of its own to say again.
        assert_eq!(shown_to(&asked), [], "{form:?}");
        let commit = stage.keyring.signer(R0).sign(Commit { view: 0, seq: 1, digest });
        hears(R0, pbft::Msg::Commit(Rc::new(commit)));
        let asked = hears(others[2], pbft::Msg::Status(lags));
        assert_eq!(shown_to(&asked), [others[2]], "{form:?}");
        let commits = asked.iter().filter(|effect| {
            let Effect::Send(_, msg) = effect else { return false };
            matches!(&**msg, Msg::Pbft(msg) if matches!(&**msg, pbft::Msg::Commit(_)))
        });
        assert_eq!(commits.count(), 0, "{form:?}: the certificate says it");
    }
}
