//! Names of files and sheets, titles and headings, that say of all people below them that they must not be messaged.

use crate::domain::fold;
use crate::intake::words::{
    HEADING, IN_ANY_CELL, List, OPTED_OUT, POLITE, REFUSING_HEADINGS, REFUSING_NAMES, TIME_WORDS,
    compounds_apart, words,
};

/// A phrase has at most so many words.
const LONGEST: usize = 6;

/// Whether a text says of people that they must not be messaged, and nothing else: `Do not contact below`.
pub(in crate::intake) fn names_refusals_in_any_cell(text: &str) -> bool {
    // What may be a number beside it is that of a person.
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    digits < 6 && is_heading(text, &[IN_ANY_CELL, REFUSING_HEADINGS])
}

/// Whether the name of a file or a sheet says so: `opt-outs`, `DNC list 2026`. Nobody is called by it.
pub(in crate::intake) fn names_refusals(name: &str) -> bool {
    let lists = [IN_ANY_CELL, REFUSING_HEADINGS, OPTED_OUT, REFUSING_NAMES];
    is_heading(name, &lists) || is_heading(&compounds_apart(&words(name)), &lists)
}

/// Whether a text is made of such phrases, and of words and figures of a heading around them.
fn is_heading(text: &str, lists: &[List]) -> bool {
    let folded = figures_apart(&fold::header(text));
    let words: Vec<&str> = folded.split(' ').collect();
    let (mut at, mut refuses) = (0, false);
    while let Some(word) = words.get(at) {
        // The longest phrase: it may itself begin or end with the word of a heading.
        let is_phrase = |count: &usize| {
            let phrase = words.get(at..at + count).unwrap_or(&[]).join(" ");
            lists.iter().any(|list| list.has(&phrase))
        };
        let longest = LONGEST.min(words.len() - at);
        match (1..=longest).rev().find(is_phrase) {
            Some(count) => {
                refuses = true;
                at += count;
            }
            None if says_nothing(word) => at += 1,
            None => return false,
        }
    }
    refuses
}

/// Whether a word says nothing of who the people are.
fn says_nothing(word: &str) -> bool {
    let is_figure = !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_digit());
    let lists = [HEADING, POLITE, TIME_WORDS];
    let is_letter = word.chars().count() == 1;
    is_figure || is_letter || lists.iter().any(|list| list.has(word))
}

/// A text with its figures and its letters apart: `dnc2026`.
fn figures_apart(folded: &str) -> String {
    let mut apart = String::with_capacity(folded.len() + 2);
    let mut before = ' ';
    for letter in folded.chars() {
        let are_of_two_kinds = letter.is_ascii_digit() != before.is_ascii_digit();
        if are_of_two_kinds && before != ' ' && letter != ' ' {
            apart.push(' ');
        }
        before = letter;
        apart.push(letter);
    }
    apart
}
