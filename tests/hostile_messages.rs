//! No message makes an honest node panic, misleads it, or proves it guilty: corrupted nodes replay,
//! alter, assemble and invent at random, messages of every kind.

mod linear_pbft;
mod pbft;
mod raft;
mod zyzzyva;

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use byzsim::run::registry::{self, Visitor};
use byzsim_core::editable;
use byzsim_core::field::FieldMut;
use byzsim_core::workload::{self, Workload};
use byzsim_core::{
    Adversary, CertificateForm, Committee, Control, CorruptedSigners, CryptoBackend, Digest,
    Effect, Fate, Input, Message, NetworkModel, NodeId, Observation, Outbox, Protocol, Purpose,
    Sent, Setup, Signed, Signer, SimRng, Simulation, Span, Statement, Time, Verdict, Wake,
};
use byzsim_protocols::Catalogued;
use byzsim_protocols::linear_pbft::{self as linear, LinearPbft};
use byzsim_protocols::pbft::Pbft;
use byzsim_protocols::raft::Raft;
use byzsim_protocols::zyzzyva::Zyzzyva;

/// Invents messages of a protocol, and builds some from pieces of what it heard.
trait Inventor<M>: Default {
    /// Keeps the pieces of a message.
    fn learn(&mut self, msg: &M);
    /// A message of the kind of this number, for the given node; none if it has nothing to make
    /// one from.
    fn invent(&self, kind: u64, pen: &mut Pen<'_>) -> Option<M>;
}

/// The inventor of a protocol that has none of its own: it changes several fields of what it heard.
struct Retold<M>(BTreeMap<u8, Vec<M>>);

impl<M> Default for Retold<M> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

impl<M: Message + Clone> Inventor<M> for Retold<M> {
    fn learn(&mut self, msg: &M) {
        keep(self.0.entry(msg.kind().0).or_default(), msg.clone());
    }

    fn invent(&self, kind: u64, pen: &mut Pen<'_>) -> Option<M> {
        let heard = self.0.get(&u8::try_from(kind).expect("few kinds"))?;
        let mut msg = pen.rng.pick(heard).clone();
        let name = M::KINDS[usize::from(msg.kind().0)];
        let fields: Vec<_> = M::FIELDS.iter().filter(|field| field.kind == name).collect();
        for _ in 0..pen.small() {
            if fields.is_empty() {
                break;
            }
            let field = pen.rng.pick(&fields).name;
            let signer = pen.signer;
            let with = match pen.coin() {
                true => editable::Pen::Keeps(signer),
                false => editable::Pen::Signs(signer),
            };
            if let Some(changed) = msg.edited(field, with, &mut |field| pen.edit(field)) {
                msg = changed;
            }
        }
        Some(msg)
    }
}

/// What an inventor writes with.
struct Pen<'a> {
    victim: NodeId,
    signer: &'a Signer,
    rng: &'a mut SimRng,
}

impl Pen<'_> {
    /// A number that is near what a short run uses, or at the edge of what there is.
    fn number(&mut self) -> u64 {
        match self.rng.between(0, 7) {
            0 => u64::MAX,
            1 => u64::MAX - self.rng.between(0, 9),
            2 => 1 << 63,
            _ => self.rng.between(0, 12),
        }
    }

    fn small(&mut self) -> usize {
        usize::try_from(self.rng.between(0, 4)).expect("small")
    }

    fn digest(&mut self) -> Digest {
        Digest(self.rng.key())
    }

    fn coin(&mut self) -> bool {
        self.rng.chance(500_000)
    }

    /// The node itself, the receiver, another replica, a client, or nobody.
    fn name(&mut self) -> NodeId {
        let replica = |number| NodeId::Replica(u16::try_from(number).expect("small"));
        match self.rng.between(0, 7) {
            0..=2 => self.signer.node(),
            3 => self.victim,
            4 => NodeId::Client(0),
            5 => replica(self.rng.between(0, 300)),
            _ => replica(self.rng.between(0, 3)),
        }
    }

    /// A statement in the node's own name, or in another with a garbage signature.
    fn sign<T: Statement>(&mut self, body: T) -> Signed<T> {
        let name = self.name();
        self.signer.sign_as(body, name)
    }

    /// Up to four of the pieces, some of them more than once, some of them forged; or, of none,
    /// none.
    fn some<T: Statement + Clone>(&mut self, pieces: &[Signed<T>]) -> Vec<Signed<T>> {
        if pieces.is_empty() {
            return Vec::new();
        }
        let one = self.rng.pick(pieces).clone();
        let how = self.rng.between(0, 3);
        (0..self.small())
            .map(|_| match how {
                // Duplicates of one,
                0 => one.clone(),
                // one in many names,
                1 => {
                    let name = self.name();
                    self.signer.sign_as(one.body().clone(), name)
                }
                // or whatever was heard, of all views.
                _ => self.rng.pick(pieces).clone(),
            })
            .collect()
    }

    /// One of the pieces, or of none what is made up.
    fn one<T: Clone>(&mut self, pieces: &[T], made_up: impl FnOnce(&mut Self) -> T) -> T {
        match pieces {
            [] => made_up(self),
            _ if self.rng.chance(250_000) => made_up(self),
            _ => self.rng.pick(pieces).clone(),
        }
    }

    /// Changes a field; whether it did.
    fn edit(&mut self, field: FieldMut<'_>) -> bool {
        match field {
            FieldMut::Number(it) => *it = self.number(),
            FieldMut::Digest(it) => *it = self.digest(),
            FieldMut::Signer(it) | FieldMut::Node(it) => *it = self.name(),
            FieldMut::Body(it) => {
                return if self.coin() { it.lose() } else { it.invent(self.signer, self.rng) };
            }
            FieldMut::Entries(it) if 0 < it.count() => {
                let last = u64::try_from(it.count() - 1).expect("few");
                let place = usize::try_from(self.rng.between(0, last)).expect("few");
                match self.rng.between(0, 6) {
                    0 => it.remove(place),
                    1 => it.repeat(place),
                    2 => it.copy(0, place),
                    3 => it.forge(place),
                    4 => it.graft(place, self.rng),
                    5 => it.adopt(place, self.signer),
                    _ => it.invent(place, self.signer, self.rng),
                }
            }
            FieldMut::Entries(_) | FieldMut::Answer(_) | FieldMut::Operation(_) => return false,
        }
        true
    }
}

/// The last pieces of a kind: those of old views among them, and not without bound.
fn keep<T>(pieces: &mut Vec<T>, piece: T) {
    if pieces.len() == 64 {
        // The oldest stay: they are what a view change passed over.
        pieces.remove(16);
    }
    pieces.push(piece);
}

/// Says again what it heard or saw pass by, to anyone, at any time, with lies and changes of its
/// own; and what nobody ever said.
struct Babbler<M, I> {
    node: NodeId,
    inventor: I,
    signers: CorruptedSigners,
    rng: SimRng,
    heard: Vec<Rc<M>>,
    /// Whether it loses messages as well, as long as it can, so that correct nodes have more to
    /// say; and learns from all that passes by.
    loses: bool,
    said: u64,
    told: u64,
    changed: u64,
    invented: BTreeSet<u8>,
}

impl<M: Message, I: Inventor<M>> Babbler<M, I> {
    fn babble(&mut self, out: &mut Outbox<M, Wake>) {
        for _ in 0..self.rng.between(0, 3) {
            if self.heard.is_empty() {
                return;
            }
            let nodes: Vec<NodeId> =
                self.signers.committee.nodes().filter(|node| *node != self.node).collect();
            let to = *self.rng.pick(&nodes);
            let msg = Rc::clone(self.rng.pick(&self.heard));
            self.said += 1;
            out.push(Effect::Send(to, Rc::clone(&msg)));

            let signer = &self.signers.by_node[&self.node];
            let mut news: Vec<Rc<M>> = Vec::new();
            if !M::LIES.is_empty() {
                let lie = self.rng.pick(M::LIES).name;
                let lies = msg.tell(lie, signer, &mut self.rng).unwrap_or_default();
                self.told += lies.len() as u64;
                news.extend(lies.into_iter().map(Rc::new));
            }

            let field = self.rng.pick(M::FIELDS).name;
            let mut pen = Pen { victim: to, signer, rng: &mut self.rng };
            let keeps = pen.rng.chance(250_000);
            let with =
                if keeps { editable::Pen::Keeps(signer) } else { editable::Pen::Signs(signer) };
            let changed = msg.edited(field, with, &mut |field| pen.edit(field));
            self.changed += u64::from(changed.is_some());
            news.extend(changed.map(Rc::new));

            let kind = pen.rng.between(0, M::KINDS.len() as u64 - 1);
            if let Some(invented) = self.inventor.invent(kind, &mut pen).map(Rc::new) {
                assert_eq!(u64::from(invented.kind().0), kind, "it invents what it is told to");
                self.invented.insert(invented.kind().0);
                // It may be consistent, or tell different nodes different things.
                if self.rng.chance(500_000) {
                    let others = nodes.iter().filter(|node| **node != to);
                    others.for_each(|node| out.push(Effect::Send(*node, Rc::clone(&invented))));
                }
                news.push(invented);
            }
            for msg in news {
                self.inventor.learn(&msg);
                keep_heard(&mut self.heard, Rc::clone(&msg));
                out.push(Effect::Send(to, msg));
            }
        }
    }
}

/// It forgets at most what came in the middle.
fn keep_heard<M>(heard: &mut Vec<Rc<M>>, msg: Rc<M>) {
    if heard.len() == 2_000 {
        heard.remove(1_000);
    }
    heard.push(msg);
}

impl<M: Message, I: Inventor<M>> Adversary<M> for Babbler<M, I> {
    fn corrupted(&self) -> Vec<NodeId> {
        vec![self.node]
    }
    fn drift_ppm(&self, _: NodeId) -> i32 {
        0
    }
    fn schedule(&mut self, sent: &Sent<'_, M>) -> Fate {
        if self.loses {
            self.inventor.learn(sent.msg);
            if self.rng.chance(100_000) {
                return Fate::Drop;
            }
        }
        Fate::Delay(Span::from_millis(self.rng.between(0, 30)))
    }
    fn act(&mut self, _: NodeId, input: Input<'_, M, Wake>, out: &mut Outbox<M, Wake>) {
        match input {
            Input::Start | Input::Timer(_) => {
                let pause = Span::from_millis(self.rng.between(1, 40));
                if out.now() < Time::ZERO + Span::from_secs(4) {
                    out.set_timer(Wake(0), pause);
                }
            }
            Input::Message(_, msg) => {
                self.inventor.learn(msg);
                keep_heard(&mut self.heard, Rc::clone(msg));
            }
            Input::Operation(_) | Input::Restart => {}
        }
        self.babble(out);
    }
    fn notice(&mut self, _: Time, _: NodeId, _: &Observation, _: &mut Control) {}
    fn control(&mut self, _: Time, _: &mut Control) {}
    fn settled_at(&self) -> Time {
        Time::ZERO
    }
}

fn babble<P: Catalogued, I: Inventor<P::Msg>>(seeds: u64, params: &P::Params) {
    babble_in::<P, I>(seeds, params, false);
}

/// The same in a network that may lose messages at first.
fn babble_in<P: Catalogued, I: Inventor<P::Msg>>(seeds: u64, params: &P::Params, loses: bool) {
    let committee = Committee { replicas: 4, faults: 1, clients: 2 };
    let gst = Time::ZERO + Span::from_millis(500);
    let (mut runs, mut said, mut told, mut changed) = (0, 0, 0, 0);
    let mut invented = BTreeSet::new();
    for seed in 0..seeds {
        let node = NodeId::Replica(u16::try_from(seed % 4).expect("small"));
        let trusted = P::resilience(committee, params).trusted;
        if trusted.is_some_and(|it| it.node == node) {
            continue;
        }
        let setup = Setup {
            seed,
            committee,
            crypto: CryptoBackend::Ideal,
            network: match loses {
                true => NetworkModel { gst, loss_allowed: true, ..NetworkModel::default() },
                false => NetworkModel::default(),
            },
            workload: Workload {
                operations: workload::draw(seed, 2, 5, 1),
                think: Span::from_millis(20),
                audit: true,
                ..Workload::default()
            },
            at_least: Time::ZERO + Span::from_secs(2),
            at_most: Time::NEVER,
            drain: Span::from_secs(1),
            events_max: 1_000_000,
            search_budget: 100_000,
            with_marks: false,
        };
        let simulation = Simulation::<P>::new(setup, params.clone());
        let signers = simulation.corrupted_signers(&[node]);
        let rng = SimRng::new(seed, Purpose::Adversary, 0);
        let mut babbler = Babbler {
            node,
            inventor: I::default(),
            signers,
            rng,
            heard: Vec::new(),
            loses,
            said: 0,
            told: 0,
            changed: 0,
            invented: BTreeSet::new(),
        };
        let outcome = simulation.run(&mut babbler, None);
        // Where nothing is promised of who breaks the rules, no node may panic all the same.
        let is_promised = 0 < P::resilience(committee, params).byzantine;
        for (property, verdict) in outcome.verdicts.iter().filter(|_| is_promised) {
            assert!(matches!(verdict, Verdict::Holds(_)), "seed {seed}: {property}: {verdict:?}");
        }
        runs += 1;
        said += babbler.said;
        told += babbler.told;
        changed += babbler.changed;
        invented.extend(babbler.invented);
    }
    let lied = P::Msg::LIES.is_empty() || seeds < told;
    let seeds = runs;
    let babbled = 100 * seeds < said && lied && seeds < changed;
    assert!(babbled, "{said} said, {told} lies, {changed} changes: it did babble");
    let kinds = u8::try_from(P::Msg::KINDS.len()).expect("few");
    assert_eq!(invented, (0..kinds).collect(), "messages of every kind are invented");
}

/// The protocols with an inventor of their own, which builds what no correct node ever says.
const INVENTED_FOR: [&str; 4] = [Pbft::NAME, LinearPbft::NAME, Raft::NAME, Zyzzyva::NAME];

/// The others are told what was heard before, changed.
#[test]
fn protocols_without_an_inventor_survive_a_babbler() {
    struct Others;
    impl Visitor for Others {
        fn visit<P: Catalogued>(&mut self) {
            if !INVENTED_FOR.contains(&P::NAME) {
                babble_in::<P, Retold<P::Msg>>(60, &P::small(), true);
            }
        }
    }
    registry::visit(&mut Others);
}

#[test]
fn zyzzyva_survives_a_babbler() {
    babble::<Zyzzyva, zyzzyva::Pieces>(400, &Zyzzyva::small());
}

/// Null requests are ordered in many slots, and reports of any length could be answered with them.
#[test]
fn zyzzyva_with_null_requests_survives_a_babbler() {
    let params = byzsim_protocols::zyzzyva::Params { null_fill: true, ..Zyzzyva::small() };
    babble::<Zyzzyva, zyzzyva::Pieces>(400, &params);
}

#[test]
fn linear_pbft_survives_a_babbler() {
    for certificates in [CertificateForm::List, CertificateForm::Aggregate] {
        let params = linear::Params { certificates, ..LinearPbft::small() };
        babble::<LinearPbft, linear_pbft::Pieces>(200, &params);
    }
}

#[test]
fn pbft_survives_a_babbler() {
    babble::<Pbft, pbft::Pieces>(400, &Pbft::small());
}

#[test]
fn pbft_with_reads_past_the_order_survives_a_babbler() {
    let params = byzsim_protocols::pbft::Params { read_only: true, ..Pbft::small() };
    babble::<Pbft, pbft::Pieces>(400, &params);
}

/// Raft promises nothing here, and with each of its options: that nobody panics.
#[test]
fn raft_survives_a_babbler() {
    use byzsim_protocols::raft::{AckQuorum, Acks, Params, PreVote};
    babble::<Raft, raft::Pieces>(400, &Raft::small());
    let others = Params {
        pre_vote: PreVote::Off,
        check_quorum: true,
        stickiness: true,
        eager_commit: true,
        batch_max: 1,
        leader: Some(NodeId::Replica(1)),
        ..Raft::small()
    };
    babble::<Raft, raft::Pieces>(400, &others);
    for (acks, ack_quorum) in [
        (Acks::Unbound, AckQuorum::Majority),
        (Acks::Index, AckQuorum::Followers),
        (Acks::Digest, AckQuorum::Majority),
    ] {
        let signed =
            Params { acks, ack_quorum, signed_votes: true, snapshot_interval: 0, ..Raft::small() };
        babble::<Raft, raft::Pieces>(200, &signed);
    }
}
