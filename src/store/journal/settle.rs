//! The results: what became of a request, and what an earlier process never learned.

use jiff::Timestamp;

use super::claim::AT_ONCE;
use super::context::Context;
use super::types::{Settled, Settlement};
use crate::domain::delivery::{self, Event, State};
use crate::domain::outcome::AttemptOutcome;
use crate::domain::phone::PhoneNumber;
use crate::store::attempt::{self, Closing, Proof};
use crate::store::batch::parse_state;
use crate::store::columns::to_millis;
use crate::store::error::StoreError;
use crate::store::ids::{AttemptId, BatchId, PersonId, RecipientId};
use crate::store::tally::Counter;
use crate::store::writer::Tx;
use crate::store::{contact, person};

/// The reason code of a row whose message went to another number, as the answer says.
pub(in crate::store) const OTHER_NUMBER: &str = "other_number";

pub(in crate::store) fn other_number_reason(other: PhoneNumber) -> String {
    format!(
        "the answer names another number, {}: the message may have reached that person",
        other.e164()
    )
}

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
        rows += u64::from(lose(tx, request, recipient, now)?);
    }
    Ok(rows)
}

/// The answer will never be read. False if an event has shown what became of the request.
fn lose(
    tx: &mut Tx<'_>,
    request: AttemptId,
    id: RecipientId,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let next = delivery::next(State::Sending, Event::AnswerLost)?;
    let changed = tx
        .connection
        .prepare_cached(
            "UPDATE recipient SET state = ?2, attempts = attempts + 1, finished_at = ?3,
                    reason_code = ?4,
                    reason = 'the program ended before the answer came; the message may have been sent',
                    maybe_accepted_at = (SELECT started_at FROM attempt WHERE id = ?5)
             WHERE id = ?1 AND state = 'sending'",
        )?
        .execute((
            id,
            next.word(),
            to_millis(now),
            AttemptOutcome::Interrupted.word(),
            request,
        ))?;
    if changed > 0 {
        tx.count_move(id.batch(), State::Sending, next);
    }
    Ok(changed > 0)
}

/// The recipient of a result, as it stands.
struct Subject {
    state: State,
    person: Option<PersonId>,
}

/// Records a result.
pub(super) fn settle(
    tx: &mut Tx<'_>,
    context: &Context,
    it: &Settlement,
) -> Result<Settled, StoreError> {
    let (word, person): (String, Option<PersonId>) = tx
        .connection
        .prepare_cached("SELECT state, person FROM recipient WHERE id = ?1")?
        .query_row([it.recipient], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let subject = Subject {
        state: parse_state(&word)?,
        person,
    };
    let other = other_number(tx, it, &subject)?;
    close_request(tx, context, it, &subject, other)?;
    let next = delivery::next(subject.state, it.event)?;
    if subject.state == State::Sending {
        settle_sending(tx, it, next)?;
    } else {
        settle_late(tx, it, subject.state, next)?;
        attempt::end_waits(tx.connection, it.recipient)?;
    }
    if let Some(other) = other {
        tx.connection
            .prepare_cached("UPDATE recipient SET reason_code = ?2, reason = ?3 WHERE id = ?1")?
            .execute((it.recipient, OTHER_NUMBER, other_number_reason(other)))?;
    }
    let batch = context.batch;
    if it.outcome == AttemptOutcome::Throttled {
        tx.count(batch, Counter::Throttled, 1);
    }
    tx.count_move(batch, subject.state, next);
    Ok(Settled { state: next })
}

/// The number that the answer names, if the message was meant for another one. Both are canonical.
fn other_number(
    tx: &Tx<'_>,
    it: &Settlement,
    subject: &Subject,
) -> Result<Option<PhoneNumber>, StoreError> {
    let answered = it.receipt.as_ref().and_then(|receipt| receipt.number);
    let (Some(answered), Some(whose)) = (answered, subject.person) else {
        return Ok(None);
    };
    let meant = person::number(tx.connection, whose)?;
    Ok(meant
        .is_some_and(|meant| meant != answered)
        .then_some(answered))
}

/// Closes the request that the result is of: the one under way, or the one that was given up last.
fn close_request(
    tx: &Tx<'_>,
    context: &Context,
    it: &Settlement,
    subject: &Subject,
    other: Option<PhoneNumber>,
) -> Result<(), StoreError> {
    let request = match attempt::under_way(tx.connection, it.recipient)? {
        Some(request) => request,
        None => match attempt::requests_of(tx.connection, it.recipient)?.first() {
            Some(request) => request.id,
            None => return Ok(()),
        },
    };
    let receipt = it.receipt.as_ref();
    let contact = match receipt.and_then(|receipt| receipt.contact_id.as_deref()) {
        Some(api_id) => {
            let keys = &context.keys;
            let (on, whose) = (context.channel, subject.person);
            Some(match (other, whose) {
                (Some(other), Some(whose)) => {
                    let others = person::find_or_make(tx.connection, keys, other)?;
                    contact::learn_doubtful(tx.connection, on, api_id, [whose, others])?
                }
                (_, whose) => contact::learn(tx.connection, keys, on, api_id, whose)?.row,
            })
        }
        None => None,
    };
    let closing = Closing {
        outcome: it.outcome,
        http_status: it.http_status,
        text: (!it.text.is_empty()).then_some(it.text.as_str()),
        message_id: receipt.and_then(|receipt| receipt.message_id.as_deref()),
        contact,
        at: it.at,
    };
    attempt::close(tx.connection, request, &closing)?;
    if it.outcome == AttemptOutcome::Undecided && it.event == Event::Released {
        // The user wants another try whatever became of this one (`--undecided retry`).
        let by = "--undecided retry";
        attempt::prove(tx.connection, request, Proof::Resend, by, None, it.at)?;
    }
    match contact {
        Some(contact) => attempt::note_read(tx.connection, request, contact),
        None => Ok(()),
    }
}

/// The usual case: nothing happened to the recipient since it was claimed.
fn settle_sending(tx: &Tx<'_>, it: &Settlement, next: State) -> Result<(), StoreError> {
    let finished = !next.is_outstanding();
    let reason = (finished && !it.text.is_empty()).then_some(it.text.as_str());
    let code = (reason.is_some() || next == State::Unknown).then(|| it.outcome.word());
    // The message's own time says when it was accepted: such a row, the usual one, must not grow.
    let own_time = finished && !(next == State::Sent && it.receipt.is_some());
    tx.connection
        .prepare_cached(
            "UPDATE recipient SET state = ?2, attempts = attempts + ?3, reason_code = ?4, reason = ?5,
                    finished_at = ?6, not_before = ?7,
                    maybe_accepted_at = iif(?8, (SELECT max(started_at) FROM attempt a
                                                 WHERE a.person IS recipient.person
                                                       AND a.recipient = recipient.id),
                                            maybe_accepted_at)
             WHERE id = ?1",
        )?
        .execute((
            it.recipient,
            next.word(),
            i64::from(it.outcome.counts()),
            code,
            reason,
            own_time.then(|| to_millis(it.at)),
            if finished { 0 } else { AT_ONCE },
            it.outcome == AttemptOutcome::Undecided,
        ))?;
    Ok(())
}

/// An event overtook the answer, or a signal gave it up.
fn settle_late(tx: &Tx<'_>, it: &Settlement, state: State, next: State) -> Result<(), StoreError> {
    // An event that overtook the answer has already recorded everything; a signal that gave
    // the answer up has not, but counted the attempt.
    let given_up = state == State::Unknown;
    let overtaken = !given_up;
    let finished = !next.is_outstanding() && !overtaken;
    let reason = (finished && !it.text.is_empty()).then_some(it.text.as_str());
    let code = (reason.is_some() || next == State::Unknown).then(|| it.outcome.word());
    tx.connection
        .prepare_cached(
            "UPDATE recipient SET state = ?2, attempts = attempts + ?3,
                    reason_code = iif(?7, reason_code, ?4), reason = iif(?7, reason, ?5),
                    finished_at = iif(?7, finished_at, ?6), not_before = ?8,
                    maybe_accepted_at = iif(?9, maybe_accepted_at, NULL)
             WHERE id = ?1",
        )?
        .execute((
            it.recipient,
            next.word(),
            i64::from(it.outcome.counts() && !given_up),
            code,
            reason,
            finished.then(|| to_millis(it.at)),
            overtaken,
            if next == State::Queued { AT_ONCE } else { 0 },
            overtaken || next == State::Unknown,
        ))?;
    Ok(())
}
