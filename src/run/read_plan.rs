//! A list that was read for a batch: made part of it, or dropped.

use jiff::Timestamp;

use super::batch::HeldBatch;
use super::error::RunError;
use super::fallback;
use super::follow_up;
use crate::domain::fallback::Fallback;
use crate::domain::sms::SmsSettings;
use crate::intake::Mapping;
use crate::report::check::CheckReport;
use crate::store::{BatchId, DecisionRecord, ListChange, MessagedDecision, Store};

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
            None => Ok((keep_fallback(self.batch, self.fallback)?, 0)),
            Some(NewRows::Batch(id)) => {
                if let Some(decided) = self.decided {
                    let store = self.batch.store();
                    store.carry_out_messaged(id, decided, now)?;
                }
                Ok((self.batch, 0))
            }
            Some(NewRows::Staged(staging, change)) => {
                let store = self.batch.store();
                let changed = store
                    .change_list(self.batch.batch(), staging, change, self.decided, now)
                    .map_err(RunError::from);
                let interrupted = discard_on_error(store, staging, changed)?;
                store.keep_sms(self.batch.batch().id, self.sms)?;
                let batch = keep_fallback(self.batch, self.fallback)?;
                Ok((batch.reread()?, interrupted))
            }
        }
    }

    /// As [`Self::carry_out`], and keeps what `actor` decided about the list's rows: which lines without a person
    /// are messaged, which columns of consent are ignored.
    ///
    /// # Errors
    /// As [`Self::carry_out`].
    pub fn carry_out_by(self, actor: &str, now: Timestamp) -> Result<(HeldBatch, u64), RunError> {
        let mapping = self.report.as_ref().map(|report| &report.mapping);
        let services = mapping.map_or_else(Vec::new, Mapping::services);
        let ignored = mapping.map_or_else(Vec::new, |mapping| mapping.ignored_consent.clone());
        let limit = mapping.and(self.sms.max_segments);
        let limit = limit.map_or_else(String::new, |limit| limit.to_string());
        let is_new = self.read.is_some() || self.fallback != self.batch.batch().fallback;
        let others = self.fallback.as_ref().filter(|_| is_new);
        let others = others.map_or_else(String::new, fallback::told);
        let after = self.batch.batch().follow_up.as_ref();
        let after = after.filter(|_| self.read.is_some());
        let after = after.map_or_else(String::new, follow_up::told);
        let is_read = self.read.is_some();
        let (batch, interrupted) = self.carry_out(now)?;
        if is_read {
            batch.store().note_prepared(batch.batch().id, actor)?;
        }
        for (what, detail) in [
            ("after", after),
            ("fallback", others),
            ("max-segments", limit),
            ("allow-line-type", services.join(", ")),
            ("ignore-consent-column", ignored.join(", ")),
        ] {
            if !detail.is_empty() {
                batch.store().record_decision(DecisionRecord {
                    batch: Some(batch.batch().id),
                    actor: actor.to_owned(),
                    what,
                    detail,
                    at: now,
                })?;
            }
        }
        Ok((batch, interrupted))
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

/// Keeps with the batch what was asked for about other channels.
fn keep_fallback(batch: HeldBatch, fallback: Option<Fallback>) -> Result<HeldBatch, RunError> {
    match fallback {
        Some(fallback) if batch.batch().fallback.as_ref() != Some(&fallback) => {
            let id = batch.batch().id;
            batch.store().keep_fallback(id, &fallback)?;
            batch.reread()
        }
        Some(_) | None => Ok(batch),
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
