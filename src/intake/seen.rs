//! What the first rows of a list hold that a line beside the table may be about: the names of people, and codes.

use std::collections::HashSet;

use super::consent;
use super::phones::PhoneColumn;
use super::words::{FIRST_NAME, LAST_NAME, NAMES, words};
use crate::domain::fold;
use crate::domain::text::trimmed;

/// A shorter word is no name to go by.
const SHORTEST_NAME: usize = 3;

/// A longer cell is no code.
const LONGEST_CODE: usize = 3;

/// What such words may be about, of the first rows of a list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Seen {
    /// The words of the names of people with a number, folded.
    names: HashSet<String>,
    /// Short cells, but for those of names and numbers.
    codes: HashSet<String>,
}

impl Seen {
    pub(super) fn of(headers: &[String], rows: &[Vec<String>], phones: &[PhoneColumn]) -> Self {
        let is_phone = |at: &usize| phones.iter().any(|phone| phone.column.index == *at);
        let is_of_names = |header: &String| {
            let folded = words(header);
            [FIRST_NAME, LAST_NAME, NAMES]
                .iter()
                .any(|list| list.is_in(&folded))
        };
        let mut seen = Self::default();
        for row in rows {
            let digits = |cell: &String| cell.bytes().filter(u8::is_ascii_digit).count();
            let has_number = phones
                .iter()
                .any(|phone| row.get(phone.column.index).is_some_and(|it| digits(it) > 5));
            let cells = headers.iter().zip(row).enumerate();
            for (_, (header, cell)) in cells.filter(|(at, _)| !is_phone(at)) {
                if is_of_names(header) {
                    let folded = fold::header(cell);
                    let names = folded.split(' ').filter(|_| has_number);
                    let names = names.filter(|it| it.chars().count() >= SHORTEST_NAME);
                    seen.names.extend(names.map(str::to_owned));
                } else if is_code(trimmed(cell)) {
                    seen.codes.insert(trimmed(cell).to_owned());
                }
            }
        }
        seen
    }

    /// Whether a cell is a code of the list.
    pub(super) fn has_code(&self, cell: &str) -> bool {
        self.codes.contains(cell) && !cell.contains(char::is_lowercase)
    }

    /// Whether a folded word is a name of the list, in whatever case of grammar: `Novákovi`.
    fn has_name(&self, word: &str) -> bool {
        let length = word.chars().count();
        length >= SHORTEST_NAME
            && (self.names.contains(word)
                || self.names.iter().any(|name| {
                    let own = name.chars().count();
                    let same = name.chars().zip(word.chars()).take_while(|(a, b)| a == b);
                    same.count() + 1 >= own && length <= own + 3
                }))
    }

    /// Whether a line says of people of the list that they must not be messaged, and nothing else.
    pub(super) fn is_refusal_of_some(&self, line: &str) -> bool {
        consent::refuses_for_some(line, &|word| self.has_name(word))
    }
}

/// Whether a cell is as short as a code.
pub(super) fn is_code(cell: &str) -> bool {
    (1..=LONGEST_CODE).contains(&cell.chars().count())
}
