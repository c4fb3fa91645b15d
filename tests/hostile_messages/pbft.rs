//! PBFT's messages, invented.

use std::rc::Rc;

use byzsim_core::{Answer, NodeId, Operation, Signed};
use byzsim_protocols::pbft::Msg;
use byzsim_protocols::pbft::message::{
    Asked, Basis, Batch, Checkpoint, Commit, Decision, NewView, PrePrepare, Prepare,
    PreparedCertificate, Reply, Request, Status, ViewChange,
};
use byzsim_protocols::service::Service;

use super::{Inventor, Pen, keep};

/// What it heard.
#[derive(Default)]
pub(super) struct Pieces {
    requests: Vec<Rc<Signed<Request>>>,
    batches: Vec<Rc<Batch>>,
    pre_prepares: Vec<Signed<PrePrepare>>,
    pub(super) prepares: Vec<Signed<Prepare>>,
    pub(super) commits: Vec<Signed<Commit>>,
    checkpoints: Vec<Signed<Checkpoint>>,
    view_changes: Vec<Rc<Signed<ViewChange>>>,
    states: Vec<Rc<Service>>,
}

impl Pieces {
    fn request(&self, pen: &mut Pen<'_>) -> Rc<Signed<Request>> {
        pen.one(&self.requests, |pen| {
            let (timestamp, operation) = (pen.number(), Operation::Get { key: "k0".into() });
            Rc::new(pen.sign(Request { timestamp, operation }))
        })
    }

    fn batch(&self, pen: &mut Pen<'_>) -> Rc<Batch> {
        pen.one(&self.batches, |pen| {
            Batch::new((0..pen.small()).map(|_| self.request(pen)).collect())
        })
    }

    fn pre_prepare(&self, pen: &mut Pen<'_>) -> Signed<PrePrepare> {
        pen.one(&self.pre_prepares, |pen| {
            let digest = self.batch(pen).digest();
            let (view, seq) = (pen.number(), pen.number());
            pen.sign(PrePrepare { view, seq, digest })
        })
    }

    fn checkpoint(&self, pen: &mut Pen<'_>) -> Signed<Checkpoint> {
        pen.one(&self.checkpoints, |pen| {
            let (seq, state) = (pen.number(), pen.digest());
            pen.sign(Checkpoint { seq, state })
        })
    }

    /// A certificate of votes that were heard, or for a proposal in many names.
    fn certificate(&self, pen: &mut Pen<'_>) -> PreparedCertificate {
        let pre_prepare = self.pre_prepare(pen);
        let PrePrepare { view, seq, digest } = *pre_prepare.body();
        let prepares: Vec<_> = match pen.coin() {
            true => pen.some(&self.prepares),
            false => (0..pen.small()).map(|_| pen.sign(Prepare { view, seq, digest })).collect(),
        };
        PreparedCertificate { pre_prepare, prepares: prepares.into() }
    }

    fn view_change(&self, pen: &mut Pen<'_>) -> Rc<Signed<ViewChange>> {
        pen.one(&self.view_changes, |pen| {
            let (view, stable) = (pen.number(), pen.number());
            let proof = pen.some(&self.checkpoints);
            let stable = proof.first().filter(|_| pen.coin()).map_or(stable, |it| it.seq);
            let prepared = (0..pen.small()).map(|_| self.certificate(pen)).collect();
            Rc::new(pen.sign(ViewChange { view, stable, proof, prepared }))
        })
    }
}

impl Inventor<Msg> for Pieces {
    fn learn(&mut self, msg: &Msg) {
        match msg {
            Msg::Request(it, _) => keep(&mut self.requests, Rc::clone(it)),
            Msg::PrePrepare(it, batch) => {
                keep(&mut self.pre_prepares, it.clone());
                keep(&mut self.batches, Rc::clone(batch));
            }
            Msg::Prepare(it) => keep(&mut self.prepares, Signed::clone(it)),
            Msg::Commit(it) => keep(&mut self.commits, Signed::clone(it)),
            Msg::Checkpoint(it) => keep(&mut self.checkpoints, it.clone()),
            Msg::ViewChange(it) => keep(&mut self.view_changes, Rc::clone(it)),
            Msg::NewView(it) => {
                it.view_changes.iter().for_each(|it| keep(&mut self.view_changes, Rc::clone(it)));
                it.proposals.iter().for_each(|it| keep(&mut self.pre_prepares, it.clone()));
            }
            Msg::State(_, state, _) => keep(&mut self.states, Rc::clone(state)),
            Msg::Reply(..)
            | Msg::Status(_)
            | Msg::FetchBatch(..)
            | Msg::Batch(..)
            | Msg::Decided(..)
            | Msg::FetchState(_) => {}
        }
    }

    fn invent(&self, kind: u64, pen: &mut Pen<'_>) -> Option<Msg> {
        let (view, seq, stable) = (pen.number(), pen.number(), pen.number());
        let digest = self.batch(pen).digest();
        Some(match kind {
            0 => {
                let asked = if pen.coin() { Asked::InOrder } else { Asked::AtOnce };
                Msg::Request(self.request(pen), asked)
            }
            1 => Msg::PrePrepare(self.pre_prepare(pen), self.batch(pen)),
            2 => Msg::Prepare(Rc::new(pen.sign(Prepare { view, seq, digest }))),
            3 => Msg::Commit(Rc::new(pen.sign(Commit { view, seq, digest }))),
            4 => {
                let (client, answer) = (NodeId::Client(0), Answer::Done);
                let basis = if pen.coin() { Basis::Order } else { Basis::State(stable) };
                Msg::Reply(pen.sign(Reply { view, timestamp: seq, client, answer }), basis)
            }
            5 => Msg::Checkpoint(self.checkpoint(pen)),
            6 => Msg::ViewChange(self.view_change(pen)),
            7 => {
                let view_changes = (0..pen.small()).map(|_| self.view_change(pen)).collect();
                let proposals = (0..pen.small()).map(|_| self.pre_prepare(pen)).collect();
                Msg::NewView(Rc::new(pen.sign(NewView { view, view_changes, proposals })))
            }
            8 => {
                let changing = pen.coin().then_some(view);
                Msg::Status(Status { view, changing, stable, executed: seq })
            }
            9 => Msg::FetchBatch(seq, digest),
            10 => Msg::Batch(seq, self.batch(pen)),
            11 => {
                let (commits, batch) = (pen.some(&self.commits).into(), self.batch(pen));
                Msg::Decided(seq, Decision { commits, batch })
            }
            12 => Msg::FetchState(pen.some(&self.checkpoints)),
            _ => {
                let state = pen.one(&self.states, |_| Rc::new(Service::default()));
                Msg::State(seq, state, pen.some(&self.checkpoints))
            }
        })
    }
}
