//! What of a message a corrupted sender can change, and how the message is signed again.
//!
//! [`statements!`](crate::statements) and [`messages!`](crate::messages) write most of it: of each
//! part they ask the type.

use std::fmt;
use std::rc::Rc;

use crate::crypto::{Digest, Signed, Signer, Statement};
use crate::field::{Edit, Entry, Field, FieldMut, Sort};
use crate::history::{Answer, Operation};

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
}

/// The edit of one field by one corrupted sender.
pub struct FieldEdit<'a> {
    field: &'a str,
    signer: &'a Signer,
    edit: &'a mut Edit<'a>,
}

impl fmt::Debug for FieldEdit<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {}", self.field, self.signer.node())
    }
}

impl<'a> FieldEdit<'a> {
    /// The edit of the field of this name by `signer`.
    pub fn new(field: &'a str, signer: &'a Signer, edit: &'a mut Edit<'a>) -> Self {
        Self { field, signer, edit }
    }

    /// Changes `value` if `name` is the name of the field; whether it did.
    pub fn change(&mut self, name: &str, value: FieldMut<'_>) -> bool {
        self.field == name && (self.edit)(value)
    }

    /// Whether the statement is the sender's own, so that it can be signed again.
    pub fn may_sign<T: Statement>(&self, it: &Signed<T>) -> bool {
        it.signer() == self.signer.node()
    }

    /// Changes a statement of the sender's own and signs it again. Always true.
    pub fn sign_again<T>(&self, it: &mut Signed<T>, change: impl FnOnce(&mut T)) -> bool
    where
        T: Statement + Clone,
    {
        let mut body = it.body().clone();
        change(&mut body);
        *it = self.signer.sign(body);
        true
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
}

impl<E: Entry> Editable for Vec<E> {
    const FIELDS: FieldList = FieldList::one(Sort::Entries);

    fn edit(&mut self, name: &str, edit: &mut FieldEdit<'_>) -> bool {
        edit.change(name, FieldMut::Entries(self))
    }

    fn is_void(&self) -> bool {
        self.is_empty()
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
}

impl<T: Editable + Clone> Editable for Rc<T> {
    const FIELDS: FieldList = T::FIELDS;

    fn edit(&mut self, name: &str, edit: &mut FieldEdit<'_>) -> bool {
        Self::make_mut(self).edit(name, edit)
    }

    fn is_void(&self) -> bool {
        T::is_void(self)
    }
}

/// The fields of the statement, and its signer. It is changed by its signer only, who signs it
/// again.
impl<T: Statement + Editable + Clone> Editable for Signed<T> {
    const FIELDS: FieldList = T::FIELDS.signed();

    fn edit(&mut self, name: &str, edit: &mut FieldEdit<'_>) -> bool {
        if !edit.may_sign(self) {
            return false;
        }
        let (mut body, mut signer) = (self.body().clone(), self.signer());
        let changed = edit.change("signer", FieldMut::Signer(&mut signer)) || body.edit(name, edit);
        if changed {
            *self = edit.signer.sign_as(body, signer);
        }
        changed
    }
}

/// Fields in order, put together at compile time.
#[derive(Clone, Copy, Debug)]
pub struct FieldList {
    fields: [Field; Self::MOST],
    count: usize,
    is_signed: bool,
    /// How many are changed beside the statement, where no part was met yet.
    awaited: usize,
}

impl FieldList {
    /// Room for the fields of all messages of a protocol.
    const MOST: usize = 96;

    /// No fields.
    pub const EMPTY: Self = {
        let none = Field { kind: "", name: "", sort: Sort::Number };
        Self { fields: [none; Self::MOST], count: 0, is_signed: false, awaited: 0 }
    };

    /// The one field of a plain value.
    pub const fn one(sort: Sort) -> Self {
        Self::EMPTY.with(Field { kind: "", name: "", sort })
    }

    /// The list of what has a signer: a field too, after all others.
    pub const fn signed(mut self) -> Self {
        self.is_signed = true;
        self
    }

    /// These and the fields of a part at the place `name`.
    ///
    /// # Panics
    /// If a name is there twice. A declaration then does not compile.
    pub const fn and(mut self, name: &'static str, part: Self) -> Self {
        let mut i = 0;
        while i < part.count {
            let Field { name: own, sort, .. } = part.fields[i];
            let name = if own.is_empty() { name } else { own };
            assert!(self.place(name).is_none(), "a message has two fields of one name");
            self = self.with(Field { kind: "", name, sort });
            i += 1;
        }
        self.is_signed |= part.is_signed;
        self.awaited += part.awaited;
        self
    }

    /// These and a field at the place `name` that is the digest of a part beside the statement.
    pub const fn and_digest_of(self, name: &'static str, part: Self) -> Self {
        let mut list = self.and(name, part);
        list.awaited += 1;
        list
    }

    /// These and a part at the place `name` beside a statement. It is there already if the
    /// statement has a field of the name, `digest_of` the same.
    ///
    /// # Panics
    /// If the statement has something else under the name. A declaration then does not compile.
    pub const fn and_beside(mut self, name: &'static str, part: Self) -> Self {
        assert!(part.count == 1, "what travels beside a statement is one field");
        match self.place(name) {
            None => self.and(name, part),
            Some(place) => {
                let [declared, there] = [self.fields[place].sort, part.fields[0].sort];
                assert!(declared as u8 == there as u8, "the statement has another field there");
                self.awaited -= 1;
                self
            }
        }
    }

    /// These and all fields of the messages of `kind`.
    ///
    /// # Panics
    /// If a field is the digest of a part that is not there. A declaration then does not compile.
    pub const fn and_kind(mut self, kind: &'static str, list: Self) -> Self {
        assert!(list.awaited == 0, "no part has the name of a field that is `digest_of` it");
        let mut i = 0;
        while i < list.count {
            self = self.with(Field { kind, ..list.fields[i] });
            i += 1;
        }
        if list.is_signed {
            self = self.with(Field { kind, name: "signer", sort: Sort::Signer });
        }
        self
    }

    /// The fields.
    pub const fn as_slice(&self) -> &[Field] {
        self.fields.split_at(self.count).0
    }

    const fn with(mut self, field: Field) -> Self {
        assert!(self.count < Self::MOST, "`FieldList::MOST` is too small for this protocol");
        self.fields[self.count] = field;
        self.count += 1;
        self
    }

    const fn place(&self, name: &str) -> Option<usize> {
        let mut i = 0;
        while i < self.count {
            if is_same(self.fields[i].name, name) {
                return Some(i);
            }
            i += 1;
        }
        None
    }
}

/// `==` of strings, which is not for constants yet.
const fn is_same(one: &str, other: &str) -> bool {
    let (one, other) = (one.as_bytes(), other.as_bytes());
    let mut i = 0;
    while i < one.len() && i < other.len() && one[i] == other[i] {
        i += 1;
    }
    i == one.len() && i == other.len()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::{CryptoBackend, Keyring};
    use crate::encode::Encode as _;
    use crate::id::{Committee, NodeId};
    use crate::node::Message as _;
    use crate::rng::SimRng;

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
        } lies(&[], no_lies)
    }

    fn no_lies(_: &Msg, _: &str, _: &Signer, _: &mut SimRng) -> Option<Vec<Msg>> {
        None
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
            FieldMut::Digest(_) | FieldMut::Operation(_) => return false,
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
            let Some(Msg::Vote(it, answer, seen)) = mine.edited(field, &me, &mut change) else {
                panic!("{field} can be changed")
            };
            assert_eq!(((it.number, it.rest), seen), (numbers, keeps_seen), "{field}");
            assert!(other.verify(&it), "{field}: it is signed again");
            assert_eq!(Some(it.answer), answer.map(|it| it.sha256()), "the digest follows");
            assert!(mine.edited(field, &other, &mut change).is_none(), "it is not the other's");
            assert!(mine.edited(field, &me, &mut |_| false).is_none(), "nothing was changed");
        }
        assert!(mine.edited("seen", &me, &mut change).is_none(), "it is fixed");
        assert_eq!(me.signed(), 4, "what is not changed is not signed again");
    }

    #[test]
    fn nobody_signs_in_the_name_of_another() {
        let [me, other] = signers();
        let Some(Msg::Vote(it, ..)) = vote(&me).edited("signer", &me, &mut change) else {
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
        let Some(Msg::List(8, proof)) = list.edited("number", &other, &mut change) else {
            panic!("the number can be changed")
        };
        assert_eq!((proof.len(), list.view()), (1, Some(1)));
        let Some(shorter) = list.edited("proof", &other, &mut change) else {
            panic!("the list can be changed")
        };
        assert_eq!(shorter.view(), None);
    }
}
