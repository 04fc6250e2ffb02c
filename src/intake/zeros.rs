//! The zero that is dialled within a country, and that a spreadsheet takes away: whether a list has kept it.
//!
//! In countries whose fixed lines have any length a mobile of another country reads as one of them: `602 111 222` in Germany.
//! Where the list has kept its zeros, and took them off no mobile, a fixed line without one is most probably none.

use super::column::Column;
use super::settings::{ReadFor, Settings};
use crate::domain::phone::{Parsed, PhoneNumber, Region};
use crate::domain::text::trimmed;

/// Whether a list has kept its zeros.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Zeros {
    /// Its numbers have their zero, or their country code.
    Kept,
    /// A spreadsheet may have taken them away.
    Unknown,
}

/// Whether the numbers of the first rows have kept their zeros.
pub(super) fn of_list(phones: &[Column], rows: &[Vec<String>], settings: &Settings) -> Zeros {
    let is_sent = settings.read_for == ReadFor::Messages;
    let Some(region) = settings.region.filter(|_| is_sent) else {
        return Zeros::Unknown;
    };
    let (mut kept, mut lost) = (0, 0);
    for row in rows {
        let cells = phones.iter().filter_map(|it| row.get(it.index));
        for cell in cells.map(|cell| trimmed(cell)) {
            let Ok(parsed) = PhoneNumber::parse(cell, Some(region)) else {
                continue;
            };
            if cell.starts_with(['0', '+']) {
                kept += 1;
            } else if is_without(cell, parsed, region) {
                // A mobile is certain.
                if parsed.line_type.may_be_mobile() {
                    return Zeros::Unknown;
                }
                lost += 1;
            }
        }
    }
    if kept > 0 && kept >= lost {
        Zeros::Kept
    } else {
        Zeros::Unknown
    }
}

/// Whether a cell has a fixed line of that country without its zero.
pub(super) fn is_missing(cell: &str, parsed: Parsed, region: Region) -> bool {
    !parsed.line_type.may_be_mobile() && is_without(trimmed(cell), parsed, region)
}

/// Whether a number of that country is written without the zero with which it is dialled there.
fn is_without(cell: &str, parsed: Parsed, region: Region) -> bool {
    let digits: String = cell.chars().filter(char::is_ascii_digit).collect();
    let code = region.calling_code().unwrap_or_default();
    let is_whole = parsed.phone.e164() == format!("+{code}{digits}");
    let with_zero = || PhoneNumber::parse(&format!("0{digits}"), Some(region));
    is_whole
        && cell.starts_with(|c: char| c.is_ascii_digit())
        && with_zero().is_ok_and(|it| it.phone == parsed.phone)
}
