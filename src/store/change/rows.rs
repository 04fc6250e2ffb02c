//! The steps of a change: rows of the old list are brought in line with the new one, whose rows join.

use std::collections::HashSet;

use jiff::Timestamp;
use rusqlite::params_from_iter;
use rusqlite::types::Value;

use crate::domain::delivery::{self, Event, State};
use crate::domain::outcome::AttemptOutcome;
use crate::domain::recipient::{ListAnswer, Suppression};
use crate::store::attempt;
use crate::store::batch::delete_recipients;
use crate::store::columns::{Json, to_millis};
use crate::store::error::StoreError;
use crate::store::ids::{BatchId, RecipientId};
use crate::store::query::Query as _;
use crate::store::suppression;
use crate::store::tally::Counter;
use crate::store::transaction::Tx;

/// A row of the old list.
struct OldRow {
    id: RecipientId,
    state: State,
    /// Its person was erased, so that it is not known whom it was for.
    lacks_person: bool,
}

/// A row of the old list, and one of the new list for its person that is to be sent to or suppressed.
type Pair = (OldRow, Option<(RecipientId, State)>);

/// What was brought in line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct BroughtInLine {
    /// The last of the rows, if there are more.
    pub more: Option<i64>,
    /// Somebody is queued who was not.
    pub queues: bool,
}

/// Brings the next rows of the old list in line with the new one, at most so many.
pub(super) fn bring_in_line(
    tx: &mut Tx<'_>,
    staging: BatchId,
    after: i64,
    last: i64,
    most: usize,
    now: Timestamp,
) -> Result<BroughtInLine, StoreError> {
    let more: Option<i64> = tx.connection.find(
        "SELECT id FROM recipient WHERE id > ?1 AND id <= ?2 ORDER BY id LIMIT 1 OFFSET ?3",
        (after, last, i64::try_from(most).unwrap_or(1) - 1),
    )?;
    // A person may have several rows in either list: each new row goes to the first old one.
    let (mut taken, mut queues) = (HashSet::new(), false);
    let mut pairs = pairs(tx, staging, after, more.unwrap_or(last))?
        .into_iter()
        .peekable();
    while let Some((old, mut new)) = pairs.next() {
        let is_free = |(new, _): &(RecipientId, State)| !taken.contains(new);
        new = new.filter(is_free);
        while let Some((_, other)) = pairs.next_if(|(next, _)| next.id == old.id) {
            new = new.or(other.filter(is_free));
        }
        taken.extend(new.map(|(new, _)| new));
        bring_row_in_line(tx, &old, new, now)?;
        queues |= matches!(
            (old.state, new),
            (State::Suppressed, Some((_, State::Queued)))
        );
    }
    delete_recipients(tx.connection, taken.into_iter().collect())?;
    Ok(BroughtInLine { more, queues })
}

/// The rows of the old list after one row and up to another one, each with the rows of the new list for its person.
fn pairs(tx: &Tx<'_>, staging: BatchId, after: i64, until: i64) -> Result<Vec<Pair>, StoreError> {
    let (first, last) = staging.range();
    tx.connection.read(
        // None for a row whose person was erased, which no list brings back, and for one that goes.
        "SELECT o.id, o.state, n.id, n.state, o.person IS NULL
             FROM recipient o LEFT JOIN recipient n INDEXED BY recipient_by_person
                  ON n.person = o.person AND o.reason_code IS NOT 'erased'
                     AND o.state <> 'invalid' AND o.state <> 'duplicate'
                     AND n.id > ?3 AND n.id < ?4 AND n.state IN ('queued', 'suppressed')
             WHERE o.id > ?1 AND o.id <= ?2 ORDER BY o.id, n.id",
        (after, until, first, last),
        |row| {
            let new: Option<RecipientId> = row.get(2)?;
            let new = new.map(|new| Ok::<_, StoreError>((new, row.get(3)?)));
            let old = OldRow {
                id: row.get(0)?,
                state: row.get(1)?,
                lacks_person: row.get(4)?,
            };
            Ok((old, new.transpose()?))
        },
    )
}

fn bring_row_in_line(
    tx: &mut Tx<'_>,
    old: &OldRow,
    new: Option<(RecipientId, State)>,
    now: Timestamp,
) -> Result<(), StoreError> {
    match (old.state, new) {
        // Verdicts of the old list go with it.
        (State::Invalid | State::Duplicate, _) => delete_row(tx, old.id, old.state),
        (_, Some((new, verdict))) => take_over(tx, old, new, verdict, now),
        // The row of an erased person, read from a results file: nothing shows whom it was for, and the new list has its
        // own row for it.
        (State::Suppressed, None) if old.lacks_person => delete_row(tx, old.id, old.state),
        (State::Queued, None) => suppression::suppress(tx, old.id, &Suppression::Removed, now),
        (
            State::Sending
            | State::Sent
            | State::NoMessenger
            | State::Error
            | State::Unknown
            | State::Suppressed,
            None,
        ) => Ok(()),
    }
}

/// Gives an old row what the new row says.
fn take_over(
    tx: &mut Tx<'_>,
    old: &OldRow,
    new: RecipientId,
    verdict: State,
    now: Timestamp,
) -> Result<(), StoreError> {
    // `UPDATE ... FROM` says the same, and makes a table for its one row each time.
    // What was sent is reported as it was sent, and a suppressed row has no message; every other row is sent as the new
    // list says, whenever it is sent.
    let says = if old.state == State::Sent || verdict == State::Suppressed {
        "UPDATE recipient_input SET (file, row, fields) =
                (SELECT file, row, fields FROM recipient_input WHERE id = ?2)
             WHERE id = ?1"
    } else {
        "UPDATE recipient_input
             SET (file, row, fields, first_name, last_name, contact_id, content, metadata, content_key) =
                 (SELECT file, row, fields, first_name, last_name, contact_id, content, metadata, content_key
                  FROM recipient_input WHERE id = ?2)
             WHERE id = ?1"
    };
    tx.connection.change(says, (old.id, new))?;
    if old.state == State::Sent {
        restore_message(tx, old.id, new)?;
    }
    let refusal: Option<String> = tx
        .connection
        .find(
            "SELECT reason FROM recipient WHERE id = ?1 AND reason_code = 'no_consent'",
            [new],
        )?
        .flatten();
    match refusal {
        Some(reason) => refuse_settled(tx, old, &reason)?,
        None => allow_settled(tx, old)?,
    }
    take_over_verdict(tx, old, new, verdict, now)
}

/// A row that was sent and pruned lost its message, and kept its key: where the new list has that message it is put back,
/// so that a results file tells others what the person has.
fn restore_message(tx: &Tx<'_>, old: RecipientId, new: RecipientId) -> Result<(), StoreError> {
    tx.connection.change(
        "UPDATE recipient_input
         SET (content, metadata) = (SELECT content, metadata FROM recipient_input WHERE id = ?2)
         WHERE id = ?1 AND content IS NULL
               AND content_key = (SELECT content_key FROM recipient_input WHERE id = ?2)
               AND (SELECT step FROM recipient WHERE id = ?1) = 0",
        (old, new),
    )?;
    Ok(())
}

/// The person of a row that was sent, or may have been, refuses by now: the row stays what it is, with that reason, and
/// whoever follows it leaves the person out. What was not reached is not tried again: it has no message any more.
fn refuse_settled(tx: &Tx<'_>, old: &OldRow, reason: &str) -> Result<(), StoreError> {
    match old.state {
        State::Sent | State::Unknown => tx.connection.change(
            "UPDATE recipient SET reason_code = 'no_consent', reason = ?2 WHERE id = ?1",
            (old.id, reason),
        )?,
        State::NoMessenger | State::Error => tx.connection.change(
            "UPDATE recipient_input SET content = NULL WHERE id = ?1",
            [old.id],
        )?,
        // They have a verdict of their own.
        State::Queued | State::Sending | State::Suppressed | State::Invalid | State::Duplicate => 0,
    };
    Ok(())
}

/// A list that no longer refuses takes that back.
fn allow_settled(tx: &Tx<'_>, old: &OldRow) -> Result<(), StoreError> {
    let (code, reason) = match old.state {
        State::Sent => (None, None),
        State::Unknown => (
            Some(AttemptOutcome::Undecided.word()),
            Some("the answer was lost; the message may have been sent"),
        ),
        State::NoMessenger
        | State::Error
        | State::Queued
        | State::Sending
        | State::Suppressed
        | State::Invalid
        | State::Duplicate => return Ok(()),
    };
    tx.connection.change(
        "UPDATE recipient SET reason_code = ?2, reason = ?3 WHERE id = ?1 AND reason_code = 'no_consent'",
        (old.id, code, reason),
    )?;
    Ok(())
}

/// A row that is queued or suppressed gets the verdict of the new row.
fn take_over_verdict(
    tx: &mut Tx<'_>,
    old: &OldRow,
    new: RecipientId,
    verdict: State,
    now: Timestamp,
) -> Result<(), StoreError> {
    let is_open = old.state == State::Suppressed
        && attempt::requests_of(tx.connection, old.id)?
            .iter()
            .any(|request| request.open);
    let next = match (old.state, verdict) {
        (State::Suppressed, State::Queued) if is_open => {
            let next = delivery::next(old.state, Event::RestoreOpen)?;
            return lift_open(tx, old, next, now);
        }
        (State::Queued, State::Suppressed) => delivery::next(old.state, Event::Suppress)?,
        (State::Suppressed, State::Queued) => delivery::next(old.state, Event::Restore)?,
        (State::Suppressed, State::Suppressed) => State::Suppressed,
        (
            State::Queued
            | State::Sending
            | State::Sent
            | State::NoMessenger
            | State::Error
            | State::Unknown
            | State::Invalid
            | State::Duplicate
            | State::Suppressed,
            _,
        ) => return Ok(()),
    };
    tx.connection.change(
        "UPDATE recipient
             SET (reason_code, reason, held) = (SELECT reason_code, reason, held FROM recipient WHERE id = ?2),
                 state = ?3, not_before = 0, finished_at = iif(?3 = 'suppressed', ?4, NULL)
             WHERE id = ?1",
        (old.id, new, next.word(), to_millis(now)),
    )?;
    tx.count_move(old.id.batch(), old.state, next);
    Ok(())
}

/// A row that is no longer suppressed, and of which a request may have been accepted, is unknown: a person settles it.
fn lift_open(tx: &mut Tx<'_>, old: &OldRow, next: State, now: Timestamp) -> Result<(), StoreError> {
    tx.connection.change(
        "UPDATE recipient SET state = ?2, reason_code = ?3, held = NULL, not_before = 0, finished_at = ?4,
                reason = 'it was suppressed after a request whose answer was lost; the message may have been sent'
         WHERE id = ?1",
        (old.id, next.word(), AttemptOutcome::Undecided.word(), to_millis(now)),
    )?;
    tx.count_move(old.id.batch(), old.state, next);
    Ok(())
}

fn delete_row(tx: &mut Tx<'_>, row: RecipientId, state: State) -> Result<(), StoreError> {
    delete_recipients(tx.connection, vec![row])?;
    tx.count(row.batch(), Counter::State(state), -1);
    Ok(())
}

/// The next rows of the new list, at most so many, join after the batch's last: whether somebody of them is queued;
/// `None` if no row was left.
pub(super) fn join_rows(
    tx: &mut Tx<'_>,
    target: BatchId,
    staging: BatchId,
    most: usize,
    now: Timestamp,
) -> Result<Option<bool>, StoreError> {
    let (first, last) = staging.range();
    // In a list on its way, `mended_by` names the row that a row takes the place of.
    let rows: Vec<(RecipientId, State, Option<RecipientId>)> = tx.connection.rows(
        "SELECT id, state, mended_by FROM recipient WHERE id > ?1 AND id < ?2 ORDER BY id LIMIT ?3",
        (first, last, i64::try_from(most).unwrap_or(1)),
    )?;
    if rows.is_empty() {
        return Ok(None);
    }
    let queues = rows.iter().any(|(_, state, _)| *state == State::Queued);
    let last_seq: u32 = tx
        .connection
        .value("SELECT last_seq FROM batch WHERE id = ?1", [target])?;
    let full = || StoreError::Value {
        detail: "a batch holds at most 4,294,967,295 rows".to_owned(),
    };
    let count = u32::try_from(rows.len()).map_err(|_| full())?;
    let new_last = last_seq.checked_add(count).ok_or_else(full)?;
    for ((from, state, mends), seq) in rows.iter().copied().zip(last_seq + 1..) {
        let to = RecipientId::new(target, seq);
        if let Some(mended) = mends {
            tx.connection.change(
                // What was left out in its place before, and messaged nobody, leaves it.
                "UPDATE recipient SET mended_by = ?2 WHERE id = ?1 AND state = 'invalid'",
                (mended, to),
            )?;
        }
        copy_row(tx, from, to)?;
        tx.count(target, Counter::State(state), 1);
        if matches!(state, State::Suppressed | State::Invalid) {
            refuse_others(tx, target, to, now)?;
        }
        settle_with_suppressed(tx, target, to, state)?;
    }
    delete_recipients(
        tx.connection,
        rows.into_iter().map(|(from, ..)| from).collect(),
    )?;
    tx.connection.change(
        "UPDATE batch SET last_seq = ?2 WHERE id = ?1",
        (target, new_last),
    )?;
    Ok(Some(queues))
}

/// A row of the new list that says that its person must not be messaged wins over the batch's own rows.
fn refuse_others(
    tx: &mut Tx<'_>,
    target: BatchId,
    new: RecipientId,
    now: Timestamp,
) -> Result<(), StoreError> {
    let (first, _) = target.range();
    let refused: Vec<(RecipientId, State, String)> = tx.connection.rows(
        "SELECT o.id, o.state, n.reason
             FROM recipient n CROSS JOIN recipient o INDEXED BY recipient_by_person
                  ON o.person = n.person
             WHERE n.id = ?1 AND n.reason_code IN ('no_consent', 'says_no')
                   AND o.id > ?2 AND o.id < ?1 AND o.reason_code IS NOT 'erased'",
        (new, first),
    )?;
    for (id, state, reason) in refused {
        let says = reason.trim_start_matches("no consent: ").to_owned();
        let refusal = Suppression::NoConsent {
            answer: ListAnswer::No,
            says,
        };
        if state == State::Queued {
            suppression::suppress(tx, id, &refusal, now)?;
        } else {
            let old = OldRow {
                id,
                state,
                lacks_person: false,
            };
            refuse_settled(tx, &old, &refusal.to_string())?;
        }
    }
    Ok(())
}

/// The batch may have a suppressed row of the same person, whose message was surely not accepted. The row of a list
/// that was replaced goes, unless requests were made for it; of the others, the one that is to be sent counts, else
/// the first. One that was erased shows no number any more, and counts for nobody.
fn settle_with_suppressed(
    tx: &mut Tx<'_>,
    target: BatchId,
    new: RecipientId,
    state: State,
) -> Result<(), StoreError> {
    if !matches!(state, State::Queued | State::Suppressed) {
        return Ok(());
    }
    let (first, _) = target.range();
    let old: Option<(RecipientId, bool)> = tx.connection.find_row(
        "SELECT o.id, o.reason_code IS 'removed_by_update' AND o.attempts = 0
             FROM recipient n CROSS JOIN recipient o INDEXED BY recipient_by_person
                  ON o.person = n.person
             WHERE n.id = ?1 AND o.id > ?2 AND o.id < ?1 AND o.state = 'suppressed'
                   AND o.maybe_accepted_at IS NULL AND o.reason_code IS NOT 'erased'",
        (new, first),
    )?;
    match (old, state) {
        (None, _) => Ok(()),
        (Some((old, true)), _) => delete_row(tx, old, State::Suppressed),
        (Some((old, false)), State::Queued) => make_duplicate(tx, old, State::Suppressed, new),
        (Some((old, false)), _) => make_duplicate(tx, new, state, old),
    }
}

/// Makes a row, which is in `state`, the duplicate of the one that counts.
fn make_duplicate(
    tx: &mut Tx<'_>,
    row: RecipientId,
    state: State,
    counts: RecipientId,
) -> Result<(), StoreError> {
    let (file, place, Json(files)): (u16, u32, Json<Vec<String>>) = tx.connection.row(
        "SELECT i.file, i.row, b.files FROM recipient_input i JOIN batch b ON b.id = i.id >> 32
             WHERE i.id = ?1",
        [counts],
    )?;
    let file = files.get(usize::from(file)).map_or("?", String::as_str);
    tx.connection.change(
        "UPDATE recipient SET state = ?2, reason_code = 'duplicate', reason = ?3 WHERE id = ?1",
        (
            row,
            State::Duplicate.word(),
            format!("same number as {file} row {place}"),
        ),
    )?;
    tx.count_move(row.batch(), state, State::Duplicate);
    Ok(())
}

/// Copies a row under its new key.
fn copy_row(tx: &Tx<'_>, from: RecipientId, to: RecipientId) -> Result<(), StoreError> {
    // `INSERT ... SELECT` from the same table says the same, and makes a table for its one row each time.
    for (read, write) in [
        (
            "SELECT person, state, reason_code, reason, finished_at, held FROM recipient WHERE id = ?1",
            "INSERT INTO recipient (id, person, state, reason_code, reason, finished_at, held)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        ),
        (
            "SELECT file, row, fields, suggestion, first_name, last_name, contact_id, content, metadata, content_key
             FROM recipient_input WHERE id = ?1",
            "INSERT INTO recipient_input (id, file, row, fields, suggestion, first_name, last_name, contact_id,
                                          content, metadata, content_key)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
        ),
    ] {
        let columns = tx.connection.find_read(read, [from], |row| {
            let columns = (0..row.as_ref().column_count()).map(|column| row.get::<_, Value>(column));
            Ok(columns.collect::<Result<Vec<_>, _>>()?)
        })?;
        let values = std::iter::once(Value::from(to.get())).chain(columns.into_iter().flatten());
        tx.connection.change(write, params_from_iter(values))?;
    }
    Ok(())
}
