//! The messages of PBFT, and what each of them says. [`byzsim_core::declare`] explains the form of
//! the declarations.

use std::rc::Rc;

use byzsim_core::body::BodyType;
use byzsim_core::editable::{Editable, FieldEdit, FieldList};
use byzsim_core::field::{Entry as _, FieldMut};
use byzsim_core::{
    Answer, Certificate, Digest, Encode, Encoder, NodeId, Operation, Signed, Signer, SimRng, Sort,
};

use super::lies;
use crate::service::Service;

/// A view number. The primary of view v is replica v mod n.
pub type View = u64;
/// A sequence number: a slot of the order, from 1.
pub type Seq = u64;

/// How a client asks. It travels beside the request, unsigned: a replica answers at once only who
/// asks it itself, and whoever has a read ordered does what its client does next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// For a place in the order.
    InOrder,
    /// §5.1: for an answer at once, from the state that the replica has: a read.
    AtOnce,
}

/// Nothing, if the request is to be ordered: a protocol without reads sends no byte for them.
impl Encode for Asked {
    fn encode(&self, out: &mut Encoder) {
        match self {
            Self::InOrder => {}
            Self::AtOnce => {
                out.u8(1);
            }
        }
    }
}

/// What a reply rests on. Links are authenticated, so it is its sender's word without a signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Basis {
    /// The request's place in the order.
    Order,
    /// The state after this slot, which a read was answered from.
    State(Seq),
}

/// Nothing, if the request was ordered, as with [`Asked`].
impl Encode for Basis {
    fn encode(&self, out: &mut Encoder) {
        match self {
            Self::Order => {}
            Self::State(seq) => {
                out.u64(*seq);
            }
        }
    }
}

byzsim_core::statements! {
    /// `Request`: I, the signer, ask for this; it is my `timestamp`-th request.
    #[derive(Clone, Debug)]
    pub struct Request = "pbft/request" {
        /// t: strictly increasing per client.
        timestamp: u64,
        /// o.
        operation: Operation,
    } invents operation

    /// `PrePrepare`: I, the primary of `view`, give slot `seq` to the batch of this digest.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct PrePrepare = "pbft/pre-prepare" {
        /// v.
        view: View,
        /// n.
        seq: Seq,
        /// d. The batch travels beside the statement, not under the signature.
        digest: Digest,
    } invents digest

    /// `Prepare`: I, a backup of `view`, accepted this and no other batch for slot `seq` in `view`.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct Prepare = "pbft/prepare" {
        /// v.
        view: View,
        /// n.
        seq: Seq,
        /// d.
        digest: Digest,
    } invents digest

    /// `Commit`: I know that a quorum prepared this, so no other batch can prepare in this view.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct Commit = "pbft/commit" {
        /// v.
        view: View,
        /// n.
        seq: Seq,
        /// d.
        digest: Digest,
    } invents digest

    /// `Reply`: I executed the client's request of this timestamp in its place, and this came out.
    #[derive(Clone, Debug)]
    pub struct Reply = "pbft/reply" {
        /// v: the view in which I am; the client learns the primary from it.
        view: View,
        /// t.
        timestamp: u64,
        /// c.
        client: NodeId,
        /// r.
        answer: Answer,
    }

    /// `Checkpoint`: after executing slot `seq` my state has this digest.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct Checkpoint = "pbft/checkpoint" {
        /// n.
        seq: Seq,
        /// d: of the service's state, the reply cache included.
        state: Digest,
    } invents state

    /// `ViewChange`: I left the views below `view`; this is all that I may have helped to commit.
    #[derive(Clone, Debug)]
    pub struct ViewChange = "pbft/view-change" {
        /// v + 1: the view that I ask for.
        view: View,
        /// n = h: my last stable checkpoint.
        stable: Seq,
        /// C: proof of it; empty for the initial state.
        proof: Vec<Signed<Checkpoint>>,
        /// P: for each slot above h that prepared at me, the certificate of the highest view.
        prepared: Vec<PreparedCertificate>,
    }

    /// `NewView`: a quorum asks for `view`; from what they say this order follows.
    #[derive(Clone, Debug)]
    pub struct NewView = "pbft/new-view" {
        /// v + 1.
        view: View,
        /// V.
        view_changes as "view-changes": Vec<Rc<Signed<ViewChange>>>,
        /// O.
        proposals: Vec<Signed<PrePrepare>>,
    }

    /// `Status`: this is how far I came; send me what I lack. Not of the paper's core: see the
    /// module's list of deviations.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct Status {
        /// The view that I am in.
        view: View,
        /// The view that I ask for, if I left mine.
        changing: Option<View> => fixed,
        /// My last stable checkpoint.
        stable: Seq,
        /// The last slot that I executed.
        executed: Seq,
    }

    /// Proof that a slot is decided: a quorum's COMMITs of one view. It holds in every later view,
    /// so it brings a replica up to date whatever view it is in. Not of the paper's core: see the
    /// module's list of deviations.
    #[derive(Clone, Debug)]
    pub struct Decision {
        /// Matching statements of 2f + 1 distinct replicas.
        commits: Certificate<Commit>,
        /// What was decided.
        batch: Rc<Batch>,
    }
}

/// Proof that a batch prepared: 2f backups and the primary stood by it in one view.
#[derive(Clone, Debug)]
pub struct PreparedCertificate {
    /// The primary's statement, without the batch.
    pub pre_prepare: Signed<PrePrepare>,
    /// Matching statements of 2f distinct backups.
    pub prepares: Certificate<Prepare>,
}

impl Encode for PreparedCertificate {
    fn encode(&self, out: &mut Encoder) {
        out.value(&self.pre_prepare).value(&self.prepares);
    }
}

/// Requests that share a slot. Made only by [`Batch::new`], so that its digest is always its own.
#[derive(Clone, Debug)]
pub struct Batch {
    requests: Vec<Rc<Signed<Request>>>,
    digest: Digest,
}

impl Batch {
    /// The batch of these requests, in this order; of none: the null request, which does nothing.
    pub fn new(requests: Vec<Rc<Signed<Request>>>) -> Rc<Self> {
        Rc::new(Self::of(requests))
    }

    fn of(requests: Vec<Rc<Signed<Request>>>) -> Self {
        Self { digest: digest_of(&requests), requests }
    }

    /// The digest of the null request.
    pub fn null_digest() -> Digest {
        Self::new(Vec::new()).digest
    }

    /// The requests.
    pub fn requests(&self) -> &[Rc<Signed<Request>>] {
        &self.requests
    }

    /// d: the digest of the list of the requests' digests, which cover (o, t, c).
    pub const fn digest(&self) -> Digest {
        self.digest
    }
}

fn digest_of(requests: &[Rc<Signed<Request>>]) -> Digest {
    Encoder::digest_of(|out| {
        out.text("pbft/batch").len(requests.len());
        for request in requests {
            out.digest(&request.digest());
        }
    })
}

impl Encode for Batch {
    fn encode(&self, out: &mut Encoder) {
        out.value(&self.requests);
    }
}

/// A batch whose requests were changed has another digest: its own.
impl Editable for Batch {
    const FIELDS: FieldList = FieldList::one(Sort::Entries);

    fn edit(&mut self, name: &str, edit: &mut FieldEdit<'_>) -> bool {
        let changed = edit.change(name, FieldMut::Entries(&mut self.requests));
        if changed {
            self.digest = digest_of(&self.requests);
        }
        changed
    }

    fn is_genuine(&self, judge: &Signer) -> bool {
        self.requests.is_genuine(judge)
    }
}

/// Beside a digest that is not its own: no request, or what no client asked for.
impl BodyType for Batch {
    fn lost(&self) -> Option<Self> {
        (!self.requests.is_empty()).then(|| Self::of(Vec::new()))
    }

    fn other(&self, _: &Signer, rng: &mut SimRng) -> Option<Self> {
        let requests: Vec<_> = self.requests.iter().map(|request| request.grafted(rng)).collect();
        (!requests.is_empty()).then(|| Self::of(requests))
    }

    fn verifies(&self, judge: &Signer) -> bool {
        Editable::is_genuine(self, judge)
    }
}

byzsim_core::messages! {
    /// A message of PBFT.
    #[derive(Clone, Debug)]
    pub enum Msg {
        /// A client's request; backups forward it to the primary.
        "request" = Request(it: Rc<Signed<Request>>, asked: Asked => fixed)
            seq(it.timestamp) digest(it.digest()),

        /// The primary's proposal, with its batch beside it.
        "pre-prepare" = PrePrepare(
            it: Signed<PrePrepare>,
            batch: Rc<Batch> => it.digest = batch.digest(),
        ) view(it.view) seq(it.seq) digest(it.digest),

        /// A backup's vote.
        "prepare" = Prepare(it: Rc<Signed<Prepare>>) view(it.view) seq(it.seq) digest(it.digest),

        /// A replica's vote.
        "commit" = Commit(it: Rc<Signed<Commit>>) view(it.view) seq(it.seq) digest(it.digest),

        /// An answer.
        "reply" = Reply(it: Signed<Reply>, basis: Basis => fixed) view(it.view) seq(it.timestamp),

        /// A replica's state.
        "checkpoint" = Checkpoint(it: Signed<Checkpoint>) seq(it.seq) digest(it.state),

        /// A replica asks for a view.
        "view-change" = ViewChange(it: Rc<Signed<ViewChange>>) view(it.view),

        /// The primary of a new view opens it.
        "new-view" = NewView(it: Rc<Signed<NewView>>) view(it.view),

        /// A replica says how far it came.
        "status" = Status(it: Status) view(it.view),

        /// A replica lacks the batch of a slot.
        "fetch-batch" = FetchBatch(seq: Seq, digest: Digest) seq(*seq) digest(*digest),

        /// The batch of a slot; its digest speaks for it.
        "batch" = Batch(seq: Seq, batch: Rc<Batch>) seq(*seq) digest(batch.digest()),

        /// A slot is decided, and this is the proof.
        "decided" = Decided(seq: Seq, it: Decision) seq(*seq) digest(it.batch.digest()),

        /// A replica lacks the state of a stable checkpoint, which this is the proof of, or a later
        /// one.
        "fetch-state" = FetchState(proof: Vec<Signed<Checkpoint>>)
            seq(proof.first().map_or(0, |it| it.seq)),

        /// A state, and proof of its digest.
        "state" = State(seq: Seq, state: Rc<Service> => alone, proof: Vec<Signed<Checkpoint>>)
            seq(*seq),
    } lies(lies::LIES, lies::tell)
}

#[cfg(test)]
mod tests {
    use byzsim_core::{Committee, CryptoBackend, crypto::Keyring};

    use super::*;

    fn signer() -> Rc<Signer> {
        let committee = Committee { replicas: 4, faults: 1, clients: 1 };
        Keyring::new(CryptoBackend::Ideal, committee, 7).signer(NodeId::Client(0))
    }

    #[test]
    fn a_certificate_is_encoded_with_all_its_statements() {
        let signer = signer();
        let pre_prepare =
            |view| signer.sign(PrePrepare { view, seq: 1, digest: Digest::default() });
        let prepare = |view| signer.sign(Prepare { view, seq: 1, digest: Digest::default() });
        let certificate = |view, votes: &[View]| PreparedCertificate {
            pre_prepare: pre_prepare(view),
            prepares: votes.iter().map(|view| prepare(*view)).collect::<Vec<_>>().into(),
        };
        let whole = certificate(1, &[1, 1]).sha256();
        for other in [certificate(2, &[1, 1]), certificate(1, &[1]), certificate(1, &[1, 2])] {
            assert_ne!(other.sha256(), whole, "{other:?}");
        }
        assert_eq!(certificate(1, &[1, 1]).forged().sha256(), whole, "signatures are left out");
    }

    #[test]
    fn the_digest_of_a_batch_is_that_of_all_its_requests() {
        let signer = signer();
        let request = |timestamp| {
            let operation = Operation::Get { key: "x".into() };
            Rc::new(signer.sign(Request { timestamp, operation }))
        };
        let digest = |of: &[u64]| Batch::new(of.iter().map(|it| request(*it)).collect()).digest();
        let all = [digest(&[1, 2]), digest(&[2, 1]), digest(&[1]), digest(&[2]), digest(&[])];
        for (place, digest) in all.iter().enumerate() {
            assert!(!all[..place].contains(digest), "the batch of place {place}");
        }
    }
}
