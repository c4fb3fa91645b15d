//! The state that a history leads to: the service, and where in the history each client's last
//! request stands.
//!
//! The places are part of what a checkpoint proves: a replica that fetched a state must answer a
//! client's retransmission with the place of the request, or the client never finds 2f + 1 answers
//! that match.

use byzsim_core::{Answer, Content, Digest, Encode, Encoder, NodeId};

use super::message::{Request, Seq};
use crate::service::{Service, Undo};
use byzsim_core::Sorted;

/// The state.
#[derive(Clone, Debug, Default)]
pub struct State {
    pub(super) service: Service,
    pub(super) places: Sorted<NodeId, Place>,
}

/// Where a client's last executed request stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// n.
    pub seq: Seq,
    /// d.
    pub digest: Digest,
    /// `h_n`.
    pub history: Digest,
}

/// What a request replaced.
#[derive(Clone, Debug)]
pub(super) struct Undone {
    pub(super) service: Undo,
    client: NodeId,
    place: Option<Place>,
}

impl State {
    /// The timestamp of the client's last executed request (0: none), and its answer.
    pub fn last_reply(&self, client: NodeId) -> (u64, Option<&Answer>) {
        self.service.last_reply(client)
    }

    /// Where the client's last executed request stands.
    pub fn place(&self, client: NodeId) -> Option<Place> {
        self.places.get(client).copied()
    }

    /// The digest of the whole state: a.
    pub fn digest(&self) -> Digest {
        self.sha256()
    }

    /// What the service holds, for judges that take no digest's word for it.
    pub fn content(&self) -> Content {
        self.service.content()
    }

    /// Executes the client's request at a place, unless it or a later one was executed before.
    pub(super) fn execute(
        &mut self,
        client: NodeId,
        request: &Request,
        place: Place,
    ) -> Option<(Answer, Undone)> {
        let done = self.service.speculate(client, request.timestamp, &request.operation);
        let (answer, service) = done?;
        let before = self.places.insert(client, place);
        Some((answer, Undone { service, client, place: before }))
    }

    /// Undoes the last request: what it wrote, its reply, its timestamp and its place.
    pub(super) fn undo(&mut self, undone: &Undone) {
        self.service.undo(&undone.service);
        match undone.place {
            Some(place) => self.places.insert(undone.client, place),
            None => self.places.remove(undone.client),
        };
    }
}

impl Encode for Place {
    fn encode(&self, out: &mut Encoder) {
        out.u64(self.seq).digest(&self.digest).digest(&self.history);
    }
}

impl Encode for State {
    fn encode(&self, out: &mut Encoder) {
        out.value(&self.service).len(self.places.len());
        for (client, place) in self.places.iter() {
            out.node(client).value(place);
        }
    }
}
