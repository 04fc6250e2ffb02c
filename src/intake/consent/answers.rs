//! What a cell answers to the question of its header.

use super::denials::{TakenBack, taken_back};
use crate::domain::fold;
use crate::domain::text::trimmed;
use crate::intake::words::{
    BEGINS, BUT, CALLING, DENIES_NOTHING, FORBIDS, GIVEN, MAY, MAY_DENY, MAY_IN_ANY_COLUMN,
    MESSAGES, MOBILE, MUST_NOT, NEGATIONS, NO, NOTHING_KNOWN, OTHER_WAY, OUR_WAY, PERMITS, PHONE,
    REFUSALS, TIME, TIME_WORDS, UNTIL, YES,
};

/// What a cell says of the row's person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum CellConsent {
    Nothing,
    May,
    MustNot,
    NotUnderstood,
    /// A remark that has words of an opt-out among others: `Do not call before 9`.
    MayMeanNo,
}

/// What "yes" answers to the question of a header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Question {
    MayBeMessaged,
    MustNotBeMessaged,
}

impl Question {
    const fn answered(self, is_yes: bool) -> CellConsent {
        match (is_yes, self) {
            (true, Self::MayBeMessaged) | (false, Self::MustNotBeMessaged) => CellConsent::May,
            (true, Self::MustNotBeMessaged) | (false, Self::MayBeMessaged) => CellConsent::MustNot,
        }
    }
}

/// Signs by which nothing is allowed, whatever stands beside them.
pub(super) const REFUSING_SIGNS: [char; 5] = ['🛑', '🚫', '⛔', '📵', '†'];

/// Signs that are a "yes", and a "no".
pub(super) const YES_SIGNS: [char; 15] = [
    '✓', '✔', '☑', '☒', '✅', '√', '+', '＋', '➕', '👍', '👌', '🆗', '🙆', '🟢', '🗸',
];
pub(super) const NO_SIGNS: [char; 8] = ['✗', '✘', '☐', '❌', '✖', '👎', '🙅', '🔴'];
const DASHES: [char; 9] = ['-', '‐', '‑', '–', '—', '―', '−', '－', '➖'];

/// What a cell says that answers a question.
pub(super) fn answer(question: Question, cell: &str) -> CellConsent {
    if let Some(chosen) = chosen(cell) {
        return answer(question, &chosen);
    }
    if let Some(said) = by_signs(question, cell) {
        return said;
    }
    let answer = |is_yes| question.answered(is_yes);
    if let Some(is_yes) = answers_for_messages(cell) {
        return answer(is_yes);
    }
    let whole = cell.strip_suffix(".0").or_else(|| cell.strip_suffix(",0"));
    let folded = fold::header(whole.unwrap_or(cell));
    let first = folded.split(' ').next().unwrap_or("");
    let is_long = first.chars().count() > 1;
    // A sign that folding takes away.
    let is_asked = cell.contains('?') && question == Question::MayBeMessaged;
    if NOTHING_KNOWN.has(&folded) {
        CellConsent::Nothing
    } else if YES.has(&folded) && !is_asked {
        answer(true)
    } else if NO.has(&folded) {
        answer(false)
    } else if permits(question, &folded) {
        CellConsent::May
    } else if question == Question::MayBeMessaged && FORBIDS.has(&folded) {
        CellConsent::MustNot
    } else if MUST_NOT.is_in(&folded) || REFUSALS.is_in(&folded) {
        refusal(cell)
    } else if question == Question::MayBeMessaged && is_given(&folded) {
        CellConsent::May
    } else if MAY.is_in(&folded) {
        match question {
            _ if denies(&folded) && !has_question(&folded) => CellConsent::MustNot,
            Question::MayBeMessaged if denies(&folded) => CellConsent::NotUnderstood,
            Question::MayBeMessaged => CellConsent::May,
            Question::MustNotBeMessaged => CellConsent::NotUnderstood,
        }
    } else if YES.has(first) && is_long && question == Question::MayBeMessaged {
        if is_restricted(cell, &folded) {
            CellConsent::NotUnderstood
        } else {
            CellConsent::May
        }
    } else if YES.has(first) && is_long {
        answer(true)
    } else if NO.has(first) && is_long {
        answer(false)
    } else if taken_back(cell) == Some(TakenBack::Denied) {
        CellConsent::May
    } else {
        other(question, &folded)
    }
}

/// Whether a cell permits messages by words that mean something else among others.
fn permits(question: Question, folded: &str) -> bool {
    match question {
        Question::MayBeMessaged => PERMITS.has(folded),
        Question::MustNotBeMessaged => MAY_IN_ANY_COLUMN.has(folded),
    }
}

/// What a cell says that has the words of a refusal: `Not opted out` is none.
fn refusal(cell: &str) -> CellConsent {
    match taken_back(cell) {
        Some(TakenBack::Denied) => CellConsent::May,
        Some(TakenBack::PerhapsDenied | TakenBack::Ended) => CellConsent::NotUnderstood,
        None => CellConsent::MustNot,
    }
}

/// What a cell says that has signs in place of words, or nothing.
fn by_signs(question: Question, cell: &str) -> Option<CellConsent> {
    Some(match cell {
        "" | "{}" | "[]" => CellConsent::Nothing,
        "?" => unknown(question),
        // Where a "yes" is written, a dash is none; where a refusal is, it is none of these.
        _ if is_made_of(cell, &DASHES) => match question {
            Question::MayBeMessaged => CellConsent::MustNot,
            Question::MustNotBeMessaged => CellConsent::Nothing,
        },
        _ if is_made_of(cell, &YES_SIGNS) => question.answered(true),
        _ if is_made_of(cell, &NO_SIGNS) => question.answered(false),
        // Signs of the font Wingdings: a tick, a cross, and boxes with them. Of the box with a cross nobody knows.
        "ü" | "þ" => question.answered(true),
        "û" | "¨" => question.answered(false),
        "ý" => CellConsent::NotUnderstood,
        // What a spreadsheet shows where it could not find the answer.
        _ if is_error(cell) => CellConsent::NotUnderstood,
        _ if cell.contains(REFUSING_SIGNS) => CellConsent::MustNot,
        _ => return None,
    })
}

/// The answers of a cell that are ticked, where it has all of them with a box before or behind each: `☒ ano ☐ ne`.
pub(super) fn chosen(cell: &str) -> Option<String> {
    const BOXES: [char; 6] = ['☐', '□', '⬜', '☑', '☒', '✅'];
    if !cell.contains(['[', ']']) && !cell.contains(BOXES) {
        return None;
    }
    let cell = cell.replace("[ ]", "☐").replace("[x]", "☒");
    let cell = cell.replace("[X]", "☒");
    let boxes: Vec<char> = cell.chars().filter(|it| BOXES.contains(it)).collect();
    let texts: Vec<&str> = cell.split(BOXES).map(str::trim).collect();
    // What stands before the first box is its answer, or there is nothing.
    let texts = match &texts[..] {
        ["", behind @ ..] => behind,
        [before @ .., ""] => before,
        _ => return None,
    };
    let is_ticked = |sign: char| !BOXES[..3].contains(&sign);
    let all = boxes.iter().zip(texts);
    let ticked = all.filter(|(sign, _)| is_ticked(**sign));
    let ticked: Vec<&str> = ticked.map(|(_, text)| *text).collect();
    let are_named = boxes.len() > 1 && texts.iter().all(|text| !text.is_empty());
    are_named.then(|| ticked.join(", "))
}

/// Whether a cell says in one phrase that a consent was given, with its date or without.
fn is_given(folded: &str) -> bool {
    let is_of_date = |word: &&str| {
        word.bytes().all(|byte| byte.is_ascii_digit()) || TIME.has(word) || TIME_WORDS.has(word)
    };
    let core = || folded.split(' ').filter(|word| !is_of_date(word));
    GIVEN.has(folded) || GIVEN.has(&core().collect::<Vec<_>>().join(" "))
}

/// What a cell says that asks itself.
const fn unknown(question: Question) -> CellConsent {
    match question {
        Question::MayBeMessaged => CellConsent::NotUnderstood,
        Question::MustNotBeMessaged => CellConsent::Nothing,
    }
}

/// Whether a cell holds these signs and nothing else, in whatever colour.
fn is_made_of(cell: &str, signs: &[char]) -> bool {
    let is_colour =
        |sign: char| matches!(sign, '\u{fe0e}' | '\u{fe0f}' | '\u{1f3fb}'..='\u{1f3ff}');
    let mut written = cell.chars().filter(|sign| !is_colour(*sign)).peekable();
    written.peek().is_some() && written.all(|sign| signs.contains(&sign))
}

/// Whether a cell is a "yes" and nothing else, whatever was asked.
pub(super) fn answers_yes(cell: &str) -> bool {
    is_made_of(cell, &YES_SIGNS) || YES.has(&fold::header(cell))
}

/// Whether a cell is a "no" and nothing else.
pub(super) fn answers_no(cell: &str) -> bool {
    is_made_of(cell, &NO_SIGNS) || is_made_of(cell, &DASHES) || NO.has(&fold::header(cell))
}

/// What a cell answers for messages that answers for each way to reach a person: `SMS: yes, calls: no`. A "no" wins.
pub(super) fn answers_for_messages(cell: &str) -> Option<bool> {
    let is_set_off = |part: &str| part.contains([':', '=', '–']) || part.contains(" - ");
    if !is_set_off(cell) {
        return None;
    }
    let mut said = None;
    let parts = cell.split([',', ';', '/', '|', '\n']);
    for part in parts.filter(|part| !part.trim().is_empty()) {
        let answered = part.split_once([':', '=', '–']);
        let (way, answered) = answered.or_else(|| part.split_once(" - "))?;
        let (way, answered) = (fold::header(way), trimmed(answered));
        let is_yes = answers_yes(answered);
        if !is_yes && !answers_no(answered) {
            return None;
        }
        if MESSAGES.has(&way) {
            said = Some(is_yes && said.unwrap_or(true));
        } else if !is_way(&way) {
            return None;
        }
    }
    said
}

/// Whether a folded text is a way to reach a person.
pub(super) fn is_way(folded: &str) -> bool {
    let lists = [MESSAGES, CALLING, OTHER_WAY, OUR_WAY, PHONE, MOBILE];
    let joined = folded.replace(' ', "");
    lists
        .iter()
        .any(|list| list.has(folded) || list.has(&joined))
}

/// Whether a cell is an error of a spreadsheet: `#N/A`, `#REF!`.
pub(super) fn is_error(cell: &str) -> bool {
    cell.starts_with('#') && (cell.ends_with(['!', '?']) || ["#N/A", "#NV"].contains(&cell))
}

/// Whether a "yes" goes on with what may take it back: `yes, but only by e-mail`, `yes -> no`, `yes?`.
fn is_restricted(cell: &str, folded: &str) -> bool {
    let takes_back = |word: &str| {
        BUT.has(word) || NEGATIONS.has(word) || word.chars().count() > 1 && NO.has(word)
    };
    let is_of_other_way = OTHER_WAY.is_in(folded) && !OUR_WAY.is_in(folded);
    cell.contains('?') || is_of_other_way || folded.split(' ').skip(1).any(takes_back)
}

/// Whether a word turns the meaning of the text into its contrary. `Ano/ne` asks, and denies nothing.
pub(super) fn has_negation(folded: &str) -> bool {
    !has_question(folded) && NEGATIONS.is_in(folded)
}

/// Whether a cell has a word that denies, whatever stands beside it: `verbal no`, `Ich stimme nicht zu`.
pub(super) fn denies(folded: &str) -> bool {
    let has_digits = folded.contains(|c: char| c.is_ascii_digit());
    let words: Vec<&str> = folded.split(' ').collect();
    words.iter().enumerate().any(|(place, word)| {
        let next = words.get(place + 1).unwrap_or(&"");
        // `Form no. 12` counts, and the Mai of a date is no Italian "never".
        let is_other = place > 0 && *word == "no" && next.starts_with(|c: char| c.is_ascii_digit())
            || has_digits && TIME_WORDS.has(word);
        let is_no = NEGATIONS.has(word) || word.chars().count() > 1 && NO.has(word);
        is_no && !is_other
    })
}

/// Whether a word begins as those do that deny: `neposílejte`.
pub(super) fn may_deny(folded: &str) -> bool {
    let mut words = folded.split(' ');
    words.any(|word| MAY_DENY.has(word) && !DENIES_NOTHING.has(word))
}

/// Whether both answers stand in the text.
pub(super) fn has_question(folded: &str) -> bool {
    folded
        .split(' ')
        .any(|word| word.chars().count() > 1 && YES.has(word))
}

/// A cell that gives no answer: a time, or the ways that a refusal is about.
fn other(question: Question, folded: &str) -> CellConsent {
    let digits = folded.bytes().filter(u8::is_ascii_digit).count();
    let is_dated = digits >= 6 && folded.split(' ').count() >= 3;
    match question {
        Question::MayBeMessaged if is_time(folded, digits) => CellConsent::May,
        Question::MustNotBeMessaged
            if is_dated
                || OUR_WAY.is_in(folded)
                || folded
                    .split(' ')
                    .any(|word| ["all", "any", "everything"].contains(&word)) =>
        {
            CellConsent::MustNot
        }
        // `Email` in a column of refusals is about e-mail alone.
        Question::MustNotBeMessaged if OTHER_WAY.is_in(folded) || folded == "none" => {
            CellConsent::May
        }
        Question::MayBeMessaged | Question::MustNotBeMessaged => CellConsent::NotUnderstood,
    }
}

/// Whether a cell holds a time and nothing else: a word that is not known may be one of a refusal.
fn is_time(folded: &str, digits: usize) -> bool {
    let mut words = folded
        .split(|c: char| !c.is_alphabetic())
        .filter(|word| !word.is_empty());
    let has_date = digits >= 6 && folded.split(' ').count() >= 3;
    let has_month = digits >= 5 && words.clone().any(|word| TIME_WORDS.has(word));
    let lists = [TIME_WORDS, TIME, UNTIL, BEGINS];
    (has_date || has_month) && words.all(|word| lists.iter().any(|list| list.has(word)))
}
