//! Lines beside a table that say which of its people must not be messaged: `Nevolat: Eva Malá`, `Řádek 4 nevolat`.

use super::answers::CellConsent;
use super::names::names_refusals_in_any_cell;
use super::says::{ColumnKind, says};
use crate::domain::fold;
use crate::intake::words::{HONORIFIC, ROW};

/// A longer line is a text.
const LONGEST: usize = 160;

/// Whether a line names people or rows, and says of them that they must not be messaged, and nothing else. `is_name` knows the
/// folded names of the list.
pub(in crate::intake) fn refuses_for_some(line: &str, is_name: &dyn Fn(&str) -> bool) -> bool {
    if line.len() > LONGEST {
        return false;
    }
    let words = line.split(|c: char| !c.is_alphanumeric());
    let words: Vec<&str> = words.filter(|word| !word.is_empty()).collect();
    let names_row = words.iter().any(|word| ROW.has(&fold::header(word)));
    let (mut is_of_some, mut rest) = (false, Vec::new());
    for word in words {
        let folded = fold::header(word);
        let is_figure = word.bytes().all(|byte| byte.is_ascii_digit());
        let is_number = names_row && is_figure;
        let is_person = word.starts_with(char::is_uppercase) && is_name(&folded);
        is_of_some |= is_number || is_person;
        // An initial, or a word that joins two names.
        let is_letter = word.chars().count() == 1;
        let says_nothing = is_letter || ROW.has(&folded) || HONORIFIC.has(&folded);
        if !is_number && !is_person && !says_nothing {
            rest.push(word);
        }
    }
    let rest = rest.join(" ");
    is_of_some
        && (names_refusals_in_any_cell(&rest)
            || says(ColumnKind::Remark, &rest, None) == CellConsent::MustNot)
}

#[cfg(test)]
mod tests {
    use super::refuses_for_some;

    #[test]
    fn a_line_that_refuses_for_people_of_the_list_is_told_from_one_about_something_else() {
        let is_name = |word: &str| ["eva", "mala", "male", "bily"].contains(&word);
        for line in [
            "Nevolat: Eva Malá",
            "Do not contact: Eva Malá",
            "Eva Malá nechce zprávy!",
            "Odhlásili se: Malá E., Bílý P.",
            "Neposílat paní Malé",
            "Eva Malá - STOP",
            "Řádek 4 nevolat",
            "Řádky 4, 7 a 9: nevolat",
            "Row 4: do not contact",
        ] {
            assert!(refuses_for_some(line, &is_name), "{line}");
        }
        for line in [
            "",
            "Nevolat",
            "Eva Malá",
            "Seznam zpracovala Eva Malá",
            "Seznam bez odhlášených, Eva Malá",
            "Kontakt: Eva Malá, pro odhlášení odpovězte STOP",
            "Řádek 4 zkontrolovat",
            "Zákazníci 2026, 4 se odhlásili",
            "To unsubscribe reply STOP to Eva",
        ] {
            assert!(!refuses_for_some(line, &is_name), "{line}");
        }
    }
}
