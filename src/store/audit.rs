//! One recipient's whole timeline, and the recipients whose outcome is unknown.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use rusqlite::Row;
use serde::Serialize;

use super::batch::Batch;
use super::checkpoint::Reader;
use super::columns::{api_id_if_any, from_millis, time, time_if_any};
use super::error::StoreError;
use super::follow_up::FOR_ITS_EVENT;
use super::ids::{BatchId, RecipientId};
use super::query::Query as _;
use super::results::{CONTENT, FACTS, JOINS, REASON};
use crate::domain::content::{Rendered, for_step};
use crate::domain::delivery::State;
use crate::domain::fallback::Step;
use crate::domain::phone::PhoneNumber;

/// A request for a recipient, or a decision about one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AttemptRecord {
    /// When the request left that this is about; a decision to send again has no request yet.
    pub started_at: Timestamp,
    /// When its answer was on disk, its outcome was learned, or the decision was made; `None` while it is
    /// under way.
    pub finished_at: Option<Timestamp>,
    /// What became of it, as a word.
    pub outcome: Option<String>,
    /// HTTP status, if there was an answer.
    pub http_status: Option<u16>,
    /// The text that explains it.
    pub text: Option<String>,
    /// Who decided, or what proved it.
    pub actor: Option<String>,
    /// The channel of a request, or the one that the recipient went on to.
    pub channel: Option<String>,
}

/// One recipient with all that is known of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Timeline {
    /// Its key.
    pub recipient: RecipientId,
    /// Index of its file.
    pub file: u16,
    /// Its row in that file.
    pub row: u32,
    /// Where it stands.
    pub state: State,
    /// Its number, if it has one.
    pub phone: Option<PhoneNumber>,
    /// Why it is where it is.
    pub reason: Option<String>,
    /// What the cell should probably say.
    pub suggestion: Option<String>,
    /// When it was settled.
    pub finished_at: Option<Timestamp>,
    /// What is or was to be sent, as JSON.
    pub content: Option<String>,
    /// The message's id.
    pub message_id: Option<String>,
    /// The contact's id.
    pub contact_id: Option<String>,
    /// When it was accepted.
    pub sent_at: Option<Timestamp>,
    /// When it was delivered.
    pub delivered_at: Option<Timestamp>,
    /// When it was read.
    pub read_at: Option<Timestamp>,
    /// When the person opted in.
    pub opted_in_at: Option<Timestamp>,
    /// All requests and decisions, in order.
    pub attempts: Vec<AttemptRecord>,
}

/// A recipient whose outcome is unknown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownRow {
    /// Its key.
    pub recipient: RecipientId,
    /// Index of its file.
    pub file: u16,
    /// Its row in that file.
    pub row: u32,
    /// Its number; for the screen, masked.
    pub phone: Option<PhoneNumber>,
    /// Why the outcome is unknown.
    pub reason: Option<String>,
    /// The contact's id on the channel of the request, where the file or an earlier message names it.
    pub contact_id: Option<String>,
    /// What was to be sent on that channel, as JSON.
    pub content: Option<String>,
    /// Which of the batch's channels the request went through.
    pub(crate) step: Step,
}

/// A recipient that is to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NextRow {
    /// Index of its file.
    pub(crate) file: u16,
    /// Its row in that file.
    pub(crate) row: u32,
    pub(crate) phone: Option<PhoneNumber>,
    /// What is to be sent on the channel that it stands at, and on those behind, or why nothing is.
    pub(crate) messages: Vec<(Step, Result<Rendered, String>)>,
}

/// The contact is that of the channel of the last request, whose outcome is open.
const UNKNOWN: &str = "SELECT r.id, i.file, i.row, p.number, r.reason,
        coalesce(iif(r.step = 0, i.contact_id, NULL),
                 (SELECT k.api_id FROM contact k
                  WHERE k.person = r.person AND k.former = 0 AND k.api_id IS NOT NULL
                        AND k.channel = coalesce(
                            (SELECT a.channel FROM attempt a INDEXED BY attempt_by_person
                             WHERE a.person = r.person AND a.recipient = r.id AND a.kind = 'request'
                             ORDER BY a.id DESC LIMIT 1),
                            (SELECT channel FROM batch WHERE id = r.id >> 32))
                  ORDER BY k.id DESC LIMIT 1)),
        i.content, r.step, i.metadata
    FROM recipient r INDEXED BY recipient_unknown
         CROSS JOIN recipient_input i ON i.id = r.id
         LEFT JOIN person p ON p.id = r.person
    WHERE r.state = 'unknown' AND r.id > ?1 AND r.id < ?2 ORDER BY r.id LIMIT ?3";

impl Reader {
    /// The whole timeline of the recipients of one row: several where the batch has several files, or
    /// the row several numbers.
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint fails.
    pub fn timelines(&self, id: BatchId, row: u32) -> Result<Vec<Timeline>, StoreError> {
        let (first, last) = id.range();
        let sql = format!(
            "SELECT r.id, i.file, i.row, r.state, iif(r.state = 'invalid' OR r.reason_code IS 'erased', NULL, p.number), {REASON}, i.suggestion, {CONTENT}, {FACTS}
             FROM recipient_input i CROSS JOIN recipient r ON r.id = i.id {JOINS}
             WHERE i.id > ?1 AND i.id < ?2 AND i.row = ?3 ORDER BY i.id"
        );
        let mut timelines = self.connection.read(&sql, (first, last, row), timeline)?;
        for timeline in &mut timelines {
            timeline.attempts = self.attempts(timeline.recipient)?;
        }
        Ok(timelines)
    }

    /// All requests for a recipient, and decisions about it, in order.
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint fails.
    pub(crate) fn attempts(
        &self,
        recipient: RecipientId,
    ) -> Result<Vec<AttemptRecord>, StoreError> {
        self.connection.read(
            "SELECT a.started_at, a.finished_at, a.outcome, a.http_status, a.text,
                    iif(a.kind = 'note', a.proof_by, NULL),
                    iif(a.kind = 'note' AND a.outcome IS NOT 'fell_back', NULL, k.api_id)
             FROM recipient r CROSS JOIN attempt a ON a.person IS r.person AND a.recipient = r.id
                  LEFT JOIN channel k ON k.id = a.channel
             WHERE r.id = ?1 ORDER BY a.id",
            [recipient],
            |row| {
                Ok(AttemptRecord {
                    started_at: time(row, 0)?,
                    finished_at: time_if_any(row, 1)?,
                    outcome: row.get(2)?,
                    http_status: row.get(3)?,
                    text: row.get(4)?,
                    actor: row.get(5)?,
                    channel: row.get(6)?,
                })
            },
        )
    }

    /// The recipients of the batch whose outcome is unknown, in row order, `limit` at the most.
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint fails.
    pub(crate) fn unknown_rows(
        &self,
        id: BatchId,
        limit: usize,
    ) -> Result<Vec<UnknownRow>, StoreError> {
        let (first, last) = id.range();
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        self.connection.read(UNKNOWN, (first, last, limit), unknown)
    }

    /// The keys of all recipients of the batch whose outcome is unknown.
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint fails.
    pub(crate) fn unknown_keys(&self, id: BatchId) -> Result<Vec<i64>, StoreError> {
        self.connection.read(
            "SELECT id FROM recipient INDEXED BY recipient_unknown
             WHERE state = 'unknown' AND id > ?1 AND id < ?2 ORDER BY id",
            id.range(),
            |row| Ok(row.get(0)?),
        )
    }

    /// The keys of all who are to be sent to, in their order: of a follow-up also those who wait for their event.
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint fails.
    pub(crate) fn queued_keys(&self, batch: &Batch) -> Result<Vec<i64>, StoreError> {
        if batch.follow_up.is_some() {
            let (first, last) = batch.id.range();
            return self.connection.list(
                "SELECT id FROM recipient
                 WHERE id > ?1 AND id < ?2 AND state = 'queued' AND (held IS NULL OR held = ?3) ORDER BY id",
                (first, last, FOR_ITS_EVENT),
            );
        }
        let mut keys: Vec<i64> = self.connection.list(
            "SELECT id FROM recipient INDEXED BY recipient_queue
             WHERE state = 'queued' AND held IS NULL AND id >> 32 = ?1",
            [batch.id],
        )?;
        keys.sort_unstable();
        Ok(keys)
    }

    /// The first rows that are to be sent, `limit` at the most: file, row, number and messages.
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint fails.
    pub(crate) fn next_rows(
        &self,
        batch: &Batch,
        limit: usize,
    ) -> Result<Vec<NextRow>, StoreError> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let others = batch.fallback.as_ref().map_or(0, |it| it.channels.len());
        let last = u8::try_from(others).unwrap_or(u8::MAX);
        self.connection.read(
            "SELECT i.file, i.row, p.number, coalesce(i.content, ''), r.step, coalesce(i.metadata, '{}')
             FROM recipient r INDEXED BY recipient_queue
                  CROSS JOIN recipient_input i ON i.id = r.id
                  LEFT JOIN person p ON p.id = r.person
             WHERE r.state = 'queued' AND r.held IS NULL AND r.id >> 32 = ?1
             ORDER BY r.not_before, r.id LIMIT ?2",
            (batch.id, limit),
            |row| {
                let (content, step, metadata): (String, u8, String) =
                    (row.get(3)?, row.get(4)?, row.get(5)?);
                let steps = (step..=last.max(step)).map(Step::new);
                let messages = steps.map(|step| (step, for_step(&content, &metadata, step)));
                Ok(NextRow {
                    file: row.get(0)?,
                    row: row.get(1)?,
                    phone: row.get(2)?,
                    messages: messages.collect(),
                })
            },
        )
    }

    /// When the last request for each of these recipients left.
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint fails.
    pub(crate) fn last_requests(
        &self,
        recipients: &BTreeSet<RecipientId>,
    ) -> Result<BTreeMap<RecipientId, Timestamp>, StoreError> {
        let mut found = BTreeMap::new();
        for recipient in recipients {
            let at: Option<i64> = self.connection.value(
                "SELECT max(a.started_at)
                 FROM recipient r CROSS JOIN attempt a ON a.person IS r.person AND a.recipient = r.id
                 WHERE r.id = ?1 AND a.kind <> 'note'",
                [recipient],
            )?;
            if let Some(at) = at {
                found.insert(*recipient, from_millis(at)?);
            }
        }
        Ok(found)
    }
}

fn timeline(row: &Row<'_>) -> Result<Timeline, StoreError> {
    Ok(Timeline {
        recipient: row.get(0)?,
        file: row.get(1)?,
        row: row.get(2)?,
        state: row.get(3)?,
        phone: row.get(4)?,
        reason: row.get(5)?,
        suggestion: row.get(6)?,
        content: row.get(7)?,
        finished_at: time_if_any(row, 8)?,
        message_id: api_id_if_any(row, 9)?,
        contact_id: api_id_if_any(row, 10)?,
        sent_at: time_if_any(row, 11)?,
        delivered_at: time_if_any(row, 12)?,
        read_at: time_if_any(row, 13)?,
        opted_in_at: time_if_any(row, 14)?,
        attempts: Vec::new(),
    })
}

fn unknown(row: &Row<'_>) -> Result<UnknownRow, StoreError> {
    let step = Step::new(row.get(7)?);
    let (own, metadata): (Option<String>, Option<String>) = (row.get(6)?, row.get(8)?);
    Ok(UnknownRow {
        recipient: row.get(0)?,
        file: row.get(1)?,
        row: row.get(2)?,
        phone: row.get(3)?,
        reason: row.get(4)?,
        contact_id: api_id_if_any(row, 5)?,
        content: content_of_step(own.as_deref(), metadata.as_deref(), step),
        step,
    })
}

/// What a row is sent on a channel of its batch.
fn content_of_step(own: Option<&str>, metadata: Option<&str>, step: Step) -> Option<String> {
    let rendered = for_step(own?, metadata.unwrap_or("{}"), step).ok()?;
    Some(rendered.content)
}
