//! The messages of PBFT, and what each of them says.

use std::rc::Rc;

use byzsim_core::field::Edit;
use byzsim_core::{
    Answer, Digest, Encode, Encoder, Field, Kind, Lie, Message, NodeId, Operation, Signed, Signer,
    SimRng, Statement,
};

use super::{fields, lies};
use crate::service::Service;

/// A view number. The primary of view v is replica v mod n.
pub type View = u64;
/// A sequence number: a slot of the order, from 1.
pub type Seq = u64;

/// `Request`: I, the signer, ask for this; it is my `timestamp`-th request.
#[derive(Clone, Debug)]
pub struct Request {
    /// t: strictly increasing per client.
    pub timestamp: u64,
    /// o.
    pub operation: Operation,
}

/// `PrePrepare`: I, the primary of `view`, give slot `seq` to the batch of this digest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PrePrepare {
    /// v.
    pub view: View,
    /// n.
    pub seq: Seq,
    /// d. The batch travels beside the statement, not under the signature.
    pub digest: Digest,
}

/// `Prepare`: I, a backup of `view`, accepted this and no other batch for slot `seq` in `view`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Prepare {
    /// v.
    pub view: View,
    /// n.
    pub seq: Seq,
    /// d.
    pub digest: Digest,
}

/// `Commit`: I know that a quorum prepared this, so no other batch can prepare in this view.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Commit {
    /// v.
    pub view: View,
    /// n.
    pub seq: Seq,
    /// d.
    pub digest: Digest,
}

/// `Reply`: I executed the client's request of this timestamp in its place, and this came out.
#[derive(Clone, Debug)]
pub struct Reply {
    /// v: the view in which I am; the client learns the primary from it.
    pub view: View,
    /// t.
    pub timestamp: u64,
    /// c.
    pub client: NodeId,
    /// r.
    pub answer: Answer,
}

/// `Checkpoint`: after executing slot `seq` my state has this digest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// n.
    pub seq: Seq,
    /// d: of the service's state, the reply cache included.
    pub state: Digest,
}

/// Proof that a batch prepared: 2f backups and the primary stood by it in one view.
#[derive(Clone, Debug)]
pub struct PreparedCertificate {
    /// The primary's statement, without the batch.
    pub pre_prepare: Signed<PrePrepare>,
    /// Matching statements of 2f distinct backups.
    pub prepares: Vec<Signed<Prepare>>,
}

/// `ViewChange`: I left the views below `view`; this is all that I may have helped to commit.
#[derive(Clone, Debug)]
pub struct ViewChange {
    /// v + 1: the view that I ask for.
    pub view: View,
    /// n = h: my last stable checkpoint.
    pub stable: Seq,
    /// C: proof of it; empty for the initial state.
    pub proof: Vec<Signed<Checkpoint>>,
    /// P: for each slot above h that prepared at me, the certificate of the highest view.
    pub prepared: Vec<PreparedCertificate>,
}

/// `NewView`: a quorum asks for `view`; from what they say this order follows.
#[derive(Clone, Debug)]
pub struct NewView {
    /// v + 1.
    pub view: View,
    /// V.
    pub view_changes: Vec<Rc<Signed<ViewChange>>>,
    /// O.
    pub proposals: Vec<Signed<PrePrepare>>,
}

/// `Status`: this is how far I came; send me what I lack. Not of the paper's core: see the
/// module's list of deviations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Status {
    /// The view that I am in.
    pub view: View,
    /// The view that I ask for, if I left mine.
    pub changing: Option<View>,
    /// My last stable checkpoint.
    pub stable: Seq,
    /// The last slot that I executed.
    pub executed: Seq,
}

/// Proof that a slot is decided: a quorum's COMMITs of one view. It holds in every later view, so
/// it brings a replica up to date whatever view it is in. Not of the paper's core: see the module's
/// list of deviations.
#[derive(Clone, Debug)]
pub struct Decision {
    /// Matching statements of 2f + 1 distinct replicas.
    pub commits: Vec<Signed<Commit>>,
    /// What was decided.
    pub batch: Rc<Batch>,
}

/// Requests that share a slot. Made only by [`Batch::new`], so that its digest is always its own.
#[derive(Debug)]
pub struct Batch {
    requests: Vec<Rc<Signed<Request>>>,
    digest: Digest,
}

impl Batch {
    /// The batch of these requests, in this order; of none: the null request, which does nothing.
    pub fn new(requests: Vec<Rc<Signed<Request>>>) -> Rc<Self> {
        let mut out = Encoder::default();
        out.text("pbft/batch").len(requests.len());
        for request in &requests {
            out.digest(&request.digest());
        }
        Rc::new(Self { digest: out.sha256(), requests })
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

/// A message of PBFT.
#[derive(Clone, Debug)]
pub enum Msg {
    /// A client's request; backups forward it to the primary.
    Request(Rc<Signed<Request>>),
    /// The primary's proposal, with its batch beside it.
    PrePrepare(Signed<PrePrepare>, Rc<Batch>),
    /// A backup's vote.
    Prepare(Signed<Prepare>),
    /// A replica's vote.
    Commit(Signed<Commit>),
    /// An answer.
    Reply(Signed<Reply>),
    /// A replica's state.
    Checkpoint(Signed<Checkpoint>),
    /// A replica asks for a view.
    ViewChange(Rc<Signed<ViewChange>>),
    /// The primary of a new view opens it.
    NewView(Rc<Signed<NewView>>),
    /// A replica says how far it came.
    Status(Status),
    /// A replica lacks the batch of a slot.
    FetchBatch(Seq, Digest),
    /// The batch of a slot; its digest speaks for it.
    Batch(Seq, Rc<Batch>),
    /// A slot is decided, and this is the proof.
    Decided(Seq, Decision),
    /// A replica lacks the state after this slot, or a later one.
    FetchState(Seq),
    /// A state, and proof of its digest.
    State(Seq, Rc<Service>, Vec<Signed<Checkpoint>>),
}

impl Message for Msg {
    const KINDS: &'static [&'static str] = &[
        "request",
        "pre-prepare",
        "prepare",
        "commit",
        "reply",
        "checkpoint",
        "view-change",
        "new-view",
        "status",
        "fetch-batch",
        "batch",
        "decided",
        "fetch-state",
        "state",
    ];

    const LIES: &'static [Lie] = lies::LIES;

    const FIELDS: &'static [Field] = fields::FIELDS;

    fn kind(&self) -> Kind {
        Kind(match self {
            Self::Request(_) => 0,
            Self::PrePrepare(..) => 1,
            Self::Prepare(_) => 2,
            Self::Commit(_) => 3,
            Self::Reply(_) => 4,
            Self::Checkpoint(_) => 5,
            Self::ViewChange(_) => 6,
            Self::NewView(_) => 7,
            Self::Status(_) => 8,
            Self::FetchBatch(..) => 9,
            Self::Batch(..) => 10,
            Self::Decided(..) => 11,
            Self::FetchState(_) => 12,
            Self::State(..) => 13,
        })
    }

    fn view(&self) -> Option<u64> {
        match self {
            Self::PrePrepare(it, _) => Some(it.view),
            Self::Prepare(it) => Some(it.view),
            Self::Commit(it) => Some(it.view),
            Self::Reply(it) => Some(it.view),
            Self::ViewChange(it) => Some(it.view),
            Self::NewView(it) => Some(it.view),
            Self::Status(it) => Some(it.view),
            Self::Request(_)
            | Self::Checkpoint(_)
            | Self::FetchBatch(..)
            | Self::Batch(..)
            | Self::Decided(..)
            | Self::FetchState(_)
            | Self::State(..) => None,
        }
    }

    fn seq(&self) -> Option<u64> {
        match self {
            Self::PrePrepare(it, _) => Some(it.seq),
            Self::Prepare(it) => Some(it.seq),
            Self::Commit(it) => Some(it.seq),
            Self::Checkpoint(it) => Some(it.seq),
            Self::FetchBatch(seq, _)
            | Self::Batch(seq, _)
            | Self::Decided(seq, _)
            | Self::FetchState(seq)
            | Self::State(seq, ..) => Some(*seq),
            Self::Request(it) => Some(it.timestamp),
            Self::Reply(it) => Some(it.timestamp),
            Self::ViewChange(_) | Self::NewView(_) | Self::Status(_) => None,
        }
    }

    fn digest(&self) -> Option<Digest> {
        match self {
            Self::Request(it) => Some(it.digest()),
            Self::PrePrepare(it, _) => Some(it.digest),
            Self::Prepare(it) => Some(it.digest),
            Self::Commit(it) => Some(it.digest),
            Self::Checkpoint(it) => Some(it.state),
            Self::FetchBatch(_, digest) => Some(*digest),
            Self::Batch(_, batch) => Some(batch.digest),
            Self::Decided(_, it) => Some(it.batch.digest),
            Self::Reply(_)
            | Self::ViewChange(_)
            | Self::NewView(_)
            | Self::Status(_)
            | Self::FetchState(_)
            | Self::State(..) => None,
        }
    }

    fn tell(&self, lie: &str, signer: &Signer, rng: &mut SimRng) -> Option<Vec<Self>> {
        lies::tell(self, lie, signer, rng)
    }

    fn edited(&self, field: &str, signer: &Signer, edit: &mut Edit<'_>) -> Option<Self> {
        fields::edited(self, field, signer, edit)
    }
}

impl Encode for Msg {
    fn encode(&self, out: &mut Encoder) {
        out.u8(self.kind().0);
        match self {
            Self::Request(it) => out.value(&**it),
            Self::PrePrepare(it, batch) => out.value(it).value(&**batch),
            Self::Prepare(it) => out.value(it),
            Self::Commit(it) => out.value(it),
            Self::Reply(it) => out.value(it),
            Self::Checkpoint(it) => out.value(it),
            Self::ViewChange(it) => out.value(&**it),
            Self::NewView(it) => out.value(&**it),
            Self::Status(it) => out.value(it),
            Self::FetchBatch(seq, digest) => out.u64(*seq).digest(digest),
            Self::Batch(seq, batch) => out.u64(*seq).value(&**batch),
            Self::Decided(seq, it) => out.u64(*seq).list(it.commits.iter()).value(&*it.batch),
            Self::FetchState(seq) => out.u64(*seq),
            Self::State(seq, state, proof) => out.u64(*seq).value(&**state).list(proof.iter()),
        };
    }
}

impl Encode for Batch {
    fn encode(&self, out: &mut Encoder) {
        out.len(self.requests.len());
        for request in &self.requests {
            out.value(&**request);
        }
    }
}

impl Encode for Request {
    fn encode(&self, out: &mut Encoder) {
        out.u64(self.timestamp).value(&self.operation);
    }
}

impl Encode for PrePrepare {
    fn encode(&self, out: &mut Encoder) {
        out.u64(self.view).u64(self.seq).digest(&self.digest);
    }
}

impl Encode for Prepare {
    fn encode(&self, out: &mut Encoder) {
        out.u64(self.view).u64(self.seq).digest(&self.digest);
    }
}

impl Encode for Commit {
    fn encode(&self, out: &mut Encoder) {
        out.u64(self.view).u64(self.seq).digest(&self.digest);
    }
}

impl Encode for Reply {
    fn encode(&self, out: &mut Encoder) {
        out.u64(self.view).u64(self.timestamp).node(self.client).value(&self.answer);
    }
}

impl Encode for Checkpoint {
    fn encode(&self, out: &mut Encoder) {
        out.u64(self.seq).digest(&self.state);
    }
}

impl Encode for PreparedCertificate {
    fn encode(&self, out: &mut Encoder) {
        out.value(&self.pre_prepare).list(self.prepares.iter());
    }
}

impl Encode for ViewChange {
    fn encode(&self, out: &mut Encoder) {
        out.u64(self.view).u64(self.stable).list(self.proof.iter()).list(self.prepared.iter());
    }
}

impl Encode for NewView {
    fn encode(&self, out: &mut Encoder) {
        out.u64(self.view).len(self.view_changes.len());
        for view_change in &self.view_changes {
            out.value(&**view_change);
        }
        out.list(self.proposals.iter());
    }
}

impl Encode for Status {
    fn encode(&self, out: &mut Encoder) {
        let (leaves, goal) = self.changing.map_or((0, 0), |goal| (1, goal));
        out.u64(self.view).u8(leaves).u64(goal).u64(self.stable).u64(self.executed);
    }
}

impl Statement for Request {
    const TAG: &'static str = "pbft/request";
}
impl Statement for PrePrepare {
    const TAG: &'static str = "pbft/pre-prepare";
}
impl Statement for Prepare {
    const TAG: &'static str = "pbft/prepare";
}
impl Statement for Commit {
    const TAG: &'static str = "pbft/commit";
}
impl Statement for Reply {
    const TAG: &'static str = "pbft/reply";
}
impl Statement for Checkpoint {
    const TAG: &'static str = "pbft/checkpoint";
}
impl Statement for ViewChange {
    const TAG: &'static str = "pbft/view-change";
}
impl Statement for NewView {
    const TAG: &'static str = "pbft/new-view";
}
