//! Whether a message that somebody tells of is known here.

use super::checkpoint::Reader;
use super::error::StoreError;

impl Reader {
    /// Whether a request to the number stands in this checkpoint.
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint cannot be read.
    pub(crate) fn knows_request_to(&self, number: i64) -> Result<bool, StoreError> {
        Ok(self
            .connection
            .prepare_cached(
                "SELECT 1 FROM person_by_number n CROSS JOIN attempt a INDEXED BY attempt_by_person
                        ON a.person = n.person
                 WHERE n.number = ?1 AND a.kind IN ('request', 'import') LIMIT 1",
            )?
            .exists([number])?)
    }

    /// Whether all batches are rehearsals: nobody was messaged.
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint cannot be read.
    pub(crate) fn holds_rehearsals(&self) -> Result<bool, StoreError> {
        let batches = self.batches()?;
        Ok(!batches.is_empty() && batches.iter().all(|batch| batch.sandbox))
    }
}
