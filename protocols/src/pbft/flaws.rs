//! The catalogue of PBFT's flaws: their names, and what each breaks. The rules that they break are in
//! [`super::rules`].

use crate::catalogue::{Flaw, FlawEntry};

/// The flaws that can be planted in PBFT.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum PbftFlaw {
    /// P02.
    CommitQuorum,
    /// P04.
    PrimaryPrepares,
    /// P06.
    DuplicateVotes,
    /// P08.
    DigestIgnored,
    /// P11.
    ExecutesAhead,
    /// P17.
    ClientTrusts,
    /// P23.
    PreparedForgotten,
    /// P27.
    GapsLeft,
    /// P30.
    NewViewBelieved,
}

impl Flaw for PbftFlaw {
    const ALL: &'static [(Self, FlawEntry)] = &[
        (
            Self::CommitQuorum,
            FlawEntry {
                name: "P02-commit-quorum",
                about: "a slot commits with one COMMIT less than a quorum (2f for n = 3f + 1)",
                violates: "agreement",
            },
        ),
        (
            Self::PrimaryPrepares,
            FlawEntry {
                name: "P04-primary-prepares",
                about: "a PREPARE of the primary is counted beside its PRE-PREPARE",
                violates: "agreement",
            },
        ),
        (
            Self::DuplicateVotes,
            FlawEntry {
                name: "P06-duplicate-votes",
                about: "votes are counted, not voters",
                violates: "agreement",
            },
        ),
        (
            Self::DigestIgnored,
            FlawEntry {
                name: "P08-digest-ignored",
                about: "votes are matched by view and slot only, their digests are not compared",
                violates: "agreement",
            },
        ),
        (
            Self::ExecutesAhead,
            FlawEntry {
                name: "P11-executes-ahead",
                about: "a committed slot is executed without waiting for the slots before it",
                violates: "agreement",
            },
        ),
        (
            Self::ClientTrusts,
            FlawEntry {
                name: "P17-client-trusts",
                about: "the client accepts an answer that f replicas give, instead of f + 1",
                violates: "result-integrity",
            },
        ),
        (
            Self::PreparedForgotten,
            FlawEntry {
                name: "P23-prepared-forgotten",
                about: "VIEW-CHANGE messages carry no prepared certificates",
                violates: "agreement",
            },
        ),
        (
            Self::GapsLeft,
            FlawEntry {
                name: "P27-gaps-left",
                about: "the new primary proposes nothing for slots that nobody prepared",
                violates: "liveness",
            },
        ),
        (
            Self::NewViewBelieved,
            FlawEntry {
                name: "P30-new-view-believed",
                about: "backups take the proposals of a NEW-VIEW without recomputing them",
                violates: "agreement",
            },
        ),
    ];
}
