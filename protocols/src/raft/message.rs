//! The messages of Raft, and what each of them says. [`byzsim_core::declare`] explains the form of
//! the declarations. In Raft nothing is signed: a word is worth what its sender
//! is. Parameters let servers sign what [`super::seal`] names.

use std::rc::Rc;

use byzsim_core::field::{Entry, Inventive as _};
use byzsim_core::{Answer, Digest, Encode, Encoder, NodeId, Operation, Signer, SimRng};

use super::lies;
use super::seal::{Acked, Proof, Sealed};
use crate::service::Service;

/// A term: a view, whose leader is elected.
pub type Term = u64;
/// The place of an entry in the log, from 1.
pub type Index = u64;

/// Beyond any term, index or number of a run. What names such a number is nonsense, and is ignored:
/// the next number must exist.
pub const BEYOND: u64 = 1 << 60;

byzsim_core::statements! {
    /// `Request`: I, `client`, ask for this; it is my `number`-th request.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct Request {
        /// c. Servers believe it.
        client: NodeId,
        /// s, from 1.
        number: u64,
        /// op.
        operation: Operation,
    } invents operation

    /// `AppendEntries`: I lead `term`; behind the entry of `prev_index` and `prev_term` your log
    /// goes on with these, and what lies up to `commit` is committed. Without entries: a heartbeat.
    #[derive(Clone, Debug)]
    pub struct AppendEntries = "raft/append-entries" {
        /// The leader's term.
        term: Term,
        /// The leader, by its own word.
        leader: NodeId,
        /// The index of the entry before the first.
        prev_index as "prev-index": Index,
        /// Its term.
        prev_term as "prev-term": Term,
        /// The entries from `prev_index + 1` on; none in a heartbeat.
        entries: Vec<LogEntry>,
        /// leaderCommit: how far the leader knows that entries are committed, among those that the
        /// receiver holds after this message.
        commit: Index,
    }

    /// `AppendReply`: in `term`, my log holds the leader's entries up to `index`; or, without
    /// success, try again from `index` on.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct AppendReply {
        /// The sender's term.
        term: Term,
        /// Whether the entries were stored.
        success: bool => fixed,
        /// The last entry that matches the leader's; without success, a hint: where the sender's
        /// log ends or its conflicting term begins.
        index: Index,
    }

    /// `RequestVote`: I stand for `term`, and my log ends with this entry. Before the vote itself
    /// (PreVote): I would.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct RequestVote {
        /// The term that the sender stands for.
        term: Term,
        /// The candidate, by its own word.
        candidate: NodeId,
        /// The index of its last entry.
        last_index as "last-index": Index,
        /// Its term.
        last_term as "last-term": Term,
    }

    /// `Vote`: in `term` I am for this candidate, or not.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct Vote = "raft/vote" {
        /// The sender's term. Of a granted pre-vote: the term that was asked about.
        term: Term,
        /// Who asked. Not of the paper, where the link tells: two votes of one server differ in it.
        candidate: NodeId,
        /// Whether it is a vote.
        granted: bool => fixed,
    }

    /// `InstallSnapshot`: I lead `term`; the entries up to this one lead to the state beside it.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct InstallSnapshot {
        /// The leader's term.
        term: Term,
        /// The leader, by its own word.
        leader: NodeId,
        /// The index of the last entry that the snapshot covers.
        last_index as "last-index": Index,
        /// Its term.
        last_term as "last-term": Term,
    }

    /// `Reply`: I executed your request of this number, and this came out.
    #[derive(Clone, Debug)]
    pub struct Reply {
        /// s.
        number: u64,
        /// The answer.
        answer: Answer,
    }

    /// `Redirect`: I do not lead; ask the one that I believe does.
    #[derive(Clone, Copy, Debug)]
    pub struct Redirect {
        /// s.
        number: u64,
        /// The leader; none if the sender knows of none.
        leader: Option<NodeId>,
    }
}

/// An entry of the log. Made only by its constructors, so that its digest is always its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogEntry {
    term: Term,
    request: Option<Rc<Request>>,
    digest: Digest,
}

impl LogEntry {
    /// The entry of this request in this term.
    pub fn new(term: Term, request: Rc<Request>) -> Self {
        let digest = Encoder::digest_of(|out| _ = out.text("raft/request").value(&*request));
        Self { term, request: Some(request), digest }
    }

    /// The entry that does nothing, with which a leader begins its term.
    pub fn no_op(term: Term) -> Self {
        let digest = Encoder::digest_of(|out| _ = out.text("raft/no-op"));
        Self { term, request: None, digest }
    }

    /// The term in which a leader made it.
    pub const fn term(&self) -> Term {
        self.term
    }

    /// The request; none of a no-op.
    pub const fn request(&self) -> Option<&Rc<Request>> {
        self.request.as_ref()
    }

    /// The digest of what it asks for, whatever its term: entries with one digest do the same.
    pub const fn digest(&self) -> Digest {
        self.digest
    }

    /// The same in another term.
    #[must_use]
    pub fn of_term(&self, term: Term) -> Self {
        Self { term, ..self.clone() }
    }
}

impl Encode for LogEntry {
    fn encode(&self, out: &mut Encoder) {
        out.u64(self.term).value(&self.request);
    }
}

/// What a corrupted leader makes of an entry: nothing in it is signed.
impl Entry for LogEntry {
    fn forged(&self) -> Self {
        self.clone()
    }

    fn invented(&self, _: &Signer, rng: &mut SimRng) -> Self {
        self.grafted(rng)
    }

    fn grafted(&self, rng: &mut SimRng) -> Self {
        match &self.request {
            Some(request) => Self::new(self.term, Rc::new(request.invented(rng))),
            None => self.of_term(self.term.invented(rng)),
        }
    }

    fn adopted(&self, _: &Signer) -> Self {
        self.clone()
    }

    fn is_genuine(&self, _: &Signer) -> bool {
        true
    }
}

byzsim_core::messages! {
    /// A message of Raft.
    #[derive(Clone, Debug)]
    pub enum Msg {
        /// A client's request.
        "request" = Request(it: Rc<Request>) seq(it.number),

        /// The leader's entries, or its heartbeat.
        "append-entries" = AppendEntries(it: Sealed<AppendEntries>, proof: Proof => fixed)
            view(it.term) seq(it.prev_index.saturating_add(1))
            digest(it.entries.first().map(LogEntry::digest)?),

        /// Whether a follower stored them.
        "append-reply" = AppendReply(it: Acked) view(it.term) seq(it.index),

        /// An answer.
        "reply" = Reply(it: Reply) seq(it.number),

        /// A candidate asks for votes.
        "request-vote" = RequestVote(it: RequestVote) view(it.term) seq(it.last_index),

        /// A vote, or a refusal.
        "vote" = Vote(it: Sealed<Vote>) view(it.term),

        /// A server that does not lead names the one that does.
        "redirect" = Redirect(it: Redirect) seq(it.number),

        /// What stands for the entries that a leader no longer has.
        "install-snapshot" = InstallSnapshot(it: InstallSnapshot, state: Rc<Service> => alone)
            view(it.term) seq(it.last_index),

        /// A server asks for votes before it asks for votes (PreVote). Its view is the term that it
        /// would stand for.
        "pre-vote" = PreVote(it: RequestVote) view(it.term) seq(it.last_index),

        /// The answer to that.
        "pre-vote-reply" = PreVoteReply(it: Vote) view(it.term),
    } lies(lies::LIES, lies::tell)
}

impl Msg {
    /// Whether all terms, indices and numbers in it are ones that a run may have.
    pub(super) fn is_sane(&self) -> bool {
        let numbers: &[u64] = match self {
            Self::Request(it) => &[it.number],
            Self::AppendEntries(it, _) => {
                let fits = |entry: &LogEntry| entry.term < BEYOND;
                let entries = it.entries.iter().all(fits) && (it.entries.len() as u64) < BEYOND;
                return entries
                    && [it.term, it.prev_index, it.prev_term, it.commit]
                        .iter()
                        .all(|number| *number < BEYOND);
            }
            Self::AppendReply(it) => &[it.term, it.index],
            Self::Reply(it) => &[it.number],
            Self::RequestVote(it) | Self::PreVote(it) => &[it.term, it.last_index, it.last_term],
            Self::Vote(it) => &[it.term],
            Self::PreVoteReply(it) => &[it.term],
            Self::Redirect(it) => &[it.number],
            Self::InstallSnapshot(it, _) => &[it.term, it.last_index, it.last_term],
        };
        numbers.iter().all(|number| *number < BEYOND)
    }

    /// Its term, if it is a server's word on the present: a pre-vote is about a term to come.
    pub(super) fn term(&self) -> Option<Term> {
        match self {
            Self::AppendEntries(it, _) => Some(it.term),
            Self::AppendReply(it) => Some(it.term),
            Self::RequestVote(it) => Some(it.term),
            Self::Vote(it) => Some(it.term),
            Self::InstallSnapshot(it, _) => Some(it.term),
            Self::PreVoteReply(it) => (!it.granted).then_some(it.term),
            Self::Request(_) | Self::Reply(_) | Self::Redirect(_) | Self::PreVote(_) => None,
        }
    }
}
