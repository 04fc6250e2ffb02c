//! Requests, from the commit of their intent to their proof.
//!
//! A row is written before its request leaves, without an outcome. The answer closes it. Where the answer was
//! lost, an event, the API's list of messages or a decision proves what became of it. What was decided or
//! proven is also kept as a note, a row of its own, for the history of the recipient.

use jiff::Timestamp;
use rusqlite::Connection;

use super::columns::{from_millis, time, to_millis};
use super::error::StoreError;
use super::ids::{ApiId, AttemptId, BatchId, ChannelId, ContactRow, PersonId, RecipientId};
use super::keys::KEY_FORM;
use super::not_before::FOR_AN_OUTCOME;
use super::query::Query as _;
use crate::domain::eligibility::RequestOutcome;
use crate::domain::event::read_covers;
use crate::domain::fallback::EarlierOutcome;
use crate::domain::outcome::AttemptOutcome;
use crate::domain::text::canonical_text;

/// A request that is about to leave.
#[derive(Debug, Clone, Copy)]
pub(super) struct Intent {
    pub(super) recipient: RecipientId,
    pub(super) person: PersonId,
    pub(super) channel: ChannelId,
    pub(super) content_key: i64,
    pub(super) token: i64,
    pub(super) at: Timestamp,
}

/// How a request ended.
#[derive(Debug, Clone)]
pub(super) struct Closing<'a> {
    pub(super) outcome: AttemptOutcome,
    pub(super) http_status: Option<u16>,
    pub(super) text: Option<&'a str>,
    pub(super) message_id: Option<&'a str>,
    pub(super) contact: Option<ContactRow>,
    pub(super) at: Timestamp,
}

/// What became of a request whose answer does not say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Proof {
    /// It was accepted.
    Accepted,
    /// A person counts it as accepted.
    Assumed,
    /// It failed after all.
    Failed,
    /// A person decided to send again, whatever became of it.
    Resend,
}

impl Proof {
    const fn word(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Assumed => "assumed",
            Self::Failed => "failed",
            Self::Resend => "resend",
        }
    }
}

/// Writes the intent of a request.
pub(super) fn begin(connection: &Connection, intent: &Intent) -> Result<AttemptId, StoreError> {
    connection.change(
        "INSERT INTO attempt (recipient, person, channel, kind, content_key, key_form, token, started_at)
             VALUES (?1, ?2, ?3, 'request', ?4, ?5, ?6, ?7)",
        (
            intent.recipient,
            intent.person,
            intent.channel,
            intent.content_key,
            KEY_FORM,
            intent.token,
            to_millis(intent.at),
        ),
    )?;
    Ok(AttemptId(connection.last_insert_rowid()))
}

/// Closes a request. One that was given up before its answer came is closed anew; what was proven of it
/// meanwhile stays.
pub(super) fn close(
    connection: &Connection,
    attempt: AttemptId,
    closing: &Closing<'_>,
) -> Result<(), StoreError> {
    connection.change(
        "UPDATE attempt SET finished_at = ?2, outcome = ?3, http_status = ?4, text = ?5,
                    message_id = coalesce(?6, message_id), contact = coalesce(?7, contact)
             WHERE id = ?1",
        (
            attempt,
            to_millis(closing.at),
            closing.outcome.word(),
            closing.http_status,
            closing.text,
            closing.message_id.map(ApiId),
            closing.contact,
        ),
    )?;
    Ok(())
}

/// Notes what became of a request.
pub(super) fn prove(
    connection: &Connection,
    attempt: AttemptId,
    proof: Proof,
    by: &str,
    text: Option<&str>,
    at: Timestamp,
) -> Result<(), StoreError> {
    connection.change(
        "UPDATE attempt SET proof = ?2, proof_at = ?3, proof_by = ?4,
                proof_text = coalesce(?5, proof_text)
         WHERE id = ?1",
        (attempt, proof.word(), to_millis(at), by, text),
    )?;
    Ok(())
}

/// When the message of a request was sent, as far as is known: an answer that was lost says nothing.
pub(super) const SENT_AT: &str = "iif(a.outcome = 'sent', a.finished_at, a.started_at)";

/// For so long, in milliseconds, a channel tries to deliver a message: "not delivered in 24 h" (code 4 of
/// `message_failed`; Viber Business may be set to less). A reading covers all messages before it; of one that failed it
/// shows only within this time that it arrived after all.
pub(super) const DELIVERY_TRIES: &str = "86400000";

/// Whether request `a` was accepted, whichever way that was learned.
pub(super) const ACCEPTED: &str = "(a.outcome = 'sent' OR a.proof IN ('accepted', 'assumed'))";

/// Whether request `a` was accepted or may have been. Written with OR: of a list of more than two words SQLite makes a
/// table, each time that it is asked.
pub(super) const MAY_BE_ACCEPTED: &str = "(a.outcome IS NULL OR a.outcome = 'sent' OR a.outcome = 'undecided' \
     OR a.outcome = 'interrupted' OR a.proof = 'accepted' OR a.proof = 'assumed')";

/// Notes when the message was read, if the event came before the proof that the request was accepted.
pub(super) fn note_read(
    connection: &Connection,
    attempt: AttemptId,
    contact: ContactRow,
) -> Result<(), StoreError> {
    let skew = to_millis(read_covers(Timestamp::UNIX_EPOCH));
    let read: Option<i64> = connection.value(
        &format!(
            "SELECT min(d.until) FROM attempt a CROSS JOIN contact_read d
                  ON d.contact = ?2 AND d.until >= {SENT_AT} - ?3
             WHERE a.id = ?1 AND (a.proof IS NOT 'failed' OR a.delivered_at IS NOT NULL
                                  OR d.until <= a.started_at + {DELIVERY_TRIES})"
        ),
        (attempt, contact, skew),
    )?;
    if let Some(read) = read {
        connection.change(
            "UPDATE attempt SET read_at = coalesce(min(read_at, ?2), ?2) WHERE id = ?1",
            (attempt, read),
        )?;
    }
    Ok(())
}

/// The outcome of a request to the person is settled: rows of other batches that wait for it are judged anew.
pub(super) fn end_waits(connection: &Connection, recipient: RecipientId) -> Result<(), StoreError> {
    let waiting: Vec<RecipientId> = connection.list(
        "SELECT o.id FROM recipient r
              CROSS JOIN recipient o INDEXED BY recipient_by_person ON o.person = r.person
         WHERE r.id = ?1 AND o.state = 'queued' AND o.not_before = ?2",
        (recipient, FOR_AN_OUTCOME),
    )?;
    for row in waiting {
        connection.change(
            "UPDATE recipient SET not_before = 0, reason_code = NULL, reason = NULL WHERE id = ?1",
            [row],
        )?;
    }
    Ok(())
}

/// What a note is about.
#[derive(Debug, Clone, Copy)]
pub(super) struct Note<'a> {
    pub(super) recipient: RecipientId,
    pub(super) outcome: AttemptOutcome,
    pub(super) text: Option<&'a str>,
    pub(super) actor: &'a str,
    pub(super) at: Timestamp,
}

/// Keeps what was decided or proven about a recipient.
pub(super) fn note(connection: &Connection, note: &Note<'_>) -> Result<(), StoreError> {
    connection.change(
        "INSERT INTO attempt (recipient, person, channel, kind, started_at, finished_at, outcome, text,
                                  proof_by)
             SELECT r.id, r.person, b.channel, 'note', ?2, ?2, ?3, ?4, ?5
             FROM recipient r JOIN batch b ON b.id = r.id >> 32 WHERE r.id = ?1",
        (
            note.recipient,
            to_millis(note.at),
            note.outcome.word(),
            note.text,
            note.actor,
        ),
    )?;
    Ok(())
}

/// A request of a recipient.
#[derive(Debug, Clone, Copy)]
pub(super) struct Request {
    pub(super) id: AttemptId,
    pub(super) channel: ChannelId,
    pub(super) started_at: Timestamp,
    /// Whether its outcome is open: under way, or its answer was lost and nothing was proven.
    pub(super) open: bool,
}

/// The recipient's requests that were accepted or may have been, the latest first.
pub(super) fn requests_of(
    connection: &Connection,
    recipient: RecipientId,
) -> Result<Vec<Request>, StoreError> {
    connection.read(
        &format!(
            "SELECT a.id, a.started_at, a.outcome IS NULL
                OR a.outcome IN ('undecided', 'interrupted') AND a.proof IS NULL, a.channel
         FROM recipient r CROSS JOIN attempt a INDEXED BY attempt_by_person
              ON a.person IS r.person AND a.recipient = r.id
         WHERE r.id = ?1 AND a.kind IN ('request', 'import') AND {MAY_BE_ACCEPTED}
         ORDER BY a.id DESC"
        ),
        [recipient],
        |row| {
            Ok(Request {
                id: row.get(0)?,
                started_at: time(row, 1)?,
                open: row.get(2)?,
                channel: row.get(3)?,
            })
        },
    )
}

/// What is known of all requests for the recipient, with their channels, the latest last.
pub(super) fn past_of(
    connection: &Connection,
    recipient: RecipientId,
) -> Result<Vec<(EarlierOutcome, ChannelId)>, StoreError> {
    connection.read(
        "SELECT a.outcome, a.proof, coalesce(a.delivered_at, a.read_at) IS NOT NULL, a.channel
         FROM recipient r CROSS JOIN attempt a INDEXED BY attempt_by_person
              ON a.person IS r.person AND a.recipient = r.id
         WHERE r.id = ?1 AND a.kind IN ('request', 'import') ORDER BY a.id",
        [recipient],
        |row| {
            let outcome: Option<String> = row.get(0)?;
            let proof: Option<String> = row.get(1)?;
            let has_arrived: bool = row.get(2)?;
            let past = match (outcome.as_deref(), proof.as_deref()) {
                (_, Some("accepted" | "assumed")) => EarlierOutcome::Stands,
                // What was delivered or read is not sent again, whatever was said of it.
                (_, Some("failed")) if has_arrived => EarlierOutcome::Stands,
                (Some("sent"), proof) if proof != Some("failed") => EarlierOutcome::Stands,
                (None, _) | (Some("undecided" | "interrupted"), None) => EarlierOutcome::Open,
                // Refused, proven failed, or a person decided to send again, whatever became of it.
                (Some(_), _) => EarlierOutcome::Failed,
            };
            Ok((past, row.get(3)?))
        },
    )
}

/// When the number was answered not to be reached on the channel, if that was the last answer there, its text is
/// known to mean so (or a results file of ours says it), and no contact of the person is known there since. An answer
/// to `asker` itself does not count: who queued it again wants another.
pub(super) fn unreached_since(
    connection: &Connection,
    whose: PersonId,
    on: ChannelId,
    asker: Option<RecipientId>,
) -> Result<Option<Timestamp>, StoreError> {
    type Row = ((i64, i64), Option<String>, Option<String>, i64, bool);
    // The order is made here: SQLite makes a table for it, each time that it is asked.
    let requests: Vec<Row> = connection.read(
        "SELECT started_at, id,
                iif(recipient IS ?3 OR EXISTS (SELECT 1 FROM contact k INDEXED BY contact_by_person
                            WHERE k.person = ?1 AND k.channel = ?2 AND NOT k.former), NULL, outcome),
                text, coalesce(finished_at, started_at), kind = 'import'
             FROM attempt INDEXED BY attempt_by_person
             WHERE person = ?1 AND channel = ?2 AND kind IN ('request', 'import')
                   AND (outcome IS NULL OR outcome = 'sent' OR outcome = 'no_messenger' OR outcome = 'undecided'
                        OR outcome = 'interrupted')",
        (whose, on, asker),
        |row| {
            let order = (row.get(0)?, row.get(1)?);
            Ok((order, row.get(2)?, row.get(3)?, row.get(4)?, row.get(5)?))
        },
    )?;
    let last = requests.into_iter().max_by_key(|(order, ..)| *order);
    let Some((_, Some(outcome), Some(text), at, is_imported)) = last else {
        return Ok(None);
    };
    let is_known = outcome == AttemptOutcome::NoMessenger.word()
        && (is_imported
            || connection.has(
                "SELECT 1 FROM refusal WHERE text = ?1 AND meaning = 'no_messenger'",
                [canonical_text(&text)],
            )?);
    is_known.then(|| from_millis(at)).transpose()
}

/// Whether a request for the recipient found that the contact's id is not known any more.
pub(super) fn was_contact_gone(
    connection: &Connection,
    recipient: RecipientId,
    whose: PersonId,
) -> Result<bool, StoreError> {
    connection.has(
        "SELECT 1 FROM attempt INDEXED BY attempt_by_person
             WHERE person = ?1 AND recipient = ?2 AND outcome = 'contact_gone' LIMIT 1",
        (whose, recipient),
    )
}

/// The requests of a batch that are under way.
pub(super) fn under_way_in(
    connection: &Connection,
    batch: BatchId,
) -> Result<Vec<(AttemptId, RecipientId)>, StoreError> {
    connection.rows(
        "SELECT id, recipient FROM attempt INDEXED BY attempt_under_way
         WHERE recipient > ?1 AND recipient < ?2 AND outcome IS NULL ORDER BY recipient",
        batch.range(),
    )
}

/// How many requests of a batch are under way that left after that time.
pub(super) fn count_under_way(
    connection: &Connection,
    batch: BatchId,
    after: Timestamp,
) -> Result<u32, StoreError> {
    let (first, last) = batch.range();
    connection.value(
        "SELECT count(*) FROM attempt INDEXED BY attempt_under_way
             WHERE recipient > ?1 AND recipient < ?2 AND outcome IS NULL AND started_at > ?3",
        (first, last, to_millis(after)),
    )
}

/// The recipient of a request to the person that is under way.
pub(super) fn under_way_to(
    connection: &Connection,
    whose: PersonId,
) -> Result<Option<RecipientId>, StoreError> {
    connection.find(
        "SELECT recipient FROM attempt INDEXED BY attempt_by_person
             WHERE person = ?1 AND outcome IS NULL LIMIT 1",
        [whose],
    )
}

/// The batches that have requests under way.
pub(super) fn batches_under_way(connection: &Connection) -> Result<Vec<BatchId>, StoreError> {
    connection.list(
        "SELECT DISTINCT recipient >> 32 FROM attempt INDEXED BY attempt_under_way
         WHERE outcome IS NULL",
        [],
    )
}

/// What is known of a request's outcome; `None` if it was not accepted.
pub(super) fn request_outcome(
    outcome: Option<&str>,
    proof: Option<&str>,
) -> Option<RequestOutcome> {
    match (outcome, proof) {
        (_, Some("failed")) => None,
        (_, Some("resend")) => Some(RequestOutcome::SentAgain),
        (Some("sent"), _) | (_, Some("accepted" | "assumed")) => Some(RequestOutcome::Accepted),
        (None, _) => Some(RequestOutcome::UnderWay),
        (Some(_), _) => Some(RequestOutcome::Unknown),
    }
}

#[cfg(test)]
mod tests;
