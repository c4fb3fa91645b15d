//! The catalogue of PBFT's flaws. The rules that they break are in [`super::rules`].

use crate::catalogue::flaws;

flaws! {
    /// The flaws that can be planted in PBFT.
    pub enum PbftFlaw;

    // The normal case: proposals, votes, and the order of execution.
    FixedQuorum: "P01-fixed-quorum" breaks "agreement",
        "a quorum is 2f + 1 replicas, whatever n is";
    CommitQuorum: "P02-commit-quorum" breaks "agreement",
        "a slot commits with one COMMIT fewer than a quorum (2f for n = 3f + 1)";
    PreparedEarly: "P03-prepared-early" breaks "agreement",
        "a slot is prepared with one PREPARE too few (2f - 1 for n = 3f + 1)";
    PrimaryPrepares: "P04-primary-prepares" breaks "agreement",
        "a PREPARE of the primary counts in addition to its PRE-PREPARE";
    PrimaryAwaited: "P05-primary-awaited" breaks "liveness",
        "a slot needs a quorum of PREPAREs, although the primary sends none";
    DuplicateVotes: "P06-duplicate-votes" breaks "agreement",
        "votes are counted instead of voters";
    DuplicatesSpoil: "P07-duplicates-spoil" breaks "liveness",
        "a vote that arrives twice spoils its slot instead of being ignored";
    DigestIgnored: "P08-digest-ignored" breaks "agreement",
        "votes match by view and slot only; their digests are not compared";
    ProposalReplaced: "P10-proposal-replaced" breaks "agreement",
        "a second PRE-PREPARE for a slot replaces the first";
    ExecutesAhead: "P11-executes-ahead" breaks "agreement",
        "a committed slot is executed without waiting for the slots before it";
    WatermarksIgnored: "P13-watermarks-ignored" breaks "liveness",
        "proposals and votes are accepted for slots far above the window";
    RepliesEarly: "P14-replies-early" breaks "result-integrity",
        "a replica replies when a request is prepared, before it is committed";
    RequestUnverified: "P15-request-unverified" breaks "validity",
        "the signatures of requests are not verified";
    BodyUnverified: "P15b-body-unverified" breaks "agreement",
        "backups do not compare a batch with the digest in its PRE-PREPARE";
    PhasesPooled: "P16-phases-pooled" breaks "agreement",
        "a PREPARE also counts as a COMMIT";
    ViewUnbound: "P16b-view-unbound" breaks "agreement",
        "a COMMIT counts in whatever view its receiver is in";
    SlotUnbound: "P16c-slot-unbound" breaks "agreement",
        "a vote counts in every slot for which its batch is proposed";

    RepeatAccused: "P46-repeat-accused" breaks "accusation",
        "a PRE-PREPARE that arrives twice counts as proof against its primary";

    // Requests: what clients believe, and what happens once.
    ClientTrusts: "P17-client-trusts" breaks "result-integrity",
        "the client accepts an answer from f replicas instead of f + 1";
    AsksPrimaryAlone: "P48-asks-primary-alone" breaks "liveness",
        "a client without an answer sends its request to the primary again, and to nobody else";
    CacheAnswersAll: "P18-cache-answers-all" breaks "result-integrity",
        "a new request is answered with the client's last reply";
    HeardIsExecuted: "P18b-heard-is-executed" breaks "liveness",
        "a timestamp counts as used when its request arrives, not when it is executed";
    ExecutesAgain: "P19-executes-again" breaks "exactly-once",
        "a request that is ordered twice is executed twice";
    CacheLeftBehind: "P19b-cache-left-behind" breaks "replicated-state",
        "a fetched state comes without the reply cache";

    // Reads that go past the order: who answers what, and how much of that is enough.
    DarkUnhelped: "P20-dark-unhelped" breaks "liveness",
        "reads go past the order, clients need 2f + 1 replies to everything, and a replica that the \
         primary leaves out is not helped by the others: the published words";
    WritesAtWeak: "P20b-writes-at-f-plus-1" breaks "linearizability",
        "reads go past the order, and f + 1 replies complete a write: the published words";
    ReadsUncommitted: "P21-reads-uncommitted" breaks "linearizability",
        "reads go past the order, and are answered from what is proposed and not yet committed";
    StatesUncompared: "P49-states-uncompared" breaks "linearizability",
        "reads go past the order, and the client compares the answers, and not the states that they \
         are from: the published words";

    // View changes: what a new view takes over, and when one begins.
    PreparedForgotten: "P23-prepared-forgotten" breaks "agreement",
        "VIEW-CHANGE messages carry no prepared certificates";
    LockKept: "P24-lock-kept" breaks "liveness",
        "a replica that prepared a batch for a slot never votes for another one there";
    SmallestCheckpoint: "P26a-smallest-checkpoint" breaks "agreement",
        "min-s is the smallest stable checkpoint of the view changes";
    LastSlotDropped: "P26b-last-slot-dropped" breaks "agreement",
        "the new primary proposes nothing for max-s, the last slot";
    GapsLeft: "P27-gaps-left" breaks "liveness",
        "the new primary proposes nothing for slots that no replica prepared";
    NullPreferred: "P28-null-preferred" breaks "agreement",
        "a slot gets the null request unless f + 1 VIEW-CHANGEs carry its certificate";
    ViewChangeUnverified: "P29-view-change-unverified" breaks "agreement",
        "the signatures of VIEW-CHANGEs are not verified";
    ReportsTooFew: "P50-reports-too-few" breaks "agreement",
        "2f VIEW-CHANGEs open a new view, the new primary's own among them";
    NewViewBelieved: "P30-new-view-believed" breaks "agreement",
        "backups take the proposals of a NEW-VIEW without recomputing them";
    GarbageProves: "P30b-garbage-proves" breaks "accusation",
        "a garbage signature inside a NEW-VIEW counts as proof against its primary";
    CertificateUnchecked: "P31-certificate-unchecked" breaks "agreement",
        "the PREPAREs of certificates in P are counted but not checked";
    JoinsAtF: "P34a-joins-at-f" breaks "liveness",
        "a replica asks for a view when f others do, instead of f + 1";
    NeverJoins: "P34b-never-joins" breaks "liveness",
        "a replica asks for a view only when its own timer expires";
    AskingCounted: "P34c-asking-counted" breaks "liveness",
        "VIEW-CHANGEs are counted instead of their senders";
    TimeoutConstant: "P35a-timeout-constant" breaks "liveness",
        "the timeout does not grow when views fail";
    TimerUnstopped: "P35b-timer-unstopped" breaks "deposition",
        "the execution of a request does not stop its timer";
    RestUnawaited: "P35c-rest-unawaited" breaks "liveness",
        "an execution stops the timer of all waiting requests";
    IdleTimer: "P35d-idle-timer" breaks "liveness",
        "the timer starts although no request is waiting";
    TimerHasty: "P35e-timer-hasty" breaks "liveness",
        "the timer for the NEW-VIEW starts before a quorum asks for the view";
    ClearedByNewView: "P35f-cleared-by-new-view" breaks "liveness",
        "a NEW-VIEW clears the timers of all waiting requests";
    LaterViewsIgnored: "P35g-later-views-ignored" breaks "liveness",
        "the timer for a NEW-VIEW starts when a quorum asks for that very view: the published words";
    NumbersReused: "P37-numbers-reused" breaks "accusation",
        "the primary of a new view does not continue its numbering above max-s";

    // Checkpoints, and the state that is fetched.
    CheckpointsCounted: "P39b-checkpoints-counted" breaks "liveness",
        "CHECKPOINTs are counted instead of their senders";
    StateUnproven: "P40a-state-unproven" breaks "agreement",
        "a fetched state is not compared with the proven digest";
    CheckpointDigestIgnored: "P40b-checkpoint-digest-ignored" breaks "liveness",
        "CHECKPOINTs match by slot only, not by the state's digest";
    StateNotFetched: "P40c-state-not-fetched" breaks "convergence",
        "a replica that lags behind a stable checkpoint does not ask for its state";
    VotesKept: "P47-votes-kept" breaks "quiescence",
        "CHECKPOINTs of slots that are stable are kept, and count as open";

    // Retransmission.
    DecisionsUnproven: "P45-decisions-unproven" breaks "liveness",
        "a replica that lags is sent each replica's own votes, and no proof of what is decided: \
         the published words";
}
