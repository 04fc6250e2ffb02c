//! What a file of results tells, read by the columns that [`Ours`] writes.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use super::select::Ours;
use crate::domain::delivery::{CANCELLED, State};
use crate::domain::phone::PhoneNumber;
use crate::domain::recipient::{Record, Suppression};
use crate::domain::told::{ToldRow, is_content_digest};

/// Where the columns of ours stand in a file.
#[derive(Debug, Clone)]
pub(crate) struct ToldColumns([Option<usize>; Ours::ALL.len()]);

/// A row that does not tell what it must.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Untold {
    /// Its status is no word of ours.
    #[error("`{0}` is no status of a results file")]
    Status(String),
    /// It does not say which batch it is of.
    #[error("it does not say its batch")]
    Batch,
    /// Its number is not there any more.
    #[error("its message was sent, or may have been, and its number cannot be read: \"{0}\"")]
    Number(String),
}

impl ToldColumns {
    /// Finds them; `None` if the file tells of no messages: it is no results file.
    pub(crate) fn find(names: &[String]) -> Option<Self> {
        let place = |column: Ours| {
            let is_it = |name: &String| name.trim().eq_ignore_ascii_case(column.name());
            names.iter().position(is_it)
        };
        let found = Self(Ours::ALL.map(place));
        let needed = [Ours::Phone, Ours::Status, Ours::FinishedAt];
        needed
            .iter()
            .all(|column| found.place(*column).is_some())
            .then_some(found)
    }

    /// Whether it tells which batch its rows are of.
    pub(crate) fn tells_batch(&self) -> bool {
        let needed = [Ours::Batch, Ours::Channel, Ours::Row];
        needed.iter().all(|column| self.place(*column).is_some())
    }

    fn place(&self, column: Ours) -> Option<usize> {
        let at = Ours::ALL.iter().position(|it| *it == column)?;
        self.0.get(at).copied().flatten()
    }

    /// What a row tells.
    ///
    /// # Errors
    /// [`Untold`] if it is not as it was written.
    pub(crate) fn row(&self, record: &Record) -> Result<ToldRow, Untold> {
        let cell = |column: Ours| {
            let text = self.place(column).and_then(|at| record.get(at));
            text.map(str::trim).filter(|text| !text.is_empty())
        };
        let owned = |column| cell(column).map(str::to_owned);
        let time = |column| cell(column).and_then(time);
        let word = cell(Ours::Status).unwrap_or_default();
        let cancelled = word == CANCELLED;
        let state = match word.parse() {
            _ if cancelled => State::Queued,
            Ok(state) => state,
            Err(_) => return Err(Untold::Status(word.to_owned())),
        };
        let typed = cell(Ours::Phone);
        let phone = typed.and_then(number);
        let erased = Suppression::Forgotten.to_string();
        let is_erased = typed.is_none() && cell(Ours::Reason) == Some(erased.as_str());
        if phone.is_none() && state.counts_as_messaged() && !is_erased {
            return Err(Untold::Number(typed.unwrap_or_default().to_owned()));
        }
        let batch = owned(Ours::Batch).unwrap_or_default();
        if batch.is_empty() && self.tells_batch() {
            return Err(Untold::Batch);
        }
        Ok(ToldRow {
            batch,
            channel: owned(Ours::Channel).unwrap_or_default(),
            file: owned(Ours::File).unwrap_or_default(),
            row: cell(Ours::Row)
                .and_then(|text| text.parse().ok())
                .unwrap_or(0),
            phone,
            state,
            cancelled,
            reason_code: owned(Ours::ReasonCode),
            reason: owned(Ours::Reason),
            attempts: cell(Ours::Attempts)
                .and_then(|text| text.parse().ok())
                .unwrap_or(0),
            message_id: owned(Ours::MessageId),
            contact_id: owned(Ours::ContactId),
            finished_at: time(Ours::FinishedAt),
            delivered_at: time(Ours::DeliveredAt),
            read_at: time(Ours::ReadAt),
            opted_in_at: time(Ours::OptedInAt),
            content: owned(Ours::Content).filter(|text| is_content_digest(text)),
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

    fn row(status: &str, phone: &str) -> Result<ToldRow, Untold> {
        let names = [
            "phone",
            "outreach_phone",
            "OUTREACH_STATUS",
            "outreach_finished_at",
        ];
        let names = names.map(str::to_owned);
        let columns = ToldColumns::find(&names).unwrap();
        assert!(!columns.tells_batch());
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
    fn whose_number_a_spreadsheet_rounded_is_not_forgotten_silently() {
        for status in ["sent", "unknown"] {
            let lost = row(status, "4.20777E+11");
            assert_eq!(lost, Err(Untold::Number("4.20777E+11".to_owned())));
            assert!(row(status, "").is_err(), "nobody was erased");
        }
        assert_eq!(row("queued", "4.20777E+11").unwrap().phone, None);
        assert_eq!(row("sunt", ""), Err(Untold::Status("sunt".to_owned())));
    }
}
