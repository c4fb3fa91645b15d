//! A toy protocol. A client pings all replicas, a replica echoes each ping to all, and when n − f
//! echoed the same word it commits and answers with a pong; f + 1 pongs complete the operation.
//! Every 50 ms a replica ticks. It tolerates no fault: it is there to show them.

use std::collections::BTreeMap;
use std::rc::Rc;

use byzsim_core::{
    Answer, ClientNode, Committee, Decided, Digest, Encode, Encoder, Lie, Node, NodeId,
    Observation, Operation, Outbox, Protocol, ReplicaSet, Signer, SimRng, Span,
};

pub(super) struct Toy;

byzsim_core::messages! {
    #[derive(Clone, Debug)]
    pub(super) enum Msg {
        "ping" = Ping(client: NodeId => fixed, timestamp: u64 => fixed, word: u64 => fixed),
        "echo" = Echo(client: NodeId => fixed, timestamp: u64, word: u64) view(0) seq(*timestamp),
        "pong" = Pong(timestamp: u64 => fixed, word: u64),
    } lies(LIES, tell)
}

pub(super) const TWIST: &str = "twist-echo";
pub(super) const STUTTER: &str = "stutter-echo";

const LIES: &[Lie] = &[
    Lie { name: TWIST, kind: "echo", about: "Echoes another word." },
    Lie { name: STUTTER, kind: "echo", about: "Echoes the word of slot 1 twice." },
];

fn tell(msg: &Msg, lie: &str, signer: &Signer, rng: &mut SimRng) -> Option<Vec<Msg>> {
    let Msg::Echo(client, timestamp, _) = *msg else { return None };
    assert!(!signer.node().is_client(), "clients do not echo");
    match lie {
        TWIST => Some(vec![Msg::Echo(client, timestamp, rng.next_u64())]),
        STUTTER if timestamp == 1 => Some(vec![msg.clone(), msg.clone()]),
        STUTTER => None,
        other => panic!("a lie that was never offered: {other}"),
    }
}

/// The timers of a replica; only the tick is ever to expire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Timer {
    Tick,
    Disarmed,
}

impl Encode for Timer {
    fn encode(&self, out: &mut Encoder) {
        out.u8(*self as u8);
    }
}

type Votes = BTreeMap<(NodeId, u64, u64), ReplicaSet>;

#[derive(Clone)]
pub(super) struct Replica {
    committee: Committee,
    echoes: Votes,
}

impl Node<Msg, Timer> for Replica {
    fn on_start(&mut self, out: &mut Outbox<Msg, Timer>) {
        out.set_timer(Timer::Tick, Span::from_millis(20));
        out.set_timer(Timer::Tick, Span::from_millis(50));
        out.set_timer(Timer::Disarmed, Span::from_millis(30));
        out.cancel_timer(Timer::Disarmed);
    }

    fn on_message(&mut self, from: NodeId, msg: &Msg, out: &mut Outbox<Msg, Timer>) {
        match *msg {
            Msg::Ping(client, timestamp, word) => {
                out.broadcast(Msg::Echo(client, timestamp, word));
            }
            Msg::Echo(client, timestamp, word) => {
                let quorum = usize::from(self.committee.replicas - self.committee.faults);
                let voters = self.echoes.entry((client, timestamp, word)).or_default();
                if voters.insert(from) && voters.len() == quorum {
                    let decided = Decided::Batch(Digest::default());
                    out.observe(Observation::Committed { view: 0, seq: timestamp, decided });
                    out.send(client, Msg::Pong(timestamp, word));
                }
            }
            Msg::Pong(..) => {}
        }
    }

    fn on_timer(&mut self, timer: Timer, out: &mut Outbox<Msg, Timer>) {
        assert_eq!(timer, Timer::Tick, "the other one was disarmed");
        out.observe(Observation::Reached("tick"));
        out.set_timer(Timer::Tick, Span::from_millis(50));
    }

    fn on_restart(&mut self, out: &mut Outbox<Msg, Timer>) {
        self.on_start(out);
    }
}

pub(super) struct Client {
    node: NodeId,
    committee: Committee,
    timestamp: u64,
    open: bool,
    pongs: BTreeMap<(u64, u64), ReplicaSet>,
}

impl Node<Msg, Timer> for Client {
    fn on_message(&mut self, from: NodeId, msg: &Msg, out: &mut Outbox<Msg, Timer>) {
        let Msg::Pong(timestamp, word) = *msg else { return };
        let voters = self.pongs.entry((timestamp, word)).or_default();
        voters.insert(from);
        if self.open
            && timestamp == self.timestamp
            && usize::from(self.committee.faults) < voters.len()
        {
            self.open = false;
            out.observe(Observation::Completed { timestamp, answer: Answer::Done });
        }
    }

    fn on_timer(&mut self, _: Timer, _: &mut Outbox<Msg, Timer>) {}

    fn on_restart(&mut self, _: &mut Outbox<Msg, Timer>) {}
}

impl ClientNode<Msg, Timer> for Client {
    fn on_operation(&mut self, operation: &Operation, out: &mut Outbox<Msg, Timer>) {
        assert!(!self.open, "one operation at a time");
        self.open = true;
        self.timestamp += 1;
        let (client, timestamp) = (self.node, self.timestamp);
        out.observe(Observation::Invoked { timestamp, operation: operation.clone() });
        out.broadcast(Msg::Ping(client, timestamp, operation.sha256().prefix()));
    }
}

impl Protocol for Toy {
    type Msg = Msg;
    type Timer = Timer;
    type Params = ();
    type Replica = Replica;
    type Client = Client;
    const NAME: &'static str = "toy";

    fn replica(_: Rc<Signer>, committee: Committee, (): &()) -> Replica {
        Replica { committee, echoes: BTreeMap::new() }
    }

    fn client(signer: Rc<Signer>, committee: Committee, (): &()) -> Client {
        let node = signer.node();
        Client { node, committee, timestamp: 0, open: false, pongs: BTreeMap::new() }
    }

    fn liveness_bound(_: Committee, (): &(), _: Span, _: Span) -> Span {
        Span::from_secs(1_000)
    }
}
