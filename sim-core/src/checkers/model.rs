//! The replicated state as it follows from the requests that a replica says it applied.
//!
//! What one operation does is the word of the sequential model of the linearizability search. The
//! fingerprint is kept up to date with each request, so that states are compared without a look at
//! what they hold.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::history::{Answer, Operation, Text};
use crate::id::NodeId;
use crate::linearizability::{Change, step};
use crate::observation::Content;

/// A state: what the keys hold, and the last answer of each client.
#[derive(Clone, Debug, Default)]
pub(super) struct Model {
    store: BTreeMap<Text, Held>,
    replies: BTreeMap<NodeId, (u64, Answer)>,
    /// The sum over all that it holds, modulo 2^64: the order of additions does not matter.
    fingerprint: u64,
}

/// What a key holds, and the hash of it.
#[derive(Clone, Debug, Default)]
struct Held {
    text: String,
    hash: u64,
}

/// What a request replaced.
#[derive(Debug)]
pub(super) struct Undo {
    key: Text,
    before: Before,
    client: NodeId,
    reply: Option<(u64, Answer)>,
    fingerprint: u64,
}

/// What a key held before.
#[derive(Debug)]
enum Before {
    Same,
    Other(Option<Held>),
    /// The beginning of what it holds now, and the hash of that.
    Shorter(usize, u64),
}

impl Model {
    /// The state with this content.
    pub(super) fn of(content: &Content) -> Self {
        let mut model = Self { replies: content.replies.clone(), ..Self::default() };
        for (client, (timestamp, answer)) in &model.replies {
            let hash = reply_hash(*client, *timestamp, answer);
            model.fingerprint = model.fingerprint.wrapping_add(hash);
        }
        for (key, value) in &content.store {
            let held = Held { text: value.to_string(), hash: extend(EMPTY, value.as_bytes()) };
            model.fingerprint = model.fingerprint.wrapping_add(entry_hash(key, held.hash));
            model.store.insert(key.clone(), held);
        }
        model
    }

    /// Equal states have equal ones, and different states have different ones but for one chance in
    /// 2^64.
    pub(super) const fn fingerprint(&self) -> u64 {
        self.fingerprint
    }

    /// Applies a request that was answered so: what it replaced, and what it should have answered
    /// if that is something else.
    pub(super) fn apply(
        &mut self,
        (client, timestamp): (NodeId, u64),
        operation: &Operation,
        answer: &Answer,
    ) -> (Undo, Option<Answer>) {
        let (key, fingerprint) = (operation.key(), self.fingerprint);
        let held = self.store.get(key).map(|held| held.text.as_str());
        let (response, change) = step(held, operation);
        let right = (!response.is(answer)).then(|| response.answer());
        let before = match change {
            Change::Nothing => Before::Same,
            Change::Set(value) => {
                let held = Held { text: value.to_string(), hash: extend(EMPTY, value.as_bytes()) };
                self.add(entry_hash(key, held.hash));
                let old = self.store.insert(key.clone(), held);
                self.subtract(old.as_ref().map_or(0, |old| entry_hash(key, old.hash)));
                Before::Other(old)
            }
            Change::Append(value) => match self.store.get_mut(key) {
                Some(held) => {
                    let (length, hash) = (held.text.len(), held.hash);
                    held.text.push_str(value);
                    held.hash = extend(hash, value.as_bytes());
                    let new = held.hash;
                    self.subtract(entry_hash(key, hash));
                    self.add(entry_hash(key, new));
                    Before::Shorter(length, hash)
                }
                None => {
                    let hash = extend(EMPTY, value.as_bytes());
                    self.add(entry_hash(key, hash));
                    self.store.insert(key.clone(), Held { text: value.to_string(), hash });
                    Before::Other(None)
                }
            },
        };
        self.add(reply_hash(client, timestamp, answer));
        let reply = self.replies.insert(client, (timestamp, answer.clone()));
        self.subtract(reply.as_ref().map_or(0, |(t, answer)| reply_hash(client, *t, answer)));
        (Undo { key: key.clone(), before, client, reply, fingerprint }, right)
    }

    /// What an operation answers here.
    pub(super) fn answer(&self, operation: &Operation) -> Answer {
        let held = self.store.get(operation.key()).map(|held| held.text.as_str());
        step(held, operation).0.answer()
    }

    /// Undoes the last request that was not undone yet.
    pub(super) fn undo(&mut self, undo: Undo) {
        let Undo { key, before, client, reply, fingerprint } = undo;
        match before {
            Before::Same => {}
            Before::Other(Some(held)) => _ = self.store.insert(key, held),
            Before::Other(None) => _ = self.store.remove(&key),
            Before::Shorter(length, hash) => {
                let held = self.store.get_mut(&key).expect("what was appended to is there");
                held.text.truncate(length);
                held.hash = hash;
            }
        }
        match reply {
            Some(reply) => self.replies.insert(client, reply),
            None => self.replies.remove(&client),
        };
        self.fingerprint = fingerprint;
    }

    /// In what another state differs from this one, in words.
    pub(super) fn difference(&self, other: &Self) -> String {
        let mut text = String::new();
        let mut part = |what: String| {
            let gap = if text.is_empty() { "" } else { ", and " };
            write!(text, "{gap}{what}").expect("a string takes all");
        };
        let keys = self.store.keys().chain(other.store.keys());
        let value = |model: &Self, key: &Text| {
            let held = model.store.get(key).map(|held| Text::from(held.text.as_str()));
            Answer::Value(held)
        };
        let differs = |key: &&Text| value(self, key) != value(other, key);
        if let Some(key) = keys.into_iter().find(differs) {
            part(format!("{key} is {} and should be {}", value(other, key), value(self, key)));
        }
        let clients = self.replies.keys().chain(other.replies.keys());
        let last = |model: &Self, client: &NodeId| match model.replies.get(client) {
            Some((timestamp, answer)) => format!("#{timestamp} = {answer}"),
            None => "none".to_owned(),
        };
        let differs = |client: &&NodeId| self.replies.get(client) != other.replies.get(client);
        if let Some(client) = clients.into_iter().find(differs) {
            let (wrong, right) = (last(other, client), last(self, client));
            part(format!("the last reply to {client} is {wrong} and should be {right}"));
        }
        text
    }

    fn add(&mut self, hash: u64) {
        self.fingerprint = self.fingerprint.wrapping_add(hash);
    }

    fn subtract(&mut self, hash: u64) {
        self.fingerprint = self.fingerprint.wrapping_sub(hash);
    }
}

/// The hash of no bytes (FNV-1a): a hash that grows with a text, for comparison and not for
/// defence.
const EMPTY: u64 = 0xCBF2_9CE4_8422_2325;

fn extend(hash: u64, bytes: &[u8]) -> u64 {
    let byte = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01B3);
    bytes.iter().fold(hash, byte)
}

/// Spreads a hash over all bits, so that sums of hashes tell more than the hashes' own pattern.
const fn mix(hash: u64) -> u64 {
    let hash = (hash ^ (hash >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let hash = (hash ^ (hash >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    hash ^ (hash >> 31)
}

/// That a key holds a text with this hash.
fn entry_hash(key: &Text, value: u64) -> u64 {
    mix(mix(extend(EMPTY, key.as_bytes())).wrapping_add(value))
}

/// That a client's last request was answered so.
fn reply_hash(client: NodeId, timestamp: u64, answer: &Answer) -> u64 {
    let (tag, bytes): (u64, &[u8]) = match answer {
        Answer::Done => (1, &[]),
        Answer::Value(None) => (2, &[]),
        Answer::Value(Some(value)) => (3, value.as_bytes()),
        Answer::Swapped(swapped) => (4 + u64::from(*swapped), &[]),
    };
    let who = mix(u64::from(client.number()) << 1 | u64::from(client.is_client()));
    mix(mix(who.wrapping_add(timestamp)).wrapping_add(mix(tag)).wrapping_add(extend(EMPTY, bytes)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const C0: NodeId = NodeId::Client(0);

    fn apply(model: &mut Model, timestamp: u64, line: &str) -> Undo {
        let operation: Operation = line.parse().expect("an operation");
        let (undo, right) = model.apply((C0, timestamp), &operation, &Answer::Done);
        assert_eq!(right, None, "{line}");
        undo
    }

    #[test]
    fn a_fingerprint_tells_of_the_content_and_not_of_the_way_there() {
        let [mut one, mut other] = [Model::default(), Model::default()];
        apply(&mut one, 1, "append x ab");
        apply(&mut other, 1, "put x a");
        apply(&mut other, 1, "append x b");
        assert_eq!(one.fingerprint(), other.fingerprint());
        let store = BTreeMap::from([("x".into(), "ab".into())]);
        let replies = BTreeMap::from([(C0, (1, Answer::Done))]);
        let restored = Model::of(&Content { store: store.clone(), replies });
        assert_eq!(restored.fingerprint(), one.fingerprint());
        assert_eq!(restored.difference(&one), "");
        let forgetful = Model::of(&Content { store, replies: BTreeMap::new() });
        assert_ne!(forgetful.fingerprint(), one.fingerprint(), "the reply cache counts");
        assert_eq!(
            one.difference(&forgetful),
            "the last reply to c0 is none and should be #1 = ok"
        );
        apply(&mut other, 2, "put y c");
        assert_eq!(
            one.difference(&other),
            "y is \"c\" and should be -, and the last reply to c0 is #2 = ok and should be #1 = ok"
        );
    }

    #[test]
    fn a_key_that_holds_nothing_is_not_an_empty_one() {
        let mut model = Model::default();
        apply(&mut model, 1, "append x a");
        let before = model.fingerprint();
        let cas = "cas y - z".parse().expect("an operation");
        let (undo, right) = model.apply((C0, 2), &cas, &Answer::Swapped(false));
        assert_eq!(right, Some(Answer::Swapped(true)));
        model.undo(undo);
        assert_eq!(model.fingerprint(), before);
    }

    #[test]
    fn undo_goes_back_step_by_step() {
        let mut model = Model::default();
        let mut steps = Vec::new();
        for (t, line) in (1..).zip(["append x a", "append x b", "put x c", "append y d", "put y e"])
        {
            let before = model.clone();
            steps.push((before, apply(&mut model, t, line)));
        }
        while let Some((before, undo)) = steps.pop() {
            model.undo(undo);
            assert_eq!(before.difference(&model), "");
            assert_eq!(before.fingerprint(), model.fingerprint());
        }
        assert_eq!(model.fingerprint(), 0);
    }
}
