//! What kept the requests of a batch from being answered: outages, and how many requests never left. Both stand in the
//! policy of the batch, so that a summary finds them without reading requests.

use jiff::Timestamp;
use rusqlite::Connection;
use serde::{Deserialize, Serialize};

use super::checkpoint::{Reader, Store};
use super::columns::{Json, to_json};
use super::error::StoreError;
use super::ids::BatchId;
use super::query::Query as _;

/// How many outages are kept: the last ones.
const KEPT: i64 = 20;

/// A time in which the API gave no usable answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutageRecord {
    /// When it began.
    pub begin: Timestamp,
    /// When requests left as usual again, or the run ended.
    pub end: Timestamp,
    /// What went wrong last, without numbers.
    pub cause: String,
}

impl Store {
    /// Keeps an outage.
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint fails.
    pub(crate) async fn note_outage(
        &self,
        id: BatchId,
        outage: OutageRecord,
    ) -> Result<(), StoreError> {
        self.writer
            .write(move |tx| {
                tx.bookkeeping = true;
                let outage = to_json(&outage)?;
                tx.connection.change(
                    "UPDATE batch SET policy = json_insert(
                         json_set(policy, '$.outages', json(coalesce(policy -> '$.outages', '[]'))),
                         '$.outages[#]', json(?2))
                     WHERE id = ?1",
                    (id, outage),
                )?;
                tx.connection.change(
                    "UPDATE batch SET policy = json_remove(policy, '$.outages[0]')
                     WHERE id = ?1 AND json_array_length(policy, '$.outages') > ?2",
                    (id, KEPT),
                )?;
                Ok(())
            })
            .await
    }
}

/// A request of the batch never left.
pub(super) fn count_not_left(connection: &Connection, batch: BatchId) -> Result<(), StoreError> {
    connection.change(
        "UPDATE batch SET policy = json_set(policy, '$.not_left', coalesce(policy ->> '$.not_left', 0) + 1)
             WHERE id = ?1",
        [batch],
    )?;
    Ok(())
}

impl Reader {
    /// The last outages of the batch, and how many of its requests never left.
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint fails.
    pub(crate) fn outages(&self, id: BatchId) -> Result<(Vec<OutageRecord>, u64), StoreError> {
        let (outages, not_left): (Option<Json<_>>, i64) = self.connection.row(
            "SELECT policy ->> '$.outages', coalesce(policy ->> '$.not_left', 0) FROM batch WHERE id = ?1",
            [id],
        )?;
        let outages = outages.map_or_else(Vec::new, |outages| outages.0);
        Ok((outages, u64::try_from(not_left).unwrap_or(0)))
    }
}
