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

use crate::body::Body;
use crate::crypto::{Digest, Signed, Signer, Statement};
use crate::editable::Editable;
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
    /// Whether the signature on the message covers it. What it does not cover, anyone can change
    /// who passes the message on.
    pub is_covered: bool,
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
    /// A node that the message is about.
    Node,
    /// What travels beside a digest of it, or beside other statements, and is changed alone.
    Body,
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
            Self::Node => "a node",
            Self::Body => "a body",
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
    /// A node that the message is about.
    Node(&'a mut NodeId),
    /// A body.
    Body(&'a mut dyn Body),
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
            Self::Node(_) => "Node",
            Self::Body(_) => "Body",
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
    /// Replaces what the entry says by something invented, and keeps its signatures.
    fn graft(&mut self, place: usize, rng: &mut SimRng);
    /// Lets `signer` say what the entry says.
    fn adopt(&mut self, place: usize, signer: &Signer);
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
    /// The entry with something invented in it, and the signatures that it had.
    fn grafted(&self, rng: &mut SimRng) -> Self;
    /// What the entry says, said by `signer` in its own name; of several statements, one is.
    fn adopted(&self, signer: &Signer) -> Self;
    /// Whether all signatures in it verify.
    fn is_genuine(&self, judge: &Signer) -> bool;

    /// The name of the bodies that the entries of a list have beside digests of them, if they do.
    const BODIES: Option<&'static str> = None;
    /// The entry without its body; none if it cannot be without.
    fn without_body(&self) -> Option<Self> {
        None
    }
    /// The entry with another body; none if it has none.
    fn with_other_body(&self, _signer: &Signer, _rng: &mut SimRng) -> Option<Self> {
        None
    }
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

    fn graft(&mut self, place: usize, rng: &mut SimRng) {
        self[place] = self[place].grafted(rng);
    }

    fn adopt(&mut self, place: usize, signer: &Signer) {
        self[place] = self[place].adopted(signer);
    }

    fn saved(&self) -> Box<dyn Any> {
        Box::new(self.clone())
    }

    fn restore(&mut self, saved: &dyn Any) -> bool {
        put_back(self, saved)
    }
}

/// Puts a saved value in place of another; whether it is of the same type.
pub(crate) fn put_back<T: Clone + 'static>(place: &mut T, saved: &dyn Any) -> bool {
    saved.downcast_ref::<T>().is_some_and(|saved| {
        place.clone_from(saved);
        true
    })
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

impl<T: Inventive + Statement + Editable + Clone + 'static> Entry for Signed<T> {
    fn forged(&self) -> Self {
        Self::forged(self.body().clone(), self.signer())
    }

    fn invented(&self, signer: &Signer, rng: &mut SimRng) -> Self {
        signer.sign_as(self.body().invented(rng), self.signer())
    }

    fn grafted(&self, rng: &mut SimRng) -> Self {
        self.with_body(self.body().invented(rng))
    }

    fn adopted(&self, signer: &Signer) -> Self {
        signer.sign(self.body().clone())
    }

    fn is_genuine(&self, judge: &Signer) -> bool {
        Editable::is_genuine(self, judge)
    }
}

impl<E: Entry> Entry for Rc<E> {
    fn forged(&self) -> Self {
        Self::new(E::forged(self))
    }

    fn invented(&self, signer: &Signer, rng: &mut SimRng) -> Self {
        Self::new(E::invented(self, signer, rng))
    }

    fn grafted(&self, rng: &mut SimRng) -> Self {
        Self::new(E::grafted(self, rng))
    }

    fn adopted(&self, signer: &Signer) -> Self {
        Self::new(E::adopted(self, signer))
    }

    fn is_genuine(&self, judge: &Signer) -> bool {
        E::is_genuine(self, judge)
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
    use crate::id::Committee;
    use crate::rng::Purpose;

    crate::statements! {
        #[derive(Clone, Debug, PartialEq)]
        pub(super) struct Vote = "test/vote" {
            number: u64,
        } invents number
    }

    const fn vote(number: u64) -> Vote {
        Vote { number }
    }

    fn signers() -> [Rc<Signer>; 2] {
        let committee = Committee { replicas: 4, faults: 1, clients: 1 };
        let keyring = Keyring::new(CryptoBackend::Ideal, committee, 7);
        [0, 1].map(|i| keyring.signer(NodeId::Replica(i)))
    }

    #[test]
    fn lists_are_cut_doubled_forged_and_invented() {
        let [me, other] = signers();
        let mut votes = vec![me.sign(vote(1)), other.sign(vote(1)), other.sign(vote(2))];
        let saved = Entries::saved(&votes);
        Entries::remove(&mut votes, 2);
        votes.repeat(0);
        assert_eq!(votes.iter().map(|vote| vote.number).collect::<Vec<_>>(), [1, 1, 1]);
        votes.forge(0);
        assert!(!other.verify(&votes[0]), "a forged entry does not verify");
        let mut rng = SimRng::new(1, Purpose::Adversary, 0);
        Entries::invent(&mut votes, 1, &me, &mut rng);
        Entries::invent(&mut votes, 2, &me, &mut rng);
        assert!(other.verify(&votes[1]) && votes[1].number != 1, "one's own is signed again");
        assert!(!me.verify(&votes[2]) && votes[2].number != 1, "another's is not");
        votes.graft(0, &mut rng);
        assert!(!other.verify(&votes[0]) && votes[0].number != 1, "no signature fits another body");
        assert!(Entries::restore(&mut votes, &*saved));
        assert_eq!(votes.iter().map(|vote| vote.number).collect::<Vec<_>>(), [1, 1, 2]);
        assert!(!Entries::restore(&mut votes, &7_u8), "a list takes its own kind only");
    }
}
