//! Fields of messages, as far as a corrupted sender can lie about them.
//!
//! A protocol lists the fields of its messages in [`Message::FIELDS`](crate::Message::FIELDS) and
//! hands out one of them in [`Message::edited`](crate::Message::edited), which signs the changed
//! message again. Both follow from the declarations of its statements and messages
//! ([`declare`](crate::declare)) and from the types of their fields, which say whether and how they
//! can be changed ([`Editable`](crate::editable::Editable)). What is made of the field is the
//! adversary's business.

use std::any::Any;
use std::fmt;
use std::rc::Rc;

use crate::crypto::{Digest, Signed, Signer, Statement};
use crate::history::{Answer, Operation, Text};
use crate::id::NodeId;
use crate::rng::SimRng;

/// A field of the messages of one kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field {
    /// The kind of message.
    pub kind: &'static str,
    /// The name, as scenario files spell it.
    pub name: &'static str,
    /// What it holds.
    pub sort: Sort,
}

/// What a field holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sort {
    /// A view, a slot, a timestamp.
    Number,
    /// A digest of a batch, a history, a state.
    Digest,
    /// An answer to a client.
    Answer,
    /// What a client asks.
    Operation,
    /// A list: requests, votes, certificates, orders.
    Entries,
    /// Who signed the message.
    Signer,
}

impl Sort {
    /// Its name with an article, for messages to people.
    pub const fn with_article(self) -> &'static str {
        match self {
            Self::Number => "a number",
            Self::Digest => "a digest",
            Self::Answer => "an answer",
            Self::Operation => "an operation",
            Self::Entries => "a list",
            Self::Signer => "a signer",
        }
    }
}

/// A field under the pen.
pub enum FieldMut<'a> {
    /// A number.
    Number(&'a mut u64),
    /// A digest.
    Digest(&'a mut Digest),
    /// An answer.
    Answer(&'a mut Answer),
    /// An operation.
    Operation(&'a mut Operation),
    /// A list.
    Entries(&'a mut dyn Entries),
    /// The node in whose name the message is signed. In another name than the signer's own it is
    /// signed with garbage.
    Signer(&'a mut NodeId),
}

impl fmt::Debug for FieldMut<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Number(_) => "Number",
            Self::Digest(_) => "Digest",
            Self::Answer(_) => "Answer",
            Self::Operation(_) => "Operation",
            Self::Entries(_) => "Entries",
            Self::Signer(_) => "Signer",
        })
    }
}

/// Changes a field; whether it did. What it leaves as it was is not sent again.
pub type Edit<'a> = dyn FnMut(FieldMut<'_>) -> bool + 'a;

/// A list under the pen.
pub trait Entries {
    /// How many entries there are.
    fn count(&self) -> usize;
    /// Takes the entry at this place out.
    fn remove(&mut self, place: usize);
    /// Puts the entry of one place in another place as well.
    fn copy(&mut self, from: usize, to: usize);
    /// Puts a copy of the entry at this place behind it.
    fn repeat(&mut self, place: usize);
    /// Replaces the entry's signatures by garbage.
    fn forge(&mut self, place: usize);
    /// Replaces what the entry says by something invented, signed by `signer` where it can.
    fn invent(&mut self, place: usize, signer: &Signer, rng: &mut SimRng);
    /// A copy of the list, to be put in place of another.
    fn saved(&self) -> Box<dyn Any>;
    /// Puts a saved list of the same type in place of this one; whether it was of the same type.
    fn restore(&mut self, saved: &dyn Any) -> bool;
}

/// An entry of a list.
pub trait Entry: Clone + 'static {
    /// The entry with garbage for signatures.
    fn forged(&self) -> Self;
    /// The entry with something invented in it, signed again by `signer` if it was the signer's
    /// own, else with garbage for a signature.
    fn invented(&self, signer: &Signer, rng: &mut SimRng) -> Self;
}

impl<E: Entry> Entries for Vec<E> {
    fn count(&self) -> usize {
        self.len()
    }

    fn remove(&mut self, place: usize) {
        Self::remove(self, place);
    }

    fn copy(&mut self, from: usize, to: usize) {
        self[to] = self[from].clone();
    }

    fn repeat(&mut self, place: usize) {
        self.insert(place, self[place].clone());
    }

    fn forge(&mut self, place: usize) {
        self[place] = self[place].forged();
    }

    fn invent(&mut self, place: usize, signer: &Signer, rng: &mut SimRng) {
        self[place] = self[place].invented(signer, rng);
    }

    fn saved(&self) -> Box<dyn Any> {
        Box::new(self.clone())
    }

    fn restore(&mut self, saved: &dyn Any) -> bool {
        saved.downcast_ref::<Self>().is_some_and(|saved| {
            self.clone_from(saved);
            true
        })
    }
}

/// What somebody who makes things up says instead.
pub trait Inventive: Sized {
    /// The same with something invented in it.
    fn invented(&self, rng: &mut SimRng) -> Self;
}

/// A number a little above.
impl Inventive for u64 {
    fn invented(&self, rng: &mut SimRng) -> Self {
        self.saturating_add(rng.between(1, 3))
    }
}

/// The digest of nothing.
impl Inventive for Digest {
    fn invented(&self, rng: &mut SimRng) -> Self {
        Self(rng.key())
    }
}

/// An answer of the same shape that no execution gives.
impl Inventive for Answer {
    fn invented(&self, rng: &mut SimRng) -> Self {
        match self {
            Self::Done => Self::Value(None),
            Self::Value(_) => Self::Value(Some(made_up(rng))),
            Self::Swapped(swapped) => Self::Swapped(!swapped),
        }
    }
}

/// A value that nobody writes, for the same key.
impl Inventive for Operation {
    fn invented(&self, rng: &mut SimRng) -> Self {
        Self::Put { value: made_up(rng), key: Text::clone(self.key()) }
    }
}

fn made_up(rng: &mut SimRng) -> Text {
    Text::from(format!("lie{}", rng.between(0, 999)))
}

impl<T: Inventive + Statement + Clone + 'static> Entry for Signed<T> {
    fn forged(&self) -> Self {
        Self::forged(self.body().clone(), self.signer())
    }

    fn invented(&self, signer: &Signer, rng: &mut SimRng) -> Self {
        signer.sign_as(self.body().invented(rng), self.signer())
    }
}

impl<E: Entry> Entry for Rc<E> {
    fn forged(&self) -> Self {
        Self::new(E::forged(self))
    }

    fn invented(&self, signer: &Signer, rng: &mut SimRng) -> Self {
        Self::new(E::invented(self, signer, rng))
    }
}

impl Signer {
    /// `body` in the name of `node`: signed if that is the signer itself, else with garbage for a
    /// signature, which anyone can make.
    pub fn sign_as<T: Statement>(&self, body: T, node: NodeId) -> Signed<T> {
        if node == self.node() { self.sign(body) } else { Signed::forged(body, node) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::{CryptoBackend, Keyring};
    use crate::encode::{Encode, Encoder};
    use crate::id::Committee;
    use crate::rng::Purpose;

    #[derive(Clone, Debug, PartialEq)]
    struct Vote(u64);
    impl Encode for Vote {
        fn encode(&self, out: &mut Encoder) {
            out.u64(self.0);
        }
    }
    impl Statement for Vote {
        const TAG: &'static str = "test/vote";
    }
    impl Inventive for Vote {
        fn invented(&self, rng: &mut SimRng) -> Self {
            Self(self.0 + rng.between(1, 9))
        }
    }

    fn signers() -> [Rc<Signer>; 2] {
        let committee = Committee { replicas: 4, faults: 1, clients: 1 };
        let keyring = Keyring::new(CryptoBackend::Ideal, committee, 7);
        [0, 1].map(|i| keyring.signer(NodeId::Replica(i)))
    }

    #[test]
    fn lists_are_cut_doubled_forged_and_invented() {
        let [me, other] = signers();
        let mut votes = vec![me.sign(Vote(1)), other.sign(Vote(1)), other.sign(Vote(2))];
        let saved = votes.saved();
        Entries::remove(&mut votes, 2);
        votes.repeat(0);
        assert_eq!(votes.iter().map(|vote| vote.0).collect::<Vec<_>>(), [1, 1, 1]);
        votes.forge(0);
        assert!(!other.verify(&votes[0]), "a forged entry does not verify");
        let mut rng = SimRng::new(1, Purpose::Adversary, 0);
        votes.invent(1, &me, &mut rng);
        votes.invent(2, &me, &mut rng);
        assert!(other.verify(&votes[1]) && votes[1].0 != 1, "one's own is signed again");
        assert!(!me.verify(&votes[2]) && votes[2].0 != 1, "another's is not");
        assert!(votes.restore(&*saved));
        assert_eq!(votes.iter().map(|vote| vote.0).collect::<Vec<_>>(), [1, 1, 2]);
        assert!(!votes.restore(&7_u8), "a list takes its own kind only");
    }
}
