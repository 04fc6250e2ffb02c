//! Rows of a results file, read by the columns that [`ResultsColumn`] writes.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use super::results::UNDER_WAY;
use super::select::ResultsColumn;
use crate::domain::delivery::{CANCELLED, State};
use crate::domain::phone::PhoneNumber;
use crate::domain::recipient::{ERASED, Record, Suppression};
use crate::domain::results_row::{ResultsRow, is_content_digest, split_maybe_sent};

/// The places of our columns in a file.
#[derive(Debug, Clone)]
pub(crate) struct ResultsColumns([Option<usize>; ResultsColumn::ALL.len()]);

/// Why a row cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ResultsRowError {
    /// Its status is none of ours.
    #[error("`{0}` is no status of a results file")]
    Status(String),
    /// It does not say which batch it is of.
    #[error("it does not say its batch")]
    Batch,
    /// Its number is not there any more.
    #[error("its message was sent, or may have been, and its number cannot be read: \"{0}\"")]
    Number(String),
}

impl ResultsColumns {
    /// Finds them; `None` if the file is no results file.
    pub(crate) fn find(names: &[String]) -> Option<Self> {
        let found = Self::find_what_is_left(names)?;
        let needed = [
            ResultsColumn::Phone,
            ResultsColumn::Status,
            ResultsColumn::FinishedAt,
        ];
        needed
            .iter()
            .all(|column| found.place(*column).is_some())
            .then_some(found)
    }

    /// The same, where columns may have been taken out: as long as that of the status is there.
    pub(crate) fn find_what_is_left(names: &[String]) -> Option<Self> {
        let place = |column: ResultsColumn| {
            let is_it = |name: &String| name.trim().eq_ignore_ascii_case(column.word());
            names.iter().position(is_it)
        };
        let found = Self(ResultsColumn::ALL.map(place));
        found
            .place(ResultsColumn::Status)
            .is_some()
            .then_some(found)
    }

    /// Whether its rows name their batch.
    pub(crate) fn has_batch(&self) -> bool {
        let needed = [
            ResultsColumn::Batch,
            ResultsColumn::Channel,
            ResultsColumn::Row,
        ];
        needed.iter().all(|column| self.place(*column).is_some())
    }

    /// Whether the digest of the message is not whole: it is the last column that we write.
    pub(crate) fn has_part_of_digest(&self, record: &Record) -> bool {
        let cell = self
            .place(ResultsColumn::Content)
            .and_then(|at| record.get(at));
        cell.is_some_and(|text| !text.trim().is_empty() && !is_content_digest(text.trim()))
    }

    fn place(&self, column: ResultsColumn) -> Option<usize> {
        let at = ResultsColumn::ALL.iter().position(|it| *it == column)?;
        self.0.get(at).copied().flatten()
    }

    /// Reads a row.
    ///
    /// # Errors
    /// [`ResultsRowError`] if it is not as it was written.
    pub(crate) fn row(&self, record: &Record) -> Result<ResultsRow, ResultsRowError> {
        let row = self.what_is_left_of(record)?;
        if self.is_of_nobody(&row, record) && !self.names_nobody(&row, record) {
            let typed = self.typed_phone(record).unwrap_or_default();
            return Err(ResultsRowError::Number(typed.to_owned()));
        }
        if row.batch.is_empty() && self.has_batch() {
            return Err(ResultsRowError::Batch);
        }
        Ok(row)
    }

    /// What stands where the number was written.
    fn typed_phone<'a>(&self, record: &'a Record) -> Option<&'a str> {
        let at = self.place(ResultsColumn::Phone)?;
        record.get(at).map(str::trim)
    }

    /// Whether the person of the row was erased: the number was taken out then.
    pub(crate) fn is_of_erased(&self, row: &ResultsRow, record: &Record) -> bool {
        let erased = Suppression::Forgotten.to_string();
        // Pruning takes the reason, and leaves the word for it.
        let code = row.reason_code.as_deref();
        let says_so = row.reason.as_ref() == Some(&erased)
            || code.is_some_and(|code| code == ERASED || code == Suppression::Forgotten.code());
        self.typed_phone(record).is_none_or(str::is_empty) && says_so
    }

    /// Whether the row may have been messaged, and has no number that can be read, though nobody erased its person.
    pub(crate) fn is_of_nobody(&self, row: &ResultsRow, record: &Record) -> bool {
        row.phone.is_none() && row.state.counts_as_messaged() && !self.is_of_erased(row, record)
    }

    /// Whether nothing in the row says whose it is, neither a number nor an id nor a cell of the list: pruning leaves it so.
    fn names_nobody(&self, row: &ResultsRow, record: &Record) -> bool {
        let is_own = |at: usize| !self.0.contains(&Some(at));
        let mut own = (0..record.len()).filter(|at| is_own(*at));
        row.message_id.is_none()
            && row.contact_id.is_none()
            && self.typed_phone(record).is_none_or(str::is_empty)
            && own.all(|at| record.get(at).is_none_or(|cell| cell.trim().is_empty()))
    }

    /// Reads a row, whatever a person or a spreadsheet made of it.
    ///
    /// # Errors
    /// [`ResultsRowError::Status`] if its status is none of ours.
    pub(crate) fn what_is_left_of(&self, record: &Record) -> Result<ResultsRow, ResultsRowError> {
        let cell = |column: ResultsColumn| {
            let text = self.place(column).and_then(|at| record.get(at));
            text.map(str::trim).filter(|text| !text.is_empty())
        };
        let owned = |column| cell(column).map(str::to_owned);
        let time = |column| cell(column).and_then(time);
        let word = cell(ResultsColumn::Status).unwrap_or_default();
        let cancelled = word == CANCELLED;
        let state = match word.parse() {
            _ if cancelled => State::Queued,
            Ok(state) => state,
            Err(_) => return Err(ResultsRowError::Status(word.to_owned())),
        };
        let (reason, maybe_sent_at) =
            split_maybe_sent(cell(ResultsColumn::Reason).unwrap_or_default());
        let tried: u32 = cell(ResultsColumn::Attempts)
            .and_then(|text| text.parse().ok())
            .unwrap_or(0);
        Ok(ResultsRow {
            batch: owned(ResultsColumn::Batch).unwrap_or_default(),
            channel: owned(ResultsColumn::Channel).unwrap_or_default(),
            file: owned(ResultsColumn::File).unwrap_or_default(),
            row: cell(ResultsColumn::Row)
                .and_then(|text| text.parse().ok())
                .unwrap_or(0),
            phone: cell(ResultsColumn::Phone).and_then(number),
            state,
            cancelled,
            reason_code: owned(ResultsColumn::ReasonCode),
            // A request is counted once it is settled.
            attempts: tried.saturating_add(u32::from(reason.starts_with(UNDER_WAY))),
            maybe_sent_at,
            reason: Some(reason).filter(|reason| !reason.is_empty()),
            message_id: owned(ResultsColumn::MessageId),
            contact_id: owned(ResultsColumn::ContactId),
            finished_at: time(ResultsColumn::FinishedAt),
            delivered_at: time(ResultsColumn::DeliveredAt),
            read_at: time(ResultsColumn::ReadAt),
            opted_in_at: time(ResultsColumn::OptedInAt),
            content: owned(ResultsColumn::Content).filter(|text| is_content_digest(text)),
        })
    }
}

/// A number as we wrote it; a spreadsheet may have taken its plus, but not its digits.
fn number(text: &str) -> Option<PhoneNumber> {
    let text = text.trim_start_matches('\'');
    let digits = text.strip_prefix('+').unwrap_or(text);
    let all_digits = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    let number = all_digits.then(|| digits.parse().ok()).flatten()?;
    PhoneNumber::from_e164(number)
}

/// A time as we wrote it, or as a spreadsheet shows it: without the zone, which is UTC.
fn time(text: &str) -> Option<Timestamp> {
    if let Ok(time) = text.parse() {
        return Some(time);
    }
    let civil: DateTime = text.parse().ok()?;
    Some(civil.to_zoned(TimeZone::UTC).ok()?.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(status: &str, phone: &str) -> Result<ResultsRow, ResultsRowError> {
        let names = [
            "phone",
            "outreach_phone",
            "OUTREACH_STATUS",
            "outreach_finished_at",
        ];
        let names = names.map(str::to_owned);
        let columns = ResultsColumns::find(&names).unwrap();
        assert!(!columns.has_batch());
        columns.row(&["x", phone, status, "2026-05-01 10:00:00"].iter().collect())
    }

    #[test]
    fn a_row_is_read_as_it_was_written_or_as_a_spreadsheet_leaves_it() {
        for phone in ["+420777123456", "420777123456", "'+420777123456"] {
            let told = row("sent", phone).unwrap();
            assert_eq!(told.phone.map(PhoneNumber::get), Some(420_777_123_456));
            let at = told.finished_at.unwrap().to_string();
            assert_eq!(at, "2026-05-01T10:00:00Z");
        }
        assert!(row("cancelled", "+420777123456").unwrap().cancelled);
    }

    #[test]
    fn a_row_of_a_pruned_batch_is_read_and_names_nobody() {
        let names = [
            "phone",
            "outreach_phone",
            "outreach_status",
            "outreach_finished_at",
            "outreach_message_id",
        ];
        let columns = ResultsColumns::find(&names.map(str::to_owned)).unwrap();
        let read = |phone: &str, message: &str| {
            let record: Record = [phone, "", "sent", "2026-05-01 10:00:00", message]
                .iter()
                .collect();
            columns
                .row(&record)
                .map(|row| columns.names_nobody(&row, &record))
        };
        assert_eq!(read("", ""), Ok(true));
        for (phone, message) in [("777123456", ""), ("", "4600")] {
            assert!(read(phone, message).is_err(), "{phone}{message}");
        }
    }

    #[test]
    fn whose_number_a_spreadsheet_rounded_is_not_forgotten_silently() {
        for status in ["sent", "unknown"] {
            let lost = row(status, "4.20777E+11");
            assert_eq!(lost, Err(ResultsRowError::Number("4.20777E+11".to_owned())));
            assert!(row(status, "").is_err(), "nobody was erased");
        }
        assert_eq!(row("queued", "4.20777E+11").unwrap().phone, None);
        assert_eq!(
            row("sunt", ""),
            Err(ResultsRowError::Status("sunt".to_owned()))
        );
    }
}
