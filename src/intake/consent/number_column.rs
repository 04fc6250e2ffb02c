//! A column that says whether the number of its row is right: `Phone valid`, `Špatné číslo`. Behind a wrong one is a stranger.

use super::answers::has_negation;
use super::headers::words;
use super::says::ColumnKind;
use crate::intake::words::{
    ADDRESSEE, INVALID_NUMBER, List, MOBILE, OWN_PHONE, PERSONS, PHONE, POLITE, VALID_NUMBER,
};

/// The kind of such a column, by its header.
pub(super) fn kind(header: &str) -> Option<ColumnKind> {
    let folded = words(header);
    let has = |lists: &[List]| {
        let mut words = folded.split(' ');
        words.any(|word| lists.iter().any(|list| list.has(word)))
    };
    let names_number = has(&[PHONE, MOBILE]) || is_number(&folded);
    let beside = [PHONE, MOBILE, OWN_PHONE, PERSONS, ADDRESSEE, POLITE];
    let is_known = |word: &str| {
        let lists = [VALID_NUMBER, INVALID_NUMBER];
        lists.iter().chain(&beside).any(|list| list.has(word)) || has_negation(word)
    };
    if !names_number || !folded.split(' ').all(is_known) {
        return None;
    }
    let denied = has_negation(&folded);
    match (has(&[VALID_NUMBER]), has(&[INVALID_NUMBER])) {
        (true, false) if !denied => Some(ColumnKind::OnlyNo),
        (true, false) => Some(ColumnKind::Refusal),
        (false, true) if !denied => Some(ColumnKind::Refusal),
        (false | true, true) | (false, false) => None,
    }
}

/// Whether one of the words is that for a number of any kind.
fn is_number(folded: &str) -> bool {
    const NUMBER: [&str; 7] = [
        "number", "cislo", "cisla", "nummer", "numero", "numer", "szam",
    ];
    folded.split(' ').any(|word| NUMBER.contains(&word))
}
