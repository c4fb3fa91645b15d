//! The sequential key-value model: what one key answers when calls happen one at a time.
//!
//! It is written from the vocabulary of histories alone. It never calls the replicated service,
//! so a bug of the service cannot hide in its own judge.

use std::borrow::Cow;

use crate::history::{Answer, Operation, Text};

/// What one key holds; `None` if it was never written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Register<'a>(Option<Cow<'a, str>>);

impl<'a> Register<'a> {
    pub(crate) const fn holding(initial: Option<&'a str>) -> Self {
        match initial {
            None => Self(None),
            Some(text) => Self(Some(Cow::Borrowed(text))),
        }
    }

    /// What the key holds.
    pub(crate) fn held(&self) -> Option<Text> {
        self.0.as_deref().map(Text::from)
    }

    /// Takes the next operation; says whether `answer` is what it answers. The answer of a pending
    /// call is free.
    pub(crate) fn take(&mut self, operation: &'a Operation, answer: Option<&Answer>) -> bool {
        let (response, change) = step(self.0.as_deref(), operation);
        let fits = answer.is_none_or(|answer| response.is(answer));
        match change {
            Change::Nothing => {}
            Change::Set(value) => self.0 = Some(Cow::Borrowed(value)),
            Change::Append(value) => self.0.get_or_insert_default().to_mut().push_str(value),
        }
        fits
    }
}

/// What an operation answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Response<'a> {
    /// Done.
    Done,
    /// What the key holds.
    Value(Option<&'a str>),
    /// Whether it swapped.
    Swapped(bool),
}

/// What an operation does to what its key holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Change<'a> {
    /// It stays.
    Nothing,
    /// The key holds this.
    Set(&'a Text),
    /// The key holds this as well, at the end.
    Append(&'a Text),
}

/// One operation on one key: what it answers, and what it does.
pub(crate) fn step<'h, 'o>(
    held: Option<&'h str>,
    operation: &'o Operation,
) -> (Response<'h>, Change<'o>) {
    match operation {
        Operation::Get { .. } => (Response::Value(held), Change::Nothing),
        Operation::Put { value, .. } => (Response::Done, Change::Set(value)),
        Operation::Append { value, .. } => (Response::Done, Change::Append(value)),
        Operation::Cas { expected, new, .. } => {
            let swaps = held == expected.as_deref();
            (Response::Swapped(swaps), if swaps { Change::Set(new) } else { Change::Nothing })
        }
    }
}

impl Response<'_> {
    /// Whether this is the answer that was given.
    pub(crate) fn is(self, answer: &Answer) -> bool {
        match (self, answer) {
            (Self::Done, Answer::Done) => true,
            (Self::Value(held), Answer::Value(value)) => held == value.as_deref(),
            (Self::Swapped(swaps), Answer::Swapped(swapped)) => swaps == *swapped,
            (Self::Done | Self::Value(_) | Self::Swapped(_), _) => false,
        }
    }

    /// The answer.
    pub(crate) fn answer(self) -> Answer {
        match self {
            Self::Done => Answer::Done,
            Self::Value(held) => Answer::Value(held.map(Text::from)),
            Self::Swapped(swaps) => Answer::Swapped(swaps),
        }
    }
}
