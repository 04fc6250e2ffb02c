//! What a cell says of the row's person.

use jiff::Timestamp;

use crate::domain::fold;
use crate::domain::message_date;
use crate::domain::text::trimmed;
use crate::intake::words::{
    MAY, MAY_IN_ANY_COLUMN, MUST_NOT, NEGATIONS, NO, NOTHING_KNOWN, OPTED_OUT, OTHER_WAY, OUR_WAY,
    POLITE, REFUSALS, WEAK_REFUSALS, YES,
};

/// What "yes" means in a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::intake) enum YesMeaning {
    /// May be messaged: `Accepts SMS Marketing`.
    May,
    /// May be messaged, until the date that the cell holds: `Consent expires`.
    Until,
    /// Must not be messaged: `Do not contact`.
    MustNot,
    /// It is not certain: of `Active`, a "no" may mean that the person must not be messaged.
    Perhaps,
    /// It is no answer there: of a status and of tags, only the words of an opt-out count.
    Nothing,
    /// It is no answer there: of a remark, a whole one that asks for no messages counts.
    Remark,
}

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
enum Question {
    MayBeMessaged,
    MustNotBeMessaged,
}

/// What a cell says, where `yes` is what "yes" means. The end of a consent is compared with `now`.
pub(super) fn says(yes: YesMeaning, cell: &str, now: Option<Timestamp>) -> CellConsent {
    let cell = trimmed(cell);
    match yes {
        YesMeaning::Nothing => status(cell),
        YesMeaning::Remark => remark(cell),
        YesMeaning::May => answer(Question::MayBeMessaged, cell),
        YesMeaning::MustNot => answer(Question::MustNotBeMessaged, cell),
        YesMeaning::Until => until(cell, now),
        YesMeaning::Perhaps => match answer(Question::MayBeMessaged, cell) {
            CellConsent::MustNot => CellConsent::MayMeanNo,
            CellConsent::Nothing
            | CellConsent::May
            | CellConsent::NotUnderstood
            | CellConsent::MayMeanNo => CellConsent::Nothing,
        },
    }
}

/// Whether a consent that ends is over. A date that may be two counts as the earlier one.
fn until(cell: &str, now: Option<Timestamp>) -> CellConsent {
    match (message_date::earliest(cell), now) {
        (Some(end), Some(now)) if end < now => CellConsent::MustNot,
        (Some(_), Some(_)) => CellConsent::May,
        (Some(_), None) => CellConsent::NotUnderstood,
        // `1` is an answer, `31. prosince 2020` is a date that is not read: it may be over.
        (None, _) => match answer(Question::MayBeMessaged, cell) {
            CellConsent::May if has_year(cell) => CellConsent::NotUnderstood,
            said => said,
        },
    }
}

fn has_year(cell: &str) -> bool {
    cell.bytes().filter(u8::is_ascii_digit).count() >= 4
}

/// What a cell says that answers a question.
fn answer(question: Question, cell: &str) -> CellConsent {
    let answer = |is_yes: bool| match (is_yes, question) {
        (true, Question::MayBeMessaged) | (false, Question::MustNotBeMessaged) => CellConsent::May,
        (true, Question::MustNotBeMessaged) | (false, Question::MayBeMessaged) => {
            CellConsent::MustNot
        }
    };
    match cell {
        "" | "-" | "--" | "?" => return CellConsent::Nothing,
        "✓" | "✔" | "☑" | "☒" | "✅" | "✔️" => return answer(true),
        "✗" | "✘" | "☐" | "❌" | "✖" => return answer(false),
        _ => {}
    }
    let folded = fold::header(cell.strip_suffix(".0").unwrap_or(cell));
    let first = folded.split(' ').next().unwrap_or("");
    let is_long = first.chars().count() > 1;
    let denied = has_negation(&folded);
    if NOTHING_KNOWN.has(&folded) {
        CellConsent::Nothing
    } else if YES.has(&folded) {
        answer(true)
    } else if NO.has(&folded) {
        answer(false)
    } else if MUST_NOT.is_in(&folded) || REFUSALS.is_in(&folded) {
        CellConsent::MustNot
    } else if MAY.is_in(&folded) {
        match question {
            _ if denied => CellConsent::MustNot,
            Question::MayBeMessaged => CellConsent::May,
            Question::MustNotBeMessaged if MAY_IN_ANY_COLUMN.has(&folded) => CellConsent::May,
            Question::MustNotBeMessaged => CellConsent::NotUnderstood,
        }
    } else if YES.has(first) && is_long {
        answer(true)
    } else if NO.has(first) && is_long {
        answer(false)
    } else {
        other(question, &folded)
    }
}

/// Whether a word turns the meaning of the text into its contrary. `Ano/ne` asks, and denies nothing.
pub(super) fn has_negation(folded: &str) -> bool {
    let is_question = folded
        .split(' ')
        .any(|word| word.chars().count() > 1 && YES.has(word));
    !is_question && NEGATIONS.is_in(folded)
}

/// A cell that gives no answer: a time, or the ways that a refusal is about.
fn other(question: Question, folded: &str) -> CellConsent {
    let digits = folded.bytes().filter(u8::is_ascii_digit).count();
    let is_time = digits >= 6 && folded.split(' ').count() >= 3;
    match question {
        Question::MayBeMessaged if is_time => CellConsent::May,
        Question::MustNotBeMessaged
            if is_time
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

/// A status, or some tags.
fn status(cell: &str) -> CellConsent {
    let mut parts = cell.split([',', ';', '|', '/']);
    if parts.any(|part| OPTED_OUT.has(&fold::header(part))) {
        CellConsent::MustNot
    } else {
        CellConsent::Nothing
    }
}

/// What a remark says. It was written for people: only one that is a refusal and nothing else is certain.
fn remark(cell: &str) -> CellConsent {
    let folded = fold::header(cell);
    let words = folded.split(' ').filter(|word| !POLITE.has(word));
    let core: Vec<&str> = words.collect();
    let core = core.join(" ");
    let lists = [REFUSALS, OPTED_OUT, WEAK_REFUSALS];
    if lists
        .iter()
        .any(|list| list.has(&folded) || list.has(&core))
    {
        CellConsent::MustNot
    } else if lists[..2].iter().any(|list| list.is_in(&folded)) {
        CellConsent::MayMeanNo
    } else {
        CellConsent::Nothing
    }
}
