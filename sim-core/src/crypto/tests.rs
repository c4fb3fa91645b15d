//! Who can make a signature that verifies, and who cannot.

use super::*;

struct Vote(u64);
impl Encode for Vote {
    fn encode(&self, out: &mut Encoder) {
        out.u64(self.0);
    }
}
impl Statement for Vote {
    const TAG: &'static str = "test/vote";
}

#[test]
fn digests_read_back_what_they_write() {
    let digest = Digest([7, 190, 255, 0].repeat(8).try_into().expect("32 bytes"));
    assert_eq!(digest.hex().parse(), Ok(digest));
    for wrong in ["", "7be1", &"é".repeat(32), &"+7".repeat(32), &"0".repeat(65)] {
        assert!(wrong.parse::<Digest>().is_err(), "{wrong}");
    }
}

const COMMITTEE: Committee = Committee { replicas: 4, faults: 1, clients: 1 };

#[test]
fn only_the_signer_signs() {
    for backend in [CryptoBackend::Ed25519, CryptoBackend::Ideal] {
        let keyring = Keyring::new(backend, COMMITTEE, 7);
        let [a, b] = [0, 1].map(|i| keyring.signer(NodeId::Replica(i)));
        let vote = a.sign(Vote(3));
        assert!(b.verify(&vote), "{backend:?}: a genuine signature verifies");
        assert!(!b.verify(&Signed::forged(Vote(3), a.node())), "{backend:?}: garbage does not");
        let grafted = a.sign(Vote(3)).with_body(Vote(4));
        assert!(!b.verify(&grafted), "{backend:?}: nor one that was made for another body");
        let again = grafted.with_body(Vote(5));
        assert!(!b.verify(&again), "{backend:?}: nor if it was grafted before");
        assert!(b.verify(&again.with_body(Vote(3))), "{backend:?}: the old body fits again");
        assert!(b.verify(&vote.with_body(Vote(3))), "{backend:?}: as the same body does");
        let garbage = Signed::forged(Vote(3), a.node()).with_body(Vote(4));
        assert!(!b.verify(&garbage), "{backend:?}: garbage fits nothing");
        let stranger = Signed::forged(Vote(3), NodeId::Replica(9));
        assert!(!b.verify(&stranger), "{backend:?}: a stranger has no key");
        let public = keyring.public();
        assert!(public.verify(&vote), "{backend:?}: public keys are enough to verify");
        assert!(!public.verify(&grafted), "{backend:?}: a graft stays one");
        assert!(!public.verify(&garbage), "{backend:?}: and garbage garbage");
        assert_eq!((a.signed(), b.verified()), (2, 8), "{backend:?}: both are counted");
    }
}

/// Nobody outside this file can make these, whatever the backend.
#[test]
fn a_signature_binds_its_signer_and_its_statement() {
    let keyring = Keyring::new(CryptoBackend::Ed25519, COMMITTEE, 7);
    let [a, b] = [0, 1].map(|i| keyring.signer(NodeId::Replica(i)));
    let doubtful = |signed: &Signed<Vote>| match &signed.signature {
        Signature::Bytes(it) => Signature::of(it.bytes, None),
        Signature::Genuine | Signature::Grafted(_) | Signature::Garbage => {
            panic!("a signature of ed25519 has bytes")
        }
    };
    let vote = a.sign(Vote(3));
    assert!(b.verify(&Signed { signature: doubtful(&vote), ..a.sign(Vote(3)) }));
    let unknown = OnceCell::new;
    let stolen =
        Signed { body: Vote(3), signer: b.node(), digest: unknown(), signature: doubtful(&vote) };
    assert!(!a.verify(&stolen) && !keyring.public().verify(&stolen));
    let altered = Signed { body: Vote(4), digest: unknown(), signature: doubtful(&vote), ..vote };
    assert!(!b.verify(&altered));
    let claimed = Signed { body: Vote(4), ..a.sign(Vote(3)) };
    assert!(!keyring.public().verify(&claimed), "a value's word on itself is not enough");
    let keyring = Keyring::new(CryptoBackend::Ideal, COMMITTEE, 7);
    let claimed = a.sign(Vote(3));
    claimed.digest();
    assert!(!keyring.public().verify(&Signed { body: Vote(4), ..claimed }));
}
