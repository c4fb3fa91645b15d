//! Votes as evidence: what a certificate proves against each of those who are in it.

use std::fmt;
use std::ops::Deref;

use super::{Aggregate, Certificate};
use crate::crypto::{Digest, PublicKeys, Signed, Statement, statement_digest};
use crate::id::NodeId;

/// A vote as evidence against who cast it: by itself, or by an aggregate, which verifies only if
/// each of its signers voted.
#[derive(Clone)]
pub enum Attested<T> {
    /// By itself.
    Alone(Signed<T>),
    /// By an aggregate, with this signer among others.
    Among(NodeId, Aggregate<T>),
}

impl<T: Statement> Attested<T> {
    /// In whose name the vote is.
    pub const fn signer(&self) -> NodeId {
        match self {
            Self::Alone(vote) => vote.signer(),
            Self::Among(signer, _) => *signer,
        }
    }

    /// The digest of what was signed: the same in either form.
    pub fn digest(&self) -> Digest {
        match self {
            Self::Alone(vote) => vote.digest(),
            Self::Among(signer, it) => statement_digest(*signer, &it.body),
        }
    }

    /// Whether public keys show that the named signer voted so. It believes nothing that the value
    /// stores about itself.
    pub fn is_signed(&self, keys: &PublicKeys) -> bool {
        match self {
            Self::Alone(vote) => keys.verify(vote),
            Self::Among(signer, it) => it.signers.contains(*signer) && keys.verify_sum(it),
        }
    }
}

impl<T: Statement> Deref for Attested<T> {
    type Target = T;

    fn deref(&self) -> &T {
        match self {
            Self::Alone(vote) => vote.body(),
            Self::Among(_, it) => &it.body,
        }
    }
}

impl<T> From<Signed<T>> for Attested<T> {
    fn from(vote: Signed<T>) -> Self {
        Self::Alone(vote)
    }
}

impl<T: fmt::Debug> fmt::Debug for Attested<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Alone(vote) => fmt::Debug::fmt(vote, f),
            Self::Among(signer, it) => write!(f, "{signer} in {it:?}"),
        }
    }
}

impl<T: Statement + Clone> Certificate<T> {
    /// Each vote, as evidence.
    pub fn attested(&self) -> Vec<Attested<T>> {
        match self {
            Self::List(votes) => votes.iter().cloned().map(Attested::Alone).collect(),
            Self::Aggregate(it) => {
                let among = |signer| Attested::Among(signer, it.clone());
                it.signers.iter().map(among).collect()
            }
        }
    }
}
