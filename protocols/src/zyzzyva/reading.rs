//! How the published words on the view change are read, where they leave a choice.
//!
//! The rule `original` says which evidence beats which ([`super::selection`]). Three things besides
//! the text leaves open, or the implementations do otherwise, and each changes what is lost:
//! whether the VIEW-CONFIRMs that opened a view count as a certificate; which certificate a replica
//! reports; and whether a new view fills up with null requests. `docs/zyzzyva-violation.md` has the
//! table of what each reading keeps. The other rules fix these things.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::message::{Claim, Seq};
use super::selection::{Report, Start, Step, ViewChangeRule};

/// Which certificate a VIEW-CHANGE may carry under the published rule: of all that qualify, the
/// longest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ReportedCertificate {
    /// One whose history is that of the report ("its h equals O's h at CC.n"): a replica gives up
    /// one that a new view overtook, and refuses a report whose certificate disagrees.
    #[default]
    Agreeing,
    /// The same, and it was obtained in the view in which the replica last worked ("since the last
    /// view change").
    OfTheView,
    /// Any that the replica ever had.
    Any,
}

/// The rule of the view change, and how its words are read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reading {
    pub(super) rule: ViewChangeRule,
    pub(super) view_confirms_certify: bool,
    pub(super) reported: ReportedCertificate,
}

impl Reading {
    /// G: the steps of the slots from `start` on.
    pub(super) fn select(
        self,
        start: Start,
        reports: &[Report],
        rules: &super::rules::Rules,
        null_fill: bool,
    ) -> Vec<Step> {
        self.rule.select(start, reports, rules, null_fill)
    }

    /// Whether a replica that holds a certificate reports a new one in its place.
    pub(super) fn reports_instead(self, new: Claim, held: Claim) -> bool {
        match self.rule {
            ViewChangeRule::Original => (held.seq, held.view) < (new.seq, new.view),
            ViewChangeRule::Fixed
            | ViewChangeRule::CcByView
            | ViewChangeRule::FPlus1First
            | ViewChangeRule::NotStrict
            | ViewChangeRule::LatestClientCertificateOnly => {
                (held.view, held.seq) < (new.view, new.seq)
            }
        }
    }

    /// Whether 2f + 1 VIEW-CONFIRMs count as a certificate for the history that they confirm.
    /// Without that, a replica can exchange a longer old certificate for a shorter new one, while
    /// the rest of the adopted history has too few other witnesses (schedule G).
    pub(super) const fn counts_view_confirms(self) -> bool {
        match self.rule {
            ViewChangeRule::Fixed
            | ViewChangeRule::CcByView
            | ViewChangeRule::FPlus1First
            | ViewChangeRule::NotStrict => true,
            ViewChangeRule::Original => self.view_confirms_certify,
            ViewChangeRule::LatestClientCertificateOnly => false,
        }
    }

    /// Whether the 2f + 1 VIEW-CONFIRMs with which a replica enters a view count as a certificate:
    /// they confirm a history of `length` slots, of which those up to `stable` are stable. One
    /// repair that fails holds that where no slots are confirmed, nothing is certified.
    pub(super) fn certifies_entry(self, length: Seq, stable: Seq) -> bool {
        self.counts_view_confirms() && (self.rule != ViewChangeRule::CcByView || stable < length)
    }

    /// Whether a certificate commits a replica only in the view that it is of. One of an older view
    /// can be worth nothing in this one, if the history was shortened in between and has grown
    /// again: then this replica reports the later VIEW-CONFIRMs in its place. The published rule
    /// goes by length, and commits by any certificate that agrees with the history.
    pub(super) const fn binds_certificates_to_views(self) -> bool {
        match self.rule {
            ViewChangeRule::Fixed
            | ViewChangeRule::CcByView
            | ViewChangeRule::FPlus1First
            | ViewChangeRule::NotStrict => true,
            ViewChangeRule::Original | ViewChangeRule::LatestClientCertificateOnly => false,
        }
    }

    /// Whether a certificate for the own history commits it, even if another one is reported.
    pub(super) const fn commits_unreported(self) -> bool {
        matches!(self.rule, ViewChangeRule::Original)
    }

    /// Whether the certificate of a report must agree with the history of the report. Then a
    /// replica gives up one that a new view overtook, even where a part of what it certifies is
    /// still in the history; and nobody takes a report that breaks this.
    pub(super) const fn compares_certificates(self) -> bool {
        match self.reported {
            ReportedCertificate::Agreeing | ReportedCertificate::OfTheView => {
                matches!(self.rule, ViewChangeRule::Original)
            }
            ReportedCertificate::Any => false,
        }
    }

    /// Whether a replica that enters a view gives up the certificates that it had before.
    pub(super) const fn forgets_at_entry(self) -> bool {
        matches!(self.rule, ViewChangeRule::Original)
            && matches!(self.reported, ReportedCertificate::OfTheView)
    }
}
