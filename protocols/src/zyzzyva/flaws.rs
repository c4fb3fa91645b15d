//! The catalogue of Zyzzyva's flaws. The rules that they break are in [`super::rules`].

use crate::catalogue::flaws;

flaws! {
    /// The flaws that can be planted in Zyzzyva.
    pub enum ZyzzyvaFlaw;

    // How a new view chooses its history.
    OriginalViewChange: "Z01-original-view-change" breaks "durability",
        "a new view takes the longest certificate of any view, and considers reports only for \
         slots above it: the published rule";
    FPlus1First: "Z02-f-plus-1-first" breaks "durability",
        "a new view gives a slot to what f + 1 replicas report, from any views, and considers \
         certificates only afterwards";
    CcByView: "Z03-cc-by-view" breaks "durability",
        "a new view takes the certificate of the highest view, and considers reports only for \
         slots above it";
    NotStrict: "Z04-not-strict" breaks "durability",
        "f + 1 reports of the same view as a certificate beat the certificate";
    LatestClientCertificateOnly: "Z05-latest-client-certificate-only" breaks "durability",
        "a replica gives up a long certificate for a short one of a higher view, and does not \
         count VIEW-CONFIRMs as a certificate";
    DigestMatched: "Z06-digest-matched" breaks "durability",
        "f + 1 reports of a slot match if they name the same request, even after different \
         histories";

    // Completion: clients and their certificates.
    ClientImpatient: "Z07-client-impatient" breaks "durability",
        "the client completes a request on 2f + 1 matching SPEC-RESPONSEs, without depositing a \
         certificate";
    ResponsesMixed: "Z08-responses-mixed" breaks "linearizability",
        "the client compares only the answers, so it counts responses of different views and \
         histories together";
    CertificateUnverified: "Z10-certificate-unverified" breaks "durability",
        "the signatures in a certificate are counted, but neither verified nor checked to be of \
         distinct replicas";

    // Orders.
    WaitingUnordered: "Z19-waiting-unordered" breaks "deposition",
        "a primary that could not order a request at once forgets it";
    ConfirmIgnored: "Z20-confirm-ignored" breaks "deposition",
        "the primary ignores CONFIRM-REQ";

    // Execution, and undoing it.
    GapsExecuted: "Z11-gaps-executed" breaks "agreement",
        "an ORDER-REQ is executed without those before it, and its history digest is not checked";
    CacheSurvives: "Z12-cache-survives" breaks "liveness",
        "a rollback does not undo the reply cache and the timestamps of requests";

    // View changes, and checkpoints.
    HateAlone: "Z14-hate-alone" breaks "liveness",
        "one I-HATE-THE-PRIMARY is enough to change the view";
    StopsAlone: "Z14b-stops-alone" breaks "liveness",
        "a replica that suspects the primary stops working immediately, without f + 1 accusations";
    Unaccused: "Z15-unaccused" breaks "liveness",
        "a VIEW-CHANGE is accepted without f + 1 accusations";
    CheckpointUncovered: "Z17-checkpoint-uncovered" breaks "agreement",
        "a replica sends CHECKPOINT for slots that it executed but that no certificate covers";
    OldProofs: "Z21-old-proofs" breaks "deposition",
        "a proof of misbehaviour of an earlier view accuses the primary of the present one";
    ViewsMixed: "Z18-views-mixed" breaks "durability",
        "the 2f + 1 VIEW-CHANGEs that open a new view may be for earlier views";
    StateNotFetched: "Z22-state-not-fetched" breaks "convergence",
        "a replica that lags behind a stable checkpoint does not ask for its state";
    EvidenceKept: "Z23-evidence-kept" breaks "quiescence",
        "a replica tells the others of evidence against its primary again and again";
}
