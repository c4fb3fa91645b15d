//! Rules of requests: whose they are, what happens once, and which of them a backup times (§4.4).

use std::collections::BTreeMap;
use std::rc::Rc;

use byzsim_core::{Answer, NodeId, Signed, Signer};

use super::super::flaws::PbftFlaw;
use super::super::message::{Asked, Msg, Request, View};
use super::super::replica::Out;
use super::Rules;
use crate::service::Service;
use crate::shared::quorum::certain_view;
use crate::shared::waiting::{Arrival, RequestId, Waiter, Waiting};

/// What flaws remember of requests. No correct implementation needs it.
#[derive(Clone, Debug, Default)]
pub(super) struct Memory {
    /// Of each client: the last timestamp that was heard.
    heard: BTreeMap<NodeId, u64>,
    /// The last view for which a request was timed, and the last request that waited when it began.
    cleared: (View, Option<Arrival>),
}

impl Rules {
    /// §4.1: a request is its client's only by the client's signature, which every replica
    /// verifies: others may invent requests, and so may the primary.
    pub(in crate::pbft) fn is_of_client(&self, it: &Signed<Request>, me: &Signer) -> bool {
        let believed = self.flaws.has(PbftFlaw::RequestUnverified);
        it.signer().is_client() && (believed || me.verify(it))
    }

    /// §4.1: whom a client asks that got no answer in time: all replicas. The backups pass its
    /// request on to the primary, and time it; if the client asked the primary alone, a faulty one
    /// would choose whom the service serves, and nobody would suspect it.
    pub(in crate::pbft) fn ask_again(
        &self,
        request: &Rc<Signed<Request>>,
        view: View,
        out: &mut Out,
    ) {
        let again = Msg::Request(Rc::clone(request), Asked::InOrder);
        match self.flaws.has(PbftFlaw::AsksPrimaryAlone) {
            false => out.broadcast(again),
            true => out.send(self.primary(view), again),
        }
    }

    /// §4.1: the reply cache answers the request that it has the reply of, the client's last one.
    pub(in crate::pbft) fn is_in_cache(&self, asked: u64, last: u64) -> bool {
        asked == last || 0 < last && self.flaws.has(PbftFlaw::CacheAnswersAll)
    }

    /// §4.1: a request is taken up until it was executed, or a later one of its client, whose last
    /// one that was is `last`. Until then a retransmission may be all that is left of it.
    pub(in crate::pbft) fn takes_up(
        &mut self,
        request: &Signed<Request>,
        last: u64,
        is_active: bool,
    ) -> bool {
        let timestamp = request.timestamp;
        if timestamp <= last || !self.flaws.has(PbftFlaw::HeardIsExecuted) {
            return last < timestamp;
        }
        let heard = self.memory.heard.entry(request.signer()).or_default();
        let is_first = *heard < timestamp;
        *heard = timestamp.max(*heard);
        is_first && is_active
    }

    /// §4.2: at most once: a faulty primary may order a request again, and so may a new primary
    /// that does not know that it was ordered.
    pub(in crate::pbft) fn execute(
        &self,
        service: &mut Service,
        request: &Signed<Request>,
    ) -> Option<Answer> {
        let (client, timestamp) = (request.signer(), request.timestamp);
        match self.flaws.has(PbftFlaw::ExecutesAgain) {
            false => service.execute(client, timestamp, &request.operation),
            true => Some(service.execute_again(client, timestamp, &request.operation)),
        }
    }

    /// §4.1: the view that the client takes the replicas to be in, by what those say who gave equal
    /// answers: one that a correct replica is in for certain.
    pub(in crate::pbft) fn view_of(&self, views: Vec<View>) -> View {
        // Too few, if the client trusts f replicas: then the lowest.
        let lowest = views.iter().min().copied().unwrap_or(0);
        certain_view(views, self.faults()).unwrap_or(lowest)
    }

    /// §4.4: a request waits until it is executed. If the execution of one stopped the timer for
    /// all, a primary could serve one client and starve another.
    pub(in crate::pbft) fn waits(&self, timestamp: u64, last_executed: u64) -> bool {
        last_executed < timestamp && !self.flaws.has(PbftFlaw::RestUnawaited)
    }

    /// §4.4: the timer stops when its request was executed: it says nothing against the primary.
    pub(in crate::pbft) fn stops_timer(&self, is_timed_one_done: bool) -> bool {
        is_timed_one_done && !self.flaws.has(PbftFlaw::TimerUnstopped)
    }

    /// §4.4: the request that a backup times: of all that wait the one that waits longest, in
    /// whatever view it arrived. The new primary may be faulty, too. None if nothing waits: views
    /// that fail for want of requests would make the timeout as long as the pause was.
    pub(in crate::pbft) fn times<R>(
        &mut self,
        view: View,
        waiting: &Waiting<R>,
    ) -> Option<RequestId> {
        let timed = match self.flaws.has(PbftFlaw::ClearedByNewView) {
            false => waiting.oldest(),
            true => self.memory.oldest_since_new_view(view, waiting),
        };
        // Nobody's request, which no execution serves.
        let invented = (self.primary(view), 0);
        timed.or(self.flaws.has(PbftFlaw::IdleTimer).then_some(invented))
    }
}

impl Memory {
    /// Of the requests that arrived since this view began the one that waits longest.
    fn oldest_since_new_view<R>(&mut self, view: View, waiting: &Waiting<R>) -> Option<RequestId> {
        let arrival = |(_, waiter): (NodeId, &Waiter<R>)| waiter.arrival;
        if self.cleared.0 != view {
            self.cleared = (view, waiting.iter().map(arrival).max());
        }
        let arrived = waiting.iter().filter(|it| self.cleared.1 < Some(arrival(*it)));
        arrived.min_by_key(|it| arrival(*it)).map(|(client, it)| (client, it.timestamp))
    }
}
