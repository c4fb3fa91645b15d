//! A Zyzzyva client: the one who knows what completed.

use std::rc::Rc;

use byzsim_core::{
    Answer, ClientNode, Encode, Encoder, Node, NodeId, Observation, Operation, Signed, Signer, Span,
};

use super::Params;
use super::evidence::{Exhibit, evidence};
use super::message::{LocalCommit, Msg, OrderReq, Request, SpecResponse, View};
use super::replica::{Out, Timer};
use super::rules::Rules;
use super::view_change::contradict;
use crate::shared::quorum::certain_view;
use byzsim_core::Sorted;

/// How often at most the interval of retransmission doubles: replicas may have gone through many
/// views, but a client that waits for minutes is of no use.
pub(super) const DOUBLINGS_MAX: u32 = 3;

/// A client: it decides whether its request is complete, from what the replicas answer.
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

/// The one request that waits for completion.
#[derive(Debug)]
pub(super) struct Pending {
    request: Rc<Signed<Request>>,
    /// The last valid response of each replica, of its highest view.
    pub(super) responses: Sorted<NodeId, Response>,
    /// The orders that responses rested on: two of one view may prove that its primary is faulty.
    orders: Vec<Signed<OrderReq>>,
    /// The last view whose primary it proved guilty.
    proven: Option<View>,
    /// What it made a certificate of, and deposited.
    deposited: Option<(SpecResponse, Answer)>,
    /// The last LOCAL-COMMIT of each replica.
    pub(super) local_commits: Sorted<NodeId, LocalCommit>,
    /// How often it retransmitted.
    retransmissions: u32,
}

#[derive(Debug)]
pub(super) struct Response {
    pub(super) signed: Signed<SpecResponse>,
    answer: Answer,
}

impl Client {
    pub(super) fn new(signer: Rc<Signer>, rules: Rules, params: Params) -> Self {
        let id = signer.node();
        Self { id, signer, params, rules, view: 0, timestamp: 0, pending: None }
    }

    /// Keeps a valid SPEC-RESPONSE to the pending request.
    fn on_response(
        &mut self,
        from: NodeId,
        response: &Signed<SpecResponse>,
        answer: Option<&Answer>,
        order: Option<&Signed<OrderReq>>,
        out: &mut Out,
    ) {
        let (Some(pending), Some(answer)) = (&mut self.pending, answer) else { return };
        let is_for_it = response.client == self.id && response.timestamp == self.timestamp;
        if !is_for_it || response.signer() != from || from.is_client() {
            return;
        }
        if answer.sha256() != response.answer || !self.signer.verify(response) {
            return;
        }
        if let Some(order) = order
            && (order.seq, order.history) != (response.seq, response.history)
        {
            return;
        }
        let known = pending.responses.get(from);
        if known.is_some_and(|known| response.view < known.signed.view) {
            return;
        }
        let kept = Response { signed: response.clone(), answer: answer.clone() };
        pending.responses.insert(from, kept);
        let views = pending.responses.values().map(|it| it.signed.view).collect();
        if let Some(view) = certain_view(views, self.rules.faults()) {
            self.view = self.view.max(view);
        }
        self.look_for_proof(order, out);
        self.complete_fast(from, out);
    }

    /// Step 4a: 3f + 1 matching responses complete the request.
    fn complete_fast(&mut self, last: NodeId, out: &mut Out) {
        let Some(pending) = &self.pending else { return };
        let Some(Response { signed, answer }) = pending.responses.get(last) else { return };
        if self.matching(signed).count() < self.rules.responses() {
            return;
        }
        let (response, answer) = (*signed.body(), answer.clone());
        out.observe(Observation::Reached("fast-path"));
        self.complete(response.view, &response, answer, out);
    }

    /// The responses that match this one. Only those of the same view do.
    fn matching<'a>(
        &'a self,
        to: &'a SpecResponse,
    ) -> impl Iterator<Item = &'a Signed<SpecResponse>> {
        let responses = self.pending.iter().flat_map(|pending| pending.responses.values());
        responses.map(|it| &it.signed).filter(|it| self.rules.match_each_other(it, to))
    }

    fn complete(&mut self, view: View, response: &SpecResponse, answer: Answer, out: &mut Out) {
        let (timestamp, seq, history) = (self.timestamp, response.seq, response.history);
        self.pending = None;
        out.cancel_timer(Timer::Responses(timestamp));
        out.cancel_timer(Timer::LocalCommits(timestamp));
        out.observe(Observation::Anchored { timestamp, view, seq, history });
        out.observe(Observation::Completed { timestamp, answer });
    }

    /// Step 4d: two orders of one primary that contradict each other go to all replicas. This
    /// excludes nothing else: the request may still complete.
    fn look_for_proof(&mut self, order: Option<&Signed<OrderReq>>, out: &mut Out) {
        let (Some(pending), Some(order)) = (&mut self.pending, order) else { return };
        if pending.orders.iter().any(|known| known.body() == order.body()) {
            return;
        }
        let primary = self.rules.primary(order.view);
        if order.signer() != primary || !self.signer.verify(order) {
            return;
        }
        let other = pending.orders.iter().find(|known| contradict(known, order)).cloned();
        pending.orders.push(order.clone());
        let is_news = pending.proven.is_none_or(|last| last < order.view);
        let Some(other) = other.filter(|_| is_news) else { return };
        pending.proven = Some(order.view);
        let reason = "two orders that contradict each other";
        let evidence = evidence([other.clone(), order.clone()].map(Exhibit::OrderReq));
        out.observe(Observation::Proven { node: primary, reason, evidence });
        out.broadcast(Msg::ProofOfMisbehaviour(other, order.clone()));
    }

    /// Timer 1. Step 4b: 2f + 1 matching responses are a certificate, which is deposited at the
    /// replicas. Step 4c: with fewer the request goes to all replicas, at growing intervals.
    fn on_responses_timeout(&mut self, out: &mut Out) {
        let Some(pending) = &self.pending else { return };
        let best = pending.responses.values().max_by_key(|it| {
            // Of equally many, those of the later view.
            (self.matching(&it.signed).count(), it.signed.view)
        });
        let Some(best) = best else { return self.retransmit(out) };
        let matching = self.matching(&best.signed).take(self.rules.quorum());
        let certificate: Vec<Signed<SpecResponse>> = matching.cloned().collect();
        if certificate.len() < self.rules.quorum() {
            return self.retransmit(out);
        }
        let deposited = Some((*best.signed.body(), best.answer.clone()));
        out.broadcast(Msg::Commit(Rc::new(certificate)));
        out.set_timer(Timer::LocalCommits(self.timestamp), self.params.commit_timeout);
        if let Some(pending) = &mut self.pending {
            pending.deposited = deposited;
        }
        self.complete_slow(out);
    }

    fn retransmit(&mut self, out: &mut Out) {
        let interval = self.interval();
        let Some(pending) = &mut self.pending else { return };
        pending.retransmissions += 1;
        out.observe(Observation::Reached("client-retransmission"));
        out.broadcast(Msg::Request(Rc::clone(&pending.request)));
        out.set_timer(Timer::Responses(self.timestamp), interval);
    }

    fn interval(&self) -> Span {
        let retransmissions = self.pending.as_ref().map_or(0, |it| it.retransmissions);
        self.params.client_timeout.doubled(retransmissions.min(DOUBLINGS_MAX))
    }

    fn on_local_commit(&mut self, from: NodeId, it: &Signed<LocalCommit>, out: &mut Out) {
        let Some(pending) = &mut self.pending else { return };
        let is_for_it = it.client == self.id && it.timestamp == self.timestamp;
        if !is_for_it || it.signer() != from || from.is_client() || !self.signer.verify(it) {
            return;
        }
        pending.local_commits.insert(from, *it.body());
        self.complete_slow(out);
    }

    /// Step 4b: 2f + 1 matching LOCAL-COMMITs, of one view, for what was deposited.
    fn complete_slow(&mut self, out: &mut Out) {
        let Some(pending) = &self.pending else { return };
        let Some((response, answer)) = pending.deposited.clone() else { return };
        let count =
            |vote: &LocalCommit| pending.local_commits.values().filter(|it| *it == vote).count();
        let complete = pending.local_commits.values().find(|vote| {
            (vote.seq, vote.history) == (response.seq, response.history)
                && vote.digest == pending.request.digest()
                && response.view <= vote.view
                && self.rules.quorum() <= count(vote)
        });
        if let Some(view) = complete.map(|vote| vote.view) {
            out.observe(Observation::Reached("commit-certificate"));
            self.complete(view, &response, answer, out);
        }
    }
}

impl Node<Msg, Timer> for Client {
    fn on_start(&mut self, _: &mut Out) {}

    fn on_message(&mut self, from: NodeId, msg: &Msg, out: &mut Out) {
        match msg {
            Msg::SpecResponse(it, answer, order) => {
                self.on_response(from, it, answer.as_ref(), order.as_ref(), out);
            }
            Msg::LocalCommit(it) => self.on_local_commit(from, it, out),
            // The business of replicas.
            Msg::Request(_)
            | Msg::OrderReq(..)
            | Msg::Commit(_)
            | Msg::FillHole(..)
            | Msg::ConfirmReq(..)
            | Msg::Checkpoint(_)
            | Msg::ProofOfMisbehaviour(..)
            | Msg::Hate(_)
            | Msg::ViewChange(..)
            | Msg::NewView(_)
            | Msg::ViewConfirm(_)
            | Msg::Status(_)
            | Msg::StableProof(_)
            | Msg::Opened(..)
            | Msg::FetchState(_)
            | Msg::State(..) => {}
        }
    }

    fn on_timer(&mut self, timer: Timer, out: &mut Out) {
        if timer == Timer::Responses(self.timestamp) {
            self.on_responses_timeout(out);
        }
        if timer == Timer::LocalCommits(self.timestamp) {
            self.retransmit(out);
        }
    }

    fn on_restart(&mut self, out: &mut Out) {
        self.retransmit(out);
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
        out.send(self.rules.primary(self.view), Msg::Request(Rc::clone(&request)));
        out.set_timer(Timer::Responses(timestamp), self.params.client_timeout);
        self.pending = Some(Pending {
            request,
            responses: Sorted::default(),
            orders: Vec::new(),
            proven: None,
            deposited: None,
            local_commits: Sorted::default(),
            retransmissions: 0,
        });
    }
}
