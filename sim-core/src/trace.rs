//! The trace of a run: every event, folded into one SHA-256 hash that is the run's fingerprint.
//!
//! The trace can also keep *marks*, short prefixes of the running hash every 2^k events. The first
//! mark in which two runs differ shows where they diverge, so a recorded run can tell where a
//! replay diverges from it.

use std::any::Any;
use std::fmt;
use std::rc::Rc;

use sha2::{Digest as _, Sha256};

use crate::checkers::{RunInfo, Stamp};
use crate::crypto::Digest;
use crate::encode::{Encoder, node_bytes};
use crate::id::NodeId;
use crate::observation::Observation;
use crate::time::Time;

/// One event of a run, as it is hashed and shown.
#[derive(Clone, Debug)]
pub enum TraceEvent<'a> {
    /// A node sends a message. This is shown but not hashed; what becomes of the message is hashed.
    Sent {
        /// The sender.
        from: NodeId,
        /// The receiver.
        to: NodeId,
        /// What is sent.
        what: MessageInfo<'a>,
        /// What the network does with it.
        transit: crate::network::Transit,
    },
    /// A message arrives.
    Delivered {
        /// The sender.
        from: NodeId,
        /// The receiver.
        to: NodeId,
        /// What arrives.
        what: MessageInfo<'a>,
    },
    /// A message does not arrive: it was lost, or its receiver is down.
    Lost {
        /// The sender.
        from: NodeId,
        /// The receiver.
        to: NodeId,
        /// What is lost.
        what: MessageInfo<'a>,
    },
    /// A timer expires.
    Expired {
        /// Whose.
        node: NodeId,
        /// The timer's canonical bytes.
        key: &'a [u8],
        /// The timer, for a reader.
        name: &'a dyn fmt::Debug,
    },
    /// A node stops.
    Crashed(NodeId),
    /// A node restarts.
    Restarted(NodeId),
    /// A node reports something.
    Observed(NodeId, &'a Observation),
}

/// What a trace knows of a message.
#[derive(Clone, Copy)]
pub struct MessageInfo<'a> {
    /// The kind's number.
    pub kind: u8,
    /// The kind's name.
    pub name: &'static str,
    /// The first eight bytes of the SHA-256 digest of the canonical bytes.
    pub fingerprint: u64,
    /// Bytes on the wire.
    pub bytes: u32,
    /// The message, for a reader: an `Rc` of it.
    pub msg: &'a dyn Shown,
}

/// A message of some protocol: it can be shown, and who knows the protocol can look into it.
pub trait Shown: fmt::Debug + Any {}

impl<T: fmt::Debug + Any> Shown for T {}

/// What becomes of a message. The discriminants are part of every trace hash.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Passage {
    Delivered = 0,
    Lost = 1,
}

impl MessageInfo<'_> {
    /// What is hashed of the message.
    const fn identity(&self) -> (u8, u64) {
        (self.kind, self.fingerprint)
    }

    /// The message, if it is of this type.
    pub fn downcast<M: Any>(&self) -> Option<&M> {
        self.shared().map(|msg| &**msg)
    }

    /// The message, if it is of this type, for who wants to keep it.
    pub fn shared<M: Any>(&self) -> Option<&Rc<M>> {
        let msg: &dyn Any = self.msg;
        msg.downcast_ref()
    }
}

impl fmt::Debug for MessageInfo<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.msg.fmt(f)
    }
}

/// A receiver of every event, as it happens.
pub trait Recorder {
    /// The `number`-th event (from 0), at `time`.
    fn record(&mut self, number: u64, time: Time, event: &TraceEvent<'_>);

    /// What the checkers are told before the run starts.
    fn begin(&mut self, _: &RunInfo) {}

    /// What the checkers are told of a correct node, as they are told it.
    fn judged(&mut self, _: Stamp, _: NodeId, _: &Observation) {}

    /// The checkers give their verdicts.
    fn end(&mut self, _: Stamp) {}
}

/// From how many bytes on events are hashed that wait for it.
const BUFFER_BYTES: usize = 1 << 12;

/// How many marks are kept at most before every second one is dropped.
const MARKS_MAX: usize = 1 << 14;

/// The running hash of a run.
#[derive(Debug)]
pub struct Trace {
    /// The hash of all events but those in the buffer.
    hash: Sha256,
    events: u64,
    /// The last events. They are hashed together: hashing starts and stops for more than it hashes
    /// in one event.
    buffer: Encoder,
    marks: Option<Marks>,
}

/// Prefixes of the running hash, every 2^k events.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Marks {
    /// k: the distance between marks is 2^k events.
    pub shift: u32,
    /// After event 2^k − 1, 2·2^k − 1, …: the first two bytes of the running hash.
    pub values: Vec<u16>,
}

impl Marks {
    /// The first event that differs between the runs of these marks, as a closed range of event
    /// numbers; `None` if all common marks agree.
    ///
    /// A running hash never comes back once it differs, so this is a bisection.
    pub fn first_difference(&self, other: &Self) -> Option<(u64, u64)> {
        let shift = self.shift.max(other.shift);
        let thin = |marks: &Self| -> Vec<u16> {
            let step = 1_usize << (shift - marks.shift);
            marks.values.iter().copied().skip(step - 1).step_by(step).collect()
        };
        let (mine, theirs) = (thin(self), thin(other));
        let both: Vec<bool> = mine.iter().zip(&theirs).map(|(a, b)| a == b).collect();
        // Two bytes agree by chance once in 65,536 times: look for the first difference, not for
        // the partition point.
        let place = both.iter().position(|same| !same)? as u64;
        Some((place << shift, ((place + 1) << shift) - 1))
    }
}

impl Trace {
    /// An empty trace. Marks cost a hash per event, so they are kept only on request.
    pub fn new(with_marks: bool) -> Self {
        Self {
            hash: Sha256::new(),
            events: 0,
            buffer: Encoder::default(),
            marks: with_marks.then(Marks::default),
        }
    }

    /// How many events were folded in.
    #[inline]
    pub const fn events(&self) -> u64 {
        self.events
    }

    /// Folds in one event.
    pub fn fold(&mut self, time: Time, event: &TraceEvent<'_>) {
        let out = &mut self.buffer;
        match event {
            TraceEvent::Sent { .. } => return,
            TraceEvent::Delivered { from, to, what } => {
                return self.fold_passage(time, Passage::Delivered, [*from, *to], what.identity());
            }
            TraceEvent::Lost { from, to, what } => {
                return self.fold_passage(time, Passage::Lost, [*from, *to], what.identity());
            }
            TraceEvent::Expired { node, key, .. } => out.time(time).u8(2).node(*node).raw(key),
            TraceEvent::Crashed(node) => out.time(time).u8(3).node(*node),
            TraceEvent::Restarted(node) => out.time(time).u8(4).node(*node),
            TraceEvent::Observed(node, what) => out.time(time).u8(5).node(*node).value(*what),
        };
        self.folded();
    }

    /// Folds in what became of a message: most events are of this kind, and have one size. What is
    /// known of the message besides is not hashed.
    #[inline]
    pub(crate) fn fold_passage(
        &mut self,
        time: Time,
        passage: Passage,
        [from, to]: [NodeId; 2],
        (kind, fingerprint): (u8, u64),
    ) {
        let ([a, b, c], [d, e, f]) = (node_bytes(from), node_bytes(to));
        let ends = [passage as u8, a, b, c, d, e, f, kind];
        self.buffer.time(time).raw(&ends).u64(fingerprint);
        self.folded();
    }

    /// An event is in the buffer.
    #[inline]
    fn folded(&mut self) {
        self.events += 1;
        if BUFFER_BYTES <= self.buffer.bytes().len() || self.marks.is_some() {
            self.flush();
        }
    }

    fn flush(&mut self) {
        self.hash.update(self.buffer.bytes());
        self.buffer.clear();
        if let Some(marks) = &mut self.marks {
            marks.note(self.events, &self.hash);
        }
    }

    /// The hash of the whole run, and the marks if they were kept.
    pub fn finish(mut self) -> (Digest, Option<Marks>) {
        self.hash.update(self.buffer.bytes());
        (Digest(self.hash.finalize().into()), self.marks)
    }
}

impl Marks {
    fn note(&mut self, events: u64, hash: &Sha256) {
        if !events.is_multiple_of(1 << self.shift) {
            return;
        }
        let digest: [u8; 32] = hash.clone().finalize().into();
        self.values.push(u16::from_be_bytes([digest[0], digest[1]]));
        if self.values.len() == MARKS_MAX {
            self.values = self.values.iter().copied().skip(1).step_by(2).collect();
            self.shift += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn marks_of(events: u64, differs_from: u64) -> Marks {
        let mut trace = Trace::new(true);
        for number in 0..events {
            let node = NodeId::Replica(u16::from(differs_from <= number));
            trace.fold(Time::from_nanos(number), &TraceEvent::Crashed(node));
        }
        trace.finish().1.expect("marks were asked for")
    }

    #[test]
    fn marks_name_the_first_event_that_differs() {
        let base = marks_of(1_000, u64::MAX);
        assert_eq!(base.first_difference(&base), None);
        for at in [0, 1, 500, 999] {
            assert_eq!(base.first_difference(&marks_of(1_000, at)), Some((at, at)), "event {at}");
        }
        // The marks of long runs thin out; the answer is then a range.
        let long = marks_of(20_000, u64::MAX);
        assert_eq!(long.shift, 1);
        assert_eq!(long.first_difference(&marks_of(20_000, 7_001)), Some((7_000, 7_001)));
        assert_eq!(long.first_difference(&base), None, "one is a prefix of the other");
    }
}
