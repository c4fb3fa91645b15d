//! Messages under way: from a node's outbox through the network to the receiver's handler.

use std::rc::Rc;

use super::{Event, Run};
use crate::adversary::{Fate, Sent};
use crate::encode::Encode as _;
use crate::id::NodeId;
use crate::network::Transit;
use crate::node::{Input, Kind, Message, Protocol};
use crate::rng::MessageChoices;
use crate::time::Time;
use crate::trace::{Parcel, TraceEvent};

/// A message under way.
pub(super) struct Flight<M> {
    pub(super) from: NodeId,
    pub(super) to: NodeId,
    pub(super) msg: Rc<M>,
    pub(super) kind: Kind,
    pub(super) bytes: u32,
    pub(super) fingerprint: u64,
}

impl<M> Clone for Flight<M> {
    fn clone(&self) -> Self {
        Self { msg: Rc::clone(&self.msg), ..*self }
    }
}

impl<M: Message> Flight<M> {
    pub(super) fn parcel(&self) -> Parcel<'_> {
        Parcel {
            kind: self.kind.0,
            name: M::KINDS[usize::from(self.kind.0)],
            fingerprint: self.fingerprint,
            bytes: self.bytes,
            view: self.msg.view(),
            seq: self.msg.seq(),
            msg: &*self.msg,
        }
    }
}

/// A message that the adversary holds.
pub(super) struct Held<M> {
    /// The how manieth hold of the run it is.
    pub(super) number: u64,
    /// How many messages of its kind the link had carried before.
    pub(super) count: u32,
    /// When it arrives at the latest.
    pub(super) deadline: Time,
    pub(super) flight: Flight<M>,
}

impl<P: Protocol> Run<'_, P> {
    /// Puts one message on its way to each of `receivers`.
    pub(super) fn send(
        &mut self,
        from: NodeId,
        receivers: impl Iterator<Item = NodeId>,
        msg: &Rc<P::Msg>,
    ) {
        self.encoder.clear();
        msg.encode(&mut self.encoder);
        let bytes = self.encoder.wire_bytes();
        let fingerprint = self.encoder.sha256().prefix();
        let kind = msg.kind();
        for to in receivers {
            let msg = Rc::clone(msg);
            self.dispatch(Flight { from, to, msg, kind, bytes, fingerprint });
        }
    }

    fn dispatch(&mut self, flight: Flight<P::Msg>) {
        let Flight { from, to, kind, .. } = flight;
        let ends @ (source, target) = (self.committee.index(from), self.committee.index(to));
        let link = source * self.committee.len() + target;
        let carried = &mut self.carried[link * P::Msg::KINDS.len() + usize::from(kind.0)];
        let count = *carried;
        *carried += 1;
        let wish = self.adversary.schedule(&Sent {
            now: self.now,
            from,
            to,
            kind,
            count,
            msg: &*flight.msg,
        });
        if wish == Fate::Drop && self.corrupted[source] {
            // What a corrupted node withholds was never sent: it costs nothing. Its place in the
            // link's count stays, so that the messages after it keep their choices.
            return;
        }
        self.count_traffic(&flight);
        let transit = self.transit(wish, (from, to), ends, kind, count);
        self.record(&TraceEvent::Sent { from, to, what: flight.parcel(), transit });
        match transit {
            Transit::Lost => {
                self.metrics.lost += 1;
                self.record(&TraceEvent::Lost { from, to, what: flight.parcel() });
            }
            Transit::Held(key, deadline) => {
                self.holds += 1;
                let number = self.holds;
                let held = Held { number, count, deadline, flight };
                self.held.entry(key).or_default().push(held);
                if deadline != Time::NEVER {
                    self.queue.push(deadline, Event::Overheld { key, number });
                }
            }
            Transit::Arrives(first, second) => {
                for at in [Some(first), second].into_iter().flatten() {
                    self.in_flight += 1;
                    self.queue.push(at, Event::Deliver(flight.clone()));
                }
            }
        }
    }

    fn count_traffic(&mut self, flight: &Flight<P::Msg>) {
        let traffic = &mut self.metrics.traffic[usize::from(flight.kind.0)];
        traffic.bytes += u64::from(flight.bytes);
        match flight.from {
            NodeId::Replica(_) => traffic.from_replicas += 1,
            NodeId::Client(_) => traffic.from_clients += 1,
        }
    }

    /// What the network makes of the adversary's wish for one message.
    fn transit(
        &mut self,
        wish: Fate,
        (from, to): (NodeId, NodeId),
        (source, target): (usize, usize),
        kind: Kind,
        count: u32,
    ) -> Transit {
        let mut choices = self.choices(from, to, kind, count);
        let corrupted = self.corrupted[source] || self.corrupted[target];
        let regions = (from.number(), to.number());
        let transit = self.setup.network.grant(wish, self.now, regions, corrupted, &mut choices);
        match transit {
            Transit::Arrives(first, second) if self.setup.network.fifo => {
                let last = &mut self.last_arrival[source * self.committee.len() + target];
                *last = first.max(*last);
                Transit::Arrives(*last, second.map(|second| second.max(*last)))
            }
            Transit::Arrives(..) | Transit::Held(..) | Transit::Lost => transit,
        }
    }

    /// The network's choices for the `count`-th message of its kind on a link.
    fn choices(&self, from: NodeId, to: NodeId, kind: Kind, count: u32) -> MessageChoices {
        let place = |node| u16::try_from(self.committee.index(node)).expect("below 2^16 nodes");
        MessageChoices::new(self.network_key, place(from), place(to), kind.0, count)
    }

    pub(super) fn deliver(&mut self, flight: Flight<P::Msg>) {
        self.in_flight -= 1;
        let (from, to) = (flight.from, flight.to);
        let down = self.down[self.committee.index(to)];
        let what = flight.parcel();
        if down {
            self.metrics.lost += 1;
            self.record(&TraceEvent::Lost { from, to, what });
        } else {
            self.metrics.delivered += 1;
            self.record(&TraceEvent::Delivered { from, to, what });
            self.handle(to, Input::Message(from, &flight.msg));
        }
    }

    /// Lets held messages go: each takes the latency that the network would have drawn for it, and
    /// arrives by the deadline that it had when it was sent.
    pub(super) fn release(&mut self, key: u32) {
        for held in self.held.remove(&key).unwrap_or_default() {
            let Held { count, deadline, flight, .. } = held;
            let (source, target) =
                (self.committee.index(flight.from), self.committee.index(flight.to));
            let mut choices = self.choices(flight.from, flight.to, flight.kind, count);
            let (from, to) = (flight.from.number(), flight.to.number());
            let latency = self.setup.network.natural(from, to, &mut choices);
            let mut at = (self.now + latency).min(deadline);
            if self.setup.network.fifo {
                let last = &mut self.last_arrival[source * self.committee.len() + target];
                at = at.max(*last);
                *last = at;
            }
            self.in_flight += 1;
            self.queue.push(at, Event::Deliver(flight));
        }
    }
}
