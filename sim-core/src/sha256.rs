//! SHA-256 of bytes that are all at hand (FIPS 180-4), as those of nearly every digest are.
//!
//! The general hasher takes bytes in pieces, and collects them until a block is full. Here whole
//! blocks are hashed where they lie, and only the end is copied: for the few dozen bytes of a
//! message that is most of the work besides the hash itself.

use std::slice;

use sha2::block_api::compress256;

const BLOCK: usize = 64;
/// The length in bits is the last 8 bytes of the last block.
const LENGTH: usize = 8;

/// The first 32 bits of the fractional parts of the square roots of the first 8 primes (§5.3.3).
const INITIAL: [u32; 8] = [
    0x6A09_E667,
    0xBB67_AE85,
    0x3C6E_F372,
    0xA54F_F53A,
    0x510E_527F,
    0x9B05_688C,
    0x1F83_D9AB,
    0x5BE0_CD19,
];

/// The SHA-256 digest of `bytes`.
pub(crate) fn sha256(bytes: &[u8]) -> [u8; 32] {
    let mut state = INITIAL;
    let (blocks, rest) = bytes.as_chunks::<BLOCK>();
    if !blocks.is_empty() {
        compress256(&mut state, blocks);
    }
    // §5.1.1: the bit 1, zeros, and the length.
    let mut last = [0; BLOCK];
    last[..rest.len()].copy_from_slice(rest);
    last[rest.len()] = 0x80;
    if BLOCK < rest.len() + 1 + LENGTH {
        compress256(&mut state, slice::from_ref(&last));
        last = [0; BLOCK];
    }
    let bits = bytes.len() as u64 * 8;
    *last.last_chunk_mut().expect("a block is longer") = bits.to_be_bytes();
    compress256(&mut state, slice::from_ref(&last));
    let mut digest = [0; 32];
    for (bytes, word) in digest.as_chunks_mut().0.iter_mut().zip(state) {
        *bytes = word.to_be_bytes();
    }
    digest
}

#[cfg(test)]
mod tests {
    use sha2::{Digest as _, Sha256};

    use super::*;

    /// The end takes one block or two, after none, one or several whole ones.
    #[test]
    fn it_is_the_hash_that_the_general_hasher_computes() {
        let bytes: Vec<u8> = (0..=255).collect();
        for length in 0..=bytes.len() {
            let expected: [u8; 32] = Sha256::digest(&bytes[..length]).into();
            assert_eq!(sha256(&bytes[..length]), expected, "{length} bytes");
        }
    }
}
