//! What an earlier process left under way: its answers were never read.

use jiff::Timestamp;

use crate::domain::delivery::{self, Event, State};
use crate::domain::fallback::Cause;
use crate::domain::outcome::AttemptOutcome;
use crate::store::attempt::{self, Closing};
use crate::store::columns::to_millis;
use crate::store::error::StoreError;
use crate::store::fallback;
use crate::store::ids::{AttemptId, BatchId, RecipientId};
use crate::store::query::Query as _;
use crate::store::transaction::Tx;

/// Turns what an earlier process left in `sending` into `unknown`.
pub(in crate::store) fn interrupt(
    tx: &mut Tx<'_>,
    batch: BatchId,
    now: Timestamp,
) -> Result<u64, StoreError> {
    let mut rows = 0;
    for (request, recipient) in attempt::under_way_in(tx.connection, batch)? {
        let closing = Closing {
            outcome: AttemptOutcome::Interrupted,
            http_status: None,
            text: None,
            message_id: None,
            contact: None,
            at: now,
        };
        attempt::close(tx.connection, request, &closing)?;
        if lose_answer(tx, request, recipient, now)? {
            rows += 1;
        } else {
            // An event may have shown that the person is not reached on this channel.
            let why = "not reached";
            fallback::fall_back(tx, recipient, Cause::NoUser, why, fallback::BY_RUN, now)?;
        }
    }
    Ok(rows)
}

/// The answer will never be read. False if an event has shown what became of the request.
fn lose_answer(
    tx: &mut Tx<'_>,
    request: AttemptId,
    id: RecipientId,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let next = delivery::next(State::Sending, Event::AnswerLost)?;
    let changed = tx.connection.change(
        "UPDATE recipient SET state = ?2, attempts = attempts + 1, finished_at = ?3,
                    reason_code = ?4,
                    reason = 'the program ended before the answer came; the message may have been sent',
                    maybe_accepted_at = (SELECT started_at FROM attempt WHERE id = ?5)
             WHERE id = ?1 AND state = 'sending'",
        (
            id,
            next.word(),
            to_millis(now),
            AttemptOutcome::Interrupted.word(),
            request,
        ),
    )?;
    if changed > 0 {
        tx.count_move(id.batch(), State::Sending, next);
    }
    Ok(changed > 0)
}
