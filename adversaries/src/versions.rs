//! The versions of a message: what lies and mutations make of what a corrupted node wants to send.

use std::collections::BTreeMap;
use std::rc::Rc;

use byzsim_core::{Message, NodeId, Purpose, Signer, SimRng, Time};

use crate::active::{ActiveFault, Behavior, Rewrite};
use crate::memory::Memory;
use crate::mutation::mutated;

/// A message that a copy of the node wants to send.
pub(crate) struct Outgoing<'a, M> {
    /// The place of the copy.
    pub(crate) copy: usize,
    pub(crate) msg: &'a Rc<M>,
}

/// The versions of one message that were made so far: by the numbers of the faults that made them,
/// one after the other. None where the last of these faults does not apply.
pub(crate) type Versions<M> = BTreeMap<Vec<usize>, Option<Vec<Rc<M>>>>;

/// The faults that make a corrupted node send other versions of its messages.
pub(crate) struct Rewrites {
    signer: Rc<Signer>,
    seed: u64,
    /// The faults that are lies, in order.
    lies: Vec<usize>,
    /// The faults that are mutations, in order.
    mutations: Vec<usize>,
}

impl Rewrites {
    pub(crate) const fn new(signer: Rc<Signer>, seed: u64) -> Self {
        Self { signer, seed, lies: Vec::new(), mutations: Vec::new() }
    }

    /// Adds a lie: the number of its fault. In the order of the faults.
    pub(crate) fn add_lie(&mut self, fault: usize) {
        self.lies.push(fault);
    }

    /// Adds a mutation: the number of its fault. In the order of the faults.
    pub(crate) fn add_mutation(&mut self, fault: usize) {
        self.mutations.push(fault);
    }

    /// Whether any of them must see messages now.
    pub(crate) fn are_watching(&self, faults: &[ActiveFault]) -> bool {
        self.lies.iter().chain(&self.mutations).any(|number| faults[*number].watches())
    }

    /// What the node sends `now` to `to`: the message as changed by the first lie that applies, and
    /// then by every mutation that applies; or the message itself. `versions` keeps it for the
    /// other receivers that the same faults are about.
    pub(crate) fn versions_for<'a, M: Message>(
        &self,
        (now, to): (Time, NodeId),
        message: &'a Outgoing<'_, M>,
        memory: &Memory<M>,
        faults: &mut [ActiveFault],
        versions: &'a mut Versions<M>,
    ) -> &'a [Rc<M>] {
        let unchanged = std::slice::from_ref(message.msg);
        let mut by = Vec::new();
        let mut lied_by = None;
        for number in self.lies.iter().chain(&self.mutations) {
            let fault = &mut faults[*number];
            // Every lie in force counts its messages, also when another one decides.
            if !fault.applies(now, (self.signer.node(), to), &**message.msg) {
                continue;
            }
            let Behavior::Rewrite(rewrite, _) = &fault.behavior else {
                unreachable!("a lie or a mutation")
            };
            let is_lie = matches!(rewrite, Rewrite::Lie(_));
            if let (true, Some(first)) = (is_lie, lied_by) {
                fault.preempted(first);
                continue;
            }
            let mut with = by.clone();
            with.push(*number);
            if !versions.contains_key(&with) {
                let earlier = versions.get(&by).and_then(Option::as_deref).unwrap_or(unchanged);
                let made = self.rewrite(rewrite, message, earlier, memory);
                versions.insert(with.clone(), made);
            }
            if versions[&with].is_none() {
                fault.left_unchanged(&by);
                continue;
            }
            fault.fired += 1;
            lied_by = lied_by.or(is_lie.then_some(*number));
            by = with;
        }
        versions.get(&by).and_then(Option::as_deref).unwrap_or(unchanged)
    }

    /// What a lie makes of the message, or a mutation of the `earlier` versions of it; none if it
    /// does not apply.
    fn rewrite<M: Message>(
        &self,
        rewrite: &Rewrite,
        message: &Outgoing<'_, M>,
        earlier: &[Rc<M>],
        memory: &Memory<M>,
    ) -> Option<Vec<Rc<M>>> {
        match rewrite {
            Rewrite::Lie(lie) => {
                let place = M::LIES.iter().position(|known| known.name == lie.name);
                let mut rng = self.agreed(2 * place.expect("a known lie"), &**message.msg);
                let lies = message.msg.tell(lie.name, &self.signer, &mut rng)?;
                Some(lies.into_iter().map(Rc::new).collect())
            }
            Rewrite::Mutation(place, field, change) => {
                let mut any = false;
                let mutate = |version: &Rc<M>| {
                    let mut rng = self.agreed(2 * *place + 1, &**version);
                    let first = memory.first(version.kind());
                    let made = mutated(&**version, first, (field, change), &self.signer, &mut rng);
                    any |= made.is_some();
                    made.map_or_else(|| Rc::clone(version), Rc::new)
                };
                let versions = earlier.iter().map(mutate).collect();
                any.then_some(versions)
            }
        }
    }

    /// The stream for one lie or change, by its place, about a message. It depends on the seed and
    /// on what the message is about, and on nothing else: whatever corrupted nodes invent about one
    /// slot, timestamp or view, all of them invent alike, in messages of every kind. Liars that
    /// agree are the worse ones: they may make a quorum. And a plan with fewer lies tells the
    /// remaining lies exactly as before.
    fn agreed(&self, lie_or_change: usize, about: &impl Message) -> SimRng {
        let slot = about.seq().or_else(|| about.view()).unwrap_or_default();
        let index = u32::try_from(lie_or_change).expect("tables of lies and fields are small");
        let mut choices = SimRng::new(self.seed, Purpose::Adversary, index);
        SimRng::new(choices.next_u64() ^ slot, Purpose::Adversary, index)
    }
}
