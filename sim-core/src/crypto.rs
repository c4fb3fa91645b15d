//! Digests and signatures, with two backends behind one interface.
//!
//! `ed25519` makes real signatures (RFC 8032, ed25519-dalek). `ideal` makes none: a signed value
//! says of itself that it is genuine. That is unforgeable by construction, as only a [`Signer`] can
//! make such a value and nobody can change what it says, and it is cheap, as nothing is hashed.
//! Each node holds its own signer, and the adversary holds those of the corrupted nodes. Any node
//! can make a *garbage* signature ([`Signed::forged`]), or put a genuine one under another
//! statement ([`Signed::with_body`]), so a protocol that forgets to verify is caught with either
//! backend.
//!
//! What is signed is the SHA-256 digest of a statement's canonical bytes, which begin with a domain
//! tag (protocol and message kind) and the signer. Signatures *inside* a statement are not covered
//! by the one around it: a certificate within a view-change message is a list of (signer,
//! statement) whose signatures travel beside it. The receiver verifies them as well.

#[cfg(test)]
mod tests;

use std::cell::{Cell, OnceCell};
use std::fmt;
use std::rc::Rc;
use std::str::FromStr;

use crate::encode::{Encode, Encoder};
use crate::id::{Committee, NodeId};
use crate::rng::{Purpose, SimRng};
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
    /// Values that only their signer can make.
    Ideal,
}

/// What is under a statement. It counts as 64 bytes, whatever it is.
#[derive(Clone)]
enum Signature {
    /// `ideal`: the named signer signed this.
    Genuine,
    /// `ideal`: the named signer signed a statement of this digest.
    Grafted(Rc<Digest>),
    /// Nobody signed this.
    Garbage,
    /// `ed25519`.
    Bytes(Rc<Bytes>),
}

/// An Ed25519 signature on one statement.
struct Bytes {
    bytes: [u8; 64],
    /// Whether it verifies, once that was computed.
    memo: Cell<Option<bool>>,
}

impl Signature {
    /// The bytes of a signature; not yet verified, if nobody says so.
    fn of(bytes: [u8; 64], memo: Option<bool>) -> Self {
        Self::Bytes(Rc::new(Bytes { bytes, memo: Cell::new(memo) }))
    }
}

/// The keys of all nodes. The run makes them; nodes and adversaries cannot reach them.
pub struct Keyring {
    committee: Committee,
    keys: Keys,
}

enum Keys {
    Ed25519(Vec<(SigningKey, VerifyingKey)>),
    Ideal,
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
        let keys = match backend {
            CryptoBackend::Ideal => Keys::Ideal,
            CryptoBackend::Ed25519 => Keys::Ed25519(
                committee
                    .nodes()
                    .map(|_| SigningKey::from_bytes(&rng.key()))
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

    /// What stands for the signature of `node` on `digest` in a sum of signatures.
    fn addend(&self, node: NodeId, digest: Digest) -> Addend {
        match &self.keys {
            Keys::Ed25519(keys) => Addend::Bytes(self.sign(keys, node, &digest)),
            Keys::Ideal => Addend::Covers(digest),
        }
    }

    fn sign(&self, keys: &[(SigningKey, VerifyingKey)], node: NodeId, digest: &Digest) -> [u8; 64] {
        keys[self.committee.index(node)].0.sign(&digest.0).to_bytes()
    }

    /// Whether `bytes` are the signature of `node` on `digest`.
    fn verifies(&self, node: NodeId, digest: &Digest, bytes: &[u8; 64]) -> bool {
        let Keys::Ed25519(keys) = &self.keys else { return false };
        if !self.committee.contains(node) {
            return false;
        }
        let signature = ed25519_dalek::Signature::from_bytes(bytes);
        keys[self.committee.index(node)].1.verify_strict(&digest.0, &signature).is_ok()
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
        match &signed.signature {
            // Its digest is that of the moment at which it was asked for first.
            Signature::Genuine => signed.digest.get().is_none_or(|known| *known == digest),
            Signature::Grafted(covers) => **covers == digest,
            Signature::Garbage => false,
            Signature::Bytes(it) => self.0.verifies(signed.signer, &digest, &it.bytes),
        }
    }

    /// What the signatures of these nodes on `body` add up to; none if one of them has no key.
    pub(crate) fn sum<T: Statement>(
        &self,
        body: &T,
        signers: impl Iterator<Item = NodeId>,
    ) -> Option<Digest> {
        let addend = |node| {
            let is_known = self.0.committee.contains(node);
            is_known.then(|| self.0.addend(node, statement_digest(node, body)))
        };
        signers.map(addend).collect::<Option<Vec<_>>>().map(added_up)
    }
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
        let (signature, digest) = match &self.keyring.keys {
            Keys::Ideal => (Signature::Genuine, OnceCell::new()),
            Keys::Ed25519(keys) => {
                let digest = statement_digest(self.node, &body);
                let bytes = self.keyring.sign(keys, self.node, &digest);
                (Signature::of(bytes, Some(true)), OnceCell::from(digest))
            }
        };
        Signed { body, signer: self.node, digest, signature }
    }

    /// Whether the signature on `signed` is the named signer's. Counted for this node each time;
    /// computed once per signed value and its copies, so that n receivers cost one verification.
    pub fn verify<T: Statement>(&self, signed: &Signed<T>) -> bool {
        self.verified.set(self.verified.get() + 1);
        match &signed.signature {
            Signature::Genuine => true,
            Signature::Grafted(covers) => **covers == signed.digest(),
            Signature::Garbage => false,
            Signature::Bytes(it) => it.memo.get().unwrap_or_else(|| {
                let valid = self.keyring.verifies(signed.signer, &signed.digest(), &it.bytes);
                it.memo.set(Some(valid));
                valid
            }),
        }
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

/// A signature as a part of a sum: what tells it from all others.
enum Addend {
    /// The signature of a digest, which names its signer.
    Covers(Digest),
    /// No signature.
    Nothing,
    /// The signature itself.
    Bytes([u8; 64]),
}

/// What stands for the sum of signatures: a hash of them.
fn added_up(addends: Vec<Addend>) -> Digest {
    Encoder::digest_of(|out| {
        for addend in addends {
            match addend {
                Addend::Covers(digest) => out.u8(0).digest(&digest),
                Addend::Nothing => out.u8(1),
                Addend::Bytes(bytes) => out.u8(2).raw(&bytes),
            };
        }
    })
}

/// A statement with its signer and signature. It is immutable, so its digest and the stored result
/// of the verification stay true.
#[derive(Clone)]
pub struct Signed<T> {
    body: T,
    signer: NodeId,
    /// Computed when it is asked for.
    digest: OnceCell<Digest>,
    signature: Signature,
}

impl<T: Statement> Signed<T> {
    /// Makes `body` with a signature of `signer` that does not verify, as any node can.
    pub fn forged(body: T, signer: NodeId) -> Self {
        Self { body, signer, digest: OnceCell::new(), signature: Signature::Garbage }
    }

    /// Puts another body under the signature that is there, as any node can. It still verifies only
    /// if the signature does not cover what differs: signatures inside the body.
    #[must_use]
    pub fn with_body(&self, body: T) -> Self {
        let digest = statement_digest(self.signer, &body);
        let is_same = digest == self.digest();
        let signature = match &self.signature {
            Signature::Genuine if !is_same => Signature::Grafted(Rc::new(self.digest())),
            Signature::Grafted(covers) if **covers == digest => Signature::Genuine,
            Signature::Bytes(it) if !is_same => Signature::of(it.bytes, None),
            it @ (Signature::Genuine
            | Signature::Grafted(_)
            | Signature::Garbage
            | Signature::Bytes(_)) => it.clone(),
        };
        Self { body, signer: self.signer, digest: OnceCell::from(digest), signature }
    }

    /// What the signatures on these add up to.
    pub(crate) fn sum_of(all: &[&Self]) -> Digest {
        let addend = |it: &&Self| match &it.signature {
            Signature::Genuine => Addend::Covers(it.digest()),
            Signature::Grafted(covers) => Addend::Covers(**covers),
            Signature::Garbage => Addend::Nothing,
            Signature::Bytes(it) => Addend::Bytes(it.bytes),
        };
        added_up(all.iter().map(addend).collect())
    }

    /// The digest of the statement and its signer; not of the signature.
    pub fn digest(&self) -> Digest {
        *self.digest.get_or_init(|| statement_digest(self.signer, &self.body))
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
