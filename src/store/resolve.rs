//! Settles recipients whose outcome is unknown: by a person's decision, or by what the API reports.
//!
//! The caller holds the batch ([`Store::hold`]). Rows that are no longer unknown are left alone: a
//! webhook event may have settled them meanwhile.

use std::collections::BTreeSet;

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
use super::{contact, journal, person, runs, unread};
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

    /// Carries out a decision of `actor`; returns how many recipients it settled. To people who may have written what
    /// waits to be read, nothing is sent again: their rows stay unknown.
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
        let keys = self.keys.clone();
        self.writer.write_blocking(move |tx| {
            let held = match decision {
                Decision::AssumeSent => BTreeSet::new(),
                Decision::Resend => {
                    unread::rows_that_may_have_written(tx.connection, &keys, &recipients)?
                }
            };
            let entry = Resolution {
                event: decision.event(),
                outcome: decision.outcome(),
                proof: decision.proof(),
                text: decision.text(),
                actor: &actor,
                now,
            };
            let mut settled = 0;
            for recipient in recipients.iter().filter(|it| !held.contains(it)) {
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
        "SELECT r.state, p.number IS NULL OR i.content IS NULL OR r.reason_code IS 'no_consent'
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
        // Erased by `forget`, or taken out by `--update`, or refused by it: there is no recipient left.
        return Ok(false);
    }
    let next = delivery::next(State::Unknown, entry.event)?;
    // What is back in the queue has no reason yet; what is settled says how.
    let done = !next.is_outstanding();
    tx.connection.change(
        "UPDATE recipient SET state = ?2, finished_at = ?5, not_before = 0,
                    reason_code = iif(reason_code = 'erased' OR reason_code = 'forgotten' OR reason_code = 'no_consent', reason_code, ?3),
                    reason = iif(reason_code = 'erased' OR reason_code = 'forgotten' OR reason_code = 'no_consent', reason, ?4)
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Each request with the row and the person that it was for, its channel, kind, content, outcome and proof.
    #[test]
    fn a_listed_message_may_prove_requests_with_the_same_content_to_the_same_person_and_channel_alone()
     {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("outreach.db")).unwrap();
        let filled = store.writer.write_blocking(|tx| {
            Ok(tx.connection.execute_batch(
                "INSERT INTO channel (id, api_id) VALUES (1, '7001'), (2, '7002');
                 INSERT INTO person (id, number) VALUES (1, 420777000001), (2, 420777000002);
                 INSERT INTO recipient (id, person, state) VALUES ((1 << 32) + 1, 1, 'unknown');
                 INSERT INTO attempt (started_at, recipient, person, channel, kind, content_key, outcome, proof)
                 VALUES (1, (1 << 32) + 1, 1, 1, 'request', 6, 'undecided', 'resend'),
                        (2, (1 << 32) + 1, 1, 1, 'request', 5, 'undecided', NULL),
                        (3, (1 << 32) + 1, 1, 2, 'note', NULL, 'evidence', NULL),
                        (10, (2 << 32) + 1, 1, 1, 'request', 5, 'undecided', NULL),
                        (11, (2 << 32) + 1, 1, 1, 'import', 5, 'interrupted', NULL),
                        (12, (2 << 32) + 1, 1, 1, 'test', 5, NULL, NULL),
                        (13, (2 << 32) + 1, 1, 1, 'request', 5, 'undecided', 'resend'),
                        (20, (2 << 32) + 1, 1, 1, 'note', 5, 'undecided', NULL),
                        (21, (2 << 32) + 1, 1, 1, 'request', 5, 'undecided', 'accepted'),
                        (22, (2 << 32) + 1, 1, 1, 'request', 5, 'sent', NULL),
                        (23, (2 << 32) + 1, 1, 1, 'request', 5, 'rejected', 'resend'),
                        (24, (2 << 32) + 2, 2, 1, 'request', 5, 'undecided', NULL),
                        (25, (2 << 32) + 1, 1, 2, 'request', 5, 'undecided', NULL),
                        (26, (2 << 32) + 1, 1, 1, 'request', 6, 'undecided', NULL);",
            )?)
        });
        filled.unwrap();
        let recipient = RecipientId::new(BatchId::for_tests(1), 1);
        let mut rivals = store.reader().unwrap().rival_requests(recipient).unwrap();
        rivals.sort();
        let rivals: Vec<i64> = rivals.into_iter().map(to_millis).collect();
        assert_eq!(rivals, [10, 11, 12, 13]);
    }

    /// A batch whose row 2 is unknown, with an earlier request that was sent again by decision; its row 1 has no message.
    const UNKNOWN: &str = "
        INSERT INTO channel (id, api_id) VALUES (1, '7001');
        INSERT INTO batch (id, uid, state, state_since, digest, definition, headers, files, first_file, channel, sandbox,
                           created_at)
            VALUES (1, x'01', 'complete', 0, x'01', '{}', '[]', '[]', 1, 1, 0, 0);
        INSERT INTO tally (batch, unknown) VALUES (1, 1);
        INSERT INTO person (id, number) VALUES (1, 420777000001);
        INSERT INTO recipient (id, state) VALUES ((1 << 32) + 1, 'invalid');
        INSERT INTO recipient (id, person, state, reason_code, reason, finished_at)
            VALUES ((1 << 32) + 2, 1, 'unknown', 'undecided', 'timed out', 5);
        INSERT INTO recipient_input (id, file, row, fields) VALUES ((1 << 32) + 1, 0, 2, '[]');
        INSERT INTO recipient_input (id, file, row, fields, content) VALUES ((1 << 32) + 2, 1, 3, '[]', '{}');
        INSERT INTO attempt (recipient, person, channel, kind, started_at, outcome, proof)
            VALUES ((1 << 32) + 2, 1, 1, 'request', 3, 'undecided', 'resend'),
                   ((1 << 32) + 2, 1, 1, 'request', 4, 'undecided', NULL);";

    /// State, reason code, reason and end of a row, and what was proven of its requests.
    type Decided = (String, Option<String>, Option<String>, Option<i64>, String);

    /// What is decided of the row after these statements; whether it was settled, and how it stands.
    fn decided(statements: &str, decision: Decision) -> (bool, Decided) {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("outreach.db")).unwrap();
        let statements = format!("{UNKNOWN} {statements}");
        let filled = store
            .writer
            .write_blocking(move |tx| Ok(tx.connection.execute_batch(&statements)?));
        filled.unwrap();
        let row = RecipientId::new(BatchId::for_tests(1), 2);
        let now = Timestamp::from_second(9).unwrap();
        let settled = store.decide(vec![row], decision, "me".to_owned(), now);
        let stands = store.writer.write_blocking(move |tx| {
            tx.connection.row(
                "SELECT state, reason_code, reason, finished_at,
                        (SELECT group_concat(coalesce(proof, '-')) FROM attempt WHERE kind = 'request')
                     FROM recipient WHERE id = ?1",
                [row],
            )
        });
        (settled.unwrap() == 1, stands.unwrap())
    }

    #[test]
    fn a_decision_settles_an_unknown_row_and_proves_the_request_that_is_open() {
        let erased = "UPDATE recipient SET reason_code = 'erased', reason = 'gone';";
        for (statements, decision, code, reason) in [
            (
                "",
                Decision::AssumeSent,
                "assumed_sent",
                Decision::AssumeSent.text(),
            ),
            (erased, Decision::AssumeSent, "erased", "gone"),
        ] {
            let (is_settled, found) = decided(statements, decision);
            let text = |it: &str| Some(it.to_owned());
            let proofs = "resend,assumed".to_owned();
            let wanted = (
                "sent".to_owned(),
                text(code),
                text(reason),
                Some(9_000),
                proofs,
            );
            assert_eq!((is_settled, found), (true, wanted), "{statements}");
        }
        let (is_settled, found) = decided("", Decision::Resend);
        let queued = (
            "queued".to_owned(),
            None,
            None,
            None,
            "resend,resend".to_owned(),
        );
        assert_eq!((is_settled, found), (true, queued));
    }

    #[test]
    fn nobody_is_queued_again_who_has_no_number_no_message_or_left_the_list() {
        for statements in [
            "UPDATE person SET number = NULL;",
            "UPDATE recipient_input SET content = NULL;",
            "UPDATE batch SET first_file = 2;",
            "UPDATE recipient SET state = 'sent';",
        ] {
            let (is_settled, (state, .., proofs)) = decided(statements, Decision::Resend);
            assert!(!is_settled && state != "queued", "{statements}");
            assert_eq!(proofs, "resend,-", "{statements}");
        }
        let gone = "UPDATE person SET number = NULL;";
        let (is_settled, found) = decided(gone, Decision::AssumeSent);
        assert_eq!((is_settled, found.0.as_str()), (true, "sent"));
    }
}
