//! The fields of Zyzzyva's messages that a corrupted sender can change: the one place that names
//! them. Generic code chooses the field, the change, and who hears of it.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "`edited` hands out all kinds of messages; each function behind it edits some"
)]

use std::rc::Rc;

use byzsim_core::field::{Edit, Entry, FieldMut, Inventive, Sort, edit_signed};
use byzsim_core::{Answer, Digest, Encode as _, Field, Signed, Signer, SimRng};

use super::message::{
    Certificate, Checkpoint, Hate, Msg, OrderReq, Ordered, Request, SpecResponse, Status,
    ViewChange, ViewConfirm, chain, null_digest,
};
use crate::catalogue::field;

pub(super) const FIELDS: &[Field] = &[
    field("request", "timestamp", Sort::Number),
    field("request", "operation", Sort::Operation),
    field("request", "signer", Sort::Signer),
    field("order-req", "view", Sort::Number),
    field("order-req", "seq", Sort::Number),
    field("order-req", "history", Sort::Digest),
    field("order-req", "digest", Sort::Digest),
    field("order-req", "signer", Sort::Signer),
    field("spec-response", "view", Sort::Number),
    field("spec-response", "seq", Sort::Number),
    field("spec-response", "history", Sort::Digest),
    field("spec-response", "answer", Sort::Answer),
    field("spec-response", "timestamp", Sort::Number),
    field("spec-response", "signer", Sort::Signer),
    field("commit", "votes", Sort::Entries),
    field("local-commit", "view", Sort::Number),
    field("local-commit", "seq", Sort::Number),
    field("local-commit", "history", Sort::Digest),
    field("local-commit", "timestamp", Sort::Number),
    field("local-commit", "signer", Sort::Signer),
    field("fill-hole", "view", Sort::Number),
    field("fill-hole", "from", Sort::Number),
    field("fill-hole", "to", Sort::Number),
    field("confirm-req", "view", Sort::Number),
    field("checkpoint", "view", Sort::Number),
    field("checkpoint", "seq", Sort::Number),
    field("checkpoint", "history", Sort::Digest),
    field("checkpoint", "state", Sort::Digest),
    field("checkpoint", "signer", Sort::Signer),
    field("i-hate-the-primary", "view", Sort::Number),
    field("i-hate-the-primary", "signer", Sort::Signer),
    field("view-change", "view", Sort::Number),
    field("view-change", "stable", Sort::Number),
    field("view-change", "proof", Sort::Entries),
    field("view-change", "certificate", Sort::Entries),
    field("view-change", "origin", Sort::Number),
    field("view-change", "history", Sort::Entries),
    field("view-change", "hates", Sort::Entries),
    field("view-change", "signer", Sort::Signer),
    field("new-view", "view", Sort::Number),
    field("new-view", "view-changes", Sort::Entries),
    field("new-view", "orders", Sort::Entries),
    field("new-view", "signer", Sort::Signer),
    field("view-confirm", "view", Sort::Number),
    field("view-confirm", "seq", Sort::Number),
    field("view-confirm", "history", Sort::Digest),
    field("view-confirm", "signer", Sort::Signer),
    field("status", "view", Sort::Number),
    field("status", "stable", Sort::Number),
    field("status", "executed", Sort::Number),
    field("status", "history", Sort::Digest),
    field("stable-proof", "proof", Sort::Entries),
    field("fetch-state", "seq", Sort::Number),
    field("state", "seq", Sort::Number),
    field("state", "proof", Sort::Entries),
    field("opened", "confirms", Sort::Entries),
];

pub(super) fn edited(msg: &Msg, name: &str, signer: &Signer, edit: &mut Edit<'_>) -> Option<Msg> {
    match msg {
        Msg::Request(it) => {
            let edited = edit_signed(it, name, signer, edit, |it, edit| match name {
                "timestamp" => edit(FieldMut::Number(&mut it.timestamp)),
                "operation" => edit(FieldMut::Operation(&mut it.operation)),
                _ => false,
            });
            Some(Msg::Request(Rc::new(edited?)))
        }
        Msg::OrderReq(it, request) => {
            let edited = edit_signed(it, name, signer, edit, |it, edit| match name {
                "view" => edit(FieldMut::Number(&mut it.view)),
                "seq" => edit(FieldMut::Number(&mut it.seq)),
                "history" => edit(FieldMut::Digest(&mut it.history)),
                "digest" => edit(FieldMut::Digest(&mut it.digest)),
                _ => false,
            });
            Some(Msg::OrderReq(edited?, Rc::clone(request)))
        }
        Msg::SpecResponse(it, answer, order) => {
            edited_response((it, answer.as_ref()), order, name, signer, edit)
        }
        Msg::LocalCommit(it) => edit_signed(it, name, signer, edit, |it, edit| match name {
            "view" => edit(FieldMut::Number(&mut it.view)),
            "seq" => edit(FieldMut::Number(&mut it.seq)),
            "history" => edit(FieldMut::Digest(&mut it.history)),
            "timestamp" => edit(FieldMut::Number(&mut it.timestamp)),
            _ => false,
        })
        .map(Msg::LocalCommit),
        Msg::Checkpoint(_) | Msg::Hate(_) => edited_by_replicas(msg, name, signer, edit),
        Msg::ViewChange(..) | Msg::NewView(_) | Msg::ViewConfirm(_) => {
            edited_of_views(msg, name, signer, edit)
        }
        Msg::Commit(_)
        | Msg::FillHole(..)
        | Msg::ConfirmReq(..)
        | Msg::ProofOfMisbehaviour(..)
        | Msg::Status(_)
        | Msg::StableProof(_)
        | Msg::Opened(..)
        | Msg::FetchState(_)
        | Msg::State(..) => edited_unsigned(msg, name, edit),
    }
}

/// The answer travels beside the response that has its digest.
fn edited_response(
    (it, answer): (&Signed<SpecResponse>, Option<&Answer>),
    order: &Option<Signed<OrderReq>>,
    name: &str,
    signer: &Signer,
    edit: &mut Edit<'_>,
) -> Option<Msg> {
    if name == "answer" && it.signer() == signer.node() {
        let mut answer = answer?.clone();
        let changed = edit(FieldMut::Answer(&mut answer));
        let body = SpecResponse { answer: answer.sha256(), ..*it.body() };
        return changed.then(|| Msg::SpecResponse(signer.sign(body), Some(answer), order.clone()));
    }
    let edited = edit_signed(it, name, signer, edit, |it, edit| match name {
        "view" => edit(FieldMut::Number(&mut it.view)),
        "seq" => edit(FieldMut::Number(&mut it.seq)),
        "history" => edit(FieldMut::Digest(&mut it.history)),
        "timestamp" => edit(FieldMut::Number(&mut it.timestamp)),
        _ => false,
    });
    // Beside a response that contradicts the order, the order would only betray the liar.
    Some(Msg::SpecResponse(edited?, answer.cloned(), None))
}

/// Checkpoints and accusations.
fn edited_by_replicas(msg: &Msg, name: &str, signer: &Signer, edit: &mut Edit<'_>) -> Option<Msg> {
    match msg {
        Msg::Checkpoint(it) => edit_signed(it, name, signer, edit, |it, edit| match name {
            "view" => edit(FieldMut::Number(&mut it.view)),
            "seq" => edit(FieldMut::Number(&mut it.seq)),
            "history" => edit(FieldMut::Digest(&mut it.history)),
            "state" => edit(FieldMut::Digest(&mut it.state)),
            _ => false,
        })
        .map(Msg::Checkpoint),
        Msg::Hate(it) => edit_signed(it, name, signer, edit, |it, edit| {
            name == "view" && edit(FieldMut::Number(&mut it.view))
        })
        .map(Msg::Hate),
        _ => None,
    }
}

/// View changes.
fn edited_of_views(msg: &Msg, name: &str, signer: &Signer, edit: &mut Edit<'_>) -> Option<Msg> {
    match msg {
        Msg::ViewChange(it, past) => {
            let edited = edit_signed(it, name, signer, edit, |it, edit| match name {
                "view" => edit(FieldMut::Number(&mut it.view)),
                "stable" => edit(FieldMut::Number(&mut it.stable)),
                "proof" => edit(FieldMut::Entries(&mut it.proof)),
                "certificate" => edited_certificate(it, edit),
                "origin" => edit(FieldMut::Number(&mut it.origin)),
                "history" => edit(FieldMut::Entries(&mut it.history)),
                "hates" => edit(FieldMut::Entries(&mut it.hates)),
                _ => false,
            });
            Some(Msg::ViewChange(Rc::new(edited?), past.clone()))
        }
        Msg::NewView(it) => {
            let edited = edit_signed(it, name, signer, edit, |it, edit| match name {
                "view" => edit(FieldMut::Number(&mut it.view)),
                "view-changes" => edit(FieldMut::Entries(&mut it.view_changes)),
                "orders" => edit(FieldMut::Entries(&mut it.orders)),
                _ => false,
            });
            Some(Msg::NewView(Rc::new(edited?)))
        }
        Msg::ViewConfirm(it) => edit_signed(it, name, signer, edit, |it, edit| match name {
            "view" => edit(FieldMut::Number(&mut it.view)),
            "seq" => edit(FieldMut::Number(&mut it.seq)),
            "history" => edit(FieldMut::Digest(&mut it.history)),
            _ => false,
        })
        .map(Msg::ViewConfirm),
        _ => None,
    }
}

/// The votes of the certificate that a VIEW-CHANGE reports; without votes it reports none.
fn edited_certificate(it: &mut ViewChange, edit: &mut Edit<'_>) -> bool {
    let Some(certified) = &mut it.certificate else { return false };
    let (changed, none_left) = match &mut certified.certificate {
        Certificate::Commit(votes) => {
            let votes = Rc::make_mut(votes);
            (edit(FieldMut::Entries(votes)), votes.is_empty())
        }
        Certificate::Confirm(votes) => {
            let votes = Rc::make_mut(votes);
            (edit(FieldMut::Entries(votes)), votes.is_empty())
        }
    };
    if none_left {
        it.certificate = None;
    }
    changed
}

/// What carries no signature of its sender: it proves itself, or nothing rests on it.
fn edited_unsigned(msg: &Msg, name: &str, edit: &mut Edit<'_>) -> Option<Msg> {
    let mut msg = msg.clone();
    let changed = match (&mut msg, name) {
        (Msg::Commit(votes), "votes") => {
            let votes = Rc::make_mut(votes);
            edit(FieldMut::Entries(votes))
        }
        (Msg::FillHole(view, ..) | Msg::ConfirmReq(view, _), "view")
        | (Msg::FillHole(_, view, _), "from")
        | (Msg::FillHole(_, _, view), "to") => edit(FieldMut::Number(view)),
        (Msg::Status(Status { view, .. }), "view") => edit(FieldMut::Number(view)),
        (Msg::Status(Status { stable, .. }), "stable") => edit(FieldMut::Number(stable)),
        (Msg::Status(Status { executed, .. }), "executed") => edit(FieldMut::Number(executed)),
        (Msg::Status(Status { history, .. }), "history") => edit(FieldMut::Digest(history)),
        (Msg::Opened(_, confirms), "confirms") => {
            let confirms = Rc::make_mut(confirms);
            edit(FieldMut::Entries(confirms))
        }
        (Msg::StableProof(proof) | Msg::State(_, _, proof), "proof") => {
            edit(FieldMut::Entries(proof))
        }
        (Msg::FetchState(seq) | Msg::State(seq, ..), "seq") => edit(FieldMut::Number(seq)),
        _ => false,
    };
    changed.then_some(msg)
}

impl Inventive for Request {
    fn invented(&self, rng: &mut SimRng) -> Self {
        Self { timestamp: self.timestamp, operation: self.operation.invented(rng) }
    }
}

impl Inventive for OrderReq {
    fn invented(&self, rng: &mut SimRng) -> Self {
        Self { history: Digest(rng.key()), ..*self }
    }
}

impl Inventive for SpecResponse {
    fn invented(&self, rng: &mut SimRng) -> Self {
        Self { history: Digest(rng.key()), ..*self }
    }
}

impl Inventive for Checkpoint {
    fn invented(&self, rng: &mut SimRng) -> Self {
        Self { state: Digest(rng.key()), ..*self }
    }
}

impl Inventive for Hate {
    fn invented(&self, rng: &mut SimRng) -> Self {
        Self { view: self.view.saturating_add(rng.between(1, 3)) }
    }
}

impl Inventive for ViewConfirm {
    fn invented(&self, rng: &mut SimRng) -> Self {
        Self { history: Digest(rng.key()), ..*self }
    }
}

/// In place of a VIEW-CHANGE: one of a replica that knows of nothing.
impl Inventive for ViewChange {
    fn invented(&self, _: &mut SimRng) -> Self {
        Self { certificate: None, history: Vec::new(), ..self.clone() }
    }
}

impl Entry for Ordered {
    fn forged(&self) -> Self {
        Self { order: self.order.forged(), request: self.request.clone() }
    }

    /// The null request in its place, in a history of its own.
    fn invented(&self, signer: &Signer, _: &mut SimRng) -> Self {
        let digest = null_digest();
        let history = chain(self.order.history, digest);
        let order = OrderReq { digest, history, ..*self.order.body() };
        Self { order: signer.sign_as(order, self.order.signer()), request: None }
    }
}
