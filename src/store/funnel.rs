//! What happened after "sent": how many messages were delivered, read, led to an opt-in or opt-out.

use serde::Serialize;

use super::batch::BatchId;
use super::error::StoreError;
use super::{Reader, RecipientId};

/// What is known of a batch's messages after they were accepted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Funnel {
    /// Delivered; what was read counts even where its delivery was not told.
    pub delivered: u64,
    /// Read.
    pub read: u64,
    /// The person opted in.
    pub opted_in: u64,
    /// The person opted out, and got no later message.
    pub opted_out: u64,
}

impl Reader {
    /// What happened to the batch's messages after they were accepted. Looks at all of them.
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint fails.
    pub fn funnel(&self, id: BatchId, channel: &str) -> Result<Funnel, StoreError> {
        let range = (
            RecipientId::new(id, 0).get(),
            RecipientId::new(id, u32::MAX).get(),
        );
        let count = |n: i64| u64::try_from(n).unwrap_or(0);
        let mut funnel = self
            .connection
            .prepare_cached(
                "SELECT count(coalesce(delivered_at, read_at)), count(read_at), count(opted_in_at)
                 FROM message WHERE recipient BETWEEN ?1 AND ?2",
            )?
            .query_row(range, |row| {
                Ok(Funnel {
                    delivered: count(row.get(0)?),
                    read: count(row.get(1)?),
                    opted_in: count(row.get(2)?),
                    opted_out: 0,
                })
            })?;
        funnel.opted_out = self
            .connection
            .prepare_cached(
                "SELECT count(*) FROM contact WHERE channel = ?3 AND opted_out_at IS NOT NULL
                        AND last_recipient BETWEEN ?1 AND ?2",
            )?
            .query_row((range.0, range.1, channel), |row| row.get(0))
            .map(count)?;
        Ok(funnel)
    }
}
