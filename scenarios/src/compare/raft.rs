//! Closed formulas for Raft, counted from its message flow (Ongaro and Ousterhout §5.3): the leader
//! sends each entry to all others, hears from them, and answers the client. Heartbeats are no part
//! of them: they come with time, and not with requests.

use super::chance;
use super::formulas::{Formula, Inputs, LOST, ORDER_STATISTICS, When, exact};
use super::measure::Measure;
use super::stats::whole;

use Measure::{
    AllVerified, ClientSigned, ClientVerified, Completed, Delays, FirstTry, FromClients,
    FromReplicas, HighestView, Kind, Messages, Signed, Verified, ViewChangeMessages,
};
use When::{
    AllSpeak, Checkpoints, CorrectPrimary, FaultFree, Loss, Silent, SilentPrimary, SlowAnswers,
};

const FLOW: &str = "counted from the message flow of Ongaro and Ousterhout, ATC 2014, §5.3";
const ELECTION: &str = "counted from the message flow of Ongaro and Ousterhout, ATC 2014, §5.2";
const UNSIGNED: &str = "nothing is signed";

/// How many servers a leader that tells them at once what is committed (`eager-commit`) tells so.
fn told(it: &Inputs) -> u64 {
    if it.is_set("eager-commit") { it.n - 1 } else { 0 }
}

/// How many of them answer.
fn answering(it: &Inputs) -> u64 {
    told(it).saturating_sub(it.s)
}

/// The run begins with a leader, of term 1.
const LED_IN_TERM_1: Formula = exact(HighestView, CorrectPrimary, "1", ELECTION, |_| 1.0);
const ELECTS_NOBODY: Formula = exact(ViewChangeMessages, CorrectPrimary, "0", ELECTION, |_| 0.0);
/// A leader that says nothing is replaced in one term, unless two servers stand for election at
/// once: their timers are apart by much more than a message takes.
const ELECTED_IN_TERM_2: Formula = exact(HighestView, SilentPrimary, "2", ELECTION, |_| 2.0);
/// One server asks all others for their votes, and all but the silent one answer.
const ELECTS_ONCE: Formula =
    exact(ViewChangeMessages, SilentPrimary, "(n − 1) + (n − 2)", ELECTION, |it| {
        whole(2 * it.n - 3)
    });

/// What is told at once is told in further AppendEntries, and answered: 2(n − 1) − s more messages.
pub(super) const FORMULAS: &[Formula] = &[
    exact(Messages, AllSpeak, "2n", FLOW, |it| whole(2 * it.n + told(it) + answering(it))),
    exact(Messages, SlowAnswers, "2n", FLOW, |it| whole(2 * it.n + told(it) + answering(it))),
    exact(Messages, Silent, "2n − s", FLOW, |it| {
        whole(2 * it.n - it.s + told(it) + answering(it))
    }),
    exact(Messages, Checkpoints, "2n", FLOW, |it| whole(2 * it.n + told(it) + answering(it))),
    exact(FromClients, CorrectPrimary, "1", FLOW, |_| 1.0),
    exact(FromReplicas, AllSpeak, "2n − 1", FLOW, |it| {
        whole(2 * it.n - 1 + told(it) + answering(it))
    }),
    exact(FromReplicas, Silent, "2n − 1 − s", FLOW, |it| {
        whole(2 * it.n - 1 - it.s + told(it) + answering(it))
    }),
    exact(Kind("request"), CorrectPrimary, "1", FLOW, |_| 1.0),
    exact(Kind("append-entries"), CorrectPrimary, "n − 1", FLOW, |it| whole(it.n - 1 + told(it))),
    exact(Kind("append-reply"), AllSpeak, "n − 1", FLOW, |it| whole(it.n - 1 + answering(it))),
    exact(Kind("append-reply"), Silent, "n − 1 − s", FLOW, |it| {
        whole(it.n - 1 - it.s + answering(it))
    }),
    exact(Kind("reply"), CorrectPrimary, "1", FLOW, |_| 1.0),
    exact(Delays, CorrectPrimary, "4", ORDER_STATISTICS, |_| 4.0),
    exact(Delays, Checkpoints, "4", ORDER_STATISTICS, |_| 4.0),
    exact(Completed, CorrectPrimary, "1", FLOW, |_| 1.0),
    exact(Signed, CorrectPrimary, "0", UNSIGNED, |_| 0.0),
    exact(Verified, CorrectPrimary, "0", UNSIGNED, |_| 0.0),
    exact(AllVerified, CorrectPrimary, "0", UNSIGNED, |_| 0.0),
    exact(ClientSigned, CorrectPrimary, "0", UNSIGNED, |_| 0.0),
    exact(ClientVerified, CorrectPrimary, "0", UNSIGNED, |_| 0.0),
    LED_IN_TERM_1,
    exact(HighestView, Checkpoints, "1", ELECTION, |_| 1.0),
    ELECTS_NOBODY,
    ELECTED_IN_TERM_2,
    ELECTS_ONCE,
    exact(FirstTry, Loss, "Σ over majorities", LOST, |it| chance::raft(it.n, it.q)),
];

const SHOWN: &str =
    "counted from the message flow of Raft with signatures shown in a commit notice";

/// With signed acknowledgements: a notice follows, which nobody answers, and all servers answer the
/// client.
pub(super) const WITH_SIGNED_ACKS: &[Formula] = &[
    exact(Messages, FaultFree, "1 + 3(n − 1) + n", SHOWN, |it| whole(1 + 3 * (it.n - 1) + it.n)),
    exact(FromClients, CorrectPrimary, "1", SHOWN, |_| 1.0),
    exact(FromReplicas, FaultFree, "3(n − 1) + n", SHOWN, |it| whole(3 * (it.n - 1) + it.n)),
    exact(Kind("request"), CorrectPrimary, "1", SHOWN, |_| 1.0),
    exact(Kind("append-entries"), FaultFree, "2(n − 1)", SHOWN, |it| whole(2 * (it.n - 1))),
    exact(Kind("append-reply"), FaultFree, "n − 1", SHOWN, |it| whole(it.n - 1)),
    exact(Kind("reply"), FaultFree, "n", SHOWN, |it| whole(it.n)),
    exact(Delays, CorrectPrimary, "5", ORDER_STATISTICS, |_| 5.0),
    exact(Completed, CorrectPrimary, "1", SHOWN, |_| 1.0),
    exact(ClientSigned, CorrectPrimary, "0", SHOWN, |_| 0.0),
    LED_IN_TERM_1,
    ELECTS_NOBODY,
    ELECTED_IN_TERM_2,
    ELECTS_ONCE,
];
