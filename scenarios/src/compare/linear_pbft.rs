//! Closed formulas for linear PBFT, counted from its message flow (`protocols/src/linear_pbft`).

use super::chance;
use super::formulas::Formula;
use super::formulas::{
    LOST, MINIMUM, ORDER_STATISTICS, PBFT_CHECKPOINTS, PBFT_VIEW_CHANGE, When, exact,
    per_checkpoint,
};
use super::measure::Measure;
use super::stats::whole;

use Measure::{
    AllVerified, ClientSigned, ClientVerified, Completed, Delays, FirstTry, FromClients,
    FromReplicas, HighestView, Kind, Messages, Signed, Verified, ViewChangeMessages,
};
use When::{
    AllSpeak, Checkpoints, CorrectPrimary, FaultFree, Loss, Silent, SilentPrimary, SlowAnswers,
};

const COLLECTOR_FLOW: &str =
    "counted from the message flow of PBFT with the primary as the collector of votes";

/// The formulas of view changes and checkpoints are PBFT's: no votes are in them.
pub(super) const FORMULAS: &[Formula] = &[
    exact(Messages, AllSpeak, "6n − 4", COLLECTOR_FLOW, |it| whole(6 * it.n - 4)),
    exact(Messages, SlowAnswers, "6n − 4", COLLECTOR_FLOW, |it| whole(6 * it.n - 4)),
    exact(Messages, Silent, "6n − 4 − 3s", COLLECTOR_FLOW, |it| whole(6 * it.n - 4 - 3 * it.s)),
    exact(FromClients, CorrectPrimary, "1", COLLECTOR_FLOW, |_| 1.0),
    exact(FromReplicas, AllSpeak, "6n − 5", COLLECTOR_FLOW, |it| whole(6 * it.n - 5)),
    exact(FromReplicas, Silent, "6n − 5 − 3s", COLLECTOR_FLOW, |it| {
        whole(6 * it.n - 5 - 3 * it.s)
    }),
    exact(Kind("request"), CorrectPrimary, "1", COLLECTOR_FLOW, |_| 1.0),
    exact(Kind("pre-prepare"), CorrectPrimary, "n − 1", COLLECTOR_FLOW, |it| whole(it.n - 1)),
    exact(Kind("prepare"), AllSpeak, "n − 1", COLLECTOR_FLOW, |it| whole(it.n - 1)),
    exact(Kind("prepare"), Silent, "n − 1 − s", COLLECTOR_FLOW, |it| whole(it.n - 1 - it.s)),
    exact(Kind("prepare-cert"), CorrectPrimary, "n − 1", COLLECTOR_FLOW, |it| whole(it.n - 1)),
    exact(Kind("commit"), AllSpeak, "n − 1", COLLECTOR_FLOW, |it| whole(it.n - 1)),
    exact(Kind("commit"), Silent, "n − 1 − s", COLLECTOR_FLOW, |it| whole(it.n - 1 - it.s)),
    exact(Kind("commit-cert"), CorrectPrimary, "n − 1", COLLECTOR_FLOW, |it| whole(it.n - 1)),
    exact(Kind("reply"), AllSpeak, "n", COLLECTOR_FLOW, |it| whole(it.n)),
    exact(Kind("reply"), Silent, "n − s", COLLECTOR_FLOW, |it| whole(it.n - it.s)),
    exact(Delays, CorrectPrimary, "7", ORDER_STATISTICS, |_| 7.0),
    exact(Completed, CorrectPrimary, "1", COLLECTOR_FLOW, |_| 1.0),
    exact(Signed, CorrectPrimary, "2 + 1", MINIMUM, |_| 3.0),
    exact(Verified, FaultFree, "1 + 2(n − 1), the collector's", COLLECTOR_FLOW, |it| {
        whole(1 + 2 * (it.n - 1))
    }),
    // The collector verifies each vote, a backup request, PRE-PREPARE and two certificates.
    exact(AllVerified, FaultFree, "1 + (n − 1)(4 + c)", COLLECTOR_FLOW, |it| {
        let certificates =
            if it.has("certificates", "aggregate") { 2 } else { 2 * it.f + 2 * it.f + 1 };
        whole(1 + (it.n - 1) * (4 + certificates))
    }),
    exact(ClientSigned, CorrectPrimary, "1", COLLECTOR_FLOW, |_| 1.0),
    exact(ClientVerified, CorrectPrimary, "f + 1", MINIMUM, |it| whole(it.f + 1)),
    exact(HighestView, CorrectPrimary, "0", PBFT_VIEW_CHANGE, |_| 0.0),
    exact(HighestView, SilentPrimary, "1", PBFT_VIEW_CHANGE, |_| 1.0),
    exact(ViewChangeMessages, CorrectPrimary, "0", PBFT_VIEW_CHANGE, |_| 0.0),
    exact(ViewChangeMessages, SilentPrimary, "(n − 1)² + (n − 1)", PBFT_VIEW_CHANGE, |it| {
        whole(it.n * (it.n - 1))
    }),
    exact(Messages, Checkpoints, "6n − 4 + n(n − 1)/K", PBFT_CHECKPOINTS, |it| {
        whole(6 * it.n - 4) + per_checkpoint(it.n * (it.n - 1))
    }),
    exact(Kind("checkpoint"), Checkpoints, "n(n − 1)/K", PBFT_CHECKPOINTS, |it| {
        per_checkpoint(it.n * (it.n - 1))
    }),
    exact(Signed, Checkpoints, "2 + 1 + 1/K", MINIMUM, |_| 3.0 + per_checkpoint(1)),
    exact(Delays, Checkpoints, "7", ORDER_STATISTICS, |_| 7.0),
    exact(HighestView, Checkpoints, "0", PBFT_VIEW_CHANGE, |_| 0.0),
    exact(FirstTry, Loss, "Σ over quorums", LOST, |it| chance::linear_pbft(it.n, it.q)),
];
