//! What is known of a person when a message is about to go out: asked by the preview of a list and by every
//! claim.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension};

use super::attempt::{self, AskedContent, AskedKey, Asker};
use super::checkpoint::{Reader, Store};
use super::decision::{self, DecisionRecord};
use super::earlier::keep;
use super::error::StoreError;
use super::ids::{BatchId, PersonId, RecipientId};
use super::{channel, person};
use crate::domain::eligibility::{Eligibility, Fate, HistorySpan, PastRequest, decide};
use crate::domain::phone::PhoneNumber;
use crate::domain::recipient::Suppression;

/// Its key in the policy of a batch.
const HISTORY: &str = "history";

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
    let people = person::with_same_number(connection, whose)?;
    if let Some(cause) = people.iter().find_map(|(_, cause)| cause.clone()) {
        return Ok(Verdict::Suppressed(cause));
    }
    let mut past = Vec::new();
    for (person, _) in people {
        past.extend(attempt::past_requests(connection, person, asker)?);
    }
    let unreached = match asker.channel {
        Some(on) if !span.no_messenger.is_zero() => {
            attempt::unreached_since(connection, whose, on, asker.recipient)?
        }
        Some(_) | None => None,
    };
    let requests: Vec<PastRequest> = past.iter().map(|(request, _)| *request).collect();
    let told = |index: usize| -> Result<(Source, String), StoreError> {
        let (request, recipient) = past.get(index).ok_or_else(|| StoreError::Value {
            detail: "a request that is not there".to_owned(),
        })?;
        Ok((
            Source::load(connection, *recipient)?,
            request.at.to_string(),
        ))
    };
    let is_sure = |index: usize| {
        requests
            .get(index)
            .is_some_and(|it| it.fate == Fate::Accepted)
    };
    let cause = match decide(&requests, unreached, span, now) {
        Eligibility::Now => return Ok(Verdict::MayBeMessaged),
        Eligibility::SameBatch(index) => {
            let (Source { row, .. }, at) = told(index)?;
            Suppression::SameBatch { row, at }
        }
        Eligibility::Repeated(index) => {
            let (Source { batch, .. }, at) = told(index)?;
            let sure = is_sure(index);
            Suppression::RepeatGuard { batch, at, sure }
        }
        Eligibility::Skipped(index) => {
            let (Source { batch, .. }, at) = told(index)?;
            let sure = is_sure(index);
            Suppression::OtherMessage { batch, at, sure }
        }
        Eligibility::TooSoon(index) => {
            let (Source { batch, .. }, at) = told(index)?;
            let sure = is_sure(index);
            Suppression::NotWithin { batch, at, sure }
        }
        Eligibility::NoMessenger(at) => Suppression::NoMessengerWithin { at: at.to_string() },
        Eligibility::Waits(index) => {
            let (Source { batch, row }, _) = told(index)?;
            let fate = requests.get(index).map_or(Fate::Unknown, |it| it.fate);
            let why = format!("waits for row {row} of batch {batch}");
            return Ok(Verdict::Waits { fate, why });
        }
    };
    Ok(Verdict::Suppressed(cause))
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
        let row: Option<u32> = connection
            .prepare_cached("SELECT row FROM recipient_input WHERE id = ?1")?
            .query_row([recipient], |row| row.get(0))
            .optional()?;
        Ok(Self {
            batch: name_of(connection, recipient.batch())?,
            row: row.unwrap_or(0),
        })
    }
}

/// The name of a batch; its number where it has none any more.
pub(super) fn name_of(connection: &Connection, batch: BatchId) -> Result<String, StoreError> {
    let name: Option<Option<String>> = connection
        .prepare_cached("SELECT name FROM batch WHERE id = ?1")?
        .query_row([batch], |row| row.get(0))
        .optional()?;
    Ok(name
        .flatten()
        .unwrap_or_else(|| format!("number {}", batch.get())))
}

impl Store {
    /// Keeps with the batch how far back earlier messages and answers count, and who said so where that changed.
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint fails.
    pub(crate) fn keep_history(
        &self,
        batch: BatchId,
        span: HistorySpan,
        said: Option<DecisionRecord>,
    ) -> Result<(), StoreError> {
        self.writer.write_blocking(move |tx| {
            keep(tx.connection, batch, HISTORY, &span)?;
            said.as_ref()
                .map_or(Ok(()), |said| decision::record(tx.connection, said))
        })
    }
}

impl Reader {
    /// Whether a number may be messaged, as a claim of `batch` would find now, on the channel `on` and with the rendered
    /// `content`, as far as they are known; `skip` are the random ids of the batches whose people are left out.
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint fails.
    pub fn judge(
        &self,
        phone: PhoneNumber,
        (on, content): (Option<&str>, Option<&str>),
        span: HistorySpan,
        batch: Option<BatchId>,
        skip: &[String],
        now: Timestamp,
    ) -> Result<Verdict, StoreError> {
        let Some(whose) = person::find(&self.connection, &self.keys, phone)? else {
            return Ok(Verdict::MayBeMessaged);
        };
        let known = on
            .map(|on| channel::find(&self.connection, on))
            .transpose()?;
        let same = on.zip(content);
        let asker = Asker {
            batch,
            recipient: None,
            channel: known.flatten(),
            content: same.map(|(on, text)| AskedContent {
                keys: &self.keys,
                text,
                key: AskedKey::Of(on),
            }),
            skip,
        };
        judge(&self.connection, whose, &asker, span, now)
    }
}
