//! The results: what became of a request.

use std::time::Duration;

use super::context::Context;
use super::types::{Settled, Settlement};
use crate::domain::delivery::{self, Event, State};
use crate::domain::fallback::{Cause, Step};
use crate::domain::outcome::AttemptOutcome;
use crate::domain::phone::PhoneNumber;
use crate::domain::refusal::TAKEN_FOR_NO_MESSENGER;
use crate::domain::retry::{Jitter, LATER};
use crate::store::attempt::{self, Closing, Proof};
use crate::store::columns::to_millis;
use crate::store::error::StoreError;
use crate::store::ids::{AttemptId, ChannelId, ContactRow, PersonId, RecipientId, RefusalId};
use crate::store::not_before::AT_ONCE;
use crate::store::query::Query as _;
use crate::store::refusal;
use crate::store::tally::Counter;
use crate::store::transaction::Tx;
use crate::store::{contact, fallback, outage, person, stands};

/// The reason code of a row whose message went to another number, as the answer says.
pub(in crate::store) const OTHER_NUMBER: &str = "other_number";

pub(in crate::store) fn other_number_reason(other: PhoneNumber) -> String {
    format!(
        "the answer names another number, {}: the message may have reached that person",
        other.e164()
    )
}

/// The recipient of a result, as it stands.
struct Subject {
    state: State,
    person: Option<PersonId>,
    /// The person's number, if there is one.
    number: Option<PhoneNumber>,
    /// The request that is under way.
    under_way: Option<AttemptId>,
    /// There was a request before this one.
    tried: bool,
    /// It may have been accepted.
    maybe_accepted: bool,
}

impl Subject {
    fn find(tx: &Tx<'_>, id: RecipientId) -> Result<Self, StoreError> {
        let (state, person, number, tried, maybe_accepted, under_way) = tx.connection.row(
            "SELECT r.state, r.person, p.number, r.attempts > 0, r.maybe_accepted_at IS NOT NULL,
                    (SELECT a.id FROM attempt a INDEXED BY attempt_under_way
                     WHERE a.recipient = r.id AND a.outcome IS NULL)
             FROM recipient r LEFT JOIN person p ON p.id = r.person WHERE r.id = ?1",
            [id],
        )?;
        Ok(Self {
            state,
            person,
            number,
            under_way,
            tried,
            maybe_accepted,
        })
    }
}

/// What a result does to its recipient.
struct Effect {
    next: State,
    reason: Option<String>,
    /// When it is claimed again, if it is.
    not_before: i64,
    /// The text that refused it.
    refusal: Option<RefusalId>,
}

/// The id of the contact that was gone, if the number was tried in its place and the answer says that the number
/// has another contact, or none: the id is not to be addressed any more.
fn gone_contact(
    tx: &Tx<'_>,
    context: &Context,
    it: &Settlement,
    subject: &Subject,
) -> Result<Option<String>, StoreError> {
    let is_answer = matches!(
        it.outcome,
        AttemptOutcome::Sent | AttemptOutcome::NoMessenger
    );
    let Some(whose) = subject.person.filter(|_| is_answer && subject.tried) else {
        return Ok(None);
    };
    if !attempt::was_contact_gone(tx.connection, it.recipient, whose)? {
        return Ok(None);
    }
    let listed = contact::of_list(tx.connection, it.recipient)?;
    let on = context.channel(Step::FIRST)?.id;
    contact::addressed_by(tx.connection, on, whose, listed)
}

/// Records a result.
pub(super) fn settle(
    tx: &mut Tx<'_>,
    context: &Context,
    it: &Settlement,
) -> Result<Settled, StoreError> {
    let mut subject = Subject::find(tx, it.recipient)?;
    let other = other_number(it, &subject);
    close_request(tx, context, it, &subject, other)?;
    if it.by_text && !subject.maybe_accepted {
        // The request that was closed just now is none of them.
        subject.maybe_accepted = !attempt::requests_of(tx.connection, it.recipient)?.is_empty();
    }
    let effect = effect(tx, it, &subject)?;
    let next = effect.next;
    if subject.state == State::Sending {
        settle_sending(tx, it, &effect)?;
    } else {
        settle_late(tx, it, subject.state, &effect)?;
        attempt::end_waits(tx.connection, it.recipient)?;
    }
    if let Some(other) = other {
        tx.connection.change(
            "UPDATE recipient SET reason_code = ?2, reason = ?3 WHERE id = ?1",
            (it.recipient, OTHER_NUMBER, other_number_reason(other)),
        )?;
    }
    let batch = context.batch;
    if it.outcome == AttemptOutcome::Throttled {
        tx.count(batch, Counter::Throttled, 1);
    }
    if it.outcome == AttemptOutcome::NotSent {
        outage::count_not_left(tx.connection, batch)?;
    }
    tx.count_move(batch, subject.state, next);
    let is_past = subject.tried || subject.state != State::Sending;
    let state = if is_past && stands::settle(tx, it.recipient, fallback::BY_RUN.1, it.at)? {
        State::Sent
    } else if context.fallback.is_some() {
        go_on(tx, it, next, effect.refusal)?
    } else {
        next
    };
    Ok(Settled { state })
}

/// Where the recipient of a batch with several channels goes, now that its request has ended; an acceptance lets those
/// go on who were refused before it.
fn go_on(
    tx: &mut Tx<'_>,
    it: &Settlement,
    state: State,
    refusal: Option<RefusalId>,
) -> Result<State, StoreError> {
    let (row, at) = (it.recipient, it.at);
    if it.outcome == AttemptOutcome::Sent {
        let step: u8 = tx
            .connection
            .value("SELECT step FROM recipient WHERE id = ?1", [row])?;
        fallback::end_open_run(tx, row.batch(), Step::new(step), at)?;
    }
    if state != State::NoMessenger {
        return Ok(state);
    }
    let moved = match refusal {
        // The text is unknown: it counts once another person is reached.
        Some(refusal) if it.why == TAKEN_FOR_NO_MESSENGER => {
            fallback::hold_open_run(tx, row, refusal, &it.text)?
        }
        Some(_) | None => {
            fallback::fall_back(tx, row, Cause::NoUser, "no Messenger", fallback::BY_RUN, at)?
        }
    };
    Ok(if moved { State::Queued } else { state })
}

/// Where the result leads. A text that says that nothing was sent says nothing of an earlier request: where that
/// one may have been accepted, the outcome is unknown as before.
fn effect(tx: &Tx<'_>, it: &Settlement, subject: &Subject) -> Result<Effect, StoreError> {
    let mut effect = Effect {
        next: State::Queued,
        reason: match (it.text.as_str(), it.why) {
            ("", _) => None,
            (text, "") => Some(text.to_owned()),
            (text, why) => Some(format!("{why}: {text}")),
        },
        not_before: AT_ONCE,
        refusal: None,
    };
    let mut event = it.event;
    if it.by_text && event == Event::Released && subject.state == State::Sending {
        if subject.maybe_accepted {
            event = Event::AnswerLost;
            effect.reason = Some(format!(
                "an earlier request may have been accepted; the last one was not: {}",
                it.text
            ));
        } else if it.outcome == AttemptOutcome::Later {
            match later(tx, it)? {
                Ok(not_before) => effect.not_before = not_before,
                Err(why) => {
                    event = Event::Refused;
                    effect.reason = Some(format!("{why}: {}", it.text));
                }
            }
        }
    }
    effect.next = delivery::next(subject.state, event)?;
    if it.outcome.is_refusal() {
        effect.refusal = Some(refusal::seen(tx.connection, &it.text, it.known, it.at)?);
    }
    Ok(effect)
}

/// When a recipient is tried again whose request was surely not sent; the error says why it is not.
fn later(tx: &Tx<'_>, it: &Settlement) -> Result<Result<i64, String>, StoreError> {
    // What was decided since begins anew.
    let (tries, first): (u32, Option<i64>) = tx.connection.row(
        "SELECT count(*), min(a.started_at)
             FROM recipient r CROSS JOIN attempt a INDEXED BY attempt_by_person
                  ON a.person IS r.person AND a.recipient = r.id
             WHERE r.id = ?1 AND a.outcome = 'later'
                   AND a.id > coalesce((SELECT max(n.id) FROM attempt n INDEXED BY attempt_by_person
                                        WHERE n.person IS r.person AND n.recipient = r.id
                                              AND n.kind = 'note'), 0)",
        [it.recipient],
    )?;
    let now = to_millis(it.at);
    let since = first.map_or(0, |first| u64::try_from(now - first).unwrap_or(0));
    let since = Duration::from_millis(since);
    Ok(match LATER.delay(tries, since, Jitter::FULL) {
        Some(delay) => Ok(now.saturating_add(i64::try_from(delay.as_millis()).unwrap_or(i64::MAX))),
        None => Err(format!(
            "not sent in {tries} tries over {} min",
            since.as_secs() / 60
        )),
    })
}

/// The number that the answer names, if the message was meant for another one. Both are canonical.
fn other_number(it: &Settlement, subject: &Subject) -> Option<PhoneNumber> {
    let answered = it.receipt.as_ref()?.number?;
    let meant = subject.number?;
    (meant != answered).then_some(answered)
}

/// Closes the request that the result is of: the one under way, or the one that was given up last.
fn close_request(
    tx: &Tx<'_>,
    context: &Context,
    it: &Settlement,
    subject: &Subject,
    other: Option<PhoneNumber>,
) -> Result<(), StoreError> {
    let request = match subject.under_way {
        Some(request) => request,
        None => match attempt::requests_of(tx.connection, it.recipient)?.first() {
            Some(request) => request.id,
            None => return Ok(()),
        },
    };
    let receipt = it.receipt.as_ref();
    let on = channel_of(tx, context, request)?;
    let own = context.channel(Step::FIRST)?.id;
    let gone = if on == own {
        gone_contact(tx, context, it, subject)?
    } else {
        None
    };
    let (contact, was_read) = learn_contact(tx, context, it, subject.person, other, on)?;
    let closing = Closing {
        outcome: it.outcome,
        http_status: it.http_status,
        text: (!it.text.is_empty()).then_some(it.text.as_str()),
        message_id: receipt.and_then(|receipt| receipt.message_id.as_deref()),
        contact,
        at: it.at,
    };
    attempt::close(tx.connection, request, &closing)?;
    if let (Some(gone), Some(whose)) = (gone, subject.person) {
        let new = receipt.and_then(|receipt| receipt.contact_id.as_deref());
        if new != Some(gone.as_str()) {
            contact::retire(tx.connection, &context.keys, on, &gone, whose)?;
        }
    }
    if it.outcome == AttemptOutcome::Undecided && it.event == Event::Released {
        // The user wants another try whatever became of this one (`--undecided retry`).
        let by = "--undecided retry";
        attempt::prove(tx.connection, request, Proof::Resend, by, None, it.at)?;
    }
    match contact.filter(|_| was_read) {
        Some(contact) => attempt::note_read(tx.connection, request, contact),
        None => Ok(()),
    }
}

/// The contact that the answer names, if it names one, and whether something may have been read there before.
fn learn_contact(
    tx: &Tx<'_>,
    context: &Context,
    it: &Settlement,
    whose: Option<PersonId>,
    other: Option<PhoneNumber>,
    on: ChannelId,
) -> Result<(Option<ContactRow>, bool), StoreError> {
    let receipt = it.receipt.as_ref();
    let Some(api_id) = receipt.and_then(|receipt| receipt.contact_id.as_deref()) else {
        return Ok((None, false));
    };
    if let (Some(other), Some(whose)) = (other, whose) {
        let others = person::find_or_make(tx.connection, &context.keys, other)?;
        let row = contact::learn_doubtful(tx.connection, on, api_id, [whose, others])?;
        return Ok((Some(row), true));
    }
    let found = contact::learn(tx.connection, &context.keys, on, api_id, whose)?;
    Ok((Some(found.row), !found.is_new))
}

/// The channel that a request went through.
fn channel_of(tx: &Tx<'_>, context: &Context, request: AttemptId) -> Result<ChannelId, StoreError> {
    if context.fallback.is_none() {
        return Ok(context.channel(Step::FIRST)?.id);
    }
    tx.connection
        .value("SELECT channel FROM attempt WHERE id = ?1", [request])
}

/// The usual case: nothing happened to the recipient since it was claimed.
fn settle_sending(tx: &Tx<'_>, it: &Settlement, effect: &Effect) -> Result<(), StoreError> {
    let next = effect.next;
    let finished = !next.is_outstanding();
    let reason = effect.reason.as_deref().filter(|_| finished);
    let code = (reason.is_some() || next == State::Unknown).then(|| it.outcome.word());
    // The message's own time says when it was accepted: such a row, the usual one, must not grow.
    let own_time = finished && !(next == State::Sent && it.receipt.is_some());
    tx.connection.change(
        "UPDATE recipient SET state = ?2, attempts = attempts + ?3, reason_code = ?4, reason = ?5,
                    finished_at = ?6, not_before = ?7,
                    maybe_accepted_at = iif(?8, (SELECT max(started_at) FROM attempt a
                                                 WHERE a.person IS recipient.person
                                                       AND a.recipient = recipient.id),
                                            maybe_accepted_at),
                    refusal = ?9
             WHERE id = ?1",
        (
            it.recipient,
            next.word(),
            i64::from(it.outcome.counts()),
            code,
            reason,
            own_time.then(|| to_millis(it.at)),
            if finished { 0 } else { effect.not_before },
            it.outcome == AttemptOutcome::Undecided,
            effect.refusal,
        ),
    )?;
    Ok(())
}

/// An event overtook the answer, or a signal gave it up.
fn settle_late(
    tx: &Tx<'_>,
    it: &Settlement,
    state: State,
    effect: &Effect,
) -> Result<(), StoreError> {
    // An event that overtook the answer has already recorded everything; a signal that gave
    // the answer up has not, but counted the attempt.
    let next = effect.next;
    let given_up = state == State::Unknown;
    let overtaken = !given_up;
    let finished = !next.is_outstanding() && !overtaken;
    let reason = effect.reason.as_deref().filter(|_| finished);
    let code = (reason.is_some() || next == State::Unknown).then(|| it.outcome.word());
    tx.connection.change(
        "UPDATE recipient SET state = ?2, attempts = attempts + ?3,
                    reason_code = iif(?7, reason_code, ?4), reason = iif(?7, reason, ?5),
                    finished_at = iif(?7, finished_at, ?6), not_before = ?8,
                    maybe_accepted_at = iif(?9, maybe_accepted_at, NULL),
                    refusal = iif(?7, refusal, ?10)
             WHERE id = ?1",
        (
            it.recipient,
            next.word(),
            i64::from(it.outcome.counts() && !given_up),
            code,
            reason,
            finished.then(|| to_millis(it.at)),
            overtaken,
            if next == State::Queued { AT_ONCE } else { 0 },
            overtaken || next == State::Unknown,
            effect.refusal,
        ),
    )?;
    Ok(())
}

#[cfg(test)]
mod tests;
