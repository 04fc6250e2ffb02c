//! What the table says about a text.

use super::meaning::Means;
use super::table::{BROAD, Code, FAILED, LINES, Line, NARROW};
use super::wording::{fold, holds};

/// What the table says about a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Reading {
    pub(crate) means: Means,
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
    let of_line = |line: &Line, clear| Reading {
        means: line.means,
        what: line.what,
        todo: line.todo,
        clear,
        coded,
    };
    let matching = |patterns: &[&str]| patterns.iter().any(|pattern| holds(&text, pattern));
    let by_subcode = || {
        let mut lines = LINES.iter();
        lines.find(|line| numbers.iter().any(|code| line.subcodes.contains(code)))
    };
    let documented = || LINES.iter().find(|line| matching(line.documented));
    let alike = || LINES.iter().find(|line| matching(line.alike));
    by_subcode()
        .or_else(documented)
        .map(|line| of_line(line, true))
        .or_else(|| of_code(NARROW, &numbers))
        .or_else(|| alike().map(|line| of_line(line, coded)))
        .or_else(|| of_code(BROAD, &numbers))
}

/// Reads why a message that was accepted could not be delivered: `code` is the event's own.
pub(crate) fn read_failure(code: Option<u32>, text: &str) -> Option<Reading> {
    let Some(code) = code else { return read(text) };
    of_code(FAILED, &[code]).or_else(|| read(&format!("(#{code}) {text}")))
}

fn of_code(table: &[Code], codes: &[u32]) -> Option<Reading> {
    let covers = |line: &&Code| {
        let (from, to) = line.codes;
        codes.iter().any(|code| (from..=to).contains(code))
    };
    table.iter().find(covers).map(|line| Reading {
        means: line.means,
        what: line.what,
        todo: line.todo,
        clear: true,
        coded: true,
    })
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
        let is_subcode = LINES.iter().any(|line| line.subcodes.contains(&code));
        let alone = !before.ends_with(|c: char| c.is_alphanumeric() || c == '+');
        if is_called_code(before) || is_subcode && alone {
            found.push(code);
        }
    }
    found
}

/// Whether what stands before a number calls it the platform's code.
fn is_called_code(before: &str) -> bool {
    let before = before.trim_end_matches([' ', ':', '=', '"', '\'']);
    if before.ends_with('#') {
        return true;
    }
    let Some(whose) = before.strip_suffix("code") else {
        return false;
    };
    let whose = whose.trim_end();
    // Of a country or of HTTP.
    ![
        "country", "area", "calling", "dialing", "status", "http", "zip",
    ]
    .iter()
    .any(|other| whose.ends_with(other))
}

fn is_digit(c: char) -> bool {
    c.is_ascii_digit()
}

#[cfg(test)]
mod tests;
