//! Flaws of the normal case: proposals, votes, and the order of execution.

use super::PbftFlaw;
use crate::catalogue::FlawEntry;

pub(super) const FLAWS: &[(PbftFlaw, FlawEntry)] = &[
    (
        PbftFlaw::FixedQuorum,
        FlawEntry {
            name: "P01-fixed-quorum",
            about: "a quorum is 2f + 1 replicas, however many there are",
            violates: "agreement",
        },
    ),
    (
        PbftFlaw::CommitQuorum,
        FlawEntry {
            name: "P02-commit-quorum",
            about: "a slot commits with one COMMIT less than a quorum (2f for n = 3f + 1)",
            violates: "agreement",
        },
    ),
    (
        PbftFlaw::PreparedEarly,
        FlawEntry {
            name: "P03-prepared-early",
            about: "a slot is prepared with one PREPARE too few (2f - 1 for n = 3f + 1)",
            violates: "agreement",
        },
    ),
    (
        PbftFlaw::PrimaryPrepares,
        FlawEntry {
            name: "P04-primary-prepares",
            about: "a PREPARE of the primary is counted beside its PRE-PREPARE",
            violates: "agreement",
        },
    ),
    (
        PbftFlaw::PrimaryAwaited,
        FlawEntry {
            name: "P05-primary-awaited",
            about: "a slot needs a quorum of PREPAREs, although the primary sends none",
            violates: "liveness",
        },
    ),
    (
        PbftFlaw::DuplicateVotes,
        FlawEntry {
            name: "P06-duplicate-votes",
            about: "votes are counted, not voters",
            violates: "agreement",
        },
    ),
    (
        PbftFlaw::DuplicatesSpoil,
        FlawEntry {
            name: "P07-duplicates-spoil",
            about: "a vote that comes twice spoils its slot, instead of being ignored",
            violates: "liveness",
        },
    ),
    (
        PbftFlaw::DigestIgnored,
        FlawEntry {
            name: "P08-digest-ignored",
            about: "votes are matched by view and slot only, their digests are not compared",
            violates: "agreement",
        },
    ),
    (
        PbftFlaw::ProposalReplaced,
        FlawEntry {
            name: "P10-proposal-replaced",
            about: "a second PRE-PREPARE for a slot replaces the first",
            violates: "agreement",
        },
    ),
    (
        PbftFlaw::ExecutesAhead,
        FlawEntry {
            name: "P11-executes-ahead",
            about: "a committed slot is executed without waiting for the slots before it",
            violates: "agreement",
        },
    ),
    (
        PbftFlaw::WatermarksIgnored,
        FlawEntry {
            name: "P13-watermarks-ignored",
            about: "proposals and votes are taken for slots far above the window",
            violates: "liveness",
        },
    ),
    (
        PbftFlaw::RepliesEarly,
        FlawEntry {
            name: "P14-replies-early",
            about: "a replica answers when a request is prepared, before it is committed",
            violates: "result-integrity",
        },
    ),
    (
        PbftFlaw::RequestUnverified,
        FlawEntry {
            name: "P15-request-unverified",
            about: "the signatures of requests are not verified",
            violates: "validity",
        },
    ),
    (
        PbftFlaw::BodyUnverified,
        FlawEntry {
            name: "P15b-body-unverified",
            about: "backups do not compare a batch with the digest in its PRE-PREPARE",
            violates: "agreement",
        },
    ),
    (
        PbftFlaw::PhasesPooled,
        FlawEntry {
            name: "P16-phases-pooled",
            about: "a PREPARE counts as a COMMIT, too",
            violates: "agreement",
        },
    ),
    (
        PbftFlaw::ViewUnbound,
        FlawEntry {
            name: "P16b-view-unbound",
            about: "a COMMIT counts in whatever view its receiver is",
            violates: "agreement",
        },
    ),
    (
        PbftFlaw::SlotUnbound,
        FlawEntry {
            name: "P16c-slot-unbound",
            about: "a vote counts in every slot that its batch is proposed for",
            violates: "agreement",
        },
    ),
];
