//! Brings the rows of a list into the checkpoint, in row order, many to a transaction.
//!
//! The batch stays in state `reading` until [`Loader::finish`]: a crash, or a list that turns out
//! unusable, leaves nothing that could be sent.
//!
//! A row whose number is known gets its person at once. A new number gets a person in row order, and is
//! entered into the index of people later, many at a time and sorted: in the order of a list, every number
//! would touch another page of the index.

use std::borrow::Cow;

use jiff::Timestamp;
use rusqlite::{CachedStatement, Connection};
use tokio::sync::oneshot;

use super::checkpoint::Store;
use super::columns::{phone_to_column, to_json, to_millis};
use super::decision::{self, DecisionRecord};
use super::error::StoreError;
use super::follow_up::{AWAITED, FOR_ITS_EVENT};
use super::ids::{BatchId, PersonId, RecipientId};
use super::keys::HashKey;
use super::query::Query as _;
use super::steps::at_most;
use super::tally::Counter;
use super::transaction::Tx;
use super::{pause, person};
use crate::crash::{CrashPoint, crash_point};
use crate::domain::batch_state::BatchState;
use crate::domain::delivery::State;
use crate::domain::follow_up::Trigger;
use crate::domain::phone::PhoneNumber;
use crate::domain::recipient::{JudgedRow, Position, Record, SAME_PERSON, Verdict, other_number};

/// Rows to a transaction.
const CHUNK: usize = 4096;

/// New numbers that are collected before they are entered: 24 MB.
const COLLECTED: usize = 1_000_000;

/// Numbers that are entered in one transaction: some 50 ms.
const ENTERED_AT_ONCE: usize = 5_000;

/// A list on its way into the checkpoint.
#[derive(Debug)]
pub struct Loader<'a> {
    store: &'a Store,
    batch: BatchId,
    channel: String,
    next_seq: u32,
    now: Timestamp,
    chunk: Vec<Prepared>,
    /// The transaction that is being written while the next chunk is filled.
    pending: Option<oneshot::Receiver<Result<Vec<NewNumber>, StoreError>>>,
    new_numbers: Vec<NewNumber>,
    /// Why its rows wait for an event; `None`: they wait for their turn alone.
    awaits: Option<Trigger>,
}

/// A number that was not known, with the person that was made for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct NewNumber {
    phone: PhoneNumber,
    person: PersonId,
    recipient: RecipientId,
}

/// A row as it is stored.
#[derive(Debug)]
pub(super) struct Prepared {
    state: State,
    /// Requests that were made for it, where the file lists them.
    pub(super) attempts: u32,
    /// The row of another batch whose place it takes once it joins that batch.
    mends: Option<RecipientId>,
    /// What holds it back in the queue.
    pub(super) held: Option<i64>,
    phone: Option<PhoneNumber>,
    pub(super) reason_code: Option<Cow<'static, str>>,
    pub(super) reason: Option<String>,
    position: Position,
    fields: String,
    suggestion: Option<String>,
    first_name: Option<String>,
    last_name: Option<String>,
    contact_id: Option<String>,
    content: Option<String>,
    metadata: Option<String>,
    content_key: Option<i64>,
}

impl Store {
    /// Begins to fill a batch that sends through `channel`.
    pub fn loader(&self, batch: BatchId, channel: &str, now: Timestamp) -> Loader<'_> {
        Loader {
            store: self,
            batch,
            channel: channel.to_owned(),
            next_seq: 1,
            now,
            chunk: Vec::with_capacity(at_most(CHUNK)),
            pending: None,
            new_numbers: Vec::new(),
            awaits: None,
        }
    }
}

impl Loader<'_> {
    /// The same; its rows are queued by such an event.
    #[must_use]
    pub fn awaiting(self, event: Option<Trigger>) -> Self {
        Self {
            awaits: event,
            ..self
        }
    }

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
        self.push_mending(row, None, first_row)
    }

    /// The same; `mends` is the row of another batch whose place it takes once this list joins that batch.
    ///
    /// # Errors
    /// As [`Loader::push`].
    pub(crate) fn push_mending(
        &mut self,
        row: JudgedRow,
        mends: Option<RecipientId>,
        first_row: impl Fn(Position) -> String,
    ) -> Result<(), StoreError> {
        let mut prepared = prepare(row, first_row, &self.store.keys, &self.channel)?;
        prepared.mends = mends;
        if let (State::Queued, Some(event)) = (prepared.state, self.awaits) {
            prepared.held = Some(FOR_ITS_EVENT);
            prepared.reason_code = Some(AWAITED.into());
            prepared.reason = Some(event.reason().to_owned());
        }
        self.chunk.push(prepared);
        if self.chunk.len() >= at_most(CHUNK) {
            self.flush()
        } else {
            Ok(())
        }
    }

    fn flush(&mut self) -> Result<(), StoreError> {
        self.wait()?;
        let rows = std::mem::replace(&mut self.chunk, Vec::with_capacity(at_most(CHUNK)));
        let (batch, first, now) = (self.batch, self.next_seq, self.now);
        let count = u32::try_from(rows.len()).unwrap_or(u32::MAX);
        self.next_seq = first.checked_add(count).ok_or_else(|| StoreError::Value {
            detail: "a batch holds at most 4,294,967,295 rows".to_owned(),
        })?;
        let keys = self.store.keys.clone();
        self.pending = Some(
            self.store
                .writer
                .submit(move |tx| insert(tx, &keys, batch, first, &rows, now))?,
        );
        crash_point(CrashPoint::Intake);
        Ok(())
    }

    fn wait(&mut self) -> Result<(), StoreError> {
        let Some(pending) = self.pending.take() else {
            return Ok(());
        };
        let new = pending
            .blocking_recv()
            .unwrap_or(Err(StoreError::Stopped))?;
        self.new_numbers.extend(new);
        if self.new_numbers.len() >= at_most(COLLECTED) {
            self.enter_numbers()?;
        }
        Ok(())
    }

    /// Enters the collected numbers into the index of people.
    fn enter_numbers(&mut self) -> Result<(), StoreError> {
        let mut numbers = std::mem::take(&mut self.new_numbers);
        numbers.sort_unstable();
        for step in numbers.chunks(at_most(ENTERED_AT_ONCE)) {
            let (step, keys) = (step.to_vec(), self.store.keys.clone());
            self.store.writer.write_blocking(move |tx| {
                for new in &step {
                    enter(tx, &keys, new)?;
                }
                Ok(())
            })?;
        }
        Ok(())
    }

    /// Writes what is left; the batch stays unready.
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint fails.
    pub(crate) fn complete(&mut self) -> Result<(), StoreError> {
        self.flush()?;
        self.wait()?;
        self.enter_numbers()?;
        let (batch, last) = (self.batch, self.next_seq - 1);
        self.store.writer.write_blocking(move |tx| {
            tx.connection.change(
                "UPDATE batch SET last_seq = ?2 WHERE id = ?1",
                (batch, last),
            )?;
            Ok(())
        })
    }

    /// Writes what is left and makes the batch ready to be sent.
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint fails; the batch stays unready then.
    pub fn finish(self) -> Result<(), StoreError> {
        self.finish_with(None, Vec::new())
    }

    /// As [`Self::finish`], and keeps who gave the list, and what was decided about it: a batch that is there has all
    /// of that.
    pub(crate) fn finish_with(
        mut self,
        prepared_by: Option<String>,
        decisions: Vec<DecisionRecord>,
    ) -> Result<(), StoreError> {
        self.complete()?;
        let batch = self.batch;
        self.store.writer.write_blocking(move |tx| {
            tx.connection.change(
                "UPDATE batch SET state = ?2 WHERE id = ?1",
                (batch, BatchState::Draft.word()),
            )?;
            pause::note_prepared(tx.connection, batch, prepared_by.as_deref())?;
            decision::record_all(tx.connection, &decisions)
        })
    }
}

/// Enters one number. Where the number is known by now (from another list, an earlier row of this one, or the
/// hash that `forget` left meanwhile), the row gets that person.
fn enter(tx: &Tx<'_>, keys: &HashKey, new: &NewNumber) -> Result<(), StoreError> {
    let Some(known) = person::find(tx.connection, keys, new.phone)? else {
        return person::enter_number(tx.connection, phone_to_column(new.phone), new.person);
    };
    person::name_again(tx.connection, known, new.phone)?;
    tx.connection.change(
        "UPDATE recipient SET person = ?2 WHERE id = ?1",
        (new.recipient, known),
    )?;
    person::remove_unnamed(tx.connection, new.person)
}

impl Prepared {
    /// A row of which nothing more is known; `fields` is the JSON of its cells.
    pub(super) fn new(state: State, position: Position, fields: String) -> Self {
        Self {
            state,
            attempts: 0,
            mends: None,
            held: None,
            phone: None,
            reason_code: None,
            reason: None,
            position,
            fields,
            suggestion: None,
            first_name: None,
            last_name: None,
            contact_id: None,
            content: None,
            metadata: None,
            content_key: None,
        }
    }
}

fn prepare(
    row: JudgedRow,
    first_row: impl Fn(Position) -> String,
    keys: &HashKey,
    channel: &str,
) -> Result<Prepared, StoreError> {
    let mut prepared = Prepared::new(State::Queued, row.position, fields_json(&row.record)?);
    match row.verdict {
        Verdict::Queued(accepted) => {
            prepared.phone = Some(accepted.phone);
            prepared.first_name = accepted.first_name;
            prepared.last_name = accepted.last_name;
            prepared.contact_id = accepted.contact_id;
            if let Some(rendered) = accepted.content {
                prepared.content_key = Some(keys.content_key(channel, &rendered.content));
                prepared.content = Some(rendered.content);
                prepared.metadata = Some(rendered.metadata);
            }
        }
        Verdict::Invalid {
            problem,
            suggestion,
            phone,
        } => {
            prepared.state = State::Invalid;
            prepared.phone = phone;
            prepared.reason_code = Some(problem.code().into());
            prepared.reason = Some(problem.to_string());
            prepared.suggestion = suggestion;
        }
        Verdict::Duplicate {
            phone,
            first,
            other,
        } => {
            prepared.state = State::Duplicate;
            prepared.phone = Some(phone);
            let first = first_row(first);
            let (code, reason) = match other {
                None => ("duplicate", format!("same number as {first}")),
                Some(other) => (
                    SAME_PERSON,
                    format!("{}: same person as {first}", other_number(other)),
                ),
            };
            prepared.reason_code = Some(code.into());
            prepared.reason = Some(reason);
        }
        Verdict::Suppressed { phone, cause } => {
            prepared.state = State::Suppressed;
            prepared.phone = Some(phone);
            prepared.reason_code = Some(cause.code().into());
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

/// Writes the rows of a chunk; returns the numbers that were not known.
fn insert(
    tx: &mut Tx<'_>,
    keys: &HashKey,
    batch: BatchId,
    first: u32,
    rows: &[Prepared],
    now: Timestamp,
) -> Result<Vec<NewNumber>, StoreError> {
    let people = known_people(tx, keys, rows)?;
    let mut new_numbers = Vec::new();
    let mut writer = RowWriter::new(tx.connection)?;
    for ((seq, row), known) in (first..).zip(rows).zip(people) {
        let recipient = RecipientId::new(batch, seq);
        let person = match (known, row.phone) {
            (Some(person), _) => Some(person),
            (None, None) => None,
            (None, Some(phone)) => {
                let person = person::make(tx.connection, phone)?;
                new_numbers.push(NewNumber {
                    phone,
                    person,
                    recipient,
                });
                Some(person)
            }
        };
        writer.insert(recipient, person, row, now)?;
        tx.count(batch, Counter::State(row.state), 1);
    }
    Ok(new_numbers)
}

/// The people of a chunk's rows, as far as they are known; looked up in the order of their numbers.
fn known_people(
    tx: &Tx<'_>,
    keys: &HashKey,
    rows: &[Prepared],
) -> Result<Vec<Option<PersonId>>, StoreError> {
    let mut numbers: Vec<(PhoneNumber, usize)> = rows
        .iter()
        .enumerate()
        .filter_map(|(index, row)| Some((row.phone?, index)))
        .collect();
    numbers.sort_unstable();
    let mut people = vec![None; rows.len()];
    let any_hashed = person::any_erased(tx.connection)?;
    for (phone, index) in numbers {
        if let Some(slot) = people.get_mut(index) {
            *slot = person::find(tx.connection, keys, phone)?;
            if let Some(known) = slot.filter(|_| any_hashed) {
                person::name_again(tx.connection, known, phone)?;
            }
        }
    }
    Ok(people)
}

/// Enters rows of a batch: its statements are looked up once for all of them.
pub(super) struct RowWriter<'a> {
    recipient: CachedStatement<'a>,
    input: CachedStatement<'a>,
}

impl<'a> RowWriter<'a> {
    pub(super) fn new(connection: &'a Connection) -> Result<Self, StoreError> {
        Ok(Self {
            recipient: connection.prepare_cached(
                "INSERT INTO recipient (id, person, state, attempts, reason_code, reason, finished_at, mended_by, held)
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
            )?,
            input: connection.prepare_cached(
                "INSERT INTO recipient_input (id, file, row, fields, suggestion, first_name, last_name,
                                              contact_id, content, metadata, content_key)
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
            )?,
        })
    }

    /// Enters a row; what is final is so since `now`.
    pub(super) fn insert(
        &mut self,
        id: RecipientId,
        person: Option<PersonId>,
        row: &Prepared,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let finished = (!row.state.is_outstanding()).then(|| to_millis(now));
        self.recipient.execute((
            id,
            person,
            row.state.word(),
            row.attempts,
            row.reason_code.as_deref(),
            row.reason.as_deref(),
            finished,
            row.mends,
            row.held,
        ))?;
        self.input.execute((
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
            row.content_key,
        ))?;
        Ok(())
    }
}
