//! Two columns that belong together: of which one is to be ticked (`Souhlas ANO` and `Souhlas NE`, `Agree` and `Disagree`), or
//! of which one has the first day of a consent, and the other the last one.

use std::collections::HashSet;

use super::headers::words;
use super::says::ColumnKind;
use crate::intake::words::{
    AGREES, BEGINS, BETWEEN_DENIALS, CONSENTS, LAST_DAY, List, MUST_NOT, NEGATIONS, NO, SENDS, YES,
};

/// The kind of each column that is one of such a pair.
pub(super) fn find(headers: &[String]) -> Vec<Option<ColumnKind>> {
    let folded: Vec<String> = headers.iter().map(|it| words(it)).collect();
    let asked = |answers: List| -> HashSet<&str> {
        let asked = folded.iter().filter_map(|it| asks_with(it, answers));
        asked.map(|(asked, _)| asked).collect()
    };
    let (with_yes, with_no) = (asked(YES), asked(NO));
    let agrees: Vec<Option<bool>> = folded.iter().map(|it| agrees(it)).collect();
    let is_beside = |at: usize, agree: bool| {
        let beside = [at.checked_sub(1), at.checked_add(1)];
        let mut beside = beside.into_iter().flatten();
        beside.any(|at| agrees.get(at) == Some(&Some(agree)))
    };
    let of_header = |(at, header): (usize, &String)| {
        let has = |asked: &HashSet<&str>, (it, _): &(&str, _)| asked.contains(it);
        if let Some((_, word)) = asks_with(header, NO).filter(|it| has(&with_yes, it)) {
            return Some(ColumnKind::RefusalIfTicked(word));
        }
        if asks_with(header, YES).is_some_and(|it| has(&with_no, &it)) {
            return Some(ColumnKind::Consent);
        }
        if let Some(kind) = term(&folded, header) {
            return Some(kind);
        }
        match agrees.get(at).copied().flatten() {
            Some(true) if is_beside(at, false) => Some(ColumnKind::Consent),
            Some(false) if is_beside(at, true) => Some(ColumnKind::Refusal),
            Some(_) | None => None,
        }
    };
    folded.iter().enumerate().map(of_header).collect()
}

/// `Consent from` and `Consent to`: the first day and the last one.
fn term(headers: &[String], header: &str) -> Option<ColumnKind> {
    let (asked, word) = header.rsplit_once(' ')?;
    let has_other = |list: List| {
        let other = |it: &String| {
            it.rsplit_once(' ')
                .is_some_and(|(of, word)| of == asked && list.has(word))
        };
        headers.iter().any(other)
    };
    if !CONSENTS.is_in(asked) {
        None
    } else if LAST_DAY.has(word) && has_other(BEGINS) {
        Some(ColumnKind::ConsentUntil)
    } else if BEGINS.has(word) && has_other(LAST_DAY) {
        Some(ColumnKind::ConsentFrom)
    } else {
        None
    }
}

/// What a header asks that ends in an answer, where that is about messages or is not told: `Ja`, `SMS ja`. And the answer.
fn asks_with(folded: &str, answers: List) -> Option<(&str, &'static str)> {
    let (asked, answer) = folded.rsplit_once(' ').unwrap_or(("", folded));
    // `Y` and `N` may be anything.
    let is_word = answer.chars().count() > 1 && answer.chars().all(char::is_alphabetic);
    let is_ours = is_word && (asked.is_empty() || SENDS.has(asked));
    let answer = answers.entry(answer).filter(|_| is_ours)?;
    Some((asked, answer))
}

/// Whether a header says of whom it is ticked for that they agree, or that they do not; `None` where it says something else.
pub(super) fn agrees(folded: &str) -> Option<bool> {
    let is_agreement = |text: &str| AGREES.has(text) || CONSENTS.has(text);
    let without_prefix = |text: &str| {
        let mut prefixes = ["ne", "nie", "dis"].into_iter();
        prefixes.any(|it| text.strip_prefix(it).is_some_and(|it| AGREES.has(it)))
    };
    let denies = |word: &&str| NEGATIONS.has(word) || ["do", "does"].contains(word);
    let undenied: Vec<&str> = folded.split(' ').filter(|word| !denies(word)).collect();
    let undenied = undenied.join(" ");
    // `Odhlášen z newsletteru` is about something else.
    let refuses =
        |word: &str| MUST_NOT.has(word) || BETWEEN_DENIALS.has(word) || ["i", "we"].contains(&word);
    let is_refusal = MUST_NOT.is_in(folded) && folded.split(' ').all(refuses);
    if is_agreement(folded) {
        Some(true)
    } else if without_prefix(folded)
        || undenied != folded && AGREES.has(&undenied)
        || MUST_NOT.has(folded)
        || is_refusal
        || NO.has(folded) && folded.chars().count() > 1
    {
        Some(false)
    } else {
        None
    }
}
