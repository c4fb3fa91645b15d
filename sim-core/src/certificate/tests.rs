//! Lists and aggregates: what verifies, what it costs, and what a corrupted sender makes of them.

use std::rc::Rc;

use super::*;
use crate::crypto::{CryptoBackend, Keyring};
use crate::id::Committee;
use crate::rng::Purpose;

crate::statements! {
    #[derive(Clone, Debug, PartialEq)]
    pub(super) struct Vote = "test/vote" {
        number: u64,
    } invents number
}

fn signers(backend: CryptoBackend) -> [Rc<Signer>; 4] {
    let committee = Committee { replicas: 10, faults: 3, clients: 1 };
    let keyring = Keyring::new(backend, committee, 7);
    [0, 3, 5, 9].map(|i| keyring.signer(NodeId::Replica(i)))
}

fn votes(of: &[&Rc<Signer>], number: u64) -> Vec<Signed<Vote>> {
    of.iter().map(|signer| signer.sign(Vote { number })).collect()
}

fn aggregate(of: &[&Rc<Signer>], number: u64) -> Certificate<Vote> {
    let [me, ..] = of else { unreachable!("somebody signs") };
    let form = CertificateForm::Aggregate;
    me.certify(votes(of, number), form).expect("they say the same")
}

fn verifies(it: &Certificate<Vote>, judge: &Signer) -> bool {
    it.proves(judge, |_, _| true)
}

#[test]
fn only_the_genuine_sum_verifies() {
    for backend in [CryptoBackend::Ed25519, CryptoBackend::Ideal] {
        let [a, b, c, judge] = &signers(backend);
        let whole = aggregate(&[a, b, c], 1);
        assert!(verifies(&whole, judge), "{backend:?}");
        let turned = aggregate(&[c, a, b], 1);
        assert!(verifies(&turned, judge), "{backend:?}: in whatever order they came");
        assert_eq!(turned.sha256(), whole.sha256());
        assert_eq!(whole.signers(), [a, b, c].map(|it| it.node()));

        let mut rng = SimRng::new(1, Purpose::Adversary, 0);
        let other = Vote { number: 2 };
        let mut changed = [
            whole.forged(),
            whole.grafted(|_| other.clone()),
            whole.saying(|_| other.clone(), a),
            whole.adopted(judge),
        ]
        .to_vec();
        for change in 0..7 {
            let mut it = whole.clone();
            match change {
                0 => it.remove(1),
                1 => it.repeat(1),
                2 => it.copy(0, 2),
                3 => it.forge(0),
                4 => it.invent(0, a, &mut rng),
                5 => it.graft(0, &mut rng),
                _ => it.adopt(0, judge),
            }
            changed.push(it);
        }
        for it in changed {
            assert!(!verifies(&it, judge), "{backend:?}: {it:?}");
        }
        let mut with_garbage = votes(&[a, b], 1);
        with_garbage.push(Signed::forged(Vote { number: 1 }, c.node()));
        let sum = a.certify(with_garbage, CertificateForm::Aggregate).expect("it adds up");
        assert!(!verifies(&sum, judge), "{backend:?}: one of the votes is garbage");
    }
}

#[test]
fn votes_of_one_signer_or_for_two_things_do_not_add_up() {
    let [a, b, ..] = &signers(CryptoBackend::Ideal);
    let form = CertificateForm::Aggregate;
    let different = [votes(&[a], 1), votes(&[b], 2)].concat();
    let stranger = vec![Signed::forged(Vote { number: 1 }, NodeId::Replica(300))];
    assert!(Certificate::List(stranger.clone()).is_of_distinct_replicas(), "it may be, elsewhere");
    for wrong in [votes(&[a, a], 1), different, stranger, Vec::new()] {
        assert!(a.certify(wrong, form).is_none());
    }
}

#[test]
fn an_aggregate_costs_one_verification_and_the_bytes_of_one_signature() {
    let [a, b, c, judge] = &signers(CryptoBackend::Ideal);
    let list = Certificate::List(votes(&[a, b, c], 1));
    let sum = aggregate(&[a, b, c], 1);
    let cost = |it: &Certificate<Vote>| {
        let before = judge.verified();
        assert!(verifies(it, judge));
        let mut out = Encoder::default();
        it.encode(&mut out);
        (judge.verified() - before, out.wire_bytes())
    };
    // Each vote: signer, statement, signature. The sum: statement, ten bits, signature.
    assert_eq!(cost(&list), (3, 8 + 3 * (3 + 8 + 64)));
    assert_eq!(cost(&sum), (1, 8 + 8 + 2 + 48));
    assert_eq!(cost(&sum), (1, 8 + 8 + 2 + 48), "counted each time");
}

#[test]
fn an_aggregate_is_encoded_with_all_that_it_says() {
    let [a, b, c, _] = &signers(CryptoBackend::Ideal);
    let whole = aggregate(&[a, b], 1).sha256();
    for other in [aggregate(&[a, c], 1), aggregate(&[a, b], 2), aggregate(&[a, b, c], 1)] {
        assert_ne!(other.sha256(), whole, "{other:?}");
    }
    assert_ne!(Certificate::List(votes(&[a, b], 1)).sha256(), whole);
}
