//! What an import brought, and what is common to its files.

use super::super::error::RunError;
use super::error::HistoryError;
use crate::domain::recipient::Record;
use crate::domain::results_row::ResultsRow;
use crate::intake::{Table, is_rounded};
use crate::report::ResultsColumns;

/// What stands for the channel of a file that does not name it.
pub(in crate::run) const NO_CHANNEL: &str = "unknown";

/// What a file brought.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Imported {
    /// The file.
    pub file: String,
    /// What it was taken for.
    pub what: ImportedWhat,
    /// Rows whose message or contact id a spreadsheet rounded: these ids are left out.
    pub rounded: u64,
    /// Rows that were messaged, or may have been, and that say of nobody: their batch was pruned.
    pub nameless: u64,
    /// Rows of a batch that was restored that were messaged, or may have been, and that do not say with what.
    pub textless: u64,
    /// People who are on the suppression list from now on because nobody had read a reply of theirs, which the file does
    /// not hold.
    pub held: u64,
}

impl Imported {
    /// What a results file brought that has no row.
    pub(super) fn nothing(file: String) -> Self {
        Self {
            file,
            what: ImportedWhat::Nothing,
            rounded: 0,
            nameless: 0,
            textless: 0,
            held: 0,
        }
    }
}

/// The rows of a results file.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ImportedRows {
    /// All that are brought.
    pub rows: u64,
    /// Of these, messages that were sent.
    pub sent: u64,
    /// Of these, messages whose outcome is unknown.
    pub unknown: u64,
    /// Of these, rows that wait for the list to be sent again.
    pub queued: u64,
    /// Rows that wait, and whose number cannot be read: the list brings them again.
    pub left_out: u64,
    /// Rows that added something new to a batch that was there.
    pub new: u64,
    /// Rows with an id that a spreadsheet rounded.
    pub rounded: u64,
    /// Rows that may have been messaged, and do not say whose they are.
    pub nameless: u64,
    /// Rows that may have been messaged, and do not say with what.
    pub textless: u64,
    /// People who are held from now on because of an unread reply.
    pub held: u64,
}

/// What was imported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ImportedWhat {
    /// A results file without a row.
    Nothing,
    /// Our own batch, which was not in the checkpoint: it is restored.
    Restored {
        /// Its name.
        batch: String,
        /// Its rows.
        rows: ImportedRows,
    },
    /// Our own batch, which was in the checkpoint.
    Merged {
        /// Its name.
        batch: String,
        /// Rows that added something new.
        new: u64,
    },
    /// A list: it counts for `--not-within`.
    List {
        /// The batch that stands for it.
        batch: String,
        /// The column with the dates of the messages.
        date: String,
        /// People who were messaged.
        people: u64,
        /// Rows without a date, or without a number.
        without: u64,
        /// It was imported before.
        known: bool,
    },
}

/// Reads a row of a results file.
pub(super) fn read_row(
    table: &Table,
    columns: &ResultsColumns,
    row: u32,
    record: &Record,
) -> Result<ResultsRow, RunError> {
    let result = columns.row(record).map_err(|source| HistoryError::Row {
        file: table.name().to_owned(),
        row,
        source: source.into(),
    })?;
    if is_rounded(&result.channel) {
        return Err(HistoryError::RoundedChannel {
            file: table.name().to_owned(),
            row,
            channel: result.channel,
        }
        .into());
    }
    Ok(result)
}
