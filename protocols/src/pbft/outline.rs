//! The state of replicas and clients, abstracted, to tell when a run goes round in circles.
//!
//! Views are relative, and those that passed long ago are all the same. Timeouts, counters of
//! attempts and messages kept for later are left out, as are the bytes of what was decided: the
//! slots tell enough.

use byzsim_core::{Encoder, NodeId, ReplicaSet, Signed};

use super::client::Client;
use super::message::{Asked, View};
use super::replica::Replica;
use crate::shared::outline::{ago, replicas};

impl Replica {
    pub(super) fn write_outline(&self, view: View, out: &mut Encoder) {
        let goal = self.changing.unwrap_or(self.view);
        out.u64(ago(view, self.view)).u64(ago(view, goal)).u8(u8::from(self.is_active()));
        out.u64(self.executed).u64(self.stable());
        for (seq, slot) in self.log.from(0) {
            out.u64(seq).digest(&slot.digest().unwrap_or_default());
            let prepares: ReplicaSet = slot.prepares.iter().map(Signed::signer).collect();
            let commits: ReplicaSet = slot.commits.iter().map(Signed::signer).collect();
            replicas(prepares, out);
            replicas(commits, out);
            out.u8(u8::from(slot.prepared)).u8(u8::from(slot.committed));
        }
        for certificate in self.log.prepared() {
            let proposal = certificate.pre_prepare.body();
            out.u64(proposal.seq).digest(&proposal.digest).u64(ago(view, proposal.view));
        }
        let mut asking: Vec<(NodeId, View)> =
            self.view_changes.iter().map(|it| (it.signer(), ago(view, it.view))).collect();
        asking.sort_unstable();
        for (node, asked) in asking {
            out.node(node).u64(asked);
        }
        for (client, waiter) in self.volatile.waiting.iter() {
            out.node(client).u64(waiter.timestamp);
        }
        out.u8(u8::from(self.volatile.waiting.is_timed()));
    }
}

impl Client {
    pub(super) fn write_outline(&self, view: View, out: &mut Encoder) {
        out.u64(ago(view, self.view)).u64(self.timestamp);
        let is_at_once = self.pending.as_ref().is_some_and(|it| it.asked == Asked::AtOnce);
        out.u8(u8::from(is_at_once));
        for (node, (of, answer, _)) in self.pending.iter().flat_map(|it| it.replies.iter()) {
            out.node(node).u64(ago(view, *of)).value(answer);
        }
    }
}
