//! People who were erased: a keyed hash of their number stays, so that no later list messages them.
//!
//! The key is made once, from the operating system's randomness, and stays in this checkpoint. Without
//! it, a hash of a phone number could be undone by trying all numbers.

use std::collections::HashSet;

use hmac::{Hmac, KeyInit, Mac};
use rusqlite::{Connection, OptionalExtension};
use sha2::Sha256;

use super::error::StoreError;
use super::{Reader, suppression};
use crate::domain::event::News;
use crate::domain::phone::PhoneNumber;
use crate::domain::recipient::Suppression;

/// Where the key is kept.
const KEY: &str = "forget_key";

pub(super) type Hash = [u8; 32];

/// The erased people, in memory, for the intake of a list.
#[derive(Default)]
pub struct Forgotten {
    key: Vec<u8>,
    hashes: HashSet<Hash>,
}

impl std::fmt::Debug for Forgotten {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Forgotten")
            .field("hashes", &self.hashes.len())
            .finish_non_exhaustive()
    }
}

impl Forgotten {
    /// Why the number must not be messaged, if its owner was erased.
    pub fn cause(&self, phone: PhoneNumber) -> Option<Suppression> {
        let erased = !self.hashes.is_empty()
            && self
                .hashes
                .contains(&of_phone(&self.key, suppression::column(phone)));
        erased.then_some(Suppression::Forgotten)
    }
}

impl Reader {
    /// The erased people: to be asked beside [`Reader::suppressions`].
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint fails.
    pub fn forgotten(&self) -> Result<Forgotten, StoreError> {
        let Some(key) = key(&self.connection)? else {
            return Ok(Forgotten::default());
        };
        let mut select = self
            .connection
            .prepare("SELECT hash FROM suppression_hash")?;
        let hashes = select
            .query_map([], |row| row.get::<_, Hash>(0))?
            .collect::<Result<_, _>>()?;
        Ok(Forgotten { key, hashes })
    }
}

/// The key; `None` if nobody was ever erased.
fn key(connection: &Connection) -> Result<Option<Vec<u8>>, StoreError> {
    Ok(connection
        .prepare_cached("SELECT value FROM setting WHERE key = ?1")?
        .query_row([KEY], |row| row.get(0))
        .optional()?)
}

/// The key, made if need be. Inside a write transaction.
pub(super) fn make_key(connection: &Connection) -> Result<Vec<u8>, StoreError> {
    if let Some(key) = key(connection)? {
        return Ok(key);
    }
    let mut key = vec![0; 32];
    getrandom::fill(&mut key).map_err(|error| StoreError::Database {
        detail: format!("the system gives no random numbers ({error})"),
    })?;
    connection.execute(
        "INSERT INTO setting (key, value) VALUES (?1, ?2)",
        (KEY, &key),
    )?;
    Ok(key)
}

/// True if the number's owner was erased.
pub(super) fn is_forgotten(connection: &Connection, phone: i64) -> Result<bool, StoreError> {
    match key(connection)? {
        Some(key) => holds(connection, of_phone(&key, phone)),
        None => Ok(false),
    }
}

/// Takes an erased number off the list, because its owner wants messages again.
pub(super) fn readmit(connection: &Connection, phone: i64) -> Result<usize, StoreError> {
    let Some(key) = key(connection)? else {
        return Ok(0);
    };
    Ok(connection
        .prepare_cached("DELETE FROM suppression_hash WHERE hash = ?1")?
        .execute([of_phone(&key, phone)])?)
}

/// True if news are about somebody who was erased.
pub(super) fn is_about(connection: &Connection, news: &News) -> Result<bool, StoreError> {
    // Without a key nobody was erased: the usual case costs one look-up.
    let Some(key) = key(connection)? else {
        return Ok(false);
    };
    if let Some(phone) = news.phone
        && holds(connection, of_phone(&key, suppression::column(phone)))?
    {
        return Ok(true);
    }
    match &news.contact_id {
        Some(id) => holds(connection, of_contact(&key, &news.channel, id)),
        None => Ok(false),
    }
}

fn holds(connection: &Connection, hash: Hash) -> Result<bool, StoreError> {
    Ok(connection
        .prepare_cached("SELECT EXISTS (SELECT 1 FROM suppression_hash WHERE hash = ?1)")?
        .query_row([hash], |row| row.get(0))?)
}

pub(super) fn of_phone(key: &[u8], phone: i64) -> Hash {
    keyed(key, &[b"phone", &phone.to_be_bytes()])
}

pub(super) fn of_contact(key: &[u8], channel: &str, contact_id: &str) -> Hash {
    keyed(
        key,
        &[b"contact", channel.as_bytes(), &[0], contact_id.as_bytes()],
    )
}

fn keyed(key: &[u8], parts: &[&[u8]]) -> Hash {
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else {
        // HMAC takes keys of any length.
        return Hash::default();
    };
    for part in parts {
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}
