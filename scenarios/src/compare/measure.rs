//! What is measured of a run.

use byzsim_core::metrics::CryptoCount;
use byzsim_core::{Outcome, Span};

use super::formulas::Inputs;
use super::settings::LATENCY;
use super::stats::{Scale, part, whole};
use crate::run::result::Report;
use crate::run::scenario::Scenario;

/// A quantity that is compared. All but the last two are per request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Measure {
    /// Messages sent.
    Messages,
    /// Messages sent by clients.
    FromClients,
    /// Messages sent by replicas.
    FromReplicas,
    /// Messages of one kind.
    Kind(&'static str),
    /// Bytes sent.
    Bytes,
    /// Signatures made by the correct replica that made most.
    Signed,
    /// Signatures verified by the correct replica that verified most.
    Verified,
    /// Both, by the correct replica that did most.
    Crypto,
    /// Signatures made by the client.
    ClientSigned,
    /// Signatures verified by the client.
    ClientVerified,
    /// The time from a request to its completion, in message delays.
    Delays,
    /// The same time, in milliseconds.
    Latency,
    /// The time of the slowest request, in milliseconds, in runs of several requests.
    Slowest,
    /// The share of requests that completed.
    Completed,
    /// The share of requests that completed with nothing retransmitted, in runs of one request.
    FirstTry,
    /// The share of requests that completed on the protocol's fast path.
    Fast,
    /// The share of requests that did so with nothing retransmitted, in runs of one request.
    FastFirstTry,
    /// Messages of view changes in the whole run.
    ViewChangeMessages,
    /// Changes of the view in the whole run.
    ViewChanges,
}

impl Measure {
    /// All of them for a protocol with these kinds of message, in the order of reports.
    pub fn all(kinds: &'static [&'static str]) -> Vec<Self> {
        let mut all = vec![Self::Messages, Self::FromClients, Self::FromReplicas];
        all.extend(kinds.iter().map(|kind| Self::Kind(kind)));
        all.extend([
            Self::Bytes,
            Self::Signed,
            Self::Verified,
            Self::Crypto,
            Self::ClientSigned,
            Self::ClientVerified,
            Self::Delays,
            Self::Latency,
            Self::Slowest,
            Self::Completed,
            Self::FirstTry,
            Self::Fast,
            Self::FastFirstTry,
            Self::ViewChangeMessages,
            Self::ViewChanges,
        ]);
        all
    }

    /// The name for programs.
    pub fn name(self) -> String {
        let name = match self {
            Self::Messages => "messages",
            Self::FromClients => "messages-from-clients",
            Self::FromReplicas => "messages-from-replicas",
            Self::Kind(kind) => return format!("messages:{kind}"),
            Self::Bytes => "bytes",
            Self::Signed => "replica-signed",
            Self::Verified => "replica-verified",
            Self::Crypto => "replica-crypto",
            Self::ClientSigned => "client-signed",
            Self::ClientVerified => "client-verified",
            Self::Delays => "delays",
            Self::Latency => "latency-ms",
            Self::Slowest => "slowest-ms",
            Self::Completed => "completed",
            Self::FirstTry => "first-try",
            Self::Fast => "fast-path",
            Self::FastFirstTry => "fast-path-first-try",
            Self::ViewChangeMessages => "view-change-messages",
            Self::ViewChanges => "view-changes",
        };
        name.to_owned()
    }

    /// The name for people.
    pub fn label(self) -> String {
        let label = match self {
            Self::Messages => "messages per request",
            Self::FromClients => "  from the client",
            Self::FromReplicas => "  from replicas",
            Self::Kind(kind) => return format!("  {kind}"),
            Self::Bytes => "bytes per request",
            Self::Signed => "signed, busiest replica",
            Self::Verified => "verified, busiest replica",
            Self::Crypto => "both, busiest replica",
            Self::ClientSigned => "signed, client",
            Self::ClientVerified => "verified, client",
            Self::Delays => "message delays",
            Self::Latency => "latency, ms",
            Self::Slowest => "  slowest request",
            Self::Completed => "completed",
            Self::FirstTry => "nothing retransmitted",
            Self::Fast => "on the fast path",
            Self::FastFirstTry => "  and nothing retransmitted",
            Self::ViewChangeMessages => "view-change messages per run",
            Self::ViewChanges => "view changes per run",
        };
        label.to_owned()
    }

    /// What kind of number it is.
    pub const fn scale(self) -> Scale {
        match self {
            Self::Completed | Self::FirstTry | Self::Fast | Self::FastFirstTry => Scale::Share,
            Self::Messages
            | Self::FromClients
            | Self::FromReplicas
            | Self::Kind(_)
            | Self::Bytes
            | Self::Signed
            | Self::Verified
            | Self::Crypto
            | Self::ClientSigned
            | Self::ClientVerified
            | Self::Delays
            | Self::Latency
            | Self::Slowest
            | Self::ViewChangeMessages
            | Self::ViewChanges => Scale::Amount,
        }
    }

    /// Whether the protocols are compared by the ratio of it. Kinds have names in common and little
    /// else.
    pub const fn has_ratio(self) -> bool {
        !matches!(self, Self::Kind(_) | Self::Fast | Self::FastFirstTry)
    }
}

/// One run, seen through its numbers.
struct Run<'a> {
    outcome: &'a Outcome,
    scenario: &'a Scenario,
    inputs: &'a Inputs,
    /// By node: whether it is corrupted.
    corrupted: Vec<bool>,
    requests: u64,
}

/// The values of a run, one for each of `measures`; none if the protocol panicked.
pub fn values(
    measures: &[Measure],
    scenario: &Scenario,
    inputs: &Inputs,
    report: &Report,
) -> Option<Vec<Option<f64>>> {
    let outcome = &report.result.as_ref().ok()?.outcome;
    let guilty = report.drawn.plan.corrupted();
    let corrupted = scenario.committee.nodes().map(|node| guilty.contains(&node)).collect();
    let run = Run { outcome, scenario, inputs, corrupted, requests: outcome.operations };
    Some(measures.iter().map(|measure| run.value(*measure)).collect())
}

impl Run<'_> {
    fn value(&self, measure: Measure) -> Option<f64> {
        let metrics = &self.outcome.metrics;
        let signed = |it: &CryptoCount| it.signed;
        let verified = |it: &CryptoCount| it.verified;
        match measure {
            Measure::Messages => self.per_request(metrics.messages()),
            Measure::FromClients => {
                self.per_request(metrics.traffic.iter().map(|it| it.from_clients).sum())
            }
            Measure::FromReplicas => {
                self.per_request(metrics.traffic.iter().map(|it| it.from_replicas).sum())
            }
            Measure::Kind(kind) => self.per_request(self.of_kinds(&[kind])),
            Measure::Bytes => self.per_request(metrics.bytes()),
            Measure::Signed => self.per_request(self.busiest(signed)),
            Measure::Verified => self.per_request(self.busiest(verified)),
            Measure::Crypto => self.per_request(self.busiest(|it| signed(it) + verified(it))),
            Measure::ClientSigned => self.per_request(self.clients(signed)),
            Measure::ClientVerified => self.per_request(self.clients(verified)),
            Measure::Delays => part(self.waited(), self.completed() * LATENCY.nanos()),
            Measure::Latency => {
                part(self.waited(), self.completed() * Span::from_millis(1).nanos())
            }
            Measure::Slowest => {
                let slowest = self.latencies().max().filter(|_| 1 < self.requests)?;
                part(slowest.nanos(), Span::from_millis(1).nanos())
            }
            Measure::Completed => self.per_request(self.completed()),
            Measure::FirstTry => {
                let had = self.first_try()?;
                self.per_request(had)
            }
            Measure::Fast => self.per_request(self.fast()?),
            Measure::FastFirstTry => {
                let both = self.fast()?.min(self.first_try()?);
                self.per_request(both)
            }
            Measure::ViewChangeMessages => {
                let kinds = self.inputs.book?.view_change_kinds;
                Some(whole(self.of_kinds(kinds)))
            }
            Measure::ViewChanges => Some(whole(self.outcome.view_max)),
        }
    }

    fn per_request(&self, count: u64) -> Option<f64> {
        part(count, self.requests)
    }

    fn of_kinds(&self, wanted: &[&str]) -> u64 {
        let kinds =
            self.scenario.protocol.vocabulary.kinds.iter().zip(&self.outcome.metrics.traffic);
        kinds.filter(|(kind, _)| wanted.contains(kind)).map(|(_, it)| it.messages()).sum()
    }

    /// The greatest count of a correct replica: a corrupted one does not follow the protocol.
    fn busiest(&self, count: impl Fn(&CryptoCount) -> u64) -> u64 {
        let replicas = usize::from(self.scenario.committee.replicas);
        let all = self.outcome.metrics.crypto.iter().zip(&self.corrupted).take(replicas);
        all.filter(|(_, corrupted)| !**corrupted).map(|(it, _)| count(it)).max().unwrap_or(0)
    }

    fn clients(&self, count: impl Fn(&CryptoCount) -> u64) -> u64 {
        let replicas = usize::from(self.scenario.committee.replicas);
        self.outcome.metrics.crypto.iter().skip(replicas).map(count).sum()
    }

    fn completed(&self) -> u64 {
        crate::sweep::row::completed(self.outcome)
    }

    /// How long the requests that completed took, in sum.
    fn waited(&self) -> u64 {
        self.latencies().map(Span::nanos).sum()
    }

    fn latencies(&self) -> impl Iterator<Item = Span> {
        let served = self.outcome.served.iter();
        served.filter_map(|it| Some(it.completed.as_ref()?.0.since(it.asked)))
    }

    fn reached(&self, milestone: &str) -> u64 {
        self.outcome.milestones.counts().get(milestone).copied().unwrap_or(0)
    }

    fn fast(&self) -> Option<u64> {
        Some(self.reached(self.inputs.book?.fast_path?))
    }

    /// 1 if the run's only request completed and nothing was retransmitted, 0 if not.
    fn first_try(&self) -> Option<u64> {
        let patience = (self.inputs.book?.patience)(self.inputs);
        let again = self.reached("client-retransmission");
        let in_time = self.latencies().all(|latency| latency <= patience);
        let is_one = self.completed() == 1 && again == 0 && in_time;
        (self.requests == 1).then_some(u64::from(is_one))
    }
}
