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
                    reason_code = iif(reason_code IN ('erased', 'forgotten'), reason_code, NULL),
                    reason = iif(reason_code IN ('erased', 'forgotten'), reason, NULL)
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
