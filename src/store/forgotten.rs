//! People who were erased: a keyed hash of their number stays, so that no later list messages them.
//!
//! The key is made once, from the operating system's randomness, and stays in this checkpoint. Without
//! it, a hash of a phone number could be undone by trying all numbers.

use std::collections::HashSet;

use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension};
use sha2::Sha256;

use super::error::StoreError;
use super::{Reader, contact, suppression, to_millis};
use crate::domain::event::News;
use crate::domain::phone::PhoneNumber;
use crate::domain::recipient::Suppression;

/// Where the key is kept.
const KEY: &str = "forget_key";

type Hash = [u8; 32];

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
fn make_key(connection: &Connection) -> Result<Vec<u8>, StoreError> {
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

/// Takes an erased number off the list, because its owner wants messages again: the number and what
/// else was kept of the person. Returns how many people that are.
pub(super) fn readmit(connection: &Connection, phone: i64) -> Result<usize, StoreError> {
    let Some(key) = key(connection)? else {
        return Ok(0);
    };
    let gone = connection
        .prepare_cached(
            "DELETE FROM suppression_hash
             WHERE added_at = (SELECT added_at FROM suppression_hash WHERE hash = ?1)",
        )?
        .execute([of_phone(&key, phone)])?;
    Ok(usize::from(gone > 0))
}

/// Keeps the hashes of a person's number and contacts (channel and id). The time of the erasure is theirs
/// alone: it tells which of them belong together.
pub(super) fn keep(
    connection: &Connection,
    phone: i64,
    contacts: &[(String, String)],
    now: Timestamp,
) -> Result<(), StoreError> {
    let key = make_key(connection)?;
    let of_phone = of_phone(&key, phone);
    let at = time_of_its_own(connection, to_millis(now))?;
    // Erased once more: what was kept the first time goes with what is kept now.
    connection.execute(
        "UPDATE suppression_hash SET added_at = ?2
         WHERE added_at = (SELECT added_at FROM suppression_hash WHERE hash = ?1)",
        (of_phone, at),
    )?;
    let of_contacts = contacts
        .iter()
        .map(|(channel, id)| of_contact(&key, channel, id));
    for hash in std::iter::once(of_phone).chain(of_contacts) {
        connection
            .prepare_cached(
                "INSERT INTO suppression_hash (hash, added_at) VALUES (?1, ?2)
                 ON CONFLICT DO UPDATE SET added_at = excluded.added_at",
            )?
            .execute((hash, at))?;
    }
    Ok(())
}

/// The first moment from `at` on at which nobody was erased.
fn time_of_its_own(connection: &Connection, mut at: i64) -> Result<i64, StoreError> {
    let mut taken =
        connection.prepare("SELECT EXISTS (SELECT 1 FROM suppression_hash WHERE added_at = ?1)")?;
    while taken.query_row([at], |row| row.get(0))? {
        at += 1;
    }
    Ok(at)
}

/// True if news are about somebody who was erased.
///
/// The number decides, where it is known. A contact whose number is known again was messaged after
/// `suppress remove`: what the person says counts.
pub(super) fn is_about(connection: &Connection, news: &News) -> Result<bool, StoreError> {
    // Without a key nobody was erased: the usual case costs one look-up.
    let Some(key) = key(connection)? else {
        return Ok(false);
    };
    if let Some(phone) = news.phone {
        return holds(connection, of_phone(&key, suppression::column(phone)));
    }
    let Some(id) = &news.contact_id else {
        return Ok(false);
    };
    if !holds(connection, of_contact(&key, &news.channel, id))? {
        return Ok(false);
    }
    match contact::number_of(connection, &news.channel, id)? {
        Some(phone) => holds(connection, of_phone(&key, phone)),
        None => Ok(true),
    }
}

fn holds(connection: &Connection, hash: Hash) -> Result<bool, StoreError> {
    Ok(connection
        .prepare_cached("SELECT EXISTS (SELECT 1 FROM suppression_hash WHERE hash = ?1)")?
        .query_row([hash], |row| row.get(0))?)
}

fn of_phone(key: &[u8], phone: i64) -> Hash {
    keyed(key, &[b"phone", &phone.to_be_bytes()])
}

fn of_contact(key: &[u8], channel: &str, contact_id: &str) -> Hash {
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
