//! Zyzzyva's messages, invented.

use std::rc::Rc;

use byzsim_core::{Answer, Encode, NodeId, Operation, Signed};
use byzsim_protocols::zyzzyva::message::{
    Certificate, Certified, Checkpoint, GENESIS, Hate, Link, LocalCommit, NewView, OrderReq,
    Ordered, Past, Request, SpecResponse, Status, ViewChange, ViewConfirm, chain,
};
use byzsim_protocols::zyzzyva::{Msg, State};

use super::{Inventor, Pen, keep};

/// What it heard.
#[derive(Default)]
pub(super) struct Pieces {
    requests: Vec<Rc<Signed<Request>>>,
    orders: Vec<Signed<OrderReq>>,
    responses: Vec<Signed<SpecResponse>>,
    checkpoints: Vec<Signed<Checkpoint>>,
    hates: Vec<Signed<Hate>>,
    confirms: Vec<Signed<ViewConfirm>>,
    view_changes: Vec<Rc<Signed<ViewChange>>>,
    new_views: Vec<Rc<Signed<NewView>>>,
    states: Vec<Rc<State>>,
}

impl Pieces {
    fn request(&self, pen: &mut Pen<'_>) -> Rc<Signed<Request>> {
        pen.one(&self.requests, |pen| {
            let (timestamp, operation) = (pen.number(), Operation::Get { key: "k0".into() });
            Rc::new(pen.sign(Request { timestamp, operation }))
        })
    }

    /// As a primary would give it: the request of some client, again perhaps, after the last of its
    /// own orders.
    fn next_order(&self, request: &Signed<Request>, pen: &mut Pen<'_>) -> Signed<OrderReq> {
        let digest = request.digest();
        let own = self.orders.iter().filter(|it| it.signer() == pen.signer.node());
        let order = match own.max_by_key(|it| (it.view < 9, it.view, it.seq < 99, it.seq)) {
            Some(last) if last.seq < 99 => {
                let history = chain(last.history, digest);
                OrderReq { view: last.view, seq: last.seq + 1, history, digest }
            }
            _ => OrderReq { view: 0, seq: 1, history: chain(GENESIS, digest), digest },
        };
        pen.signer.sign(order)
    }

    fn order(&self, pen: &mut Pen<'_>) -> Signed<OrderReq> {
        pen.one(&self.orders, |pen| {
            let (view, seq) = (pen.number(), pen.number());
            let (history, digest) = (pen.digest(), self.request(pen).digest());
            pen.sign(OrderReq { view, seq, history, digest })
        })
    }

    /// As it was heard; in many names; or of the node's own making.
    fn votes(&self, pen: &mut Pen<'_>) -> Rc<Vec<Signed<SpecResponse>>> {
        Rc::new(match pen.coin() {
            true => pen.some(&self.responses),
            false => {
                let it = self.response(pen);
                (0..pen.small()).map(|_| pen.sign(*it.body())).collect()
            }
        })
    }

    fn response(&self, pen: &mut Pen<'_>) -> Signed<SpecResponse> {
        pen.one(&self.responses, |pen| {
            let (view, seq, timestamp) = (pen.number(), pen.number(), pen.number());
            let history = self.order(pen).history;
            let (answer, client) = (Answer::Done.sha256(), pen.name());
            pen.sign(SpecResponse { view, seq, history, answer, client, timestamp })
        })
    }

    fn checkpoint(&self, pen: &mut Pen<'_>) -> Signed<Checkpoint> {
        pen.one(&self.checkpoints, |pen| {
            let (view, seq) = (pen.number(), pen.number());
            let (history, state) = (pen.digest(), pen.digest());
            pen.sign(Checkpoint { view, seq, history, state })
        })
    }

    fn confirm(&self, pen: &mut Pen<'_>) -> Signed<ViewConfirm> {
        pen.one(&self.confirms, |pen| {
            let (view, seq, history) = (pen.number(), pen.number(), pen.digest());
            pen.sign(ViewConfirm { view, seq, history })
        })
    }

    fn ordered(&self, pen: &mut Pen<'_>) -> Ordered {
        let order = self.order(pen);
        let request = self.requests.iter().find(|it| it.digest() == order.digest).cloned();
        Ordered { order, request }
    }

    fn certified(&self, pen: &mut Pen<'_>) -> Certified {
        let certificate = match pen.coin() {
            true => Certificate::Commit(self.votes(pen)),
            false => Certificate::Confirm(Rc::new(pen.some(&self.confirms))),
        };
        let path: Vec<Link> = (0..pen.small()).map(|_| self.ordered(pen).link()).collect();
        Certified { certificate, path }
    }

    fn view_change(&self, pen: &mut Pen<'_>) -> Rc<Signed<ViewChange>> {
        pen.one(&self.view_changes, |pen| {
            let (view, origin) = (pen.number(), pen.number());
            let proof = pen.some(&self.checkpoints);
            let stable = match proof.first().filter(|_| pen.coin()) {
                Some(checkpoint) => checkpoint.seq,
                None => pen.number(),
            };
            let certificate = pen.coin().then(|| self.certified(pen));
            let history = (0..pen.small()).map(|_| self.ordered(pen)).collect();
            let hates = pen.some(&self.hates);
            let it = ViewChange { view, stable, proof, certificate, origin, history, hates };
            Rc::new(pen.sign(it))
        })
    }

    /// A report that was heard, of the node's own or another's, with some of it exchanged.
    fn altered(&self, pen: &mut Pen<'_>) -> Rc<Signed<ViewChange>> {
        let it = self.view_change(pen);
        let mut body = it.body().clone();
        match pen.rng.between(0, 4) {
            0 => body.certificate = Some(self.certified(pen)),
            1 => body.history = self.view_change(pen).history.clone(),
            2 => body.hates.clone_from(&self.view_change(pen).hates),
            3 => body.certificate.clone_from(&self.view_change(pen).certificate),
            _ => body.origin = pen.number(),
        }
        Rc::new(pen.sign(body))
    }

    fn new_view(&self, pen: &mut Pen<'_>) -> Rc<Signed<NewView>> {
        pen.one(&self.new_views, |pen| {
            let view_changes: Vec<_> = (0..pen.small()).map(|_| self.altered(pen)).collect();
            let view = match view_changes.first().filter(|_| pen.coin()) {
                Some(first) => first.view,
                None => pen.number(),
            };
            let orders = (0..pen.small()).map(|_| self.order(pen)).collect();
            Rc::new(pen.sign(NewView { view, view_changes, orders }))
        })
    }

    fn of_agreement(&self, kind: u64, pen: &mut Pen<'_>) -> Msg {
        let (view, seq) = (pen.number(), pen.number());
        match kind {
            0 => Msg::Request(self.request(pen)),
            1 => {
                let request = self.request(pen);
                let order = match pen.coin() {
                    true => self.next_order(&request, pen),
                    false => self.order(pen),
                };
                Msg::OrderReq(order, request)
            }
            2 => {
                let answer = pen.coin().then_some(Answer::Done);
                let order = pen.coin().then(|| self.order(pen));
                Msg::SpecResponse(self.response(pen), answer, order)
            }
            3 => Msg::Commit(self.votes(pen)),
            4 => {
                let (digest, history) = (self.request(pen).digest(), pen.digest());
                let (client, timestamp) = (NodeId::Client(0), pen.number());
                let it = LocalCommit { view, seq, digest, history, client, timestamp };
                Msg::LocalCommit(pen.sign(it))
            }
            5 => Msg::FillHole(view, seq, pen.number()),
            _ => Msg::ConfirmReq(view, self.request(pen)),
        }
    }
}

impl Inventor<Msg> for Pieces {
    fn learn(&mut self, msg: &Msg) {
        match msg {
            Msg::Request(it) => keep(&mut self.requests, Rc::clone(it)),
            Msg::OrderReq(it, request) => {
                keep(&mut self.orders, it.clone());
                keep(&mut self.requests, Rc::clone(request));
            }
            Msg::SpecResponse(it, ..) => keep(&mut self.responses, it.clone()),
            Msg::Commit(it) => it.iter().for_each(|it| keep(&mut self.responses, it.clone())),
            Msg::Checkpoint(it) => keep(&mut self.checkpoints, it.clone()),
            Msg::Hate(it) => keep(&mut self.hates, it.clone()),
            Msg::ViewChange(it, _) => {
                keep(&mut self.view_changes, Rc::clone(it));
                it.hates.iter().for_each(|it| keep(&mut self.hates, it.clone()));
            }
            Msg::NewView(it) => {
                keep(&mut self.new_views, Rc::clone(it));
                it.view_changes.iter().for_each(|it| keep(&mut self.view_changes, Rc::clone(it)));
                it.orders.iter().for_each(|it| keep(&mut self.orders, it.clone()));
            }
            Msg::ViewConfirm(it) => keep(&mut self.confirms, it.clone()),
            Msg::Opened(it, confirms) => {
                it.orders.iter().for_each(|it| keep(&mut self.orders, it.clone()));
                confirms.iter().for_each(|it| keep(&mut self.confirms, it.clone()));
            }
            Msg::State(_, state, _) => keep(&mut self.states, Rc::clone(state)),
            Msg::LocalCommit(_)
            | Msg::FillHole(..)
            | Msg::ConfirmReq(..)
            | Msg::ProofOfMisbehaviour(..)
            | Msg::Status(_)
            | Msg::StableProof(_)
            | Msg::FetchState(_) => {}
        }
    }

    fn invent(&self, kind: u64, pen: &mut Pen<'_>) -> Option<Msg> {
        let (view, seq) = (pen.number(), pen.number());
        Some(match kind {
            0..=6 => self.of_agreement(kind, pen),
            7 => Msg::Checkpoint(self.checkpoint(pen)),
            8 => Msg::ProofOfMisbehaviour(self.order(pen), self.order(pen)),
            9 => Msg::Hate(pen.sign(Hate { view })),
            10 => {
                let it = match pen.coin() {
                    true => self.view_change(pen),
                    false => self.altered(pen),
                };
                Msg::ViewChange(it, Past::default())
            }
            11 => Msg::NewView(self.new_view(pen)),
            12 => Msg::ViewConfirm(self.confirm(pen)),
            13 => {
                let (changing, adopted) = (pen.coin().then_some(view), pen.coin());
                let (stable, history) = (pen.number(), pen.digest());
                Msg::Status(Status { view, changing, adopted, stable, executed: seq, history })
            }
            14 => Msg::StableProof(pen.some(&self.checkpoints)),
            15 => Msg::FetchState(pen.some(&self.checkpoints)),
            16 => {
                let state = pen.one(&self.states, |_| Rc::new(State::default()));
                Msg::State(seq, state, pen.some(&self.checkpoints))
            }
            _ => {
                let confirms = match pen.coin() {
                    true => pen.some(&self.confirms),
                    false => {
                        let it = *self.confirm(pen).body();
                        (0..pen.small()).map(|_| pen.sign(it)).collect()
                    }
                };
                Msg::Opened(self.new_view(pen), Rc::new(confirms))
            }
        })
    }
}
