//! Cells that say "the same as above": below a refusal they refuse, too.

use crate::domain::fold;
use crate::domain::recipient::Record;
use crate::domain::text::trimmed;
use crate::intake::words::DITTO;

/// A longer cell says more.
const LONGEST: usize = 24;

/// Signs that stand for the cell above, and those that stand around them.
const MARKS: [char; 18] = [
    '"', '\'', '\u{201c}', '\u{201d}', '\u{201e}', '\u{201f}', '\u{2033}', '\u{3003}', '\u{2018}',
    '\u{2019}', '|', '\u{2016}', '\u{2191}', '\u{21d1}', '\u{2b06}', '^', '`', '\u{b4}',
];
const AROUND: [char; 9] = [
    '-', '\u{2013}', '\u{2014}', '_', '.', ',', ' ', '=', '\u{fe0f}',
];

/// Whether a cell stands for the one above it.
pub(super) fn is_ditto(cell: &str) -> bool {
    let cell = trimmed(cell);
    let is_sign = |c: char| MARKS.contains(&c) || AROUND.contains(&c);
    cell.len() <= LONGEST
        && (cell.contains(MARKS) && cell.chars().all(is_sign) || DITTO.has(&fold::header(cell)))
}

/// The row with what stands above it in place of such cells; `None` if it has none.
pub(super) fn filled(record: &Record, above: &Record) -> Option<Record> {
    if !record.iter().any(is_ditto) {
        return None;
    }
    let cells = record.iter().enumerate();
    let cells = cells.map(|(at, cell)| match above.get(at) {
        Some(above) if is_ditto(cell) => above,
        _ => cell,
    });
    Some(cells.collect())
}

#[cfg(test)]
mod tests {
    use super::is_ditto;

    #[test]
    fn the_marks_for_the_same_as_above_are_known() {
        for cell in [
            "\"",
            "-\"-",
            "- \" -",
            "-''-",
            "-||-",
            "\u{3003}",
            "\u{201e}",
            "\u{2191}",
            "dtto",
            "Dtto.",
            "ditto",
            "viz výše",
            "totéž",
            "to samé",
            "same as above",
            "siehe oben",
            "wie oben",
            "idem",
            "j.w.",
        ] {
            assert!(is_ditto(cell), "{cell}");
        }
        for cell in [
            "",
            "-",
            "--",
            "...",
            ".",
            "ano",
            "ne",
            "x",
            "nevolat",
            "1",
            "viz výše uvedený kontakt",
        ] {
            assert!(!is_ditto(cell), "{cell}");
        }
    }
}
