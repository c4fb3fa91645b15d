//! A PBFT replica: its state, one field per variable of the paper, and which handler takes what.

use std::collections::VecDeque;
use std::rc::Rc;

use byzsim_core::{
    Encode, Encoder, Message as _, Node, NodeId, Observation, Outbox, Signed, Signer, Span,
    Standing, Statement,
};

use super::Params;
use super::lag::Others;
use super::log::Log;
use super::message::{Asked, Checkpoint, Msg, NewView, Request, Seq, Status, View, ViewChange};
use super::rules::Rules;
use crate::service::Service;
use crate::shared::checkpoints::Checkpoints;
use crate::shared::early::Early;
use crate::shared::patience::Patience;
use crate::shared::quorum::vouches;
use crate::shared::status::StatusClock;
use crate::shared::waiting::Waiting;
use byzsim_core::Sorted;

pub(super) type Out = Outbox<Msg, Timer>;

/// The timers of replicas and clients.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Timer {
    /// §4.4: a backup waits in this view for a request to be executed.
    Progress(View),
    /// §4.4: a quorum asked for this view, and its NEW-VIEW is awaited.
    NewView(View),
    /// Whether anything is stuck is looked at from time to time.
    Status,
    /// §4.1: a client waits for the answer to this request.
    Retransmit(u64),
}

impl Encode for Timer {
    fn encode(&self, out: &mut Encoder) {
        match self {
            Self::Progress(view) => out.u8(0).u64(*view),
            Self::NewView(view) => out.u8(1).u64(*view),
            Self::Status => out.u8(2),
            Self::Retransmit(timestamp) => out.u8(3).u64(*timestamp),
        };
    }
}

/// A replica. All fields but `volatile` survive a crash.
#[derive(Clone, Debug)]
pub struct Replica {
    pub(super) id: NodeId,
    pub(super) signer: Rc<Signer>,
    pub(super) params: Params,
    pub(super) rules: Rules,

    /// v.
    pub(super) view: View,
    /// The view that it asks for, from its VIEW-CHANGE to the NEW-VIEW that it accepts.
    pub(super) changing: Option<View>,
    pub(super) log: Log,
    /// The next slot that it would propose, as primary.
    pub(super) next_seq: Seq,
    pub(super) service: Service,
    /// The last slot that it executed.
    pub(super) executed: Seq,

    /// h, C, the own states at h and after it, and CHECKPOINTs above h.
    pub(super) checkpoints: Checkpoints<Checkpoint, Service>,
    /// The last slot that it signed a CHECKPOINT for.
    pub(super) vouched: Seq,

    /// The last VIEW-CHANGE of each replica, its own included, in the order of arrival.
    pub(super) view_changes: Vec<Rc<Signed<ViewChange>>>,
    /// The NEW-VIEW that opened the current view; none for view 0.
    pub(super) new_view: Option<Rc<Signed<NewView>>>,

    pub(super) volatile: Volatile,
}

/// What a crash wipes out.
#[derive(Clone, Debug, Default)]
pub(super) struct Volatile {
    /// Requests received and not executed; one of them has the progress timer of the view.
    pub(super) waiting: Waiting<Rc<Signed<Request>>>,
    /// As primary: requests to propose, oldest first.
    pub(super) queue: VecDeque<Rc<Signed<Request>>>,
    /// As primary: the last timestamp of each client that was queued in this view.
    pub(super) queued: Sorted<NodeId, u64>,
    /// How long it waits for a view.
    pub(super) patience: Patience,
    /// Messages of views that it has not entered, and of its view above the window.
    pub(super) early: Early<Msg>,
    /// How far the others are, by their own word.
    pub(super) others: Others,
    /// How often it asked for the state of its stable checkpoint.
    pub(super) fetches: usize,
    /// Whether it is stuck.
    pub(super) status: StatusClock<Status>,
}

impl Replica {
    pub(super) fn new(signer: Rc<Signer>, rules: Rules, params: Params) -> Self {
        let service = Service::default();
        let genesis = rules.state_digest(&service);
        let interval = params.checkpoint_interval;
        let checkpoints = Checkpoints::new(interval, genesis, service.clone());
        Self {
            id: signer.node(),
            signer,
            params,
            rules,
            view: 0,
            changing: None,
            log: Log::default(),
            next_seq: 1,
            service,
            executed: 0,
            checkpoints,
            vouched: 0,
            view_changes: Vec::new(),
            new_view: None,
            volatile: Volatile::default(),
        }
    }

    /// Whether it takes part in its view: it has not asked for another.
    pub(super) const fn is_active(&self) -> bool {
        self.changing.is_none()
    }

    /// The view in which it takes part.
    fn active_view(&self) -> Option<View> {
        self.is_active().then_some(self.view)
    }

    pub(super) fn is_primary(&self) -> bool {
        self.rules.primary(self.view) == self.id
    }

    /// h.
    pub(super) const fn stable(&self) -> Seq {
        self.checkpoints.stable()
    }

    /// §4.3: h < n ≤ H.
    pub(super) fn in_window(&self, seq: Seq) -> bool {
        self.rules.in_window(seq, self.stable(), self.params.window)
    }

    /// Whether a statement is its signer's.
    pub(super) fn vouches<T: Statement>(&self, from: NodeId, signed: &Signed<T>) -> bool {
        vouches(&self.signer, from, signed)
    }

    /// Whether it knows of a stable checkpoint that it has not executed up to: it fetches the
    /// state.
    pub(super) const fn lacks_state(&self) -> bool {
        self.executed < self.stable()
    }

    /// The timeout of a view, doubled for each view that failed before it.
    pub(super) fn timeout(&self) -> Span {
        self.rules.timeout(self.params.view_change_timeout, &self.volatile.patience)
    }

    /// All replicas but this one.
    pub(super) fn others(&self) -> impl Iterator<Item = NodeId> + use<> {
        let me = self.id;
        self.rules.replicas().filter(move |node| *node != me)
    }
}

impl Node<Msg, Timer> for Replica {
    fn on_start(&mut self, _: &mut Out) {}

    fn on_message(&mut self, from: NodeId, msg: &Msg, out: &mut Out) {
        if from != self.id {
            self.volatile.others.hear(from, msg);
        }
        match msg {
            Msg::Request(request, Asked::InOrder) => self.on_request(from, request, out),
            Msg::Request(request, Asked::AtOnce) => self.on_read(from, request, out),
            Msg::PrePrepare(it, batch) if self.is_for_now(from, msg) => {
                self.on_pre_prepare(from, it, batch, out);
            }
            Msg::Prepare(it) if self.is_for_now(from, msg) => self.on_prepare(from, it, out),
            Msg::Commit(it) if self.is_for_now(from, msg) => self.on_commit(from, it, out),
            Msg::Checkpoint(it) => self.on_checkpoint(from, it, out),
            Msg::ViewChange(it) => self.on_view_change(from, it, out),
            Msg::NewView(it) => self.on_new_view(it, out),
            Msg::Status(it) => self.on_status(from, *it, out),
            Msg::FetchBatch(seq, digest) => self.on_fetch_batch(from, *seq, *digest, out),
            Msg::Batch(seq, batch) => self.on_batch(*seq, batch, out),
            Msg::Decided(seq, it) => self.on_decided(*seq, it, out),
            Msg::FetchState(proof) => self.on_fetch_state(from, proof, out),
            Msg::State(seq, state, proof) => self.on_state(*seq, state, proof, out),
            // Of another view, or a client's business.
            Msg::PrePrepare(..) | Msg::Prepare(_) | Msg::Commit(_) | Msg::Reply(..) => {}
        }
        self.watch(out);
    }

    fn on_timer(&mut self, timer: Timer, out: &mut Out) {
        match timer {
            Timer::Progress(view) => self.on_progress_timeout(view, out),
            Timer::NewView(view) => self.on_new_view_timeout(view, out),
            Timer::Status => self.on_status_timer(out),
            Timer::Retransmit(_) => unreachable!("a timer of clients"),
        }
        self.watch(out);
    }

    /// What the paper's replicas know after a restart is what their messages said: view, log,
    /// checkpoints, service. Requests that wait, and messages of views to come, are lost.
    fn on_restart(&mut self, out: &mut Out) {
        self.volatile = Volatile::default();
        self.await_new_view(out);
        self.ask_for_help(out);
        self.watch(out);
    }

    fn outline(&self, view: u64, out: &mut Encoder) {
        self.write_outline(view, out);
    }

    fn standing(&self, _: u64) -> Option<Standing> {
        let state = self.service.digest();
        Some(Standing { executed: self.executed, state, history: None })
    }
}

impl Replica {
    /// Whether a message of the agreement is for the view in which it takes part. One of a view to
    /// come, or of a slot above the window, is kept: its sender may have heard of the NEW-VIEW, or
    /// of the stable checkpoint, first.
    fn is_for_now(&mut self, from: NodeId, msg: &Msg) -> bool {
        let high = self.stable().saturating_add(self.params.window);
        let is_early = msg.view().is_some_and(|view| {
            self.view < view || view == self.view && msg.seq().is_some_and(|seq| high < seq)
        });
        if is_early && !from.is_client() {
            // Three messages for each slot is what a correct replica has to say in a view.
            self.volatile.early.keep(from, msg, 3 * self.params.window);
        }
        self.rules.is_of_view(msg, self.active_view())
    }

    /// Handles the messages of the view that was just entered, which came before.
    pub(super) fn catch_up(&mut self, out: &mut Out) {
        let early = self.volatile.early.take_from(self.view);
        self.handle_early(early, out);
    }

    /// Handles the messages of its view whose slots are in the window, which has just moved up.
    pub(super) fn catch_up_in_window(&mut self, out: &mut Out) {
        let (view, high) = (self.view, self.stable().saturating_add(self.params.window));
        let is_in =
            |msg: &Msg| msg.view() == Some(view) && msg.seq().is_some_and(|seq| seq <= high);
        let early = self.volatile.early.take_if(is_in);
        self.handle_early(early, out);
    }

    fn handle_early(&mut self, early: Vec<(NodeId, Msg)>, out: &mut Out) {
        for (from, msg) in early {
            out.observe(Observation::Reached("early-message"));
            self.on_message(from, &msg, out);
        }
    }
}
