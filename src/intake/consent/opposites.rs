//! Cells of which one denies another: `Zulassen` and `Nicht zulassen`, `nevolat` and `volat`.

use std::collections::BTreeSet;

use super::answers::{CellConsent, Question, answer, may_deny};
use super::denials::without_prefix;
use super::headers::{is_channel, meaning, names_contact, words};
use super::legend::{Answer, Code};
use super::says::ColumnKind;
use crate::domain::fold;
use crate::domain::text::trimmed;
use crate::intake::words::{FACT, NEGATIONS, NO, OUR_WAY, OUTCOMES, SENDS, YES};

/// More different cells are no answers.
const MOST_ANSWERS: usize = 6;

/// What the cells of a column mean of which one denies another, where its header names messages, contact or a refusal.
pub(super) fn codes(header: &str, index: usize, rows: &[Vec<String>]) -> Vec<Code> {
    let Some(question) = question(header) else {
        return Vec::new();
    };
    let cells = rows.iter().filter_map(|row| row.get(index));
    let cells: BTreeSet<String> = cells.map(|cell| fold::header(trimmed(cell))).collect();
    if cells.len() > MOST_ANSWERS {
        return Vec::new();
    }
    let pairs = cells.iter().flat_map(|denying| {
        let denied = cells.iter().filter(|it| denies_other(denying, it));
        denied.map(move |denied| (denying, denied))
    });
    let codes = pairs.filter_map(|(denying, denied)| {
        let refuses = |cell| answer(Question::MayBeMessaged, cell) == CellConsent::MustNot;
        let is_refusal = |cell| answer(Question::MustNotBeMessaged, cell) == CellConsent::MustNot;
        let (denying_is, denied_is) = match question {
            Question::MayBeMessaged => (Answer::No, Answer::Yes),
            // Of words that are not known, either may be the refusal.
            Question::MustNotBeMessaged if is_refusal(denying) => (Answer::Yes, Answer::No),
            Question::MustNotBeMessaged => return None,
        };
        let code = |cell: &String, means| Code {
            cell: cell.clone(),
            means: Some(means),
        };
        // Of `blocked` and `not blocked`, the other one refuses.
        (!refuses(denied)).then(|| [code(denying, denying_is), code(denied, denied_is)])
    });
    codes.flatten().collect()
}

/// Whether the cells below the name of a way to send messages by are a few words, of which none is known: they may refuse.
/// Below a word for sending, one of them must look as if it does: `má` and `nemá`.
pub(super) fn are_unknown(header: &str, index: usize, rows: &[Vec<String>]) -> bool {
    let is_channel = is_channel(header);
    if !is_channel && !SENDS.has(&words(header)) {
        return false;
    }
    let cells = rows.iter().filter_map(|row| row.get(index));
    let cells: Vec<String> = cells.map(|cell| fold::header(trimmed(cell))).collect();
    let filled = cells.iter().filter(|cell| !cell.is_empty());
    let different: BTreeSet<&String> = filled.clone().collect();
    let may_answer = |cell: &&String| {
        let is_known = |word: &str| FACT.has(word) || OUTCOMES.has(word) || OUR_WAY.has(word);
        let is_word = |word: &str| word.chars().all(char::is_alphabetic) && !is_known(word);
        cell.split(' ').count() <= 3 && cell.split(' ').all(is_word)
    };
    let denies = |cell: &&String| may_deny(cell) || cell.split(' ').any(|it| NEGATIONS.has(it));
    (is_channel || different.iter().any(denies))
        && different.len() <= MOST_ANSWERS
        && different.len() < filled.count()
        && different.iter().all(may_answer)
}

/// Whether the cells are two different ones, again and again, of which one refuses: `platný` and `vypršel`.
pub(super) fn is_refusal_of_two(index: usize, rows: &[Vec<String>]) -> bool {
    let cells = rows.iter().filter_map(|row| row.get(index));
    let cells: Vec<String> = cells.map(|cell| fold::header(trimmed(cell))).collect();
    let filled = cells.iter().filter(|cell| !cell.is_empty());
    let different: BTreeSet<&String> = filled.clone().collect();
    let refuses = |cell: &&&String| answer(Question::MayBeMessaged, cell) == CellConsent::MustNot;
    different.len() == 2 && filled.count() > 2 && different.iter().filter(refuses).count() == 1
}

/// What the header of a column of answers asks.
fn question(header: &str) -> Option<Question> {
    match meaning(header).map(|it| it.kind) {
        Some(ColumnKind::Consent) => Some(Question::MayBeMessaged),
        Some(ColumnKind::Refusal | ColumnKind::RefusalUntil) => Some(Question::MustNotBeMessaged),
        None if names_contact(header) => Some(Question::MayBeMessaged),
        Some(_) | None => None,
    }
}

/// Whether a cell is the contrary of another: `Ne pas autoriser` of `Autoriser`, `Nepovolit` of `Povolit`.
fn denies_other(cell: &str, other: &str) -> bool {
    let others: Vec<&str> = other.split(' ').collect();
    let words: Vec<&str> = cell.split(' ').collect();
    let denies = |word: &&str| NEGATIONS.has(word) || NO.has(word) || ["do", "does"].contains(word);
    let rest: Vec<&str> = words.iter().copied().filter(|word| !denies(word)).collect();
    let are_same = |words: &[&str]| {
        let mut both = words.iter().zip(&others);
        words.len() == others.len() && both.all(|(word, other)| are_forms(word, other))
    };
    // `Not reached` is no refusal.
    let is_outcome = others
        .iter()
        .any(|word| FACT.has(word) || OUTCOMES.has(word));
    let has_no_denial = !others
        .iter()
        .any(|word| NEGATIONS.has(word) || NO.has(word));
    let by_word = rest.len() < words.len() && !rest.is_empty() && are_same(&rest);
    let by_prefix = || {
        let (first, rest) = words.split_first().unwrap_or((&"", &[]));
        without_prefix(first).into_iter().any(|first| {
            let mut words = vec![first];
            words.extend(rest);
            words == others
        })
    };
    // Of `PRAVDA` and `NEPRAVDA`, each is known.
    let is_word = other.chars().count() > 1 && !YES.has(other) && !NO.has(cell);
    is_word && !is_outcome && has_no_denial && (by_word || by_prefix())
}

/// Whether two words are forms of one: `consenti` and `consentire`.
fn are_forms(word: &str, other: &str) -> bool {
    let same = word.chars().zip(other.chars());
    let same = same.take_while(|(one, other)| one == other).count();
    let longest = word.chars().count().max(other.chars().count());
    word == other || same >= 4 && same + 3 >= longest
}
