//! Settles recipients whose outcome is unknown: by a person's decision, or by what the API tells.
//!
//! The caller holds the batch ([`Store::hold`]). Rows that are no longer unknown are left alone: a
//! webhook event may have settled them meanwhile.

use jiff::Timestamp;
use rusqlite::OptionalExtension;

use super::batch::{BatchId, RecipientId, parse_state};
use super::error::StoreError;
use super::event::apply_opt_outs;
use super::learned::Learned;
use super::writer::Tx;
use super::{Reader, Store, contact, journal, message, suppression, to_millis};
use crate::domain::delivery::{self, Event, State};
use crate::domain::outcome::AttemptOutcome;

/// What a person decided about recipients whose outcome is unknown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// They got the message.
    AssumeSent,
    /// Send to them again, even if some get it twice.
    Resend,
}

impl Decision {
    const fn event(self) -> Event {
        match self {
            Self::AssumeSent => Event::AssumedSent,
            Self::Resend => Event::Resend,
        }
    }

    const fn outcome(self) -> AttemptOutcome {
        match self {
            Self::AssumeSent => AttemptOutcome::AssumedSent,
            Self::Resend => AttemptOutcome::Resend,
        }
    }

    const fn text(self) -> &'static str {
        match self {
            Self::AssumeSent => "outcome unknown; counted as sent by decision",
            Self::Resend => "outcome unknown; to be sent again by decision",
        }
    }
}

/// A message of the API's list that is the one whose answer was lost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proof {
    /// The recipient.
    pub recipient: RecipientId,
    /// The message's id.
    pub message_id: String,
    /// The contact's id.
    pub contact_id: String,
    /// When it was sent, as the API says.
    pub sent_at: Timestamp,
    /// When it was delivered.
    pub delivered_at: Option<Timestamp>,
    /// When it was read.
    pub read_at: Option<Timestamp>,
}

/// An entry of the audit that is no request.
struct Entry<'a> {
    event: Event,
    outcome: AttemptOutcome,
    text: &'a str,
    actor: &'a str,
    now: Timestamp,
}

impl Store {
    /// Rows that a process left under way when it died become unknown; returns how many.
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint fails.
    pub fn interrupt_leftovers(&self, batch: BatchId, now: Timestamp) -> Result<u64, StoreError> {
        self.writer
            .write_blocking(move |tx| journal::interrupt(tx, batch, now))
    }

    /// Carries out a decision of `actor`; returns how many recipients it settled.
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint fails; then nothing of it is stored.
    pub fn decide(
        &self,
        recipients: Vec<RecipientId>,
        decision: Decision,
        actor: String,
        now: Timestamp,
    ) -> Result<u64, StoreError> {
        self.writer.write_blocking(move |tx| {
            let entry = Entry {
                event: decision.event(),
                outcome: decision.outcome(),
                text: decision.text(),
                actor: &actor,
                now,
            };
            let mut settled = 0;
            for recipient in recipients {
                settled += u64::from(settle(tx, recipient, &entry)?);
            }
            Ok(settled)
        })
    }

    /// Settles recipients as sent by the API's own list of messages; returns how many.
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint fails; then nothing of it is stored.
    pub async fn prove_sent(
        &self,
        proofs: Vec<Proof>,
        actor: String,
        now: Timestamp,
    ) -> Result<u64, StoreError> {
        self.writer
            .write(move |tx| {
                let mut settled = 0;
                for proof in &proofs {
                    let text = format!("the API lists message {}", proof.message_id);
                    let entry = Entry {
                        event: Event::ProvenSent,
                        outcome: AttemptOutcome::Evidence,
                        text: &text,
                        actor: &actor,
                        now,
                    };
                    if settle(tx, proof.recipient, &entry)? {
                        insert_message(tx, proof)?;
                        hear(tx, proof, now)?;
                        settled += 1;
                    }
                }
                Ok(settled)
            })
            .await
    }
}

/// Moves an unknown recipient on; false if it is not unknown any more.
fn settle(tx: &mut Tx<'_>, recipient: RecipientId, entry: &Entry<'_>) -> Result<bool, StoreError> {
    let found: Option<(String, Option<i64>)> = tx
        .connection
        .prepare_cached("SELECT state, phone FROM recipient WHERE id = ?1")?
        .query_row([recipient.get()], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let Some((state, phone)) = found else {
        return Ok(false);
    };
    if parse_state(&state)? != State::Unknown {
        return Ok(false);
    }
    if phone.is_none() && entry.event == Event::Resend {
        // Erased by `forget`: there is nobody left to send to.
        return Ok(false);
    }
    let next = delivery::next(State::Unknown, entry.event)?;
    let at = to_millis(entry.now);
    // What is back in the queue has no reason yet; what is settled tells how.
    let done = !next.is_outstanding();
    tx.connection
        .prepare_cached(
            "UPDATE recipient SET state = ?2, reason_code = ?3, reason = ?4, finished_at = ?5
             WHERE id = ?1",
        )?
        .execute((
            recipient.get(),
            next.word(),
            done.then(|| entry.outcome.word()),
            done.then_some(entry.text),
            done.then_some(at),
        ))?;
    let learned = Learned {
        recipient,
        outcome: entry.outcome,
        accepted: next == State::Sent,
        text: Some(entry.text),
        actor: entry.actor,
        now: entry.now,
    };
    learned.insert(tx.connection)?;
    tx.count_move(recipient.batch(), State::Unknown, next);
    Ok(true)
}

fn insert_message(tx: &Tx<'_>, proof: &Proof) -> Result<(), StoreError> {
    tx.connection
        .prepare_cached(
            "INSERT INTO message (recipient, message_id, contact_id, sent_at, delivered_at, read_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)
             ON CONFLICT (recipient) DO UPDATE SET
                message_id = excluded.message_id, contact_id = excluded.contact_id,
                sent_at = excluded.sent_at,
                delivered_at = coalesce(delivered_at, excluded.delivered_at),
                read_at = coalesce(read_at, excluded.read_at)",
        )?
        .execute((
            proof.recipient.get(),
            &proof.message_id,
            &proof.contact_id,
            to_millis(proof.sent_at),
            proof.delivered_at.map(to_millis),
            proof.read_at.map(to_millis),
        ))?;
    contact::note_due(tx.connection, &mut vec![proof.recipient.get()])
}

/// An opt-out of the contact may have waited for the number.
fn hear(tx: &mut Tx<'_>, proof: &Proof, now: Timestamp) -> Result<(), StoreError> {
    let (phone, channel): (Option<i64>, String) = tx
        .connection
        .prepare_cached(
            "SELECT r.phone, b.channel FROM recipient r JOIN batch b ON b.id = r.id >> 32
             WHERE r.id = ?1",
        )?
        .query_row([proof.recipient.get()], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })?;
    let phone = phone.map(suppression::phone).transpose()?;
    apply_opt_outs(tx, &channel, &proof.contact_id, phone, now)?;
    Ok(())
}

impl Reader {
    /// True if a message with that id is known: it cannot be the one whose answer was lost.
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint fails.
    pub fn knows_message(&self, message_id: &str) -> Result<bool, StoreError> {
        message::is_known(&self.connection, message_id)
    }
}
