//! The messages of Zyzzyva, and what each of them says.

use std::fmt;
use std::rc::Rc;

use byzsim_core::field::Edit;
use byzsim_core::{
    Answer, Digest, Encode, Encoder, Field, Kind, Lie, Message, NodeId, Operation, Signed, Signer,
    SimRng,
};

use super::state::State;
use super::{fields, lies};

/// A view number. The primary of view v is replica v mod n.
pub type View = u64;
/// A sequence number: a slot of the history, from 1.
pub type Seq = u64;

/// `Request`: I, the signer, ask for this; it is my `timestamp`-th request.
#[derive(Clone, Debug)]
pub struct Request {
    /// t: strictly increasing per client.
    pub timestamp: u64,
    /// o.
    pub operation: Operation,
}

/// `OrderReq`: I, the primary of `view`, give slot `seq` to this request, after a history whose
/// digest then becomes `history`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OrderReq {
    /// v.
    pub view: View,
    /// n.
    pub seq: Seq,
    /// `h_n` = H(`h_{n-1}`, d): what makes a statement about one slot one about all before it.
    pub history: Digest,
    /// d. The request travels beside the statement.
    pub digest: Digest,
}

/// `SpecResponse`: I executed the history up to slot `seq` of this digest, in `view`, and its last
/// request, the client's of this timestamp, gave an answer of this digest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SpecResponse {
    /// v.
    pub view: View,
    /// n.
    pub seq: Seq,
    /// `h_n`.
    pub history: Digest,
    /// H(r). The answer travels beside the statement.
    pub answer: Digest,
    /// c.
    pub client: NodeId,
    /// t.
    pub timestamp: u64,
}

/// `LocalCommit`: in `view` I hold this history, and a certificate that covers it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LocalCommit {
    /// v: my view.
    pub view: View,
    /// n.
    pub seq: Seq,
    /// d.
    pub digest: Digest,
    /// `h_n`.
    pub history: Digest,
    /// c.
    pub client: NodeId,
    /// t.
    pub timestamp: u64,
}

/// `Checkpoint`: in `view` I hold a certificate that covers slot `seq`; the history up to it has
/// this digest, and leads to a state of that digest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// The view in which I say so. Not in the paper: see the module's list of deviations.
    pub view: View,
    /// n.
    pub seq: Seq,
    /// `h_n`.
    pub history: Digest,
    /// a: of the state, the reply cache included.
    pub state: Digest,
}

/// `Hate`, I-HATE-THE-PRIMARY: I suspect the primary of `view`. I keep working in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hate {
    /// v.
    pub view: View,
}

/// `ViewConfirm`: I adopted the history that the NEW-VIEW of `view` leads to: so many slots, of
/// this digest. I say so once in a view.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ViewConfirm {
    /// v.
    pub view: View,
    /// n: the length of the history.
    pub seq: Seq,
    /// h: its digest.
    pub history: Digest,
}

/// An ORDER-REQ with its request; none for the null request.
#[derive(Clone, Debug)]
pub struct Ordered {
    /// The primary's statement.
    pub order: Signed<OrderReq>,
    /// What it orders.
    pub request: Option<Rc<Signed<Request>>>,
}

/// What a slot holds, whoever ordered it: the request's digest, and the request.
#[derive(Clone, Debug)]
pub struct Link {
    /// d.
    pub digest: Digest,
    /// The request; none for the null request.
    pub request: Option<Rc<Signed<Request>>>,
}

/// A quorum's word on a history, in one view.
#[derive(Clone, Debug)]
pub enum Certificate {
    /// CC: matching SPEC-RESPONSEs of 2f + 1 distinct replicas.
    Commit(Rc<Vec<Signed<SpecResponse>>>),
    /// Matching VIEW-CONFIRMs of 2f + 1 distinct replicas.
    Confirm(Rc<Vec<Signed<ViewConfirm>>>),
}

/// What a certificate certifies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Claim {
    /// v.
    pub view: View,
    /// n.
    pub seq: Seq,
    /// `h_n`.
    pub history: Digest,
}

/// A certificate, with the requests that lead from the sender's stable checkpoint to it.
#[derive(Clone, Debug)]
pub struct Certified {
    /// The quorum's word.
    pub certificate: Certificate,
    /// What the slots from the stable checkpoint to n hold. It proves itself: the chain of digests
    /// ends in h.
    pub path: Vec<Link>,
}

/// `ViewChange`: I left the views below `view`; this is all that I may have helped to complete.
#[derive(Clone, Debug)]
pub struct ViewChange {
    /// v + 1: the view that I ask for.
    pub view: View,
    /// My last stable checkpoint.
    pub stable: Seq,
    /// Proof of it; empty for the initial state.
    pub proof: Vec<Signed<Checkpoint>>,
    /// CC: which certificate a replica reports is up to the rule of the view change.
    pub certificate: Option<Certified>,
    /// The view in which I last adopted or extended my history: all my ORDER-REQs are of it.
    pub origin: View,
    /// O: my history after the stable checkpoint.
    pub history: Vec<Ordered>,
    /// f + 1 replicas suspect the primary of the view before.
    pub hates: Vec<Signed<Hate>>,
}

/// `NewView`: a quorum asks for `view`; from what they say this history follows.
#[derive(Clone, Debug)]
pub struct NewView {
    /// v + 1.
    pub view: View,
    /// P.
    pub view_changes: Vec<Rc<Signed<ViewChange>>>,
    /// G: ordered again, in this view.
    pub orders: Vec<Signed<OrderReq>>,
}

/// What a replica said in the view changes before. It is no part of any message: it has no bytes
/// and no handler reads it. A corrupted sender finds in it what it can lie with.
#[derive(Clone, Default)]
pub struct Past(pub Rc<Vec<Rc<Signed<ViewChange>>>>);

impl fmt::Debug for Past {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        Ok(())
    }
}

/// `Status`: this is how far I came; send me what I lack. Not of the paper: see the module's list
/// of deviations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Status {
    /// The view that I am in.
    pub view: View,
    /// The view that I ask for, if I left mine.
    pub changing: Option<View>,
    /// Whether I adopted the history of that view.
    pub adopted: bool,
    /// My last stable checkpoint.
    pub stable: Seq,
    /// The last slot that I executed.
    pub executed: Seq,
    /// The digest of my history up to there.
    pub history: Digest,
}

/// h of the empty history.
pub const GENESIS: Digest = Digest([0; 32]);

/// `h_n` = H(`h_{n-1}`, d).
pub fn chain(history: Digest, digest: Digest) -> Digest {
    let mut out = Encoder::default();
    out.text("zyzzyva/history").digest(&history).digest(&digest);
    out.sha256()
}

/// d of the null request.
pub fn null_digest() -> Digest {
    let mut out = Encoder::default();
    out.text("zyzzyva/null");
    out.sha256()
}

/// H(r); of none, for a slot that answers nobody.
pub fn answer_digest(answer: Option<&Answer>) -> Digest {
    answer.map_or(Digest([0; 32]), Encode::sha256)
}

impl Certificate {
    /// What it claims; none if it is empty. Whether it proves so is for the reader to verify.
    pub fn claim(&self) -> Option<Claim> {
        match self {
            Self::Commit(votes) => votes.first().map(|vote| Claim {
                view: vote.view,
                seq: vote.seq,
                history: vote.history,
            }),
            Self::Confirm(votes) => votes.first().map(|vote| Claim {
                view: vote.view,
                seq: vote.seq,
                history: vote.history,
            }),
        }
    }
}

impl Ordered {
    /// What the slot holds, whoever ordered it.
    pub fn link(&self) -> Link {
        Link { digest: self.order.digest, request: self.request.clone() }
    }
}

impl Link {
    /// Whether the digest is the request's.
    pub fn is_whole(&self) -> bool {
        let own = self.request.as_ref().map_or_else(null_digest, |request| request.digest());
        own == self.digest
    }
}

/// All messages.
#[derive(Clone, Debug)]
pub enum Msg {
    /// A client's request; also sent to all when it is retransmitted.
    Request(Rc<Signed<Request>>),
    /// The primary's order, with its request beside it.
    OrderReq(Signed<OrderReq>, Rc<Signed<Request>>),
    /// A replica's speculative answer; beside it the answer, and the order that it rests on.
    SpecResponse(Signed<SpecResponse>, Option<Answer>, Option<Signed<OrderReq>>),
    /// A client's commit certificate.
    Commit(Rc<Vec<Signed<SpecResponse>>>),
    /// A replica holds a certificate for the client's request.
    LocalCommit(Signed<LocalCommit>),
    /// A replica lacks the orders of the slots from the first to the one before the last.
    FillHole(View, Seq, Seq),
    /// A backup heard of a request from its client, and of no order for it.
    ConfirmReq(View, Rc<Signed<Request>>),
    /// A replica's state.
    Checkpoint(Signed<Checkpoint>),
    /// POM: two orders of one primary that contradict each other.
    ProofOfMisbehaviour(Signed<OrderReq>, Signed<OrderReq>),
    /// A replica suspects the primary.
    Hate(Signed<Hate>),
    /// A replica asks for a view.
    ViewChange(Rc<Signed<ViewChange>>, Past),
    /// The primary of a new view opens it.
    NewView(Rc<Signed<NewView>>),
    /// A replica adopted the history of a new view.
    ViewConfirm(Signed<ViewConfirm>),
    /// A replica says how far it came.
    Status(Status),
    /// A replica lacks the state after this slot, or a later one.
    FetchState(Seq),
    /// A checkpoint is stable, and this is the proof: for a replica that fell behind. As single
    /// CHECKPOINTs they would not do: of a signer that says different things to different replicas
    /// each keeps the one that it heard first.
    StableProof(Vec<Signed<Checkpoint>>),
    /// A state, and proof of its digest.
    State(Seq, Rc<State>, Vec<Signed<Checkpoint>>),
    /// The NEW-VIEW that opened its view, and the proof: for a replica that did not get in. As
    /// single VIEW-CONFIRMs they would not do: a signer that confirms different histories to
    /// different replicas would keep out for ever those to whom it said something else.
    Opened(Rc<Signed<NewView>>, Rc<Vec<Signed<ViewConfirm>>>),
}

impl Message for Msg {
    const KINDS: &'static [&'static str] = &[
        "request",
        "order-req",
        "spec-response",
        "commit",
        "local-commit",
        "fill-hole",
        "confirm-req",
        "checkpoint",
        "proof-of-misbehaviour",
        "i-hate-the-primary",
        "view-change",
        "new-view",
        "view-confirm",
        "status",
        "stable-proof",
        "fetch-state",
        "state",
        "opened",
    ];

    const LIES: &'static [Lie] = lies::LIES;

    const FIELDS: &'static [Field] = fields::FIELDS;

    fn kind(&self) -> Kind {
        Kind(match self {
            Self::Request(_) => 0,
            Self::OrderReq(..) => 1,
            Self::SpecResponse(..) => 2,
            Self::Commit(_) => 3,
            Self::LocalCommit(_) => 4,
            Self::FillHole(..) => 5,
            Self::ConfirmReq(..) => 6,
            Self::Checkpoint(_) => 7,
            Self::ProofOfMisbehaviour(..) => 8,
            Self::Hate(_) => 9,
            Self::ViewChange(..) => 10,
            Self::NewView(_) => 11,
            Self::ViewConfirm(_) => 12,
            Self::Status(_) => 13,
            Self::StableProof(_) => 14,
            Self::FetchState(_) => 15,
            Self::State(..) => 16,
            Self::Opened(..) => 17,
        })
    }

    fn view(&self) -> Option<u64> {
        match self {
            Self::OrderReq(it, _) | Self::ProofOfMisbehaviour(it, _) => Some(it.view),
            Self::SpecResponse(it, ..) => Some(it.view),
            Self::Commit(it) => it.first().map(|vote| vote.view),
            Self::LocalCommit(it) => Some(it.view),
            Self::FillHole(view, ..) | Self::ConfirmReq(view, _) => Some(*view),
            Self::Checkpoint(it) => Some(it.view),
            Self::Hate(it) => Some(it.view),
            Self::ViewChange(it, _) => Some(it.view),
            Self::NewView(it) | Self::Opened(it, _) => Some(it.view),
            Self::ViewConfirm(it) => Some(it.view),
            Self::Status(it) => Some(it.view),
            Self::Request(_) | Self::StableProof(_) | Self::FetchState(_) | Self::State(..) => None,
        }
    }

    fn seq(&self) -> Option<u64> {
        match self {
            Self::Request(it) | Self::ConfirmReq(_, it) => Some(it.timestamp),
            Self::OrderReq(it, _) | Self::ProofOfMisbehaviour(it, _) => Some(it.seq),
            Self::SpecResponse(it, ..) => Some(it.seq),
            Self::Commit(it) => it.first().map(|vote| vote.seq),
            Self::LocalCommit(it) => Some(it.seq),
            Self::Checkpoint(it) => Some(it.seq),
            Self::StableProof(it) => it.first().map(|checkpoint| checkpoint.seq),
            Self::ViewConfirm(it) => Some(it.seq),
            Self::FillHole(_, seq, _) | Self::FetchState(seq) | Self::State(seq, ..) => Some(*seq),
            Self::Hate(_)
            | Self::ViewChange(..)
            | Self::NewView(_)
            | Self::Status(_)
            | Self::Opened(..) => None,
        }
    }

    fn digest(&self) -> Option<Digest> {
        match self {
            Self::Request(it) | Self::ConfirmReq(_, it) => Some(it.digest()),
            Self::OrderReq(it, _) => Some(it.digest),
            Self::SpecResponse(it, ..) => Some(it.history),
            Self::Commit(it) => it.first().map(|vote| vote.history),
            Self::LocalCommit(it) => Some(it.history),
            Self::Checkpoint(it) => Some(it.state),
            Self::StableProof(it) => it.first().map(|checkpoint| checkpoint.state),
            Self::ViewConfirm(it) => Some(it.history),
            Self::FillHole(..)
            | Self::ProofOfMisbehaviour(..)
            | Self::Hate(_)
            | Self::ViewChange(..)
            | Self::NewView(_)
            | Self::Status(_)
            | Self::FetchState(_)
            | Self::State(..)
            | Self::Opened(..) => None,
        }
    }

    fn tell(&self, lie: &str, signer: &Signer, rng: &mut SimRng) -> Option<Vec<Self>> {
        lies::tell(self, lie, signer, rng)
    }

    fn edited(&self, field: &str, signer: &Signer, edit: &mut Edit<'_>) -> Option<Self> {
        fields::edited(self, field, signer, edit)
    }
}
