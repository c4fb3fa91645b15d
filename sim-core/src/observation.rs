//! What a node reports, in words that all protocols share: checkers, traces and diagrams see these
//! and nothing else of a node.

use std::collections::BTreeMap;
use std::fmt;
use std::rc::Rc;

use crate::crypto::Digest;
use crate::encode::{Encode, Encoder};
use crate::evidence::Evidence;
use crate::history::{Answer, Operation, Text};
use crate::id::NodeId;

/// Something that a node did or learned. Observations of corrupted nodes reach no checker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Observation {
    /// A client asks for an operation, under the next of its timestamps.
    Invoked {
        /// The client's own number for the request, from 1.
        timestamp: u64,
        /// What it asks.
        operation: Operation,
    },
    /// A client accepts an answer.
    Completed {
        /// The request's number.
        timestamp: u64,
        /// The answer.
        answer: Answer,
    },
    /// A replica accepts the primary's proposal for a slot.
    Accepted {
        /// The view of the proposal. Where leaders are elected a later one may send it.
        view: u64,
        /// The slot.
        seq: u64,
        /// What is proposed.
        batch: Digest,
    },
    /// A replica knows that a slot is decided.
    Committed {
        /// The view in which it learned so; where leaders are elected, the view of the proposal.
        view: u64,
        /// The slot.
        seq: u64,
        /// What is decided.
        decided: Decided,
    },
    /// A replica executes a slot. Slots are executed in order, without gaps.
    Executed {
        /// The view in which the replica is.
        view: u64,
        /// The slot.
        seq: u64,
        /// What it held.
        batch: Digest,
        /// Whether it was the null request, which fills a gap after a view change.
        null: bool,
    },
    /// A replica executes a slot before it is decided. It may roll it back; until then it answers
    /// from the state that it leads to.
    Speculated {
        /// The view in which the replica is.
        view: u64,
        /// The slot.
        seq: u64,
        /// What it held.
        batch: Digest,
        /// The digest of the whole history up to the slot.
        history: Digest,
    },
    /// A replica undoes what it executed above a slot.
    RolledBack {
        /// The last slot that stays.
        to: u64,
    },
    /// A client knows the place of a request that it completes now: the history up to that place
    /// must never change.
    Anchored {
        /// The request's number.
        timestamp: u64,
        /// The view of the answers.
        view: u64,
        /// The slot.
        seq: u64,
        /// The digest of the whole history up to the slot.
        history: Digest,
    },
    /// A replica applies one request of an executed slot to the service. The requests of a slot
    /// follow the report that it is executed, in their order.
    Applied {
        /// The slot.
        seq: u64,
        /// Whose request.
        client: NodeId,
        /// The client's number for it.
        timestamp: u64,
        /// What it asked.
        operation: Operation,
        /// What the service answered.
        answer: Answer,
    },
    /// A replica answers a request that only reads, past the order: from the state that it has, in
    /// which the request leaves no trace.
    Read {
        /// The last slot that the state reflects.
        seq: u64,
        /// Whose request.
        client: NodeId,
        /// The client's number for it.
        timestamp: u64,
        /// What it asked.
        operation: Operation,
        /// What the state holds.
        answer: Answer,
    },
    /// A replica has the state after a slot, which is due for a checkpoint.
    Checkpointed {
        /// The slot.
        seq: u64,
        /// The digest of the state, reply cache included.
        state: Digest,
    },
    /// A replica holds proof that a checkpoint is stable, and drops what lies before it.
    StableCheckpoint {
        /// The slot.
        seq: u64,
        /// The digest that was proven.
        state: Digest,
    },
    /// A replica replaces its state by one that it fetched.
    Restored {
        /// The slot after which the state was taken.
        seq: u64,
        /// Its digest.
        state: Digest,
        /// Where replicas execute before they know that the order stands: the digest of the whole
        /// history up to the slot.
        history: Option<Digest>,
        /// What the replica holds now. Judges compare this, and not what its digest says.
        content: Rc<Content>,
    },
    /// A replica leaves its view and asks for another.
    ViewChangeStarted {
        /// The view that it asks for.
        view: u64,
        /// Why.
        reason: &'static str,
    },
    /// A replica enters a view.
    EnteredView {
        /// The view.
        view: u64,
    },
    /// A replica begins to lead a view, where leaders are elected. The slots that it holds it has
    /// [accepted](Self::Accepted), or [restored](Self::Restored) a state that stands for them.
    Leads {
        /// The view.
        view: u64,
    },
    /// A replica cuts what it accepted from a slot on out of its log, as the log of an elected
    /// leader differs there. Nothing of it was decided.
    Cut {
        /// The first slot that it cuts.
        from: u64,
    },
    /// A replica does its part to depose the primary of a view, for a cause of its own: others may
    /// follow.
    GaveUp {
        /// The view.
        view: u64,
        /// Its primary. Where leaders are elected, and the replica knows of none in this view:
        /// itself.
        primary: NodeId,
    },
    /// A node has reason to think that another misbehaves, and no proof: a slow network may look
    /// the same.
    Suspected {
        /// Of whom.
        node: NodeId,
        /// What it saw.
        reason: &'static str,
    },
    /// A node holds signed proof that another misbehaved.
    Proven {
        /// Who is guilty.
        node: NodeId,
        /// Of what.
        reason: &'static str,
        /// The signed statements that prove it.
        evidence: Evidence,
    },
    /// A node went through a part of the protocol that a sweep should have reached; its name is a
    /// milestone.
    Reached(&'static str),
}

/// What a replica knows to be decided when it knows that a slot is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decided {
    /// What the slot holds: its batch.
    Batch(Digest),
    /// All that was ordered up to the slot, which replicas may have executed before they knew that
    /// the order stands: the whole history.
    History(Digest),
}

impl Decided {
    /// The digest of the batch, or of the history.
    pub const fn digest(&self) -> Digest {
        let (Self::Batch(digest) | Self::History(digest)) = *self;
        digest
    }
}

/// What a replica holds of the replicated state.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Content {
    /// The keys that hold something.
    pub store: BTreeMap<Text, Text>,
    /// Of each client: the number of its last executed request, and the answer.
    pub replies: BTreeMap<NodeId, (u64, Answer)>,
}

/// What a replica holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// The last slot that it executed, speculatively or not.
    pub executed: u64,
    /// The digest of its state after that slot: of all that requests change, and nothing else.
    pub state: Digest,
    /// In a protocol whose replicas may hold different requests in one slot: the digest of the
    /// whole history up to the last slot, and of that up to the slot that was asked for, if the
    /// replica still knows it.
    pub history: Option<(Digest, Option<Digest>)>,
}

/// For the trace: digests are cut to eight bytes, as the messages that carry them are hashed whole.
impl Encode for Observation {
    fn encode(&self, out: &mut Encoder) {
        match self {
            Self::Invoked { timestamp, operation } => out.u8(0).u64(*timestamp).value(operation),
            Self::Completed { timestamp, answer } => out.u8(1).u64(*timestamp).value(answer),
            Self::Accepted { view, seq, batch } => {
                out.u8(2).u64(*view).u64(*seq).u64(batch.prefix())
            }
            // Of which of the two it is the digest, the protocol always says alike.
            Self::Committed { view, seq, decided } => {
                out.u8(3).u64(*view).u64(*seq).u64(decided.digest().prefix())
            }
            Self::Executed { view, seq, batch, null } => {
                out.u8(4).u64(*view).u64(*seq).u64(batch.prefix()).u8(u8::from(*null))
            }
            // The operation is a function of the batch, whose digest was encoded just before.
            Self::Applied { seq, client, timestamp, operation: _, answer } => {
                out.u8(5).u64(*seq).node(*client).u64(*timestamp).value(answer)
            }
            Self::Read { seq, client, timestamp, operation, answer } => {
                out.u8(18).u64(*seq).node(*client).u64(*timestamp).value(operation).value(answer)
            }
            Self::Checkpointed { seq, state } => out.u8(6).u64(*seq).u64(state.prefix()),
            Self::StableCheckpoint { seq, state } => out.u8(7).u64(*seq).u64(state.prefix()),
            // What it holds follows from the history before, or a judge says so.
            Self::Restored { seq, state, history: _, content: _ } => {
                out.u8(8).u64(*seq).u64(state.prefix())
            }
            Self::ViewChangeStarted { view, reason } => out.u8(9).u64(*view).text(reason),
            Self::EnteredView { view } => out.u8(10).u64(*view),
            Self::Suspected { node, reason } => out.u8(11).node(*node).text(reason),
            // The statements are in messages, which are hashed whole.
            Self::Proven { node, reason, evidence: _ } => out.u8(12).node(*node).text(reason),
            Self::Reached(milestone) => out.u8(13).text(milestone),
            Self::Speculated { view, seq, batch, history } => {
                out.u8(14).u64(*view).u64(*seq).u64(batch.prefix()).u64(history.prefix())
            }
            Self::RolledBack { to } => out.u8(15).u64(*to),
            Self::Leads { view } => out.u8(20).u64(*view),
            Self::Cut { from } => out.u8(19).u64(*from),
            Self::GaveUp { view, primary } => out.u8(17).u64(*view).node(*primary),
            Self::Anchored { timestamp, view, seq, history } => {
                out.u8(16).u64(*timestamp).u64(*view).u64(*seq).u64(history.prefix())
            }
        };
    }
}

impl fmt::Display for Observation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Invoked { timestamp, operation } => {
                write!(f, "requests #{timestamp} {operation}")
            }
            Self::Completed { timestamp, answer } => write!(f, "accepts #{timestamp} {answer}"),
            Self::Accepted { view, seq, batch } => write!(f, "accepts v{view} s{seq} {batch}"),
            Self::Committed { view, seq, decided } => {
                write!(f, "commits v{view} s{seq} {}", decided.digest())
            }
            Self::Executed { seq, null: true, .. } => write!(f, "executes s{seq} null"),
            Self::Executed { seq, batch, .. } => write!(f, "executes s{seq} {batch}"),
            Self::Applied { seq, client, timestamp, operation, answer } => {
                write!(f, "applies s{seq} {client}#{timestamp} {operation} = {answer}")
            }
            Self::Read { seq, client, timestamp, operation, answer } => {
                write!(f, "reads after s{seq} {client}#{timestamp} {operation} = {answer}")
            }
            Self::Checkpointed { seq, state } => write!(f, "takes checkpoint s{seq} state {state}"),
            Self::StableCheckpoint { seq, state } => {
                write!(f, "has stable checkpoint s{seq} state {state}")
            }
            Self::Restored { seq, state, .. } => write!(f, "restores s{seq} state {state}"),
            Self::ViewChangeStarted { view, reason } => {
                write!(f, "starts a view change to v{view}: {reason}")
            }
            Self::EnteredView { view } => write!(f, "enters v{view}"),
            Self::Leads { view } => write!(f, "leads v{view}"),
            Self::Cut { from } => write!(f, "cuts its log from s{from} on"),
            Self::GaveUp { view, primary } => write!(f, "gives up {primary}, primary of v{view}"),
            Self::Suspected { node, reason } => write!(f, "suspects {node}: {reason}"),
            Self::Proven { node, reason, .. } => write!(f, "proves {node} guilty: {reason}"),
            Self::Reached(milestone) => write!(f, "reaches {milestone}"),
            Self::Speculated { seq, batch, history, .. } => {
                write!(f, "executes s{seq} {batch} speculatively, history {history}")
            }
            Self::RolledBack { to } => write!(f, "rolls back to s{to}"),
            Self::Anchored { timestamp, view, seq, history } => {
                write!(f, "has #{timestamp} at v{view} s{seq}, history {history}")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One observation of each kind: what comes after this one. The compiler asks for the kinds
    /// that are new.
    fn after(it: &Observation) -> Option<Observation> {
        use Observation as O;
        let (view, seq, timestamp, client) = (0, 0, 0, NodeId::Client(0));
        let (node, reason, digest) = (NodeId::Replica(0), "", Digest::default());
        let operation = || Operation::Get { key: "x".into() };
        Some(match it {
            O::Invoked { .. } => O::Completed { timestamp, answer: Answer::Done },
            O::Completed { .. } => O::Accepted { view, seq, batch: digest },
            O::Accepted { .. } => O::Committed { view, seq, decided: Decided::Batch(digest) },
            O::Committed { .. } => O::Executed { view, seq, batch: digest, null: false },
            O::Executed { .. } => O::Speculated { view, seq, batch: digest, history: digest },
            O::Speculated { .. } => O::RolledBack { to: 0 },
            O::RolledBack { .. } => O::Anchored { timestamp, view, seq, history: digest },
            O::Anchored { .. } => {
                let (operation, answer) = (operation(), Answer::Done);
                O::Applied { seq, client, timestamp, operation, answer }
            }
            O::Applied { .. } => {
                let (operation, answer) = (operation(), Answer::Done);
                O::Read { seq, client, timestamp, operation, answer }
            }
            O::Read { .. } => O::Checkpointed { seq, state: digest },
            O::Checkpointed { .. } => O::StableCheckpoint { seq, state: digest },
            O::StableCheckpoint { .. } => {
                O::Restored { seq, state: digest, history: None, content: Rc::default() }
            }
            O::Restored { .. } => O::ViewChangeStarted { view, reason },
            O::ViewChangeStarted { .. } => O::EnteredView { view },
            O::EnteredView { .. } => O::Leads { view },
            O::Leads { .. } => O::Cut { from: 0 },
            O::Cut { .. } => O::GaveUp { view, primary: node },
            O::GaveUp { .. } => O::Suspected { node, reason },
            O::Suspected { .. } => {
                let evidence = Evidence::new(Vec::<u8>::new());
                O::Proven { node, reason, evidence }
            }
            O::Proven { .. } => O::Reached(""),
            O::Reached(_) => return None,
        })
    }

    /// The trace hash tells kinds apart by their first byte.
    #[test]
    fn each_kind_has_a_tag_of_its_own() {
        let first = Observation::Invoked { timestamp: 0, operation: "get x".parse().expect("one") };
        let all: Vec<_> = std::iter::successors(Some(first), after).collect();
        let tag = |it: &Observation| {
            let mut out = Encoder::default();
            it.encode(&mut out);
            out.bytes()[0]
        };
        let mut tags: Vec<u8> = all.iter().map(tag).collect();
        tags.sort_unstable();
        let expected: Vec<u8> = (0..).take(all.len()).collect();
        assert_eq!(tags, expected);
    }
}
