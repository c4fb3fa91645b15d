//! What the tests of several parts of a server share.

use std::rc::Rc;

use byzsim_core::{Effect, Time};

use super::message::Msg;
use super::replica::Out;

/// The messages to single nodes among what a handler left.
pub(super) fn sent(out: &mut Out) -> Vec<Rc<Msg>> {
    let sent = out.drain(Time::ZERO).filter_map(|effect| match effect {
        Effect::Send(_, msg) => Some(msg),
        Effect::Broadcast(_)
        | Effect::SetTimer(..)
        | Effect::SetTimerWithin(..)
        | Effect::CancelTimer(_)
        | Effect::Observe(_) => None,
    });
    sent.collect()
}
