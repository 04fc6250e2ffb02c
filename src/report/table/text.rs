//! Delimited text.

use std::io::{self, Write};

use super::super::error::ReportError;
use super::cell::{Cell, Column, RowWriter};
use crate::domain::dialect::Dialect;
use crate::domain::spreadsheet::guard;

/// Room for what is written at once.
const BUFFER: usize = 1 << 18;

/// UTF-8's byte order mark.
const MARK: &[u8] = b"\xef\xbb\xbf";

/// Writes one line for each row.
pub(in crate::report) struct TextRows<W: Write>(csv::Writer<W>);

impl<W: Write> TextRows<W> {
    pub(in crate::report) fn new(mut to: W, dialect: Dialect) -> Result<Self, ReportError> {
        if dialect.mark {
            to.write_all(MARK)?;
        }
        let csv = csv::WriterBuilder::new()
            .delimiter(dialect.delimiter.byte())
            .buffer_capacity(BUFFER)
            .from_writer(to);
        Ok(Self(csv))
    }

    pub(in crate::report) fn finish(self) -> Result<W, ReportError> {
        let out = self.0.into_inner();
        Ok(out.map_err(|error| io::Error::new(error.error().kind(), error.to_string()))?)
    }
}

impl<W: Write> RowWriter for TextRows<W> {
    fn header(&mut self, columns: &[Column<'_>]) -> Result<(), ReportError> {
        for column in columns {
            self.0.write_field(guard(column.name).as_bytes())?;
        }
        self.end_row()
    }

    fn cell(&mut self, cell: Cell<'_>) -> Result<(), ReportError> {
        match cell {
            Cell::None => self.0.write_field("")?,
            Cell::Foreign(text) => self.0.write_field(guard(text).as_bytes())?,
            Cell::Own(text) => self.0.write_field(text)?,
            Cell::Count(count) => self.0.write_field(count.to_string())?,
            Cell::Status(_, word) => self.0.write_field(word)?,
        }
        Ok(())
    }

    fn end_row(&mut self) -> Result<(), ReportError> {
        Ok(self.0.write_record(None::<&[u8]>)?)
    }
}
