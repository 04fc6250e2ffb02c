//! The contacts as they are shown: who is known on which channel, and what was sent to them.

use jiff::Timestamp;
use rusqlite::Row;
use serde::Serialize;

use super::attempt::{ACCEPTED, SENT_AT};
use super::checkpoint::Reader;
use super::columns::{api_id_if_any, time, time_if_any};
use super::error::StoreError;
use super::query::Query as _;
use super::{channel, person};
use crate::domain::phone::PhoneNumber;
use crate::domain::recipient::Suppression;

/// A person's account on a channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contact {
    /// The channel's id.
    pub channel: String,
    /// The number.
    pub phone: PhoneNumber,
    /// The contact's id on the channel, once the API named it.
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

/// Who is known on a channel: by a contact, or by a message that was accepted. `of_person` limits the search.
///
/// People are walked in the order of their ids, in which their contacts and messages stand too: nothing is gathered
/// in files but the result, for its order.
fn select(of_person: bool) -> String {
    let only = if of_person { "AND p.id = ?1" } else { "" };
    format!(
        "SELECT c.api_id, p.number, max(iif(k.former, NULL, k.api_id)),
            (SELECT i.first_name FROM recipient r JOIN recipient_input i ON i.id = r.id
             WHERE r.person = p.id AND i.first_name IS NOT NULL ORDER BY r.id DESC LIMIT 1),
            (SELECT i.last_name FROM recipient r JOIN recipient_input i ON i.id = r.id
             WHERE r.person = p.id AND i.last_name IS NOT NULL ORDER BY r.id DESC LIMIT 1),
            min({SENT_AT}), max({SENT_AT}), min(k.opted_in_at), min(k.opted_out_at)
        FROM person p CROSS JOIN channel c
             LEFT JOIN contact k INDEXED BY contact_by_person ON k.person = p.id AND k.channel = c.id
             LEFT JOIN attempt a INDEXED BY attempt_by_person
                  ON a.person = p.id AND a.channel = c.id AND a.kind NOT IN ('note', 'test') AND {ACCEPTED}
        WHERE p.number IS NOT NULL AND (k.id IS NOT NULL OR a.id IS NOT NULL) {only}
        GROUP BY p.id, c.id
        ORDER BY c.api_id, p.number"
    )
}

impl Reader {
    /// Passes every contact to `each`, by channel and number, one at a time.
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint fails, or whatever `each` returns.
    pub fn contacts<E: From<StoreError>>(
        &self,
        each: impl FnMut(Contact) -> Result<(), E>,
    ) -> Result<(), E> {
        self.expect_many_people(1)?;
        self.connection.visit(&select(false), [], contact, each)
    }

    /// What is known of a number, on each channel.
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint fails.
    pub(crate) fn contacts_of(&self, phone: PhoneNumber) -> Result<Vec<Contact>, StoreError> {
        let Some(whose) = person::find(&self.connection, &self.keys, phone)? else {
            return Ok(Vec::new());
        };
        self.connection.read(&select(true), [whose], contact)
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
        let (Some(whose), Some(on)) = (
            person::find(&self.connection, &self.keys, phone)?,
            channel::find(&self.connection, channel)?,
        ) else {
            return Ok(Vec::new());
        };
        self.connection.read(
            &format!(
                "SELECT b.name, i.row, r.state, a.message_id, {SENT_AT},
                    a.delivered_at, a.read_at
             FROM attempt a
                  JOIN recipient r ON r.id = a.recipient
                  JOIN recipient_input i ON i.id = r.id
                  JOIN batch b ON b.id = r.id >> 32
             WHERE a.person = ?1 AND a.channel = ?2 AND a.kind <> 'note'
                   AND {ACCEPTED}
             ORDER BY a.recipient, a.id"
            ),
            (whose, on),
            |row| {
                Ok(ContactMessage {
                    batch: row.get(0)?,
                    row: row.get(1)?,
                    state: row.get(2)?,
                    message_id: api_id_if_any(row, 3)?,
                    sent_at: time(row, 4)?,
                    delivered_at: time_if_any(row, 5)?,
                    read_at: time_if_any(row, 6)?,
                })
            },
        )
    }

    /// The number's entry on the suppression list.
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint fails.
    pub fn suppression_of(&self, phone: PhoneNumber) -> Result<Option<Suppression>, StoreError> {
        match person::find(&self.connection, &self.keys, phone)? {
            Some(whose) => person::suppression(&self.connection, whose),
            None => Ok(None),
        }
    }
}

fn contact(row: &Row<'_>) -> Result<Contact, StoreError> {
    Ok(Contact {
        channel: row.get(0)?,
        phone: row.get(1)?,
        contact_id: api_id_if_any(row, 2)?,
        first_name: row.get(3)?,
        last_name: row.get(4)?,
        first_message_at: time_if_any(row, 5)?,
        last_message_at: time_if_any(row, 6)?,
        opted_in_at: time_if_any(row, 7)?,
        opted_out_at: time_if_any(row, 8)?,
    })
}
