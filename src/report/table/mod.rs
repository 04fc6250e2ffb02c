//! Rows on their way into a file: delimited text, a workbook, or JSON lines. Each format takes a row cell by
//! cell, so that memory does not grow with the number of rows.

mod json;
mod sheet;
mod text;

use std::fs::File;
use std::path::Path;

use super::error::ReportError;
use super::file::Digesting;
use crate::domain::delivery::State;
use crate::domain::dialect::FileFormat;
use crate::store::WrittenFile;

use json::JsonRows;
use sheet::SheetRows;
pub(super) use sheet::{REJECTS_SHEET, RESULTS_SHEET};
pub(super) use text::TextRows;

/// A cell of a row.
#[derive(Debug, Clone, Copy)]
pub(super) enum Cell<'a> {
    /// There is no value.
    None,
    /// A text that others wrote: in a file that a spreadsheet may run, it is guarded.
    Foreign(&'a str),
    /// A text of ours.
    Own(&'a str),
    /// A number of things.
    Count(u64),
    /// The status of a row.
    Status(State),
}

/// What the cells of a column are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Texts: numbers to dial and ids among them, which a spreadsheet must not take for quantities.
    Text,
    /// Texts that may be long.
    LongText,
    /// Numbers of things.
    Count,
}

/// A column of a table.
#[derive(Debug, Clone)]
pub(super) struct Column<'a> {
    /// What its header says.
    pub(super) name: &'a str,
    pub(super) kind: Kind,
}

/// Takes rows, cell by cell.
pub(super) trait RowWriter {
    /// Takes the names of the columns, before any row.
    fn header(&mut self, columns: &[Column<'_>]) -> Result<(), ReportError>;
    /// Takes the next cell of the row.
    fn cell(&mut self, cell: Cell<'_>) -> Result<(), ReportError>;
    /// The row has all its cells.
    fn end_row(&mut self) -> Result<(), ReportError>;
}

/// A name and a value in the summary that a workbook ends with.
pub(super) type SummaryLine = (String, String);

/// A file of rows.
pub(super) enum TableFile {
    Text(TextRows<Digesting<File>>),
    Jsonl(JsonRows<Digesting<File>>),
    Xlsx(Box<SheetRows>, File),
}

impl TableFile {
    /// Begins to write `file`. A workbook keeps its rows in a nameless file in `folder` until it is finished.
    pub(super) fn new(
        format: FileFormat,
        file: File,
        sheet: &str,
        folder: &Path,
    ) -> Result<Self, ReportError> {
        Ok(match format {
            FileFormat::Text(dialect) => Self::Text(TextRows::new(Digesting::new(file), dialect)?),
            FileFormat::Jsonl => Self::Jsonl(JsonRows::new(Digesting::new(file))),
            FileFormat::Xlsx => Self::Xlsx(Box::new(SheetRows::new(sheet, folder)?), file),
        })
    }

    /// Writes what is left. Returns the file, and what it is known by.
    pub(super) fn finish(
        self,
        summary: &[SummaryLine],
    ) -> Result<(File, WrittenFile), ReportError> {
        let out = match self {
            Self::Text(rows) => rows.finish()?,
            Self::Jsonl(rows) => rows.finish()?,
            Self::Xlsx(rows, file) => rows.finish(Digesting::new(file), summary)?,
        };
        Ok(out.end())
    }
}

impl RowWriter for TableFile {
    fn header(&mut self, columns: &[Column<'_>]) -> Result<(), ReportError> {
        match self {
            Self::Text(rows) => rows.header(columns),
            Self::Jsonl(rows) => rows.header(columns),
            Self::Xlsx(rows, _) => rows.header(columns),
        }
    }

    fn cell(&mut self, cell: Cell<'_>) -> Result<(), ReportError> {
        match self {
            Self::Text(rows) => rows.cell(cell),
            Self::Jsonl(rows) => rows.cell(cell),
            Self::Xlsx(rows, _) => rows.cell(cell),
        }
    }

    fn end_row(&mut self) -> Result<(), ReportError> {
        match self {
            Self::Text(rows) => rows.end_row(),
            Self::Jsonl(rows) => rows.end_row(),
            Self::Xlsx(rows, _) => rows.end_row(),
        }
    }
}
