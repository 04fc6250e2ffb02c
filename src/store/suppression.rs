//! The suppression list: whom never to message. An entry stands with its person. And rows that are suppressed.

use jiff::Timestamp;

use super::checkpoint::{Reader, Store};
use super::columns::{time, to_millis};
use super::error::StoreError;
use super::ids::{PersonId, RecipientId};
use super::person;
use super::query::Query as _;
use super::writer::Tx;
use crate::domain::delivery::{self, Event, State};
use crate::domain::phone::PhoneNumber;
use crate::domain::recipient::Suppression;

/// Numbers that are listed in one transaction: some 50 ms.
const STEP: usize = 5_000;

/// One number that must not be messaged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SuppressionEntry {
    /// The number.
    pub phone: PhoneNumber,
    /// Why.
    pub reason: String,
    /// Who or what put it there.
    pub source: String,
    /// When.
    pub added_at: Timestamp,
}

/// Takes a queued row out of the queue for good.
pub(super) fn suppress(
    tx: &mut Tx<'_>,
    id: RecipientId,
    cause: &Suppression,
    now: Timestamp,
) -> Result<(), StoreError> {
    let next = delivery::next(State::Queued, Event::Suppress)?;
    let suppressed = tx.connection.change(
        "UPDATE recipient SET state = ?2, reason_code = ?3, reason = ?4, finished_at = ?5
             WHERE id = ?1 AND state = 'queued'",
        (
            id,
            next.word(),
            cause.code(),
            cause.to_string(),
            to_millis(now),
        ),
    )?;
    if suppressed > 0 {
        tx.count_move(id.batch(), State::Queued, next);
    }
    Ok(())
}

impl Store {
    /// Puts numbers on the list, `reason` for the results of later batches and `source` for the audit; a number that is
    /// there keeps its first entry. Returns how many are new. In steps, so that a long list keeps nobody waiting.
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint fails; the entries of earlier steps stay.
    pub fn suppress(
        &self,
        phones: &[PhoneNumber],
        reason: &str,
        source: &str,
        at: Timestamp,
    ) -> Result<usize, StoreError> {
        let mut added = 0;
        for step in self.in_order_of_people(phones)?.chunks(STEP) {
            let (step, keys) = (step.to_vec(), self.keys.clone());
            let (reason, source) = (reason.to_owned(), source.to_owned());
            added += self.writer.write_blocking(move |tx| {
                let mut added = 0;
                for phone in &step {
                    let whose = person::find_or_name(tx.connection, &keys, *phone)?;
                    let new = person::suppress(tx.connection, whose, &reason, &source, at)?;
                    added += usize::from(new);
                }
                Ok(added)
            })?;
        }
        Ok(added)
    }

    /// Whoever is known in the order in which people are stored, then the new numbers in their own: so a long list
    /// changes neighbouring pages, and most of them once.
    fn in_order_of_people(&self, phones: &[PhoneNumber]) -> Result<Vec<PhoneNumber>, StoreError> {
        let mut phones = phones.to_vec();
        phones.sort_unstable();
        let reader = self.reader()?;
        reader.expect_many_people()?;
        let mut places = Vec::with_capacity(phones.len());
        for step in phones.chunks(STEP) {
            reader.look_anew()?;
            for phone in step {
                let known = person::find(&reader.connection, &self.keys, *phone)?;
                places.push((known.is_none(), known, *phone));
            }
        }
        places.sort_unstable();
        Ok(places.into_iter().map(|(.., phone)| phone).collect())
    }

    /// Takes numbers off the list, those of erased people too: they are known again. Returns how many were on
    /// it.
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint fails.
    pub(crate) fn unsuppress(&self, phones: Vec<PhoneNumber>) -> Result<usize, StoreError> {
        let keys = self.keys.clone();
        self.writer.write_blocking(move |tx| {
            let mut removed = 0;
            for phone in &phones {
                let found: Option<PersonId> = person::find(tx.connection, &keys, *phone)?;
                if let Some(whose) = found {
                    let mut lifted = person::lift(tx.connection, whose, *phone)?;
                    for (person, _) in person::with_same_number(tx.connection, whose)? {
                        lifted |= person::lift(tx.connection, person, *phone)?;
                    }
                    removed += usize::from(lifted);
                }
            }
            Ok(removed)
        })
    }
}

impl Reader {
    /// All numbers on the list, in ascending order, one at a time.
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint fails, or whatever `each` returns.
    pub fn suppressions<E: From<StoreError>>(
        &self,
        each: impl FnMut(SuppressionEntry) -> Result<(), E>,
    ) -> Result<(), E> {
        self.connection.visit(
            "SELECT number, suppressed_reason, suppressed_source, suppressed_at
             FROM person INDEXED BY person_suppressed
             WHERE suppressed_at IS NOT NULL AND number IS NOT NULL ORDER BY number",
            [],
            |row| {
                Ok(SuppressionEntry {
                    phone: row.get(0)?,
                    reason: row.get(1)?,
                    source: row.get(2)?,
                    added_at: time(row, 3)?,
                })
            },
            each,
        )
    }
}
