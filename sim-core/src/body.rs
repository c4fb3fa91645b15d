//! Bodies: what travels beside a digest of it, or beside other statements, as far as a corrupted
//! sender can change it alone.

use std::any::Any;
use std::rc::Rc;

use crate::crypto::{Signed, Signer, Statement};
use crate::editable::Editable;
use crate::field::{Entry, Inventive, put_back};
use crate::history::Answer;
use crate::rng::SimRng;

/// A body under the pen, alone: the digest or the statements beside it stay as they are, so anyone
/// who passes a message on can change it.
pub trait Body {
    /// Takes it away; whether there was one, and the message has a form without it.
    fn lose(&mut self) -> bool;
    /// Puts another in its place; whether there was one.
    fn invent(&mut self, signer: &Signer, rng: &mut SimRng) -> bool;
    /// A copy, to be put in place of another.
    fn saved(&self) -> Box<dyn Any>;
    /// Puts a saved one of the same type in place of this one; whether it was of the same type.
    fn restore(&mut self, saved: &dyn Any) -> bool;
    /// Whether all signatures in it verify.
    fn is_genuine(&self, judge: &Signer) -> bool;
}

/// A type of bodies.
pub trait BodyType: Clone + 'static {
    /// The message without it; none if there is no such form, or nothing there.
    fn lost(&self) -> Option<Self>;
    /// Another one in its place; none if there is nothing there.
    fn other(&self, signer: &Signer, rng: &mut SimRng) -> Option<Self>;
    /// Whether all signatures in it verify.
    fn verifies(&self, judge: &Signer) -> bool;
}

impl<B: BodyType> Body for B {
    fn lose(&mut self) -> bool {
        self.lost().is_some_and(|lost| {
            *self = lost;
            true
        })
    }

    fn invent(&mut self, signer: &Signer, rng: &mut SimRng) -> bool {
        self.other(signer, rng).is_some_and(|other| {
            *self = other;
            true
        })
    }

    fn saved(&self) -> Box<dyn Any> {
        Box::new(self.clone())
    }

    fn restore(&mut self, saved: &dyn Any) -> bool {
        put_back(self, saved)
    }

    fn is_genuine(&self, judge: &Signer) -> bool {
        self.verifies(judge)
    }
}

/// The bodies of all entries.
impl<E: Entry> BodyType for Vec<E> {
    fn lost(&self) -> Option<Self> {
        self.iter().map(E::without_body).collect::<Option<Self>>().filter(|it| !it.is_empty())
    }

    fn other(&self, signer: &Signer, rng: &mut SimRng) -> Option<Self> {
        let other: Option<Self> = self.iter().map(|it| it.with_other_body(signer, rng)).collect();
        other.filter(|it| !it.is_empty())
    }

    fn verifies(&self, judge: &Signer) -> bool {
        self.iter().all(|entry| entry.is_genuine(judge))
    }
}

/// Another statement under the signature that was there.
impl<T: Inventive + Statement + Editable + Clone + 'static> BodyType for Signed<T> {
    fn lost(&self) -> Option<Self> {
        None
    }

    fn other(&self, _: &Signer, rng: &mut SimRng) -> Option<Self> {
        Some(self.grafted(rng))
    }

    fn verifies(&self, judge: &Signer) -> bool {
        Entry::is_genuine(self, judge)
    }
}

impl<B: BodyType> BodyType for Rc<B> {
    fn lost(&self) -> Option<Self> {
        B::lost(self).map(Self::new)
    }

    fn other(&self, signer: &Signer, rng: &mut SimRng) -> Option<Self> {
        B::other(self, signer, rng).map(Self::new)
    }

    fn verifies(&self, judge: &Signer) -> bool {
        B::verifies(self, judge)
    }
}

impl<B: BodyType> BodyType for Option<B> {
    fn lost(&self) -> Option<Self> {
        self.as_ref().map(|_| None)
    }

    fn other(&self, signer: &Signer, rng: &mut SimRng) -> Option<Self> {
        self.as_ref().map(|it| it.other(signer, rng))
    }

    fn verifies(&self, judge: &Signer) -> bool {
        self.as_ref().is_none_or(|it| it.verifies(judge))
    }
}

impl BodyType for Answer {
    fn lost(&self) -> Option<Self> {
        None
    }

    fn other(&self, _: &Signer, rng: &mut SimRng) -> Option<Self> {
        Some(self.invented(rng))
    }

    fn verifies(&self, _: &Signer) -> bool {
        true
    }
}
