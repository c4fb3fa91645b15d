//! Virtual time: integer nanoseconds since the start of a run.

use std::fmt;
use std::ops::{Add, AddAssign, Mul, Sub};
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// An instant of virtual time, in nanoseconds since the start of the run. Prints as `15.995ms`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Time(u64);

/// A span of virtual time, in nanoseconds. Reads and prints as `20ms`, `1.5s`, `250us`, `7ns`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span(u64);

impl Time {
    /// The start of every run.
    pub const ZERO: Self = Self(0);
    /// Later than anything that happens; the GST of a network that never becomes synchronous.
    pub const NEVER: Self = Self(u64::MAX);

    /// The instant `nanos` nanoseconds after the start.
    pub const fn from_nanos(nanos: u64) -> Self {
        Self(nanos)
    }

    /// Nanoseconds since the start.
    pub const fn nanos(self) -> u64 {
        self.0
    }

    /// How long after `earlier` this is; zero if it is not after it.
    pub const fn since(self, earlier: Self) -> Span {
        Span(self.0.saturating_sub(earlier.0))
    }
}

impl Span {
    /// No time at all.
    pub const ZERO: Self = Self(0);

    /// A span of `nanos` nanoseconds.
    pub const fn from_nanos(nanos: u64) -> Self {
        Self(nanos)
    }

    /// A span of `micros` microseconds.
    pub const fn from_micros(micros: u64) -> Self {
        Self(micros * 1_000)
    }

    /// A span of `millis` milliseconds.
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis * 1_000_000)
    }

    /// A span of `secs` seconds.
    pub const fn from_secs(secs: u64) -> Self {
        Self(secs * 1_000_000_000)
    }

    /// The span in nanoseconds.
    pub const fn nanos(self) -> u64 {
        self.0
    }

    /// The span as a clock that runs `ppm` parts per million slow (positive) or fast (negative)
    /// measures it out.
    pub fn drifted(self, ppm: i32) -> Self {
        let rate = u128::try_from(1_000_000_i64 + i64::from(ppm)).expect("drift is above -100 %");
        let nanos = u128::from(self.0) * rate / 1_000_000;
        Self(u64::try_from(nanos).unwrap_or(u64::MAX))
    }

    /// The span, `2^exponent` times; saturates.
    pub const fn doubled(self, exponent: u32) -> Self {
        if exponent < 64 { Self(self.0.saturating_mul(1 << exponent)) } else { Self(u64::MAX) }
    }
}

impl Add<Span> for Time {
    type Output = Self;
    fn add(self, span: Span) -> Self {
        Self(self.0.saturating_add(span.0))
    }
}

impl AddAssign<Span> for Time {
    fn add_assign(&mut self, span: Span) {
        *self = *self + span;
    }
}

impl Add for Span {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl Sub for Span {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

impl Mul<u64> for Span {
    type Output = Self;
    fn mul(self, times: u64) -> Self {
        Self(self.0.saturating_mul(times))
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if *self == Self::NEVER { f.pad("never") } else { Span(self.0).fmt(f) }
    }
}

impl fmt::Display for Span {
    /// Prints the whole value in the largest unit that leaves at least one digit before the point,
    /// so that what is printed can be read back without loss.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (unit, name) = match self.0 {
            0 => return f.pad("0s"),
            1_000_000_000.. => (1_000_000_000, "s"),
            1_000_000.. => (1_000_000, "ms"),
            1_000.. => (1_000, "us"),
            _ => (1, "ns"),
        };
        let (whole, rest) = (self.0 / unit, self.0 % unit);
        if rest == 0 {
            return f.pad(&format!("{whole}{name}"));
        }
        let width = unit.ilog10() as usize;
        let fraction = format!("{rest:0width$}");
        f.pad(&format!("{whole}.{}{name}", fraction.trim_end_matches('0')))
    }
}

impl FromStr for Span {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let split = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
        let (number, unit) = text.split_at(split);
        let nanos_per_unit: u64 = match unit.trim() {
            "ns" => 1,
            "us" | "µs" => 1_000,
            "ms" => 1_000_000,
            "s" => 1_000_000_000,
            "" => return Err(format!("`{text}` has no unit: write `{text}ms` or `{text}s`")),
            other => return Err(format!("unknown unit `{other}`: use ns, us, ms or s")),
        };
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        let wrong = || format!("`{text}` is not a duration: write it like `20ms` or `1.5s`");
        let whole: u64 = whole.parse().map_err(|_| wrong())?;
        let mut nanos = whole.checked_mul(nanos_per_unit).ok_or_else(wrong)?;
        let mut scale = nanos_per_unit;
        for digit in fraction.chars() {
            scale /= 10;
            let digit = u64::from(digit.to_digit(10).ok_or_else(wrong)?);
            if scale == 0 && 0 < digit {
                return Err(format!("`{text}` is finer than a nanosecond"));
            }
            nanos = nanos.checked_add(digit * scale).ok_or_else(wrong)?;
        }
        Ok(Self(nanos))
    }
}

impl FromStr for Time {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "never" {
            return Ok(Self::NEVER);
        }
        text.parse::<Span>().map(|span| Self(span.0)).map_err(|why| format!("{why}, or `never`"))
    }
}

/// Reads a value from the string that it prints as, and writes it as that string; its JSON schema
/// has this name, and describes that string.
macro_rules! serde_as_text {
    ($type:ty, $name:literal, $schema:tt) => {
        impl schemars::JsonSchema for $type {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                $name.into()
            }
            fn inline_schema() -> bool {
                true
            }
            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!($schema)
            }
        }
        impl Serialize for $type {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }
        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}
pub(crate) use serde_as_text;

serde_as_text!(Time, "Time", {
    "description": "An instant since the start of the run, such as \"1.5s\", or \"never\"",
    "type": "string",
    "pattern": r"^([0-9]+(\.[0-9]*)?\s*(ns|us|µs|ms|s)\s*|never)$",
});
serde_as_text!(Span, "Span", {
    "description": "A duration with its unit, such as \"20ms\"",
    "type": "string",
    "pattern": r"^[0-9]+(\.[0-9]*)?\s*(ns|us|µs|ms|s)\s*$",
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_read_back_what_they_print() {
        for (text, nanos) in [
            ("20ms", 20_000_000),
            ("1.5s", 1_500_000_000),
            ("15.995ms", 15_995_000),
            ("7ns", 7),
            ("0s", 0),
            ("250us", 250_000),
        ] {
            assert_eq!(text.parse(), Ok(Span(nanos)), "{text}");
            assert_eq!(Span(nanos).to_string(), text);
        }
    }

    #[test]
    fn a_span_without_a_unit_is_refused() {
        for text in ["20", "", "ms", "1.2.3s", "-5ms", "5 minutes", "0.5ns", "99999999999999s"] {
            assert!(text.parse::<Span>().is_err(), "{text}");
        }
    }

    #[test]
    fn drift_stretches_a_span() {
        assert_eq!(Span::from_millis(100).drifted(50_000), Span::from_millis(105));
        assert_eq!(Span::from_millis(100).drifted(-50_000), Span::from_millis(95));
    }
}
