//! What a protocol offers beyond running: parameters that files can set, and planted flaws.
//!
//! A *flaw* is a named bug, of a kind that real implementations had, that a parameter switches on.
//! It exists to prove that the checkers and the searches have teeth. Each protocol declares its
//! flaws in `flaws.rs`, and keeps what they do in its folder of *rules*: a rule is a method that
//! says what the paper demands, and what the flaw makes of it. The handlers ask the rule and never
//! see a flaw.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt::Debug;

use byzsim_core::{Committee, NodeId, Protocol, Recorder, Span};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{DeserializeOwned, Error as _};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A protocol that scenarios can name.
pub trait Catalogued:
    Protocol<
        Msg: Clone,
        Params: Serialize + DeserializeOwned + JsonSchema + Default + Send + Sync,
        Replica: Debug,
        Client: Debug,
    >
{
    /// Parameters for short runs, so that these go through every part of the protocol: checkpoints
    /// after a few requests, for instance. The tests that every protocol must pass use them.
    fn small() -> Self::Params {
        Self::Params::default()
    }

    /// The flaws that can be planted, in the order of the catalogue.
    fn flaws() -> Vec<FlawEntry> {
        Vec::new()
    }

    /// Plants the flaw of this name.
    ///
    /// # Errors
    /// If the protocol has no such flaw: the names that it has.
    fn plant(_: &mut Self::Params, flaw: &str) -> Result<(), String> {
        Err(format!("unknown flaw `{flaw}`: {} has none", Self::NAME))
    }

    /// Whether the parameters make sense for this committee.
    ///
    /// # Errors
    /// What is wrong, and what would be right.
    fn check(_: &Self::Params, _: Committee) -> Result<(), String> {
        Ok(())
    }

    /// Names what was left out of checked parameters, where that means something else than its
    /// absence says.
    fn complete(_: &mut Self::Params) {}

    /// Whether the protocol's paper claims safety for this committee and these parameters: enough
    /// replicas, and quorums that intersect as they must.
    fn within_model(params: &Self::Params, committee: Committee) -> bool {
        Self::resilience(committee, params).replicas_min <= u32::from(committee.replicas)
    }

    /// The timeout on which the protocol's other times depend: the measure of what generators of
    /// faults draw.
    fn base_timeout(_: &Self::Params) -> Span {
        Span::from_millis(500)
    }

    /// What follows a run that lost a completed operation, and tells how it did. None if the
    /// protocol tells no ways apart.
    fn diagnosis(_: Committee, _: &[NodeId]) -> Option<Box<dyn Diagnosis>> {
        None
    }
}

/// A recorder that tells, after a run, how the run lost what a client had completed.
pub trait Diagnosis: Recorder {
    /// How; none if it lost nothing.
    fn loss(&self) -> Option<Loss>;
}

/// How a run lost what a client had completed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Loss {
    /// The mechanism, in a few words that name no nodes and no numbers: runs with the same one show
    /// the same bug.
    pub mechanism: &'static str,
    /// What was lost, where, and on whose word.
    pub detail: String,
}

/// The greatest count that a parameter may be: beyond any run, and safe to reckon with.
const COUNT_MAX: u64 = 1 << 32;

/// Whether a count is small enough.
pub(crate) fn check_count(name: &str, count: u64) -> Result<(), String> {
    if COUNT_MAX < count {
        return Err(format!("`{name}` is {count}: use {COUNT_MAX} or less"));
    }
    Ok(())
}

/// Whether counts of slots are small enough, and the checkpoint interval is one.
pub(crate) fn check_counts(interval: u64, others: &[(&str, u64)]) -> Result<(), String> {
    for (name, count) in [("checkpoint-interval", interval)].iter().chain(others) {
        check_count(name, *count)?;
    }
    if interval == 0 {
        return Err("`checkpoint-interval` is 0: use 1 or more".to_owned());
    }
    Ok(())
}

/// Whether all timeouts let time pass.
///
/// # Errors
/// Which one does not.
pub fn check_times(times: &[(&str, Span)]) -> Result<(), String> {
    match times.iter().find(|(_, span)| *span == Span::ZERO) {
        Some((name, _)) => {
            Err(format!("`{name}` is 0s: with such a timer, time would stand still"))
        }
        None => Ok(()),
    }
}

/// A planted flaw, as catalogues and scenario files know it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FlawEntry {
    /// The name: the number in the catalogue, and a word or two.
    pub name: &'static str,
    /// What the flawed rule does, in a sentence.
    pub about: &'static str,
    /// The property that falls.
    pub violates: &'static str,
}

/// The enum of a protocol's flaws.
pub trait Flaw: Copy + Ord + Debug + Send + Sync + 'static {
    /// All of them, in the order of the catalogue.
    const ALL: &'static [(Self, FlawEntry)];

    /// Their entries, in the order of the catalogue.
    fn entries() -> impl Iterator<Item = FlawEntry> {
        Self::ALL.iter().map(|(_, entry)| *entry)
    }
}

/// Declares the flaws of a protocol: of each the variant, the name, the property that falls, and
/// what the flawed rule does.
#[macro_export]
macro_rules! flaws {
    ($(#[$meta:meta])* pub enum $flaws:ident;
     $($flaw:ident: $name:literal breaks $violates:literal, $about:literal;)*) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum $flaws {
            $(#[doc = $name] $flaw,)*
        }

        impl $crate::catalogue::Flaw for $flaws {
            const ALL: &'static [(Self, $crate::catalogue::FlawEntry)] = &[$((
                Self::$flaw,
                $crate::catalogue::FlawEntry {
                    name: $name,
                    about: $about,
                    violates: $violates,
                },
            ),)*];
        }
    };
}
pub use flaws;

/// A set of planted flaws. Reads and prints as a list of names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flaws<F>(BTreeSet<F>);

impl<F> Default for Flaws<F> {
    fn default() -> Self {
        Self(BTreeSet::new())
    }
}

impl<F: Flaw> Flaws<F> {
    /// Whether `flaw` is planted.
    pub fn has(&self, flaw: F) -> bool {
        !self.0.is_empty() && self.0.contains(&flaw)
    }

    /// Whether none is planted.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Plants the flaw of this name, or of this number (`P06`).
    ///
    /// # Errors
    /// If there is none: the names that there are.
    pub fn plant(&mut self, name: &str) -> Result<(), String> {
        let is_it = |entry: &FlawEntry| {
            entry.name == name || entry.name.split('-').next().is_some_and(|id| id == name)
        };
        match F::ALL.iter().find(|(_, entry)| is_it(entry)) {
            Some((flaw, _)) => {
                self.0.insert(*flaw);
                Ok(())
            }
            None => {
                let names: Vec<&str> = F::entries().map(|entry| entry.name).collect();
                Err(format!("unknown flaw `{name}`, expected one of: {}", names.join(", ")))
            }
        }
    }

    fn names(&self) -> impl Iterator<Item = &'static str> {
        F::ALL.iter().filter(|(flaw, _)| self.0.contains(flaw)).map(|(_, entry)| entry.name)
    }
}

impl<F: Flaw> Serialize for Flaws<F> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.names())
    }
}

impl<'de, F: Flaw> Deserialize<'de> for Flaws<F> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut flaws = Self::default();
        for name in Vec::<String>::deserialize(deserializer)? {
            flaws.plant(&name).map_err(D::Error::custom)?;
        }
        Ok(flaws)
    }
}

impl<F: Flaw> JsonSchema for Flaws<F> {
    fn schema_name() -> Cow<'static, str> {
        "Flaws".into()
    }
    fn inline_schema() -> bool {
        true
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let names: Vec<&str> = F::entries().map(|entry| entry.name).collect();
        json_schema!({ "type": "array", "items": { "enum": names } })
    }
}
