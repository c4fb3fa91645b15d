//! A Raft client (Ongaro and Ousterhout §8).

use std::collections::BTreeMap;
use std::rc::Rc;

use byzsim_core::{Answer, ClientNode, Encoder, Node, NodeId, Observation, Operation};

use super::Params;
use super::message::{Msg, Redirect, Reply, Request};
use super::replica::{Out, Timer};
use super::rules::Rules;

/// A client: it asks the server that it believes to lead, and takes that one's word for the answer.
#[derive(Debug)]
pub struct Client {
    id: NodeId,
    params: Params,
    rules: Rules,
    /// The server that it asks.
    pub(super) server: NodeId,
    /// s of its last request.
    pub(super) number: u64,
    pub(super) pending: Option<Pending>,
}

/// The one request that waits for an answer.
#[derive(Debug)]
pub(super) struct Pending {
    request: Rc<Request>,
    /// How often it was redirected since its timer ran last: two servers that each name the other
    /// must not send it to and fro.
    pub(super) redirects: usize,
    /// Where one server's word is not enough: what each of them answered.
    answers: BTreeMap<NodeId, Answer>,
}

impl Client {
    pub(super) fn new(id: NodeId, rules: Rules, params: Params) -> Self {
        // Without a leader to begin with each client begins with another server.
        let server = params.leader.unwrap_or_else(|| rules.server(id.number()));
        Self { id, params, rules, server, number: 0, pending: None }
    }

    fn ask(&self, request: &Rc<Request>, out: &mut Out) {
        out.send(self.server, Msg::Request(Rc::clone(request)));
    }

    /// The answer of one server is enough: none lies. Where servers show what is committed, f + 1
    /// of them must give the same one; it says nothing then of who leads.
    fn on_reply(&mut self, from: NodeId, reply: &Reply, out: &mut Out) {
        let is_for_it = reply.number == self.number && !from.is_client();
        let (true, Some(pending)) = (is_for_it, &mut self.pending) else { return };
        pending.answers.insert(from, reply.answer.clone());
        let equal = pending.answers.values().filter(|answer| **answer == reply.answer).count();
        if equal < self.rules.answers() {
            return;
        }
        self.pending = None;
        if self.rules.answers() == 1 {
            self.server = from;
        }
        let timestamp = self.number;
        out.cancel_timer(Timer::Retransmit(timestamp));
        out.observe(Observation::Completed { timestamp, answer: reply.answer.clone() });
    }

    fn on_redirect(&mut self, from: NodeId, redirect: Redirect, out: &mut Out) {
        let leader = redirect.leader.filter(|node| self.rules.is_replica(*node));
        let Some(pending) = &mut self.pending else { return };
        let is_for_it = redirect.number == self.number && !from.is_client();
        let (true, Some(leader)) = (is_for_it, leader) else { return };
        // Whoever was asked among all has it already.
        let was_asked = self.rules.shows_acks() && leader == self.server;
        if self.rules.servers() <= pending.redirects || was_asked {
            return;
        }
        pending.redirects += 1;
        self.server = leader;
        out.observe(Observation::Reached("redirected"));
        let request = Rc::clone(&pending.request);
        self.ask(&request, out);
    }
}

impl Node<Msg, Timer> for Client {
    fn on_start(&mut self, _: &mut Out) {}

    fn on_message(&mut self, from: NodeId, msg: &Msg, out: &mut Out) {
        match msg {
            Msg::Reply(reply) => self.on_reply(from, reply, out),
            Msg::Redirect(redirect) => self.on_redirect(from, *redirect, out),
            // The business of servers.
            Msg::Request(_)
            | Msg::AppendEntries(..)
            | Msg::AppendReply(_)
            | Msg::RequestVote(_)
            | Msg::Vote(_)
            | Msg::InstallSnapshot(..)
            | Msg::PreVote(_)
            | Msg::PreVoteReply(_) => {}
        }
    }

    /// No answer in time: the next server is asked, under the same number. Where several must
    /// answer, all are.
    fn on_timer(&mut self, timer: Timer, out: &mut Out) {
        let Some(pending) = &mut self.pending else { return };
        if timer != Timer::Retransmit(self.number) {
            return;
        }
        pending.redirects = 0;
        let request = Rc::clone(&pending.request);
        out.observe(Observation::Reached("client-retransmission"));
        if self.rules.shows_acks() {
            out.send_each(self.rules.replicas(), Msg::Request(request));
        } else {
            self.server = self.rules.server(self.server.number() + 1);
            self.ask(&request, out);
        }
        out.set_timer(timer, self.params.client_timeout);
    }

    fn on_restart(&mut self, out: &mut Out) {
        if let Some(pending) = &self.pending {
            self.ask(&Rc::clone(&pending.request), out);
            out.set_timer(Timer::Retransmit(self.number), self.params.client_timeout);
        }
    }

    fn outline(&self, _: u64, out: &mut Encoder) {
        self.write_outline(out);
    }
}

impl ClientNode<Msg, Timer> for Client {
    fn on_operation(&mut self, operation: &Operation, out: &mut Out) {
        assert!(self.pending.is_none(), "a client has one request at a time");
        self.number += 1;
        let (number, operation) = (self.number, operation.clone());
        out.observe(Observation::Invoked { timestamp: number, operation: operation.clone() });
        let request = Rc::new(Request { client: self.id, number, operation });
        self.ask(&request, out);
        out.set_timer(Timer::Retransmit(number), self.params.client_timeout);
        self.pending = Some(Pending { request, redirects: 0, answers: BTreeMap::new() });
    }
}
