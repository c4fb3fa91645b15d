//! Rules of the normal case (§4.2): which messages and votes count, and what is executed next.

use std::rc::Rc;

use byzsim_core::{Certificate, Digest, Message as _, NodeId, ReplicaSet, Signed, Statement};

use super::super::flaws::PbftFlaw;
use super::super::log::{Log, Slot};
use super::super::message::{Batch, Commit, Decision, Msg, PrePrepare, Seq, View};
use super::super::replica::{Out, Replica};
use super::Rules;
use crate::shared::quorum::Votes;

impl Rules {
    /// §4.2: a message of the agreement is for the view that it names: the sender of a vote may
    /// stand by another batch since. `current` is the view in which the replica takes part. Where
    /// the signature does not cover the view, old COMMITs serve again.
    pub(in crate::pbft) fn is_of_view(&self, msg: &Msg, current: Option<View>) -> bool {
        let unbound = matches!(msg, Msg::Commit(_)) && self.flaws.has(PbftFlaw::ViewUnbound);
        msg.view() == current || unbound
    }

    /// §4.2: h < n ≤ H, so that a faulty primary cannot use up the sequence numbers. With the flaw
    /// agreement messages are taken above H, and VIEW-CHANGEs that tell of it are still refused.
    pub(in crate::pbft) fn in_window(&self, seq: Seq, stable: Seq, window: u64) -> bool {
        stable < seq && (seq <= stable + window || self.flaws.has(PbftFlaw::WatermarksIgnored))
    }

    /// §4.2: d is the digest of the batch that travels beside the PRE-PREPARE.
    pub(in crate::pbft) fn is_body_of(&self, batch: Digest, digest: Digest) -> bool {
        batch == digest || self.flaws.has(PbftFlaw::BodyUnverified)
    }

    /// §4.2: the batch that a replica accepted for the slot of this proposal, and stands by: having
    /// voted for two, it may help both to a quorum.
    pub(in crate::pbft) fn stands_by(&self, log: &Log, it: &PrePrepare) -> Option<Digest> {
        let accepted = log.get(it.seq).and_then(Slot::digest)?;
        let replaced = self.flaws.has(PbftFlaw::ProposalReplaced)
            && accepted != it.digest
            && log.decided(it.seq).is_none();
        (!replaced).then_some(accepted)
    }

    /// §4.2: two PRE-PREPAREs of one view for one slot prove their primary guilty if they are for
    /// different batches. One that comes twice is an everyday thing, and proves nothing.
    pub(in crate::pbft) fn contradict(&self, one: Digest, other: Digest) -> bool {
        one != other || self.flaws.has(PbftFlaw::RepeatAccused)
    }

    /// §4.2: a backup votes for what it accepted; the primary's proposal is its vote. A batch that
    /// prepared binds nobody once a later view proves that another may have committed: replicas
    /// that each stand by their own would never make a quorum again.
    pub(in crate::pbft) fn votes_for(&self, it: &PrePrepare, me: NodeId, log: &Log) -> bool {
        self.primary(it.view) != me && !self.is_locked_out(it.seq, it.digest, log)
    }

    /// Whether another batch that prepared keeps its replica from voting for this one.
    pub(super) fn is_locked_out(&self, seq: Seq, digest: Digest, log: &Log) -> bool {
        self.flaws.has(PbftFlaw::LockKept)
            && log.prepared_before(seq).is_some_and(|prepared| prepared != digest)
    }

    /// §4.2: PREPAREs come from backups; the PRE-PREPARE is the primary's vote, and counting both
    /// gives a primary that equivocates two votes in each half.
    pub(in crate::pbft) fn is_backup(&self, node: NodeId, view: View) -> bool {
        let votes_twice = self.flaws.has(PbftFlaw::PrimaryPrepares);
        !node.is_client() && (self.primary(view) != node || votes_twice)
    }

    /// §4.2: votes of *different* replicas: of each sender the first vote on a slot is recorded.
    /// Says whether this one was.
    pub(in crate::pbft) fn record<T: Statement + Clone>(
        &self,
        votes: &mut Votes<T>,
        vote: &Rc<Signed<T>>,
    ) -> bool {
        let is_known = || votes.iter().any(|known| known.digest() == vote.digest());
        let again = self.flaws.has(PbftFlaw::DuplicateVotes)
            || self.flaws.has(PbftFlaw::DuplicatesSpoil)
            || self.flaws.has(PbftFlaw::ProposalReplaced) && !is_known();
        if again {
            votes.add_again(Rc::clone(vote));
            return true;
        }
        votes.add(Rc::clone(vote))
    }

    /// §4.2: votes with the *same* view, sequence number and digest.
    pub(in crate::pbft) fn matches(&self, voted: Digest, digest: Digest) -> bool {
        voted == digest || self.flaws.has(PbftFlaw::DigestIgnored)
    }

    /// How many votes in the log those of `signers` are. A vote that comes twice is an everyday
    /// thing: networks duplicate, senders retransmit.
    fn tally(&self, signers: impl Iterator<Item = NodeId>) -> usize {
        if !self.flaws.has(PbftFlaw::DuplicatesSpoil) {
            return signers.count();
        }
        let signers: Vec<NodeId> = signers.collect();
        let distinct = signers.iter().copied().collect::<ReplicaSet>().len();
        if distinct == signers.len() { distinct } else { 0 }
    }

    /// §4.2: a proof that someone sent holds the votes of *different* replicas.
    pub(in crate::pbft) fn are_distinct<T: Statement>(&self, votes: &Certificate<T>) -> bool {
        self.flaws.has(PbftFlaw::DuplicateVotes) || votes.is_of_distinct_replicas()
    }

    /// §4.2: the slot of a proposal, with the votes on it: those that name it, as a faulty primary
    /// may propose one batch for two slots.
    pub(in crate::pbft) fn proposed_slot<'a>(
        &self,
        log: &'a mut Log,
        seq: Seq,
    ) -> Option<(Digest, &'a mut Slot)> {
        if self.flaws.has(PbftFlaw::SlotUnbound) && log.proposed(seq).is_some() {
            pool_slots(log, seq);
        }
        log.proposed_slot(seq)
    }

    /// §4.2: whether enough backups prepared: those who sent a matching PREPARE.
    pub(in crate::pbft) fn are_prepares_enough(&self, slot: &Slot, digest: Digest) -> bool {
        let matching = || slot.matching_prepares(self, digest).map(Signed::signer);
        // Most come when there are too few of them, whatever they say.
        let enough = self.prepares();
        enough <= slot.prepares.len() && enough <= self.tally(matching())
    }

    /// §4.2: whether enough committed: those who sent a matching COMMIT. A PREPARE says that its
    /// sender accepted a batch, a COMMIT that it is prepared. Where the signature does not cover
    /// which of them it is, the one passes for the other.
    pub(in crate::pbft) fn are_commits_enough(&self, slot: &Slot, digest: Digest) -> bool {
        let matching = || slot.matching_commits(self, digest).map(Signed::signer);
        let enough = self.commits();
        if self.flaws.has(PbftFlaw::PhasesPooled) {
            let prepares = slot.matching_prepares(self, digest).map(Signed::signer);
            return enough <= matching().chain(prepares).collect::<ReplicaSet>().len();
        }
        enough <= slot.commits.len() && enough <= self.tally(matching())
    }

    /// §4.2: who prepared a slot multicasts its COMMIT, and answers nobody: the reply follows the
    /// execution, and that follows *committed-local*. What is prepared may still be replaced by a
    /// view change.
    pub(in crate::pbft) fn multicast(
        &self,
        commit: Signed<Commit>,
        replica: &Replica,
        out: &mut Out,
    ) {
        let seq = commit.seq;
        out.broadcast(Msg::Commit(Rc::new(commit)));
        if self.flaws.has(PbftFlaw::RepliesEarly) {
            reply_early(replica, seq, out);
        }
    }

    /// The proof that a slot is decided, for a replica that lags. It is not of the paper, whose
    /// replicas send their own messages again. Votes alone would not do: if a faulty replica helps
    /// one replica alone to decide a slot and then falls silent, while another left for the next
    /// view, there may never be a quorum of votes again, nobody whose timer runs, and one reply too
    /// few for the client.
    pub(in crate::pbft) fn proof_of_decision(&self, log: &Log, seq: Seq) -> Option<Decision> {
        let is_kept =
            self.flaws.has(PbftFlaw::DecisionsUnproven) || self.flaws.has(PbftFlaw::DarkUnhelped);
        match is_kept {
            false => log.decision(seq, self),
            true => None,
        }
    }

    /// §4.2: the next slot to execute: n, when all slots below n are executed and n is decided.
    pub(in crate::pbft) fn next_to_execute(
        &self,
        log: &Log,
        executed: Seq,
    ) -> Option<(Seq, Rc<Batch>)> {
        let next = executed + 1;
        let last = if self.flaws.has(PbftFlaw::ExecutesAhead) { log.last() } else { next };
        (next..=last).find_map(|seq| Some((seq, Rc::clone(log.decided(seq)?))))
    }
}

/// Adds the votes of all slots for the batch of this one to its own.
fn pool_slots(log: &mut Log, seq: Seq) {
    let Some(digest) = log.get(seq).and_then(Slot::digest) else { return };
    let slots = || log.from(0).map(|(_, slot)| slot);
    let prepares = slots().flat_map(|slot| slot.prepares.iter());
    let prepares: Vec<_> = prepares.filter(|vote| vote.digest == digest).cloned().collect();
    let commits = slots().flat_map(|slot| slot.commits.iter());
    let commits: Vec<_> = commits.filter(|vote| vote.digest == digest).cloned().collect();
    let slot = log.slot(seq);
    for vote in prepares {
        slot.prepares.add(vote);
    }
    for vote in commits {
        slot.commits.add(vote);
    }
}

/// Answers from a copy of the state that runs ahead of the commit.
fn reply_early(replica: &Replica, seq: Seq, out: &mut Out) {
    let proposed = replica.log.proposed(seq).filter(|_| seq == replica.executed + 1);
    let Some((_, batch)) = proposed else { return };
    let mut state = replica.service.clone();
    for request in batch.requests() {
        let (client, timestamp) = (request.signer(), request.timestamp);
        if let Some(answer) = state.execute(client, timestamp, &request.operation) {
            replica.reply(client, timestamp, answer, out);
        }
    }
}
