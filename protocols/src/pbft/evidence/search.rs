//! What a transcript of PBFT shows: the offences in it, and where agreement was lost.
//!
//! The search follows "BFT Protocol Forensics" (Sheng, Wang, Nayak, Kannan, Viswanath, CCS 2021):
//! two certificates for one slot have f + 1 signers in common if they are of one view. If not, the
//! first view that was opened without the earlier batch was opened by the word of f + 1 replicas
//! that had committed it.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound::{Excluded, Included};
use std::rc::Rc;

use byzsim_core::forensics::{Case, Dispute, Held, Place};
use byzsim_core::{Digest, NodeId, Signed};

use super::{Exhibit, Expected, Law, new_view_flaw, quorum};
use crate::docket::{Docket, Filed, listed};
use crate::pbft::message::{
    Checkpoint, Commit, Msg, NewView, PrePrepare, Prepare, PreparedCertificate, Seq, View,
    ViewChange,
};

const COMMIT: u8 = 2;
const CHECKPOINT: u8 = 3;
const VIEW_CHANGE: u8 = 4;
const NEW_VIEW: u8 = 5;

impl Filed for Exhibit {
    fn file(&self) -> (u8, u64, u64) {
        match self {
            Self::PrePrepare(it) => (0, it.view, it.seq),
            Self::Prepare(it) => (1, it.view, it.seq),
            Self::Commit(it) => (COMMIT, it.view, it.seq),
            Self::Checkpoint(it) => (CHECKPOINT, 0, it.seq),
            Self::ViewChange(it) => (VIEW_CHANGE, it.view, 0),
            Self::NewView(it) => (NEW_VIEW, it.view, 0),
        }
    }

    fn in_words(&self) -> String {
        match self {
            Self::PrePrepare(it) => {
                let PrePrepare { view, seq, digest } = it.body();
                format!("PRE-PREPARE v{view} s{seq} {digest}")
            }
            Self::Prepare(it) => {
                let Prepare { view, seq, digest } = **it;
                format!("PREPARE v{view} s{seq} {digest}")
            }
            Self::Commit(it) => {
                let Commit { view, seq, digest } = **it;
                format!("COMMIT v{view} s{seq} {digest}")
            }
            Self::Checkpoint(it) => {
                let Checkpoint { seq, state } = it.body();
                format!("CHECKPOINT s{seq} {state}")
            }
            Self::ViewChange(it) => {
                let prepared = it.prepared.iter().map(|it| it.pre_prepare.body());
                let prepared: Vec<String> = prepared
                    .map(|it| format!("s{} {} of v{}", it.seq, it.digest, it.view))
                    .collect();
                let said = if prepared.is_empty() { "nothing".into() } else { prepared.join(", ") };
                format!("VIEW-CHANGE v{} after s{}, prepared: {said}", it.view, it.stable)
            }
            Self::NewView(it) => {
                let proposed = it.proposals.iter().map(|it| format!("s{} {}", it.seq, it.digest));
                let proposed: Vec<String> = proposed.collect();
                let said = if proposed.is_empty() { "nothing".into() } else { proposed.join(", ") };
                format!("NEW-VIEW v{}, proposes {said}", it.view)
            }
        }
    }
}

/// What the messages of a transcript prove.
pub(in crate::pbft) fn investigate(transcript: &[Held<Msg>], law: Law<'_>) -> Case {
    let all = transcript.iter();
    judge(all.flat_map(|held| exhibits(&held.msg).into_iter().map(|it| (it, held.place))), law)
}

/// All statements in a message.
pub(crate) fn exhibits(msg: &Msg) -> Vec<Exhibit> {
    let mut all = Vec::new();
    file(msg, &mut |exhibit| all.push(exhibit));
    all
}

/// What these statements prove.
pub(crate) fn judge(all: impl Iterator<Item = (Exhibit, Place)>, law: Law<'_>) -> Case {
    let mut docket = Docket::default();
    all.for_each(|(exhibit, place)| docket.add(exhibit, place, law));
    let offences = docket.offences(&[(COMMIT, VIEW_CHANGE)], law);
    let dispute = dispute(&docket, law);
    Case { offences, dispute, notes: Vec::new() }
}

fn file(msg: &Msg, keep: &mut impl FnMut(Exhibit)) {
    match msg {
        Msg::PrePrepare(it, _) => keep(Exhibit::PrePrepare(it.clone())),
        Msg::Prepare(it) => keep(Exhibit::Prepare(Signed::clone(it).into())),
        Msg::Commit(it) => keep(Exhibit::Commit(Signed::clone(it).into())),
        Msg::Checkpoint(it) => keep(Exhibit::Checkpoint(it.clone())),
        Msg::ViewChange(it) => file_view_change(it, keep),
        Msg::NewView(it) => {
            keep(Exhibit::NewView(Rc::clone(it)));
            it.view_changes.iter().for_each(|report| file_view_change(report, keep));
            it.proposals.iter().for_each(|it| keep(Exhibit::PrePrepare(it.clone())));
        }
        Msg::Decided(_, it) => {
            it.commits.attested().into_iter().map(Exhibit::Commit).for_each(keep);
        }
        Msg::State(_, _, proof) => {
            proof.iter().for_each(|it| keep(Exhibit::Checkpoint(it.clone())));
        }
        // Not signed by replicas, or not at all. An answer proves nothing without an execution.
        Msg::Request(..)
        | Msg::Reply(..)
        | Msg::Status(_)
        | Msg::FetchBatch(..)
        | Msg::Batch(..)
        | Msg::FetchState(_) => {}
    }
}

fn file_view_change(it: &Rc<Signed<ViewChange>>, keep: &mut impl FnMut(Exhibit)) {
    keep(Exhibit::ViewChange(Rc::clone(it)));
    it.proof.iter().for_each(|it| keep(Exhibit::Checkpoint(it.clone())));
    for PreparedCertificate { pre_prepare, prepares } in &it.prepared {
        keep(Exhibit::PrePrepare(pre_prepare.clone()));
        prepares.attested().into_iter().map(Exhibit::Prepare).for_each(&mut *keep);
    }
}

/// A quorum's COMMITs.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Committed {
    view: View,
    digest: Digest,
    signers: BTreeSet<NodeId>,
}

/// The first slot for which two quorums committed two batches; or else the first checkpoint for
/// which two quorums vouched for two states.
fn dispute(docket: &Docket<Exhibit>, law: Law<'_>) -> Option<Dispute> {
    let mut votes: BTreeMap<(Seq, Digest, View), BTreeSet<NodeId>> = BTreeMap::new();
    for exhibit in docket.of_kind(COMMIT) {
        let Exhibit::Commit(it) = exhibit else { continue };
        votes.entry((it.seq, it.digest, it.view)).or_default().insert(it.signer());
    }
    let mut by_slot: BTreeMap<Seq, Vec<Committed>> = BTreeMap::new();
    for ((seq, digest, view), signers) in votes {
        let known = by_slot.entry(seq).or_default();
        // Of each batch the first view.
        if quorum(law) <= signers.len() && known.iter().all(|it| it.digest != digest) {
            known.push(Committed { view, digest, signers });
        }
    }
    let disputed = by_slot.into_iter().find(|(_, known)| 1 < known.len());
    let Some((seq, mut known)) = disputed else { return disputed_checkpoint(docket, law) };
    known.sort_unstable();
    Some(between(&known[0], &known[1], seq, docket, law))
}

/// How two batches came to be committed for one slot.
fn between(
    one: &Committed,
    other: &Committed,
    seq: Seq,
    docket: &Docket<Exhibit>,
    law: Law<'_>,
) -> Dispute {
    let by = |it: &Committed| {
        format!("{} committed {} in view {}", listed(&it.signers), it.digest, it.view)
    };
    let about = |how: &str| format!("slot {seq}: {}, {}: {how}", by(one), by(other));
    if one.view == other.view {
        let about = about("who is in both committed both");
        return Dispute { rule: "R1", about, missing: Vec::new() };
    }
    let mut opened: BTreeMap<View, Vec<&Signed<NewView>>> = BTreeMap::new();
    for exhibit in docket.of_kind(NEW_VIEW) {
        if let Exhibit::NewView(it) = exhibit {
            opened.entry(it.view).or_default().push(it);
        }
    }
    let between = (Excluded(one.view), Included(other.view));
    for (view, new_view) in
        opened.range(between).flat_map(|(view, all)| all.iter().map(move |it| (view, it)))
    {
        let reports = new_view.view_changes.iter().map(|it| it.body());
        let expected = Expected::from(reports);
        let (rule, how) = if new_view_flaw(new_view, law).is_some() {
            let primary = new_view.signer();
            ("R3", format!("{primary} opened view {view} with what does not follow"))
        } else if seq <= expected.stable {
            ("R4", format!("view {view} starts from a checkpoint that covers the slot"))
        } else if expected.at(seq) != Some(one.digest) {
            let reporters: BTreeSet<_> =
                new_view.view_changes.iter().map(|it| it.signer()).collect();
            let liars = listed(one.signers.intersection(&reporters));
            ("R2", format!("view {view} was opened without it, by the word of {liars} too"))
        } else {
            continue;
        };
        return Dispute { rule, about: about(&how), missing: missing(&opened, one.view, *view) };
    }
    let missing = missing(&opened, one.view, other.view);
    Dispute { rule: "R2", about: about("no view between them shows how"), missing }
}

/// The NEW-VIEWs that are not in the transcript, of the views after `from` and up to `to`.
fn missing(opened: &BTreeMap<View, Vec<&Signed<NewView>>>, from: View, to: View) -> Vec<String> {
    /// More would tell a reader nothing.
    const NAMED_MAX: usize = 8;
    let views = (from.saturating_add(1)..=to).filter(|view| !opened.contains_key(view));
    views.take(NAMED_MAX).map(|view| format!("the NEW-VIEW of view {view}")).collect()
}

fn disputed_checkpoint(docket: &Docket<Exhibit>, law: Law<'_>) -> Option<Dispute> {
    let mut votes: BTreeMap<Seq, BTreeMap<Digest, BTreeSet<NodeId>>> = BTreeMap::new();
    for exhibit in docket.of_kind(CHECKPOINT) {
        let Exhibit::Checkpoint(it) = exhibit else { continue };
        votes.entry(it.seq).or_default().entry(it.state).or_default().insert(it.signer());
    }
    votes.into_iter().find_map(|(seq, states)| {
        let mut proven = states.iter().filter(|(_, signers)| quorum(law) <= signers.len());
        let ((one, by_one), (other, by_other)) = (proven.next()?, proven.next()?);
        let (by_one, by_other) = (listed(by_one), listed(by_other));
        let about = format!(
            "the checkpoint after slot {seq}: {by_one} vouched for {one}, {by_other} for {other}: \
             who is in both vouched for both"
        );
        Some(Dispute { rule: "R4", about, missing: Vec::new() })
    })
}
