//! Workbooks: XLSX, XLSM, XLSB, XLS and ODS.
//!
//! XLSX and XLSB are read as a stream of cells. The reader of XLS and ODS holds all sheets as rectangles of
//! cells, however empty: what they would take is counted before.

use std::fmt::Display;
use std::io::Cursor;
use std::panic::{AssertUnwindSafe, catch_unwind};

use calamine::{
    Data, DataRef, Ods, OdsError, Range, Reader, SheetVisible, Xls, XlsError, Xlsb, XlsbError,
    Xlsx, XlsxError, open_workbook_from_rs,
};
use quick_xml::events::BytesStart;

use super::archive::{self, Archive};
use super::find_marks;
use super::grid::{Fault, Grid, Table, number};
use super::number_format::ShownNumbers;
use super::ods_numbers::{self, Shown};

use crate::domain::spreadsheet::{REJECTS_SHEET, RESULTS_SHEET};

/// Cells of all sheets that a reader may hold at a time, at some 50 bytes each.
const MAX_HELD: u64 = 20_000_000;

/// What is read of an error that is not known, or of which its reader tells nothing.
const UNKNOWN_ERROR: &str = "#ERROR!";

/// The cells of a sheet of XLSX, one after the other. An error that the reader does not know is the text of its cell.
fn of_xlsx(
    content: &[u8],
    book: &mut Xlsx<Cursor<&[u8]>>,
    name: &str,
    at: usize,
    skip_hidden: bool,
) -> Result<Grid, Fault> {
    let marks = find_marks::in_xlsx(content, at)?;
    let shown = ShownNumbers::in_xlsx(content, at)?;
    let mut errors = marks.unknown_errors.clone().into_iter();
    let mut cells = book.worksheet_cells_reader(name).map_err(Fault::broken)?;
    let grid = of_cells(Grid::new(marks, skip_hidden), &shown, || {
        match cells.next_cell() {
            Ok(cell) => Ok(cell.map(|cell| (cell.get_position(), cell.get_value().clone()))),
            Err(XlsxError::CellError(error)) => {
                let (row, column) = errors.next().ok_or_else(|| Fault::broken(&error))?;
                let column = u32::try_from(column).unwrap_or(u32::MAX);
                Ok(Some((
                    (row.saturating_sub(1), column),
                    DataRef::String(error),
                )))
            }
            Err(error) => Err(Fault::broken(error)),
        }
    })?;
    // Each stands in the cell whose it is, or none is certain.
    match errors.next() {
        Some((row, _)) => Err(Fault::Broken(format!("row {row} has a cell with an error"))),
        None => Ok(grid),
    }
}

/// The cells of a sheet of XLSB. Its reader passes over the errors of formulas, and stops at an error that it does not know:
/// they are taken from the marks of the sheet, each before the next row begins.
fn of_xlsb(
    content: &[u8],
    book: &mut Xlsb<Cursor<&[u8]>>,
    name: &str,
    at: usize,
    skip_hidden: bool,
) -> Result<Grid, Fault> {
    let marks = find_marks::in_xlsb(content, at)?;
    let mut errors = marks.unknown_errors.clone().into_iter().peekable();
    let mut cells = book.worksheet_cells_reader(name).map_err(Fault::broken)?;
    let mut next = None;
    of_cells(
        Grid::new(marks, skip_hidden),
        &ShownNumbers::default(),
        || {
            while next.is_none() {
                match cells.next_cell() {
                    Ok(Some(cell)) => next = Some((cell.get_position(), cell.get_value().clone())),
                    Ok(None) => break,
                    Err(XlsbError::CellError(_)) => {}
                    Err(error) => return Err(Fault::broken(error)),
                }
            }
            let row = next.as_ref().map_or(u32::MAX, |((row, _), _)| *row);
            let error = errors.next_if(|(of_error, _)| of_error.saturating_sub(1) <= row);
            let Some((row, column)) = error else {
                return Ok(next.take());
            };
            let column = u32::try_from(column).unwrap_or(u32::MAX);
            Ok(Some((
                (row.saturating_sub(1), column),
                DataRef::String(UNKNOWN_ERROR.to_owned()),
            )))
        },
    )
}

/// Reads the sheet, or the first one, of an archive that is a workbook.
pub(super) fn read_zip(
    content: &[u8],
    kind: &Archive,
    sheet: Option<&str>,
    skip_hidden: bool,
) -> Result<Table, Fault> {
    archive::check_workbook(content)?;
    guarded(|| match kind {
        Archive::Xlsx => read(
            content,
            sheet,
            |error| matches!(error, XlsxError::Password),
            |book: &mut Xlsx<_>, name, at| of_xlsx(content, book, name, at, skip_hidden),
        ),
        Archive::Xlsb => read(
            content,
            sheet,
            |error| matches!(error, XlsbError::Password),
            |book: &mut Xlsb<_>, name, at| of_xlsb(content, book, name, at, skip_hidden),
        ),
        Archive::Ods | Archive::Files(..) => {
            check_ods(content)?;
            let is_password = |error: &OdsError| matches!(error, OdsError::Password);
            read(content, sheet, is_password, |book: &mut Ods<_>, name, _| {
                let marks = find_marks::in_ods(content, name)?;
                let shown = ods_numbers::in_ods(content, name)?;
                held(book, name, Grid::new(marks, skip_hidden), &shown)
            })
        }
    })
}

/// Reads a workbook of Excel 97 to 2003.
pub(super) fn read_xls(
    content: &[u8],
    sheet: Option<&str>,
    skip_hidden: bool,
) -> Result<Table, Fault> {
    guarded(|| {
        super::compound::check(content, MAX_HELD)?;
        let is_password = |error: &XlsError| matches!(error, XlsError::Password);
        read(
            content,
            sheet,
            is_password,
            |book: &mut Xls<_>, name, at| {
                let marks = super::compound::marks(content, at)?;
                held(book, name, Grid::new(marks, skip_hidden), &Shown::default())
            },
        )
    })
}

/// The parser of a format as old and as wide as these may have a panic left in it.
fn guarded(read: impl FnOnce() -> Result<Table, Fault>) -> Result<Table, Fault> {
    catch_unwind(AssertUnwindSafe(read))
        .unwrap_or_else(|_| Err(Fault::Broken("it is damaged".to_owned())))
}

/// Reads the sheet, or the first one; `cells` reads the cells of the sheet of that name and place.
fn read<'a, B>(
    content: &'a [u8],
    sheet: Option<&str>,
    is_password: impl FnOnce(&B::Error) -> bool,
    cells: impl FnOnce(&mut B, &str, usize) -> Result<Grid, Fault>,
) -> Result<Table, Fault>
where
    B: Reader<Cursor<&'a [u8]>, Error: Display>,
{
    let opened: Result<B, _> = open_workbook_from_rs(Cursor::new(content));
    let mut book = opened.map_err(|error| {
        if is_password(&error) {
            Fault::password()
        } else {
            Fault::broken(error)
        }
    })?;
    let sheets = Sheets::of(book.sheets_metadata());
    let chosen = sheets.choose(sheet)?;
    let grid = cells(&mut book, sheets.name(chosen), chosen)?;
    Ok(sheets.table(grid, "workbook", chosen, sheet))
}

/// The cells of a sheet that the reader holds whole; `shown` are those that show more than they hold.
fn held<'a, B>(book: &mut B, name: &str, grid: Grid, shown: &Shown) -> Result<Grid, Fault>
where
    B: Reader<Cursor<&'a [u8]>, Error: Display>,
{
    let range = book.worksheet_range(name).map_err(Fault::broken)?;
    of_range(&range, grid, shown)
}

fn of_cells<'a>(
    mut grid: Grid,
    shown: &ShownNumbers,
    mut next: impl FnMut() -> Result<Option<((u32, u32), DataRef<'a>)>, Fault>,
) -> Result<Grid, Fault> {
    while let Some(((row, column), value)) = next()? {
        let (row, column) = (row.saturating_add(1), column as usize);
        let text = match value {
            DataRef::Float(value) => {
                let shown = shown.text((row, column), value);
                shown.unwrap_or_else(|| number(value))
            }
            value => text(&value.into()),
        };
        grid.set(row, column, text)?;
    }
    Ok(grid)
}

fn of_range(range: &Range<Data>, mut grid: Grid, shown: &Shown) -> Result<Grid, Fault> {
    let (first_row, first_column) = range.start().unwrap_or_default();
    for (row, cells) in (first_row.saturating_add(1)..).zip(range.rows()) {
        for (column, cell) in (first_column as usize..).zip(cells) {
            let shown = shown.text(row, column).map(str::to_owned);
            grid.set(row, column, shown.unwrap_or_else(|| text(cell)))?;
        }
    }
    Ok(grid)
}

/// The sheets of a workbook.
pub(super) struct Sheets {
    names: Vec<String>,
    hidden: Vec<bool>,
}

impl Sheets {
    fn of(sheets: &[calamine::Sheet]) -> Self {
        let hidden = |sheet: &calamine::Sheet| sheet.visible != SheetVisible::Visible;
        let sheets = sheets.iter().map(|it| (it.name.clone(), hidden(it)));
        Self::new(sheets.collect())
    }

    /// Sheets with their names, and whether each is hidden.
    pub(super) fn new(sheets: Vec<(String, bool)>) -> Self {
        let (names, hidden) = sheets.into_iter().unzip();
        Self { names, hidden }
    }

    /// The index of the sheet. The exact name first: a workbook may have `Data` and `data`.
    pub(super) fn choose(&self, wanted: Option<&str>) -> Result<usize, Fault> {
        let names = &self.names;
        let found = match wanted {
            Some(wanted) => names.iter().position(|name| name == wanted).or_else(|| {
                let same = |name: &String| name.to_lowercase() == wanted.to_lowercase();
                names.iter().position(same)
            }),
            // A person who saves one of our workbooks may have moved its sheets.
            None => names
                .iter()
                .position(|name| is_own(name))
                .or_else(|| self.hidden.iter().position(|hidden| !hidden))
                .or((!names.is_empty()).then_some(0)),
        };
        found.ok_or_else(|| Fault::NoSheet(names.clone()))
    }

    fn name(&self, index: usize) -> &str {
        self.names.get(index).map_or("", String::as_str)
    }

    /// The sheet that was read.
    pub(super) fn table(
        &self,
        grid: Grid,
        what: &str,
        chosen: usize,
        asked: Option<&str>,
    ) -> Table {
        let name = self.name(chosen);
        let own = is_own(name);
        let first = self.hidden.iter().position(|hidden| !hidden);
        let names = |hidden: bool| -> Vec<String> {
            if own || asked.is_some() {
                return Vec::new();
            }
            let sheets = self.names.iter().zip(&self.hidden);
            let sheets = sheets.filter(|(_, is_hidden)| **is_hidden == hidden);
            sheets.map(|(name, _)| name.clone()).collect()
        };
        Table {
            workbook: true,
            as_typed: own,
            other_sheet: (!own && first != Some(chosen)).then(|| name.to_owned()),
            sheets: names(false),
            hidden_sheets: names(true),
            ..grid.finish(None, format!("{what}, sheet \"{name}\""))
        }
    }
}

/// A sheet with rows in a workbook of results or rejects that we wrote.
fn is_own(sheet: &str) -> bool {
    [RESULTS_SHEET, REJECTS_SHEET].contains(&sheet)
}

/// Counts the cells that the reader of ODS would hold: repeated rows and cells are written once.
fn check_ods(content: &[u8]) -> Result<(), Fault> {
    let mut archive = archive::directory(Cursor::new(content))?;
    let (mut total, mut in_row, mut row_repeats) = (0_u64, 0_u64, 1_u64);
    find_marks::each_tag(&mut archive, "content.xml", &mut |tag| {
        let repeats = |name, most| {
            let repeated = find_marks::number(tag, name)?.unwrap_or(1);
            Ok::<_, Fault>(u64::from(repeated).min(most))
        };
        match tag.local_name().as_ref() {
            "table-row" => {
                total += in_row * row_repeats;
                row_repeats = repeats("table:number-rows-repeated", 1 << 20)?;
                in_row = 0;
            }
            // Rows of empty cells reach to the end of the sheet, and are not held.
            "table-cell" | "covered-table-cell" if holds_something(tag) => {
                in_row += repeats("table:number-columns-repeated", 1 << 14)?;
            }
            _ => {}
        }
        if total + in_row * row_repeats > MAX_HELD {
            return Err(Fault::TooLarge(
                "its sheets have more than 20 million cells".to_owned(),
            ));
        }
        Ok(())
    })
}

/// Whether a cell of ODS has a value or a formula.
fn holds_something(tag: &BytesStart<'_>) -> bool {
    let mut attributes = tag.attributes();
    let mut attributes = attributes.with_checks(false).flatten();
    attributes.any(|it| matches!(it.key.local_name().as_ref(), "value-type" | "formula"))
}

/// A cell as a person reads it.
fn text(cell: &Data) -> String {
    match cell {
        Data::Float(value) => number(*value),
        Data::DateTime(moment) if moment.is_datetime() => {
            let (year, month, day, hour, minute, second, _) = moment.to_ymd_hms_milli();
            match (hour, minute, second) {
                (0, 0, 0) => format!("{year:04}-{month:02}-{day:02}"),
                _ => format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}"),
            }
        }
        // `#N/A`, which nobody takes for a word.
        Data::Error(error) => error.to_string(),
        Data::DateTimeIso(text) | Data::DurationIso(text) => text.clone(),
        other => other.to_string(),
    }
}
