//! The log of a server: a snapshot, and the entries behind it.

use byzsim_core::{Digest, Encoder};

use super::message::{Index, LogEntry, Term};

/// The log. What lies up to the snapshot is committed, and gone.
#[derive(Clone, Debug, Default)]
pub(super) struct Log {
    /// The index and term of the last entry that the snapshot covers; 0 of the initial state.
    pub(super) base: (Index, Term),
    /// The entries behind it.
    pub(super) entries: Vec<LogEntry>,
    /// The digests of the log up to each of the first entries, as far as anybody asked. Of logs
    /// without a snapshot only.
    digests: Vec<Digest>,
}

impl Log {
    /// The index of the last entry.
    pub(super) const fn last_index(&self) -> Index {
        self.base.0 + self.entries.len() as u64
    }

    /// The term and index of the last entry, in the order in which logs are compared.
    pub(super) fn last(&self) -> (Term, Index) {
        let term = self.entries.last().map_or(self.base.1, LogEntry::term);
        (term, self.last_index())
    }

    /// The entry of this index; none if the snapshot covers it, or the log ends before.
    pub(super) fn get(&self, index: Index) -> Option<&LogEntry> {
        let place = index.checked_sub(self.base.0 + 1)?;
        self.entries.get(usize::try_from(place).ok()?)
    }

    /// The term of the entry of this index, if it is known.
    pub(super) fn term_at(&self, index: Index) -> Option<Term> {
        if index == self.base.0 { Some(self.base.1) } else { self.get(index).map(LogEntry::term) }
    }

    /// The first index from which on all entries up to this one have its term.
    pub(super) fn term_begins(&self, index: Index) -> Index {
        let term = self.term_at(index);
        let mut first = index;
        while self.base.0 + 1 < first && self.term_at(first - 1) == term {
            first -= 1;
        }
        first
    }

    /// Up to `most` entries behind the one of this index.
    pub(super) fn behind(&self, index: Index, most: usize) -> &[LogEntry] {
        let start = usize::try_from(index.saturating_sub(self.base.0)).unwrap_or(usize::MAX);
        let start = start.min(self.entries.len());
        &self.entries[start..self.entries.len().min(start + most)]
    }

    /// The digest of all entries up to this one, with their terms. None if there is no such entry,
    /// or a snapshot stands for some.
    pub(super) fn digest_at(&mut self, index: Index) -> Option<Digest> {
        if self.base.0 != 0 || self.last_index() < index {
            return None;
        }
        for entry in &self.entries[self.digests.len()..] {
            let before = self.digests.last().copied().unwrap_or_default();
            let chain = |out: &mut Encoder| _ = out.text("raft/log").value(&before).value(entry);
            self.digests.push(Encoder::digest_of(chain));
        }
        let place = usize::try_from(index).ok()?.checked_sub(1);
        Some(place.map_or_else(Digest::default, |place| self.digests[place]))
    }

    /// Appends an entry; its index.
    pub(super) fn push(&mut self, entry: LogEntry) -> Index {
        self.entries.push(entry);
        self.last_index()
    }

    /// Cuts the entries from this index on; whether there were any.
    pub(super) fn cut(&mut self, from: Index) -> bool {
        let keep = usize::try_from(from.saturating_sub(self.base.0 + 1)).unwrap_or(usize::MAX);
        let cuts = keep < self.entries.len();
        self.entries.truncate(keep);
        self.digests.truncate(keep);
        cuts
    }

    /// A snapshot stands for the entries up to this one, which the log holds.
    pub(super) fn compact(&mut self, to: Index) {
        let Some(term) = self.term_at(to) else { return };
        let covered = usize::try_from(to - self.base.0).expect("entries that it holds");
        self.entries.drain(..covered);
        self.digests.clear();
        self.base = (to, term);
    }

    /// A snapshot up to this entry replaces what the log holds up to it; and all of it, unless the
    /// log holds that very entry. Whether entries behind it are gone.
    pub(super) fn replace(&mut self, (index, term): (Index, Term)) -> bool {
        if self.term_at(index) == Some(term) {
            self.compact(index);
            return false;
        }
        let cuts = index < self.last_index();
        *self = Self { base: (index, term), ..Self::default() };
        cuts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log(terms: &[Term]) -> Log {
        let entries = terms.iter().map(|term| LogEntry::no_op(*term)).collect();
        Log { entries, ..Log::default() }
    }

    #[test]
    fn a_log_is_read_cut_and_compacted() {
        let mut log = log(&[1, 1, 2, 4, 4]);
        assert_eq!(log.last(), (4, 5));
        let terms = [0, 1, 3, 5, 6].map(|index| log.term_at(index));
        assert_eq!(terms, [Some(0), Some(1), Some(2), Some(4), None]);
        assert_eq!([5, 3, 2, 1].map(|index| log.term_begins(index)), [4, 3, 1, 1]);
        assert_eq!(log.behind(1, 2).iter().map(LogEntry::term).collect::<Vec<_>>(), [1, 2]);
        assert!(log.behind(5, 9).is_empty() && log.behind(99, 9).is_empty());

        log.compact(2);
        assert_eq!((log.base, log.last()), ((2, 1), (4, 5)));
        assert_eq!([1, 2, 3].map(|index| log.term_at(index)), [None, Some(1), Some(2)]);
        assert_eq!(log.term_begins(3), 3);
        log.compact(1);
        assert_eq!(log.base, (2, 1), "it has no such entry any more");

        assert!(log.cut(4) && !log.cut(4));
        assert_eq!(log.last(), (2, 3));
        assert_eq!(log.push(LogEntry::no_op(7)), 4);
        assert!(log.cut(0), "what a snapshot covers stays");
        assert_eq!(log.last(), (1, 2));
    }

    #[test]
    fn a_snapshot_keeps_the_entries_behind_one_that_it_agrees_with() {
        let mut same = log(&[1, 1, 2]);
        assert!(!same.replace((2, 1)));
        assert_eq!((same.base, same.last()), ((2, 1), (2, 3)));
        let mut other = log(&[1, 1, 2]);
        assert!(other.replace((2, 3)), "the third entry is gone");
        assert_eq!((other.base, other.last()), ((2, 3), (3, 2)));
        let mut shorter = log(&[1]);
        assert!(!shorter.replace((5, 3)));
        assert_eq!(shorter.last(), (3, 5));
    }
}
