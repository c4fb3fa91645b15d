//! A Zyzzyva replica: its state, one field per variable of the paper, and which handler takes what.

use std::collections::BTreeMap;
use std::rc::Rc;

use byzsim_core::{
    Encode, Encoder, Message as _, Node, NodeId, Observation, Outbox, Signed, Signer, Standing,
};

use super::Params;
use super::history::History;
use super::message::{
    Certificate, Checkpoint, Claim, Hate, Link, Msg, NewView, OrderReq, Ordered, Past, Request,
    Seq, SpecResponse, Status, View, ViewChange, ViewConfirm,
};
use super::rules::Rules;
use super::selection::Start;
use super::state::State;
use crate::shared::checkpoints::Checkpoints;
use crate::shared::early::Early;
use crate::shared::patience::Patience;
use crate::shared::quorum::Votes;
use crate::shared::status::StatusClock;
use crate::shared::waiting::Waiting;
use byzsim_core::Sorted;

pub(super) type Out = Outbox<Msg, Timer>;

/// The timers of replicas and clients.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Timer {
    /// A backup waits in this view for the order of a request.
    Order(View),
    /// A replica waits in this view for the orders that it lacks.
    Hole(View),
    /// A quorum asked for this view, and it is not entered yet.
    NewView(View),
    /// Whether anything is stuck is looked at from time to time.
    Status,
    /// Timer 1 of a client: it waits for responses to this request.
    Responses(u64),
    /// Timer 2 of a client: it waits for LOCAL-COMMITs.
    LocalCommits(u64),
}

impl Encode for Timer {
    fn encode(&self, out: &mut Encoder) {
        match self {
            Self::Order(view) => out.u8(0).u64(*view),
            Self::Hole(view) => out.u8(1).u64(*view),
            Self::NewView(view) => out.u8(2).u64(*view),
            Self::Status => out.u8(3),
            Self::Responses(timestamp) => out.u8(4).u64(*timestamp),
            Self::LocalCommits(timestamp) => out.u8(5).u64(*timestamp),
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

    /// v: the view in which it works, or last worked.
    pub(super) view: View,
    /// The view that it is on the way to, from its VIEW-CHANGE or the NEW-VIEW that it accepts to
    /// its entry (`vc_mode`).
    pub(super) changing: Option<View>,
    /// The view in which it adopted or extended its history.
    pub(super) origin: View,
    pub(super) history: History,
    /// What the history leads to.
    pub(super) state: State,
    /// `max_n`: the last slot that it executed. Below the stable checkpoint if it lacks the state.
    pub(super) executed: Seq,
    /// `max_cc`: the certificate that it would report.
    pub(super) held: Option<Held>,

    /// The last stable checkpoint and its proof, the own states at it and at the slots that are due
    /// for one, and CHECKPOINTs above it: of each replica the one of the highest view.
    pub(super) checkpoints: Checkpoints<Checkpoint, State>,

    /// The I-HATE-THE-PRIMARY of the highest view of each replica.
    pub(super) hates: BTreeMap<NodeId, Signed<Hate>>,
    /// The last VIEW-CHANGE of each replica, its own included, in the order of arrival.
    pub(super) view_changes: Vec<Rc<Signed<ViewChange>>>,
    /// The last VIEW-CONFIRM of each replica.
    pub(super) confirms: BTreeMap<NodeId, Signed<ViewConfirm>>,
    /// The NEW-VIEW that it adopted last, and what it leads to; none for view 0.
    pub(super) adopted: Option<(Rc<Signed<NewView>>, ViewConfirm)>,
    /// The VIEW-CONFIRMs with which it entered its view; none for view 0.
    pub(super) confirmation: Vec<Signed<ViewConfirm>>,
    /// A NEW-VIEW that it cannot adopt before it has the state that it begins with.
    pub(super) pending: Option<Adoption>,
    /// The orders of its view that it executed, and that a stable checkpoint of another history or
    /// state undid. It executes nothing else in their slots in this view, and orders nothing more.
    pub(super) undone: BTreeMap<Seq, Signed<OrderReq>>,
    /// Its own VIEW-CHANGEs. See [`Past`].
    pub(super) past: Past,

    pub(super) volatile: Volatile,
}

/// A certificate that it holds.
#[derive(Clone, Debug)]
pub(super) struct Held {
    pub(super) claim: Claim,
    pub(super) certificate: Certificate,
    /// What lies between the stable checkpoint and n: it may be gone from its own history.
    pub(super) path: Vec<Link>,
}

/// What a NEW-VIEW leads to.
#[derive(Clone, Debug)]
pub(super) struct Adoption {
    pub(super) new_view: Rc<Signed<NewView>>,
    pub(super) start: Start,
    /// The proof of the stable checkpoint that it starts from.
    pub(super) proof: Vec<Signed<Checkpoint>>,
    pub(super) orders: Vec<Ordered>,
    /// 2f + 1 VIEW-CONFIRMs of it, if the others are in the view already.
    pub(super) confirmed: Vec<Signed<ViewConfirm>>,
}

/// How far the search for missing orders is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Hole {
    /// The primary was asked, for this slot first.
    AskedPrimary(Seq),
    /// All were asked, for this slot first.
    AskedAll(Seq),
}

/// A reason to believe that others are further, which proves nothing: somebody may have lied.
///
/// It is over when the others were asked and nothing came of it. After an answer that brought the
/// replica on it asks again, as there may be more to come than one answer has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Doubt {
    /// There is none.
    #[default]
    None,
    /// There is one.
    Raised,
    /// It asked the others when it was here.
    Asked(Status),
}

/// What a crash wipes out.
#[derive(Clone, Debug, Default)]
pub(super) struct Volatile {
    /// Requests received and not executed; one of them has the order timer of the view.
    pub(super) waiting: Waiting<Rc<Signed<Request>>>,
    /// Requests that came while it was in no view, to be looked at when it is in one.
    pub(super) unanswered: BTreeMap<NodeId, Rc<Signed<Request>>>,
    /// Orders of the current view that came before their turn.
    pub(super) ahead: Sorted<Seq, (Signed<OrderReq>, Rc<Signed<Request>>)>,
    pub(super) hole: Option<Hole>,
    /// Certificates of clients for slots that it has not executed, or of views that it is not in;
    /// of each client the highest.
    pub(super) commits: BTreeMap<NodeId, Rc<Vec<Signed<SpecResponse>>>>,
    /// SPEC-RESPONSEs of replicas to slots that are due for a checkpoint, of the current view.
    pub(super) responses: Sorted<Seq, Votes<SpecResponse>>,
    /// It came by evidence of the current view that contradicts its own history, and has not told
    /// the others since.
    pub(super) contradicted: bool,
    /// Whether it has reason to believe that others are further.
    pub(super) doubt: Doubt,
    /// Whom it told how far it came, and how far that was, as they said that they are further.
    pub(super) told: BTreeMap<NodeId, Status>,
    /// The two orders with which it proved a primary guilty last.
    pub(super) proven: Option<[Signed<OrderReq>; 2]>,
    /// How long it waits for a view.
    pub(super) patience: Patience,
    /// Messages of views that it has not entered.
    pub(super) early: Early<Msg>,
    /// How often it asked for the state of its stable checkpoint.
    pub(super) fetches: usize,
    /// Whether it is stuck.
    pub(super) status: StatusClock<Status>,
}

impl Replica {
    pub(super) fn new(signer: Rc<Signer>, rules: Rules, params: Params) -> Self {
        let state = State::default();
        let interval = params.checkpoint_interval;
        let checkpoints = Checkpoints::new(interval, state.digest(), state.clone());
        Self {
            id: signer.node(),
            signer,
            params,
            rules,
            view: 0,
            changing: None,
            origin: 0,
            history: History::default(),
            state,
            executed: 0,
            held: None,
            checkpoints,
            hates: BTreeMap::new(),
            view_changes: Vec::new(),
            confirms: BTreeMap::new(),
            adopted: None,
            confirmation: Vec::new(),
            pending: None,
            undone: BTreeMap::new(),
            past: Past::default(),
            volatile: Volatile::default(),
        }
    }

    /// Whether it works in its view: it is on the way to no other.
    pub(super) fn is_active(&self) -> bool {
        self.rules.works(self)
    }

    pub(super) fn is_primary(&self) -> bool {
        self.rules.primary(self.view) == self.id
    }

    /// The view that it is in, or on the way to.
    pub(super) fn goal(&self) -> View {
        self.changing.unwrap_or(self.view)
    }

    /// Whether it adopted the history of the view that it is on the way to.
    pub(super) fn has_adopted(&self) -> bool {
        self.changing.is_some() && self.adopted.as_ref().map(|(it, _)| it.view) == self.changing
    }

    /// The last stable checkpoint.
    pub(super) const fn stable(&self) -> Seq {
        self.checkpoints.stable()
    }

    /// Flow control: nothing is executed further than this.
    pub(super) const fn high(&self) -> Seq {
        self.stable() + 2 * self.params.checkpoint_interval
    }

    /// Whether it knows of a stable checkpoint that it has not executed up to: it fetches the
    /// state.
    pub(super) const fn lacks_state(&self) -> bool {
        self.executed < self.stable()
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
        match msg {
            Msg::Request(request) => self.on_request(from, request, out),
            Msg::OrderReq(it, request) if self.is_for_now(from, msg) => {
                self.on_order_req(it, request, out);
            }
            Msg::SpecResponse(it, ..) if self.is_for_now(from, msg) => {
                self.on_spec_response(from, it, out);
            }
            Msg::Commit(it) => self.on_commit(it, out),
            Msg::FillHole(view, first, last) => {
                self.on_fill_hole(from, *view, (*first, *last), out);
            }
            Msg::ConfirmReq(view, request) => self.on_confirm_req(from, *view, request, out),
            Msg::Checkpoint(it) => self.on_checkpoint(from, it, out),
            Msg::ProofOfMisbehaviour(one, other) => self.on_proof(one, other, out),
            Msg::Hate(it) => self.on_hate(from, it, out),
            Msg::ViewChange(it, _) => self.on_view_change(from, it, out),
            Msg::NewView(it) => self.on_new_view(it, out),
            Msg::ViewConfirm(it) => self.on_view_confirm(from, it, out),
            Msg::Status(it) => self.on_status(from, it, out),
            Msg::StableProof(proof) => self.on_stable_proof(proof, out),
            Msg::Opened(it, confirms) => self.on_opened(it, confirms, out),
            Msg::FetchState(proof) => self.on_fetch_state(from, proof, out),
            Msg::State(seq, state, proof) => self.on_state(*seq, state, proof, out),
            // Of another view, or a client's business.
            Msg::OrderReq(..) | Msg::SpecResponse(..) | Msg::LocalCommit(_) => {}
        }
        self.watch(out);
    }

    fn on_timer(&mut self, timer: Timer, out: &mut Out) {
        match timer {
            Timer::Order(view) => self.on_order_timeout(view, out),
            Timer::Hole(view) => self.on_hole_timeout(view, out),
            Timer::NewView(view) => self.on_new_view_timeout(view, out),
            Timer::Status => self.on_status_timer(out),
            Timer::Responses(_) | Timer::LocalCommits(_) => unreachable!("timers of clients"),
        }
        self.watch(out);
    }

    /// What a replica's messages said is on stable storage: views, history, certificate,
    /// checkpoints, state. Requests that wait, and messages before their time, are lost. So are the
    /// responses to slots that are due for a checkpoint: it says its own again, as the others might
    /// have lost theirs, too, and nobody would ever hold a certificate.
    fn on_restart(&mut self, out: &mut Out) {
        self.volatile = Volatile::default();
        self.await_new_view(out);
        if self.is_active() {
            self.announce_unproven(out);
        }
        self.volatile.doubt = Doubt::Asked(self.progress());
        self.ask_for_help(out);
        self.watch(out);
    }

    fn outline(&self, view: u64, out: &mut Encoder) {
        self.write_outline(view, out);
    }

    fn standing(&self, seq: u64) -> Option<Standing> {
        let history = Some((self.history.head(), self.history.digest(seq)));
        Some(Standing { executed: self.executed, state: self.state.digest(), history })
    }
}

impl Replica {
    /// Whether a message of the agreement is for the view in which it works. One of a view to come
    /// is kept: its sender may have heard of the VIEW-CONFIRMs first.
    pub(super) fn is_for_now(&mut self, from: NodeId, msg: &Msg) -> bool {
        if msg.view().is_some_and(|view| self.view < view) && !from.is_client() {
            let most = 4 * self.params.checkpoint_interval.min(1_000);
            self.volatile.early.keep(from, msg, most);
        }
        msg.view() == Some(self.view) && self.is_active()
    }

    /// Handles the messages of the view that was just entered, which came before.
    pub(super) fn catch_up(&mut self, out: &mut Out) {
        for (from, msg) in self.volatile.early.take_from(self.view) {
            out.observe(Observation::Reached("early-message"));
            self.on_message(from, &msg, out);
        }
    }
}
