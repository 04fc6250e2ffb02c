//! Entries of the audit that are no requests: an outcome that was learned otherwise, or decided.
//!
//! The repeat guard and `--not-within` look at the audit alone. An entry that stands for an accepted
//! message therefore carries the number, the content key and the time of its request, like the entry of
//! an answer does.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension};

use super::batch::RecipientId;
use super::error::StoreError;
use super::history::content_key;
use super::{intent, suppression, to_millis};
use crate::domain::outcome::AttemptOutcome;

/// An entry.
#[derive(Debug, Clone, Copy)]
pub(super) struct Learned<'a> {
    pub(super) recipient: RecipientId,
    pub(super) outcome: AttemptOutcome,
    /// True if a message was accepted and is not known to have failed: it counts for the guards.
    pub(super) accepted: bool,
    pub(super) text: Option<&'a str>,
    /// The person who decided, or what proved it.
    pub(super) actor: &'a str,
    pub(super) now: Timestamp,
}

/// The message that an entry stands for.
#[derive(Debug, Clone, Copy)]
struct Message {
    phone: Option<i64>,
    key: Option<i64>,
    /// When its request left, in milliseconds.
    left_at: i64,
}

impl Learned<'_> {
    /// Writes the entry.
    pub(super) fn insert(&self, connection: &Connection) -> Result<(), StoreError> {
        let now = to_millis(self.now);
        let message = if self.accepted {
            self.message(connection)?
        } else {
            Message {
                phone: None,
                key: None,
                left_at: now,
            }
        };
        connection
            .prepare_cached(
                "INSERT INTO attempt (recipient, phone, content_key, started_at, finished_at, outcome,
                                      text, actor)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
            )?
            .execute((
                self.recipient.get(),
                message.phone,
                message.key,
                message.left_at,
                now,
                self.outcome.word(),
                self.text,
                self.actor,
            ))?;
        Ok(())
    }

    /// The last request whose answer was lost, or that is under way. The number is gone after `forget`.
    fn message(&self, connection: &Connection) -> Result<Message, StoreError> {
        let id = self.recipient.get();
        let (phone, content, channel): (Option<i64>, Option<String>, String) = connection
            .prepare_cached(
                "SELECT r.phone, i.content, b.channel
                 FROM recipient r JOIN recipient_input i ON i.id = r.id
                      JOIN batch b ON b.id = r.id >> 32
                 WHERE r.id = ?1",
            )?
            .query_row([id], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
        let lost: Option<(i64, Option<i64>)> = connection
            .prepare_cached(
                "SELECT started_at, content_key FROM attempt INDEXED BY attempt_undecided
                 WHERE recipient = ?1 AND outcome IN ('undecided', 'interrupted')
                 ORDER BY id DESC LIMIT 1",
            )?
            .query_row([id], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()?;
        let under_way = intent::covers(connection, self.recipient)?.map(to_millis);
        let left_at = under_way.max(lost.map(|(at, _)| at));
        let lost_key = lost.and_then(|(_, key)| key);
        let key = match (phone, content) {
            // The row's content may be newer than that of the lost request.
            (Some(_), _) if under_way.is_none() && lost_key.is_some() => lost_key,
            (Some(phone), Some(content)) => {
                Some(content_key(&channel, suppression::phone(phone)?, &content))
            }
            (Some(_), None) | (None, _) => None,
        };
        let now = to_millis(self.now);
        Ok(Message {
            phone,
            key,
            left_at: left_at.unwrap_or(now).min(now),
        })
    }
}
