//! A replica of linear PBFT: a replica of PBFT whose votes go to the collector of its view, and
//! which takes the collector's certificates in place of the votes of others.

use std::fmt;
use std::rc::Rc;

use byzsim_core::{
    Effect, Encode, Encoder, Message as _, Node, NodeId, Observation, Signer, Standing,
};

use super::Params;
use super::carry::{Ballot, Out, PlainEffect, PlainOut, caught, pass_on};
use super::message::{Msg, Seq, Shown, View};
use super::rules::Rules;
use crate::pbft;
use crate::shared::early::Early;
use crate::shared::status::StatusClock;

/// The timers of replicas and clients.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Timer {
    /// One of PBFT.
    Pbft(pbft::Timer),
    /// Whether nothing was executed for a while.
    Quiet,
}

impl fmt::Debug for Timer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pbft(timer) => timer.fmt(f),
            Self::Quiet => f.write_str("Quiet"),
        }
    }
}

impl Encode for Timer {
    fn encode(&self, out: &mut Encoder) {
        match self {
            Self::Pbft(timer) => out.value(timer),
            Self::Quiet => out.u8(u8::MAX),
        };
    }
}

/// A replica. All fields but `volatile` survive a crash.
#[derive(Clone, Debug)]
pub struct Replica {
    id: NodeId,
    params: Params,
    rules: Rules,
    signer: Rc<Signer>,
    /// The replica of PBFT.
    pbft: pbft::Replica,
    volatile: Volatile,
}

/// What a crash wipes out, besides what it wipes out of the replica of PBFT.
#[derive(Clone, Debug, Default)]
struct Volatile {
    /// Certificates of views that it has not entered, and of its view above the window.
    early: Early<Shown>,
    /// The last slot that it executed when all others were told of that.
    told: Seq,
    /// Whether it has executed nothing for a while.
    quiet: StatusClock<Seq>,
}

impl Replica {
    pub(super) fn new(
        signer: Rc<Signer>,
        rules: Rules,
        params: Params,
        pbft: pbft::Replica,
    ) -> Self {
        let (id, volatile) = (signer.node(), Volatile::default());
        Self { id, params, rules, signer, pbft, volatile }
    }

    /// Whether it collects the votes of a view: its own one.
    fn collects(&self, view: View) -> bool {
        view == self.pbft.view() && self.rules.collector(view) == self.id
    }

    /// All replicas but this one.
    fn others(&self) -> impl Iterator<Item = NodeId> + use<> {
        let me = self.id;
        self.rules.replicas().filter(move |node| *node != me)
    }

    /// Lets the replica of PBFT act, and sends its votes where they go.
    fn act(&mut self, out: &mut Out, act: impl FnOnce(&mut pbft::Replica, &mut PlainOut)) {
        let before = (self.pbft.view(), self.pbft.last_stable());
        let effects = caught(out.now(), |plain| act(&mut self.pbft, plain));
        for effect in effects {
            self.carry_out(effect, out);
        }
        self.catch_up(before, out);
    }

    /// A vote goes to the collector only. The collector's own COMMIT says that a batch is prepared:
    /// to others it shows the certificate instead. What it committed it shows as well.
    fn carry_out(&mut self, effect: PlainEffect, out: &mut Out) {
        match &effect {
            Effect::Broadcast(msg) => match Ballot::of(msg) {
                Some(Ballot { view, seq, is_commit: true }) if self.collects(view) => {
                    out.send(self.id, Msg::Pbft(Rc::clone(msg)));
                    self.show_prepares(seq, self.others(), out);
                }
                Some(ballot) => self.vote(ballot, msg, out),
                None => pass_on(effect, out),
            },
            Effect::Send(to, msg) => match Ballot::of(msg) {
                Some(Ballot { view, seq, is_commit: true }) if self.collects(view) => {
                    self.show_prepares(seq, [*to].into_iter(), out);
                }
                // Said again to everybody, as in PBFT: only the collector counts it.
                Some(Ballot { view, .. }) if self.rules.collector(view) != *to => {}
                Some(_) | None => pass_on(effect, out),
            },
            Effect::Observe(Observation::Committed { view, seq, .. }) => {
                let (view, seq) = (*view, *seq);
                pass_on(effect, out);
                if self.collects(view) {
                    self.show_commits(seq, out);
                }
            }
            Effect::SetTimer(..)
            | Effect::SetTimerWithin(..)
            | Effect::CancelTimer(_)
            | Effect::Observe(_) => pass_on(effect, out),
        }
    }

    /// Casts a vote: it counts it itself, and the collector of its view does.
    fn vote(&self, ballot: Ballot, msg: &Rc<pbft::Msg>, out: &mut Out) {
        out.send(self.id, Msg::Pbft(Rc::clone(msg)));
        let collector = self.rules.collector(ballot.view);
        if collector != self.id {
            out.send(collector, Msg::Pbft(Rc::clone(msg)));
        }
    }

    fn show_prepares(&mut self, seq: Seq, to: impl Iterator<Item = NodeId>, out: &mut Out) {
        if let Some(votes) = self.pbft.collect_prepares(seq, self.params.certificates) {
            out.send_each(to, Msg::Shown(Shown::PrepareCert(votes)));
        }
    }

    fn show_commits(&mut self, seq: Seq, out: &mut Out) {
        if let Some(votes) = self.pbft.collect_commits(seq, self.params.certificates) {
            out.send_each(self.others(), Msg::Shown(Shown::CommitCert(votes)));
        }
    }

    /// A certificate of its view and window counts for what the votes in it would. It proves
    /// itself, whoever sends it. An early one is kept, as PBFT keeps early votes.
    fn on_certificate(&mut self, from: NodeId, shown: &Shown, out: &mut Out) {
        let (Some(view), Some(seq)) = (shown.view(), shown.seq()) else { return };
        if self.pbft.will_take_votes_on(view, seq) && !from.is_client() {
            // Two certificates for each slot is what a collector has to show in a view.
            self.volatile.early.keep(from, shown, 2 * self.params.window);
        }
        if !self.pbft.takes_votes_on(view, seq) {
            return;
        }
        match shown {
            Shown::PrepareCert(votes) => {
                if self.pbft.lacks_prepares(seq) && self.rules.proves_prepared(votes, &self.signer)
                {
                    let votes = votes.clone();
                    self.act(out, |pbft, out| pbft.take_prepares(seq, votes, out));
                }
            }
            Shown::CommitCert(votes) => {
                if self.pbft.lacks_commits(seq) && self.rules.proves_committed(votes, &self.signer)
                {
                    let votes = votes.clone();
                    self.act(out, |pbft, out| pbft.take_commits(seq, votes, out));
                }
            }
        }
    }

    /// Takes the certificates that came early, if it has entered a view or its window has moved.
    fn catch_up(&mut self, before: (View, Seq), out: &mut Out) {
        let (view, stable) = (self.pbft.view(), self.pbft.last_stable());
        let early = if before.0 != view {
            self.volatile.early.take_from(view)
        } else if before.1 != stable {
            let high = stable.saturating_add(self.params.window);
            self.volatile
                .early
                .take_if(|it| it.view() == Some(view) && it.seq().is_some_and(|seq| seq <= high))
        } else {
            Vec::new()
        };
        for (from, shown) in early {
            out.observe(Observation::Reached("early-certificate"));
            self.on_certificate(from, &shown, out);
        }
    }

    /// Where votes go to everybody, who was passed over hears of a slot by them. Here nobody but
    /// the collector speaks to it, and a corrupted one may not. So who executed something, and then
    /// nothing for a while, tells the others how far it came, once. What a stable checkpoint covers
    /// all know of.
    fn watch(&mut self, out: &mut Out) {
        let executed = self.pbft.executed();
        let Volatile { told, quiet, .. } = &mut self.volatile;
        *told = self.pbft.last_stable().max(*told);
        if self.params.tells_progress && *told < executed && quiet.arm(executed) {
            out.set_timer(Timer::Quiet, self.params.status_interval);
        }
    }

    fn on_quiet_timer(&mut self, out: &mut Out) {
        let executed = self.pbft.executed();
        if self.volatile.quiet.expires(&executed) && self.volatile.told < executed {
            self.volatile.told = executed;
            self.act(out, |pbft, out| pbft.tell_progress(out));
        }
    }
}

impl Node<Msg, Timer> for Replica {
    fn on_start(&mut self, out: &mut Out) {
        self.act(out, |pbft, out| pbft.on_start(out));
    }

    fn on_message(&mut self, from: NodeId, msg: &Msg, out: &mut Out) {
        match msg {
            Msg::Pbft(msg) => self.act(out, |pbft, out| pbft.on_message(from, msg, out)),
            Msg::Shown(shown) => self.on_certificate(from, shown, out),
        }
        self.watch(out);
    }

    fn on_timer(&mut self, timer: Timer, out: &mut Out) {
        match timer {
            Timer::Pbft(timer) => self.act(out, |pbft, out| pbft.on_timer(timer, out)),
            Timer::Quiet => self.on_quiet_timer(out),
        }
        self.watch(out);
    }

    /// As in PBFT; it says how far it came anyway. Certificates of views to come are lost.
    fn on_restart(&mut self, out: &mut Out) {
        self.volatile = Volatile { told: self.pbft.executed(), ..Volatile::default() };
        self.act(out, |pbft, out| pbft.on_restart(out));
        self.watch(out);
    }

    fn outline(&self, view: u64, out: &mut Encoder) {
        self.pbft.outline(view, out);
        self.pbft.write_collected(out);
    }

    fn standing(&self, seq: u64) -> Option<Standing> {
        self.pbft.standing(seq)
    }
}

#[cfg(test)]
mod tests;
