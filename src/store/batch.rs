//! Batches: what was asked for, and how far it is.

use std::collections::BTreeMap;

use jiff::Timestamp;
use rusqlite::{OptionalExtension, Row};
use serde::{Deserialize, Serialize};

use super::error::StoreError;
use super::writer::{Counter, Tx};
use super::{Reader, Store, from_millis, to_millis};
use crate::domain::delivery::State;

/// A batch's number in the checkpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BatchId(i64);

impl BatchId {
    pub(super) fn get(self) -> i64 {
        self.0
    }

    pub(super) fn from_column(id: i64) -> Self {
        Self(id)
    }
}

/// A recipient's key: the batch, and the place in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RecipientId(i64);

impl RecipientId {
    /// The key of the recipient at `seq` (from 1) of the batch.
    pub fn new(batch: BatchId, seq: u32) -> Self {
        Self((batch.0 << 32) | i64::from(seq))
    }

    /// The batch.
    pub fn batch(self) -> BatchId {
        BatchId(self.0 >> 32)
    }

    /// The place in the batch.
    pub fn seq(self) -> u32 {
        u32::try_from(self.0 & i64::from(u32::MAX)).unwrap_or(u32::MAX)
    }

    pub(super) fn get(self) -> i64 {
        self.0
    }

    pub(super) fn from_column(id: i64) -> Self {
        Self(id)
    }
}

/// What the name of a batch begins with that is no user's: no command line can hold it. Such a batch is a
/// list that is being read for another one, and is not listed.
const WORKING: char = '\0';

/// The name under which a second list for the batch is read.
pub fn working_name(batch: &str) -> String {
    format!("{WORKING}second list of {batch}")
}

/// Whether a batch's list is complete.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Rows are being read; nothing may be sent.
    Reading,
    /// All rows are in.
    Ready,
}

/// What a new batch is.
#[derive(Debug, Clone)]
pub struct NewBatch {
    /// Its name, unique in the checkpoint.
    pub name: String,
    /// SHA-256 over files, mapping, content and channel.
    pub digest: [u8; 32],
    /// What the digest covers, by name: to tell what differs.
    pub definition: BTreeMap<String, String>,
    /// The columns of the input.
    pub headers: Vec<String>,
    /// The input files' names.
    pub files: Vec<String>,
    /// The channel's id.
    pub channel: String,
    /// True if nobody is really messaged.
    pub sandbox: bool,
    /// Now.
    pub created_at: Timestamp,
}

/// A batch in the checkpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batch {
    /// Its number.
    pub id: BatchId,
    /// Its name.
    pub name: String,
    /// Whether its list is complete.
    pub stage: Stage,
    /// SHA-256 over files, mapping, content and channel.
    pub digest: Vec<u8>,
    /// What the digest covers, by name.
    pub definition: BTreeMap<String, String>,
    /// The columns of the input.
    pub headers: Vec<String>,
    /// The input files' names.
    pub files: Vec<String>,
    /// The channel's id.
    pub channel: String,
    /// The channel's type, once a 201 told it.
    pub channel_type: Option<String>,
    /// True if nobody was really messaged.
    pub sandbox: bool,
    /// When the list was read.
    pub created_at: Timestamp,
    /// When the first request left.
    pub started_at: Option<Timestamp>,
    /// When the last run ended.
    pub finished_at: Option<Timestamp>,
    /// How the last run ended.
    pub exit_reason: Option<String>,
    /// The text of identical refusals that stopped the last run, if that did.
    pub halted_text: Option<String>,
}

impl Batch {
    /// The name of the batch's file at `index`.
    pub fn file_name(&self, index: u16) -> &str {
        self.files
            .get(usize::from(index))
            .map_or("?", String::as_str)
    }
}

/// How many recipients are in each state, and how many requests it took.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Accepted by the API.
    pub sent: u64,
    /// No Messenger for the number.
    pub no_messenger: u64,
    /// Refused, or failed to be delivered.
    pub error: u64,
    /// A message may have gone out.
    pub unknown: u64,
    /// Cannot be sent as the row stands.
    pub invalid: u64,
    /// The number stands in an earlier row.
    pub duplicate: u64,
    /// Must not be messaged.
    pub suppressed: u64,
    /// Waits for its turn.
    pub queued: u64,
    /// On its way this moment.
    pub sending: u64,
    /// Requests that left.
    pub requests: u64,
    /// Requests that the API put off (429).
    pub throttled: u64,
}

impl Counts {
    /// All rows of the batch.
    pub fn rows(&self) -> u64 {
        State::ALL.into_iter().map(|state| self.of(state)).sum()
    }

    /// The rows in one state.
    pub fn of(&self, state: State) -> u64 {
        match state {
            State::Queued => self.queued,
            State::Sending => self.sending,
            State::Sent => self.sent,
            State::NoMessenger => self.no_messenger,
            State::Error => self.error,
            State::Unknown => self.unknown,
            State::Invalid => self.invalid,
            State::Duplicate => self.duplicate,
            State::Suppressed => self.suppressed,
        }
    }

    fn slot(&mut self, counter: Counter) -> &mut u64 {
        match counter {
            Counter::State(State::Queued) => &mut self.queued,
            Counter::State(State::Sending) => &mut self.sending,
            Counter::State(State::Sent) => &mut self.sent,
            Counter::State(State::NoMessenger) => &mut self.no_messenger,
            Counter::State(State::Error) => &mut self.error,
            Counter::State(State::Unknown) => &mut self.unknown,
            Counter::State(State::Invalid) => &mut self.invalid,
            Counter::State(State::Duplicate) => &mut self.duplicate,
            Counter::State(State::Suppressed) => &mut self.suppressed,
            Counter::Requests => &mut self.requests,
            Counter::Throttled => &mut self.throttled,
        }
    }
}

impl Store {
    /// Registers a batch whose rows are about to be read.
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint fails.
    pub fn create_batch(&self, new: NewBatch) -> Result<BatchId, StoreError> {
        self.writer.write_blocking(move |tx| create(tx, &new))
    }

    /// Removes a batch and all its rows: for a list that turned out unusable, before anything of
    /// it was sent. In steps, so that other processes can write in between.
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint fails.
    pub fn discard_batch(&self, id: BatchId) -> Result<(), StoreError> {
        const STEP: u32 = 50_000;
        loop {
            let removed = self
                .writer
                .write_blocking(move |tx| discard_step(tx, id, STEP))?;
            if removed == 0 {
                return self.writer.write_blocking(move |tx| {
                    tx.connection
                        .execute("DELETE FROM batch WHERE id = ?1", [id.0])?;
                    Ok(())
                });
            }
        }
    }

    /// Notes when and how a run ended.
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint fails.
    pub async fn end_run(
        &self,
        id: BatchId,
        at: Timestamp,
        exit_reason: &'static str,
        halted_text: Option<String>,
    ) -> Result<(), StoreError> {
        self.writer
            .write(move |tx| {
                tx.connection.execute(
                    "UPDATE batch SET finished_at = ?2, exit_reason = ?3, halted_text = ?4
                     WHERE id = ?1",
                    (id.0, to_millis(at), exit_reason, halted_text),
                )?;
                Ok(())
            })
            .await
    }
}

fn create(tx: &mut Tx<'_>, new: &NewBatch) -> Result<BatchId, StoreError> {
    tx.connection.execute(
        "INSERT INTO batch (name, stage, digest, definition, headers, files, channel, sandbox, created_at)
         VALUES (?1, 'reading', ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        (
            &new.name,
            &new.digest,
            to_json(&new.definition)?,
            to_json(&new.headers)?,
            to_json(&new.files)?,
            &new.channel,
            new.sandbox,
            to_millis(new.created_at),
        ),
    )?;
    Ok(BatchId(tx.connection.last_insert_rowid()))
}

fn discard_step(tx: &mut Tx<'_>, id: BatchId, step: u32) -> Result<usize, StoreError> {
    let range = (id.0 << 32, (id.0 + 1) << 32, step);
    tx.connection.execute(
        "DELETE FROM recipient_input WHERE id IN
         (SELECT id FROM recipient_input WHERE id >= ?1 AND id < ?2 LIMIT ?3)",
        range,
    )?;
    Ok(tx.connection.execute(
        "DELETE FROM recipient WHERE id IN
         (SELECT id FROM recipient WHERE id >= ?1 AND id < ?2 LIMIT ?3)",
        range,
    )?)
}

impl Reader {
    /// The batch of that name.
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint fails.
    pub fn find_batch(&self, name: &str) -> Result<Option<Batch>, StoreError> {
        self.connection
            .prepare_cached(&format!("{SELECT_BATCH} WHERE name = ?1"))?
            .query_row([name], |row| Ok(batch_from_row(row)))
            .optional()?
            .transpose()
    }

    /// The batch of that name, or an error that names a similar one.
    ///
    /// # Errors
    /// [`StoreError::NoBatch`] if there is none.
    pub fn batch(&self, name: &str) -> Result<Batch, StoreError> {
        if let Some(batch) = self.find_batch(name)? {
            return Ok(batch);
        }
        let near = self
            .batches()?
            .into_iter()
            .map(|batch| (strsim::jaro_winkler(&batch.name, name), batch.name))
            .filter(|(similarity, _)| *similarity > 0.7)
            .max_by(|a, b| a.0.total_cmp(&b.0))
            .map(|(_, name)| name);
        Err(StoreError::NoBatch {
            name: name.to_owned(),
            near,
        })
    }

    /// All batches, the newest first; without lists that are being read for one of them.
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint fails.
    pub fn batches(&self) -> Result<Vec<Batch>, StoreError> {
        let mut select = self
            .connection
            .prepare_cached(&format!("{SELECT_BATCH} ORDER BY id DESC"))?;
        let rows = select.query_map([], |row| Ok(batch_from_row(row)))?;
        let mut batches: Vec<Batch> = rows.map(|row| row?).collect::<Result<_, StoreError>>()?;
        batches.retain(|batch| !batch.name.starts_with(WORKING));
        Ok(batches)
    }

    /// How far the batch is.
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint fails.
    pub fn counts(&self, id: BatchId) -> Result<Counts, StoreError> {
        let mut counts = Counts::default();
        let mut select = self
            .connection
            .prepare_cached("SELECT what, n FROM tally WHERE batch = ?1")?;
        let mut rows = select.query([id.0])?;
        while let Some(row) = rows.next()? {
            let word: String = row.get(0)?;
            let counter = match word.as_str() {
                "requests" => Counter::Requests,
                "throttled" => Counter::Throttled,
                state => Counter::State(parse_state(state)?),
            };
            *counts.slot(counter) = row.get::<_, i64>(1)?.try_into().unwrap_or(0);
        }
        Ok(counts)
    }
}

const SELECT_BATCH: &str = "SELECT id, name, stage, digest, definition, headers, files, channel,
    channel_type, sandbox, created_at, started_at, finished_at, exit_reason, halted_text FROM batch";

fn batch_from_row(row: &Row<'_>) -> Result<Batch, StoreError> {
    let stage: String = row.get("stage")?;
    let time = |column: &str| -> Result<Option<Timestamp>, StoreError> {
        row.get::<_, Option<i64>>(column)?
            .map(from_millis)
            .transpose()
    };
    Ok(Batch {
        id: BatchId(row.get("id")?),
        name: row.get("name")?,
        stage: if stage == "ready" {
            Stage::Ready
        } else {
            Stage::Reading
        },
        digest: row.get("digest")?,
        definition: from_json(&row.get::<_, String>("definition")?)?,
        headers: from_json(&row.get::<_, String>("headers")?)?,
        files: from_json(&row.get::<_, String>("files")?)?,
        channel: row.get("channel")?,
        channel_type: row.get("channel_type")?,
        sandbox: row.get("sandbox")?,
        created_at: from_millis(row.get("created_at")?)?,
        started_at: time("started_at")?,
        finished_at: time("finished_at")?,
        exit_reason: row.get("exit_reason")?,
        halted_text: row.get("halted_text")?,
    })
}

pub(super) fn parse_state(word: &str) -> Result<State, StoreError> {
    word.parse::<State>().map_err(|error| StoreError::Value {
        detail: error.to_string(),
    })
}

pub(super) fn to_json<T: Serialize>(value: &T) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|error| StoreError::Value {
        detail: error.to_string(),
    })
}

pub(super) fn from_json<'a, T: Deserialize<'a>>(text: &'a str) -> Result<T, StoreError> {
    serde_json::from_str(text).map_err(|error| StoreError::Value {
        detail: error.to_string(),
    })
}
