//! What signed statements of Raft prove against their signer, where the parameters let servers
//! sign. In the paper's Raft nobody signs anything, and nothing proves anything.
//!
//! The judge shares the types of the statements with those whom it judges, and no rule. What each
//! offence rests on, in the servers' code, stands beside it. The numbers are ours.

#[cfg(test)]
mod tests;

use byzsim_core::forensics::{Case, Held};
use byzsim_core::{Digest, Signed};

use super::Params;
use super::message::{AppendEntries, Index, LogEntry, Msg, Term, Vote};
use super::seal::{Sealed, Success};
use crate::docket::{Docket, Filed};
use crate::judgement::{AnySigned, Exhibited, Found};

/// What evidence is judged by.
pub(super) type Law<'a> = byzsim_core::Law<'a, Params>;

/// A signed statement that can prove its signer guilty beside another.
#[derive(Clone, Debug)]
pub(super) enum Exhibit {
    /// The entries of a leader.
    Entries(std::rc::Rc<Signed<AppendEntries>>),
    /// An acknowledgement.
    Success(Signed<Success>),
    /// A vote.
    Vote(std::rc::Rc<Signed<Vote>>),
}

impl Exhibited for Exhibit {
    type Params = Params;

    fn statement(&self) -> &dyn AnySigned {
        match self {
            Self::Entries(it) => &**it,
            Self::Success(it) => it,
            Self::Vote(it) => &**it,
        }
    }

    fn rule(exhibits: &[Self], _: Law<'_>) -> Found {
        match exhibits {
            // A leader only appends to its log, and leads a term once: it leads none after a
            // restart.
            [Self::Entries(one), Self::Entries(other)] => contradict(one, other)
                .then_some(("E1", "sent, as leader of one term, two entries for one index")),
            // A vote is on disk before it leaves (A3).
            [Self::Vote(one), Self::Vote(other)] => {
                let both = one.granted && other.granted && one.term == other.term;
                (both && one.candidate != other.candidate)
                    .then_some(("E2", "voted for two candidates in one term"))
            }
            // A server stands by one log in a term, and has written which (`vouched`).
            [Self::Success(one), Self::Success(other)] => {
                let is_bound = one.digest != Digest::default() && other.digest != Digest::default();
                let same = (one.term, one.index) == (other.term, other.index);
                (is_bound && same && one.digest != other.digest)
                    .then_some(("E3", "acknowledged two logs for one index of one term"))
            }
            _ => None,
        }
    }
}

/// Whether two messages of one leader in one term hold different entries for one index.
fn contradict(one: &AppendEntries, other: &AppendEntries) -> bool {
    let differ = |index: Index, entry: &LogEntry| {
        entry_at(other, index)
            .is_some_and(|it| (it.term(), it.digest()) != (entry.term(), entry.digest()))
    };
    one.term == other.term
        && (one.prev_index.saturating_add(1)..)
            .zip(&one.entries)
            .any(|(index, entry)| differ(index, entry))
}

fn entry_at(it: &AppendEntries, index: Index) -> Option<&LogEntry> {
    let place = index.checked_sub(it.prev_index)?.checked_sub(1)?;
    it.entries.get(usize::try_from(place).ok()?)
}

impl Filed for Exhibit {
    fn file(&self) -> (u8, Term, Index) {
        match self {
            // The search compares messages that begin alike: a leader that keeps sending has
            // thousands.
            Self::Entries(it) => (0, it.term, it.prev_index),
            Self::Success(it) => (1, it.term, it.index),
            Self::Vote(it) => (2, it.term, 0),
        }
    }

    fn in_words(&self) -> String {
        match self {
            Self::Entries(it) => {
                let entry = |(index, entry): (Index, &LogEntry)| {
                    format!("s{index} {} of v{}", entry.digest(), entry.term())
                };
                let entries = (it.prev_index.saturating_add(1)..).zip(&it.entries).map(entry);
                format!("AppendEntries v{}: {}", it.term, entries.collect::<Vec<_>>().join(", "))
            }
            Self::Success(it) => format!("Success v{} s{} {}", it.term, it.index, it.digest),
            Self::Vote(it) => format!("Vote v{} for {}", it.term, it.candidate),
        }
    }
}

/// What the messages of a transcript prove.
pub(super) fn investigate(transcript: &[Held<Msg>], law: Law<'_>) -> Case {
    let mut docket = Docket::default();
    for Held { place, msg } in transcript {
        for exhibit in exhibits(msg) {
            docket.add(exhibit, *place, law);
        }
    }
    Case { offences: docket.offences(&[], law), ..Case::default() }
}

/// All statements in a message that can prove anything.
fn exhibits(msg: &Msg) -> Vec<Exhibit> {
    match msg {
        Msg::AppendEntries(it, proof) => {
            let entries = match it {
                Sealed::Signed(it) if !it.entries.is_empty() => Some(Exhibit::Entries(it.clone())),
                Sealed::Signed(_) | Sealed::Plain(_) => None,
            };
            entries.into_iter().chain(proof.acks().iter().cloned().map(Exhibit::Success)).collect()
        }
        Msg::AppendReply(it) => it.ack.iter().cloned().map(Exhibit::Success).collect(),
        Msg::Vote(Sealed::Signed(it)) if it.granted => vec![Exhibit::Vote(it.clone())],
        Msg::Vote(_)
        | Msg::Request(_)
        | Msg::Reply(_)
        | Msg::RequestVote(_)
        | Msg::Redirect(_)
        | Msg::InstallSnapshot(..)
        | Msg::PreVote(_)
        | Msg::PreVoteReply(_) => Vec::new(),
    }
}
