//! Retransmission: how a replica that is stuck gets what it lacks.
//!
//! The paper's replicas have FILL-HOLE for orders, and nothing for the messages of a view change.
//! As in this crate's PBFT, a replica that has something open and made no progress for a whole
//! interval says again what it has to say, and tells the others how far it came; they send what it
//! lacks. A replica with nothing open is silent, so the normal case costs what the paper says.

use std::rc::Rc;

use byzsim_core::NodeId;

use super::agreement::ORDERS_MAX;
use super::message::{Msg, Status};
use super::replica::{Doubt, Hole, Out, Replica, Timer};

impl Replica {
    /// Arms the status timer while something is open.
    pub(super) fn watch(&mut self, out: &mut Out) {
        if !self.volatile.status.is_armed() && self.has_something_open() {
            self.volatile.status.arm(self.progress());
            out.set_timer(Timer::Status, self.params.status_interval);
        }
    }

    fn has_something_open(&self) -> bool {
        let volatile = &self.volatile;
        !self.is_active()
            || self.lacks_state()
            || !volatile.waiting.is_empty()
            || !volatile.ahead.is_empty()
            || !volatile.commits.is_empty()
            || volatile.contradicted
            || volatile.doubt != Doubt::None
            || self.checkpoints.unproven().next().is_some()
            || self.checkpoints.heard().any(|votes| {
                // One vote alone may be a liar's; the own one waits for others.
                votes.of(self.id).is_some() || self.rules.weak() <= votes.iter().count()
            })
    }

    pub(super) fn progress(&self) -> Status {
        Status {
            view: self.view,
            changing: self.changing,
            adopted: self.has_adopted(),
            stable: self.stable(),
            executed: self.executed,
            history: self.history.head(),
        }
    }

    pub(super) fn on_status_timer(&mut self, out: &mut Out) {
        let progress = self.progress();
        if !self.volatile.status.expires(&progress) {
            return;
        }
        if self.volatile.doubt == Doubt::Asked(progress) {
            self.volatile.doubt = Doubt::None;
        }
        if self.has_something_open() {
            for to in self.others() {
                self.say_again(to, out);
            }
            self.ask_for_help(out);
            if self.volatile.doubt != Doubt::None {
                self.volatile.doubt = Doubt::Asked(progress);
            }
            // The others know now. If a client still waits, it asks again, and so does this one.
            self.volatile.contradicted &= !self.rules.forgets_evidence();
        }
    }

    /// There is reason to believe that others are further. While it waits for answers it does not
    /// ask again: a liar could keep it at that.
    pub(super) fn doubt(&mut self) {
        if self.volatile.doubt == Doubt::None {
            self.volatile.doubt = Doubt::Raised;
        }
    }

    /// Says how far it came, so that others send what it lacks.
    pub(super) fn ask_for_help(&mut self, out: &mut Out) {
        let status = self.progress();
        out.send_each(self.others(), Msg::Status(status));
        if self.is_active() && !self.is_primary() {
            for (_, waiter) in self.volatile.waiting.iter() {
                let confirm = Msg::ConfirmReq(self.view, waiter.request.clone());
                out.send(self.rules.primary(self.view), confirm);
            }
        }
        self.fetch_state(out);
    }

    /// Its own last words on what is open.
    fn say_again(&self, to: NodeId, out: &mut Out) {
        let goal = self.goal();
        if let Some([one, other]) = &self.volatile.proven
            && one.view == goal
        {
            out.send(to, Msg::ProofOfMisbehaviour(one.clone(), other.clone()));
        }
        if let Some(hate) = self.hates.get(&self.id).filter(|hate| goal <= hate.view) {
            out.send(to, Msg::Hate(hate.clone()));
        }
        if self.changing.is_some() {
            let own = self.view_changes.iter().find(|it| it.signer() == self.id);
            if let Some(own) = own.filter(|it| it.view == goal) {
                out.send(to, Msg::ViewChange(own.clone(), self.past.clone()));
            }
        }
        if self.has_adopted()
            && let Some((new_view, _)) = &self.adopted
        {
            out.send(to, Msg::NewView(new_view.clone()));
            if let Some(own) = self.confirms.get(&self.id) {
                out.send(to, Msg::ViewConfirm(own.clone()));
            }
        }
        for votes in self.volatile.responses.values() {
            if let Some(own) = votes.of(self.id) {
                out.send(to, Msg::SpecResponse(own.as_ref().clone(), None, None));
            }
        }
        for own in self.checkpoints.votes_of(self.id) {
            out.send(to, Msg::Checkpoint(own.clone()));
        }
        // Nobody fills the hole before this order: the others should look for it, too. If nobody
        // can, f + 1 suspect the primary.
        if let (Some(Hole::AskedAll(_)), Some((_, (order, request)))) =
            (self.volatile.hole, self.volatile.ahead.first())
        {
            out.send(to, Msg::OrderReq(order.clone(), Rc::clone(request)));
        }
    }

    /// Someone is stuck: sends it what it lacks. If it is in the same view with another history,
    /// the order where they differ is what it lacks: with its own one it is proof against the
    /// primary. One that is further may be stuck as this one is not, and because this one lags
    /// behind: then this one asks it.
    pub(super) fn on_status(&mut self, from: NodeId, status: &Status, out: &mut Out) {
        if from.is_client() {
            return;
        }
        if (self.view, self.executed) < (status.view, status.executed) {
            self.answer_who_is_further(from, out);
        }
        if status.stable < self.stable() {
            self.send_stable_proof(from, out);
        }
        let goal = status.changing.unwrap_or(status.view);
        if status.view < self.view && goal <= self.view {
            self.help_into_view(from, out);
        } else if goal <= self.goal() {
            self.say_again(from, out);
        }
        if status.view == self.view && status.changing.is_none() && self.is_active() {
            let differs =
                self.history.digest(status.executed).is_some_and(|own| own != status.history);
            // With more slots than this one its history may differ, too: this one's last order
            // tells.
            let first = match status.executed <= self.executed {
                true if differs => status.executed,
                true => status.executed.saturating_add(1),
                false => self.executed,
            };
            self.send_orders(from, first, status.executed.saturating_add(ORDERS_MAX), out);
        }
    }

    /// A replica is further, by its own word: it is told how far this one came, so that it sends
    /// what is lacking. It is told so once. Should that bring nothing, the STATUS timer goes on
    /// asking: a faulty replica could answer each answer, for ever and at once.
    fn answer_who_is_further(&mut self, node: NodeId, out: &mut Out) {
        let progress = self.progress();
        if self.volatile.told.insert(node, progress) == Some(progress) {
            self.doubt();
        } else {
            out.send(node, Msg::Status(progress));
        }
    }

    /// The proof of the last stable checkpoint.
    pub(super) fn send_stable_proof(&self, to: NodeId, out: &mut Out) {
        if 0 < self.stable() {
            out.send(to, Msg::StableProof(self.checkpoints.proof().to_vec()));
        }
    }

    /// A replica has not entered this view yet: sends it what opened it.
    pub(super) fn help_into_view(&self, node: NodeId, out: &mut Out) {
        let is_for_other = node != self.id && !node.is_client();
        let Some((new_view, _)) = self.adopted.as_ref().filter(|_| is_for_other) else { return };
        if new_view.view != self.view {
            return;
        }
        let confirmation = Rc::new(self.confirmation.clone());
        out.send(node, Msg::Opened(new_view.clone(), confirmation));
    }
}
