//! The catalogue of PBFT's flaws, part by part: their names, and what each breaks. The rules that
//! they break are in [`super::rules`].

mod checkpoint;
mod normal;
mod requests;
mod view_change;

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
    const PARTS: &'static [&'static [(Self, FlawEntry)]] =
        &[normal::FLAWS, requests::FLAWS, view_change::FLAWS, checkpoint::FLAWS];
}
