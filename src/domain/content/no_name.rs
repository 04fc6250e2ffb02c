//! Cells of a column of names that hold no name: what is a text elsewhere, and not behind `Dear`.

use super::no_text::NoText;
use crate::domain::fold;
use crate::domain::text::is_blank;
use crate::domain::word_list::lists_of;

lists_of!(struct List in "no_names.txt");

const COLUMNS: List = List("columns of names");
const NO_NAME: List = List("no name");
const BETWEEN_BRACKETS: List = List("no value between brackets");

/// What programs write for no value. In other letters some are names: `Nan`, `Na`, `Nil`.
const NO_VALUES: [&str; 12] = [
    "NA", "nan", "NAN", "nil", "NIL", "none", "None", "NONE", "TRUE", "FALSE", "true", "false",
];

/// Signs around the name of a field, and nothing else in the cell.
const FIELD_SIGNS: [(&str, &str); 5] = [("«", "»"), ("[", "]"), ("<", ">"), ("$", ""), ("@", "@")];

/// Whether a column holds the names of people, by its header.
pub(super) fn is_column_of_names(header: &str) -> bool {
    COLUMNS.has(&fold::header(header))
}

impl NoText {
    /// What is wrong with a cell of a column of names, beyond what is wrong with any; `None` for a name, and for a blank cell.
    pub(super) fn of_name(cell: &str) -> Option<Self> {
        let cell = cell.trim();
        if is_blank(cell) {
            None
        } else if is_number(cell) || is_address(cell) {
            Some(Self::NotAName)
        } else if !cell.contains(char::is_alphabetic) || is_no_name(cell) {
            Some(Self::NoValue)
        } else if is_field(cell) {
            Some(Self::Placeholder)
        } else if has_lost_letter(cell) {
            Some(Self::Garbled)
        } else {
            None
        }
    }
}

/// `602333444`, `1,2E+05`, `1.1.1970`.
fn is_number(cell: &str) -> bool {
    let is_part = |c: char| c.is_numeric() || c.is_whitespace() || ".,:+-/()eE".contains(c);
    cell.starts_with(|c: char| c.is_numeric() || "+-(".contains(c))
        && cell.contains(char::is_numeric)
        && cell.chars().all(is_part)
}

/// `jan@novak.cz`.
fn is_address(cell: &str) -> bool {
    let (before, behind) = cell.split_once('@').unwrap_or_default();
    !before.is_empty() && behind.contains('.') && !cell.contains(char::is_whitespace)
}

fn is_no_name(cell: &str) -> bool {
    let bracketed = cell.strip_prefix('(').and_then(|it| it.strip_suffix(')'));
    NO_VALUES.contains(&cell)
        || NO_NAME.has(&fold::header(cell))
        || bracketed.is_some_and(|inner| BETWEEN_BRACKETS.has(&fold::header(inner)))
}

/// `«Jméno»`, `[Jméno]`, `$%jmeno%$`, `$name`.
fn is_field(cell: &str) -> bool {
    FIELD_SIGNS.iter().any(|(open, close)| {
        let inner = cell.strip_prefix(open);
        inner.is_some_and(|inner| inner.ends_with(close))
    })
}

/// `Ji?í`, `?árka`: an encoding without the letter wrote a question mark in its place.
fn has_lost_letter(cell: &str) -> bool {
    let mut before = ' ';
    let mut letters = cell.chars().peekable();
    while let Some(letter) = letters.next() {
        let is_behind = letters.peek().is_some_and(|it| it.is_alphabetic());
        if letter == '?' && (before.is_alphabetic() || is_behind) {
            return true;
        }
        before = letter;
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::word_list::tests::check;

    #[test]
    fn each_phrase_is_folded_and_belongs_to_a_section_that_is_used() {
        check(
            include_str!("no_names.txt"),
            include_str!("no_name.rs"),
            fold::header,
        );
    }

    #[test]
    fn what_is_no_name_is_told_from_names() {
        for (cells, what) in [
            (
                &["Ji?í", "?árka", "J?n", "Jan?", "Nov?k Jan"][..],
                NoText::Garbled,
            ),
            (
                &["«Jméno»", "[Jméno]", "$%jmeno%$", "$name", "<b>Jan</b>"],
                NoText::Placeholder,
            ),
            (
                &[
                    "nezadáno",
                    "Neuvedeno",
                    "unknown",
                    "UNKNOWN",
                    "NA",
                    "nan",
                    "k.A.",
                    "k. A.",
                    "(blank)",
                    "(Leer)",
                    "None",
                    "Unbekannt",
                    "sin nombre",
                    "не указано",
                    "TRUE",
                    "*",
                    "!",
                    "TBD",
                    "n.a.",
                ],
                NoText::NoValue,
            ),
            (
                &[
                    "1,2E+05",
                    "602333444",
                    "0",
                    "44927",
                    "1.1.1970",
                    "+420 602 333 444",
                    "jan@novak.cz",
                ],
                NoText::NotAName,
            ),
        ] {
            for cell in cells {
                assert_eq!(NoText::of_name(cell), Some(what), "{cell}");
            }
        }
        for cell in [
            "",
            " ",
            "Jan",
            "Jiří",
            "Šárka",
            "Na",
            "Nan",
            "Nil",
            "Null",
            "Blank",
            "E",
            "J.",
            "Jan Novák",
            "p. Novák",
            "Ng",
            "Novák, Jan",
            "O'Brien",
            "Jan/Eva",
            "3M",
            "Eva 2",
            "Person 1",
            "Empty Ltd",
            "Мария",
            "李",
            "Anne-Marie",
            "Jan (Honza)",
            "Ms. Li",
        ] {
            assert_eq!(NoText::of_name(cell), None, "{cell}");
        }
    }

    #[test]
    fn a_column_of_names_is_known_by_its_header() {
        for header in [
            "Jméno",
            "First Name",
            "first_name",
            "Vorname",
            "Prénom",
            "Name",
            "Ім'я",
        ] {
            assert!(is_column_of_names(header), "{header}");
        }
        for header in [
            "Order",
            "Code",
            "City",
            "Company name",
            "Product name",
            "Amount",
            "Date",
        ] {
            assert!(!is_column_of_names(header), "{header}");
        }
    }
}
