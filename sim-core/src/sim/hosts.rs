//! The hosts of a run: which node is correct, which is down, and what its cryptography cost.

use std::rc::Rc;

use super::corrupted::Corrupted;
use crate::crypto::Signer;
use crate::host::Host;
use crate::id::{Committee, NodeId};
use crate::metrics::CryptoCount;
use crate::node::Protocol;
use crate::time::Time;
use crate::timers::{Look, Looks, Timers};

/// The correct nodes at work, and the places of the corrupted ones.
pub(super) struct Hosts<P: Protocol> {
    committee: Committee,
    /// By the index of the node; none for a corrupted one.
    hosts: Vec<Option<Host<P>>>,
    down: Vec<bool>,
    signers: Vec<Rc<Signer>>,
}

impl<P: Protocol> Hosts<P> {
    pub(super) fn new(
        committee: Committee,
        signers: Vec<Rc<Signer>>,
        params: &P::Params,
        corrupted: &Corrupted,
        drift_ppm: impl Fn(NodeId) -> i32,
    ) -> Self {
        let host = |signer: &Rc<Signer>| {
            let node = signer.node();
            let is_correct = !corrupted.contains(node);
            let timers = Timers::new(Looks::WhereNeeded, drift_ppm(node));
            is_correct.then(|| Host::new(signer, committee, params, timers))
        };
        let hosts = signers.iter().map(host).collect();
        Self { committee, hosts, down: vec![false; committee.len()], signers }
    }

    /// The host of a correct node; none for a corrupted one.
    pub(super) fn correct(&mut self, node: NodeId) -> Option<&mut Host<P>> {
        self.hosts[self.committee.index(node)].as_mut()
    }

    pub(super) fn is_down(&self, node: NodeId) -> bool {
        self.down[self.committee.index(node)]
    }

    /// Looks at a timer of a correct node.
    pub(super) fn look_at(&mut self, now: Time, node: NodeId, timer: &P::Timer) -> Look {
        let host = self.correct(node).expect("the timers of a corrupted node are the adversary's");
        host.look_at(now, timer)
    }

    /// Stops a correct node. Whether that changes anything.
    pub(super) fn crash(&mut self, node: NodeId) -> bool {
        let is_up = !self.is_down(node);
        match self.correct(node) {
            Some(host) if is_up => {
                host.crash();
                self.down[self.committee.index(node)] = true;
                true
            }
            Some(_) | None => false,
        }
    }

    /// Lets a crashed node be up again. Whether that changes anything.
    pub(super) fn restart(&mut self, node: NodeId) -> bool {
        std::mem::replace(&mut self.down[self.committee.index(node)], false)
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
