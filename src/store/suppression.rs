//! The suppression list: whom never to message. An entry stands with its person. And rows that are suppressed.

use jiff::Timestamp;
use rusqlite::Connection;

use super::checkpoint::{Reader, Store};
use super::columns::{time, to_millis};
use super::error::StoreError;
use super::ids::{PersonId, RecipientId};
use super::keys::HashKey;
use super::person;
use super::query::Query as _;
use super::steps::{StepSize, at_most};
use super::transaction::Tx;
use super::unread::{self, Waiting};
use crate::domain::channel_contact::ChannelContact;
use crate::domain::delivery::{self, Event, State};
use crate::domain::keyed_hash::KeyedHash;
use crate::domain::phone::PhoneNumber;
use crate::domain::recipient::{Suppression, UNREAD};

/// Numbers that are listed in one transaction where others write too: some 20 ms.
const STEP: usize = 5_000;

/// An entry of the list: who must not be messaged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListEntry<W> {
    /// A number, or what else is known of the person.
    pub who: W,
    /// Why.
    pub reason: String,
    /// Who or what put it there.
    pub source: String,
    /// When.
    pub added_at: Timestamp,
}

impl<W> ListEntry<W> {
    fn map<T>(self, who: impl FnOnce(W) -> T) -> ListEntry<T> {
        ListEntry {
            who: who(self.who),
            reason: self.reason,
            source: self.source,
            added_at: self.added_at,
        }
    }
}

/// Whom an entry names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Listed {
    Number(PhoneNumber),
    /// An erased person.
    Hash(KeyedHash),
    /// A contact whose number is not known.
    Contact(ChannelContact),
}

/// Whom replies that nobody has read hold: not on the list here, and on one for another checkpoint, which does not have the
/// replies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Held {
    /// Numbers of such a list.
    pub(crate) numbers: u64,
    /// Replies that name nobody: neither a number nor a contact.
    pub(crate) nameless: u64,
}

/// Takes a queued row out of the queue for good.
pub(super) fn suppress(
    tx: &mut Tx<'_>,
    id: RecipientId,
    cause: &Suppression,
    now: Timestamp,
) -> Result<(), StoreError> {
    let next = delivery::next(State::Queued, Event::Suppress)?;
    let suppressed = tx.connection.change(
        "UPDATE recipient SET state = ?2, reason_code = ?3, reason = ?4, finished_at = ?5
             WHERE id = ?1 AND state = 'queued'",
        (
            id,
            next.word(),
            cause.code(),
            cause.to_string(),
            to_millis(now),
        ),
    )?;
    if suppressed > 0 {
        tx.count_move(id.batch(), State::Queued, next);
    }
    Ok(())
}

/// Why a number is listed, who or what puts it there, and when.
type Why<'a> = (&'a str, &'a str, Timestamp);

/// A number, and the person whose it was when it was looked up.
type LookedUp = (Option<PersonId>, PhoneNumber);

/// Puts numbers on the list; returns how many are new there.
fn list_all(
    connection: &Connection,
    keys: &HashKey,
    numbers: &[LookedUp],
    why: Why<'_>,
) -> Result<usize, StoreError> {
    let any_erased = person::any_erased(connection)?;
    let mut added = 0;
    for (known, phone) in numbers {
        let is_new = match known {
            Some(whose) => list(connection, keys, *whose, *phone, why)?,
            None => list_new(connection, keys, any_erased, *phone, why)?,
        };
        added += usize::from(is_new);
    }
    Ok(added)
}

/// Puts a person on the list whom the look-up found; returns whether that is new.
fn list(
    connection: &Connection,
    keys: &HashKey,
    whose: PersonId,
    phone: PhoneNumber,
    (reason, source, at): Why<'_>,
) -> Result<bool, StoreError> {
    if person::suppress_named(connection, whose, phone, reason, source, at)? {
        return Ok(true);
    }
    // On the list already, erased since, or stored in an old form of the number.
    let whose = person::find_or_name(connection, keys, phone)?;
    person::suppress(connection, whose, reason, source, at)
}

/// The same for a number that the look-up did not find.
fn list_new(
    connection: &Connection,
    keys: &HashKey,
    any_erased: bool,
    phone: PhoneNumber,
    (reason, source, at): Why<'_>,
) -> Result<bool, StoreError> {
    if any_erased || person::find_named(connection, phone)?.is_some() {
        let whose = person::find_or_name(connection, keys, phone)?;
        return person::suppress(connection, whose, reason, source, at);
    }
    person::make_suppressed(connection, phone, reason, source, at)?;
    Ok(true)
}

/// Puts the person on the list whose unread reply is in another checkpoint, unless it waits to be read in this one too.
/// Returns whether the person is new there.
pub(super) fn hold(
    connection: &Connection,
    keys: &HashKey,
    whose: PersonId,
    source: &str,
    at: Timestamp,
) -> Result<bool, StoreError> {
    let people = person::with_same_number(connection, whose)?;
    if unread::waits_to_be_read(connection, keys, &people)? {
        return Ok(false);
    }
    person::suppress(connection, whose, UNREAD, source, at)
}

/// The failure of a step after others.
fn in_part(done: usize, of: usize, source: StoreError) -> StoreError {
    if done == 0 {
        return source;
    }
    StoreError::InPart {
        done,
        of,
        source: Box::new(source),
    }
}

impl Store {
    /// Puts numbers on the list, `reason` for the results of later batches and `source` for the audit; a number that is
    /// there keeps its first entry. Returns how many are new. In steps, so that a long list keeps nobody waiting.
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint fails; the entries of earlier steps stay.
    pub fn suppress(
        &self,
        phones: &[PhoneNumber],
        reason: &str,
        source: &str,
        at: Timestamp,
    ) -> Result<usize, StoreError> {
        let (mut added, mut size) = (0, StepSize::of(STEP));
        let places = self.in_order_of_people(phones)?;
        let mut left = places.as_slice();
        while !left.is_empty() {
            let done = places.len() - left.len();
            let (step, rest) = left.split_at(size.rows().min(left.len()));
            let (step, keys) = (step.to_vec(), self.keys.clone());
            let (reason, source) = (reason.to_owned(), source.to_owned());
            let entered = size.time(|| {
                self.writer.write_blocking(move |tx| {
                    let why = (reason.as_str(), source.as_str(), at);
                    list_all(tx.connection, &keys, &step, why)
                })
            });
            added += entered.map_err(|source| in_part(done, places.len(), source))?;
            left = rest;
        }
        Ok(added)
    }

    /// Puts people on the list whose unread reply is in another checkpoint, unless it waits to be read in this one too.
    /// Returns how many are new there.
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint fails; the entries of earlier steps stay.
    pub(crate) fn hold_unread(
        &self,
        phones: &[PhoneNumber],
        source: &str,
        at: Timestamp,
    ) -> Result<usize, StoreError> {
        let mut added = 0;
        for step in phones.chunks(at_most(STEP)) {
            let (step, source, keys) = (step.to_vec(), source.to_owned(), self.keys.clone());
            added += self.writer.write_blocking(move |tx| {
                let mut added = 0;
                for phone in &step {
                    let whose = person::find_or_name(tx.connection, &keys, *phone)?;
                    added += usize::from(hold(tx.connection, &keys, whose, &source, at)?);
                }
                Ok(added)
            })?;
        }
        Ok(added)
    }

    /// People who are known in the order in which people are stored, then the new numbers in their own: so a long list
    /// changes neighbouring pages, and most of them once.
    fn in_order_of_people(&self, phones: &[PhoneNumber]) -> Result<Vec<LookedUp>, StoreError> {
        let mut phones = phones.to_vec();
        phones.sort_unstable();
        let reader = self.reader()?;
        reader.expect_many_people(1)?;
        let mut places = Vec::with_capacity(phones.len());
        for step in phones.chunks(at_most(STEP)) {
            reader.begin_read_transaction()?;
            for phone in step {
                places.push((person::find_named(&reader.connection, *phone)?, *phone));
            }
        }
        places.sort_unstable_by_key(|(known, phone)| (known.is_none(), *known, *phone));
        Ok(places)
    }

    /// Takes numbers off the list, those of erased people too: they are known again. Returns how many were on
    /// it.
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint fails.
    pub(crate) fn unsuppress(&self, phones: Vec<PhoneNumber>) -> Result<usize, StoreError> {
        let keys = self.keys.clone();
        self.writer.write_blocking(move |tx| {
            let mut removed = 0;
            for phone in &phones {
                let mut lifted = false;
                for (whose, form) in person::all_of(tx.connection, &keys, *phone)? {
                    lifted |= person::lift(tx.connection, whose, form)?;
                }
                removed += usize::from(lifted);
            }
            unread::settle_decided(tx.connection, &keys)?;
            Ok(removed)
        })
    }
}

/// The entry of somebody whose reply nobody has read.
pub(super) fn unread_entry<W>(who: W, since: Timestamp) -> ListEntry<W> {
    ListEntry {
        who,
        reason: UNREAD.to_owned(),
        source: "a reply that waits to be read".to_owned(),
        added_at: since,
    }
}

impl Reader {
    /// The list as another checkpoint needs it, one entry at a time: numbers, those of people whom an unread reply holds,
    /// erased people, and contacts whose number is not known. Returns whom unread replies hold.
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint fails, or whatever `each` returns.
    pub(crate) fn suppression_list<E: From<StoreError>>(
        &self,
        mut each: impl FnMut(ListEntry<Listed>) -> Result<(), E>,
    ) -> Result<Held, E> {
        self.suppressions(|entry| each(entry.map(Listed::Number)))?;
        let waiting = Waiting::find(&self.connection, &self.keys)?;
        let held = Held {
            numbers: waiting.since.len() as u64,
            nameless: waiting.nameless,
        };
        for (phone, since) in waiting.since {
            each(unread_entry(phone, since).map(Listed::Number))?;
        }
        self.hashed_suppressions(|entry| each(entry.map(Listed::Hash)))?;
        for entry in self.listed_contacts()? {
            each(entry.map(Listed::Contact))?;
        }
        Ok(held)
    }

    /// All numbers on the list, in ascending order, one at a time.
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint fails, or whatever `each` returns.
    pub fn suppressions<E: From<StoreError>>(
        &self,
        each: impl FnMut(ListEntry<PhoneNumber>) -> Result<(), E>,
    ) -> Result<(), E> {
        self.connection.visit(
            "SELECT number, suppressed_reason, suppressed_source, suppressed_at
             FROM person INDEXED BY person_suppressed
             WHERE suppressed_at IS NOT NULL AND number IS NOT NULL ORDER BY number",
            [],
            |row| {
                Ok(ListEntry {
                    who: row.get(0)?,
                    reason: row.get(1)?,
                    source: row.get(2)?,
                    added_at: time(row, 3)?,
                })
            },
            each,
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Between look-up and transaction a list may be dropped, and the id of its person be given to another one.
    #[test]
    fn a_number_is_listed_for_the_person_whose_it_is_when_that_is_written() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("outreach.db")).unwrap();
        let (keys, stop) = (store.keys.clone(), 420_777_000_001);
        let listed: Vec<i64> = store
            .writer
            .write_blocking(move |tx| {
                tx.connection.execute_batch(
                    "INSERT INTO person (id, number) VALUES (1, 420777000002);
                     INSERT INTO person_by_number (number, person) VALUES (420777000002, 1);",
                )?;
                let looked_up = [(Some(PersonId(1)), PhoneNumber::from_e164(stop).unwrap())];
                let why = ("STOP", "person", Timestamp::UNIX_EPOCH);
                let added = list_all(tx.connection, &keys, &looked_up, why)?;
                assert_eq!(added, 1);
                let listed = "SELECT number FROM person WHERE suppressed_at IS NOT NULL";
                tx.connection.list(listed, [])
            })
            .unwrap();
        assert_eq!(listed, [420_777_000_001]);
    }
}
