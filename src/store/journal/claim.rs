//! The claims: which recipient is next, whether it may be messaged, and the intent on disk.
//!
//! Queued rows are found by the index `recipient_queue`, in the order of `not_before`: rows that came back
//! first, then rows that were never tried, in row order. A row that must wait is written with the time from
//! which it is checked again, so that no claim passes over it twice.

use jiff::Timestamp;

use super::batch_now::BatchNow;
use super::context::Context;
use super::other_numbers;
use super::queue::{Message, Ready, due, message_for, wait};
use super::route;
use super::types::{Claim, Claimed, Opening, Outstanding};
use crate::amio::Addressee;
use crate::domain::delivery::{self, Event, State};
use crate::domain::eligibility::RequestOutcome;
use crate::domain::phone::PhoneNumber;
use crate::domain::recipient::Suppression;
use crate::store::attempt::{self, Intent};
use crate::store::columns::{from_millis, to_millis};
use crate::store::contact;
use crate::store::earlier::SkippedBatch;
use crate::store::error::StoreError;
use crate::store::history::{self, PersonVerdict};
use crate::store::ids::{BatchId, RecipientId};
use crate::store::not_before::{AT_ONCE, FOR_AN_OUTCOME, NEVER, NEVER_TRIED, NEXT_RUN};
use crate::store::past::{AskedContent, AskedKey, Asker};
use crate::store::query::Query as _;
use crate::store::runs::{self, Run, Slot};
use crate::store::steps::at_most;
use crate::store::suppression::suppress;
use crate::store::tally::Counter;
use crate::store::transaction::Tx;

/// Rows that one claim suppresses or passes over at the most before it lets others have their turn.
const LOOKED_AT: usize = 500;

/// Rows whose waits are ended in one transaction.
const RESET_AT_ONCE: u32 = 10_000;

/// How soon a row is checked again that waits for another batch's answer.
const ANSWER: i64 = 2_000;

/// What a claim found.
pub(super) enum Found {
    Claim(Claim),
    /// Others used the quota.
    OthersSpent {
        /// Their requests since the run began.
        total: u64,
    },
    /// The disk is full: what is known was written, and nothing more is begun.
    NoRoom,
    /// This number of runs shares the connections.
    SharedBy(u32),
}

/// What a search for the next row found.
enum Next {
    Row(Box<Ready>, PhoneNumber, Message),
    /// Many rows that may not be sent, and the end is not reached.
    More,
    Nothing,
}

/// What the run knows of others with its token.
#[derive(Debug, Clone, Copy)]
pub(super) struct Others {
    /// Requests of theirs since the run began.
    pub(super) requests: u64,
    /// The connections that all of them may have together; `None` if they are not shared.
    pub(super) connections: Option<u32>,
    /// How many runs share them, this one included.
    pub(super) runs: u32,
}

/// Claims the next recipient, unless others used the quota or hold the connections.
pub(super) fn claim(
    tx: &mut Tx<'_>,
    context: &Context,
    known: Others,
    now: Timestamp,
) -> Result<Found, StoreError> {
    if tx.disk_is_full {
        return Ok(Found::NoRoom);
    }
    let batch = BatchNow::read(tx, context)?;
    if let Some(by) = batch.paused_by {
        return Ok(Found::Claim(Claim::Paused(by)));
    }
    if let Some(connections) = known.connections {
        let run = Run {
            batch: context.batch,
            token: context.rules.token,
            connections,
            since: context.since,
        };
        match tx.bookkeep(|tx| runs::slot(tx, &run, known.runs, now))? {
            Slot::Free => {}
            Slot::Taken => return Ok(Found::Claim(Claim::NoConnection)),
            Slot::SharedBy(runs) => return Ok(Found::SharedBy(runs)),
        }
    }
    let total = batch.claims.of_others_since(&context.before);
    if total > known.requests {
        return Ok(Found::OthersSpent { total });
    }
    Ok(Found::Claim(match next(tx, context, &batch.skip, now)? {
        Next::Row(ready, phone, message) => {
            Claim::Claimed(Box::new(intend(tx, context, *ready, phone, message, now)?))
        }
        Next::More => Claim::Again,
        Next::Nothing => Claim::Exhausted {
            opens_at: next_opening(tx, context, now)?,
        },
    }))
}

/// Whether a claim would find a row, now or later in this run.
pub(super) fn outstanding(
    tx: &mut Tx<'_>,
    context: &Context,
    now: Timestamp,
) -> Result<Outstanding, StoreError> {
    let skip = BatchNow::read(tx, context)?.skip;
    Ok(match next(tx, context, &skip, now)? {
        Next::Row(..) => Outstanding::Some,
        Next::More => Outstanding::Retry,
        Next::Nothing => match next_opening(tx, context, now)? {
            Some(_) => Outstanding::Some,
            None => Outstanding::None,
        },
    })
}

/// The next row that may be messaged; those before it that must not be are suppressed, and those that must
/// wait are given their time.
fn next(
    tx: &mut Tx<'_>,
    context: &Context,
    skip: &[SkippedBatch],
    now: Timestamp,
) -> Result<Next, StoreError> {
    for _ in 0..at_most(LOOKED_AT) {
        let Some(mut ready) = due(tx, context, now)? else {
            return Ok(Next::Nothing);
        };
        if let Some(pilot) = &context.pilot
            && !pilot.holds(ready.id)
        {
            // It came back to the queue meanwhile: it goes with the rest.
            wait(tx, ready.id, NEVER_TRIED)?;
            continue;
        }
        let Some(phone) = ready.phone else {
            suppress(tx, ready.id, &Suppression::Forgotten, now)?;
            continue;
        };
        if !route::is_its_turn(tx, context, &ready, now)? {
            continue;
        }
        if context.fallback.is_some() && !route::stays(tx, context, &ready, now)? {
            continue;
        }
        let Some(message) = message_for(context, &mut ready)? else {
            end_as_error(tx, ready.id, now)?;
            continue;
        };
        let window = context.rules.window.as_ref();
        match window.map_or(Opening::Now, |window| window(phone, now)) {
            Opening::Now => {}
            Opening::At(at) => {
                wait(tx, ready.id, to_millis(at).max(to_millis(now) + 1))?;
                continue;
            }
            Opening::NotInThisRun => {
                wait(tx, ready.id, NEXT_RUN)?;
                continue;
            }
            Opening::Never => {
                wait(tx, ready.id, NEVER)?;
                continue;
            }
        }
        if may_send(tx, context, skip, (&ready, phone), &message, now)? {
            return Ok(Next::Row(Box::new(ready), phone, message));
        }
    }
    Ok(Next::More)
}

/// When the first of the rows that wait is checked again, in this run.
fn next_opening(
    tx: &Tx<'_>,
    context: &Context,
    now: Timestamp,
) -> Result<Option<Timestamp>, StoreError> {
    let next: Option<i64> = tx.connection.find(
        "SELECT not_before FROM recipient INDEXED BY recipient_queue
             WHERE state = 'queued' AND held IS NULL AND id >> 32 = ?1 AND not_before > ?2
                   AND not_before < ?3
             ORDER BY not_before LIMIT 1",
        (context.batch, to_millis(now), NEXT_RUN),
    )?;
    if next.is_none() {
        no_row_is_left(tx, context)?;
    }
    next.map(from_millis).transpose()
}

/// Fails if rows are queued that no claim finds, because a part of them cannot be read: a run that passed over
/// them would end as if all were done.
fn no_row_is_left(tx: &Tx<'_>, context: &Context) -> Result<(), StoreError> {
    let least = match context.pilot {
        None => NEVER_TRIED,
        Some(_) => AT_ONCE,
    };
    let left: i64 = tx.connection.value(
        "SELECT count(*) FROM recipient INDEXED BY recipient_queue
             WHERE state = 'queued' AND held IS NULL AND id >> 32 = ?1 AND not_before >= ?2
                   AND not_before < ?3",
        (context.batch, least, NEXT_RUN),
    )?;
    if left == 0 {
        return Ok(());
    }
    Err(StoreError::Corrupt {
        detail: format!("{left} rows are queued and cannot be read"),
    })
}

/// Asks whether the person may be messaged; if not, the row is suppressed or waits.
fn may_send(
    tx: &mut Tx<'_>,
    context: &Context,
    skip: &[SkippedBatch],
    (ready, phone): (&Ready, PhoneNumber),
    message: &Message,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let on = context.channel(ready.step)?.id;
    if let Some(api_id) = &ready.contact_id
        && let Some(cause) =
            contact::must_not_be_addressed(tx.connection, &context.keys, on, api_id)?
    {
        suppress(tx, ready.id, &cause, now)?;
        return Ok(false);
    }
    let asker = Asker {
        batch: Some(context.batch),
        recipient: Some(ready.id),
        channel: Some(on),
        content: Some(AskedContent {
            keys: &context.keys,
            text: &message.content,
            key: AskedKey::Known(message.key),
        }),
        skip,
        is_other_number: false,
    };
    let about = (tx.connection, &context.keys);
    let verdict = match history::judge(about, ready.person, &asker, context.rules.span, now)? {
        PersonVerdict::MayBeMessaged => {
            other_numbers::judge(tx, context, (ready, phone), &asker, now)?
        }
        kept_back => kept_back,
    };
    match verdict {
        PersonVerdict::MayBeMessaged => Ok(true),
        PersonVerdict::Suppressed(cause) => {
            suppress(tx, ready.id, &cause, now)?;
            Ok(false)
        }
        PersonVerdict::Waits { outcome, why } => {
            let until = match outcome {
                RequestOutcome::UnderWay => to_millis(now) + ANSWER,
                // The last two suppress, and never wait.
                RequestOutcome::Unknown | RequestOutcome::SentAgain | RequestOutcome::Accepted => {
                    FOR_AN_OUTCOME
                }
            };
            wait(tx, ready.id, until)?;
            tx.connection.change(
                "UPDATE recipient SET reason_code = 'waits', reason = ?2 WHERE id = ?1",
                (ready.id, why),
            )?;
            Ok(false)
        }
    }
}

/// Suppresses some of the rows whose sending hours never come. Returns how many.
pub(in crate::store) fn suppress_never(
    tx: &mut Tx<'_>,
    batch: BatchId,
    now: Timestamp,
) -> Result<usize, StoreError> {
    let rows: Vec<RecipientId> = tx.connection.list(
        "SELECT id FROM recipient INDEXED BY recipient_queue
             WHERE state = 'queued' AND held IS NULL AND id >> 32 = ?1 AND not_before = ?2 LIMIT ?3",
        (batch, NEVER, at_most(RESET_AT_ONCE)),
    )?;
    for row in &rows {
        suppress(tx, *row, &Suppression::WindowNeverOpens, now)?;
    }
    Ok(rows.len())
}

/// Ends the waits of rows: another run may have other hours, and other batches may have their answers.
/// Returns whether there may be more.
pub(super) fn reset_waits(tx: &mut Tx<'_>, batch: BatchId) -> Result<bool, StoreError> {
    let changed = tx.connection.change(
        "UPDATE recipient SET not_before = 0,
                    reason_code = iif(reason_code = 'waits', NULL, reason_code),
                    reason = iif(reason_code = 'waits', NULL, reason)
             WHERE id IN (SELECT id FROM recipient INDEXED BY recipient_queue
                          WHERE state = 'queued' AND held IS NULL AND id >> 32 = ?1 AND not_before > 0
                          LIMIT ?2)",
        (batch, at_most(RESET_AT_ONCE)),
    )?;
    Ok(changed > 0)
}

/// Takes the row and writes its intent.
fn intend(
    tx: &mut Tx<'_>,
    context: &Context,
    ready: Ready,
    phone: PhoneNumber,
    message: Message,
    now: Timestamp,
) -> Result<Claimed, StoreError> {
    let next = delivery::next(State::Queued, Event::Claimed)?;
    let on = context.channel(ready.step)?.id;
    tx.connection.change(
        "UPDATE recipient SET state = ?2 WHERE id = ?1",
        (ready.id, next.word()),
    )?;
    attempt::begin(
        tx.connection,
        &Intent {
            recipient: ready.id,
            person: ready.person,
            channel: on,
            content_key: message.key,
            token: context.rules.token,
            at: now,
        },
    )?;
    tx.count_move(context.batch, State::Queued, next);
    tx.count(context.batch, Counter::Requests, 1);
    tx.note_claim(context.rules.token, now);
    tx.note_started(context.batch, now);
    // Where the contact was gone, the number is tried in its place.
    let by_number =
        ready.attempts > 0 && attempt::was_contact_gone(tx.connection, ready.id, ready.person)?;
    let contact_id = if by_number || !route::takes_contact_ids(tx, context, ready.step)? {
        None
    } else {
        contact::addressed_by(tx.connection, on, ready.person, ready.contact_id)?
    };
    let addressee = match contact_id {
        Some(id) => Addressee::ContactId(id),
        None => Addressee::Phone {
            phone,
            first_name: ready.first_name,
            last_name: ready.last_name,
        },
    };
    Ok(Claimed {
        recipient: ready.id,
        attempts: ready.attempts,
        phone,
        row: ready.row,
        addressee,
        content: message.content,
        metadata: ready.metadata,
        step: ready.step,
    })
}

/// Ends a row that the checkpoint holds without its message: it cannot be sent.
fn end_as_error(tx: &mut Tx<'_>, id: RecipientId, now: Timestamp) -> Result<(), StoreError> {
    tx.connection.change(
        "UPDATE recipient SET state = 'error', reason_code = 'no_content', finished_at = ?2,
                    reason = 'the checkpoint holds no message for this row; add the row again (--add)'
             WHERE id = ?1",
        (id, to_millis(now)),
    )?;
    tx.count_move(id.batch(), State::Queued, State::Error);
    Ok(())
}

#[cfg(test)]
mod tests;
