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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::checkpoint::Store;

    /// A row: state, attempts, end, reason code, and when a request left that may have been accepted.
    type Row = (String, i64, Option<i64>, Option<String>, Option<i64>);

    #[test]
    fn what_was_under_way_in_the_batch_is_unknown_and_may_have_been_accepted_when_it_left() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("outreach.db")).unwrap();
        let found = store.writer.write_blocking(|tx| {
            tx.connection.execute_batch(
                "INSERT INTO channel (id, api_id) VALUES (1, '7001');
                 INSERT INTO batch (id, uid, state, state_since, digest, definition, headers, files, channel, sandbox,
                                    created_at)
                     VALUES (1, x'01', 'running', 0, x'01', '{}', '[]', '[]', 1, 0, 0),
                            (2, x'02', 'running', 0, x'02', '{}', '[]', '[]', 1, 0, 0);
                 INSERT INTO tally (batch, sending) VALUES (1, 2), (2, 1);
                 INSERT INTO person (id, number) VALUES (1, 420777000001), (2, 420777000002), (3, 420777000003);
                 INSERT INTO recipient (id, person, state, attempts)
                     VALUES ((1 << 32) + 1, 1, 'sending', 1), ((1 << 32) + 2, 2, 'sent', 1),
                            ((2 << 32) + 1, 3, 'sending', 0);
                 INSERT INTO attempt (recipient, person, channel, kind, started_at, finished_at, outcome)
                     VALUES ((1 << 32) + 1, 1, 1, 'request', 3, 4, 'throttled'),
                            ((1 << 32) + 1, 1, 1, 'request', 5, NULL, NULL),
                            ((1 << 32) + 2, 2, 1, 'request', 6, NULL, NULL),
                            ((2 << 32) + 1, 3, 1, 'request', 7, NULL, NULL);",
            )?;
            let rows = interrupt(tx, BatchId::for_tests(1), Timestamp::from_second(9).unwrap())?;
            let recipients: Vec<Row> = tx.connection.rows(
                "SELECT state, attempts, finished_at, reason_code, maybe_accepted_at FROM recipient ORDER BY id",
                [],
            )?;
            let attempts: Vec<Option<String>> =
                tx.connection.list("SELECT outcome FROM attempt ORDER BY id", [])?;
            Ok((rows, recipients, attempts))
        });
        let (rows, recipients, attempts) = found.unwrap();
        assert_eq!(rows, 1);
        let code = || Some("interrupted".to_owned());
        let wanted: [Row; 3] = [
            ("unknown".to_owned(), 2, Some(9_000), code(), Some(5)),
            // An event showed what became of it.
            ("sent".to_owned(), 1, None, None, None),
            ("sending".to_owned(), 0, None, None, None),
        ];
        assert_eq!(recipients, wanted);
        assert_eq!(
            attempts,
            [Some("throttled".to_owned()), code(), code(), None]
        );
    }
}
