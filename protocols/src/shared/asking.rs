//! The client of most protocols, and what it and the replicas say to each other: it sends its
//! signed request to all replicas, again and again, until enough of them give the same answer.

use std::fmt::Debug;
use std::marker::PhantomData;
use std::rc::Rc;

use byzsim_core::{
    Answer, ClientNode, Encoder, Message, Node, NodeId, Observation, Operation, Outbox, Signed,
    Signer, Span,
};

use super::timer::Timer;
use byzsim_core::Sorted;

byzsim_core::statements! {
    /// `Request`: I, the signer, ask for this; it is my `timestamp`-th request.
    #[derive(Clone, Debug)]
    pub struct Request = "asking/request" {
        /// Strictly increasing per client.
        timestamp: u64,
        /// What it asks.
        operation: Operation,
    } invents operation

    /// `Reply`: I executed the client's request of this timestamp in its place, and this came out.
    #[derive(Clone, Debug)]
    pub struct Reply = "asking/reply" {
        /// Of the request.
        timestamp: u64,
        /// Who asked.
        client: NodeId,
        /// What came out.
        answer: Answer,
    }
}

/// The messages of a protocol whose clients ask in this way.
pub trait Asking: Message {
    /// The message that carries a request.
    fn request(request: Rc<Signed<Request>>) -> Self;

    /// The reply, if that is what the message carries.
    fn reply(&self) -> Option<&Signed<Reply>>;
}

/// How a client asks.
#[derive(Clone, Copy, Debug)]
pub struct Terms {
    /// How many replicas must give the same answer: f + 1, so that one of them is correct.
    pub replies: usize,
    /// How long it waits for them before it asks again.
    pub patience: Span,
}

/// A client. What it knows is on stable storage: if it restarts it asks again for what is open.
#[derive(Debug)]
pub struct Client<M> {
    signer: Rc<Signer>,
    terms: Terms,
    timestamp: u64,
    pending: Option<Pending>,
    messages: PhantomData<M>,
}

/// The one request that waits for an answer.
#[derive(Debug)]
struct Pending {
    request: Rc<Signed<Request>>,
    /// The last answer of each replica.
    answers: Sorted<NodeId, Answer>,
}

impl<M: Asking> Client<M> {
    /// A client that asks for nothing yet.
    pub const fn new(signer: Rc<Signer>, terms: Terms) -> Self {
        Self { signer, terms, timestamp: 0, pending: None, messages: PhantomData }
    }

    /// Sends the open request, if there is one, to all replicas.
    fn ask(&self, out: &mut Outbox<M, Timer>) {
        if let Some(pending) = &self.pending {
            out.broadcast(M::request(Rc::clone(&pending.request)));
            out.set_timer(Timer("ask again", self.timestamp), self.terms.patience);
        }
    }
}

impl<M: Asking> Node<M, Timer> for Client<M> {
    /// Accepts an answer that enough replicas give to the request that is open.
    fn on_message(&mut self, from: NodeId, msg: &M, out: &mut Outbox<M, Timer>) {
        let (Some(reply), Some(pending)) = (msg.reply(), &mut self.pending) else { return };
        let is_for_it = (reply.client, reply.timestamp) == (self.signer.node(), self.timestamp);
        if !is_for_it || reply.signer() != from || from.is_client() || !self.signer.verify(reply) {
            return;
        }
        pending.answers.insert(from, reply.answer.clone());
        let equal = pending.answers.values().filter(|answer| **answer == reply.answer).count();
        if self.terms.replies <= equal {
            self.pending = None;
            out.cancel_timer(Timer("ask again", self.timestamp));
            let (timestamp, answer) = (self.timestamp, reply.answer.clone());
            out.observe(Observation::Completed { timestamp, answer });
        }
    }

    fn on_timer(&mut self, _: Timer, out: &mut Outbox<M, Timer>) {
        if self.pending.is_some() {
            out.observe(Observation::Reached("client-retransmission"));
        }
        self.ask(out);
    }

    fn on_restart(&mut self, out: &mut Outbox<M, Timer>) {
        self.ask(out);
    }

    fn outline(&self, _: u64, out: &mut Encoder) {
        out.u64(self.timestamp);
        for (node, answer) in self.pending.iter().flat_map(|it| it.answers.iter()) {
            out.node(node).value(answer);
        }
    }
}

impl<M: Asking> ClientNode<M, Timer> for Client<M> {
    fn on_operation(&mut self, operation: &Operation, out: &mut Outbox<M, Timer>) {
        assert!(self.pending.is_none(), "a client has one request at a time");
        self.timestamp += 1;
        let (timestamp, operation) = (self.timestamp, operation.clone());
        out.observe(Observation::Invoked { timestamp, operation: operation.clone() });
        let request = Rc::new(self.signer.sign(Request { timestamp, operation }));
        self.pending = Some(Pending { request, answers: Sorted::default() });
        self.ask(out);
    }
}
