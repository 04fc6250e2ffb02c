//! The columns that tell who may be messaged: found by their headers, read in each row.
//!
//! A "no" in any row of a list wins for its number, whatever other rows say. An empty cell is no "no". A cell that
//! is not understood is none to rely on: the row is held back, and the user can say that the column is to be
//! ignored.

mod answers;
mod dates;
mod headers;
mod legend;
mod names;
mod says;
mod unheard;

use std::collections::HashSet;
use std::sync::LazyLock;

use jiff::Timestamp;
use serde::Serialize;

use super::column::{Column, share_of_cells};
use super::words::{
    DOUBTFUL_STATUS, IN_ANY_CELL, MESSAGES, MOBILE, MUST_NOT, NO, NO_CONTACT, OPTED_OUT, PHONE,
    WRONG_NUMBER, YES, words,
};
use crate::domain::event::{OptOutWords, OptRequest};
use crate::domain::fold;
use crate::domain::text::trimmed;
use crate::domain::word_list::{Beginnings, WordList};
pub(super) use answers::is_not_understood;
use answers::{CellConsent, NOT_UNDERSTOOD, REFUSING_SIGNS, answers_no, answers_yes, has_negation};
pub(super) use headers::is_known as is_known_header;
pub(super) use headers::tells_consent;
use headers::{
    Meaning, asks_with_no, asks_with_yes, by_whole_header, elsewhere, has_unknown_word,
    is_doubtful_refusal, is_of_another_matter, meaning, names_channel, no_at_end,
};
use legend::Legend;
pub(super) use names::{names_refusals, names_refusals_in_any_cell};
pub(super) use says::YesMeaning;
use says::{is_opt_out, says};
pub(crate) use unheard::Unheard;
pub(super) use unheard::{find_unheard, unheard_noes};

/// A column that says who may be messaged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ConsentColumn {
    /// The column.
    #[serde(flatten)]
    pub column: Column,
    /// What "yes" means in it.
    #[serde(skip)]
    pub(super) yes: YesMeaning,
    /// What its header says of its cells.
    #[serde(skip)]
    legend: Legend,
}

impl ConsentColumn {
    /// What a cell of the column says.
    fn says(&self, cell: &str, now: Option<Timestamp>) -> CellConsent {
        says(self.yes, self.legend.read(trimmed(cell)), now)
    }

    /// Whether it says something where it is empty, too: a column of remarks says nothing then.
    pub fn says_when_empty(&self) -> bool {
        match self.use_of() {
            Use::Consent
            | Use::ConsentThatBegins
            | Use::ConsentThatEnds
            | Use::RefusalThatEnds
            | Use::Refusals => true,
            Use::OptOuts | Use::Unclear => false,
        }
    }

    /// What is done by the column, as the beginning of a line.
    pub(super) fn use_of(&self) -> Use {
        match self.yes {
            YesMeaning::May
            | YesMeaning::Given
            | YesMeaning::MustNot
            | YesMeaning::MustNotIfTicked(_)
            | YesMeaning::Either => Use::Consent,
            YesMeaning::From => Use::ConsentThatBegins,
            YesMeaning::Until => Use::ConsentThatEnds,
            YesMeaning::MustNotUntil => Use::RefusalThatEnds,
            YesMeaning::OnlyNo => Use::Refusals,
            YesMeaning::Nothing
            | YesMeaning::Preference
            | YesMeaning::Basis
            | YesMeaning::Beside
            | YesMeaning::Remark
            | YesMeaning::Name
            | YesMeaning::Thing
            | YesMeaning::Anything => Use::OptOuts,
            YesMeaning::Perhaps | YesMeaning::PerhapsNot => Use::Unclear,
        }
    }
}

/// What is done by a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Use {
    /// It says who may be messaged.
    Consent,
    /// It says from when on.
    ConsentThatBegins,
    /// It says until when.
    ConsentThatEnds,
    /// It says until when a person must not be messaged.
    RefusalThatEnds,
    /// It is about consent, and most of its cells are no answers.
    Refusals,
    /// A status, tags or remarks: they say nothing of consent but in the words of an opt-out.
    OptOuts,
    /// It may say so, and is not relied on.
    Unclear,
}

impl Use {
    pub(super) const ALL: [Self; 7] = [
        Self::Consent,
        Self::ConsentThatBegins,
        Self::ConsentThatEnds,
        Self::RefusalThatEnds,
        Self::Refusals,
        Self::OptOuts,
        Self::Unclear,
    ];

    /// In words, before the columns.
    pub(super) fn words(self) -> &'static str {
        match self {
            Self::Consent => "consent",
            Self::ConsentThatBegins => "consent from the date in it on",
            Self::ConsentThatEnds => "consent until the date in it, left out from then on",
            Self::RefusalThatEnds => "left out until the date in it",
            Self::Refusals => {
                "left out where it says \"no\", and its other cells are ignored, because most are not understood as consent"
            }
            Self::OptOuts => "left out where it says \"unsubscribed\" or the like",
            Self::Unclear => "messaged whatever it says, because that may not be about messages",
        }
    }
}

/// Finds the columns that tell who may be messaged. `rows` are the first rows.
pub(super) fn find(
    headers: &[String],
    rows: &[Vec<String>],
    taken: &[usize],
) -> Vec<ConsentColumn> {
    let asked_with_yes: HashSet<String> =
        headers.iter().filter_map(|it| asks_with_yes(it)).collect();
    let columns = headers.iter().enumerate();
    let free = columns.filter(|(index, _)| !taken.contains(index));
    free.filter_map(|(index, name)| {
        let column = Column {
            index,
            name: name.clone(),
        };
        let no = asks_with_no(name).filter(|(asked, _)| asked_with_yes.contains(asked));
        let (legend, name) = Legend::of(name);
        let cells = Cells {
            index,
            rows,
            legend: &legend,
        };
        let yes = match no {
            Some((_, word)) if cells.share(|cell| !is_answer(cell)) < 0.5 => {
                YesMeaning::MustNotIfTicked(word)
            }
            Some(_) | None => yes_meaning(&name, &cells)?,
        };
        let has = |sign: &str| cells.share(|cell| fold::header(cell) == sign) > 0.0;
        let has_noughts = has("x") && has("o");
        let legend = if has_noughts {
            legend.with_noughts()
        } else {
            legend
        };
        Some(ConsentColumn {
            column,
            yes,
            legend,
        })
    })
    .collect()
}

/// The cells of a column, as its header says that they are read.
struct Cells<'a> {
    index: usize,
    rows: &'a [Vec<String>],
    legend: &'a Legend,
}

impl Cells<'_> {
    /// Whether nearly each of several rows has a cell.
    fn are_filled(&self) -> bool {
        let cells = self.rows.iter().filter_map(|row| row.get(self.index));
        let filled = cells.filter(|cell| !trimmed(cell).is_empty()).count();
        filled > 1 && filled as f64 >= MOST * self.rows.len() as f64
    }

    /// The share of the filled cells for which `holds` is true; 0 without any.
    fn share(&self, holds: impl Fn(&str) -> bool) -> f64 {
        share_of_cells(self.index, self.rows, |cell| holds(self.legend.read(cell)))
    }
}

/// The share of a column's cells that are answers, from which on a word that may be about something else is a question.
const MOST: f64 = 0.8;

/// What "yes" means in a column, if it tells who may be messaged.
fn yes_meaning(name: &str, cells: &Cells<'_>) -> Option<YesMeaning> {
    // An empty column may say "no" further down.
    let is_empty = cells.share(|_| true) == 0.0;
    let by_whole = || by_whole_header(name).filter(|_| cells.share(is_answer) >= MOST);
    let Some(Meaning { yes, is_certain }) = meaning(name).or_else(by_whole) else {
        let in_words = || refuses_in_words(name, cells).then_some(YesMeaning::May);
        return of_channel(name, cells.share(is_answer), is_empty).or_else(in_words);
    };
    let is_plain = matches!(yes, YesMeaning::May | YesMeaning::Given);
    if is_plain && has_unknown_word(name) && cells.share(is_answer) >= 0.5 {
        return Some(YesMeaning::Either);
    }
    // Whether a cell is a date does not depend on today's: by then all of them have come.
    let in_the_end = Some(Timestamp::MAX);
    let understood = |cell: &str| says(yes, cell, in_the_end) != CellConsent::NotUnderstood;
    let is_another = || cells.are_filled() && is_doubtful_refusal(name);
    if is_certain && !is_another() || is_empty || cells.share(understood) >= 0.5 {
        return Some(yes);
    }
    // A column with other cells may be about something else.
    match yes {
        YesMeaning::May | YesMeaning::Given | YesMeaning::From | YesMeaning::Until => {
            Some(YesMeaning::OnlyNo)
        }
        YesMeaning::MustNot | YesMeaning::MustNotIfTicked(_) | YesMeaning::MustNotUntil => {
            Some(YesMeaning::PerhapsNot)
        }
        YesMeaning::Perhaps
        | YesMeaning::PerhapsNot
        | YesMeaning::Either
        | YesMeaning::OnlyNo
        | YesMeaning::Basis
        | YesMeaning::Beside
        | YesMeaning::Nothing
        | YesMeaning::Preference
        | YesMeaning::Remark
        | YesMeaning::Name
        | YesMeaning::Thing
        | YesMeaning::Anything => None,
    }
}

/// The other columns in which a refusal is heard, but for those that are known to be something else.
pub(super) fn find_elsewhere(
    headers: &[String],
    rows: &[Vec<String>],
    without: &[usize],
) -> Vec<ConsentColumn> {
    let columns = headers.iter().enumerate();
    let free = columns.filter(|(index, _)| !without.contains(index));
    free.filter_map(|(index, name)| {
        let mut yes = elsewhere(name)?;
        // A thing of which each row says so is none: the keywords of those who opted out.
        if yes == YesMeaning::Thing && is_of_opt_outs(index, rows) {
            yes = YesMeaning::Anything;
        }
        let name = if trimmed(name).is_empty() {
            format!("column {}", index + 1)
        } else {
            name.clone()
        };
        let column = Column { index, name };
        let legend = Legend::default();
        Some(ConsentColumn {
            column,
            yes,
            legend,
        })
    })
    .collect()
}

/// Whether each of several rows has the same cell, which is that of a person who opted out.
fn is_of_opt_outs(index: usize, rows: &[Vec<String>]) -> bool {
    let legend = &Legend::default();
    let cells = Cells {
        index,
        rows,
        legend,
    };
    cells.are_filled() && cells.share(is_opt_out) >= 1.0
}

/// A longer cell is no refusal as a whole.
const LONGEST_REFUSAL: usize = 60;

impl ConsentColumn {
    /// Whether a cell of a column that says nothing of consent is to be looked at: most are not.
    pub(super) fn may_refuse(&self, cell: &[u8]) -> bool {
        static IN_ANY: LazyLock<Beginnings> =
            LazyLock::new(|| WordList::beginnings(&[&IN_ANY_CELL]));
        static WHOLE: LazyLock<Beginnings> =
            LazyLock::new(|| WordList::beginnings(&[&OPTED_OUT, &NO_CONTACT, &DOUBTFUL_STATUS]));
        IN_ANY.may_be_in(cell)
            || self.yes == YesMeaning::Name && WHOLE.may_be_in(cell)
            || self.yes == YesMeaning::Anything
                && cell.len() <= LONGEST_REFUSAL
                && WHOLE.may_begin(cell)
    }
}

/// Whether a cell of whatever column says that the person must not be messaged, and nothing else.
pub(super) fn refuses_as_a_whole(cell: &str) -> bool {
    cell.len() <= LONGEST_REFUSAL && says(YesMeaning::Anything, cell, None) == CellConsent::MustNot
}

/// What "yes" means in a column that names a way to reach a person, if so many of its cells are answers.
fn of_channel(name: &str, answers: f64, is_empty: bool) -> Option<YesMeaning> {
    if !names_channel(name) {
        None
    } else if is_empty && MESSAGES.is_in(&words(name)) {
        Some(YesMeaning::OnlyNo)
    } else if answers < 0.5 {
        None
    } else if let Some(word) = no_at_end(&words(name)) {
        Some(YesMeaning::MustNotIfTicked(word))
    } else if has_negation(&words(name)) {
        Some(YesMeaning::MustNot)
    } else if has_unknown_word(name) {
        Some(YesMeaning::Either)
    } else {
        Some(YesMeaning::May)
    }
}

/// Whether the cells of a column are answers, and none is a number: then it holds no phones, whatever its header.
pub(super) fn are_answers(index: usize, rows: &[Vec<String>]) -> bool {
    share_of_cells(index, rows, is_answer) >= 1.0
}

/// Whether all cells of a column are a "yes" or a "no" in words.
pub(super) fn are_words_of_answer(index: usize, rows: &[Vec<String>]) -> bool {
    share_of_cells(index, rows, |cell| {
        let folded = fold::header(cell);
        let is_word = folded.chars().count() > 1 && folded.chars().all(char::is_alphabetic);
        is_word && (YES.has(&folded) || NO.has(&folded))
    }) >= 1.0
}

fn is_answer(cell: &str) -> bool {
    let digits = cell.bytes().filter(u8::is_ascii_digit).count();
    digits < 5 && says(YesMeaning::May, cell, None) != CellConsent::NotUnderstood
}

/// What the columns of a row say together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Consent {
    /// There is no such column, or one says that the person may be messaged and none that not.
    Given,
    /// All cells are empty.
    Silent,
    /// A column says that the person must not be messaged, or is not understood: which, and what it says.
    Refused(String),
    /// No column says so, but a remark may mean it: which, and what it says.
    Doubtful(String),
}

impl Consent {
    /// What a remark says that may mean a "no".
    pub(super) fn doubt(self) -> Option<String> {
        match self {
            Self::Doubtful(says) => Some(says),
            Self::Given | Self::Silent | Self::Refused(_) => None,
        }
    }
}

/// What the columns of a row say together, and other cells of it that may refuse. A "no" wins.
pub(super) fn of_row<'a, 'c>(
    columns: &'c [ConsentColumn],
    elsewhere: impl Iterator<Item = &'c ConsentColumn>,
    cell: impl Fn(usize) -> Option<&'a str>,
    now: Option<Timestamp>,
) -> Consent {
    let asks = |column: &ConsentColumn| match column.use_of() {
        Use::Consent | Use::ConsentThatBegins | Use::ConsentThatEnds | Use::RefusalThatEnds => true,
        Use::Refusals | Use::OptOuts | Use::Unclear => false,
    };
    let mut silent = columns.iter().any(asks);
    let mut doubt = None;
    for it in columns.iter().chain(elsewhere) {
        let column = &it.column;
        let cell = trimmed(cell(column.index).unwrap_or(""));
        let shown: String = cell.chars().take(40).collect();
        match it.says(cell, now) {
            CellConsent::Nothing => {}
            CellConsent::May => silent = false,
            CellConsent::MustNot => {
                return Consent::Refused(format!("\"{}\" says \"{shown}\"", column.name));
            }
            CellConsent::MayMeanNo => {
                doubt.get_or_insert_with(|| format!("\"{}\" says \"{shown}\"", column.name));
            }
            CellConsent::NotUnderstood => {
                return Consent::Refused(format!(
                    "\"{}\" says \"{shown}\", {NOT_UNDERSTOOD}",
                    column.name
                ));
            }
        }
    }
    match doubt {
        Some(doubt) => Consent::Doubtful(doubt),
        None if silent => Consent::Silent,
        None => Consent::Given,
    }
}

/// Whether a column whose header says nothing answers who may be messaged: of its answers, one is a refusal in words.
fn refuses_in_words(name: &str, cells: &Cells<'_>) -> bool {
    let is_plain_answer = |cell: &str| answers_yes(cell) || answers_no(cell);
    let refuses = |cell: &str| !is_plain_answer(cell) && refuses_as_a_whole(cell);
    !trimmed(name).is_empty()
        && elsewhere(name) == Some(YesMeaning::Anything)
        && !is_of_another_matter(name)
        && cells.share(refuses) > 0.0
        && cells.share(answers_yes) > 0.0
        && cells.share(|cell| is_plain_answer(cell) || refuses(cell)) >= MOST
}

/// Whether the header of a column of numbers says so: `Do not call`, `STOP numbers`.
pub(super) fn is_refusing_header(name: &str) -> bool {
    meaning(name).is_some_and(|it| it.yes == YesMeaning::MustNot && it.is_certain)
        || names_refusals(name)
}

/// Whether the words beside the number of a cell ask for no message, or say that the number is wrong. What may mean it
/// counts too.
pub(super) fn is_refusal_beside_number(cell: &str) -> bool {
    // Most cells hold a number and nothing else.
    if cell
        .bytes()
        .all(|byte| byte.is_ascii() && !byte.is_ascii_alphabetic())
    {
        return false;
    }
    if cell.contains(REFUSING_SIGNS) || cell.contains('❌') {
        return true;
    }
    let of_link = |token: &&str| token.contains("://") || token.contains('@');
    let tokens: Vec<&str> = cell
        .split_whitespace()
        .filter(|token| !of_link(token))
        .collect();
    let words = tokens.join(" ");
    let words = words.replace(|c: char| c.is_ascii_digit() || c == '+', " ");
    if !words.contains(char::is_alphabetic) {
        return false;
    }
    let folded = fold::header(&words);
    let is_label = |word: &str| PHONE.has(word) || MOBILE.has(word);
    if folded.split(' ').all(is_label) {
        return false;
    }
    if MUST_NOT.is_in(&folded) || WRONG_NUMBER.is_in(&folded) {
        return true;
    }
    match says(YesMeaning::Remark, &words, None) {
        CellConsent::MustNot | CellConsent::MayMeanNo => true,
        CellConsent::Nothing | CellConsent::May | CellConsent::NotUnderstood => {
            OptOutWords::default().wish(&words) != OptRequest::None
        }
    }
}

/// Whether such words are about the number and not about its person: `wrong number`.
pub(super) fn is_about_number_alone(cell: &str) -> bool {
    WRONG_NUMBER.is_in(&fold::header(cell))
}

#[cfg(test)]
mod tests;
