//! A row one of whose messages stands: it was accepted and is not proven failed, or it arrived, whatever was said of
//! it. Such a row is sent, whatever became of its other requests and in whatever order that was learned.

use jiff::Timestamp;
use rusqlite::Connection;

use super::attempt::{self, Note, Proof};
use super::channel;
use super::columns::to_millis;
use super::error::StoreError;
use super::fallback;
use super::ids::{AttemptId, ChannelId, ContactRow, RecipientId};
use super::query::Query as _;
use super::transaction::Tx;
use crate::domain::delivery::{self, Event, State};
use crate::domain::fallback::{EarlierOutcome, Step};
use crate::domain::outcome::AttemptOutcome;

/// Settles a row that is queued or was refused as sent, if a message of it stands: the row goes back to the channel of
/// that message. Returns whether it was settled. `actor` stands in the row's history.
pub(super) fn settle(
    tx: &mut Tx<'_>,
    row: RecipientId,
    actor: &str,
    at: Timestamp,
) -> Result<bool, StoreError> {
    revive(tx.connection, row, actor, at)?;
    let state: Option<State> = tx
        .connection
        .find("SELECT state FROM recipient WHERE id = ?1", [row])?;
    let state = match state {
        Some(state @ (State::Queued | State::NoMessenger | State::Error | State::Suppressed)) => {
            state
        }
        // The latest request decides.
        Some(State::Sending | State::Unknown | State::Sent | State::Invalid | State::Duplicate)
        | None => return Ok(false),
    };
    let mut past = attempt::past_of(tx.connection, row)?.into_iter();
    let Some((_, on)) = past.rfind(|(past, _)| *past == EarlierOutcome::Stands) else {
        return Ok(false);
    };
    let next = delivery::next(state, Event::ProvenSent)?;
    let step = step_of(tx.connection, row, on)?;
    tx.connection.change(
        "UPDATE recipient SET state = ?2, step = ?3, finished_at = ?4, not_before = 0, held = NULL, refusal = NULL,
                    maybe_accepted_at = NULL,
                    reason_code = iif(reason_code = 'erased' OR reason_code = 'forgotten' OR reason_code = 'no_consent', reason_code, NULL),
                    reason = iif(reason_code = 'erased' OR reason_code = 'forgotten' OR reason_code = 'no_consent', reason, NULL)
             WHERE id = ?1",
        (row, next.word(), step.get(), to_millis(at)),
    )?;
    let note = Note {
        recipient: row,
        outcome: AttemptOutcome::Evidence,
        text: None,
        actor,
        at,
    };
    attempt::note(tx.connection, &note)?;
    tx.count_move(row.batch(), state, next);
    attempt::end_waits(tx.connection, row)?;
    Ok(true)
}

/// What arrived did not fail, whatever was said of it.
fn revive(
    connection: &Connection,
    row: RecipientId,
    actor: &str,
    at: Timestamp,
) -> Result<(), StoreError> {
    let arrived: Vec<(AttemptId, Option<ContactRow>)> = connection.rows(
        "SELECT a.id, a.contact
             FROM recipient r CROSS JOIN attempt a INDEXED BY attempt_by_person
                  ON a.person IS r.person AND a.recipient = r.id
             WHERE r.id = ?1 AND a.proof = 'failed' AND coalesce(a.delivered_at, a.read_at) IS NOT NULL",
        [row],
    )?;
    for (request, contact) in arrived {
        attempt::prove(connection, request, Proof::Accepted, actor, None, at)?;
        if let Some(contact) = contact {
            attempt::note_read(connection, request, contact)?;
        }
    }
    Ok(())
}

/// The step of the batch's channel that a request went over.
fn step_of(connection: &Connection, row: RecipientId, on: ChannelId) -> Result<Step, StoreError> {
    let Some(fallback) = fallback::kept(connection, row.batch())? else {
        return Ok(Step::FIRST);
    };
    let mut step = Step::FIRST;
    for (number, other) in (1..).zip(&fallback.channels) {
        if channel::find(connection, &other.id)? == Some(on) {
            step = Step::new(number);
        }
    }
    Ok(step)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::checkpoint::Store;
    use crate::store::ids::BatchId;

    /// Three rows of two people in a batch with three channels. The second was refused and came back to the queue; what
    /// was sent to the third failed and arrived.
    const BATCH: &str = r#"
        INSERT INTO channel (id, api_id) VALUES (1, '7001'), (2, '7002'), (3, '7003');
        INSERT INTO batch (id, uid, state, state_since, digest, definition, headers, files, channel, sandbox, created_at,
                           policy)
            VALUES (1, x'01', 'paused', 0, x'01', '{}', '[]', '[]', 1, 0, 0,
                    '{"fallback": {"channels": [{"id": "7002"}, {"id": "7003"}], "at_most": 1}}');
        INSERT INTO tally (batch, queued, sending) VALUES (1, 1, 2);
        INSERT INTO person (id, number) VALUES (1, 420777000001), (2, 420777000002);
        INSERT INTO recipient (id, person, state) VALUES ((1 << 32) + 1, 2, 'sending'), ((1 << 32) + 3, 1, 'sending');
        INSERT INTO recipient (id, person, state, not_before, reason_code, reason, refusal, held, maybe_accepted_at)
            VALUES ((1 << 32) + 2, 1, 'queued', 9, 'no_messenger', 'nobody', 7, 7, 5);
        INSERT INTO attempt (recipient, person, channel, kind, started_at, outcome, proof, delivered_at)
            VALUES ((1 << 32) + 3, 1, 1, 'request', 1, 'undecided', 'failed', 2);"#;

    /// A row as it is stored: state, step, reason code and reason, the times, and what held it.
    type Row = (
        String,
        u8,
        Option<String>,
        Option<String>,
        Option<i64>,
        i64,
        Option<i64>,
        Option<i64>,
        Option<i64>,
    );

    /// Whether the second row is settled after these statements, how it stands then, and what was proven of the requests.
    fn settled(statements: &str) -> (bool, Row, String) {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("outreach.db")).unwrap();
        let statements = format!("{BATCH} {statements}");
        let found = store.writer.write_blocking(move |tx| {
            tx.connection.execute_batch(&statements)?;
            let row = RecipientId::new(BatchId::for_tests(1), 2);
            let is_settled = settle(tx, row, "test", Timestamp::from_second(9).unwrap())?;
            let stands = tx.connection.row(
                "SELECT state, step, reason_code, reason, finished_at, not_before, refusal, held, maybe_accepted_at
                     FROM recipient WHERE id = ?1",
                [row],
            )?;
            let proofs = tx.connection.value(
                "SELECT group_concat(coalesce(proof, '-')) FROM attempt WHERE kind = 'request'",
                [],
            )?;
            Ok((is_settled, stands, proofs))
        });
        found.unwrap()
    }

    /// A request for the second row: its channel and outcome, its proof, and when it was delivered.
    fn request(on: u8, outcome: &str, proof: &str, delivered: &str) -> String {
        format!(
            "INSERT INTO attempt (recipient, person, channel, kind, started_at, outcome, proof, delivered_at)
                 VALUES ((1 << 32) + 2, 1, {on}, 'request', 3, '{outcome}', {proof}, {delivered});"
        )
    }

    fn sent(step: u8) -> Row {
        (
            "sent".to_owned(),
            step,
            None,
            None,
            Some(9_000),
            0,
            None,
            None,
            None,
        )
    }

    #[test]
    fn a_row_is_settled_by_the_last_of_its_messages_that_stands_and_goes_back_to_its_channel() {
        let refused = request(1, "no_messenger", "NULL", "NULL");
        for (requests, step, proofs) in [
            (request(1, "sent", "NULL", "NULL"), 0, "failed,-"),
            (request(2, "sent", "NULL", "4") + &refused, 1, "failed,-,-"),
            (
                request(2, "sent", "NULL", "NULL") + &request(3, "undecided", "'assumed'", "NULL"),
                2,
                "failed,-,assumed",
            ),
            // What arrived did not fail, whatever was said of it.
            (request(2, "sent", "'failed'", "4"), 1, "failed,accepted"),
        ] {
            let wanted = (true, sent(step), proofs.to_owned());
            assert_eq!(settled(&requests), wanted, "{requests}");
        }
        for requests in [
            refused,
            request(2, "undecided", "NULL", "NULL"),
            request(2, "sent", "'failed'", "NULL"),
        ] {
            let (is_settled, row, _) = settled(&requests);
            assert_eq!(
                (is_settled, row.0.as_str()),
                (false, "queued"),
                "{requests}"
            );
        }
    }

    #[test]
    fn only_a_row_that_is_queued_or_was_refused_is_settled_and_an_erased_one_stays_erased() {
        let stands = request(1, "sent", "NULL", "NULL");
        for (state, is_settled) in [
            ("queued", true),
            ("no_messenger", true),
            ("error", true),
            ("suppressed", true),
            ("sending", false),
            ("unknown", false),
            ("sent", false),
            ("invalid", false),
            ("duplicate", false),
        ] {
            let (found, row, _) = settled(&format!(
                "{stands} UPDATE recipient SET state = '{state}' WHERE state = 'queued';"
            ));
            assert_eq!(found, is_settled, "{state}");
            assert_eq!(row.0, if is_settled { "sent" } else { state });
        }
        for code in ["erased", "forgotten"] {
            let (_, row, _) = settled(&format!(
                "{stands} UPDATE recipient SET reason_code = '{code}', reason = 'gone' WHERE state = 'queued';"
            ));
            assert_eq!(
                (row.2.as_deref(), row.3.as_deref()),
                (Some(code), Some("gone"))
            );
        }
    }
}
