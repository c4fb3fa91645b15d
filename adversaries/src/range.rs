//! A closed range of integers, written `3` or `[3, 5]`.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{self, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A closed range of integers: `3`, or `[3, 5]`. What is read is never empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Range {
    /// The least.
    pub min: u64,
    /// The greatest.
    pub max: u64,
}

impl Range {
    /// The range that holds `value` only.
    pub const fn only(value: u64) -> Self {
        Self { min: value, max: value }
    }

    /// Whether `value` lies in the range.
    pub const fn contains(&self, value: u64) -> bool {
        self.min <= value && value <= self.max
    }

    /// The least range that holds this one and the other.
    pub(crate) fn cover(self, other: Self) -> Self {
        Self { min: self.min.min(other.min), max: self.max.max(other.max) }
    }
}

/// Whether a number is in a range that may be left open. Where there is no number, it is in none.
pub(crate) fn within(range: Option<Range>, number: impl FnOnce() -> Option<u64>) -> bool {
    range.is_none_or(|range| number().is_some_and(|number| range.contains(number)))
}

impl fmt::Display for Range {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.min == self.max {
            write!(f, "{}", self.min)
        } else {
            write!(f, "[{}, {}]", self.min, self.max)
        }
    }
}

impl Serialize for Range {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.min == self.max {
            serializer.serialize_u64(self.min)
        } else {
            [self.min, self.max].serialize(serializer)
        }
    }
}

impl<'de> Deserialize<'de> for Range {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(RangeVisitor)
    }
}

struct RangeVisitor;

impl<'de> Visitor<'de> for RangeVisitor {
    type Value = Range;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an integer from 0, such as `3`, or a closed range, such as `[3, 5]`")
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<Range, E> {
        Ok(Range::only(value))
    }

    // TOML has no unsigned integers: every number comes this way.
    fn visit_i64<E: de::Error>(self, value: i64) -> Result<Range, E> {
        let value = u64::try_from(value)
            .map_err(|_| E::invalid_value(de::Unexpected::Signed(value), &self))?;
        Ok(Range::only(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut ends: A) -> Result<Range, A::Error> {
        let wrong = |length| de::Error::invalid_length(length, &"two ends, such as `[3, 5]`");
        let min: u64 = ends.next_element()?.ok_or_else(|| wrong(0))?;
        let max: u64 = ends.next_element()?.ok_or_else(|| wrong(1))?;
        if ends.next_element::<u64>()?.is_some() {
            return Err(wrong(3));
        }
        if max < min {
            let problem = format!("the range [{min}, {max}] is empty: write [{max}, {min}]");
            return Err(de::Error::custom(problem));
        }
        Ok(Range { min, max })
    }
}

impl JsonSchema for Range {
    fn schema_name() -> Cow<'static, str> {
        "Range".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let end = json_schema!({ "type": "integer", "minimum": 0 });
        json_schema!({
            "description": "An integer, such as 3, or a closed range, such as [3, 5].",
            "oneOf": [end, { "type": "array", "items": end, "minItems": 2, "maxItems": 2 }],
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_read_back_what_they_write() {
        for (text, min, max) in [("3", 3, 3), ("[3,5]", 3, 5), ("0", 0, 0), ("[0,9]", 0, 9)] {
            let range: Range = serde_json::from_str(text).expect(text);
            assert_eq!(range, Range { min, max }, "{text}");
            assert_eq!(serde_json::to_string(&range).expect(text), text);
        }
        let one: Range = serde_json::from_str("[4,4]").expect("a range of one");
        assert_eq!(serde_json::to_string(&one).expect("a range"), "4");
    }

    #[test]
    fn what_is_no_range_is_refused_with_advice() {
        for (text, advice) in [
            ("[5,3]", "the range [5, 3] is empty: write [3, 5]"),
            ("-1", "expected an integer from 0, such as `3`"),
            ("\"3\"", "expected an integer from 0, such as `3`"),
            ("[]", "expected two ends, such as `[3, 5]`"),
            ("[3]", "expected two ends, such as `[3, 5]`"),
            ("[3,4,5]", "expected two ends, such as `[3, 5]`"),
        ] {
            let error = serde_json::from_str::<Range>(text).expect_err(text).to_string();
            assert!(error.contains(advice), "{text}: {error}");
        }
    }

    #[test]
    fn a_range_holds_both_its_ends() {
        let range = Range { min: 3, max: 5 };
        let inside: Vec<u64> = (0..9).filter(|value| range.contains(*value)).collect();
        assert_eq!(inside, [3, 4, 5]);
    }
}
