//! A table that is put together cell by cell, within bounds.
//!
//! A file of two kilobytes can name a cell of row 1,048,576 and column 16,384: rows and cells that hold
//! nothing take no memory here, and what a file claims is compared with the bounds before it is kept.

use super::marks::{Marks, Merged};
use crate::domain::spreadsheet::NOT_CALCULATED;
use crate::domain::text::is_blank;
use crate::intake::rows::{BLOCK_ROWS, Block, MAX_FIELDS};

/// A file that must be held in memory as a whole is at most so large; a larger one is no contacts list.
pub(in crate::intake) const MAX_BYTES: u64 = 256 << 20;
/// Rows times columns: Excel's 1,048,576 rows of some 95 columns.
const MAX_CELLS: u64 = 100_000_000;
/// The text of all cells.
pub(super) const MAX_TEXT: u64 = 512 << 20;

/// Why a file of a known format is not read.
#[derive(Debug)]
pub(in crate::intake) enum Fault {
    /// The bytes cannot be read; what the reader said.
    Io(std::io::Error),
    /// It is not as the format should be; what is wrong with it.
    Broken(String),
    /// It is larger than a list can be, or unpacks to more; what exceeds the bound.
    TooLarge(String),
    /// The sheet that was asked for is not there; the sheets that are.
    NoSheet(Vec<String>),
    /// It is no list; what it is, and what to do.
    NotAList {
        /// The format, with its article.
        what: String,
        /// What to do, as a sentence without its full stop.
        advice: String,
    },
}

impl From<std::io::Error> for Fault {
    fn from(error: std::io::Error) -> Self {
        if error.kind() == std::io::ErrorKind::FileTooLarge {
            return Self::TooLarge(error.to_string());
        }
        Self::Io(error)
    }
}

impl Fault {
    pub(super) fn broken(error: impl std::fmt::Display) -> Self {
        Self::Broken(error.to_string())
    }

    pub(super) fn password() -> Self {
        Self::not_a_list(
            "a workbook that is protected with a password",
            "save it without one, or as CSV",
        )
    }

    pub(super) fn not_a_list(what: impl Into<String>, advice: impl Into<String>) -> Self {
        Self::NotAList {
            what: what.into(),
            advice: advice.into(),
        }
    }
}

/// A list as rows of texts.
#[derive(Debug)]
pub(in crate::intake) struct Table {
    pub(in crate::intake) blocks: Vec<Block>,
    /// Cells of the widest row: shorter rows have empty cells at their end.
    pub(in crate::intake) width: usize,
    /// The names of the columns, where the format gives each value a name; else the first row has them.
    pub(in crate::intake) headers: Option<Vec<String>>,
    /// What was read, in words.
    pub(in crate::intake) note: String,
    /// It is a sheet of a workbook.
    pub(in crate::intake) workbook: bool,
    /// Its cells are as they were typed, and none is guarded, where it is ours: a sheet of our name, or JSON.
    pub(in crate::intake) as_typed: bool,
    /// The name of the sheet, unless it is the first one or ours.
    pub(in crate::intake) other_sheet: Option<String>,
    /// The sheets that could have been meant, this one among them, where nobody named one; the hidden ones are not.
    pub(in crate::intake) sheets: Vec<String>,
    /// The hidden ones, likewise.
    pub(in crate::intake) hidden_sheets: Vec<String>,
    /// How many rows with cells are hidden in the sheet.
    pub(in crate::intake) hidden_rows: u64,
    /// The columns that are hidden in the sheet, from 0.
    pub(in crate::intake) hidden_columns: Vec<usize>,
    /// Cells that are one with those below them.
    pub(in crate::intake) merged: Vec<Merged>,
}

/// Takes cells row by row.
#[derive(Default)]
pub(super) struct Grid {
    blocks: Vec<Block>,
    /// The number of the row that is being filled; 0 before the first one.
    row: u32,
    cells: Vec<String>,
    first_row: u32,
    width: usize,
    text: u64,
    marks: Marks,
    merged: Vec<Merged>,
    /// Hidden rows are left out.
    skips_hidden: bool,
    /// A row that is shown came.
    has_shown: bool,
    hidden_rows: u64,
    last_hidden: u32,
}

impl Grid {
    /// A grid that leaves hidden rows out, or takes them like the others and counts them.
    pub(super) fn new(marks: Marks, skips_hidden: bool) -> Self {
        Self {
            marks,
            skips_hidden,
            ..Self::default()
        }
    }

    /// The row is hidden: to be said before its cells come.
    pub(super) fn hide(&mut self, row: u32) {
        self.marks.hidden_rows.add(row, row);
    }

    /// The columns are hidden, from this one, counted from 0, to that.
    pub(super) fn hide_columns(&mut self, first: u32, last: u32) {
        self.marks.hidden_columns.add(first, last);
    }

    /// The cells of these rows are one: to be said before the first of them comes.
    pub(super) fn merge(&mut self, rows: (u32, u32), column: usize) {
        self.marks.merge(rows, column);
    }

    /// The cell has a formula that no program has calculated yet: to be said before it comes, empty.
    pub(super) fn not_calculated(&mut self, row: u32, column: usize) {
        self.marks.not_calculated.insert((row, column));
    }

    /// Sets a cell. Rows are numbered from 1 and come in order, columns from 0; cells that show nothing are
    /// left out.
    pub(super) fn set(&mut self, row: u32, column: usize, text: String) -> Result<(), Fault> {
        let text = match is_blank(&text) {
            true if self.marks.not_calculated.contains(&(row, column)) => NOT_CALCULATED.to_owned(),
            true => return Ok(()),
            false => text,
        };
        // A hidden row may be the first of merged ones.
        if let Some(last) = self.marks.merged.remove(&(row, column)) {
            self.merged.push(Merged {
                rows: (row, last),
                column,
                text: text.clone(),
            });
        }
        if self.marks.hidden_rows.has(row) {
            if self.last_hidden != row {
                self.last_hidden = row;
                self.hidden_rows += 1;
            }
            // Above all rows that are shown the header may stand, by which the columns are known.
            if self.skips_hidden && self.has_shown {
                return Ok(());
            }
        } else {
            self.end_hidden_top(row);
        }
        if row < self.row.max(1) {
            return Err(Fault::Broken(format!(
                "row {row} stands after row {}",
                self.row
            )));
        }
        if row > self.row {
            self.end_row();
            self.row = row;
            if self.first_row == 0 {
                self.first_row = row;
            }
        }
        self.width = self.width.max(column + 1);
        self.text += text.len() as u64;
        self.check(column)?;
        if self.cells.len() <= column {
            self.cells.resize(column + 1, String::new());
        }
        if let Some(cell) = self.cells.get_mut(column) {
            *cell = text;
        }
        Ok(())
    }

    fn check(&self, column: usize) -> Result<(), Fault> {
        let rows = u64::from(self.row - self.first_row) + 1;
        if column >= MAX_FIELDS {
            return Err(Fault::TooLarge(format!(
                "row {} has a cell in column {}, and a list has at most {MAX_FIELDS} columns",
                self.row,
                column + 1
            )));
        }
        if rows * self.width as u64 > MAX_CELLS {
            return Err(Fault::TooLarge(format!(
                "its cells reach down to row {} and across {} columns, more than 100 million cells: something \
                 was typed far away from the list",
                self.row, self.width
            )));
        }
        if self.text > MAX_TEXT {
            return Err(Fault::TooLarge(
                "its text is longer than 512 MiB".to_owned(),
            ));
        }
        Ok(())
    }

    /// Before the first row that is shown: what is hidden above it goes, but for a row without a number, which names the
    /// columns.
    fn end_hidden_top(&mut self, row: u32) {
        if self.has_shown {
            return;
        }
        self.has_shown = true;
        if self.skips_hidden && row > self.row {
            self.end_row();
            let rows = self.blocks.iter().flat_map(Block::iter);
            let above = rows.take_while(|(_, fields)| !fields.iter().any(is_number));
            let header = above.last().map(|(row, fields)| {
                let text = |field: &[u8]| String::from_utf8_lossy(field).into_owned();
                (row, fields.iter().map(text).collect::<Vec<_>>())
            });
            self.blocks.clear();
            self.first_row = 0;
            if let Some((row, fields)) = header {
                (self.row, self.first_row, self.cells) = (row, row, fields);
                self.end_row();
            }
        }
    }

    fn end_row(&mut self) {
        if self.cells.is_empty() {
            return;
        }
        let full = |block: &Block| block.rows.len() >= BLOCK_ROWS || block.is_full();
        if self.blocks.last().is_none_or(full) {
            self.blocks.push(Block::default());
        }
        if let Some(block) = self.blocks.last_mut() {
            block.push_row(self.row, self.cells.drain(..));
        }
    }

    pub(super) fn finish(mut self, headers: Option<Vec<String>>, note: String) -> Table {
        self.end_row();
        if self.skips_hidden && !self.has_shown {
            // All rows are hidden.
            self.blocks.clear();
            self.width = 0;
        }
        let width = headers.as_ref().map_or(self.width, Vec::len);
        let is_hidden = |column: &usize| {
            u32::try_from(*column).is_ok_and(|it| self.marks.hidden_columns.has(it))
        };
        Table {
            hidden_columns: (0..width).filter(is_hidden).collect(),
            width,
            blocks: self.blocks,
            as_typed: headers.is_some(),
            headers,
            note,
            workbook: false,
            other_sheet: None,
            sheets: Vec::new(),
            hidden_sheets: Vec::new(),
            hidden_rows: self.hidden_rows,
            merged: self.merged,
        }
    }
}

/// Whether a cell may hold a phone number: no name of a column has so many digits.
fn is_number(cell: &[u8]) -> bool {
    cell.iter().filter(|byte| byte.is_ascii_digit()).count() >= 6
}

/// A number as a person writes it: without the exponent and the decimals that nobody typed.
pub(super) fn number(number: f64) -> String {
    if number.fract() == 0.0 && number.abs() < 1e15 {
        format!("{number:.0}")
    } else {
        number.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_far_away_are_refused_and_empty_ones_are_not_counted() {
        let mut grid = Grid::default();
        grid.set(1, 0, "phone".to_owned()).unwrap();
        grid.set(1_048_576, 16_383, " \u{a0}".to_owned()).unwrap();
        grid.set(1_048_576, 0, "1".to_owned()).unwrap();
        let far = grid.set(1_048_576, 16_383, "x".to_owned());
        assert!(matches!(far, Err(Fault::TooLarge(_))), "{far:?}");
        let far = grid.set(1_048_577, 16_384, "x".to_owned());
        assert!(matches!(far, Err(Fault::TooLarge(_))), "{far:?}");
        let back = grid.set(3, 0, "x".to_owned());
        assert!(matches!(back, Err(Fault::Broken(_))), "{back:?}");
    }

    #[test]
    fn numbers_are_written_out() {
        for (value, text) in [
            (4.207_771_112_22e11, "420777111222"),
            (1.5, "1.5"),
            (-2.0, "-2"),
        ] {
            assert_eq!(number(value), text);
        }
    }
}
