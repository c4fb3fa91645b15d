//! The run: one queue of events, handed one by one to the nodes they concern.

mod clients;
mod nodes;
mod outcome;
mod setup;
mod transport;

use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;

use crate::adversary::{Adversary, Command, Control, Wake};
use crate::checkers::{Brief, Checker, PROPERTIES, Stamp};
use crate::crypto::{Keyring, Signer};
use crate::encode::Encoder;
use crate::id::{Committee, NodeId};
use crate::metrics::{CryptoCount, Metrics, Traffic};
use crate::milestones::Milestones;
use crate::node::{Input, Message, Outbox, Protocol};
use crate::queue::EventQueue;
use crate::rng::{Purpose, SimRng};
use crate::time::{Span, Time};
use crate::trace::{Recorder, Trace, TraceEvent};

pub use outcome::{Ended, Outcome, Served};
pub use setup::{CorruptedSigners, Setup};

use clients::Progress;
use nodes::{Arming, Seat};
use transport::{Flight, Held};

/// A run in the making.
pub struct Simulation<P: Protocol> {
    setup: Setup,
    signers: Vec<Rc<Signer>>,
    liveness_bound: Span,
    params: P::Params,
}

impl<P: Protocol> std::fmt::Debug for Simulation<P> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Simulation").field("setup", &self.setup).finish_non_exhaustive()
    }
}

impl<P: Protocol> Simulation<P> {
    /// Prepares a run.
    ///
    /// # Panics
    /// If the workload has not one list of operations for each client, or the committee is larger
    /// than [`Committee::REPLICAS_MAX`].
    pub fn new(setup: Setup, params: P::Params) -> Self {
        let committee = setup.committee;
        assert!(committee.replicas <= Committee::REPLICAS_MAX, "too many replicas");
        assert_eq!(setup.workload.operations.len(), usize::from(committee.clients));
        let keyring = Keyring::new(setup.crypto, committee, setup.seed);
        let signers = committee.nodes().map(|node| keyring.signer(node)).collect();
        let asynchrony = setup.network.gst.since(Time::ZERO);
        let delta = setup.network.delta;
        let liveness_bound = P::liveness_bound(committee, &params, delta, asynchrony);
        Self { setup, signers, liveness_bound, params }
    }

    /// Hands out the signers of the nodes that the adversary corrupts.
    pub fn corrupted_signers(&self, corrupted: &[NodeId]) -> CorruptedSigners {
        let committee = self.setup.committee;
        let signer = |node: &NodeId| (*node, Rc::clone(&self.signers[committee.index(*node)]));
        let by_node = corrupted.iter().map(signer).collect();
        CorruptedSigners { by_node, committee, seed: self.setup.seed }
    }

    /// Plays the run to its end.
    pub fn run<'a>(
        self,
        adversary: &'a mut dyn Adversary<P::Msg>,
        recorder: Option<&'a mut dyn Recorder>,
    ) -> Outcome {
        let mut run = Run::<P>::new(self, adversary, recorder);
        run.start();
        let ended = run.play();
        run.finish(ended)
    }
}

/// What happens next.
enum Event<P: Protocol> {
    Deliver(Flight<P::Msg>),
    Expire { node: NodeId, timer: P::Timer },
    Wake { node: NodeId, wake: Wake },
    Ask { client: NodeId },
    Alarm,
    Obey(Command),
    Overheld { key: u32, number: u64 },
}

struct Run<'a, P: Protocol> {
    setup: Setup,
    committee: Committee,
    liveness_bound: Span,
    now: Time,
    queue: EventQueue<Event<P>>,
    seats: Vec<Seat<P>>,
    signers: Vec<Rc<Signer>>,
    corrupted: Vec<bool>,
    down: Vec<bool>,
    drift_ppm: Vec<i32>,
    /// Of each node: its timers.
    timers: Vec<BTreeMap<P::Timer, Arming>>,
    adversary: &'a mut dyn Adversary<P::Msg>,
    control: Control,
    /// Messages that the adversary holds, by key; each with a number of its own.
    held: BTreeMap<u32, Vec<Held<P::Msg>>>,
    holds: u64,
    /// Messages under way to others, held ones excluded.
    in_flight: u64,
    network_key: u64,
    /// By (link, kind): how many messages were sent.
    carried: Vec<u32>,
    /// By link, for FIFO networks: when the last message arrives.
    last_arrival: Vec<Time>,
    outbox: Outbox<P::Msg, P::Timer>,
    corrupted_outbox: Outbox<P::Msg, Wake>,
    loopback: VecDeque<Rc<P::Msg>>,
    encoder: Encoder,
    progress: Vec<Progress>,
    served: Vec<Served>,
    operations: u64,
    unfinished: u64,
    next_deadline: Time,
    done_at: Option<Time>,
    trace: Trace,
    recorder: Option<&'a mut dyn Recorder>,
    metrics: Metrics,
    milestones: Milestones,
    view_max: u64,
    checkers: Vec<(&'static str, Box<dyn Checker>)>,
}

impl<'a, P: Protocol> Run<'a, P> {
    fn new(
        simulation: Simulation<P>,
        adversary: &'a mut dyn Adversary<P::Msg>,
        recorder: Option<&'a mut dyn Recorder>,
    ) -> Self {
        let Simulation { setup, signers, liveness_bound, params } = simulation;
        let committee = setup.committee;
        let nodes = committee.len();
        let mut corrupted = vec![false; nodes];
        for node in adversary.corrupted() {
            corrupted[committee.index(node)] = true;
        }
        let seat = |node: NodeId| {
            let signer = Rc::clone(&signers[committee.index(node)]);
            match node {
                _ if corrupted[committee.index(node)] => Seat::Corrupted,
                NodeId::Replica(_) => Seat::Replica(P::replica(signer, committee, &params)),
                NodeId::Client(_) => Seat::Client(P::client(signer, committee, &params)),
            }
        };
        let seats = committee.nodes().map(seat).collect();
        let brief = Brief {
            committee,
            corrupted: adversary.corrupted(),
            gst: setup.network.gst,
            liveness_bound,
            search_budget: setup.search_budget,
        };
        let kinds = P::Msg::KINDS.len();
        Self {
            committee,
            liveness_bound,
            now: Time::ZERO,
            queue: EventQueue::default(),
            seats,
            down: vec![false; nodes],
            drift_ppm: committee.nodes().map(|node| adversary.drift_ppm(node)).collect(),
            timers: (0..nodes).map(|_| BTreeMap::new()).collect(),
            control: Control::default(),
            held: BTreeMap::new(),
            holds: 0,
            in_flight: 0,
            network_key: SimRng::new(setup.seed, Purpose::Network, 0).next_u64(),
            carried: vec![0; nodes * nodes * kinds],
            last_arrival: vec![Time::ZERO; if setup.network.fifo { nodes * nodes } else { 0 }],
            outbox: Outbox::new(Time::ZERO),
            corrupted_outbox: Outbox::new(Time::ZERO),
            loopback: VecDeque::new(),
            encoder: Encoder::default(),
            progress: vec![Progress::default(); usize::from(committee.clients)],
            served: Vec::new(),
            operations: 0,
            unfinished: 0,
            next_deadline: Time::NEVER,
            done_at: None,
            trace: Trace::new(setup.with_marks),
            recorder,
            metrics: Metrics { traffic: vec![Traffic::default(); kinds], ..Metrics::default() },
            milestones: Milestones::default(),
            view_max: 0,
            checkers: PROPERTIES.iter().map(|p| (p.name, (p.checker)(&brief))).collect(),
            setup,
            signers,
            corrupted,
            adversary,
        }
    }

    fn start(&mut self) {
        for client in self.committee.client_ids() {
            if !self.corrupted[self.committee.index(client)] {
                self.operations += self.operations_of(client) as u64;
            }
        }
        self.unfinished = self.operations;
        self.call_adversary(|adversary, control| adversary.control(Time::ZERO, control));
        for node in self.committee.nodes() {
            self.handle(node, Input::Start);
        }
        for client in self.committee.client_ids() {
            if 0 < self.operations_of(client) {
                self.queue.push(Time::ZERO, Event::Ask { client });
            }
        }
        self.note_done();
    }

    fn play(&mut self) -> Ended {
        while let Some((time, event)) = self.queue.pop() {
            let end = self.end_by();
            if end < time {
                self.now = end.max(self.now);
                return if self.done_at.is_some() && self.setup.at_most != end {
                    Ended::Done
                } else if end == self.next_deadline {
                    Ended::Overdue
                } else {
                    Ended::Horizon
                };
            }
            if self.setup.events_max <= self.trace.events() {
                return Ended::EventLimit;
            }
            assert!(self.now <= time, "time runs forward");
            self.now = time;
            self.happen(event);
            if self.done_at.is_some() && self.in_flight == 0 && self.setup.at_least <= self.now {
                return Ended::Done;
            }
        }
        if self.done_at.is_some() {
            return Ended::Done;
        }
        if self.next_deadline != Time::NEVER {
            // Nothing can happen any more, and an operation waits: it will be overdue.
            self.now = self.next_deadline.max(self.now);
        }
        Ended::Quiet
    }

    /// The latest time at which the run may still go on.
    fn end_by(&self) -> Time {
        let drained = match self.done_at {
            Some(done) => self.setup.at_least.max(done + self.setup.drain),
            None => Time::NEVER,
        };
        drained.min(self.next_deadline).min(self.setup.at_most)
    }

    fn happen(&mut self, event: Event<P>) {
        match event {
            Event::Deliver(flight) => self.deliver(flight),
            Event::Expire { node, timer } => self.look_at(node, timer),
            Event::Wake { node, wake } => self.act_as(node, Input::Timer(wake)),
            Event::Ask { client } => self.ask(client),
            Event::Alarm => {
                let now = self.now;
                self.call_adversary(|adversary, control| adversary.control(now, control));
            }
            Event::Obey(command) => self.obey(command),
            Event::Overheld { key, number } => {
                let Some(flights) = self.held.get_mut(&key) else { return };
                if let Some(place) = flights.iter().position(|held| held.number == number) {
                    let flight = flights.remove(place).flight;
                    self.in_flight += 1;
                    self.deliver(flight);
                }
            }
        }
    }

    fn call_adversary(&mut self, call: impl FnOnce(&mut dyn Adversary<P::Msg>, &mut Control)) {
        let mut control = std::mem::take(&mut self.control);
        call(self.adversary, &mut control);
        for command in control.commands.drain(..) {
            match command {
                Command::Alarm(at) => self.queue.push(at.max(self.now), Event::Alarm),
                // Never in the middle of a node's handler.
                Command::Crash(_) | Command::Restart(_) | Command::Release(_) => {
                    self.queue.push(self.now, Event::Obey(command));
                }
            }
        }
        self.control = control;
    }

    fn obey(&mut self, command: Command) {
        match command {
            Command::Crash(node) => self.crash(node),
            Command::Restart(node) => self.restart(node),
            Command::Release(key) => self.release(key),
            Command::Alarm(_) => unreachable!("alarms are queued as such"),
        }
    }

    fn stamp(&self) -> Stamp {
        Stamp { time: self.now, event: self.trace.events().saturating_sub(1) }
    }

    fn record(&mut self, event: &TraceEvent<'_>) {
        if let Some(recorder) = &mut self.recorder {
            recorder.record(self.trace.events(), self.now, event);
        }
        self.trace.fold(self.now, event);
    }

    fn finish(mut self, ended: Ended) -> Outcome {
        let end = self.stamp();
        let verdicts =
            self.checkers.iter_mut().map(|(name, checker)| (*name, checker.finish(end))).collect();
        let count = |signer: &Rc<Signer>| CryptoCount {
            signed: signer.signed(),
            verified: signer.verified(),
        };
        self.metrics.crypto = self.signers.iter().map(count).collect();
        let events = self.trace.events();
        let (trace, marks) = self.trace.finish();
        Outcome {
            verdicts,
            trace,
            marks,
            events,
            end: self.now,
            ended,
            metrics: self.metrics,
            milestones: self.milestones,
            operations: self.operations,
            served: self.served,
            view_max: self.view_max,
        }
    }
}
