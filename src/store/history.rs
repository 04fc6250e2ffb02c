//! Who was messaged before: what the repeat guard and `--not-within` look at.
//!
//! The table of attempts is written at its end only, when a request has ended, so that "since then"
//! is a scan from its tail, and "what others did meanwhile" is whatever stands behind the last row
//! that we know. What others have under way stands in their intents. No index by number is needed,
//! nor kept up to date while sending.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension};
use sha2::{Digest, Sha256};

use super::batch::{BatchId, RecipientId};
use super::error::StoreError;
use super::intent::{self, Intent};
use super::{Reader, from_millis, to_millis};
use crate::domain::phone::PhoneNumber;

/// What identifies "the same content to the same number on the same channel": 64 bits of a SHA-256.
pub fn content_key(channel: &str, phone: PhoneNumber, content: &str) -> i64 {
    let digest = Sha256::new()
        .chain_update(channel.as_bytes())
        .chain_update([0])
        .chain_update(phone.get().to_le_bytes())
        .chain_update(content.as_bytes())
        .finalize();
    let mut bytes = [0; 8];
    bytes.copy_from_slice(&digest[..8]);
    i64::from_le_bytes(bytes)
}

/// How far the wall clock may have been set back between two attempts, in milliseconds: two hours
/// cover a clock that was wrong by a daylight-saving hour.
const CLOCK_STEP: i64 = 7_200_000;

/// So many attempts in a row that are too old end a look back: a run whose clock was far behind stands
/// between later ones.
const OLD_IN_A_ROW: u32 = 200_000;

/// A look back over the attempts from their tail. They stand in the order of their end, and their times
/// ascend, but for runs whose clock was wrong.
pub(super) struct LookBack {
    stop: i64,
    old: u32,
}

impl LookBack {
    /// Until `since`, in milliseconds.
    pub(super) fn new(since: i64) -> Self {
        Self {
            stop: since.saturating_sub(CLOCK_STEP),
            old: 0,
        }
    }

    /// True if nothing that matters stands before an attempt that ended at `at`.
    pub(super) fn is_over(&mut self, at: i64) -> bool {
        self.old = if at < self.stop { self.old + 1 } else { 0 };
        self.old > OLD_IN_A_ROW
    }
}

/// How far back to look.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct HistorySpan {
    /// The repeat guard: the same content is not repeated within this time. Zero turns it off.
    pub repeat_guard: Duration,
    /// Whoever got any message within this time is skipped. Zero turns it off.
    pub not_within: Duration,
}

impl HistorySpan {
    fn longest(self) -> Duration {
        self.repeat_guard.max(self.not_within)
    }
}

/// A message that went out before, or may have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PastMessage {
    /// The batch that sent it.
    pub batch: String,
    /// When.
    pub at: Timestamp,
}

/// What other batches have under way, or had when their process died: when it was claimed.
#[derive(Debug, Default)]
struct Flying {
    by_content: HashMap<i64, (BatchId, i64)>,
    by_phone: HashMap<u64, (BatchId, i64)>,
}

impl Flying {
    fn read(connection: &Connection, intents: &[Intent]) -> Result<Self, StoreError> {
        let mut flying = Self::default();
        for intent in intents {
            let batch = intent.batch();
            let channel: String = connection
                .prepare_cached("SELECT channel FROM batch WHERE id = ?1")?
                .query_row([batch.get()], |row| row.get(0))?;
            for it in intent::under_way(connection, intent)? {
                let message = (batch, intent.started_at);
                let key = content_key(&channel, it.phone, &it.content);
                flying.by_content.insert(key, message);
                flying.by_phone.insert(it.phone.get(), message);
            }
        }
        Ok(flying)
    }

    fn is_empty(&self) -> bool {
        self.by_phone.is_empty()
    }
}

/// The messages of other batches within the span, by content and by number.
#[derive(Debug)]
pub(super) struct History {
    span: HistorySpan,
    batch: BatchId,
    last_seen: i64,
    /// Content key and attempt.
    by_content: BTreeSet<(i64, i64)>,
    /// Number and attempt; only where `not_within` asks for it.
    by_phone: BTreeSet<(u64, i64)>,
    flying: Flying,
    names: HashMap<BatchId, String>,
}

impl History {
    /// Reads the attempts of the span, and what is under way.
    pub(super) fn load(
        connection: &Connection,
        span: HistorySpan,
        batch: BatchId,
        now: Timestamp,
    ) -> Result<Self, StoreError> {
        let last_seen =
            connection.query_row("SELECT coalesce(max(id), 0) FROM attempt", [], |row| {
                row.get(0)
            })?;
        let mut history = Self {
            span,
            batch,
            last_seen,
            by_content: BTreeSet::new(),
            by_phone: BTreeSet::new(),
            flying: Flying::read(connection, &intent::of_others(connection, batch)?)?,
            names: HashMap::new(),
        };
        let since = to_millis(now).saturating_sub(millis(span.longest()));
        let mut look_back = LookBack::new(since);
        let mut select = connection.prepare(
            "SELECT id, recipient, phone, content_key, coalesce(finished_at, started_at)
             FROM attempt ORDER BY id DESC",
        )?;
        let mut rows = select.query([])?;
        while let Some(row) = rows.next()? {
            if look_back.is_over(row.get(4)?) {
                break;
            }
            history.note(row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?);
        }
        Ok(history)
    }

    /// Reads what other processes wrote since the last look. Called inside the write transaction,
    /// where nobody can write in between.
    pub(super) fn catch_up(&mut self, connection: &Connection) -> Result<(), StoreError> {
        let mut select = connection.prepare_cached(
            "SELECT id, recipient, phone, content_key FROM attempt WHERE id > ?1",
        )?;
        let mut rows = select.query([self.last_seen])?;
        while let Some(row) = rows.next()? {
            let id = row.get(0)?;
            self.note(id, row.get(1)?, row.get(2)?, row.get(3)?);
            self.last_seen = self.last_seen.max(id);
        }
        let intents = intent::of_others(connection, self.batch)?;
        // Read anew at every look: of the same rows fewer may be under way by now.
        if !(intents.is_empty() && self.flying.is_empty()) {
            self.flying = Flying::read(connection, &intents)?;
        }
        Ok(())
    }

    /// The attempt is ours: known without reading it.
    pub(super) fn skip_own(&mut self, id: i64) {
        self.last_seen = self.last_seen.max(id);
    }

    fn note(&mut self, id: i64, recipient: i64, phone: Option<i64>, key: Option<i64>) {
        if self.batch == RecipientId::from_column(recipient).batch() {
            return;
        }
        if let Some(key) = key {
            self.by_content.insert((key, id));
        }
        if let Some(phone) = phone.and_then(|phone| u64::try_from(phone).ok())
            && !self.span.not_within.is_zero()
        {
            self.by_phone.insert((phone, id));
        }
    }

    /// The latest message with that content key within the repeat guard, from another batch.
    pub(super) fn repeated(
        &mut self,
        connection: &Connection,
        key: i64,
        now: Timestamp,
    ) -> Result<Option<PastMessage>, StoreError> {
        if self.span.repeat_guard.is_zero() {
            return Ok(None);
        }
        let since = to_millis(now).saturating_sub(millis(self.span.repeat_guard));
        if let Some(flying) = self.flying.by_content.get(&key).copied()
            && flying.1 >= since
        {
            return self.past_message(connection, flying).map(Some);
        }
        if self.by_content.is_empty() {
            return Ok(None);
        }
        let attempts: Vec<i64> = self
            .by_content
            .range((key, i64::MIN)..=(key, i64::MAX))
            .map(|(_, id)| *id)
            .collect();
        self.latest_messaged(connection, &attempts, now, self.span.repeat_guard)
    }

    /// The latest message to that number within `not_within`, from another batch.
    pub(super) fn messaged(
        &mut self,
        connection: &Connection,
        phone: PhoneNumber,
        now: Timestamp,
    ) -> Result<Option<PastMessage>, StoreError> {
        if self.span.not_within.is_zero() {
            return Ok(None);
        }
        let phone = phone.get();
        let since = to_millis(now).saturating_sub(millis(self.span.not_within));
        if let Some(flying) = self.flying.by_phone.get(&phone).copied()
            && flying.1 >= since
        {
            return self.past_message(connection, flying).map(Some);
        }
        let attempts: Vec<i64> = self
            .by_phone
            .range((phone, i64::MIN)..=(phone, i64::MAX))
            .map(|(_, id)| *id)
            .collect();
        self.latest_messaged(connection, &attempts, now, self.span.not_within)
    }

    /// The last of these attempts that sent something, or may have.
    fn latest_messaged(
        &mut self,
        connection: &Connection,
        attempts: &[i64],
        now: Timestamp,
        span: Duration,
    ) -> Result<Option<PastMessage>, StoreError> {
        let since = to_millis(now).saturating_sub(millis(span));
        for id in attempts.iter().rev() {
            let found: Option<(i64, i64)> = connection
                .prepare_cached(
                    "SELECT recipient, started_at FROM attempt WHERE id = ?1 AND started_at >= ?2
                     AND outcome IN
                         ('sent', 'undecided', 'interrupted', 'evidence', 'assumed_sent')",
                )?
                .query_row((id, since), |row| Ok((row.get(0)?, row.get(1)?)))
                .optional()?;
            if let Some((recipient, at)) = found {
                let batch = RecipientId::from_column(recipient).batch();
                return self.past_message(connection, (batch, at)).map(Some);
            }
        }
        Ok(None)
    }

    fn past_message(
        &mut self,
        connection: &Connection,
        (batch, at): (BatchId, i64),
    ) -> Result<PastMessage, StoreError> {
        Ok(PastMessage {
            batch: self.name(connection, batch)?,
            at: from_millis(at)?,
        })
    }

    fn name(&mut self, connection: &Connection, batch: BatchId) -> Result<String, StoreError> {
        if let Some(name) = self.names.get(&batch) {
            return Ok(name.clone());
        }
        let name: Option<String> = connection
            .query_row(
                "SELECT name FROM batch WHERE id = ?1",
                [batch.get()],
                |row| row.get(0),
            )
            .optional()?;
        let name = name.unwrap_or_else(|| format!("number {}", batch.get()));
        self.names.insert(batch, name.clone());
        Ok(name)
    }
}

fn millis(span: Duration) -> i64 {
    i64::try_from(span.as_millis()).unwrap_or(i64::MAX)
}

/// Who was messaged within the span: read once, for the intake of a list, and shared by its threads.
#[derive(Debug, Default)]
pub struct PastMessages {
    by_content: HashMap<i64, (BatchId, i64)>,
    by_phone: HashMap<u64, (BatchId, i64)>,
    names: HashMap<BatchId, String>,
}

impl PastMessages {
    /// The latest message with that content within the repeat guard.
    pub fn repeated(
        &self,
        channel: &str,
        phone: PhoneNumber,
        content: &str,
    ) -> Option<PastMessage> {
        if self.by_content.is_empty() {
            return None;
        }
        let key = content_key(channel, phone, content);
        self.by_content
            .get(&key)
            .and_then(|found| self.past(*found))
    }

    /// The latest message to that number within `not_within`.
    pub fn messaged(&self, phone: PhoneNumber) -> Option<PastMessage> {
        self.by_phone
            .get(&phone.get())
            .and_then(|found| self.past(*found))
    }

    fn past(&self, (batch, at): (BatchId, i64)) -> Option<PastMessage> {
        let name = self.names.get(&batch).cloned();
        Some(PastMessage {
            batch: name.unwrap_or_else(|| format!("number {}", batch.get())),
            at: from_millis(at).ok()?,
        })
    }
}

impl Reader {
    /// What batches but `except` have under way.
    fn under_way(&self, except: Option<BatchId>) -> Result<PastMessages, StoreError> {
        let mut intents = intent::all(&self.connection)?;
        intents.retain(|intent| except != Some(intent.batch()));
        let flying = Flying::read(&self.connection, &intents)?;
        Ok(PastMessages {
            by_content: flying.by_content,
            by_phone: flying.by_phone,
            names: HashMap::new(),
        })
    }

    /// Reads who was messaged within the span, but for the messages of `except`.
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint fails.
    pub fn past_messages(
        &self,
        span: HistorySpan,
        except: Option<BatchId>,
        now: Timestamp,
    ) -> Result<PastMessages, StoreError> {
        let since = |span: Duration| to_millis(now).saturating_sub(millis(span));
        let (guard, within) = (since(span.repeat_guard), since(span.not_within));
        let mut past = self.under_way(except)?;
        past.by_content.retain(|_, (_, at)| *at >= guard);
        past.by_phone.retain(|_, (_, at)| *at >= within);
        let mut look_back = LookBack::new(guard.min(within));
        let mut select = self.connection.prepare(
            "SELECT recipient, phone, content_key, started_at,
                    outcome IN ('sent', 'undecided', 'interrupted', 'evidence', 'assumed_sent'),
                    coalesce(finished_at, started_at)
             FROM attempt ORDER BY id DESC",
        )?;
        let mut rows = select.query([])?;
        while let Some(row) = rows.next()? {
            let at: i64 = row.get(3)?;
            if look_back.is_over(row.get(5)?) {
                break;
            }
            let batch = RecipientId::from_column(row.get(0)?).batch();
            if !row.get::<_, bool>(4)? || except == Some(batch) {
                continue;
            }
            if let Some(key) = row.get::<_, Option<i64>>(2)?
                && at >= guard
            {
                past.by_content.entry(key).or_insert((batch, at));
            }
            if let Some(phone) = row.get::<_, Option<i64>>(1)?
                && at >= within
                && let Ok(phone) = u64::try_from(phone)
            {
                past.by_phone.entry(phone).or_insert((batch, at));
            }
        }
        for batch in self.batches()? {
            past.names.insert(batch.id, batch.name);
        }
        Ok(past)
    }
}
