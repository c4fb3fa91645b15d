//! The catalogue of Raft's flaws. The rules that they break are in [`super::rules`].

use crate::catalogue::flaws;

flaws! {
    /// The flaws that can be planted in Raft.
    pub enum RaftFlaw;

    // What is committed.
    OlderTermCounted: "R01-older-term-counted" breaks "leadership",
        "a leader commits an entry of an earlier term by counting who holds it";

    // Elections.
    LogsUncompared: "R02-logs-uncompared" breaks "leadership",
        "a server votes for any candidate, whatever its log lacks";
    LengthsCompared: "R02b-lengths-compared" breaks "leadership",
        "a server votes for a candidate whose log is no shorter than its own, whatever their last \
         terms are";

    // What a restart leaves.
    VoteForgotten: "R03-vote-forgotten" breaks "leadership",
        "a server that restarts forgets for whom it voted in its term";
    VoteClearedByEntries: "R03b-vote-cleared-by-entries" breaks "leadership",
        "an AppendEntries of its own term makes a server forget for whom it voted";
    TermForgotten: "R04-term-forgotten" breaks "leadership",
        "a server that restarts begins again with term 0";

    // The log.
    CutWithoutConflict: "R05-cut-without-conflict" breaks "leadership",
        "a follower cuts its log where the entries of a message begin, even if it has them already";
    CommitBeyondMessage: "R06-commit-beyond-message" breaks "agreement",
        "a follower takes its log up to leaderCommit for committed, entries that the message does \
         not vouch for included";
    MatchOverstated: "R07-match-overstated" breaks "leadership",
        "a follower says that its whole log matches its leader's, whatever the message was about";
    ExecutesBeforeCommit: "R08-executes-before-commit" breaks "agreement",
        "a server executes and answers what it stored, before it is committed";
    AcknowledgedUnwritten: "R09-acknowledged-unwritten" breaks "leadership",
        "a server writes entries to its disk when it executes them, and not before it acknowledges \
         them";

    // Sessions.
    SessionsLeftBehind: "R10-sessions-left-behind" breaks "exactly-once",
        "a snapshot holds the state without the sessions of clients";
    NoSessions: "R11-no-sessions" breaks "exactly-once",
        "a request that was executed is executed again when its client asks again";

    // Reads.
    ReadsOwnState: "R12-reads-own-state" breaks "linearizability",
        "whoever takes itself for the leader answers reads from its own state at once";
    ReadsTooEarly: "R12b-reads-too-early" breaks "linearizability",
        "a new leader answers reads from its own state before it commits an entry of its term";

    // Terms that passed in the meantime.
    OldVotesCounted: "R13-old-votes-counted" breaks "leadership",
        "a candidate counts votes that it was given in an earlier term";
    StampedLate: "R14-stamped-late" breaks "leadership",
        "a server checks that it leads when a request comes, and stamps the entry with the term \
         that it has when it appends it";

    // Timers.
    RefusalDelays: "R15-refusal-delays" breaks "liveness",
        "a server draws its timer anew for every candidate, even one that it refuses";
    MisfitUnheard: "R16-misfit-unheard" breaks "liveness",
        "AppendEntries that do not fit the log do not count as word of the leader";
    PreVoteDropped: "R17-pre-vote-dropped" breaks "liveness",
        "a server drops a PreVote for a term that it has passed, instead of refusing it";
}
