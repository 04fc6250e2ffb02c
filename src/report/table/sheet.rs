//! A workbook: a sheet with the rows, and behind it one with the summary.
//!
//! The library keeps the row that is being written in memory, all before it in a file without a name, and
//! makes the workbook of that at the end.

use std::io::{self, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use rust_xlsxwriter::{
    Color, DocProperties, ExcelDateTime, Format, IgnoreError, Workbook, Worksheet, XlsxError,
};

use super::super::error::ReportError;
use super::cell::{Cell, Column, Kind, RowWriter, SummaryLine};
use crate::domain::delivery::State;
use crate::domain::dialect::{SHEET_COLUMNS, SHEET_ROWS};
pub(in crate::report) use crate::domain::spreadsheet::{REJECTS_SHEET, RESULTS_SHEET};

/// The last sheet of a workbook of results.
const SUMMARY_SHEET: &str = "outreach summary";

/// A workbook with more cells than this may have a sheet of more than 4 GiB, which needs the large form of its
/// archive; not all programs read that form.
const LARGE: u64 = 20_000_000;

/// Writes one row of a sheet for each row.
pub(in crate::report) struct SheetRows {
    workbook: Workbook,
    kinds: Vec<Kind>,
    row: u32,
    column: u16,
    text: Format,
    statuses: Vec<(State, Format)>,
}

impl SheetRows {
    /// The rows of the sheet `name` are kept in `folder` until the workbook is finished.
    pub(super) fn new(name: &str, folder: &Path) -> Result<Self, ReportError> {
        let mut workbook = Workbook::new();
        // The same rows make the same bytes, whenever that is.
        let created = ExcelDateTime::from_ymd(1980, 1, 1).map_err(failed)?;
        workbook.set_properties(&DocProperties::new().set_creation_datetime(&created));
        workbook.set_tempdir(folder).map_err(failed)?;
        let sheet = workbook
            .add_worksheet_with_constant_memory()
            .map_err(failed)?;
        sheet.set_name(name).map_err(failed)?;
        let text = Format::new().set_num_format("@");
        let coloured = |state: State| {
            let colour = Color::RGB(colour(state));
            (state, text.clone().set_background_color(colour))
        };
        Ok(Self {
            workbook,
            kinds: Vec::new(),
            row: 0,
            column: 0,
            statuses: State::ALL.into_iter().map(coloured).collect(),
            text,
        })
    }

    fn sheet(&mut self) -> Result<&mut Worksheet, ReportError> {
        self.workbook.worksheet_from_index(0).map_err(failed)
    }

    fn put(&mut self, cell: Cell<'_>) -> Result<(), ReportError> {
        let (row, column) = (self.row, self.column);
        let format = match cell {
            Cell::Status(state, _) => {
                let mut known = self.statuses.iter();
                known.find(|(of, _)| *of == state).map(|(_, it)| it.clone())
            }
            Cell::None | Cell::Foreign(_) | Cell::Own(_) | Cell::Count(_) => None,
        };
        let format = format.unwrap_or_else(|| self.text.clone());
        let sheet = self.sheet()?;
        match cell {
            // Nothing is written: the format of the column holds.
            Cell::None | Cell::Foreign("") | Cell::Own("") => return Ok(()),
            Cell::Foreign(text) | Cell::Own(text) => {
                sheet.write_string_with_format(row, column, text, &format)
            }
            Cell::Status(_, word) => sheet.write_string_with_format(row, column, word, &format),
            Cell::Count(count) => sheet.write_number(row, column, count as f64),
        }
        .map(|_| ())
        .map_err(|error| in_row(row, error))
    }

    fn head(&mut self, columns: &[Column<'_>]) -> Result<(), ReportError> {
        self.kinds = columns.iter().map(|column| column.kind).collect();
        let bold = self.text.clone().set_bold();
        let text = self.text.clone();
        let sheet = self.sheet()?;
        sheet.set_freeze_panes(1, 0).map_err(failed)?;
        for (at, column) in (0_u16..).zip(columns) {
            let width = match column.kind {
                Kind::Text => 20.0,
                Kind::LongText => 60.0,
                Kind::Count => 12.0,
            };
            sheet.set_column_width(at, width).map_err(failed)?;
            if column.kind != Kind::Count {
                sheet.set_column_format(at, &text).map_err(failed)?;
            }
            sheet
                .write_string_with_format(0, at, column.name, &bold)
                .map_err(|error| in_row(0, error))?;
        }
        self.row = 1;
        Ok(())
    }

    /// Makes the workbook, and writes it.
    pub(super) fn finish<W: Write + Send>(
        mut self,
        mut to: W,
        summary: &[SummaryLine],
    ) -> Result<W, ReportError> {
        guarded(|| {
            let (last_row, columns) = (self.row.saturating_sub(1), self.kinds.len());
            let last_column = u16::try_from(columns.saturating_sub(1)).unwrap_or(u16::MAX);
            let sheet = self.sheet()?;
            sheet
                .autofilter(0, 0, last_row, last_column)
                .map_err(failed)?;
            // Ids and numbers to dial are texts on purpose: without this each of them gets a warning sign.
            sheet
                .ignore_error_range(0, 0, last_row, last_column, IgnoreError::NumberStoredAsText)
                .map_err(failed)?;
            if !summary.is_empty() {
                self.summary(summary).map_err(failed)?;
            }
            let cells = u64::from(self.row) * columns as u64;
            self.workbook.use_zip_large_file(cells > LARGE);
            self.workbook.save_to_writer(&mut to).map_err(failed)
        })?;
        Ok(to)
    }

    fn summary(&mut self, lines: &[SummaryLine]) -> Result<(), XlsxError> {
        let text = self.text.clone();
        let sheet = self.workbook.add_worksheet();
        sheet.set_name(SUMMARY_SHEET)?;
        sheet.set_column_width(0, 30)?;
        sheet.set_column_width(1, 60)?;
        for (row, (name, value)) in (0_u32..).zip(lines) {
            sheet.write_string_with_format(row, 0, name, &text)?;
            match value.parse::<u32>() {
                Ok(count) if count.to_string() == *value => sheet.write_number(row, 1, count)?,
                Ok(_) | Err(_) => sheet.write_string_with_format(row, 1, value, &text)?,
            };
        }
        Ok(())
    }
}

impl RowWriter for SheetRows {
    fn header(&mut self, columns: &[Column<'_>]) -> Result<(), ReportError> {
        if columns.len() > SHEET_COLUMNS {
            return Err(ReportError::SheetColumns(columns.len()));
        }
        guarded(|| self.head(columns))
    }

    fn cell(&mut self, cell: Cell<'_>) -> Result<(), ReportError> {
        if u64::from(self.row) >= SHEET_ROWS {
            return Err(ReportError::SheetRows);
        }
        guarded(|| self.put(cell))?;
        self.column += 1;
        Ok(())
    }

    fn end_row(&mut self) -> Result<(), ReportError> {
        (self.row, self.column) = (self.row + 1, 0);
        Ok(())
    }
}

/// The library panics where its temporary file cannot be written.
fn guarded<T>(write: impl FnOnce() -> Result<T, ReportError>) -> Result<T, ReportError> {
    catch_unwind(AssertUnwindSafe(write)).unwrap_or_else(|_| {
        let full = "its rows could not be kept in its folder, which may be full";
        Err(io::Error::new(io::ErrorKind::StorageFull, full).into())
    })
}

fn failed(error: XlsxError) -> ReportError {
    match error {
        XlsxError::IoError(error) => error.into(),
        other => io::Error::other(other.to_string()).into(),
    }
}

fn in_row(row: u32, error: XlsxError) -> ReportError {
    match error {
        XlsxError::MaxStringLengthExceeded => ReportError::SheetCell(u64::from(row) + 1),
        other => failed(other),
    }
}

/// Pale, so that black text reads well on it.
const fn colour(state: State) -> u32 {
    match state {
        State::Sent => 0x00C6_EFCE,
        State::NoMessenger => 0x00D9_D9D9,
        State::Error => 0x00FF_C7CE,
        State::Unknown | State::Sending => 0x00FF_D9B3,
        State::Invalid => 0x00FF_EB9C,
        State::Duplicate | State::Suppressed => 0x00ED_EDED,
        State::Queued => 0x00DD_EBF7,
    }
}
