//! What signed statements of PBFT prove against their signer, judged with public keys alone.
//!
//! A judge must not repeat a mistake of those whom it judges: nothing here calls a handler, a rule,
//! or the computation of O, and what a NEW-VIEW should propose is computed a second time. Only the
//! types of the statements are shared.
//!
//! What convicts is what a signature covers. The signatures *inside* a VIEW-CHANGE or NEW-VIEW are
//! not covered by the one around it, and whoever relays it can replace them by garbage. So a
//! certificate with a bad signature proves nothing against the replica that sends it, while one
//! that its signer's own words make impossible, such as one with a vote of the primary, does.
//!
//! The numbers of the offences are those of the project's notes on forensics. None of them is in
//! the paper on PBFT; see `docs/accountability.md` for where they come from. What they rest on, in
//! the replicas' code, stands at each.

pub(crate) mod search;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use byzsim_core::{Attested, Committee, Digest, Evidence, NodeId, Signed, Statement};

use super::Params;
use super::message::{
    Batch, Checkpoint, Commit, NewView, PrePrepare, Prepare, PreparedCertificate, Seq, View,
    ViewChange,
};
use crate::judgement::{AnySigned, Exhibited, Found};

/// What evidence is judged by.
pub(super) type Law<'a> = byzsim_core::Law<'a, Params>;

/// A signed statement that can prove its signer guilty, alone or beside another.
#[derive(Clone, Debug)]
pub enum Exhibit {
    /// A PRE-PREPARE.
    PrePrepare(Signed<PrePrepare>),
    /// A PREPARE.
    Prepare(Attested<Prepare>),
    /// A COMMIT.
    Commit(Attested<Commit>),
    /// A CHECKPOINT.
    Checkpoint(Signed<Checkpoint>),
    /// A VIEW-CHANGE.
    ViewChange(Rc<Signed<ViewChange>>),
    /// A NEW-VIEW.
    NewView(Rc<Signed<NewView>>),
}

impl Exhibited for Exhibit {
    type Params = Params;

    fn statement(&self) -> &dyn AnySigned {
        match self {
            Self::PrePrepare(it) => it,
            Self::Prepare(it) => it,
            Self::Commit(it) => it,
            Self::Checkpoint(it) => it,
            Self::ViewChange(it) => &**it,
            Self::NewView(it) => &**it,
        }
    }

    fn rule(exhibits: &[Self], law: Law<'_>) -> Found {
        match exhibits {
            [one] => alone(one, law),
            [one, other] => together(one, other),
            _ => None,
        }
    }
}

/// Evidence that consists of these statements.
pub fn evidence(exhibits: impl Into<Vec<Exhibit>>) -> Evidence {
    Evidence::new::<Vec<Exhibit>>(exhibits.into())
}

/// What no correct replica says.
fn alone(exhibit: &Exhibit, law: Law<'_>) -> Found {
    match exhibit {
        // §4.2: the primary's proposal is its vote.
        Exhibit::Prepare(it) => (it.signer() == primary(law.committee, it.view))
            .then_some(("E4", "voted as a backup in the view whose primary it was")),
        Exhibit::NewView(it) => {
            let found = new_view_flaw(it, law)?;
            Some(("E7", found))
        }
        Exhibit::ViewChange(it) => (!is_well_formed(it, law))
            .then_some(("E9", "reported, in a VIEW-CHANGE, what proves nothing")),
        Exhibit::PrePrepare(_) | Exhibit::Commit(_) | Exhibit::Checkpoint(_) => None,
    }
}

/// What no correct replica says both of.
fn together(one: &Exhibit, other: &Exhibit) -> Found {
    match (one, other) {
        // §4.2: a primary numbers on, and a number that it gave away stays so (`next_seq`).
        (Exhibit::PrePrepare(one), Exhibit::PrePrepare(other)) => {
            let same = (one.view, one.seq) == (other.view, other.seq);
            (same && one.digest != other.digest)
                .then_some(("E1", "proposed two batches for one slot of one view"))
        }
        // §4.2: a replica accepts one proposal for (v, n), and logs it before it votes.
        (Exhibit::Prepare(one), Exhibit::Prepare(other)) => {
            let same = (one.view, one.seq) == (other.view, other.seq);
            (same && one.digest != other.digest)
                .then_some(("E2", "voted for two batches for one slot of one view"))
        }
        (Exhibit::Commit(one), Exhibit::Commit(other)) => {
            let same = (one.view, one.seq) == (other.view, other.seq);
            (same && one.digest != other.digest)
                .then_some(("E3", "committed two batches for one slot of one view"))
        }
        (Exhibit::Commit(commit), Exhibit::ViewChange(it))
        | (Exhibit::ViewChange(it), Exhibit::Commit(commit)) => denies(it, commit)
            .then_some(("E5", "committed a batch, and later reported that it was not prepared")),
        // One for each view: what is sent again is the stored one.
        (Exhibit::ViewChange(one), Exhibit::ViewChange(other)) => (one.view == other.view
            && one.digest() != other.digest())
        .then_some(("E6", "reported two different things to one new view")),
        (Exhibit::NewView(one), Exhibit::NewView(other)) => (one.view == other.view
            && one.digest() != other.digest())
        .then_some(("E7", "opened one view twice")),
        // §4.3: a slot is executed once, and leads to one state.
        (Exhibit::Checkpoint(one), Exhibit::Checkpoint(other)) => (one.seq == other.seq
            && one.state != other.state)
            .then_some(("E8", "vouched for two states after one slot")),
        _ => None,
    }
}

/// §4.4: COMMIT says "this prepared at me in view v". From then on a replica's VIEW-CHANGEs carry
/// the certificate, or one of a later view, until a stable checkpoint covers the slot.
fn denies(it: &ViewChange, commit: &Commit) -> bool {
    let Commit { view, seq, digest } = *commit;
    let carries = |certificate: &PreparedCertificate| {
        let prepared = certificate.pre_prepare.body();
        let is_later = view < prepared.view;
        let is_same = (prepared.view, prepared.digest) == (view, digest);
        prepared.seq == seq && (is_later || is_same)
    };
    view < it.view && it.stable < seq && !it.prepared.iter().any(carries)
}

/// What is wrong with a NEW-VIEW, if its signer's own words show it.
pub(super) fn new_view_flaw(it: &Signed<NewView>, law: Law<'_>) -> Option<&'static str> {
    if it.signer() != primary(law.committee, it.view) {
        return Some("opened a view whose primary it was not");
    }
    let reports: BTreeMap<NodeId, &Signed<ViewChange>> =
        it.view_changes.iter().map(|report| (report.signer(), &**report)).collect();
    let enough = quorum(law);
    let fits = |report: &&Signed<ViewChange>| report.view == it.view && is_well_formed(report, law);
    if it.view_changes.len() != enough || reports.len() != enough || !reports.values().all(fits) {
        return Some("opened a view without a quorum that asks for it");
    }
    let expected = Expected::from(reports.values().map(|it| it.body()));
    let is_own = |proposal: &Signed<PrePrepare>| {
        proposal.signer() == it.signer() && proposal.view == it.view
    };
    let follows = it.proposals.iter().all(is_own)
        && expected.is(it.proposals.iter().map(|proposal| (proposal.seq, proposal.digest)));
    (!follows).then_some("opened a view with proposals that do not follow from its VIEW-CHANGEs")
}

/// What a new view must propose.
pub(super) struct Expected {
    /// The last slot that needs nothing: the latest stable checkpoint.
    pub(super) stable: Seq,
    /// The last slot that needs a proposal.
    last: Seq,
    /// What prepared, by slot: of the certificates of the highest view the smallest digest.
    prepared: BTreeMap<Seq, (View, Digest)>,
}

impl Expected {
    /// §4.4, from the reports of a quorum.
    pub(super) fn from<'a>(reports: impl Iterator<Item = &'a ViewChange>) -> Self {
        let reports: Vec<_> = reports.collect();
        let stable = reports.iter().fold(0, |stable, report| report.stable.max(stable));
        let mut prepared = BTreeMap::new();
        for certificate in reports.iter().flat_map(|report| &report.prepared) {
            let PrePrepare { view, seq, digest } = *certificate.pre_prepare.body();
            let (highest, chosen) = prepared.entry(seq).or_insert((view, digest));
            if *highest < view {
                (*highest, *chosen) = (view, digest);
            } else if *highest == view {
                *chosen = digest.min(*chosen);
            }
        }
        prepared.retain(|seq, _| stable < *seq);
        let last = prepared.keys().next_back().map_or(stable, |seq| *seq);
        Self { stable, last, prepared }
    }

    /// What slot `seq` must be proposed, if it must be at all.
    pub(super) fn at(&self, seq: Seq) -> Option<Digest> {
        let in_need = self.stable < seq && seq <= self.last;
        let prepared = self.prepared.get(&seq).map(|(_, digest)| *digest);
        in_need.then(|| prepared.unwrap_or_else(Batch::null_digest))
    }

    /// Whether these proposals are it, in order.
    fn is(&self, proposals: impl ExactSizeIterator<Item = (Seq, Digest)>) -> bool {
        proposals.len() as u64 == self.last - self.stable
            && (self.stable + 1..)
                .zip(proposals)
                .all(|(seq, it)| it.0 == seq && Some(it.1) == self.at(seq))
    }
}

/// Whether what a VIEW-CHANGE carries can prove what it says, if the signatures inside verify.
pub(super) fn is_well_formed(it: &Signed<ViewChange>, law: Law<'_>) -> bool {
    let mut last = it.stable;
    let ascends = |certificate: &PreparedCertificate| {
        let PrePrepare { view, seq, .. } = *certificate.pre_prepare.body();
        let ascends = last < seq && seq - it.stable <= law.params.window && view < it.view;
        last = seq;
        ascends
    };
    is_replica(it.signer(), law)
        && proves_checkpoint(it.stable, &it.proof, law)
        && it.prepared.iter().all(ascends)
        && it.prepared.iter().all(|certificate| is_certificate(certificate, law))
}

fn proves_checkpoint(seq: Seq, proof: &[Signed<Checkpoint>], law: Law<'_>) -> bool {
    let Some(first) = proof.first() else { return seq == 0 };
    let said = Checkpoint { seq, state: first.state };
    voters(proof, law) == Some(quorum(law)) && proof.iter().all(|vote| *vote.body() == said)
}

/// §4.2: the primary and 2f backups stand by one batch.
fn is_certificate(it: &PreparedCertificate, law: Law<'_>) -> bool {
    let PrePrepare { view, seq, digest } = *it.pre_prepare.body();
    let leader = primary(law.committee, view);
    let said = Prepare { view, seq, digest };
    let stands_by = |vote: &Prepare, voter: NodeId| *vote == said && voter != leader;
    it.pre_prepare.signer() == leader
        && distinct(&it.prepares.signers(), law) == Some(quorum(law) - 1)
        && it.prepares.all(stands_by)
}

/// How many voted; none if somebody did twice, or is no replica.
fn voters<T: Statement>(votes: &[Signed<T>], law: Law<'_>) -> Option<usize> {
    let voters: Vec<NodeId> = votes.iter().map(Signed::signer).collect();
    distinct(&voters, law)
}

/// How many these are; none if somebody is named twice, or is no replica.
fn distinct(names: &[NodeId], law: Law<'_>) -> Option<usize> {
    let voters: BTreeSet<NodeId> = names.iter().copied().collect();
    let sound = voters.len() == names.len() && voters.iter().all(|it| is_replica(*it, law));
    sound.then_some(voters.len())
}

fn is_replica(node: NodeId, law: Law<'_>) -> bool {
    !node.is_client() && law.committee.contains(node)
}

/// §4: the primary of view v is replica v mod n.
fn primary(committee: Committee, view: View) -> NodeId {
    let number = view % u64::from(committee.replicas);
    NodeId::Replica(u16::try_from(number).unwrap_or(u16::MAX))
}

/// The least number of replicas of which any two sets share more than f; what the scenario says, if
/// it says so.
pub(super) fn quorum(law: Law<'_>) -> usize {
    let (n, f) = (usize::from(law.committee.replicas), usize::from(law.committee.faults));
    law.params.quorum.map_or((n + f) / 2 + 1, usize::from)
}
