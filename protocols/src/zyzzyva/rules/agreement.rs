//! Rules of the agreement: what matches, what is executed and undone, and what certificates prove.

use byzsim_core::{Digest, ReplicaSet, Signed, Signer, Statement};

use super::super::flaws::ZyzzyvaFlaw;
use super::super::message::{OrderReq, Request, Seq, SpecResponse, chain};
use super::super::state::{State, Undone};
use super::Rules;

impl Rules {
    /// The primary orders what waits as soon as flow control allows: its client may be silent for
    /// long, and the backups' timers run.
    pub(in crate::zyzzyva) fn orders_waiting(&self) -> bool {
        !self.flaws.has(ZyzzyvaFlaw::WaitingUnordered)
    }

    /// Step 4c: a primary that never heard of a request learns of it by CONFIRM-REQ. A corrupted
    /// client may leave it out.
    pub(in crate::zyzzyva) fn heeds_confirm_req(&self) -> bool {
        !self.flaws.has(ZyzzyvaFlaw::ConfirmIgnored)
    }

    /// The slot that an order is executed in: the next one, without gaps.
    pub(in crate::zyzzyva) fn has_its_turn(&self, seq: Seq, next: Seq) -> bool {
        seq == next || next < seq && self.flaws.has(ZyzzyvaFlaw::GapsExecuted)
    }

    /// What speaks against the execution of an order that has its turn: it must continue the own
    /// history. And a request has one place in a history: if two were adopted, the primary of the
    /// next view would have to order both again, and that is proof against it.
    pub(in crate::zyzzyva) fn objection(
        &self,
        order: &OrderReq,
        request: &Request,
        (head, last): (Digest, u64),
    ) -> Option<&'static str> {
        if self.flaws.has(ZyzzyvaFlaw::GapsExecuted) {
            return None;
        }
        match (chain(head, order.digest) == order.history, last < request.timestamp) {
            (true, true) => None,
            (true, false) => Some("an order of a request that the history holds already"),
            (false, _) => Some("an order with a wrong history"),
        }
    }

    /// What is undone never happened: no reply, no timestamp of it stays. Otherwise a client is
    /// answered from a history that no longer exists, and its request is never executed again.
    pub(in crate::zyzzyva) fn undo(&self, state: &mut State, undone: &Undone) {
        match self.flaws.has(ZyzzyvaFlaw::CacheSurvives) {
            false => state.undo(undone),
            true => state.service.undo_write(&undone.service),
        }
    }

    /// Steps 4a, 4b: responses match iff all that they say is equal. Equal answers alone may rest
    /// on different histories, of which a view change keeps one.
    pub(in crate::zyzzyva) fn match_each_other(
        &self,
        one: &SpecResponse,
        other: &SpecResponse,
    ) -> bool {
        match self.flaws.has(ZyzzyvaFlaw::ResponsesMixed) {
            false => one == other,
            true => one.answer == other.answer && one.timestamp == other.timestamp,
        }
    }

    /// A certificate is the word of 2f + 1 *distinct* replicas, each *verified*: a list of names
    /// that anyone can write certifies nothing.
    pub(in crate::zyzzyva) fn certifies<T: Statement + PartialEq>(
        &self,
        votes: &[Signed<T>],
        me: &Signer,
    ) -> bool {
        let Some(first) = votes.first() else { return false };
        if votes.iter().any(|vote| vote.body() != first.body()) {
            return false;
        }
        if self.flaws.has(ZyzzyvaFlaw::CertificateUnverified) {
            return self.quorum() <= votes.len();
        }
        // Exactly so many: who keeps it passes it on.
        if votes.len() != self.quorum() {
            return false;
        }
        let counts = |it: &&Signed<T>| !it.signer().is_client() && me.verify(it);
        let signers: ReplicaSet = votes.iter().filter(counts).map(Signed::signer).collect();
        signers.len() == votes.len()
    }

    /// CHECKPOINT says that a certificate covers the slot. Without one f + 1 correct replicas know
    /// of the history, and a new view hears of one of them only: less than f + 1.
    pub(in crate::zyzzyva) fn takes_checkpoint(&self, covered: bool) -> bool {
        covered || self.flaws.has(ZyzzyvaFlaw::CheckpointUncovered)
    }
}
