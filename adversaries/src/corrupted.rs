//! A corrupted node: one puppet or two, and the lies that it tells in their place.

use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;

use byzsim_core::rng::MessageChoices;
use byzsim_core::{
    Committee, Effect, Encode as _, Input, Message, NodeId, Observation, Operation, Outbox,
    Protocol, Purpose, Request, Signer, SimRng, Wake,
};

use crate::active::{ActiveFault, Behavior, Phase, Rewrite};
use crate::memory::Memory;
use crate::mutation::mutated;
use crate::pattern::{Matcher, NodeSet};
use crate::plan::{Change, Pattern, Split};
use crate::puppet::Puppet;
use crate::range::Range;
use crate::twins::{Contradictions, SenderSides, altered};

/// A corrupted node.
pub(crate) struct CorruptedNode<P: Protocol> {
    signer: Rc<Signer>,
    committee: Committee,
    seed: u64,
    /// The one copy, or the twins.
    copies: Vec<Double<P>>,
    /// The fault that made it twins, and what they said.
    twins: Option<(usize, Contradictions)>,
    /// What copies of other twins said to this node, and what it says to them.
    sender_sides: SenderSides<P::Msg>,
    /// The faults that are its lies, in order.
    lies: Vec<usize>,
    /// The faults that are its mutations, in order.
    mutations: Vec<usize>,
    /// The faults that are its replays, in order.
    replays: Vec<usize>,
    /// What it said and heard, as far as some fault needs it.
    memory: Memory<P::Msg>,
    /// The highest timestamp whose completion was reported.
    completed: u64,
    /// Memory for what a copy wants on one input.
    requests: Vec<Request<P::Msg, Wake>>,
}

/// One copy of the node.
struct Double<P: Protocol> {
    puppet: Puppet<P>,
    /// With whom it deals.
    side: NodeSet,
    /// With whom it deals about messages of some views.
    sides: Vec<(Range, NodeSet)>,
    /// What a client's copy was asked for; the first is under way.
    operations: VecDeque<Operation>,
    /// How many operations it was asked for.
    asked: u64,
    /// By kind: how many messages it has said.
    said: Vec<u32>,
}

impl<P: Protocol> Double<P> {
    fn new(puppet: Puppet<P>, side: NodeSet) -> Self {
        let said = vec![0; P::Msg::KINDS.len()];
        Self { puppet, side, sides: Vec::new(), operations: VecDeque::new(), asked: 0, said }
    }

    /// Whether the copy deals with `other` about this message.
    fn deals(&self, other: NodeId, msg: &P::Msg) -> bool {
        let special = match self.sides.is_empty() {
            true => None,
            false => msg.view().and_then(|view| {
                self.sides.iter().find(|(views, _)| views.contains(view)).map(|(_, side)| side)
            }),
        };
        special.unwrap_or(&self.side).contains(other)
    }
}

/// What faults of these numbers make of a message one after the other; `None` where the last of
/// them cannot be told with it.
type Told<M> = BTreeMap<Vec<usize>, Option<Vec<Rc<M>>>>;

/// A message on its way out of a copy.
struct Saying<'a, M> {
    place: usize,
    /// How many messages of its kind the copy had said before.
    ordinal: u32,
    msg: &'a Rc<M>,
}

impl<P: Protocol> CorruptedNode<P> {
    /// A node with one copy, which deals with everyone.
    pub(crate) fn new(
        signer: Rc<Signer>,
        committee: Committee,
        seed: u64,
        params: &P::Params,
    ) -> Self {
        let puppet = Puppet::new(&signer, committee, params);
        let copies = vec![Double::new(puppet, NodeSet::everyone(committee))];
        Self {
            signer,
            committee,
            seed,
            copies,
            twins: None,
            sender_sides: SenderSides::default(),
            lies: Vec::new(),
            mutations: Vec::new(),
            replays: Vec::new(),
            memory: Memory::default(),
            completed: 0,
            requests: Vec::new(),
        }
    }

    /// Adds a lie: the number of its fault. In the order of the faults.
    pub(crate) fn add_lie(&mut self, fault: usize) {
        self.lies.push(fault);
    }

    /// Adds a mutation: the number of its fault. In the order of the faults.
    pub(crate) fn add_mutation(&mut self, fault: usize, change: &Change) {
        self.mutations.push(fault);
        if *change == Change::Recall {
            self.memory.keep_first();
        }
    }

    /// Adds a replay: the number of its fault, and which messages that it heard or said it repeats.
    /// In the order of the faults.
    pub(crate) fn add_replay(&mut self, fault: usize, heard: bool, messages: &Pattern) {
        self.replays.push(fault);
        let matcher = Matcher::new::<P::Msg>(messages, self.committee);
        self.memory.keep(fault, heard, matcher);
    }

    /// Makes the node twins, as this fault wants it.
    pub(crate) fn split(
        &mut self,
        fault: usize,
        (left, right): (&[NodeId], &[NodeId]),
        splits: &[Split],
        sender_sides: &SenderSides<P::Msg>,
        params: &P::Params,
    ) {
        self.sender_sides = sender_sides.clone();
        let all_but = |others: &[NodeId]| {
            let side: Vec<NodeId> =
                self.committee.nodes().filter(|node| !others.contains(node)).collect();
            NodeSet::of(self.committee, &side)
        };
        let copy = |place, others: &[NodeId]| {
            let puppet = Puppet::of_several((place, 2), &self.signer, self.committee, params);
            let mut copy = Double::new(puppet, all_but(others));
            let others =
                |split: &Split| all_but(if place == 0 { &split.right } else { &split.left });
            copy.sides = splits.iter().map(|split| (split.view, others(split))).collect();
            copy
        };
        self.copies = vec![copy(0, right), copy(1, left)];
        self.twins = Some((fault, Contradictions::default()));
    }

    /// The fault that made the node twins, and how often they contradicted each other.
    pub(crate) fn equivocation(&self) -> Option<(usize, u64)> {
        self.twins.as_ref().map(|(fault, contradictions)| (*fault, contradictions.count()))
    }

    /// Handles an input, as all copies that it concerns.
    pub(crate) fn act(
        &mut self,
        input: &Input<'_, P::Msg, Wake>,
        faults: &mut [ActiveFault],
        out: &mut Outbox<P::Msg, Wake>,
    ) {
        if let Input::Message(from, msg) = *input {
            self.memory.hear(from, self.signer.node(), msg);
        }
        self.replay(faults, out);
        for place in 0..self.copies.len() {
            match *input {
                Input::Start => self.live(place, Input::Start, faults, out),
                Input::Restart => self.live(place, Input::Restart, faults, out),
                Input::Timer(wake) => self.live(place, Input::Timer(wake), faults, out),
                Input::Message(from, msg) => {
                    let is_for_it = self.sender_sides.side_of(msg).is_none_or(|side| side == place);
                    if is_for_it && self.copies[place].deals(from, msg) {
                        self.live(place, Input::Message(from, msg), faults, out);
                    }
                }
                Input::Operation(operation) => self.ask(place, operation, faults, out),
            }
        }
    }

    /// Asks a client's copy for an operation, or lets it wait for the end of the one under way: a
    /// client does one at a time, and one copy may be ahead of the other.
    fn ask(
        &mut self,
        place: usize,
        operation: &Operation,
        faults: &mut [ActiveFault],
        out: &mut Outbox<P::Msg, Wake>,
    ) {
        let node = self.signer.node();
        let copy = &mut self.copies[place];
        copy.asked += 1;
        let mine =
            if place == 0 { operation.clone() } else { altered(operation, node, copy.asked) };
        copy.operations.push_back(mine.clone());
        if copy.operations.len() == 1 {
            self.live(place, Input::Operation(&mine), faults, out);
        }
    }

    fn live(
        &mut self,
        place: usize,
        input: Input<'_, P::Msg, Wake>,
        faults: &mut [ActiveFault],
        out: &mut Outbox<P::Msg, Wake>,
    ) {
        let now = out.now();
        let mut requests = std::mem::take(&mut self.requests);
        self.copies[place].puppet.handle(now, input, |request| requests.push(request));
        let mut completed = false;
        for request in requests.drain(..) {
            match request {
                Request::Send(to, msg) => self.say(place, Some(to), &msg, faults, out),
                Request::Broadcast(msg) => self.say(place, None, &msg, faults, out),
                Request::Look(wake, at) => out.set_timer(wake, at.since(now)),
                Request::Observe(observation) => {
                    completed |= matches!(observation, Observation::Completed { .. });
                    self.report(place, observation, out);
                }
            }
        }
        self.requests = requests;
        if !completed {
            return;
        }
        self.copies[place].operations.pop_front();
        if let Some(next) = self.copies[place].operations.front().cloned() {
            self.live(place, Input::Operation(&next), faults, out);
        }
    }

    /// Reports what the first copy observes. The end of an operation is reported by the copy that
    /// is first to see it: it makes the application ask for the next one, and a copy that hears too
    /// few replicas would keep both from asking on.
    fn report(&mut self, place: usize, observation: Observation, out: &mut Outbox<P::Msg, Wake>) {
        let reports = if let Observation::Completed { timestamp, .. } = observation {
            let first = self.completed < timestamp;
            self.completed = self.completed.max(timestamp);
            first
        } else {
            place == 0
        };
        if reports {
            out.observe(observation);
        }
    }

    /// Says `msg` to one node, or to all replicas, as far as the copy deals with them.
    fn say(
        &mut self,
        place: usize,
        to: Option<NodeId>,
        msg: &Rc<P::Msg>,
        faults: &mut [ActiveFault],
        out: &mut Outbox<P::Msg, Wake>,
    ) {
        self.memory.mean(msg);
        let said = &mut self.copies[place].said[usize::from(msg.kind().0)];
        let saying = Saying { place, ordinal: *said, msg };
        *said += 1;
        if let Some((_, contradictions)) = &mut self.twins {
            contradictions.note(place, &**msg);
        }
        let node = self.signer.node();
        let mut tellers = self.lies.iter().chain(&self.mutations);
        let lies = tellers.any(|fault| faults[*fault].phase == Phase::InForce);
        match to {
            // Nothing tells the receivers apart: one message, shared by all.
            None if !lies && self.twins.is_none() => {
                self.memory.say(node, msg);
                out.push(Effect::Broadcast(Rc::clone(msg)));
            }
            None => {
                let others = self.committee.replica_ids().filter(|to| *to != node);
                self.say_to(others, &saying, faults, out);
            }
            Some(to) => self.say_to(std::iter::once(to), &saying, faults, out),
        }
    }

    fn say_to(
        &mut self,
        receivers: impl Iterator<Item = NodeId>,
        saying: &Saying<'_, P::Msg>,
        faults: &mut [ActiveFault],
        out: &mut Outbox<P::Msg, Wake>,
    ) {
        let copy = &self.copies[saying.place];
        let mut told = Told::new();
        let mut spoken: Vec<Rc<P::Msg>> = Vec::new();
        for to in receivers.filter(|to| copy.deals(*to, saying.msg)) {
            let words = self.tell(to, saying, faults, &mut told);
            for word in words.unwrap_or(std::slice::from_ref(saying.msg)) {
                if self.twins.is_some() {
                    self.sender_sides.note(to, word, saying.place);
                }
                out.push(Effect::Send(to, Rc::clone(word)));
                if !spoken.iter().any(|known| Rc::ptr_eq(known, word)) {
                    spoken.push(Rc::clone(word));
                }
            }
        }
        for word in &spoken {
            self.memory.say(self.signer.node(), word);
        }
    }

    /// What the node says to `to` instead: what the first lie that applies makes of the message,
    /// and what every mutation that applies makes of that. `told` keeps it for the other receivers
    /// that the same faults are about.
    fn tell<'a>(
        &self,
        to: NodeId,
        saying: &Saying<'_, P::Msg>,
        faults: &mut [ActiveFault],
        told: &'a mut Told<P::Msg>,
    ) -> Option<&'a [Rc<P::Msg>]> {
        let mut by = Vec::new();
        let mut lied = false;
        for number in self.lies.iter().chain(&self.mutations) {
            let fault = &mut faults[*number];
            let Behavior::Rewrite(rewrite, matcher) = &mut fault.behavior else {
                unreachable!("a lie's fault")
            };
            // Every lie in force counts its messages, also when another one decides.
            if fault.phase != Phase::InForce
                || !matcher.hit(self.signer.node(), to, &**saying.msg)
                || lied && matches!(rewrite, Rewrite::Lie(_))
            {
                continue;
            }
            let mut with = by.clone();
            with.push(*number);
            if !told.contains_key(&with) {
                let words = told.get(&by).and_then(Option::as_deref);
                let words = words.unwrap_or(std::slice::from_ref(saying.msg));
                told.insert(with.clone(), self.words(rewrite, saying, words));
            }
            if told[&with].is_none() {
                continue;
            }
            fault.fired += 1;
            lied |= matches!(rewrite, Rewrite::Lie(_));
            by = with;
        }
        told.get(&by).and_then(Option::as_deref)
    }

    /// What becomes of `words` by a lie or a mutation; `None` if it cannot be told with them.
    fn words(
        &self,
        rewrite: &Rewrite,
        saying: &Saying<'_, P::Msg>,
        words: &[Rc<P::Msg>],
    ) -> Option<Vec<Rc<P::Msg>>> {
        match rewrite {
            Rewrite::Lie(lie) => {
                let place = P::Msg::LIES.iter().position(|known| known.name == lie.name);
                let mut rng = self.rng(place.expect("a known lie"), saying);
                let lies = saying.msg.tell(lie.name, &self.signer, &mut rng)?;
                Some(lies.into_iter().map(Rc::new).collect())
            }
            Rewrite::Mutation(place, field, change) => {
                let mut any = false;
                let mutate = |word: &Rc<P::Msg>| {
                    // One and the same message is changed alike, to whomever it goes.
                    let stream = word.sha256().prefix() ^ self.seed;
                    let index = u32::try_from(*place).expect("a small table");
                    let mut rng = SimRng::new(stream, Purpose::Adversary, index + 1);
                    let first = self.memory.first(word.kind());
                    let made = mutated(&**word, first, (field, change), &self.signer, &mut rng);
                    any |= made.is_some();
                    made.map_or_else(|| Rc::clone(word), Rc::new)
                };
                let words = words.iter().map(mutate).collect();
                any.then_some(words)
            }
        }
    }

    /// Repeats messages, if a fault that wants it has begun.
    fn replay(&mut self, faults: &mut [ActiveFault], out: &mut Outbox<P::Msg, Wake>) {
        let me = self.signer.node();
        for number in &self.replays {
            let fault = &mut faults[*number];
            let Behavior::Replay(replay) = &mut fault.behavior else {
                unreachable!("a replay's fault")
            };
            if !std::mem::replace(&mut replay.pending, false) {
                continue;
            }
            for msg in self.memory.recall(*number) {
                fault.fired += 1;
                if replay.to.is_empty() {
                    out.push(Effect::Broadcast(Rc::clone(&msg)));
                }
                for to in replay.to.iter().filter(|to| **to != me) {
                    out.push(Effect::Send(*to, Rc::clone(&msg)));
                }
            }
        }
    }

    /// The stream for one lie about one message. It depends on which message it is, not on what was
    /// drawn before: a plan with fewer lies tells the others word for word.
    fn rng(&self, lie: usize, saying: &Saying<'_, P::Msg>) -> SimRng {
        let short = |place: usize| u16::try_from(place).expect("a small table");
        let node = short(self.committee.index(self.signer.node()));
        let telling = short(2 * lie + saying.place);
        let kind = saying.msg.kind().0;
        let mut choices = MessageChoices::new(self.seed, node, telling, kind, saying.ordinal);
        SimRng::new(choices.next_u64(), Purpose::Adversary, 0)
    }
}
