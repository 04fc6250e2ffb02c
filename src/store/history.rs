//! What is known of a person when a message is about to go out: asked by the preview of a list and by every
//! claim.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension};

use super::attempt::{self, Asker};
use super::checkpoint::Reader;
use super::error::StoreError;
use super::ids::{BatchId, PersonId, RecipientId};
use super::{channel, person};
use crate::domain::eligibility::{Eligibility, Fate, HistorySpan, PastRequest, decide, waits_for};
use crate::domain::phone::PhoneNumber;
use crate::domain::recipient::Suppression;

/// Whether a person may be messaged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Yes.
    MayBeMessaged,
    /// No.
    Suppressed(Suppression),
    /// It is not known yet what became of an earlier request.
    Waits {
        /// What is known of it.
        fate: Fate,
        /// Whose it is, for people.
        why: String,
    },
}

/// Decides whether the person may be messaged by the one who asks.
pub(super) fn judge(
    connection: &Connection,
    whose: PersonId,
    asker: &Asker<'_>,
    span: HistorySpan,
    now: Timestamp,
) -> Result<Verdict, StoreError> {
    if let Some(cause) = person::suppression(connection, whose)? {
        return Ok(Verdict::Suppressed(cause));
    }
    let mut past = attempt::past_requests(connection, whose, asker)?;
    for other in person::same_number(connection, whose)? {
        past.extend(attempt::past_requests(connection, other, asker)?);
    }
    let requests: Vec<PastRequest> = past.iter().map(|(request, _)| *request).collect();
    let found = |index: usize| -> Result<(Source, PastRequest), StoreError> {
        let (request, recipient) = past.get(index).ok_or_else(|| StoreError::Value {
            detail: "a request that is not there".to_owned(),
        })?;
        Ok((Source::load(connection, *recipient)?, *request))
    };
    Ok(match decide(&requests, span, now) {
        Eligibility::Now => Verdict::MayBeMessaged,
        Eligibility::SameBatch(index) => {
            let (source, request) = found(index)?;
            Verdict::Suppressed(Suppression::SameBatch {
                row: source.row,
                at: request.at.to_string(),
            })
        }
        Eligibility::Repeated(index) => {
            let (source, request) = found(index)?;
            Verdict::Suppressed(Suppression::RepeatGuard {
                batch: source.batch,
                at: request.at.to_string(),
            })
        }
        Eligibility::Skipped(index) => {
            let (source, request) = found(index)?;
            Verdict::Suppressed(Suppression::OtherMessage {
                batch: source.batch,
                at: request.at.to_string(),
            })
        }
        Eligibility::TooSoon(index) => {
            let (source, request) = found(index)?;
            Verdict::Suppressed(Suppression::NotWithin {
                batch: source.batch,
                at: request.at.to_string(),
            })
        }
        Eligibility::Waits(index) => {
            let (source, request) = found(index)?;
            Verdict::Waits {
                fate: request.fate,
                why: waits_for(source.row, &source.batch),
            }
        }
    })
}

/// Whose a request is, for people.
pub(super) struct Source {
    pub(super) batch: String,
    pub(super) row: u32,
}

impl Source {
    pub(super) fn load(
        connection: &Connection,
        recipient: RecipientId,
    ) -> Result<Self, StoreError> {
        let batch: Option<Option<String>> = connection
            .prepare_cached("SELECT name FROM batch WHERE id = ?1")?
            .query_row([recipient.batch()], |row| row.get(0))
            .optional()?;
        let row: Option<u32> = connection
            .prepare_cached("SELECT row FROM recipient_input WHERE id = ?1")?
            .query_row([recipient], |row| row.get(0))
            .optional()?;
        let number = recipient.batch().get();
        Ok(Self {
            batch: batch
                .flatten()
                .unwrap_or_else(|| format!("number {number}")),
            row: row.unwrap_or(0),
        })
    }
}

impl Reader {
    /// Whether a number may be messaged, as a claim of `batch` would find now. `content` is the channel and the
    /// rendered content, if there is one; `skip` the random ids of the batches whose people are left out.
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint fails.
    pub fn judge(
        &self,
        phone: PhoneNumber,
        content: Option<(&str, &str)>,
        span: HistorySpan,
        batch: Option<BatchId>,
        skip: &[String],
        now: Timestamp,
    ) -> Result<Verdict, StoreError> {
        let Some(whose) = person::find(&self.connection, &self.keys, phone)? else {
            return Ok(Verdict::MayBeMessaged);
        };
        let on = match content {
            Some((on, _)) => channel::find(&self.connection, on)?,
            None => None,
        };
        let asker = Asker {
            batch,
            recipient: None,
            channel: on,
            content_key: content.map(|(on, content)| self.keys.content_key(on, content)),
            content: content.map(|(_, content)| (&self.keys, content)),
            skip,
        };
        judge(&self.connection, whose, &asker, span, now)
    }
}
