//! The texts of refusals, what they mean, and the recipients that are held until that is known.

use jiff::Timestamp;
use rusqlite::Connection;
use serde_json::json;

use super::attempt::{self, Note};
use super::batch::{Batch, QueuedBy, reopen};
use super::checkpoint::{Reader, Store};
use super::columns::{count, to_millis};
use super::error::StoreError;
use super::fallback;
use super::ids::{BatchId, RecipientId, RefusalId};
use super::query::Query as _;
use super::steps::at_most;
use super::transaction::Tx;
use crate::domain::delivery::{self, Event, State};
use crate::domain::fallback::Cause as FallsBecause;
use crate::domain::outcome::AttemptOutcome;
use crate::domain::refusal::{Meaning, RefusalRule, RefusalRules};
use crate::domain::text::canonical_text;

/// Rows that are changed in one transaction.
pub(super) const STEP: usize = 2_000;

/// How many texts are kept. Texts that differ for each recipient would fill the checkpoint.
const TEXTS: i64 = 10_000;

/// Stands for all further texts.
const ANOTHER: &str = "(another text)";

/// Who says what a text means, where no person does: the table of refusals, nobody, or an older program that
/// took any text for known that stood beside an accepted message.
const TABLE: &str = "table";
const NOBODY: &str = "answer";

/// Recipients that are held by the text of their refusal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldText {
    /// The text, digits replaced.
    pub text: String,
    /// What the table of refusals says that it means, if it knows it.
    pub known: Option<Meaning>,
    /// How many recipients.
    pub rows: u64,
    pub(crate) refusal: RefusalId,
}

#[cfg(test)]
impl HeldText {
    /// Recipients that are held by a text that nobody knows.
    pub(crate) fn for_tests(text: &str, rows: u64) -> Self {
        Self {
            text: text.to_owned(),
            known: None,
            rows,
            refusal: RefusalId(1),
        }
    }
}

/// Whether no person said what a text means. Written with OR: of a list of more than two words SQLite makes a table,
/// each time that it is asked.
const BY_NOBODY: &str = "(source = 'table' OR source = 'answer' OR source = 'learned')";

/// Notes a refusal; returns what stands for its text.
pub(super) fn seen(
    connection: &Connection,
    text: &str,
    known: Option<Meaning>,
    at: Timestamp,
) -> Result<RefusalId, StoreError> {
    let mut text = canonical_text(text);
    let mut stored = find(connection, &text)?;
    if stored.is_none() && is_full(connection)? {
        ANOTHER.clone_into(&mut text);
        stored = find(connection, &text)?;
    }
    let (meaning, source) = match known {
        Some(meaning) => (Some(meaning.word()), TABLE),
        None => (None, NOBODY),
    };
    // `INSERT ... RETURNING` says the same, and makes a table for its one row each time.
    let Some(id) = stored else {
        connection.change(
            "INSERT INTO refusal (text, meaning, source, decided_at, seen) VALUES (?1, ?2, ?3, ?4, 1)",
            (&text, meaning, source, to_millis(at)),
        )?;
        return Ok(RefusalId(connection.last_insert_rowid()));
    };
    connection.change(
        &format!(
            "UPDATE refusal
             SET seen = seen + 1, meaning = iif({BY_NOBODY}, ?2, meaning), source = iif({BY_NOBODY}, ?3, source)
             WHERE id = ?1"
        ),
        (id, meaning, source),
    )?;
    Ok(id)
}

/// What stands for a text, if it was met before.
fn find(connection: &Connection, text: &str) -> Result<Option<RefusalId>, StoreError> {
    connection.find("SELECT id FROM refusal WHERE text = ?1", [text])
}

/// Whether no further text is kept.
fn is_full(connection: &Connection) -> Result<bool, StoreError> {
    let texts: Option<i64> = connection.value("SELECT max(id) FROM refusal", [])?;
    Ok(texts.unwrap_or(0) >= TEXTS)
}

/// A row that was refused, as it stands.
pub(super) struct Refused {
    pub(super) state: State,
    refusal: Option<RefusalId>,
    reason: Option<String>,
}

/// A refused row that may go back to the queue; `None` if it is no longer refused, was erased, may have been accepted by
/// any request, is of a person whom the batch's list refuses by now, or is of an earlier list of the batch: the present one
/// may not hold its person.
pub(super) fn refused(
    connection: &Connection,
    recipient: RecipientId,
) -> Result<Option<Refused>, StoreError> {
    let found: Option<(State, Option<RefusalId>, Option<String>, bool)> = connection.find_row(
        "SELECT r.state, r.refusal, r.reason,
                    r.maybe_accepted_at IS NULL AND p.number IS NOT NULL AND i.content IS NOT NULL
                        AND r.reason_code IS NOT 'erased' AND r.reason_code IS NOT 'no_consent'
                        AND i.file >= (SELECT first_file FROM batch WHERE id = r.id >> 32)
             FROM recipient r CROSS JOIN recipient_input i ON i.id = r.id
                  LEFT JOIN person p ON p.id = r.person
             WHERE r.id = ?1",
        [recipient],
    )?;
    let Some((state, refusal, reason, may_go)) = found else {
        return Ok(None);
    };
    let is_refused = matches!(state, State::NoMessenger | State::Error);
    if !may_go || !is_refused || !attempt::requests_of(connection, recipient)?.is_empty() {
        return Ok(None);
    }
    Ok(Some(Refused {
        state,
        refusal,
        reason,
    }))
}

/// Who takes a refusal back, and why.
#[derive(Clone, Copy)]
pub(super) struct Cause<'a> {
    pub(super) outcome: AttemptOutcome,
    pub(super) text: &'a str,
    pub(super) actor: &'a str,
    pub(super) at: Timestamp,
}

/// Puts a refused row back into the queue; `hold`: it is claimed by nobody until its text has a meaning. False if
/// it must stay as it is.
pub(super) fn requeue(
    tx: &mut Tx<'_>,
    recipient: RecipientId,
    hold: bool,
    cause: Cause<'_>,
) -> Result<bool, StoreError> {
    let Some(row) = refused(tx.connection, recipient)? else {
        // A row of an open run is held already; from now on it waits for a person alone.
        if hold {
            fallback::keep_held(tx.connection, recipient)?;
        }
        return Ok(false);
    };
    let next = delivery::next(row.state, Event::TakenBack)?;
    let reason = row.reason.unwrap_or_default();
    let holder = match row.refusal {
        _ if !hold => None,
        Some(refusal) => Some(refusal),
        None => Some(seen(tx.connection, &reason, None, cause.at)?),
    };
    let reason =
        hold.then(|| format!("held until somebody says what this refusal means: {reason}"));
    tx.connection.change(
        "UPDATE recipient SET state = ?2, held = ?3, reason_code = ?4, reason = ?5,
                    finished_at = NULL, not_before = 0 WHERE id = ?1",
        (
            recipient,
            next.word(),
            holder,
            hold.then_some("held"),
            reason,
        ),
    )?;
    note(tx, recipient, cause)?;
    tx.count_move(recipient.batch(), row.state, next);
    Ok(true)
}

fn note(tx: &Tx<'_>, recipient: RecipientId, cause: Cause<'_>) -> Result<(), StoreError> {
    attempt::note(
        tx.connection,
        &Note {
            recipient,
            outcome: cause.outcome,
            text: Some(cause.text),
            actor: cause.actor,
            at: cause.at,
        },
    )
}

/// Keeps a decision. `detail` names no person.
pub(super) fn decided(
    connection: &Connection,
    batch: Option<BatchId>,
    actor: &str,
    what: &str,
    detail: &serde_json::Value,
    at: Timestamp,
) -> Result<(), StoreError> {
    connection.change(
        "INSERT INTO decision (at, actor, batch, what, detail) VALUES (?1, ?2, ?3, ?4, ?5)",
        (to_millis(at), actor, batch, what, detail.to_string()),
    )?;
    Ok(())
}

impl Store {
    /// Keeps what `actor` says that texts mean.
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint fails.
    pub(crate) fn say(
        &self,
        refusal_rules: &[RefusalRule],
        actor: &str,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let (refusal_rules, actor) = (refusal_rules.to_vec(), actor.to_owned());
        self.writer.write_blocking(move |tx| {
            for saying in &refusal_rules {
                let meaning = saying.meaning.word();
                let changed = tx.connection.change(
                    &format!(
                        "INSERT INTO refusal (text, meaning, source, decided_at) VALUES (?1, ?2, ?3, ?4)
                         ON CONFLICT (text) DO UPDATE SET meaning = excluded.meaning,
                            source = excluded.source, decided_at = excluded.decided_at
                         WHERE meaning IS NOT excluded.meaning OR {BY_NOBODY}"
                    ),
                    (&saying.text, meaning, &actor, to_millis(now)),
                )?;
                if changed > 0 {
                    let detail = json!({ "text": saying.text, "meaning": meaning });
                    decided(tx.connection, None, &actor, "refusal", &detail, now)?;
                }
            }
            Ok(())
        })
    }

    /// Ends the hold of the recipients that are held by a text: it has a meaning now. Returns how many.
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint fails. What was done until then is whole.
    pub(crate) fn end_hold(
        &self,
        batch: &Batch,
        held: &HeldText,
        meaning: Meaning,
        actor: &str,
        now: Timestamp,
    ) -> Result<u64, StoreError> {
        let rows = self.reader()?.held_by(batch.id, held.refusal)?;
        let mut ended = 0;
        for step in rows.chunks(at_most(STEP)) {
            let (step, actor, text) = (step.to_vec(), actor.to_owned(), held.text.clone());
            ended += self.writer.write_blocking(move |tx| {
                let mut ended = 0;
                for recipient in &step {
                    let cause = Cause {
                        outcome: AttemptOutcome::Decided,
                        text: meaning.word(),
                        actor: &actor,
                        at: now,
                    };
                    ended += u64::from(free(tx, *recipient, meaning, &text, cause)?);
                }
                Ok(ended)
            })?;
        }
        let id = batch.id;
        let (actor, text) = (actor.to_owned(), held.text.clone());
        self.writer.write_blocking(move |tx| {
            let detail = json!({ "text": text, "meaning": meaning.word(), "rows": ended });
            decided(tx.connection, Some(id), &actor, "held", &detail, now)?;
            reopen(tx.connection, id, QueuedBy::Person, now)
        })?;
        Ok(ended)
    }
}

/// Ends the hold of one row; false if it is held no more.
fn free(
    tx: &mut Tx<'_>,
    recipient: RecipientId,
    meaning: Meaning,
    text: &str,
    cause: Cause<'_>,
) -> Result<bool, StoreError> {
    let is_held = tx.connection.has(
        "SELECT 1 FROM recipient WHERE id = ?1 AND state = 'queued' AND held IS NOT NULL",
        [recipient],
    )?;
    if !is_held {
        return Ok(false);
    }
    // Only a meaning that is about the person ends the row; all others let it be tried again.
    let event = match meaning {
        Meaning::NoMessenger => Some(Event::ProvenNoMatch),
        Meaning::Person => Some(Event::ProvenFailed),
        Meaning::Message | Meaning::Channel | Meaning::Wait | Meaning::Later => None,
    };
    let next = match event {
        Some(event) => delivery::next(State::Queued, event)?,
        None => State::Queued,
    };
    let ends = next != State::Queued;
    tx.connection.change(
        "UPDATE recipient SET state = ?2, held = NULL, reason_code = ?3, reason = ?4, finished_at = ?5,
                    not_before = 0 WHERE id = ?1",
        (
            recipient,
            next.word(),
            ends.then(|| meaning.word()),
            ends.then_some(text),
            ends.then(|| to_millis(cause.at)),
        ),
    )?;
    note(tx, recipient, cause)?;
    tx.count_move(recipient.batch(), State::Queued, next);
    if next == State::NoMessenger {
        fallback::fall_back(
            tx,
            recipient,
            FallsBecause::NoUser,
            text,
            (QueuedBy::Person, cause.actor),
            cause.at,
        )?;
    }
    Ok(true)
}

impl Reader {
    /// What people said that texts mean, in the order in which they said it.
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint fails.
    pub(crate) fn refusal_rules(&self) -> Result<RefusalRules, StoreError> {
        let rows: Vec<(String, String)> = self.connection.rows(
            &format!(
                "SELECT meaning, text FROM refusal WHERE meaning IS NOT NULL AND NOT {BY_NOBODY}
                 ORDER BY decided_at, id"
            ),
            [],
        )?;
        let mut refusal_rules = RefusalRules::default();
        for (meaning, text) in rows {
            if let Ok(meaning) = meaning.parse() {
                refusal_rules.add(RefusalRule { meaning, text });
            }
        }
        Ok(refusal_rules)
    }

    /// The texts by which recipients of the batch are held, the most frequent first.
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint fails.
    pub(crate) fn held(&self, batch: BatchId) -> Result<Vec<HeldText>, StoreError> {
        self.connection.read(
            "SELECT f.id, f.text, iif(f.source = 'table', f.meaning, NULL), count(*)
             FROM recipient r CROSS JOIN refusal f ON f.id = r.held
             WHERE r.id > ?1 AND r.id < ?2 AND r.state = 'queued' AND r.held IS NOT NULL
             GROUP BY f.id ORDER BY count(*) DESC, f.id",
            batch.range(),
            |row| {
                let known: Option<String> = row.get(2)?;
                Ok(HeldText {
                    refusal: row.get(0)?,
                    text: row.get(1)?,
                    known: known.and_then(|word| word.parse().ok()),
                    rows: count(row, 3)?,
                })
            },
        )
    }

    fn held_by(&self, batch: BatchId, refusal: RefusalId) -> Result<Vec<RecipientId>, StoreError> {
        let (first, last) = batch.range();
        self.connection.list(
            "SELECT id FROM recipient WHERE id > ?1 AND id < ?2 AND state = 'queued' AND held = ?3",
            (first, last, refusal),
        )
    }
}

#[cfg(test)]
mod tests;
