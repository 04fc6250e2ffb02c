//! What holds for a whole run.

use std::sync::atomic::{AtomicU32, Ordering};

use jiff::Timestamp;

use super::types::ClaimRules;
use crate::domain::fallback::{Fallback, Step};
use crate::domain::follow_up::FollowUp;
use crate::domain::row_cells::RowCells;
use crate::store::error::StoreError;
use crate::store::ids::{BatchId, ChannelId};
use crate::store::keys::HashKey;
use crate::store::pilot::PilotRows;
use crate::store::quota::Claims;

/// A channel of the batch.
pub(super) struct Channel {
    pub(super) id: ChannelId,
    /// The API's id of it.
    pub(super) api_id: String,
}

/// What holds for the whole run.
pub(super) struct Context {
    pub(super) batch: BatchId,
    /// The batch's own channel, then the others in the order in which they are tried.
    pub(super) channels: Vec<Channel>,
    /// What the batch keeps about the others; `None` if there are none.
    pub(super) fallback: Option<Fallback>,
    /// What the batch waits for, if it is a follow-up.
    pub(super) follow_up: Option<FollowUp>,
    /// If its people are those of an audience, who were chosen from those of the lists before: the batches in which they had to
    /// have a state.
    pub(super) chosen_from: Option<Vec<BatchId>>,
    /// The channels that were found to be refused as a whole: one bit for each step.
    pub(super) refused: AtomicU32,
    pub(super) rules: ClaimRules,
    /// Where its rows have their numbers.
    pub(super) row_cells: Option<RowCells>,
    pub(super) keys: HashKey,
    /// When it began.
    pub(super) since: Timestamp,
    /// Requests with the token, and of the batch, before the run began.
    pub(super) before: Claims,
    /// Only these are claimed; `None`: everybody who is queued.
    pub(super) pilot: Option<PilotRows>,
}

impl Context {
    /// The channel of a step.
    pub(super) fn channel(&self, step: Step) -> Result<&Channel, StoreError> {
        self.channels
            .get(step.index())
            .ok_or_else(|| StoreError::Value {
                detail: format!("the batch has no channel number {step}"),
            })
    }

    /// From now on nothing is sent through the channel of this step.
    pub(super) fn refuse(&self, step: Step) {
        self.refused.fetch_or(bit(step), Ordering::SeqCst);
    }

    pub(super) fn is_refused(&self, step: Step) -> bool {
        self.refused.load(Ordering::SeqCst) & bit(step) != 0
    }
}

fn bit(step: Step) -> u32 {
    1_u32.checked_shl(step.get().into()).unwrap_or(0)
}

#[cfg(test)]
impl Context {
    /// A run of a batch through channel "7001", whose id is 1.
    pub(super) fn for_tests(keys: &HashKey, batch: BatchId) -> Self {
        Self {
            batch,
            channels: vec![Channel {
                id: ChannelId(1),
                api_id: "7001".to_owned(),
            }],
            fallback: None,
            follow_up: None,
            row_cells: None,
            chosen_from: None,
            refused: AtomicU32::new(0),
            rules: ClaimRules {
                span: crate::domain::eligibility::HistorySpan::default(),
                token: 0,
                window: None,
            },
            keys: keys.clone(),
            since: Timestamp::UNIX_EPOCH,
            before: Claims::default(),
            pilot: None,
        }
    }
}
