//! The rules of certificates that a planted flaw can break. Those of PBFT are in its own folder.

use byzsim_core::{Certificate, Committee, NodeId, Signer};

use super::Params;
use super::flaws::LinearFlaw;
use super::message::{Commit, Prepare, View, Vote};
use crate::catalogue::Flaws;
use crate::pbft;
use crate::shared::quorum;

/// The rules, for one committee.
#[derive(Clone, Debug)]
pub(super) struct Rules {
    committee: Committee,
    quorum: usize,
    flaws: Flaws<LinearFlaw>,
}

/// The parameters of PBFT among these. Votes are counted by its rules, so a flaw in how a collector
/// counts them is one of PBFT.
pub(super) fn plain(params: &Params) -> pbft::Params {
    let mut plain = params.plain();
    if params.flaws.has(LinearFlaw::ViewsMixed) {
        plain.flaws.plant("P16b").expect("PBFT has this flaw");
    }
    plain
}

impl Rules {
    pub(super) fn new(committee: Committee, params: &Params) -> Self {
        let (n, f) = (usize::from(committee.replicas), usize::from(committee.faults));
        let quorum = params.quorum.map_or_else(|| quorum::quorum(n, f), usize::from);
        Self { committee, quorum, flaws: params.flaws.clone() }
    }

    /// All replicas.
    pub(super) fn replicas(&self) -> impl Iterator<Item = NodeId> + use<> {
        self.committee.replica_ids()
    }

    /// Who collects the votes of a view: its primary. One that withholds what it collects is
    /// deposed like one that does not propose.
    pub(super) fn collector(&self, view: View) -> NodeId {
        match self.flaws.has(LinearFlaw::CollectorStays) {
            false => quorum::primary(self.committee, view),
            true => quorum::primary(self.committee, 0),
        }
    }

    /// A PREPARE-CERT holds PREPAREs of 2f distinct backups: with the PRE-PREPARE, a quorum.
    pub(super) fn proves_prepared(&self, it: &Certificate<Prepare>, me: &Signer) -> bool {
        let is_backup =
            |node: NodeId, view| !node.is_client() && node != quorum::primary(self.committee, view);
        it.len() == self.quorum - 1 && self.is_proof(it, me, is_backup)
    }

    /// A COMMIT-CERT holds COMMITs of 2f + 1 distinct replicas.
    pub(super) fn proves_committed(&self, it: &Certificate<Commit>, me: &Signer) -> bool {
        it.len() == self.quorum && self.is_proof(it, me, |node, _| !node.is_client())
    }

    /// The votes of *distinct* replicas on *one* batch for *one* slot of *one* view, each *signed*
    /// by who cast it. Whatever of this is not looked at a faulty collector makes up, as it alone
    /// saw the votes.
    fn is_proof<T: Vote>(
        &self,
        it: &Certificate<T>,
        me: &Signer,
        may_vote: impl Fn(NodeId, View) -> bool,
    ) -> bool {
        let Some((view, seq, digest)) = it.first().map(Vote::about) else { return false };
        let says_so = |vote: &T, voter: NodeId| {
            let (of, ..) = vote.about();
            let is_of_view = of == view || self.flaws.has(LinearFlaw::ViewsMixed);
            is_of_view && vote.about() == (of, seq, digest) && may_vote(voter, of)
        };
        let is_signed = match self.flaws.has(LinearFlaw::CertificateUnverified) {
            false => it.proves(me, says_so),
            true => it.all(says_so),
        };
        is_signed && (self.flaws.has(LinearFlaw::VotesCounted) || it.is_of_distinct_replicas())
    }
}

#[cfg(test)]
mod tests {
    use std::rc::Rc;

    use byzsim_core::crypto::Keyring;
    use byzsim_core::{CertificateForm, CryptoBackend, Digest, Signed};

    use super::*;
    use crate::linear_pbft::message::Seq;

    const COMMITTEE: Committee = Committee { replicas: 4, faults: 1, clients: 1 };
    const ONE: Digest = Digest([1; 32]);
    const OTHER: Digest = Digest([2; 32]);

    struct Cast {
        keyring: Rc<Keyring>,
        rules: Rules,
        form: CertificateForm,
    }

    impl Cast {
        fn new(form: CertificateForm) -> Self {
            let keyring = Keyring::new(CryptoBackend::Ideal, COMMITTEE, 7);
            Self { keyring, rules: Rules::new(COMMITTEE, &Params::default()), form }
        }

        fn signer(&self, node: NodeId) -> Rc<Signer> {
            self.keyring.signer(node)
        }

        fn commit(&self, number: u16, about: (View, Seq, Digest)) -> Signed<Commit> {
            let (view, seq, digest) = about;
            self.signer(NodeId::Replica(number)).sign(Commit { view, seq, digest })
        }

        /// Whether these COMMITs, put together, prove anything; what does not add up does not.
        fn commits(&self, votes: Vec<Signed<Commit>>) -> bool {
            let judge = self.signer(NodeId::Replica(3));
            let made = judge.certify(votes, self.form);
            made.is_some_and(|it| self.rules.proves_committed(&it, &judge))
        }

        /// Whether PREPAREs of these nodes on one batch, in view 1, prove anything.
        fn prepares(&self, voters: &[NodeId]) -> bool {
            let judge = self.signer(NodeId::Replica(3));
            let (view, seq, digest) = (1, 5, ONE);
            let vote = |node: &NodeId| self.signer(*node).sign(Prepare { view, seq, digest });
            let made = judge.certify(voters.iter().map(vote).collect(), self.form);
            made.is_some_and(|it| self.rules.proves_prepared(&it, &judge))
        }
    }

    #[test]
    fn a_certificate_is_of_enough_distinct_replicas_on_one_batch_slot_and_view() {
        for form in [CertificateForm::List, CertificateForm::Aggregate] {
            let cast = Cast::new(form);
            let about = (1, 5, ONE);
            let commit = |number| cast.commit(number, about);
            assert!(cast.commits(vec![commit(0), commit(1), commit(2)]), "{form:?}");
            assert!(cast.commits(vec![commit(3), commit(1), commit(2)]), "{form:?}");
            let forged = Signed::forged(*commit(2).body(), NodeId::Replica(2));
            let client = cast.signer(NodeId::Client(0)).sign(*commit(2).body());
            let stranger = Signed::forged(*commit(2).body(), NodeId::Replica(200));
            for (wrong, why) in [
                (vec![commit(0), commit(1)], "too few"),
                (vec![commit(0), commit(1), commit(2), commit(3)], "one too many"),
                (vec![commit(0), commit(1), commit(1)], "one of them twice"),
                (vec![commit(0), commit(1), cast.commit(2, (0, 5, ONE))], "of another view"),
                (vec![commit(0), commit(1), cast.commit(2, (1, 6, ONE))], "on another slot"),
                (vec![commit(0), commit(1), cast.commit(2, (1, 5, OTHER))], "for another batch"),
                (vec![commit(0), commit(1), forged], "with a garbage signature"),
                (vec![commit(0), commit(1), client], "of a client"),
                (vec![commit(0), commit(1), stranger], "of nobody"),
                (Vec::new(), "of none"),
            ] {
                assert!(!cast.commits(wrong), "{form:?}: {why}");
            }
        }
    }

    /// The primary's PRE-PREPARE is its vote.
    #[test]
    fn prepares_are_of_backups() {
        let [r0, r1, r2, r3] = [0, 1, 2, 3].map(NodeId::Replica);
        for form in [CertificateForm::List, CertificateForm::Aggregate] {
            let cast = Cast::new(form);
            assert!(cast.prepares(&[r0, r2]) && cast.prepares(&[r3, r2]), "{form:?}");
            for voters in [[r1, r2], [r0, r1]] {
                assert!(!cast.prepares(&voters), "{form:?}: r1 is the primary of view 1");
            }
            assert!(!cast.prepares(&[r2, r2]) && !cast.prepares(&[r2]), "{form:?}");
            // No VIEW-CHANGE with one vote too many would be believed.
            assert!(!cast.prepares(&[r0, r2, r3]), "{form:?}");
            assert!(!cast.prepares(&[r0, NodeId::Client(0)]), "{form:?}");
        }
    }
}
