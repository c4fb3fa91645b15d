//! Certificates: the votes of several replicas, one by one or as one aggregate signature.
//!
//! A *list* is what it says: each vote with its signer and its signature. An *aggregate* is one
//! statement, a bitmap of those who signed it, and one signature that all of theirs were added up
//! to. Protocols that send votes to one node, which shows all others a certificate, need it to send
//! few *bytes* and to verify few *signatures*, and not only to send few messages.
//!
//! # Which scheme is counted
//!
//! BLS signatures over BLS12-381 in the variant with minimal signatures (Boneh, Lynn, Shacham,
//! ASIACRYPT 2001; Boneh, Drijvers, Neven, ASIACRYPT 2018; draft-irtf-cfrg-bls-signature): an
//! aggregate takes 48 bytes ([`Encoder::AGGREGATE_BYTES`]) and one bit for each replica. The public
//! keys, with 96 bytes the larger half, never travel: everybody knows the committee, and a proof
//! that each node has the secret key of its own keeps keys from being chosen so that they cancel
//! others. To add signatures up costs next to nothing and is not counted. To verify the sum is one
//! verification, two pairings, however many signed. A single vote still counts 64 bytes, as
//! everywhere, though it would have 48 in this scheme: figures with aggregates are too high by 16
//! bytes for each vote that travels alone.
//!
//! # What stands in for it
//!
//! The sum is a hash of the single signatures. Whoever verifies it asks the keyring for what they
//! would be, as both backends sign deterministically. So only the sum of genuine signatures of
//! exactly these signers on exactly this statement verifies, and nobody can take a single vote out
//! of one, or leave one away. But it proves that each of its signers voted ([`Attested`]).
//! Statements name their signer under each signature here, and their
//! signers would not in the real scheme: it needs that all sign the same bytes.

mod attested;
#[cfg(test)]
mod tests;

use std::any::Any;
use std::cell::Cell;
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::crypto::{Digest, PublicKeys, Signed, Signer, Statement};
use crate::editable::{Editable, FieldEdit, FieldList};
use crate::encode::{Encode, Encoder};
use crate::field::{Entries, Entry, FieldMut, Inventive, Sort, put_back};
use crate::id::{NodeId, ReplicaSet};
use crate::rng::SimRng;

pub use attested::Attested;

/// How votes are put together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum CertificateForm {
    /// One by one.
    #[default]
    List,
    /// As one statement under one signature that all of theirs add up to.
    Aggregate,
}

/// The votes of several replicas. What they must say, and how many must, the protocol knows.
#[derive(Clone)]
pub enum Certificate<T> {
    /// The votes, one by one.
    List(Vec<Signed<T>>),
    /// Their sum.
    Aggregate(Aggregate<T>),
}

/// The votes of several replicas for one statement, added up.
#[derive(Clone)]
pub struct Aggregate<T> {
    body: T,
    signers: ReplicaSet,
    /// How many bits the bitmap has: n.
    width: u16,
    sum: Digest,
    /// Whether it verifies, once that was computed.
    memo: Cell<Option<bool>>,
}

impl<T> From<Vec<Signed<T>>> for Certificate<T> {
    fn from(votes: Vec<Signed<T>>) -> Self {
        Self::List(votes)
    }
}

impl Signer {
    /// Puts votes together. None if they do not add up: an aggregate is of different replicas that
    /// all say the same.
    pub fn certify<T: Statement + Clone>(
        &self,
        votes: Vec<Signed<T>>,
        form: CertificateForm,
    ) -> Option<Certificate<T>> {
        match form {
            CertificateForm::List => Some(Certificate::List(votes)),
            CertificateForm::Aggregate => self.add_up(&votes).map(Certificate::Aggregate),
        }
    }

    fn add_up<T: Statement + Clone>(&self, votes: &[Signed<T>]) -> Option<Aggregate<T>> {
        let body = votes.first()?.body();
        let said = body.sha256();
        let fits = |vote: &Signed<T>| self.knows(vote.signer()) && vote.body().sha256() == said;
        if !votes.iter().all(fits) {
            return None;
        }
        let signers: ReplicaSet = votes.iter().map(Signed::signer).collect();
        if signers.len() < votes.len() {
            return None;
        }
        let mut votes: Vec<&Signed<T>> = votes.iter().collect();
        votes.sort_by_key(|vote| vote.signer());
        let sum = Signed::sum_of(&votes);
        let width = self.replicas();
        Some(Aggregate { body: body.clone(), signers, width, sum, memo: Cell::new(None) })
    }

    /// Whether all of these signed this. One verification.
    fn verify_sum<T: Statement>(&self, it: &Aggregate<T>) -> bool {
        self.count_verification();
        it.memo.get().unwrap_or_else(|| {
            let valid = self.keys().verify_sum(it);
            it.memo.set(Some(valid));
            valid
        })
    }
}

impl<T: Statement> Certificate<T> {
    /// How many votes it claims to hold.
    pub fn len(&self) -> usize {
        match self {
            Self::List(votes) => votes.len(),
            Self::Aggregate(it) => it.signers.len(),
        }
    }

    /// Whether it holds no vote.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// In whose names the votes are. Who is in a list twice comes twice.
    pub fn signers(&self) -> Vec<NodeId> {
        match self {
            Self::List(votes) => votes.iter().map(Signed::signer).collect(),
            Self::Aggregate(it) => it.signers.iter().collect(),
        }
    }

    /// Whether the votes are of replicas only, and each of another one.
    pub fn is_of_distinct_replicas(&self) -> bool {
        let mut signers = self.signers();
        signers.sort_unstable();
        // Names may be made up, and of no replica that there is.
        signers.windows(2).all(|pair| pair[0] != pair[1])
            && signers.iter().all(|signer| !signer.is_client())
    }

    /// What the first vote says. In an aggregate all say the same.
    pub fn first(&self) -> Option<&T> {
        match self {
            Self::List(votes) => votes.first().map(Signed::body),
            Self::Aggregate(it) => Some(&it.body),
        }
    }

    /// Whether `says_so` holds of what each vote says, and in whose name.
    pub fn all(&self, says_so: impl Fn(&T, NodeId) -> bool) -> bool {
        match self {
            Self::List(votes) => votes.iter().all(|vote| says_so(vote.body(), vote.signer())),
            Self::Aggregate(it) => it.signers.iter().all(|signer| says_so(&it.body, signer)),
        }
    }

    /// Whether `says_so` holds of each vote, and its signer signed it: of a list one verification
    /// for each vote, of an aggregate one for all.
    pub fn proves(&self, judge: &Signer, says_so: impl Fn(&T, NodeId) -> bool) -> bool {
        match self {
            Self::List(votes) => {
                votes.iter().all(|vote| says_so(vote.body(), vote.signer()) && judge.verify(vote))
            }
            Self::Aggregate(it) => self.all(says_so) && judge.verify_sum(it),
        }
    }

    /// The votes that can be told apart: all of a list, none of an aggregate.
    pub fn votes(&self) -> &[Signed<T>] {
        match self {
            Self::List(votes) => votes,
            Self::Aggregate(_) => &[],
        }
    }
}

impl PublicKeys {
    /// Whether all signers of an aggregate signed what it says.
    fn verify_sum<T: Statement>(&self, it: &Aggregate<T>) -> bool {
        !it.signers.is_empty() && self.sum(&it.body, it.signers.iter()) == Some(it.sum)
    }
}

impl<T: Statement + Editable + Inventive + Clone + 'static> Certificate<T> {
    /// The same with garbage for signatures.
    #[must_use]
    pub fn forged(&self) -> Self {
        match self {
            Self::List(votes) => Self::List(votes.iter().map(Entry::forged).collect()),
            Self::Aggregate(it) => Self::Aggregate(it.garbled()),
        }
    }

    /// The same votes for something else. In a list `signer` signs its own again, and the others
    /// get garbage for a signature; nothing adds up to an aggregate of it.
    #[must_use]
    pub fn saying(&self, other: impl Fn(&T) -> T, signer: &Signer) -> Self {
        let sign = |vote: &Signed<T>| signer.sign_as(other(vote.body()), vote.signer());
        match self {
            Self::List(votes) => Self::List(votes.iter().map(sign).collect()),
            Self::Aggregate(it) => Self::Aggregate(it.about(other(&it.body))),
        }
    }

    /// The same signatures under something else.
    #[must_use]
    pub fn grafted(&self, other: impl Fn(&T) -> T) -> Self {
        let graft = |vote: &Signed<T>| vote.with_body(other(vote.body()));
        match self {
            Self::List(votes) => Self::List(votes.iter().map(graft).collect()),
            Self::Aggregate(it) => Self::Aggregate(it.about(other(&it.body))),
        }
    }

    /// The same with `signer` in place of who voted last.
    #[must_use]
    pub fn adopted(&self, signer: &Signer) -> Self {
        let mut adopted = self.clone();
        if let Some(last) = adopted.count().checked_sub(1) {
            adopted.adopt(last, signer);
        }
        adopted
    }
}

impl<T: Clone> Aggregate<T> {
    /// Under a signature that is none.
    fn garbled(&self) -> Self {
        Self { sum: Digest([0xFF; 32]), memo: Cell::new(None), ..self.clone() }
    }

    /// About something else, under the same signature.
    fn about(&self, body: T) -> Self {
        Self { body, memo: Cell::new(None), ..self.clone() }
    }

    /// In other names, under the same signature.
    fn of(&self, signers: ReplicaSet) -> Self {
        Self { signers, memo: Cell::new(None), ..self.clone() }
    }

    fn signer_at(&self, place: usize) -> Option<NodeId> {
        self.signers.iter().nth(place)
    }

    /// In the name of `other` in place of the signer at this place.
    fn replace(&self, place: usize, other: Option<NodeId>) -> Self {
        let replaced = self.signer_at(place);
        let kept = self.signers.iter().filter(|signer| Some(*signer) != replaced);
        self.of(kept.chain(other).collect())
    }
}

/// A list has the bytes of a list. An aggregate has a mark in place of the number of votes, what
/// was signed, the bitmap, and one signature, which like all others is counted and left out.
impl<T: Statement> Encode for Certificate<T> {
    fn encode(&self, out: &mut Encoder) {
        match self {
            Self::List(votes) => _ = out.list(votes.iter()),
            Self::Aggregate(it) => {
                let bitmap = it.signers.bitmap();
                let width = usize::from(it.width).div_ceil(8).min(bitmap.len());
                out.u64(u64::MAX).value(&it.body).raw(&bitmap[..width]).aggregate();
            }
        }
    }
}

impl<T: fmt::Debug> fmt::Debug for Certificate<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::List(votes) => fmt::Debug::fmt(votes, f),
            Self::Aggregate(it) => fmt::Debug::fmt(it, f),
        }
    }
}

impl<T: fmt::Debug> fmt::Debug for Aggregate<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}@{:?}", self.body, self.signers)
    }
}

impl<T: Statement + Editable + Inventive + Clone + 'static> Editable for Certificate<T> {
    const FIELDS: FieldList = FieldList::one(Sort::Entries);

    fn edit(&mut self, name: &str, edit: &mut FieldEdit<'_>) -> bool {
        edit.change(name, FieldMut::Entries(self))
    }

    fn is_void(&self) -> bool {
        self.is_empty()
    }

    fn is_genuine(&self, judge: &Signer) -> bool {
        self.proves(judge, |_, _| true)
    }
}

/// The entries are the votes. What is done to one vote of an aggregate is done to its bitmap or to
/// what it says, and the sum stays: it does not verify then.
impl<T: Statement + Editable + Inventive + Clone + 'static> Entries for Certificate<T> {
    fn count(&self) -> usize {
        self.len()
    }

    fn remove(&mut self, place: usize) {
        match self {
            Self::List(votes) => Entries::remove(votes, place),
            Self::Aggregate(it) => *it = it.replace(place, None),
        }
    }

    /// In an aggregate nobody is twice: one signer is gone.
    fn copy(&mut self, from: usize, to: usize) {
        match self {
            Self::List(votes) => votes.copy(from, to),
            Self::Aggregate(it) => *it = it.replace(to, it.signer_at(from)),
        }
    }

    /// In an aggregate nobody is twice: another replica is named besides.
    fn repeat(&mut self, place: usize) {
        match self {
            Self::List(votes) => votes.repeat(place),
            Self::Aggregate(it) => {
                let silent = (0..it.width).map(NodeId::Replica);
                let next = silent.filter(|node| !it.signers.contains(*node)).nth(0);
                *it = it.of(it.signers.iter().chain(next).collect());
            }
        }
    }

    fn forge(&mut self, place: usize) {
        match self {
            Self::List(votes) => votes.forge(place),
            Self::Aggregate(it) => *it = it.garbled(),
        }
    }

    fn invent(&mut self, place: usize, signer: &Signer, rng: &mut SimRng) {
        match self {
            Self::List(votes) => Entries::invent(votes, place, signer, rng),
            Self::Aggregate(it) => *it = it.about(it.body.invented(rng)),
        }
    }

    fn graft(&mut self, place: usize, rng: &mut SimRng) {
        match self {
            Self::List(votes) => votes.graft(place, rng),
            Self::Aggregate(it) => *it = it.about(it.body.invented(rng)),
        }
    }

    fn adopt(&mut self, place: usize, signer: &Signer) {
        match self {
            Self::List(votes) => votes.adopt(place, signer),
            Self::Aggregate(it) => *it = it.replace(place, Some(signer.node())),
        }
    }

    fn saved(&self) -> Box<dyn Any> {
        Box::new(self.clone())
    }

    fn restore(&mut self, saved: &dyn Any) -> bool {
        put_back(self, saved)
    }
}
