//! Agreement at the replicas: request, order, speculative execution, response; and what a replica
//! does about orders that it lacks.

use std::rc::Rc;

use byzsim_core::{Answer, Digest, NodeId, Observation, Signed, Span};

use super::history::Slot;
use super::message::{
    LocalCommit, Msg, OrderReq, Ordered, Request, Seq, SpecResponse, View, answer_digest, chain,
};
use super::replica::{Hole, Out, Replica, Timer};
use super::state::Place;

/// How many orders one answer to a FILL-HOLE carries at most; more are asked for after these.
pub(super) const ORDERS_MAX: u64 = 16;

impl Replica {
    /// A new request: the primary orders it, a backup asks the primary to confirm that it did and
    /// starts its timer (step 4c). An old one: the response is sent again, of this view.
    pub(super) fn on_request(
        &mut self,
        from: NodeId,
        request: &Rc<Signed<Request>>,
        out: &mut Out,
    ) {
        let client = request.signer();
        if !client.is_client() || !self.signer.verify(request) {
            return;
        }
        if !self.is_active() {
            let last = self.volatile.unanswered.entry(client);
            let last = last.or_insert_with(|| Rc::clone(request));
            if last.timestamp < request.timestamp {
                *last = Rc::clone(request);
            }
            return;
        }
        let last = self.state.last_reply(client).0;
        if request.timestamp < last {
            return;
        }
        if request.timestamp == last {
            self.respond_again(client, out);
            return;
        }
        if self.is_primary() && self.may_order() {
            self.order(request, out);
            return;
        }
        let is_new = self.await_order(request, out);
        // Whoever showed it to this replica may have kept it from the primary.
        if !self.is_primary() && (is_new || from == client) {
            let confirm = Msg::ConfirmReq(self.view, Rc::clone(request));
            out.send(self.rules.primary(self.view), confirm);
        }
    }

    /// A backup heard of a request: it is ordered, or the order is sent again. If a later request
    /// of its client is ordered, this one never will be: the order of that one says so.
    pub(super) fn on_confirm_req(
        &mut self,
        from: NodeId,
        view: View,
        request: &Rc<Signed<Request>>,
        out: &mut Out,
    ) {
        let client = request.signer();
        let is_for_now = view == self.view && self.is_active() && self.is_primary();
        let is_for_now = is_for_now && self.rules.heeds_confirm_req();
        if !is_for_now || from.is_client() || !client.is_client() || !self.signer.verify(request) {
            return;
        }
        let last = self.state.last_reply(client).0;
        if last < request.timestamp {
            self.on_request(from, request, out);
        } else if let Some(place) = self.state.place(client) {
            out.observe(Observation::Reached("confirm-req-answered"));
            self.send_orders(from, place.seq, place.seq + 1, out);
        }
    }

    /// A backup that waits for the order of a request runs a timer. Says whether it begins to wait.
    fn await_order(&mut self, request: &Rc<Signed<Request>>, out: &mut Out) -> bool {
        let id = (request.signer(), request.timestamp);
        let is_new = self.volatile.waiting.add(out.now(), id, Rc::clone(request));
        if self.volatile.waiting.is_timed_replaced() {
            self.stop_order_timer(out);
        }
        self.start_order_timer(out);
        is_new
    }

    /// The timer runs for the request that waits longest, and stops for no other: a primary that
    /// serves some clients only is deposed. It stops if its client has sent a later request: it
    /// waits for that one no more.
    pub(super) fn start_order_timer(&mut self, out: &mut Out) {
        if self.volatile.waiting.is_timed() || !self.is_active() || self.is_primary() {
            return;
        }
        if let Some(request) = self.volatile.waiting.oldest() {
            self.volatile.waiting.start_timer(request);
            out.set_timer(Timer::Order(self.view), self.order_timeout());
        }
    }

    /// How long it waits for an order, in this view.
    fn order_timeout(&self) -> Span {
        self.volatile.patience.timeout(self.params.order_timeout)
    }

    pub(super) fn stop_order_timer(&mut self, out: &mut Out) {
        if self.volatile.waiting.stop_timer() {
            out.cancel_timer(Timer::Order(self.view));
        }
    }

    pub(super) fn on_order_timeout(&mut self, view: View, out: &mut Out) {
        if view != self.view || !self.is_active() || !self.volatile.waiting.stop_timer() {
            return;
        }
        self.volatile.patience.time_out(view);
        self.suspect("no order for a request", out);
        self.start_order_timer(out);
    }

    /// Whether it may give out the next slot, as primary. Orders that wait here are its own, to be
    /// executed again, and so are those that were undone: other ones for their slots would prove it
    /// guilty, and so would the same requests in other slots.
    fn may_order(&self) -> bool {
        !self.lacks_state()
            && self.volatile.ahead.is_empty()
            && self.undone.is_empty()
            && self.executed < self.high()
    }

    /// The primary gives the next slot to a request. It executes what it orders at once, so its
    /// history says what is ordered already.
    fn order(&mut self, request: &Rc<Signed<Request>>, out: &mut Out) {
        let digest = request.digest();
        let history = chain(self.history.head(), digest);
        let (view, seq) = (self.view, self.executed + 1);
        let order = self.signer.sign(OrderReq { view, seq, history, digest });
        out.send_each(self.others(), Msg::OrderReq(order.clone(), Rc::clone(request)));
        self.accept(&order, request, out);
        self.note_progress(out);
    }

    /// Orders what waits, each client's in its turn, as far as flow control allows.
    pub(super) fn order_waiting(&mut self, out: &mut Out) {
        if !self.is_active() || !self.is_primary() || !self.rules.orders_waiting() {
            return;
        }
        for request in self.volatile.waiting.in_turn() {
            let last = self.state.last_reply(request.signer()).0;
            if self.may_order() && last < request.timestamp {
                self.order(&request, out);
            }
        }
    }

    /// Accept iff the primary of this view signed it, d is the digest of a request that its client
    /// signed, n = `max_n` + 1, `h_n` continues the own history, and the request is not older than
    /// the client's last in it. Before its turn it is kept; after it, it may prove that the primary
    /// equivocates.
    pub(super) fn on_order_req(
        &mut self,
        order: &Signed<OrderReq>,
        request: &Rc<Signed<Request>>,
        out: &mut Out,
    ) {
        let seq = order.seq;
        let primary = self.rules.primary(self.view);
        if order.signer() != primary || request.digest() != order.digest || seq <= self.stable() {
            return;
        }
        let known = self.history.get(seq).map(|slot| &slot.ordered.order);
        let known = known.or_else(|| self.volatile.ahead.get(seq).map(|(order, _)| order));
        let known = known.or_else(|| self.undone.get(&seq));
        if let Some(known) = known {
            if known.body() != order.body() {
                let known = known.clone();
                self.on_proof(&known, order, out);
            }
            return;
        }
        let far = self.high() + 2 * self.params.checkpoint_interval;
        if far < seq || !request.signer().is_client() {
            return;
        }
        if !self.signer.verify(order) || !self.signer.verify(request) {
            return;
        }
        self.volatile.ahead.insert(seq, (order.clone(), Rc::clone(request)));
        self.execute_ready(out);
    }

    /// Executes the orders that have their turn.
    pub(super) fn execute_ready(&mut self, out: &mut Out) {
        // A fetched state may have overtaken some.
        self.volatile.ahead.take_through(self.executed);
        while self.is_active()
            && !self.lacks_state()
            && self.executed < self.high()
            && let Some((_, (order, request))) = self
                .volatile
                .ahead
                .pop_first_if(|seq| self.rules.has_its_turn(seq, self.executed + 1))
        {
            let own = (self.history.head(), self.state.last_reply(request.signer()).0);
            if let Some(reason) = self.rules.objection(&order, &request, own) {
                self.volatile.contradicted = true;
                self.suspect(reason, out);
                break;
            }
            if let Some(Hole::AskedPrimary(asked) | Hole::AskedAll(asked)) = self.volatile.hole
                && asked == order.seq
            {
                out.observe(Observation::Reached("hole-filled"));
            }
            self.accept(&order, &request, out);
        }
        self.look_for_holes(out);
        self.retry_commits(out);
        self.note_progress(out);
    }

    /// Executes an order of the current view, and answers the client.
    fn accept(&mut self, order: &Signed<OrderReq>, request: &Rc<Signed<Request>>, out: &mut Out) {
        let OrderReq { view, seq, digest, .. } = *order.body();
        assert_eq!(view, self.view, "orders are accepted in their view");
        out.observe(Observation::Accepted { view, seq, batch: digest });
        self.origin = view;
        let ordered = Ordered { order: order.clone(), request: Some(Rc::clone(request)) };
        if self.execute(ordered, out) {
            self.respond(request.signer(), out);
        }
        self.announce_checkpoint(seq, out);
    }

    /// Executes a slot speculatively; says whether it answers a request. A request that was
    /// executed before is a no-op, whatever a new view says: exactly once.
    pub(super) fn execute(&mut self, ordered: Ordered, out: &mut Out) -> bool {
        let OrderReq { seq, history, digest, .. } = *ordered.order.body();
        let view = self.origin;
        out.observe(Observation::Speculated { view, seq, batch: digest, history });
        let done = ordered.request.as_ref().and_then(|request| {
            let place = Place { seq, digest, history };
            self.state.execute(request.signer(), request, place)
        });
        let (answer, undone) = done.unzip();
        if let (Some(request), Some(answer)) = (&ordered.request, &answer) {
            out.observe(Observation::Applied {
                seq,
                client: request.signer(),
                timestamp: request.timestamp,
                operation: request.operation.clone(),
                answer: answer.clone(),
            });
        }
        let answers = answer.is_some();
        self.history.push(Slot { ordered, answer, undone });
        self.executed = seq;
        if self.checkpoints.is_due(seq) {
            self.checkpoints.keep_state(seq, self.state.digest(), Rc::new(self.state.clone()));
        }
        answers
    }

    /// SPEC-RESPONSE for the client's last executed request, in the current view.
    fn respond(&self, client: NodeId, out: &mut Out) {
        let (timestamp, Some(answer)) = self.state.last_reply(client) else { return };
        let Some(Place { seq, history, .. }) = self.state.place(client) else { return };
        let order = self.history.get(seq).map(|slot| slot.ordered.order.clone());
        let response = self.response(seq, history, Some(answer), (client, timestamp));
        out.send(client, Msg::SpecResponse(response, Some(answer.clone()), order));
    }

    pub(super) fn response(
        &self,
        seq: Seq,
        history: Digest,
        answer: Option<&Answer>,
        (client, timestamp): (NodeId, u64),
    ) -> Signed<SpecResponse> {
        let (view, answer) = (self.view, answer_digest(answer));
        self.signer.sign(SpecResponse { view, seq, history, answer, client, timestamp })
    }

    /// Step 4c: the cached response, and a LOCAL-COMMIT if a certificate covers it.
    ///
    /// A client that asks again for what was executed is stuck, and this replica may be why: it may
    /// have missed a view change, with nothing of its own left open. So it asks the others for
    /// help.
    fn respond_again(&mut self, client: NodeId, out: &mut Out) {
        self.doubt();
        self.respond(client, out);
        let (timestamp, _) = self.state.last_reply(client);
        let Some(place) = self.state.place(client) else { return };
        if self.is_covered(place.seq) {
            self.commit_locally(place, (client, timestamp), out);
        }
    }

    pub(super) fn commit_locally(
        &self,
        Place { seq, digest, history }: Place,
        (client, timestamp): (NodeId, u64),
        out: &mut Out,
    ) {
        let view = self.view;
        let it = LocalCommit { view, seq, digest, history, client, timestamp };
        out.send(client, Msg::LocalCommit(self.signer.sign(it)));
    }

    /// The view works once something that it ordered is committed: then timeouts fall back. What is
    /// executed speculatively does not count. A view in which some executed while others had not
    /// even entered it is undone by the next, and with timeouts that fall back each time so is that
    /// one, for ever.
    pub(super) fn note_commitment(&mut self) {
        if self.is_active() && self.is_covered(self.adopted_last().saturating_add(1)) {
            self.volatile.patience.recover();
        }
    }

    /// The last slot of the history that the view began with.
    fn adopted_last(&self) -> Seq {
        self.adopted.as_ref().map_or(0, |(_, it)| it.seq)
    }

    /// Forgets requests that were executed, and their timer.
    pub(super) fn note_progress(&mut self, out: &mut Out) {
        self.note_commitment();
        let state = &self.state;
        let waits = |client, timestamp| state.last_reply(client).0 < timestamp;
        let is_timed_one_done = self.volatile.waiting.retain(waits);
        if self.is_active() && self.adopted_last() < self.executed {
            self.volatile.patience.note_progress();
        }
        if is_timed_one_done {
            self.stop_order_timer(out);
        }
        self.start_order_timer(out);
    }

    /// Orders are missing if a later one is here, or a certificate for a later slot: the primary is
    /// asked, after a time all replicas, and after another the primary is suspected.
    pub(super) fn look_for_holes(&mut self, out: &mut Out) {
        let next = self.executed + 1;
        let ahead = self.volatile.ahead.first().map(|(seq, _)| seq);
        let certified = self.volatile.commits.values().filter_map(|it| it.first());
        let certified = certified.filter(|vote| vote.view == self.view);
        let certified = certified.map(|vote| vote.seq.saturating_add(1)).max();
        let until = ahead.or(certified).filter(|seq| next < *seq && next <= self.high());
        let Some(until) = until.filter(|_| self.is_active() && !self.lacks_state()) else {
            if self.volatile.hole.take().is_some() {
                out.cancel_timer(Timer::Hole(self.view));
            }
            return;
        };
        if let Some(Hole::AskedPrimary(asked) | Hole::AskedAll(asked)) = self.volatile.hole
            && asked == next
        {
            return;
        }
        self.volatile.hole = Some(Hole::AskedPrimary(next));
        out.observe(Observation::Reached("fill-hole"));
        out.send(self.rules.primary(self.view), Msg::FillHole(self.view, next, until));
        out.set_timer(Timer::Hole(self.view), self.order_timeout());
    }

    pub(super) fn on_hole_timeout(&mut self, view: View, out: &mut Out) {
        if view != self.view || !self.is_active() {
            return;
        }
        match self.volatile.hole {
            Some(Hole::AskedPrimary(next)) => {
                self.volatile.hole = Some(Hole::AskedAll(next));
                out.send_each(self.others(), Msg::FillHole(view, next, next + ORDERS_MAX));
                out.set_timer(Timer::Hole(view), self.order_timeout());
            }
            Some(Hole::AskedAll(_)) => self.suspect("a hole that nobody fills", out),
            None => {}
        }
    }

    pub(super) fn on_fill_hole(
        &self,
        from: NodeId,
        view: View,
        (first, last): (Seq, Seq),
        out: &mut Out,
    ) {
        if view == self.view && self.is_active() && !from.is_client() {
            self.send_orders(from, first, last, out);
        }
    }

    /// Sends the orders of the slots from `first` on and before `last`; in place of those that a
    /// stable checkpoint made it forget, the proof of that.
    pub(super) fn send_orders(&self, to: NodeId, first: Seq, last: Seq, out: &mut Out) {
        if first <= self.stable() {
            self.send_stable_proof(to, out);
        }
        let last = last.min(first.saturating_add(ORDERS_MAX)).min(self.executed + 1);
        for slot in (first..last).filter_map(|seq| self.history.get(seq)) {
            if let Some(request) = &slot.ordered.request
                && slot.ordered.order.view == self.view
            {
                out.send(to, Msg::OrderReq(slot.ordered.order.clone(), Rc::clone(request)));
            }
        }
    }
}
