//! The replica: its state, and what it does with what comes in.

use std::collections::BTreeMap;
use std::rc::Rc;

use byzsim_core::{Encoder, Node, NodeId, Observation, Outbox, Signed, Signer, Span, Standing};

use super::rules::Rules;
use super::{Msg, Order};
use crate::shared::asking::{Reply, Request};
use crate::shared::execution::Execution;
use crate::shared::quorum::vouches;
use crate::shared::timer::Timer;

type Out = Outbox<Msg, Timer>;

/// A replica.
#[derive(Clone, Debug)]
pub struct Replica {
    signer: Rc<Signer>,
    rules: Rules,
    fetch_timeout: Span,
    /// The first order that it saw for each slot, with its request.
    orders: BTreeMap<u64, (Signed<Order>, Rc<Signed<Request>>)>,
    /// Of the sequencer: the slot of the last request of each client.
    ordered: BTreeMap<NodeId, u64>,
    execution: Execution,
    /// The slot that its timer runs for.
    awaited: u64,
}

impl Replica {
    pub(super) fn new(signer: Rc<Signer>, rules: Rules, fetch_timeout: Span) -> Self {
        Self {
            signer,
            rules,
            fetch_timeout,
            orders: BTreeMap::new(),
            ordered: BTreeMap::new(),
            execution: Execution::default(),
            awaited: 0,
        }
    }

    /// A client asks. It is answered again, if it was before. The sequencer gives a new request the
    /// next slot; if it did so before, it says it again, as others may have missed it.
    fn on_request(&mut self, from: NodeId, request: &Rc<Signed<Request>>, out: &mut Out) {
        let (client, timestamp) = (request.signer(), request.timestamp);
        if !client.is_client() || !vouches(&self.signer, from, request) {
            return;
        }
        if let Some(reply) = self.execution.last_reply(client, timestamp) {
            self.reply(reply, out);
        }
        if self.signer.node() != self.rules.sequencer() {
            return;
        }
        let last = self.ordered.get(&client).map(|seq| &self.orders[seq]);
        if let Some((order, known)) = last.filter(|(_, known)| timestamp <= known.timestamp) {
            return out.broadcast(Msg::Order(order.clone(), Rc::clone(known)));
        }
        let (seq, digest) = (self.orders.len() as u64 + 1, request.digest());
        self.ordered.insert(client, seq);
        out.broadcast(Msg::Order(self.signer.sign(Order { seq, digest }), Rc::clone(request)));
    }

    /// The sequencer orders: what it gives a slot first counts.
    fn on_order(&mut self, order: &Signed<Order>, request: &Rc<Signed<Request>>, out: &mut Out) {
        let Order { seq, digest } = *order.body();
        let is_sound = order.signer() == self.rules.sequencer()
            && request.signer().is_client()
            && digest == request.digest()
            && self.signer.verify(order)
            && self.signer.verify(request);
        if !is_sound || seq == 0 || self.orders.contains_key(&seq) {
            return;
        }
        out.observe(Observation::Accepted { view: 0, seq, batch: digest });
        self.orders.insert(seq, (order.clone(), Rc::clone(request)));
        self.decide(seq, out);
        self.watch(out);
    }

    /// A slot is decided: what can be executed is, and its clients are answered.
    fn decide(&mut self, seq: u64, out: &mut Out) {
        let (_, request) = &self.orders[&seq];
        for reply in self.execution.decide(0, seq, Rc::clone(request), out) {
            self.reply(reply, out);
        }
    }

    fn reply(&self, reply: Reply, out: &mut Out) {
        out.send(reply.client, Msg::Reply(self.signer.sign(reply)));
    }

    /// Whether there is a slot that it cannot execute yet.
    fn lacks(&self) -> bool {
        self.orders.range(self.execution.next()..).next().is_some()
    }

    /// Starts a timer for the slot that it lacks, once.
    fn watch(&mut self, out: &mut Out) {
        let next = self.execution.next();
        if self.lacks() && self.awaited != next {
            self.awaited = next;
            out.set_timer(Timer("fetch", next), self.fetch_timeout);
        }
    }

    /// Another replica lacks the slots from `from` on.
    fn on_fetch(&self, asking: NodeId, from: u64, out: &mut Out) {
        if asking.is_client() || asking == self.signer.node() {
            return;
        }
        for (order, request) in self.orders.range(from..).map(|(_, it)| it) {
            out.send(asking, Msg::Order(order.clone(), Rc::clone(request)));
        }
    }
}

impl Node<Msg, Timer> for Replica {
    fn on_message(&mut self, from: NodeId, msg: &Msg, out: &mut Out) {
        match msg {
            Msg::Request(it) => self.on_request(from, it, out),
            Msg::Order(it, request) => self.on_order(it, request, out),
            Msg::Fetch(seq) => self.on_fetch(from, *seq, out),
            // The business of clients.
            Msg::Reply(_) => {}
        }
    }

    fn on_timer(&mut self, timer: Timer, out: &mut Out) {
        if self.lacks() && timer.1 == self.execution.next() {
            out.broadcast(Msg::Fetch(timer.1));
            out.set_timer(timer, self.fetch_timeout);
        }
    }

    fn on_restart(&mut self, out: &mut Out) {
        self.awaited = 0;
        self.watch(out);
    }

    fn standing(&self, _: u64) -> Option<Standing> {
        Some(self.execution.standing())
    }

    fn outline(&self, _: u64, out: &mut Encoder) {
        self.execution.write_outline(out);
        out.len(self.orders.len());
    }
}
