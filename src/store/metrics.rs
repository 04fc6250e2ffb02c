//! Figures for monitoring: all are kept up to date elsewhere, none needs a scan of rows.

use jiff::Timestamp;

use super::checkpoint::Reader;
use super::columns::{from_json, from_millis};
use super::error::StoreError;
use super::query::Query as _;
use super::tally::Counts;
use crate::domain::batch_state::BatchState;
use crate::domain::quota::QuotaState;

/// One batch's figures.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct BatchMetrics {
    /// Its name.
    pub(crate) name: String,
    /// Recipients by state, and requests.
    pub(crate) counts: Counts,
    /// When its list was read.
    pub(crate) created_at: Timestamp,
    /// When its last run ended, and how, as a word.
    pub(crate) last_run: Option<(Timestamp, String)>,
    /// It was given up.
    pub(crate) is_cancelled: bool,
}

impl BatchMetrics {
    /// Whether a run would find a recipient to send to.
    pub(crate) fn is_outstanding(&self) -> bool {
        !self.is_cancelled && self.counts.queued + self.counts.sending > 0
    }
}

/// The checkpoint's figures.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Metrics {
    /// All batches, the newest first.
    pub(crate) batches: Vec<BatchMetrics>,
    /// What is known of the quota of each token, by its fingerprint.
    pub quotas: Vec<(i64, QuotaState)>,
    /// Webhook events that wait for what they are about.
    pub waiting_events: u64,
    /// Webhook events that could not be read, or not in full.
    pub unreadable_events: u64,
    /// Opt-outs of contacts whose number is not known.
    pub waiting_opt_outs: u64,
}

impl Reader {
    /// The figures at this moment.
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint fails.
    pub fn metrics(&self) -> Result<Metrics, StoreError> {
        let kept = self.kept_counts()?;
        let mut metrics = Metrics {
            waiting_events: self.waiting_events()?,
            unreadable_events: kept.replies + kept.events,
            waiting_opt_outs: kept.opt_outs,
            ..Metrics::default()
        };
        for batch in self.batches()? {
            metrics.batches.push(BatchMetrics {
                counts: self.counts(batch.id)?,
                name: batch.name,
                created_at: batch.created_at,
                last_run: batch.finished_at.zip(batch.exit_reason),
                is_cancelled: batch.state == BatchState::Cancelled,
            });
        }
        let quotas = "SELECT token, state FROM quota ORDER BY token";
        metrics.quotas = self.connection.read(quotas, [], |row| {
            let json: String = row.get(1)?;
            Ok((row.get(0)?, from_json(&json).unwrap_or_default()))
        })?;
        Ok(metrics)
    }

    /// How many webhook events wait for what they are about.
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint fails.
    pub fn waiting_events(&self) -> Result<u64, StoreError> {
        self.connection
            .count("SELECT count(*) FROM event WHERE applied_at IS NULL", [])
    }

    /// When the last webhook event came; `None` if none ever did.
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint fails.
    pub(crate) fn last_event_at(&self) -> Result<Option<Timestamp>, StoreError> {
        let last: Option<i64> = self.connection.find(
            "SELECT received_at FROM event WHERE id = (SELECT max(id) FROM event)",
            [],
        )?;
        last.map(from_millis).transpose()
    }
}
