//! The columns beside one of consent, to which a comma too many in a row moves its answer.

use super::column::{ConsentColumn, Use};
use super::headers::elsewhere;
use super::says::{ColumnKind, is_answer};
use crate::domain::text::trimmed;
use crate::intake::column::share_of_cells;

/// With the columns beside each in which an answer would be a slip.
pub(super) fn with_neighbours(
    mut found: Vec<ConsentColumn>,
    headers: &[String],
    rows: &[Vec<String>],
    taken: &[usize],
) -> Vec<ConsentColumn> {
    let asks = |index: usize| {
        let mut columns = found.iter().filter(|it| it.column.index == index);
        columns.any(|it| it.use_of() != Use::OptOuts)
    };
    // Codes are no answers: the `NE` of Nebraska, the `F` of a woman.
    let is_short = |cell: &str| is_answer(cell) || cell.chars().count() <= 2;
    let is_free = |index: &usize| {
        !taken.contains(index)
            && !asks(*index)
            && headers
                .get(*index)
                .is_some_and(|it| !matches!(elsewhere(it), None | Some(ColumnKind::Name)))
    };
    let others: Vec<usize> = (0..headers.len()).filter(is_free).collect();
    for it in &mut found {
        let at = it.column.index;
        // Where its own cell is empty, an answer beside it may be its own.
        let has_own = |row: &&Vec<String>| row.get(at).is_some_and(|it| !trimmed(it).is_empty());
        let with_own: Vec<Vec<String>> = rows.iter().filter(has_own).cloned().collect();
        let rows = if with_own.is_empty() { rows } else { &with_own };
        let is_beside = |index: &&usize| {
            index.abs_diff(at) == 1 && share_of_cells(**index, rows, is_short) < 0.5
        };
        it.beside = others.iter().filter(is_beside).copied().collect();
    }
    found
}
