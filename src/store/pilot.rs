//! The pilot of a batch: who is in it, and how these went. It is kept with the batch, so that any process that continues it
//! sends to the same people.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::checkpoint::{Reader, Store};
use super::columns::{Json, to_json};
use super::decision::{DecisionRecord, record};
use super::error::StoreError;
use super::ids::{BatchId, RecipientId};
use super::not_before::AT_ONCE;
use super::query::Query as _;
use super::steps::at_most;
use crate::domain::delivery::State;

/// Rows that are put first in one transaction.
const STEP: usize = 10_000;

/// A pilot as it is stored.
#[derive(Debug, Serialize, Deserialize)]
struct Stored {
    size: u32,
    seed: Option<u32>,
    is_over: bool,
    /// Digest of the batch when it began.
    digest: String,
    /// Their places in the batch, ascending.
    rows: Vec<u32>,
}

/// A pilot that begins.
#[derive(Debug, Clone)]
pub(crate) struct NewPilot {
    /// How many people were asked for.
    pub(crate) size: u32,
    /// The seed by which they were chosen; `None`: they are the first.
    pub(crate) seed: Option<u32>,
    /// Their places in the batch, ascending.
    pub(crate) rows: Vec<u32>,
    /// Who began it.
    pub(crate) actor: String,
    /// Now.
    pub(crate) at: Timestamp,
}

/// Whether a run of batch `b` could claim somebody whose time comes until `?5`: while a pilot lasts, of its rows. The
/// sign keeps the type of `b.id` out of the comparison: else the index is not sought but scanned.
pub(super) const HAS_QUEUED: &str = "iif(b.pilot IS NULL OR b.pilot ->> 'is_over',
    EXISTS (SELECT 1 FROM recipient r INDEXED BY recipient_queue
            WHERE r.state = 'queued' AND r.held IS NULL AND r.id >> 32 = +b.id AND r.not_before <= ?5),
    EXISTS (SELECT 1 FROM json_each(b.pilot, '$.rows') p CROSS JOIN recipient r ON r.id = (b.id << 32) + p.value
            WHERE r.state = 'queued' AND r.held IS NULL AND r.not_before <= ?5))";

/// The rows of a pilot.
#[derive(Debug)]
pub(super) struct PilotRows(Vec<u32>);

impl PilotRows {
    #[cfg(test)]
    pub(super) fn for_tests(rows: &[u32]) -> Self {
        Self(rows.to_vec())
    }

    /// Whether the row is one of them.
    pub(super) fn holds(&self, id: RecipientId) -> bool {
        self.0.binary_search(&id.seq()).is_ok()
    }
}

/// People of a pilot who stand alike.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PilotPeople {
    /// How.
    pub state: State,
    /// Whether they are held by the text of a refusal.
    pub held: bool,
    /// What the API said, digits replaced, where they were refused or are held.
    pub text: Option<String>,
    /// How many.
    pub people: u64,
}

impl Store {
    /// Begins a pilot; another one that the batch had is forgotten. The caller holds the batch.
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint fails.
    pub(crate) fn begin_pilot(&self, id: BatchId, new: NewPilot) -> Result<(), StoreError> {
        self.writer.write_blocking(move |tx| {
            let digest = tx
                .connection
                .value("SELECT hex(digest) FROM batch WHERE id = ?1", [id])?;
            let stored = Stored {
                size: new.size,
                seed: new.seed,
                is_over: false,
                digest,
                rows: new.rows.clone(),
            };
            tx.connection.change(
                "UPDATE batch SET pilot = ?2 WHERE id = ?1",
                (id, to_json(&stored)?),
            )?;
            let (what, seed) = match new.seed {
                None => ("limit", String::new()),
                Some(seed) => ("sample", format!(", seed {seed}")),
            };
            let decision = DecisionRecord {
                batch: Some(id),
                actor: new.actor.clone(),
                what,
                detail: format!("{}{seed}: {} people", new.size, new.rows.len()),
                at: new.at,
            };
            record(tx.connection, &decision)
        })
    }

    /// The rows of the pilot that is not over, if the batch has one: those of them that are queued are put before all
    /// others.
    pub(super) async fn put_pilot_first(
        &self,
        id: BatchId,
    ) -> Result<Option<PilotRows>, StoreError> {
        let Some(stored) = self.reader()?.stored_pilot(id)?.filter(|it| !it.is_over) else {
            return Ok(None);
        };
        for step in stored.rows.chunks(at_most(STEP)) {
            let step = step.to_vec();
            self.writer
                .write(move |tx| {
                    for seq in &step {
                        tx.connection.change(
                            "UPDATE recipient SET not_before = ?2
                             WHERE id = ?1 AND state = 'queued' AND held IS NULL",
                            (RecipientId::new(id, *seq), AT_ONCE),
                        )?;
                    }
                    Ok(())
                })
                .await?;
        }
        Ok(Some(PilotRows(stored.rows)))
    }
}

impl Reader {
    fn stored_pilot(&self, id: BatchId) -> Result<Option<Stored>, StoreError> {
        let stored: Option<Option<Json<Stored>>> = self
            .connection
            .find("SELECT pilot FROM batch WHERE id = ?1", [id])?;
        Ok(stored.flatten().map(|stored| stored.0))
    }

    /// Calls `choose` with the places of the rows that a run would claim, in their order; at most `limit`.
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint fails.
    pub(crate) fn queued_rows<T>(
        &self,
        id: BatchId,
        limit: u32,
        choose: impl FnOnce(&mut dyn Iterator<Item = u32>) -> T,
    ) -> Result<T, StoreError> {
        let mut select = self.connection.prepare_cached(
            "SELECT id FROM recipient INDEXED BY recipient_queue
             WHERE state = 'queued' AND held IS NULL AND id >> 32 = ?1 ORDER BY id LIMIT ?2",
        )?;
        let mut failure = None;
        let mut rows = select
            .query_map((id, limit), |row| row.get::<_, RecipientId>(0))?
            .map_while(|row| row.map_err(|error| failure = Some(error)).ok())
            .map(RecipientId::seq);
        let chosen = choose(&mut rows);
        drop(rows);
        failure.map_or(Ok(chosen), |error| Err(error.into()))
    }

    /// How the people of the batch's pilot stand; empty if it has none.
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint fails.
    pub(crate) fn pilot_people(&self, id: BatchId) -> Result<Vec<PilotPeople>, StoreError> {
        self.connection.read(
            "SELECT r.state, r.held IS NOT NULL,
                    iif(r.held IS NOT NULL OR r.state IN ('error', 'no_messenger'),
                        coalesce(f.text, r.reason), NULL), count(*)
             FROM batch b CROSS JOIN json_each(b.pilot, '$.rows') j
                  CROSS JOIN recipient r ON r.id = (b.id << 32) | j.value
                  LEFT JOIN refusal f ON f.id = coalesce(r.held, r.refusal)
             WHERE b.id = ?1 GROUP BY 1, 2, 3 ORDER BY 4 DESC, 1, 2, 3",
            [id],
            |row| {
                Ok(PilotPeople {
                    state: row.get(0)?,
                    held: row.get(1)?,
                    text: row.get(2)?,
                    people: u64::try_from(row.get::<_, i64>(3)?).unwrap_or(0),
                })
            },
        )
    }
}
