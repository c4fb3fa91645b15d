//! Operations on the parts that protocols share, which only planted flaws use.

use std::rc::Rc;

use byzsim_core::{Answer, Digest, NodeId, Operation, Signed, Statement};

use crate::service::Service;
use crate::shared::checkpoints::Checkpoints;
use crate::shared::quorum::Votes;

impl<T: Statement + Clone> Votes<T> {
    /// Adds a vote even if its signer voted before.
    pub(crate) fn add_again(&mut self, vote: impl Into<Rc<Signed<T>>>) {
        let vote = vote.into();
        self.voters.insert(vote.signer());
        self.votes.push(vote);
    }
}

impl<C: Statement + Clone, S> Checkpoints<C, S> {
    /// A checkpoint becomes stable, and what was heard up to it is kept.
    pub(crate) fn stabilise_keeping(&mut self, seq: u64, proof: Vec<Signed<C>>) {
        let heard = self.heard.clone();
        self.stabilise(seq, proof);
        self.heard = heard;
    }
}

impl Service {
    /// Executes the client's request, even if it or a later one was executed before.
    pub(crate) fn execute_again(
        &mut self,
        client: NodeId,
        timestamp: u64,
        operation: &Operation,
    ) -> Answer {
        let answer = self.apply(operation);
        self.replies.insert(client, (timestamp, answer.clone()));
        answer
    }

    /// The digest of the store alone.
    pub(crate) fn store_digest(&self) -> Digest {
        self.without_replies().digest()
    }

    /// The store alone, without the reply cache.
    pub(crate) fn without_replies(&self) -> Self {
        Self { store: self.store.clone(), replies: Default::default() }
    }

    /// Takes over another store, and keeps the own reply cache.
    pub(crate) fn restore_store(&mut self, other: &Self) {
        self.store.clone_from(&other.store);
    }
}
