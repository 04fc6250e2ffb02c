//! Columns whose cells name ways to reach a person by: they say by which ways their people may be reached, whatever the header.

use std::collections::BTreeSet;

use super::answers::{CellConsent, has_negation, may_deny};
use super::headers::{by_whole_header, is_another_matter, meaning, names_channel, words};
use super::says::{ColumnKind, says};
use super::ways::{Ways, named, names_text, names_ways};
use crate::domain::fold;
use crate::domain::text::trimmed;
use crate::intake::words::{
    FACT, LABELS, List, MOBILE, OF_A_THING, PHONE, WAYS_IN_HEADERS, WAYS_OF_SOMETHING_ELSE,
};

/// A column of more different cells is about something else.
const MOST_DIFFERENT: usize = 12;

/// What a column of ways to reach a person by says of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Asked {
    /// By which ways the person may be reached.
    Which,
    /// Its header has a word that may deny: nobody knows.
    PerhapsWhichNot,
    /// By which ways a person has a newsletter, if they have it.
    WhichOfNewsletter,
}

/// What a column says of the ways that its cells name, if they name ways, and who may be reached by them.
pub(super) fn asked(header: &str, index: usize, rows: &[Vec<String>]) -> Option<Asked> {
    let cells = rows.iter().filter_map(|row| row.get(index));
    let cells = cells.map(|it| trimmed(it)).filter(|it| !it.is_empty());
    let filled: Vec<&str> = cells.collect();
    let different: BTreeSet<String> = filled.iter().map(|it| fold::header(it)).collect();
    let is_understood = |cell: &&&str| named(cell).is_some() || is_answer(cell);
    let understood = filled.iter().filter(is_understood).count();
    if different.len() > MOST_DIFFERENT || understood * 2 < filled.len() {
        return None;
    }
    let is_one = |cell: &&str| names_ways(cell);
    let is_text = |cell: &&str| names_text(cell);
    // `Monday`, `by post`: another matter.
    let may_be_ours = |cell: &&str| named(cell) == Some(Ways::Ours) || is_answer(cell);
    let (are_ways, asked) = match subject(header)? {
        Subject::Ways => (filled.iter().any(is_one), Asked::Which),
        Subject::Contact => (
            filled.iter().any(is_one) && filled.iter().any(may_be_ours),
            Asked::Which,
        ),
        Subject::Newsletter if !filled.iter().any(is_text) => (
            filled.iter().any(is_one) && filled.iter().any(may_be_ours),
            Asked::WhichOfNewsletter,
        ),
        Subject::Newsletter | Subject::Unknown => (filled.iter().any(is_text), Asked::Which),
        Subject::UnknownDenied => (filled.iter().any(is_text), Asked::PerhapsWhichNot),
    };
    are_ways.then_some(asked)
}

fn is_answer(cell: &str) -> bool {
    says(ColumnKind::Consent, cell, None) != CellConsent::NotUnderstood
}

/// What a header asks below which cells may name ways.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Subject {
    /// By which ways a person may be reached.
    Ways,
    /// Who may be messaged.
    Contact,
    /// Who has the newsletter.
    Newsletter,
    /// Nobody knows.
    Unknown,
    /// The same, and it has a word that may deny.
    UnknownDenied,
}

/// What a header asks; `None` where ways below it are those of something else.
fn subject(header: &str) -> Option<Subject> {
    let folded = words(header);
    let is_of = |lists: &[List]| lists.iter().any(|list| list.is_in(&folded));
    match meaning(header).or_else(|| by_whole_header(header)) {
        Some(it) => match it.kind {
            ColumnKind::PreferredChannel => Some(Subject::Ways),
            ColumnKind::Consent => Some(Subject::Contact),
            ColumnKind::UnclearConsent => {
                (!is_another_matter(&folded)).then_some(Subject::Newsletter)
            }
            ColumnKind::ConsentDate
            | ColumnKind::ConsentFrom
            | ColumnKind::ConsentUntil
            | ColumnKind::Refusal
            | ColumnKind::RefusalIfTicked(_)
            | ColumnKind::RefusalUntil
            | ColumnKind::UnclearRefusal
            | ColumnKind::Ambiguous
            | ColumnKind::OnlyNo
            | ColumnKind::LegalBasis
            | ColumnKind::ConsentDetail
            | ColumnKind::Status
            | ColumnKind::Preference
            | ColumnKind::Remark
            | ColumnKind::Name
            | ColumnKind::Thing
            | ColumnKind::Other => None,
        },
        None if names_channel(header) => Some(Subject::Contact),
        None if is_of(&[WAYS_OF_SOMETHING_ELSE, FACT]) => None,
        // `Typ telefonu`.
        None if is_of(&[LABELS]) && is_of(&[PHONE, MOBILE]) => None,
        None if has_negation(&folded) || may_deny(&folded) => Some(Subject::UnknownDenied),
        None if is_of(&[WAYS_IN_HEADERS]) => Some(Subject::Ways),
        None if is_of(&[OF_A_THING]) => None,
        None => Some(Subject::Unknown),
    }
}
