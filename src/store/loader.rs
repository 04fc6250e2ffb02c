//! Brings the rows of a list into the checkpoint, in row order, many to a transaction.
//!
//! The batch stays in stage `reading` until [`Loader::finish`]: a crash, or a list that turns out
//! unusable, leaves nothing that could be sent.

use jiff::Timestamp;
use tokio::sync::oneshot;

use super::batch::{BatchId, RecipientId, to_json};
use super::error::StoreError;
use super::writer::{Counter, Tx};
use super::{Store, suppression, to_millis};
use crate::crash::{CrashPoint, crash_point};
use crate::domain::delivery::State;
use crate::domain::recipient::{JudgedRow, Position, Record, Verdict};

/// Rows to a transaction.
const CHUNK: usize = 8192;

/// A list on its way into the checkpoint.
#[derive(Debug)]
pub struct Loader<'a> {
    store: &'a Store,
    batch: BatchId,
    next_seq: u32,
    now: Timestamp,
    chunk: Vec<Prepared>,
    /// The transaction that is being written while the next chunk is filled.
    pending: Option<oneshot::Receiver<Result<(), StoreError>>>,
}

/// A row as it is stored.
#[derive(Debug)]
struct Prepared {
    state: State,
    phone: Option<i64>,
    reason_code: Option<&'static str>,
    reason: Option<String>,
    position: Position,
    fields: String,
    suggestion: Option<String>,
    first_name: Option<String>,
    last_name: Option<String>,
    contact_id: Option<String>,
    content: Option<String>,
    metadata: Option<String>,
}

impl Store {
    /// Begins to fill a batch behind its last row (`after`, 0 for a new batch).
    pub fn loader(&self, batch: BatchId, after: u32, now: Timestamp) -> Loader<'_> {
        Loader {
            store: self,
            batch,
            next_seq: after.saturating_add(1),
            now,
            chunk: Vec::with_capacity(CHUNK),
            pending: None,
        }
    }
}

impl Loader<'_> {
    /// Takes the next row.
    ///
    /// `first_row` turns the position of a duplicate's first row into words.
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint fails; the rows of the last transactions are lost then.
    pub fn push(
        &mut self,
        row: JudgedRow,
        first_row: impl Fn(Position) -> String,
    ) -> Result<(), StoreError> {
        self.chunk.push(prepare(row, first_row)?);
        if self.chunk.len() >= CHUNK {
            self.flush()
        } else {
            Ok(())
        }
    }

    fn flush(&mut self) -> Result<(), StoreError> {
        self.wait()?;
        let rows = std::mem::replace(&mut self.chunk, Vec::with_capacity(CHUNK));
        let (batch, first, now) = (self.batch, self.next_seq, self.now);
        let count = u32::try_from(rows.len()).unwrap_or(u32::MAX);
        self.next_seq = first.checked_add(count).ok_or_else(|| StoreError::Value {
            detail: "a batch holds at most 4,294,967,295 rows".to_owned(),
        })?;
        self.pending = Some(
            self.store
                .writer
                .submit(move |tx| insert(tx, batch, first, &rows, now))?,
        );
        crash_point(CrashPoint::Intake);
        Ok(())
    }

    fn wait(&mut self) -> Result<(), StoreError> {
        match self.pending.take() {
            Some(pending) => pending.blocking_recv().unwrap_or(Err(StoreError::Stopped)),
            None => Ok(()),
        }
    }

    /// Writes what is left; the batch stays unready.
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint fails.
    pub fn complete(&mut self) -> Result<(), StoreError> {
        self.flush()?;
        self.wait()
    }

    /// Writes what is left and makes the batch ready to be sent.
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint fails; the batch stays unready then.
    pub fn finish(mut self) -> Result<(), StoreError> {
        self.complete()?;
        let (batch, last) = (self.batch, self.next_seq - 1);
        self.store.writer.write_blocking(move |tx| {
            tx.connection.execute(
                "UPDATE batch SET stage = 'ready', last_seq = ?2 WHERE id = ?1",
                (batch.get(), last),
            )?;
            Ok(())
        })
    }
}

fn prepare(row: JudgedRow, first_row: impl Fn(Position) -> String) -> Result<Prepared, StoreError> {
    let mut prepared = Prepared {
        state: State::Queued,
        phone: None,
        reason_code: None,
        reason: None,
        position: row.position,
        fields: fields_json(&row.record)?,
        suggestion: None,
        first_name: None,
        last_name: None,
        contact_id: None,
        content: None,
        metadata: None,
    };
    match row.verdict {
        Verdict::Queued(accepted) => {
            prepared.phone = Some(suppression::column(accepted.phone));
            prepared.first_name = accepted.first_name;
            prepared.last_name = accepted.last_name;
            prepared.contact_id = accepted.contact_id;
            if let Some(rendered) = accepted.content {
                prepared.content = Some(rendered.content);
                prepared.metadata = Some(rendered.metadata);
            }
        }
        Verdict::Invalid {
            problem,
            suggestion,
        } => {
            prepared.state = State::Invalid;
            prepared.reason_code = Some(problem.code());
            prepared.reason = Some(problem.to_string());
            prepared.suggestion = suggestion;
        }
        Verdict::Duplicate { phone, first } => {
            prepared.state = State::Duplicate;
            prepared.phone = Some(suppression::column(phone));
            prepared.reason_code = Some("duplicate");
            prepared.reason = Some(format!("same number as {}", first_row(first)));
        }
        Verdict::Suppressed { phone, cause } => {
            prepared.state = State::Suppressed;
            prepared.phone = Some(suppression::column(phone));
            prepared.reason_code = Some(cause.code());
            prepared.reason = Some(cause.to_string());
        }
    }
    Ok(prepared)
}

fn fields_json(record: &Record) -> Result<String, StoreError> {
    struct Fields<'a>(&'a Record);
    impl serde::Serialize for Fields<'_> {
        fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            serializer.collect_seq(self.0.iter())
        }
    }
    to_json(&Fields(record))
}

fn insert(
    tx: &mut Tx<'_>,
    batch: BatchId,
    first: u32,
    rows: &[Prepared],
    now: Timestamp,
) -> Result<(), StoreError> {
    let mut recipient = tx.connection.prepare_cached(
        "INSERT INTO recipient (id, state, phone, reason_code, reason, finished_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    )?;
    let mut input = tx.connection.prepare_cached(
        "INSERT INTO recipient_input (id, file, row, fields, suggestion, first_name, last_name,
                                      contact_id, content, metadata)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
    )?;
    for (seq, row) in (first..).zip(rows) {
        let id = RecipientId::new(batch, seq).get();
        let finished = (!row.state.is_outstanding()).then(|| to_millis(now));
        recipient.execute((
            id,
            row.state.word(),
            row.phone,
            row.reason_code,
            row.reason.as_deref(),
            finished,
        ))?;
        input.execute((
            id,
            row.position.file,
            row.position.row.get(),
            &row.fields,
            row.suggestion.as_deref(),
            row.first_name.as_deref(),
            row.last_name.as_deref(),
            row.contact_id.as_deref(),
            row.content.as_deref(),
            row.metadata.as_deref(),
        ))?;
    }
    drop((recipient, input));
    for row in rows {
        tx.count(batch, Counter::State(row.state), 1);
    }
    Ok(())
}
