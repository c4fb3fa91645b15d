//! The committed order of requests, as the correct replicas reported it.
//!
//! Whether the others applied the same is judged elsewhere (`replicated_state`), so the first
//! correct replica that applies a slot determines it here. If that one starts over from a state
//! that it fetched, what it applies then counts. Speculative executions may differ and be rolled
//! back. They are therefore recorded for each replica, and at the end those of the highest view
//! count. Where these differ, because a faulty primary told replicas different things, what most of
//! them executed counts. Everything that completed in that view is part of it: a completion takes
//! 2f + 1 replicas, of which f + 1 are correct, so at most f correct replicas executed something
//! else, however far the primary led them.
//!
//! A slot that is undone may still be committed: a replica that learns of a stable checkpoint ahead
//! of it fetches the state, and drops what it executed itself. If all correct replicas do that one
//! after the other, none of them has the slot any more. But one of them committed its history, so
//! the slot is what was undone after that same history.

use std::cell::{Ref, RefCell};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use crate::crypto::Digest;
use crate::history::Operation;
use crate::id::NodeId;
use crate::observation::{Decided, Observation};
use crate::sorted::Sorted;

/// One request in the committed order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) client: NodeId,
    pub(super) timestamp: u64,
    pub(super) operation: Operation,
}

/// A slot of the order.
#[derive(Debug)]
struct Slot {
    /// The replica that determines it.
    speaker: NodeId,
    /// The digest of the history that ends with it, where replicas speculate.
    history: Digest,
    entries: Vec<Entry>,
}

type Slots = BTreeMap<u64, Slot>;

/// A checker's view of the log of its run. Several checkers ask it, and all are shown the same:
/// what one of them has told the log it need not hear from the others.
#[derive(Clone, Debug, Default)]
pub(super) struct LogReader {
    log: Rc<RefCell<CommittedLog>>,
    /// How many observations its checker was shown.
    shown: u64,
}

impl LogReader {
    /// The checker is shown this.
    pub(super) fn observe(&mut self, node: NodeId, observation: &Observation) {
        self.shown += 1;
        let mut log = self.log.borrow_mut();
        if log.heard < self.shown {
            log.heard = self.shown;
            log.observe(node, observation);
        }
    }

    /// The log, when the run is over.
    pub(super) fn settled(&self) -> Ref<'_, CommittedLog> {
        self.log.borrow_mut().settle();
        self.log.borrow()
    }
}

#[derive(Debug, Default)]
pub(super) struct CommittedLog {
    /// How many observations it was told.
    heard: u64,
    decided: Sorted<u64, Slot>,
    /// Of each replica that speculates: its view, and what it executed and did not undo.
    speculated: BTreeMap<NodeId, (u64, Slots)>,
    /// What replicas executed and undid: of each time the slots, one after the other.
    undone: Vec<Slots>,
    /// The histories that replicas committed, each with the slot that it ends with; put in order
    /// when it is asked for, as most runs undo nothing.
    committed: Vec<(u64, Digest)>,
}

impl CommittedLog {
    fn observe(&mut self, node: NodeId, observation: &Observation) {
        match observation {
            Observation::Speculated { view, seq, history, .. } => {
                let (entered, slots) = self.speculated.entry(node).or_default();
                *entered = *view;
                let slot = Slot { speaker: node, history: *history, entries: Vec::new() };
                slots.insert(*seq, slot);
            }
            Observation::EnteredView { view } => {
                if let Some((entered, _)) = self.speculated.get_mut(&node) {
                    *entered = *view;
                }
            }
            Observation::RolledBack { to } => {
                if let Some((_, slots)) = self.speculated.get_mut(&node) {
                    self.undone.push(slots.split_off(&(to + 1)));
                }
            }
            Observation::Executed { seq, .. } => {
                if let Some(slot) = self.decided.get_mut(*seq).filter(|slot| slot.speaker == node) {
                    slot.entries.clear();
                }
            }
            Observation::Committed { seq, decided: Decided::History(history), .. } => {
                self.committed.push((*seq, *history));
            }
            Observation::Applied { seq, client, timestamp, operation, .. } => {
                let history = Digest::default();
                let empty = || Slot { speaker: node, history, entries: Vec::new() };
                let slot = match self.speculated.get_mut(&node) {
                    Some((_, slots)) => slots.entry(*seq).or_insert_with(empty),
                    None => self.decided.or_insert_with(*seq, empty),
                };
                if slot.speaker == node {
                    let (client, timestamp) = (*client, *timestamp);
                    let operation = operation.clone();
                    slot.entries.push(Entry { client, timestamp, operation });
                }
            }
            _ => {}
        }
    }

    /// Decides which replicas count, where they speculate. Slots that these do not know, because
    /// they fetched the state after them, are taken from the next best replicas. Nothing changes
    /// the second time.
    fn settle(&mut self) {
        let mut logs: Vec<(u64, Slots)> =
            std::mem::take(&mut self.speculated).into_values().collect();
        logs.sort_by_key(|(view, slots)| {
            Reverse((*view, slots.last_key_value().map_or(0, |(seq, _)| *seq)))
        });
        let newest = logs.first().map(|(view, _)| *view);
        let count = logs.iter().take_while(|(view, _)| Some(*view) == newest).count();
        prune(&mut logs[..count]);
        for (_, slots) in logs {
            for (seq, slot) in slots {
                self.decided.or_insert_with(seq, || slot);
            }
        }
        let committed = std::mem::take(&mut self.committed);
        if self.undone.is_empty() {
            return;
        }
        let committed: BTreeSet<(u64, Digest)> = committed.into_iter().collect();
        for slots in std::mem::take(&mut self.undone) {
            let is_committed =
                |(seq, slot): &(&u64, &Slot)| committed.contains(&(**seq, slot.history));
            let Some(last) = slots.iter().rfind(is_committed).map(|(seq, _)| *seq) else {
                continue;
            };
            for (seq, slot) in slots.into_iter().take_while(|(seq, _)| *seq <= last) {
                self.decided.or_insert_with(seq, || slot);
            }
        }
    }

    /// The requests, in their order.
    pub(super) fn entries(&self) -> impl Iterator<Item = (u64, &Entry)> {
        self.decided.iter().flat_map(|(seq, slot)| slot.entries.iter().map(move |e| (seq, e)))
    }
}

/// Removes the branches of one view that fewer replicas executed; of equal ones, the shorter.
fn prune(logs: &mut [(u64, Slots)]) {
    let seqs: BTreeSet<u64> = logs.iter().flat_map(|(_, slots)| slots.keys().copied()).collect();
    for seq in seqs {
        let said = || logs.iter().filter_map(|(_, slots)| slots.get(&seq)).map(|it| it.history);
        // Nearly always there is one branch.
        let mut all = said();
        if all.next().is_none_or(|first| all.all(|it| it == first)) {
            continue;
        }
        let count = |history: &Digest| said().filter(|it| it == history).count();
        // Of equal ones `min` takes the first, and the longest come first.
        let Some(most) = said().min_by_key(|history| Reverse(count(history))) else { continue };
        for (_, slots) in &mut *logs {
            if slots.get(&seq).is_some_and(|slot| slot.history != most) {
                slots.split_off(&seq);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Has replica `i` execute client `i`'s requests after a history of the given name.
    fn execute(log: &mut CommittedLog, i: u16, view: u64, branch: &[u8]) {
        for (seq, name) in (1..).zip(branch) {
            let (node, client) = (NodeId::Replica(i), NodeId::Client(u16::from(*name)));
            let (batch, history) = (Digest([*name; 32]), Digest([*name; 32]));
            log.observe(node, &Observation::Speculated { view, seq, batch, history });
            let operation = Operation::Get { key: "k".into() };
            let answer = crate::history::Answer::Done;
            let applied = Observation::Applied { seq, client, timestamp: 1, operation, answer };
            log.observe(node, &applied);
        }
    }

    fn settled(branches: &[(u64, &[u8])]) -> Vec<u8> {
        let mut log = CommittedLog::default();
        for (i, (view, branch)) in (0..).zip(branches) {
            execute(&mut log, i, *view, branch);
        }
        log.settle();
        let name = |entry: &Entry| match entry.client {
            NodeId::Client(name) => u8::try_from(name).expect("small"),
            NodeId::Replica(_) => panic!("a client's request"),
        };
        log.entries().map(|(_, entry)| name(entry)).collect()
    }

    #[test]
    fn a_slot_that_is_executed_again_counts_once() {
        let mut log = CommittedLog::default();
        let (view, batch, null) = (0, Digest::default(), false);
        for seq in [1, 2, 2, 3] {
            log.observe(NodeId::Replica(0), &Observation::Executed { view, seq, batch, null });
            for node in [0, 1].map(NodeId::Replica) {
                let (client, timestamp) = (NodeId::Client(0), seq);
                let operation = Operation::Get { key: "k".into() };
                let answer = crate::history::Answer::Done;
                let applied = Observation::Applied { seq, client, timestamp, operation, answer };
                log.observe(node, &applied);
            }
        }
        log.settle();
        assert_eq!(log.entries().map(|(seq, _)| seq).collect::<Vec<_>>(), [1, 2, 3]);
    }

    #[test]
    fn a_longer_branch_of_fewer_replicas_is_not_believed() {
        assert_eq!(settled(&[(1, b"axyz"), (1, b"ab"), (1, b"ab")]), b"ab");
        assert_eq!(settled(&[(1, b"axy"), (1, b"ab")]), b"axy");
        assert_eq!(settled(&[(1, b"ab"), (1, b"abc"), (1, b"a")]), b"abc");
        assert_eq!(settled(&[(2, b"ax"), (1, b"ab"), (1, b"ab")]), b"ax");
    }

    #[test]
    fn what_was_undone_counts_where_its_history_is_committed() {
        let names = |committed: Option<u8>| {
            let mut log = CommittedLog::default();
            execute(&mut log, 0, 0, b"abcd");
            log.observe(NodeId::Replica(0), &Observation::RolledBack { to: 1 });
            if let Some(name) = committed {
                let decided = Decided::History(Digest([name; 32]));
                let committed = Observation::Committed { view: 0, seq: 3, decided };
                log.observe(NodeId::Replica(1), &committed);
            }
            log.settle();
            log.entries().map(|(_, entry)| entry.client).collect::<Vec<_>>()
        };
        let clients = |names: &[u8]| -> Vec<NodeId> {
            names.iter().map(|name| NodeId::Client(u16::from(*name))).collect()
        };
        assert_eq!(names(None), clients(b"a"));
        assert_eq!(names(Some(b'x')), clients(b"a"), "another history was committed there");
        assert_eq!(names(Some(b'c')), clients(b"abc"), "and so is what it continues");
    }
}
