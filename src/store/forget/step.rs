//! What all steps of an erasure do: the question whether anything is under way, and the stripping of a row.

use jiff::Timestamp;
use rusqlite::Connection;
use serde::Serialize;
use serde::de::IgnoredAny;

use super::rows::HoldingRows;
use crate::domain::delivery::State;
use crate::domain::phone::PhoneNumber;
use crate::domain::recipient::{ERASED, Suppression};
use crate::domain::text::quoted;
use crate::store::columns::{from_json, to_json};
use crate::store::error::StoreError;
use crate::store::history::Source;
use crate::store::ids::{PersonId, RecipientId};
use crate::store::keys::HashKey;
use crate::store::person::Person;
use crate::store::query::Query as _;
use crate::store::transaction::Tx;
use crate::store::{attempt, person};

/// Why a person is suppressed who cannot be erased yet, and by what.
const ASKED: &str = "asked to be erased";
const BEFORE_ERASURE: &str = "forget, while a request was under way";

/// What was removed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Erased {
    /// Rows of batches whose number, fields and message were removed.
    pub rows: u64,
    /// Of these, rows that were queued: they are suppressed now.
    pub dequeued: u64,
    /// Requests in the audit that no longer hold the number.
    pub attempts: u64,
    /// Messages that no longer hold their ids.
    pub messages: u64,
    /// Contacts.
    pub contacts: u64,
    /// Webhook events whose content was removed.
    pub events: u64,
    /// Rows of other people that held the number: it is gone from them.
    pub others: u64,
    /// True if the number stood on the suppression list in clear.
    pub listed: bool,
}

impl Erased {
    pub(super) fn add(&mut self, other: &Self) {
        self.rows += other.rows;
        self.dequeued += other.dequeued;
        self.attempts += other.attempts;
        self.messages += other.messages;
        self.contacts += other.contacts;
        self.events += other.events;
        self.others += other.others;
        self.listed |= other.listed;
    }
}

/// Why a person cannot be erased now.
#[derive(Debug, thiserror::Error)]
pub enum ForgetError {
    /// The checkpoint failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A request to the person may be on its way: the person is suppressed until it has its answer, and can be erased.
    #[error(
        "a request to this number is under way (row {row} of batch {batch}). The person gets no other message: the number is on the suppression list. It is erased once that request has its answer: run the same command again then; if its process died, `outreach resume {}` settles it first",
        quoted(batch)
    )]
    UnderWay {
        /// The batch's name.
        batch: String,
        /// The row of its file.
        row: u32,
    },
}

/// The person with this number, and its other forms, if nothing is under way to them nor to one of these rows; else the person
/// is suppressed.
pub(super) fn people_to_erase(
    tx: &mut Tx<'_>,
    keys: &HashKey,
    phone: PhoneNumber,
    rows: &HoldingRows,
    now: Timestamp,
) -> Result<Result<(PersonId, Vec<Person>), ForgetError>, StoreError> {
    let whose = person::find_or_make(tx.connection, keys, phone)?;
    let people = person::with_same_number(tx.connection, whose)?;
    let mut under_way = None;
    for person in &people {
        under_way = under_way.or(attempt::under_way_to(tx.connection, person.id)?);
    }
    for row in rows.of_the_person() {
        let state = row_of(tx.connection, row)?.map(|(state, _)| state);
        if state == Some(State::Sending) {
            under_way = under_way.or(Some(row));
        }
    }
    let Some(recipient) = under_way else {
        return Ok(Ok((whose, people)));
    };
    person::suppress(tx.connection, whose, ASKED, BEFORE_ERASURE, now)?;
    let Source { batch, row } = Source::load(tx.connection, recipient)?;
    Ok(Err(ForgetError::UnderWay { batch, row }))
}

/// The state of a row, and its person; nothing if it is gone.
pub(super) fn row_of(
    connection: &Connection,
    id: RecipientId,
) -> Result<Option<(State, Option<PersonId>)>, StoreError> {
    connection.find_row("SELECT state, person FROM recipient WHERE id = ?1", [id])
}

/// Strips a row of all that names a person.
pub(super) fn strip_row(connection: &Connection, id: RecipientId) -> Result<(), StoreError> {
    connection.change(
        "UPDATE recipient SET reason_code = ?3, reason = ?2 WHERE id = ?1",
        (id, Suppression::Forgotten.to_string(), ERASED),
    )?;
    let fields: String =
        connection.value("SELECT fields FROM recipient_input WHERE id = ?1", [id])?;
    // As many fields as before, so that exports keep their columns.
    let count = from_json::<Vec<IgnoredAny>>(&fields)?.len();
    connection.change(
        "UPDATE recipient_input SET fields = ?2, suggestion = NULL, first_name = NULL,
                last_name = NULL, contact_id = NULL, content = NULL, metadata = NULL
         WHERE id = ?1",
        (id, to_json(&vec![""; count])?),
    )?;
    Ok(())
}
