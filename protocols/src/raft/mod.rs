//! Raft (Ongaro, Ousterhout, *In Search of an Understandable Consensus Algorithm*, USENIX ATC 2014;
//! Ongaro, *Consensus: Bridging Theory and Practice*, Stanford 2014, the *thesis*).
//!
//! # What the paper claims
//!
//! State machine replication by n >= 2f + 1 servers of which f may crash, for ever or for a while,
//! with what they wrote intact. *Safety*, whatever the network does: at most one leader in a term,
//! which only appends to its log; logs that agree in an entry agree up to it; what is committed is
//! in the log of every later leader; no two servers execute different entries at one index.
//! *Liveness* if the time of a broadcast is much smaller than the election timeout, and that one
//! much smaller than the time between failures: here, after GST. Each client request takes effect
//! once (thesis §6.3).
//!
//! Nothing is claimed about servers that break the rules, and nothing is signed: a server believes
//! what it is told. With one corrupted server or client a run lies beyond f.
//!
//! # Where things are
//!
//! [`message`]: what each message says. `replica.rs`: the state, one field for each variable of the
//! paper, and the one `match` that hands out what comes in. `election.rs` (§5.2, §5.4.1),
//! `replication.rs` (§5.3), `commit.rs` (§5.4.2), `snapshot.rs` (§7) and `session.rs` (§8): the
//! handlers. `log.rs`: the log. `client.rs`. `rules/`: what the paper demands and a planted flaw
//! breaks; `flaws.rs`: the names of the flaws. `lies.rs`: how corrupted nodes can lie. `bound.rs`:
//! within which time an operation completes. [`seal`], `attest.rs`, `evidence/`: signatures.
//!
//! # The rules
//!
//! The handlers name them by number.
//!
//! * A1: no word of a leader for the timeout: the next term, the own vote, RequestVote to all.
//! * A2: any message of a higher term: that term, no vote, no leader; then the message is handled.
//! * A3: RequestVote: a vote for the first candidate of the term whose log is up to date, and for
//!   it again; the timer is drawn anew for a vote, and for no refusal.
//! * A4: Votes of this term, of distinct servers: with a majority it leads.
//! * A5: a leader knows nothing of the followers' logs, and begins with a no-op (`no-op`).
//! * A6: it appends what clients ask, under the term that it has then.
//! * A7: it sends each follower what that one lacks, again and again, and how far it knows that
//!   this is committed.
//! * A8: AppendEntries: whoever sends them in this term leads it. They fit if the log holds the
//!   entry before the first; then what differs is cut, and the rest appended.
//! * A9: AppendReply: what a follower holds moves up only; on a refusal the leader goes back to
//!   where the follower's conflicting term begins.
//! * A10: what a majority holds is committed if it is of the leader's own term.
//! * A11: what is committed is executed, in order; the leader answers.
//! * A12: after a restart a server follows.
//!
//! Options: PreVote (thesis §9.6), check-quorum (§6.2), and stickiness, which ignores candidates
//! while a leader is heard of (§4.2.3).
//!
//! # The messages
//!
//! Each statement of [`message`] is documented with what it says. Candidates ask for votes
//! (`RequestVote`), and get them (`Vote`); the elected leader sends its entries (`AppendEntries`),
//! and hears how far the followers have them (`AppendReply`); a follower that lacks what the leader
//! has no longer gets the state (`InstallSnapshot`).
//!
//! # Signatures
//!
//! Nothing is signed, unless parameters say so. They are not of the paper: they show what is left
//! to break when acknowledgements are signed (`docs/raft.md`). `acks` says what a follower signs
//! with a success; then
//!
//! * AppendEntries are signed by their leader, and carry the acknowledgements of enough servers for
//!   what they call committed. A follower believes nothing else (rule S);
//! * what is committed is told at once, in AppendEntries without entries, which are not answered;
//! * where the signature binds the log, a server stands by one log in a term;
//! * all servers answer, and a client waits for f + 1 equal answers;
//! * nobody takes snapshots.
//!
//! `signed-votes` signs votes.
//!
//! # The thresholds
//!
//! * A majority, floor(n/2) + 1, for votes and for entries: two of them share a server. `quorum`
//!   sets another number for both.
//! * With signed acknowledgements, as many signatures, the leader's among them or not
//!   (`ack-quorum`).
//! * One answer is enough for a client; f + 1 are where acknowledgements are signed.
//!
//! # Deviations from the paper
//!
//! * Views are terms. A replica reports that it *asks* for a view when it adopts or begins a term,
//!   and that it *enters* it when it knows its leader, which it writes (`followed`) to say so once.
//! * The election timer is drawn by the node's host, in whole nanoseconds from the timeout to twice
//!   the timeout, each time that it is armed: thesis §9.3 has 150 to 300 ms. `timeouts` fixes it
//!   for each server, for runs that are to go round in circles; `campaigns` lets servers stand at
//!   given times besides.
//! * `leader`: the run begins in term 1, for which all have voted for this server, and all know
//!   that it leads: it sends no first heartbeat, only its no-op. The paper's begins in term 0,
//!   without a leader.
//! * AppendEntries are sent again with each heartbeat until they are stored; RequestVote is not, as
//!   the next timeout stands for it. Replies are never sent again.
//! * A leader goes on with the next batch, or with what follows a snapshot, when the reply comes
//!   and nothing else is on its way, instead of waiting for the heartbeat.
//! * An AppendReply names the last entry that it is about, and so does the answer to a snapshot,
//!   which is one as well; in the paper an answer belongs to the call that it answers. So one that
//!   is late or comes twice says no more than it did (the specification in TLA+ has it so).
//! * leaderCommit is never beyond the entries that the message is about (the specification again);
//!   the receiver caps it as well, as in the paper.
//! * A refusal names where to try again (§5.3 describes it as an option): where the log ends, or
//!   where the conflicting term begins.
//! * The state machine is durable with what it executed: a server that restarts does not execute
//!   again what lies behind its snapshot. The paper leaves it open whether it is volatile.
//! * All servers take snapshots after the same entries, every `snapshot-interval`; §7 lets each one
//!   choose. A snapshot is sent whole, in one message.
//! * Votes name their candidate; that changes nothing as links deliver them to it alone.
//! * Requests name their client, as thesis §6.3 has it: a server takes them from any client,
//!   whoever they name, and from no server. Reads go through the log as writes do: §8's reads
//!   without entries are not implemented.
//! * A session begins with a client's first request, and never expires; thesis §6.3 registers
//!   clients, and expires sessions.
//! * A server that does not lead names the leader, if it knows of one; the client follows so many
//!   times as there are servers, and then waits for its timer. It asks the servers in the order of
//!   their numbers, and begins with its own or with `leader`; the paper's begins with a random one.
//! * A leader appends a request again that is in its log and not executed; the paper does not say.
//!   `docs/raft.md` shows what that costs.
//! * Terms, indices and numbers from 2^60 on are refused: with the greatest one none would follow.
//! * `batch-delay` lets a leader gather requests before it appends them; the paper's appends each.
//! * Not implemented: changes of membership (§6), leadership transfer, reads by lease or by read
//!   index (thesis §6.4), pipelining.
//!
//! # What is written before what is sent
//!
//! `docs/persistence.md` has the table.
//!
//! Provenance: the rules follow the thesis (chapters 3, 6 and §9.6) and its specification in TLA+,
//! as a summary gives them; the options besides follow that summary of what implementations do.

mod attest;
mod bound;
mod client;
mod commit;
mod election;
mod evidence;
mod flaws;
mod lies;
mod log;
pub mod message;
mod outline;
mod params;
mod replica;
mod replication;
mod rules;
pub mod seal;
mod session;
mod snapshot;
#[cfg(test)]
mod tests;

use std::rc::Rc;

use byzsim_core::forensics::{Case, Held};
use byzsim_core::{
    Committee, Conviction, Evidence, Law, Promptness, Protocol, Resilience, Signer, Span, Wait,
};

pub use client::Client;
pub use flaws::RaftFlaw;
pub use message::Msg;
pub use params::{AckQuorum, Acks, Campaign, Params, PreVote};
pub use replica::{Replica, Timer};

use crate::catalogue::{Catalogued, Flaw as _, FlawEntry};
use crate::judgement::convicts;
use rules::Rules;

/// The protocol.
#[derive(Clone, Copy, Debug)]
pub struct Raft;

impl Protocol for Raft {
    type Msg = Msg;
    type Timer = Timer;
    type Params = Params;
    type Replica = Replica;
    type Client = Client;

    const NAME: &'static str = "raft";
    const ELECTS: bool = true;

    fn replica(signer: Rc<Signer>, committee: Committee, params: &Params) -> Replica {
        Replica::new(&signer, Rules::new(committee, params), params.clone())
    }

    fn client(signer: Rc<Signer>, committee: Committee, params: &Params) -> Client {
        Client::new(signer.node(), Rules::new(committee, params), params.clone())
    }

    /// A quorum above the majority needs more servers up.
    fn resilience(committee: Committee, params: &Params) -> Resilience {
        let quorum = params.quorum(committee);
        let spare = usize::from(committee.replicas).saturating_sub(params.needed(committee));
        let faulty = committee.faults.min(u16::try_from(spare).unwrap_or(u16::MAX));
        Resilience { quorum, faulty, ..Resilience::crash(committee) }
    }

    fn is_pulse(timer: &Timer) -> bool {
        match timer {
            Timer::Election
            | Timer::Heartbeat
            | Timer::Quorum
            | Timer::Fresh
            | Timer::Office
            | Timer::Campaign(_) => true,
            Timer::Retransmit(_) | Timer::Batch => false,
        }
    }

    /// Heartbeats say how far entries are committed. A new leader knows that of its log when it
    /// commits its no-op; without one it waits for a client.
    fn keeps_telling(params: &Params) -> bool {
        params.no_op
    }

    fn liveness_bound(
        committee: Committee,
        params: &Params,
        delta: Span,
        asynchrony: Span,
    ) -> Span {
        bound::liveness(committee, params, delta, asynchrony)
    }

    fn convicts(evidence: &Evidence, law: Law<'_, Params>) -> Conviction {
        convicts::<evidence::Exhibit>(evidence, law)
    }

    fn investigate(transcript: &[Held<Msg>], law: Law<'_, Params>) -> Case {
        evidence::investigate(transcript, law)
    }

    /// A leader is heard of in each heartbeat's time; its clock and the follower's may differ. A
    /// server that restarts may have led, and is no leader any more: the others notice within the
    /// longest timeout.
    fn promptness(_: Committee, params: &Params) -> Option<Promptness> {
        Some(Promptness {
            settling: Wait { messages: 12, timers: params.election_timeout_max() * 2 },
            serving: Wait { messages: 3, timers: params.heartbeat * 2 },
        })
    }
}

impl Catalogued for Raft {
    fn small() -> Params {
        Params { snapshot_interval: 4, pre_vote: PreVote::On, ..Params::default() }
    }

    fn flaws() -> Vec<FlawEntry> {
        RaftFlaw::entries().collect()
    }

    fn plant(params: &mut Params, flaw: &str) -> Result<(), String> {
        params.flaws.plant(flaw)
    }

    fn check(params: &Params, committee: Committee) -> Result<(), String> {
        params.check(committee)
    }

    /// Enough servers; and quorums that meet, which the servers that are up can make.
    fn within_model(params: &Params, committee: Committee) -> bool {
        let (n, f) = (usize::from(committee.replicas), usize::from(committee.faults));
        let quorum = params.quorum(committee);
        2 * f < n && n < 2 * quorum && params.needed(committee) <= n - f
    }

    fn base_timeout(params: &Params) -> Span {
        params.election_timeout
    }
}
