//! Rows on their way into a file: delimited text, a workbook, or JSON lines. Each format takes a row cell by
//! cell, so that memory does not grow with the number of rows.

mod cell;
mod json;
mod sheet;
mod text;

use std::fs::File;
use std::path::Path;

use super::error::ReportError;
use super::file::Digesting;
use crate::domain::dialect::FileFormat;
use crate::store::WrittenFile;

pub(super) use cell::{Cell, Column, Kind, RowWriter, SummaryLine};
use json::JsonRows;
use sheet::SheetRows;
pub(super) use sheet::{REJECTS_SHEET, RESULTS_SHEET};
pub(super) use text::TextRows;

/// A file of rows.
pub(super) enum TableFile {
    Text(Box<TextRows<Digesting<File>>>),
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
            FileFormat::Text(dialect) => {
                Self::Text(Box::new(TextRows::new(Digesting::new(file), dialect)?))
            }
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
