//! The lies that a corrupted node can tell in PBFT: the one place that knows which parts of its
//! messages are worth lying about. Generic code chooses who lies, when, and to whom.

use std::rc::Rc;

use byzsim_core::editable::Editable;
use byzsim_core::field::{Entry, Inventive};
use byzsim_core::{Digest, Lie, Signed, Signer, SimRng};

use super::message::{
    Batch, Checkpoint, Msg, NewView, PrePrepare, Prepare, PreparedCertificate, Reply, ViewChange,
};

pub(super) const LIES: &[Lie] = &[
    Lie {
        name: "vote-own-proposal",
        kind: "pre-prepare",
        about: "the primary also sends a PREPARE for its own proposal",
    },
    Lie { name: "prepare-twice", kind: "prepare", about: "the PREPARE is sent twice" },
    Lie { name: "commit-twice", kind: "commit", about: "the COMMIT is sent twice" },
    Lie { name: "wrong-answer", kind: "reply", about: "the REPLY carries an invented answer" },
    Lie {
        name: "wrong-state",
        kind: "checkpoint",
        about: "the CHECKPOINT carries a digest that belongs to no state",
    },
    Lie {
        name: "hide-prepared",
        kind: "view-change",
        about: "the VIEW-CHANGE carries none of the prepared certificates",
    },
    Lie {
        name: "null-proposals",
        kind: "new-view",
        about: "the NEW-VIEW proposes null requests instead of what its VIEW-CHANGEs demand",
    },
];

pub(super) fn tell(msg: &Msg, lie: &str, signer: &Signer, rng: &mut SimRng) -> Option<Vec<Msg>> {
    match (lie, msg) {
        ("vote-own-proposal", Msg::PrePrepare(it, _)) if it.signer() == signer.node() => {
            let PrePrepare { view, seq, digest } = *it.body();
            let vote = signer.sign(Prepare { view, seq, digest });
            Some(vec![msg.clone(), Msg::Prepare(Rc::new(vote))])
        }
        ("prepare-twice", Msg::Prepare(_)) | ("commit-twice", Msg::Commit(_)) => {
            Some(vec![msg.clone(), msg.clone()])
        }
        ("wrong-answer", Msg::Reply(it, basis)) => {
            let reply = Reply { answer: it.answer.invented(rng), ..it.body().clone() };
            Some(vec![Msg::Reply(signer.sign(reply), *basis)])
        }
        ("wrong-state", Msg::Checkpoint(it)) if it.signer() == signer.node() => {
            let state = Digest(rng.key());
            Some(vec![Msg::Checkpoint(signer.sign(Checkpoint { seq: it.seq, state }))])
        }
        ("hide-prepared", Msg::ViewChange(it)) if it.signer() == signer.node() => {
            let view_change = ViewChange { prepared: Vec::new(), ..it.body().clone() };
            Some(vec![Msg::ViewChange(Rc::new(signer.sign(view_change)))])
        }
        ("null-proposals", Msg::NewView(it)) if it.signer() == signer.node() => {
            let digest = Batch::null_digest();
            let null = |it: &Signed<PrePrepare>| signer.sign(PrePrepare { digest, ..*it.body() });
            let proposals = it.proposals.iter().map(null).collect();
            let new_view = NewView { proposals, ..it.body().clone() };
            Some(vec![Msg::NewView(Rc::new(signer.sign(new_view)))])
        }
        _ => None,
    }
}

/// In place of a VIEW-CHANGE: one of a replica that prepared nothing; if it did not, of one that is
/// ahead.
impl Inventive for ViewChange {
    fn invented(&self, rng: &mut SimRng) -> Self {
        match self.prepared.is_empty() {
            false => Self { prepared: Vec::new(), ..self.clone() },
            true => Self { stable: self.stable.invented(rng), ..self.clone() },
        }
    }
}

/// In place of a NEW-VIEW: one that proposes nothing; if it did not, one of another view.
impl Inventive for NewView {
    fn invented(&self, rng: &mut SimRng) -> Self {
        match self.proposals.is_empty() {
            false => Self { proposals: Vec::new(), ..self.clone() },
            true => Self { view: self.view.invented(rng), ..self.clone() },
        }
    }
}

impl Entry for PreparedCertificate {
    fn forged(&self) -> Self {
        Self { pre_prepare: self.pre_prepare.forged(), prepares: self.prepares.forged() }
    }

    /// A certificate for the null request, which everyone has: what the signer may sign, it signs.
    fn invented(&self, signer: &Signer, _: &mut SimRng) -> Self {
        let digest = Batch::null_digest();
        let pre_prepare = PrePrepare { digest, ..*self.pre_prepare.body() };
        let pre_prepare = signer.sign_as(pre_prepare, self.pre_prepare.signer());
        let prepares = self.prepares.saying(|vote| Prepare { digest, ..*vote }, signer);
        Self { pre_prepare, prepares }
    }

    /// A certificate for a batch that nobody proposed, under the signatures for another one.
    fn grafted(&self, rng: &mut SimRng) -> Self {
        let digest = Digest(rng.key());
        let pre_prepare = PrePrepare { digest, ..*self.pre_prepare.body() };
        Self {
            pre_prepare: self.pre_prepare.with_body(pre_prepare),
            prepares: self.prepares.grafted(|vote| Prepare { digest, ..*vote }),
        }
    }

    /// One of the votes is.
    fn adopted(&self, signer: &Signer) -> Self {
        Self { pre_prepare: self.pre_prepare.clone(), prepares: self.prepares.adopted(signer) }
    }

    fn is_genuine(&self, judge: &Signer) -> bool {
        Editable::is_genuine(&self.pre_prepare, judge) && self.prepares.is_genuine(judge)
    }
}
