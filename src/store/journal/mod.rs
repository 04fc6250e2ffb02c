//! The at-most-once journal: intents and results of a batch that is being sent.
//!
//! A worker hands in the result of its last message and asks for its next in one
//! [`Journal::settle_and_claim`]; when that returns, both the result and the new intent are on disk, and only
//! then may the request leave. A crash therefore finds every message that may have gone out in state
//! `sending`: [`Journal::start`] turns those into `unknown`, and they are never sent again by themselves.
//!
//! All that a claim or a result needs is read in its own transaction, so that no other process can write between the
//! question and the claim, and so that a transaction that was rolled back can run again. The journal keeps
//! one thing in memory: how much of the quota that others used it has reported already.

mod batch_now;
mod claim;
mod context;
mod interrupt;
mod other_numbers;
mod queue;
mod route;
mod settle;
mod types;

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use jiff::Timestamp;

use super::batch::Batch;
use super::error::StoreError;
use super::ids::RecipientId;
use super::query::Query as _;
use super::refusal::{self, Cause};
use super::runs::{self, Run};
use super::steps::at_most;
use super::transaction::Tx;
use super::{audience, channel, fallback, follow_up, quota, tuning};
use crate::domain::fallback::Step;
use crate::domain::outcome::AttemptOutcome;
use crate::store::checkpoint::Store;

pub(super) use claim::suppress_never;
pub(super) use interrupt::interrupt;
pub(super) use settle::{OTHER_NUMBER, other_number_reason};
pub use types::{Claim, ClaimRules, Claimed, Opening, Settled, Settlement, Window};
pub(crate) use types::{JournalStart, QuotaUpdate};

use claim::Others;
use context::{Channel, Context};
use types::Outstanding;

/// A batch that is being sent.
#[derive(Clone)]
pub struct Journal {
    store: Arc<Store>,
    context: Arc<Context>,
    quota_update: Option<Arc<QuotaUpdate>>,
    /// Requests of other batches with the same token since the run began, as far as they were reported.
    others_reported: Arc<AtomicU64>,
    /// The connections that the token allows, if they are shared.
    connections: Option<u32>,
    /// How many runs share them, as far as it was reported.
    runs_reported: Arc<AtomicU32>,
}

impl std::fmt::Debug for Journal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Journal").finish_non_exhaustive()
    }
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
        let (id, token) = (batch.id, rules.token);
        let own = batch.channel.clone();
        let (channels, (fallback, follow_up, chosen_from), before, interrupted) = store
            .writer
            .write(move |tx| {
                tuning::for_sending(tx.connection)?;
                tx.sends = Some(true);
                let fallback = fallback::kept(tx.connection, id)?;
                let follow_up = follow_up::kept(tx.connection, id)?;
                let chosen_from = audience::chosen_from(tx.connection, id, follow_up.as_ref())?;
                let others = fallback.iter().flat_map(|it| &it.channels);
                let mut channels = Vec::new();
                for api_id in std::iter::once(&own).chain(others.map(|it| &it.id)) {
                    channels.push(Channel {
                        id: channel::find_or_make(tx.connection, api_id)?,
                        api_id: api_id.clone(),
                    });
                }
                let interrupted = interrupt(tx, id, now)?;
                let before = quota::claims(tx.connection, token, id)?;
                let kind = (fallback, follow_up, chosen_from);
                Ok((channels, kind, before, interrupted))
            })
            .await?;
        // What waited for a time or for another batch is judged anew.
        while store
            .writer
            .write(move |tx| claim::reset_waits(tx, id))
            .await?
        {}
        let pilot = store.put_pilot_first(id).await?;
        let context = Context {
            batch: id,
            channels,
            fallback,
            follow_up,
            chosen_from,
            refused: AtomicU32::new(0),
            rules,
            row_cells: batch.row_cells(),
            keys: store.keys.clone(),
            since: now,
            before,
            pilot,
        };
        let journal = Self {
            store,
            context: Arc::new(context),
            quota_update: None,
            others_reported: Arc::default(),
            connections: None,
            runs_reported: Arc::new(AtomicU32::new(1)),
        };
        Ok((journal, JournalStart { interrupted }))
    }

    /// What the answers say of the quota goes to disk together with their results, so that the process that
    /// goes on after a crash knows it.
    #[must_use]
    pub(crate) fn with_quota(mut self, update: Arc<QuotaUpdate>) -> Self {
        self.quota_update = Some(update);
        self
    }

    /// From now on all runs with the token have so many connections together, whatever their processes.
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint fails.
    pub(crate) async fn sharing_connections(mut self, limit: u32) -> Result<Self, StoreError> {
        self.connections = Some(limit);
        let run = Run {
            batch: self.context.batch,
            token: self.context.rules.token,
            connections: limit,
            since: self.context.since,
        };
        self.interrupt_dead(self.context.since).await?;
        self.store
            .writer
            .write(move |tx| {
                tx.bookkeeping = true;
                runs::enter(tx, &run)
            })
            .await?;
        Ok(self)
    }

    /// Records the result of the last message and the intent of the next, together; returns when both are on
    /// disk.
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint fails: then neither is on disk, and sending must stop.
    pub async fn settle_and_claim(
        &self,
        settlement: Option<Settlement>,
        claim_at: Option<Timestamp>,
    ) -> Result<(Option<Settled>, Option<Claim>), StoreError> {
        let known = Others {
            requests: self.others_reported.load(Ordering::SeqCst),
            connections: self.connections,
            runs: self.runs_reported.load(Ordering::SeqCst),
        };
        let (settled, claim) = self
            .write(settlement, move |context, tx| {
                claim_at
                    .map(|now| claim::claim(tx, context, known, now))
                    .transpose()
            })
            .await?;
        let claim = match claim {
            None => None,
            Some(claim::Found::Claim(claim)) => Some(claim),
            Some(claim::Found::OthersSpent { total }) => {
                Some(others_spent(&self.others_reported, total))
            }
            Some(claim::Found::SharedBy(runs)) => {
                self.runs_reported.store(runs, Ordering::SeqCst);
                Some(Claim::SharedBy(runs))
            }
            // The result is on disk all the same.
            Some(claim::Found::NoRoom) => return Err(StoreError::Full),
        };
        Ok((settled, claim))
    }

    /// Records the result of the last message, and returns whether the run has recipients left that are not
    /// under way; returns when the result is on disk. Those who must not be messaged are suppressed, as by a
    /// claim.
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint fails: then the result is not on disk, and sending must stop.
    pub async fn has_outstanding(
        &self,
        mut settlement: Option<Settlement>,
        at: Timestamp,
    ) -> Result<(Option<Settled>, bool), StoreError> {
        let mut settled = None;
        loop {
            let (now_settled, outstanding) = self
                .write(settlement.take(), move |context, tx| {
                    claim::outstanding(tx, context, at)
                })
                .await?;
            settled = settled.or(now_settled);
            match outstanding {
                Outstanding::Retry => {}
                Outstanding::None => return Ok((settled, false)),
                Outstanding::Some => return Ok((settled, true)),
            }
        }
    }

    /// Records a result and does `then` in the same transaction.
    async fn write<T: Send + 'static>(
        &self,
        settlement: Option<Settlement>,
        then: impl Fn(&Context, &mut Tx<'_>) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<(Option<Settled>, T), StoreError> {
        let quota = match &settlement {
            Some(_) => self.quota_update.as_ref().and_then(|update| update()),
            None => None,
        };
        let for_log = settlement.as_ref().map(|it| {
            let receipt = it.receipt.as_ref();
            let message_id = receipt.and_then(|receipt| receipt.message_id.clone());
            (it.recipient, it.outcome, message_id)
        });
        let context = Arc::clone(&self.context);
        let written = self
            .store
            .writer
            .write(move |tx| {
                if let Some(it) = &settlement
                    && let Some(quota) = &quota
                {
                    tx.note_quota(context.rules.token, quota, it.at);
                }
                let settled = settlement
                    .as_ref()
                    .map(|it| settle::settle(tx, &context, it))
                    .transpose()?;
                Ok((settled, then(&context, tx)?))
            })
            .await;
        if let (Err(_), Some((recipient, outcome, message_id))) = (&written, for_log) {
            // The checkpoint will call it unknown: what is known goes where a person can find it.
            tracing::error!(
                recipient = recipient.seq(),
                outcome = outcome.word(),
                message_id,
                "the checkpoint failed before this result was on disk"
            );
        }
        written
    }

    /// The run is over: what is new of the quota since the last result (permits that were not used have
    /// gone back) is on disk when this returns.
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint fails.
    pub async fn end(&self, now: Timestamp) -> Result<(), StoreError> {
        let quota = self.quota_update.as_ref().and_then(|update| update());
        let (token, batch) = (self.context.rules.token, self.context.batch);
        self.store
            .writer
            .write(move |tx| {
                tx.bookkeeping = true;
                runs::leave(tx.connection, batch)?;
                if let Some(quota) = &quota {
                    tx.note_quota(token, quota, now);
                }
                tx.sends = Some(false);
                tuning::for_lists(tx.connection)
            })
            .await
    }

    /// Gives up on the answers that are still awaited: their recipients become `unknown`.
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint fails.
    pub async fn interrupt(&self, now: Timestamp) -> Result<u64, StoreError> {
        let batch = self.context.batch;
        self.store
            .writer
            .write(move |tx| interrupt(tx, batch, now))
            .await
    }

    /// As [`Store::interrupt_dead`], of other batches.
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint fails.
    pub(crate) async fn interrupt_dead(&self, now: Timestamp) -> Result<(), StoreError> {
        self.store
            .interrupt_dead(Some(self.context.batch), now)
            .await?;
        Ok(())
    }

    /// Takes refusals back: the rows are queued again; `hold`: claimed by nobody until the text of the refusal has
    /// a meaning. Rows that were settled otherwise meanwhile stay as they are.
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint fails.
    pub(crate) async fn take_back(
        &self,
        rows: Vec<RecipientId>,
        hold: bool,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        for step in rows.chunks(at_most(refusal::STEP)) {
            let step = step.to_vec();
            self.store
                .writer
                .write(move |tx| {
                    let cause = Cause {
                        outcome: AttemptOutcome::TakenBack,
                        text: "such refusals stopped the batch",
                        actor: "guard",
                        at: now,
                    };
                    for recipient in &step {
                        refusal::requeue(tx, *recipient, hold, cause)?;
                    }
                    Ok(())
                })
                .await?;
        }
        Ok(())
    }

    /// Nothing more is sent through the channel of this step in this run: it is refused as a whole. Its recipients go
    /// on to the next channel where that was asked for, else they wait for another run.
    pub(crate) fn refuse_channel(&self, step: Step) {
        self.context.refuse(step);
    }

    /// Remembers the type of the channel of a step, which a 201 named.
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint fails.
    pub(crate) async fn set_channel_type(
        &self,
        step: Step,
        kind: String,
    ) -> Result<(), StoreError> {
        let on = self.context.channel(step)?.id;
        self.store
            .writer
            .write(move |tx| {
                tx.connection
                    .change("UPDATE channel SET type = ?2 WHERE id = ?1", (on, &kind))?;
                Ok(())
            })
            .await
    }
}

/// Reports what others used of the quota, each request once.
fn others_spent(reported: &AtomicU64, total: u64) -> Claim {
    let before = reported.fetch_max(total, Ordering::SeqCst);
    match total.saturating_sub(before) {
        // Another task has reported it meanwhile.
        0 => Claim::Again,
        more => Claim::OthersSpent(u32::try_from(more).unwrap_or(u32::MAX)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_others_spent_is_reported_once() {
        let reported = AtomicU64::new(2);
        assert_eq!(others_spent(&reported, 5), Claim::OthersSpent(3));
        assert_eq!(others_spent(&reported, 5), Claim::Again);
        assert_eq!(others_spent(&reported, 4), Claim::Again);
        assert_eq!(others_spent(&reported, 6), Claim::OthersSpent(1));
    }
}
