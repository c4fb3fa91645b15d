//! A PBFT client (Castro–Liskov §4.1).

use std::rc::Rc;

use byzsim_core::{
    Answer, ClientNode, Encoder, Node, NodeId, Observation, Operation, Signed, Signer,
};

use super::Params;
use super::message::{Asked, Basis, Msg, Reply, Request, View};
use super::replica::{Out, Timer};
use super::rules::Rules;
use byzsim_core::Sorted;

/// A client: it sends its request to the primary that it believes in, and accepts the answer that
/// f + 1 replicas give, as one of them is correct. With reads past the order (§5.1) it sends a
/// read to all replicas, and needs 2f + 1 replies to everything.
#[derive(Debug)]
pub struct Client {
    id: NodeId,
    signer: Rc<Signer>,
    params: Params,
    rules: Rules,
    /// The view that it believes the replicas to be in.
    pub(super) view: View,
    /// t of its last request.
    pub(super) timestamp: u64,
    pub(super) pending: Option<Pending>,
}

/// The one request that waits for an answer.
#[derive(Debug)]
pub(super) struct Pending {
    request: Rc<Signed<Request>>,
    pub(super) asked: Asked,
    /// The last valid reply of each replica.
    pub(super) replies: Sorted<NodeId, (View, Answer, Basis)>,
}

impl Pending {
    /// What was answered so far was answered past the order.
    fn ask_in_order(&mut self) {
        if self.asked == Asked::AtOnce {
            self.asked = Asked::InOrder;
            self.replies.clear();
        }
    }
}

impl Client {
    pub(super) fn new(signer: Rc<Signer>, rules: Rules, params: Params) -> Self {
        let id = signer.node();
        Self { id, signer, params, rules, view: 0, timestamp: 0, pending: None }
    }

    /// §4.1: accept on f + 1 valid replies of distinct replicas with equal t and r. A read that
    /// was asked for again in order waits for the reply in order.
    fn on_reply(&mut self, from: NodeId, reply: &Signed<Reply>, basis: Basis, out: &mut Out) {
        let Some(pending) = &mut self.pending else { return };
        let asked = match basis {
            Basis::Order => Asked::InOrder,
            Basis::State(_) => Asked::AtOnce,
        };
        let is_for_it =
            reply.client == self.id && reply.timestamp == self.timestamp && pending.asked == asked;
        if !is_for_it || reply.signer() != from || from.is_client() || !self.signer.verify(reply) {
            return;
        }
        pending.replies.insert(from, (reply.view, reply.answer.clone(), basis));
        let equal = pending.replies.values().filter(|(_, answer, other)| {
            *answer == reply.answer && self.rules.is_same_basis(basis, *other)
        });
        if equal.clone().count() < self.rules.replies(asked) {
            return;
        }
        if asked == Asked::AtOnce {
            out.observe(Observation::Reached("read-at-once"));
        }
        let views: Vec<View> = equal.map(|(view, ..)| *view).collect();
        self.view = self.view.max(self.rules.view_of(views));
        self.pending = None;
        let timestamp = self.timestamp;
        out.cancel_timer(Timer::Retransmit(timestamp));
        out.observe(Observation::Completed { timestamp, answer: reply.answer.clone() });
    }
}

impl Node<Msg, Timer> for Client {
    fn on_start(&mut self, _: &mut Out) {}

    fn on_message(&mut self, from: NodeId, msg: &Msg, out: &mut Out) {
        match msg {
            Msg::Reply(reply, basis) => self.on_reply(from, reply, *basis, out),
            // The business of replicas.
            Msg::Request(..)
            | Msg::PrePrepare(..)
            | Msg::Prepare(_)
            | Msg::Commit(_)
            | Msg::Checkpoint(_)
            | Msg::ViewChange(_)
            | Msg::NewView(_)
            | Msg::Status(_)
            | Msg::FetchBatch(..)
            | Msg::Batch(..)
            | Msg::Decided(..)
            | Msg::FetchState(_)
            | Msg::State(..) => {}
        }
    }

    /// §4.1: no answer in time: the request goes to all replicas, again and again. A read that
    /// found no 2f + 1 equal answers becomes a request like any other (§5.1).
    fn on_timer(&mut self, timer: Timer, out: &mut Out) {
        let Some(pending) = &mut self.pending else { return };
        if timer != Timer::Retransmit(self.timestamp) {
            return;
        }
        if pending.asked == Asked::AtOnce {
            out.observe(Observation::Reached("read-in-order"));
            pending.ask_in_order();
            let request = Msg::Request(Rc::clone(&pending.request), Asked::InOrder);
            out.send(self.rules.primary(self.view), request);
        } else {
            out.observe(Observation::Reached("client-retransmission"));
            self.rules.ask_again(&pending.request, self.view, out);
        }
        out.set_timer(timer, self.params.client_timeout);
    }

    fn on_restart(&mut self, out: &mut Out) {
        if let Some(pending) = &mut self.pending {
            pending.ask_in_order();
            self.rules.ask_again(&pending.request, self.view, out);
            out.set_timer(Timer::Retransmit(self.timestamp), self.params.client_timeout);
        }
    }

    fn outline(&self, view: u64, out: &mut Encoder) {
        self.write_outline(view, out);
    }
}

impl ClientNode<Msg, Timer> for Client {
    fn on_operation(&mut self, operation: &Operation, out: &mut Out) {
        assert!(self.pending.is_none(), "a client has one request at a time");
        self.timestamp += 1;
        let (timestamp, operation) = (self.timestamp, operation.clone());
        out.observe(Observation::Invoked { timestamp, operation: operation.clone() });
        let request = Rc::new(self.signer.sign(Request { timestamp, operation }));
        let asked = self.rules.asks(&request.operation);
        let message = Msg::Request(Rc::clone(&request), asked);
        match asked {
            Asked::InOrder => out.send(self.rules.primary(self.view), message),
            Asked::AtOnce => out.broadcast(message),
        }
        out.set_timer(Timer::Retransmit(timestamp), self.params.client_timeout);
        self.pending = Some(Pending { request, asked, replies: Sorted::default() });
    }
}
