//! The at-most-once journal: intents and results of a batch that is being sent.
//!
//! A worker hands in the result of its last message and asks for its next in one [`Journal::step`];
//! when the step returns, both the result and the new intent are on disk, and only then may the
//! request leave. A crash therefore finds every message that may have gone out in state `sending`:
//! [`Journal::start`] turns those into `unknown`, and they are never sent again by themselves.
//!
//! A message costs one update of its row and one insertion at the end of a table. All else is
//! written once for each group commit: the intents, which cover ranges of rows, the counts, what the
//! answers told of the quota.
//!
//! Before a recipient is claimed, inside the same transaction: is the number on the suppression list
//! by now, did another batch send it the same content meanwhile, did another process use the
//! quota of the same token? Nobody can write between the question and the claim.

mod claim;
mod flight;
mod settle;
mod steps;
mod types;

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::Timestamp;

use super::batch::{Batch, BatchId, RecipientId};
use super::error::StoreError;
use super::event::WaitingOptOuts;
use super::history::History;
use super::writer::Tx;
use super::{Store, from_millis, settings, suppression, to_millis, tuning};

pub(super) use claim::suppress;
pub(super) use settle::interrupt;
pub use types::{
    Claim, ClaimRules, Claimed, JournalStart, Opening, QuotaNews, Settled, Settlement, Window,
};

use flight::Flights;
use steps::{Answer, Ask, Desk, Outlook, Step};

/// A batch that is being sent.
#[derive(Clone)]
pub struct Journal {
    store: Arc<Store>,
    desk: Arc<Desk>,
}

/// What the writer thread keeps in memory of the batch.
struct Progress {
    batch: BatchId,
    channel: String,
    rules: ClaimRules,
    history: History,
    /// The last row that was looked at.
    cursor: i64,
    /// Rows that went back to the queue behind the cursor.
    returned: BTreeSet<i64>,
    flights: Flights,
    /// Requests that were ever claimed with the token, as the checkpoint last told.
    token_claims: i64,
    /// How many requests of others with the token no claim has been told yet.
    others_spent: u32,
    /// The contacts whose opt-outs wait; as of this group.
    opt_outs: WaitingOptOuts,
    /// The suppression list is empty, and nobody was erased; as of this group.
    nobody_suppressed: bool,
    /// Of this group: our own claims, and the latest time.
    group_claims: i64,
    group_at: i64,
    /// The first opening of the sending hours of a row that was passed over.
    opens_at: Option<Timestamp>,
    /// Whether any contact of this channel is known.
    has_contacts: bool,
    started: bool,
    quota: Option<Box<QuotaNews>>,
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
        // What waited for a contact that an earlier run made known: no claim comes before it.
        for problem in store.apply_waiting_events(now).await?.problems {
            tracing::warn!("{problem}");
        }
        let (id, channel, started) = (batch.id, batch.channel.clone(), batch.started_at.is_some());
        let (progress, start) = store
            .writer
            .write(move |tx| {
                let interrupted = interrupt(tx, id, now)?;
                let history = History::load(tx.connection, rules.span, id, now)?;
                let token_claims = settings::claims(tx.connection, rules.token)?;
                let has_contacts = tx.connection.query_row(
                    "SELECT EXISTS (SELECT 1 FROM contact WHERE channel = ?1)",
                    [&channel],
                    |row| row.get(0),
                )?;
                tuning::for_sending(tx.connection)?;
                let progress = Progress {
                    batch: id,
                    channel,
                    rules,
                    history,
                    cursor: RecipientId::new(id, 0).get(),
                    returned: BTreeSet::new(),
                    flights: Flights::default(),
                    token_claims,
                    others_spent: 0,
                    opt_outs: WaitingOptOuts::load(tx.connection)?,
                    nobody_suppressed: false,
                    group_claims: 0,
                    group_at: to_millis(now),
                    opens_at: None,
                    has_contacts,
                    started,
                    quota: None,
                };
                Ok((progress, JournalStart { interrupted }))
            })
            .await?;
        Ok((
            Self {
                store,
                desk: Arc::new(Desk::new(progress)),
            },
            start,
        ))
    }

    /// Prepares a run. So many workers will step at the same time: under load a commit waits for a third
    /// of them, while the requests of the others are on their way. What the answers tell of the quota
    /// goes to disk together with their results, so that whoever comes after a crash knows it.
    pub fn prepare(&self, workers: usize, quota: Box<QuotaNews>) {
        self.store.writer.gather(workers / 3);
        self.desk.progress().quota = Some(quota);
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
        let ask = claim_at.map_or(Ask::Nothing, Ask::Claim);
        let writer = &self.store.writer;
        let answer = self.desk.step(writer, settlement, ask).await?;
        Ok((answer.settled, answer.claim))
    }

    /// Records the result of the last message, and tells whether anybody is left for this run who is not
    /// under way; returns when the result is on disk. Those who must not be messaged are suppressed by a
    /// look as by a claim.
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint fails: then the result is not on disk, and sending must stop.
    pub async fn look(
        &self,
        mut settlement: Option<Settlement>,
        at: Timestamp,
    ) -> Result<(Option<Settled>, bool), StoreError> {
        let writer = &self.store.writer;
        let mut settled = None;
        loop {
            let step = self.desk.step(writer, settlement.take(), Ask::Look(at));
            let answer = step.await?;
            settled = settled.or(answer.settled);
            match answer.outlook {
                Some(Outlook::Unsure) => {}
                Some(Outlook::Nobody) => return Ok((settled, false)),
                Some(Outlook::Somebody) | None => return Ok((settled, true)),
            }
        }
    }

    /// The run is over: what is new of the quota since the last result (permits that were not used have
    /// gone back) is on disk when this returns.
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint fails.
    pub async fn end(&self) -> Result<(), StoreError> {
        self.step(None, None).await?;
        self.store
            .writer
            .write(|tx| tuning::for_lists(tx.connection))
            .await
    }

    /// Gives up on the answers that are still awaited: their recipients become `unknown`.
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint fails.
    pub async fn interrupt(&self, now: Timestamp) -> Result<u64, StoreError> {
        let desk = Arc::clone(&self.desk);
        self.store
            .writer
            .write(move |tx| {
                let mut progress = desk.progress();
                progress.flights.give_up();
                interrupt(tx, progress.batch, now)
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
        let desk = Arc::clone(&self.desk);
        self.store
            .writer
            .write(move |tx| {
                let batch = desk.progress().batch;
                tx.connection.execute(
                    "UPDATE batch SET channel_type = ?2 WHERE id = ?1",
                    (batch.get(), kind),
                )?;
                Ok(())
            })
            .await
    }
}

impl Progress {
    /// Works off what was handed in together: all results, then all claims, then a look for those who
    /// ask for one, then what is written once for all of them.
    fn work_off(&mut self, tx: &mut Tx<'_>, steps: &[Step]) -> Result<Vec<Answer>, StoreError> {
        self.look_around(tx)?;
        let settled = self.settle(tx, steps)?;
        let claims = self.claim(tx, steps)?;
        let outlook = self.look(tx, steps)?;
        self.write_shared(tx)?;
        let answers = settled.into_iter().zip(claims).zip(steps);
        let answers = answers.map(|((settled, claim), step)| Answer {
            settled,
            claim,
            outlook: step.ask.look_at().and(outlook),
        });
        Ok(answers.collect())
    }

    /// What others wrote since the last group. It stands behind the last attempt that we know, and must
    /// be read before an attempt of ours stands behind it.
    fn look_around(&mut self, tx: &mut Tx<'_>) -> Result<(), StoreError> {
        self.history.catch_up(tx.connection)?;
        let claims = settings::claims(tx.connection, self.rules.token)?;
        let others = claims - std::mem::replace(&mut self.token_claims, claims);
        let others = u32::try_from(others).unwrap_or(0);
        self.others_spent = self.others_spent.saturating_add(others);
        self.opt_outs.catch_up(tx, from_millis(self.group_at)?)?;
        self.nobody_suppressed = suppression::is_empty(tx.connection)?;
        Ok(())
    }

    /// What is written once for all steps of a group.
    fn write_shared(&mut self, tx: &Tx<'_>) -> Result<(), StoreError> {
        let token = self.rules.token;
        self.flights.write(tx.connection, token)?;
        let news = self.quota.as_mut().and_then(|news| news());
        let claims = std::mem::take(&mut self.group_claims);
        if claims > 0 || news.is_some() {
            settings::note_quota(tx.connection, token, news, claims, self.group_at)?;
            self.token_claims += claims;
        }
        Ok(())
    }
}
