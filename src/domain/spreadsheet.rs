//! Cells that a spreadsheet would run as a formula: guarded in the files that we write, and taken back where
//! such a file is read.

use std::borrow::Cow;

/// The sheet with the rows in a workbook of results. Its cells are as they were typed: no spreadsheet runs a text
/// cell.
pub(crate) const RESULTS_SHEET: &str = "outreach results";

/// The same in a workbook of rejects.
pub(crate) const REJECTS_SHEET: &str = "outreach rejects";

/// What is read in a cell with a formula that no program has calculated yet: an error, which no text and no answer is.
pub(crate) const NOT_CALCULATED: &str = "#FORMULA!";

/// The text of a cell, made harmless: what a spreadsheet would run as a formula gets an apostrophe in
/// front, and so does what would look like a guarded cell. Plain numbers and phone numbers stay as they are.
pub(crate) fn guard(text: &str) -> Cow<'_, str> {
    if runs(text) || is_guarded(text) {
        Cow::Owned(format!("'{text}"))
    } else {
        Cow::Borrowed(text)
    }
}

/// The text that [`guard`] was given.
pub(crate) fn unguard(cell: &str) -> &str {
    match cell.strip_prefix('\'') {
        Some(rest) if runs(rest) || is_guarded(rest) => rest,
        Some(_) | None => cell,
    }
}

/// Any number of apostrophes before a formula.
fn is_guarded(text: &str) -> bool {
    text.starts_with('\'') && runs(text.trim_start_matches('\''))
}

fn runs(text: &str) -> bool {
    match text.chars().next() {
        Some('+') => !is_phone(text),
        Some('-') => text.parse::<f64>().is_err(),
        Some('=' | '@' | '\t' | '\r' | '\n' | '＝' | '＋' | '－' | '＠') => true,
        _ => false,
    }
}

fn is_phone(text: &str) -> bool {
    text.chars()
        .skip(1)
        .all(|c| c.is_ascii_digit() || matches!(c, ' ' | '(' | ')' | '.' | '-' | '/' | '\u{a0}'))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn formulas_are_disarmed_and_numbers_are_not() {
        for text in [
            "=1+1",
            "@SUM(A1)",
            "+cmd|' /C calc'!A0",
            "-2+3+cmd|'x'",
            "\t=1",
            "\r=1",
            "+A1",
            "＝1+1",
            "'=1",
        ] {
            assert_eq!(guard(text), format!("'{text}"), "{text:?}");
        }
        for text in [
            "+420 777 123 456",
            "+1 (201) 555-0123",
            "-12.5",
            "Jana",
            "",
            "'tis",
            "a=b",
        ] {
            assert_eq!(guard(text), text);
        }
    }

    proptest! {
        #[test]
        fn a_cell_comes_back_as_it_was(text in "['=@+a-]{0,4}\\PC{0,3}") {
            let guarded = guard(&text).into_owned();
            prop_assert_eq!(unguard(&guarded), text);
            prop_assert!(!runs(&guarded));
        }
    }
}
