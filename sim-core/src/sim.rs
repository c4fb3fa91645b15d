//! The run: one queue of events, handed one by one to the nodes they concern.

use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;

use crate::adversary::{Adversary, Command, Control, Event, Fate, Sent, Wake};
use crate::checkers::{Brief, Checker, PROPERTIES, Stamp, Verdict};
use crate::crypto::{CryptoBackend, Digest, Keyring, Signer};
use crate::encode::{Encode, Encoder};
use crate::history::Answer;
use crate::id::{Committee, NodeId};
use crate::metrics::{CryptoCount, Metrics, Traffic};
use crate::milestones::Milestones;
use crate::network::{NetworkModel, Transit};
use crate::node::{ClientNode, Effect, Kind, Message, Node, Outbox, Protocol};
use crate::observation::Observation;
use crate::queue::EventQueue;
use crate::rng::{MessageChoices, Purpose, SimRng};
use crate::time::{Span, Time};
use crate::trace::{Marks, Parcel, Recorder, Trace, TraceEvent};
use crate::workload::Workload;

/// What a run is made of, apart from the protocol's parameters and the adversary.
#[derive(Clone, Debug)]
pub struct Setup {
    /// Where all chance comes from.
    pub seed: u64,
    /// Who takes part.
    pub committee: Committee,
    /// How signatures are made. No output depends on it.
    pub crypto: CryptoBackend,
    /// The network.
    pub network: NetworkModel,
    /// What the clients ask.
    pub workload: Workload,
    /// The run goes on until then at least, even if the clients are done.
    pub at_least: Time,
    /// The run ends then at the latest.
    pub at_most: Time,
    /// When the clients are done, messages that are under way get this long to arrive.
    pub drain: Span,
    /// The run ends after so many events: a guard against protocols that spin.
    pub events_max: u64,
    /// How many steps the linearizability search may take.
    pub search_budget: u64,
    /// Whether the trace keeps marks, for comparison with another run.
    pub with_marks: bool,
}

/// Why a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// Every correct client completed its operations, and the messages under way arrived.
    Done,
    /// An operation of a correct client was overdue.
    Overdue,
    /// Nothing was left that could happen.
    Quiet,
    /// The latest end that the setup allows was reached.
    Horizon,
    /// The greatest number of events was reached.
    EventLimit,
}

/// One operation of a correct client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Served {
    /// Whose.
    pub client: NodeId,
    /// The client's number for it.
    pub timestamp: u64,
    /// When it was asked.
    pub asked: Time,
    /// When an answer was accepted, and which.
    pub completed: Option<(Time, Answer)>,
}

/// What came out of a run.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The verdict on each of [`PROPERTIES`], in their order.
    pub verdicts: Vec<(&'static str, Verdict)>,
    /// The SHA-256 hash over every event: the run's fingerprint.
    pub trace: Digest,
    /// Marks of the trace, if they were asked for.
    pub marks: Option<Marks>,
    /// How many events were folded into the trace.
    pub events: u64,
    /// When the run ended.
    pub end: Time,
    /// Why it ended.
    pub ended: Ended,
    /// What it cost.
    pub metrics: Metrics,
    /// What it reached.
    pub milestones: Milestones,
    /// The operations of the correct clients, in the order in which they were asked.
    pub served: Vec<Served>,
    /// How many operations the correct clients were to ask in all.
    pub operations: u64,
    /// The highest view that a correct replica entered.
    pub view_max: u64,
}

/// The signers of the corrupted nodes: what an adversary acts with.
#[derive(Debug)]
pub struct Cabal {
    /// By node.
    pub signers: BTreeMap<NodeId, Rc<Signer>>,
    /// Who takes part.
    pub committee: Committee,
    /// The run's seed, for streams of the adversary's own.
    pub seed: u64,
}

/// A node in its place.
enum Seat<P: Protocol> {
    Replica(P::Replica),
    Client(P::Client),
    Captive,
}

/// What happens next.
enum Action<P: Protocol> {
    Deliver(Flight<P::Msg>),
    Expire { node: NodeId, timer: P::Timer, arming: u64 },
    Wake { node: NodeId, wake: Wake },
    Ask { client: NodeId },
    Alarm,
    Obey(Command),
    Overheld { key: u32, number: u64 },
}

/// A message under way.
struct Flight<M> {
    from: NodeId,
    to: NodeId,
    msg: Rc<M>,
    kind: Kind,
    bytes: u32,
    fingerprint: u64,
}

impl<M> Clone for Flight<M> {
    fn clone(&self) -> Self {
        Self { msg: Rc::clone(&self.msg), ..*self }
    }
}

impl<M: Message> Flight<M> {
    fn parcel(&self) -> Parcel<'_> {
        Parcel {
            kind: self.kind.0,
            name: M::KINDS[usize::from(self.kind.0)],
            fingerprint: self.fingerprint,
            bytes: self.bytes,
            msg: &*self.msg,
        }
    }
}

/// A message that the adversary holds.
struct Held<M> {
    /// The how manieth hold of the run it is.
    number: u64,
    /// How many messages of its kind the link had carried before.
    count: u32,
    /// When it arrives at the latest.
    deadline: Time,
    flight: Flight<M>,
}

/// Where a client stands in its workload.
#[derive(Clone, Copy, Debug, Default)]
struct Progress {
    asked: usize,
    completed: usize,
    /// The place of the operation under way in `served`.
    open: Option<usize>,
}

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
    pub fn cabal(&self, corrupted: &[NodeId]) -> Cabal {
        let committee = self.setup.committee;
        let signer = |node: &NodeId| (*node, Rc::clone(&self.signers[committee.index(*node)]));
        let signers = corrupted.iter().map(signer).collect();
        Cabal { signers, committee, seed: self.setup.seed }
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

struct Run<'a, P: Protocol> {
    setup: Setup,
    committee: Committee,
    liveness_bound: Span,
    now: Time,
    queue: EventQueue<Action<P>>,
    seats: Vec<Seat<P>>,
    signers: Vec<Rc<Signer>>,
    corrupted: Vec<bool>,
    down: Vec<bool>,
    drift_ppm: Vec<i32>,
    /// Of each node: its armed timers, and the number of each arming.
    timers: Vec<BTreeMap<P::Timer, u64>>,
    armings: u64,
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
    captive_outbox: Outbox<P::Msg, Wake>,
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
                _ if corrupted[committee.index(node)] => Seat::Captive,
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
            armings: 0,
            control: Control::default(),
            held: BTreeMap::new(),
            holds: 0,
            in_flight: 0,
            network_key: SimRng::new(setup.seed, Purpose::Network, 0).next_u64(),
            carried: vec![0; nodes * nodes * kinds],
            last_arrival: vec![Time::ZERO; if setup.network.fifo { nodes * nodes } else { 0 }],
            outbox: Outbox::new(Time::ZERO),
            captive_outbox: Outbox::new(Time::ZERO),
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
                self.queue.push(Time::ZERO, Action::Ask { client });
            }
        }
        self.note_done();
    }

    fn operations_of(&self, client: NodeId) -> usize {
        self.setup.workload.operations[usize::from(client.number())].len()
    }

    fn play(&mut self) -> Ended {
        while let Some((time, action)) = self.queue.pop() {
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
            if self.trace.events() == self.setup.events_max {
                return Ended::EventLimit;
            }
            assert!(self.now <= time, "time runs forward");
            self.now = time;
            self.act(action);
            if self.done_at.is_some() && self.in_flight == 0 && self.setup.at_least <= self.now {
                return Ended::Done;
            }
        }
        if self.done_at.is_some() { Ended::Done } else { Ended::Quiet }
    }

    /// The latest time at which the run may still go on.
    fn end_by(&self) -> Time {
        let drained = match self.done_at {
            Some(done) => self.setup.at_least.max(done + self.setup.drain),
            None => Time::NEVER,
        };
        drained.min(self.next_deadline).min(self.setup.at_most)
    }

    fn act(&mut self, action: Action<P>) {
        match action {
            Action::Deliver(flight) => self.deliver(flight),
            Action::Expire { node, timer, arming } => {
                let place = self.committee.index(node);
                if self.timers[place].get(&timer) == Some(&arming) {
                    self.timers[place].remove(&timer);
                    self.expire(node, timer);
                }
            }
            Action::Wake { node, wake } => self.handle(node, Input::Wake(wake)),
            Action::Ask { client } => self.ask(client),
            Action::Alarm => {
                let now = self.now;
                self.call_adversary(|adversary, control| adversary.control(now, control));
            }
            Action::Obey(command) => self.obey(command),
            Action::Overheld { key, number } => {
                let Some(flights) = self.held.get_mut(&key) else { return };
                if let Some(place) = flights.iter().position(|held| held.number == number) {
                    let flight = flights.remove(place).flight;
                    self.in_flight += 1;
                    self.deliver(flight);
                }
            }
        }
    }

    fn deliver(&mut self, flight: Flight<P::Msg>) {
        self.in_flight -= 1;
        let (from, to) = (flight.from, flight.to);
        let down = self.down[self.committee.index(to)];
        let what = flight.parcel();
        if down {
            self.metrics.lost += 1;
            self.record(&TraceEvent::Lost { from, to, what });
        } else {
            self.metrics.delivered += 1;
            self.record(&TraceEvent::Delivered { from, to, what });
            self.handle(to, Input::Message(from, &flight.msg));
        }
    }

    fn expire(&mut self, node: NodeId, timer: P::Timer) {
        let mut key = std::mem::take(&mut self.encoder);
        key.clear();
        timer.encode(&mut key);
        self.record(&TraceEvent::Expired { node, key: key.bytes(), name: &timer });
        self.encoder = key;
        self.handle(node, Input::Timer(timer));
    }

    fn ask(&mut self, client: NodeId) {
        let number = usize::from(client.number());
        let place = self.progress[number].asked;
        self.progress[number].asked += 1;
        if !self.corrupted[self.committee.index(client)] {
            self.progress[number].open = Some(self.served.len());
            let timestamp = place as u64 + 1;
            self.served.push(Served { client, timestamp, asked: self.now, completed: None });
            self.note_deadline();
        }
        let operation = self.setup.workload.operations[number][place].clone();
        self.handle(client, Input::Operation(&operation));
    }

    /// Runs one handler of `node`, and then those of the messages that it sends to itself.
    fn handle(&mut self, node: NodeId, input: Input<'_, P>) {
        self.call(node, input);
        while let Some(msg) = self.loopback.pop_front() {
            self.call(node, Input::Message(node, &msg));
        }
    }

    fn call(&mut self, node: NodeId, input: Input<'_, P>) {
        let mut outbox = std::mem::replace(&mut self.outbox, Outbox::new(self.now));
        outbox.reset(self.now);
        match &mut self.seats[self.committee.index(node)] {
            Seat::Captive => return self.call_captive(node, input),
            Seat::Replica(replica) => input.give(replica, &mut outbox, |_, _, _| {
                unreachable!("operations go to clients");
            }),
            Seat::Client(client) => input.give(client, &mut outbox, |client, operation, out| {
                client.on_operation(operation, out);
            }),
        }
        for effect in outbox.drain(self.now) {
            match effect {
                Effect::Send(to, msg) if to == node => self.loopback.push_back(msg),
                Effect::Send(to, msg) => self.send(node, [to].into_iter(), &msg),
                Effect::Broadcast(msg) => {
                    let others = self.committee.replica_ids().filter(move |to| *to != node);
                    self.send(node, others, &msg);
                    if !node.is_client() {
                        self.loopback.push_back(msg);
                    }
                }
                Effect::SetTimer(timer, span) => self.arm(node, timer, span),
                Effect::CancelTimer(timer) => {
                    self.timers[self.committee.index(node)].remove(&timer);
                }
                Effect::Observe(observation) => self.observe(node, &observation),
            }
        }
        self.outbox = outbox;
    }

    fn call_captive(&mut self, node: NodeId, input: Input<'_, P>) {
        let event = match input {
            Input::Start => Event::Start,
            Input::Message(from, msg) => Event::Message(from, msg),
            Input::Wake(wake) => Event::Wake(wake),
            Input::Operation(operation) => Event::Operation(operation),
            Input::Timer(_) | Input::Restart => unreachable!("captives have wakes"),
        };
        let mut outbox = std::mem::replace(&mut self.captive_outbox, Outbox::new(self.now));
        outbox.reset(self.now);
        self.adversary.act(node, event, &mut outbox);
        for effect in outbox.drain(self.now) {
            match effect {
                // What corrupted nodes say to themselves is the adversary's own business.
                Effect::Send(to, msg) if to != node => self.send(node, [to].into_iter(), &msg),
                Effect::Send(..) | Effect::CancelTimer(_) => {}
                Effect::Broadcast(msg) => {
                    let others = self.committee.replica_ids().filter(move |to| *to != node);
                    self.send(node, others, &msg);
                }
                Effect::SetTimer(wake, span) => {
                    self.queue.push(self.now + span, Action::Wake { node, wake });
                }
                Effect::Observe(observation) => self.observe(node, &observation),
            }
        }
        self.captive_outbox = outbox;
    }

    fn arm(&mut self, node: NodeId, timer: P::Timer, span: Span) {
        let place = self.committee.index(node);
        self.armings += 1;
        self.timers[place].insert(timer.clone(), self.armings);
        let at = self.now + span.drifted(self.drift_ppm[place]);
        self.queue.push(at, Action::Expire { node, timer, arming: self.armings });
    }

    /// Puts one message on its way to each of `receivers`.
    fn send(&mut self, from: NodeId, receivers: impl Iterator<Item = NodeId>, msg: &Rc<P::Msg>) {
        self.encoder.clear();
        msg.encode(&mut self.encoder);
        let bytes = self.encoder.wire_bytes();
        let fingerprint = self.encoder.sha256().prefix();
        let kind = msg.kind();
        for to in receivers {
            let msg = Rc::clone(msg);
            self.dispatch(Flight { from, to, msg, kind, bytes, fingerprint });
        }
    }

    fn dispatch(&mut self, flight: Flight<P::Msg>) {
        let Flight { from, to, kind, .. } = flight;
        let ends @ (source, target) = (self.committee.index(from), self.committee.index(to));
        let traffic = &mut self.metrics.traffic[usize::from(kind.0)];
        traffic.bytes += u64::from(flight.bytes);
        *(if from.is_client() { &mut traffic.from_clients } else { &mut traffic.from_replicas }) +=
            1;
        let link = source * self.committee.len() + target;
        let carried = &mut self.carried[link * P::Msg::KINDS.len() + usize::from(kind.0)];
        let count = *carried;
        *carried += 1;
        let wish = self.adversary.schedule(&Sent {
            now: self.now,
            from,
            to,
            kind,
            count,
            msg: &*flight.msg,
        });
        let transit = self.transit(wish, (from, to), ends, kind, count);
        self.record(&TraceEvent::Sent { from, to, what: flight.parcel(), transit });
        match transit {
            Transit::Lost => {
                self.metrics.lost += 1;
                self.record(&TraceEvent::Lost { from, to, what: flight.parcel() });
            }
            Transit::Held(key, deadline) => {
                self.holds += 1;
                let number = self.holds;
                let held = Held { number, count, deadline, flight };
                self.held.entry(key).or_default().push(held);
                if deadline != Time::NEVER {
                    self.queue.push(deadline, Action::Overheld { key, number });
                }
            }
            Transit::Arrives(first, second) => {
                for at in [Some(first), second].into_iter().flatten() {
                    self.in_flight += 1;
                    self.queue.push(at, Action::Deliver(flight.clone()));
                }
            }
        }
    }

    /// What the network makes of the adversary's wish for one message.
    fn transit(
        &mut self,
        wish: Fate,
        (from, to): (NodeId, NodeId),
        (source, target): (usize, usize),
        kind: Kind,
        count: u32,
    ) -> Transit {
        let mut choices = self.choices(from, to, kind, count);
        let captive = self.corrupted[source] || self.corrupted[target];
        let regions = (from.number(), to.number());
        let transit = self.setup.network.grant(wish, self.now, regions, captive, &mut choices);
        match transit {
            Transit::Arrives(first, second) if self.setup.network.fifo => {
                let last = &mut self.last_arrival[source * self.committee.len() + target];
                *last = first.max(*last);
                Transit::Arrives(*last, second.map(|second| second.max(*last)))
            }
            Transit::Arrives(..) | Transit::Held(..) | Transit::Lost => transit,
        }
    }

    /// The network's choices for the `count`-th message of its kind on a link.
    fn choices(&self, from: NodeId, to: NodeId, kind: Kind, count: u32) -> MessageChoices {
        let place = |node| u16::try_from(self.committee.index(node)).expect("below 2^16 nodes");
        MessageChoices::new(self.network_key, place(from), place(to), kind.0, count)
    }

    fn observe(&mut self, node: NodeId, observation: &Observation) {
        self.record(&TraceEvent::Observed(node, observation));
        if let Observation::Completed { .. } = observation {
            self.complete(node, observation);
        }
        if !self.corrupted[self.committee.index(node)] {
            let at = self.stamp();
            for (_, checker) in &mut self.checkers {
                checker.observe(at, node, observation);
            }
            self.milestones.observe(node, observation);
            if let Observation::EnteredView { view } = observation {
                self.view_max = self.view_max.max(*view);
            }
        }
        let now = self.now;
        self.call_adversary(|adversary, control| {
            adversary.notice(now, node, observation, control);
        });
    }

    fn complete(&mut self, client: NodeId, observation: &Observation) {
        let Observation::Completed { timestamp, answer } = observation else { return };
        let number = usize::from(client.number());
        let correct = !self.corrupted[self.committee.index(client)];
        if correct {
            let open = self.progress[number].open.take();
            let open = open.unwrap_or_else(|| panic!("{client} completed #{timestamp} twice"));
            assert_eq!(self.served[open].timestamp, *timestamp, "{client} answers what it asked");
            self.served[open].completed = Some((self.now, answer.clone()));
            self.unfinished -= 1;
            self.note_deadline();
            self.note_done();
        }
        let progress = &mut self.progress[number];
        progress.completed += 1;
        // A corrupted client's copies may report one operation twice; it asks on once.
        if progress.asked <= progress.completed && progress.asked < self.operations_of(client) {
            self.progress[number].completed = self.progress[number].asked;
            self.queue.push(self.now + self.setup.workload.think, Action::Ask { client });
        }
    }

    fn note_done(&mut self) {
        if self.unfinished == 0 && self.done_at.is_none() {
            self.done_at = Some(self.now);
        }
    }

    fn note_deadline(&mut self) {
        let gst = self.setup.network.gst;
        if gst == Time::NEVER {
            return;
        }
        let open = self.progress.iter().filter_map(|progress| progress.open);
        let deadline = |open: usize| self.served[open].asked.max(gst) + self.liveness_bound;
        self.next_deadline = open.map(deadline).min().unwrap_or(Time::NEVER);
    }

    fn call_adversary(&mut self, call: impl FnOnce(&mut dyn Adversary<P::Msg>, &mut Control)) {
        let mut control = std::mem::take(&mut self.control);
        call(self.adversary, &mut control);
        for command in control.commands.drain(..) {
            match command {
                Command::Alarm(at) => self.queue.push(at.max(self.now), Action::Alarm),
                // Never in the middle of a node's handler.
                Command::Crash(_) | Command::Restart(_) | Command::Release(_) => {
                    self.queue.push(self.now, Action::Obey(command));
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

    fn crash(&mut self, node: NodeId) {
        let place = self.committee.index(node);
        if self.corrupted[place] || self.down[place] {
            return;
        }
        self.down[place] = true;
        self.timers[place].clear();
        self.record(&TraceEvent::Crashed(node));
    }

    fn restart(&mut self, node: NodeId) {
        let place = self.committee.index(node);
        if !self.down[place] {
            return;
        }
        self.down[place] = false;
        self.record(&TraceEvent::Restarted(node));
        self.milestones.reach("crash-restart");
        self.handle(node, Input::Restart);
    }

    /// Lets held messages go: each takes the latency that the network would have drawn for it, and
    /// arrives by the deadline that it had when it was sent.
    fn release(&mut self, key: u32) {
        for held in self.held.remove(&key).unwrap_or_default() {
            let Held { count, deadline, flight, .. } = held;
            let mut choices = self.choices(flight.from, flight.to, flight.kind, count);
            let (from, to) = (flight.from.number(), flight.to.number());
            let latency = self.setup.network.natural(from, to, &mut choices);
            self.in_flight += 1;
            self.queue.push((self.now + latency).min(deadline), Action::Deliver(flight));
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

/// What a handler is called with.
enum Input<'a, P: Protocol> {
    Start,
    Message(NodeId, &'a Rc<P::Msg>),
    Timer(P::Timer),
    Wake(Wake),
    Operation(&'a crate::history::Operation),
    Restart,
}

impl<P: Protocol> Input<'_, P> {
    fn give<N: Node<P::Msg, P::Timer>>(
        self,
        node: &mut N,
        out: &mut Outbox<P::Msg, P::Timer>,
        operate: impl FnOnce(&mut N, &crate::history::Operation, &mut Outbox<P::Msg, P::Timer>),
    ) {
        match self {
            Self::Start => node.on_start(out),
            Self::Message(from, msg) => node.on_message(from, msg, out),
            Self::Timer(timer) => node.on_timer(timer, out),
            Self::Operation(operation) => operate(node, operation, out),
            Self::Restart => node.on_restart(out),
            Self::Wake(_) => unreachable!("only captives are woken"),
        }
    }
}
