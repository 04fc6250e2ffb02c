//! What other batches sent to the people of a list, and what was decided about them.
//!
//! A decision is kept with the batch, by the random ids of the others: they hold while both are there. A batch that was
//! read and not confirmed keeps its own; the others learn of it when it is carried out.

use jiff::Timestamp;
use rusqlite::Connection;

use super::attempt::request_outcome;
use super::checkpoint::{Reader, Store};
use super::columns::{from_json, from_millis};
use super::decision::{self, DecisionRecord};
use super::error::StoreError;
use super::ids::BatchId;
use super::keys::IMPORTED_FORM;
use super::person;
use super::policy::{Policy, policy, set_policy};
use super::query::Query as _;
use crate::domain::earlier::EarlierRequest;
use crate::domain::phone::PhoneNumber;
use crate::domain::results_row::content_digest;

/// The ids of the batches whose people are skipped.
const SKIP: &str = "skip_messaged_by";

/// The ids of the batches whose people are messaged all the same.
const AGAIN: &str = "message_again_after";

/// Batches that decided to skip the people of this one, with the time since when theirs are skipped here.
const SKIPPED_SINCE: &str = "skip_messaged_since";

/// A batch whose people another one leaves out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SkippedBatch {
    /// Its random id.
    pub(crate) uid: String,
    /// Only those whom it messaged since then; `None`: all of them.
    pub(crate) since: Option<Timestamp>,
}

/// What is decided about people whom other batches messaged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Messaged {
    /// No person gets both messages: neither batch messages the people of the other one.
    Skip,
    /// They get this message too.
    Again,
}

impl Messaged {
    /// The word of its flag.
    fn word(self) -> &'static str {
        match self {
            Self::Skip => "skip-messaged",
            Self::Again => "message-again",
        }
    }
}

/// A decision about people whom other batches messaged.
#[derive(Debug, Clone)]
pub(crate) struct MessagedDecision {
    /// What.
    pub how: Messaged,
    /// Who decided.
    pub actor: String,
    /// Each other batch: its random id, and its name and people for the audit.
    pub others: Vec<(String, String)>,
}

impl MessagedDecision {
    /// The batches whose people are left out.
    pub(crate) fn skipped(&self) -> impl Iterator<Item = SkippedBatch> {
        let skipped: &[_] = match self.how {
            Messaged::Skip => &self.others,
            Messaged::Again => &[],
        };
        skipped.iter().map(|(uid, _)| SkippedBatch {
            uid: uid.clone(),
            since: None,
        })
    }

    /// The same, for the audit of the batch.
    pub(crate) fn records(
        &self,
        batch: BatchId,
        now: Timestamp,
    ) -> impl Iterator<Item = DecisionRecord> {
        self.others.iter().map(move |(_, shown)| DecisionRecord {
            batch: Some(batch),
            actor: self.actor.clone(),
            what: self.how.word(),
            detail: shown.clone(),
            at: now,
        })
    }
}

impl Reader {
    /// The batches that have a row for the number.
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint fails.
    pub(crate) fn batches_with(&self, phone: PhoneNumber) -> Result<Vec<BatchId>, StoreError> {
        let Some(whose) = person::find(&self.connection, &self.keys, phone)? else {
            return Ok(Vec::new());
        };
        let mut batches = self.connection.list(
            "SELECT id >> 32 FROM recipient INDEXED BY recipient_by_person WHERE person = ?1 ORDER BY id",
            [whose],
        )?;
        batches.dedup();
        Ok(batches)
    }

    /// The requests of other batches to the number that were accepted, or may have been. `on` and `content` are what
    /// would be sent.
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint fails.
    pub(crate) fn earlier_requests(
        &self,
        phone: PhoneNumber,
        on: &str,
        content: &str,
        except: Option<BatchId>,
    ) -> Result<Vec<(BatchId, EarlierRequest)>, StoreError> {
        let Some(whose) = person::find(&self.connection, &self.keys, phone)? else {
            return Ok(Vec::new());
        };
        let mut select = self.connection.prepare_cached(
            "SELECT a.recipient >> 32, a.started_at, a.outcome, a.proof, a.content_key, k.api_id,
                    b.state IS NOT 'complete', a.key_form IS ?2
             FROM attempt a INDEXED BY attempt_by_person
                  CROSS JOIN channel k ON k.id = a.channel
                  LEFT JOIN batch b ON b.id = a.recipient >> 32
             WHERE a.person = ?1 AND a.kind NOT IN ('note', 'test') ORDER BY a.id",
        )?;
        let mut rows = select.query((whose, IMPORTED_FORM))?;
        let mut found = Vec::new();
        while let Some(row) = rows.next()? {
            let batch: BatchId = row.get(0)?;
            let (outcome, proof): (Option<String>, Option<String>) = (row.get(2)?, row.get(3)?);
            if Some(batch) == except || is_refused(outcome.as_deref(), proof.as_deref()) {
                continue;
            }
            let (key, channel): (Option<i64>, String) = (row.get(4)?, row.get(5)?);
            let own_key = if row.get(7)? {
                self.keys.imported_content_key(&content_digest(content))
            } else {
                self.keys.content_key(&channel, content)
            };
            let earlier = EarlierRequest {
                at: from_millis(row.get(1)?)?,
                same_text: key == Some(own_key),
                same_channel: channel == on,
                batch_unfinished: row.get(6)?,
            };
            found.push((batch, earlier));
        }
        Ok(found)
    }

    /// Whether the batch has a row for the number whose message went out, or may have: it is not sent again.
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint fails.
    pub(crate) fn has_message_of(
        &self,
        phone: PhoneNumber,
        batch: BatchId,
    ) -> Result<bool, StoreError> {
        let Some(whose) = person::find(&self.connection, &self.keys, phone)? else {
            return Ok(false);
        };
        let (first, last) = batch.range();
        self.connection.has(
            "SELECT 1 FROM recipient INDEXED BY recipient_by_person
             WHERE person = ?1 AND id > ?2 AND id < ?3 AND (state = 'sent' OR state = 'sending' OR state = 'unknown')",
            (whose, first, last),
        )
    }

    /// The batches whose people the batch leaves out.
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint fails.
    pub(crate) fn skipped(&self, batch: BatchId) -> Result<Vec<SkippedBatch>, StoreError> {
        skipped(&policy(&self.connection, batch)?)
    }

    /// Whether something was decided already about people whom `other` messaged.
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint fails.
    pub(crate) fn is_decided(&self, batch: BatchId, other: &str) -> Result<bool, StoreError> {
        let policy = policy(&self.connection, batch)?;
        let is_own = [SKIP, AGAIN]
            .iter()
            .any(|what| ids(&policy, what).iter().any(|id| id == other));
        Ok(is_own || times(&policy).any(|(uid, _)| uid == other))
    }
}

impl Store {
    /// Keeps a decision with a batch that is being read; no other batch learns of it.
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint fails.
    pub(crate) fn keep_messaged(
        &self,
        batch: BatchId,
        decision: MessagedDecision,
    ) -> Result<(), StoreError> {
        self.writer
            .write_blocking(move |tx| keep_decision(tx.connection, batch, &decision))
    }
}

fn keep_decision(
    connection: &Connection,
    batch: BatchId,
    decision: &MessagedDecision,
) -> Result<(), StoreError> {
    let what = match decision.how {
        Messaged::Skip => SKIP,
        Messaged::Again => AGAIN,
    };
    for (uid, _) in &decision.others {
        add(connection, batch, what, uid)?;
    }
    Ok(())
}

/// Carries out a decision: where people are skipped, the others skip whom this batch messages.
pub(super) fn carry_out(
    connection: &Connection,
    batch: BatchId,
    decision: &MessagedDecision,
    now: Timestamp,
) -> Result<(), StoreError> {
    keep_decision(connection, batch, decision)?;
    share_skips(connection, batch)?;
    let mut records = decision.records(batch, now);
    records.try_for_each(|record| decision::record(connection, &record))
}

/// Batches that the batch skips people of skip its people too: decided before its first request, however it was confirmed.
/// What it sent before such a batch was there keeps nobody back in that one: its list was made with that known.
pub(super) fn share_skips(connection: &Connection, batch: BatchId) -> Result<(), StoreError> {
    let others = ids(&policy(connection, batch)?, SKIP);
    if others.is_empty() {
        return Ok(());
    }
    let uid: String =
        connection.value("SELECT lower(hex(uid)) FROM batch WHERE id = ?1", [batch])?;
    for other in others {
        let other: Vec<(BatchId, i64)> = connection.rows(
            "SELECT id, created_at FROM batch WHERE uid = unhex(?1)",
            [&other],
        )?;
        for (other, since) in other {
            skip_since(connection, other, &uid, since)?;
        }
    }
    Ok(())
}

/// The batch skips the people whom `uid` messaged since then.
fn skip_since(
    connection: &Connection,
    batch: BatchId,
    uid: &str,
    since: i64,
) -> Result<(), StoreError> {
    let mut policy = policy(connection, batch)?;
    let is_known = ids(&policy, SKIP).iter().any(|id| id == uid);
    if is_known || times(&policy).any(|(id, _)| id == uid) {
        return Ok(());
    }
    let times = policy
        .entry(SKIPPED_SINCE.to_owned())
        .or_insert_with(|| serde_json::json!({}));
    if let Some(times) = times.as_object_mut() {
        times.insert(uid.to_owned(), since.into());
    }
    set_policy(connection, batch, &policy)
}

/// Whether a request was refused, put off, or never left.
fn is_refused(outcome: Option<&str>, proof: Option<&str>) -> bool {
    let may_be_accepted = matches!(outcome, None | Some("sent" | "undecided" | "interrupted"))
        || matches!(proof, Some("accepted" | "assumed"));
    !may_be_accepted || request_outcome(outcome, proof).is_none()
}

/// The batches whose people are left out, as the policy of a batch says.
pub(super) fn skipped_by(policy: &str) -> Result<Vec<SkippedBatch>, StoreError> {
    skipped(&from_json(policy)?)
}

fn skipped(policy: &Policy) -> Result<Vec<SkippedBatch>, StoreError> {
    let whenever = ids(policy, SKIP).into_iter();
    let whenever = whenever.map(|uid| Ok(SkippedBatch { uid, since: None }));
    let since = times(policy).map(|(uid, since)| {
        Ok(SkippedBatch {
            uid: uid.to_owned(),
            since: Some(from_millis(since)?),
        })
    });
    whenever.chain(since).collect()
}

/// The batches of [`SKIPPED_SINCE`], with their times in milliseconds.
fn times(policy: &Policy) -> impl Iterator<Item = (&str, i64)> {
    let times = policy
        .get(SKIPPED_SINCE)
        .and_then(serde_json::Value::as_object);
    let times = times.into_iter().flatten();
    times.filter_map(|(uid, since)| Some((uid.as_str(), since.as_i64()?)))
}

fn add(connection: &Connection, batch: BatchId, what: &str, uid: &str) -> Result<(), StoreError> {
    let mut policy = policy(connection, batch)?;
    let mut all = ids(&policy, what);
    if all.iter().any(|id| id == uid) {
        return Ok(());
    }
    all.push(uid.to_owned());
    policy.insert(what.to_owned(), all.into());
    set_policy(connection, batch, &policy)
}

fn ids(policy: &Policy, what: &str) -> Vec<String> {
    let ids = policy.get(what).and_then(serde_json::Value::as_array);
    let ids = ids.into_iter().flatten();
    ids.filter_map(|id| id.as_str().map(str::to_owned))
        .collect()
}
