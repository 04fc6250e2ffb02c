//! The suppression list: whom never to message.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension};

use super::error::StoreError;
use super::{Reader, Store, forgotten, from_millis, to_millis};
use crate::domain::phone::PhoneNumber;
use crate::domain::recipient::Suppression;

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

impl Store {
    /// Puts numbers on the list; a number that is there keeps its first entry. Returns how many
    /// are new.
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint fails.
    pub fn suppress(&self, entries: Vec<SuppressionEntry>) -> Result<usize, StoreError> {
        self.writer.write_blocking(move |tx| {
            let mut added = 0;
            for entry in &entries {
                added += add(tx.connection, entry)?;
            }
            Ok(added)
        })
    }

    /// Takes numbers off the list, those of erased people too. Returns how many were on it.
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint fails.
    pub fn unsuppress(&self, phones: Vec<PhoneNumber>) -> Result<usize, StoreError> {
        self.writer.write_blocking(move |tx| {
            let mut removed = 0;
            for phone in &phones {
                removed += tx
                    .connection
                    .prepare_cached("DELETE FROM suppression WHERE phone = ?1")?
                    .execute([column(*phone)])?;
                removed += forgotten::readmit(tx.connection, column(*phone))?;
            }
            Ok(removed)
        })
    }
}

/// Adds an entry; 0 if the number was there.
pub(super) fn add(connection: &Connection, entry: &SuppressionEntry) -> Result<usize, StoreError> {
    Ok(connection
        .prepare_cached(
            "INSERT INTO suppression (phone, reason, source, added_at) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT DO NOTHING",
        )?
        .execute((
            column(entry.phone),
            &entry.reason,
            &entry.source,
            to_millis(entry.added_at),
        ))?)
}

/// True if nobody is on the list, and nobody was erased.
pub(super) fn is_empty(connection: &Connection) -> Result<bool, StoreError> {
    Ok(connection
        .prepare_cached(
            "SELECT NOT EXISTS (SELECT 1 FROM suppression)
                AND NOT EXISTS (SELECT 1 FROM suppression_hash)",
        )?
        .query_row([], |row| row.get(0))?)
}

/// Why the number must not be messaged, if it must not.
pub(super) fn cause(
    connection: &Connection,
    phone: PhoneNumber,
) -> Result<Option<Suppression>, StoreError> {
    let reason = connection
        .prepare_cached("SELECT reason FROM suppression WHERE phone = ?1")?
        .query_row([column(phone)], |row| row.get(0))
        .optional()?;
    if let Some(reason) = reason {
        return Ok(Some(Suppression::Listed { reason }));
    }
    let erased = forgotten::is_forgotten(connection, column(phone))?;
    Ok(erased.then_some(Suppression::Forgotten))
}

impl Reader {
    /// All numbers on the list, in ascending order, one at a time.
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint fails, or whatever `each` returns.
    pub fn suppressions<E: From<StoreError>>(
        &self,
        mut each: impl FnMut(SuppressionEntry) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut select = self
            .connection
            .prepare("SELECT phone, reason, source, added_at FROM suppression ORDER BY phone")
            .map_err(StoreError::from)?;
        let mut rows = select.query([]).map_err(StoreError::from)?;
        while let Some(row) = rows.next().map_err(StoreError::from)? {
            let entry = || -> Result<SuppressionEntry, StoreError> {
                Ok(SuppressionEntry {
                    phone: phone(row.get(0)?)?,
                    reason: row.get(1)?,
                    source: row.get(2)?,
                    added_at: from_millis(row.get(3)?)?,
                })
            };
            each(entry()?)?;
        }
        Ok(())
    }
}

/// A number as it is stored.
pub(super) fn column(phone: PhoneNumber) -> i64 {
    // 15 digits fit.
    i64::try_from(phone.get()).unwrap_or(i64::MAX)
}

/// A number as it was stored.
pub(super) fn phone(column: i64) -> Result<PhoneNumber, StoreError> {
    u64::try_from(column)
        .ok()
        .and_then(PhoneNumber::from_e164)
        .ok_or_else(|| StoreError::Value {
            detail: "a phone number out of range".to_owned(),
        })
}
