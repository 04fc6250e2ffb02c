//! The results file: one line for each row of the input, in its order, whatever its status.
//!
//! All columns of the input as they were typed, then ours, which begin with `outreach_`: intake ignores
//! those, so that a results file can be mended and sent again. Rows stream from the checkpoint to the
//! file, as of one moment; memory does not grow with the list.

use std::borrow::Cow;
use std::fmt::{self, Write as _};
use std::io::Write;
use std::path::Path;

use jiff::Timestamp;
use serde::Deserialize;
use sha2::{Digest, Sha256};

use super::error::ReportError;
use super::file::NewFile;
use super::select::{Chosen, ResultsColumn, Selection};
use super::summary::Summary;
use super::table::{Cell, RESULTS_SHEET, RowWriter, TableFile, TextRows};
use crate::crash::{CrashPoint, crash_point};
use crate::domain::delivery::State;
use crate::domain::dialect::{Dialect, FileFormat, SHEET_COLUMNS};
use crate::domain::results_row::content_digest;
use crate::domain::text::on_one_line;
use crate::store::{Batch, Reader, ResultRow, RowContent, StoreError, WrittenFile};

/// The reason of a row whose request is on disk and whose answer is not.
pub(super) const UNDER_WAY: &str =
    "a request was under way when this file was written, or when its process ended";

/// The most bytes of a batch's name in the name of a file.
const LONGEST: usize = 200;

/// Where the results of a batch go by default, without the end of the name. Those of a rehearsal never replace
/// those of the real batch.
pub(crate) fn default_stem(batch: &str, sandbox: bool) -> String {
    // The name of a batch of an earlier version may hold anything; a file name may not. It is also shorter
    // than 255 bytes on the usual file systems.
    let safe = batch.replace(['/', '\\', '\0', '\n', '\r'], "_");
    let safe = if safe.len() > LONGEST {
        let digest: [u8; 32] = Sha256::digest(batch.as_bytes()).into();
        let apart = u32::from_be_bytes([digest[0], digest[1], digest[2], digest[3]]);
        format!("{}-{apart:08x}", &safe[..safe.floor_char_boundary(LONGEST)])
    } else {
        safe
    };
    let rehearsal = if sandbox { ".sandbox" } else { "" };
    format!("{safe}{rehearsal}")
}

/// Writes the results of the batch as plain CSV; returns the number of rows.
///
/// # Errors
/// `ReportError` if the checkpoint cannot be read or `to` cannot be written.
pub fn write_results(reader: &Reader, batch: &Batch, to: impl Write) -> Result<u64, ReportError> {
    write_selected(reader, batch, &Selection::default(), Dialect::default(), to)
}

/// Writes the results file of the batch as its list was; returns the number of rows.
///
/// # Errors
/// `ReportError` if the checkpoint cannot be read or the file cannot be written; then the file that stood there
/// before is still there.
pub fn write_results_file(reader: &Reader, batch: &Batch, path: &Path) -> Result<u64, ReportError> {
    let format = FileFormat::of(path, batch.list, None);
    let all = Selection::default();
    Ok(write_selected_file(reader, batch, &all, format, path, |_| Ok(()))?.0)
}

/// Writes a part of the results as text of this dialect; returns the number of rows.
///
/// # Errors
/// `ReportError` if the checkpoint cannot be read, `to` cannot be written, or a column is not there.
pub(crate) fn write_selected(
    reader: &Reader,
    batch: &Batch,
    selection: &Selection,
    dialect: Dialect,
    to: impl Write,
) -> Result<u64, ReportError> {
    let mut rows = TextRows::new(to, dialect)?;
    let written = write_rows(reader, batch, selection, &mut rows)?;
    rows.finish()?;
    Ok(written)
}

/// Writes a part of the results to a file, readable by its owner only; it appears whole or not at all. Returns the
/// number of rows, and what the file is known by; `expect` gets that before the file appears.
///
/// # Errors
/// `ReportError` if the checkpoint cannot be read, the file cannot be written or hold the rows, or a column is
/// not there; then the file that stood there before is still there.
pub(crate) fn write_selected_file(
    reader: &Reader,
    batch: &Batch,
    selection: &Selection,
    format: FileFormat,
    path: &Path,
    expect: impl FnOnce(WrittenFile) -> Result<(), StoreError>,
) -> Result<(u64, WrittenFile), ReportError> {
    check_room(format, batch, reader.counts(batch.id)?.rows())?;
    let (new, file) = NewFile::create(path)?;
    let write = || {
        let mut table = TableFile::new(format, file, RESULTS_SHEET, &new.folder())?;
        let rows = write_rows(reader, batch, selection, &mut table)?;
        let summary = match format {
            FileFormat::Xlsx => Summary::load(reader, batch)?.lines(rows),
            FileFormat::Text(_) | FileFormat::Jsonl => Vec::new(),
        };
        let (file, written) = table.finish(&summary)?;
        Ok((file, rows, written))
    };
    let (file, rows, written) = write().map_err(|error: ReportError| error.at(path))?;
    expect(written)?;
    new.publish(&file, || crash_point(CrashPoint::ExportRename))
        .map_err(|source| ReportError::from(source).at(path))?;
    Ok((rows, written))
}

/// Whether a file of the format holds the results of a batch with so many rows: known before anything is sent.
///
/// # Errors
/// [`ReportError::SheetRows`] or [`ReportError::SheetColumns`] if it does not.
pub(crate) fn check_room(format: FileFormat, batch: &Batch, rows: u64) -> Result<(), ReportError> {
    let columns = batch.headers.len() + ResultsColumn::ALL.len();
    if !format.holds(rows) {
        Err(ReportError::SheetRows)
    } else if format == FileFormat::Xlsx && columns > SHEET_COLUMNS {
        Err(ReportError::SheetColumns(columns))
    } else {
        Ok(())
    }
}

fn write_rows(
    reader: &Reader,
    batch: &Batch,
    selection: &Selection,
    to: &mut impl RowWriter,
) -> Result<u64, ReportError> {
    let chosen = selection.columns_of(&batch.headers)?;
    let mut lines = Lines {
        batch,
        to,
        scratch: String::new(),
        content: (String::new(), String::new()),
    };
    let header: Vec<_> = chosen.iter().map(|it| it.column(&batch.headers)).collect();
    lines.to.header(&header)?;
    // As of one moment, so that rows and counts can be compared.
    reader.begin_read_transaction()?;
    let (mut rows, mut written) = (0, 0);
    reader.rows(batch.id, |row| {
        rows += 1;
        let word = batch.status_of(shown(row.state));
        if selection.has(row.state, word, row.mended_by.is_some()) {
            written += 1;
            lines.row(&chosen, &row)?;
        }
        Ok::<_, ReportError>(())
    })?;
    let counted = reader.counts(batch.id)?.rows();
    if rows != counted {
        return Err(StoreError::Corrupt {
            detail: format!(
                "batch {} has {counted} rows, and {rows} can be read",
                batch.name
            ),
        }
        .into());
    }
    Ok(written)
}

/// Writes one line for each row.
struct Lines<'a, W> {
    batch: &'a Batch,
    to: &'a mut W,
    scratch: String,
    /// The content of the row before, and its digest: often all rows have the same.
    content: (String, String),
}

impl<W: RowWriter> Lines<'_, W> {
    fn row(&mut self, chosen: &[Chosen], row: &ResultRow<'_>) -> Result<(), ReportError> {
        let fields = parse_fields(row.fields).map_err(|error| StoreError::Value {
            detail: format!("the fields of a row are no JSON array of texts: {error}"),
        })?;
        // The row gets as many cells as the header has; cells beyond it go into the reason.
        let surplus = fields.get(self.batch.headers.len()..).unwrap_or(&[]);
        for column in chosen {
            match column {
                Chosen::Input(index) => {
                    let text = fields.get(*index).map_or("", |field| &field.0);
                    self.to.cell(Cell::Foreign(text))?;
                }
                Chosen::Results(ours) => self.ours(*ours, row, surplus)?,
            }
        }
        self.to.end_row()
    }

    fn ours(
        &mut self,
        column: ResultsColumn,
        row: &ResultRow<'_>,
        surplus: &[Field<'_>],
    ) -> Result<(), ReportError> {
        match column {
            ResultsColumn::Row => self.to.cell(Cell::Count(row.row.into())),
            ResultsColumn::Phone => match row.phone {
                Some(phone) => self.print(format_args!("+{}", phone.get())),
                None => self.to.cell(Cell::None),
            },
            ResultsColumn::Status => {
                let state = shown(row.state);
                self.to
                    .cell(Cell::Status(state, self.batch.status_of(state)))
            }
            ResultsColumn::Reason => self.reason(row, surplus),
            ResultsColumn::MessageId => self.id(row.message.message_id),
            ResultsColumn::ContactId => self.id(row.message.contact_id),
            ResultsColumn::Attempts => self.to.cell(Cell::Count(row.attempts.into())),
            ResultsColumn::FinishedAt => self.time(row.finished_at),
            ResultsColumn::DeliveredAt => self.time(row.message.delivered_at),
            ResultsColumn::ReadAt => self.time(row.message.read_at),
            ResultsColumn::OptedInAt => self.time(row.message.opted_in_at),
            ResultsColumn::ReasonCode => {
                self.to.cell(row.reason_code.map_or(Cell::None, Cell::Own))
            }
            ResultsColumn::Batch => self.to.cell(Cell::Foreign(&self.batch.name)),
            ResultsColumn::File => self.to.cell(Cell::Foreign(self.batch.file_name(row.file))),
            ResultsColumn::Channel => {
                let channel = self.batch.channel_of(row.step, row.message.channel);
                self.to.cell(channel.map_or(Cell::None, Cell::Foreign))
            }
            ResultsColumn::Content => self.content(row.content),
        }
    }

    fn reason(&mut self, row: &ResultRow<'_>, surplus: &[Field<'_>]) -> Result<(), ReportError> {
        let reason = match row.state {
            State::Sending => UNDER_WAY,
            State::Queued
            | State::Sent
            | State::NoMessenger
            | State::Error
            | State::Unknown
            | State::Invalid
            | State::Duplicate
            | State::Suppressed => row.reason.or(row.reason_code).unwrap_or(""),
        };
        // It may be the text of an answer: unlike the cells of the list, nobody needs it back as it was.
        let mut text = on_one_line(reason);
        if let Some(suggestion) = row.suggestion {
            text += "; did you mean ";
            text += suggestion;
            text += "?";
        }
        if !surplus.is_empty() {
            let surplus: Vec<&str> = surplus.iter().map(|field| &*field.0).collect();
            text.to_mut().push_str("; fields without a column: ");
            text.to_mut().push_str(&surplus.join(" | "));
        }
        if let Some((file, by)) = row.mended_by {
            let file = self.batch.file_name(file);
            text = Cow::Owned(format!("mended by row {by} of {file} (was: {text})"));
        }
        self.to.cell(if text.is_empty() {
            Cell::None
        } else {
            Cell::Foreign(&text)
        })
    }

    fn id(&mut self, id: Option<&str>) -> Result<(), ReportError> {
        self.to.cell(id.map_or(Cell::None, Cell::Foreign))
    }

    fn time(&mut self, time: Option<Timestamp>) -> Result<(), ReportError> {
        match time {
            Some(time) => self.print(format_args!("{time:.3}")),
            None => self.to.cell(Cell::None),
        }
    }

    fn content(&mut self, content: Option<RowContent<'_>>) -> Result<(), ReportError> {
        let content = match content {
            Some(RowContent::Message(content)) => content,
            Some(RowContent::Digest(digest)) => return self.to.cell(Cell::Own(digest)),
            None => return self.to.cell(Cell::None),
        };
        if self.content.0 != content {
            self.content = (content.to_owned(), content_digest(content));
        }
        self.to.cell(Cell::Own(&self.content.1))
    }

    /// A value of this program, which needs no guard against formulas.
    fn print(&mut self, value: fmt::Arguments<'_>) -> Result<(), ReportError> {
        self.scratch.clear();
        // Writing to a String cannot fail.
        let _ = self.scratch.write_fmt(value);
        self.to.cell(Cell::Own(&self.scratch))
    }
}

/// The status of a row in a file: whether a request that is under way arrives is not known.
fn shown(state: State) -> State {
    match state {
        State::Sending => State::Unknown,
        State::Queued
        | State::Sent
        | State::NoMessenger
        | State::Error
        | State::Unknown
        | State::Invalid
        | State::Duplicate
        | State::Suppressed => state,
    }
}

/// A field of the input: copied only where its JSON has escapes.
#[derive(Debug, Deserialize)]
struct Field<'a>(#[serde(borrow)] Cow<'a, str>);

fn parse_fields(json: &str) -> serde_json::Result<Vec<Field<'_>>> {
    serde_json::from_str(json)
}

#[cfg(test)]
mod tests;
