//! How far a batch is, by its counters.

use super::checkpoint::Reader;
use super::columns::count;
use super::error::StoreError;
use super::ids::BatchId;
use super::query::Query as _;
use super::tally::Counts;

impl Reader {
    /// How far the batch is.
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint fails.
    pub fn counts(&self, id: BatchId) -> Result<Counts, StoreError> {
        let counts = self.connection.find_read(
            "SELECT sent, no_messenger, error, unknown, invalid, duplicate, suppressed, queued, sending,
                    requests, throttled FROM tally WHERE batch = ?1",
            [id],
            |row| {
                Ok(Counts {
                    sent: count(row, 0)?,
                    no_messenger: count(row, 1)?,
                    error: count(row, 2)?,
                    unknown: count(row, 3)?,
                    invalid: count(row, 4)?,
                    duplicate: count(row, 5)?,
                    suppressed: count(row, 6)?,
                    queued: count(row, 7)?,
                    awaiting: 0,
                    sending: count(row, 8)?,
                    requests: count(row, 9)?,
                    throttled: count(row, 10)?,
                })
            },
        )?;
        let mut counts = counts.unwrap_or_default();
        if counts.queued > 0 {
            counts.awaiting = self.awaiting(id)?.min(counts.queued);
            counts.queued -= counts.awaiting;
        }
        Ok(counts)
    }
}
