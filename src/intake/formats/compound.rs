//! Microsoft's compound files: XLS, and what else is one.

use std::io::{Cursor, Read};

use super::grid::Fault;
use super::marks::Marks;

/// Formats that are compound files too, by a stream that they hold.
const DOCUMENTS: &[(&str, &str, &str)] = &[
    (
        "WordDocument",
        "a Word document (DOC)",
        "save the table with the contacts as XLSX or CSV",
    ),
    (
        "PowerPoint Document",
        "a PowerPoint presentation (PPT)",
        "save the contacts as XLSX or CSV",
    ),
    (
        "__properties_version1.0",
        "an Outlook message (MSG)",
        "save the list that it brings, and name that file",
    ),
    (
        "VisioDocument",
        "a Visio drawing",
        "save the contacts as XLSX or CSV",
    ),
    (
        "!_StringPool",
        "a Windows installer (MSI)",
        "name the file with the contacts",
    ),
];

/// Refuses what is no workbook, and a workbook whose sheets would take more than `most` cells: its reader
/// holds each sheet as a rectangle, from the first cell to the last one.
pub(super) fn check(content: &[u8], most: u64) -> Result<(), Fault> {
    let mut file = cfb::CompoundFile::open(Cursor::new(content)).map_err(Fault::broken)?;
    if file.exists("EncryptedPackage") {
        return Err(Fault::password());
    }
    let Some(name) = workbook_in(&file) else {
        let (_, what, advice) = DOCUMENTS
            .iter()
            .find(|(stream, ..)| file.exists(stream))
            .unwrap_or(&(
                "",
                "a document of a Microsoft program",
                "save the contacts as XLSX or CSV",
            ));
        return Err(Fault::not_a_list(*what, *advice));
    };
    let cells = cells(&stream(&mut file, name)?);
    if cells > most {
        return Err(Fault::TooLarge(format!(
            "its sheets reach over {cells} cells: something was typed far away from the list"
        )));
    }
    Ok(())
}

type File<'a> = cfb::CompoundFile<Cursor<&'a [u8]>>;

/// The stream with the sheets.
fn workbook_in(file: &File<'_>) -> Option<&'static str> {
    let mut names = ["Workbook", "Book", "WORKBOOK", "BOOK"].into_iter();
    names.find(|name| file.is_stream(name))
}

fn stream(file: &mut File<'_>, name: &str) -> Result<Vec<u8>, Fault> {
    let mut stream = Vec::new();
    let whole = file.open_stream(name)?;
    whole
        .take(super::grid::MAX_BYTES)
        .read_to_end(&mut stream)?;
    Ok(stream)
}

/// The records from a place of the stream on, each with its kind and its data.
///
/// The records: <https://learn.microsoft.com/en-us/openspecs/office_file_formats/ms-xls/>
fn records(stream: &[u8], from: usize) -> impl Iterator<Item = (u16, &[u8])> {
    let mut at = from;
    std::iter::from_fn(move || {
        let &[kind_low, kind_high, length_low, length_high] = stream.get(at..at.checked_add(4)?)?
        else {
            return None;
        };
        let length = usize::from(u16::from_le_bytes([length_low, length_high]));
        let data = stream.get(at + 4..at + 4 + length).unwrap_or(&[]);
        at += 4 + length;
        Some((u16::from_le_bytes([kind_low, kind_high]), data))
    })
}

/// The number of two bytes at this place of a record.
fn word(data: &[u8], from: usize) -> Option<u64> {
    let bytes = data.get(from..from.checked_add(2)?)?.try_into().ok()?;
    Some(u64::from(u16::from_le_bytes(bytes)))
}

fn long(data: &[u8], from: usize) -> Option<u64> {
    Some(word(data, from)? + (word(data, from + 2)? << 16))
}

/// What the sheet at this place of the workbook, from 0, says of its cells.
pub(super) fn marks(content: &[u8], sheet: usize) -> Result<Marks, Fault> {
    let mut marks = Marks::default();
    let mut file = cfb::CompoundFile::open(Cursor::new(content)).map_err(Fault::broken)?;
    let Some(name) = workbook_in(&file) else {
        return Ok(marks);
    };
    let stream = stream(&mut file, name)?;
    // BoundSheet8 says where the sheet begins.
    let mut sheets = records(&stream, 0).filter(|(kind, _)| *kind == 0x0085);
    let begin = sheets.nth(sheet).and_then(|(_, data)| long(data, 0));
    let begin = begin.and_then(|begin| usize::try_from(begin).ok());
    // A chart within the sheet has a beginning and an end of its own.
    let mut depth = 0_u32;
    for (kind, data) in records(&stream, begin.unwrap_or(stream.len())) {
        let numbers = (word(data, 0), word(data, 2));
        let number = |number: Option<u64>| number.and_then(|it| u32::try_from(it).ok());
        match kind {
            // BOF, EOF.
            0x0809 => depth += 1,
            0x000a if depth > 1 => depth -= 1,
            0x000a => break,
            // Row: fDyZero.
            0x0208 if depth == 1 && word(data, 12).is_some_and(|flags| flags & 0x20 != 0) => {
                if let Some(row) = number(numbers.0) {
                    marks.hidden_rows.add(row + 1, row + 1);
                }
            }
            // ColInfo: fHidden.
            0x007d if depth == 1 && word(data, 8).is_some_and(|flags| flags & 1 != 0) => {
                if let (Some(first), Some(last)) = (number(numbers.0), number(numbers.1)) {
                    marks.hidden_columns.add(first, last);
                }
            }
            // MergeCells: how many, and of each the first and last row and column.
            0x00e5 if depth == 1 => {
                for range in data.get(2..).unwrap_or(&[]).chunks_exact(8) {
                    let rows = (number(word(range, 0)), number(word(range, 2)));
                    if let ((Some(first), Some(last)), Some(column)) = (rows, word(range, 4)) {
                        marks.merge((first + 1, last + 1), usize::try_from(column).unwrap_or(0));
                    }
                }
            }
            _ => {}
        }
    }
    Ok(marks)
}

/// The corners of a sheet.
#[derive(Clone, Copy)]
struct Extent {
    rows: (u64, u64),
    columns: (u64, u64),
}

impl Extent {
    fn cells(self) -> u64 {
        (self.rows.1 - self.rows.0 + 1).saturating_mul(self.columns.1 - self.columns.0 + 1)
    }

    fn with(self, row: u64, column: u64) -> Self {
        Self {
            rows: (self.rows.0.min(row), self.rows.1.max(row)),
            columns: (self.columns.0.min(column), self.columns.1.max(column)),
        }
    }
}

/// The cells of all sheets, empty ones between filled ones included.
fn cells(stream: &[u8]) -> u64 {
    let mut total = 0_u64;
    let mut sheet: Option<Extent> = None;
    for (kind, data) in records(stream, 0) {
        match kind {
            // BOF: a sheet begins.
            0x0809 => total = total.saturating_add(sheet.take().map_or(0, Extent::cells)),
            // Dimensions: the reader makes room for all of it.
            0x0200 => {
                let word = |from| word(data, from);
                let claimed = if data.len() >= 14 {
                    (long(data, 0), long(data, 4), word(8), word(10))
                } else {
                    (word(0), word(2), word(4), word(6))
                };
                if let (Some(top), Some(bottom), Some(left), Some(right)) = claimed {
                    let rows = bottom.saturating_sub(top);
                    total =
                        total.saturating_add(rows.saturating_mul(right.saturating_sub(left)) / 8);
                }
            }
            // Blank, Number, Label, BoolErr, RK, RString, Formula, LabelSst, MulRk.
            0x0201 | 0x0203 | 0x0204 | 0x0205 | 0x027e | 0x00d6 | 0x0006 | 0x00fd | 0x00bd => {
                if let (Some(row), Some(column)) = (word(data, 0), word(data, 2)) {
                    let here = Extent {
                        rows: (row, row),
                        columns: (column, column),
                    };
                    let last = match kind {
                        0x00bd => word(data, data.len().saturating_sub(2)).unwrap_or(column),
                        _ => column,
                    };
                    let seen = sheet.unwrap_or(here).with(row, column).with(row, last);
                    sheet = Some(seen);
                }
            }
            _ => {}
        }
    }
    total.saturating_add(sheet.map_or(0, Extent::cells))
}
