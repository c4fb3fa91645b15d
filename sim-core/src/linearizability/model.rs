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
        match operation {
            Operation::Get { .. } => match answer {
                None => true,
                Some(Answer::Value(value)) => value.as_deref() == self.0.as_deref(),
                Some(Answer::Done | Answer::Swapped(_)) => false,
            },
            Operation::Put { value, .. } => {
                self.0 = Some(Cow::Borrowed(value));
                matches!(answer, None | Some(Answer::Done))
            }
            Operation::Append { value, .. } => {
                self.0.get_or_insert_default().to_mut().push_str(value);
                matches!(answer, None | Some(Answer::Done))
            }
            Operation::Cas { expected, new, .. } => {
                let swaps = self.0.as_deref() == expected.as_deref();
                if swaps {
                    self.0 = Some(Cow::Borrowed(new));
                }
                match answer {
                    None => true,
                    Some(Answer::Swapped(swapped)) => *swapped == swaps,
                    Some(Answer::Done | Answer::Value(_)) => false,
                }
            }
        }
    }
}
