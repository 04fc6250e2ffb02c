//! Batches as they are stored, and what is known of each without its rows.

use std::collections::BTreeSet;

use rusqlite::Row;
use serde::de::DeserializeOwned;

use super::batch::{BY_DEADLINE, Batch};
use super::checkpoint::Reader;
use super::columns::{Json, time, time_if_any};
use super::error::StoreError;
use super::ids::BatchId;
use super::not_before::FOR_AN_OUTCOME;
use super::query::Query as _;
use super::{attempt, runs};
use crate::domain::pilot::Pilot;
use crate::domain::text::nearest;

impl Reader {
    /// The batch of that name.
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint fails.
    pub fn find_batch(&self, name: &str) -> Result<Option<Batch>, StoreError> {
        self.connection.find_read(
            &format!("{SELECT_BATCH} WHERE name = ?1"),
            [name],
            batch_from_row,
        )
    }

    /// The batch of that name, or an error that names a similar one.
    ///
    /// # Errors
    /// [`StoreError::NoBatch`] if there is none.
    pub fn batch(&self, name: &str) -> Result<Batch, StoreError> {
        if let Some(batch) = self.find_batch(name)? {
            return Ok(batch);
        }
        let batches = self.batches()?.into_iter();
        let near = nearest(name, batches.map(|it| (it.name.clone(), it.name)), 0.7);
        Err(StoreError::NoBatch {
            name: name.to_owned(),
            near,
        })
    }

    /// All batches, the newest first.
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint fails.
    pub fn batches(&self) -> Result<Vec<Batch>, StoreError> {
        self.connection.read(
            &format!("{SELECT_BATCH} WHERE name IS NOT NULL ORDER BY batch.id DESC"),
            [],
            batch_from_row,
        )
    }

    /// The fingerprint of the token that sent the batch last.
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint fails.
    pub(crate) fn token_of(&self, id: BatchId) -> Result<Option<i64>, StoreError> {
        self.connection
            .value("SELECT (SELECT token FROM batch WHERE id = ?1)", [id])
    }

    /// Whether the checkpoint holds who was messaged, or must not be: a real batch, or a suppressed number.
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint fails.
    pub(crate) fn is_in_use(&self) -> Result<bool, StoreError> {
        self.connection.value(
            "SELECT EXISTS (SELECT 1 FROM batch WHERE sandbox = 0)
                    OR EXISTS (SELECT 1 FROM person WHERE suppressed_at IS NOT NULL)",
            [],
        )
    }

    /// The lists that are being read, each with the name that its reader holds; none where its target is gone.
    pub(super) fn being_read(&self) -> Result<Vec<(BatchId, Option<String>)>, StoreError> {
        self.connection.rows(
            "SELECT b.id, coalesce(b.name, t.name) FROM batch b LEFT JOIN batch t ON t.id = b.staged_for
             WHERE b.state = 'reading'",
            [],
        )
    }

    /// The queued rows of the batch that wait until the outcome of another batch's request is settled: how many,
    /// and what the first of them waits for.
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint fails.
    pub(crate) fn waiting_for_outcomes(
        &self,
        id: BatchId,
    ) -> Result<(u64, Option<String>), StoreError> {
        let (rows, first): (i64, Option<String>) = self.connection.row(
            "SELECT count(*), min(reason) FROM recipient INDEXED BY recipient_queue
                 WHERE state = 'queued' AND held IS NULL AND id >> 32 = ?1 AND not_before = ?2",
            (id, FOR_AN_OUTCOME),
        )?;
        Ok((u64::try_from(rows).unwrap_or(0), first))
    }

    /// The batches that have requests under way, but for one.
    pub(super) fn under_way_elsewhere(
        &self,
        except: Option<BatchId>,
    ) -> Result<Vec<(BatchId, Option<String>)>, StoreError> {
        let mut ids: BTreeSet<BatchId> = runs::batches(&self.connection)?.into_iter().collect();
        ids.extend(attempt::batches_under_way(&self.connection)?);
        if let Some(except) = except {
            ids.remove(&except);
        }
        let mut found = Vec::new();
        for id in ids {
            let name: Option<Option<String>> = self
                .connection
                .find("SELECT name FROM batch WHERE id = ?1", [id])?;
            found.push((id, name.flatten()));
        }
        Ok(found)
    }

    /// Whether the list is the new one of a change that was decided.
    pub(super) fn is_part_of_a_change(&self, id: BatchId) -> Result<bool, StoreError> {
        self.connection.has(
            "SELECT 1 FROM batch WHERE json_extract(change, '$.staging') = ?1",
            [id],
        )
    }

    /// The lists that were on their way into a batch when their process died.
    pub(super) fn staged_for(&self, target: BatchId) -> Result<Vec<BatchId>, StoreError> {
        self.connection.list(
            "SELECT id FROM batch WHERE name IS NULL AND staged_for = ?1",
            [target],
        )
    }
}

/// The columns that [`batch_from_row`] reads.
const SELECT_BATCH: &str = "SELECT batch.id AS id, hex(uid) AS uid, name, state, state_why, state_by, state_since, state_until, digest,
    definition, headers, files, channel.api_id AS channel, channel.type AS channel_type, sandbox, created_at,
    started_at, finished_at, exit_reason, halted_text, policy ->> 'list' AS list,
    policy ->> 'fallback' AS fallback, policy ->> 'purpose' AS purpose, policy ->> 'history' AS history,
    policy ->> 'follow_up' AS follow_up, policy ->> 'sending' AS sending,
    policy ->> 'pruned_at' AS pruned_at,
    pilot ->> 'size' AS pilot_size, pilot ->> 'seed' AS pilot_seed, pilot ->> 'is_over' AS pilot_is_over,
    pilot ->> 'digest' IS hex(digest) AS pilot_is_of_this_list
    FROM batch JOIN channel ON channel.id = batch.channel";

fn batch_from_row(row: &Row<'_>) -> Result<Batch, StoreError> {
    Ok(Batch {
        id: row.get("id")?,
        uid: row.get::<_, String>("uid")?.to_ascii_lowercase(),
        name: row.get("name")?,
        state: row.get("state")?,
        state_why: row.get("state_why")?,
        state_by: match row.get::<_, Option<String>>("state_by")? {
            Some(by) => Some(by.replace(BY_DEADLINE, "")).filter(|by| !by.is_empty()),
            None => None,
        },
        state_since: time(row, "state_since")?,
        state_until: time_if_any(row, "state_until")?,
        digest: row.get("digest")?,
        definition: row.get::<_, Json<_>>("definition")?.0,
        headers: row.get::<_, Json<_>>("headers")?.0,
        files: row.get::<_, Json<_>>("files")?.0,
        channel: row.get("channel")?,
        channel_type: row.get("channel_type")?,
        purpose: row.get("purpose")?,
        fallback: json_if_any(row, "fallback")?,
        history: json_if_any(row, "history")?,
        sending: json_if_any(row, "sending")?,
        follow_up: json_if_any(row, "follow_up")?,
        list: json_if_any(row, "list")?.unwrap_or_default(),
        sandbox: row.get("sandbox")?,
        created_at: time(row, "created_at")?,
        started_at: time_if_any(row, "started_at")?,
        finished_at: time_if_any(row, "finished_at")?,
        exit_reason: row.get("exit_reason")?,
        halted_text: row.get("halted_text")?,
        pilot: pilot_from_row(row)?,
        pruned_at: time_if_any(row, "pruned_at")?,
    })
}

fn json_if_any<T: DeserializeOwned>(row: &Row<'_>, column: &str) -> Result<Option<T>, StoreError> {
    Ok(row.get::<_, Option<Json<T>>>(column)?.map(|json| json.0))
}

/// The pilot of a batch, from the columns that are selected for it.
fn pilot_from_row(row: &Row<'_>) -> Result<Option<Pilot>, StoreError> {
    let Some(size) = row.get("pilot_size")? else {
        return Ok(None);
    };
    Ok(Some(Pilot {
        size,
        seed: row.get("pilot_seed")?,
        is_over: row.get("pilot_is_over")?,
        is_of_this_list: row.get("pilot_is_of_this_list")?,
    }))
}
