//! Columns of answers whose headers say nothing that is known: a "no" there may be a refusal, and keeps nobody out.

use serde::Serialize;

use super::answers::{CellConsent, answers_no, answers_yes};
use super::headers::is_of_another_matter;
use super::says::{ColumnKind, says};
use crate::domain::text::trimmed;
use crate::intake::column::{Column, column, share_of_cells};

/// More columns of answers are not counted.
const MOST_UNUSED: usize = 64;

/// The columns whose first cells are answers and nothing else, but for those that are known to be something else.
pub(in crate::intake) fn find_unused_answers(
    headers: &[String],
    rows: &[Vec<String>],
    without: &[usize],
) -> Vec<Column> {
    let columns = headers.iter().enumerate();
    let unknown = columns.filter(|(index, name)| {
        let is_named = !trimmed(name).is_empty();
        is_named && !without.contains(index) && !is_of_another_matter(name)
    });
    let of_answers = unknown.filter(|(index, _)| {
        let share = |holds: fn(&str) -> bool| share_of_cells(*index, rows, holds);
        share(answers_or_refuses) >= 1.0 && share(answers_yes) > 0.0
    });
    let columns = of_answers.map(|(index, _)| column(headers, index));
    columns.take(MOST_UNUSED).collect()
}

/// Whether a cell is an answer, or what may be a refusal in words.
fn answers_or_refuses(cell: &str) -> bool {
    answers_yes(cell)
        || answers_no(cell)
        || says(ColumnKind::Other, cell, None) != CellConsent::Nothing
}

/// A bit for each of these columns: whether a row says "no" in it.
pub(in crate::intake) fn noes_in<'a>(
    columns: &[Column],
    cell: impl Fn(usize) -> Option<&'a str>,
) -> u64 {
    let says_no = |column: &Column| cell(column.index).is_some_and(|it| answers_no(trimmed(it)));
    let columns = columns.iter().take(MOST_UNUSED).enumerate();
    columns
        .map(|(bit, column)| u64::from(says_no(column)) << bit)
        .sum()
}

/// A column of answers that keeps nobody out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct UnusedAnswers {
    /// Its header.
    pub column: String,
    /// Queued rows in which it says "no".
    pub no: u64,
}

impl UnusedAnswers {
    /// Before any row is counted.
    pub(in crate::intake) fn of(column: &Column) -> Self {
        Self {
            column: column.name.clone(),
            no: 0,
        }
    }
}
