//! How far a batch is, by its counters.

use super::checkpoint::Reader;
use super::error::StoreError;
use super::ids::BatchId;
use super::tally::Counts;

impl Reader {
    /// How far the batch is.
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint fails.
    pub fn counts(&self, id: BatchId) -> Result<Counts, StoreError> {
        let mut select = self.connection.prepare_cached(
            "SELECT sent, no_messenger, error, unknown, invalid, duplicate, suppressed, queued, sending,
                    requests, throttled FROM tally WHERE batch = ?1",
        )?;
        let mut rows = select.query([id])?;
        let Some(row) = rows.next()? else {
            return Ok(Counts::default());
        };
        let count = |column: usize| -> Result<u64, StoreError> {
            Ok(u64::try_from(row.get::<_, i64>(column)?).unwrap_or(0))
        };
        let queued = count(7)?;
        let awaiting = if queued > 0 {
            self.awaiting(id)?.min(queued)
        } else {
            0
        };
        Ok(Counts {
            sent: count(0)?,
            no_messenger: count(1)?,
            error: count(2)?,
            unknown: count(3)?,
            invalid: count(4)?,
            duplicate: count(5)?,
            suppressed: count(6)?,
            queued: queued - awaiting,
            awaiting,
            sending: count(8)?,
            requests: count(9)?,
            throttled: count(10)?,
        })
    }
}
