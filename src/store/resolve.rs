//! Settles recipients whose outcome is unknown: by a person's decision, or by what the API reports.
//!
//! The caller holds the batch ([`Store::hold`]). Rows that are no longer unknown are left alone: a
//! webhook event may have settled them meanwhile.

use jiff::Timestamp;

use super::attempt::{self, Note};
use super::batch::{QueuedBy, reopen};
use super::checkpoint::{Reader, Store};
use super::columns::{time, to_millis};
use super::error::StoreError;
use super::ids::{ApiId, BatchId, ChannelId, PersonId, RecipientId};
use super::keys::HashKey;
use super::query::Query as _;
use super::transaction::Tx;
use super::{contact, journal, person, runs};
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

    const fn proof(self) -> attempt::Proof {
        match self {
            Self::AssumeSent => attempt::Proof::Assumed,
            Self::Resend => attempt::Proof::Resend,
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
pub(crate) struct FoundMessage {
    /// The recipient.
    pub(crate) recipient: RecipientId,
    /// The message's id.
    pub(crate) message_id: String,
    /// The contact's id.
    pub(crate) contact_id: String,
    /// When it was sent, as the API says.
    pub(crate) sent_at: Timestamp,
    /// When it was delivered.
    pub(crate) delivered_at: Option<Timestamp>,
    /// When it was read.
    pub(crate) read_at: Option<Timestamp>,
}

/// An entry of the audit that is no request.
struct Resolution<'a> {
    event: Event,
    outcome: AttemptOutcome,
    proof: attempt::Proof,
    text: &'a str,
    actor: &'a str,
    now: Timestamp,
}

impl Store {
    /// Rows that a process left under way when it died become unknown; returns how many.
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint fails.
    pub(crate) fn interrupt_leftovers(
        &self,
        batch: BatchId,
        now: Timestamp,
    ) -> Result<u64, StoreError> {
        self.writer.write_blocking(move |tx| {
            runs::leave(tx.connection, batch)?;
            journal::interrupt(tx, batch, now)
        })
    }

    /// Calls unknown what processes that are gone left under way in all batches but `except`: rows of other batches
    /// may wait for it, and their connections are free. Webhook events that waited for these requests are applied.
    /// Returns whether there were such processes.
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint fails.
    pub(crate) async fn interrupt_dead(
        &self,
        except: Option<BatchId>,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let (mut found, mut interrupted) = (false, 0);
        for (id, name) in self.reader()?.under_way_elsewhere(except)? {
            // A batch that is not there any more, or has no name yet, is sent by nobody.
            let _held = match name.map(|name| self.hold(&name, now)).transpose() {
                Ok(held) => held,
                Err(StoreError::Held { .. }) => continue,
                Err(error) => return Err(error),
            };
            let left = move |tx: &mut Tx<'_>| {
                runs::leave(tx.connection, id)?;
                journal::interrupt(tx, id, now)
            };
            interrupted += self.writer.write(left).await?;
            found = true;
        }
        if interrupted > 0 {
            self.apply_waiting_events(now).await?;
        }
        Ok(found)
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
            let entry = Resolution {
                event: decision.event(),
                outcome: decision.outcome(),
                proof: decision.proof(),
                text: decision.text(),
                actor: &actor,
                now,
            };
            let mut settled = 0;
            for recipient in &recipients {
                settled += u64::from(settle(tx, *recipient, &entry)?);
            }
            Ok(settled)
        })
    }

    /// Settles recipients as sent by the API's own list of messages; returns how many.
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint fails; then nothing of it is stored.
    pub(crate) async fn prove_sent(
        &self,
        proofs: Vec<FoundMessage>,
        actor: String,
        now: Timestamp,
    ) -> Result<u64, StoreError> {
        let keys = self.keys.clone();
        self.writer
            .write(move |tx| {
                let mut settled = 0;
                for proof in &proofs {
                    let text = format!("the API lists message {}", proof.message_id);
                    let entry = Resolution {
                        event: Event::ProvenSent,
                        outcome: AttemptOutcome::Evidence,
                        proof: attempt::Proof::Accepted,
                        text: &text,
                        actor: &actor,
                        now,
                    };
                    if settle(tx, proof.recipient, &entry)? {
                        enter_message(tx, &keys, proof)?;
                        settled += 1;
                    }
                }
                Ok(settled)
            })
            .await
    }
}

/// Moves an unknown recipient on; false if it is not unknown any more.
fn settle(
    tx: &mut Tx<'_>,
    recipient: RecipientId,
    entry: &Resolution<'_>,
) -> Result<bool, StoreError> {
    let found: Option<(State, bool)> = tx.connection.find_row(
        "SELECT r.state, p.number IS NULL OR i.content IS NULL
                             OR i.file < (SELECT first_file FROM batch WHERE id = r.id >> 32)
             FROM recipient r JOIN recipient_input i ON i.id = r.id LEFT JOIN person p ON p.id = r.person
             WHERE r.id = ?1",
        [recipient],
    )?;
    let Some((state, gone)) = found else {
        return Ok(false);
    };
    if state != State::Unknown {
        return Ok(false);
    }
    if gone && entry.event == Event::Resend {
        // Erased by `forget`, or taken out by `--update`: there is no recipient left.
        return Ok(false);
    }
    let next = delivery::next(State::Unknown, entry.event)?;
    // What is back in the queue has no reason yet; what is settled says how.
    let done = !next.is_outstanding();
    tx.connection.change(
        "UPDATE recipient SET state = ?2, finished_at = ?5, not_before = 0,
                    reason_code = iif(reason_code IN ('erased', 'forgotten'), reason_code, ?3),
                    reason = iif(reason_code IN ('erased', 'forgotten'), reason, ?4)
             WHERE id = ?1",
        (
            recipient,
            next.word(),
            done.then(|| entry.outcome.word()),
            done.then_some(entry.text),
            done.then(|| to_millis(entry.now)),
        ),
    )?;
    prove_open(tx, recipient, entry)?;
    tx.count_move(recipient.batch(), State::Unknown, next);
    attempt::end_waits(tx.connection, recipient)?;
    reopen(
        tx.connection,
        recipient.batch(),
        QueuedBy::Person,
        entry.now,
    )?;
    Ok(true)
}

/// Keeps the decision with the requests whose outcome is open.
fn prove_open(
    tx: &Tx<'_>,
    recipient: RecipientId,
    entry: &Resolution<'_>,
) -> Result<(), StoreError> {
    let (connection, actor, now) = (tx.connection, entry.actor, entry.now);
    for request in attempt::requests_of(connection, recipient)? {
        if request.open {
            attempt::prove(connection, request.id, entry.proof, actor, None, now)?;
        }
    }
    let note = Note {
        recipient,
        outcome: entry.outcome,
        text: Some(entry.text),
        actor,
        at: now,
    };
    attempt::note(connection, &note)?;
    Ok(())
}

/// Enters the message that the list shows into the request that it proves.
fn enter_message(tx: &Tx<'_>, keys: &HashKey, proof: &FoundMessage) -> Result<(), StoreError> {
    let Some(request) = attempt::requests_of(tx.connection, proof.recipient)?
        .into_iter()
        .next()
    else {
        return Ok(());
    };
    let (on, whose): (ChannelId, Option<PersonId>) = tx.connection.row(
        "SELECT channel, person FROM attempt WHERE id = ?1",
        [request.id],
    )?;
    // Whom a message to an erased person went to must not be known again.
    if let Some(whose) = whose
        && person::number(tx.connection, whose)?.is_none()
    {
        return Ok(());
    }
    let contact = contact::learn(tx.connection, keys, on, &proof.contact_id, whose)?;
    tx.connection.change(
        "UPDATE attempt SET message_id = ?2, contact = ?3,
                delivered_at = coalesce(min(delivered_at, ?4), delivered_at, ?4),
                read_at = coalesce(min(read_at, ?5), read_at, ?5)
         WHERE id = ?1",
        (
            request.id,
            ApiId(&proof.message_id),
            contact.row,
            proof.delivered_at.map(to_millis),
            proof.read_at.map(to_millis),
        ),
    )?;
    attempt::note_read(tx.connection, request.id, contact.row)
}

impl Reader {
    /// When requests of other recipients left that carried the same content to the same person and channel, and
    /// whose outcome is not known either: each may be the one that a listed message proves.
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint fails.
    pub(crate) fn rival_requests(
        &self,
        recipient: RecipientId,
    ) -> Result<Vec<Timestamp>, StoreError> {
        self.connection.read(
            "SELECT o.started_at
             FROM recipient r
                  CROSS JOIN attempt a ON a.id = (SELECT max(id) FROM attempt x
                                                  WHERE x.person = r.person AND x.recipient = r.id
                                                        AND x.kind IN ('request', 'import'))
                  CROSS JOIN attempt o INDEXED BY attempt_by_person
                       ON o.person = a.person AND o.recipient <> r.id AND o.channel = a.channel
                          AND o.content_key IS a.content_key
                          AND (o.kind = 'request' OR o.kind = 'test' OR o.kind = 'import')
             WHERE r.id = ?1 AND (o.outcome IS NULL
                                  OR o.outcome IN ('undecided', 'interrupted') AND (o.proof IS NULL OR o.proof = 'resend'))",
            [recipient],
            |row| time(row, 0),
        )
    }

    /// True if a message with that id is known: it cannot be the one whose answer was lost.
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint fails.
    pub fn knows_message(&self, message_id: &str) -> Result<bool, StoreError> {
        self.connection.has(
            "SELECT 1 FROM attempt WHERE message_id = ?1",
            [ApiId(message_id)],
        )
    }
}
