//! The search for offences in a transcript, for whatever the statements of a protocol are.
//!
//! It decides nothing: it proposes statements that may contradict each other, and the protocol's
//! judge, who sees only these and public keys, says whether they prove anything. Statements whose
//! signature does not verify never come in.

use std::collections::BTreeMap;

use byzsim_core::forensics::{Offence, Place};
use byzsim_core::{Evidence, Law, NodeId};

use crate::judgement::{Exhibited, offence};

/// A statement that can be filed.
pub(crate) trait Filed: Exhibited {
    /// The kind of statement, its view and its slot: two of one signer in one place may contradict
    /// each other.
    fn file(&self) -> (u8, u64, u64);
    /// What it says, for a reader.
    fn in_words(&self) -> String;
}

/// The statements of a transcript, sorted.
pub(crate) struct Docket<E> {
    filed: BTreeMap<(NodeId, (u8, u64, u64)), Vec<(E, Place)>>,
}

impl<E> Default for Docket<E> {
    fn default() -> Self {
        Self { filed: BTreeMap::new() }
    }
}

impl<E: Filed> Docket<E> {
    /// Files a statement, unless it is known already or not signed.
    pub(crate) fn add(&mut self, exhibit: E, place: Place, law: Law<'_, E::Params>) {
        let statement = exhibit.statement();
        let key = (statement.signer(), exhibit.file());
        let is_it = |known: &E| known.statement().digest() == statement.digest();
        let filed = self.filed.get(&key);
        let known = filed.is_some_and(|filed| filed.iter().any(|(known, _)| is_it(known)));
        if !known && statement.is_signed(law.keys) {
            self.filed.entry(key).or_default().push((exhibit, place));
        }
    }

    /// All statements of a kind.
    pub(crate) fn of_kind(&self, kind: u8) -> impl Iterator<Item = &E> {
        let of_kind = self.filed.iter().filter(move |((_, file), _)| file.0 == kind);
        of_kind.flat_map(|(_, filed)| filed.iter().map(|(exhibit, _)| exhibit))
    }

    /// What the judge convicts of: each statement alone, any two of one signer in one place, and
    /// any two of one signer of two kinds that `across` names. Of each culprit and rule the first.
    pub(crate) fn offences(&self, across: &[(u8, u8)], law: Law<'_, E::Params>) -> Vec<Offence> {
        let mut found: BTreeMap<(NodeId, &'static str), Offence> = BTreeMap::new();
        let mut propose = |entries: &[&(E, Place)]| {
            let exhibits: Vec<E> = entries.iter().map(|(exhibit, _)| exhibit.clone()).collect();
            let Ok((culprit, judged)) = offence(&exhibits, law) else { return };
            found.entry((culprit, judged.id)).or_insert_with(|| {
                let said = |(exhibit, place): &&(E, Place)| (exhibit.in_words(), *place);
                let statements = entries.iter().map(said).collect();
                let evidence = Evidence::new(exhibits);
                Offence { culprit, rule: judged.id, about: judged.about, evidence, statements }
            });
        };
        for filed in self.filed.values() {
            for (index, one) in filed.iter().enumerate() {
                propose(&[one]);
                filed[index + 1..].iter().for_each(|other| propose(&[one, other]));
            }
        }
        for (first, second) in across {
            for ((signer, file), filed) in &self.filed {
                if file.0 != *first {
                    continue;
                }
                let others = (*signer, (*second, 0, 0))..=(*signer, (*second, u64::MAX, u64::MAX));
                for other in self.filed.range(others).flat_map(|(_, others)| others) {
                    filed.iter().for_each(|one| propose(&[one, other]));
                }
            }
        }
        found.into_values().collect()
    }
}

/// Nodes in a row, for a reader.
pub(crate) fn listed<'a>(nodes: impl IntoIterator<Item = &'a NodeId>) -> String {
    nodes.into_iter().map(NodeId::to_string).collect::<Vec<_>>().join(" ")
}
