//! Roles: what a client says in the place of a replica counts for nothing, nor does what a replica
//! says in the place of a client, alone or as an entry of a proof.
//!
//! All nodes are played here, honestly, and before each message that one of them receives it is
//! shown the same in a wrong role, with good signatures. Nothing may change in the node, and it may
//! do nothing but report.

use std::collections::{BTreeMap, VecDeque};
use std::fmt::Debug;
use std::rc::Rc;

use byzsim::run::registry::{self, Visitor};
use byzsim_core::editable::Pen;
use byzsim_core::field::{Entries, FieldMut};
use byzsim_core::workload::{self, Workload};
use byzsim_core::{
    Adversary, ClientNode as _, Committee, Control, CorruptedSigners, CryptoBackend, Effect,
    Encode as _, Fate, Input, Message, NetworkModel, Node, NodeId, Observation, Operation, Outbox,
    Protocol, Purpose, Sent, Setup, Signer, SimRng, Simulation, Sort, Span, Time, Wake,
};
use byzsim_protocols::Catalogued;
use byzsim_protocols::zyzzyva::Zyzzyva;
use byzsim_protocols::zyzzyva::message::{
    Certificate, Certified, GENESIS, Link, Msg, OrderReq, Ordered, Request, SpecResponse,
    ViewChange, chain,
};

#[test]
fn every_protocol_keeps_roles_apart() {
    struct Others;
    impl Visitor for Others {
        fn visit<P: Catalogued>(&mut self) {
            // It has more to show, below.
            if P::NAME != Zyzzyva::NAME {
                keeps_roles_apart::<P>(|_, _| Vec::new());
            }
        }
    }
    registry::visit(&mut Others);
}

#[test]
fn zyzzyva_keeps_roles_apart() {
    keeps_roles_apart::<Zyzzyva>(orders_of_replicas_requests);
}

const COMMITTEE: Committee = Committee { replicas: 4, faults: 1, clients: 3 };
const C1: NodeId = NodeId::Client(1);
const C2: NodeId = NodeId::Client(2);
const R2: NodeId = NodeId::Replica(2);
const R3: NodeId = NodeId::Replica(3);

/// The lists whose entries clients sign. Replicas sign those of the others.
const OF_CLIENTS: [&str; 2] = ["batch", "path"];

/// What needs no signer, as what is in it proves itself: also clients send it.
const PROVES_ITSELF: [&str; 1] = ["proof-of-misbehaviour"];

/// How often a message of one kind is crossed in one way.
const CROSSED_MAX: u32 = 150;

/// More messages in wrong roles, to be shown beside this one.
type More<M> = fn(&M, &CorruptedSigners) -> Vec<M>;

enum Role<P: Protocol> {
    Replica(P::Replica),
    Client(P::Client),
}

/// Plays all nodes.
struct Crossing<P: Protocol> {
    signers: CorruptedSigners,
    nodes: BTreeMap<NodeId, Role<P>>,
    armed: BTreeMap<(NodeId, P::Timer), u64>,
    timers: Vec<P::Timer>,
    rng: SimRng,
    more: More<P::Msg>,
    /// Whether the protocol signs what it says.
    signs: bool,
    /// By kind and way: how often.
    crossed: BTreeMap<(&'static str, &'static str), u32>,
}

fn keeps_roles_apart<P: Catalogued>(more: More<P::Msg>) {
    let mut crossed = BTreeMap::new();
    let signs = P::Msg::FIELDS.iter().any(|field| field.sort == Sort::Signer);
    for seed in 0..24 {
        let params = P::small();
        let setup = Setup {
            seed,
            committee: COMMITTEE,
            crypto: CryptoBackend::Ideal,
            network: NetworkModel::default(),
            workload: Workload {
                operations: workload::draw(seed, 3, 8, 2),
                think: Span::from_millis(100),
                audit: false,
                ..Workload::default()
            },
            at_least: Time::ZERO + Span::from_secs(6),
            at_most: Time::ZERO + Span::from_secs(6),
            drain: Span::from_secs(1),
            events_max: 1_000_000,
            search_budget: 100_000,
            with_marks: false,
        };
        let simulation = Simulation::<P>::new(setup, params.clone());
        let all: Vec<NodeId> = COMMITTEE.nodes().collect();
        let signers = simulation.corrupted_signers(&all);
        let node = |(node, signer): (&NodeId, &Rc<Signer>)| {
            let signer = Rc::clone(signer);
            let role = match node.is_client() {
                true => Role::Client(P::client(signer, COMMITTEE, &params)),
                false => Role::Replica(P::replica(signer, COMMITTEE, &params)),
            };
            (*node, role)
        };
        let mut crossing = Crossing::<P> {
            nodes: signers.by_node.iter().map(node).collect(),
            signers,
            armed: BTreeMap::new(),
            timers: Vec::new(),
            rng: SimRng::new(seed, Purpose::Adversary, 0),
            more,
            signs,
            crossed: std::mem::take(&mut crossed),
        };
        simulation.run(&mut crossing, None);
        crossed = crossing.crossed;
    }
    for field in P::Msg::FIELDS {
        let says_who = matches!(field.sort, Sort::Signer | Sort::Entries);
        let way = if signs { field.name } else { "sender" };
        let is_crossed = !says_who || crossed.contains_key(&(field.kind, way));
        assert!(
            is_crossed,
            "`{}` of a `{}` was never said in a wrong role",
            field.name, field.kind
        );
    }
}

impl<P: Protocol> Crossing<P>
where
    P::Replica: Debug,
    P::Client: Debug,
    P::Msg: Clone,
{
    /// All that the node knows, but for how many signatures it verified.
    fn state(&self, node: NodeId) -> String {
        let text = match &self.nodes[&node] {
            Role::Replica(it) => format!("{it:?}"),
            Role::Client(it) => format!("{it:?}"),
        };
        let mut parts = text.split("verified: Cell { value: ");
        let first = parts.next().unwrap_or_default().to_owned();
        let rest = parts.map(|part| part.split_once(' ').map_or("", |(_, rest)| rest));
        rest.fold(first, |text, rest| text + rest)
    }

    /// Shows `me` all that can be said in a wrong role in place of this message.
    fn cross(&mut self, me: NodeId, from: NodeId, msg: &P::Msg, now: Time) {
        let kind = P::Msg::KINDS[usize::from(msg.kind().0)];
        let fields = || P::Msg::FIELDS.iter().filter(|field| field.kind == kind);
        let mut name = None;
        let signers = self.signers.by_node.clone();
        let _ = msg.edited("signer", Pen::Signs(&signers[&me]), &mut |field| {
            if let FieldMut::Signer(it) = field {
                name = Some(*it);
            }
            false
        });
        let client = if me == C1 { C2 } else { C1 };
        let replica = if me == R3 { R2 } else { R3 };
        if let Some(name) = name {
            let other = if name.is_client() { replica } else { client };
            let crossed = msg.edited("signer", Pen::Signs(&signers[&other]), &mut |field| {
                let FieldMut::Signer(it) = field else { return false };
                *it = other;
                true
            });
            self.show(me, other, &crossed.expect("anyone can say it"), (kind, "signer"), now);
        }
        let pen = Pen::Signs(&signers[&name.unwrap_or(from)]);
        for field in fields().filter(|field| field.sort == Sort::Entries) {
            let other = if OF_CLIENTS.contains(&field.name) { replica } else { client };
            let mut adopt = |field: FieldMut<'_>| {
                let FieldMut::Entries(it) = field else { return false };
                let count = Entries::count(it);
                (0..count.min(1)).for_each(|place| it.adopt(place, &signers[&other]));
                0 < count
            };
            let crossed = msg.edited(field.name, pen, &mut adopt);
            // Entries that nobody signs are in nobody's name.
            if let Some(crossed) = crossed.filter(|it| it.sha256() != msg.sha256()) {
                self.show(me, from, &crossed, (kind, field.name), now);
            }
        }
        let says_who = |sort| matches!(sort, Sort::Signer | Sort::Entries);
        let is_signed = self.signs && fields().any(|field| says_who(field.sort));
        if !is_signed && !PROVES_ITSELF.contains(&kind) {
            let other = if from.is_client() { replica } else { client };
            self.show(me, other, msg, (kind, "sender"), now);
        }
        for crossed in (self.more)(msg, &self.signers) {
            self.show(me, from, &crossed, (kind, "more"), now);
        }
    }

    fn show(
        &mut self,
        me: NodeId,
        from: NodeId,
        msg: &P::Msg,
        how: (&'static str, &'static str),
        now: Time,
    ) {
        let crossed = self.crossed.entry(how).or_default();
        *crossed += 1;
        if CROSSED_MAX < *crossed {
            return;
        }
        let before = self.state(me);
        let mut out = Outbox::new(now);
        self.hand(me, Input::Message(from, &Rc::new(msg.clone())), &mut out);
        let in_proof = !matches!(how.1, "signer" | "sender");
        for effect in out.drain(now) {
            // What is late is answered unread.
            let answers = in_proof && matches!(&effect, Effect::Send(to, _) if *to == from);
            let may = answers || matches!(effect, Effect::Observe(_));
            assert!(may, "{me} does {effect:?} on {msg:?} of {from}: {how:?}");
        }
        let after = self.state(me);
        let [before, after] =
            [&before, &after].map(|it| if in_proof { until_early(it) } else { it.as_str() });
        assert!(before == after, "{me} believes {msg:?} of {from}: {how:?}\n{before}\n{after}");
    }

    fn hand(
        &mut self,
        me: NodeId,
        input: Input<'_, P::Msg, P::Timer>,
        out: &mut Outbox<P::Msg, P::Timer>,
    ) {
        match self.nodes.get_mut(&me).expect("it is played") {
            Role::Replica(it) => hand(it, input, out),
            Role::Client(it) => hand(it, input, out),
        }
    }

    /// Lets the node handle the input, and what it says to itself.
    fn play(
        &mut self,
        me: NodeId,
        input: Input<'_, P::Msg, P::Timer>,
        operation: Option<&Operation>,
        outer: &mut Outbox<P::Msg, Wake>,
    ) {
        let now = outer.now();
        let mut out = Outbox::new(now);
        match (operation, self.nodes.get_mut(&me)) {
            (Some(operation), Some(Role::Client(it))) => it.on_operation(operation, &mut out),
            _ => self.hand(me, input, &mut out),
        }
        let mut loopback = VecDeque::new();
        loop {
            for effect in out.drain(now).collect::<Vec<_>>() {
                match effect {
                    Effect::Send(to, msg) if to == me => loopback.push_back(msg),
                    Effect::Send(to, msg) => outer.push(Effect::Send(to, msg)),
                    Effect::Broadcast(msg) => {
                        if !me.is_client() {
                            loopback.push_back(Rc::clone(&msg));
                        }
                        outer.push(Effect::Broadcast(msg));
                    }
                    Effect::SetTimer(timer, span) | Effect::SetTimerWithin(timer, span, _) => {
                        let number = self.timers.len() as u64;
                        self.timers.push(timer.clone());
                        self.armed.insert((me, timer), number);
                        outer.set_timer(Wake(number), span);
                    }
                    Effect::CancelTimer(timer) => _ = self.armed.remove(&(me, timer)),
                    Effect::Observe(observation) => outer.observe(observation),
                }
            }
            let Some(msg) = loopback.pop_front() else { return };
            self.hand(me, Input::Message(me, &msg), &mut out);
        }
    }
}

/// Messages of views to come are kept unread, as many of each sender as may be; they stand last.
fn until_early(state: &str) -> &str {
    state.split_once("early: Early").map_or(state, |(before, _)| before)
}

fn hand<M, T>(node: &mut impl Node<M, T>, input: Input<'_, M, T>, out: &mut Outbox<M, T>) {
    match input {
        Input::Start => node.on_start(out),
        Input::Message(from, msg) => node.on_message(from, msg, out),
        Input::Timer(timer) => node.on_timer(timer, out),
        Input::Restart => node.on_restart(out),
        Input::Operation(_) => unreachable!("operations are handed to clients"),
    }
}

impl<P: Protocol> Adversary<P::Msg> for Crossing<P>
where
    P::Replica: Debug,
    P::Client: Debug,
    P::Msg: Clone,
{
    fn corrupted(&self) -> Vec<NodeId> {
        COMMITTEE.nodes().collect()
    }

    fn drift_ppm(&self, _: NodeId) -> i32 {
        0
    }

    /// The first primary is silent for a time, and r3 does not hear that another view began; later
    /// it hears nothing.
    fn schedule(&mut self, sent: &Sent<'_, P::Msg>) -> Fate {
        let ms = sent.now.since(Time::ZERO).nanos() / 1_000_000;
        let opens = matches!(P::Msg::KINDS[usize::from(sent.kind.0)], "new-view" | "view-confirm");
        let is_lost = match ms {
            300..1_500 => sent.from == NodeId::Replica(0) || sent.to == R3 && opens,
            2_000..4_000 => sent.to == R3 || sent.from == R3,
            _ => self.rng.chance(50_000),
        };
        if is_lost { Fate::Drop } else { Fate::Delay(Span::from_millis(self.rng.between(0, 20))) }
    }

    fn settled_at(&self) -> Time {
        Time::NEVER
    }

    fn act(&mut self, me: NodeId, input: Input<'_, P::Msg, Wake>, out: &mut Outbox<P::Msg, Wake>) {
        match input {
            Input::Start => self.play(me, Input::Start, None, out),
            Input::Restart => self.play(me, Input::Restart, None, out),
            Input::Operation(operation) => self.play(me, Input::Start, Some(operation), out),
            Input::Message(from, msg) => {
                self.cross(me, from, msg, out.now());
                self.play(me, Input::Message(from, msg), None, out);
            }
            Input::Timer(Wake(number)) => {
                let place = usize::try_from(number).expect("few timers");
                let key = (me, self.timers[place].clone());
                if self.armed.get(&key) == Some(&number) {
                    self.armed.remove(&key);
                    self.play(me, Input::Timer(key.1), None, out);
                }
            }
        }
    }

    fn notice(&mut self, _: Time, _: NodeId, _: &Observation, _: &mut Control) {}
    fn control(&mut self, _: Time, _: &mut Control) {}
}

/// A request of a replica in what a corrupted primary orders, and in what VIEW-CHANGEs report.
fn orders_of_replicas_requests(msg: &Msg, signers: &CorruptedSigners) -> Vec<Msg> {
    let by = |node: NodeId| &signers.by_node[&node];
    let operation = Operation::Get { key: "k0".into() };
    let request = Rc::new(by(R3).sign(Request { timestamp: 1, operation }));
    let digest = request.digest();
    #[expect(clippy::wildcard_enum_match_arm, reason = "few kinds carry requests")]
    match msg {
        Msg::OrderReq(it, _) => {
            // A slot that nothing is known of, or it would contradict what is.
            let order = OrderReq { seq: it.seq + 6, digest, ..*it.body() };
            vec![Msg::OrderReq(by(it.signer()).sign(order), request)]
        }
        Msg::ViewChange(it, past) => {
            let base = it.proof.first().map_or(GENESIS, |it| it.history);
            let (view, seq, history) = (it.origin, it.stable + 1, chain(base, digest));
            let primary = NodeId::Replica(u16::try_from(view % 4).expect("small"));
            let order = by(primary).sign(OrderReq { view, seq, history, digest });
            let reported = Ordered { order, request: Some(Rc::clone(&request)) };
            let response = SpecResponse {
                view,
                seq,
                history,
                answer: GENESIS,
                client: NodeId::Client(0),
                timestamp: 1,
            };
            let votes = (0..3).map(|i| by(NodeId::Replica(i)).sign(response)).collect();
            let path = vec![Link { digest, request: Some(request) }];
            let certified = Certified { certificate: Certificate::Commit(Rc::new(votes)), path };
            let empty = ViewChange { certificate: None, history: Vec::new(), ..it.body().clone() };
            [
                ViewChange { history: vec![reported], ..empty.clone() },
                ViewChange { certificate: Some(certified), ..empty },
            ]
            .map(|lie| Msg::ViewChange(Rc::new(by(it.signer()).sign(lie)), past.clone()))
            .to_vec()
        }
        _ => Vec::new(),
    }
}
