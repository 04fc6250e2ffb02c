//! A column of the input, and what its first cells hold.

use serde::Serialize;

use crate::domain::row_cells::column_name;
use crate::domain::text::trimmed;

/// A column of the input.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Column {
    /// Index among [`super::Input::headers`].
    pub index: usize,
    /// The header.
    pub name: String,
}

/// The column at that place.
pub(super) fn column(headers: &[String], index: usize) -> Column {
    let name = column_name(headers, index);
    Column { index, name }
}

/// The share of the filled cells of a column for which `holds` is true; 0 without any.
pub(super) fn share_of_cells(
    index: usize,
    rows: &[Vec<String>],
    holds: impl Fn(&str) -> bool,
) -> f64 {
    let cells = rows.iter().filter_map(|row| row.get(index));
    let filled: Vec<&str> = cells
        .map(|cell| trimmed(cell))
        .filter(|cell| !cell.is_empty())
        .collect();
    let held = filled.iter().filter(|cell| holds(cell)).count();
    held as f64 / filled.len().max(1) as f64
}
