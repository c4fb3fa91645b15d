//! The canonical bytes of Zyzzyva's messages, and the domain tags of its statements.

use std::rc::Rc;

use byzsim_core::{Encode, Encoder, Message as _, Signed, Statement};

use super::message::{
    Certificate, Certified, Checkpoint, Hate, Link, LocalCommit, Msg, NewView, OrderReq, Ordered,
    Request, SpecResponse, Status, ViewChange, ViewConfirm,
};

impl Encode for Msg {
    fn encode(&self, out: &mut Encoder) {
        out.u8(self.kind().0);
        match self {
            Self::Request(it) => out.value(&**it),
            Self::OrderReq(it, request) => out.value(it).value(&**request),
            Self::SpecResponse(it, answer, order) => {
                out.value(it).list(answer.iter()).list(order.iter())
            }
            Self::Commit(it) => out.list(it.iter()),
            Self::LocalCommit(it) => out.value(it),
            Self::FillHole(view, first, last) => out.u64(*view).u64(*first).u64(*last),
            Self::ConfirmReq(view, request) => out.u64(*view).value(&**request),
            Self::Checkpoint(it) => out.value(it),
            Self::ProofOfMisbehaviour(one, other) => out.value(one).value(other),
            Self::Hate(it) => out.value(it),
            Self::ViewChange(it, _) => out.value(&**it),
            Self::NewView(it) => out.value(&**it),
            Self::ViewConfirm(it) => out.value(it),
            Self::Status(it) => out.value(it),
            Self::StableProof(proof) => out.list(proof.iter()),
            Self::Opened(it, confirms) => out.value(&**it).list(confirms.iter()),
            Self::FetchState(seq) => out.u64(*seq),
            Self::State(seq, state, proof) => out.u64(*seq).value(&**state).list(proof.iter()),
        };
    }
}

impl Encode for Request {
    fn encode(&self, out: &mut Encoder) {
        out.u64(self.timestamp).value(&self.operation);
    }
}

impl Encode for OrderReq {
    fn encode(&self, out: &mut Encoder) {
        out.u64(self.view).u64(self.seq).digest(&self.history).digest(&self.digest);
    }
}

impl Encode for SpecResponse {
    fn encode(&self, out: &mut Encoder) {
        out.u64(self.view).u64(self.seq).digest(&self.history).digest(&self.answer);
        out.node(self.client).u64(self.timestamp);
    }
}

impl Encode for LocalCommit {
    fn encode(&self, out: &mut Encoder) {
        out.u64(self.view).u64(self.seq).digest(&self.digest).digest(&self.history);
        out.node(self.client).u64(self.timestamp);
    }
}

impl Encode for Checkpoint {
    fn encode(&self, out: &mut Encoder) {
        out.u64(self.view).u64(self.seq).digest(&self.history).digest(&self.state);
    }
}

impl Encode for Hate {
    fn encode(&self, out: &mut Encoder) {
        out.u64(self.view);
    }
}

impl Encode for ViewConfirm {
    fn encode(&self, out: &mut Encoder) {
        out.u64(self.view).u64(self.seq).digest(&self.history);
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

impl Encode for ViewChange {
    fn encode(&self, out: &mut Encoder) {
        out.u64(self.view).u64(self.stable).list(self.proof.iter());
        out.list(self.certificate.iter());
        out.u64(self.origin).list(self.history.iter()).list(self.hates.iter());
    }
}

impl Encode for NewView {
    fn encode(&self, out: &mut Encoder) {
        out.u64(self.view).len(self.view_changes.len());
        for view_change in &self.view_changes {
            out.value(&**view_change);
        }
        out.list(self.orders.iter());
    }
}

impl Encode for Status {
    fn encode(&self, out: &mut Encoder) {
        let (leaves, goal) = self.changing.map_or((0, 0), |goal| (1, goal));
        out.u64(self.view).u8(leaves).u64(goal);
        out.u8(u8::from(self.adopted));
        out.u64(self.stable).u64(self.executed).digest(&self.history);
    }
}

impl Statement for Request {
    const TAG: &'static str = "zyzzyva/request";
}
impl Statement for OrderReq {
    const TAG: &'static str = "zyzzyva/order-req";
}
impl Statement for SpecResponse {
    const TAG: &'static str = "zyzzyva/spec-response";
}
impl Statement for LocalCommit {
    const TAG: &'static str = "zyzzyva/local-commit";
}
impl Statement for Checkpoint {
    const TAG: &'static str = "zyzzyva/checkpoint";
}
impl Statement for Hate {
    const TAG: &'static str = "zyzzyva/i-hate-the-primary";
}
impl Statement for ViewChange {
    const TAG: &'static str = "zyzzyva/view-change";
}
impl Statement for NewView {
    const TAG: &'static str = "zyzzyva/new-view";
}
impl Statement for ViewConfirm {
    const TAG: &'static str = "zyzzyva/view-confirm";
}
