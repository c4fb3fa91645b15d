//! How a node of PBFT acts inside one of linear PBFT: what it wants done is caught, and passed on.

use std::rc::Rc;

use byzsim_core::{Effect, Outbox, Time};

use super::message::{Msg, Seq, View};
use super::replica::Timer;
use crate::pbft;

pub(super) type Out = Outbox<Msg, Timer>;
pub(super) type PlainOut = Outbox<pbft::Msg, pbft::Timer>;
pub(super) type PlainEffect = Effect<pbft::Msg, pbft::Timer>;

/// What a node of PBFT wants done when it acts.
pub(super) fn caught(now: Time, act: impl FnOnce(&mut PlainOut)) -> Vec<PlainEffect> {
    let mut plain = Outbox::new(now);
    act(&mut plain);
    plain.drain(now).collect()
}

/// Passes on what a node of PBFT wants done, as it is.
pub(super) fn pass_on(effect: PlainEffect, out: &mut Out) {
    out.push(match effect {
        Effect::Send(to, msg) => Effect::Send(to, Rc::new(Msg::Pbft(msg))),
        Effect::Broadcast(msg) => Effect::Broadcast(Rc::new(Msg::Pbft(msg))),
        Effect::SetTimer(timer, span) => Effect::SetTimer(Timer::Pbft(timer), span),
        Effect::SetTimerWithin(timer, shortest, longest) => {
            Effect::SetTimerWithin(Timer::Pbft(timer), shortest, longest)
        }
        Effect::CancelTimer(timer) => Effect::CancelTimer(Timer::Pbft(timer)),
        Effect::Observe(observation) => Effect::Observe(observation),
    });
}

/// What a message votes on, if it is a vote: a PREPARE or a COMMIT.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ballot {
    pub(super) view: View,
    pub(super) seq: Seq,
    pub(super) is_commit: bool,
}

impl Ballot {
    pub(super) fn of(msg: &pbft::Msg) -> Option<Self> {
        match msg {
            pbft::Msg::Prepare(it) => Some(Self { view: it.view, seq: it.seq, is_commit: false }),
            pbft::Msg::Commit(it) => Some(Self { view: it.view, seq: it.seq, is_commit: true }),
            pbft::Msg::Request(..)
            | pbft::Msg::PrePrepare(..)
            | pbft::Msg::Reply(..)
            | pbft::Msg::Checkpoint(_)
            | pbft::Msg::ViewChange(_)
            | pbft::Msg::NewView(_)
            | pbft::Msg::Status(_)
            | pbft::Msg::FetchBatch(..)
            | pbft::Msg::Batch(..)
            | pbft::Msg::Decided(..)
            | pbft::Msg::FetchState(_)
            | pbft::Msg::State(..) => None,
        }
    }
}
