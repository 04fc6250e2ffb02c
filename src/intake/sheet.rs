//! Workbooks: XLSX, XLSM, XLSB, XLS and ODS, recognised by their first bytes.
//!
//! The formats are archives that cannot be read row by row from a stream, so a workbook is held in
//! memory; Excel's own limit of 1,048,576 rows a sheet bounds it.

use std::io::{Cursor, Read};
use std::panic::{AssertUnwindSafe, catch_unwind};

use calamine::{Data, Range, Reader as _, Sheets, open_workbook_auto_from_rs};

use super::error::IntakeError;
use super::rows::{BLOCK_ROWS, Block};
use crate::domain::spreadsheet::{REJECTS_SHEET, RESULTS_SHEET};

/// A larger workbook is not a contacts list; a small one may still expand to a lot.
const MAX_BYTES: u64 = 256 << 20;

/// A sheet as rows of texts.
pub(super) struct Table {
    pub(super) blocks: Vec<Block>,
    pub(super) note: String,
    /// The sheet is one of ours: its cells are as they were typed, and none is guarded.
    pub(super) own: bool,
}

/// `None` if the bytes are no workbook.
pub(super) fn read(
    name: &str,
    mut bytes: impl Read,
    sheet: Option<&str>,
) -> Result<Option<Table>, IntakeError> {
    let failed = IntakeError::read(name);
    let broken = |message: &str| IntakeError::Workbook {
        file: name.to_owned(),
        message: message.to_owned(),
    };
    let mut content = Vec::new();
    bytes
        .by_ref()
        .take(8)
        .read_to_end(&mut content)
        .map_err(failed)?;
    let is_zip = content.starts_with(b"PK\x03\x04");
    let is_compound = content.starts_with(&[0xd0, 0xcf, 0x11, 0xe0]);
    if !is_zip && !is_compound {
        return Ok(None);
    }
    bytes
        .take(MAX_BYTES)
        .read_to_end(&mut content)
        .map_err(failed)?;
    if content.len() as u64 >= MAX_BYTES {
        return Err(broken("it is larger than 256 MiB"));
    }
    // The parser of a format as old and as wide as this one may have a panic left in it.
    let parsed = catch_unwind(AssertUnwindSafe(|| parse(name, content, sheet)));
    parsed
        .unwrap_or_else(|_| Err(broken("it is damaged")))
        .map(Some)
}

fn parse(name: &str, content: Vec<u8>, sheet: Option<&str>) -> Result<Table, IntakeError> {
    let broken = |error: &dyn std::fmt::Display| IntakeError::Workbook {
        file: name.to_owned(),
        message: error.to_string(),
    };
    let mut workbook: Sheets<_> =
        open_workbook_auto_from_rs(Cursor::new(content)).map_err(|error| broken(&error))?;
    let names = workbook.sheet_names();
    // The exact name first: a workbook may have `Data` and `data`.
    let chosen = match sheet {
        Some(wanted) => names.iter().find(|name| *name == wanted).or_else(|| {
            names
                .iter()
                .find(|name| name.to_lowercase() == wanted.to_lowercase())
        }),
        // Whoever saves a workbook of ours may have moved its sheets.
        None => names.iter().find(|name| is_own(name)).or(names.first()),
    };
    let chosen = chosen.cloned().ok_or_else(|| IntakeError::NoSheet {
        file: name.to_owned(),
        sheet: sheet.unwrap_or_default().to_owned(),
        present: names.clone(),
    })?;
    let range = workbook
        .worksheet_range(&chosen)
        .map_err(|error| broken(&error))?;
    let others = names.len().saturating_sub(1);
    let note = match (others, sheet) {
        (0, _) | (_, Some(_)) => format!("workbook, sheet \"{chosen}\""),
        _ if is_own(&chosen) => format!("workbook, sheet \"{chosen}\""),
        _ => format!("workbook, its first sheet \"{chosen}\"; {others} more, see --sheet"),
    };
    Ok(Table {
        blocks: blocks(&range),
        own: is_own(&chosen),
        note,
    })
}

/// A sheet with rows in a workbook of results or rejects.
fn is_own(sheet: &str) -> bool {
    [RESULTS_SHEET, REJECTS_SHEET].contains(&sheet)
}

fn blocks(range: &Range<Data>) -> Vec<Block> {
    let Some((first_row, _)) = range.start() else {
        return Vec::new();
    };
    let mut blocks = vec![Block::default()];
    for (row, cells) in (first_row.saturating_add(1)..).zip(range.rows()) {
        if blocks
            .last()
            .is_none_or(|block| block.rows.len() >= BLOCK_ROWS)
        {
            blocks.push(Block::default());
        }
        if let Some(block) = blocks.last_mut() {
            block.push_row(row, cells.iter().map(text));
        }
    }
    blocks
}

/// A cell as a person reads it: numbers without the exponent and the decimals that nobody typed.
fn text(cell: &Data) -> String {
    match cell {
        Data::Float(number) if number.fract() == 0.0 && number.abs() < 1e15 => {
            format!("{number:.0}")
        }
        Data::DateTime(moment) if moment.is_datetime() => {
            let (year, month, day, hour, minute, second, _) = moment.to_ymd_hms_milli();
            match (hour, minute, second) {
                (0, 0, 0) => format!("{year:04}-{month:02}-{day:02}"),
                _ => format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}"),
            }
        }
        Data::Error(error) => format!("{error:?}"),
        Data::DateTimeIso(text) | Data::DurationIso(text) => text.clone(),
        other => other.to_string(),
    }
}
