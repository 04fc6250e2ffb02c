//! The columns that tell who may be messaged: found by their headers, read in each row.
//!
//! A "no" in any row of a list wins for its number, whatever other rows say. An empty cell is no "no". A cell that
//! is not understood is none to rely on: the row is held back, and the user can say that the column is to be
//! ignored.

mod answers;
mod beside;
mod channels;
mod codes;
mod column;
mod dates;
mod denials;
mod headers;
mod headings;
mod legend;
mod levels;
mod marks;
mod names;
mod number_column;
mod opposites;
mod pairs;
mod row;
mod says;
mod some;
mod stated;
mod unused;
mod ways;

use jiff::Timestamp;

use super::column::{Column, share_of_cells};
use super::words::{CALLING, MESSAGES, MOBILE, MUST_NOT, NO, PHONE, WRONG_NUMBER, YES, words};
use crate::domain::event::{OptOutWords, OptRequest};
use crate::domain::fold;
use crate::domain::text::trimmed;
use answers::{CellConsent, REFUSING_SIGNS, answers_no, answers_yes, has_negation};
use beside::with_neighbours;
use channels::Asked;
pub(super) use codes::{explains_codes, explains_codes_in_header, may_explain_codes};
pub(super) use column::ConsentColumn;
use column::LONGEST_REFUSAL;
pub(super) use column::Use;
pub(super) use headers::is_known as is_known_header;
pub(super) use headers::tells_consent;
use headers::{
    Meaning, by_whole_header, consent_and_matter, elsewhere, has_unknown_word, is_doubtful_refusal,
    is_matter_of_others, is_of_another_matter, meaning, names_channel, no_at_end,
};
pub(super) use headings::{is_word_for_nothing, may_head_refusals};
use legend::Legend;
pub(super) use levels::{are_one, first_unheard, goes_on, is_about_consent, is_part, is_way};
pub(super) use marks::names_mark;
pub(super) use names::{names_refusals, names_refusals_in_any_cell, names_refusing_sheet};
pub(super) use row::{Consent, Refusal, of_row};
pub(super) use says::ColumnKind;
use says::{is_answer, is_opt_out, says};
pub(super) use some::refuses_for_some;
use stated::stated;
pub(crate) use unused::UnusedAnswers;
pub(super) use unused::{find_unused_answers, noes_in};
pub(super) use ways::names_ways;

/// Finds the columns that tell who may be messaged. `rows` are the first rows.
pub(super) fn find(
    headers: &[String],
    rows: &[Vec<String>],
    taken: &[usize],
) -> Vec<ConsentColumn> {
    let pairs = pairs::find(headers);
    let columns = headers.iter().enumerate();
    let free = columns.filter(|(index, _)| !taken.contains(index));
    let found = free.filter_map(|(index, name)| {
        let column = Column {
            index,
            name: name.clone(),
        };
        let (legend, name) = Legend::of(name);
        let legend = legend.with(opposites::codes(&name, index, rows));
        let of_ways = channels::asked(&name, index, rows);
        let legend = match of_ways {
            Some(Asked::Which | Asked::WhichOfNewsletter) => legend.with_ways(),
            Some(Asked::PerhapsWhichNot) | None => legend,
        };
        let cells = Cells {
            index,
            rows,
            legend: &legend,
        };
        let of_pair = pairs.get(index).copied().flatten();
        let are_answers = || cells.share(|cell| !is_answer(cell)) < 0.5;
        let of_pair = of_pair.filter(|kind| kind.is_of_dates() || are_answers());
        let kind = match (of_pair, of_ways) {
            (Some(kind), _) => kind,
            (None, Some(Asked::Which)) => ColumnKind::Consent,
            (None, Some(Asked::PerhapsWhichNot)) => ColumnKind::Ambiguous,
            (None, Some(Asked::WhichOfNewsletter)) => ColumnKind::UnclearConsent,
            (None, None) => column_kind(&name, &cells)?,
        };
        let signs = unclear_signs(kind, &cells);
        let legend = legend.without(signs);
        Some(ConsentColumn {
            column,
            kind,
            legend,
            beside: Vec::new(),
        })
    });
    with_neighbours(without_others(found.collect()), headers, rows, taken)
}

/// The signs of a column of which nobody knows whether they are a "yes": beside another "yes", a cross may be the "no".
fn unclear_signs(kind: ColumnKind, cells: &Cells<'_>) -> &'static [&'static str] {
    let has = |sign: &str| cells.share(|cell| fold::header(cell) == sign) > 0.0;
    let is_cross = |cell: &str| cell == "☒" || fold::header(cell) == "x";
    let has_other_yes = || cells.share(|cell| answers_yes(cell) && !is_cross(cell)) > 0.0;
    if has("x") && has("o") {
        &["x", "o"]
    } else if has("i") && has("o") {
        &["i", "o"]
    } else if matches!(kind, ColumnKind::Consent | ColumnKind::ConsentDate) && has_other_yes() {
        &["x", "☒"]
    } else {
        &[]
    }
}

/// Where a column of its own says who may be messaged, one of calls is told, and so is that of the same consent to something
/// else (`Souhlas push` beside `Souhlas SMS`): they keep nobody out.
fn without_others(mut found: Vec<ConsentColumn>) -> Vec<ConsentColumn> {
    let may = |it: &ConsentColumn, names: &dyn Fn(&str) -> bool| {
        it.kind == ColumnKind::Consent && names(&words(&it.column.name))
    };
    let ours = found.iter();
    let ours = ours.filter(|it| may(it, &|name| MESSAGES.is_in(name)));
    let ours: Vec<String> = ours
        .map(|it| consent_and_matter(&it.column.name).0)
        .collect();
    let is_other = |it: &ConsentColumn| {
        let (consent, matter) = consent_and_matter(&it.column.name);
        it.kind.is_given() && ours.contains(&consent) && is_matter_of_others(&matter)
    };
    for it in &mut found {
        if !ours.is_empty() && may(it, &|name| CALLING.has(name)) || is_other(it) {
            it.kind = ColumnKind::UnclearConsent;
        }
    }
    found
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

/// The kind of a column, if it says who may be messaged.
fn column_kind(name: &str, cells: &Cells<'_>) -> Option<ColumnKind> {
    let name = &stated(name);
    // An empty column may say "no" further down.
    let is_empty = cells.share(|_| true) == 0.0;
    let by_whole = || by_whole_header(name).filter(|_| cells.share(answers_or_refuses) >= MOST);
    let Some(Meaning { kind, is_certain }) = meaning(name).or_else(by_whole) else {
        let in_words = || {
            refuses_in_words(name, cells) || opposites::are_unknown(name, cells.index, cells.rows)
        };
        // The other one of two answers need not be known.
        if (names_channel(name) || by_whole_header(name).is_some())
            && cells.share(answers_or_refuses) < 0.5
            && opposites::is_refusal_of_two(cells.index, cells.rows)
        {
            return Some(ColumnKind::OnlyNo);
        }
        let of_channel = of_channel(name, cells.share(answers_or_refuses), is_empty);
        return of_channel.or_else(|| in_words().then_some(ColumnKind::Consent));
    };
    let is_plain = matches!(kind, ColumnKind::Consent | ColumnKind::ConsentDate);
    if is_plain && has_unknown_word(name) && cells.share(is_answer) >= 0.5 {
        return Some(ColumnKind::Ambiguous);
    }
    // Whether a cell is a date does not depend on today's: by then all of them have come.
    let in_the_end = Some(Timestamp::MAX);
    let understood = |cell: &str| says(kind, cell, in_the_end) != CellConsent::NotUnderstood;
    let is_another = || cells.are_filled() && is_doubtful_refusal(name);
    if is_certain && !is_another() || is_empty || cells.share(understood) >= 0.5 {
        return Some(kind);
    }
    // A column with other cells may be about something else.
    match kind {
        ColumnKind::Consent | ColumnKind::ConsentDate | ColumnKind::ConsentFrom => {
            Some(ColumnKind::OnlyNo)
        }
        // What is not understood may be a day that is over.
        ColumnKind::ConsentUntil => Some(ColumnKind::ConsentUntil),
        ColumnKind::Refusal | ColumnKind::RefusalIfTicked(_) | ColumnKind::RefusalUntil => {
            Some(ColumnKind::UnclearRefusal)
        }
        ColumnKind::UnclearConsent
        | ColumnKind::UnclearRefusal
        | ColumnKind::Ambiguous
        | ColumnKind::OnlyNo
        | ColumnKind::LegalBasis
        | ColumnKind::ConsentDetail
        | ColumnKind::Status
        | ColumnKind::Preference
        | ColumnKind::PreferredChannel
        | ColumnKind::Remark
        | ColumnKind::Name
        | ColumnKind::Thing
        | ColumnKind::Other => None,
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
        let mut kind = elsewhere(name)?;
        // A thing of which each row says so is none: the keywords of those who opted out.
        if kind == ColumnKind::Thing && is_of_opt_outs(index, rows) {
            kind = ColumnKind::Other;
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
            kind,
            legend,
            beside: Vec::new(),
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

/// Whether a cell of whatever column says that the person must not be messaged, and nothing else.
pub(super) fn refuses_as_a_whole(cell: &str) -> bool {
    cell.len() <= LONGEST_REFUSAL && says(ColumnKind::Other, cell, None) == CellConsent::MustNot
}

/// The kind of a column that names a way to reach a person, if so many of its cells are answers.
fn of_channel(name: &str, answers: f64, is_empty: bool) -> Option<ColumnKind> {
    if !names_channel(name) {
        None
    } else if is_empty && MESSAGES.is_in(&words(name)) {
        Some(ColumnKind::OnlyNo)
    } else if answers < 0.5 {
        None
    } else if let Some(word) = no_at_end(&words(name)) {
        Some(ColumnKind::RefusalIfTicked(word))
    } else if has_negation(&words(name)) {
        Some(ColumnKind::Refusal)
    } else if has_unknown_word(name) {
        Some(ColumnKind::Ambiguous)
    } else {
        Some(ColumnKind::Consent)
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

/// Whether a cell is an answer, or a refusal with its date: `odvoláno 5.6.2025`.
fn answers_or_refuses(cell: &str) -> bool {
    is_answer(cell) || says(ColumnKind::Consent, cell, None) == CellConsent::MustNot
}

/// Whether a column whose header says nothing answers who may be messaged: of its answers, one is a refusal in words.
fn refuses_in_words(name: &str, cells: &Cells<'_>) -> bool {
    let is_plain_answer = |cell: &str| answers_yes(cell) || answers_no(cell);
    let refuses = |cell: &str| !is_plain_answer(cell) && refuses_as_a_whole(cell);
    !trimmed(name).is_empty()
        && elsewhere(name) == Some(ColumnKind::Other)
        && !is_of_another_matter(name)
        && cells.share(refuses) > 0.0
        && cells.share(answers_yes) > 0.0
        && cells.share(|cell| is_plain_answer(cell) || refuses(cell)) >= MOST
}

/// Whether the header of a column of numbers says so: `Do not call`, `STOP numbers`.
pub(super) fn is_refusing_header(name: &str) -> bool {
    meaning(name).is_some_and(|it| it.kind == ColumnKind::Refusal && it.is_certain)
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
    match says(ColumnKind::Remark, &words, None) {
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
