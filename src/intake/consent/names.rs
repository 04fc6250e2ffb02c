//! Names of files and sheets, titles and headings, that say of all people below them that they must not be messaged.

use crate::domain::fold;
use crate::intake::words::{
    GONE, HEADING, IN_ANY_CELL, List, NO_CONTACT, OPTED_OUT, POLITE, REFUSING_CAPITALS,
    REFUSING_HEADINGS, REFUSING_NAMES, REFUSING_SECTIONS, REFUSING_SHEETS, TIME_WORDS,
    compounds_apart, words,
};

/// A phrase has at most so many words.
const LONGEST: usize = 6;

/// Whether a text says of people that they must not be messaged, and nothing else: `Do not contact below`.
pub(in crate::intake) fn names_refusals_in_any_cell(text: &str) -> bool {
    // What may be a number beside it is that of a person.
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    let lists = [IN_ANY_CELL, REFUSING_HEADINGS, REFUSING_SECTIONS];
    let is_capitals = text.contains(char::is_alphabetic) && !text.contains(char::is_lowercase);
    let is_phrase = |phrase: &str| {
        lists.iter().any(|list| list.has(phrase))
            || phrase.contains(' ') && NO_CONTACT.has(phrase)
            || is_capitals && REFUSING_CAPITALS.has(phrase)
    };
    digits < 6 && is_heading(text, &is_phrase)
}

/// Whether the name of a file or a sheet says so: `opt-outs`, `DNC list 2026`. Nobody is called by it.
pub(in crate::intake) fn names_refusals(name: &str) -> bool {
    let lists = [IN_ANY_CELL, REFUSING_HEADINGS, OPTED_OUT, REFUSING_NAMES];
    let is_phrase = |phrase: &str| {
        let is_in = |list: &List| list.has(phrase) || list.has_together(phrase);
        // A word alone may be about something else: `late`.
        lists.iter().any(is_in) || phrase.contains(' ') && NO_CONTACT.has(phrase)
    };
    is_heading(name, &is_phrase) || is_heading(&compounds_apart(&words(name)), &is_phrase)
}

/// Whether the name of a sheet says so, where that of a file could mean something else: `NE`, `Zrušené`.
pub(in crate::intake) fn names_refusing_sheet(name: &str) -> bool {
    REFUSING_SHEETS.has(&fold::header(name)) || names_refusals(name)
}

/// Whether a text is made of such phrases, and of words and figures of a heading around them.
fn is_heading(text: &str, refuses: &dyn Fn(&str) -> bool) -> bool {
    let folded = figures_apart(&fold::header(text));
    let words: Vec<&str> = folded.split(' ').collect();
    let (mut at, mut is_refusal) = (0, false);
    while let Some(word) = words.get(at) {
        // The longest phrase: it may itself begin or end with the word of a heading.
        let is_phrase = |count: &usize| {
            let phrase = words.get(at..at + count).unwrap_or(&[]).join(" ");
            refuses(&phrase)
        };
        let longest = LONGEST.min(words.len() - at);
        match (1..=longest).rev().find(is_phrase) {
            Some(count) => {
                is_refusal = true;
                at += count;
                // `Opt-outs removed` is the list of the others.
                if words.get(at).is_some_and(|word| GONE.has(word)) {
                    return false;
                }
            }
            None if says_nothing(word) => at += 1,
            None => return false,
        }
    }
    is_refusal
}

/// Whether a word says nothing of who the people are.
fn says_nothing(word: &str) -> bool {
    let is_figure = !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_digit());
    let lists = [HEADING, POLITE, TIME_WORDS];
    let is_letter = word.chars().count() == 1;
    is_figure || is_letter || lists.iter().any(|list| list.has(word))
}

/// A text with its figures and its letters apart: `dnc2026`. What a program counts by (`8f2`) is a figure as a whole.
fn figures_apart(folded: &str) -> String {
    let mut apart = String::with_capacity(folded.len() + 2);
    for word in folded.split(' ') {
        let mut before = ' ';
        for letter in word.chars() {
            let are_of_two_kinds = letter.is_ascii_digit() != before.is_ascii_digit();
            if are_of_two_kinds || before == ' ' {
                apart.push(' ');
            }
            before = letter;
            apart.push(if is_serial(word) { '0' } else { letter });
        }
    }
    apart.trim_start().to_owned()
}

/// Whether a word is a number in hexadecimal digits: a word may stand before a year (`dead2026`).
fn is_serial(word: &str) -> bool {
    let is_digit = |letter: char| letter.is_ascii_digit();
    let behind_letters = word.trim_start_matches(char::is_alphabetic);
    let is_mixed = word.contains(is_digit) && behind_letters.contains(char::is_alphabetic);
    is_mixed && word.chars().all(|letter| letter.is_ascii_hexdigit())
}
