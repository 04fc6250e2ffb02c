//! Why a file does not say who was messaged.

use crate::report::ResultsRowError;

/// A file that holds no messages. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum HistoryError {
    /// It can be read only once.
    #[error(
        "{0}: it is a pipe, which can be read only once, and this is read several times: save it as a file"
    )]
    Pipe(String),
    /// A row is not as it was written.
    #[error(
        "{file}, row {row}: {source}. A spreadsheet may have changed the file: give it as it was written, or as a workbook"
    )]
    Row {
        /// The file.
        file: String,
        /// The row in it.
        row: u32,
        /// What is wrong.
        source: RowFault,
    },
    /// The end of it is missing.
    #[error(
        "{file}, row {row}: the file ends in the middle of this row: it was cut off (an interrupted copy, a full disk?). Give the whole file: the people in this row and after it would be messaged again. If no other is left, remove that row"
    )]
    Cut {
        /// The file.
        file: String,
        /// The last row of it.
        row: u32,
    },
    /// A spreadsheet rounded the id of the channel: messages would not be known by it.
    #[error(
        "{file}, row {row}: a spreadsheet rounded the channel's id to {channel}. Give the file as it was written, or as a workbook; where that is lost, open it with all columns as text"
    )]
    RoundedChannel {
        /// The file.
        file: String,
        /// The row in it.
        row: u32,
        /// What is left of the id.
        channel: String,
    },
    /// It is of a batch that only has the name of one in the checkpoint.
    #[error(
        "{file}: its batch {batch} has another {differs} than the batch of that name in the checkpoint: they are two batches, which messaged different people. Nothing of this file was imported. Write another name into its column outreach_batch, and it is imported as a batch of its own"
    )]
    OtherBatch {
        /// The file.
        file: String,
        /// The name of both.
        batch: String,
        /// What differs.
        differs: &'static str,
    },
    /// Nobody was messaged.
    #[error("{0} holds the results of a rehearsal: nobody was messaged")]
    Rehearsal(String),
    /// No column holds the dates of the messages.
    #[error(
        "{file}: no column holds the dates of the messages; --date-column HEADER names it. There are: {present}"
    )]
    NoDate {
        /// The file.
        file: String,
        /// Its columns.
        present: String,
    },
    /// Several columns may.
    #[error(
        "{file}: several columns may hold the dates of the messages ({}); --date-column HEADER says which", .found.join(", ")
    )]
    SeveralDates {
        /// The file.
        file: String,
        /// The columns.
        found: Vec<String>,
    },
}

/// What is wrong with a row, in words.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct RowFault(#[from] ResultsRowError);
