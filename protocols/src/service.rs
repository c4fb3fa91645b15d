//! The replicated service: a small key-value store, and the reply cache that makes it at-most-once.

use std::collections::BTreeMap;

use byzsim_core::{Answer, Digest, Encode, Encoder, NodeId, Operation, Text};

/// The state that is replicated. Its digest covers the reply cache: a replica that fetched a state
/// without the cache would execute old retransmissions again.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Service {
    store: BTreeMap<Text, Text>,
    /// Of each client: the timestamp of its last executed request, and the answer.
    replies: BTreeMap<NodeId, (u64, Answer)>,
}

impl Service {
    /// The timestamp of the client's last executed request (0: none) and its answer.
    pub fn last_reply(&self, client: NodeId) -> (u64, Option<&Answer>) {
        self.replies.get(&client).map_or((0, None), |(t, answer)| (*t, Some(answer)))
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

    /// The digest of the whole state.
    pub fn digest(&self) -> Digest {
        self.sha256()
    }

    fn apply(&mut self, operation: &Operation) -> Answer {
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

impl Encode for Service {
    fn encode(&self, out: &mut Encoder) {
        out.len(self.store.len());
        for (key, value) in &self.store {
            out.text(key).text(value);
        }
        out.len(self.replies.len());
        for (client, (timestamp, answer)) in &self.replies {
            out.node(*client).u64(*timestamp).value(answer);
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
}
