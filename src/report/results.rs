//! The results file: one line for each row of the input, in its order, whatever became of it.
//!
//! All columns of the input as they were typed, then ours, which begin with `outreach_`: intake ignores
//! those, so that a results file can be mended and sent again. Rows stream from the checkpoint to the
//! file, as of one moment; memory does not grow with the list.

use std::fmt;
use std::io::Write;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::de::{DeserializeSeed, Deserializer, SeqAccess, Visitor};

use super::cell::csv_cell;
use super::error::ReportError;
use super::file::NewFile;
use crate::crash::{CrashPoint, crash_point};
use crate::domain::delivery::State;
use crate::store::{Batch, Reader, ResultRow, StoreError};

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

/// What is told of a row whose request is on disk and whose answer is not.
const UNDER_WAY: &str =
    "a request was under way when this file was written, or when its process ended";

/// Room for what is written at once.
const BUFFER: usize = 1 << 18;

/// Where the results of a batch go if nobody says otherwise.
pub fn default_results_path(batch: &str) -> PathBuf {
    // A batch name may hold anything; a file name may not.
    let safe = batch.replace(['/', '\\', '\0'], "_");
    PathBuf::from(format!("{safe}.results.csv"))
}

/// Writes the results of the batch; returns the number of rows.
///
/// # Errors
/// [`ReportError`] if the checkpoint cannot be read or `to` cannot be written.
pub fn write_results(reader: &Reader, batch: &Batch, to: impl Write) -> Result<u64, ReportError> {
    let mut lines = Lines {
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
    let mut rows = 0;
    reader.rows(batch.id, |row| {
        rows += 1;
        lines.row(&row)
    })?;
    lines.csv.flush()?;
    Ok(rows)
}

/// Writes the results file of the batch, readable by its owner only; it appears whole or not at all.
///
/// # Errors
/// [`ReportError`] if the checkpoint cannot be read or the file cannot be written; then the file
/// that stood there before is still there.
pub fn write_results_file(reader: &Reader, batch: &Batch, path: &Path) -> Result<u64, ReportError> {
    let (new, file) = NewFile::create(path)?;
    let written = write_results(reader, batch, &file).map_err(|error| error.at(path))?;
    new.publish(&file, || crash_point(CrashPoint::ExportRename))
        .map_err(|source| ReportError::from(source).at(path))?;
    Ok(written)
}

struct Lines<W: Write> {
    csv: csv::Writer<W>,
    /// Columns of the input: no line has more or fewer.
    columns: usize,
    scratch: String,
}

impl<W: Write> Lines<W> {
    fn row(&mut self, row: &ResultRow<'_>) -> Result<(), ReportError> {
        let surplus = self.fields(row.fields)?;
        self.number(row.row)?;
        match row.phone {
            Some(phone) => {
                self.scratch.clear();
                fmt::Write::write_fmt(&mut self.scratch, format_args!("+{}", phone.get()))
                    .map_err(|_| unprintable())?;
                self.csv.write_field(&self.scratch)?;
            }
            None => self.csv.write_field("")?,
        }
        let status = match row.state {
            State::Sending => State::Unknown,
            state => state,
        };
        self.csv.write_field(status.word())?;
        self.reason(row, &surplus)?;
        self.cell(row.message.message_id.unwrap_or(""))?;
        self.cell(row.message.contact_id.unwrap_or(""))?;
        self.number(row.attempts)?;
        self.time(row.finished_at)?;
        self.time(row.message.delivered_at)?;
        self.time(row.message.read_at)?;
        self.time(row.message.opted_in_at)?;
        self.csv.write_record(None::<&[u8]>)?;
        Ok(())
    }

    /// The cells of the input, as many as the header has; those beyond it are returned.
    fn fields(&mut self, json: &str) -> Result<Vec<String>, ReportError> {
        let mut surplus = Vec::new();
        let mut written = 0;
        let columns = self.columns;
        let mut failed = None;
        let each = |field: &str| {
            if written < columns {
                written += 1;
                if let Err(error) = self.csv.write_field(csv_cell(field).as_bytes()) {
                    failed.get_or_insert(error);
                }
            } else {
                surplus.push(field.to_owned());
            }
        };
        for_each_field(json, each).map_err(|error| StoreError::Value {
            detail: format!("the fields of a row are no JSON array of texts: {error}"),
        })?;
        if let Some(error) = failed {
            return Err(error.into());
        }
        for _ in written..columns {
            self.csv.write_field("")?;
        }
        Ok(surplus)
    }

    fn reason(&mut self, row: &ResultRow<'_>, surplus: &[String]) -> Result<(), ReportError> {
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
        if row.suggestion.is_none() && surplus.is_empty() {
            return self.cell(reason);
        }
        let mut text = reason.to_owned();
        if let Some(suggestion) = row.suggestion {
            text.push_str("; did you mean ");
            text.push_str(suggestion);
            text.push('?');
        }
        if !surplus.is_empty() {
            text.push_str("; fields without a column: ");
            text.push_str(&surplus.join(" | "));
        }
        self.cell(&text)
    }

    fn cell(&mut self, text: &str) -> Result<(), ReportError> {
        Ok(self.csv.write_field(csv_cell(text).as_bytes())?)
    }

    fn number(&mut self, number: u32) -> Result<(), ReportError> {
        self.scratch.clear();
        fmt::Write::write_fmt(&mut self.scratch, format_args!("{number}"))
            .map_err(|_| unprintable())?;
        Ok(self.csv.write_field(&self.scratch)?)
    }

    fn time(&mut self, time: Option<Timestamp>) -> Result<(), ReportError> {
        let Some(time) = time else {
            return Ok(self.csv.write_field("")?);
        };
        self.scratch.clear();
        fmt::Write::write_fmt(&mut self.scratch, format_args!("{time:.3}"))
            .map_err(|_| unprintable())?;
        Ok(self.csv.write_field(&self.scratch)?)
    }
}

/// Numbers and times can always be written into memory.
fn unprintable() -> ReportError {
    std::io::Error::from(std::io::ErrorKind::InvalidData).into()
}

/// Passes the texts of a JSON array to `each`, without a copy of those that need no unescaping.
fn for_each_field(json: &str, each: impl FnMut(&str)) -> serde_json::Result<()> {
    struct Field<'f, F>(&'f mut F);
    impl<'de, F: FnMut(&str)> DeserializeSeed<'de> for Field<'_, F> {
        type Value = ();
        fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
            from.deserialize_str(self)
        }
    }
    impl<F: FnMut(&str)> Visitor<'_> for Field<'_, F> {
        type Value = ();
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a text")
        }
        fn visit_str<E>(self, text: &str) -> Result<(), E> {
            (self.0)(text);
            Ok(())
        }
    }
    struct Fields<F>(F);
    impl<'de, F: FnMut(&str)> Visitor<'de> for Fields<F> {
        type Value = ();
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an array of texts")
        }
        fn visit_seq<A: SeqAccess<'de>>(mut self, mut seq: A) -> Result<(), A::Error> {
            while seq.next_element_seed(Field(&mut self.0))?.is_some() {}
            Ok(())
        }
    }
    let mut from = serde_json::Deserializer::from_str(json);
    from.deserialize_seq(Fields(each))?;
    from.end()
}

#[cfg(test)]
mod tests;
