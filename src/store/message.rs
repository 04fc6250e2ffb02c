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

/// What is known of the message to recipient `r`, entered or not: when the recipient was settled, the ids,
/// when it was accepted, delivered, read, and when the person opted in. Needs [`JOINS`].
pub(super) const FACTS: &str =
    "iif(r.state = 'sent', coalesce(r.finished_at, w.sent_at, m.sent_at), r.finished_at),
     coalesce(w.message_id, m.message_id), coalesce(w.contact_id, m.contact_id),
     coalesce(w.sent_at, m.sent_at), m.delivered_at, m.read_at, m.opted_in_at";

/// See [`FACTS`].
pub(super) const JOINS: &str = "LEFT JOIN message m ON m.recipient = r.id
     LEFT JOIN message_to_enter w ON w.recipient = r.id";

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
    enter_range(connection, entered, upto)?;
    connection
        .prepare_cached("UPDATE entered SET attempt = ?1")?
        .execute([upto])?;
    Ok(upto - entered)
}

/// Enters the message of an attempt that others had looked at before it was known to be accepted.
pub(super) fn enter_late(connection: &Connection, attempt: i64) -> Result<(), StoreError> {
    enter_range(connection, attempt - 1, attempt)
}

/// Enters the messages of the attempts after `after`, up to `upto`.
fn enter_range(connection: &Connection, after: i64, upto: i64) -> Result<(), StoreError> {
    let mut recipients: Vec<i64> = connection
        .prepare_cached(
            "SELECT recipient FROM attempt WHERE id > ?1 AND id <= ?2 AND outcome = 'sent'",
        )?
        .query_map((after, upto), |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    connection.prepare_cached(ENTER)?.execute((after, upto))?;
    contact::note_due(connection, &mut recipients)
}

const ENTER: &str = "INSERT INTO message (recipient, message_id, contact_id, sent_at)
     SELECT recipient, message_id, contact_id, finished_at FROM attempt
     WHERE id > ?1 AND id <= ?2 AND outcome = 'sent' ORDER BY recipient, id
     ON CONFLICT (recipient) DO UPDATE SET
        message_id = coalesce(excluded.message_id, message_id),
        contact_id = coalesce(excluded.contact_id, contact_id),
        sent_at = excluded.sent_at";
