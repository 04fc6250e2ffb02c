//! Titles and notes above the header: which of the first rows names the columns.

use super::error::IntakeError;
use super::settings::Settings;
use super::words::phone_score;
use crate::domain::phone::PhoneNumber;
use crate::domain::text::trimmed;

/// Titles are not looked for further down.
const MOST_TITLES: usize = 20;

/// A longer cell is a sentence, not the name of a column.
const LONGEST_NAME: usize = 40;

/// Which of the first rows is the header, from 0: the row that was named, else the first one that may be it. A row
/// with a phone number beside other cells is a contact, and none is passed over.
pub(super) fn header_place(
    file: &str,
    rows: Vec<(u32, Vec<String>)>,
    settings: &Settings,
) -> Result<usize, IntakeError> {
    if let Some(row) = settings.header_row {
        let place = rows.iter().position(|(number, _)| *number == row.get());
        return place.ok_or_else(|| IntakeError::NoHeaderRow {
            file: file.to_owned(),
            row: row.get(),
        });
    }
    let first: Vec<Vec<String>> = rows
        .into_iter()
        .take(MOST_TITLES)
        .map(|(_, row)| row)
        .collect();
    let above: Vec<&Vec<String>> = first
        .iter()
        .take_while(|row| filled(row) < 2 || !row.iter().any(|cell| is_number(cell, settings)))
        .collect();
    // A title has fewer cells than the header below it.
    let may_be = |place: usize| {
        let cells = above.get(place).map_or(0, |row| filled(row));
        cells >= 2 && above.iter().take(place).all(|row| filled(row) < cells)
    };
    let names_phone = |place: usize| {
        above
            .get(place)
            .is_some_and(|row| row.iter().any(|cell| is_phone_header(cell)))
    };
    let most = above.iter().map(|row| filled(row)).max().unwrap_or(0);
    // Merged cells leave gaps: names over groups of columns, with those of the columns below.
    let groups = |place: usize| {
        above
            .get(place)
            .is_some_and(|row| filled(row) < most && has_gap(row))
    };
    let places = 0..above.len();
    let named = places
        .clone()
        .find(|place| may_be(*place) && names_phone(*place));
    let whole = || {
        places
            .clone()
            .find(|place| may_be(*place) && !groups(*place))
    };
    Ok(named.or_else(whole).unwrap_or(0))
}

/// Whether an empty cell stands before a filled one.
fn has_gap(row: &[String]) -> bool {
    let mut cells = row.iter().map(|cell| trimmed(cell).is_empty());
    cells.any(|empty| empty) && cells.any(|empty| !empty)
}

/// What a title says.
pub(super) fn text(fields: &[String]) -> String {
    let cells = fields.iter().map(|cell| trimmed(cell));
    let cells: Vec<&str> = cells.filter(|cell| !cell.is_empty()).collect();
    cells.join(" ")
}

fn filled(row: &[String]) -> usize {
    row.iter().filter(|cell| !trimmed(cell).is_empty()).count()
}

pub(super) fn is_phone_header(cell: &str) -> bool {
    may_be_name(cell) && phone_score(cell) > 0
}

/// Whether a cell is short enough for the name of a column.
pub(super) fn may_be_name(cell: &str) -> bool {
    cell.chars().count() <= LONGEST_NAME
}

fn is_number(cell: &str, settings: &Settings) -> bool {
    let digits = cell.bytes().filter(u8::is_ascii_digit).count();
    digits >= 7
        && (PhoneNumber::parse(cell, settings.reading()).is_ok()
            || !cell.chars().any(char::is_alphabetic))
}
