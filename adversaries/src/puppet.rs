//! A puppet: an honest copy of a corrupted node, which the adversary controls.
//!
//! The copy runs the protocol's own code and does not know that it is a copy. The adversary
//! receives its messages, and forwards, changes or withholds them. Its timers and its messages to
//! itself are private: two copies of one node must not wake each other or receive each other's
//! messages.

use std::collections::BTreeMap;
use std::fmt;
use std::rc::Rc;

use byzsim_core::{
    Committee, Draws, Host, Input, Look, Looks, NodeId, Protocol, Request, Signer, Time, Timers,
    Wake,
};

/// An honest copy of a corrupted node.
pub struct Puppet<P: Protocol> {
    host: Host<P>,
    wakes: Wakes<P::Timer>,
}

/// The wake-ups that a puppet asked for.
struct Wakes<T> {
    /// For each timer, the latest. Earlier ones are stale.
    asked: BTreeMap<T, Wake>,
    next: u64,
    /// By how much wake-ups are numbered on, so that the puppets of one node share none.
    step: u64,
}

impl<T: Ord + Clone> Wakes<T> {
    /// A new wake-up, to look at this timer.
    fn ask(&mut self, timer: &T) -> Wake {
        let wake = Wake(self.next);
        self.next += self.step;
        self.asked.insert(timer.clone(), wake);
        wake
    }

    /// The timer that `wake` was asked for, unless it is stale.
    fn take(&mut self, wake: Wake) -> Option<T> {
        let (timer, _) = self.asked.iter().find(|(_, asked)| **asked == wake)?;
        let timer = timer.clone();
        self.asked.remove(&timer);
        Some(timer)
    }
}

impl<P: Protocol> fmt::Debug for Puppet<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Puppet").field("node", &self.node()).finish_non_exhaustive()
    }
}

impl<P: Protocol> Puppet<P> {
    /// The only copy of the signer's node in the run of `seed`.
    pub fn new(signer: &Rc<Signer>, committee: Committee, seed: u64, params: &P::Params) -> Self {
        Self::of_several((0, 1), signer, committee, seed, params)
    }

    /// The `place`-th of `count` copies of the signer's node. They share the signer; the spans of
    /// timers that the node leaves to be drawn are each copy's own.
    pub fn of_several(
        (place, count): (u8, u8),
        signer: &Rc<Signer>,
        committee: Committee,
        seed: u64,
        params: &P::Params,
    ) -> Self {
        assert!(place < count, "copy {place} of {count}");
        let draws = Draws::new(seed, signer.node(), place);
        // A wake-up for every arming: recorded traces count on the order in which they come.
        let timers = Timers::new(Looks::Always, 0, draws);
        Self {
            host: Host::new(signer, committee, params, timers),
            wakes: Wakes { asked: BTreeMap::new(), next: place.into(), step: count.into() },
        }
    }

    /// Whose copy this is.
    pub const fn node(&self) -> NodeId {
        self.host.id()
    }

    /// Lets the copy handle `input` at `now`, and the messages that it sends to itself. `request`
    /// receives everything else that it requests, in order. A wake-up of another copy, or of a
    /// timer that was moved or disarmed, is ignored.
    pub fn handle(
        &mut self,
        now: Time,
        input: Input<'_, P::Msg, Wake>,
        mut request: impl FnMut(Request<'_, P::Msg, Wake>),
    ) {
        let Self { host, wakes } = self;
        let input = match input {
            Input::Timer(wake) => {
                let Some(timer) = wakes.take(wake) else { return };
                match host.look_at(now, &timer) {
                    Look::Expired(_) => Input::Timer(timer),
                    Look::Again(at) => return request(Request::Look(&wakes.ask(&timer), at)),
                    Look::Stale => return,
                }
            }
            Input::Start => Input::Start,
            Input::Message(from, msg) => Input::Message(from, msg),
            Input::Operation(operation) => Input::Operation(operation),
            Input::Restart => Input::Restart,
        };
        host.handle(now, input, |wanted| match wanted {
            Request::Look(timer, at) => request(Request::Look(&wakes.ask(timer), at)),
            Request::Send(to, msg) => request(Request::Send(to, msg)),
            Request::Broadcast(msg) => request(Request::Broadcast(msg)),
            Request::Observe(observation) => request(Request::Observe(observation)),
        });
    }
}
