//! The audit: what people decided about batches. It holds no numbers.

use jiff::Timestamp;
use rusqlite::Connection;

use super::columns::to_millis;
use super::error::StoreError;
use super::ids::BatchId;

/// A decision of a person.
#[derive(Debug, Clone, Copy)]
pub(super) struct AuditEntry<'a> {
    pub(super) at: Timestamp,
    /// Who decided.
    pub(super) actor: &'a str,
    /// The batch that it is about, if it is about one.
    pub(super) batch: Option<BatchId>,
    /// What was decided, in a few words that do not change.
    pub(super) what: &'a str,
    /// What belongs to it.
    pub(super) detail: Option<&'a str>,
}

/// Adds the decision to the audit.
pub(super) fn record(connection: &Connection, entry: &AuditEntry<'_>) -> Result<(), StoreError> {
    connection
        .prepare_cached(
            "INSERT INTO decision (at, actor, batch, what, detail) VALUES (?1, ?2, ?3, ?4, ?5)",
        )?
        .execute((
            to_millis(entry.at),
            entry.actor,
            entry.batch,
            entry.what,
            entry.detail,
        ))?;
    Ok(())
}
