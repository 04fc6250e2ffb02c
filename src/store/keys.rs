//! Keyed hashes: what stays of an erased person, and the repeat guard's key of a content.
//!
//! The key is random, made once, and stays in this checkpoint. Without it, a hash of a phone number could be
//! undone by trying all numbers, and that of a message by trying all names.

use hmac::{Hmac, KeyInit, Mac};
use rusqlite::Connection;
use sha2::Sha256;

use super::columns::phone_to_column;
use super::error::StoreError;
use super::query::Query as _;
use crate::domain::fold;
use crate::domain::keyed_hash::KeyPrint;
use crate::domain::phone::PhoneNumber;

/// How content is folded before its key is made: the number changes with [`fold::content`].
pub(super) const KEY_FORM: i64 = 1;

/// The form of a key that was made of the digest in a results file.
pub(super) const IMPORTED_FORM: i64 = 2;

pub(super) type Hash = [u8; 32];

/// The checkpoint's hash key, ready to hash with.
#[derive(Clone)]
pub(crate) struct HashKey(Hmac<Sha256>);

impl std::fmt::Debug for HashKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("HashKey")
    }
}

impl HashKey {
    pub(super) fn load(connection: &Connection) -> Result<Self, StoreError> {
        let key: Vec<u8> = connection.value("SELECT hash_key FROM checkpoint", [])?;
        Self::from_bytes(&key)
    }

    pub(super) fn from_bytes(key: &[u8]) -> Result<Self, StoreError> {
        let mac = Hmac::new_from_slice(key).map_err(|error| StoreError::Value {
            detail: format!("the key of the checkpoint's hashes: {error}"),
        })?;
        Ok(Self(mac))
    }

    /// What identifies "the same content through the same channel": 64 bits of a keyed hash. White space and
    /// invisible characters make no other content.
    pub(crate) fn content_key(&self, channel: &str, content: &str) -> i64 {
        let hash = self.hash(&[
            b"content",
            channel.as_bytes(),
            &[0],
            fold::content(content).as_bytes(),
        ]);
        first_64_bits(&hash)
    }

    /// The same as far as a results file holds it: made of the [digest](crate::domain::results_row::content_digest).
    pub(super) fn imported_content_key(&self, digest: &str) -> i64 {
        first_64_bits(&self.hash(&[b"told content", digest.as_bytes()]))
    }

    /// The fingerprint of this key: other keys have another.
    pub(super) fn print(&self) -> KeyPrint {
        let hash = self.hash(&[b"fingerprint"]);
        let mut print = KeyPrint::default();
        print.copy_from_slice(&hash[..8]);
        print
    }

    pub(super) fn number(&self, phone: PhoneNumber) -> Hash {
        self.number_column(phone_to_column(phone))
    }

    /// The same for a number as it is stored.
    pub(super) fn number_column(&self, number: i64) -> Hash {
        self.hash(&[b"phone", &number.to_be_bytes()])
    }

    pub(super) fn contact(&self, channel: &str, api_id: &str) -> Hash {
        self.hash(&[b"contact", channel.as_bytes(), &[0], api_id.as_bytes()])
    }

    /// The key of an event: without the checkpoint's key it does not follow from the event's ids.
    pub(super) fn event(&self, key: &[u8]) -> Vec<u8> {
        self.hash(&[b"event", key])[..16].to_vec()
    }

    fn hash(&self, parts: &[&[u8]]) -> Hash {
        let mut mac = self.0.clone();
        for part in parts {
            mac.update(part);
        }
        mac.finalize().into_bytes().into()
    }
}

fn first_64_bits(hash: &Hash) -> i64 {
    let mut bytes = [0; 8];
    bytes.copy_from_slice(&hash[..8]);
    i64::from_le_bytes(bytes)
}

/// Random bytes of the operating system.
pub(super) fn random<const N: usize>() -> Result<[u8; N], StoreError> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|error| StoreError::Database {
        detail: format!("the system gives no random numbers ({error})"),
    })?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_of_a_content_is_of_its_channel_and_of_the_checkpoint() {
        let keys = HashKey::from_bytes(&[1; 32]).unwrap();
        let key = keys.content_key("7001", r#"{"payload":"Hi"}"#);
        assert_eq!(keys.content_key("7001", r#"{ "payload": "Hi " }"#), key);
        assert_ne!(keys.content_key("7002", r#"{"payload":"Hi"}"#), key);
        assert_ne!(keys.content_key("7001", r#"{"payload":"Ho"}"#), key);
        let others = HashKey::from_bytes(&[2; 32]).unwrap();
        assert_ne!(others.content_key("7001", r#"{"payload":"Hi"}"#), key);
        assert_ne!(keys.contact("7001", "9"), keys.contact("7002", "9"));
    }
}
