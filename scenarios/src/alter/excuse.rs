//! Which alterations no property could notice, and why.
//!
//! An excuse needs an argument: the altered stream is one that correct nodes can produce in a run
//! in which every property holds. Everything else that is not noticed is a miss.

use byzsim_core::Observation;

use super::change::{Change, next_of_node};
use super::fields::kind;
use super::stream::{Fact, Stream};

const FOR_READERS: &str = "for readers";
const TRUE_PROOF: &str = "a true proof";
const PROPOSAL: &str = "a proposal";
const NOT_LEARNED: &str = "not learned";
const LATER_VIEW: &str = "a later view";
const TIMERS: &str = "timers";
const CUT: &str = "cut";
const NO_ORDER: &str = "no order";
const REPLACED: &str = "replaced";
const ELSEWHERE: &str = "another view as well";
const READ: &str = "a read";

/// The excuses, each with its reason.
pub const EXCUSES: &[(&str, &str)] = &[
    (
        FOR_READERS,
        "a suspicion may be wrong, and a milestone or the words of a reason inform readers: no \
         verdict may rest on them",
    ),
    (
        TRUE_PROOF,
        "that another node holds a proof against a corrupted one, that nobody does, or that one \
         does twice, is as right as what was reported",
    ),
    (
        PROPOSAL,
        "which proposal of a faulty primary a replica accepts, and whether one arrives, is free, \
         as long as enough replicas accepted what is decided",
    ),
    (
        NOT_LEARNED,
        "a message may be late: a replica need not learn that a checkpoint is stable, that a slot \
         is decided which it does not execute, or the same a second time",
    ),
    (
        LATER_VIEW,
        "a replica may skip views: it need not ask for a view that enough others ask for, may ask \
         for any that is later than its own and not later than the one that it enters next, and \
         need not enter one in which it does nothing",
    ),
    (
        TIMERS,
        "whether a replica may give up its primary depends on its timers and on the messages that \
         it got, and no report has these: `deposition` judges it in runs, and is not asked here where it rests on timers",
    ),
    (
        CUT,
        "nothing that the node reports later depends on it: the stream is that of a run that \
         ended earlier for this node",
    ),
    (
        REPLACED,
        "the node fetched a state next, which stands for all slots: how many it undid before, and \
         whether it fetched an earlier one, makes no difference",
    ),
    (
        ELSEWHERE,
        "enough correct replicas accepted the same batch in that view, or were in it with the \
         same history: it could have been decided, or completed, there as well",
    ),
    (
        READ,
        "any correct replica in that state would have answered the read in this way, or not at all, \
         or again: it changes nothing, and enough others answered it",
    ),
    (NO_ORDER, "the two facts do not depend on each other, and could as well have come like that"),
];

/// Why no property could notice that a fact was changed like this.
pub(super) fn excuse(stream: &Stream, place: usize, change: Change) -> Option<&'static str> {
    let fact = &stream.facts[place];
    match change {
        Change::Time => None,
        Change::Swap => {
            let next = &stream.facts[next_of_node(stream, place)?];
            (!depends(&fact.what, &next.what)).then_some(NO_ORDER)
        }
        Change::Drop if is_last_of_its_part(stream, place) => Some(CUT),
        Change::Drop | Change::Move if is_not_needed(stream, place) => Some(NOT_LEARNED),
        Change::Drop | Change::Move if is_idle_view(stream, place) => Some(LATER_VIEW),
        Change::Drop | Change::Field("to") if is_replaced(stream, place) => Some(REPLACED),
        Change::Field(_) | Change::Drop | Change::Repeat | Change::Move => unspoken(fact, change),
    }
}

/// Facts of which no property speaks, or not in this respect.
fn unspoken(fact: &Fact, change: Change) -> Option<&'static str> {
    match (kind(&fact.what), change) {
        ("Reached" | "Suspected", _) | (_, Change::Field("reason")) => Some(FOR_READERS),
        ("GaveUp", _) => Some(TIMERS),
        ("Proven", Change::Drop | Change::Repeat | Change::Move) => Some(TRUE_PROOF),
        ("Committed" | "Anchored", Change::Field("view")) => Some(ELSEWHERE),
        ("Read", Change::Drop | Change::Repeat | Change::Move) => Some(READ),
        // By its votes, and by a proof from another replica.
        ("Committed", Change::Repeat) => Some(NOT_LEARNED),
        ("Accepted", Change::Field("seq" | "batch") | Change::Drop | Change::Move) => {
            Some(PROPOSAL)
        }
        ("StableCheckpoint", Change::Drop | Change::Move) => Some(NOT_LEARNED),
        ("ViewChangeStarted", Change::Drop | Change::Move | Change::Field("view")) => {
            Some(LATER_VIEW)
        }
        _ => None,
    }
}

/// Whether the order of two facts of one node means something.
fn depends(one: &Observation, other: &Observation) -> bool {
    if let (Observation::Committed { seq, .. }, Observation::Executed { seq: executed, .. }) =
        (one, other)
    {
        return seq == executed;
    }
    let (read, mark) = (
        |it: &Observation| matches!(it, Observation::Read { .. }),
        |it: &Observation| {
            matches!(it, Observation::Read { .. } | Observation::Checkpointed { .. })
        },
    );
    if read(one) && mark(other) || mark(one) && read(other) {
        // Neither changes the state.
        return false;
    }
    let parts = (part(one), part(other));
    parts.0 == parts.1 && parts.0 != Part::None
}

/// What a fact is a step of.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    None,
    Client,
    Slots,
    Views,
}

const fn part(what: &Observation) -> Part {
    match what {
        Observation::Invoked { .. }
        | Observation::Completed { .. }
        | Observation::Anchored { .. } => Part::Client,
        Observation::Executed { .. }
        | Observation::Speculated { .. }
        | Observation::RolledBack { .. }
        | Observation::Applied { .. }
        | Observation::Read { .. }
        | Observation::Checkpointed { .. }
        | Observation::Restored { .. } => Part::Slots,
        Observation::ViewChangeStarted { .. }
        | Observation::EnteredView { .. }
        | Observation::Leads { .. } => Part::Views,
        Observation::Accepted { .. }
        | Observation::Cut { .. }
        | Observation::Committed { .. }
        | Observation::StableCheckpoint { .. }
        | Observation::GaveUp { .. }
        | Observation::Suspected { .. }
        | Observation::Proven { .. }
        | Observation::Reached(_) => Part::None,
    }
}

/// Whether its node reports nothing after it that is a step of the same part of the protocol.
fn is_last_of_its_part(stream: &Stream, place: usize) -> bool {
    let fact = &stream.facts[place];
    let own = part(&fact.what);
    own != Part::None
        && !stream.facts[place + 1..].iter().any(|it| it.node == fact.node && part(&it.what) == own)
}

/// Whether it is a decision that its node does not execute, or learned another time as well.
fn is_not_needed(stream: &Stream, place: usize) -> bool {
    let Fact { node, what: Observation::Committed { seq, decided, .. }, .. } = &stream.facts[place]
    else {
        return false;
    };
    let is_own = |(_, it): &(usize, &Fact)| it.node == *node;
    let mut own = stream.facts.iter().enumerate().filter(is_own);
    let executed = own.clone().find(|(_, it)| {
        matches!(&it.what, Observation::Executed { seq: executed, .. } if executed == seq)
    });
    let Some((executed, _)) = executed else { return true };
    let is_other = |(other, it): (usize, &Fact)| {
        other != place
            && other < executed
            && matches!(&it.what, Observation::Committed { seq: slot, decided: other, .. }
                if slot == seq && other == decided)
    };
    executed < place || own.any(is_other)
}

/// Whether it is the entry into a view in which its node reports nothing that depends on the view.
fn is_idle_view(stream: &Stream, place: usize) -> bool {
    let Fact { node, what: Observation::EnteredView { view: entered }, .. } = stream.facts[place]
    else {
        return false;
    };
    let depends = |it: &&Fact| {
        it.node == node
            && matches!(
                it.what,
                Observation::Accepted { view, .. }
                    | Observation::Executed { view, .. }
                    | Observation::Speculated { view, .. }
                    | Observation::Committed { view, .. } if view == entered
            )
    };
    !stream.facts[place + 1..].iter().any(|it| depends(&it))
}

/// Whether a fetched state stands next for what it undid, or fetched.
fn is_replaced(stream: &Stream, place: usize) -> bool {
    let fact = &stream.facts[place];
    let next = stream.facts[place + 1..]
        .iter()
        .find(|it| it.node == fact.node && part(&it.what) == Part::Slots);
    matches!(fact.what, Observation::RolledBack { .. } | Observation::Restored { .. })
        && next.is_none_or(|it| matches!(it.what, Observation::Restored { .. }))
}
