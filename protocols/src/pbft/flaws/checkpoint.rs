//! Flaws of checkpoints and of the state that is fetched.

use super::PbftFlaw;
use crate::catalogue::FlawEntry;

pub(super) const FLAWS: &[(PbftFlaw, FlawEntry)] = &[
    (
        PbftFlaw::CheckpointsCounted,
        FlawEntry {
            name: "P39b-checkpoints-counted",
            about: "CHECKPOINTs are counted, not their senders",
            violates: "liveness",
        },
    ),
    (
        PbftFlaw::StateUnproven,
        FlawEntry {
            name: "P40a-state-unproven",
            about: "a fetched state is not compared with the digest that is proven",
            violates: "agreement",
        },
    ),
    (
        PbftFlaw::CheckpointDigestIgnored,
        FlawEntry {
            name: "P40b-checkpoint-digest-ignored",
            about: "CHECKPOINTs are matched by slot only, not by the state's digest",
            violates: "liveness",
        },
    ),
];
