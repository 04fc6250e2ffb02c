//! A list that was read for a batch: made part of it, or dropped.

use jiff::Timestamp;

use super::batch::HeldBatch;
use super::error::RunError;
use super::fallback;
use super::follow_up;
use crate::domain::fallback::Fallback;
use crate::domain::follow_up::FollowUp;
use crate::domain::sms::SmsSettings;
use crate::intake::Mapping;
use crate::report::check::CheckReport;
use crate::store::{BatchId, DecidedWithList, DecisionRecord, ListChange, MessagedDecision, Store};

/// A plan whose list was read: ready to be carried out, or to be dropped.
#[derive(Debug)]
pub struct ReadPlan {
    pub(super) batch: HeldBatch,
    pub(super) report: Option<CheckReport>,
    pub(super) read: Option<NewRows>,
    /// What is carried out with it, about people whom other batches messaged.
    pub(super) decided: Option<MessagedDecision>,
    /// What the batch keeps about SMS.
    pub(super) sms: SmsSettings,
    /// What it keeps about other channels.
    pub(super) fallback: Option<Fallback>,
    /// What was decided, for the audit; with a new batch it is kept already.
    pub(super) decisions: Vec<DecisionRecord>,
    /// Who gave the list.
    pub(super) prepared_by: Option<String>,
    /// What its people wait for, if it is a follow-up.
    pub(super) follow_up: Option<FollowUp>,
}

/// Where the rows that were read are.
#[derive(Debug)]
pub(super) enum NewRows {
    /// They are a batch of their own.
    Batch(BatchId),
    /// They are beside the batch that they are for.
    Staged(BatchId, ListChange),
}

impl ReadPlan {
    /// What the list holds; `None` if the batch has it already.
    pub fn report(&self) -> Option<&CheckReport> {
        self.report.as_ref()
    }

    /// Makes the list part of the batch, and carries out what was decided. Returns
    /// how many recipients were under way when an earlier process died: their outcome is unknown now.
    ///
    /// # Errors
    /// [`RunError`] if the checkpoint fails. A change that was decided is completed by the next
    /// [`SendPlan::new`](super::SendPlan::new) or [`HeldBatch::resume`].
    pub fn carry_out(self, now: Timestamp) -> Result<(HeldBatch, u64), RunError> {
        match self.read {
            None => {
                let batch = self.batch.batch();
                match &self.fallback {
                    Some(fallback) if batch.fallback.as_ref() != Some(fallback) => {
                        let store = self.batch.store();
                        store.decide_fallback(batch.id, fallback, self.decisions)?;
                        Ok((self.batch.reread()?, 0))
                    }
                    Some(_) | None => Ok((self.batch, 0)),
                }
            }
            Some(NewRows::Batch(_)) => Ok((self.batch, 0)),
            Some(NewRows::Staged(staging, change)) => {
                let (store, batch) = (self.batch.store(), self.batch.batch());
                let decided = DecidedWithList {
                    messaged: self.decided,
                    sms: self.sms,
                    fallback: self.fallback,
                    follow_up: self.follow_up,
                    prepared_by: self.prepared_by,
                    decisions: self.decisions,
                };
                let changed = store
                    .change_list(batch, staging, change, decided, now)
                    .map_err(RunError::from);
                let interrupted = discard_on_error(store, staging, changed)?;
                Ok((self.batch.reread()?, interrupted))
            }
        }
    }

    /// Removes the rows that were read: the checkpoint holds what it held before.
    ///
    /// # Errors
    /// [`RunError`] if the checkpoint fails.
    pub fn discard(self) -> Result<(), RunError> {
        match self.read {
            None => Ok(()),
            Some(NewRows::Batch(id) | NewRows::Staged(id, _)) => {
                Ok(self.batch.store().discard_batch(id)?)
            }
        }
    }
}

/// What `actor` decided about a batch and its list, for the audit.
pub(super) struct Decisions<'a> {
    pub(super) actor: Option<&'a str>,
    pub(super) fallback: Option<&'a Fallback>,
    pub(super) follow_up: Option<&'a FollowUp>,
    /// How the list was read; `None` if the batch had it already.
    pub(super) mapping: Option<&'a Mapping>,
    pub(super) sms: SmsSettings,
}

impl Decisions<'_> {
    /// Which lines without a person are messaged, which columns of consent are ignored, and the like.
    pub(super) fn records(&self, batch: BatchId, now: Timestamp) -> Vec<DecisionRecord> {
        let Some(actor) = self.actor else {
            return Vec::new();
        };
        let limit = self.mapping.and(self.sms.max_segments);
        let services = self.mapping.map_or_else(Vec::new, Mapping::services);
        let ignored = self
            .mapping
            .map(|mapping| mapping.ignored_consent.join(", "));
        let details = [
            ("after", self.follow_up.map(follow_up::described)),
            ("fallback", self.fallback.map(fallback::described)),
            ("max-segments", limit.map(|limit| limit.to_string())),
            ("allow-line-type", Some(services.join(", "))),
            ("ignore-consent-column", ignored),
        ];
        let details = details.into_iter().filter_map(|(what, detail)| {
            let detail = detail.filter(|detail| !detail.is_empty())?;
            Some((what, detail))
        });
        details
            .map(|(what, detail)| DecisionRecord::new(actor, what, detail, now).about(batch))
            .collect()
    }
}

/// Removes what was read for a batch if that failed.
pub(super) fn discard_on_error<T>(
    store: &Store,
    id: BatchId,
    outcome: Result<T, RunError>,
) -> Result<T, RunError> {
    if outcome.is_err() {
        store.discard_batch(id)?;
    }
    outcome
}
