//! What a results file tells of messages, without its checkpoint.

use std::path::Path;

/// A message that a results file tells of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ToldMessage {
    /// The number, digits only; 0 if it does not tell.
    pub number: i64,
    /// The API's id of the message, if it was accepted.
    pub message_id: String,
    /// When, as the file has it.
    pub at: String,
}

/// Hands each row that was, or may have been, messaged to `take`. False if the file is no results file.
///
/// # Errors
/// Of the file, or of its CSV.
pub(crate) fn messages_in(
    path: &Path,
    mut take: impl FnMut(ToldMessage),
) -> Result<bool, csv::Error> {
    let mut csv = csv::ReaderBuilder::new().flexible(true).from_path(path)?;
    let headers = csv.byte_headers()?.clone();
    let column = |name: &str| headers.iter().position(|header| header == name.as_bytes());
    let columns = (
        column("outreach_phone"),
        column("outreach_status"),
        column("outreach_message_id"),
        column("outreach_finished_at"),
    );
    let (Some(phone), Some(status), Some(id), Some(at)) = columns else {
        return Ok(false);
    };
    let mut row = csv::ByteRecord::new();
    while csv.read_byte_record(&mut row)? {
        if !matches!(row.get(status), Some(b"sent" | b"unknown")) {
            continue;
        }
        let text = |column: usize| {
            let cell = row.get(column).unwrap_or_default();
            String::from_utf8_lossy(cell).into_owned()
        };
        let digits: String = text(phone).chars().filter(char::is_ascii_digit).collect();
        take(ToldMessage {
            number: digits.parse().unwrap_or(0),
            message_id: text(id).trim_start_matches('\'').to_owned(),
            at: text(at),
        });
    }
    Ok(true)
}
