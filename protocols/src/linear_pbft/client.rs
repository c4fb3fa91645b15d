//! A client of linear PBFT: it does what a client of PBFT does.

use byzsim_core::{ClientNode, Encoder, Node, NodeId, Operation};

use super::carry::{Out, PlainOut, caught, pass_on};
use super::message::Msg;
use super::replica::Timer;
use crate::pbft;

/// A client.
#[derive(Debug)]
pub struct Client {
    pbft: pbft::Client,
}

impl Client {
    pub(super) const fn new(pbft: pbft::Client) -> Self {
        Self { pbft }
    }

    fn act(&mut self, out: &mut Out, act: impl FnOnce(&mut pbft::Client, &mut PlainOut)) {
        for effect in caught(out.now(), |plain| act(&mut self.pbft, plain)) {
            pass_on(effect, out);
        }
    }
}

impl Node<Msg, Timer> for Client {
    fn on_start(&mut self, out: &mut Out) {
        self.act(out, |pbft, out| pbft.on_start(out));
    }

    fn on_message(&mut self, from: NodeId, msg: &Msg, out: &mut Out) {
        match msg {
            Msg::Pbft(msg) => self.act(out, |pbft, out| pbft.on_message(from, msg, out)),
            // The business of replicas.
            Msg::Shown(_) => {}
        }
    }

    fn on_timer(&mut self, timer: Timer, out: &mut Out) {
        match timer {
            Timer::Pbft(timer) => self.act(out, |pbft, out| pbft.on_timer(timer, out)),
            Timer::Quiet => unreachable!("a timer of replicas"),
        }
    }

    fn on_restart(&mut self, out: &mut Out) {
        self.act(out, |pbft, out| pbft.on_restart(out));
    }

    fn outline(&self, view: u64, out: &mut Encoder) {
        self.pbft.outline(view, out);
    }
}

impl ClientNode<Msg, Timer> for Client {
    fn on_operation(&mut self, operation: &Operation, out: &mut Out) {
        self.act(out, |pbft, out| pbft.on_operation(operation, out));
    }
}
