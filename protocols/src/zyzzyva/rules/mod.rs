//! The rules of the paper that a planted flaw can break, by part; here, how many are enough.
//!
//! A rule is a method that says what the paper demands, and what a flaw makes of it. The handlers
//! ask the rule; what no correct implementation does stands behind it. The flaws' names are in
//! [`super::flaws`], and those of real bugs beside them in `docs/flaws.md`. How a new view chooses
//! its history is a parameter with several values, side by side in [`super::selection`]; a flaw can
//! name each of the wrong ones.

mod agreement;
mod view_change;

use byzsim_core::{Committee, NodeId};

use super::Params;
use super::flaws::ZyzzyvaFlaw;
use super::message::View;
use super::reading::{Reading, ReportedCertificate};
use super::selection::ViewChangeRule;
use crate::catalogue::{Flaw as _, Flaws};
use crate::shared::quorum;

/// The rules, for one committee.
#[derive(Clone, Debug)]
pub(super) struct Rules {
    committee: Committee,
    flaws: Flaws<ZyzzyvaFlaw>,
    view_change: Reading,
}

/// The flaws that are rules of the view change.
const RULES: [(ZyzzyvaFlaw, ViewChangeRule); 5] = [
    (ZyzzyvaFlaw::OriginalViewChange, ViewChangeRule::Original),
    (ZyzzyvaFlaw::FPlus1First, ViewChangeRule::FPlus1First),
    (ZyzzyvaFlaw::CcByView, ViewChangeRule::CcByView),
    (ZyzzyvaFlaw::NotStrict, ViewChangeRule::NotStrict),
    (ZyzzyvaFlaw::LatestClientCertificateOnly, ViewChangeRule::LatestClientCertificateOnly),
];

/// The rule that a planted flaw names, or the parameter, or the repair.
pub(super) fn rule_of(params: &Params) -> ViewChangeRule {
    let planted = RULES.iter().find(|(flaw, _)| params.flaws.has(*flaw));
    planted.map(|(_, rule)| *rule).or(params.view_change).unwrap_or_default()
}

/// Whether what the parameters and the planted flaws say of the view change fits together.
///
/// # Errors
/// Which two contradict each other.
pub(super) fn check_view_change(params: &Params) -> Result<(), String> {
    let name = |flaw: &ZyzzyvaFlaw| {
        let entry = ZyzzyvaFlaw::ALL.iter().find(|(known, _)| known == flaw);
        entry.map_or("", |(_, entry)| entry.name)
    };
    let mut planted = RULES.iter().filter(|(flaw, _)| params.flaws.has(*flaw));
    if let Some((flaw, rule)) = planted.next() {
        if let Some((other, _)) = planted.next() {
            let (one, other) = (name(flaw), name(other));
            return Err(format!(
                "the flaws `{one}` and `{other}` both set `view-change`: leave out one of them"
            ));
        }
        if let Some(set) = params.view_change.filter(|set| set != rule) {
            let (name, set, rule) = (name(flaw), set.name(), rule.name());
            return Err(format!(
                "`view-change` is `{set}`, but the flaw `{name}` sets it to `{rule}`: leave out \
                 one of them"
            ));
        }
    }
    let is_read = params.view_confirms_certify
        || params.reported_certificate != ReportedCertificate::default();
    let rule = rule_of(params);
    if is_read && rule != ViewChangeRule::Original {
        let name = rule.name();
        return Err(format!(
            "`view-confirms-certify` and `reported-certificate` are readings of `view-change = \
             \"original\"`, and it is `{name}`"
        ));
    }
    Ok(())
}

/// Writes down which rule is in force, unless a planted flaw says so.
pub(super) fn name_view_change(params: &mut Params) {
    if !RULES.iter().any(|(flaw, _)| params.flaws.has(*flaw)) {
        params.view_change = Some(rule_of(params));
    }
}

impl Rules {
    pub(super) fn new(committee: Committee, params: &Params) -> Self {
        let view_change = Reading {
            rule: rule_of(params),
            view_confirms_certify: params.view_confirms_certify,
            reported: params.reported_certificate,
        };
        Self { committee, flaws: params.flaws.clone(), view_change }
    }

    /// View v has primary v mod n.
    pub(super) fn primary(&self, view: View) -> NodeId {
        quorum::primary(self.committee, view)
    }

    /// All replicas.
    pub(super) fn replicas(&self) -> impl Iterator<Item = NodeId> + use<> {
        self.committee.replica_ids()
    }

    /// 3f + 1: all.
    pub(super) fn everyone(&self) -> usize {
        usize::from(self.committee.replicas)
    }

    /// 2f + 1 of 3f + 1. Any two share a correct replica.
    pub(super) fn quorum(&self) -> usize {
        quorum::quorum(self.everyone(), self.faults())
    }

    /// f + 1: at least one of them is correct.
    pub(super) const fn weak(&self) -> usize {
        self.faults() + 1
    }

    /// f.
    pub(super) const fn faults(&self) -> usize {
        self.committee.faults as usize
    }

    /// Step 4a: a client completes on 3f + 1 matching responses: then every correct replica holds
    /// the request, and f + 1 of any 2f + 1 that report at a view change say so.
    pub(super) fn responses(&self) -> usize {
        match self.flaws.has(ZyzzyvaFlaw::ClientImpatient) {
            false => self.everyone(),
            true => self.quorum(),
        }
    }

    /// A replica that lags behind a stable checkpoint asks for the state.
    pub(super) fn fetches_states(&self) -> bool {
        !self.flaws.has(ZyzzyvaFlaw::StateNotFetched)
    }

    /// Evidence against the primary that the others were told of is no news. If a client waits for
    /// more, it asks again.
    pub(super) fn forgets_evidence(&self) -> bool {
        !self.flaws.has(ZyzzyvaFlaw::EvidenceKept)
    }

    /// VC2: f + 1 accusations, one of them from a correct replica.
    pub(super) fn accusations(&self) -> usize {
        match self.flaws.has(ZyzzyvaFlaw::HateAlone) {
            false => self.weak(),
            true => 1,
        }
    }
}
