//! Commit certificates: what clients deposit, and what replicas make of it.

use std::rc::Rc;

use byzsim_core::{NodeId, Observation, Signed};

use super::message::{Certificate, Claim, Seq, SpecResponse};
use super::replica::{Held, Out, Replica};
use super::state::Place;

impl Replica {
    /// COMMIT: a valid certificate for a history that is the own one is stored, and the client is
    /// told so. One for another history of the same view proves that the primary gave out two.
    ///
    /// A client completes with the word of every replica, or deposits a certificate at every
    /// replica. So whoever lags behind learns of it here, and asks until it has what is certified:
    /// 2f + 1 replicas were in that view, at that slot.
    pub(super) fn on_commit(&mut self, votes: &Rc<Vec<Signed<SpecResponse>>>, out: &mut Out) {
        let Some(SpecResponse { view, seq, history, client, timestamp, .. }) =
            votes.first().map(|vote| *vote.body())
        else {
            return;
        };
        if !self.rules.certifies(votes, &self.signer) {
            return;
        }
        if !self.is_active() || self.view < view || self.view == view && self.executed < seq {
            // The view is entered, or the hole is filled, first.
            self.keep_commit(client, votes);
            self.look_for_holes(out);
            return;
        }
        let place = self.state.place(client);
        let is_answered = |it: &Place| {
            it.seq == seq && it.history == history && self.state.last_reply(client).0 == timestamp
        };
        let place = place.filter(is_answered);
        let own = self.history.digest(seq).filter(|_| self.history.base() < seq);
        if own.is_some_and(|own| own != history) && view == self.view {
            self.volatile.contradicted = true;
            self.suspect("a certificate for another history", out);
            return;
        }
        if own == Some(history) {
            out.observe(Observation::Reached("commit-certificate"));
            self.hold(Certificate::Commit(Rc::clone(votes)), out);
        } else if self.stable() < seq {
            // Of an earlier view. This one may have left it out, and a later one may hold it.
            self.doubt();
            self.ask_for_help(out);
        }
        let agrees = own == Some(history) && self.rules.view_change().commits_unreported();
        if let Some(place) = place.filter(|place| agrees || self.is_covered(place.seq)) {
            self.commit_locally(place, (client, timestamp), out);
        }
    }

    /// Keeps a certificate to look at it again, unless a higher one of the client is kept.
    fn keep_commit(&mut self, client: NodeId, votes: &Rc<Vec<Signed<SpecResponse>>>) {
        let height = |votes: &[Signed<SpecResponse>]| votes.first().map(|it| (it.view, it.seq));
        let kept = self.volatile.commits.entry(client).or_insert_with(|| Rc::clone(votes));
        if height(kept) < height(votes) {
            *kept = Rc::clone(votes);
        }
    }

    /// Looks again at certificates that came before their view, or before the orders that they
    /// cover.
    pub(super) fn retry_commits(&mut self, out: &mut Out) {
        if self.volatile.commits.is_empty() || !self.is_active() {
            return;
        }
        let (view, executed) = (self.view, self.executed);
        let reached = |votes: &Rc<Vec<Signed<SpecResponse>>>| {
            let waits = |it: &SpecResponse| view < it.view || view == it.view && executed < it.seq;
            votes.first().is_none_or(|vote| !waits(vote))
        };
        let ready: Vec<(NodeId, _)> = self
            .volatile
            .commits
            .iter()
            .filter(|(_, votes)| reached(votes))
            .map(|(client, votes)| (*client, Rc::clone(votes)))
            .collect();
        for (client, votes) in ready {
            self.volatile.commits.remove(&client);
            out.observe(Observation::Reached("early-certificate"));
            self.on_commit(&votes, out);
        }
    }

    /// Keeps a certificate for a prefix of the own history, if it is the one to report.
    pub(super) fn hold(&mut self, certificate: Certificate, out: &mut Out) {
        let Some(claim) = certificate.claim() else { return };
        let rule = self.rules.view_change();
        let is_new = |held: &Held| rule.reports_instead(claim, held.claim);
        let binds = rule.binds_certificates_to_views();
        if binds && claim.view < self.goal() {
            return;
        }
        if self.held.as_ref().is_none_or(is_new) {
            let path = self.history.path(claim.seq);
            self.held = Some(Held { claim, certificate, path });
        }
        self.note_commitment();
        self.take_checkpoints(out);
    }

    /// Whether the history up to `seq` is committed locally: it is stable, or a certificate covers
    /// it, of this view where that matters.
    pub(super) fn is_covered(&self, seq: Seq) -> bool {
        let binds = self.rules.view_change().binds_certificates_to_views();
        let covers = |Claim { view, seq: last, history }: Claim| {
            seq <= last
                && (view == self.view || !binds)
                && (last <= self.stable() || self.history.digest(last) == Some(history))
        };
        seq <= self.stable() || self.held.as_ref().is_some_and(|held| covers(held.claim))
    }

    /// The own history changed: a certificate for what is no longer in it may have to go.
    pub(super) fn forget_overtaken_certificate(&mut self) {
        let rule = self.rules.view_change();
        let overtaken = |Claim { seq, history, .. }: Claim| {
            self.stable() < seq && self.history.digest(seq) != Some(history)
        };
        if rule.compares_certificates()
            && self.held.as_ref().is_some_and(|held| overtaken(held.claim))
        {
            self.held = None;
        }
    }
}
