//! The lies that a corrupted server can tell in Raft: the one place that knows which parts of its
//! messages are worth lying about. Generic code chooses who lies, when, and to whom.

use std::rc::Rc;

use byzsim_core::field::Inventive as _;
use byzsim_core::{Lie, Signer, SimRng};

use super::message::{AppendEntries, AppendReply, LogEntry, Msg, Reply, RequestVote, Vote};
use super::seal::{Proof, Sealed};

pub(super) const LIES: &[Lie] = &[
    Lie {
        name: "other-entries",
        kind: "append-entries",
        about: "the AppendEntries carry invented requests, under the same indices and terms",
    },
    Lie {
        name: "commit-all",
        kind: "append-entries",
        about: "the AppendEntries say that all entries in them are committed",
    },
    Lie {
        name: "claim-stored",
        kind: "append-reply",
        about: "a refusal is sent as success: the entries before the hint are claimed to be stored",
    },
    Lie { name: "wrong-answer", kind: "reply", about: "the Reply carries an invented answer" },
    Lie {
        name: "claim-log",
        kind: "request-vote",
        about: "the RequestVote claims a log that ends with an entry of its own term",
    },
    Lie {
        name: "lead-unelected",
        kind: "request-vote",
        about: "instead of asking for votes, the server sends AppendEntries as leader of the term",
    },
    Lie { name: "grant-all", kind: "vote", about: "a refused vote is granted" },
];

pub(super) fn tell(msg: &Msg, lie: &str, liar: &Signer, rng: &mut SimRng) -> Option<Vec<Msg>> {
    match (lie, msg) {
        ("other-entries", Msg::AppendEntries(it, proof)) if !it.entries.is_empty() => {
            let mut other = |entry: &LogEntry| match entry.request() {
                Some(request) => LogEntry::new(entry.term(), Rc::new(request.invented(rng))),
                None => entry.clone(),
            };
            let entries = it.entries.iter().map(&mut other).collect();
            let made = AppendEntries { entries, ..AppendEntries::clone(it) };
            Some(vec![Msg::AppendEntries(it.altered(made, liar), proof.clone())])
        }
        ("commit-all", Msg::AppendEntries(it, proof)) => {
            let commit = it.prev_index.saturating_add(it.entries.len() as u64);
            let made = AppendEntries { commit, ..AppendEntries::clone(it) };
            Some(vec![Msg::AppendEntries(it.altered(made, liar), proof.clone())])
        }
        ("claim-stored", Msg::AppendReply(it)) if !it.success => {
            let index = it.index.saturating_sub(1);
            let made = AppendReply { success: true, index, ..**it };
            Some(vec![Msg::AppendReply(it.altered(made, liar))])
        }
        ("wrong-answer", Msg::Reply(it)) => {
            Some(vec![Msg::Reply(Reply { answer: it.answer.invented(rng), ..it.clone() })])
        }
        ("claim-log", Msg::RequestVote(it)) => {
            let last_index = it.last_index.saturating_add(1);
            let claimed = RequestVote { last_index, last_term: it.term, ..*it };
            Some(vec![Msg::RequestVote(claimed)])
        }
        ("lead-unelected", Msg::RequestVote(it)) => {
            let RequestVote { term, last_index: prev_index, last_term: prev_term, .. } = *it;
            let (leader, entries) = (liar.node(), vec![LogEntry::no_op(term)]);
            let made = AppendEntries { term, leader, prev_index, prev_term, entries, commit: 0 };
            // Whether entries are signed a RequestVote does not tell: one says both.
            let said =
                |signer| Msg::AppendEntries(Sealed::new(made.clone(), signer), Proof::default());
            Some(vec![said(None), said(Some(liar))])
        }
        ("grant-all", Msg::Vote(it)) if !it.granted => {
            Some(vec![Msg::Vote(it.altered(Vote { granted: true, ..**it }, liar))])
        }
        _ => None,
    }
}
