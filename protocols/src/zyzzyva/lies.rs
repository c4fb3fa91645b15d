//! The lies that a corrupted node can tell in Zyzzyva: the one place that knows which parts of its
//! messages are worth lying about. Generic code chooses who lies, when, and to whom.
//!
//! All signatures in a lie are genuine, unless the lie is about signatures: a VIEW-CHANGE that
//! shows an old certificate or an old history shows what its sender once had ([`Past`]).

use std::rc::Rc;

use byzsim_core::body::BodyType;
use byzsim_core::editable::Editable;
use byzsim_core::field::{Entry, Inventive};
use byzsim_core::{Digest, Encode, Lie, NodeId, Signed, Signer, SimRng};

use super::message::{
    Certificate, Certified, Checkpoint, GENESIS, Hate, Link, Msg, OrderReq, Ordered, Past,
    SpecResponse, ViewChange, chain, null_digest,
};
use super::state::State;

pub(super) const LIES: &[Lie] = &[
    Lie {
        name: "order-as-first",
        kind: "order-req",
        about: "the primary orders the request as the first one of the history",
    },
    Lie {
        name: "wrong-order-history",
        kind: "order-req",
        about: "the ORDER-REQ names a history that does not exist",
    },
    Lie {
        name: "wrong-answer",
        kind: "spec-response",
        about: "the SPEC-RESPONSE carries an invented answer",
    },
    Lie {
        name: "wrong-history",
        kind: "spec-response",
        about: "the SPEC-RESPONSE names a history that does not exist",
    },
    Lie {
        name: "garbage-certificate",
        kind: "commit",
        about: "the client deposits a certificate with forged signatures, for another history",
    },
    Lie {
        name: "one-signer-certificate",
        kind: "commit",
        about: "the client deposits a certificate that repeats one replica's response",
    },
    Lie {
        name: "wrong-state",
        kind: "checkpoint",
        about: "the CHECKPOINT carries a digest that belongs to no state",
    },
    Lie {
        name: "deny-history",
        kind: "view-change",
        about: "the VIEW-CHANGE reports no order and no certificate",
    },
    Lie {
        name: "hide-certificate",
        kind: "view-change",
        about: "the VIEW-CHANGE reports no certificate",
    },
    Lie {
        name: "old-history",
        kind: "view-change",
        about: "the VIEW-CHANGE reports the first history that its sender ever had, and no \
                certificate",
    },
    Lie {
        name: "show-certificate",
        kind: "view-change",
        about: "the VIEW-CHANGE reports the longest client's certificate that its sender ever had, \
                and the history of that time",
    },
    Lie {
        name: "last-as-first",
        kind: "view-change",
        about: "the VIEW-CHANGE of the primary reports its last order as its only one, and no \
                certificate",
    },
    Lie {
        name: "null-first",
        kind: "view-change",
        about: "the VIEW-CHANGE of the primary reports its history with the null request in place \
                of the first, and no certificate",
    },
    Lie {
        name: "forge-certificate",
        kind: "view-change",
        about: "the VIEW-CHANGE reports the last order as the only one, with a forged certificate",
    },
    Lie {
        name: "empty-new-view",
        kind: "new-view",
        about: "the NEW-VIEW starts with no history, whatever its VIEW-CHANGEs demand",
    },
    Lie {
        name: "slander",
        kind: "view-confirm",
        about: "with its VIEW-CONFIRM, the replica accuses the primary that it confirms",
    },
    Lie {
        name: "next-view",
        kind: "view-confirm",
        about: "with its VIEW-CONFIRM, the replica asks for the next view without accusations",
    },
];

pub(super) fn tell(msg: &Msg, lie: &str, signer: &Signer, rng: &mut SimRng) -> Option<Vec<Msg>> {
    let me = signer.node();
    match (lie, msg) {
        ("order-as-first", Msg::OrderReq(it, request)) if it.signer() == me => {
            let (seq, history) = (1, chain(GENESIS, it.digest));
            let order = OrderReq { seq, history, ..*it.body() };
            Some(vec![Msg::OrderReq(signer.sign(order), Rc::clone(request))])
        }
        ("wrong-order-history", Msg::OrderReq(it, request)) if it.signer() == me => {
            let order = OrderReq { history: Digest(rng.key()), ..*it.body() };
            Some(vec![Msg::OrderReq(signer.sign(order), Rc::clone(request))])
        }
        ("wrong-answer", Msg::SpecResponse(it, Some(answer), order)) => {
            let wrong = answer.invented(rng);
            let response = SpecResponse { answer: wrong.sha256(), ..*it.body() };
            Some(vec![Msg::SpecResponse(signer.sign(response), Some(wrong), order.clone())])
        }
        ("wrong-history", Msg::SpecResponse(it, answer, _)) => {
            let response = SpecResponse { history: Digest(rng.key()), ..*it.body() };
            Some(vec![Msg::SpecResponse(signer.sign(response), answer.clone(), None)])
        }
        ("garbage-certificate", Msg::Commit(votes)) => {
            let history = Digest(rng.key());
            let forge = |vote: &Signed<SpecResponse>| {
                Signed::forged(SpecResponse { history, ..*vote.body() }, vote.signer())
            };
            Some(vec![Msg::Commit(Rc::new(votes.iter().map(forge).collect()))])
        }
        ("one-signer-certificate", Msg::Commit(votes)) => {
            let one = votes.first()?;
            Some(vec![Msg::Commit(Rc::new(vec![one.clone(); votes.len()]))])
        }
        ("wrong-state", Msg::Checkpoint(it)) if it.signer() == me => {
            let checkpoint = Checkpoint { state: Digest(rng.key()), ..*it.body() };
            Some(vec![Msg::Checkpoint(signer.sign(checkpoint))])
        }
        (_, Msg::ViewChange(it, past)) if it.signer() == me => {
            let report = lying_report(lie, it, past, signer)?;
            Some(vec![Msg::ViewChange(Rc::new(signer.sign(report)), past.clone())])
        }
        ("empty-new-view", Msg::NewView(it)) if it.signer() == me => {
            let new_view = super::message::NewView { orders: Vec::new(), ..it.body().clone() };
            Some(vec![Msg::NewView(Rc::new(signer.sign(new_view)))])
        }
        ("slander", Msg::ViewConfirm(it)) if it.signer() == me => {
            Some(vec![msg.clone(), Msg::Hate(signer.sign(Hate { view: it.view }))])
        }
        ("next-view", Msg::ViewConfirm(it)) if it.signer() == me => {
            let view_change = ViewChange {
                view: it.view.saturating_add(1),
                stable: 0,
                proof: Vec::new(),
                certificate: None,
                origin: it.view,
                history: Vec::new(),
                hates: Vec::new(),
            };
            let view_change = Msg::ViewChange(Rc::new(signer.sign(view_change)), Past::default());
            Some(vec![msg.clone(), view_change])
        }
        _ => None,
    }
}

/// What a VIEW-CHANGE reports instead of the truth.
fn lying_report(lie: &str, it: &ViewChange, past: &Past, signer: &Signer) -> Option<ViewChange> {
    let empty = ViewChange { certificate: None, history: Vec::new(), ..it.clone() };
    match lie {
        "deny-history" => Some(empty),
        "hide-certificate" => Some(ViewChange { certificate: None, ..it.clone() }),
        "old-history" => {
            let had = |old: &&Rc<Signed<ViewChange>>| !old.history.is_empty();
            let old = past.0.iter().find(had)?;
            let (stable, proof) = (old.stable, old.proof.clone());
            let (origin, history) = (old.origin, old.history.clone());
            Some(ViewChange { stable, proof, origin, history, ..empty })
        }
        "show-certificate" => {
            let longest = past.0.iter().filter_map(|old| Some((client_claim(old)?, old)));
            let (_, old) = longest.max_by_key(|(seq, old)| (*seq, u64::MAX - old.view))?;
            let (stable, proof) = (old.stable, old.proof.clone());
            let (certificate, origin) = (old.certificate.clone(), old.origin);
            let history = old.history.clone();
            Some(ViewChange { stable, proof, certificate, origin, history, ..empty })
        }
        "last-as-first" => Some(ViewChange { history: vec![last_as_first(it, signer)?], ..empty }),
        "null-first" => Some(ViewChange { history: null_first(it, signer)?, ..empty }),
        "forge-certificate" => {
            let only = last_as_first(it, signer)?;
            let client = only.request.as_ref()?.signer();
            let timestamp = only.request.as_ref()?.timestamp;
            let OrderReq { view, seq, history, .. } = *only.order.body();
            let answer = Digest::default();
            let body = SpecResponse { view, seq, history, answer, client, timestamp };
            // Enough for every quorum; the names are of no weight.
            let votes = (0..128).map(|i| Signed::forged(body, NodeId::Replica(i))).collect();
            let certificate = Certificate::Commit(Rc::new(votes));
            let certificate = Some(Certified { certificate, path: vec![only.link()] });
            Some(ViewChange { certificate, history: vec![only], ..empty })
        }
        _ => None,
    }
}

/// The length of the client's certificate that a VIEW-CHANGE reported.
fn client_claim(it: &ViewChange) -> Option<u64> {
    let certified = it.certificate.as_ref()?;
    match &certified.certificate {
        Certificate::Commit(votes) => votes.first().map(|vote| vote.seq),
        Certificate::Confirm(_) => None,
    }
}

/// The sender's last order, as the first of a history; if the sender gave the order.
fn last_as_first(it: &ViewChange, signer: &Signer) -> Option<Ordered> {
    let last = it.history.last()?;
    if it.stable != 0 || last.order.signer() != signer.node() {
        return None;
    }
    let (seq, history) = (1, chain(GENESIS, last.order.digest));
    let order = signer.sign(OrderReq { seq, history, ..*last.order.body() });
    Some(Ordered { order, request: last.request.clone() })
}

/// The sender's history, with the null request in place of the first; if the sender gave the
/// orders.
fn null_first(it: &ViewChange, signer: &Signer) -> Option<Vec<Ordered>> {
    let first = it.history.first()?;
    if first.order.signer() != signer.node() {
        return None;
    }
    let mut last = it.proof.first().map_or(GENESIS, |checkpoint| checkpoint.history);
    let null = Ordered {
        order: signer.sign(OrderReq { digest: null_digest(), ..*first.order.body() }),
        request: None,
    };
    let others = it.history.iter().skip(1).cloned();
    let orders = std::iter::once(null).chain(others).map(|ordered| {
        last = chain(last, ordered.order.digest);
        let order = signer.sign(OrderReq { history: last, ..*ordered.order.body() });
        Ordered { order, request: ordered.request }
    });
    Some(orders.collect())
}

/// In place of a VIEW-CHANGE: one of a replica that knows of nothing; if it did not, of one that is
/// ahead.
impl Inventive for ViewChange {
    fn invented(&self, rng: &mut SimRng) -> Self {
        match self.certificate.is_none() && self.history.is_empty() {
            false => Self { certificate: None, history: Vec::new(), ..self.clone() },
            true => Self { stable: self.stable.invented(rng), ..self.clone() },
        }
    }
}

impl Entry for Ordered {
    fn forged(&self) -> Self {
        Self { order: self.order.forged(), request: self.request.clone() }
    }

    /// The null request in its place, in a history of its own.
    fn invented(&self, signer: &Signer, _: &mut SimRng) -> Self {
        let digest = null_digest();
        let history = chain(self.order.history, digest);
        let order = OrderReq { digest, history, ..*self.order.body() };
        Self { order: signer.sign_as(order, self.order.signer()), request: None }
    }

    /// The same slot of a history that does not exist, under the signature for the one that does.
    fn grafted(&self, rng: &mut SimRng) -> Self {
        Self { order: self.order.grafted(rng), request: self.request.clone() }
    }

    fn adopted(&self, signer: &Signer) -> Self {
        Self { order: self.order.adopted(signer), request: self.request.clone() }
    }

    fn is_genuine(&self, judge: &Signer) -> bool {
        Editable::is_genuine(&self.order, judge) && Editable::is_genuine(&self.request, judge)
    }

    const BODIES: Option<&'static str> = Some("requests");

    fn without_body(&self) -> Option<Self> {
        Some(Self { order: self.order.clone(), request: None })
    }

    fn with_other_body(&self, signer: &Signer, rng: &mut SimRng) -> Option<Self> {
        let request = self.request.other(signer, rng)?;
        Some(Self { order: self.order.clone(), request })
    }
}

/// The digest stays: it is what the certificate's history follows from.
impl Entry for Link {
    fn forged(&self) -> Self {
        Self { digest: self.digest, request: self.request.as_ref().map(Entry::forged) }
    }

    /// Another request beside the digest.
    fn invented(&self, signer: &Signer, rng: &mut SimRng) -> Self {
        let request = self.request.as_ref().map(|request| request.invented(signer, rng));
        Self { digest: self.digest, request }
    }

    fn grafted(&self, rng: &mut SimRng) -> Self {
        let request = self.request.as_ref().map(|request| request.grafted(rng));
        Self { digest: self.digest, request }
    }

    fn adopted(&self, signer: &Signer) -> Self {
        let request = self.request.as_ref().map(|request| request.adopted(signer));
        Self { digest: self.digest, request }
    }

    fn is_genuine(&self, judge: &Signer) -> bool {
        Editable::is_genuine(&self.request, judge)
    }
}

/// In place of a state: one in which a client wrote what nobody writes, or the first one.
impl BodyType for State {
    fn lost(&self) -> Option<Self> {
        (self.digest() != Self::default().digest()).then(Self::default)
    }

    fn other(&self, signer: &Signer, rng: &mut SimRng) -> Option<Self> {
        let service = BodyType::other(&self.service, signer, rng)?;
        Some(Self { service, ..self.clone() })
    }

    fn verifies(&self, _: &Signer) -> bool {
        true
    }
}
