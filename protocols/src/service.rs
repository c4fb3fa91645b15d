//! The replicated service: a small key-value store, and the reply cache that makes it at-most-once.

use std::collections::BTreeMap;

use byzsim_core::body::BodyType;
use byzsim_core::field::Inventive as _;
use byzsim_core::{
    Answer, Content, Digest, Encode, Encoder, NodeId, Operation, Signer, SimRng, Text,
};

use byzsim_core::Sorted;

/// The state that is replicated. Its digest covers the reply cache: a replica that fetched a state
/// without the cache would execute old retransmissions again.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Service {
    pub(crate) store: BTreeMap<Text, Text>,
    /// Of each client: the timestamp of its last executed request, and the answer.
    pub(crate) replies: Sorted<NodeId, (u64, Answer)>,
}

/// What a request replaced when it was executed.
#[derive(Clone, Debug)]
pub struct Undo {
    key: Text,
    /// What the key held before.
    value: Option<Text>,
    client: NodeId,
    /// The client's entry of the reply cache before.
    reply: Option<(u64, Answer)>,
}

impl Service {
    /// The timestamp of the client's last executed request (0: none) and its answer.
    pub fn last_reply(&self, client: NodeId) -> (u64, Option<&Answer>) {
        self.replies.get(client).map_or((0, None), |(t, answer)| (*t, Some(answer)))
    }

    /// Executes the client's request, unless it or a later one was executed before.
    pub fn execute(
        &mut self,
        client: NodeId,
        timestamp: u64,
        operation: &Operation,
    ) -> Option<Answer> {
        if timestamp <= self.last_reply(client).0 {
            return None;
        }
        let answer = self.apply(operation);
        self.replies.insert(client, (timestamp, answer.clone()));
        Some(answer)
    }

    /// Executes the client's request like [`execute`](Self::execute), and says how to undo it: for
    /// protocols that execute before they know that the order stands.
    pub fn speculate(
        &mut self,
        client: NodeId,
        timestamp: u64,
        operation: &Operation,
    ) -> Option<(Answer, Undo)> {
        let key = operation.key().clone();
        let value = self.store.get(&key).cloned();
        let reply = self.replies.get(client).cloned();
        let answer = self.execute(client, timestamp, operation)?;
        Some((answer, Undo { key, value, client, reply }))
    }

    /// Undoes the last request that was not undone yet: what it wrote, and that it was executed.
    /// Without the second, its client would be answered from a state that no longer exists.
    pub fn undo(&mut self, undo: &Undo) {
        self.undo_write(undo);
        match &undo.reply {
            Some(reply) => self.replies.insert(undo.client, reply.clone()),
            None => self.replies.remove(undo.client),
        };
    }

    /// Undoes what the last request wrote.
    pub(crate) fn undo_write(&mut self, undo: &Undo) {
        match &undo.value {
            Some(value) => self.store.insert(undo.key.clone(), value.clone()),
            None => self.store.remove(&undo.key),
        };
    }

    /// The digest of the whole state.
    pub fn digest(&self) -> Digest {
        self.sha256()
    }

    /// What it holds, for judges that take no digest's word for it.
    pub fn content(&self) -> Content {
        let replies = self.replies.iter().map(|(client, reply)| (client, reply.clone()));
        Content { store: self.store.clone(), replies: replies.collect() }
    }

    /// What an operation that only reads would find; none if it would change anything.
    pub fn read(&self, operation: &Operation) -> Option<Answer> {
        match operation {
            Operation::Get { key } => Some(Answer::Value(self.store.get(key).cloned())),
            Operation::Put { .. } | Operation::Append { .. } | Operation::Cas { .. } => None,
        }
    }

    pub(crate) fn apply(&mut self, operation: &Operation) -> Answer {
        match operation {
            Operation::Get { key } => Answer::Value(self.store.get(key).cloned()),
            Operation::Put { key, value } => {
                self.store.insert(key.clone(), value.clone());
                Answer::Done
            }
            Operation::Append { key, value } => {
                let old = self.store.get(key).map_or("", |text| text);
                let new = Text::from([old, value].concat());
                self.store.insert(key.clone(), new);
                Answer::Done
            }
            Operation::Cas { key, expected, new } => {
                let swaps = self.store.get(key) == expected.as_ref();
                if swaps {
                    self.store.insert(key.clone(), new.clone());
                }
                Answer::Swapped(swaps)
            }
        }
    }
}

/// In place of a state: one in which a client wrote what nobody writes, or the first one.
impl BodyType for Service {
    fn lost(&self) -> Option<Self> {
        (*self != Self::default()).then(Self::default)
    }

    fn other(&self, _: &Signer, rng: &mut SimRng) -> Option<Self> {
        let (client, key) = (NodeId::Client(0), Text::from("x"));
        let mut other = self.clone();
        let next = self.last_reply(client).0.saturating_add(1);
        other.execute(client, next, &Operation::Get { key }.invented(rng));
        Some(other)
    }

    fn verifies(&self, _: &Signer) -> bool {
        true
    }
}

impl Encode for Service {
    fn encode(&self, out: &mut Encoder) {
        out.len(self.store.len());
        for (key, value) in &self.store {
            out.text(key).text(value);
        }
        out.len(self.replies.len());
        for (client, (timestamp, answer)) in self.replies.iter() {
            out.node(client).u64(*timestamp).value(answer);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operations_do_what_they_say() {
        let mut service = Service::default();
        let client = NodeId::Client(0);
        let absent = Answer::Value(None);
        let value = |text: &str| Answer::Value(Some(Text::from(text)));
        for (t, (line, expected)) in [
            ("get x", absent),
            ("append x a", Answer::Done),
            ("append x b", Answer::Done),
            ("get x", value("ab")),
            ("cas x a c", Answer::Swapped(false)),
            ("cas x ab c", Answer::Swapped(true)),
            ("get x", value("c")),
            ("cas y - d", Answer::Swapped(true)),
            ("cas y - e", Answer::Swapped(false)),
            ("put y f", Answer::Done),
            ("get y", value("f")),
        ]
        .into_iter()
        .enumerate()
        {
            let operation = line.parse().expect("an operation");
            let answer = service.execute(client, t as u64 + 1, &operation);
            assert_eq!(answer, Some(expected), "{line}");
        }
        let before = service.digest();
        let again = "put y g".parse().expect("an operation");
        assert_eq!(service.execute(client, 3, &again), None, "an old timestamp is not executed");
        assert_eq!(service.digest(), before);
        assert_eq!(service.execute(client, 12, &again), Some(Answer::Done));
        assert_ne!(service.digest(), before);
    }

    #[test]
    fn the_digest_covers_the_reply_cache() {
        let mut service = Service::default();
        let get = "get x".parse().expect("an operation");
        let before = service.clone();
        service.execute(NodeId::Client(0), 1, &get);
        assert_ne!(service.digest(), before.digest());
    }

    #[test]
    fn undo_restores_values_replies_and_timestamps() {
        let mut service = Service::default();
        let [c0, c1] = [0, 1].map(NodeId::Client);
        let mut states = vec![service.digest()];
        let mut undos = Vec::new();
        for (t, client, line) in [
            (1, c0, "put x a"),
            (1, c1, "append x b"),
            (2, c0, "cas x ab c"),
            (2, c1, "cas x ab d"),
            (3, c0, "get y"),
            (5, c0, "put y e"),
        ] {
            let operation = line.parse().expect("an operation");
            let (_, undo) = service.speculate(client, t, &operation).expect("a new timestamp");
            undos.push(undo);
            states.push(service.digest());
        }
        let again = "put x z".parse().expect("an operation");
        assert!(service.speculate(c0, 5, &again).is_none(), "executed before: nothing to undo");
        for undo in undos.iter().rev() {
            assert_eq!(Some(service.digest()), states.pop());
            service.undo(undo);
        }
        assert_eq!(service, Service::default());
    }
}
