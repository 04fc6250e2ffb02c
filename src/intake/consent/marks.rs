//! Lines beside the table that say of people with a mark, a colour or a font that they must not be messaged: `* nechce SMS`,
//! `Červeně označení nechtějí SMS`. Nobody sees these in the rows.

use super::answers::{CellConsent, Question, answer, denies, may_deny};
use super::column::ConsentColumn;
use super::denials::taken_back;
use super::headers::{is_of_another_matter, words};
use super::names::names_refusals_in_any_cell;
use super::says::{is_opt_out, refuses_contact};
use crate::domain::fold;
use crate::intake::words::{
    CALLED_COLOURS, COLOURS, CONSENTING, CONTACTING, GONE, IN_A_REFUSAL, List, MARKED, MARKS,
    NEGATIONS, POLITE, REFUSALS, REFUSES,
};

/// Signs that are set beside a name, and explained below the table. That of death is heard in any cell.
const SIGNS: [char; 10] = ['*', '‡', '✗', '✘', '✖', '❌', '¹', '²', '³', '#'];

/// Whether a line says so, and no column is read by its mark.
pub(super) fn explains_marks(line: &str, columns: &[ConsentColumn]) -> bool {
    refuses_by_words(line)
        || refuses_by_sign(line) && !is_read(line, columns)
        || refuses_by_code(line, columns)
}

/// Whether a line refuses for a mark that it names in words: `Přeškrtnutí se odhlásili`, `red = do not call`.
pub(super) fn refuses_by_words(line: &str) -> bool {
    names_mark(line) && refuses(line)
}

/// Whether a text names a mark, a colour or a font, as no person is called.
pub(in crate::intake) fn names_mark(text: &str) -> bool {
    let folded = fold::header(text);
    if MARKS.is_in(&folded) {
        return true;
    }
    let has_colour = [COLOURS, CALLED_COLOURS]
        .iter()
        .any(|list| list.is_in(&folded));
    has_colour && (MARKED.is_in(&folded) || explains_colour(text))
}

/// Whether a colour stands before what it means: `rot: keine SMS`. `Černý: nevolat` may be about Mr. Černý.
fn explains_colour(text: &str) -> bool {
    let is_made_of = |text: &str, lists: &[List]| {
        let folded = fold::header(text);
        let mut words = folded.split(' ');
        words.all(|word| lists.iter().any(|list| list.has(word)))
    };
    text.split([',', ';', '(', '\n']).any(|part| {
        let equation = part.rsplit_once('=').map(|(colour, _)| colour);
        let colour = |text: &str| {
            text.rsplit_once(':')
                .map_or(text.to_owned(), |(_, it)| it.to_owned())
        };
        let is_equal =
            equation.is_some_and(|it| is_made_of(&colour(it), &[COLOURS, CALLED_COLOURS]));
        let dash = part.replace(" - ", ":").replace('–', ":");
        is_equal
            || dash
                .split_once(':')
                .is_some_and(|(it, _)| is_made_of(it, &[COLOURS]))
    })
}

/// Whether a line with a sign refuses. A footnote may tell of those who were left out.
fn refuses_by_sign(line: &str) -> bool {
    let is_cross = |word: &str| {
        matches!(
            word.trim_matches(|c: char| !c.is_alphabetic()),
            "X" | "x" | "XX"
        )
    };
    let has_sign = line.contains(SIGNS) || line.split_whitespace().any(is_cross);
    let folded = fold::header(line);
    let is_gone = folded.split(' ').any(|word| GONE.has(word));
    // `*** DO NOT CALL ***` is a heading.
    let is_framed = line.trim().starts_with(SIGNS) && line.trim().ends_with(SIGNS);
    has_sign && !is_gone && !(is_framed && names_refusals_in_any_cell(line)) && refuses(line)
}

/// Whether a column says of a sign in the line that it refuses.
fn is_read(line: &str, columns: &[ConsentColumn]) -> bool {
    let signs = line.split(|c: char| !SIGNS.contains(&c) && !"Xx".contains(c));
    let mut signs = signs.filter(|sign| !sign.is_empty());
    signs.any(|sign| {
        columns
            .iter()
            .any(|it| it.says(sign, None) == CellConsent::MustNot)
    })
}

/// Whether a code stands before a refusal and nothing else: `9 nekontaktovat`, `1) opted out`.
fn refuses_by_code(line: &str, columns: &[ConsentColumn]) -> bool {
    let Some((code, rest)) = line.trim().split_once(char::is_whitespace) else {
        return false;
    };
    let is_closed = code.contains(')');
    let code = code.trim_matches(|c: char| !c.is_alphanumeric());
    let rest = rest.trim_start_matches(|c: char| !c.is_alphanumeric());
    let is_code = (1..=2).contains(&code.chars().count())
        && (is_closed || !code.contains(char::is_lowercase))
        && columns
            .iter()
            .all(|it| it.says(code, None) != CellConsent::MustNot);
    let is_refusal = |text: &str| {
        let folded = fold::header(text);
        is_opt_out(text) || REFUSALS.has(&folded) || refuses_contact(&folded)
    };
    // `DO NOT CALL` begins with no code.
    is_code && is_refusal(rest) && !is_refusal(line)
}

/// Whether a part of a line says that people must not be messaged.
fn refuses(line: &str) -> bool {
    let parts = line.split([',', ';', '.', '=', ':', '(', ')', '–', '—', '\n']);
    parts.flat_map(|part| part.split(" - ")).any(|part| {
        let folded = words(part);
        if is_of_another_matter(part) {
            return false;
        }
        let denies_consent = CONSENTING.is_in(&folded)
            && (denies(&folded)
                || may_deny(&folded)
                || answer(Question::MayBeMessaged, part) == CellConsent::MustNot);
        REFUSALS.is_in(&folded) && taken_back(part).is_none()
            || is_opt_out(part)
            || denies_consent
            || refuses_contacting(&folded)
    })
}

/// Whether a word that refuses stands beside one for messages: `nechtějí žádné SMS`, `SMS ne`. Of `bez odpovědi na SMS` it does
/// not.
fn refuses_contacting(folded: &str) -> bool {
    let words: Vec<&str> = folded.split(' ').filter(|word| !MARKED.has(word)).collect();
    let is_no = |word: &str| REFUSES.has(word) || NEGATIONS.has(word);
    let is_between = |word: &str| [IN_A_REFUSAL, POLITE].iter().any(|list| list.has(word));
    (0..words.len()).any(|at| {
        let rest = words.get(at..).unwrap_or(&[]);
        let length = CONTACTING.longest_at(rest);
        if length == 0 {
            return false;
        }
        let before = words.get(..at).unwrap_or(&[]).iter().rev();
        let mut before = before.skip_while(|word| !is_no(word) && is_between(word));
        let behind = rest.get(length..).unwrap_or(&[]);
        let is_behind = match behind {
            [only] => is_no(only),
            [first, ..] => REFUSES.has(first) && !NEGATIONS.has(first),
            [] => false,
        };
        before.next().is_some_and(|word| is_no(word)) || is_behind
    })
}
