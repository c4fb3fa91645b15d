//! What one key may hold, as far as the answers of a history can tell.
//!
//! States that no answer to come can tell apart are one state. A string is worth telling apart if
//! it is mentioned by an answer (a get found it, a compare-and-swap expected it), or if appends may
//! still turn it into a mentioned one: if it is a prefix of one. All other strings are one state.
//! Without this quotient the orders of k concurrent appends are k! states.

/// The strings that the answers of one key mention, in order.
#[derive(Debug)]
pub(super) struct Mentions<'a> {
    /// Sorted, without duplicates. The strings with a common prefix are neighbours.
    texts: Vec<&'a [u8]>,
    /// Whether there are appends. Without them a proper prefix is as good as any other string.
    appends: bool,
}

/// What the key holds. Equal states are equal strings, or strings that no answer tells apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum State {
    /// Nothing: it was never written.
    Absent,
    /// A string that is not a prefix of a mentioned one.
    Unmentioned,
    /// The prefix, `length` bytes long, that the mentioned strings `first .. last` have in common
    /// and no other has.
    Prefix { first: u32, last: u32, length: u32 },
}

impl<'a> Mentions<'a> {
    pub(super) fn new(texts: impl Iterator<Item = &'a str>, appends: bool) -> Self {
        let mut texts: Vec<&[u8]> = texts.map(str::as_bytes).collect();
        texts.sort_unstable();
        texts.dedup();
        Self { texts, appends }
    }

    /// How many numbers [`Self::number`] gives.
    pub(super) const fn count(&self) -> usize {
        self.texts.len() + 1
    }

    /// The number of a state that an answer mentions.
    pub(super) fn number(&self, state: State) -> Option<usize> {
        match state {
            State::Absent => Some(self.texts.len()),
            State::Unmentioned => None,
            State::Prefix { first, length, .. } => {
                let first = first as usize;
                (self.texts[first].len() == length as usize).then_some(first)
            }
        }
    }

    /// The state of a key that holds `text`.
    pub(super) fn state(&self, text: Option<&str>) -> State {
        let Some(text) = text else { return State::Absent };
        if self.appends {
            return self.extend(0, self.texts.len(), 0, text.as_bytes());
        }
        match self.texts.binary_search(&text.as_bytes()) {
            Ok(first) => prefix(first, first + 1, text.len()),
            Err(_) => State::Unmentioned,
        }
    }

    /// The state after an append of `text` in `state`.
    pub(super) fn append(&self, state: State, text: &str) -> State {
        match state {
            State::Absent => self.state(Some(text)),
            State::Unmentioned => State::Unmentioned,
            State::Prefix { first, last, length } => {
                self.extend(first as usize, last as usize, length as usize, text.as_bytes())
            }
        }
    }

    /// Narrows the strings that share a prefix of `length` bytes to those where `text` follows it.
    fn extend(&self, first: usize, last: usize, length: usize, text: &[u8]) -> State {
        let sharing = &self.texts[first..last];
        let before = sharing.partition_point(|mention| &mention[length..] < text);
        let after =
            sharing[before..].partition_point(|mention| mention[length..].starts_with(text));
        match after {
            0 => State::Unmentioned,
            _ => prefix(first + before, first + before + after, length + text.len()),
        }
    }
}

impl State {
    /// Whether appends may make `other` of this state.
    pub(super) const fn grows_into(self, other: Self) -> bool {
        match (self, other) {
            (
                Self::Prefix { first, last, length },
                Self::Prefix { first: other, length: longer, .. },
            ) => first <= other && other < last && length <= longer,
            (Self::Absent, Self::Unmentioned | Self::Prefix { .. })
            | (Self::Prefix { .. }, Self::Unmentioned) => true,
            (_, Self::Absent) | (Self::Unmentioned, _) => false,
        }
    }
}

fn prefix(first: usize, last: usize, length: usize) -> State {
    let small = |n: usize| u32::try_from(n).expect("a history in memory has no 4 billion values");
    State::Prefix { first: small(first), last: small(last), length: small(length) }
}
