//! The column that says whose the one number of a row is: `Číslo patří`, `Phone belongs to`, `Poznámka k telefonu`.

use super::PhoneColumn;
use crate::domain::phone::is_not_theirs;
use crate::intake::column::{Column, column, share_of_cells};
use crate::intake::consent;
use crate::intake::words::{
    BESIDE_OWNER, List, MOBILE, NUMBER, OWNER, OWNER_OF_NUMBER, PHONE, REMARK, words,
};

/// A longer cell tells more than whose the number is.
const MOST_WORDS: usize = 5;

/// The column that says whose the numbers are, in a list with one column of numbers: of several nobody knows which is meant.
pub(in crate::intake) fn find(
    headers: &[String],
    rows: &[Vec<String>],
    phones: &[PhoneColumn],
) -> Option<Column> {
    let [phone] = phones else {
        return None;
    };
    let is_number = |cell: &str| cell.bytes().filter(u8::is_ascii_digit).count() >= 5;
    let mut places = headers.iter().enumerate();
    let (index, _) = places.find(|(index, header)| {
        *index != phone.column.index
            && says_whose(header)
            && share_of_cells(*index, rows, is_number) < 0.5
    })?;
    Some(column(headers, index))
}

/// Whether a header is about the number itself: who has it, or what is noted of it.
fn says_whose(header: &str) -> bool {
    let folded = words(header);
    if OWNER_OF_NUMBER.has(&folded) {
        return true;
    }
    let is_in = |lists: &[List]| {
        let mut words = folded.split(' ');
        words.any(|word| lists.iter().any(|list| list.has(word)))
    };
    let known = [OWNER, REMARK, PHONE, MOBILE, NUMBER, BESIDE_OWNER];
    let mut all = folded.split(' ');
    is_in(&[OWNER, REMARK])
        && is_in(&[PHONE, MOBILE, NUMBER])
        && all.all(|word| known.iter().any(|list| list.has(word)))
}

/// Whether a cell of such a column says that the number is another person's, or not in use any more.
pub(in crate::intake) fn is_of_another(cell: &str) -> bool {
    cell.split_whitespace().count() <= MOST_WORDS
        && (is_not_theirs(cell) || consent::is_about_number_alone(cell))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_that_is_about_the_number_is_told_from_one_about_its_person() {
        for header in [
            "Číslo patří",
            "Komu patří číslo",
            "Vlastník čísla",
            "Majitel telefonu",
            "Čí číslo",
            "Uživatel čísla",
            "Poznámka k telefonu",
            "Telefon - poznámka",
            "Phone belongs to",
            "Phone note",
            "Whose number",
            "Owner of the number",
            "Nummer von",
            "Inhaber der Nummer",
            "Kontakt na",
            "Kdo zvedá",
            "Titular del teléfono",
            "Propriétaire du numéro",
            "Właściciel numeru",
            "Intestatario telefono",
        ] {
            assert!(says_whose(header), "{header}");
        }
        for header in [
            "Telefon",
            "Poznámka",
            "Vztah",
            "Osoba",
            "Majitel",
            "Owner",
            "Contact owner",
            "Vlastník bytu",
            "Číslo smlouvy",
            "Customer number",
            "Poznámka k číslu smlouvy",
            "Uživatel",
            "",
        ] {
            assert!(!says_whose(header), "{header}");
        }
    }
}
