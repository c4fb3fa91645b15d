//! The catalogue of Zyzzyva's flaws: their names, and what each breaks. The rules that they break are in
//! [`super::rules`].

use crate::catalogue::{Flaw, FlawEntry};

/// The flaws that can be planted in Zyzzyva.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ZyzzyvaFlaw {
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
    /// Z15.
    Unaccused,
}

impl Flaw for ZyzzyvaFlaw {
    const ALL: &'static [(Self, FlawEntry)] = &[
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
            Self::Unaccused,
            FlawEntry {
                name: "Z15-unaccused",
                about: "a VIEW-CHANGE is accepted without f + 1 accusations",
                violates: "liveness",
            },
        ),
    ];
}
