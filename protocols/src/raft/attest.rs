//! Signed acknowledgements: what a server signs, and how a leader shows what is committed. Not of
//! the paper; the module's documentation says what each parameter does.

#[cfg(test)]
mod tests;

use byzsim_core::{Digest, NodeId, Observation, Signed};

use super::message::{AppendEntries, Index, Msg};
use super::replica::{Out, Replica};
use super::seal::{Acked, Proof, Sealed, Success};

impl Replica {
    /// Whether a server's message is signed as the parameters demand, by whom it comes from.
    pub(super) fn is_authentic(&self, from: NodeId, msg: &Msg) -> bool {
        let shows = self.rules.shows_acks();
        match msg {
            Msg::AppendEntries(it, _) => {
                it.is_by(from, shows, &self.signer) && (!shows || it.leader == from)
            }
            Msg::AppendReply(it) => self.is_acked_by(from, it),
            Msg::Vote(it) => it.is_by(from, self.rules.signs_votes(), &self.signer),
            // With signed acknowledgements nobody takes snapshots.
            Msg::InstallSnapshot(..) => !shows,
            Msg::Request(_)
            | Msg::Reply(_)
            | Msg::Redirect(_)
            | Msg::RequestVote(_)
            | Msg::PreVote(_)
            | Msg::PreVoteReply(_) => true,
        }
    }

    /// A success is signed, in the words that the parameters demand; a refusal is not.
    fn is_acked_by(&self, from: NodeId, it: &Acked) -> bool {
        match &it.ack {
            None => !(self.rules.shows_acks() && it.success),
            Some(ack) => {
                let said = self.rules.success(it.term, it.index, ack.digest);
                self.rules.shows_acks()
                    && it.success
                    && ack.signer() == from
                    && *ack.body() == said
                    && self.signer.verify(ack)
            }
        }
    }

    /// The own signature on an acknowledgement of the entries up to this one.
    ///
    /// Where it says what the log holds, a server stands by one log in a term, which only grows:
    /// else a leader could have it cut what it signed, and sign for something else. What it signed
    /// last is written before it leaves.
    pub(super) fn vouch(&mut self, index: Index, out: &mut Out) -> Option<Signed<Success>> {
        let mut digest = Digest::default();
        if self.rules.binds_log() {
            let last = self.vouched.filter(|(term, ..)| *term == self.term);
            if last.is_some_and(|(_, at, digest)| self.log.digest_at(at) != Some(digest)) {
                out.observe(Observation::Reached("vouches-for-one-log"));
                return None;
            }
            digest = self.log.digest_at(index)?;
            if last.is_none_or(|(_, at, _)| at < index) {
                self.vouched = Some((self.term, index, digest));
            }
        }
        Some(self.signer.sign(self.rules.success(self.term, index, digest)))
    }

    /// A9: an acknowledgement is kept, with its signature. Whether it is one of the leader's log.
    pub(super) fn keep_ack(&mut self, from: NodeId, it: &Acked, out: &mut Out) -> bool {
        let Some(ack) = &it.ack else { return true };
        if self.rules.binds_log() && self.log.digest_at(it.index) != Some(ack.digest) {
            out.observe(Observation::Reached("another-log-acknowledged"));
            return false;
        }
        if self.volatile.commit < it.index {
            self.volatile.acks.entry(it.index).or_default().insert(from, ack.clone());
        }
        true
    }

    /// A10, with signatures: the last entry of the own term that enough servers acknowledged by
    /// name. The signatures become the proof that the leader shows.
    pub(super) fn acknowledged(&mut self, out: &mut Out) -> Option<Index> {
        let own = usize::from(self.rules.counts_leader());
        let is_enough = |index: &Index| {
            let acks = self.volatile.acks.get(index).map_or(0, std::collections::BTreeMap::len);
            self.rules.may_count(self.log.term_at(*index), self.term)
                && self.rules.quorum() <= acks + own
        };
        let index = (self.volatile.commit + 1..=self.log.last_index()).rev().find(is_enough)?;
        let mut acks: Vec<Signed<Success>> =
            self.volatile.acks.remove(&index).unwrap_or_default().into_values().collect();
        if self.rules.counts_leader() {
            acks.push(self.vouch(index, out)?);
        }
        self.volatile.acks = self.volatile.acks.split_off(&(index + 1));
        self.volatile.proof = Proof::of(acks);
        Some(index)
    }

    /// The commit notice: AppendEntries without entries, and the proof.
    pub(super) fn notify(&mut self, out: &mut Out) {
        let commit = self.volatile.commit;
        let Some(prev_term) = self.log.term_at(commit) else { return };
        let (term, leader) = (self.term, self.id);
        let entries = Vec::new();
        let it = AppendEntries { term, leader, prev_index: commit, prev_term, entries, commit };
        let notice = self.append_entries(it);
        out.send_each(self.others(), notice);
    }

    /// AppendEntries, signed and with the proof of what they call committed, where the parameters
    /// demand it.
    pub(super) fn append_entries(&self, it: AppendEntries) -> Msg {
        let shows = self.rules.shows_acks();
        let is_proven = shows && it.commit == self.volatile.commit;
        let proof = if is_proven { self.volatile.proof.clone() } else { Proof::default() };
        Msg::AppendEntries(Sealed::new(it, shows.then_some(&*self.signer)), proof)
    }

    /// S: what a follower takes for committed of what its leader says. In the paper: all of it.
    pub(super) fn believed(&mut self, it: &AppendEntries, proof: &Proof, commit: Index) -> Index {
        if !self.rules.shows_acks() {
            return commit;
        }
        if commit <= self.volatile.commit
            || !self.rules.may_count(self.log.term_at(commit), it.term)
        {
            return 0;
        }
        let digest = match self.rules.binds_log() {
            true => self.log.digest_at(commit).unwrap_or_default(),
            false => Digest::default(),
        };
        let said = self.rules.success(it.term, commit, digest);
        if self.rules.is_shown(proof, &said, it.leader, &self.signer) { commit } else { 0 }
    }
}
