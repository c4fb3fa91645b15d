//! Raft's messages, invented.

use std::rc::Rc;

use byzsim_core::{Answer, Digest, Operation, Signed, Statement};
use byzsim_protocols::raft::Msg;
use byzsim_protocols::raft::message::{
    AppendEntries, AppendReply, InstallSnapshot, LogEntry, Redirect, Reply, Request, RequestVote,
    Vote,
};
use byzsim_protocols::raft::seal::{Acked, Proof, Sealed, Success};
use byzsim_protocols::service::Service;

use super::{Inventor, Pen, keep};

/// What it heard.
#[derive(Default)]
pub(super) struct Pieces {
    requests: Vec<Rc<Request>>,
    entries: Vec<LogEntry>,
    states: Vec<Rc<Service>>,
    acks: Vec<Signed<Success>>,
}

impl Pieces {
    fn request(&self, pen: &mut Pen<'_>) -> Rc<Request> {
        pen.one(&self.requests, |pen| {
            let operation = Operation::Get { key: "k0".into() };
            Rc::new(Request { client: pen.name(), number: pen.number(), operation })
        })
    }

    fn entry(&self, pen: &mut Pen<'_>) -> LogEntry {
        let entry = pen.one(&self.entries, |pen| match pen.coin() {
            true => LogEntry::no_op(pen.number()),
            false => LogEntry::new(pen.number(), self.request(pen)),
        });
        if pen.coin() { entry } else { entry.of_term(pen.number()) }
    }

    fn candidature(pen: &mut Pen<'_>) -> RequestVote {
        let candidate = pen.name();
        let [term, last_index, last_term] = [(); 3].map(|()| pen.number());
        RequestVote { term, candidate, last_index, last_term }
    }

    fn vote(pen: &mut Pen<'_>) -> Vote {
        Vote { term: pen.number(), candidate: pen.name(), granted: pen.coin() }
    }

    /// Beside it, perhaps, a signature that it heard, or one on anything.
    fn acked(&self, pen: &mut Pen<'_>) -> Acked {
        let reply = AppendReply { term: pen.number(), success: pen.coin(), index: pen.number() };
        let ack = pen.coin().then(|| {
            let (term, index) = (reply.term, reply.index);
            pen.one(&self.acks, |pen| {
                let digest = if pen.coin() { pen.digest() } else { Digest::default() };
                pen.sign(Success { term, index, digest })
            })
        });
        Acked { reply, ack }
    }

    fn proof(&self, pen: &mut Pen<'_>) -> Proof {
        if pen.coin() { Proof::of(pen.some(&self.acks)) } else { Proof::default() }
    }

    fn append_entries(&self, pen: &mut Pen<'_>) -> AppendEntries {
        let leader = pen.name();
        let [term, prev_index, prev_term, commit] = [(); 4].map(|()| pen.number());
        let entries = (0..pen.small()).map(|_| self.entry(pen)).collect();
        AppendEntries { term, leader, prev_index, prev_term, entries, commit }
    }
}

/// Signed or not, in any name.
fn sealed<T: Statement>(body: T, pen: &mut Pen<'_>) -> Sealed<T> {
    match pen.coin() {
        true => Sealed::Plain(Rc::new(body)),
        false => Sealed::Signed(Rc::new(pen.sign(body))),
    }
}

impl Inventor<Msg> for Pieces {
    fn learn(&mut self, msg: &Msg) {
        match msg {
            Msg::Request(it) => keep(&mut self.requests, Rc::clone(it)),
            Msg::AppendEntries(it, proof) => {
                proof.acks().iter().for_each(|ack| keep(&mut self.acks, ack.clone()));
                it.entries.iter().for_each(|entry| keep(&mut self.entries, entry.clone()));
            }
            Msg::InstallSnapshot(_, state) => keep(&mut self.states, Rc::clone(state)),
            Msg::AppendReply(it) => {
                it.ack.iter().for_each(|ack| keep(&mut self.acks, ack.clone()));
            }
            Msg::Reply(_)
            | Msg::RequestVote(_)
            | Msg::Vote(_)
            | Msg::Redirect(_)
            | Msg::PreVote(_)
            | Msg::PreVoteReply(_) => {}
        }
    }

    fn invent(&self, kind: u64, pen: &mut Pen<'_>) -> Option<Msg> {
        Some(match kind {
            0 => Msg::Request(self.request(pen)),
            1 => Msg::AppendEntries(sealed(self.append_entries(pen), pen), self.proof(pen)),
            2 => Msg::AppendReply(self.acked(pen)),
            3 => Msg::Reply(Reply { number: pen.number(), answer: Answer::Done }),
            4 => Msg::RequestVote(Self::candidature(pen)),
            5 => Msg::Vote(sealed(Self::vote(pen), pen)),
            6 => Msg::Redirect(Redirect {
                number: pen.number(),
                leader: pen.coin().then(|| pen.name()),
            }),
            7 => {
                let (term, leader) = (pen.number(), pen.name());
                let (last_index, last_term) = (pen.number(), pen.number());
                let it = InstallSnapshot { term, leader, last_index, last_term };
                Msg::InstallSnapshot(it, pen.one(&self.states, |_| Rc::default()))
            }
            8 => Msg::PreVote(Self::candidature(pen)),
            9 => Msg::PreVoteReply(Self::vote(pen)),
            _ => unreachable!("Raft has ten kinds of messages"),
        })
    }
}
