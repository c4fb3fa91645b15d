//! What a backup makes of certificates that are genuine, and not for what it has.

use std::rc::Rc;

use byzsim_core::crypto::Keyring;
use byzsim_core::{
    CertificateForm, Committee, CryptoBackend, Decided, Digest, Operation, Protocol, Signed, Time,
};

use super::super::LinearPbft;
use super::super::message::{Commit, Prepare};
use super::*;
use crate::pbft::message::{Batch, PrePrepare, Request, ViewChange};

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
    let Effect::Send(R0, msg) = effect else { return false };
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
