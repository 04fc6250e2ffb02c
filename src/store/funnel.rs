//! What happened after "sent": how many messages were delivered, read, led to an opt-in or opt-out.

use serde::Serialize;

use super::checkpoint::Reader;
use super::columns::from_millis;
use super::error::StoreError;
use super::ids::BatchId;
use super::query::Query as _;
use super::results::JOINS;
use crate::domain::curves::Curves;

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

/// When the person opted out, if no later message reached that person: else the opt-out is about that one. Few opt out:
/// only for them is a later message looked for.
const OPTED_OUT: &str = "CASE WHEN k.opted_out_at IS NOT NULL AND NOT EXISTS (SELECT 1 FROM attempt later
         WHERE later.person = r.person AND later.id > a.id AND later.kind = 'request'
               AND (later.outcome = 'sent' OR later.proof IN ('accepted', 'assumed'))) THEN k.opted_out_at END";

/// The words of [`Reader::curves`].
pub(crate) const AFTERWARDS: [&str; 5] = ["sent", "delivered", "read", "opted in", "opted out"];

impl Reader {
    /// When what happened to the batch's messages, in the order of [`AFTERWARDS`]; `None` if nothing was sent. Reads all
    /// of them, twice.
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint fails.
    pub(crate) fn curves(
        &self,
        id: BatchId,
    ) -> Result<Option<Curves<{ AFTERWARDS.len() }>>, StoreError> {
        let (begin, end): (Option<i64>, Option<i64>) = self.connection.row(
            &format!(
                "SELECT min(coalesce(a.finished_at, a.started_at)),
                        max(max(coalesce(a.finished_at, a.started_at), coalesce(a.delivered_at, 0),
                                coalesce(a.read_at, 0), coalesce(k.opted_in_at, 0), coalesce(k.opted_out_at, 0)))
                 FROM recipient r {JOINS}
                 WHERE r.id > ?1 AND r.id < ?2 AND a.id IS NOT NULL"
            ),
            id.range(),
        )?;
        let (Some(begin), Some(end)) = (begin, end) else {
            return Ok(None);
        };
        let mut curves = Curves::new(from_millis(begin)?, from_millis(end)?);
        let mut select = self.connection.prepare_cached(&format!(
            "SELECT coalesce(a.finished_at, a.started_at), coalesce(a.delivered_at, a.read_at), a.read_at,
                    k.opted_in_at, {OPTED_OUT}
             FROM recipient r {JOINS}
             WHERE r.id > ?1 AND r.id < ?2 AND a.id IS NOT NULL"
        ))?;
        let mut found = select.query(id.range())?;
        while let Some(row) = found.next()? {
            for kind in 0..AFTERWARDS.len() {
                if let Some(at) = row.get::<_, Option<i64>>(kind)? {
                    curves.count(kind, from_millis(at)?);
                }
            }
        }
        Ok(Some(curves))
    }

    /// What happened to the batch's messages after they were accepted. Reads all of them.
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint fails.
    pub fn funnel(&self, id: BatchId) -> Result<Funnel, StoreError> {
        let (delivered, read, opted_in, opted_out): (i64, i64, i64, i64) = self.connection.row(
            &format!(
                "SELECT count(coalesce(a.delivered_at, a.read_at)), count(a.read_at), count(k.opted_in_at),
                        count({OPTED_OUT})
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
