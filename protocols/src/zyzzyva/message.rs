//! The messages of Zyzzyva, and what each of them says. [`byzsim_core::declare`] explains the form
//! of the declarations.

use std::fmt;
use std::rc::Rc;

use byzsim_core::editable::{Editable, FieldEdit, FieldList};
use byzsim_core::{Answer, Digest, Encode, Encoder, NodeId, Operation, Signed, Signer, Sort};

use super::lies;
use super::state::State;

/// A view number. The primary of view v is replica v mod n.
pub type View = u64;
/// A sequence number: a slot of the history, from 1.
pub type Seq = u64;

byzsim_core::statements! {
    /// `Request`: I, the signer, ask for this; it is my `timestamp`-th request.
    #[derive(Clone, Debug)]
    pub struct Request = "zyzzyva/request" {
        /// t: strictly increasing per client.
        timestamp: u64,
        /// o.
        operation: Operation,
    } invents operation

    /// `OrderReq`: I, the primary of `view`, give slot `seq` to this request, after a history whose
    /// digest then becomes `history`.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct OrderReq = "zyzzyva/order-req" {
        /// v.
        view: View,
        /// n.
        seq: Seq,
        /// `h_n` = H(`h_{n-1}`, d): what makes a statement about one slot one about all before it.
        history: Digest,
        /// d. The request travels beside the statement.
        digest: Digest,
    } invents history

    /// `SpecResponse`: I executed the history up to slot `seq` of this digest, in `view`, and its
    /// last request, the client's of this timestamp, gave an answer of this digest.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct SpecResponse = "zyzzyva/spec-response" {
        /// v.
        view: View,
        /// n.
        seq: Seq,
        /// `h_n`.
        history: Digest,
        /// H(r). The answer travels beside the statement.
        answer: Digest => digest_of(Answer),
        /// c.
        client: NodeId,
        /// t.
        timestamp: u64,
    } invents history

    /// `LocalCommit`: in `view` I hold this history, and a certificate that covers it.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct LocalCommit = "zyzzyva/local-commit" {
        /// v: my view.
        view: View,
        /// n.
        seq: Seq,
        /// d.
        digest: Digest,
        /// `h_n`.
        history: Digest,
        /// c.
        client: NodeId,
        /// t.
        timestamp: u64,
    }

    /// `Checkpoint`: in `view` I hold a certificate that covers slot `seq`; the history up to it
    /// has this digest, and leads to a state of that digest.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct Checkpoint = "zyzzyva/checkpoint" {
        /// The view in which I say so. Not in the paper: see the module's list of deviations.
        view: View,
        /// n.
        seq: Seq,
        /// `h_n`.
        history: Digest,
        /// a: of the state, the reply cache included.
        state: Digest,
    } invents state

    /// `Hate`, I-HATE-THE-PRIMARY: I suspect the primary of `view`. I keep working in it.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct Hate = "zyzzyva/i-hate-the-primary" {
        /// v.
        view: View,
    } invents view

    /// `ViewConfirm`: I adopted the history that the NEW-VIEW of `view` leads to: so many slots, of
    /// this digest. I say so once in a view.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct ViewConfirm = "zyzzyva/view-confirm" {
        /// v.
        view: View,
        /// n: the length of the history.
        seq: Seq,
        /// h: its digest.
        history: Digest,
    } invents history
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

byzsim_core::statements! {
    /// `ViewChange`: I left the views below `view`; this is all that I may have helped to complete.
    #[derive(Clone, Debug)]
    pub struct ViewChange = "zyzzyva/view-change" {
        /// v + 1: the view that I ask for.
        view: View,
        /// My last stable checkpoint.
        stable: Seq,
        /// Proof of it; empty for the initial state.
        proof: Vec<Signed<Checkpoint>>,
        /// CC: which certificate a replica reports is up to the rule of the view change.
        certificate: Option<Certified>,
        /// The view in which I last adopted or extended my history: all my ORDER-REQs are of it.
        origin: View,
        /// O: my history after the stable checkpoint.
        history: Vec<Ordered>,
        /// f + 1 replicas suspect the primary of the view before.
        hates: Vec<Signed<Hate>>,
    }

    /// `NewView`: a quorum asks for `view`; from what they say this history follows.
    #[derive(Clone, Debug)]
    pub struct NewView = "zyzzyva/new-view" {
        /// v + 1.
        view: View,
        /// P.
        view_changes as "view-changes": Vec<Rc<Signed<ViewChange>>>,
        /// G: ordered again, in this view.
        orders: Vec<Signed<OrderReq>>,
    }

    /// `Status`: this is how far I came; send me what I lack. Not of the paper: see the module's
    /// list of deviations.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct Status {
        /// The view that I am in.
        view: View,
        /// The view that I ask for, if I left mine.
        changing: Option<View> => fixed,
        /// Whether I adopted the history of that view.
        adopted: bool => fixed,
        /// My last stable checkpoint.
        stable: Seq,
        /// The last slot that I executed.
        executed: Seq,
        /// The digest of my history up to there.
        history: Digest,
    }
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

impl Encode for Past {
    fn encode(&self, _: &mut Encoder) {}
}

/// h of the empty history.
pub const GENESIS: Digest = Digest([0; 32]);

/// `h_n` = H(`h_{n-1}`, d).
pub fn chain(history: Digest, digest: Digest) -> Digest {
    Encoder::digest_of(|out| _ = out.text("zyzzyva/history").digest(&history).digest(&digest))
}

/// d of the null request.
pub fn null_digest() -> Digest {
    Encoder::digest_of(|out| _ = out.text("zyzzyva/null"))
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

impl Encode for Ordered {
    fn encode(&self, out: &mut Encoder) {
        out.value(&self.order);
        encode_request(self.request.as_ref(), out);
    }
}

impl Encode for Link {
    fn encode(&self, out: &mut Encoder) {
        out.digest(&self.digest);
        encode_request(self.request.as_ref(), out);
    }
}

fn encode_request(request: Option<&Rc<Signed<Request>>>, out: &mut Encoder) {
    match request {
        None => out.u8(0),
        Some(request) => out.u8(1).value(&**request),
    };
}

impl Encode for Certified {
    fn encode(&self, out: &mut Encoder) {
        match &self.certificate {
            Certificate::Commit(votes) => out.u8(0).list(votes.iter()),
            Certificate::Confirm(votes) => out.u8(1).list(votes.iter()),
        };
        out.list(self.path.iter());
    }
}

/// The votes of the certificate can be changed, and what leads to it; without votes there is no
/// certificate.
impl Editable for Certified {
    const FIELDS: FieldList =
        FieldList::one(Sort::Entries).and("path", FieldList::one(Sort::Entries));

    fn edit(&mut self, name: &str, edit: &mut FieldEdit<'_>) -> bool {
        let changed = match &mut self.certificate {
            Certificate::Commit(votes) => votes.edit(name, edit),
            Certificate::Confirm(votes) => votes.edit(name, edit),
        };
        changed || self.path.edit("path", edit)
    }

    fn is_genuine(&self, judge: &Signer) -> bool {
        let votes = match &self.certificate {
            Certificate::Commit(votes) => votes.is_genuine(judge),
            Certificate::Confirm(votes) => votes.is_genuine(judge),
        };
        votes && Editable::is_genuine(&self.path, judge)
    }

    fn is_void(&self) -> bool {
        self.certificate.claim().is_none()
    }
}

byzsim_core::messages! {
    /// A message of Zyzzyva.
    #[derive(Clone, Debug)]
    pub enum Msg {
        /// A client's request; also sent to all when it is retransmitted.
        "request" = Request(it: Rc<Signed<Request>>) seq(it.timestamp) digest(it.digest()),

        /// The primary's order, with its request beside it.
        "order-req" = OrderReq(it: Signed<OrderReq>, request: Rc<Signed<Request>> => alone)
            view(it.view) seq(it.seq) digest(it.digest),

        /// A replica's speculative answer; beside it the answer, and the order that it rests on.
        /// Beside a response that contradicts the order, the order would only betray a liar.
        "spec-response" = SpecResponse(
            it: Signed<SpecResponse> => { *order = None; },
            answer: Option<Answer> => it.answer = answer_digest(answer.as_ref()),
            order: Option<Signed<OrderReq>> => alone,
        ) view(it.view) seq(it.seq) digest(it.history),

        /// A client's commit certificate.
        "commit" = Commit(votes: Rc<Vec<Signed<SpecResponse>>>)
            view(votes.first()?.view) seq(votes.first()?.seq) digest(votes.first()?.history),

        /// A replica holds a certificate for the client's request.
        "local-commit" = LocalCommit(it: Signed<LocalCommit>)
            view(it.view) seq(it.seq) digest(it.history),

        /// A replica lacks the orders of the slots from the first to the one before the last.
        "fill-hole" = FillHole(view: View, from: Seq, to: Seq) view(*view) seq(*from),

        /// A backup heard of a request from its client, and of no order for it.
        "confirm-req" = ConfirmReq(view: View, request: Rc<Signed<Request>> => alone)
            view(*view) seq(request.timestamp) digest(request.digest()),

        /// A replica's state.
        "checkpoint" = Checkpoint(it: Signed<Checkpoint>)
            view(it.view) seq(it.seq) digest(it.state),

        /// POM: two orders of one primary that contradict each other.
        "proof-of-misbehaviour" = ProofOfMisbehaviour(
            one: Signed<OrderReq> => alone,
            other: Signed<OrderReq> => alone,
        ) view(one.view) seq(one.seq),

        /// A replica suspects the primary.
        "i-hate-the-primary" = Hate(it: Signed<Hate>) view(it.view),

        /// A replica asks for a view.
        "view-change" = ViewChange(it: Rc<Signed<ViewChange>>, past: Past => fixed) view(it.view),

        /// The primary of a new view opens it.
        "new-view" = NewView(it: Rc<Signed<NewView>>) view(it.view),

        /// A replica adopted the history of a new view.
        "view-confirm" = ViewConfirm(it: Signed<ViewConfirm>)
            view(it.view) seq(it.seq) digest(it.history),

        /// A replica says how far it came.
        "status" = Status(it: Status) view(it.view),

        /// A checkpoint is stable, and this is the proof: for a replica that fell behind. As single
        /// CHECKPOINTs they would not do: of a signer that says different things to different
        /// replicas each keeps the one that it heard first.
        "stable-proof" = StableProof(proof: Vec<Signed<Checkpoint>>)
            seq(proof.first()?.seq) digest(proof.first()?.state),

        /// A replica lacks the state of a stable checkpoint, which this is the proof of, or a later
        /// one.
        "fetch-state" = FetchState(proof: Vec<Signed<Checkpoint>>) seq(proof.first()?.seq),

        /// A state, and proof of its digest.
        "state" = State(seq: Seq, state: Rc<State> => alone, proof: Vec<Signed<Checkpoint>>)
            seq(*seq),

        /// The NEW-VIEW that opened its view, and the proof: for a replica that did not get in. As
        /// single VIEW-CONFIRMs they would not do: a signer that confirms different histories to
        /// different replicas would keep out for ever those to whom it said something else.
        "opened" = Opened(
            it: Rc<Signed<NewView>>,
            confirms: Rc<Vec<Signed<ViewConfirm>>>,
        ) view(it.view),
    } lies(lies::LIES, lies::tell)
}
