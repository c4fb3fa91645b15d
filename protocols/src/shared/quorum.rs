//! Votes: who said the same thing, and whether they did.

use std::rc::Rc;

use byzsim_core::{Committee, NodeId, ReplicaSet, Signed, Signer, Statement};

/// The signed votes of replicas on one question, at most one each. All who heard a vote share it.
#[derive(Clone, Debug)]
pub struct Votes<T> {
    pub(crate) voters: ReplicaSet,
    pub(crate) votes: Vec<Rc<Signed<T>>>,
}

impl<T> Default for Votes<T> {
    fn default() -> Self {
        Self { voters: ReplicaSet::default(), votes: Vec::new() }
    }
}

impl<T: Statement + Clone> Votes<T> {
    /// Adds a vote unless its signer voted before; says whether it was added.
    pub fn add(&mut self, vote: impl Into<Rc<Signed<T>>>) -> bool {
        let vote = vote.into();
        let new = self.voters.insert(vote.signer());
        if new {
            self.votes.push(vote);
        }
        new
    }

    /// Adds a vote in place of its signer's last one, if that is `older`.
    pub fn add_latest(&mut self, vote: Signed<T>, older: impl Fn(&T) -> bool) {
        match self.votes.iter_mut().find(|known| known.signer() == vote.signer()) {
            Some(known) if older(known) => *known = Rc::new(vote),
            Some(_) => {}
            None => _ = self.add(vote),
        }
    }

    /// The votes, in the order of their arrival.
    pub fn iter(&self) -> impl Iterator<Item = &Signed<T>> {
        self.votes.iter().map(AsRef::as_ref)
    }

    /// The first `quorum` votes that say so; none if there are fewer.
    pub fn quorum_of(&self, quorum: usize, says_so: impl Fn(&T) -> bool) -> Option<Vec<Signed<T>>> {
        let saying = self.iter().filter(|vote| says_so(vote.body()));
        let votes: Vec<_> = saying.take(quorum).cloned().collect();
        (votes.len() == quorum).then_some(votes)
    }

    /// The vote of `node`.
    pub fn of(&self, node: NodeId) -> Option<&Rc<Signed<T>>> {
        self.votes.iter().find(|vote| vote.signer() == node)
    }

    /// Removes the vote of `node`.
    pub fn remove(&mut self, node: NodeId) {
        self.votes.retain(|vote| vote.signer() != node);
        self.voters = self.iter().map(Signed::signer).collect();
    }

    /// How many votes there are.
    pub const fn len(&self) -> usize {
        self.votes.len()
    }

    /// Forgets the votes, and keeps the memory that they took.
    pub fn clear(&mut self) {
        self.voters = ReplicaSet::default();
        self.votes.clear();
    }

    /// Whether nobody voted.
    pub fn is_empty(&self) -> bool {
        self.votes.is_empty()
    }
}

/// Whether a statement that came from a node is its signer's. What came from this replica itself
/// needs no check; what merely *claims* to be signed by it does: anyone can send it a garbage vote
/// in its own name.
pub fn vouches<T: Statement>(me: &Signer, from: NodeId, signed: &Signed<T>) -> bool {
    from == me.node() || me.verify(signed)
}

/// Whether votes are of replicas only, and each of another one.
pub fn are_of_distinct_replicas<T: Statement>(votes: &[Signed<T>]) -> bool {
    votes.iter().map(Signed::signer).collect::<ReplicaSet>().len() == votes.len()
}

/// Whom to ask for what these votes prove: at each attempt the next of those who cast them.
pub fn whom_to_ask<T: Statement>(
    proof: &[Signed<T>],
    me: NodeId,
    attempt: usize,
) -> Option<NodeId> {
    let others: Vec<NodeId> = proof.iter().map(Signed::signer).filter(|node| *node != me).collect();
    others.get(attempt % others.len().max(1)).copied()
}

/// The primary of a view: replica v mod n (Castro–Liskov §4, and Zyzzyva like it).
pub fn primary(committee: Committee, view: u64) -> NodeId {
    let number = view % u64::from(committee.replicas);
    NodeId::Replica(u16::try_from(number).expect("below n"))
}

/// Of the views that replicas say they are in, the highest that a correct one is in for certain, or
/// has left for a later one: f of them may exaggerate. None if at most f spoke.
///
/// ```
/// use byzsim_protocols::shared::quorum::certain_view;
///
/// assert_eq!(certain_view(vec![2, 9, 3], 1), Some(3));
/// assert_eq!(certain_view(vec![9], 1), None);
/// ```
pub fn certain_view(mut views: Vec<u64>, faults: usize) -> Option<u64> {
    views.sort_unstable_by(|a, b| b.cmp(a));
    views.get(faults).copied()
}

/// The size of a quorum of `n` replicas of which `f` may be faulty: any two quorums share a correct
/// replica, ceil((n + f + 1) / 2). It is 2f + 1 for n = 3f + 1.
///
/// For other n it is not: with n = 5 and f = 1, 2f + 1 = 3 is unsafe, as two sets of 3 among 5 may
/// share the faulty replica only.
pub const fn quorum(n: usize, f: usize) -> usize {
    (n + f + 1).div_ceil(2)
}

#[cfg(test)]
mod tests {
    use byzsim_core::{Encode, Encoder};

    use super::*;

    #[derive(Clone)]
    struct Vote;
    impl Encode for Vote {
        fn encode(&self, _: &mut Encoder) {}
    }
    impl Statement for Vote {
        const TAG: &'static str = "test/vote";
    }

    #[test]
    fn votes_of_clients_and_repeated_ones_prove_nothing() {
        let (r0, r1, c0) = (NodeId::Replica(0), NodeId::Replica(1), NodeId::Client(0));
        let votes = |of: &[NodeId]| -> Vec<Signed<Vote>> {
            of.iter().map(|node| Signed::forged(Vote, *node)).collect()
        };
        assert!(are_of_distinct_replicas(&votes(&[r0, r1])));
        assert!(!are_of_distinct_replicas(&votes(&[r0, r1, r0])));
        assert!(!are_of_distinct_replicas(&votes(&[r0, c0])));

        let asked = |of: &[NodeId], attempt| whom_to_ask(&votes(of), r0, attempt);
        let attempts = [0, 1, 2].map(|attempt| asked(&[r1, r0, c0], attempt));
        assert_eq!(attempts, [Some(r1), Some(c0), Some(r1)], "everyone else in turn");
        assert_eq!(asked(&[r0], 0), None);
    }

    #[test]
    fn quorums_intersect_in_a_correct_replica_and_are_available() {
        for (n, f, expected) in
            [(1, 0, 1), (4, 1, 3), (5, 1, 4), (6, 1, 4), (7, 2, 5), (10, 3, 7), (31, 10, 21)]
        {
            assert_eq!(quorum(n, f), expected, "n = {n}, f = {f}");
        }
        for f in 0..20 {
            for n in 3 * f + 1..3 * f + 9 {
                let q = quorum(n, f);
                assert!(f < 2 * q - n, "n = {n}, f = {f}: two quorums share a correct replica");
                assert!(2 * (q - 1) <= n + f, "n = {n}, f = {f}: no smaller number would do");
                assert!(q <= n - f, "n = {n}, f = {f}: the correct replicas are a quorum");
            }
        }
    }
}
