//! The results file: one line for each row of the input, in its order, whatever its status.
//!
//! All columns of the input as they were typed, then ours, which begin with `outreach_`: intake ignores
//! those, so that a results file can be mended and sent again. Rows stream from the checkpoint to the
//! file, as of one moment; memory does not grow with the list.

use std::borrow::Cow;
use std::fmt::{self, Write as _};
use std::io::Write;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::Deserialize;
use sha2::{Digest, Sha256};

use super::error::ReportError;
use super::file::{Digesting, NewFile};
use crate::crash::{CrashPoint, crash_point};
use crate::domain::delivery::State;
use crate::domain::spreadsheet::guard;
use crate::store::{Batch, Reader, ResultRow, StoreError, WrittenFile};

/// Our columns, behind those of the input.
pub const COLUMNS: [&str; 11] = [
    "outreach_row",
    "outreach_phone",
    "outreach_status",
    "outreach_reason",
    "outreach_message_id",
    "outreach_contact_id",
    "outreach_attempts",
    "outreach_finished_at",
    "outreach_delivered_at",
    "outreach_read_at",
    "outreach_opted_in_at",
];

/// The reason of a row whose request is on disk and whose answer is not.
const UNDER_WAY: &str =
    "a request was under way when this file was written, or when its process ended";

/// Room for what is written at once.
const BUFFER: usize = 1 << 18;

/// The most bytes of a batch's name in the name of a file.
const LONGEST: usize = 200;

/// Where the results of a batch go by default. Those of a rehearsal never replace those of the real batch.
pub(crate) fn default_results_path(batch: &str, sandbox: bool) -> PathBuf {
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
    PathBuf::from(format!("{safe}{rehearsal}.results.csv"))
}

/// Writes the results of the batch; returns the number of rows.
///
/// # Errors
/// `ReportError` if the checkpoint cannot be read or `to` cannot be written.
pub fn write_results(reader: &Reader, batch: &Batch, to: impl Write) -> Result<u64, ReportError> {
    let mut lines = Lines {
        batch,
        csv: csv::WriterBuilder::new()
            .buffer_capacity(BUFFER)
            .from_writer(to),
        columns: batch.headers.len(),
        scratch: String::new(),
    };
    for header in &batch.headers {
        lines.cell(header)?;
    }
    lines.csv.write_record(COLUMNS)?;
    // As of one moment, so that rows and counts can be compared.
    reader.look_anew()?;
    let mut rows = 0;
    reader.rows(batch.id, |row| {
        rows += 1;
        lines.row(&row)
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
    lines.csv.flush()?;
    Ok(rows)
}

/// Writes the results file of the batch, readable by its owner only; it appears whole or not at all.
///
/// # Errors
/// `ReportError` if the checkpoint cannot be read or the file cannot be written; then the file
/// that stood there before is still there.
pub fn write_results_file(reader: &Reader, batch: &Batch, path: &Path) -> Result<u64, ReportError> {
    Ok(write_known_results_file(reader, batch, path, |_| Ok(()))?.0)
}

/// The same; also returns what the file is known by, which `expect` gets before the file appears.
///
/// # Errors
/// As [`write_results_file`].
pub(crate) fn write_known_results_file(
    reader: &Reader,
    batch: &Batch,
    path: &Path,
    expect: impl FnOnce(WrittenFile) -> Result<(), StoreError>,
) -> Result<(u64, WrittenFile), ReportError> {
    let (new, file) = NewFile::create(path)?;
    let mut out = Digesting::new(&file);
    let rows = write_results(reader, batch, &mut out).map_err(|error| error.at(path))?;
    let written = out.end();
    expect(written)?;
    new.publish(&file, || crash_point(CrashPoint::ExportRename))
        .map_err(|source| ReportError::from(source).at(path))?;
    Ok((rows, written))
}

/// Writes one line for each row.
struct Lines<'a, W: Write> {
    batch: &'a Batch,
    csv: csv::Writer<W>,
    /// Columns of the input: no line has more or fewer.
    columns: usize,
    scratch: String,
}

impl<W: Write> Lines<'_, W> {
    fn row(&mut self, row: &ResultRow<'_>) -> Result<(), ReportError> {
        let fields = parse_fields(row.fields).map_err(|error| StoreError::Value {
            detail: format!("the fields of a row are no JSON array of texts: {error}"),
        })?;
        // As many cells as the header has; those beyond it go into the reason.
        for index in 0..self.columns {
            self.cell(fields.get(index).map_or("", |field| &field.0))?;
        }
        self.print(format_args!("{}", row.row))?;
        match row.phone {
            Some(phone) => self.print(format_args!("+{}", phone.get()))?,
            None => self.print(format_args!(""))?,
        }
        let status = match row.state {
            State::Sending => State::Unknown,
            state => state,
        };
        self.csv.write_field(self.batch.status_of(status))?;
        self.reason(row, fields.get(self.columns..).unwrap_or(&[]))?;
        self.cell(row.message.message_id.unwrap_or(""))?;
        self.cell(row.message.contact_id.unwrap_or(""))?;
        self.print(format_args!("{}", row.attempts))?;
        self.time(row.finished_at)?;
        self.time(row.message.delivered_at)?;
        self.time(row.message.read_at)?;
        self.time(row.message.opted_in_at)?;
        self.csv.write_record(None::<&[u8]>)?;
        Ok(())
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
        let mut text = Cow::Borrowed(reason);
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
        self.cell(&text)
    }

    fn cell(&mut self, text: &str) -> Result<(), ReportError> {
        Ok(self.csv.write_field(guard(text).as_bytes())?)
    }

    fn time(&mut self, time: Option<Timestamp>) -> Result<(), ReportError> {
        match time {
            Some(time) => self.print(format_args!("{time:.3}")),
            None => self.print(format_args!("")),
        }
    }

    /// A value of ours, which needs no guard against formulas.
    fn print(&mut self, value: fmt::Arguments<'_>) -> Result<(), ReportError> {
        self.scratch.clear();
        // Writing to a String cannot fail.
        let _ = self.scratch.write_fmt(value);
        Ok(self.csv.write_field(&self.scratch)?)
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
