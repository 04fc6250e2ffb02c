//! Notes and totals below the last contact: which rows are no contacts.
//!
//! A row that holds anything which may be a number is never one, and a name alone is none either: both stay
//! rows that a person can mend.

use super::rows::Fields;
use super::words::{ORIGIN, PAGE, TOTAL};
use crate::domain::fold;
use crate::domain::text::trimmed;

/// A row with so many digits may hold a number, or a part of one.
const NUMBER: usize = 6;
/// A note has at most so many cells with text.
const CELLS: usize = 4;
/// A sentence has at least so many words.
const SENTENCE: usize = 6;

/// The text of the row, if it is a note or a total.
///
/// `width` is the number of columns: programs write all of a contact's cells, and of a note only the one.
pub(super) fn note(fields: &Fields<'_>, width: usize) -> Option<String> {
    let cells = fields.iter().filter_map(|cell| {
        let text = trimmed(std::str::from_utf8(cell).ok()?);
        (!text.is_empty()).then_some(text)
    });
    let cells: Vec<&str> = cells.take(CELLS + 1).collect();
    let (first, others) = cells.split_first()?;
    if cells.len() > CELLS || cells.iter().map(|cell| digits(cell)).sum::<usize>() >= NUMBER {
        return None;
    }
    if cells.iter().any(|cell| cell.contains(['@', '+'])) {
        return None;
    }
    let is_note = if others.is_empty() {
        let is_alone = fields.len() == 1 && width > 2;
        is_alone || is_total(first) || is_page(first) || is_origin(first) || is_sentence(first)
    } else {
        is_total(first) && others.iter().all(|cell| is_figure(cell))
            || is_page(&cells.join(" "))
            || is_origin(first) && others.len() == 1
    };
    is_note.then(|| cells.join(" "))
}

fn is_figure(text: &str) -> bool {
    !text.chars().any(char::is_alphabetic)
}

fn is_total(text: &str) -> bool {
    let folded = fold::header(text);
    let mut words = folded.split(' ').filter(|word| !word.is_empty());
    TOTAL.is_in(&folded) && words.all(|word| TOTAL.has(word) || is_figure(word))
}

/// `Page 1 of 3`, `Strana 1/3`.
fn is_page(text: &str) -> bool {
    let folded = fold::header(text);
    let mut words = folded.split(' ');
    words.next().is_some_and(|word| PAGE.has(word))
        && words.next().is_some_and(|word| word.parse::<u32>().is_ok())
}

fn is_origin(text: &str) -> bool {
    let folded = fold::header(text);
    let mut words = folded.split(' ');
    words.next().is_some_and(|word| ORIGIN.has(word)) && words.next().is_some()
        || folded.starts_with("end of ")
}

fn is_sentence(text: &str) -> bool {
    text.starts_with(['*', '\u{a9}'])
        || text.ends_with(['.', '!']) && text.split_whitespace().count() >= SENTENCE
}

/// The digits of a cell, without those of dates and times.
pub(super) fn digits(text: &str) -> usize {
    let mut before = "";
    let mut count = 0;
    for token in text.split(|c: char| c.is_whitespace() || c == 'T') {
        let core = token.trim_matches(|c: char| !c.is_alphanumeric());
        // `28 November 2026`, `28. 11. 2026`
        let is_span = core
            .split_once('-')
            .is_some_and(|(from, to)| year(from) && year(to));
        let is_year =
            is_span || before.ends_with(|c: char| c.is_alphabetic() || c == '.') && year(core);
        if !is_year && !is_date(core) && !is_time(core.trim_end_matches('Z')) {
            count += token.chars().filter(|c| c.is_numeric()).count();
        }
        before = token;
    }
    count
}

fn year(text: &str) -> bool {
    text.len() == 4
        && text
            .parse::<u16>()
            .is_ok_and(|year| (1990..=2100).contains(&year))
}

fn at_most(text: &str, most: u8) -> bool {
    text.len() <= 2 && text.parse::<u8>().is_ok_and(|part| part <= most)
}

fn is_date(text: &str) -> bool {
    ['-', '.', '/'].into_iter().any(|separator| {
        let parts: Vec<&str> = text.split(separator).collect();
        match parts[..] {
            [a, b, c] if year(a) => at_most(b, 12) && at_most(c, 31),
            [a, b, c] => {
                let short = separator == '/' && at_most(c, 99);
                (year(c) || short) && at_most(a, 31) && at_most(b, 31)
            }
            _ => false,
        }
    })
}

fn is_time(text: &str) -> bool {
    let parts: Vec<&str> = text.split(':').collect();
    (2..=3).contains(&parts.len()) && parts.iter().all(|part| at_most(part, 59))
}

#[cfg(test)]
mod tests {
    use super::super::rows::Block;
    use super::*;

    fn is_note(cells: &[&str]) -> bool {
        let mut block = Block::default();
        block.push_row(9, cells.iter());
        let (_, fields) = block.iter().next().unwrap();
        note(&fields, 2).is_some()
    }

    #[test]
    fn totals_pages_and_origins_are_notes() {
        for cells in [
            &["Total: 2"][..],
            &["Total", "2", ""],
            &["", "Grand total:", "12,345"],
            &["Celkem kontaktů: 2"],
            &["2 contacts"],
            &["Exported on 2026-11-28 10:04"],
            &["Exported on 2026-11-28T10:04:00Z"],
            &["Exported on", "28.11.2026"],
            &["Stand: 28.11.2026", ""],
            &["Generated 28 November 2026 by the CRM"],
            &["Page 1 of 3"],
            &["Copyright (c) 2000-2026 by the makers of the CRM."],
            &["Page", "1", "of 3"],
            &["Strana 1/3", ""],
            &["* without those who left"],
            &["This list must not leave the house."],
            &["End of report"],
        ] {
            assert!(is_note(cells), "{cells:?}");
        }
    }

    #[test]
    fn what_may_be_a_person_or_a_number_is_no_note() {
        for cells in [
            &["Jana Nováková", ""][..],
            &["Jana", "Nováková", "Brno"],
            &["Total", "602333444"],
            &["Total", "602", "333", "444"],
            &["Total: 602 333 444"],
            &["Total 4.2E+11"],
            &["Total", "\u{666}\u{660}\u{662}\u{663}\u{663}\u{663}"],
            &["Exported by", "jana@example.com"],
            &["Exported for 602333444"],
            &["Total Energies", "Jana", "Nováková"],
            &["Page", "Robert"],
            &["Jimmy Page"],
            &["602333444"],
            &["123456"],
            &[""],
        ] {
            assert!(!is_note(cells), "{cells:?}");
        }
    }
}
