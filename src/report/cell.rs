//! One cell of a CSV file that people open in a spreadsheet.

use std::borrow::Cow;

/// The text of a cell, made harmless: what a spreadsheet would run as a formula gets an apostrophe in
/// front. Plain numbers and phone numbers stay as they are. Intake takes the apostrophe off a phone
/// cell again.
pub fn csv_cell(text: &str) -> Cow<'_, str> {
    let runs = match text.chars().next() {
        Some('+') => !is_phone(text),
        Some('-') => text.parse::<f64>().is_err(),
        Some('=' | '@' | '\t' | '\r' | '\n' | '＝' | '＋' | '－' | '＠') => true,
        _ => false,
    };
    if runs {
        Cow::Owned(format!("'{text}"))
    } else {
        Cow::Borrowed(text)
    }
}

fn is_phone(text: &str) -> bool {
    text.chars()
        .skip(1)
        .all(|c| c.is_ascii_digit() || matches!(c, ' ' | '(' | ')' | '.' | '-' | '/' | '\u{a0}'))
}

#[cfg(test)]
mod tests {
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
        ] {
            assert_eq!(csv_cell(text), format!("'{text}"), "{text:?}");
        }
        for text in [
            "+420 777 123 456",
            "+1 (201) 555-0123",
            "-12.5",
            "Jana",
            "",
            "'=1",
            "a=b",
        ] {
            assert_eq!(csv_cell(text), text);
        }
    }
}
