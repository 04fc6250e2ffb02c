//! Cells that name ways to reach a person by: `SMS & Email`, `jen e-mail`, `obojí`, `none`.

use super::answers::{NO_SIGNS, YES_SIGNS, chosen};
use crate::domain::fold;
use crate::domain::text::trimmed;
use crate::intake::words::{
    ALL_WAYS, BESIDE_WAYS, CALL_WAYS, EXCEPT, JOINS, List, MAIL_WAYS, MOBILE, NEGATIONS, NO, ONLY,
    OTHER_WAY, PHONE, TEXT_WAYS, YES,
};

/// A longer cell tells more than ways, in bytes.
const LONGEST: usize = 80;

/// The ways that a cell names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ways {
    /// Ours is one of them: `SMS a e-mail`, `obojí`, `telefon`.
    Ours,
    /// Others: `e-mail`.
    Others,
    /// The same, and ours are left out, or all are: `jen e-mail`, `e-mail ano, SMS ne`, `nic`.
    NotOurs,
}

/// The ways that a cell names, if it is made of their names and says nothing else.
pub(super) fn named(cell: &str) -> Option<Ways> {
    parse(cell)?.ways()
}

/// What a cell names; `None` if one of its words is not known, or may be about either of two ways.
fn parse(cell: &str) -> Option<Found> {
    let cell = trimmed(cell);
    if cell.len() > LONGEST || cell.contains('?') {
        return None;
    }
    let mut found = Found {
        none: cell == "[]",
        ..Found::default()
    };
    let chosen = chosen(cell);
    let text = chosen.as_deref().unwrap_or(cell);
    // `SMS/1, e-mail/0`.
    let text = text.replace("/1", " 1").replace("/0", " 0");
    for (clause, is_no) in with_signs(&text).unwrap_or_else(|| in_clauses(&text)) {
        let folded = fold::header(clause);
        if !folded.is_empty() {
            let mut words = read(&folded)?;
            words.extend(is_no.then_some(Word::Not));
            found.add(&words)?;
        }
    }
    Some(found)
}

/// The clauses of a text, by its punctuation. None is denied by a sign.
fn in_clauses(text: &str) -> Vec<(&str, bool)> {
    let clauses = text.split(|c| ",;/|()[]\n".contains(c));
    clauses.map(|clause| (clause, false)).collect()
}

/// The parts of a text with a sign before or behind each, and whether it denies: `SMS ✓ e-mail ✗`, `+SMS -email`.
fn with_signs(text: &str) -> Option<Vec<(&str, bool)>> {
    let signs: Vec<(usize, char)> = text
        .char_indices()
        .filter(|(at, sign)| is_sign(text, *at, *sign))
        .collect();
    let (first, _) = signs.first()?;
    let is_before = text.get(..*first)?.trim().is_empty();
    let parts = signs.iter().enumerate().map(|(place, (at, sign))| {
        let end = at + sign.len_utf8();
        let part = if is_before {
            let next = signs.get(place + 1).map_or(text.len(), |(next, _)| *next);
            text.get(end..next)
        } else {
            let last = place.checked_sub(1).and_then(|it| signs.get(it));
            let begin = last.map_or(0, |(at, sign)| at + sign.len_utf8());
            text.get(begin..*at)
        };
        let is_no = NO_SIGNS.contains(sign) || *sign == '-';
        Some((part?.trim_matches([',', ';', '/', '|', ' ']), is_no))
    });
    parts.collect()
}

/// Whether a sign in a text is a "yes" or a "no". A plus or a dash stands at one end of a word: that of `e-mail` does not.
fn is_sign(text: &str, at: usize, sign: char) -> bool {
    if sign != '+' && sign != '-' {
        return YES_SIGNS.contains(&sign) || NO_SIGNS.contains(&sign);
    }
    let is_letter = |it: Option<char>| it.is_some_and(char::is_alphanumeric);
    let before = text.get(..at).and_then(|it| it.chars().next_back());
    let behind = text.get(at + 1..).and_then(|it| it.chars().next());
    is_letter(before) != is_letter(behind)
}

/// Whether a text names a way, and does not say alone that there is none.
pub(in crate::intake) fn names_ways(cell: &str) -> bool {
    names(cell, &|_| true)
}

/// Whether a cell names our way by its name.
pub(super) fn names_text(cell: &str) -> bool {
    names(cell, &|way| way == Word::Text)
}

/// Whether a cell names ways, and such a one among them.
fn names(cell: &str, is_meant: &dyn Fn(Word) -> bool) -> bool {
    let found = parse(cell).filter(|it| it.ways().is_some());
    found.is_some_and(|it| it.named.iter().any(|(way, _)| is_meant(*way)))
}

/// What a word of such a cell says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Word {
    Text,
    Phone,
    Other,
    All,
    Not,
    Only,
    /// It changes nothing.
    Beside,
}

/// The words of a clause; `None` if one is not known.
fn read(folded: &str) -> Option<Vec<Word>> {
    let words: Vec<&str> = folded.split(' ').collect();
    let lists: [(&[List], Word); 7] = [
        (&[TEXT_WAYS], Word::Text),
        (&[MAIL_WAYS, CALL_WAYS, OTHER_WAY], Word::Other),
        (&[PHONE, MOBILE], Word::Phone),
        (&[ALL_WAYS], Word::All),
        (&[ONLY], Word::Only),
        (&[NEGATIONS, EXCEPT], Word::Not),
        (&[JOINS, BESIDE_WAYS], Word::Beside),
    ];
    let (mut found, mut at) = (Vec::new(), 0);
    while let Some(word) = words.get(at) {
        let rest = &words[at..];
        let length = |(lists, _): &&(&[List], Word)| {
            let lengths = lists.iter().map(|list| list.longest_at(rest));
            lengths.max().unwrap_or(0)
        };
        // The first of the longest ones.
        let longest = lists.iter().rev().max_by_key(length);
        let is_long = word.chars().count() > 1;
        let (count, read) = match longest.map(|it| (length(&it), it.1)) {
            Some((count, read)) if count > 0 => (count, read),
            _ if is_long && NO.has(word) => (1, Word::Not),
            _ if is_long && YES.has(word) || *word == "1" => (1, Word::Beside),
            _ if *word == "0" => (1, Word::Not),
            _ => return None,
        };
        found.push(read);
        at += count;
    }
    Some(found)
}

/// What the clauses of a cell name.
#[derive(Debug, Default)]
struct Found {
    /// Each way, and whether it is denied.
    named: Vec<(Word, bool)>,
    /// There are no others.
    only: bool,
    /// There is none at all.
    none: bool,
}

impl Found {
    /// Adds a clause: a word that denies is about the ways behind it, or the one before it. `None` if it may be either.
    fn add(&mut self, clause: &[Word]) -> Option<()> {
        let is_way = |word: Option<&Word>| {
            matches!(
                word,
                Some(Word::Text | Word::Phone | Word::Other | Word::All)
            )
        };
        let ways = clause.iter().filter(|it| is_way(Some(it))).count();
        let mut is_denied = false;
        for (at, word) in clause.iter().enumerate() {
            let before = at.checked_sub(1).and_then(|at| clause.get(at));
            let behind = clause.get(at + 1);
            match word {
                // `Not only by e-mail`, `e-mail ne SMS`.
                Word::Not if behind == Some(&Word::Only) => return None,
                Word::Not if is_way(before) && (is_way(behind) || ways > 1) => return None,
                Word::Not if ways == 0 => self.none = true,
                Word::Not => is_denied |= !is_way(before),
                Word::Only => self.only = true,
                Word::Beside => {}
                Word::Text | Word::Phone | Word::Other | Word::All => {
                    let is_denied = is_denied || ways == 1 && behind == Some(&Word::Not);
                    self.named.push((*word, is_denied));
                }
            }
        }
        Some(())
    }

    fn ways(&self) -> Option<Ways> {
        let has = |ways: &[Word], is_denied: bool| {
            let mut named = self.named.iter();
            named.any(|it| ways.contains(&it.0) && it.1 == is_denied)
        };
        let is_none = self.none || has(&[Word::All], true);
        let are_denied = has(&[Word::Text], true);
        if has(&[Word::Text], false) {
            // It contradicts itself where both stand.
            (!is_none && !are_denied).then_some(Ways::Ours)
        } else if are_denied || is_none {
            Some(Ways::NotOurs)
        } else if has(&[Word::Phone, Word::All], false) {
            Some(Ways::Ours)
        } else if has(&[Word::Other], false) {
            Some(if self.only {
                Ways::NotOurs
            } else {
                Ways::Others
            })
        } else {
            None
        }
    }
}
