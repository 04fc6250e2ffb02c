//! The results: what became of an attempt, and what an earlier process never learned.

use jiff::Timestamp;
use rusqlite::Connection;

use super::Progress;
use super::types::{Settled, Settlement};
use crate::domain::delivery::{self, Event, State};
use crate::domain::outcome::{AttemptOutcome, Receipt};
use crate::store::batch::{BatchId, RecipientId, parse_state};
use crate::store::error::StoreError;
use crate::store::to_millis;
use crate::store::writer::{Counter, Tx};

/// Turns what an earlier process left in `sending` into `unknown`.
pub(in crate::store) fn interrupt(
    tx: &mut Tx<'_>,
    batch: BatchId,
    now: Timestamp,
) -> Result<u64, StoreError> {
    let next = delivery::next(State::Sending, Event::AnswerLost)?;
    let range = (batch.get() << 32, (batch.get() + 1) << 32);
    let any: bool = tx.connection.query_row(
        "SELECT EXISTS (SELECT 1 FROM recipient WHERE state = 'sending' AND id > ?1 AND id < ?2)",
        range,
        |row| row.get(0),
    )?;
    if !any {
        // The audit of a large batch is not searched for nothing.
        return Ok(0);
    }
    tx.connection.execute(
        // From the tail back, and no further than the last of them: the audit may be long.
        "UPDATE attempt SET finished_at = ?3, outcome = 'interrupted' WHERE id IN
               (SELECT id FROM attempt WHERE finished_at IS NULL AND recipient IN
                       (SELECT id FROM recipient WHERE state = 'sending' AND id > ?1 AND id < ?2)
                ORDER BY id DESC LIMIT
                       (SELECT count(*) FROM recipient WHERE state = 'sending' AND id > ?1 AND id < ?2))",
        (range.0, range.1, to_millis(now)),
    )?;
    let rows = tx.connection.execute(
        "UPDATE recipient SET state = ?3, attempts = attempts + 1, finished_at = ?4,
                reason_code = 'interrupted',
                reason = 'the program ended before the answer came; the message may have been sent'
         WHERE state = 'sending' AND id > ?1 AND id < ?2",
        (range.0, range.1, next.word(), to_millis(now)),
    )?;
    let rows = u64::try_from(rows).unwrap_or(u64::MAX);
    tx.count(
        batch,
        Counter::State(State::Sending),
        -i64::try_from(rows).unwrap_or(0),
    );
    tx.count(
        batch,
        Counter::State(next),
        i64::try_from(rows).unwrap_or(0),
    );
    Ok(rows)
}

impl Progress {
    pub(super) fn settle(
        &mut self,
        tx: &mut Tx<'_>,
        it: &Settlement,
    ) -> Result<Settled, StoreError> {
        let found: String = tx
            .connection
            .prepare_cached("SELECT state FROM recipient WHERE id = ?1")?
            .query_row([it.recipient.get()], |row| row.get(0))?;
        let state = parse_state(&found)?;
        let next = delivery::next(state, it.event)?;
        update_recipient(tx, it, state, next)?;
        tx.connection
            .prepare_cached(
                "UPDATE attempt SET finished_at = ?2, outcome = ?3, http_status = ?4, text = ?5
                 WHERE id = ?1",
            )?
            .execute((
                it.attempt.0,
                to_millis(it.at),
                it.outcome.word(),
                it.http_status,
                (!it.text.is_empty()).then_some(&it.text),
            ))?;
        if let Some(receipt) = &it.receipt {
            insert_message(tx.connection, it.recipient, receipt, it.at)?;
        }
        if it.outcome == AttemptOutcome::Throttled {
            tx.count(self.batch, Counter::Throttled, 1);
        }
        tx.count_move(self.batch, state, next);
        if next == State::Queued {
            self.returned.insert(it.recipient.get());
        }
        Ok(Settled { state: next })
    }
}

fn update_recipient(
    tx: &Tx<'_>,
    it: &Settlement,
    state: State,
    next: State,
) -> Result<(), StoreError> {
    // An event that overtook the answer has already told what there is to tell; a signal that gave
    // the answer up has not, but counted the attempt.
    let given_up = state == State::Unknown;
    let overtaken = state != State::Sending && !given_up;
    let finished = !next.is_outstanding() && !overtaken;
    let reason = (finished && !it.text.is_empty()).then_some(it.text.as_str());
    let code = (reason.is_some() || next == State::Unknown).then(|| it.outcome.word());
    tx.connection
        .prepare_cached(
            "UPDATE recipient SET state = ?2, attempts = attempts + ?3,
                    reason_code = CASE WHEN ?7 THEN reason_code ELSE ?4 END,
                    reason = CASE WHEN ?7 THEN reason ELSE ?5 END,
                    finished_at = CASE WHEN ?7 THEN finished_at ELSE ?6 END
             WHERE id = ?1",
        )?
        .execute((
            it.recipient.get(),
            next.word(),
            i64::from(it.outcome.counts() && !given_up),
            code,
            reason,
            finished.then(|| to_millis(it.at)),
            overtaken,
        ))?;
    Ok(())
}

fn insert_message(
    connection: &Connection,
    recipient: RecipientId,
    receipt: &Receipt,
    at: Timestamp,
) -> Result<(), StoreError> {
    connection
        .prepare_cached(
            "INSERT INTO message (recipient, message_id, contact_id, sent_at) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT (recipient) DO UPDATE SET
                message_id = coalesce(excluded.message_id, message_id),
                contact_id = coalesce(excluded.contact_id, contact_id), sent_at = excluded.sent_at",
        )?
        .execute((recipient.get(), &receipt.message_id, &receipt.contact_id, to_millis(at)))?;
    connection
        .prepare_cached("INSERT OR IGNORE INTO contact_due (recipient) VALUES (?1)")?
        .execute([recipient.get()])?;
    Ok(())
}
