//! What signed statements of Zyzzyva prove against their signer, judged with public keys alone.
//!
//! A judge must not repeat a mistake of those whom it judges: nothing here calls a handler, a rule,
//! or the selection of a history, which [`choice`] computes a second time. Only the types of the
//! statements are shared, the way in which digests chain, and which rule of the view change the
//! parameters and planted flaws put in force.
//!
//! What convicts is what a signature covers. The signatures *inside* a VIEW-CHANGE or NEW-VIEW are
//! not covered by the one around it, and whoever relays it can replace them by garbage.
//!
//! The numbers of the offences are those of the project's notes on forensics; the published work on
//! accountability does not treat Zyzzyva. An offence stands here only if no correct replica commits
//! it, whatever rule of the view change it follows and however many others are faulty. That is why
//! two SPEC-RESPONSEs of one view with different histories (Z2) convict nobody: a replica that is
//! shown a stable checkpoint of another history than its own, as an equivocating primary can bring
//! about, takes the state over and answers from it, in the same view. A primary to
//! which that happens orders nothing more in its view, so Z1 convicts it of nothing.

mod choice;
pub(super) mod search;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::rc::Rc;

use byzsim_core::{Evidence, NodeId, Signed};

use super::Params;
use super::message::{
    Checkpoint, LocalCommit, NewView, OrderReq, SpecResponse, View, ViewChange, ViewConfirm,
    null_digest,
};
use super::rules::rule_of;
use super::selection::ViewChangeRule;
use crate::judgement::{AnySigned, Exhibited, Found};

/// What evidence is judged by.
pub(super) type Law<'a> = byzsim_core::Law<'a, Params>;

/// A signed statement that can prove its signer guilty, alone or beside another.
#[derive(Clone, Debug)]
pub enum Exhibit {
    /// An ORDER-REQ.
    OrderReq(Signed<OrderReq>),
    /// A SPEC-RESPONSE.
    SpecResponse(Signed<SpecResponse>),
    /// A LOCAL-COMMIT.
    LocalCommit(Signed<LocalCommit>),
    /// A CHECKPOINT.
    Checkpoint(Signed<Checkpoint>),
    /// A VIEW-CHANGE.
    ViewChange(Rc<Signed<ViewChange>>),
    /// A NEW-VIEW.
    NewView(Rc<Signed<NewView>>),
    /// A VIEW-CONFIRM.
    ViewConfirm(Signed<ViewConfirm>),
}

impl Exhibited for Exhibit {
    type Params = Params;

    fn statement(&self) -> &dyn AnySigned {
        match self {
            Self::OrderReq(it) => it,
            Self::SpecResponse(it) => it,
            Self::LocalCommit(it) => it,
            Self::Checkpoint(it) => it,
            Self::ViewChange(it) => &**it,
            Self::NewView(it) => &**it,
            Self::ViewConfirm(it) => it,
        }
    }

    fn rule(exhibits: &[Self], law: Law<'_>) -> Found {
        match exhibits {
            [Self::NewView(it)] => new_view_flaw(it, law),
            [one, other] => together(one, other, law),
            _ => None,
        }
    }
}

/// Evidence that consists of these statements.
pub fn evidence(exhibits: impl Into<Vec<Exhibit>>) -> Evidence {
    Evidence::new::<Vec<Exhibit>>(exhibits.into())
}

/// What no correct replica says both of.
fn together(one: &Exhibit, other: &Exhibit, law: Law<'_>) -> Found {
    match (one, other) {
        (Exhibit::OrderReq(one), Exhibit::OrderReq(other)) => orders_twice(one, other),
        (Exhibit::SpecResponse(response), Exhibit::ViewChange(it)) => denies_history(it, response)
            .then_some(("Z3", "answered from a history, and later reported that it had none")),
        (Exhibit::LocalCommit(commit), Exhibit::ViewChange(it)) => {
            denies_certificate(it, commit, law)
                .then_some(("Z4", "said that it holds a certificate, and later reported none"))
        }
        (Exhibit::ViewConfirm(one), Exhibit::ViewConfirm(other)) => (one.view == other.view
            && one.body() != other.body())
        .then_some(("Z6", "confirmed two histories in one view")),
        (Exhibit::Checkpoint(one), Exhibit::Checkpoint(other)) => {
            // What is said of the first checkpoint rests on nothing that is stable, so nothing
            // makes a replica take it back within a view.
            let same = (one.view, one.seq) == (other.view, other.seq);
            let is_first = one.seq == law.params.checkpoint_interval;
            (same && is_first && one.body() != other.body())
                .then_some(("Z8", "vouched for two states after one slot of one view"))
        }
        // One for each view: what is sent again is the stored one.
        (Exhibit::ViewChange(one), Exhibit::ViewChange(other)) => (one.view == other.view
            && one.digest() != other.digest())
        .then_some(("Z7", "reported two different things to one new view")),
        _ => None,
    }
}

/// A primary gives a slot to one request, and a request one slot; null requests fill any number.
fn orders_twice(one: &OrderReq, other: &OrderReq) -> Found {
    if one.view != other.view {
        return None;
    }
    if one.seq == other.seq {
        return (one != other).then_some(("Z1", "ordered two things for one slot of one view"));
    }
    (one.digest == other.digest && one.digest != null_digest())
        .then_some(("Z1", "ordered one request for two slots of one view"))
}

/// SPEC-RESPONSE says "in view v my history has this digest at n". From then on a replica's history
/// is of view v or a later one; and in view v it only grows, until a checkpoint is stable.
fn denies_history(it: &ViewChange, response: &SpecResponse) -> bool {
    let SpecResponse { view, seq, history, .. } = *response;
    if it.view <= view || it.stable != 0 {
        return false;
    }
    let reported = || it.history.iter().map(|ordered| (ordered.order.seq, ordered.order.history));
    it.origin < view || it.origin == view && !reported().any(|slot| slot == (seq, history))
}

/// LOCAL-COMMIT says "in view v a certificate that I hold covers n". Under the rules that rest
/// LOCAL-COMMITs on certificates of the current view a replica reports that one, or one of a
/// greater view and length. The others give a certificate up in ways of their own.
fn denies_certificate(it: &ViewChange, commit: &LocalCommit, law: Law<'_>) -> bool {
    if it.view <= commit.view || it.stable != 0 {
        return false;
    }
    let claim = it.certificate.as_ref().and_then(|certified| certified.certificate.claim());
    match rule_of(law.params) {
        ViewChangeRule::Fixed
        | ViewChangeRule::CcByView
        | ViewChangeRule::FPlus1First
        | ViewChangeRule::NotStrict => {
            claim.is_none_or(|claim| (claim.view, claim.seq) < (commit.view, commit.seq))
        }
        // Given up when a new view brings another history.
        ViewChangeRule::Original => {
            it.origin <= commit.view && claim.is_none_or(|claim| claim.seq < commit.seq)
        }
        // A long one is given up for a short one of a later view.
        ViewChangeRule::LatestClientCertificateOnly => claim.is_none(),
    }
}

/// What is wrong with a NEW-VIEW, if its signer's own words show it.
fn new_view_flaw(it: &Signed<NewView>, law: Law<'_>) -> Found {
    let flaw = |about| Some(("Z5", about));
    if it.signer() != primary(it.view, law) {
        return flaw("opened a view whose primary it was not");
    }
    let reporters: BTreeSet<NodeId> = it.view_changes.iter().map(|it| it.signer()).collect();
    let enough = quorum(law);
    let fits = |report: &Rc<Signed<ViewChange>>| {
        let of_replica = !report.signer().is_client() && law.committee.contains(report.signer());
        of_replica && report.view == it.view
    };
    if reporters.len() != enough
        || it.view_changes.len() != enough
        || !it.view_changes.iter().all(fits)
    {
        return flaw("opened a view without a quorum that asks for it");
    }
    let mut reports: Vec<_> = it.view_changes.iter().collect();
    reports.sort_by_key(|report| report.signer());
    let reports: Vec<_> = reports.into_iter().map(|report| report.body()).collect();
    let expected = choice::orders(it.view, &reports, law);
    let is_own = it.orders.iter().all(|order| order.signer() == it.signer());
    let follows = is_own && it.orders.iter().map(|order| order.body()).eq(expected.iter());
    if follows {
        return None;
    }
    flaw("opened a view with a history that does not follow from its VIEW-CHANGEs")
}

/// The primary of view v is replica v mod n.
fn primary(view: View, law: Law<'_>) -> NodeId {
    let number = view % u64::from(law.committee.replicas);
    NodeId::Replica(u16::try_from(number).unwrap_or(u16::MAX))
}

/// The least number of replicas of which any two sets share more than f.
fn quorum(law: Law<'_>) -> usize {
    (usize::from(law.committee.replicas) + usize::from(law.committee.faults)) / 2 + 1
}
