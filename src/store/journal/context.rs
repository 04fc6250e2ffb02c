//! What holds for a whole run.

use jiff::Timestamp;

use super::types::ClaimRules;
use crate::store::ids::{BatchId, ChannelId};
use crate::store::keys::HashKey;
use crate::store::pilot::PilotRows;
use crate::store::quota::Claims;

/// What holds for the whole run.
pub(super) struct Context {
    pub(super) batch: BatchId,
    pub(super) channel: ChannelId,
    pub(super) rules: ClaimRules,
    pub(super) keys: HashKey,
    /// When it began.
    pub(super) since: Timestamp,
    /// Requests with the token, and of the batch, before the run began.
    pub(super) before: Claims,
    /// Only these are claimed; `None`: everybody who is queued.
    pub(super) pilot: Option<PilotRows>,
}
