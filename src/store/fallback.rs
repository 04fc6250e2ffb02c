//! Recipients that go on to another channel of their batch.
//!
//! [`fall_back`] moves a row in the transaction that learns that its person is not reached, so that no crash comes
//! between the two. Whether it may be moved is decided by [`crate::domain::fallback::next_step`], from all requests
//! for the row. A row that was refused with a text that nobody knows is held first ([`hold_open_run`]): many in a
//! row may have another cause. The next acceptance on that channel shows that the channel works, and lets them go
//! on ([`end_open_run`]).

use jiff::Timestamp;
use rusqlite::{Connection, Params};

use super::attempt::{self, Note};
use super::batch::{QueuedBy, reopen};
use super::channel;
use super::checkpoint::{Reader, Store};
use super::columns::{count, to_millis};
use super::decision::{self, DecisionRecord};
use super::error::StoreError;
use super::ids::{BatchId, ChannelId, RecipientId, RefusalId};
use super::not_before::AT_ONCE;
use super::pause;
use super::policy::{self, keep};
use super::query::Query as _;
use super::transaction::Tx;
use crate::domain::content::for_step;
use crate::domain::delivery::{self, Event, State};
use crate::domain::fallback::{Cause, EarlierOutcome, Fallback, Step, next_step};
use crate::domain::outcome::AttemptOutcome;

/// Its key in the policy of a batch.
const FALLBACK: &str = "fallback";

/// The rows of the open run of refusals, in the policy of a batch.
const OPEN_RUN: &str = "open_run";

/// A run moves a row by itself, and goes on with it.
pub(super) const BY_RUN: (QueuedBy, &str) = (QueuedBy::Person, "outreach");

/// The reason code of a row that is held because the run of refusals that it belongs to goes on.
pub(super) const IN_OPEN_RUN: &str = "open_run";

/// Rows of an open run that are let go by themselves. A run that is longer than that waits for a person.
const LONGEST_RUN: usize = 10_000;

/// What the batch keeps; `None` if it has its own channel alone.
pub(super) fn kept(
    connection: &Connection,
    batch: BatchId,
) -> Result<Option<Fallback>, StoreError> {
    policy::kept(connection, batch, FALLBACK)
}

/// A row, as far as it matters here.
struct Subject {
    state: State,
    step: Step,
    content: String,
    metadata: String,
}

/// The row; `None` if no list has it any more or its list refuses it by now, its person was erased, or its batch was given
/// up.
fn subject(connection: &Connection, row: RecipientId) -> Result<Option<Subject>, StoreError> {
    let found: Option<(State, u8, String, Option<String>)> = connection.find_row(
        "SELECT r.state, r.step, i.content, i.metadata
             FROM recipient r CROSS JOIN recipient_input i ON i.id = r.id
                  CROSS JOIN person p ON p.id = r.person CROSS JOIN batch b ON b.id = r.id >> 32
             WHERE r.id = ?1 AND i.content IS NOT NULL AND p.number IS NOT NULL
                   AND r.reason_code IS NOT 'erased' AND r.reason_code IS NOT 'no_consent'
                   AND i.file >= b.first_file
                   AND b.state <> 'cancelled'",
        [row],
    )?;
    let Some((state, step, content, metadata)) = found else {
        return Ok(None);
    };
    Ok(Some(Subject {
        state,
        step: Step::new(step),
        content,
        metadata: metadata.unwrap_or_else(|| "{}".to_owned()),
    }))
}

/// The step that a row may go on to.
fn next(
    connection: &Connection,
    fallback: &Fallback,
    row: RecipientId,
    subject: &Subject,
    cause: Cause,
) -> Result<Option<Step>, StoreError> {
    let past = attempt::past_of(connection, row)?;
    let past: Vec<EarlierOutcome> = past.into_iter().map(|(past, _)| past).collect();
    let has = |step| for_step(&subject.content, &subject.metadata, step).is_ok();
    Ok(next_step(fallback, subject.step, cause, &past, has))
}

/// Queues a row on the next channel, if there is one for it and nothing may have been accepted. `why` and `actor`
/// stand in the row's history. Returns whether it was moved.
pub(super) fn fall_back(
    tx: &mut Tx<'_>,
    row: RecipientId,
    cause: Cause,
    why: &str,
    (queued_by, actor): (QueuedBy, &str),
    at: Timestamp,
) -> Result<bool, StoreError> {
    let Some(fallback) = kept(tx.connection, row.batch())? else {
        return Ok(false);
    };
    let Some(subject) = subject(tx.connection, row)? else {
        return Ok(false);
    };
    let waits = subject.state == State::Queued;
    if !waits && subject.state != State::NoMessenger {
        return Ok(false);
    }
    let Some(step) = next(tx.connection, &fallback, row, &subject, cause)? else {
        return Ok(false);
    };
    let state = if waits {
        State::Queued
    } else {
        delivery::next(subject.state, Event::FallsBack)?
    };
    tx.connection.change(
        "UPDATE recipient SET state = ?2, step = ?3, not_before = ?4, held = NULL, refusal = NULL,
                    reason_code = NULL, reason = NULL, finished_at = NULL WHERE id = ?1",
        (row, state.word(), step.get(), AT_ONCE),
    )?;
    let outcome = AttemptOutcome::FellBack;
    let note = Note {
        recipient: row,
        outcome,
        text: Some(why),
        actor,
        at,
    };
    let on = match fallback.channel(step) {
        Some(other) => Some(channel::find_or_make(tx.connection, &other.id)?),
        None => None,
    };
    attempt::note(tx.connection, &note)?;
    if on.is_some() {
        tx.connection.change(
            "UPDATE attempt SET channel = ?1 WHERE id = last_insert_rowid()",
            [on],
        )?;
    }
    tx.count_move(row.batch(), subject.state, state);
    reopen(tx.connection, row.batch(), queued_by, at)?;
    Ok(true)
}

/// Holds a row that was just refused with a text that nobody knows, if it would go on to another channel. Returns
/// whether it is held.
pub(super) fn hold_open_run(
    tx: &mut Tx<'_>,
    row: RecipientId,
    refusal: RefusalId,
    text: &str,
) -> Result<bool, StoreError> {
    let Some(fallback) = kept(tx.connection, row.batch())? else {
        return Ok(false);
    };
    let Some(subject) = subject(tx.connection, row)?.filter(|it| it.state == State::NoMessenger)
    else {
        return Ok(false);
    };
    if next(tx.connection, &fallback, row, &subject, Cause::NoUser)?.is_none() {
        return Ok(false);
    }
    let next = delivery::next(subject.state, Event::TakenBack)?;
    let reason = format!(
        "held until somebody is reached on this channel, or somebody says what this refusal means: {text}"
    );
    tx.connection.change(
        "UPDATE recipient SET state = ?2, held = ?3, reason_code = ?4, reason = ?5, finished_at = NULL,
                    not_before = 0 WHERE id = ?1",
        (row, next.word(), refusal, IN_OPEN_RUN, reason),
    )?;
    tx.count_move(row.batch(), subject.state, next);
    change_open_run(tx.connection, row.batch(), |rows| {
        if rows.len() < LONGEST_RUN {
            rows.push(row.get());
        }
    })
    .map(|()| true)
}

/// A row that is held in an open run stays held, until a person says what its refusal means.
pub(super) fn keep_held(connection: &Connection, row: RecipientId) -> Result<(), StoreError> {
    connection.change(
        "UPDATE recipient SET reason_code = 'held'
             WHERE id = ?1 AND state = 'queued' AND held IS NOT NULL AND reason_code = 'open_run'",
        [row],
    )?;
    Ok(())
}

/// A message was accepted on a channel: the refusals before it were about the people.
pub(super) fn end_open_run(
    tx: &mut Tx<'_>,
    batch: BatchId,
    step: Step,
    at: Timestamp,
) -> Result<(), StoreError> {
    let rows = open_run(tx.connection, batch)?;
    if rows.is_empty() {
        return Ok(());
    }
    let (mut of_step, mut others) = (Vec::new(), Vec::new());
    for row in rows {
        match step_in_run(tx.connection, row)? {
            Some(found) if found == step => of_step.push(row),
            // An acceptance on one channel says nothing of the refusals of another.
            Some(_) => others.push(row),
            None => {}
        }
    }
    change_open_run(tx.connection, batch, |kept| *kept = others)?;
    for row in of_step {
        let row = RecipientId(row);
        let why = "no Messenger, as others were reached since";
        if !fall_back(tx, row, Cause::NoUser, why, BY_RUN, at)? {
            settle_in_place(tx, row, at)?;
        }
    }
    Ok(())
}

/// A row of the run that cannot go on any more ends as "no Messenger".
fn settle_in_place(tx: &mut Tx<'_>, row: RecipientId, at: Timestamp) -> Result<(), StoreError> {
    let next = delivery::next(State::Queued, Event::ProvenNoMatch)?;
    let changed = tx.connection.change(
        "UPDATE recipient SET state = ?2, held = NULL, reason_code = ?2, reason = NULL, finished_at = ?3
             WHERE id = ?1 AND state = 'queued' AND held IS NOT NULL",
        (row, next.word(), to_millis(at)),
    )?;
    if changed > 0 {
        tx.count_move(row.batch(), State::Queued, next);
    }
    Ok(())
}

/// The step of a row that is still held in an open run.
fn step_in_run(connection: &Connection, row: i64) -> Result<Option<Step>, StoreError> {
    connection.find_read(
        "SELECT step FROM recipient
         WHERE id = ?1 AND state = 'queued' AND held IS NOT NULL AND reason_code = 'open_run'",
        [row],
        |row| Ok(Step::new(row.get(0)?)),
    )
}

fn open_run(connection: &Connection, batch: BatchId) -> Result<Vec<i64>, StoreError> {
    Ok(policy::kept(connection, batch, OPEN_RUN)?.unwrap_or_default())
}

fn change_open_run(
    connection: &Connection,
    batch: BatchId,
    change: impl FnOnce(&mut Vec<i64>),
) -> Result<(), StoreError> {
    let mut rows = open_run(connection, batch)?;
    change(&mut rows);
    keep(connection, batch, OPEN_RUN, &rows)?;
    Ok(())
}

/// How the requests of a batch over one of its channels ended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct ChannelAnswers {
    /// They were accepted.
    pub(crate) accepted: u64,
    /// The number is not reached on the channel.
    pub(crate) no_messenger: u64,
    /// They were refused otherwise.
    pub(crate) refused: u64,
}

/// How many of the latest requests show how a channel answers.
const LATEST: u32 = 10_000;

fn count_answers(
    connection: &Connection,
    sql: &str,
    params: impl Params,
) -> Result<ChannelAnswers, StoreError> {
    let mut answers = ChannelAnswers::default();
    let counts = connection.read(sql, params, |row| Ok((row.get(0)?, count(row, 1)?)))?;
    for (outcome, count) in counts {
        let outcome: String = outcome;
        match outcome.as_str() {
            "sent" => answers.accepted += count,
            "no_messenger" => answers.no_messenger += count,
            "rejected" | "person" | "message" => answers.refused += count,
            _ => {}
        }
    }
    Ok(answers)
}

impl Reader {
    /// The channel of a step of the batch, if it has one and was used.
    pub(super) fn channel_at(
        &self,
        batch: BatchId,
        step: Step,
    ) -> Result<Option<ChannelId>, StoreError> {
        if step == Step::FIRST {
            return self
                .connection
                .find("SELECT channel FROM batch WHERE id = ?1", [batch]);
        }
        let fallback = self.kept_fallback(batch)?;
        match fallback.as_ref().and_then(|it| it.channel(step)) {
            Some(other) => channel::find(&self.connection, &other.id),
            None => Ok(None),
        }
    }

    /// How the latest requests over a channel ended, whatever their batch.
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint fails.
    pub(crate) fn latest_answers(&self, channel: &str) -> Result<ChannelAnswers, StoreError> {
        let Some(on) = channel::find(&self.connection, channel)? else {
            return Ok(ChannelAnswers::default());
        };
        count_answers(
            &self.connection,
            "SELECT outcome, count(*) FROM (SELECT * FROM attempt ORDER BY id DESC LIMIT ?2)
             WHERE channel = ?1 AND kind = 'request' AND outcome IS NOT NULL GROUP BY outcome",
            (on, LATEST),
        )
    }

    /// How the requests of the batch over the channel of a step ended.
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint fails.
    pub(crate) fn channel_answers(
        &self,
        batch: BatchId,
        step: Step,
    ) -> Result<ChannelAnswers, StoreError> {
        let Some(on) = self.channel_at(batch, step)? else {
            return Ok(ChannelAnswers::default());
        };
        let (first, last) = batch.range();
        count_answers(
            &self.connection,
            "SELECT a.outcome, count(*)
             FROM recipient r CROSS JOIN attempt a INDEXED BY attempt_by_person
                  ON a.person IS r.person AND a.recipient = r.id
             WHERE r.id > ?1 AND r.id < ?2 AND a.channel = ?3 AND a.kind = 'request'
                   AND a.outcome IS NOT NULL GROUP BY a.outcome",
            (first, last, on),
        )
    }

    /// What the batch keeps about other channels.
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint fails.
    pub(crate) fn kept_fallback(&self, batch: BatchId) -> Result<Option<Fallback>, StoreError> {
        kept(&self.connection, batch)
    }
}

impl Store {
    /// Keeps this with the batch.
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint fails.
    pub fn keep_fallback(&self, batch: BatchId, fallback: &Fallback) -> Result<(), StoreError> {
        self.decide_fallback(batch, fallback, Vec::new())
    }

    /// As [`Self::keep_fallback`], with what was said, for the audit.
    pub(crate) fn decide_fallback(
        &self,
        batch: BatchId,
        fallback: &Fallback,
        decisions: Vec<DecisionRecord>,
    ) -> Result<(), StoreError> {
        let fallback = fallback.clone();
        self.writer.write_blocking(move |tx| {
            let adds_channel = keep_with(tx.connection, batch, &fallback)?;
            // What is approved goes to the channels that it had then.
            if let (true, Some(decision)) = (adds_channel, decisions.first()) {
                pause::note_changed(tx.connection, batch, Some(&decision.actor))?;
            }
            decision::record_all(tx.connection, &decisions)
        })
    }
}

/// As [`Store::keep_fallback`], in a transaction that does more. Returns whether the batch has another channel by it.
pub(super) fn keep_with(
    connection: &Connection,
    batch: BatchId,
    fallback: &Fallback,
) -> Result<bool, StoreError> {
    let before: Option<Fallback> = kept(connection, batch)?;
    keep(connection, batch, FALLBACK, fallback)?;
    Ok(before.map_or(0, |it| it.channels.len()) < fallback.channels.len())
}

#[cfg(test)]
mod tests;
