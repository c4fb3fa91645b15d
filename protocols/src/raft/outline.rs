//! The state of servers and clients, abstracted, to tell when a run goes round in circles.
//!
//! Terms are relative: that of a server, to the highest one; those of the entries of a log, to each
//! other. What a log holds is left out but for its end: no leader commits in a circle.

use byzsim_core::{Encoder, NodeId};

use super::client::Client;
use super::message::Term;
use super::replica::Replica;
use crate::shared::outline::replicas;

/// A name, or none.
fn name(node: Option<NodeId>, out: &mut Encoder) {
    match node {
        None => out.u8(0),
        Some(node) => out.u8(1).node(node),
    };
}

impl Replica {
    pub(super) fn write_outline(&self, view: Term, out: &mut Encoder) {
        // Terms grow in circles, and the distances of the servers stay: unlike views that passed
        // long ago, one that lies far back may win its way to the front again.
        out.u64(view.saturating_sub(self.term)).u8(self.volatile.role as u8);
        out.u8(u8::from(self.followed == self.term));
        name(self.voted_for, out);
        name(self.volatile.leader, out);
        replicas(self.volatile.votes, out);
        replicas(self.volatile.contacts, out);
        out.u8(u8::from(self.volatile.fresh)).len(self.volatile.gathered.len());
        out.u64(self.log.last_index()).u64(self.volatile.commit).u64(self.executed);
        for (node, follower) in &self.volatile.followers {
            out.node(*node).u64(follower.next).u64(follower.matched);
        }
    }
}

impl Client {
    pub(super) fn write_outline(&self, out: &mut Encoder) {
        out.node(self.server).u64(self.number).u8(u8::from(self.pending.is_some()));
    }
}
