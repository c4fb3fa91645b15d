//! The list of the fields of a message, put together at compile time from what its parts say.

use crate::field::{Field, Sort};

/// Fields in order, put together at compile time.
#[derive(Clone, Copy, Debug)]
pub struct FieldList {
    fields: [Field; Self::MOST],
    count: usize,
    is_signed: bool,
    /// How many parts nobody changes.
    fixed: usize,
    /// How many are changed beside the statement, where no part was met yet.
    awaited: usize,
}

impl FieldList {
    /// Room for the fields of all messages of a protocol.
    const MOST: usize = 128;

    /// No fields.
    pub const EMPTY: Self = {
        let none = Field { kind: "", name: "", sort: Sort::Number, is_covered: false };
        Self { fields: [none; Self::MOST], count: 0, is_signed: false, fixed: 0, awaited: 0 }
    };

    /// The one field of a plain value.
    pub const fn one(sort: Sort) -> Self {
        Self::EMPTY.with(Field { kind: "", name: "", sort, is_covered: false })
    }

    /// These and a part that nobody changes.
    pub const fn and_fixed(mut self) -> Self {
        self.fixed += 1;
        self
    }

    /// The list of what has a signer: a field too, after all others.
    ///
    /// # Panics
    /// If there is a part of it that nobody changes: nothing would notice that its signature does
    /// not cover it. A declaration then does not compile.
    pub const fn signed(mut self) -> Self {
        assert!(self.fixed == 0, "a signed statement has a field that is `fixed`");
        self.is_signed = true;
        let mut i = 0;
        while i < self.count {
            self.fields[i].is_covered = true;
            i += 1;
        }
        self
    }

    /// These and the fields of a part at the place `name`.
    ///
    /// # Panics
    /// If a name is there twice. A declaration then does not compile.
    pub const fn and(mut self, name: &'static str, part: Self) -> Self {
        let mut i = 0;
        while i < part.count {
            let Field { name: own, .. } = part.fields[i];
            let name = if own.is_empty() { name } else { own };
            assert!(self.place(name).is_none(), "a message has two fields of one name");
            self = self.with(Field { name, ..part.fields[i] });
            i += 1;
        }
        self.is_signed |= part.is_signed;
        self.fixed += part.fixed;
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
    pub const fn and_beside(mut self, name: &'static str, mut part: Self) -> Self {
        assert!(part.count == 1, "what travels beside a statement is one field");
        // Its digest is.
        part.fields[0].is_covered = true;
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
            let sort = Sort::Signer;
            self = self.with(Field { kind, name: "signer", sort, is_covered: true });
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
