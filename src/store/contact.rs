//! Contacts: whom we know on which channel.
//!
//! The table is ordered by number, so that it is not touched while messages are sent in row order: they
//! are entered many at a time, sorted, between runs. First into `message`, from the attempts that sent
//! them ([`message::enter`]); that leaves notes in `contact_due`, each of a range of recipients, and these
//! are entered here. To enter a message once more changes nothing.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row};
use serde::Serialize;

use super::error::StoreError;
use super::{Reader, Store, from_millis, message, suppression};
use crate::domain::event::read_covers;
use crate::domain::phone::PhoneNumber;

/// Recipients that are looked at in one transaction.
const STEP: i64 = 50_000;
/// Recipients that are looked at beside an event.
const FEW: i64 = 1_000;
/// Messages this close to each other share a note, though not all rows between them have one.
const CLOSE: i64 = 64;

impl Store {
    /// Enters the messages that were accepted since the last time.
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint fails.
    pub async fn fold_contacts(&self) -> Result<(), StoreError> {
        while self
            .writer
            .write(|tx| fold_step(tx.connection, STEP))
            .await?
        {}
        Ok(())
    }

    /// The same for a thread that may block.
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint fails.
    pub fn fold_contacts_blocking(&self) -> Result<(), StoreError> {
        while self
            .writer
            .write_blocking(|tx| fold_step(tx.connection, STEP))?
        {}
        Ok(())
    }
}

/// Somebody whom we know on a channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contact {
    /// The channel's id.
    pub channel: String,
    /// The number.
    pub phone: PhoneNumber,
    /// The contact's id on the channel, once the API told it.
    pub contact_id: Option<String>,
    /// Given names, of the latest list that had them.
    pub first_name: Option<String>,
    /// Family names, likewise.
    pub last_name: Option<String>,
    /// When the first message was accepted.
    pub first_message_at: Option<Timestamp>,
    /// When the latest message was accepted.
    pub last_message_at: Option<Timestamp>,
    /// When the person opted in.
    pub opted_in_at: Option<Timestamp>,
    /// When the person opted out.
    pub opted_out_at: Option<Timestamp>,
}

/// A message to a contact.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ContactMessage {
    /// The batch's name.
    pub batch: String,
    /// The row in the contacts file.
    pub row: u32,
    /// Where the recipient stands.
    pub state: String,
    /// The message's id.
    pub message_id: Option<String>,
    /// When it was accepted.
    pub sent_at: Timestamp,
    /// When it was delivered.
    pub delivered_at: Option<Timestamp>,
    /// When it was read, at the latest.
    pub read_at: Option<Timestamp>,
}

const SELECT: &str = "SELECT channel, phone, contact_id, first_name, last_name, first_message_at,
    last_message_at, opted_in_at, opted_out_at FROM contact";

impl Reader {
    /// Passes every contact to `each`, by channel and number, one at a time.
    ///
    /// Messages that were accepted since the last [`Store::fold_contacts`] are not in it.
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint fails, or whatever `each` returns.
    pub fn contacts<E: From<StoreError>>(
        &self,
        mut each: impl FnMut(Contact) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut select = self
            .connection
            .prepare(&format!("{SELECT} ORDER BY channel, phone"))
            .map_err(StoreError::from)?;
        let mut rows = select.query([]).map_err(StoreError::from)?;
        while let Some(row) = rows.next().map_err(StoreError::from)? {
            each(contact(row)?)?;
        }
        Ok(())
    }

    /// What is known of a number, on each channel.
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint fails.
    pub fn contacts_of(&self, phone: PhoneNumber) -> Result<Vec<Contact>, StoreError> {
        // One look-up a channel: the table is ordered by channel first.
        let mut select = self.connection.prepare(&format!(
            "{SELECT} WHERE phone = ?1 AND channel IN (SELECT DISTINCT channel FROM batch)
             ORDER BY channel"
        ))?;
        let rows = select.query_map([suppression::column(phone)], |row| Ok(contact(row)))?;
        rows.map(|row| row?).collect()
    }

    /// The messages to a number, in the order of their batches.
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint fails.
    pub fn messages_to(
        &self,
        channel: &str,
        phone: PhoneNumber,
    ) -> Result<Vec<ContactMessage>, StoreError> {
        let mut select = self.connection.prepare(
            "SELECT b.name, i.row, r.state, m.message_id, m.sent_at, m.delivered_at, m.read_at
             FROM contact_message l
                  JOIN batch b ON b.id = l.recipient >> 32
                  JOIN recipient r ON r.id = l.recipient
                  JOIN recipient_input i ON i.id = l.recipient
                  JOIN message m ON m.recipient = l.recipient
             WHERE l.phone = ?1 AND b.channel = ?2 ORDER BY l.recipient",
        )?;
        let rows = select.query_map((suppression::column(phone), channel), |row| {
            let message = || -> Result<ContactMessage, StoreError> {
                Ok(ContactMessage {
                    batch: row.get(0)?,
                    row: row.get(1)?,
                    state: row.get(2)?,
                    message_id: row.get(3)?,
                    sent_at: from_millis(row.get(4)?)?,
                    delivered_at: time(row, 5)?,
                    read_at: time(row, 6)?,
                })
            };
            Ok(message())
        })?;
        rows.map(|row| row?).collect()
    }

    /// The number's entry on the suppression list.
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint fails.
    pub fn suppression_of(
        &self,
        phone: PhoneNumber,
    ) -> Result<Option<crate::domain::recipient::Suppression>, StoreError> {
        suppression::cause(&self.connection, phone)
    }
}

fn time(row: &Row<'_>, column: usize) -> Result<Option<Timestamp>, StoreError> {
    row.get::<_, Option<i64>>(column)?
        .map(from_millis)
        .transpose()
}

fn contact(row: &Row<'_>) -> Result<Contact, StoreError> {
    Ok(Contact {
        channel: row.get(0)?,
        phone: suppression::phone(row.get(1)?)?,
        contact_id: row.get(2)?,
        first_name: row.get(3)?,
        last_name: row.get(4)?,
        first_message_at: time(row, 5)?,
        last_message_at: time(row, 6)?,
        opted_in_at: time(row, 7)?,
        opted_out_at: time(row, 8)?,
    })
}

/// Notes that these recipients have messages that are to be entered; empties the list.
pub(super) fn note_due(
    connection: &Connection,
    recipients: &mut Vec<i64>,
) -> Result<(), StoreError> {
    recipients.sort_unstable();
    let mut rest = &recipients[..];
    while let Some(&first) = rest.first() {
        let apart = rest.windows(2).position(|pair| pair[1] - pair[0] > CLOSE);
        let (close, after) = rest.split_at(apart.map_or(rest.len(), |index| index + 1));
        rest = after;
        connection
            .prepare_cached(
                "INSERT INTO contact_due (first, last) VALUES (?1, ?2)
                 ON CONFLICT DO UPDATE SET last = max(last, excluded.last)",
            )?
            .execute((first, close.last()))?;
    }
    recipients.clear();
    Ok(())
}

/// The first row of the last note that fits into `limit` recipients, the first note always.
fn last_note(connection: &Connection, limit: i64) -> Result<Option<i64>, StoreError> {
    let mut select =
        connection.prepare_cached("SELECT first, last FROM contact_due ORDER BY first")?;
    let mut rows = select.query([])?;
    let (mut fits, mut sum) = (None, 0);
    while let Some(row) = rows.next()? {
        let (first, last): (i64, i64) = (row.get(0)?, row.get(1)?);
        sum += last - first + 1;
        if fits.is_some() && sum > limit {
            break;
        }
        fits = Some(first);
    }
    Ok(fits)
}

/// Enters the messages of some `limit` recipients; false if none waited.
fn fold_step(connection: &Connection, limit: i64) -> Result<bool, StoreError> {
    let looked_at = message::enter(connection, limit)?;
    let Some(last) = last_note(connection, limit)? else {
        return Ok(looked_at > 0);
    };
    connection.prepare_cached(ENTER_CONTACTS)?.execute([last])?;
    connection.prepare_cached(ENTER_MESSAGES)?.execute([last])?;
    connection.prepare_cached(ENTER_IDS)?.execute([last])?;
    // What events told about the person before the message was entered.
    let known: Vec<(String, i64)> = connection
        .prepare_cached(KNOWN_BEFORE)?
        .query_map([last], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<Result<_, _>>()?;
    for (channel, phone) in known {
        refresh(connection, &channel, phone)?;
    }
    connection
        .prepare_cached("DELETE FROM contact_due WHERE first <= ?1")?
        .execute([last])?;
    Ok(true)
}

/// Enters all that waits: inside a transaction that must know it.
pub(super) fn fold_all(connection: &Connection) -> Result<(), StoreError> {
    while fold_step(connection, STEP)? {}
    Ok(())
}

/// Enters what waits, if it is little: inside the transaction of an event, which must be short.
pub(super) fn fold_few(connection: &Connection) -> Result<bool, StoreError> {
    let noted: i64 = connection
        .prepare_cached(
            "SELECT coalesce(sum(last - first + 1), 0)
             FROM (SELECT first, last FROM contact_due LIMIT ?1 + 1)",
        )?
        .query_row([FEW], |row| row.get(0))?;
    let few = (1..=FEW).contains(&(noted + message::waiting(connection)?));
    if few {
        fold_all(connection)?;
    }
    Ok(few)
}

/// The number of a contact, where it is known.
pub(super) fn number_of(
    connection: &Connection,
    channel: &str,
    contact_id: &str,
) -> Result<Option<i64>, StoreError> {
    let find = || {
        connection
            .prepare_cached("SELECT phone FROM contact WHERE contact_id = ?1 AND channel = ?2")?
            .query_row((contact_id, channel), |row| row.get(0))
            .optional()
    };
    let found: Option<i64> = find()?;
    if found.is_none() && fold_few(connection)? {
        return Ok(find()?);
    }
    Ok(found)
}

/// Brings the messages to a number up to date with what is known of the person: since when they are
/// opted in, and what they have read. Depends on the facts alone, not on their order.
pub(super) fn refresh(
    connection: &Connection,
    channel: &str,
    phone: i64,
) -> Result<(), StoreError> {
    connection.prepare_cached(REFRESH)?.execute((
        channel,
        phone,
        read_covers(Timestamp::UNIX_EPOCH).as_millisecond(),
    ))?;
    Ok(())
}

const ENTER_CONTACTS: &str =
    "INSERT INTO contact (channel, phone, contact_id, first_name, last_name,
                          first_message_at, last_message_at, last_recipient)
     SELECT b.channel, r.phone, m.contact_id, i.first_name, i.last_name,
            m.sent_at, m.sent_at, r.id
     FROM contact_due d
          CROSS JOIN message m ON m.recipient BETWEEN d.first AND d.last
          CROSS JOIN recipient r ON r.id = m.recipient
          CROSS JOIN recipient_input i ON i.id = m.recipient
          CROSS JOIN batch b ON b.id = m.recipient >> 32
     WHERE d.first <= ?1 AND r.phone IS NOT NULL
     ORDER BY b.channel, r.phone
     ON CONFLICT (channel, phone) DO UPDATE SET
         contact_id = coalesce(excluded.contact_id, contact_id),
         first_name = coalesce(excluded.first_name, first_name),
         last_name = coalesce(excluded.last_name, last_name),
         first_message_at = min(coalesce(first_message_at, excluded.first_message_at),
                                excluded.first_message_at),
         last_recipient = CASE WHEN excluded.last_message_at >= coalesce(last_message_at, 0)
                               THEN excluded.last_recipient ELSE last_recipient END,
         last_message_at = max(coalesce(last_message_at, 0), excluded.last_message_at)";

const ENTER_MESSAGES: &str = "INSERT OR IGNORE INTO contact_message (phone, recipient)
     SELECT r.phone, r.id
     FROM contact_due d
          CROSS JOIN message m ON m.recipient BETWEEN d.first AND d.last
          CROSS JOIN recipient r ON r.id = m.recipient
     WHERE d.first <= ?1 AND r.phone IS NOT NULL ORDER BY r.phone, r.id";

const ENTER_IDS: &str = "INSERT OR IGNORE INTO message_by_id (message_id, recipient)
     SELECT m.message_id, m.recipient
     FROM contact_due d
          CROSS JOIN message m ON m.recipient BETWEEN d.first AND d.last
     WHERE d.first <= ?1 AND m.message_id IS NOT NULL ORDER BY m.message_id, m.recipient";

const KNOWN_BEFORE: &str = "SELECT DISTINCT c.channel, c.phone
     FROM contact_due d
          CROSS JOIN message m ON m.recipient BETWEEN d.first AND d.last
          CROSS JOIN recipient r ON r.id = m.recipient
          CROSS JOIN batch b ON b.id = m.recipient >> 32
          CROSS JOIN contact c ON c.channel = b.channel AND c.phone = r.phone
     WHERE d.first <= ?1
           AND (c.opted_in_at IS NOT NULL
                OR EXISTS (SELECT 1 FROM contact_read s
                           WHERE s.channel = c.channel AND s.contact_id = c.contact_id))";

const REFRESH: &str = "UPDATE message SET
         opted_in_at = coalesce((SELECT opted_in_at FROM contact
                                 WHERE channel = ?1 AND phone = ?2), opted_in_at),
         read_at = coalesce((SELECT min(s.until) FROM contact c
                    CROSS JOIN contact_read s ON s.channel = c.channel AND s.contact_id = c.contact_id
                    WHERE c.channel = ?1 AND c.phone = ?2 AND s.until + ?3 >= message.sent_at), read_at)
     WHERE recipient IN (SELECT l.recipient FROM contact_message l
                         JOIN batch b ON b.id = l.recipient >> 32
                         WHERE l.phone = ?2 AND b.channel = ?1)";
