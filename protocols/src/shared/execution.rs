//! What a replica does with slots that are decided, whatever protocol decided them: it executes
//! them in their order, reports that, and answers the clients.

use std::collections::BTreeMap;
use std::rc::Rc;

use byzsim_core::{Decided, Encoder, NodeId, Observation, Outbox, Signed, Standing};

use super::asking::{Reply, Request};
use crate::service::Service;

/// The decided slots of a replica, each with one request, and the service that they lead to.
///
/// Slots may be decided in any order; they are executed from the first on, without gaps. A request
/// that was ordered before is executed once.
#[derive(Clone, Debug, Default)]
pub struct Execution {
    service: Service,
    decided: BTreeMap<u64, Rc<Signed<Request>>>,
    executed: u64,
}

impl Execution {
    /// The first slot that is not executed.
    pub const fn next(&self) -> u64 {
        self.executed + 1
    }

    /// Whether a slot is decided.
    pub fn is_decided(&self, seq: u64) -> bool {
        self.decided.contains_key(&seq)
    }

    /// The reply to the client's last executed request, if `timestamp` is not above it: a client
    /// that asks for that again may have missed it.
    pub fn last_reply(&self, client: NodeId, timestamp: u64) -> Option<Reply> {
        let (last, answer) = self.service.last_reply(client);
        let answer = answer.filter(|_| timestamp <= last)?.clone();
        Some(Reply { timestamp: last, client, answer })
    }

    /// A slot is decided in `view`, for this request. Executes what can be executed now, and
    /// returns the replies that are to be sent to their clients.
    pub fn decide<M, T>(
        &mut self,
        view: u64,
        seq: u64,
        request: Rc<Signed<Request>>,
        out: &mut Outbox<M, T>,
    ) -> Vec<Reply> {
        let mut replies = Vec::new();
        if self.is_decided(seq) {
            return replies;
        }
        let decided = Decided::Batch(request.digest());
        out.observe(Observation::Committed { view, seq, decided });
        self.decided.insert(seq, request);
        while let Some(request) = self.decided.get(&self.next()) {
            self.executed += 1;
            let (seq, batch) = (self.executed, request.digest());
            out.observe(Observation::Executed { view, seq, batch, null: false });
            let Request { timestamp, operation } = request.body().clone();
            let client = request.signer();
            if let Some(answer) = self.service.execute(client, timestamp, &operation) {
                replies.push(Reply { timestamp, client, answer: answer.clone() });
                out.observe(Observation::Applied { seq, client, timestamp, operation, answer });
            }
        }
        replies
    }

    /// What the replica holds, for [`Node::standing`](byzsim_core::Node::standing).
    pub fn standing(&self) -> Standing {
        Standing { executed: self.executed, state: self.service.digest(), history: None }
    }

    /// How far the replica came, for [`Node::outline`](byzsim_core::Node::outline).
    pub fn write_outline(&self, out: &mut Encoder) {
        out.u64(self.executed).len(self.decided.len());
    }
}
