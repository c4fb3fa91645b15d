//! Rules of checkpoints, and of the state that a replica fetches (§4.3).

use byzsim_core::{Digest, Signed};

use super::super::flaws::PbftFlaw;
use super::super::message::{Checkpoint, Seq};
use super::super::replica::Replica;
use super::Rules;
use crate::service::Service;
use crate::shared::checkpoints::Checkpoints;
use crate::shared::quorum::{Votes, are_of_distinct_replicas};

impl Rules {
    /// §4.3: CHECKPOINTs of *different* replicas: of each the first is recorded.
    pub(in crate::pbft) fn record_checkpoint(
        &self,
        votes: &mut Votes<Checkpoint>,
        vote: &Signed<Checkpoint>,
    ) {
        match self.flaws.has(PbftFlaw::CheckpointsCounted) {
            false => _ = votes.add(vote.clone()),
            true => votes.add_again(vote.clone()),
        }
    }

    /// §4.3: CHECKPOINTs with the *same* digest.
    pub(in crate::pbft) fn same_state(&self, one: Digest, other: Digest) -> bool {
        one == other || self.flaws.has(PbftFlaw::CheckpointDigestIgnored)
    }

    /// §4.3: a proof holds CHECKPOINTs of *different* replicas.
    pub(in crate::pbft) fn are_distinct_checkpoints(&self, proof: &[Signed<Checkpoint>]) -> bool {
        are_of_distinct_replicas(proof) || self.flaws.has(PbftFlaw::CheckpointsCounted)
    }

    /// §4.3: a state is what a quorum signed, not what one replica sends.
    pub(in crate::pbft) fn is_proven_state(
        &self,
        replica: &Replica,
        (seq, state): (Seq, Digest),
        proof: &[Signed<Checkpoint>],
    ) -> bool {
        self.flaws.has(PbftFlaw::StateUnproven) || replica.proves(seq, state, proof)
    }

    /// §4.3: what is stable is forgotten, CHECKPOINTs up to it as well.
    pub(in crate::pbft) fn stabilise(
        &self,
        checkpoints: &mut Checkpoints<Checkpoint, Service>,
        seq: Seq,
        proof: Vec<Signed<Checkpoint>>,
    ) {
        match self.flaws.has(PbftFlaw::VotesKept) {
            false => checkpoints.stabilise(seq, proof),
            true => checkpoints.stabilise_keeping(seq, proof),
        }
    }

    /// §4.6: a replica that lags behind a stable checkpoint asks for the state.
    pub(in crate::pbft) fn fetches_states(&self) -> bool {
        !self.flaws.has(PbftFlaw::StateNotFetched)
    }

    /// §4.3: the state that a checkpoint speaks of has the reply cache in it.
    pub(in crate::pbft) fn state_digest(&self, state: &Service) -> Digest {
        match self.flaws.has(PbftFlaw::CacheLeftBehind) {
            false => state.digest(),
            true => state.store_digest(),
        }
    }

    /// §4.3: a replica that fetched a state has what those have who sent it. Without the reply
    /// cache it would execute old retransmissions that the others know.
    pub(in crate::pbft) fn restore(&self, own: &mut Service, fetched: &Service) {
        match self.flaws.has(PbftFlaw::CacheLeftBehind) {
            false => own.clone_from(fetched),
            true => own.restore_store(fetched),
        }
    }
}
