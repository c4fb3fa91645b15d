//! The values of the measures, read off a run.

use byzsim_core::metrics::CryptoCount;
use byzsim_core::{Outcome, Span};

use super::formulas::Inputs;
use super::measure::Measure;
use super::settings::LATENCY;
use super::stats::{part, whole};
use crate::run::result::Report;
use crate::run::scenario::Scenario;
use crate::sweep::row;

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
pub(super) fn values(
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
            Measure::AllVerified => self.per_request(self.correct(verified).sum()),
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
            Measure::HighestView => Some(whole(self.outcome.view_max)),
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

    /// The counts of the correct replicas: a corrupted one does not follow the protocol.
    fn correct(&self, count: impl Fn(&CryptoCount) -> u64) -> impl Iterator<Item = u64> {
        let replicas = usize::from(self.scenario.committee.replicas);
        let all = self.outcome.metrics.crypto.iter().zip(&self.corrupted).take(replicas);
        all.filter(|(_, corrupted)| !**corrupted).map(move |(it, _)| count(it))
    }

    fn busiest(&self, count: impl Fn(&CryptoCount) -> u64) -> u64 {
        self.correct(count).max().unwrap_or(0)
    }

    fn clients(&self, count: impl Fn(&CryptoCount) -> u64) -> u64 {
        let replicas = usize::from(self.scenario.committee.replicas);
        self.outcome.metrics.crypto.iter().skip(replicas).map(count).sum()
    }

    fn completed(&self) -> u64 {
        row::completed(self.outcome)
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
