//! Replicated state: correct replicas that executed the same slots applied the same requests, with
//! the same answers, and hold the same state.
//!
//! A sequential model follows what the first correct replica applies in each slot, and says what
//! each answer should have been. What other correct replicas apply in the slot is compared with
//! that, request by request: the same requests on the same state give the same state. A restored
//! state is compared with the one that the model had after that slot. What a replica's digests say
//! is not believed but compared, too: at one slot equal states have equal digests, and in the whole
//! run one digest stands for one state. A read that a replica answered past the order is answered
//! by the model in the same place.
//!
//! Where replicas speculate, a slot is one after one history: after another it is another slot. So
//! slots form a tree, and the model goes from one branch to another by undoing and applying again.

use std::collections::BTreeMap;

use super::model::{Model, Undo};
use super::{Checker, Findings, Stamp, Verdict};
use crate::crypto::Digest;
use crate::history::{Answer, Operation};
use crate::id::NodeId;
use crate::observation::{Content, Observation};
use crate::sorted::Sorted;

/// A slot, and the digest of the history that ends with it where replicas speculate.
type Place = (u64, Option<Digest>);

/// A request as it was applied.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Applied {
    client: NodeId,
    timestamp: u64,
    operation: Operation,
    answer: Answer,
}

/// What the first correct replica did in a slot.
#[derive(Debug)]
struct Slot {
    speaker: NodeId,
    /// The place before it.
    before: Place,
    requests: Vec<Applied>,
    /// What undoes them, if the model has applied them.
    undos: Vec<Undo>,
    /// The fingerprint of the state after it.
    state: u64,
    /// The digest of that state, and who said so first.
    digest: Option<(NodeId, Digest)>,
}

/// Where a replica is.
#[derive(Clone, Copy, Debug, Default)]
struct Replica {
    /// The last place that it executed, or restored.
    place: Place,
    /// Below this slot it undoes nothing any more.
    floor: u64,
    open: Option<Open>,
}

/// A slot that a replica is at.
#[derive(Clone, Copy, Debug)]
struct Open {
    /// Its number.
    slot: usize,
    /// Whether its word is the one that the others are compared with.
    leads: bool,
    /// How many requests it applied.
    count: usize,
    /// When it said so last.
    at: Stamp,
}

#[derive(Debug, Default)]
pub(super) struct ReplicatedState {
    findings: Findings,
    replicas: Sorted<NodeId, Replica>,
    slots: Slots,
    /// The state after `cursor`.
    model: Model,
    cursor: Place,
    /// Of each digest of a state: who reported it first, after which slot, and the fingerprint.
    meanings: BTreeMap<Digest, (NodeId, u64, u64)>,
}

/// What correct replicas did, slot by slot.
#[derive(Debug, Default)]
struct Slots {
    slots: Vec<Slot>,
    /// By slot: the histories that end with it, and the number of each among the slots.
    numbers: Sorted<u64, Vec<(Option<Digest>, usize)>>,
}

impl Slots {
    fn number(&self, (seq, history): Place) -> Option<usize> {
        let ends = self.numbers.get(seq)?.iter();
        ends.rev().find(|(it, _)| *it == history).map(|(_, number)| *number)
    }

    fn get(&self, place: Place) -> Option<&Slot> {
        Some(&self.slots[self.number(place)?])
    }

    fn get_mut(&mut self, place: Place) -> Option<&mut Slot> {
        let number = self.number(place)?;
        Some(&mut self.slots[number])
    }

    /// Adds the slot at a place that has none.
    fn push(&mut self, (seq, history): Place, slot: Slot) {
        self.numbers.or_default(seq).push((history, self.slots.len()));
        self.slots.push(slot);
    }
}

impl ReplicatedState {
    fn begin(&mut self, at: Stamp, node: NodeId, place: Place) {
        self.end(node);
        let replica = self.replicas.or_default(node);
        let before = std::mem::replace(&mut replica.place, place);
        let known = self.slots.number(place);
        let number = known.unwrap_or(self.slots.slots.len());
        replica.open = Some(Open { slot: number, leads: known.is_none(), count: 0, at });
        if let Some(number) = known {
            let slot = &self.slots.slots[number];
            if slot.before != before {
                let speaker = slot.speaker;
                self.findings.violate(at, "another history", || {
                    let ((seq, _), (one, _), (other, _)) = (place, before, slot.before);
                    format!(
                        "{node} executed slot s{seq} after s{one}, and {speaker} after s{other} \
                         and another history"
                    )
                });
            }
            return;
        }
        self.go_to(before);
        let state = self.model.fingerprint();
        let (requests, undos) = (Vec::new(), Vec::new());
        let slot = Slot { speaker: node, before, requests, undos, state, digest: None };
        self.slots.push(place, slot);
        self.cursor = place;
    }

    /// Has the model go to a place that correct replicas executed: up to where the ways part, and
    /// down again. Nearly always it is there.
    fn go_to(&mut self, place: Place) {
        let mut down = Vec::new();
        let mut target = place;
        while self.cursor != target {
            if target.0 <= self.cursor.0 {
                let slot = self.slots.get_mut(self.cursor).expect("the model was there");
                slot.undos.drain(..).rev().for_each(|undo| self.model.undo(undo));
                self.cursor = slot.before;
            } else {
                down.push(target);
                // What nobody executed was restored, and is a violation already.
                let Some(slot) = self.slots.get(target) else { return };
                target = slot.before;
            }
        }
        for place in down.into_iter().rev() {
            let slot = self.slots.get_mut(place).expect("it was just seen");
            for Applied { client, timestamp, operation, answer } in &slot.requests {
                let (undo, _) = self.model.apply((*client, *timestamp), operation, answer);
                slot.undos.push(undo);
            }
            self.cursor = place;
        }
    }

    fn apply(&mut self, at: Stamp, node: NodeId, (seq, applied): (u64, AppliedRef<'_>)) {
        self.findings.judge();
        let replica = self.replicas.or_default(node);
        let open = replica.open.as_mut().filter(|_| replica.place.0 == seq);
        let Some(open) = open else {
            let AppliedRef { request: (client, timestamp), .. } = applied;
            return self.findings.violate(at, "applied elsewhere", || {
                format!("{node} applied {client}#{timestamp} in slot s{seq}, which is not its slot")
            });
        };
        let slot = &mut self.slots.slots[open.slot];
        let place = open.count;
        (open.count, open.at) = (place + 1, at);
        if !open.leads {
            let first = slot.requests.get(place);
            if first.is_none_or(|first| !applied.is(first)) {
                let first = first.map_or_else(|| "nothing".to_owned(), Applied::in_words);
                let (speaker, place) = (slot.speaker, place + 1);
                self.findings.violate(at, "another request", || {
                    let own = applied.to_owned().in_words();
                    format!(
                        "in slot s{seq}, request {place}, {node} applied {own}, but {speaker} \
                         applied {first}"
                    )
                });
            }
            return;
        }
        let AppliedRef { request: (client, timestamp), operation, answer } = applied;
        let (undo, right) = self.model.apply((client, timestamp), operation, answer);
        slot.requests.push(applied.to_owned());
        slot.undos.push(undo);
        slot.state = self.model.fingerprint();
        if let Some(right) = right {
            self.findings.violate(at, "wrong answer", || {
                format!(
                    "{node} answered {client}#{timestamp} `{operation}` in slot s{seq} with \
                     {answer}, but what it applied before gives {right}"
                )
            });
        }
    }

    /// A replica answers a read from the state that it has.
    fn read(&mut self, at: Stamp, node: NodeId, (seq, read): (u64, AppliedRef<'_>)) {
        self.findings.judge();
        self.end(node);
        let place = self.replicas.or_default(node).place;
        let AppliedRef { request: (client, timestamp), operation, answer } = read;
        if place.0 != seq {
            return self.findings.violate(at, "read elsewhere", || {
                let last = place.0;
                format!(
                    "{node} answered the read {client}#{timestamp} from the state after slot \
                     s{seq}, but executed up to slot s{last}"
                )
            });
        }
        self.go_to(place);
        let right = self.model.answer(operation);
        if right != *answer {
            self.findings.violate(at, "wrong read", || {
                format!(
                    "{node} answered the read {client}#{timestamp} `{operation}` after slot s{seq} \
                     with {answer}, but what it applied gives {right}"
                )
            });
        }
    }

    /// The slot that a replica is at is over: what is missing in it?
    fn end(&mut self, node: NodeId) {
        let Some(replica) = self.replicas.get_mut(node) else { return };
        let seq = replica.place.0;
        let Some(Open { slot, leads: false, count, at }) = replica.open.take() else { return };
        let slot = &self.slots.slots[slot];
        let Some(missing) = slot.requests.get(count) else { return };
        let speaker = slot.speaker;
        self.findings.violate(at, "missing request", || {
            let missing = missing.in_words();
            format!("in slot s{seq}, {speaker} applied {missing}, but {node} did not")
        });
    }

    fn roll_back(&mut self, at: Stamp, node: NodeId, to: u64) {
        self.end(node);
        let replica = self.replicas.or_default(node);
        let (place, floor) = (replica.place, replica.floor);
        if to < floor {
            self.findings.violate(at, "undone for good", || {
                format!("{node} rolled back to s{to}, below s{floor}, which is stable")
            });
        }
        if to < place.0 {
            replica.place = ancestor(&self.slots, place, to).unwrap_or((to, None));
        }
    }

    /// A replica takes over a state: it is the one that correct replicas had there.
    fn restore(
        &mut self,
        at: Stamp,
        node: NodeId,
        (place, digest): (Place, Digest),
        content: &Content,
    ) {
        self.findings.judge();
        self.end(node);
        let restored = Model::of(content);
        let state = restored.fingerprint();
        let seq = place.0;
        self.replicas.insert(node, Replica { place, floor: seq, open: None });
        let known = self.slots.get(place).map(|slot| (slot.speaker, slot.state));
        match known {
            None => self.findings.violate(at, "nobody's state", || {
                format!(
                    "{node} restored a state after slot s{seq}, which no correct replica has \
                     executed in that history"
                )
            }),
            Some((speaker, right)) if right != state => {
                self.go_to(place);
                self.findings.violate(at, "another state restored", || {
                    let what = self.model.difference(&restored);
                    format!(
                        "the state that {node} restored after slot s{seq} is not the one that \
                         {speaker} had there: {what}"
                    )
                });
            }
            Some(_) => self.compare_digest(at, node, place, digest),
        }
    }

    /// A replica says what the digest of its state after a slot is.
    fn checkpoint(&mut self, at: Stamp, node: NodeId, seq: u64, digest: Digest) {
        self.findings.judge();
        self.end(node);
        let replica = self.replicas.or_default(node);
        match ancestor(&self.slots, replica.place, seq) {
            Some(place) => self.compare_digest(at, node, place, digest),
            None => self.findings.violate(at, "nobody's checkpoint", || {
                format!("{node} took a checkpoint after slot s{seq}, whose state it has not")
            }),
        }
    }

    fn compare_digest(&mut self, at: Stamp, node: NodeId, place: Place, digest: Digest) {
        let Some(slot) = self.slots.get_mut(place) else { return };
        let (seq, state) = (place.0, slot.state);
        let (first, first_seq, meant) = *self.meanings.entry(digest).or_insert((node, seq, state));
        if meant != state {
            self.findings.violate(at, "one digest for two states", || {
                format!(
                    "the state of {node} after slot s{seq} and that of {first} after slot \
                     s{first_seq} differ, but both have the digest {digest}"
                )
            });
        }
        let (first, known) = *slot.digest.get_or_insert((node, digest));
        if known != digest {
            self.findings.violate(at, "two digests for one state", || {
                format!(
                    "after slot s{seq} {node} and {first} hold the same state, but {node} has \
                     digest {digest} for it, and {first} has {known}"
                )
            });
        }
    }
}

/// The place after slot `seq` on the way to another.
fn ancestor(slots: &Slots, mut place: Place, seq: u64) -> Option<Place> {
    while seq < place.0 {
        place = slots.get(place)?.before;
    }
    (place.0 == seq).then_some(place)
}

/// A request as a replica reports it.
#[derive(Clone, Copy)]
struct AppliedRef<'a> {
    request: (NodeId, u64),
    operation: &'a Operation,
    answer: &'a Answer,
}

impl AppliedRef<'_> {
    fn is(self, known: &Applied) -> bool {
        self.request == (known.client, known.timestamp)
            && *self.operation == known.operation
            && *self.answer == known.answer
    }

    fn to_owned(self) -> Applied {
        let (client, timestamp) = self.request;
        let (operation, answer) = (self.operation.clone(), self.answer.clone());
        Applied { client, timestamp, operation, answer }
    }
}

impl Applied {
    fn in_words(&self) -> String {
        let Self { client, timestamp, operation, answer } = self;
        format!("{client}#{timestamp} `{operation}` = {answer}")
    }
}

impl Checker for ReplicatedState {
    fn observe(&mut self, at: Stamp, node: NodeId, observation: &Observation) {
        // Behind a violation the replicas have no common state that they could be compared with.
        if self.findings.violation.is_some() {
            return;
        }
        match observation {
            Observation::Executed { seq, .. } => self.begin(at, node, (*seq, None)),
            Observation::Speculated { seq, history, .. } => {
                self.begin(at, node, (*seq, Some(*history)));
            }
            Observation::Applied { seq, client, timestamp, operation, answer } => {
                let request = (*client, *timestamp);
                self.apply(at, node, (*seq, AppliedRef { request, operation, answer }));
            }
            Observation::Read { seq, client, timestamp, operation, answer } => {
                let request = (*client, *timestamp);
                self.read(at, node, (*seq, AppliedRef { request, operation, answer }));
            }
            Observation::RolledBack { to } => self.roll_back(at, node, *to),
            Observation::Checkpointed { seq, state } => self.checkpoint(at, node, *seq, *state),
            Observation::StableCheckpoint { seq, .. } => {
                // A replica that lacks the state may have to undo what it executed below.
                let replica = self.replicas.or_default(node);
                if *seq <= replica.place.0 {
                    replica.floor = replica.floor.max(*seq);
                }
            }
            Observation::Restored { seq, state, history, content } => {
                self.restore(at, node, ((*seq, *history), *state), content);
            }
            _ => {}
        }
    }

    fn finish(&mut self, _: Stamp) -> Verdict {
        let nodes: Vec<NodeId> = self.replicas.iter().map(|(node, _)| node).collect();
        nodes.into_iter().for_each(|node| self.end(node));
        self.findings.verdict("no correct replica applied a request")
    }
}

#[cfg(test)]
mod tests;
