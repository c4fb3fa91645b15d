//! The parameters of Raft that a scenario may set.

use byzsim_core::{Committee, NodeId, Span};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::RaftFlaw;
use crate::catalogue::{Flaws, check_count, check_times};

/// The parameters that a scenario may set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
#[expect(clippy::struct_excessive_bools, reason = "independent options of the protocol")]
pub struct Params {
    /// T: a server that hears of no leader for a time from T to 2T stands for election. Each time
    /// is drawn anew.
    pub election_timeout: Span,
    /// How often a leader sends heartbeats, and again what was not stored. At most half of the
    /// election timeout; a tenth is usual.
    pub heartbeat: Span,
    /// How long a client waits before it asks the next server.
    pub client_timeout: Span,
    /// The greatest number of entries in a message.
    pub batch_max: u16,
    /// How long a leader gathers requests, to append and send them together; if not given, it
    /// appends each at once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub batch_delay: Option<Span>,
    /// After how many entries servers take a snapshot, and drop the entries; 0: never.
    pub snapshot_interval: u64,
    /// Whether a leader begins its term with an entry that does nothing. Without one it commits
    /// nothing of earlier terms until a client writes.
    pub no_op: bool,
    /// Whether a server asks whether it would be elected before it stands (PreVote).
    pub pre_vote: PreVote,
    /// Whether a leader that a majority did not answer for T gives up its office.
    pub check_quorum: bool,
    /// Whether servers that heard of a leader within T ignore candidates, and their terms.
    pub stickiness: bool,
    /// Whether a leader tells its followers at once what is committed, instead of with the next
    /// entries or heartbeat.
    pub eager_commit: bool,
    /// The server that leads term 1 from the start, for which all have voted. If none is given, the
    /// run begins without a leader.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub leader: Option<NodeId>,
    /// Fixed election timeouts, one for each server, instead of drawn ones.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub timeouts: Vec<Span>,
    /// Servers that stand for election at given times, besides those whose timers expire.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub campaigns: Vec<Campaign>,
    /// How many servers elect a leader and commit an entry, if not a majority: to study what
    /// breaks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quorum: Option<u16>,
    /// What a follower signs with an acknowledgement: followers then take for committed only what
    /// enough signatures stand for. Not of the paper.
    #[serde(skip_serializing_if = "Acks::is_plain")]
    pub acks: Acks,
    /// Whose signatures those are.
    #[serde(skip_serializing_if = "AckQuorum::is_majority")]
    pub ack_quorum: AckQuorum,
    /// Whether votes are signed. That stops nobody, and proves who voted twice.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub signed_votes: bool,
    /// Planted flaws, by name.
    #[serde(skip_serializing_if = "Flaws::is_empty")]
    pub flaws: Flaws<RaftFlaw>,
}

/// Whether a server asks whether it would be elected before it stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum PreVote {
    /// It does not.
    #[default]
    Off,
    /// It does; the others say yes if its log is up to date and they heard of no leader within T.
    On,
    /// It does; the others say yes if its log is up to date.
    LogOnly,
}

/// What a follower signs when it acknowledges entries.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Acks {
    /// Nothing, as in the paper.
    #[default]
    Plain,
    /// That it stored something.
    Unbound,
    /// That it stored an entry of this index in this term.
    Index,
    /// That its log up to this index, in this term, has this digest.
    Digest,
}

/// Whose signatures make an entry committed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum AckQuorum {
    /// Of a quorum, the leader among them.
    #[default]
    Majority,
    /// Of so many followers, the leader apart.
    Followers,
}

/// An election that begins at a given time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Campaign {
    /// The server that stands.
    pub server: NodeId,
    /// When, since the start of the run. If it is down then, it does not.
    pub at: Span,
}

impl Default for Params {
    /// Timeouts for latencies of tens of milliseconds.
    fn default() -> Self {
        Self {
            election_timeout: Span::from_millis(500),
            heartbeat: Span::from_millis(50),
            client_timeout: Span::from_millis(300),
            batch_max: 64,
            batch_delay: None,
            snapshot_interval: 100,
            no_op: true,
            pre_vote: PreVote::Off,
            check_quorum: false,
            stickiness: false,
            eager_commit: false,
            leader: None,
            timeouts: Vec::new(),
            campaigns: Vec::new(),
            quorum: None,
            acks: Acks::Plain,
            ack_quorum: AckQuorum::Majority,
            signed_votes: false,
            flaws: Flaws::default(),
        }
    }
}

impl PreVote {
    /// Whether a server asks first.
    pub(super) const fn asks_first(self) -> bool {
        match self {
            Self::Off => false,
            Self::On | Self::LogOnly => true,
        }
    }

    /// Whether who hears of a leader says no.
    pub(super) const fn minds_leaders(self) -> bool {
        match self {
            Self::On => true,
            Self::Off | Self::LogOnly => false,
        }
    }
}

impl Acks {
    /// Whether acknowledgements are those of the paper.
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
    const fn is_plain(&self) -> bool {
        matches!(self, Self::Plain)
    }
}

impl AckQuorum {
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
    const fn is_majority(&self) -> bool {
        matches!(self, Self::Majority)
    }
}

impl Params {
    /// Whether it matters to a server that it heard of a leader lately.
    pub(super) const fn minds_fresh_leaders(&self) -> bool {
        self.stickiness || self.pre_vote.minds_leaders()
    }

    /// How many servers elect a leader and commit an entry.
    pub(super) fn quorum(&self, committee: Committee) -> usize {
        self.quorum.map_or(usize::from(committee.replicas) / 2 + 1, usize::from)
    }

    /// How many servers must be up: where the leader's word is not counted, one more.
    pub(super) fn needed(&self, committee: Committee) -> usize {
        let leader = usize::from(!self.acks.is_plain() && !self.ack_quorum.is_majority());
        self.quorum(committee) + leader
    }

    /// How long a server waits for word of a leader at most.
    pub(super) fn election_timeout_max(&self) -> Span {
        self.timeouts.iter().copied().max().unwrap_or(self.election_timeout * 2)
    }

    pub(super) fn check(&self, committee: Committee) -> Result<(), String> {
        check_count("snapshot-interval", self.snapshot_interval)?;
        if self.batch_max == 0 {
            return Err("`batch-max` must be 1 or more".to_owned());
        }
        check_times(&[
            ("election-timeout", self.election_timeout),
            ("heartbeat", self.heartbeat),
            ("client-timeout", self.client_timeout),
            ("batch-delay", self.batch_delay.unwrap_or(self.heartbeat)),
        ])?;
        let shortest = self.timeouts.iter().copied().min().unwrap_or(self.election_timeout);
        if shortest < self.heartbeat * 2 {
            return Err(format!(
                "`heartbeat` is {}: use at most half of the shortest election timeout, {shortest}, \
                 or no leader is heard of in time",
                self.heartbeat
            ));
        }
        let n = usize::from(committee.replicas);
        if !self.timeouts.is_empty() && self.timeouts.len() != n {
            let given = self.timeouts.len();
            return Err(format!("`timeouts` has {given} entries: use {n}, one for each server"));
        }
        let named = self.campaigns.iter().map(|it| ("campaigns", it.server));
        for (name, node) in self.leader.map(|node| ("leader", node)).into_iter().chain(named) {
            if node.is_client() || !committee.contains(node) {
                return Err(format!("`{name}` names {node}: use r0 to r{}", n - 1));
            }
        }
        if self.campaigns.iter().any(|it| it.at == Span::ZERO) {
            return Err("`campaigns`: `at` is 0s: use a later time, or `leader`".to_owned());
        }
        if !self.acks.is_plain() && self.snapshot_interval != 0 {
            return Err(format!(
                "`acks` needs `snapshot-interval = 0`, and it is {}: nobody signs snapshots",
                self.snapshot_interval
            ));
        }
        if self.acks.is_plain() && !self.ack_quorum.is_majority() {
            return Err("`ack-quorum` counts signatures: set `acks` as well".to_owned());
        }
        if let Some(quorum) = self.quorum.filter(|it| *it == 0 || n < usize::from(*it)) {
            return Err(format!("`quorum` is {quorum}: use 1 to {n}"));
        }
        if n < self.needed(committee) {
            return Err(format!(
                "`ack-quorum` asks for {} followers: there are {}",
                self.quorum(committee),
                n - 1
            ));
        }
        Ok(())
    }
}
