//! Closed formulas of the literature for what protocols cost, as data.
//!
//! They hold for one request, batches of one, n = 3f + 1 and no retransmission; K is the number of
//! slots between checkpoints, which only one setting has. A
//! multicast to k receivers counts as k messages, and a message to oneself as none. A protocol
//! without formulas is measured as well. To add formulas, add a [`Book`].

#![expect(clippy::float_arithmetic, reason = "expected values of a report: no run depends on them")]

use byzsim_core::Span;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::chance;
use super::linear_pbft;
use super::measure::Measure;
use super::raft;
use super::settings::{CHECKPOINT_INTERVAL, Case, LAG, LATENCY, reader};
use super::stats::{Relation, whole};

/// Where a formula comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Tag {
    /// Derived from the message flow.
    D,
    /// Quoted from memory of a paper: it gives the growth and not the number.
    M,
}

/// What a protocol's figure should be.
#[derive(Clone, Copy, Debug)]
pub struct Formula {
    /// Of which figure.
    pub measure: Measure,
    /// In which cases.
    pub when: When,
    /// As people write it.
    pub text: &'static str,
    /// Where it comes from.
    pub tag: Tag,
    /// The same in words.
    pub source: &'static str,
    /// How the figure relates to it.
    pub relation: Relation,
    /// Its value.
    pub value: fn(&Inputs) -> f64,
}

/// The cases that a formula is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// Nothing goes wrong.
    FaultFree,
    /// Nothing goes wrong, or one backup is slow, which no count of messages shows.
    AllSpeak,
    /// Some backups are silent.
    Silent,
    /// Any of these.
    CorrectPrimary,
    /// One backup is slow.
    Slow,
    /// One backup answers clients late.
    SlowAnswers,
    /// The first primary is silent.
    SilentPrimary,
    /// There are checkpoints.
    Checkpoints,
    /// Reads are answered past the order.
    Reads,
    /// Messages are lost.
    Loss,
}

impl When {
    const fn holds(self, case: Case) -> bool {
        match case {
            Case::FaultFree => {
                matches!(self, Self::FaultFree | Self::AllSpeak | Self::CorrectPrimary)
            }
            Case::SlowBackup => {
                matches!(self, Self::Slow | Self::AllSpeak | Self::CorrectPrimary)
            }
            Case::SilentBackup | Case::SilentBackups => {
                matches!(self, Self::Silent | Self::CorrectPrimary)
            }
            Case::SlowAnswers => matches!(self, Self::SlowAnswers | Self::CorrectPrimary),
            Case::SilentPrimary => matches!(self, Self::SilentPrimary),
            Case::Checkpoints => matches!(self, Self::Checkpoints),
            Case::Reads => matches!(self, Self::Reads),
            Case::Loss(_) => matches!(self, Self::Loss),
        }
    }
}

/// What formulas depend on.
#[derive(Clone, Debug)]
pub struct Inputs {
    /// n.
    pub n: u64,
    /// f.
    pub f: u64,
    /// s: how many backups are silent.
    pub s: u64,
    /// q: the probability that a message is lost.
    pub q: f64,
    /// The protocol's parameters, none left out.
    pub params: Map<String, Value>,
    /// What is known of the protocol.
    pub book: Option<&'static Book>,
}

impl Inputs {
    /// A parameter that is a span, in message delays; nothing if there is none of this name.
    fn delays(&self, param: &str) -> f64 {
        whole(self.span(param).nanos()) / whole(LATENCY.nanos())
    }

    /// Whether an option is set.
    pub(super) fn is_set(&self, param: &str) -> bool {
        self.params.get(param).and_then(Value::as_bool) == Some(true)
    }

    /// Whether a parameter has this value.
    pub(super) fn has(&self, param: &str, value: &str) -> bool {
        self.params.get(param).and_then(Value::as_str) == Some(value)
    }

    fn span(&self, param: &str) -> Span {
        let text = self.params.get(param).and_then(Value::as_str);
        text.and_then(|text| text.parse().ok()).unwrap_or_default()
    }

    /// The formula for a figure in a case, if there is one.
    pub fn formula(&self, measure: Measure, case: Case) -> Option<&'static Formula> {
        let book = self.book?;
        let formulas = book.formulas.iter();
        // Where reads are ordered they cost what everything costs.
        let case = match (case, reader(book.protocol)) {
            (Case::Reads, None) => Case::FaultFree,
            (case, _) => case,
        };
        formulas.into_iter().find(|it| it.measure == measure && it.when.holds(case))
    }
}

/// What is known of a protocol.
#[derive(Clone, Copy, Debug)]
pub struct Book {
    /// The protocol.
    pub protocol: &'static str,
    /// The parameters that keep checkpoints out of a run, as JSON.
    pub params: &'static str,
    /// The milestone of a request that completes on the fast path, if there is one.
    pub fast_path: Option<&'static str>,
    /// The kinds of message that change the view.
    pub view_change_kinds: &'static [&'static str],
    /// By when a request completes if nothing is retransmitted.
    pub patience: fn(&Inputs) -> Span,
    /// When a run ends at the latest whose requests all complete soon: before what comes with time,
    /// and not with requests.
    pub end: Option<Span>,
    /// The formulas.
    pub formulas: &'static [Formula],
}

impl Book {
    /// The book of a protocol with these parameters, if there is one. Raft has a second one, for
    /// signed acknowledgements.
    pub fn of(protocol: &str, params: &Map<String, Value>) -> Option<&'static Self> {
        let mut books = BOOKS.iter().filter(|book| book.protocol == protocol);
        let is_signed = params.get("acks").is_some_and(|acks| acks != "plain");
        books.nth(usize::from(is_signed))
    }
}

/// All books.
const BOOKS: [Book; 5] = [
    Book {
        protocol: "pbft",
        params: r#"{ "checkpoint-interval": 10000, "window": 20000 }"#,
        fast_path: None,
        view_change_kinds: &["view-change", "new-view"],
        patience: |_| LATENCY * 5,
        end: None,
        formulas: PBFT,
    },
    Book {
        protocol: "linear-pbft",
        params: r#"{
            "checkpoint-interval": 10000, "window": 20000, "tells-progress": false
        }"#,
        fast_path: None,
        view_change_kinds: &["view-change", "new-view"],
        patience: |_| LATENCY * 7,
        end: None,
        formulas: linear_pbft::FORMULAS,
    },
    Book {
        protocol: "zyzzyva",
        params: r#"{ "checkpoint-interval": 10000 }"#,
        fast_path: Some("fast-path"),
        view_change_kinds: &["i-hate-the-primary", "view-change", "new-view", "view-confirm"],
        patience: |it| it.span(TIMER_1) + LATENCY * 2,
        end: None,
        formulas: ZYZZYVA,
    },
    RAFT,
    Book { patience: |_| LATENCY * 5, formulas: raft::WITH_SIGNED_ACKS, ..RAFT },
];

const RAFT: Book = Book {
    protocol: "raft",
    params: r#"{
        "leader": "r0", "no-op": false, "snapshot-interval": 0,
        "heartbeat": "10s", "election-timeout": "30s"
    }"#,
    fast_path: None,
    view_change_kinds: &["request-vote", "vote"],
    patience: |_| LATENCY * 4,
    // The first heartbeat, which tells the followers of the last commit, is due at 10 s.
    end: Some(Span::from_secs(5)),
    formulas: raft::FORMULAS,
};

/// Zyzzyva's parameter for how long a client waits for 3f + 1 responses.
const TIMER_1: &str = "client-timeout";

const PBFT_FLOW: &str = "counted from the message flow of Castro and Liskov, OSDI 1999, §4.2";
pub(super) const PBFT_CHECKPOINTS: &str =
    "counted from the message flow of Castro and Liskov, OSDI 1999, §4.3";
const PBFT_READS: &str = "counted from the message flow of Castro and Liskov, OSDI 1999, §5.1";
pub(super) const PBFT_VIEW_CHANGE: &str =
    "counted from the message flow of Castro and Liskov, OSDI 1999, §4.4";
const ZYZZYVA_FLOW: &str = "counted from the message flow of Kotla et al., SOSP 2007, agreement";
const ZYZZYVA_CHECKPOINTS: &str =
    "counted from the message flow of Kotla et al., SOSP 2007, checkpoints";
const ZYZZYVA_VIEW_CHANGE: &str =
    "counted from the message flow of Kotla et al., SOSP 2007, view change";
pub(super) const ORDER_STATISTICS: &str = "the times at which the quorums of the flow are complete";
pub(super) const MINIMUM: &str = "with signatures, per batch, with the least verification";
pub(super) const LOST: &str =
    "summed over which node receives which message; losses are independent";

pub(super) const fn exact(
    measure: Measure,
    when: When,
    text: &'static str,
    source: &'static str,
    value: fn(&Inputs) -> f64,
) -> Formula {
    Formula { measure, when, text, tag: Tag::D, source, relation: Relation::Equal, value }
}

const fn least(formula: Formula) -> Formula {
    Formula { relation: Relation::AtLeast, ..formula }
}

const fn shape(formula: Formula) -> Formula {
    Formula { relation: Relation::Shape, tag: Tag::M, ..formula }
}

use Measure::{
    AllVerified, ClientSigned, ClientVerified, Completed, Crypto, Delays, Fast, FastFirstTry,
    FirstTry, FromClients, FromReplicas, HighestView, Kind, Messages, Signed, Verified,
    ViewChangeMessages,
};
use When::{
    AllSpeak, Checkpoints, CorrectPrimary, FaultFree, Loss, Reads, Silent, SilentPrimary, Slow,
    SlowAnswers,
};

/// What `count` per checkpoint is per request.
pub(super) fn per_checkpoint(count: u64) -> f64 {
    whole(count) / whole(CHECKPOINT_INTERVAL)
}

const PBFT: &[Formula] = &[
    exact(Messages, AllSpeak, "2n² − n + 1", PBFT_FLOW, |it| whole(2 * it.n * it.n - it.n + 1)),
    exact(Messages, SlowAnswers, "2n² − n + 1", PBFT_FLOW, |it| {
        whole(2 * it.n * it.n - it.n + 1)
    }),
    exact(Messages, Silent, "2n² − n + 1 − s(2n − 1)", PBFT_FLOW, |it| {
        whole(2 * it.n * it.n - it.n + 1 - it.s * (2 * it.n - 1))
    }),
    exact(FromClients, CorrectPrimary, "1", PBFT_FLOW, |_| 1.0),
    exact(FromReplicas, AllSpeak, "2n² − n", PBFT_FLOW, |it| whole(2 * it.n * it.n - it.n)),
    exact(FromReplicas, Silent, "(n − s)(2n − 1)", PBFT_FLOW, |it| {
        whole((it.n - it.s) * (2 * it.n - 1))
    }),
    exact(Kind("request"), CorrectPrimary, "1", PBFT_FLOW, |_| 1.0),
    exact(Kind("pre-prepare"), CorrectPrimary, "n − 1", PBFT_FLOW, |it| whole(it.n - 1)),
    exact(Kind("prepare"), AllSpeak, "(n − 1)²", PBFT_FLOW, |it| whole((it.n - 1) * (it.n - 1))),
    exact(Kind("prepare"), Silent, "(n − 1 − s)(n − 1)", PBFT_FLOW, |it| {
        whole((it.n - 1 - it.s) * (it.n - 1))
    }),
    exact(Kind("commit"), AllSpeak, "n(n − 1)", PBFT_FLOW, |it| whole(it.n * (it.n - 1))),
    exact(Kind("commit"), Silent, "(n − s)(n − 1)", PBFT_FLOW, |it| {
        whole((it.n - it.s) * (it.n - 1))
    }),
    exact(Kind("reply"), AllSpeak, "n", PBFT_FLOW, |it| whole(it.n)),
    exact(Kind("reply"), Silent, "n − s", PBFT_FLOW, |it| whole(it.n - it.s)),
    exact(Delays, CorrectPrimary, "5", ORDER_STATISTICS, |_| 5.0),
    exact(Completed, CorrectPrimary, "1", PBFT_FLOW, |_| 1.0),
    exact(Signed, CorrectPrimary, "2 + 1", MINIMUM, |_| 3.0),
    least(exact(Verified, FaultFree, "1 + 1 + 2f + (2f + 1)", MINIMUM, |it| whole(4 * it.f + 3))),
    exact(AllVerified, FaultFree, "n(2n − 1)", PBFT_FLOW, |it| whole(it.n * (2 * it.n - 1))),
    shape(exact(Crypto, FaultFree, "2 + (8f + 1)/b MACs", "Zyzzyva's comparison table", |it| {
        whole(8 * it.f + 3)
    })),
    exact(ClientSigned, CorrectPrimary, "1", PBFT_FLOW, |_| 1.0),
    exact(ClientVerified, CorrectPrimary, "f + 1", MINIMUM, |it| whole(it.f + 1)),
    exact(HighestView, CorrectPrimary, "0", PBFT_VIEW_CHANGE, |_| 0.0),
    exact(HighestView, SilentPrimary, "1", PBFT_VIEW_CHANGE, |_| 1.0),
    exact(ViewChangeMessages, CorrectPrimary, "0", PBFT_VIEW_CHANGE, |_| 0.0),
    exact(ViewChangeMessages, SilentPrimary, "(n − 1)² + (n − 1)", PBFT_VIEW_CHANGE, |it| {
        whole(it.n * (it.n - 1))
    }),
    exact(Messages, Checkpoints, "2n² − n + 1 + n(n − 1)/K", PBFT_CHECKPOINTS, |it| {
        whole(2 * it.n * it.n - it.n + 1) + per_checkpoint(it.n * (it.n - 1))
    }),
    exact(Kind("checkpoint"), Checkpoints, "n(n − 1)/K", PBFT_CHECKPOINTS, |it| {
        per_checkpoint(it.n * (it.n - 1))
    }),
    exact(Signed, Checkpoints, "2 + 1 + 1/K", MINIMUM, |_| 3.0 + per_checkpoint(1)),
    exact(Delays, Checkpoints, "5", ORDER_STATISTICS, |_| 5.0),
    exact(HighestView, Checkpoints, "0", PBFT_VIEW_CHANGE, |_| 0.0),
    exact(Messages, Reads, "2n", PBFT_READS, |it| whole(2 * it.n)),
    exact(FromClients, Reads, "n", PBFT_READS, |it| whole(it.n)),
    exact(FromReplicas, Reads, "n", PBFT_READS, |it| whole(it.n)),
    exact(Kind("request"), Reads, "n", PBFT_READS, |it| whole(it.n)),
    exact(Kind("reply"), Reads, "n", PBFT_READS, |it| whole(it.n)),
    exact(Delays, Reads, "2", ORDER_STATISTICS, |_| 2.0),
    exact(Completed, Reads, "1", PBFT_READS, |_| 1.0),
    exact(Signed, Reads, "1", MINIMUM, |_| 1.0),
    exact(Verified, Reads, "1", MINIMUM, |_| 1.0),
    exact(ClientSigned, Reads, "1", PBFT_READS, |_| 1.0),
    exact(ClientVerified, Reads, "2f + 1", MINIMUM, |it| whole(2 * it.f + 1)),
    exact(HighestView, Reads, "0", PBFT_VIEW_CHANGE, |_| 0.0),
    exact(ViewChangeMessages, Reads, "0", PBFT_VIEW_CHANGE, |_| 0.0),
    exact(FirstTry, Loss, "Σ over quorums", LOST, |it| chance::pbft(it.n, it.q)),
];

const ZYZZYVA: &[Formula] = &[
    exact(Messages, AllSpeak, "2n", ZYZZYVA_FLOW, |it| whole(2 * it.n)),
    // The client as collector: it gathers responses, and shows all replicas 2f + 1 of them.
    exact(Messages, SlowAnswers, "4n", ZYZZYVA_FLOW, |it| whole(4 * it.n)),
    exact(Kind("commit"), SlowAnswers, "n", ZYZZYVA_FLOW, |it| whole(it.n)),
    exact(Kind("local-commit"), SlowAnswers, "n", ZYZZYVA_FLOW, |it| whole(it.n)),
    exact(Fast, SlowAnswers, "0", ORDER_STATISTICS, |_| 0.0),
    exact(Delays, SlowAnswers, "5 + (timer 1 − 3d)/d", ORDER_STATISTICS, |it| {
        5.0 + (it.delays(TIMER_1) - 3.0)
    }),
    exact(Messages, Silent, "4n − 2s", ZYZZYVA_FLOW, |it| whole(4 * it.n - 2 * it.s)),
    exact(FromClients, AllSpeak, "1", ZYZZYVA_FLOW, |_| 1.0),
    exact(FromClients, Silent, "1 + n", ZYZZYVA_FLOW, |it| whole(1 + it.n)),
    exact(FromReplicas, AllSpeak, "2n − 1", ZYZZYVA_FLOW, |it| whole(2 * it.n - 1)),
    exact(FromReplicas, Silent, "3n − 2s − 1", ZYZZYVA_FLOW, |it| {
        whole(3 * it.n - 2 * it.s - 1)
    }),
    exact(Kind("request"), CorrectPrimary, "1", ZYZZYVA_FLOW, |_| 1.0),
    exact(Kind("order-req"), CorrectPrimary, "n − 1", ZYZZYVA_FLOW, |it| whole(it.n - 1)),
    exact(Kind("spec-response"), AllSpeak, "n", ZYZZYVA_FLOW, |it| whole(it.n)),
    exact(Kind("spec-response"), Silent, "n − s", ZYZZYVA_FLOW, |it| whole(it.n - it.s)),
    exact(Kind("commit"), Silent, "n", ZYZZYVA_FLOW, |it| whole(it.n)),
    exact(Kind("local-commit"), Silent, "n − s", ZYZZYVA_FLOW, |it| whole(it.n - it.s)),
    exact(Delays, FaultFree, "3", ORDER_STATISTICS, |_| 3.0),
    exact(Delays, Slow, "3 + lag/d", ORDER_STATISTICS, |_| {
        3.0 + whole(LAG.nanos()) / whole(LATENCY.nanos())
    }),
    // The client waits for the first 3 of the 5 delays anyway.
    exact(Delays, Silent, "5 + (timer 1 − 3d)/d", ORDER_STATISTICS, |it| {
        5.0 + (it.delays(TIMER_1) - 3.0)
    }),
    exact(Completed, CorrectPrimary, "1", ZYZZYVA_FLOW, |_| 1.0),
    exact(Signed, AllSpeak, "1 + 1, the primary's", ZYZZYVA_FLOW, |_| 2.0),
    exact(Signed, Silent, "1 + 1 + 1, the primary's", ZYZZYVA_FLOW, |_| 3.0),
    least(exact(Verified, FaultFree, "1 + 1", MINIMUM, |_| 2.0)),
    shape(exact(Crypto, FaultFree, "2 + 3f/b MACs", "Zyzzyva's comparison table", |it| {
        whole(2 + 3 * it.f)
    })),
    exact(ClientSigned, CorrectPrimary, "1", ZYZZYVA_FLOW, |_| 1.0),
    least(exact(ClientVerified, AllSpeak, "3f + 1", MINIMUM, |it| whole(3 * it.f + 1))),
    exact(Fast, AllSpeak, "1", ORDER_STATISTICS, |_| 1.0),
    exact(Fast, Silent, "0", ORDER_STATISTICS, |_| 0.0),
    exact(HighestView, CorrectPrimary, "0", ZYZZYVA_VIEW_CHANGE, |_| 0.0),
    exact(HighestView, SilentPrimary, "1", ZYZZYVA_VIEW_CHANGE, |_| 1.0),
    exact(ViewChangeMessages, CorrectPrimary, "0", ZYZZYVA_VIEW_CHANGE, |_| 0.0),
    exact(
        ViewChangeMessages,
        SilentPrimary,
        "3(n − 1)² + (n − 1)",
        ZYZZYVA_VIEW_CHANGE,
        |it| whole((it.n - 1) * (3 * it.n - 2)),
    ),
    // The replicas show each other their responses to the slot, and then vote on its state.
    exact(Messages, Checkpoints, "2n + 2n(n − 1)/K", ZYZZYVA_CHECKPOINTS, |it| {
        whole(2 * it.n) + per_checkpoint(2 * it.n * (it.n - 1))
    }),
    exact(Kind("spec-response"), Checkpoints, "n + n(n − 1)/K", ZYZZYVA_CHECKPOINTS, |it| {
        whole(it.n) + per_checkpoint(it.n * (it.n - 1))
    }),
    exact(Kind("checkpoint"), Checkpoints, "n(n − 1)/K", ZYZZYVA_CHECKPOINTS, |it| {
        per_checkpoint(it.n * (it.n - 1))
    }),
    exact(Delays, Checkpoints, "3", ORDER_STATISTICS, |_| 3.0),
    exact(Fast, Checkpoints, "1", ORDER_STATISTICS, |_| 1.0),
    exact(HighestView, Checkpoints, "0", ZYZZYVA_VIEW_CHANGE, |_| 0.0),
    exact(FirstTry, Loss, "Σ over quorums", LOST, |it| chance::zyzzyva(it.n, it.q)),
    exact(FastFirstTry, Loss, "(1 − q)^2n", LOST, |it| chance::zyzzyva_fast(it.n, it.q)),
];
