//! The catalogue of Zyzzyva's flaws: their names, and what each breaks. The rules that they break
//! are in [`super::rules`].

use crate::catalogue::{Flaw, FlawEntry};

/// The flaws that can be planted in Zyzzyva.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ZyzzyvaFlaw {
    /// Z01.
    OriginalViewChange,
    /// Z02.
    FPlus1First,
    /// Z03.
    CcByView,
    /// Z04.
    NotStrict,
    /// Z05.
    LatestClientCertificateOnly,
    /// Z06.
    DigestMatched,
    /// Z07.
    ClientImpatient,
    /// Z08.
    ResponsesMixed,
    /// Z10.
    CertificateUnverified,
    /// Z11.
    GapsExecuted,
    /// Z12.
    CacheSurvives,
    /// Z14.
    HateAlone,
    /// Z14b.
    StopsAlone,
    /// Z15.
    Unaccused,
    /// Z17.
    CheckpointUncovered,
    /// Z18.
    ViewsMixed,
}

impl Flaw for ZyzzyvaFlaw {
    const PARTS: &'static [&'static [(Self, FlawEntry)]] = &[&[
        (
            Self::OriginalViewChange,
            FlawEntry {
                name: "Z01-original-view-change",
                about: "a new view takes the longest certificate, of whatever view, and looks at \
                        reports only after its end: the rule as published",
                violates: "durability",
            },
        ),
        (
            Self::FPlus1First,
            FlawEntry {
                name: "Z02-f-plus-1-first",
                about: "a new view gives a slot to what f + 1 replicas report, of whatever views, \
                        and looks at certificates afterwards",
                violates: "durability",
            },
        ),
        (
            Self::CcByView,
            FlawEntry {
                name: "Z03-cc-by-view",
                about: "a new view takes the certificate of the highest view, and looks at \
                        reports only after its end",
                violates: "durability",
            },
        ),
        (
            Self::NotStrict,
            FlawEntry {
                name: "Z04-not-strict",
                about: "f + 1 reports of the very view of a certificate beat it",
                violates: "durability",
            },
        ),
        (
            Self::LatestClientCertificateOnly,
            FlawEntry {
                name: "Z05-latest-client-certificate-only",
                about: "a replica gives up a long certificate for a short one of a higher view, \
                        and takes no VIEW-CONFIRMs for one",
                violates: "durability",
            },
        ),
        (
            Self::DigestMatched,
            FlawEntry {
                name: "Z06-digest-matched",
                about: "f + 1 reports of a slot match if they name the same request, whatever \
                        their histories before it",
                violates: "durability",
            },
        ),
        (
            Self::ClientImpatient,
            FlawEntry {
                name: "Z07-client-impatient",
                about: "the client takes 2f + 1 matching SPEC-RESPONSEs for completion, and \
                        deposits no certificate",
                violates: "durability",
            },
        ),
        (
            Self::ResponsesMixed,
            FlawEntry {
                name: "Z08-responses-mixed",
                about: "the client compares answers only, and counts responses of different views \
                        and histories together",
                violates: "linearizability",
            },
        ),
        (
            Self::CertificateUnverified,
            FlawEntry {
                name: "Z10-certificate-unverified",
                about: "the signatures in a certificate are counted, and neither verified nor \
                        checked to be of distinct replicas",
                violates: "durability",
            },
        ),
        (
            Self::GapsExecuted,
            FlawEntry {
                name: "Z11-gaps-executed",
                about: "an ORDER-REQ is executed without the ones before it, and its history \
                        digest is not checked",
                violates: "agreement",
            },
        ),
        (
            Self::CacheSurvives,
            FlawEntry {
                name: "Z12-cache-survives",
                about: "a rollback leaves the reply cache and the timestamps of undone requests",
                violates: "liveness",
            },
        ),
        (
            Self::HateAlone,
            FlawEntry {
                name: "Z14-hate-alone",
                about: "one I-HATE-THE-PRIMARY is enough to change the view",
                violates: "liveness",
            },
        ),
        (
            Self::StopsAlone,
            FlawEntry {
                name: "Z14b-stops-alone",
                about: "a replica that suspects the primary stops working at once, without f + 1 \
                        accusations",
                violates: "liveness",
            },
        ),
        (
            Self::Unaccused,
            FlawEntry {
                name: "Z15-unaccused",
                about: "a VIEW-CHANGE is accepted without f + 1 accusations",
                violates: "liveness",
            },
        ),
        (
            Self::CheckpointUncovered,
            FlawEntry {
                name: "Z17-checkpoint-uncovered",
                about: "a replica says CHECKPOINT for all that it executed, with no certificate \
                        that covers it",
                violates: "agreement",
            },
        ),
        (
            Self::ViewsMixed,
            FlawEntry {
                name: "Z18-views-mixed",
                about: "a new view is opened with VIEW-CHANGEs for earlier views among its 2f + 1",
                violates: "durability",
            },
        ),
    ]];
}
