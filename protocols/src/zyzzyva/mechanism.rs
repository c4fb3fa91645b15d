//! How a run lost what a client completed: which NEW-VIEW did it, and by which evidence.
//!
//! That a completed operation was lost says little: the published view change loses them in more
//! than one way, and so do its repairs. This recorder follows a run that lost one, from the
//! messages that are sent and from what correct nodes observe. It finds the first NEW-VIEW that a
//! correct replica adopted without the completed history, and the slot from which on the two
//! differ. What its reports say of that slot, and what their senders said before, tells the
//! mechanism. It shares no code with [`super::selection`].

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use byzsim_core::{Committee, Digest, NodeId, Observation, Recorder, Signed, Time, TraceEvent};

use super::message::{Certificate, Claim, GENESIS, Msg, NewView, Seq, View, ViewChange, chain};
use crate::catalogue::{Diagnosis, Loss};

/// A completion with its place.
#[derive(Clone, Copy, Debug)]
struct Completion {
    client: NodeId,
    timestamp: u64,
    view: View,
    seq: Seq,
    history: Digest,
}

/// What is noted of a run.
#[derive(Debug)]
pub(super) struct Mechanism {
    /// f + 1.
    weak: usize,
    corrupted: BTreeSet<NodeId>,
    completions: Vec<Completion>,
    /// Of each correct replica: the history after each slot.
    histories: BTreeMap<NodeId, BTreeMap<Seq, Digest>>,
    /// Of each history that a correct replica ever had: its length, and the history before its last
    /// slot.
    before: BTreeMap<Digest, (Seq, Digest)>,
    /// Of each correct replica: what it had a certificate for, by its own signed word.
    certified: BTreeMap<NodeId, Vec<Claim>>,
    /// The NEW-VIEWs that were sent, by view and digest.
    new_views: BTreeMap<(View, Digest), Rc<Signed<NewView>>>,
    /// What correct replicas adopted: the view, the length and the history.
    adopted: BTreeSet<(View, Seq, Digest)>,
}

/// What a report says of the slot in question.
struct Said<'a> {
    report: &'a Signed<ViewChange>,
    /// The history up to the slot, by its own orders.
    history: Option<Digest>,
    /// The request's digest, by its own orders.
    digest: Option<Digest>,
    /// The claim of its certificate, if that reaches the slot, and the history up to the slot.
    certified: Option<(Claim, Digest)>,
}

impl Mechanism {
    pub(super) fn new(committee: Committee, corrupted: &[NodeId]) -> Self {
        Self {
            weak: usize::from(committee.faults) + 1,
            corrupted: corrupted.iter().copied().collect(),
            completions: Vec::new(),
            histories: BTreeMap::new(),
            before: BTreeMap::new(),
            certified: BTreeMap::new(),
            new_views: BTreeMap::new(),
            adopted: BTreeSet::new(),
        }
    }

    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "as a checker, it reads the observations that it is about, and no others"
    )]
    fn observed(&mut self, node: NodeId, observation: &Observation) {
        match observation {
            Observation::Anchored { timestamp, view, seq, history } => {
                self.completions.push(Completion {
                    client: node,
                    timestamp: *timestamp,
                    view: *view,
                    seq: *seq,
                    history: *history,
                });
            }
            Observation::Speculated { seq, history, .. } => {
                let own = self.histories.entry(node).or_default();
                let genesis = (*seq == 1).then_some(GENESIS);
                if let Some(last) = genesis.or_else(|| own.get(&(seq - 1)).copied()) {
                    self.before.insert(*history, (*seq, last));
                }
                own.insert(*seq, *history);
            }
            Observation::RolledBack { to } => {
                self.histories.entry(node).or_default().split_off(&(to + 1));
            }
            Observation::Restored { .. } => {
                self.histories.remove(&node);
            }
            _ => {}
        }
    }

    fn sent(&mut self, from: NodeId, msg: &Msg) {
        if let Msg::NewView(it) | Msg::Opened(it, _) = msg {
            self.new_views.entry((it.view, it.digest())).or_insert_with(|| Rc::clone(it));
        }
        if self.corrupted.contains(&from) {
            return;
        }
        let claim = match msg {
            Msg::ViewConfirm(it) if it.signer() == from => {
                self.adopted.insert((it.view, it.seq, it.history));
                None
            }
            Msg::ViewChange(it, _) if it.signer() == from => claim_of(it),
            Msg::LocalCommit(it) => Some(Claim { view: it.view, seq: it.seq, history: it.history }),
            Msg::Checkpoint(it) if it.signer() == from => {
                Some(Claim { view: it.view, seq: it.seq, history: it.history })
            }
            Msg::ViewConfirm(_)
            | Msg::ViewChange(..)
            | Msg::Checkpoint(_)
            | Msg::Request(_)
            | Msg::OrderReq(..)
            | Msg::SpecResponse(..)
            | Msg::Commit(_)
            | Msg::FillHole(..)
            | Msg::ConfirmReq(..)
            | Msg::ProofOfMisbehaviour(..)
            | Msg::Hate(_)
            | Msg::NewView(_)
            | Msg::Status(_)
            | Msg::StableProof(_)
            | Msg::Opened(..)
            | Msg::FetchState(_)
            | Msg::State(..) => None,
        };
        if let Some(claim) = claim {
            let known = self.certified.entry(from).or_default();
            if !known.contains(&claim) {
                known.push(claim);
            }
        }
    }

    /// The history of `seq` slots that a longer one begins with, as far as correct replicas had it.
    fn prefix(&self, mut history: Digest, seq: Seq) -> Option<Digest> {
        if seq == 0 {
            return Some(GENESIS);
        }
        // With a planted flaw a replica may execute what continues no history.
        let mut bound = Seq::MAX;
        loop {
            let (length, last) =
                *self.before.get(&history).filter(|(length, _)| *length < bound)?;
            if length <= seq {
                return (length == seq).then_some(history);
            }
            (history, bound) = (last, length);
        }
    }

    /// Whether a history of `length` slots, that a NEW-VIEW begins or ends with, is known not to
    /// continue the completed one.
    fn lacks(&self, length: Seq, history: Digest, it: &Completion) -> bool {
        it.seq <= length && self.prefix(history, it.seq).is_some_and(|held| held != it.history)
    }

    /// The slot from which on a NEW-VIEW differs from what was completed: 0 if what it begins with
    /// does. None if it holds the completion.
    fn differs(&self, new_view: &NewView, it: &Completion) -> Option<Seq> {
        let (stable, base) = start_of(new_view);
        if it.seq <= stable {
            return self.lacks(stable, base, it).then_some(0);
        }
        (stable + 1..=it.seq).find(|seq| {
            let wanted = self.prefix(it.history, *seq);
            let chosen = order_at(new_view, stable, *seq).map(|(history, _)| history);
            wanted.is_some() && chosen != wanted
        })
    }

    /// The first NEW-VIEW that a correct replica adopted without this completion.
    fn loss_of(&self, it: &Completion) -> Option<(&Signed<NewView>, Seq)> {
        let later = self.new_views.range((it.view + 1, Digest([0; 32]))..);
        let mut adopted = later.map(|(_, new_view)| &**new_view).filter(|new_view| {
            let (stable, base) = start_of(new_view);
            let last = new_view.orders.last();
            let end = last.map_or((stable, base), |order| (order.seq, order.history));
            self.adopted.contains(&(new_view.view, end.0, end.1))
        });
        adopted.find_map(|new_view| Some((new_view, self.differs(new_view, it)?)))
    }

    fn classify(&self, new_view: &NewView, slot: Seq, it: &Completion) -> &'static str {
        if slot == 0 {
            return "a stable checkpoint does not hold it";
        }
        if new_view.view_changes.iter().any(|report| report.view != new_view.view) {
            return "a report for an earlier view counts";
        }
        let wanted = self.prefix(it.history, slot);
        let (stable, _) = start_of(new_view);
        let chosen = order_at(new_view, stable, slot);
        let said: Vec<Said<'_>> =
            new_view.view_changes.iter().map(|report| Said::of(report, slot)).collect();
        let certificates = |value: Option<Digest>| {
            let certified = said.iter().filter_map(|it| it.certified);
            certified.filter(move |(_, history)| value == Some(*history)).map(|(claim, _)| claim)
        };
        let witnesses = |value: Option<Digest>| {
            said.iter().filter(move |it| value.is_some() && it.history == value)
        };
        let own = certificates(wanted).map(|claim| claim.view).max();
        let is_reported = self.weak <= witnesses(wanted).count();
        let Some((history, digest)) = chosen else {
            return match own.is_some() || is_reported {
                true => left_out(&said, wanted),
                false => self.missing(&said, it),
            };
        };
        if let Some(rival) = certificates(Some(history)).map(|claim| claim.view).max() {
            return match own {
                _ if it.view <= rival => "a certificate contradicts a completion that is not newer",
                Some(own) if rival < own => "an old certificate beats a newer one",
                _ if is_reported => "an old certificate beats f + 1 newer reports",
                _ => "an old certificate beats less than f + 1 newer reports",
            };
        }
        let mut origins: Vec<View> =
            witnesses(Some(history)).map(|said| said.report.origin).collect();
        origins.sort_unstable_by(|a, b| b.cmp(a));
        if let Some(origin) = origins.get(self.weak - 1) {
            return match own {
                Some(own) if *origin < own => "f + 1 old reports beat a newer certificate",
                Some(own) if *origin == own => "f + 1 reports of a certificate's own view beat it",
                Some(_) => "f + 1 newer reports beat a certificate",
                None => self.missing(&said, it),
            };
        }
        let alike = said.iter().filter(|said| said.digest == Some(digest)).count();
        match () {
            () if self.weak <= alike => MIXED,
            () if own.is_some() || is_reported => left_out(&said, wanted),
            () => self.missing(&said, it),
        }
    }

    /// Too few of the reports show the completed history, and no certificate: why. What corrupted
    /// reporters had, or said that they had, is not looked at.
    fn missing(&self, said: &[Said<'_>], it: &Completion) -> &'static str {
        let covers = |claim: &&Claim| self.prefix(claim.history, it.seq) == Some(it.history);
        let had_one = |said: &&Said<'_>| {
            let known = self.certified.get(&said.report.signer());
            known.is_some_and(|claims| claims.iter().any(|claim| covers(&claim)))
        };
        let mut former = said.iter().filter(had_one).peekable();
        if former.peek().is_none() {
            return "no witness is left, and no correct reporter had a certificate";
        }
        match former.all(|said| said.report.certificate.is_some()) {
            true => "the last witness had exchanged its certificate for a shorter one",
            false => "the last witness had given up its certificate",
        }
    }
}

impl<'a> Said<'a> {
    fn of(report: &'a Signed<ViewChange>, slot: Seq) -> Self {
        let above = slot.checked_sub(report.stable).and_then(|above| above.checked_sub(1));
        let place = above.and_then(|it| usize::try_from(it).ok());
        let order = place.and_then(|place| report.history.get(place)).map(|it| *it.order.body());
        let certified = claim_of(report).filter(|claim| slot <= claim.seq).and_then(|claim| {
            let path = &report.certificate.as_ref()?.path;
            let links = path.get(..=place?)?;
            Some((claim, links.iter().fold(base_of(report), |h, link| chain(h, link.digest))))
        });
        let (history, digest) = order.map(|it| (it.history, it.digest)).unzip();
        Self { report, history, digest, certified }
    }
}

impl Recorder for Mechanism {
    fn record(&mut self, _: u64, _: Time, event: &TraceEvent<'_>) {
        match event {
            TraceEvent::Observed(node, observation) if !self.corrupted.contains(node) => {
                self.observed(*node, observation);
            }
            TraceEvent::Sent { from, what, .. } => {
                if let Some(msg) = what.downcast::<Msg>() {
                    self.sent(*from, msg);
                }
            }
            TraceEvent::Observed(..)
            | TraceEvent::Delivered { .. }
            | TraceEvent::Lost { .. }
            | TraceEvent::Expired { .. }
            | TraceEvent::Crashed(_)
            | TraceEvent::Restarted(_) => {}
        }
    }
}

impl Diagnosis for Mechanism {
    fn loss(&self) -> Option<Loss> {
        let lost = self.completions.iter().filter_map(|it| Some((it, self.loss_of(it)?)));
        let (it, (new_view, slot)) = lost.min_by_key(|(_, (new_view, _))| new_view.view)?;
        let mechanism = self.classify(new_view, slot, it);
        let mut reporters: Vec<NodeId> =
            new_view.view_changes.iter().map(|report| report.signer()).collect();
        reporters.sort_unstable();
        let reporters: Vec<String> = reporters.iter().map(ToString::to_string).collect();
        let detail = format!(
            "{}#{}, completed in view {} at slot s{}: view {}, which opens on the reports of {}, \
             differs from slot s{slot} on",
            it.client,
            it.timestamp,
            it.view,
            it.seq,
            new_view.view,
            reporters.join(", "),
        );
        Some(Loss { mechanism, detail })
    }
}

const MIXED: &str = "reports of one request after different histories are added up";

/// The reports show the completed history, and the new view does not have it: no rule that counts
/// whole histories leads here.
fn left_out(said: &[Said<'_>], wanted: Option<Digest>) -> &'static str {
    let witness = said.iter().find(|said| wanted.is_some() && said.history == wanted);
    let digest = witness.and_then(|witness| witness.digest);
    let differs = |said: &Said<'_>| said.history.is_some() && said.history != wanted;
    match digest.is_some() && said.iter().any(|it| it.digest == digest && differs(it)) {
        true => MIXED,
        false => "the new view leaves out what its reports show",
    }
}

/// What the certificate of a report claims.
fn claim_of(report: &ViewChange) -> Option<Claim> {
    match &report.certificate.as_ref()?.certificate {
        Certificate::Commit(votes) => {
            let vote = votes.first()?;
            Some(Claim { view: vote.view, seq: vote.seq, history: vote.history })
        }
        Certificate::Confirm(votes) => {
            let vote = votes.first()?;
            Some(Claim { view: vote.view, seq: vote.seq, history: vote.history })
        }
    }
}

fn base_of(report: &ViewChange) -> Digest {
    report.proof.first().map_or(GENESIS, |checkpoint| checkpoint.history)
}

/// The stable checkpoint that a NEW-VIEW begins with: the latest of those that are reported.
fn start_of(new_view: &NewView) -> (Seq, Digest) {
    let latest = new_view.view_changes.iter().max_by_key(|report| report.stable);
    latest.map_or((0, GENESIS), |report| (report.stable, base_of(report)))
}

/// The history up to a slot that a NEW-VIEW gives out, and what the slot holds.
fn order_at(new_view: &NewView, stable: Seq, seq: Seq) -> Option<(Digest, Digest)> {
    let place = usize::try_from(seq.checked_sub(stable + 1)?).ok()?;
    new_view.orders.get(place).map(|order| (order.history, order.digest))
}
