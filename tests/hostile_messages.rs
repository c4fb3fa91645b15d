//! No message makes an honest node panic: corrupted nodes replay, alter and invent at random.

use std::rc::Rc;

use byzsim_core::workload::{self, Workload};
use byzsim_core::{
    Adversary, Cabal, Committee, Control, CryptoBackend, Digest, Event, Fate, Message,
    NetworkModel, NodeId, Observation, Outbox, Purpose, Sent, Setup, Signed, Signer, SimRng,
    Simulation, Span, Statement, Time, Verdict, Wake,
};
use byzsim_protocols::pbft::message::{
    Batch, Checkpoint, Commit, Decision, NewView, PrePrepare, Prepare, PreparedCertificate, Status,
    ViewChange,
};
use byzsim_protocols::pbft::{Msg, Pbft};
use byzsim_protocols::{Catalogued, zyzzyva};

/// Invents messages of a protocol: `(victim, own signer, chance)`.
type Inventor<M> = fn(NodeId, &Signer, &mut SimRng) -> Vec<M>;

/// Says again what it heard or saw pass by, to anyone, at any time, with lies of its own; and what
/// nobody ever said, with extreme numbers, in its own name and, with garbage signatures, in
/// others'.
struct Babbler<M> {
    node: NodeId,
    invent: Inventor<M>,
    cabal: Cabal,
    rng: SimRng,
    heard: Vec<Rc<M>>,
    said: u64,
    told: u64,
    invented: u64,
}

impl<M: Message> Babbler<M> {
    fn babble(&mut self, out: &mut Outbox<M, Wake>) {
        for _ in 0..self.rng.between(0, 3) {
            if self.heard.is_empty() {
                return;
            }
            let msg = Rc::clone(self.rng.pick(&self.heard));
            let nodes: Vec<NodeId> =
                self.cabal.committee.nodes().filter(|node| *node != self.node).collect();
            let to = *self.rng.pick(&nodes);
            let lie = self.rng.pick(M::LIES).name;
            let signer = &self.cabal.signers[&self.node];
            let lies = msg.tell(lie, signer, &mut self.rng).unwrap_or_default();
            self.told += lies.len() as u64;
            for lie in lies {
                let lie = Rc::new(lie);
                self.heard.push(Rc::clone(&lie));
                out.push(byzsim_core::Effect::Send(to, lie));
            }
            self.said += 1;
            out.push(byzsim_core::Effect::Send(to, msg));
            for invented in (self.invent)(to, signer, &mut self.rng) {
                self.invented += 1;
                out.push(byzsim_core::Effect::Send(to, Rc::new(invented)));
            }
        }
    }
}

impl<M: Message> Adversary<M> for Babbler<M> {
    fn corrupted(&self) -> Vec<NodeId> {
        vec![self.node]
    }
    fn drift_ppm(&self, _: NodeId) -> i32 {
        0
    }
    fn schedule(&mut self, _: &Sent<'_, M>) -> Fate {
        Fate::Delay(Span::from_millis(self.rng.between(0, 30)))
    }
    fn act(&mut self, _: NodeId, event: Event<'_, M>, out: &mut Outbox<M, Wake>) {
        match event {
            Event::Start | Event::Wake(_) => {
                let pause = Span::from_millis(self.rng.between(1, 40));
                if out.now() < Time::ZERO + Span::from_secs(4) {
                    out.set_timer(Wake(0), pause);
                }
            }
            Event::Message(_, msg) => self.heard.push(Rc::clone(msg)),
            Event::Operation(_) => {}
        }
        self.babble(out);
    }
    fn notice(&mut self, _: Time, _: NodeId, _: &Observation, _: &mut Control) {}
    fn control(&mut self, _: Time, _: &mut Control) {}
}

fn babble<P: Catalogued>(seeds: u64, params: &P::Params, invent: Inventor<P::Msg>) {
    let committee = Committee { replicas: 4, faults: 1, clients: 2 };
    let (mut said, mut told, mut invented) = (0, 0, 0);
    for seed in 0..seeds {
        let node = NodeId::Replica(u16::try_from(seed % 4).expect("small"));
        let setup = Setup {
            seed,
            committee,
            crypto: CryptoBackend::Ideal,
            network: NetworkModel::default(),
            workload: Workload {
                operations: workload::draw(seed, 2, 5, 1),
                think: Span::from_millis(20),
            },
            at_least: Time::ZERO + Span::from_secs(2),
            at_most: Time::NEVER,
            drain: Span::from_secs(1),
            events_max: 1_000_000,
            search_budget: 100_000,
            with_marks: false,
        };
        let simulation = Simulation::<P>::new(setup, params.clone());
        let cabal = simulation.cabal(&[node]);
        let rng = SimRng::new(seed, Purpose::Adversary, 0);
        let heard = Vec::new();
        let mut babbler =
            Babbler { node, invent, cabal, rng, heard, said: 0, told: 0, invented: 0 };
        let outcome = simulation.run(&mut babbler, None);
        for (property, verdict) in &outcome.verdicts {
            assert!(matches!(verdict, Verdict::Holds(_)), "seed {seed}: {property}: {verdict:?}");
        }
        said += babbler.said;
        told += babbler.told;
        invented += babbler.invented;
    }
    let babbled = 100 * seeds < said && seeds < told && 100 * seeds < invented;
    assert!(babbled, "{said} said, {told} lies, {invented} inventions: it did babble");
}

/// A number that is near what a short run uses, or at the edge of what there is.
fn number(rng: &mut SimRng) -> u64 {
    match rng.between(0, 5) {
        0 => u64::MAX,
        1 => u64::MAX - rng.between(0, 9),
        2 => 1 << 63,
        _ => rng.between(0, 12),
    }
}

/// A statement in the node's own name, or with a garbage signature in that of the receiver, of
/// another replica, of a client, or of nobody.
fn sign<T: Statement>(body: T, victim: NodeId, signer: &Signer, rng: &mut SimRng) -> Signed<T> {
    let stranger = NodeId::Replica(u16::try_from(rng.between(0, 300)).expect("small"));
    match rng.between(0, 5) {
        0..=2 => signer.sign(body),
        3 => Signed::forged(body, victim),
        4 => Signed::forged(body, NodeId::Client(0)),
        _ => Signed::forged(body, stranger),
    }
}

fn invent_pbft(victim: NodeId, signer: &Signer, rng: &mut SimRng) -> Vec<Msg> {
    let (view, seq, stable) = (number(rng), number(rng), number(rng));
    let batch = Batch::new(Vec::new());
    let digest = if rng.chance(500_000) { batch.digest() } else { Digest(rng.key()) };
    let some = |rng: &mut SimRng| usize::try_from(rng.between(0, 4)).expect("small");
    let pre_prepare =
        |rng: &mut SimRng| sign(PrePrepare { view, seq, digest }, victim, signer, rng);
    let prepare = |rng: &mut SimRng| sign(Prepare { view, seq, digest }, victim, signer, rng);
    let commit = |rng: &mut SimRng| sign(Commit { view, seq, digest }, victim, signer, rng);
    let state = digest;
    let checkpoint =
        |rng: &mut SimRng| sign(Checkpoint { seq: stable, state }, victim, signer, rng);
    let (votes, proofs, reports) = (some(rng), some(rng), some(rng));
    let certificate = |rng: &mut SimRng| PreparedCertificate {
        pre_prepare: pre_prepare(rng),
        prepares: (0..votes).map(|_| prepare(rng)).collect(),
    };
    let view_change = |rng: &mut SimRng| {
        let proof = (0..proofs).map(|_| checkpoint(rng)).collect();
        let prepared = (0..votes).map(|_| certificate(rng)).collect();
        Rc::new(sign(ViewChange { view, stable, proof, prepared }, victim, signer, rng))
    };
    let new_view = |rng: &mut SimRng| {
        let view_changes = (0..reports).map(|_| view_change(rng)).collect();
        let proposals = (0..votes).map(|_| pre_prepare(rng)).collect();
        Rc::new(sign(NewView { view, view_changes, proposals }, victim, signer, rng))
    };
    let changing = rng.chance(500_000).then_some(view);
    vec![match rng.between(0, 8) {
        0 => Msg::PrePrepare(pre_prepare(rng), batch),
        1 => Msg::Prepare(prepare(rng)),
        2 => Msg::Commit(commit(rng)),
        3 => Msg::Checkpoint(checkpoint(rng)),
        4 => Msg::ViewChange(view_change(rng)),
        5 => Msg::NewView(new_view(rng)),
        6 => Msg::Status(Status { view, changing, stable, executed: seq }),
        7 => {
            let commits = (0..votes).map(|_| commit(rng)).collect();
            Msg::Decided(seq, Decision { commits, batch })
        }
        _ => Msg::FetchState(seq),
    }]
}

fn invent_zyzzyva(victim: NodeId, signer: &Signer, rng: &mut SimRng) -> Vec<zyzzyva::Msg> {
    use zyzzyva::Msg as Z;
    use zyzzyva::message as z;
    let (view, seq, stable) = (number(rng), number(rng), number(rng));
    let (history, state, digest) = (Digest(rng.key()), Digest(rng.key()), Digest(rng.key()));
    let votes = usize::try_from(rng.between(0, 4)).expect("small");
    let order =
        |rng: &mut SimRng| sign(z::OrderReq { view, seq, history, digest }, victim, signer, rng);
    let checkpoint = |rng: &mut SimRng| {
        sign(z::Checkpoint { view, seq: stable, history, state }, victim, signer, rng)
    };
    let changing = rng.chance(500_000).then_some(view);
    let adopted = rng.chance(500_000);
    vec![match rng.between(0, 6) {
        0 => Z::Hate(sign(z::Hate { view }, victim, signer, rng)),
        1 => Z::Checkpoint(checkpoint(rng)),
        2 => Z::ViewConfirm(sign(z::ViewConfirm { view, seq, history }, victim, signer, rng)),
        3 => Z::FillHole(view, seq, stable),
        4 => Z::ProofOfMisbehaviour(order(rng), order(rng)),
        5 => Z::StableProof((0..votes).map(|_| checkpoint(rng)).collect()),
        _ => Z::Status(z::Status { view, changing, adopted, stable, executed: seq, history }),
    }]
}

#[test]
fn zyzzyva_survives_a_babbler() {
    let params = zyzzyva::Params { checkpoint_interval: 4, ..zyzzyva::Params::default() };
    babble::<zyzzyva::Zyzzyva>(400, &params, invent_zyzzyva);
}

#[test]
fn pbft_survives_a_babbler() {
    let params = byzsim_protocols::pbft::Params {
        checkpoint_interval: 4,
        window: 8,
        ..byzsim_protocols::pbft::Params::default()
    };
    babble::<Pbft>(400, &params, invent_pbft);
}
