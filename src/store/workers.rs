//! Batches that any worker may take up.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::batch::BY_DEADLINE;
use super::checkpoint::{Reader, Store};
use super::columns::to_millis;
use super::error::StoreError;
use super::ids::BatchId;
use super::pilot::HAS_QUEUED;
use super::query::Query as _;
use crate::domain::batch_state::BY_EVENT;

/// Who goes on with a batch that was left to workers, as its state says.
const BY_WORKER: &str = "worker";

impl Store {
    /// The batch waits for a worker that has the token.
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint fails.
    pub(crate) fn leave_to_workers(
        &self,
        batch: BatchId,
        token: i64,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        self.writer.write_blocking(move |tx| {
            tx.connection.change(
                "UPDATE batch SET state = 'paused', state_why = 'a worker goes on with it', state_by = ?2,
                        state_since = ?3, state_until = NULL, token = ?4
                 WHERE id = ?1",
                (batch, BY_WORKER, to_millis(at), token),
            )?;
            Ok(())
        })
    }

    /// In a cluster, what other nodes wrote until now is in the file when this returns.
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint or the cluster fails.
    pub(crate) fn keep_pace(&self) -> Result<(), StoreError> {
        self.writer.write_blocking(|_| Ok(()))
    }
}

impl Reader {
    /// The batches that a worker with the token takes up: those that were left to workers, those that a deadline paused,
    /// those whose process is gone, and those in which an event queued a recipient whose turn has come. The oldest first.
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint fails.
    pub(crate) fn for_workers(
        &self,
        token: i64,
        now: Timestamp,
    ) -> Result<Vec<String>, StoreError> {
        self.left_to_workers(token, true, now)
    }

    /// Those that such a worker would take up if a second person had approved them; with those that nobody ever started for that
    /// reason, or that have people since they were complete.
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint fails.
    pub(crate) fn for_workers_once_approved(
        &self,
        token: i64,
        now: Timestamp,
    ) -> Result<Vec<String>, StoreError> {
        self.left_to_workers(token, false, now)
    }

    /// How many of the people who are queued in `batch` each batch has, itself among them: of the first thousand.
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint fails.
    pub(crate) fn batches_of_queued(
        &self,
        batch: BatchId,
    ) -> Result<BTreeMap<BatchId, u64>, StoreError> {
        let found: Vec<(BatchId, i64)> = self.connection.rows(
            "SELECT o.id >> 32, count(DISTINCT o.person)
             FROM (SELECT person FROM recipient INDEXED BY recipient_queue
                   WHERE state = 'queued' AND held IS NULL AND id >> 32 = ?1 LIMIT 1000) q
                  CROSS JOIN recipient o INDEXED BY recipient_by_person ON o.person = q.person
             GROUP BY 1",
            [batch],
        )?;
        let count = |(batch, people)| (batch, u64::try_from(people).unwrap_or(0));
        Ok(found.into_iter().map(count).collect())
    }

    fn left_to_workers(
        &self,
        token: i64,
        may_be_sent: bool,
        now: Timestamp,
    ) -> Result<Vec<String>, StoreError> {
        let names: Vec<String> = self.connection.list(
            &format!(
                "SELECT b.name FROM batch b JOIN tally t ON t.batch = b.id
             WHERE (b.token = ?1 OR NOT ?6 AND b.token IS NULL) AND b.sandbox = 0 AND b.name IS NOT NULL AND t.queued + t.sending > 0
                   AND (b.state IN ('running', 'waiting')
                        OR b.state = 'paused' AND (b.state_by = ?2 OR instr(b.state_by, ?3) = 1)
                        OR b.state = 'paused' AND b.state_by = ?4
                           AND {HAS_QUEUED}
                        OR NOT ?6 AND (b.state = 'draft' OR b.state = 'paused' AND b.state_by IS NULL))
                   AND ?6 = (b.approval ->> 'digest' IS hex(b.digest)
                             OR NOT EXISTS (SELECT 1 FROM node WHERE key = 'require-approval'))
             ORDER BY b.id"
            ),
            (token, BY_WORKER, BY_DEADLINE, BY_EVENT, to_millis(now), may_be_sent),
        )?;
        Ok(names
            .into_iter()
            .filter(|name| self.holder(name).is_none())
            .collect())
    }
}
