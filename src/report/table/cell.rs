//! What a file of rows is made of, whatever its format.

use super::super::error::ReportError;
use crate::domain::delivery::State;

/// A cell of a row.
#[derive(Debug, Clone, Copy)]
pub(in crate::report) enum Cell<'a> {
    /// There is no value.
    None,
    /// A text that others wrote: in a file that a spreadsheet may run, it is guarded.
    Foreign(&'a str),
    /// A text of this program.
    Own(&'a str),
    /// A number of things.
    Count(u64),
    /// The status of a row, and its word.
    Status(State, &'a str),
}

/// What the cells of a column are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::report) enum Kind {
    /// Texts: numbers to dial and ids among them, which a spreadsheet must not take for quantities.
    Text,
    /// Texts that may be long.
    LongText,
    /// Numbers of things.
    Count,
}

/// A column of a table.
#[derive(Debug, Clone)]
pub(in crate::report) struct Column<'a> {
    /// What its header says.
    pub(in crate::report) name: &'a str,
    pub(in crate::report) kind: Kind,
}

/// Takes rows, cell by cell.
pub(in crate::report) trait RowWriter {
    /// Takes the names of the columns, before any row.
    fn header(&mut self, columns: &[Column<'_>]) -> Result<(), ReportError>;
    /// Takes the next cell of the row.
    fn cell(&mut self, cell: Cell<'_>) -> Result<(), ReportError>;
    /// The row has all its cells.
    fn end_row(&mut self) -> Result<(), ReportError>;
}

/// A name and a value in the summary that a workbook ends with.
pub(in crate::report) type SummaryLine = (String, String);
