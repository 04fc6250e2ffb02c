//! The audit: what people decided about a batch. No entry names a person.

use jiff::Timestamp;
use rusqlite::Connection;

use super::checkpoint::{Reader, Store};
use super::columns::{from_millis, to_millis};
use super::error::StoreError;
use super::home;
use super::ids::BatchId;
use super::query::Query as _;

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

impl DecisionRecord {
    /// A decision that is about no batch.
    pub(crate) fn new(actor: &str, what: &'static str, detail: String, at: Timestamp) -> Self {
        Self {
            batch: None,
            actor: actor.to_owned(),
            what,
            detail,
            at,
        }
    }

    /// The same, about this batch.
    pub(crate) fn about(self, batch: BatchId) -> Self {
        Self {
            batch: Some(batch),
            ..self
        }
    }
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

    /// The opt-outs that were given with an [adopted](Store::adopt) checkpoint are in it; `said` is for the audit.
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint fails.
    pub(crate) fn end_adopting(&self, said: DecisionRecord) -> Result<(), StoreError> {
        self.writer.write_blocking(move |tx| {
            home::end_adopting(tx.connection, said.at)?;
            record(tx.connection, &said)
        })
    }
}

/// A decision, as it is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Decided {
    /// When.
    pub at: Timestamp,
    /// Who decided.
    pub actor: String,
    /// What was decided.
    pub what: String,
    /// What it was set to.
    pub detail: String,
    /// The batch that it is about; `None` if it is about none, or that is gone.
    pub batch: Option<String>,
}

impl Reader {
    /// The last decisions, the latest first: about a batch, or about anything.
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint fails.
    pub(crate) fn decisions(
        &self,
        batch: Option<BatchId>,
        most: u32,
    ) -> Result<Vec<Decided>, StoreError> {
        self.connection.read(
            "SELECT d.at, d.actor, d.what, coalesce(d.detail, ''), b.name
             FROM decision d LEFT JOIN batch b ON b.id = d.batch
             WHERE ?1 IS NULL OR d.batch = ?1 ORDER BY d.id DESC LIMIT ?2",
            (batch, most),
            |row| {
                Ok(Decided {
                    at: from_millis(row.get(0)?)?,
                    actor: row.get(1)?,
                    what: row.get(2)?,
                    detail: row.get(3)?,
                    batch: row.get(4)?,
                })
            },
        )
    }
}

/// Keeps a decision, in the transaction that carries it out.
pub(super) fn record_all(
    connection: &Connection,
    decisions: &[DecisionRecord],
) -> Result<(), StoreError> {
    let mut all = decisions.iter();
    all.try_for_each(|decision| record(connection, decision))
}

pub(super) fn record(connection: &Connection, decision: &DecisionRecord) -> Result<(), StoreError> {
    connection.change(
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
}
