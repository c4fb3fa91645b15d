//! Messages under way: how many each link has carried, when a message arrives, which ones are held.

use std::collections::BTreeMap;
use std::rc::Rc;

use super::corrupted::Corrupted;
use crate::adversary::{Fate, Granted};
use crate::encode::Encoder;
use crate::id::{Committee, NodeId};
use crate::metrics::Moved;
use crate::network::{NetworkModel, Transit};
use crate::node::{Kind, Message};
use crate::rng::{MessageChoices, Purpose, SimRng};
use crate::time::Time;
use crate::timers::Cause;
use crate::trace::MessageInfo;

/// A message on its way to one receiver.
pub(super) struct Envelope<M> {
    pub(super) from: NodeId,
    pub(super) to: NodeId,
    pub(super) msg: Rc<M>,
    pub(super) kind: Kind,
    pub(super) bytes: u32,
    /// The first eight bytes of the SHA-256 digest of the canonical bytes.
    fingerprint: u64,
    /// How many messages of its kind the link had carried before.
    pub(super) count: u32,
    /// Why it was sent; what a corrupted node sends is provoked.
    pub(super) cause: Cause,
}

impl<M> Clone for Envelope<M> {
    fn clone(&self) -> Self {
        Self { msg: Rc::clone(&self.msg), ..*self }
    }
}

impl<M: Message> Envelope<M> {
    /// What a trace knows of the message.
    pub(super) fn info(&self) -> MessageInfo<'_> {
        MessageInfo {
            kind: self.kind.0,
            name: M::KINDS[usize::from(self.kind.0)],
            fingerprint: self.fingerprint,
            bytes: self.bytes,
            msg: &self.msg,
        }
    }

    /// What a trace hashes of the message.
    pub(super) const fn identity(&self) -> (u8, u64) {
        (self.kind.0, self.fingerprint)
    }
}

/// A message that goes to several receivers: what all of its envelopes have in common.
pub(super) struct Parcel<'a, M> {
    from: NodeId,
    msg: &'a Rc<M>,
    kind: Kind,
    measured: Measured,
    cause: Cause,
}

/// What a message is on the wire.
#[derive(Clone, Copy)]
struct Measured {
    bytes: u32,
    fingerprint: u64,
}

/// A message that the adversary holds.
struct Held<M> {
    /// The how manieth hold of the run it is.
    number: u64,
    /// When it arrives at the latest.
    deadline: Time,
    envelope: Envelope<M>,
}

/// The network at work.
pub(super) struct Transport<M> {
    committee: Committee,
    corrupted: Corrupted,
    model: NetworkModel,
    /// What the network's choices about messages derive from.
    key: u64,
    /// By (link, kind): how many messages were sent.
    carried: Vec<u32>,
    /// By link, for FIFO networks: when the last message arrives.
    last_arrival: Vec<Time>,
    /// Messages that the adversary holds, by its key.
    held: BTreeMap<u32, Vec<Held<M>>>,
    /// How many messages were ever held.
    holds: u64,
    /// How many messages are under way that no pulse led to. Held ones count if they have a
    /// deadline: they will arrive.
    in_flight: u64,
    moved: Moved,
    /// How many of them correct nodes sent on their own account.
    own_in_flight: u64,
    encoder: Encoder,
    /// The message that was measured last: it often goes to one receiver after the other.
    measured: Option<(Rc<M>, Measured)>,
}

impl<M: Message> Transport<M> {
    pub(super) fn new(
        committee: Committee,
        corrupted: Corrupted,
        model: NetworkModel,
        seed: u64,
    ) -> Self {
        let links = committee.len() * committee.len();
        Self {
            committee,
            corrupted,
            key: SimRng::new(seed, Purpose::Network, 0).next_u64(),
            carried: vec![0; links * M::KINDS.len()],
            last_arrival: vec![Time::ZERO; if model.fifo { links } else { 0 }],
            held: BTreeMap::new(),
            holds: 0,
            in_flight: 0,
            moved: Moved::default(),
            own_in_flight: 0,
            encoder: Encoder::default(),
            measured: None,
            model,
        }
    }

    /// Whether no message is under way; what is held for ever does not count, nor what a pulse led
    /// to.
    pub(super) const fn is_idle(&self) -> bool {
        self.in_flight == 0
    }

    /// Whether no message is under way that a correct node sent on its own account.
    pub(super) const fn is_at_rest(&self) -> bool {
        self.own_in_flight == 0
    }

    /// Takes a message on. `cause`: why the sender sends it.
    pub(super) fn parcel<'a>(
        &mut self,
        from: NodeId,
        msg: &'a Rc<M>,
        cause: Cause,
    ) -> Parcel<'a, M> {
        let cause = if self.corrupted.contains(from) { Cause::Provoked } else { cause };
        Parcel { from, msg, kind: msg.kind(), measured: self.measure(msg), cause }
    }

    /// What `msg` is on the wire, whoever receives it.
    fn measure(&mut self, msg: &Rc<M>) -> Measured {
        if let Some((known, measured)) = &self.measured
            && Rc::ptr_eq(known, msg)
        {
            return *measured;
        }
        self.encoder.clear();
        msg.encode(&mut self.encoder);
        let bytes = self.encoder.wire_bytes();
        let measured = Measured { bytes, fingerprint: self.encoder.sha256().prefix() };
        self.measured = Some((Rc::clone(msg), measured));
        measured
    }

    /// Puts the message into an envelope for `to`, and counts it on its link.
    pub(super) fn envelope(&mut self, parcel: &Parcel<'_, M>, to: NodeId) -> Envelope<M> {
        let Parcel { from, msg, kind, measured: Measured { bytes, fingerprint }, cause } = *parcel;
        let link = self.link(from, to);
        let carried = &mut self.carried[link * M::KINDS.len() + usize::from(kind.0)];
        let count = *carried;
        *carried += 1;
        Envelope { from, to, msg: Rc::clone(msg), kind, bytes, fingerprint, count, cause }
    }

    /// What the network makes of the adversary's wish for one message. Each time of arrival that it
    /// names is one message more under way.
    pub(super) fn grant(
        &mut self,
        now: Time,
        wish: Fate,
        envelope: &Envelope<M>,
    ) -> (Transit, Granted) {
        let Envelope { from, to, .. } = *envelope;
        let mut choices = self.choices(envelope);
        let is_corrupted = self.corrupted.contains(from) || self.corrupted.contains(to);
        let ends = ((from.number(), to.number()), is_corrupted);
        let (transit, granted) = self.model.grant(wish, now, ends, &mut choices, &mut self.moved);
        match transit {
            Transit::Arrives(first, second) => {
                let first = self.in_order(from, to, first);
                let second = second.map(|second| second.max(first));
                self.depart(envelope);
                if second.is_some() {
                    self.depart(envelope);
                }
                (Transit::Arrives(first, second), Granted { arrives: Some(first), ..granted })
            }
            Transit::Held(..) | Transit::Lost => (transit, granted),
        }
    }

    /// Holds a message until its key is released or its deadline has come. The number of the hold.
    pub(super) fn hold(&mut self, key: u32, deadline: Time, envelope: Envelope<M>) -> u64 {
        self.holds += 1;
        let number = self.holds;
        if deadline != Time::NEVER {
            self.depart(&envelope);
        }
        self.held.entry(key).or_default().push(Held { number, deadline, envelope });
        number
    }

    /// The message of this hold, whose deadline has come, unless it was released before: it lands.
    pub(super) fn end_hold(&mut self, key: u32, number: u64) -> Option<Envelope<M>> {
        let held = self.held.get_mut(&key)?;
        let place = held.iter().position(|held| held.number == number)?;
        self.moved.holds_ended += 1;
        let envelope = held.remove(place).envelope;
        self.land(&envelope);
        Some(envelope)
    }

    /// A message arrived at a node that is down.
    pub(super) const fn note_lost_at_down_node(&mut self) {
        self.moved.lost_at_down_nodes += 1;
    }

    /// What was done to messages in a run that is over.
    pub(super) fn moved(&self) -> Moved {
        let held: usize = self.held.values().map(Vec::len).sum();
        Moved { held_to_the_end: held as u64, ..self.moved }
    }

    /// Lets the messages held under `key` go: each takes the latency that the network would have
    /// drawn for it, and arrives by the deadline that it had when it was sent.
    pub(super) fn release(&mut self, now: Time, key: u32) -> Vec<(Time, Envelope<M>)> {
        let released = self.held.remove(&key).unwrap_or_default();
        let arrival = |Held { deadline, envelope, .. }| {
            let mut choices = self.choices(&envelope);
            let Envelope { from, to, .. } = envelope;
            let latency = self.model.natural(from.number(), to.number(), &mut choices);
            let at = self.in_order(from, to, (now + latency).min(deadline));
            if deadline == Time::NEVER {
                self.depart(&envelope);
            }
            (at, envelope)
        };
        released.into_iter().map(arrival).collect()
    }

    /// The messages that the adversary holds for ever, for a reader: how many of which kind.
    pub(super) fn held_for_ever(&self) -> Vec<String> {
        let mut kinds: BTreeMap<&str, usize> = BTreeMap::new();
        let held = self.held.values().flatten().filter(|it| it.deadline == Time::NEVER);
        for held in held {
            *kinds.entry(M::KINDS[usize::from(held.envelope.kind.0)]).or_default() += 1;
        }
        kinds.iter().map(|(kind, count)| format!("{count} {kind}")).collect()
    }

    /// A message is under way from now on.
    fn depart(&mut self, envelope: &Envelope<M>) {
        self.in_flight += u64::from(envelope.cause != Cause::Pulse);
        self.own_in_flight += u64::from(envelope.cause == Cause::Own);
    }

    /// A message has arrived: it is under way no longer.
    pub(super) fn land(&mut self, envelope: &Envelope<M>) {
        self.in_flight -= u64::from(envelope.cause != Cause::Pulse);
        self.own_in_flight -= u64::from(envelope.cause == Cause::Own);
    }

    /// When a message arrives on this link that would arrive at `at` if it did not have to queue.
    fn in_order(&mut self, from: NodeId, to: NodeId, at: Time) -> Time {
        if !self.model.fifo {
            return at;
        }
        let link = self.link(from, to);
        let last = &mut self.last_arrival[link];
        *last = at.max(*last);
        *last
    }

    /// The network's choices for a message.
    #[inline]
    fn choices(&self, envelope: &Envelope<M>) -> MessageChoices {
        let place = |node| u16::try_from(self.committee.index(node)).expect("below 2^16 nodes");
        let Envelope { from, to, kind, count, .. } = *envelope;
        MessageChoices::new(self.key, place(from), place(to), kind.0, count)
    }

    #[inline]
    fn link(&self, from: NodeId, to: NodeId) -> usize {
        self.committee.index(from) * self.committee.len() + self.committee.index(to)
    }
}
