//! Microsoft's compound files: XLS, and what else is one.

use std::io::{Cursor, Read};

use super::grid::Fault;

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
    let name = ["Workbook", "Book", "WORKBOOK", "BOOK"]
        .into_iter()
        .find(|name| file.is_stream(name));
    let Some(name) = name else {
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
    let mut stream = Vec::new();
    file.open_stream(name)?
        .take(super::grid::MAX_BYTES)
        .read_to_end(&mut stream)?;
    let cells = cells(&stream);
    if cells > most {
        return Err(Fault::TooLarge(format!(
            "its sheets reach over {cells} cells: something was typed far away from the list"
        )));
    }
    Ok(())
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
///
/// The records: <https://learn.microsoft.com/en-us/openspecs/office_file_formats/ms-xls/>
fn cells(stream: &[u8]) -> u64 {
    let mut total = 0_u64;
    let mut sheet: Option<Extent> = None;
    let mut at = 0;
    while let Some(&[kind_low, kind_high, length_low, length_high]) = stream.get(at..at + 4) {
        let kind = u16::from_le_bytes([kind_low, kind_high]);
        let length = usize::from(u16::from_le_bytes([length_low, length_high]));
        let data = stream.get(at + 4..at + 4 + length).unwrap_or(&[]);
        at += 4 + length;
        let word = |from: usize| {
            let bytes = data.get(from..from + 2)?.try_into().ok()?;
            Some(u64::from(u16::from_le_bytes(bytes)))
        };
        match kind {
            // BOF: a sheet begins.
            0x0809 => total = total.saturating_add(sheet.take().map_or(0, Extent::cells)),
            // Dimensions: the reader makes room for all of it.
            0x0200 => {
                let long = |from| Some(word(from)? + (word(from + 2)? << 16));
                let claimed = if data.len() >= 14 {
                    (long(0), long(4), word(8), word(10))
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
                if let (Some(row), Some(column)) = (word(0), word(2)) {
                    let here = Extent {
                        rows: (row, row),
                        columns: (column, column),
                    };
                    let last = match kind {
                        0x00bd => word(length.saturating_sub(2)).unwrap_or(column),
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
