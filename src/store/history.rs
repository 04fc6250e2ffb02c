//! What is known of a person when a message is about to go out: asked by the preview of a list and by every
//! claim.

use std::time::Duration;

use jiff::Timestamp;
use rusqlite::Connection;

use super::attempt::unreached_since;
use super::batch::unfinished_since;
use super::checkpoint::{Reader, Store};
use super::decision::{self, DecisionRecord};
use super::earlier::SkippedBatch;
use super::error::StoreError;
use super::ids::{BatchId, PersonId, RecipientId};
use super::keys::HashKey;
use super::past::{self, AskedContent, AskedKey, Asker, PastAttempt, PastOf};
use super::person::{self, Person};
use super::policy::keep;
use super::query::Query as _;
use super::unread::{self, UnreadFrom};
use crate::domain::eligibility::{
    Eligibility, HistorySpan, PastRequest, RequestOutcome, decide, decide_for_other_number,
    waits_for,
};
use crate::domain::phone::PhoneNumber;
use crate::domain::recipient::Suppression;
use crate::domain::sending::Sending;

/// Where the policy of a batch has how far back earlier messages count.
const HISTORY: &str = "history";

/// Where it has its [`Sending`].
const SENDING: &str = "sending";

/// Whether a person may be messaged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PersonVerdict {
    /// Yes.
    MayBeMessaged,
    /// No.
    Suppressed(Suppression),
    /// It is not known yet what became of an earlier request.
    Waits {
        /// What is known of it.
        outcome: RequestOutcome,
        /// Whose it is, for people.
        why: String,
    },
}

/// What decides about a person: as it is stored, under each form of its number, with the requests to it.
#[derive(Debug)]
pub(crate) struct Past {
    pub(super) people: Vec<Person>,
    pub(super) attempts: Vec<PastAttempt>,
    /// They wrote what may ask not to be messaged, or may have written it, and nobody has read it.
    has_unread: bool,
}

/// Decides whether the batch and row that ask may message the person.
pub(super) fn judge(
    (connection, keys): (&Connection, &HashKey),
    whose: PersonId,
    asker: &Asker<'_>,
    span: HistorySpan,
    now: Timestamp,
) -> Result<PersonVerdict, StoreError> {
    let people = person::with_same_number(connection, whose)?;
    Past::heard((connection, keys), people, asker)?.judge(connection, asker, span, now)
}

/// How what the batch itself sent to another number of a row counts for the row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum OwnBatch {
    /// As a message to its person.
    Counts,
    /// As one to somebody with whom the person shares the number.
    IsOfOthers,
}

/// The same by another number of the row that asks.
pub(super) fn judge_other_number(
    (connection, keys): (&Connection, &HashKey),
    (phone, own_batch): (PhoneNumber, OwnBatch),
    asker: &Asker<'_>,
    span: HistorySpan,
    now: Timestamp,
) -> Result<PersonVerdict, StoreError> {
    let people = person::with_number(connection, keys, phone)?;
    if people.is_empty() {
        return Ok(PersonVerdict::MayBeMessaged);
    }
    let mut past = Past::heard((connection, keys), people, asker)?;
    if own_batch == OwnBatch::IsOfOthers {
        past.attempts.retain(|it| asker.batch != Some(it.batch()));
    }
    // Whether that number has Messenger says nothing of this one.
    let span = HistorySpan {
        no_messenger: Duration::ZERO,
        ..span
    };
    past.judge(connection, asker, span, now)
}

impl Past {
    /// Without what they wrote.
    fn of(
        connection: &Connection,
        people: Vec<Person>,
        with_uid: bool,
    ) -> Result<Self, StoreError> {
        let mut attempts = Vec::new();
        for person in &people {
            attempts.extend(past::attempts_to(connection, person.id, with_uid)?);
        }
        Ok(Self {
            people,
            attempts,
            has_unread: false,
        })
    }

    /// With whether what they wrote is read.
    fn heard(
        (connection, keys): (&Connection, &HashKey),
        people: Vec<Person>,
        asker: &Asker<'_>,
    ) -> Result<Self, StoreError> {
        let mut past = Self::of(connection, people, !asker.skip.is_empty())?;
        past.has_unread = unread::waits_to_be_read(connection, keys, &past.people)?
            || unread::may_have_opted_out(connection, keys, &past.attempts)?;
        Ok(past)
    }

    fn judge(
        &self,
        connection: &Connection,
        asker: &Asker<'_>,
        span: HistorySpan,
        now: Timestamp,
    ) -> Result<PersonVerdict, StoreError> {
        let cause = self.people.iter().find_map(|it| it.suppression.clone());
        if let Some(cause) = cause {
            return Ok(PersonVerdict::Suppressed(cause));
        }
        if self.has_unread {
            return Ok(PersonVerdict::Suppressed(Suppression::UnreadReply));
        }
        let unfinished_since = match asker.batch {
            Some(batch) if !self.attempts.is_empty() => unfinished_since(connection, batch)?,
            Some(_) | None => None,
        };
        let past = PastOf::new(&self.attempts, asker, unfinished_since);
        let unreached = match (asker.channel, self.people.first()) {
            (Some(on), Some(whose)) if past.was_unreached && !span.no_messenger.is_zero() => {
                unreached_since(connection, whose.id, on, asker.recipient)?
            }
            (Some(_) | None, _) => None,
        };
        let past = past.requests;
        let requests: Vec<PastRequest> = past.iter().map(|(request, _)| *request).collect();
        let earlier = |index| Earlier::load(connection, &past, index);
        let decided = if asker.is_other_number {
            decide_for_other_number(&requests, span, now)
        } else {
            decide(&requests, unreached, span, now)
        };
        let cause = match decided {
            Eligibility::Now => return Ok(PersonVerdict::MayBeMessaged),
            Eligibility::NoMessenger(at) => Suppression::NoMessengerWithin { at: at.to_string() },
            // Without a recipient, a list is read: the row with the message is the one that the list is about.
            Eligibility::SameBatch(_) if asker.recipient.is_none() && !asker.is_other_number => {
                return Ok(PersonVerdict::MayBeMessaged);
            }
            Eligibility::SameBatch(index) => {
                let Earlier { row, at, .. } = earlier(index)?;
                Suppression::SameBatch { row, at }
            }
            Eligibility::Repeated(index) => {
                let (batch, at, sure) = earlier(index)?.accepted();
                Suppression::RepeatGuard { batch, at, sure }
            }
            Eligibility::Skipped(index) => {
                let (batch, at, sure) = earlier(index)?.accepted();
                Suppression::OtherMessage { batch, at, sure }
            }
            Eligibility::TooSoon(index) => {
                let (batch, at, sure) = earlier(index)?.accepted();
                Suppression::NotWithin { batch, at, sure }
            }
            Eligibility::Waits(index) => {
                let Earlier {
                    batch,
                    row,
                    outcome,
                    ..
                } = earlier(index)?;
                let why = waits_for(row, &batch);
                return Ok(PersonVerdict::Waits { outcome, why });
            }
        };
        Ok(PersonVerdict::Suppressed(cause))
    }
}

/// A request that decides, for people.
struct Earlier {
    batch: String,
    row: u32,
    at: String,
    outcome: RequestOutcome,
}

impl Earlier {
    fn load(
        connection: &Connection,
        past: &[(PastRequest, RecipientId)],
        index: usize,
    ) -> Result<Self, StoreError> {
        let (request, recipient) = past.get(index).ok_or_else(|| StoreError::Value {
            detail: "a request that is not there".to_owned(),
        })?;
        let Source { batch, row } = Source::load(connection, *recipient)?;
        Ok(Self {
            batch,
            row,
            at: request.at.to_string(),
            outcome: request.outcome,
        })
    }

    /// Its batch, its time, and whether it is known that it was accepted.
    fn accepted(self) -> (String, String, bool) {
        let sure = self.outcome == RequestOutcome::Accepted;
        (self.batch, self.at, sure)
    }
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
        let row: Option<u32> =
            connection.find("SELECT row FROM recipient_input WHERE id = ?1", [recipient])?;
        Ok(Self {
            batch: name_of(connection, recipient.batch())?,
            row: row.unwrap_or(0),
        })
    }
}

/// The name of a batch; its number where it has none any more.
pub(super) fn name_of(connection: &Connection, batch: BatchId) -> Result<String, StoreError> {
    let name: Option<Option<String>> =
        connection.find("SELECT name FROM batch WHERE id = ?1", [batch])?;
    Ok(name
        .flatten()
        .unwrap_or_else(|| format!("number {}", batch.get())))
}

impl Store {
    /// Keeps with the batch how it is sent, and who said so where that changed.
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint fails.
    pub(crate) fn keep_settings(
        &self,
        batch: BatchId,
        history: HistorySpan,
        sending: Sending,
        changed: Vec<DecisionRecord>,
    ) -> Result<(), StoreError> {
        self.writer.write_blocking(move |tx| {
            keep(tx.connection, batch, HISTORY, &history)?;
            keep(tx.connection, batch, SENDING, &sending)?;
            let mut changed = changed.iter();
            changed.try_for_each(|said| decision::record(tx.connection, said))
        })
    }
}

impl Reader {
    /// What decides about the person of a number; `None` if no list and no event ever named it. `unread` are those of
    /// [`Self::unread_from`]: for each person of a list they would be too many to look through. `skip`: as for
    /// [`Self::judge`].
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint fails.
    pub(crate) fn past(
        &self,
        phone: PhoneNumber,
        unread: &UnreadFrom,
        skip: &[SkippedBatch],
    ) -> Result<Option<Past>, StoreError> {
        let people = person::with_number(&self.connection, &self.keys, phone)?;
        if people.is_empty() {
            return Ok(None);
        }
        let mut past = Past::of(&self.connection, people, !skip.is_empty())?;
        past.has_unread = unread.any_of(&past.people, &past.attempts);
        Ok(Some(past))
    }

    /// Whether a number may be messaged, as a claim would find now, on the channel `on` and with the rendered `content`,
    /// as far as they are known. What was sent for the list's own `batch` keeps nobody back; `skip` are
    /// the batches whose people are left out.
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint fails.
    pub fn judge(
        &self,
        phone: PhoneNumber,
        about: (Option<&str>, Option<&str>),
        span: HistorySpan,
        batch: Option<BatchId>,
        skip: &[SkippedBatch],
        now: Timestamp,
    ) -> Result<PersonVerdict, StoreError> {
        match self.past(phone, &self.unread_from()?, skip)? {
            Some(past) => self.judge_person(&past, about, span, batch, skip, now),
            None => Ok(PersonVerdict::MayBeMessaged),
        }
    }

    /// The same for a person that was looked up.
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint fails.
    pub(crate) fn judge_person(
        &self,
        past: &Past,
        (on, content): (Option<&str>, Option<&str>),
        span: HistorySpan,
        batch: Option<BatchId>,
        skip: &[SkippedBatch],
        now: Timestamp,
    ) -> Result<PersonVerdict, StoreError> {
        let asker = self.asker(past, (on, content), batch, skip)?;
        past.judge(&self.connection, &asker, span, now)
    }

    /// The same for another number of a row than the one that the row would be sent to: what the batch itself sent there keeps
    /// the row back, and nothing waits.
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint fails.
    pub(crate) fn judge_other_number(
        &self,
        past: &Past,
        about: (Option<&str>, Option<&str>),
        span: HistorySpan,
        batch: Option<BatchId>,
        skip: &[SkippedBatch],
        now: Timestamp,
    ) -> Result<PersonVerdict, StoreError> {
        let asker = Asker {
            is_other_number: true,
            ..self.asker(past, about, batch, skip)?
        };
        past.judge(&self.connection, &asker, span, now)
    }

    /// Whether a request with that content to the person, over that channel, was accepted or may have been, or any of `batch`
    /// itself.
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint fails.
    pub(crate) fn knows_message_to(
        &self,
        past: &Past,
        (on, content): (&str, &str),
        batch: Option<BatchId>,
    ) -> Result<bool, StoreError> {
        let asker = self.asker(past, (Some(on), Some(content)), batch, &[])?;
        let requests = PastOf::new(&past.attempts, &asker, None).requests;
        let mut requests = requests.iter();
        Ok(requests.any(|(request, _)| request.same_batch || request.same_content))
    }

    /// A list that is read, and asks about a person.
    fn asker<'a>(
        &'a self,
        past: &Past,
        (on, content): (Option<&'a str>, Option<&'a str>),
        batch: Option<BatchId>,
        skip: &'a [SkippedBatch],
    ) -> Result<Asker<'a>, StoreError> {
        let known = match on {
            Some(on) if !past.attempts.is_empty() => self.channel(on)?,
            Some(_) | None => None,
        };
        let same = on.zip(content);
        Ok(Asker {
            batch,
            recipient: None,
            channel: known,
            content: same.map(|(on, text)| AskedContent {
                keys: &self.keys,
                text,
                key: AskedKey::Of(on),
            }),
            skip,
            is_other_number: false,
        })
    }
}
