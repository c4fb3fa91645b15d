//! Accountability: whom signed messages prove guilty, once a run is over.
//!
//! While a run lasts, nobody keeps messages for this. A run is a function of its seed, so one whose
//! outcome raises the question is played again, and a recorder keeps what each correct node sent
//! and received: its *transcript*. What follows from transcripts the protocol says
//! ([`Protocol::investigate`](crate::Protocol::investigate)).

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use crate::evidence::Evidence;
use crate::id::NodeId;
use crate::time::Time;
use crate::trace::{MessageInfo, Recorder, TraceEvent};

/// When and as what a message came into a transcript.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The number of the event in the trace.
    pub event: u64,
    /// When that was.
    pub time: Time,
}

/// A message in a transcript.
#[derive(Debug)]
pub struct Held<M> {
    /// When the holder sent or received it.
    pub place: Place,
    /// The message.
    pub msg: Rc<M>,
}

impl<M> Clone for Held<M> {
    fn clone(&self) -> Self {
        Self { place: self.place, msg: Rc::clone(&self.msg) }
    }
}

/// What a replica did that no correct replica does, and what proves it.
#[derive(Clone, Debug)]
pub struct Offence {
    /// Who.
    pub culprit: NodeId,
    /// The number of the rule that it broke.
    pub rule: &'static str,
    /// What it did.
    pub about: &'static str,
    /// The statements that prove it.
    pub evidence: Evidence,
    /// The same statements in words, and where they came into the transcript.
    pub statements: Vec<(String, Place)>,
}

/// Two things that quorums signed and that exclude each other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dispute {
    /// The number of the rule that says who is to blame for such a thing.
    pub rule: &'static str,
    /// Which two things, in words.
    pub about: String,
    /// What is not in the transcript, and may prove more.
    pub missing: Vec<String>,
}

/// What a transcript shows.
#[derive(Clone, Debug, Default)]
pub struct Case {
    /// What it proves: of each culprit and rule the first offence, in the order of the nodes.
    pub offences: Vec<Offence>,
    /// The first dispute.
    pub dispute: Option<Dispute>,
    /// What else a reader wants to know.
    pub notes: Vec<String>,
}

impl Case {
    /// Who is proven guilty.
    pub fn culprits(&self) -> BTreeSet<NodeId> {
        self.offences.iter().map(|offence| offence.culprit).collect()
    }
}

/// Collects transcripts: of each node what it sent to others and what reached it, each message
/// once.
#[derive(Debug)]
pub struct Transcripts<M> {
    by_holder: BTreeMap<NodeId, Vec<Held<M>>>,
    known: BTreeSet<(NodeId, usize)>,
}

impl<M> Default for Transcripts<M> {
    fn default() -> Self {
        Self { by_holder: BTreeMap::new(), known: BTreeSet::new() }
    }
}

impl<M: 'static> Transcripts<M> {
    fn keep(&mut self, holder: NodeId, place: Place, what: &MessageInfo<'_>) {
        let msg = what.shared::<M>().expect("a run has messages of one type");
        // The list keeps the message alive, so its address stays its own.
        if self.known.insert((holder, Rc::as_ptr(msg).addr())) {
            let held = Held { place, msg: Rc::clone(msg) };
            self.by_holder.entry(holder).or_default().push(held);
        }
    }

    /// What one node holds.
    pub fn of(&self, node: NodeId) -> &[Held<M>] {
        self.by_holder.get(&node).map_or(&[], |held| held)
    }

    /// What these nodes hold together, in the order of the events.
    pub fn of_all(&self, nodes: &[NodeId]) -> Vec<Held<M>> {
        let mut held: Vec<Held<M>> =
            nodes.iter().flat_map(|node| self.of(*node)).cloned().collect();
        held.sort_by_key(|held| held.place);
        held
    }
}

impl<M: 'static> Recorder for Transcripts<M> {
    fn record(&mut self, event: u64, time: Time, what: &TraceEvent<'_>) {
        let place = Place { event, time };
        match what {
            TraceEvent::Sent { from, what, .. } => self.keep(*from, place, what),
            TraceEvent::Delivered { to, what, .. } => self.keep(*to, place, what),
            TraceEvent::Lost { .. }
            | TraceEvent::Expired { .. }
            | TraceEvent::Crashed(_)
            | TraceEvent::Restarted(_)
            | TraceEvent::Observed(..) => {}
        }
    }
}
