//! What the table says about a text.

use super::codes::{BROAD, Code, FAILED, NARROW};
use super::documented::DOCUMENTED;
use super::explanation::Explanation;
use super::meaning::TextMeaning;
use super::similar::{SIMILAR_TEXTS, SimilarTexts};
use super::wording::{fold, holds};

/// What the table says about a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Reading {
    pub(crate) means: TextMeaning,
    /// What happened, for people.
    pub(crate) what: &'static str,
    /// What to do about it; empty where nothing can be done.
    pub(crate) todo: &'static str,
    /// The text is as documented, or carries the platform's code: it may decide an answer whose status leaves
    /// open whether a message went out.
    pub(crate) clear: bool,
    /// It carries the platform's code: it is not the API that speaks.
    pub(crate) coded: bool,
}

/// Reads a text; `None` if the table does not know it.
pub(crate) fn read(text: &str) -> Option<Reading> {
    let text = fold(text);
    let numbers = codes(&text);
    let coded = !numbers.is_empty();
    let reading = |says: Explanation, clear| Reading {
        means: says.means,
        what: says.what,
        todo: says.todo,
        clear,
        coded,
    };
    let any = |patterns: &[&str]| patterns.iter().any(|pattern| holds(&text, pattern));
    let by_subcode = DOCUMENTED
        .iter()
        .find(|line| numbers.iter().any(|code| line.subcodes.contains(code)));
    let documented = || DOCUMENTED.iter().find(|line| any(line.texts));
    let is_alike = |line: &&SimilarTexts| any(&line.texts) && !any(&line.unless);
    let similar = || SIMILAR_TEXTS.iter().find(is_alike);
    // The platform's own code says more than a text, which may quote others.
    by_subcode
        .map(|line| line.says)
        .or_else(|| of_code(NARROW, &numbers))
        .or_else(|| documented().map(|line| line.says))
        .map(|says| reading(says, true))
        .or_else(|| similar().map(|line| reading(line.says, coded)))
        .or_else(|| of_code(BROAD, &numbers).map(|says| reading(says, true)))
}

/// Reads why a message that was accepted could not be delivered: `code` is the event's own.
pub(crate) fn read_failure(code: Option<u32>, text: &str) -> Option<Reading> {
    let Some(code) = code else { return read(text) };
    let failed = of_code(FAILED, &[code]).map(|says| Reading {
        means: says.means,
        what: says.what,
        todo: says.todo,
        clear: true,
        coded: true,
    });
    failed.or_else(|| read(&format!("(#{code}) {text}")))
}

fn of_code(table: &[Code], codes: &[u32]) -> Option<Explanation> {
    let covers = |line: &&Code| {
        let (from, to) = line.codes;
        codes.iter().any(|code| (from..=to).contains(code))
    };
    table.iter().find(covers).map(|line| line.says)
}

/// The platform's codes and subcodes in a folded text: `(#100)`, `code 100`, `"code":100`, and a subcode of
/// seven digits that stands alone.
fn codes(text: &str) -> Vec<u32> {
    let mut found = Vec::new();
    let mut from = 0;
    while let Some(start) = text.get(from..).and_then(|rest| rest.find(is_digit)) {
        let start = from + start;
        let digits = text.get(start..).unwrap_or("");
        let end = start + digits.find(|c| !is_digit(c)).unwrap_or(digits.len());
        from = end;
        let (before, number) = (text.get(..start), text.get(start..end));
        let (Some(before), Some(Ok(code))) = (before, number.map(str::parse)) else {
            continue;
        };
        let is_subcode = DOCUMENTED.iter().any(|line| line.subcodes.contains(&code));
        let alone = !before.ends_with(|c: char| c.is_alphanumeric() || c == '+');
        if is_called_code(before) || is_subcode && alone {
            found.push(code);
        }
    }
    found
}

/// Whether what stands before a number calls it the platform's code.
fn is_called_code(before: &str) -> bool {
    let before = before.trim_end_matches([' ', ':', '=', '"', '\'', '\\', '(', '[']);
    if before.ends_with('#') {
        return true;
    }
    let Some(whose) = before.strip_suffix("code") else {
        return false;
    };
    // A part of a longer word, such as a trace id, is no word.
    let is_word = !whose.ends_with(char::is_alphanumeric)
        || ["error", "sub"].iter().any(|word| whose.ends_with(word));
    let whose = whose.trim_end();
    // Of a country or of HTTP.
    let is_another = [
        "country", "area", "calling", "dialing", "status", "http", "zip", "promo",
    ]
    .iter()
    .any(|other| whose.ends_with(other));
    is_word && !is_another
}

fn is_digit(c: char) -> bool {
    c.is_ascii_digit()
}

#[cfg(test)]
mod tests;
