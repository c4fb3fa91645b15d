//! Signatures on messages of Raft, where the parameters ask for them. What is not signed has the
//! bytes that it has in the paper's Raft: nothing stands where a signature could.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Deref;
use std::rc::Rc;

use byzsim_core::editable::{Editable, FieldEdit, FieldList};
use byzsim_core::{Digest, Encode, Encoder, NodeId, Signed, Signer, Statement};

use super::message::{AppendReply, Index, Term};

byzsim_core::statements! {
    /// `Success`: what a server signs when it acknowledges entries. What the signature does not
    /// bind, by the parameter `acks`, is 0.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct Success = "raft/success" {
        /// The term in which it acknowledges.
        term: Term,
        /// The last entry that it has.
        index: Index,
        /// The digest of its log up to there.
        digest: Digest,
    } invents digest
}

/// A statement, with its sender's signature or without.
#[derive(Clone)]
pub enum Sealed<T> {
    /// As the paper sends it.
    Plain(Rc<T>),
    /// Signed.
    Signed(Rc<Signed<T>>),
}

impl<T: Statement> Sealed<T> {
    /// The statement, signed if somebody signs.
    pub fn new(body: T, signer: Option<&Signer>) -> Self {
        match signer {
            None => Self::Plain(Rc::new(body)),
            Some(signer) => Self::Signed(Rc::new(signer.sign(body))),
        }
    }

    /// What a liar says instead: signed if this is.
    #[must_use]
    pub fn altered(&self, body: T, liar: &Signer) -> Self {
        match self {
            Self::Plain(_) => Self::new(body, None),
            Self::Signed(_) => Self::new(body, Some(liar)),
        }
    }

    /// Whether it is as `sender` must send it.
    pub(super) fn is_by(&self, sender: NodeId, signs: bool, judge: &Signer) -> bool {
        match self {
            Self::Plain(_) => !signs,
            Self::Signed(it) => signs && it.signer() == sender && judge.verify(it),
        }
    }
}

impl<T> Deref for Sealed<T> {
    type Target = T;
    fn deref(&self) -> &T {
        match self {
            Self::Plain(it) => it,
            Self::Signed(it) => it,
        }
    }
}

impl<T: fmt::Debug> fmt::Debug for Sealed<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Plain(it) => it.fmt(f),
            Self::Signed(it) => it.fmt(f),
        }
    }
}

impl<T: Encode> Encode for Sealed<T> {
    fn encode(&self, out: &mut Encoder) {
        match self {
            Self::Plain(it) => it.encode(out),
            Self::Signed(it) => it.encode(out),
        }
    }
}

/// The fields of the statement: most runs sign nothing, so its signer is none of them.
impl<T: Statement + Editable + Clone> Editable for Sealed<T> {
    const FIELDS: FieldList = T::FIELDS;

    fn edit(&mut self, name: &str, edit: &mut FieldEdit<'_>) -> bool {
        match self {
            Self::Plain(it) => it.edit(name, edit),
            Self::Signed(it) => it.edit(name, edit),
        }
    }

    fn is_genuine(&self, judge: &Signer) -> bool {
        match self {
            Self::Plain(it) => it.is_genuine(judge),
            Self::Signed(it) => it.is_genuine(judge),
        }
    }
}

/// An AppendReply; with signed acknowledgements, a success has a signature beside it.
#[derive(Clone, Debug)]
pub struct Acked {
    /// What the paper sends.
    pub reply: AppendReply,
    /// The signature.
    pub ack: Option<Signed<Success>>,
}

impl Deref for Acked {
    type Target = AppendReply;
    fn deref(&self) -> &AppendReply {
        &self.reply
    }
}

impl Encode for Acked {
    fn encode(&self, out: &mut Encoder) {
        out.value(&self.reply);
        self.ack.iter().for_each(|ack| ack.encode(out));
    }
}

impl Acked {
    /// What a liar says instead: its signature, if there is one, follows.
    #[must_use]
    pub fn altered(&self, reply: AppendReply, liar: &Signer) -> Self {
        let follow = |ack: &Signed<Success>| liar.sign(following(ack, reply));
        Self { reply, ack: self.ack.as_ref().map(follow) }
    }
}

/// What is signed beside another reply; what was not bound stays so.
fn following(ack: &Success, reply: AppendReply) -> Success {
    let bound = |own: u64, value: u64| if own == 0 { 0 } else { value };
    Success {
        term: bound(ack.term, reply.term),
        index: bound(ack.index, reply.index),
        digest: ack.digest,
    }
}

/// The fields of the reply. The signature beside it follows.
impl Editable for Acked {
    const FIELDS: FieldList = AppendReply::FIELDS;

    fn edit(&mut self, name: &str, edit: &mut FieldEdit<'_>) -> bool {
        let changed = self.reply.edit(name, edit);
        if let (true, Some(ack)) = (changed, &mut self.ack) {
            let reply = self.reply;
            edit.follow(ack, |body| *body = following(body, reply));
        }
        changed
    }

    fn is_genuine(&self, judge: &Signer) -> bool {
        self.ack.as_ref().is_none_or(|ack| judge.verify(ack))
    }
}

/// Signed acknowledgements that a leader shows with what it says is committed. None: no bytes.
#[derive(Clone, Default)]
pub struct Proof(Option<Rc<Vec<Signed<Success>>>>);

impl Proof {
    /// Of these.
    pub fn of(acks: Vec<Signed<Success>>) -> Self {
        Self(Some(Rc::new(acks)))
    }

    /// The acknowledgements.
    pub fn acks(&self) -> &[Signed<Success>] {
        self.0.as_deref().map_or(&[], Vec::as_slice)
    }
}

impl fmt::Debug for Proof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.acks().fmt(f)
    }
}

impl Encode for Proof {
    fn encode(&self, out: &mut Encoder) {
        if let Some(acks) = &self.0 {
            out.list(acks.iter());
        }
    }
}

/// The acknowledgements that a leader collected, by entry and follower.
pub(super) type Acks = BTreeMap<Index, BTreeMap<NodeId, Signed<Success>>>;
