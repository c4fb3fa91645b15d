//! No message makes an honest node panic: corrupted nodes replay, alter and invent at random.

use std::rc::Rc;

use byzsim_core::workload::{self, Workload};
use byzsim_core::{
    Adversary, Cabal, Committee, Control, CryptoBackend, Event, Fate, Message, NetworkModel,
    NodeId, Observation, Outbox, Purpose, Sent, Setup, SimRng, Simulation, Span, Time, Verdict,
    Wake,
};
use byzsim_protocols::Catalogued;
use byzsim_protocols::pbft::Pbft;

/// Says again what it heard or saw pass by, to anyone, at any time, with lies of its own.
struct Babbler<M> {
    node: NodeId,
    cabal: Cabal,
    rng: SimRng,
    heard: Vec<Rc<M>>,
    said: u64,
    told: u64,
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

fn babble<P: Catalogued>(seeds: u64, params: &P::Params) {
    let committee = Committee { replicas: 4, faults: 1, clients: 2 };
    let (mut said, mut told) = (0, 0);
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
        let mut babbler = Babbler { node, cabal, rng, heard: Vec::new(), said: 0, told: 0 };
        let outcome = simulation.run(&mut babbler, None);
        for (property, verdict) in &outcome.verdicts {
            assert!(matches!(verdict, Verdict::Holds(_)), "seed {seed}: {property}: {verdict:?}");
        }
        said += babbler.said;
        told += babbler.told;
    }
    assert!(100 * seeds < said && seeds < told, "{said} said, {told} lies: it did babble");
}

#[test]
fn pbft_survives_a_babbler() {
    let params = byzsim_protocols::pbft::Params {
        checkpoint_interval: 4,
        window: 8,
        ..byzsim_protocols::pbft::Params::default()
    };
    babble::<Pbft>(400, &params);
}
