//! One row of a results file, made part of a batch.

use std::borrow::Cow;

use jiff::Timestamp;

use crate::domain::delivery::State;
use crate::domain::outcome::AttemptOutcome;
use crate::domain::recipient::{ERASED, Position, RowNumber, Suppression};
use crate::domain::results_row::ResultsRow;
use crate::domain::results_row::{
    MAY_HAVE_BEEN_SENT, RowUpdate, StoredRow, is_left_out, row_update,
};
use crate::store::attempt::{self, ACCEPTED};
use crate::store::columns::{to_json, to_millis};
use crate::store::error::StoreError;
use crate::store::follow_up::{AWAITED, FOR_ITS_EVENT};
use crate::store::ids::{ApiId, BatchId, ChannelId, ContactRow, PersonId, RecipientId};
use crate::store::keys::{HashKey, IMPORTED_FORM};
use crate::store::loader::{Prepared, RowWriter};
use crate::store::query::Query as _;
use crate::store::tally::Counter;
use crate::store::transaction::Tx;
use crate::store::{channel, contact, person, suppression};

/// The kind of a request that is taken from a file.
const IMPORT: &str = "import";

/// A row of a results file.
#[derive(Debug, Clone)]
pub(crate) struct ImportedRow {
    /// What it says.
    pub(crate) result: ResultsRow,
    /// Index of its contacts file in the batch.
    pub(crate) file: u16,
    /// Its fields, in the order of the batch's headers.
    pub(crate) fields: Vec<String>,
    /// When its message left at the latest.
    pub(crate) at: Timestamp,
    /// The file, for the audit.
    pub(crate) from: String,
}

/// What rows brought into a batch.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Brought {
    /// Rows that added something new.
    pub(crate) new: u64,
    /// People who are on the suppression list from now on because a reply of theirs was not read.
    pub(crate) held: u64,
}

/// Enters one row of a batch that is being restored; returns whether it holds its person for an unread reply.
pub(super) fn restore(
    tx: &mut Tx<'_>,
    keys: &HashKey,
    id: RecipientId,
    row: &ImportedRow,
) -> Result<bool, StoreError> {
    let whose = match row.result.phone {
        Some(phone) => Some(person::find_or_name(tx.connection, keys, phone)?),
        None => None,
    };
    let row = &of_whom(tx, whose, row)?;
    let result = &row.result;
    let position = Position {
        file: row.file,
        row: RowNumber::new(result.row).unwrap_or(RowNumber::HEADER),
    };
    let mut prepared = Prepared::new(result.state, position, to_json(&row.fields)?);
    prepared.attempts = result.attempts;
    prepared.reason_code = result.reason_code.clone().map(Into::into);
    prepared.reason.clone_from(&result.reason);
    if result.state == State::Queued && result.reason_code.as_deref() == Some(AWAITED) {
        prepared.held = Some(FOR_ITS_EVENT);
    }
    RowWriter::new(tx.connection)?.insert(id, whose, &prepared, row.at)?;
    tx.count(id.batch(), Counter::State(result.state), 1);
    let Some(whose) = whose else {
        return Ok(false);
    };
    let held = keep_suppression(tx, keys, whose, row)?;
    enter_open(tx, keys, id, whose, row)?;
    let outcome = match result.state {
        State::Sent => AttemptOutcome::Sent,
        State::Unknown | State::Sending => AttemptOutcome::Undecided,
        State::NoMessenger => AttemptOutcome::NoMessenger,
        State::Queued | State::Error | State::Invalid | State::Duplicate | State::Suppressed => {
            return Ok(held);
        }
    };
    enter(tx, keys, id, whose, (row, row.at), outcome)?;
    Ok(held)
}

/// The row, without what names a person who was erased since the file was written.
fn of_whom<'a>(
    tx: &Tx<'_>,
    whose: Option<PersonId>,
    row: &'a ImportedRow,
) -> Result<Cow<'a, ImportedRow>, StoreError> {
    let is_erased = match whose {
        // Of a person who was pruned a hash is left too.
        Some(whose) if person::number(tx.connection, whose)?.is_none() => {
            person::suppression(tx.connection, whose)? == Some(Suppression::Forgotten)
        }
        Some(_) | None => false,
    };
    if !is_erased {
        return Ok(Cow::Borrowed(row));
    }
    let mut row = row.clone();
    row.fields.fill(String::new());
    let result = &mut row.result;
    (result.message_id, result.contact_id) = (None, None);
    result.reason_code = Some(ERASED.to_owned());
    result.reason = Some(Suppression::Forgotten.to_string());
    Ok(Cow::Owned(row))
}

/// Enters the request of a settled row that may have been accepted, if there was one.
fn enter_open(
    tx: &mut Tx<'_>,
    keys: &HashKey,
    id: RecipientId,
    whose: PersonId,
    row: &ImportedRow,
) -> Result<(), StoreError> {
    let Some(at) = row.result.maybe_sent_at.filter(|_| row.result.is_open()) else {
        return Ok(());
    };
    tx.connection.change(
        "UPDATE recipient SET maybe_accepted_at = ?2 WHERE id = ?1",
        (id, to_millis(at)),
    )?;
    enter(tx, keys, id, whose, (row, at), AttemptOutcome::Undecided)
}

/// Why a row says that its person is to be on the suppression list.
enum Listing<'a> {
    /// The person was there, for this reason.
    Listed(&'a str),
    /// A reply of the person was not read, and it is not in the file.
    UnreadReply,
}

impl<'a> Listing<'a> {
    fn of(result: &'a ResultsRow) -> Option<Self> {
        let listed = Suppression::Listed {
            reason: String::new(),
        };
        let code = result.reason_code.as_deref();
        let code = code.filter(|_| result.state == State::Suppressed)?;
        if code == Suppression::UnreadReply.code() {
            return Some(Self::UnreadReply);
        }
        let reason = result.reason.as_deref().unwrap_or_default();
        let reason = reason.strip_prefix(&listed.to_string()).unwrap_or(reason);
        (code == listed.code()).then_some(Self::Listed(reason))
    }
}

/// Puts the person of a row on the suppression list, where it says so. Returns whether an unread reply holds the person
/// from now on.
fn keep_suppression(
    tx: &Tx<'_>,
    keys: &HashKey,
    whose: PersonId,
    row: &ImportedRow,
) -> Result<bool, StoreError> {
    let source = format!("history import of {}", row.from);
    match Listing::of(&row.result) {
        None => Ok(false),
        Some(Listing::Listed(reason)) => {
            person::suppress(tx.connection, whose, reason, &source, row.at)?;
            Ok(false)
        }
        Some(Listing::UnreadReply) => {
            suppression::hold(tx.connection, keys, whose, &source, row.at)
        }
    }
}

/// Enters the request of a row, which left at that time.
fn enter(
    tx: &mut Tx<'_>,
    keys: &HashKey,
    id: RecipientId,
    whose: PersonId,
    (row, at): (&ImportedRow, Timestamp),
    outcome: AttemptOutcome,
) -> Result<(), StoreError> {
    let result = &row.result;
    // A message may have gone over another of the batch's channels.
    let on: ChannelId = if result.channel.is_empty() {
        tx.connection
            .value("SELECT channel FROM batch WHERE id = ?1", [id.batch()])?
    } else {
        channel::find_or_make(tx.connection, &result.channel)?
    };
    let contact: Option<ContactRow> = match &result.contact_id {
        Some(api_id) => contact::learn_imported(tx.connection, keys, on, api_id, whose)?,
        None => None,
    };
    if let (Some(contact), Some(_)) = (contact, result.opted_in_at) {
        contact::note_opting(tx.connection, contact, result.opted_in_at, None)?;
    }
    // Whom a message to an erased person went to must not be known again.
    let is_named = person::number(tx.connection, whose)?.is_some();
    let message = result.message_id.as_deref().filter(|_| is_named);
    let content = result.content.as_deref();
    tx.connection.change(
        "INSERT INTO attempt (recipient, person, channel, kind, content_key, key_form, started_at, finished_at,
                                  outcome, text, message_id, contact, delivered_at, read_at, proof_text)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)",
        (
            id,
            whose,
            on,
            IMPORT,
            content.map(|digest| keys.imported_content_key(digest)),
            content.map(|_| IMPORTED_FORM),
            to_millis(at),
            outcome.word(),
            format!("{} tells of it", row.from),
            message.map(ApiId),
            contact,
            result.delivered_at.map(to_millis),
            result.read_at.map(to_millis),
            // The next results file needs it: the key is of this checkpoint alone.
            content,
        ),
    )?;
    tx.count(id.batch(), Counter::Requests, 1);
    tx.note_started(id.batch(), at);
    Ok(())
}

/// Brings what a row says into its batch, of which `headers` is the number of columns.
pub(super) fn merge(
    tx: &mut Tx<'_>,
    keys: &HashKey,
    (batch, headers): (BatchId, usize),
    row: &ImportedRow,
    now: Timestamp,
    brought: &mut Brought,
) -> Result<(), StoreError> {
    let Some(phone) = row.result.phone else {
        return Ok(());
    };
    let may_have_it = row.result.state.counts_as_messaged() || row.result.is_open();
    let whose = match person::find(tx.connection, keys, phone)? {
        Some(whose) => whose,
        None if may_have_it || Listing::of(&row.result).is_some() => {
            person::find_or_name(tx.connection, keys, phone)?
        }
        // A stranger who was not messaged: the list itself brings the person.
        None => return Ok(()),
    };
    let row = &of_whom(tx, Some(whose), row)?;
    if !is_known_reply(tx, batch, whose, row)? {
        brought.held += u64::from(keep_suppression(tx, keys, whose, row)?);
    }
    brought.new += u64::from(merge_message(tx, keys, (batch, headers), whose, row, now)?);
    Ok(())
}

/// Whether a row says that its person wrote what nobody had read, and the batch has that too: the reply came to this
/// checkpoint, where it waits still or was read, or an earlier import brought it. An older file must not undo what a person
/// decided since.
///
/// Who is on the suppression list by a file for another reason is put there by each import of it: the file cannot tell
/// whether that was before or after a person took them off the list, and one message too few costs less than one too many.
fn is_known_reply(
    tx: &Tx<'_>,
    batch: BatchId,
    whose: PersonId,
    row: &ImportedRow,
) -> Result<bool, StoreError> {
    if !matches!(Listing::of(&row.result), Some(Listing::UnreadReply)) {
        return Ok(false);
    }
    let (first, last) = batch.range();
    tx.connection.has(
        "SELECT 1 FROM recipient INDEXED BY recipient_by_person
         WHERE person = ?1 AND id > ?2 AND id < ?3 AND state = 'suppressed' AND reason_code = ?4 LIMIT 1",
        (whose, first, last, Suppression::UnreadReply.code()),
    )
}

/// Brings what a row says of its message into its batch; false if it says nothing new.
fn merge_message(
    tx: &mut Tx<'_>,
    keys: &HashKey,
    (batch, headers): (BatchId, usize),
    whose: PersonId,
    row: &ImportedRow,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let result = &row.result;
    let Some((id, known)) = known_row(tx, batch, whose)? else {
        return join(tx, keys, batch, headers, row);
    };
    let is_left_out = is_left_out(result.state, result.reason_code.as_deref());
    let told = (result.is_open(), is_left_out);
    let (next, outcome) = match row_update(known, result.state, result.attempts, told) {
        RowUpdate::None if known.accepted && result.state == State::Sent => {
            return fill_gaps(tx, keys, id, whose, row);
        }
        RowUpdate::None => return Ok(false),
        RowUpdate::LeftOut => {
            leave_out(tx, id, row)?;
            tx.count_move(batch, known.state, State::Suppressed);
            return Ok(true);
        }
        RowUpdate::NotReached => (State::NoMessenger, AttemptOutcome::NoMessenger),
        RowUpdate::Accepted => (State::Sent, AttemptOutcome::Sent),
        RowUpdate::Unknown => (State::Unknown, AttemptOutcome::Undecided),
    };
    let at = result.maybe_sent_at.filter(|_| next == State::Unknown);
    enter(tx, keys, id, whose, (row, at.unwrap_or(row.at)), outcome)?;
    settle(tx, id, next, at, row)?;
    tx.count_move(batch, known.state, next);
    if known.state == State::Unknown && next == State::Sent {
        prove_open(tx, id, &row.from, now)?;
    }
    attempt::end_waits(tx.connection, id)?;
    Ok(true)
}

/// The row is left out, for the reason that the file has.
fn leave_out(tx: &Tx<'_>, id: RecipientId, row: &ImportedRow) -> Result<(), StoreError> {
    tx.connection.change(
        "UPDATE recipient SET state = 'suppressed', not_before = 0, held = NULL, reason_code = ?2, reason = ?3, finished_at = ?4
         WHERE id = ?1",
        (
            id,
            row.result.reason_code.as_deref(),
            row.result.reason.as_deref(),
            to_millis(row.at),
        ),
    )?;
    Ok(())
}

/// The row stands as the file has it; `open`: when a request left of which that is unknown, and the file has it for
/// another reason.
fn settle(
    tx: &Tx<'_>,
    id: RecipientId,
    next: State,
    open: Option<Timestamp>,
    row: &ImportedRow,
) -> Result<(), StoreError> {
    let result = &row.result;
    let (code, reason) = match open {
        Some(at) => (
            Some(AttemptOutcome::Undecided.word()),
            Some(format!("{MAY_HAVE_BEEN_SENT}{at}, as {} tells", row.from)),
        ),
        None => (result.reason_code.as_deref(), result.reason.clone()),
    };
    tx.connection.change(
        "UPDATE recipient SET state = ?2, not_before = 0, held = NULL,
                    reason_code = iif(reason_code IN ('erased', 'forgotten'), reason_code, ?3),
                    reason = iif(reason_code IN ('erased', 'forgotten'), reason, ?4),
                    finished_at = ?5, attempts = max(attempts, ?6),
                    maybe_accepted_at = iif(?2 = 'sent', NULL, iif(?2 = 'unknown', ?5, maybe_accepted_at))
             WHERE id = ?1",
        (
            id,
            next.word(),
            code,
            reason,
            to_millis(open.unwrap_or(row.at)),
            result.attempts.max(1),
        ),
    )?;
    Ok(())
}

/// Requests whose outcome is open were accepted, as the file says.
fn prove_open(tx: &Tx<'_>, id: RecipientId, by: &str, now: Timestamp) -> Result<(), StoreError> {
    for request in attempt::requests_of(tx.connection, id)? {
        if request.open {
            let proof = attempt::Proof::Accepted;
            attempt::prove(tx.connection, request.id, proof, by, None, now)?;
        }
    }
    Ok(())
}

/// What the row says of a message that is known to have been accepted fills the gaps: its ids, and its times, of which
/// the earliest count. Returns whether any of that is new.
fn fill_gaps(
    tx: &mut Tx<'_>,
    keys: &HashKey,
    id: RecipientId,
    whose: PersonId,
    row: &ImportedRow,
) -> Result<bool, StoreError> {
    let result = &row.result;
    let message = result.message_id.as_deref().map(ApiId);
    // Whom a message to an erased person went to must not be known again.
    let accepted: Vec<(bool, i64, ChannelId)> = tx.connection.rows(
        &format!(
            "SELECT a.message_id IS NULL, a.id, a.channel FROM attempt a INDEXED BY attempt_by_person
                  CROSS JOIN person p ON p.id = a.person CROSS JOIN channel c ON c.id = a.channel
             WHERE a.person = ?1 AND a.recipient = ?2 AND a.kind <> 'note' AND {ACCEPTED}
                   AND p.number IS NOT NULL AND (?3 = '' OR c.api_id = ?3)
                   AND (a.message_id IS NULL OR ?4 IS NULL OR a.message_id = ?4)"
        ),
        (whose, id, &result.channel, &message),
    )?;
    let request = accepted
        .into_iter()
        .min_by_key(|(has_no_id, request, _)| (*has_no_id, *request));
    let Some((_, request, on)) = request else {
        return Ok(false);
    };
    let contact = match &result.contact_id {
        Some(api_id) => contact::learn_imported(tx.connection, keys, on, api_id, whose)?,
        None => None,
    };
    if let (Some(contact), Some(_)) = (contact, result.opted_in_at) {
        contact::note_opting(tx.connection, contact, result.opted_in_at, None)?;
    }
    let changed = tx.connection.change(
        "UPDATE attempt SET message_id = coalesce(message_id, ?2), contact = coalesce(contact, ?3),
                delivered_at = coalesce(min(delivered_at, ?4), delivered_at, ?4),
                read_at = coalesce(min(read_at, ?5), read_at, ?5)
         WHERE id = ?1
               AND (message_id IS NULL AND ?2 IS NOT NULL OR contact IS NULL AND ?3 IS NOT NULL
                    OR coalesce(?4 < delivered_at, ?4 IS NOT NULL AND delivered_at IS NULL)
                    OR coalesce(?5 < read_at, ?5 IS NOT NULL AND read_at IS NULL))",
        (
            request,
            &message,
            contact,
            result.delivered_at.map(to_millis),
            result.read_at.map(to_millis),
        ),
    )?;
    Ok(changed > 0)
}

/// The person's row in the batch that counts: one whose message was accepted, else the first.
fn known_row(
    tx: &Tx<'_>,
    batch: BatchId,
    whose: PersonId,
) -> Result<Option<(RecipientId, StoredRow)>, StoreError> {
    let (first, last) = batch.range();
    let found: Option<(RecipientId, State, bool, u32)> = tx.connection.find_row(
        &format!(
            "SELECT r.id, r.state,
                    EXISTS (SELECT 1 FROM attempt a WHERE a.person = r.person AND a.recipient = r.id
                                                          AND a.kind <> 'note' AND {ACCEPTED}) AS accepted,
                    r.attempts
             FROM recipient r INDEXED BY recipient_by_person
             WHERE r.person = ?1 AND r.id > ?2 AND r.id < ?3 AND r.state NOT IN ('invalid', 'duplicate')
             ORDER BY accepted DESC, r.id LIMIT 1"
        ),
        (whose, first, last),
    )?;
    Ok(found.map(|(id, state, accepted, requests)| {
        let known = StoredRow {
            state,
            accepted: accepted || state == State::Sent,
            requests,
        };
        (id, known)
    }))
}

/// A row that the batch does not have joins it, if its person was or may have been messaged.
fn join(
    tx: &mut Tx<'_>,
    keys: &HashKey,
    batch: BatchId,
    headers: usize,
    row: &ImportedRow,
) -> Result<bool, StoreError> {
    if !row.result.state.counts_as_messaged() && !row.result.is_open() {
        return Ok(false);
    }
    tx.connection.change(
        "UPDATE batch SET last_seq = last_seq + 1 WHERE id = ?1",
        [batch],
    )?;
    let last: u32 = tx
        .connection
        .value("SELECT last_seq FROM batch WHERE id = ?1", [batch])?;
    let mut row = row.clone();
    row.fields.resize(headers, String::new());
    restore(tx, keys, RecipientId::new(batch, last), &row)?;
    Ok(true)
}
