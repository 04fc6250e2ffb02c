//! A batch and its token as they are when a claim begins: other processes may have changed them since the claim before.

use super::context::Context;
use crate::domain::batch_state::PausedBy;
use crate::store::earlier::{SkippedBatch, skipped_by};
use crate::store::error::StoreError;
use crate::store::pause::{self, PAUSED};
use crate::store::query::Query as _;
use crate::store::quota::Claims;
use crate::store::transaction::Tx;

/// What decides, before any row is looked at, whether a claim is answered.
pub(super) struct BatchNow {
    /// What keeps the batch from being sent.
    pub(super) paused_by: Option<PausedBy>,
    /// The requests that were ever claimed.
    pub(super) claims: Claims,
    /// The batches whose people are left out.
    pub(super) skip: Vec<SkippedBatch>,
}

impl BatchNow {
    /// Reads it in one statement: each claim asks.
    pub(super) fn read(tx: &Tx<'_>, context: &Context) -> Result<Self, StoreError> {
        type Row = (Option<String>, bool, i64, i64, String);
        let (by, may, with_token, of_batch, policy): Row = tx.connection.row(
            &format!(
                "SELECT {PAUSED}, coalesce(q.claimed, 0), coalesce(t.requests, 0), b.policy
                 FROM batch b LEFT JOIN tally t ON t.batch = b.id LEFT JOIN quota q ON q.token = ?2
                 WHERE b.id = ?1"
            ),
            (context.batch, context.rules.token),
        )?;
        Ok(Self {
            paused_by: pause::paused(by.as_deref(), may),
            claims: Claims::new(with_token, of_batch),
            skip: skipped_by(&policy)?,
        })
    }
}
