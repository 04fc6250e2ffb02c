//! The at-most-once journal: intents and results of a batch that is being sent.
//!
//! A worker hands in the result of its last message and asks for its next in one [`Journal::step`];
//! when the step returns, both the result and the new intent are on disk, and only then may the
//! request leave. A crash therefore finds every message that may have gone out in state `sending`:
//! [`Journal::start`] turns those into `unknown`, and they are never sent again by themselves.
//!
//! Before a recipient is claimed, inside the same transaction: is the number on the suppression list
//! by now, did another batch send it the same content meanwhile, did another process use the
//! quota of the same token? Nobody can write between the question and the claim.

mod claim;
mod settle;
mod types;

use std::collections::{BTreeSet, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;

use super::batch::{Batch, BatchId, RecipientId};
use super::error::StoreError;
use super::history::History;
use super::{Store, to_millis};

pub(super) use claim::suppress;
pub(super) use settle::interrupt;
pub use types::{
    AttemptId, Claim, ClaimRules, Claimed, JournalStart, Opening, Settled, Settlement, Window,
};

use claim::Ready;

/// A batch that is being sent.
#[derive(Debug, Clone)]
pub struct Journal {
    store: Arc<Store>,
    shared: Arc<Mutex<Progress>>,
}

/// What the writer thread keeps in memory of the batch. Only that thread locks it.
#[derive(Debug)]
struct Progress {
    batch: BatchId,
    channel: String,
    rules: ClaimRules,
    history: History,
    /// Queued rows read ahead, in row order.
    ahead: VecDeque<Ready>,
    /// The last row that was read.
    cursor: i64,
    /// Rows that went back to the queue behind the cursor.
    returned: BTreeSet<i64>,
    /// The first opening of the sending hours of a row that was passed over.
    opens_at: Option<Timestamp>,
    /// Whether any contact of this channel is known.
    has_contacts: bool,
    started: bool,
}

impl Journal {
    /// Takes up a batch: rows that an earlier process left in `sending` become `unknown`.
    ///
    /// The caller holds the batch ([`Store::hold`]).
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint fails.
    pub async fn start(
        store: Arc<Store>,
        batch: &Batch,
        rules: ClaimRules,
        now: Timestamp,
    ) -> Result<(Self, JournalStart), StoreError> {
        let (id, channel, started) = (batch.id, batch.channel.clone(), batch.started_at.is_some());
        let (progress, start) = store
            .writer
            .write(move |tx| {
                let interrupted = interrupt(tx, id, now)?;
                let history = History::load(tx.connection, rules.span, Some(id), now)?;
                let has_contacts = tx.connection.query_row(
                    "SELECT EXISTS (SELECT 1 FROM contact WHERE channel = ?1)",
                    [&channel],
                    |row| row.get(0),
                )?;
                let progress = Progress {
                    batch: id,
                    channel,
                    rules,
                    history,
                    ahead: VecDeque::new(),
                    cursor: RecipientId::new(id, 0).get(),
                    returned: BTreeSet::new(),
                    opens_at: None,
                    has_contacts,
                    started,
                };
                Ok((progress, JournalStart { interrupted }))
            })
            .await?;
        Ok((
            Self {
                store,
                shared: Arc::new(Mutex::new(progress)),
            },
            start,
        ))
    }

    /// Records the result of the last message and the intent of the next, together; returns when
    /// both are on disk.
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint fails: then neither is on disk, and sending must stop.
    pub async fn step(
        &self,
        settlement: Option<Settlement>,
        claim_at: Option<Timestamp>,
    ) -> Result<(Option<Settled>, Option<Claim>), StoreError> {
        let shared = Arc::clone(&self.shared);
        self.store
            .writer
            .write(move |tx| {
                let mut progress = shared.lock().unwrap_or_else(PoisonError::into_inner);
                let settled = settlement.map(|it| progress.settle(tx, &it)).transpose()?;
                let claim = claim_at.map(|now| progress.claim(tx, now)).transpose()?;
                Ok((settled, claim))
            })
            .await
    }

    /// Gives up on the answers that are still awaited: their recipients become `unknown`.
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint fails.
    pub async fn interrupt(&self, now: Timestamp) -> Result<u64, StoreError> {
        let shared = Arc::clone(&self.shared);
        self.store
            .writer
            .write(move |tx| {
                let batch = shared.lock().unwrap_or_else(PoisonError::into_inner).batch;
                interrupt(tx, batch, now)
            })
            .await
    }

    /// Remembers that refusals with these texts mean "no Messenger".
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint fails.
    pub async fn add_known_refusals(
        &self,
        texts: BTreeSet<String>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.store
            .writer
            .write(move |tx| {
                for text in texts {
                    tx.connection
                        .prepare_cached(
                            "INSERT INTO known_refusal (text, added_at) VALUES (?1, ?2)
                             ON CONFLICT DO NOTHING",
                        )?
                        .execute((text, to_millis(now)))?;
                }
                Ok(())
            })
            .await
    }

    /// Remembers the channel's type, which a 201 told.
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint fails.
    pub async fn set_channel_type(&self, kind: String) -> Result<(), StoreError> {
        let shared = Arc::clone(&self.shared);
        self.store
            .writer
            .write(move |tx| {
                let batch = shared.lock().unwrap_or_else(PoisonError::into_inner).batch;
                tx.connection.execute(
                    "UPDATE batch SET channel_type = ?2 WHERE id = ?1",
                    (batch.get(), kind),
                )?;
                Ok(())
            })
            .await
    }
}
