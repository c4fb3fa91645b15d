//! The catalogue of PBFT's flaws: their names, and what each breaks. The rules that they break are
//! in [`super::rules`].

use crate::catalogue::{Flaw, FlawEntry};

/// The flaws that can be planted in PBFT.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum PbftFlaw {
    /// P01.
    FixedQuorum,
    /// P02.
    CommitQuorum,
    /// P03.
    PreparedEarly,
    /// P04.
    PrimaryPrepares,
    /// P05.
    PrimaryAwaited,
    /// P06.
    DuplicateVotes,
    /// P07.
    DuplicatesSpoil,
    /// P08.
    DigestIgnored,
    /// P10.
    ProposalReplaced,
    /// P11.
    ExecutesAhead,
    /// P13.
    WatermarksIgnored,
    /// P14.
    RepliesEarly,
    /// P15.
    RequestUnverified,
    /// P15b.
    BodyUnverified,
    /// P16.
    PhasesPooled,
    /// P16b.
    ViewUnbound,
    /// P16c.
    SlotUnbound,
    /// P17.
    ClientTrusts,
    /// P18.
    CacheAnswersAll,
    /// P18b.
    HeardIsExecuted,
    /// P19.
    ExecutesAgain,
    /// P19b.
    CacheLeftBehind,
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
            Self::FixedQuorum,
            FlawEntry {
                name: "P01-fixed-quorum",
                about: "a quorum is 2f + 1 replicas, however many there are",
                violates: "agreement",
            },
        ),
        (
            Self::CommitQuorum,
            FlawEntry {
                name: "P02-commit-quorum",
                about: "a slot commits with one COMMIT less than a quorum (2f for n = 3f + 1)",
                violates: "agreement",
            },
        ),
        (
            Self::PreparedEarly,
            FlawEntry {
                name: "P03-prepared-early",
                about: "a slot is prepared with one PREPARE too few (2f - 1 for n = 3f + 1)",
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
            Self::PrimaryAwaited,
            FlawEntry {
                name: "P05-primary-awaited",
                about: "a slot needs a quorum of PREPAREs, although the primary sends none",
                violates: "liveness",
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
            Self::DuplicatesSpoil,
            FlawEntry {
                name: "P07-duplicates-spoil",
                about: "a vote that comes twice spoils its slot, instead of being ignored",
                violates: "liveness",
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
            Self::ProposalReplaced,
            FlawEntry {
                name: "P10-proposal-replaced",
                about: "a second PRE-PREPARE for a slot replaces the first",
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
            Self::WatermarksIgnored,
            FlawEntry {
                name: "P13-watermarks-ignored",
                about: "proposals and votes are taken for slots far above the window",
                violates: "liveness",
            },
        ),
        (
            Self::RepliesEarly,
            FlawEntry {
                name: "P14-replies-early",
                about: "a replica answers when a request is prepared, before it is committed",
                violates: "result-integrity",
            },
        ),
        (
            Self::RequestUnverified,
            FlawEntry {
                name: "P15-request-unverified",
                about: "the signatures of requests are not verified",
                violates: "validity",
            },
        ),
        (
            Self::BodyUnverified,
            FlawEntry {
                name: "P15b-body-unverified",
                about: "backups do not compare a batch with the digest in its PRE-PREPARE",
                violates: "agreement",
            },
        ),
        (
            Self::PhasesPooled,
            FlawEntry {
                name: "P16-phases-pooled",
                about: "a PREPARE counts as a COMMIT, too",
                violates: "agreement",
            },
        ),
        (
            Self::ViewUnbound,
            FlawEntry {
                name: "P16b-view-unbound",
                about: "a COMMIT counts in whatever view its receiver is",
                violates: "agreement",
            },
        ),
        (
            Self::SlotUnbound,
            FlawEntry {
                name: "P16c-slot-unbound",
                about: "a vote counts in every slot that its batch is proposed for",
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
            Self::CacheAnswersAll,
            FlawEntry {
                name: "P18-cache-answers-all",
                about: "a new request is answered with the client's last reply",
                violates: "result-integrity",
            },
        ),
        (
            Self::HeardIsExecuted,
            FlawEntry {
                name: "P18b-heard-is-executed",
                about: "a timestamp is used up when its request is heard, not when it is executed",
                violates: "liveness",
            },
        ),
        (
            Self::ExecutesAgain,
            FlawEntry {
                name: "P19-executes-again",
                about: "a request that is ordered twice is executed twice",
                violates: "exactly-once",
            },
        ),
        (
            Self::CacheLeftBehind,
            FlawEntry {
                name: "P19b-cache-left-behind",
                about: "a state that is fetched comes without the reply cache",
                violates: "agreement",
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
