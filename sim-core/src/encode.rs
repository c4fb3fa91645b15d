//! Canonical bytes: what is hashed, signed and counted.
//!
//! The encoding is fixed (little-endian integers, lengths before contents, a tag before each
//! variant), so equal values have equal bytes on every machine. The bytes of a *signature* are
//! counted but not included, so that the trace hash and the message sizes do not depend on the
//! crypto backend. A general codec cannot do that, so byzsim has its own.

use std::cell::Cell;
use std::rc::Rc;

use crate::crypto::Digest;
use crate::id::NodeId;
use crate::sha256::sha256;
use crate::time::Time;

/// Something with canonical bytes.
pub trait Encode {
    /// Appends the canonical bytes of `self` to `out`.
    fn encode(&self, out: &mut Encoder);

    /// Appends the canonical bytes of an optional value: those of a list of at most one.
    fn encode_option(value: Option<&Self>, out: &mut Encoder)
    where
        Self: Sized,
    {
        out.list(value.into_iter());
    }

    /// The SHA-256 digest of the canonical bytes.
    fn sha256(&self) -> Digest {
        Encoder::digest_of(|out| self.encode(out))
    }
}

thread_local! {
    /// What the last digest was computed in: most digests are of few bytes, and memory of their own
    /// would cost more than the hash.
    static SPARE: Cell<Option<Encoder>> = const { Cell::new(None) };
}

/// Collects canonical bytes.
#[derive(Debug)]
pub struct Encoder {
    bytes: Vec<u8>,
    signatures: u32,
    aggregates: u32,
}

impl Default for Encoder {
    /// With room for all but the largest messages.
    fn default() -> Self {
        Self { bytes: Vec::with_capacity(256), signatures: 0, aggregates: 0 }
    }
}

impl Encoder {
    /// The bytes that every signature occupies on the wire, whatever the backend (RFC 8032).
    pub const SIGNATURE_BYTES: u32 = 64;

    /// The bytes of a signature that others add up to: a point of BLS12-381's smaller group
    /// ([`certificate`](crate::certificate) says why this one).
    pub const AGGREGATE_BYTES: u32 = 48;

    /// Empties the encoder but keeps its memory.
    #[inline]
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.signatures = 0;
        self.aggregates = 0;
    }

    /// The bytes so far.
    #[inline]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// How many bytes the value takes on the wire, its signatures included.
    #[inline]
    pub fn wire_bytes(&self) -> u32 {
        let bytes = u32::try_from(self.bytes.len()).expect("no message reaches 4 GiB");
        bytes + self.signatures * Self::SIGNATURE_BYTES + self.aggregates * Self::AGGREGATE_BYTES
    }

    /// The SHA-256 digest of the bytes that `write` appends.
    pub fn digest_of(write: impl FnOnce(&mut Self)) -> Digest {
        let mut out = SPARE.take().unwrap_or_default();
        out.clear();
        write(&mut out);
        let digest = out.sha256();
        SPARE.set(Some(out));
        digest
    }

    /// The SHA-256 digest of the bytes so far.
    #[inline]
    pub fn sha256(&self) -> Digest {
        Digest(sha256(&self.bytes))
    }

    /// Counts one signature, whose bytes stay out.
    #[inline]
    pub fn signature(&mut self) -> &mut Self {
        self.signatures += 1;
        self
    }

    /// Counts one aggregate signature, whose bytes stay out.
    #[inline]
    pub fn aggregate(&mut self) -> &mut Self {
        self.aggregates += 1;
        self
    }

    /// Appends one byte.
    #[inline]
    pub fn u8(&mut self, value: u8) -> &mut Self {
        self.bytes.push(value);
        self
    }

    /// Appends an integer of 16 bits.
    #[inline]
    pub fn u16(&mut self, value: u16) -> &mut Self {
        self.bytes.extend_from_slice(&value.to_le_bytes());
        self
    }

    /// Appends an integer of 64 bits.
    #[inline]
    pub fn u64(&mut self, value: u64) -> &mut Self {
        self.bytes.extend_from_slice(&value.to_le_bytes());
        self
    }

    /// Appends a length or a count.
    #[inline]
    pub fn len(&mut self, value: usize) -> &mut Self {
        self.u64(value as u64)
    }

    /// Appends an instant.
    #[inline]
    pub fn time(&mut self, value: Time) -> &mut Self {
        self.u64(value.nanos())
    }

    /// Appends a node.
    #[inline]
    pub fn node(&mut self, node: NodeId) -> &mut Self {
        self.raw(&node_bytes(node))
    }

    /// Appends a digest.
    #[inline]
    pub fn digest(&mut self, digest: &Digest) -> &mut Self {
        self.bytes.extend_from_slice(&digest.0);
        self
    }

    /// Appends a string, its length first.
    #[inline]
    pub fn text(&mut self, text: &str) -> &mut Self {
        self.len(text.len());
        self.bytes.extend_from_slice(text.as_bytes());
        self
    }

    /// Appends bytes as they are.
    #[inline]
    pub fn raw(&mut self, bytes: &[u8]) -> &mut Self {
        self.bytes.extend_from_slice(bytes);
        self
    }

    /// Appends a value.
    #[inline]
    pub fn value(&mut self, value: &impl Encode) -> &mut Self {
        value.encode(self);
        self
    }

    /// Appends a list, its length first.
    #[inline]
    pub fn list<'a, T: Encode + 'a>(
        &mut self,
        values: impl ExactSizeIterator<Item = &'a T>,
    ) -> &mut Self {
        self.len(values.len());
        for value in values {
            value.encode(self);
        }
        self
    }
}

/// The canonical bytes of a node: whether it is a client, and its number.
#[inline]
pub(crate) const fn node_bytes(node: NodeId) -> [u8; 3] {
    let [low, high] = node.number().to_le_bytes();
    [node.is_client() as u8, low, high]
}

impl Encode for u64 {
    #[inline]
    fn encode(&self, out: &mut Encoder) {
        out.u64(*self);
    }

    /// An optional number takes as many bytes without a value as with one.
    fn encode_option(value: Option<&Self>, out: &mut Encoder) {
        out.u8(u8::from(value.is_some())).u64(value.copied().unwrap_or(0));
    }
}

impl Encode for bool {
    #[inline]
    fn encode(&self, out: &mut Encoder) {
        out.u8(u8::from(*self));
    }
}

impl Encode for NodeId {
    #[inline]
    fn encode(&self, out: &mut Encoder) {
        out.node(*self);
    }
}

impl Encode for Digest {
    #[inline]
    fn encode(&self, out: &mut Encoder) {
        out.digest(self);
    }
}

impl<T: Encode> Encode for Rc<T> {
    #[inline]
    fn encode(&self, out: &mut Encoder) {
        T::encode(self, out);
    }
}

impl<T: Encode> Encode for Vec<T> {
    #[inline]
    fn encode(&self, out: &mut Encoder) {
        out.list(self.iter());
    }
}

impl<T: Encode> Encode for Option<T> {
    #[inline]
    fn encode(&self, out: &mut Encoder) {
        T::encode_option(self.as_ref(), out);
    }
}
