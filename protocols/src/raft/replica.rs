//! A Raft server: its state, one field per variable of the paper, and which handler takes what.

use std::collections::BTreeMap;
use std::rc::Rc;

use byzsim_core::{
    Digest, Encode, Encoder, Node, NodeId, Observation, Outbox, ReplicaSet, Signer, Span, Standing,
    Time,
};

use super::Params;
use super::log::Log;
use super::message::{Index, Msg, Request, Term};
use super::rules::Rules;
use super::seal::{Acks, Proof};
use crate::service::Service;

pub(super) type Out = Outbox<Msg, Timer>;

/// The timers of servers and clients.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Timer {
    /// A server that does not lead waits for word of a leader.
    Election,
    /// A leader sends its heartbeats.
    Heartbeat,
    /// Check-quorum: a leader looks who answered it.
    Quorum,
    /// Stickiness, PreVote: a server heard of a leader so lately that it votes for nobody.
    Fresh,
    /// The configured leader of term 1 takes up its office.
    Office,
    /// The campaign of this place in the list `campaigns` begins.
    Campaign(u64),
    /// A client waits for the answer to this request.
    Retransmit(u64),
    /// A leader gathers requests.
    Batch,
}

impl Encode for Timer {
    fn encode(&self, out: &mut Encoder) {
        match self {
            Self::Election => out.u8(0),
            Self::Heartbeat => out.u8(1),
            Self::Quorum => out.u8(2),
            Self::Fresh => out.u8(3),
            Self::Office => out.u8(4),
            Self::Campaign(place) => out.u8(5).u64(*place),
            Self::Retransmit(number) => out.u8(6).u64(*number),
            Self::Batch => out.u8(7),
        };
    }
}

/// A server. All fields but `volatile` survive a crash.
#[derive(Clone, Debug)]
pub struct Replica {
    pub(super) id: NodeId,
    pub(super) signer: Rc<Signer>,
    pub(super) params: Params,
    pub(super) rules: Rules,

    /// currentTerm.
    pub(super) term: Term,
    /// votedFor.
    pub(super) voted_for: Option<NodeId>,
    /// The highest term of which it knows a leader. Not of the paper: by it the server reports once
    /// that it entered a term.
    pub(super) followed: Term,
    /// log\[\].
    pub(super) log: Log,
    /// The state after the last entry that the snapshot covers, sessions included.
    pub(super) snapshot: Rc<Service>,
    /// The state machine, with the sessions of clients.
    pub(super) service: Service,
    /// lastApplied: durable, as the state machine is.
    pub(super) executed: Index,
    /// The log that it stands by: the term, the last index that it signed for in it, and the digest
    /// up to there. Only where acknowledgements say what the log holds.
    pub(super) vouched: Option<(Term, Index, Digest)>,

    pub(super) volatile: Volatile,
}

/// What a crash wipes out.
#[derive(Clone, Debug, Default)]
pub(super) struct Volatile {
    pub(super) role: Role,
    /// The leader of its term, as far as it knows.
    pub(super) leader: Option<NodeId>,
    /// commitIndex; never below what it executed.
    pub(super) commit: Index,
    /// As candidate: who voted for it; before: who would.
    pub(super) votes: ReplicaSet,
    /// As leader: what it knows of each follower.
    pub(super) followers: BTreeMap<NodeId, Follower>,
    /// As leader: who answered it since it last looked.
    pub(super) contacts: ReplicaSet,
    /// Whether it heard of a leader within the election timeout.
    pub(super) fresh: bool,
    /// As leader: the requests that it gathers, to append them together.
    pub(super) gathered: Vec<Rc<Request>>,
    /// As leader: the signed acknowledgements of what is not committed.
    pub(super) acks: Acks,
    /// As leader: those that it shows for what is.
    pub(super) proof: Proof,
}

/// What a server does in its term.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Role {
    /// It follows the leader, if it knows of one.
    #[default]
    Follower,
    /// It asks whether it would be elected (PreVote).
    PreCandidate,
    /// It asks for votes.
    Candidate,
    /// It leads.
    Leader,
}

/// What a leader knows of a follower.
#[derive(Clone, Copy, Debug)]
pub(super) struct Follower {
    /// nextIndex.
    pub(super) next: Index,
    /// matchIndex.
    pub(super) matched: Index,
    /// The last entry that was sent to it.
    pub(super) sent: Index,
}

impl Replica {
    pub(super) fn new(signer: &Rc<Signer>, rules: Rules, params: Params) -> Self {
        Self {
            id: signer.node(),
            signer: Rc::clone(signer),
            params,
            rules,
            term: 0,
            voted_for: None,
            followed: 0,
            log: Log::default(),
            snapshot: Rc::default(),
            service: Service::default(),
            executed: 0,
            vouched: None,
            volatile: Volatile::default(),
        }
    }

    pub(super) fn is_leader(&self) -> bool {
        self.volatile.role == Role::Leader
    }

    /// All servers but this one.
    pub(super) fn others(&self) -> impl Iterator<Item = NodeId> + use<> {
        let me = self.id;
        self.rules.replicas().filter(move |node| *node != me)
    }

    /// Draws the election timer anew: the paper's remedy against votes that are split again and
    /// again. With fixed timeouts nothing is drawn.
    pub(super) fn await_leader(&self, out: &mut Out) {
        match self.params.timeouts.get(usize::from(self.id.number())) {
            Some(fixed) => out.set_timer(Timer::Election, *fixed),
            None => {
                let shortest = self.params.election_timeout;
                out.set_timer_within(Timer::Election, shortest, shortest * 2);
            }
        }
    }

    /// It heard of a leader just now.
    pub(super) fn refresh(&mut self, out: &mut Out) {
        self.await_leader(out);
        if self.params.minds_fresh_leaders() {
            self.volatile.fresh = true;
            out.set_timer(Timer::Fresh, self.params.election_timeout);
        }
    }

    /// The elections that the parameters order, beside those that timers lead to.
    fn plan_campaigns(&self, out: &mut Out) {
        for (place, campaign) in (0..).zip(&self.params.campaigns) {
            let since = out.now().since(Time::ZERO);
            if campaign.server == self.id && since < campaign.at {
                out.set_timer(Timer::Campaign(place), campaign.at - since);
            }
        }
    }
}

impl Node<Msg, Timer> for Replica {
    fn on_start(&mut self, out: &mut Out) {
        self.plan_campaigns(out);
        self.await_leader(out);
        if let Some(leader) = self.params.leader {
            // The run begins in term 1, when all have voted for this one, and know that it leads.
            self.term = 1;
            self.voted_for = Some(leader);
            out.observe(Observation::ViewChangeStarted { view: 1, reason: "the first election" });
            self.volatile.leader = Some(leader);
            if leader == self.id {
                // When all have voted.
                out.set_timer(Timer::Office, Span::ZERO);
            } else {
                self.refresh(out);
            }
        }
    }

    fn on_message(&mut self, from: NodeId, msg: &Msg, out: &mut Out) {
        // Clients send requests, and servers all else.
        if !msg.is_sane() || from.is_client() != matches!(msg, Msg::Request(_)) {
            return;
        }
        if !self.is_authentic(from, msg) {
            return;
        }
        // A2: any message of a higher term, before it is handled.
        if !self.ignores(msg)
            && let Some(term) = msg.term().filter(|term| self.term < *term)
        {
            self.adopt(term, out);
        }
        match msg {
            Msg::Request(it) => self.on_request(it, out),
            Msg::AppendEntries(it, proof) => self.on_append_entries(from, it, proof, out),
            Msg::AppendReply(it) => self.on_append_reply(from, it, out),
            Msg::RequestVote(it) if !self.ignores(msg) => self.on_request_vote(from, *it, out),
            Msg::Vote(it) => self.on_vote(from, **it, out),
            Msg::InstallSnapshot(it, state) => self.on_install_snapshot(from, *it, state, out),
            Msg::PreVote(it) => self.on_pre_vote(from, *it, out),
            Msg::PreVoteReply(it) => self.on_pre_vote_reply(from, *it, out),
            // Ignored by stickiness, or a client's business.
            Msg::RequestVote(_) | Msg::Reply(_) | Msg::Redirect(_) => {}
        }
    }

    fn on_timer(&mut self, timer: Timer, out: &mut Out) {
        match timer {
            Timer::Election => self.on_election_timeout(out),
            Timer::Heartbeat => self.on_heartbeat_timer(out),
            Timer::Quorum => self.on_quorum_timer(out),
            Timer::Fresh => self.volatile.fresh = false,
            Timer::Office => self.on_office(out),
            Timer::Campaign(_) => self.on_campaign(out),
            Timer::Batch => self.append_gathered(out),
            Timer::Retransmit(_) => unreachable!("a timer of clients"),
        }
    }

    /// A12: term, vote, log, snapshot and state machine survive; all else begins anew.
    fn on_restart(&mut self, out: &mut Out) {
        (self.term, self.voted_for) = self.rules.written(self.term, self.voted_for);
        self.log.cut(self.rules.written_up_to(self.log.last_index(), self.executed) + 1);
        self.volatile = Volatile { commit: self.executed, ..Volatile::default() };
        self.plan_campaigns(out);
        self.await_leader(out);
    }

    fn outline(&self, view: u64, out: &mut Encoder) {
        self.write_outline(view, out);
    }

    fn standing(&self, _: u64) -> Option<Standing> {
        let state = self.service.digest();
        Some(Standing { executed: self.executed, state, history: None })
    }
}

impl Replica {
    /// Stickiness (thesis §4.2.3): who hears of a leader, or is one, takes part in no election, nor
    /// adopts its term.
    fn ignores(&self, msg: &Msg) -> bool {
        let asks = matches!(msg, Msg::RequestVote(_));
        asks && self.params.stickiness && (self.volatile.fresh || self.is_leader())
    }

    /// The configured leader of term 1 takes up its office, unless another election came first. All
    /// know of it: the first heartbeat is the first that is due.
    fn on_office(&mut self, out: &mut Out) {
        if self.term != 1 || 0 < self.followed {
            return;
        }
        self.take_office(out);
        match self.params.no_op {
            true => self.beat(out),
            false => out.set_timer(Timer::Heartbeat, self.params.heartbeat),
        }
        self.advance_commit(out);
    }
}
