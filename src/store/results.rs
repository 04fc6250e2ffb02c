//! Reading a batch's rows, in row order, one at a time: memory does not grow with the list.

use jiff::Timestamp;
use rusqlite::Row;

use super::attempt::ACCEPTED;
use super::batch::Batch;
use super::checkpoint::Reader;
use super::columns::{api_id_if_any, count, time_if_any};
use super::error::StoreError;
use super::ids::{BatchId, RecipientId};
use super::query::Query as _;
use crate::domain::delivery::State;
use crate::domain::fallback::Step;
use crate::domain::phone::PhoneNumber;
use crate::domain::refusal::TAKEN_FOR_NO_MESSENGER;
use crate::domain::results_row::is_content_digest;
use crate::domain::text::canonical_text;

/// What is known of a message after it was accepted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct MessageFacts<'a> {
    /// The id of the channel that it went through.
    pub channel: Option<&'a str>,
    /// The message's id.
    pub message_id: Option<&'a str>,
    /// The contact's id on the channel.
    pub contact_id: Option<&'a str>,
    /// When it was delivered.
    pub delivered_at: Option<Timestamp>,
    /// When it was read, at the latest.
    pub read_at: Option<Timestamp>,
    /// When the person opted in.
    pub opted_in_at: Option<Timestamp>,
}

/// What is known of the message of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RowContent<'a> {
    /// The message, as JSON.
    Message(&'a str),
    /// Its [digest](crate::domain::results_row::content_digest), of a row that was restored from a results file.
    Digest(&'a str),
}

/// One row of a batch, borrowed from the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ResultRow<'a> {
    /// Its key.
    pub recipient: RecipientId,
    /// Index of its file.
    pub file: u16,
    /// Its row in that file, as a spreadsheet numbers it.
    pub row: u32,
    /// The row that took its place: its file, and its row there.
    pub mended_by: Option<(u16, u32)>,
    /// What is sent; `None` if nothing was rendered.
    pub content: Option<RowContent<'a>>,
    /// The row's fields: a JSON array, in the order of the headers.
    pub fields: &'a str,
    /// Where it stands.
    pub state: State,
    /// Its number, if it has one.
    pub phone: Option<PhoneNumber>,
    /// Attempts that counted.
    pub attempts: u32,
    /// A word for grouping.
    pub reason_code: Option<&'a str>,
    /// Why it is where it is, for people.
    pub reason: Option<&'a str>,
    /// What the cell should probably say.
    pub suggestion: Option<&'a str>,
    /// When it was settled.
    pub finished_at: Option<Timestamp>,
    /// Which of the batch's channels it was tried on last, or is to be tried on.
    pub step: Step,
    /// What is known of the message.
    pub message: MessageFacts<'a>,
}

/// What is known of the message to recipient `r`: when the recipient was settled, the ids, when it was
/// accepted, delivered, read, and when the person opted in. Needs [`JOINS`].
pub(super) const FACTS: &str = "coalesce(r.finished_at, a.finished_at), a.message_id, k.api_id,
     iif(a.outcome = 'sent', a.finished_at, a.started_at), a.delivered_at, a.read_at, k.opted_in_at";

/// See [`FACTS`]: the person, the last request that was accepted, rather one that did not fail, and the contact that it
/// went to.
pub(super) const JOINS: &str = "LEFT JOIN person p ON p.id = r.person
     LEFT JOIN attempt a ON a.id = (
         SELECT coalesce(
                    max(id) FILTER (WHERE x.proof IS NOT 'failed' AND (
                        x.outcome = 'sent' OR x.proof IN ('accepted', 'assumed') OR x.message_id IS NOT NULL)),
                    max(id) FILTER (WHERE x.proof = 'failed'))
         FROM attempt x WHERE x.person IS r.person AND x.recipient = r.id AND x.kind <> 'note')
     LEFT JOIN contact k ON k.id = a.contact";

/// Rows that were not reached for one reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NotReached {
    /// Where they stand.
    pub(crate) state: State,
    /// The word for the reason.
    pub(crate) code: Option<String>,
    /// "No Messenger", and only the status of the answer says so.
    pub(crate) taken_for: bool,
    /// How many.
    pub(crate) rows: u64,
}

/// The message of recipient `r` for the channel that it is tried on, as JSON.
pub(super) const CONTENT: &str = "iif(r.step = 0, i.content, coalesce(
        i.metadata -> ('$.outreach_other_channels[' || (r.step - 1) || '].content'), i.content))";

/// The digest of its message that a results file holds for recipient `r`, which has no message itself.
const IMPORTED_DIGEST: &str = "iif(i.content IS NULL, (
        SELECT x.proof_text FROM attempt x
        WHERE x.person IS r.person AND x.recipient = r.id AND x.kind = 'import' AND x.key_form IS NOT NULL
        ORDER BY x.id DESC LIMIT 1), NULL)";

/// Why recipient `r` is where it is; of a row that was refused or suppressed, also that an earlier request may
/// have been accepted.
pub(super) const REASON: &str =
    "iif(r.maybe_accepted_at IS NULL OR r.state NOT IN ('no_messenger', 'error', 'suppressed'), r.reason,
         coalesce(r.reason || '; ', '') || 'it may have been sent at ' ||
         strftime('%Y-%m-%dT%H:%M:%SZ', r.maybe_accepted_at / 1000, 'unixepoch'))";

fn select(and: &str) -> String {
    format!(
        "SELECT r.id, r.state, iif(r.state = 'invalid' OR r.reason_code IS 'erased', NULL, p.number), r.attempts, r.reason_code, {REASON}, i.file, i.row, i.fields,
                i.suggestion, {FACTS}, {CONTENT}, m.file, m.row, r.step, c.api_id, {IMPORTED_DIGEST}
         FROM recipient r CROSS JOIN recipient_input i ON i.id = r.id {JOINS}
         LEFT JOIN recipient_input m ON m.id = r.mended_by LEFT JOIN channel c ON c.id = a.channel
         WHERE r.id > ?1 AND r.id < ?2 {and} ORDER BY r.id"
    )
}

impl Reader {
    /// Passes every row of the batch to `each`, in row order, as of one moment.
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint fails, or whatever `each` returns.
    pub fn rows<E: From<StoreError>>(
        &self,
        id: BatchId,
        each: impl FnMut(ResultRow<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        self.select_rows(&select(""), id, each)
    }

    /// The same for the rows in one state.
    ///
    /// # Errors
    /// As [`Reader::rows`].
    pub fn rows_in<E: From<StoreError>>(
        &self,
        id: BatchId,
        state: State,
        each: impl FnMut(ResultRow<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        self.select_rows(&select(&format!("AND r.state = '{state}'")), id, each)
    }

    fn select_rows<E: From<StoreError>>(
        &self,
        sql: &str,
        id: BatchId,
        mut each: impl FnMut(ResultRow<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        // One statement reads as of one moment.
        let mut select = self
            .connection
            .prepare_cached(sql)
            .map_err(StoreError::from)?;
        let mut rows = select.query(id.range()).map_err(StoreError::from)?;
        while let Some(row) = rows.next().map_err(StoreError::from)? {
            // Ids are stored as integers where they are decimal.
            let (message, contact) = (api_id_if_any(row, 11)?, api_id_if_any(row, 12)?);
            each(result_row(row, message.as_deref(), contact.as_deref())?)?;
        }
        Ok(())
    }

    /// How many rows of the batch were sent to, by the channel that their messages went through: its own, the others that
    /// it has, then those that only a results file names.
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint fails.
    pub(crate) fn sent_by_channel(&self, batch: &Batch) -> Result<Vec<(String, u64)>, StoreError> {
        let (first, last) = batch.id.range();
        let counts = self.connection.read(
            &format!(
                "SELECT r.step, c.api_id AS api, count(*) FROM recipient r {JOINS}
                        LEFT JOIN channel c ON c.id = a.channel
                 WHERE r.id > ?1 AND r.id < ?2 AND r.state = 'sent' GROUP BY r.step, api"
            ),
            (first, last),
            |row| {
                let through: Option<String> = row.get(1)?;
                Ok((Step::new(row.get(0)?), through, count(row, 2)?))
            },
        )?;
        let mut sent: Vec<_> = batch.channels().map(|id| (id.to_owned(), 0)).collect();
        for (step, through, rows) in counts {
            let Some(channel) = batch.channel_of(step, through.as_deref()) else {
                continue;
            };
            match sent.iter_mut().find(|(id, _)| id == channel) {
                Some((_, sent)) => *sent += rows,
                None => sent.push((channel.to_owned(), rows)),
            }
        }
        Ok(sent)
    }

    /// True if the API ever accepted a message of the batch, whatever became of it.
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint fails.
    pub(crate) fn any_accepted(&self, id: BatchId) -> Result<bool, StoreError> {
        self.connection.value(
            &format!(
                "SELECT EXISTS (SELECT 1 FROM recipient r CROSS JOIN attempt a
                                     ON a.person IS r.person AND a.recipient = r.id
                                WHERE r.id > ?1 AND r.id < ?2 AND {ACCEPTED})"
            ),
            id.range(),
        )
    }

    /// How many rows of the batch ended for each reason, the most frequent first.
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint fails.
    pub(crate) fn reasons(
        &self,
        id: BatchId,
        state: State,
    ) -> Result<Vec<(String, u64)>, StoreError> {
        self.count_reasons(
            "SELECT coalesce(reason, reason_code, '') FROM recipient
             WHERE id > ?1 AND id < ?2 AND state = ?3",
            id,
            state,
        )
    }

    /// How many messages of the batch went to another number, as their answers say. Reads all rows.
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint fails.
    pub(crate) fn other_numbers(&self, id: BatchId) -> Result<u64, StoreError> {
        let (first, last) = id.range();
        self.connection.count(
            "SELECT count(*) FROM recipient WHERE id > ?1 AND id < ?2 AND reason_code = ?3",
            (first, last, super::journal::OTHER_NUMBER),
        )
    }

    /// How many people of the batch have its message, or may have, whom its list refuses by now. Reads all rows.
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint fails.
    pub(crate) fn refused_since(&self, id: BatchId) -> Result<u64, StoreError> {
        let (first, last) = id.range();
        self.connection.count(
            "SELECT count(*) FROM recipient
             WHERE id > ?1 AND id < ?2 AND state IN ('sent', 'unknown') AND reason_code = 'no_consent'",
            (first, last),
        )
    }

    /// The same for the rows that the API refused at once: what failed after it was accepted, as a
    /// webhook event reported, is none of them.
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint fails.
    pub(crate) fn refusals(
        &self,
        id: BatchId,
        state: State,
    ) -> Result<Vec<(String, u64)>, StoreError> {
        self.count_reasons(
            "SELECT reason FROM recipient WHERE id > ?1 AND id < ?2 AND state = ?3
                    AND reason_code = 'rejected' AND reason IS NOT NULL",
            id,
            state,
        )
    }

    /// The rows of the batch that were refused, or failed to be delivered.
    ///
    /// # Errors
    /// [`StoreError`] if the checkpoint fails.
    pub(crate) fn not_reached(&self, id: BatchId) -> Result<Vec<NotReached>, StoreError> {
        let (first, last) = id.range();
        self.connection.read(
            "SELECT state, reason_code, state = 'no_messenger' AND coalesce(instr(reason, ?3) = 1, 0) AS taken,
                    count(*)
             FROM recipient WHERE id > ?1 AND id < ?2 AND state IN ('no_messenger', 'error')
             GROUP BY state, reason_code, taken",
            (first, last, TAKEN_FOR_NO_MESSENGER),
            |row| {
                Ok(NotReached {
                    state: row.get(0)?,
                    code: row.get(1)?,
                    taken_for: row.get(2)?,
                    rows: count(row, 3)?,
                })
            },
        )
    }

    fn count_reasons(
        &self,
        sql: &str,
        id: BatchId,
        state: State,
    ) -> Result<Vec<(String, u64)>, StoreError> {
        let mut groups: std::collections::HashMap<String, u64> = std::collections::HashMap::new();
        let (first, last) = id.range();
        self.connection.visit(
            sql,
            (first, last, state.word()),
            |row| {
                Ok(canonical_text(
                    row.get_ref(0)?.as_str().map_err(rusqlite::Error::from)?,
                ))
            },
            |text| {
                *groups.entry(text).or_default() += 1;
                Ok::<_, StoreError>(())
            },
        )?;
        let mut groups: Vec<_> = groups.into_iter().collect();
        groups.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        Ok(groups)
    }
}

fn result_row<'a>(
    row: &'a Row<'_>,
    message_id: Option<&'a str>,
    contact_id: Option<&'a str>,
) -> Result<ResultRow<'a>, StoreError> {
    let text = |column: usize| -> Result<Option<&'a str>, StoreError> {
        Ok(row
            .get_ref(column)?
            .as_str_or_null()
            .map_err(rusqlite::Error::from)?)
    };
    Ok(ResultRow {
        recipient: row.get(0)?,
        state: row.get(1)?,
        phone: row.get(2)?,
        attempts: row.get(3)?,
        reason_code: text(4)?,
        reason: text(5)?,
        file: row.get(6)?,
        row: row.get(7)?,
        content: match (text(17)?, text(22)?.filter(|told| is_content_digest(told))) {
            (Some(message), _) => Some(RowContent::Message(message)),
            (None, digest) => digest.map(RowContent::Digest),
        },
        mended_by: row
            .get::<_, Option<u16>>(18)?
            .map(|file| Ok::<_, StoreError>((file, row.get(19)?)))
            .transpose()?,
        step: Step::new(row.get(20)?),
        fields: text(8)?.unwrap_or("[]"),
        suggestion: text(9)?,
        finished_at: time_if_any(row, 10)?,
        message: MessageFacts {
            channel: text(21)?,
            message_id,
            contact_id,
            delivered_at: time_if_any(row, 14)?,
            read_at: time_if_any(row, 15)?,
            opted_in_at: time_if_any(row, 16)?,
        },
    })
}

#[cfg(test)]
mod tests {
    use super::REASON;
    use crate::domain::results_row::MAY_HAVE_BEEN_SENT;

    #[test]
    fn what_a_reason_tells_of_an_open_request_is_what_results_are_read_by() {
        assert!(REASON.contains(MAY_HAVE_BEEN_SENT));
    }
}
