//! What people decided about a batch, for whoever asks later. No entry names a person.

use jiff::Timestamp;
use rusqlite::Connection;

use super::checkpoint::Store;
use super::columns::to_millis;
use super::error::StoreError;
use super::ids::BatchId;

/// One decision, as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DecisionRecord {
    /// The batch that it is about, if it is about one.
    pub batch: Option<BatchId>,
    /// Who decided.
    pub actor: String,
    /// What was decided, in the word of its flag.
    pub what: &'static str,
    /// What it was set to.
    pub detail: String,
    /// When.
    pub at: Timestamp,
}

impl Store {
    /// Keeps a decision.
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint fails.
    pub(crate) fn record_decision(&self, decision: DecisionRecord) -> Result<(), StoreError> {
        self.writer
            .write_blocking(move |tx| record(tx.connection, &decision))
    }
}

/// Keeps a decision, in the transaction that carries it out.
pub(super) fn record(connection: &Connection, decision: &DecisionRecord) -> Result<(), StoreError> {
    connection
        .prepare_cached(
            "INSERT INTO decision (at, actor, batch, what, detail) VALUES (?1, ?2, ?3, ?4, ?5)",
        )?
        .execute((
            to_millis(decision.at),
            &decision.actor,
            decision.batch,
            decision.what,
            &decision.detail,
        ))?;
    Ok(())
}
