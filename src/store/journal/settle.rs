//! The results: what became of an attempt, and what an earlier process never learned.

use jiff::Timestamp;
use rusqlite::{CachedStatement, Connection, OptionalExtension};

use super::Progress;
use super::flight::Landed;
use super::steps::Step;
use super::types::{Settled, Settlement};
use crate::domain::delivery::{self, Event, State};
use crate::domain::outcome::{AttemptOutcome, Receipt};
use crate::store::batch::{BatchId, RecipientId, parse_state};
use crate::store::error::StoreError;
use crate::store::event::apply_opt_outs;
use crate::store::history::content_key;
use crate::store::writer::{Counter, Tx};
use crate::store::{intent, message, suppression, to_millis};

/// Turns what an earlier process left in `sending` into `unknown`.
pub(in crate::store) fn interrupt(
    tx: &mut Tx<'_>,
    batch: BatchId,
    now: Timestamp,
) -> Result<u64, StoreError> {
    let intents = intent::of_batch(tx.connection, batch)?;
    if intents.is_empty() {
        return Ok(0);
    }
    let channel: String = tx.connection.query_row(
        "SELECT channel FROM batch WHERE id = ?1",
        [batch.get()],
        |row| row.get(0),
    )?;
    let next = delivery::next(State::Sending, Event::AnswerLost)?;
    let mut rows = 0;
    for intent in intents {
        for it in intent::under_way(tx.connection, &intent)? {
            let attempt = Attempt {
                recipient: it.recipient,
                phone: Some(suppression::column(it.phone)),
                content_key: Some(content_key(&channel, it.phone, &it.content)),
                token: intent.token,
                started_at: intent.started_at,
                finished_at: to_millis(now),
                outcome: AttemptOutcome::Interrupted,
                http_status: None,
                text: None,
                receipt: None,
            };
            attempt.insert(&mut Attempt::insertion(tx.connection)?)?;
            lose(tx, it.recipient, next, now)?;
            tx.count_move(batch, State::Sending, next);
            rows += 1;
        }
        intent::remove(tx.connection, intent.first)?;
    }
    Ok(rows)
}

/// Nobody will ever hear the answer.
fn lose(tx: &Tx<'_>, id: RecipientId, next: State, now: Timestamp) -> Result<(), StoreError> {
    tx.connection
        .prepare_cached(
            "UPDATE recipient SET state = ?2, attempts = attempts + 1, finished_at = ?3,
                    reason_code = ?4,
                    reason = 'the program ended before the answer came; the message may have been sent'
             WHERE id = ?1",
        )?
        .execute((
            id.get(),
            next.word(),
            to_millis(now),
            AttemptOutcome::Interrupted.word(),
        ))?;
    Ok(())
}

/// A request that has ended, for the audit.
struct Attempt<'a> {
    recipient: RecipientId,
    phone: Option<i64>,
    content_key: Option<i64>,
    token: i64,
    started_at: i64,
    finished_at: i64,
    outcome: AttemptOutcome,
    http_status: Option<u16>,
    text: Option<&'a str>,
    /// What the API told of an accepted message.
    receipt: Option<&'a Receipt>,
}

impl Attempt<'_> {
    fn insertion(connection: &Connection) -> Result<CachedStatement<'_>, StoreError> {
        Ok(connection.prepare_cached(
            "INSERT INTO attempt (recipient, phone, content_key, token, started_at, finished_at,
                                  outcome, http_status, text, message_id, contact_id)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
        )?)
    }

    /// Returns its id.
    fn insert(&self, insertion: &mut CachedStatement<'_>) -> Result<i64, StoreError> {
        Ok(insertion.insert((
            self.recipient.get(),
            self.phone,
            self.content_key,
            self.token,
            self.started_at,
            self.finished_at,
            self.outcome.word(),
            self.http_status,
            self.text,
            self.message_id(),
            self.contact_id(),
        ))?)
    }

    fn message_id(&self) -> Option<&str> {
        self.receipt?.message_id.as_deref()
    }

    fn contact_id(&self) -> Option<&str> {
        self.receipt?.contact_id.as_deref()
    }

    /// The answer came after all, when the request had been called lost: its entry tells it now.
    fn correct(&self, connection: &Connection) -> Result<bool, StoreError> {
        let corrected: Option<i64> = connection
            .prepare_cached(
                "UPDATE attempt SET finished_at = ?2, outcome = ?3, http_status = ?4, text = ?5,
                        message_id = ?6, contact_id = ?7
                 WHERE id = (SELECT max(id) FROM attempt
                             WHERE recipient = ?1 AND outcome IN ('undecided', 'interrupted'))
                       AND outcome = 'interrupted'
                 RETURNING id",
            )?
            .query_row(
                (
                    self.recipient.get(),
                    self.finished_at,
                    self.outcome.word(),
                    self.http_status,
                    self.text,
                    self.message_id(),
                    self.contact_id(),
                ),
                |row| row.get(0),
            )
            .optional()?;
        if let Some(attempt) = corrected {
            message::enter_late(connection, attempt)?;
        }
        Ok(corrected.is_some())
    }
}

/// What every result needs, prepared once for a group.
struct Statements<'a> {
    update: CachedStatement<'a>,
    attempt: CachedStatement<'a>,
}

impl<'a> Statements<'a> {
    fn prepare(connection: &'a Connection) -> Result<Self, StoreError> {
        Ok(Self {
            update: connection.prepare_cached(
                "UPDATE recipient SET state = ?2, attempts = attempts + ?3, reason_code = ?4,
                        reason = ?5, finished_at = ?6
                 WHERE id = ?1 AND state = 'queued'",
            )?,
            attempt: Attempt::insertion(connection)?,
        })
    }
}

impl Progress {
    /// Records the results of the steps that have one.
    pub(super) fn settle(
        &mut self,
        tx: &mut Tx<'_>,
        steps: &[Step],
    ) -> Result<Vec<Option<Settled>>, StoreError> {
        let mut statements = Statements::prepare(tx.connection)?;
        let mut settle = |it| self.settle_one(tx, &mut statements, it);
        let results = steps
            .iter()
            .map(|step| step.settlement.as_ref().map(&mut settle));
        results.map(Option::transpose).collect()
    }

    fn settle_one(
        &mut self,
        tx: &mut Tx<'_>,
        statements: &mut Statements<'_>,
        it: &Settlement,
    ) -> Result<Settled, StoreError> {
        let landed = self.flights.land(it.recipient.get());
        let usual = match landed {
            Landed::Awaited(_) => {
                settle_sending(&mut statements.update, it)?.map(|next| (State::Sending, next))
            }
            Landed::GivenUp(_) | Landed::Unknown => None,
        };
        let (state, next) = match usual {
            Some(moved) => moved,
            None => settle_late(tx, it)?,
        };
        self.note_attempt(tx, &mut statements.attempt, it, landed)?;
        self.hear(tx, it, landed)?;
        if it.outcome == AttemptOutcome::Throttled {
            tx.count(self.batch, Counter::Throttled, 1);
        }
        tx.count_move(self.batch, state, next);
        if next == State::Queued {
            self.flights.release(it.recipient.get());
            self.returned.insert(it.recipient.get());
        }
        self.group_at = self.group_at.max(to_millis(it.at));
        Ok(Settled { state: next })
    }

    /// The answer names a contact whose opt-out may have waited for it: the claims of this group know.
    fn hear(&mut self, tx: &mut Tx<'_>, it: &Settlement, landed: Landed) -> Result<(), StoreError> {
        let contact = it.receipt.as_ref().and_then(|it| it.contact_id.as_deref());
        let phone = match landed {
            Landed::Awaited(flight) | Landed::GivenUp(flight) => Some(flight.phone),
            Landed::Unknown => None,
        };
        if let (Some(contact), Some(phone)) = (contact, phone)
            && self.opt_outs.may_hold(contact)
        {
            let phone = suppression::phone(phone)?;
            if apply_opt_outs(tx, &self.channel, contact, Some(phone), it.at)? {
                self.nobody_suppressed = false;
            }
        }
        Ok(())
    }

    /// Enters the request into the audit.
    fn note_attempt(
        &mut self,
        tx: &Tx<'_>,
        insertion: &mut CachedStatement<'_>,
        it: &Settlement,
        landed: Landed,
    ) -> Result<(), StoreError> {
        let (flight, given_up) = match landed {
            Landed::Awaited(flight) => (Some(flight), false),
            Landed::GivenUp(flight) => (Some(flight), true),
            Landed::Unknown => (None, false),
        };
        let attempt = Attempt {
            recipient: it.recipient,
            phone: flight.map(|flight| flight.phone),
            content_key: flight.map(|flight| flight.content_key),
            token: self.rules.token,
            started_at: flight.map_or(to_millis(it.at), |flight| flight.started_at),
            finished_at: to_millis(it.at),
            outcome: it.outcome,
            http_status: it.http_status,
            text: (!it.text.is_empty()).then_some(it.text.as_str()),
            receipt: it.receipt.as_ref(),
        };
        if !(given_up && attempt.correct(tx.connection)?) {
            let id = attempt.insert(insertion)?;
            self.history.skip_own(id);
        }
        Ok(())
    }
}

/// The usual case, in one statement: nothing happened to the recipient since it was claimed; `None`
/// if something did.
fn settle_sending(
    update: &mut CachedStatement<'_>,
    it: &Settlement,
) -> Result<Option<State>, StoreError> {
    let next = delivery::next(State::Sending, it.event)?;
    let finished = !next.is_outstanding();
    let reason = (finished && !it.text.is_empty()).then_some(it.text.as_str());
    let code = (reason.is_some() || next == State::Unknown).then(|| it.outcome.word());
    // The message's own time tells it, if there is one: this row must not grow.
    let told = next == State::Sent && it.receipt.is_some();
    let changed = update.execute((
        it.recipient.get(),
        next.word(),
        i64::from(it.outcome.counts()),
        code,
        reason,
        (finished && !told).then(|| to_millis(it.at)),
    ))?;
    Ok((changed > 0).then_some(next))
}

/// An event overtook the answer, or a signal gave it up.
fn settle_late(tx: &Tx<'_>, it: &Settlement) -> Result<(State, State), StoreError> {
    let found: String = tx
        .connection
        .prepare_cached("SELECT state FROM recipient WHERE id = ?1")?
        .query_row([it.recipient.get()], |row| row.get(0))?;
    let state = parse_state(&found)?;
    let next = delivery::next(state, it.event)?;
    update_recipient(tx, it, state, next)?;
    Ok((state, next))
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
    let overtaken = !given_up;
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
