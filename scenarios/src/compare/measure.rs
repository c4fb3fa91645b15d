//! What is measured of a run: the quantities and their names.

use super::stats::Scale;

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
    /// Signatures verified by all correct replicas together.
    AllVerified,
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
    /// The highest view that a correct replica entered in the whole run.
    HighestView,
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
            Self::AllVerified,
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
            Self::HighestView,
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
            Self::AllVerified => "all-replicas-verified",
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
            Self::HighestView => "highest-view",
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
            Self::AllVerified => "verified, all replicas",
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
            Self::HighestView => "highest view",
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
            | Self::AllVerified
            | Self::ClientSigned
            | Self::ClientVerified
            | Self::Delays
            | Self::Latency
            | Self::Slowest
            | Self::ViewChangeMessages
            | Self::HighestView => Scale::Amount,
        }
    }

    /// Whether the protocols are compared by the ratio of it. Kinds have names in common and little
    /// else.
    pub const fn has_ratio(self) -> bool {
        !matches!(self, Self::Kind(_) | Self::Fast | Self::FastFirstTry)
    }
}
