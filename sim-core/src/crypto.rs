//! Digests and signatures, with two backends behind one interface.
//!
//! `ed25519` makes real signatures (RFC 8032, ed25519-dalek). `ideal` is a keyed hash whose secrets
//! no adversary can reach, so it is unforgeable by construction, and cheap. Only a [`Signer`] can
//! make a signature that verifies. Each node holds its own signer, and the adversary holds those of
//! the corrupted nodes. Any node can make a *garbage* signature ([`Signed::forged`]), so a protocol
//! that forgets to verify is caught.
//!
//! What is signed is the SHA-256 digest of a statement's canonical bytes, which begin with a domain
//! tag (protocol and message kind) and the signer. Signatures *inside* a statement are not covered
//! by the one around it: a certificate within a view-change message is a list of (signer,
//! statement) whose signatures travel beside it. The receiver verifies them as well.

use std::cell::Cell;
use std::fmt;
use std::rc::Rc;
use std::str::FromStr;

use crate::encode::{Encode, Encoder};
use crate::id::{Committee, NodeId};
use crate::rng::{Purpose, SimRng};
use crate::sha256::sha256;
use ed25519_dalek::{Signer as _, SigningKey, VerifyingKey};
use serde::{Deserialize, Serialize};

/// A SHA-256 digest. Prints as its first four hexadecimal digits: `7be1`.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest(pub [u8; 32]);

impl Digest {
    /// The first eight bytes as an integer: enough to tell messages of a run apart.
    pub fn prefix(&self) -> u64 {
        let (head, _) = self.0.split_first_chunk::<8>().expect("a digest has 32 bytes");
        u64::from_be_bytes(*head)
    }

    /// All 64 hexadecimal digits.
    pub fn hex(&self) -> String {
        let digits = self.0.iter().flat_map(|byte| [byte >> 4, byte & 0xF]);
        digits.map(|digit| char::from(b"0123456789abcdef"[usize::from(digit)])).collect()
    }
}

impl FromStr for Digest {
    type Err = String;

    /// Reads the 64 digits that [`Digest::hex`] writes.
    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || "a digest has 64 hexadecimal digits".to_owned();
        if text.len() != 64 {
            return Err(wrong());
        }
        let mut bytes = [0; 32];
        for (place, digit) in text.chars().enumerate() {
            let digit = digit.to_digit(16).and_then(|digit| u8::try_from(digit).ok());
            bytes[place / 2] = bytes[place / 2] << 4 | digit.ok_or_else(wrong)?;
        }
        Ok(Self(bytes))
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02x}{:02x}", self.0[0], self.0[1])
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Which signatures a run uses. Counts, sizes and trace hashes do not depend on it.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum CryptoBackend {
    /// Ed25519 signatures.
    #[default]
    Ed25519,
    /// Keyed hashes with secrets that no adversary can reach.
    Ideal,
}

/// A signature: 64 bytes with either backend.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Signature([u8; 64]);

impl fmt::Debug for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "sig:{:02x}{:02x}", self.0[0], self.0[1])
    }
}

/// The keys of all nodes. The run makes them; nodes and adversaries cannot reach them.
pub struct Keyring {
    committee: Committee,
    keys: Keys,
}

enum Keys {
    Ed25519(Vec<(SigningKey, VerifyingKey)>),
    Ideal(Vec<[u8; 16]>),
}

impl fmt::Debug for Keyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keyring").field("committee", &self.committee).finish_non_exhaustive()
    }
}

impl Keyring {
    /// The keys of `committee` in the run of `seed`.
    pub fn new(backend: CryptoBackend, committee: Committee, seed: u64) -> Rc<Self> {
        let mut rng = SimRng::new(seed, Purpose::Keys, 0);
        let secrets = committee.nodes().map(|_| rng.key());
        let keys = match backend {
            // 128 bits, so that a signature is one block of SHA-256.
            CryptoBackend::Ideal => Keys::Ideal(secrets.map(half).collect()),
            CryptoBackend::Ed25519 => Keys::Ed25519(
                secrets
                    .map(|secret| SigningKey::from_bytes(&secret))
                    .map(|key| (key.clone(), key.verifying_key()))
                    .collect(),
            ),
        };
        Rc::new(Self { committee, keys })
    }

    /// The one signer of `node`.
    pub fn signer(self: &Rc<Self>, node: NodeId) -> Rc<Signer> {
        assert!(self.committee.contains(node), "{node} has no key");
        let keyring = Rc::clone(self);
        Rc::new(Signer { node, keyring, signed: Cell::new(0), verified: Cell::new(0) })
    }

    /// The public half of the keys.
    pub fn public(self: &Rc<Self>) -> PublicKeys {
        PublicKeys(Rc::clone(self))
    }

    fn sign(&self, node: NodeId, digest: &Digest) -> Signature {
        let place = self.committee.index(node);
        match &self.keys {
            Keys::Ed25519(keys) => Signature(keys[place].0.sign(&digest.0).to_bytes()),
            Keys::Ideal(secrets) => ideal_signature(&secrets[place], digest),
        }
    }

    fn verifies(&self, node: NodeId, digest: &Digest, signature: &Signature) -> bool {
        if !self.committee.contains(node) {
            return false;
        }
        let place = self.committee.index(node);
        match &self.keys {
            Keys::Ed25519(keys) => {
                let signature = ed25519_dalek::Signature::from_bytes(&signature.0);
                keys[place].1.verify_strict(&digest.0, &signature).is_ok()
            }
            Keys::Ideal(secrets) => *signature == ideal_signature(&secrets[place], digest),
        }
    }
}

/// The public keys of all nodes: who has them can verify what anybody signed, and sign nothing.
#[derive(Clone, Debug)]
pub struct PublicKeys(Rc<Keyring>);

impl PublicKeys {
    /// Whether the named signer signed exactly this. Unlike [`Signer::verify`] it believes nothing
    /// that the value stores about itself: it computes the digest from the statement, and looks at
    /// the signature each time.
    pub fn verify<T: Statement>(&self, signed: &Signed<T>) -> bool {
        let digest = statement_digest(signed.signer, &signed.body);
        self.0.verifies(signed.signer, &digest, &signed.signature)
    }

    /// What the signatures of these nodes on `body` add up to; none if one of them has no key.
    pub(crate) fn sum<T: Statement>(
        &self,
        body: &T,
        signers: impl Iterator<Item = NodeId>,
    ) -> Option<Digest> {
        let sign = |node| {
            self.0
                .committee
                .contains(node)
                .then(|| self.0.sign(node, &statement_digest(node, body)))
        };
        signers.map(sign).collect::<Option<Vec<_>>>().map(|all| added_up(&all))
    }
}

fn half(secret: [u8; 32]) -> [u8; 16] {
    *secret.first_chunk().expect("32 bytes have a first half")
}

fn ideal_signature(secret: &[u8; 16], digest: &Digest) -> Signature {
    let mut message = [0; 48];
    message[..16].copy_from_slice(secret);
    message[16..].copy_from_slice(&digest.0);
    let mut bytes = [0; 64];
    bytes[..32].copy_from_slice(&sha256(&message));
    Signature(bytes)
}

/// The capability to sign as one node, and to verify what others signed. It counts both.
///
/// It is not `Clone`, so code that was not given it cannot sign. The copies of one corrupted node
/// ("twins") share it.
#[derive(Debug)]
pub struct Signer {
    node: NodeId,
    keyring: Rc<Keyring>,
    signed: Cell<u64>,
    verified: Cell<u64>,
}

impl Signer {
    /// Whose signer this is.
    pub const fn node(&self) -> NodeId {
        self.node
    }

    /// Signs `body`.
    pub fn sign<T: Statement>(&self, body: T) -> Signed<T> {
        self.signed.set(self.signed.get() + 1);
        let digest = statement_digest(self.node, &body);
        let signature = self.keyring.sign(self.node, &digest);
        Signed { body, signer: self.node, digest, signature, memo: Cell::new(Some(true)) }
    }

    /// Whether the signature on `signed` is the named signer's. Counted for this node each time;
    /// computed once per signed value and its copies, so that n receivers cost one verification.
    pub fn verify<T: Statement>(&self, signed: &Signed<T>) -> bool {
        self.verified.set(self.verified.get() + 1);
        signed.memo.get().unwrap_or_else(|| {
            let valid = self.keyring.verifies(signed.signer, &signed.digest, &signed.signature);
            signed.memo.set(Some(valid));
            valid
        })
    }

    /// How many replicas have keys.
    pub(crate) fn replicas(&self) -> u16 {
        self.keyring.committee.replicas
    }

    /// Whether this node has a key.
    pub(crate) fn knows(&self, node: NodeId) -> bool {
        self.keyring.committee.contains(node)
    }

    /// Counts a verification that goes by other ways than [`verify`](Self::verify).
    pub(crate) fn count_verification(&self) {
        self.verified.set(self.verified.get() + 1);
    }

    /// What everybody has.
    pub(crate) fn keys(&self) -> PublicKeys {
        self.keyring.public()
    }

    /// How many signatures this node made.
    pub fn signed(&self) -> u64 {
        self.signed.get()
    }

    /// How many signatures this node verified.
    pub fn verified(&self) -> u64 {
        self.verified.get()
    }
}

/// Something that is signed: canonical bytes under a domain tag.
pub trait Statement: Encode {
    /// Protocol and message kind, such as `pbft/prepare`: a signature on one kind of statement does
    /// not verify on another.
    const TAG: &'static str;
}

pub(crate) fn statement_digest<T: Statement>(signer: NodeId, body: &T) -> Digest {
    Encoder::digest_of(|out| _ = out.text(T::TAG).node(signer).value(body))
}

/// What stands for the sum of signatures: a hash of them.
fn added_up(signatures: &[Signature]) -> Digest {
    Encoder::digest_of(|out| {
        for signature in signatures {
            out.raw(&signature.0);
        }
    })
}

/// A statement with its signer and signature. It is immutable, so its digest and the stored result
/// of the verification stay true.
#[derive(Clone)]
pub struct Signed<T> {
    body: T,
    signer: NodeId,
    digest: Digest,
    signature: Signature,
    memo: Cell<Option<bool>>,
}

impl<T: Statement> Signed<T> {
    /// Makes `body` with a signature of `signer` that does not verify, as any node can.
    pub fn forged(body: T, signer: NodeId) -> Self {
        let digest = statement_digest(signer, &body);
        Self { body, signer, digest, signature: Signature([0xFF; 64]), memo: Cell::new(None) }
    }

    /// Puts another body under the signature that is there, as any node can. It still verifies only
    /// if the signature does not cover what differs: signatures inside the body.
    #[must_use]
    pub fn with_body(&self, body: T) -> Self {
        let digest = statement_digest(self.signer, &body);
        let memo = Cell::new(self.memo.get().filter(|_| digest == self.digest));
        Self { body, signer: self.signer, digest, signature: self.signature, memo }
    }

    /// What the signatures on these add up to.
    pub(crate) fn sum_of(all: &[&Self]) -> Digest {
        let signatures: Vec<Signature> = all.iter().map(|it| it.signature).collect();
        added_up(&signatures)
    }

    /// The digest of the statement and its signer; not of the signature.
    pub const fn digest(&self) -> Digest {
        self.digest
    }

    /// The node in whose name it is signed.
    pub const fn signer(&self) -> NodeId {
        self.signer
    }

    /// What was signed.
    pub const fn body(&self) -> &T {
        &self.body
    }
}

impl<T> std::ops::Deref for Signed<T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.body
    }
}

impl<T: fmt::Debug> fmt::Debug for Signed<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}@{}", self.body, self.signer)
    }
}

impl<T: Encode> Encode for Signed<T> {
    fn encode(&self, out: &mut Encoder) {
        out.node(self.signer).value(&self.body).signature();
    }
}

#[cfg(test)]
mod tests {
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

    #[test]
    fn only_the_signer_signs() {
        let committee = Committee { replicas: 4, faults: 1, clients: 1 };
        for backend in [CryptoBackend::Ed25519, CryptoBackend::Ideal] {
            let keyring = Keyring::new(backend, committee, 7);
            let [a, b] = [0, 1].map(|i| keyring.signer(NodeId::Replica(i)));
            let vote = a.sign(Vote(3));
            vote.memo.set(None);
            assert!(b.verify(&vote), "{backend:?}: a genuine signature verifies");
            assert!(!b.verify(&Signed::forged(Vote(3), a.node())), "{backend:?}: garbage does not");
            let stolen = Signed { memo: Cell::new(None), signer: b.node(), ..a.sign(Vote(3)) };
            assert!(!a.verify(&stolen), "{backend:?}: a signature names its signer");
            let altered = Signed {
                memo: Cell::new(None),
                digest: statement_digest(a.node(), &Vote(4)),
                ..a.sign(Vote(3))
            };
            assert!(!b.verify(&altered), "{backend:?}: a signature binds its statement");
            let grafted = a.sign(Vote(3)).with_body(Vote(4));
            assert!(!b.verify(&grafted), "{backend:?}: nor one that was made for another body");
            assert!(b.verify(&grafted.with_body(Vote(3))), "{backend:?}: the old body fits again");
            let claimed = Signed { memo: Cell::new(Some(true)), body: Vote(4), ..a.sign(Vote(3)) };
            let public = keyring.public();
            assert!(public.verify(&vote), "{backend:?}: public keys are enough to verify");
            assert!(!public.verify(&claimed), "{backend:?}: a value's word on itself is not");
            assert!(!public.verify(&grafted), "{backend:?}: nor is a graft");
            assert!(!public.verify(&stolen), "{backend:?}: a signature names its signer");
            let stranger = Signed::forged(Vote(3), NodeId::Replica(9));
            assert!(!b.verify(&stranger), "{backend:?}: a stranger has no key");
            assert_eq!((a.signed(), b.verified()), (5, 6), "{backend:?}: both are counted");
        }
    }
}
