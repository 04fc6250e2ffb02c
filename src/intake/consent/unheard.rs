//! Columns of answers whose headers say nothing that is known: a "no" there may be one to messages, and nobody hears it.

use super::answers::{answers_no, answers_yes};
use super::headers::is_of_another_matter;
use crate::domain::text::trimmed;
use crate::intake::column::{Column, column, share_of_cells};

/// More columns of answers are not counted.
pub(in crate::intake) const MOST_UNHEARD: usize = 64;

/// The columns whose first cells are answers and nothing else, but for those that are known to be something else.
pub(in crate::intake) fn find_unheard(
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
        share(|cell| answers_yes(cell) || answers_no(cell)) >= 1.0 && share(answers_yes) > 0.0
    });
    let columns = of_answers.map(|(index, _)| column(headers, index));
    columns.take(MOST_UNHEARD).collect()
}

/// Whether a cell of such a column answers "no".
pub(in crate::intake) fn is_unheard_no(cell: &str) -> bool {
    answers_no(trimmed(cell))
}
