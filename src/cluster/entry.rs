//! A record of the log, and how each is chained to the one before.

use sha2::{Digest, Sha256};

/// SHA-256 over a record and all before it.
pub(crate) type Hash = [u8; 32];

/// A hash as the engine gave it; one that is none fits nothing.
pub(super) fn hash(bytes: &[u8]) -> Hash {
    bytes.try_into().unwrap_or_default()
}

/// A record as it stands in the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    /// Its place: 1 is the first.
    pub(crate) seq: i64,
    /// The hash over it and all before it.
    pub(crate) hash: Hash,
    /// What it holds.
    pub(crate) body: Vec<u8>,
}

impl Entry {
    /// The record that follows one with the hash `before`.
    pub(crate) fn after(before: &Hash, seq: i64, body: Vec<u8>) -> Self {
        Self {
            seq,
            hash: chained(before, seq, &body),
            body,
        }
    }
}

/// The hash of a record that follows one with the hash `before`. The engine can compute it too.
pub(crate) fn chained(before: &Hash, seq: i64, body: &[u8]) -> Hash {
    let mut hash = Sha256::new();
    hash.update(before);
    hash.update(seq.to_be_bytes());
    hash.update(body);
    hash.finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_that_was_altered_moved_or_left_out_breaks_the_chain() {
        let first = Entry::after(&[0; 32], 1, b"one".to_vec());
        let second = Entry::after(&first.hash, 2, b"two".to_vec());
        assert_ne!(second.hash, chained(&first.hash, 2, b"twO"));
        assert_ne!(second.hash, chained(&first.hash, 3, b"two"));
        assert_ne!(second.hash, chained(&[0; 32], 2, b"two"));
    }
}
