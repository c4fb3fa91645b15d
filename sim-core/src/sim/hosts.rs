//! The hosts of a run: which node is correct, which is down, and what its cryptography cost.

use std::rc::Rc;

use super::corrupted::Corrupted;
use crate::adversary::{Crash, CrashPoint, Loss};
use crate::crypto::{Digest, Signer};
use crate::encode::Encoder;
use crate::host::Host;
use crate::id::{Committee, NodeId};
use crate::metrics::CryptoCount;
use crate::node::Protocol;
use crate::observation::Standing;
use crate::time::Time;
use crate::timers::{Cause, Draws, Look, Looks, Timers};

/// The correct nodes at work, and the places of the corrupted ones.
pub(super) struct Hosts<P: Protocol> {
    committee: Committee,
    /// By the index of the node; none for a corrupted one.
    hosts: Vec<Option<Host<P>>>,
    down: Vec<bool>,
    signers: Vec<Rc<Signer>>,
    params: P::Params,
}

impl<P: Protocol> Hosts<P> {
    pub(super) fn new(
        committee: Committee,
        signers: Vec<Rc<Signer>>,
        params: P::Params,
        (corrupted, seed): (&Corrupted, u64),
        drift_ppm: impl Fn(NodeId) -> i32,
    ) -> Self {
        let host = |signer: &Rc<Signer>| {
            let node = signer.node();
            let is_correct = !corrupted.contains(node);
            let draws = Draws::new(seed, node, 0);
            let timers = Timers::new(Looks::WhereNeeded, drift_ppm(node), draws);
            is_correct.then(|| Host::new(signer, committee, &params, timers))
        };
        let hosts = signers.iter().map(host).collect();
        Self { committee, hosts, down: vec![false; committee.len()], signers, params }
    }

    /// The host of a correct node; none for a corrupted one.
    pub(super) fn correct(&mut self, node: NodeId) -> Option<&mut Host<P>> {
        self.hosts[self.committee.index(node)].as_mut()
    }

    /// Why a correct node armed the timer that expired just now.
    pub(super) fn cause(&self, node: NodeId) -> Cause {
        self.hosts[self.committee.index(node)].as_ref().map_or(Cause::Own, Host::cause)
    }

    /// Whether a pulse of a correct node runs.
    pub(super) fn any_pulse(&self) -> bool {
        self.hosts.iter().flatten().any(Host::any_pulse)
    }

    pub(super) fn is_down(&self, node: NodeId) -> bool {
        self.down[self.committee.index(node)]
    }

    /// Looks at a timer of a correct node.
    pub(super) fn look_at(&mut self, now: Time, node: NodeId, timer: &P::Timer) -> Look {
        let host = self.correct(node).expect("the timers of a corrupted node are the adversary's");
        host.look_at(now, timer)
    }

    /// Whether a timer of a correct node runs; of the nodes that `counts` and the timers that they
    /// armed on their own account, if only these are meant.
    pub(super) fn any_timer_runs(&self, own_only: bool, counts: impl Fn(NodeId) -> bool) -> bool {
        let correct = self.hosts.iter().flatten();
        correct.filter(|host| counts(host.id())).any(|host| host.any_timer_runs(own_only))
    }

    /// What a correct replica holds. See [`Node::standing`](crate::Node::standing).
    pub(super) fn standing(&self, node: NodeId, seq: u64) -> Option<Standing> {
        self.hosts[self.committee.index(node)].as_ref()?.standing(seq)
    }

    /// Stops a node at once, or awaits that it is in the middle of something. Whether it is down
    /// now and was not before.
    pub(super) fn crash(&mut self, node: NodeId, crash: Crash) -> bool {
        let is_up = !self.is_down(node);
        let place = self.committee.index(node);
        let Some(host) = &mut self.hosts[place] else { return false };
        if crash.point != CrashPoint::Now {
            host.await_crash(Some(crash));
            return false;
        }
        if crash.loses == Loss::Everything {
            host.forget(&self.signers[place], &self.params);
        }
        if is_up {
            host.crash();
            self.down[place] = true;
        }
        is_up
    }

    /// Calls off a crash that was awaited.
    pub(super) fn call_off(&mut self, node: NodeId) {
        if let Some(host) = self.correct(node) {
            host.await_crash(None);
        }
    }

    /// Lets a crashed node be up again. Whether that changes anything.
    pub(super) fn restart(&mut self, node: NodeId) -> bool {
        std::mem::replace(&mut self.down[self.committee.index(node)], false)
    }

    /// The state of all correct nodes, abstracted ([`Node::outline`](crate::Node::outline)). None
    /// if one of them writes nothing.
    pub(super) fn outline(&self, view: u64) -> Option<Digest> {
        let mut is_whole = true;
        let state = Encoder::digest_of(|out| {
            for (host, is_down) in self.hosts.iter().zip(&self.down) {
                out.u8(u8::from(*is_down));
                if let Some(host) = host {
                    let before = out.bytes().len();
                    host.outline(view, out);
                    is_whole &= before < out.bytes().len();
                }
            }
        });
        is_whole.then_some(state)
    }

    /// Whether a timer of a correct replica runs.
    pub(super) fn any_replica_waits(&self) -> bool {
        let mut replicas = self.hosts.iter().flatten().filter(|host| !host.id().is_client());
        replicas.any(|host| host.armed().next().is_some())
    }

    /// Whether a timer of a correct node runs that was armed before `time`.
    pub(super) fn any_waits_since(&self, time: Time) -> bool {
        let mut armed = self.hosts.iter().flatten().flat_map(Host::armed);
        armed.any(|(_, [since, _])| since < time)
    }

    /// Whose timers run, for a reader.
    pub(super) fn timers(&self) -> Vec<String> {
        let timers = |host: &Host<P>| {
            let mut armed: Vec<_> = host.armed().collect();
            armed.sort_by_key(|(_, [_, until])| *until);
            let named = armed.iter().map(|(it, [_, until])| format!("{it:?} until {until}"));
            let armed: Vec<_> = named.collect();
            (!armed.is_empty()).then(|| format!("{} {}", host.id(), armed.join(" and ")))
        };
        self.hosts.iter().flatten().filter_map(timers).collect()
    }

    /// What each node, corrupted ones included, signed and verified so far.
    pub(super) fn crypto(&self) -> Vec<CryptoCount> {
        let count = |signer: &Rc<Signer>| CryptoCount {
            signed: signer.signed(),
            verified: signer.verified(),
        };
        self.signers.iter().map(count).collect()
    }
}
