//! A column of the input, and what its first cells hold.

use serde::Serialize;

use crate::domain::fold;
use crate::domain::text::trimmed;

/// A column of the input.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Column {
    /// Index among [`super::Input::headers`].
    pub index: usize,
    /// The header.
    pub name: String,
}

/// The column at that place; where several have its name, the later ones are numbered: `Phone#2`.
pub(super) fn column(headers: &[String], index: usize) -> Column {
    let name = headers.get(index).cloned().unwrap_or_default();
    let folded = fold::header(&name);
    let before = headers.iter().take(index);
    let before = before
        .filter(|header| fold::header(header) == folded)
        .count();
    let name = match before {
        0 => name,
        before => format!("{name}#{}", before + 1),
    };
    Column { index, name }
}

/// The names of all columns, those of one name numbered.
pub(crate) fn column_names(headers: &[String]) -> Vec<String> {
    let columns = (0..headers.len()).map(|index| column(headers, index));
    columns.map(|column| column.name).collect()
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
