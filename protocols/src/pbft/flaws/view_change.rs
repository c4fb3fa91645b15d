//! Flaws of view changes: what a new view takes over, and when one begins.

use super::PbftFlaw;
use crate::catalogue::FlawEntry;

pub(super) const FLAWS: &[(PbftFlaw, FlawEntry)] = &[
    (
        PbftFlaw::PreparedForgotten,
        FlawEntry {
            name: "P23-prepared-forgotten",
            about: "VIEW-CHANGE messages carry no prepared certificates",
            violates: "agreement",
        },
    ),
    (
        PbftFlaw::LockKept,
        FlawEntry {
            name: "P24-lock-kept",
            about: "who prepared a batch for a slot never votes for another one there",
            violates: "liveness",
        },
    ),
    (
        PbftFlaw::SmallestCheckpoint,
        FlawEntry {
            name: "P26a-smallest-checkpoint",
            about: "min-s is the smallest stable checkpoint of the view changes",
            violates: "agreement",
        },
    ),
    (
        PbftFlaw::LastSlotDropped,
        FlawEntry {
            name: "P26b-last-slot-dropped",
            about: "the new primary proposes nothing for max-s, the last slot",
            violates: "agreement",
        },
    ),
    (
        PbftFlaw::GapsLeft,
        FlawEntry {
            name: "P27-gaps-left",
            about: "the new primary proposes nothing for slots that nobody prepared",
            violates: "liveness",
        },
    ),
    (
        PbftFlaw::NullPreferred,
        FlawEntry {
            name: "P28-null-preferred",
            about: "a slot gets the null request unless f + 1 carry its certificate",
            violates: "agreement",
        },
    ),
    (
        PbftFlaw::ViewChangeUnverified,
        FlawEntry {
            name: "P29-view-change-unverified",
            about: "the signatures of VIEW-CHANGEs are not verified",
            violates: "agreement",
        },
    ),
    (
        PbftFlaw::NewViewBelieved,
        FlawEntry {
            name: "P30-new-view-believed",
            about: "backups take the proposals of a NEW-VIEW without recomputing them",
            violates: "agreement",
        },
    ),
    (
        PbftFlaw::CertificateUnchecked,
        FlawEntry {
            name: "P31-certificate-unchecked",
            about: "the PREPAREs of certificates in P are counted, and not checked",
            violates: "agreement",
        },
    ),
    (
        PbftFlaw::JoinsAtF,
        FlawEntry {
            name: "P34a-joins-at-f",
            about: "a replica asks for a view when f others do, instead of f + 1",
            violates: "liveness",
        },
    ),
    (
        PbftFlaw::NeverJoins,
        FlawEntry {
            name: "P34b-never-joins",
            about: "a replica asks for a view only when its own timer expires",
            violates: "liveness",
        },
    ),
    (
        PbftFlaw::AskingCounted,
        FlawEntry {
            name: "P34c-asking-counted",
            about: "VIEW-CHANGEs are counted, not their senders",
            violates: "liveness",
        },
    ),
    (
        PbftFlaw::TimeoutConstant,
        FlawEntry {
            name: "P35a-timeout-constant",
            about: "the timeout does not grow with the views that fail",
            violates: "liveness",
        },
    ),
    (
        PbftFlaw::RestUnawaited,
        FlawEntry {
            name: "P35c-rest-unawaited",
            about: "an execution stops the timer for all that still waits, too",
            violates: "liveness",
        },
    ),
    (
        PbftFlaw::IdleTimer,
        FlawEntry {
            name: "P35d-idle-timer",
            about: "the timer starts though no request waits",
            violates: "liveness",
        },
    ),
    (
        PbftFlaw::TimerHasty,
        FlawEntry {
            name: "P35e-timer-hasty",
            about: "the timer for the NEW-VIEW starts before a quorum asks for the view",
            violates: "liveness",
        },
    ),
    (
        PbftFlaw::ClearedByNewView,
        FlawEntry {
            name: "P35f-cleared-by-new-view",
            about: "a NEW-VIEW clears the timers of all requests that wait",
            violates: "liveness",
        },
    ),
    (
        PbftFlaw::NumbersReused,
        FlawEntry {
            name: "P37-numbers-reused",
            about: "the primary of a new view does not number on above max-s",
            violates: "accusation",
        },
    ),
];
