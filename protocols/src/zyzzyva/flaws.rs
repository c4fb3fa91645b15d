//! The catalogue of Zyzzyva's flaws. The rules that they break are in [`super::rules`].

use crate::catalogue::{Flaw, FlawEntry, flaws};

flaws! {
    /// The flaws that can be planted in Zyzzyva.
    pub enum ZyzzyvaFlaw;

    // How a new view chooses its history.
    OriginalViewChange: "Z01-original-view-change" breaks "durability",
        "a new view takes the longest certificate, of whatever view, and looks at reports only \
         after its end: the rule as published";
    FPlus1First: "Z02-f-plus-1-first" breaks "durability",
        "a new view gives a slot to what f + 1 replicas report, of whatever views, and looks at \
         certificates afterwards";
    CcByView: "Z03-cc-by-view" breaks "durability",
        "a new view takes the certificate of the highest view, and looks at reports only after \
         its end";
    NotStrict: "Z04-not-strict" breaks "durability",
        "f + 1 reports of the very view of a certificate beat it";
    LatestClientCertificateOnly: "Z05-latest-client-certificate-only" breaks "durability",
        "a replica gives up a long certificate for a short one of a higher view, and takes no \
         VIEW-CONFIRMs for one";
    DigestMatched: "Z06-digest-matched" breaks "durability",
        "f + 1 reports of a slot match if they name the same request, whatever their histories \
         before it";

    // Completion: clients and their certificates.
    ClientImpatient: "Z07-client-impatient" breaks "durability",
        "the client takes 2f + 1 matching SPEC-RESPONSEs for completion, and deposits no \
         certificate";
    ResponsesMixed: "Z08-responses-mixed" breaks "linearizability",
        "the client compares answers only, and counts responses of different views and histories \
         together";
    CertificateUnverified: "Z10-certificate-unverified" breaks "durability",
        "the signatures in a certificate are counted, and neither verified nor checked to be of \
         distinct replicas";

    // Execution, and undoing it.
    GapsExecuted: "Z11-gaps-executed" breaks "agreement",
        "an ORDER-REQ is executed without the ones before it, and its history digest is not \
         checked";
    CacheSurvives: "Z12-cache-survives" breaks "liveness",
        "a rollback leaves the reply cache and the timestamps of undone requests";

    // View changes, and checkpoints.
    HateAlone: "Z14-hate-alone" breaks "liveness",
        "one I-HATE-THE-PRIMARY is enough to change the view";
    StopsAlone: "Z14b-stops-alone" breaks "liveness",
        "a replica that suspects the primary stops working at once, without f + 1 accusations";
    Unaccused: "Z15-unaccused" breaks "liveness",
        "a VIEW-CHANGE is accepted without f + 1 accusations";
    CheckpointUncovered: "Z17-checkpoint-uncovered" breaks "agreement",
        "a replica says CHECKPOINT for all that it executed, with no certificate that covers it";
    ViewsMixed: "Z18-views-mixed" breaks "durability",
        "a new view is opened with VIEW-CHANGEs for earlier views among its 2f + 1";
}
