//! Recipients whose sending hours never come: the window is not open in all zones of their country at once.

use jiff::Timestamp;

use super::checkpoint::{Reader, Store};
use super::error::StoreError;
use super::ids::BatchId;
use super::journal;
use super::not_before;
use super::query::Query as _;
use crate::domain::phone::PhoneNumber;

impl Store {
    /// Suppresses the recipients whose sending hours never come, if nobody else of the batch is queued. In steps, so
    /// that other processes can write in between. The caller holds the batch.
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint fails.
    pub(crate) async fn suppress_never(
        &self,
        id: BatchId,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        let (queued, never) = self.read_opened(|reader| {
            let queued = reader.counts(id)?.queued;
            let never = if queued > 0 {
                reader.never_open(id)?
            } else {
                0
            };
            Ok((queued, never))
        })?;
        if never < queued {
            return Ok(());
        }
        while self
            .writer
            .write(move |tx| journal::suppress_never(tx, id, at))
            .await?
            > 0
        {}
        Ok(())
    }
}

impl Reader {
    /// The queued rows of the batch whose sending hours never come, as far as its run found out.
    fn never_open(&self, id: BatchId) -> Result<u64, StoreError> {
        self.connection.count(
            "SELECT count(*) FROM recipient INDEXED BY recipient_queue
                 WHERE state = 'queued' AND held IS NULL AND id >> 32 = ?1 AND not_before = ?2",
            (id, not_before::NEVER),
        )
    }

    /// Calls `take` with the number of each queued recipient of the batch.
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint fails.
    pub(crate) fn queued_numbers(
        &self,
        id: BatchId,
        mut take: impl FnMut(PhoneNumber),
    ) -> Result<(), StoreError> {
        self.connection.visit(
            "SELECT p.number FROM recipient r INDEXED BY recipient_queue CROSS JOIN person p ON p.id = r.person
             WHERE r.state = 'queued' AND r.held IS NULL AND r.id >> 32 = ?1 AND p.number IS NOT NULL",
            [id],
            |row| Ok(row.get(0)?),
            |phone| {
                take(phone);
                Ok(())
            },
        )
    }
}
