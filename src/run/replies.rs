//! Events that a person should read, and what the person decides about them.

use std::path::Path;

use jiff::Timestamp;

use super::error::RunError;
use crate::domain::phone::PhoneNumber;
use crate::store::{Answer, Answered, KeptCounts, KeptEvent, PersonRow, Reader, Store, StoreError};

/// Passes each event that waits for a person to `each`, the oldest first, with the rows that have its number.
///
/// # Errors
/// [`StoreError`] if the checkpoint cannot be read, or whatever `each` returns.
pub(crate) fn kept_events<E: From<StoreError>>(
    checkpoint: &Path,
    mut each: impl FnMut(KeptEvent, Vec<PersonRow>) -> Result<(), E>,
) -> Result<(), E> {
    let reader = Reader::open(checkpoint)?;
    reader.kept_events(|event| {
        let rows = match event.phone {
            Some(phone) => reader.rows_of(phone)?,
            None => Vec::new(),
        };
        each(event, rows)
    })
}

/// How many events wait for a person.
///
/// # Errors
/// [`RunError`] if the checkpoint cannot be read.
pub(crate) fn kept_counts(checkpoint: &Path) -> Result<KeptCounts, RunError> {
    Ok(Reader::open(checkpoint)?.kept_counts()?)
}

/// Carries out what a person decided about these events: all of them, or none. `number` is whose they are, where the
/// events do not say.
///
/// # Errors
/// [`RunError`] if there is no such checkpoint, or it fails: then nothing of it is stored.
pub(crate) fn answer_events(
    checkpoint: &Path,
    ids: &[i64],
    answer: Answer,
    number: Option<PhoneNumber>,
    by: String,
    now: Timestamp,
) -> Result<Answered, RunError> {
    let store = Store::open_existing(checkpoint)?;
    Ok(store.answer_events(ids.to_vec(), answer, number, by, now)?)
}
