//! The catalogue of PBFT's flaws: their names, and what each breaks. The rules that they break are
//! in [`super::rules`].

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
    /// P24.
    LockKept,
    /// P26a.
    SmallestCheckpoint,
    /// P26b.
    LastSlotDropped,
    /// P27.
    GapsLeft,
    /// P28.
    NullPreferred,
    /// P29.
    ViewChangeUnverified,
    /// P30.
    NewViewBelieved,
    /// P31.
    CertificateUnchecked,
    /// P34a.
    JoinsAtF,
    /// P34b.
    NeverJoins,
    /// P34c.
    AskingCounted,
    /// P35a.
    TimeoutConstant,
    /// P35c.
    RestUnawaited,
    /// P35d.
    IdleTimer,
    /// P35e.
    TimerHasty,
    /// P35f.
    ClearedByNewView,
    /// P37.
    NumbersReused,
    /// P39b.
    CheckpointsCounted,
    /// P40a.
    StateUnproven,
    /// P40b.
    CheckpointDigestIgnored,
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
            Self::LockKept,
            FlawEntry {
                name: "P24-lock-kept",
                about: "who prepared a batch for a slot never votes for another one there",
                violates: "liveness",
            },
        ),
        (
            Self::SmallestCheckpoint,
            FlawEntry {
                name: "P26a-smallest-checkpoint",
                about: "min-s is the smallest stable checkpoint of the view changes",
                violates: "agreement",
            },
        ),
        (
            Self::LastSlotDropped,
            FlawEntry {
                name: "P26b-last-slot-dropped",
                about: "the new primary proposes nothing for max-s, the last slot",
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
            Self::NullPreferred,
            FlawEntry {
                name: "P28-null-preferred",
                about: "a slot gets the null request unless f + 1 carry its certificate",
                violates: "agreement",
            },
        ),
        (
            Self::ViewChangeUnverified,
            FlawEntry {
                name: "P29-view-change-unverified",
                about: "the signatures of VIEW-CHANGEs are not verified",
                violates: "agreement",
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
        (
            Self::CertificateUnchecked,
            FlawEntry {
                name: "P31-certificate-unchecked",
                about: "the PREPAREs of certificates in P are counted, and not checked",
                violates: "agreement",
            },
        ),
        (
            Self::JoinsAtF,
            FlawEntry {
                name: "P34a-joins-at-f",
                about: "a replica asks for a view when f others do, instead of f + 1",
                violates: "liveness",
            },
        ),
        (
            Self::NeverJoins,
            FlawEntry {
                name: "P34b-never-joins",
                about: "a replica asks for a view only when its own timer expires",
                violates: "liveness",
            },
        ),
        (
            Self::AskingCounted,
            FlawEntry {
                name: "P34c-asking-counted",
                about: "VIEW-CHANGEs are counted, not their senders",
                violates: "liveness",
            },
        ),
        (
            Self::TimeoutConstant,
            FlawEntry {
                name: "P35a-timeout-constant",
                about: "the timeout does not grow with the views that fail",
                violates: "liveness",
            },
        ),
        (
            Self::RestUnawaited,
            FlawEntry {
                name: "P35c-rest-unawaited",
                about: "an execution stops the timer for all that still waits, too",
                violates: "liveness",
            },
        ),
        (
            Self::IdleTimer,
            FlawEntry {
                name: "P35d-idle-timer",
                about: "the timer starts though no request waits",
                violates: "liveness",
            },
        ),
        (
            Self::TimerHasty,
            FlawEntry {
                name: "P35e-timer-hasty",
                about: "the timer for the NEW-VIEW starts before a quorum asks for the view",
                violates: "liveness",
            },
        ),
        (
            Self::ClearedByNewView,
            FlawEntry {
                name: "P35f-cleared-by-new-view",
                about: "a NEW-VIEW clears the timers of all requests that wait",
                violates: "liveness",
            },
        ),
        (
            Self::NumbersReused,
            FlawEntry {
                name: "P37-numbers-reused",
                about: "the primary of a new view does not number on above max-s",
                violates: "accusation",
            },
        ),
        (
            Self::CheckpointsCounted,
            FlawEntry {
                name: "P39b-checkpoints-counted",
                about: "CHECKPOINTs are counted, not their senders",
                violates: "liveness",
            },
        ),
        (
            Self::StateUnproven,
            FlawEntry {
                name: "P40a-state-unproven",
                about: "a fetched state is not compared with the digest that is proven",
                violates: "agreement",
            },
        ),
        (
            Self::CheckpointDigestIgnored,
            FlawEntry {
                name: "P40b-checkpoint-digest-ignored",
                about: "CHECKPOINTs are matched by slot only, not by the state's digest",
                violates: "liveness",
            },
        ),
    ];
}
