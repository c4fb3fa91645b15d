//! What a transcript of Zyzzyva shows: the offences in it, and what the new views rest on.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use byzsim_core::forensics::{Case, Dispute, Held};
use byzsim_core::{Digest, NodeId, Signed};

use super::{Exhibit, Law, new_view_flaw, quorum, rule_of};
use crate::docket::{Docket, Filed, listed};
use crate::zyzzyva::message::{Certificate, Checkpoint, Msg, NewView, ViewChange};

const SPEC_RESPONSE: u8 = 1;
const LOCAL_COMMIT: u8 = 2;
const CHECKPOINT: u8 = 3;
const VIEW_CHANGE: u8 = 4;
const NEW_VIEW: u8 = 5;

impl Filed for Exhibit {
    fn file(&self) -> (u8, u64, u64) {
        match self {
            Self::OrderReq(it) => (0, it.view, it.seq),
            Self::SpecResponse(it) => (SPEC_RESPONSE, it.view, it.seq),
            Self::LocalCommit(it) => (LOCAL_COMMIT, it.view, it.seq),
            Self::Checkpoint(it) => (CHECKPOINT, it.view, it.seq),
            Self::ViewChange(it) => (VIEW_CHANGE, it.view, 0),
            Self::NewView(it) => (NEW_VIEW, it.view, 0),
            Self::ViewConfirm(it) => (6, it.view, 0),
        }
    }

    fn in_words(&self) -> String {
        match self {
            Self::OrderReq(it) => {
                format!("ORDER-REQ v{} s{} {} history {}", it.view, it.seq, it.digest, it.history)
            }
            Self::SpecResponse(it) => {
                format!("SPEC-RESPONSE v{} s{} history {}", it.view, it.seq, it.history)
            }
            Self::LocalCommit(it) => {
                format!("LOCAL-COMMIT v{} s{} history {}", it.view, it.seq, it.history)
            }
            Self::Checkpoint(it) => {
                format!("CHECKPOINT v{} s{} history {}", it.view, it.seq, it.history)
            }
            Self::ViewChange(it) => report_in_words(it),
            Self::NewView(it) => {
                let last = it.orders.last().map(|order| (order.seq, order.history));
                let said = last.map_or_else(
                    || "nothing".to_owned(),
                    |(seq, history)| format!("a history up to s{seq}, {history}"),
                );
                format!("NEW-VIEW v{}, orders {said}", it.view)
            }
            Self::ViewConfirm(it) => {
                format!("VIEW-CONFIRM v{} s{} history {}", it.view, it.seq, it.history)
            }
        }
    }
}

fn report_in_words(it: &ViewChange) -> String {
    let last = it.history.last().map(|last| (last.order.seq, last.order.history));
    let history = last.map_or_else(
        || "no history".to_owned(),
        |(seq, history)| format!("a history of view {} up to s{seq}, {history}", it.origin),
    );
    let claim = it.certificate.as_ref().and_then(|certified| certified.certificate.claim());
    let certificate = claim.map_or_else(
        || "no certificate".to_owned(),
        |claim| format!("a certificate of v{} s{}", claim.view, claim.seq),
    );
    format!("VIEW-CHANGE v{} with {history}, and {certificate}", it.view)
}

/// What the messages of a transcript prove.
pub(in crate::zyzzyva) fn investigate(transcript: &[Held<Msg>], law: Law<'_>) -> Case {
    let mut docket = Docket::default();
    for Held { place, msg } in transcript {
        file(msg, &mut |exhibit| docket.add(exhibit, *place, law));
    }
    let across = [(SPEC_RESPONSE, VIEW_CHANGE), (LOCAL_COMMIT, VIEW_CHANGE)];
    let offences = docket.offences(&across, law);
    let notes = new_views(&docket, law).into_iter().collect();
    Case { offences, dispute: dispute(&docket, law), notes }
}

/// All statements in a message.
fn file(msg: &Msg, keep: &mut impl FnMut(Exhibit)) {
    match msg {
        Msg::OrderReq(it, _) => keep(Exhibit::OrderReq(it.clone())),
        Msg::SpecResponse(it, _, order) => {
            keep(Exhibit::SpecResponse(it.clone()));
            order.iter().for_each(|it| keep(Exhibit::OrderReq(it.clone())));
        }
        Msg::Commit(votes) => {
            votes.iter().for_each(|it| keep(Exhibit::SpecResponse(it.clone())));
        }
        Msg::LocalCommit(it) => keep(Exhibit::LocalCommit(it.clone())),
        Msg::Checkpoint(it) => keep(Exhibit::Checkpoint(it.clone())),
        Msg::ProofOfMisbehaviour(one, other) => {
            [one, other].into_iter().for_each(|it| keep(Exhibit::OrderReq(it.clone())));
        }
        Msg::ViewChange(it, _) => file_view_change(it, keep),
        Msg::NewView(it) => file_new_view(it, keep),
        Msg::ViewConfirm(it) => keep(Exhibit::ViewConfirm(it.clone())),
        Msg::StableProof(proof) | Msg::FetchState(proof) | Msg::State(_, _, proof) => {
            proof.iter().for_each(|it| keep(Exhibit::Checkpoint(it.clone())));
        }
        Msg::Opened(it, confirms) => {
            file_new_view(it, keep);
            confirms.iter().for_each(|it| keep(Exhibit::ViewConfirm(it.clone())));
        }
        // Not signed by replicas, or not at all. A suspicion may be in error.
        Msg::Request(_)
        | Msg::FillHole(..)
        | Msg::ConfirmReq(..)
        | Msg::Hate(_)
        | Msg::Status(_) => {}
    }
}

fn file_new_view(it: &Rc<Signed<NewView>>, keep: &mut impl FnMut(Exhibit)) {
    keep(Exhibit::NewView(Rc::clone(it)));
    it.view_changes.iter().for_each(|report| file_view_change(report, keep));
    it.orders.iter().for_each(|it| keep(Exhibit::OrderReq(it.clone())));
}

fn file_view_change(it: &Rc<Signed<ViewChange>>, keep: &mut impl FnMut(Exhibit)) {
    keep(Exhibit::ViewChange(Rc::clone(it)));
    it.proof.iter().for_each(|it| keep(Exhibit::Checkpoint(it.clone())));
    it.history.iter().for_each(|it| keep(Exhibit::OrderReq(it.order.clone())));
    match it.certificate.as_ref().map(|certified| &certified.certificate) {
        Some(Certificate::Commit(votes)) => {
            votes.iter().for_each(|it| keep(Exhibit::SpecResponse(it.clone())));
        }
        Some(Certificate::Confirm(votes)) => {
            votes.iter().for_each(|it| keep(Exhibit::ViewConfirm(it.clone())));
        }
        None => {}
    }
}

/// Whether the new views kept to the rule that they are opened by. If all did, the rule itself has
/// to answer for what it lost.
fn new_views(docket: &Docket<Exhibit>, law: Law<'_>) -> Option<String> {
    let mut views = BTreeSet::new();
    for exhibit in docket.of_kind(NEW_VIEW) {
        let Exhibit::NewView(it) = exhibit else { continue };
        if new_view_flaw(it, law).is_some() {
            return None;
        }
        views.insert(it.view);
    }
    let rule = rule_of(law.params).name();
    (!views.is_empty()).then(|| {
        let views: Vec<String> = views.iter().map(u64::to_string).collect();
        let opened = match &views[..] {
            [view] => format!("view {view}"),
            _ => format!("each of the views {}", views.join(", ")),
        };
        format!(
            "the history that opened {opened} follows, by the rule `{rule}`, from what was reported"
        )
    })
}

/// The first checkpoint for which two quorums vouched after two histories.
fn dispute(docket: &Docket<Exhibit>, law: Law<'_>) -> Option<Dispute> {
    let mut votes: BTreeMap<(u64, Digest, u64), BTreeSet<NodeId>> = BTreeMap::new();
    for exhibit in docket.of_kind(CHECKPOINT) {
        let Exhibit::Checkpoint(it) = exhibit else { continue };
        let Checkpoint { view, seq, history, .. } = *it.body();
        votes.entry((seq, history, view)).or_default().insert(it.signer());
    }
    votes.retain(|_, signers| quorum(law) <= signers.len());
    let mut proven = votes.iter().peekable();
    while let Some(((seq, one, view), by_one)) = proven.next() {
        let Some(((next, other, later), by_other)) = proven.peek() else { break };
        if next == seq && other != one {
            let (by_one, by_other) = (listed(by_one), listed(*by_other));
            let about = format!(
                "the checkpoint after slot {seq}: {by_one} vouched for the history {one} in view \
                 {view}, {by_other} for {other} in view {later}"
            );
            return Some(Dispute { rule: "R4", about, missing: Vec::new() });
        }
    }
    None
}
