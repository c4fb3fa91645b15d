//! Checkpoints: what replicas say of their states, and what a quorum of them proves.

use std::collections::BTreeMap;
use std::rc::Rc;

use byzsim_core::{Digest, NodeId, Signed, Statement};

use super::quorum::{Votes, whom_to_ask};

/// The checkpoints of a replica (Castro–Liskov §4.3; Zyzzyva has them, too).
///
/// Every so many slots a replica keeps its state and tells the others the digest. When a quorum
/// says the same, the checkpoint is *stable*: what lies below it can be forgotten, and a replica
/// that fell behind asks one of those who proved it for the state.
///
/// `C` is the protocol's CHECKPOINT statement, `S` the state that it speaks of. Which votes match,
/// and how many are enough, is the protocol's to say.
#[derive(Clone, Debug)]
pub struct Checkpoints<C, S> {
    /// A checkpoint is due every so many slots.
    interval: u64,
    stable: u64,
    /// A quorum's word on the stable checkpoint; none on the initial state.
    proof: Vec<Signed<C>>,
    /// CHECKPOINTs above the stable one.
    pub(crate) heard: BTreeMap<u64, Votes<C>>,
    /// The own states, with their digests: at the stable checkpoint, and at those after it.
    states: BTreeMap<u64, (Digest, Rc<S>)>,
}

impl<C: Statement + Clone, S> Checkpoints<C, S> {
    /// Those of a replica in its initial state.
    pub fn new(interval: u64, digest: Digest, state: S) -> Self {
        let states = BTreeMap::from([(0, (digest, Rc::new(state)))]);
        Self { interval, stable: 0, proof: Vec::new(), heard: BTreeMap::new(), states }
    }

    /// The last stable checkpoint.
    pub const fn stable(&self) -> u64 {
        self.stable
    }

    /// The proof of the last stable checkpoint.
    pub fn proof(&self) -> &[Signed<C>] {
        &self.proof
    }

    /// Whether a checkpoint is taken after this slot.
    pub const fn is_due(&self, seq: u64) -> bool {
        seq.is_multiple_of(self.interval)
    }

    /// Whether a CHECKPOINT of this slot is news: due, and above the stable one.
    pub const fn is_news(&self, seq: u64) -> bool {
        self.is_due(seq) && self.stable < seq
    }

    /// The CHECKPOINTs of this slot.
    pub fn votes(&mut self, seq: u64) -> &mut Votes<C> {
        self.heard.entry(seq).or_default()
    }

    /// All CHECKPOINTs that were heard, slot by slot.
    pub fn heard(&self) -> impl Iterator<Item = &Votes<C>> {
        self.heard.values()
    }

    /// The last CHECKPOINT of `node` for this slot.
    pub fn vote_of(&self, node: NodeId, seq: u64) -> Option<&Signed<C>> {
        self.heard.get(&seq)?.of(node).map(AsRef::as_ref)
    }

    /// All CHECKPOINTs of `node`.
    pub fn votes_of(&self, node: NodeId) -> impl Iterator<Item = &Signed<C>> {
        self.heard.values().filter_map(move |votes| votes.of(node).map(AsRef::as_ref))
    }

    /// Forgets what `sender` said of slots above `high`. Above the window one checkpoint of each
    /// sender is kept, or a liar could fill the memory.
    pub fn forget_far(&mut self, sender: NodeId, high: u64) {
        for (_, votes) in self.heard.range_mut(high + 1..) {
            votes.remove(sender);
        }
        self.heard.retain(|_, votes| !votes.is_empty());
    }

    /// A quorum proves that the checkpoint is stable. What was heard up to it is forgotten.
    pub fn stabilise(&mut self, seq: u64, proof: Vec<Signed<C>>) {
        assert!(self.stable < seq, "the stable checkpoint moves up");
        self.stable = seq;
        self.proof = proof;
        self.heard = self.heard.split_off(&(seq + 1));
    }

    /// Keeps the own state after this slot.
    pub fn keep_state(&mut self, seq: u64, digest: Digest, state: Rc<S>) {
        self.states.insert(seq, (digest, state));
    }

    /// The digest of the own state after this slot.
    pub fn own_digest(&self, seq: u64) -> Option<Digest> {
        self.states.get(&seq).map(|(digest, _)| *digest)
    }

    /// The own states that are not stable yet: their slots and digests.
    pub fn unproven(&self) -> impl Iterator<Item = (u64, Digest)> {
        self.states.range(self.stable + 1..).map(|(seq, (digest, _))| (*seq, *digest))
    }

    /// The state of the stable checkpoint, if it is known, with its proof; none of the initial one,
    /// which everybody has.
    pub fn stable_state(&self) -> Option<(u64, Rc<S>, Vec<Signed<C>>)> {
        let (_, state) = self.states.get(&self.stable).filter(|_| 0 < self.stable)?;
        Some((self.stable, Rc::clone(state), self.proof.clone()))
    }

    /// Forgets the own states below the stable checkpoint.
    pub fn forget_old_states(&mut self) {
        self.states = self.states.split_off(&self.stable);
    }

    /// Takes back what `me` said, and forgets the own states, of slots above `to`: they were
    /// undone.
    pub fn roll_back(&mut self, me: NodeId, to: u64) {
        self.states.split_off(&(to + 1));
        for (_, votes) in self.heard.range_mut(to + 1..) {
            votes.remove(me);
        }
    }

    /// Whom `me` asks for the state of the stable checkpoint: at each attempt the next of those who
    /// proved it.
    pub fn whom_to_ask(&self, me: NodeId, attempts: &mut usize) -> Option<NodeId> {
        let node = whom_to_ask(&self.proof, me, *attempts)?;
        *attempts += 1;
        Some(node)
    }

    /// The next `count` of them.
    pub fn next_to_ask<'a>(
        &'a self,
        me: NodeId,
        attempts: &'a mut usize,
        count: usize,
    ) -> impl Iterator<Item = NodeId> + 'a {
        (0..count).filter_map(move |_| self.whom_to_ask(me, attempts))
    }
}

#[cfg(test)]
mod tests {
    use byzsim_core::{Encode, Encoder};

    use super::*;

    #[derive(Clone, Copy)]
    struct Vote;
    impl Encode for Vote {
        fn encode(&self, _: &mut Encoder) {}
    }
    impl Statement for Vote {
        const TAG: &'static str = "test/vote";
    }

    fn of(node: u16) -> Signed<Vote> {
        Signed::forged(Vote, NodeId::Replica(node))
    }

    #[test]
    fn a_checkpoint_is_heard_proven_and_forgotten() {
        let digest = Digest([7; 32]);
        let me = NodeId::Replica(0);
        let mut checkpoints = Checkpoints::new(10, Digest::default(), "genesis");
        assert!(checkpoints.stable_state().is_none(), "everybody has the initial state");
        let news = [0, 5, 10, 15, 20].map(|seq| checkpoints.is_news(seq));
        assert_eq!(news, [false, false, true, false, true]);

        checkpoints.keep_state(10, digest, Rc::new("ten"));
        checkpoints.keep_state(20, digest, Rc::new("twenty"));
        for (seq, node) in [(10, 0), (10, 1), (20, 0), (30, 1), (40, 2)] {
            checkpoints.votes(seq).add(of(node));
        }
        checkpoints.forget_far(NodeId::Replica(1), 20);
        assert_eq!(checkpoints.heard().count(), 3, "nobody speaks of slot 30 any more");
        assert_eq!(checkpoints.votes_of(me).count(), 2);

        checkpoints.stabilise(10, vec![of(0), of(1), of(2)]);
        assert_eq!((checkpoints.stable(), checkpoints.is_news(10)), (10, false));
        let (seq, state, proof) = checkpoints.stable_state().expect("it has the state");
        assert_eq!((seq, *state, proof.len()), (10, "ten", 3));
        checkpoints.forget_old_states();
        assert_eq!(checkpoints.own_digest(0), None);
        assert_eq!(checkpoints.unproven().collect::<Vec<_>>(), [(20, digest)]);

        checkpoints.roll_back(me, 10);
        assert_eq!(checkpoints.unproven().count() + checkpoints.votes_of(me).count(), 0);
        let mut attempts = 0;
        let asked = [(); 3].map(|()| checkpoints.whom_to_ask(me, &mut attempts));
        let [r1, r2] = [1, 2].map(|node| Some(NodeId::Replica(node)));
        assert_eq!(asked, [r1, r2, r1], "the others in turn");
    }
}
