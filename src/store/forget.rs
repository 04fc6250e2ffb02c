//! Erasing a person: number, fields, contact and events go, the rows and their counts stay.
//!
//! What is overwritten must not linger in the file: SQLite zeroes what it deletes
//! (`secure_delete`), then the file is rebuilt and the write-ahead log emptied ([`Store::scrub`]).

use jiff::Timestamp;
use rusqlite::Connection;
use serde::Serialize;
use serde::de::IgnoredAny;

use super::batch::{RecipientId, from_json, to_json};
use super::error::StoreError;
use super::writer::Tx;
use super::{Store, contact, forgotten, intent, journal, suppression, to_millis};
use crate::domain::delivery::State;
use crate::domain::phone::PhoneNumber;
use crate::domain::recipient::Suppression;

/// What was removed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Erased {
    /// Rows of batches whose number, fields and message were removed.
    pub rows: u64,
    /// Of these, rows that were queued: they are suppressed now.
    pub dequeued: u64,
    /// Requests in the audit that no longer tell the number.
    pub attempts: u64,
    /// Messages that no longer tell their ids.
    pub messages: u64,
    /// Contacts.
    pub contacts: u64,
    /// Webhook events that no longer tell anything.
    pub events: u64,
    /// True if the number stood on the suppression list in clear.
    pub listed: bool,
}

/// Why a person cannot be erased now.
#[derive(Debug, thiserror::Error)]
pub enum ForgetError {
    /// The checkpoint failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A request to the person may be on its way.
    #[error(
        "a message to this number is under way (batch number {batch}, recipient {seq}): wait until its run has ended; if the run died, `outreach resume` settles it first"
    )]
    UnderWay {
        /// The batch's number.
        batch: i64,
        /// The recipient's place in it.
        seq: u32,
    },
}

impl Store {
    /// Erases whoever has this number; a keyed hash stays on the suppression list.
    ///
    /// The file still holds traces until [`Store::scrub`].
    ///
    /// # Errors
    /// [`ForgetError`]; then nothing is changed.
    pub fn forget(&self, phone: PhoneNumber, now: Timestamp) -> Result<Erased, ForgetError> {
        self.writer
            .write_blocking(move |tx| erase(tx, suppression::column(phone), now))?
    }

    /// Rebuilds the file and empties the write-ahead log, so that nothing erased lingers in either.
    /// Returns false if other processes kept the log in use: it must be repeated then.
    ///
    /// # Errors
    /// [`StoreError::Busy`] while another process writes for long, or if the disk has no room for a
    /// second copy of the file.
    pub fn scrub(self) -> Result<bool, StoreError> {
        let path = self.path.clone();
        // Ends the writer, whose connection would be in the way.
        drop(self);
        let connection = Connection::open(&path)?;
        connection.busy_timeout(super::BUSY_TIMEOUT)?;
        connection.pragma_update(None, "secure_delete", true)?;
        connection.execute_batch("VACUUM")?;
        let busy: i64 =
            connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))?;
        Ok(busy == 0)
    }
}

/// What names the person in the checkpoint.
#[derive(Default)]
struct Traces {
    recipients: Vec<(RecipientId, State)>,
    /// Channel and contact id.
    contacts: Vec<(String, String)>,
    messages: Vec<String>,
}

fn erase(
    tx: &mut Tx<'_>,
    phone: i64,
    now: Timestamp,
) -> Result<Result<Erased, ForgetError>, StoreError> {
    // What was accepted since the caller entered the rest.
    contact::fold_all(tx.connection)?;
    let traces = find(tx.connection, phone)?;
    let sending = |(_, state): &&(RecipientId, State)| *state == State::Sending;
    if let Some((id, _)) = traces.recipients.iter().find(sending) {
        return Ok(Err(ForgetError::UnderWay {
            batch: id.batch().get(),
            seq: id.seq(),
        }));
    }
    tx.connection.pragma_update(None, "secure_delete", true)?;
    let mut erased = Erased::default();
    forgotten::keep(tx.connection, phone, &traces.contacts, now)?;
    for (id, state) in &traces.recipients {
        if *state == State::Queued {
            journal::suppress(tx, *id, &Suppression::Forgotten, now)?;
            erased.dequeued += 1;
        }
        erased.messages += strip_row(tx.connection, *id)?;
        erased.rows += 1;
    }
    strip_rest(tx.connection, phone, &traces, now, &mut erased)?;
    Ok(Ok(erased))
}

fn find(connection: &Connection, phone: i64) -> Result<Traces, StoreError> {
    let mut traces = Traces::default();
    let rows: Vec<(i64, String)> = connection
        .prepare("SELECT id, state FROM recipient WHERE phone = ?1")?
        .query_map([phone], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<Result<_, _>>()?;
    for (id, state) in rows {
        let id = RecipientId::from_column(id);
        traces
            .recipients
            .push((id, intent::state(connection, id, &state)?));
    }
    traces.contacts = connection
        .prepare(
            "SELECT channel, contact_id FROM contact WHERE phone = ?1 AND contact_id IS NOT NULL",
        )?
        .query_map([phone], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<Result<_, _>>()?;
    let mut ids = connection.prepare(
        "SELECT b.channel, m.contact_id, i.contact_id, m.message_id FROM batch b
              LEFT JOIN message m ON m.recipient = ?2
              LEFT JOIN recipient_input i ON i.id = ?2
         WHERE b.id = ?1",
    )?;
    for (id, _) in &traces.recipients {
        let (channel, first, second, message): (
            String,
            Option<String>,
            Option<String>,
            Option<String>,
        ) = ids.query_row((id.batch().get(), id.get()), |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
        })?;
        for contact in [first, second].into_iter().flatten() {
            traces.contacts.push((channel.clone(), contact));
        }
        traces.messages.extend(message);
    }
    Ok(traces)
}

/// Strips a row; returns how many messages it had.
fn strip_row(connection: &Connection, id: RecipientId) -> Result<u64, StoreError> {
    connection.execute(
        "UPDATE recipient SET phone = NULL, reason_code = ?2, reason = ?3 WHERE id = ?1",
        (
            id.get(),
            Suppression::Forgotten.code(),
            Suppression::Forgotten.to_string(),
        ),
    )?;
    let fields: String = connection.query_row(
        "SELECT fields FROM recipient_input WHERE id = ?1",
        [id.get()],
        |row| row.get(0),
    )?;
    // As many fields as before, so that exports keep their columns.
    let count = from_json::<Vec<IgnoredAny>>(&fields)?.len();
    connection.execute(
        "UPDATE recipient_input SET fields = ?2, suggestion = NULL, first_name = NULL,
                last_name = NULL, contact_id = NULL, content = NULL, metadata = NULL
         WHERE id = ?1",
        (id.get(), to_json(&vec![""; count])?),
    )?;
    let messages = connection.execute(
        "UPDATE message SET message_id = NULL, contact_id = NULL WHERE recipient = ?1",
        [id.get()],
    )?;
    Ok(messages as u64)
}

fn strip_rest(
    connection: &Connection,
    phone: i64,
    traces: &Traces,
    now: Timestamp,
    erased: &mut Erased,
) -> Result<(), StoreError> {
    let recipients: Vec<i64> = traces.recipients.iter().map(|(id, _)| id.get()).collect();
    let contacts: Vec<&str> = traces.contacts.iter().map(|(_, id)| id.as_str()).collect();
    erased.attempts = connection.execute(
        "UPDATE attempt SET phone = NULL, content_key = NULL, text = NULL, message_id = NULL,
                contact_id = NULL
         WHERE phone = ?1 OR recipient IN (SELECT value FROM json_each(?2))",
        (phone, to_json(&recipients)?),
    )? as u64;
    // A key of its own for each: the old one follows from the ids. An event that could not be read may hold
    // the number in its text alone.
    erased.events = connection.execute(
        "UPDATE webhook_event SET key = randomblob(16), contact_id = NULL, phone = NULL,
                message_id = NULL, body = '', news = NULL, applied_at = coalesce(applied_at, ?4)
         WHERE phone = ?1 OR contact_id IN (SELECT value FROM json_each(?2))
               OR message_id IN (SELECT value FROM json_each(?3)) OR instr(body, ?5) > 0",
        (
            phone,
            to_json(&contacts)?,
            to_json(&traces.messages)?,
            to_millis(now),
            phone.to_string(),
        ),
    )? as u64;
    for (channel, id) in &traces.contacts {
        connection.execute(
            "DELETE FROM contact_read WHERE channel = ?1 AND contact_id = ?2",
            (channel, id),
        )?;
    }
    connection.execute("DELETE FROM contact_message WHERE phone = ?1", [phone])?;
    connection.execute(
        "DELETE FROM message_by_id WHERE recipient IN (SELECT value FROM json_each(?1))",
        [to_json(&recipients)?],
    )?;
    erased.contacts = connection.execute("DELETE FROM contact WHERE phone = ?1", [phone])? as u64;
    erased.listed = connection.execute("DELETE FROM suppression WHERE phone = ?1", [phone])? > 0;
    Ok(())
}
