//! What happened after "sent": how many messages were delivered, read, led to an opt-in or opt-out.

use serde::Serialize;

use super::checkpoint::Reader;
use super::error::StoreError;
use super::ids::BatchId;
use super::query::Query as _;
use super::results::JOINS;

/// What is known of a batch's messages after they were accepted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Funnel {
    /// Delivered; what was read counts even where its delivery was not reported.
    pub delivered: u64,
    /// Read.
    pub read: u64,
    /// The person opted in.
    pub opted_in: u64,
    /// The person opted out, and got no later message.
    pub opted_out: u64,
}

impl Reader {
    /// What happened to the batch's messages after they were accepted. Reads all of them.
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint fails.
    pub fn funnel(&self, id: BatchId) -> Result<Funnel, StoreError> {
        let (delivered, read, opted_in, opted_out): (i64, i64, i64, i64) = self.connection.row(
            &format!(
                "SELECT count(coalesce(a.delivered_at, a.read_at)), count(a.read_at), count(k.opted_in_at),
                        count(iif(EXISTS (SELECT 1 FROM attempt later
                                          WHERE later.person = r.person AND later.id > a.id AND later.kind = 'request'
                                                AND (later.outcome = 'sent' OR later.proof IN ('accepted', 'assumed'))),
                                  NULL, k.opted_out_at))
                 FROM recipient r {JOINS}
                 WHERE r.id > ?1 AND r.id < ?2 AND a.id IS NOT NULL"
            ),
            id.range(),
        )?;
        let count = |n: i64| u64::try_from(n).unwrap_or(0);
        Ok(Funnel {
            delivered: count(delivered),
            read: count(read),
            opted_in: count(opted_in),
            opted_out: count(opted_out),
        })
    }
}
