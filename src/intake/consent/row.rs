//! What the columns of a row say together of its person.

use jiff::Timestamp;

use super::answers::CellConsent;
use super::column::{ConsentColumn, Use};
use crate::domain::recipient::ListAnswer;
use crate::domain::text::trimmed;

/// What the columns of a row say together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::intake) enum Consent {
    /// There is no such column, or one says that the person may be messaged and none that not.
    Given,
    /// All cells are empty.
    Silent,
    /// A column says that the person must not be messaged, or is not understood.
    Refused(Refusal),
    /// No column says so, but a remark may mean it: which, and what it says.
    Doubtful(String),
}

/// Why the list itself keeps a person out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::intake) struct Refusal {
    pub(in crate::intake) answer: ListAnswer,
    /// Which column, and what it says.
    pub(in crate::intake) says: String,
}

impl Refusal {
    pub(in crate::intake) const fn no(says: String) -> Self {
        let answer = ListAnswer::No;
        Self { answer, says }
    }

    /// What a column says that is not understood.
    pub(in crate::intake) fn not_understood(says: &str) -> Self {
        Self {
            answer: ListAnswer::NotUnderstood,
            says: format!("{says}, which is not understood as consent"),
        }
    }
}

impl Consent {
    /// What a remark says that may mean a "no".
    pub(in crate::intake) fn doubt(self) -> Option<String> {
        match self {
            Self::Doubtful(says) => Some(says),
            Self::Given | Self::Silent | Self::Refused(_) => None,
        }
    }
}

/// What the columns of a row say together, and other cells of it that may refuse. A "no" wins.
pub(in crate::intake) fn of_row<'a, 'c>(
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
    let (mut doubt, mut not_understood) = (None, None);
    for it in columns.iter().chain(elsewhere) {
        let at = |index: usize| trimmed(cell(index).unwrap_or(""));
        let cell = at(it.column.index);
        if let Some(beside) = it
            .beside
            .iter()
            .find(|index| it.is_moved(cell, at(**index)))
        {
            let says = || {
                format!(
                    "\"{}\" says \"{cell}\", and beside it stands \"{}\"",
                    it.column.name,
                    at(*beside)
                )
            };
            not_understood.get_or_insert_with(says);
        }
        let shown = || {
            let shown: String = cell.chars().take(40).collect();
            format!("\"{}\" says \"{shown}\"", it.column.name)
        };
        match it.says(cell, now) {
            CellConsent::Nothing => {}
            CellConsent::May => silent = false,
            CellConsent::MustNot => return Consent::Refused(Refusal::no(shown())),
            CellConsent::MayMeanNo => {
                doubt.get_or_insert_with(shown);
            }
            CellConsent::NotUnderstood => {
                not_understood.get_or_insert_with(shown);
            }
        }
    }
    match (not_understood, doubt) {
        (Some(shown), _) => Consent::Refused(Refusal::not_understood(&shown)),
        (None, Some(doubt)) => Consent::Doubtful(doubt),
        (None, None) if silent => Consent::Silent,
        (None, None) => Consent::Given,
    }
}
