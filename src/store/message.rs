//! Accepted messages: what is known of each, and whom a message's id belongs to.
//!
//! While a batch is sent, a message stands in the attempt that sent it: attempts are written at the end of
//! their table, whatever the order of the answers. From there messages are entered, many at a time and in
//! row order, between runs and beside events. To enter a message once more changes nothing.

use rusqlite::{Connection, OptionalExtension};

use super::batch::RecipientId;
use super::contact;
use super::error::StoreError;

/// Whom a message with a certain id went to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Addressed {
    /// This recipient.
    To(RecipientId),
    /// No message with this id is ours, as far as we know.
    Nobody,
    /// Not known before what waits is entered.
    NotEntered,
}

/// Whom the message went to.
pub(super) fn addressed(
    connection: &Connection,
    message_id: &str,
) -> Result<Addressed, StoreError> {
    let find = || {
        connection
            .prepare_cached(RECIPIENT_OF)?
            .query_row([message_id], |row| row.get(0))
            .optional()
    };
    let mut found: Option<i64> = find()?;
    if found.is_none() && contact::fold_few(connection)? {
        found = find()?;
    }
    if let Some(recipient) = found {
        return Ok(Addressed::To(RecipientId::from_column(recipient)));
    }
    let all_noted: bool = connection
        .prepare_cached("SELECT NOT EXISTS (SELECT 1 FROM contact_due)")?
        .query_row([], |row| row.get(0))?;
    let all_entered = all_noted && waiting(connection)? == 0;
    Ok(if all_entered {
        Addressed::Nobody
    } else {
        Addressed::NotEntered
    })
}

/// A recipient who was messaged again has the last id only.
const RECIPIENT_OF: &str = "SELECT m.recipient
     FROM message_by_id k CROSS JOIN message m ON m.recipient = k.recipient
     WHERE k.message_id = ?1 AND m.message_id = ?1";

/// True if a message with that id is known, entered or not.
pub(super) fn is_known(connection: &Connection, message_id: &str) -> Result<bool, StoreError> {
    let entered = connection
        .prepare_cached(RECIPIENT_OF)?
        .exists([message_id])?;
    let waits = || {
        connection
            .prepare_cached(
                "SELECT EXISTS (SELECT 1 FROM contact_due d
                                     CROSS JOIN message m ON m.recipient BETWEEN d.first AND d.last
                                WHERE m.message_id = ?1)
                     OR EXISTS (SELECT 1 FROM message_to_enter WHERE message_id = ?1)",
            )?
            .query_row([message_id], |row| row.get(0))
    };
    Ok(entered || waits()?)
}

/// Notes an accepted message, of which the last answer knows best.
pub(super) fn note(
    connection: &Connection,
    recipient: RecipientId,
    message_id: Option<&str>,
    contact_id: Option<&str>,
    sent_at: i64,
) -> Result<(), StoreError> {
    connection
        .prepare_cached(
            "INSERT INTO message (recipient, message_id, contact_id, sent_at)
             VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT (recipient) DO UPDATE SET
                message_id = coalesce(excluded.message_id, message_id),
                contact_id = coalesce(excluded.contact_id, contact_id),
                sent_at = excluded.sent_at",
        )?
        .execute((recipient.get(), message_id, contact_id, sent_at))?;
    contact::note_due(connection, &mut vec![recipient.get()])
}

/// How many attempts may have messages that wait.
pub(super) fn waiting(connection: &Connection) -> Result<i64, StoreError> {
    let (entered, last) = waiting_range(connection)?;
    Ok(last - entered)
}

/// The last attempt that was looked at, and the last there is.
fn waiting_range(connection: &Connection) -> Result<(i64, i64), StoreError> {
    Ok(connection
        .prepare_cached("SELECT attempt, (SELECT coalesce(max(id), 0) FROM attempt) FROM entered")?
        .query_row([], |row| Ok((row.get(0)?, row.get(1)?)))?)
}

/// Enters the messages of the next `limit` attempts, and notes that their contacts are due; returns how
/// many attempts it looked at.
pub(super) fn enter(connection: &Connection, limit: i64) -> Result<i64, StoreError> {
    let (entered, last) = waiting_range(connection)?;
    let upto = last.min(entered + limit);
    if upto <= entered {
        return Ok(0);
    }
    let mut recipients: Vec<i64> = connection
        .prepare_cached(
            "SELECT recipient FROM attempt WHERE id > ?1 AND id <= ?2 AND outcome = 'sent'",
        )?
        .query_map((entered, upto), |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    connection.prepare_cached(ENTER)?.execute((entered, upto))?;
    contact::note_due(connection, &mut recipients)?;
    connection
        .prepare_cached("UPDATE entered SET attempt = ?1")?
        .execute([upto])?;
    Ok(upto - entered)
}

const ENTER: &str = "INSERT INTO message (recipient, message_id, contact_id, sent_at)
     SELECT recipient, message_id, contact_id, finished_at FROM attempt
     WHERE id > ?1 AND id <= ?2 AND outcome = 'sent' ORDER BY recipient, id
     ON CONFLICT (recipient) DO UPDATE SET
        message_id = coalesce(excluded.message_id, message_id),
        contact_id = coalesce(excluded.contact_id, contact_id),
        sent_at = excluded.sent_at";
