//! What of a message a corrupted sender can change, and how the message is signed again.
//!
//! [`statements!`](crate::statements) and [`messages!`](crate::messages) write most of it: of each
//! part they ask the type.

use std::fmt;
use std::rc::Rc;

use crate::crypto::{Digest, Signed, Signer, Statement};
use crate::field::{Edit, Entry, FieldMut, Sort};
pub use crate::field_list::FieldList;
use crate::history::{Answer, Operation};
use crate::id::NodeId;

/// What a corrupted sender can change: a plain value is one field, a statement has several.
#[diagnostic::on_unimplemented(
    message = "nobody knows how to change a field of type `{Self}`",
    label = "not `Editable`",
    note = "write `=> fixed` behind the type if no corrupted sender changes the field"
)]
pub trait Editable {
    /// Its fields. That of a plain value has no name: it takes the name of its place.
    const FIELDS: FieldList;

    /// Makes the edit if it is of one of these fields; whether that changed anything. `name` is the
    /// name of this value's place.
    fn edit(&mut self, name: &str, edit: &mut FieldEdit<'_>) -> bool;

    /// Whether nothing is left of it, so that an optional one is none.
    fn is_void(&self) -> bool {
        false
    }

    /// Whether all signatures in it verify. A plain value has none.
    fn is_genuine(&self, _judge: &Signer) -> bool {
        true
    }
}

/// The edit of one field by one corrupted sender.
pub struct FieldEdit<'a> {
    field: &'a str,
    pen: Pen<'a>,
    edit: &'a mut Edit<'a>,
    /// Whether the last field that was changed is a list.
    is_list: bool,
}

/// With what a corrupted sender signs the messages that it changed.
#[derive(Clone, Copy, Debug)]
pub enum Pen<'a> {
    /// Its own key: it signs its own statements again. In those of others it changes what their
    /// signatures do not cover.
    Signs(&'a Signer),
    /// Nothing: the signature stays that was there, whatever it covers. Only a list in a statement
    /// of the sender's own is signed again: there the signatures of the entries stay.
    Keeps(&'a Signer),
}

impl fmt::Debug for FieldEdit<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} by {:?}", self.field, self.pen)
    }
}

impl<'a> FieldEdit<'a> {
    /// The edit of the field of this name with this pen.
    pub fn new(field: &'a str, pen: Pen<'a>, edit: &'a mut Edit<'a>) -> Self {
        Self { field, pen, edit, is_list: false }
    }

    /// Changes `value` if `name` is the name of the field; whether it did.
    pub fn change(&mut self, name: &str, value: FieldMut<'_>) -> bool {
        if self.field != name {
            return false;
        }
        self.is_list = matches!(value, FieldMut::Entries(_));
        (self.edit)(value)
    }

    /// Whether a field that the signature on the statement covers may differ.
    pub fn may_change<T: Statement>(&self, it: &Signed<T>) -> bool {
        let Pen::Signs(me) = self.pen else { return true };
        it.signer() == me.node()
    }

    /// Changes a statement after the part beside it. Always true.
    pub fn follow<T>(&self, it: &mut Signed<T>, change: impl FnOnce(&mut T)) -> bool
    where
        T: Statement + Clone,
    {
        let mut body = it.body().clone();
        change(&mut body);
        let name = it.signer();
        self.sign(it, body, name)
    }

    /// Puts a changed body in place, in this name; whether that can be.
    fn sign<T: Statement>(&self, it: &mut Signed<T>, body: T, name: NodeId) -> bool {
        let (me, keeps) = match self.pen {
            Pen::Signs(me) => (me, false),
            Pen::Keeps(me) => (me, !(self.is_list && it.signer() == me.node())),
        };
        // In its own name anyone says what another said; in a third one's, with garbage.
        if name != it.signer() || it.signer() == me.node() && !keeps {
            *it = me.sign_as(body, name);
            return true;
        }
        let made = it.with_body(body);
        let may = keeps || made.digest() == it.digest();
        if may {
            *it = made;
        }
        may
    }
}

/// Implements [`Editable`] for values that are fields themselves.
macro_rules! plain_fields {
    ($($type:ty: $sort:ident,)*) => {$(
        impl Editable for $type {
            const FIELDS: FieldList = FieldList::one(Sort::$sort);

            fn edit(&mut self, name: &str, edit: &mut FieldEdit<'_>) -> bool {
                edit.change(name, FieldMut::$sort(self))
            }
        }
    )*};
}

plain_fields! {
    u64: Number,
    Digest: Digest,
    Answer: Answer,
    Operation: Operation,
    NodeId: Node,
}

impl<E: Entry> Editable for Vec<E> {
    const FIELDS: FieldList = match E::BODIES {
        None => FieldList::one(Sort::Entries),
        Some(bodies) => FieldList::one(Sort::Entries).and(bodies, FieldList::one(Sort::Body)),
    };

    fn edit(&mut self, name: &str, edit: &mut FieldEdit<'_>) -> bool {
        edit.change(name, FieldMut::Entries(self))
            || E::BODIES.is_some_and(|bodies| edit.change(bodies, FieldMut::Body(self)))
    }

    fn is_void(&self) -> bool {
        self.is_empty()
    }

    fn is_genuine(&self, judge: &Signer) -> bool {
        self.iter().all(|entry| entry.is_genuine(judge))
    }
}

impl<T: Editable> Editable for Option<T> {
    const FIELDS: FieldList = T::FIELDS;

    fn edit(&mut self, name: &str, edit: &mut FieldEdit<'_>) -> bool {
        let changed = self.as_mut().is_some_and(|it| it.edit(name, edit));
        if self.as_ref().is_some_and(T::is_void) {
            *self = None;
        }
        changed
    }

    fn is_genuine(&self, judge: &Signer) -> bool {
        self.as_ref().is_none_or(|it| it.is_genuine(judge))
    }
}

impl<T: Editable + Clone> Editable for Rc<T> {
    const FIELDS: FieldList = T::FIELDS;

    fn edit(&mut self, name: &str, edit: &mut FieldEdit<'_>) -> bool {
        Self::make_mut(self).edit(name, edit)
    }

    fn is_void(&self) -> bool {
        T::is_void(self)
    }

    fn is_genuine(&self, judge: &Signer) -> bool {
        T::is_genuine(self, judge)
    }
}

/// The fields of the statement, and its signer. Its signer signs it again; others change what the
/// signature does not cover, or leave one on it that does not fit ([`Pen`]).
impl<T: Statement + Editable + Clone> Editable for Signed<T> {
    const FIELDS: FieldList = T::FIELDS.signed();

    fn edit(&mut self, name: &str, edit: &mut FieldEdit<'_>) -> bool {
        let (mut body, mut signer) = (self.body().clone(), self.signer());
        let changed = edit.change("signer", FieldMut::Signer(&mut signer)) || body.edit(name, edit);
        changed && edit.sign(self, body, signer)
    }

    fn is_genuine(&self, judge: &Signer) -> bool {
        judge.verify(self) && self.body().is_genuine(judge)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::{CryptoBackend, Keyring};
    use crate::encode::Encode as _;
    use crate::id::Committee;
    use crate::node::Message as _;

    crate::statements! {
        /// A vote for a number, and for an answer that travels beside it.
        #[derive(Clone, Debug, PartialEq)]
        pub(super) struct Vote = "test/vote" {
            number: u64,
            answer: Digest => digest_of(Answer),
            rest as "the-rest": u64,
        } invents number
    }

    crate::messages! {
        #[derive(Clone, Debug)]
        pub(super) enum Msg {
            "vote" = Vote(
                it: Signed<Vote> => { *seen = false; },
                answer: Option<Answer> => it.answer = answer.as_ref().expect("changed").sha256(),
                seen: bool => fixed,
            ) seq(it.number),
            "list" = List(number: u64, proof: Rc<Vec<Signed<Vote>>>) view(proof.first()?.number),
        }
    }

    fn signers() -> [Rc<Signer>; 2] {
        let committee = Committee { replicas: 4, faults: 1, clients: 1 };
        let keyring = Keyring::new(CryptoBackend::Ideal, committee, 7);
        [0, 1].map(|i| keyring.signer(NodeId::Replica(i)))
    }

    fn vote(signer: &Signer) -> Msg {
        let answer = Answer::Done;
        let it = signer.sign(Vote { number: 1, answer: answer.sha256(), rest: 5 });
        Msg::Vote(it, Some(answer), true)
    }

    /// One more, another answer, another name, nothing of a list.
    fn change(field: FieldMut<'_>) -> bool {
        match field {
            FieldMut::Number(number) => *number += 1,
            FieldMut::Answer(answer) => *answer = Answer::Swapped(true),
            FieldMut::Signer(node) => *node = NodeId::Replica(1),
            FieldMut::Entries(entries) => entries.remove(0),
            FieldMut::Digest(_)
            | FieldMut::Operation(_)
            | FieldMut::Node(_)
            | FieldMut::Body(_) => return false,
        }
        true
    }

    #[test]
    fn declared_fields_stand_in_order_and_the_signer_last() {
        let fields = Msg::FIELDS.iter().map(|it| (it.kind, it.name, it.sort));
        let expected = [
            ("vote", "number", Sort::Number),
            ("vote", "answer", Sort::Answer),
            ("vote", "the-rest", Sort::Number),
            ("vote", "answer-alone", Sort::Body),
            ("vote", "signer", Sort::Signer),
            ("list", "number", Sort::Number),
            ("list", "proof", Sort::Entries),
        ];
        assert!(fields.eq(expected), "{:?}", Msg::FIELDS);
    }

    #[test]
    fn an_edited_statement_is_signed_again_by_its_own_signer_only() {
        let [me, other] = signers();
        let mine = vote(&me);
        for (field, numbers, keeps_seen) in
            [("number", (2, 5), false), ("the-rest", (1, 6), false), ("answer", (1, 5), true)]
        {
            let Some(Msg::Vote(it, answer, seen)) =
                mine.edited(field, Pen::Signs(&me), &mut change)
            else {
                panic!("{field} can be changed")
            };
            assert_eq!(((it.number, it.rest), seen), (numbers, keeps_seen), "{field}");
            assert!(other.verify(&it), "{field}: it is signed again");
            assert_eq!(Some(it.answer), answer.map(|it| it.sha256()), "the digest follows");
            assert!(
                mine.edited(field, Pen::Signs(&other), &mut change).is_none(),
                "it is not the other's"
            );
            assert!(
                mine.edited(field, Pen::Signs(&me), &mut |_| false).is_none(),
                "nothing was changed"
            );
        }
        assert!(mine.edited("seen", Pen::Signs(&me), &mut change).is_none(), "it is fixed");
        assert_eq!(me.signed(), 4, "what is not changed is not signed again");
    }

    #[test]
    fn a_kept_signature_fits_only_what_it_was_made_for() {
        let [me, other] = signers();
        let mine = vote(&me);
        for field in ["number", "the-rest", "answer"] {
            let made = mine.edited(field, Pen::Keeps(&other), &mut change).expect("anyone can");
            assert!(!made.is_genuine(&other), "{field}");
        }
        let mut lose = |field: FieldMut<'_>| {
            let FieldMut::Body(body) = field else { return false };
            body.lose()
        };
        let made = mine.edited("answer-alone", Pen::Signs(&other), &mut lose);
        let Some(Msg::Vote(it, None, true)) = made else { panic!("no signature covers it") };
        assert!(other.verify(&it) && it.answer == Answer::Done.sha256(), "the digest stays");
    }

    #[test]
    fn anyone_says_in_its_own_name_what_another_said() {
        let [me, other] = signers();
        let made = vote(&me).edited("signer", Pen::Signs(&other), &mut change);
        let Some(Msg::Vote(it, ..)) = made else { panic!("it is its own name") };
        assert!(it.signer() == other.node() && me.verify(&it));
    }

    #[test]
    fn nobody_signs_in_the_name_of_another() {
        let [me, other] = signers();
        let Some(Msg::Vote(it, ..)) = vote(&me).edited("signer", Pen::Signs(&me), &mut change)
        else {
            panic!("the name can be changed")
        };
        assert_eq!(it.signer(), other.node());
        assert!(!me.verify(&it));
    }

    #[test]
    fn what_is_not_signed_is_changed_by_anyone() {
        let [me, other] = signers();
        let Msg::Vote(it, ..) = vote(&me) else { unreachable!("it is a vote") };
        let list = Msg::List(7, Rc::new(vec![it]));
        let Some(Msg::List(8, proof)) = list.edited("number", Pen::Signs(&other), &mut change)
        else {
            panic!("the number can be changed")
        };
        assert_eq!((proof.len(), list.view()), (1, Some(1)));
        let Some(shorter) = list.edited("proof", Pen::Signs(&other), &mut change) else {
            panic!("the list can be changed")
        };
        assert_eq!(shorter.view(), None);
    }
}
