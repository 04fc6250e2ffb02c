//! Erasing a person: number, fields, contact and events go, the rows and their counts stay.
//!
//! A person is found by an index in every table, and erased in one short transaction. What is overwritten
//! does not linger in the file: SQLite zeroes what it deletes (`secure_delete`, on for every writer), and
//! [`Store::empty_log`] empties the write-ahead log afterwards.
//!
//! A list may give a person several numbers, of which a row is sent to one: the rows that hold the number in a field are looked
//! for in steps that hold no lock (`rows.rs`), and are erased like those of the person (`others.rs`). What the other number got stays known of
//! it. Where several people share the number, it goes from their rows, which stay.
//!
//! The person's row stays without the number, with a keyed hash in its place: a later list that has the number,
//! a contact that answers, and the guards find the same person again.

mod others;
mod rows;
mod step;

use std::path::Path;

use jiff::Timestamp;
use rusqlite::Connection;

use super::checkpoint::Store;
use super::columns::{from_json, number_columns, to_json, to_millis};
use super::error::StoreError;
use super::ids::{ContactRow, PersonId, RecipientId, StoredId};
use super::keys::{Hash, HashKey};
use super::query::Query as _;
use super::steps::at_most;
use super::transaction::Tx;
use super::{journal, person, suppression};
use crate::domain::delivery::State;
use crate::domain::event::ContactEvent;
use crate::domain::phone::PhoneNumber;
use crate::domain::recipient::Suppression;

use rows::HoldingRows;
pub(crate) use step::{Erased, ForgetError};
use step::{people_to_erase, strip_row};

impl Store {
    /// Erases the person with this number; a keyed hash stays on the suppression list. While a request to the person is
    /// under way, the person is suppressed, in all batches.
    ///
    /// The write-ahead log may still hold traces until [`Store::empty_log`].
    ///
    /// # Errors
    /// [`ForgetError`]. The person's own rows are erased in one step, the last one: then none of them is. Rows that hold the number
    /// beside another one may be; the same call again goes on.
    pub fn forget(&self, phone: PhoneNumber, now: Timestamp) -> Result<Erased, ForgetError> {
        let done = self.forget_all(&[phone], now)?;
        let mut done = done.into_iter();
        done.next().unwrap_or_else(|| Ok(Erased::default()))
    }

    /// The same for several people, in whatever order: the rows that hold a number of theirs are looked for once.
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint fails.
    pub(super) fn forget_all(
        &self,
        phones: &[PhoneNumber],
        now: Timestamp,
    ) -> Result<Vec<Result<Erased, ForgetError>>, StoreError> {
        self.discard_dead_lists(now)?;
        let (mut done, mut free) = (Vec::new(), Vec::new());
        // Before the rows are looked for: that takes longer.
        for phone in phones {
            match self.erase_step(*phone, HoldingRows::default(), refuse_under_way, now)? {
                Ok(_) => free.push(*phone),
                Err(under_way) => done.push(Err(under_way)),
            }
        }
        let rows = self.reader()?.rows_that_hold(&free)?;
        for (phone, rows) in free.into_iter().zip(rows) {
            done.push(self.erase_with(phone, &rows, now)?);
        }
        Ok(done)
    }

    /// Erases the person, and these rows that hold the number.
    fn erase_with(
        &self,
        phone: PhoneNumber,
        rows: &HoldingRows,
        now: Timestamp,
    ) -> Result<Result<Erased, ForgetError>, StoreError> {
        if let Err(under_way) = self.erase_step(phone, rows.clone(), refuse_under_way, now)? {
            return Ok(Err(under_way));
        }
        let mut erased = Erased::default();
        for step in rows.steps(at_most(STEP)) {
            match self.erase_step(phone, step, others::erase_rows, now)? {
                Ok(more) => erased.add(&more),
                Err(under_way) => return Ok(Err(under_way)),
            }
        }
        let done = self.erase_step(phone, HoldingRows::default(), erase, now)?;
        Ok(done.map(|more| {
            erased.add(&more);
            erased
        }))
    }

    fn erase_step(
        &self,
        phone: PhoneNumber,
        rows: HoldingRows,
        erase: EraseStep,
        now: Timestamp,
    ) -> Result<Result<Erased, ForgetError>, StoreError> {
        let keys = self.keys.clone();
        let step = move |tx: &mut Tx<'_>| erase(tx, &keys, phone, &rows, now);
        self.writer.write_blocking(step)
    }

    /// Writes what the write-ahead log holds into the file, and cuts the log, so that its room is free for other files.
    /// Returns false if that was not possible.
    pub(crate) fn fold_log(&self) -> bool {
        cut_log(&self.path).unwrap_or(false)
    }

    /// Empties the write-ahead log, so that nothing erased lingers in it; in a cluster a snapshot takes the place of the
    /// records so far, too. Returns false if other processes kept the log in use: it must be repeated then.
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint or the cluster fails.
    pub fn empty_log(self) -> Result<bool, StoreError> {
        let path = self.path.clone();
        self.cut_cluster_log().map_err(|error| StoreError::Cluster {
            detail: format!(
                "what was erased is gone from this file, but the records of the cluster still hold it: {}; \
                 `outreach cluster compact` cuts them, once that is mended",
                error.detail()
            ),
        })?;
        // Ends the writer, whose connection would be in the way.
        drop(self);
        cut_log(&path)
    }
}

/// Writes what the log holds into the file, and cuts it. False if other processes kept it in use.
fn cut_log(path: &Path) -> Result<bool, StoreError> {
    let connection = super::file::connect(path, rusqlite::OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    let busy: i64 = connection.value("PRAGMA wal_checkpoint(TRUNCATE)", [])?;
    Ok(busy == 0)
}

/// A step of an erasure; the rows are those of others that hold the number.
type EraseStep = fn(
    &mut Tx<'_>,
    &HashKey,
    PhoneNumber,
    &HoldingRows,
    Timestamp,
) -> Result<Result<Erased, ForgetError>, StoreError>;

/// Rows of others that are erased in one transaction.
const STEP: usize = 500;

/// Erases nothing: asks whether something is under way.
fn refuse_under_way(
    tx: &mut Tx<'_>,
    keys: &HashKey,
    phone: PhoneNumber,
    rows: &HoldingRows,
    now: Timestamp,
) -> Result<Result<Erased, ForgetError>, StoreError> {
    let people = people_to_erase(tx, keys, phone, rows, now)?;
    Ok(people.map(|_| Erased::default()))
}

/// What names the person in the checkpoint.
struct Traces {
    recipients: Vec<(RecipientId, State)>,
    /// Channel and id.
    contacts: Vec<(ContactRow, String, String)>,
    messages: Vec<String>,
}

fn erase(
    tx: &mut Tx<'_>,
    keys: &HashKey,
    phone: PhoneNumber,
    others: &HoldingRows,
    now: Timestamp,
) -> Result<Result<Erased, ForgetError>, StoreError> {
    let (whose, people) = match people_to_erase(tx, keys, phone, others, now)? {
        Ok(found) => found,
        Err(under_way) => return Ok(Err(under_way)),
    };
    let mut erased = erase_one(tx, keys, (whose, keys.number(phone)), phone, now)?;
    for other in people.into_iter().skip(1) {
        if let Some(form) = other.number {
            let whose = (other.id, keys.number_column(form));
            erased.add(&erase_one(tx, keys, whose, phone, now)?);
        }
    }
    Ok(Ok(erased))
}

/// Erases one person with the number, of whom the hash stays.
fn erase_one(
    tx: &mut Tx<'_>,
    keys: &HashKey,
    (whose, hash): (PersonId, Hash),
    phone: PhoneNumber,
    now: Timestamp,
) -> Result<Erased, StoreError> {
    let traces = find(tx.connection, whose)?;
    let mut erased = Erased {
        messages: traces.messages.len() as u64,
        ..Erased::default()
    };
    for (id, state) in &traces.recipients {
        if *state == State::Queued {
            suppression::suppress(tx, *id, &Suppression::Forgotten, now)?;
            erased.dequeued += 1;
        }
        strip_row(tx.connection, *id)?;
        erased.rows += 1;
    }
    erased.attempts = tx.connection.change(
        "UPDATE attempt SET text = NULL, message_id = NULL, proof_text = NULL WHERE person = ?1",
        [whose],
    )? as u64;
    // Rows of others whose answers named this number.
    tx.connection.change(
        "UPDATE recipient SET reason = 'the answer names the number of a person who was erased'
         WHERE reason_code = ?2 AND reason = ?3
               AND person IN (SELECT o.person FROM contact k CROSS JOIN contact o
                                   ON o.api_id = k.api_id AND o.channel = k.channel
                              WHERE k.person = ?1 AND k.api_id IS NOT NULL)",
        (
            whose,
            journal::OTHER_NUMBER,
            journal::other_number_reason(phone),
        ),
    )?;
    for (row, channel, api_id) in &traces.contacts {
        // What an earlier erasure left of the same contact.
        tx.connection.change(
            "DELETE FROM contact WHERE api_id_hash = ?2 AND id <> ?1",
            (row, keys.contact(channel, api_id)),
        )?;
        erased.contacts += tx.connection.change(
            "UPDATE contact SET api_id = NULL, api_id_hash = ?2 WHERE id = ?1",
            (row, keys.contact(channel, api_id)),
        )? as u64;
        tx.connection
            .change("DELETE FROM contact_read WHERE contact = ?1", [row])?;
    }
    erased.events = erase_events(tx.connection, phone, &traces)?;
    erased.listed = erase_person(tx.connection, &hash, whose, phone, now)?;
    Ok(erased)
}

fn find(connection: &Connection, whose: PersonId) -> Result<Traces, StoreError> {
    Ok(Traces {
        recipients: connection.rows(
            "SELECT id, state FROM recipient WHERE person = ?1 ORDER BY id",
            [whose],
        )?,
        contacts: connection.read(
            "SELECT k.id, c.api_id, k.api_id FROM contact k JOIN channel c ON c.id = k.channel
             WHERE k.person = ?1 AND k.api_id IS NOT NULL",
            [whose],
            |row| Ok((row.get(0)?, row.get(1)?, row.get::<_, StoredId>(2)?.0)),
        )?,
        messages: connection.read(
            "SELECT message_id FROM attempt WHERE person = ?1 AND message_id IS NOT NULL",
            [whose],
            |row| Ok(row.get::<_, StoredId>(0)?.0),
        )?,
    })
}

/// Removes the events that name the person: those that wait, and those that were not understood.
fn erase_events(
    connection: &Connection,
    phone: PhoneNumber,
    traces: &Traces,
) -> Result<u64, StoreError> {
    let waiting: Vec<(i64, Option<String>)> = connection.rows(
        "SELECT id, news FROM event INDEXED BY event_waiting WHERE applied_at IS NULL",
        [],
    )?;
    let mut removed = 0;
    for (id, event) in waiting {
        let Some(event) = event else { continue };
        let event: ContactEvent = from_json(&event)?;
        let by_contact = traces.contacts.iter().any(|(_, channel, api_id)| {
            *channel == event.channel && Some(api_id) == event.contact_id.as_ref()
        });
        let by_message = event
            .message()
            .is_some_and(|message| traces.messages.iter().any(|known| known == message));
        if by_contact || by_message || event.phone == Some(phone) {
            removed += connection.change("DELETE FROM event WHERE id = ?1", [id])?;
        }
    }
    let contacts = traces.contacts.iter().map(|(_, _, id)| id.clone());
    let forms = number_columns(phone).map(|form| form.to_string());
    let names: Vec<String> = forms.chain(contacts).collect();
    removed += connection.change(
        "DELETE FROM event WHERE body IS NOT NULL
                AND EXISTS (SELECT 1 FROM json_each(?1) WHERE instr(body, value) > 0)",
        [to_json(&names)?],
    )?;
    Ok(removed as u64)
}

/// The number goes and its hash stays; returns whether the number was on the suppression list in clear.
fn erase_person(
    connection: &Connection,
    hash: &Hash,
    whose: PersonId,
    phone: PhoneNumber,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let listed: bool = connection.value(
        "SELECT suppressed_at IS NOT NULL AND number IS NOT NULL FROM person WHERE id = ?1",
        [whose],
    )?;
    // What an earlier version left of the same number.
    connection.change(
        "DELETE FROM person WHERE number_hash = ?2 AND id <> ?1",
        (whose, hash),
    )?;
    connection.change(
        "UPDATE person SET number = NULL, number_hash = ?2, suppressed_at = coalesce(suppressed_at, ?3),
                suppressed_reason = ?4, suppressed_source = ?5, last_inbound_at = NULL
         WHERE id = ?1",
        (
            whose,
            hash,
            to_millis(now),
            person::FORGOTTEN,
            person::FORGET,
        ),
    )?;
    for form in number_columns(phone) {
        connection.change(
            "DELETE FROM person_by_number WHERE number = ?1 AND person = ?2",
            (form, whose),
        )?;
    }
    Ok(listed)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A list in the new form of a number made a second person, beside the one that an older version had stored.
    fn checkpoint(folder: &Path) -> Store {
        let store = Store::open(&folder.join("outreach.db")).unwrap();
        let filled = store.writer.write_blocking(|tx| {
            Ok(tx.connection.execute_batch(
                "INSERT INTO channel (id, api_id) VALUES (1, '7001');
                 INSERT INTO batch (id, uid, state, state_since, digest, definition, headers, files, channel, sandbox,
                                    created_at)
                     VALUES (1, x'01', 'paused', 0, x'01', '{}', '[]', '[]', 1, 0, 0);
                 INSERT INTO tally (batch, queued) VALUES (1, 2);
                 INSERT INTO person (id, number, suppressed_at, suppressed_reason)
                     VALUES (1, 525512345678, NULL, NULL), (2, 5215512345678, 5, 'STOP');
                 INSERT INTO person_by_number (number, person) SELECT number, id FROM person;
                 INSERT INTO recipient (id, person, state) VALUES ((1 << 32) + 1, 1, 'queued'), ((1 << 32) + 2, 2, 'queued');
                 INSERT INTO recipient_input (id, file, row, fields) SELECT id, 0, id & 255, '[\"Anna\"]' FROM recipient;
                 INSERT INTO attempt (recipient, person, channel, kind, started_at, outcome, message_id)
                     VALUES ((1 << 32) + 1, 1, 1, 'request', 5, 'sent', 31), ((1 << 32) + 2, 2, 1, 'request', 5, 'sent', 32);
                 INSERT INTO contact (channel, api_id, person) VALUES (1, 21, 1), (1, 22, 2);
                 INSERT INTO event (key, kind, body, received_at, applied_at)
                     VALUES (x'01', 'x', 'of 21', 5, 5), (x'02', 'x', 'of 22', 5, 5), (x'03', 'x', 'of 23', 5, 5);",
            )?)
        });
        filled.unwrap();
        store
    }

    const PHONE: u64 = 525_512_345_678;

    #[test]
    fn what_goes_of_a_person_is_counted_under_each_form_of_the_number() {
        let folder = tempfile::tempdir().unwrap();
        let store = checkpoint(folder.path());
        let phone = PhoneNumber::from_e164(PHONE).unwrap();
        let erased = store.forget(phone, Timestamp::UNIX_EPOCH).unwrap();
        let wanted = Erased {
            rows: 2,
            dequeued: 2,
            attempts: 2,
            messages: 2,
            contacts: 2,
            events: 2,
            others: 0,
            listed: true,
        };
        assert_eq!(erased, wanted);
    }

    /// Another person's answers named this number, and a third one.
    #[test]
    fn of_the_rows_of_others_those_that_name_the_number_lose_it_and_each_row_keeps_its_columns() {
        let folder = tempfile::tempdir().unwrap();
        let store = checkpoint(folder.path());
        let [phone, third] = [PHONE, 420_777_000_009].map(|it| PhoneNumber::from_e164(it).unwrap());
        let told = [phone, third].map(journal::other_number_reason);
        let third_reason = told[1].clone();
        let filled = store.writer.write_blocking(move |tx| {
            tx.connection.execute_batch(
                "INSERT INTO person (id, number) VALUES (3, 420777000003);
                 INSERT INTO contact (channel, api_id, person, former) VALUES (1, 21, 3, 1);
                 UPDATE recipient_input SET fields = '[\"Anna\", \"x\"]' WHERE row = 2;",
            )?;
            for (seq, reason) in (3..).zip(&told) {
                tx.connection.change(
                    "INSERT INTO recipient (id, person, state, reason_code, reason) VALUES (?1, 3, 'sent', ?2, ?3)",
                    ((1_i64 << 32) + seq, journal::OTHER_NUMBER, reason),
                )?;
            }
            Ok(())
        });
        filled.unwrap();
        store.forget(phone, Timestamp::UNIX_EPOCH).unwrap();
        let left = store.writer.write_blocking(|tx| {
            let reasons: Vec<String> = tx.connection.list(
                "SELECT reason FROM recipient WHERE person = 3 ORDER BY id",
                [],
            )?;
            let fields: Vec<String> = tx
                .connection
                .list("SELECT fields FROM recipient_input ORDER BY id", [])?;
            Ok((reasons, fields))
        });
        let (reasons, fields) = left.unwrap();
        let gone = "the answer names the number of a person who was erased";
        assert_eq!(reasons, [gone.to_owned(), third_reason]);
        assert_eq!(fields, ["[\"\"]", "[\"\",\"\"]"]);
    }
}
