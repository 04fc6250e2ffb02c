//! Test messages: the message of a row that goes to one number outside any batch. They use the quota and are claimed
//! like requests; no guard and no account of who was messaged counts them.

use jiff::Timestamp;

use super::checkpoint::{Reader, Store};
use super::columns::to_millis;
use super::decision::{self, DecisionRecord};
use super::error::StoreError;
use super::ids::{ApiId, AttemptId, BatchId};
use super::keys::KEY_FORM;
use super::lookup::claimed;
use super::query::Query as _;
use super::{channel, contact, person};
use crate::domain::content::for_step;
use crate::domain::fallback::Step;
use crate::domain::outcome::{AttemptOutcome, Receipt};
use crate::domain::phone::PhoneNumber;
use crate::domain::recipient::Suppression;

/// The message of a row, as its batch keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct KeptMessage {
    /// Index of its file.
    pub(crate) file: u16,
    /// Its row in that file.
    pub(crate) row: u32,
    /// The row's number.
    pub(crate) phone: Option<PhoneNumber>,
    pub(crate) first_name: Option<String>,
    pub(crate) last_name: Option<String>,
    /// The JSON of `content`.
    pub(crate) content: String,
    /// The JSON of the user's own metadata.
    pub(crate) metadata: String,
}

/// A test message that is about to leave.
#[derive(Debug, Clone)]
pub(crate) struct TestIntent {
    /// Who gets it.
    pub(crate) to: PhoneNumber,
    /// The channel's id.
    pub(crate) channel: String,
    /// The JSON of `content`.
    pub(crate) content: String,
    /// Fingerprint of the token whose quota it uses.
    pub(crate) token: i64,
}

/// What became of the claim of a test message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum TestClaim {
    /// It may leave, and counts.
    Claimed(AttemptId),
    /// Others claimed requests meanwhile: so many with the token by now, ever. Nothing was claimed.
    OthersClaimed {
        /// How many.
        total: u64,
    },
    /// Its number must not be messaged.
    Suppressed(Suppression),
}

/// What became of a test message.
#[derive(Debug, Clone)]
pub(crate) struct TestResult {
    pub(crate) outcome: AttemptOutcome,
    pub(crate) http_status: Option<u16>,
    pub(crate) receipt: Option<Receipt>,
    /// What the audit keeps of it.
    pub(crate) note: Option<DecisionRecord>,
}

impl Store {
    /// Claims a test message, if its number may be messaged and so many requests were claimed with the token as the
    /// caller knows. Until its answer is recorded it counts as one whose answer was lost.
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint fails.
    pub(crate) async fn claim_test(
        &self,
        intent: TestIntent,
        known: u64,
        now: Timestamp,
    ) -> Result<TestClaim, StoreError> {
        let keys = self.keys.clone();
        self.writer
            .write(move |tx| {
                if let Some(whose) = person::find(tx.connection, &keys, intent.to)?
                    && let Some(cause) = person::suppression(tx.connection, whose)?
                {
                    return Ok(TestClaim::Suppressed(cause));
                }
                let total = claimed(tx.connection, intent.token)?;
                if total > known {
                    return Ok(TestClaim::OthersClaimed { total });
                }
                let whose = person::find_or_make(tx.connection, &keys, intent.to)?;
                let on = channel::find_or_make(tx.connection, &intent.channel)?;
                tx.connection.change(
                    "INSERT INTO attempt (recipient, person, channel, kind, content_key, key_form, token,
                                              started_at, finished_at, outcome)
                         VALUES (0, ?1, ?2, 'test', ?3, ?4, ?5, ?6, ?6, ?7)",
                    (
                        whose,
                        on,
                        keys.content_key(&intent.channel, &intent.content),
                        KEY_FORM,
                        intent.token,
                        to_millis(now),
                        AttemptOutcome::Interrupted.word(),
                    ),
                )?;
                let claim = TestClaim::Claimed(AttemptId(tx.connection.last_insert_rowid()));
                tx.note_claim(intent.token, now);
                Ok(claim)
            })
            .await
    }

    /// Records what became of a test message. The contact that the answer names is known from now on: a STOP from it
    /// reaches the person.
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint fails.
    pub(crate) async fn settle_test(
        &self,
        attempt: AttemptId,
        intent: TestIntent,
        result: TestResult,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let keys = self.keys.clone();
        self.writer
            .write(move |tx| {
                if let Some(note) = &result.note {
                    decision::record(tx.connection, note)?;
                }
                let receipt = result.receipt.as_ref();
                let message = receipt.and_then(|receipt| receipt.message_id.as_deref());
                tx.connection.change(
                    "UPDATE attempt SET finished_at = ?2, outcome = ?3, http_status = ?4, message_id = ?5
                         WHERE id = ?1",
                    (
                        attempt,
                        to_millis(now),
                        result.outcome.word(),
                        result.http_status,
                        message.map(ApiId),
                    ),
                )?;
                let Some((receipt, api_id)) =
                    receipt.and_then(|receipt| Some((receipt, receipt.contact_id.as_deref()?)))
                else {
                    return Ok(());
                };
                let whose = person::find_or_make(tx.connection, &keys, intent.to)?;
                let on = channel::find_or_make(tx.connection, &intent.channel)?;
                match receipt.number.filter(|number| *number != intent.to) {
                    Some(other) => {
                        let others = person::find_or_make(tx.connection, &keys, other)?;
                        contact::learn_doubtful(tx.connection, on, api_id, [whose, others])?;
                    }
                    None => {
                        contact::learn(tx.connection, &keys, on, api_id, Some(whose))?;
                    }
                }
                Ok(())
            })
            .await
    }
}

impl Reader {
    /// The messages of the rows with this number, one a file; without a number that of the first row that has one.
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint fails.
    pub(crate) fn kept_messages(
        &self,
        batch: BatchId,
        row: Option<u32>,
    ) -> Result<Vec<KeptMessage>, StoreError> {
        let (first, last) = batch.range();
        self.connection.read(
            "SELECT i.file, i.row, p.number, i.first_name, i.last_name, i.content, coalesce(i.metadata, '{}')
             FROM recipient_input i CROSS JOIN recipient r ON r.id = i.id LEFT JOIN person p ON p.id = r.person
             WHERE i.id > ?1 AND i.id < ?2 AND i.content IS NOT NULL AND (?3 IS NULL OR i.row = ?3)
             GROUP BY iif(?3 IS NULL, i.id, i.file) ORDER BY i.id LIMIT iif(?3 IS NULL, 1, -1)",
            (first, last, row),
            |row| {
                let (content, metadata): (String, String) = (row.get(5)?, row.get(6)?);
                // Without the messages for other channels, which stand beside the metadata.
                let own = for_step(&content, &metadata, Step::FIRST);
                let own = own.map_err(|detail| StoreError::Value { detail })?;
                Ok(KeptMessage {
                    file: row.get(0)?,
                    row: row.get(1)?,
                    phone: row.get(2)?,
                    first_name: row.get(3)?,
                    last_name: row.get(4)?,
                    content: own.content,
                    metadata: own.metadata,
                })
            },
        )
    }

    /// Whether a batch that is not a rehearsal is there, or one that is.
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint fails.
    pub(crate) fn any_batch_of_kind(&self, sandbox: bool) -> Result<Option<String>, StoreError> {
        self.connection.find(
            "SELECT name FROM batch WHERE sandbox = ?1 AND name IS NOT NULL LIMIT 1",
            [sandbox],
        )
    }
}
