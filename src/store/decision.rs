//! What people decided about a batch, for whoever asks later. No entry names a person.

use jiff::Timestamp;

use super::checkpoint::Store;
use super::columns::to_millis;
use super::error::StoreError;
use super::ids::BatchId;

/// One decision, as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DecisionRecord {
    /// The batch that it is about.
    pub batch: BatchId,
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
        self.writer.write_blocking(move |tx| {
            tx.connection.execute(
                "INSERT INTO decision (at, actor, batch, what, detail) VALUES (?1, ?2, ?3, ?4, ?5)",
                (
                    to_millis(decision.at),
                    &decision.actor,
                    decision.batch,
                    decision.what,
                    &decision.detail,
                ),
            )?;
            Ok(())
        })
    }
}
