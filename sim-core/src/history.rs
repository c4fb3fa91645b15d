//! The operations and answers of the replicated key-value service, which histories, observations
//! and checkers share.
//!
//! The service itself lives with the protocols; the sequential model that judges it lives with
//! the checkers. Neither knows the other.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use crate::encode::{Encode, Encoder};
use crate::id::NodeId;
use crate::time::{Time, serde_as_text};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A key or a value of the service.
pub type Text = Arc<str>;

/// One operation on the key-value service. A key that was never written reads as nothing.
///
/// Reads and prints as `get x`, `put x 1`, `append x 1`, `cas x 1 2` (swap 1 for 2); the absent
/// value is written `-`, so `cas x - 1` creates `x`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Operation {
    /// Reads `key`.
    Get {
        /// The key.
        key: Text,
    },
    /// Sets `key` to `value`.
    Put {
        /// The key.
        key: Text,
        /// What it is set to.
        value: Text,
    },
    /// Appends `value` to what `key` holds; an absent key counts as the empty string.
    Append {
        /// The key.
        key: Text,
        /// What is appended.
        value: Text,
    },
    /// Sets `key` to `new` if it holds `expected` (`None`: if it is absent).
    Cas {
        /// The key.
        key: Text,
        /// What the key must hold.
        expected: Option<Text>,
        /// What it is set to.
        new: Text,
    },
}

/// What the service answers.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Answer {
    /// To a put or an append: done.
    Done,
    /// To a get: what the key holds.
    Value(Option<Text>),
    /// To a compare-and-swap: whether it swapped. `false` means that the key held something else.
    Swapped(bool),
}

impl Operation {
    /// The one key that the operation touches.
    pub const fn key(&self) -> &Text {
        match self {
            Self::Get { key }
            | Self::Put { key, .. }
            | Self::Append { key, .. }
            | Self::Cas { key, .. } => key,
        }
    }
}

impl Encode for Operation {
    fn encode(&self, out: &mut Encoder) {
        match self {
            Self::Get { key } => out.u8(0).text(key),
            Self::Put { key, value } => out.u8(1).text(key).text(value),
            Self::Append { key, value } => out.u8(2).text(key).text(value),
            Self::Cas { key, expected, new } => {
                out.u8(3).text(key);
                encode_optional(expected.as_ref(), out).text(new)
            }
        };
    }
}

impl Encode for Answer {
    fn encode(&self, out: &mut Encoder) {
        match self {
            Self::Done => out.u8(0),
            Self::Value(value) => encode_optional(value.as_ref(), out.u8(1)),
            Self::Swapped(swapped) => out.u8(2).u8(u8::from(*swapped)),
        };
    }
}

fn encode_optional<'a>(value: Option<&Text>, out: &'a mut Encoder) -> &'a mut Encoder {
    match value {
        None => out.u8(0),
        Some(value) => out.u8(1).text(value),
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Get { key } => write!(f, "get {key}"),
            Self::Put { key, value } => write!(f, "put {key} {value}"),
            Self::Append { key, value } => write!(f, "append {key} {value}"),
            Self::Cas { key, expected, new } => {
                write!(f, "cas {key} {} {new}", expected.as_deref().unwrap_or("-"))
            }
        }
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Done => f.write_str("ok"),
            Self::Value(None) => f.write_str("-"),
            Self::Value(Some(value)) => write!(f, "{value:?}"),
            Self::Swapped(true) => f.write_str("swapped"),
            Self::Swapped(false) => f.write_str("not swapped"),
        }
    }
}

impl FromStr for Operation {
    type Err = String;

    fn from_str(line: &str) -> Result<Self, String> {
        let words: Vec<&str> = line.split_whitespace().collect();
        let text = |word: &str| Text::from(word);
        match words[..] {
            ["get", key] => Ok(Self::Get { key: text(key) }),
            ["put", key, value] => Ok(Self::Put { key: text(key), value: text(value) }),
            ["append", key, value] => Ok(Self::Append { key: text(key), value: text(value) }),
            ["cas", key, expected, new] => {
                let expected = (expected != "-").then(|| text(expected));
                Ok(Self::Cas { key: text(key), expected, new: text(new) })
            }
            _ => Err(format!(
                "`{line}` is not an operation: write `get K`, `put K V`, `append K V` or \
                 `cas K OLD NEW`"
            )),
        }
    }
}

serde_as_text!(Operation, "Operation", {
    "description": "`get K`, `put K V`, `append K V` or `cas K OLD NEW`",
    "type": "string",
});

/// One operation of one client, as the clients saw it: the unit of a history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// Whose operation it is.
    pub client: NodeId,
    /// What was asked.
    pub operation: Operation,
    /// When the client asked; for a Byzantine client, when a correct replica first executed it.
    pub invoked: Time,
    /// When the client accepted an answer, and which; `None` while it waits for one. The operation
    /// then took effect at one point after `invoked`, possibly after the end, or never.
    pub completed: Option<(Time, Answer)>,
}
