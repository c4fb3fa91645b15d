//! Flaws of requests: what clients believe, and what happens once.

use super::PbftFlaw;
use crate::catalogue::FlawEntry;

pub(super) const FLAWS: &[(PbftFlaw, FlawEntry)] = &[
    (
        PbftFlaw::ClientTrusts,
        FlawEntry {
            name: "P17-client-trusts",
            about: "the client accepts an answer that f replicas give, instead of f + 1",
            violates: "result-integrity",
        },
    ),
    (
        PbftFlaw::CacheAnswersAll,
        FlawEntry {
            name: "P18-cache-answers-all",
            about: "a new request is answered with the client's last reply",
            violates: "result-integrity",
        },
    ),
    (
        PbftFlaw::HeardIsExecuted,
        FlawEntry {
            name: "P18b-heard-is-executed",
            about: "a timestamp is used up when its request is heard, not when it is executed",
            violates: "liveness",
        },
    ),
    (
        PbftFlaw::ExecutesAgain,
        FlawEntry {
            name: "P19-executes-again",
            about: "a request that is ordered twice is executed twice",
            violates: "exactly-once",
        },
    ),
    (
        PbftFlaw::CacheLeftBehind,
        FlawEntry {
            name: "P19b-cache-left-behind",
            about: "a state that is fetched comes without the reply cache",
            violates: "agreement",
        },
    ),
];
