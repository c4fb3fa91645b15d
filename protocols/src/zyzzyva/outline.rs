//! The state of replicas and clients, abstracted, to tell when a run goes round in circles.
//!
//! Views are relative, and those that passed long ago are all the same. Timeouts, counters of
//! attempts and messages kept for later are left out. Of a history its end tells enough: it is a
//! digest of all before.

use byzsim_core::{Encoder, NodeId};

use super::client::Client;
use super::message::View;
use super::replica::{Doubt, Hole, Replica};
use crate::shared::outline::ago;

impl Replica {
    pub(super) fn write_outline(&self, view: View, out: &mut Encoder) {
        out.u64(ago(view, self.view)).u64(ago(view, self.goal())).u64(ago(view, self.origin));
        out.u8(u8::from(self.is_active())).u8(u8::from(self.has_adopted()));
        out.u64(self.executed).u64(self.stable()).digest(&self.history.head());
        if let Some(held) = &self.held {
            let claim = held.claim;
            out.u64(ago(view, claim.view)).u64(claim.seq).digest(&claim.history);
        }
        for (node, hate) in &self.hates {
            out.node(*node).u64(ago(view, hate.view));
        }
        let mut asking: Vec<(NodeId, View)> =
            self.view_changes.iter().map(|it| (it.signer(), ago(view, it.view))).collect();
        asking.sort_unstable();
        for (node, asked) in asking {
            out.node(node).u64(asked);
        }
        for (node, confirm) in &self.confirms {
            out.node(*node).u64(ago(view, confirm.view)).digest(&confirm.history);
        }
        let volatile = &self.volatile;
        for (client, waiter) in volatile.waiting.iter() {
            out.node(client).u64(waiter.timestamp);
        }
        for (client, request) in &volatile.unanswered {
            out.node(*client).u64(request.timestamp);
        }
        for (seq, _) in volatile.ahead.iter() {
            out.u64(seq);
        }
        let hole = match volatile.hole {
            None => 0,
            Some(Hole::AskedPrimary(_)) => 1,
            Some(Hole::AskedAll(_)) => 2,
        };
        out.u8(hole).u8(u8::from(self.pending.is_some())).u8(u8::from(volatile.contradicted));
        out.u8(u8::from(volatile.doubt != Doubt::None));
        for seq in self.undone.keys() {
            out.u64(*seq);
        }
    }
}

impl Client {
    pub(super) fn write_outline(&self, view: View, out: &mut Encoder) {
        out.u64(ago(view, self.view)).u64(self.timestamp);
        let Some(pending) = &self.pending else { return };
        for (node, response) in pending.responses.iter() {
            let it = response.signed.body();
            out.node(node).u64(ago(view, it.view)).u64(it.seq).digest(&it.history);
        }
        for (node, it) in pending.local_commits.iter() {
            out.node(node).u64(ago(view, it.view)).u64(it.seq);
        }
    }
}
