//! The fields of PBFT's messages that a corrupted sender can change: the one place that names them.
//! Generic code chooses the field, the change, and who hears of it.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "`edited` hands out all kinds of messages; each function behind it edits some"
)]

use std::rc::Rc;

use byzsim_core::field::{Edit, Entry, FieldMut, Inventive, Sort, edit_signed};
use byzsim_core::{Digest, Field, Signed, Signer, SimRng};

use super::message::{
    Batch, Checkpoint, Commit, Decision, Msg, NewView, PrePrepare, Prepare, PreparedCertificate,
    Request, Status, ViewChange,
};
use crate::catalogue::field;

pub(super) const FIELDS: &[Field] = &[
    field("request", "timestamp", Sort::Number),
    field("request", "operation", Sort::Operation),
    field("request", "signer", Sort::Signer),
    field("pre-prepare", "view", Sort::Number),
    field("pre-prepare", "seq", Sort::Number),
    field("pre-prepare", "digest", Sort::Digest),
    field("pre-prepare", "batch", Sort::Entries),
    field("pre-prepare", "signer", Sort::Signer),
    field("prepare", "view", Sort::Number),
    field("prepare", "seq", Sort::Number),
    field("prepare", "digest", Sort::Digest),
    field("prepare", "signer", Sort::Signer),
    field("commit", "view", Sort::Number),
    field("commit", "seq", Sort::Number),
    field("commit", "digest", Sort::Digest),
    field("commit", "signer", Sort::Signer),
    field("reply", "view", Sort::Number),
    field("reply", "timestamp", Sort::Number),
    field("reply", "answer", Sort::Answer),
    field("reply", "signer", Sort::Signer),
    field("checkpoint", "seq", Sort::Number),
    field("checkpoint", "state", Sort::Digest),
    field("checkpoint", "signer", Sort::Signer),
    field("view-change", "view", Sort::Number),
    field("view-change", "stable", Sort::Number),
    field("view-change", "proof", Sort::Entries),
    field("view-change", "prepared", Sort::Entries),
    field("view-change", "signer", Sort::Signer),
    field("new-view", "view", Sort::Number),
    field("new-view", "view-changes", Sort::Entries),
    field("new-view", "proposals", Sort::Entries),
    field("new-view", "signer", Sort::Signer),
    field("status", "view", Sort::Number),
    field("status", "stable", Sort::Number),
    field("status", "executed", Sort::Number),
    field("fetch-batch", "seq", Sort::Number),
    field("fetch-batch", "digest", Sort::Digest),
    field("batch", "seq", Sort::Number),
    field("batch", "batch", Sort::Entries),
    field("decided", "seq", Sort::Number),
    field("decided", "commits", Sort::Entries),
    field("decided", "batch", Sort::Entries),
    field("fetch-state", "seq", Sort::Number),
    field("state", "seq", Sort::Number),
    field("state", "proof", Sort::Entries),
];

pub(super) fn edited(msg: &Msg, name: &str, signer: &Signer, edit: &mut Edit<'_>) -> Option<Msg> {
    match msg {
        Msg::PrePrepare(it, batch) if name == "batch" && it.signer() == signer.node() => {
            let batch = edited_batch(batch, edit)?;
            let proposal = PrePrepare { digest: batch.digest(), ..*it.body() };
            Some(Msg::PrePrepare(signer.sign(proposal), batch))
        }
        Msg::PrePrepare(it, batch) => {
            let edited = edit_signed(it, name, signer, edit, |it, edit| {
                vote(name, (&mut it.view, &mut it.seq, &mut it.digest), edit)
            });
            Some(Msg::PrePrepare(edited?, Rc::clone(batch)))
        }
        Msg::Prepare(it) => edit_signed(it, name, signer, edit, |it, edit| {
            vote(name, (&mut it.view, &mut it.seq, &mut it.digest), edit)
        })
        .map(Msg::Prepare),
        Msg::Commit(it) => edit_signed(it, name, signer, edit, |it, edit| {
            vote(name, (&mut it.view, &mut it.seq, &mut it.digest), edit)
        })
        .map(Msg::Commit),
        Msg::Request(_) | Msg::Reply(_) => edited_of_clients(msg, name, signer, edit),
        Msg::Checkpoint(_) | Msg::ViewChange(_) | Msg::NewView(_) => {
            edited_of_views(msg, name, signer, edit)
        }
        Msg::Status(_)
        | Msg::FetchBatch(..)
        | Msg::Batch(..)
        | Msg::Decided(..)
        | Msg::FetchState(_)
        | Msg::State(..) => edited_unsigned(msg, name, edit),
    }
}

fn vote(
    name: &str,
    (view, seq, digest): (&mut u64, &mut u64, &mut Digest),
    edit: &mut Edit<'_>,
) -> bool {
    match name {
        "view" => edit(FieldMut::Number(view)),
        "seq" => edit(FieldMut::Number(seq)),
        "digest" => edit(FieldMut::Digest(digest)),
        _ => false,
    }
}

/// A batch whose requests were changed has another digest: its own.
fn edited_batch(batch: &Rc<Batch>, edit: &mut Edit<'_>) -> Option<Rc<Batch>> {
    let mut requests = batch.requests().to_vec();
    edit(FieldMut::Entries(&mut requests)).then(|| Batch::new(requests))
}

/// What clients send and are sent.
fn edited_of_clients(msg: &Msg, name: &str, signer: &Signer, edit: &mut Edit<'_>) -> Option<Msg> {
    match msg {
        Msg::Request(it) => {
            let edited = edit_signed(it, name, signer, edit, |it, edit| match name {
                "timestamp" => edit(FieldMut::Number(&mut it.timestamp)),
                "operation" => edit(FieldMut::Operation(&mut it.operation)),
                _ => false,
            });
            Some(Msg::Request(Rc::new(edited?)))
        }
        Msg::Reply(it) => edit_signed(it, name, signer, edit, |it, edit| match name {
            "view" => edit(FieldMut::Number(&mut it.view)),
            "timestamp" => edit(FieldMut::Number(&mut it.timestamp)),
            "answer" => edit(FieldMut::Answer(&mut it.answer)),
            _ => false,
        })
        .map(Msg::Reply),
        _ => None,
    }
}

/// Checkpoints and view changes.
fn edited_of_views(msg: &Msg, name: &str, signer: &Signer, edit: &mut Edit<'_>) -> Option<Msg> {
    match msg {
        Msg::Checkpoint(it) => edit_signed(it, name, signer, edit, |it, edit| match name {
            "seq" => edit(FieldMut::Number(&mut it.seq)),
            "state" => edit(FieldMut::Digest(&mut it.state)),
            _ => false,
        })
        .map(Msg::Checkpoint),
        Msg::ViewChange(it) => {
            let edited = edit_signed(it, name, signer, edit, |it, edit| match name {
                "view" => edit(FieldMut::Number(&mut it.view)),
                "stable" => edit(FieldMut::Number(&mut it.stable)),
                "proof" => edit(FieldMut::Entries(&mut it.proof)),
                "prepared" => edit(FieldMut::Entries(&mut it.prepared)),
                _ => false,
            });
            Some(Msg::ViewChange(Rc::new(edited?)))
        }
        Msg::NewView(it) => {
            let edited = edit_signed(it, name, signer, edit, |it, edit| match name {
                "view" => edit(FieldMut::Number(&mut it.view)),
                "view-changes" => edit(FieldMut::Entries(&mut it.view_changes)),
                "proposals" => edit(FieldMut::Entries(&mut it.proposals)),
                _ => false,
            });
            Some(Msg::NewView(Rc::new(edited?)))
        }
        _ => None,
    }
}

/// What carries no signature of its sender: it proves itself, or nothing rests on it.
fn edited_unsigned(msg: &Msg, name: &str, edit: &mut Edit<'_>) -> Option<Msg> {
    let mut msg = msg.clone();
    let changed = match (&mut msg, name) {
        (Msg::Status(Status { view, .. }), "view") => edit(FieldMut::Number(view)),
        (Msg::Status(Status { stable, .. }), "stable") => edit(FieldMut::Number(stable)),
        (Msg::Status(Status { executed, .. }), "executed") => edit(FieldMut::Number(executed)),
        (
            Msg::FetchBatch(seq, _)
            | Msg::Batch(seq, _)
            | Msg::Decided(seq, _)
            | Msg::FetchState(seq)
            | Msg::State(seq, ..),
            "seq",
        ) => edit(FieldMut::Number(seq)),
        (Msg::FetchBatch(_, digest), "digest") => edit(FieldMut::Digest(digest)),
        (Msg::Batch(_, batch) | Msg::Decided(_, Decision { batch, .. }), "batch") => {
            *batch = edited_batch(batch, edit)?;
            true
        }
        (Msg::Decided(_, Decision { commits, .. }), "commits") => edit(FieldMut::Entries(commits)),
        (Msg::State(_, _, proof), "proof") => edit(FieldMut::Entries(proof)),
        _ => false,
    };
    changed.then_some(msg)
}

impl Inventive for Request {
    fn invented(&self, rng: &mut SimRng) -> Self {
        Self { timestamp: self.timestamp, operation: self.operation.invented(rng) }
    }
}

impl Inventive for PrePrepare {
    fn invented(&self, rng: &mut SimRng) -> Self {
        Self { digest: Digest(rng.key()), ..*self }
    }
}

impl Inventive for Prepare {
    fn invented(&self, rng: &mut SimRng) -> Self {
        Self { digest: Digest(rng.key()), ..*self }
    }
}

impl Inventive for Commit {
    fn invented(&self, rng: &mut SimRng) -> Self {
        Self { digest: Digest(rng.key()), ..*self }
    }
}

impl Inventive for Checkpoint {
    fn invented(&self, rng: &mut SimRng) -> Self {
        Self { state: Digest(rng.key()), ..*self }
    }
}

/// In place of a VIEW-CHANGE: one of a replica that prepared nothing.
impl Inventive for ViewChange {
    fn invented(&self, _: &mut SimRng) -> Self {
        Self { prepared: Vec::new(), ..self.clone() }
    }
}

/// In place of a NEW-VIEW: one that proposes nothing.
impl Inventive for NewView {
    fn invented(&self, _: &mut SimRng) -> Self {
        Self { proposals: Vec::new(), ..self.clone() }
    }
}

impl Entry for PreparedCertificate {
    fn forged(&self) -> Self {
        let prepares = self.prepares.iter().map(Entry::forged).collect();
        Self { pre_prepare: self.pre_prepare.forged(), prepares }
    }

    /// A certificate for the null request, which everyone has: what the signer may sign, it signs.
    fn invented(&self, signer: &Signer, _: &mut SimRng) -> Self {
        let digest = Batch::null_digest();
        let pre_prepare = PrePrepare { digest, ..*self.pre_prepare.body() };
        let pre_prepare = signer.sign_as(pre_prepare, self.pre_prepare.signer());
        let prepare = |vote: &Signed<Prepare>| {
            signer.sign_as(Prepare { digest, ..*vote.body() }, vote.signer())
        };
        Self { pre_prepare, prepares: self.prepares.iter().map(prepare).collect() }
    }
}
