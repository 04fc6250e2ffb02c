//! Tables for people that fit their terminal: columns leave in a known order, then the first is cut.

use std::fmt::Write as _;

/// The gap between two columns.
const COLUMN_GAP: usize = 2;

/// The first column is not cut below this.
const MIN_WIDTH: usize = 8;

/// A column of a table.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Column {
    header: &'static str,
    is_count: bool,
    /// Columns with a higher number leave first; `None` stays.
    leaves_at: Option<u8>,
}

impl Column {
    /// Text, from the left.
    pub(crate) const fn text(header: &'static str) -> Self {
        Self {
            header,
            is_count: false,
            leaves_at: None,
        }
    }

    /// Numbers, from the right.
    pub(crate) const fn count(header: &'static str) -> Self {
        Self {
            is_count: true,
            ..Self::text(header)
        }
    }

    /// The column is left out where the table does not fit; the highest of these first.
    pub(crate) const fn leaves_at(self, place: u8) -> Self {
        Self {
            leaves_at: Some(place),
            ..self
        }
    }
}

/// A table.
#[derive(Debug)]
pub(crate) struct TextTable {
    columns: Vec<Column>,
    rows: Vec<Vec<String>>,
}

impl TextTable {
    pub(crate) fn new(columns: &[Column]) -> Self {
        Self {
            columns: columns.to_vec(),
            rows: Vec::new(),
        }
    }

    /// Adds a row: a cell for each column.
    pub(crate) fn row(&mut self, cells: Vec<String>) {
        self.rows.push(cells);
    }

    /// The table in lines of at most `width` columns, without the last line's end.
    pub(crate) fn text(&self, width: usize) -> String {
        let widths: Vec<usize> = self.widths();
        let mut shown: Vec<usize> = (0..self.columns.len()).collect();
        let total = |shown: &[usize]| {
            let cells: usize = shown.iter().map(|at| widths.get(*at).unwrap_or(&0)).sum();
            cells + COLUMN_GAP * shown.len().saturating_sub(1)
        };
        while total(&shown) > width {
            let leaving = (0..shown.len())
                .filter_map(|at| Some((self.columns.get(*shown.get(at)?)?.leaves_at?, at)))
                .max();
            let Some((_, at)) = leaving else { break };
            shown.remove(at);
        }
        let first = widths.first().copied().unwrap_or(0);
        let over = total(&shown).saturating_sub(width);
        let first = first.saturating_sub(over).max(MIN_WIDTH.min(first));
        let headers: Vec<String> = self.columns.iter().map(|it| it.header.to_owned()).collect();
        let lines = std::iter::once(&headers).chain(&self.rows);
        let lines = lines.map(|cells| self.line(cells, &shown, &widths, first));
        lines.collect::<Vec<_>>().join("\n")
    }

    fn widths(&self) -> Vec<usize> {
        let of = |(at, column): (usize, &Column)| {
            let cells = self.rows.iter().filter_map(|row| row.get(at));
            let widest = cells.map(|cell| textwrap::core::display_width(cell)).max();
            widest.unwrap_or(0).max(column.header.len())
        };
        self.columns.iter().enumerate().map(of).collect()
    }

    fn line(&self, cells: &[String], shown: &[usize], widths: &[usize], first: usize) -> String {
        let mut line = String::new();
        for at in shown {
            let (Some(cell), Some(column)) = (cells.get(*at), self.columns.get(*at)) else {
                continue;
            };
            let width = if *at == 0 {
                first
            } else {
                widths.get(*at).copied().unwrap_or(0)
            };
            if !line.is_empty() {
                line.push_str("  ");
            }
            let cell = cut(cell, width);
            let pad = width.saturating_sub(textwrap::core::display_width(&cell));
            // Writing to a String cannot fail.
            let _ = if column.is_count {
                write!(line, "{:pad$}{cell}", "")
            } else {
                write!(line, "{cell}{:pad$}", "")
            };
        }
        line.truncate(line.trim_end().len());
        line
    }
}

/// The text cut to a number of columns; what is cut ends with a sign that says so.
fn cut(text: &str, width: usize) -> String {
    if textwrap::core::display_width(text) <= width {
        return text.to_owned();
    }
    let mut short = String::new();
    for c in text.chars() {
        let next = textwrap::core::display_width(&short)
            + textwrap::core::display_width(c.encode_utf8(&mut [0; 4]));
        if next + 1 > width {
            break;
        }
        short.push(c);
    }
    short.push('…');
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> TextTable {
        let mut table = TextTable::new(&[
            Column::text("BATCH"),
            Column::text("STATE"),
            Column::count("SENT"),
            Column::count("QUEUED").leaves_at(1),
            Column::text("LAST RUN").leaves_at(2),
        ]);
        let cells = [
            "a-long-name-of-a-list-2026-05-01",
            "interrupted",
            "1,234,567",
            "12",
            "never",
        ];
        table.row(cells.map(str::to_owned).to_vec());
        table
    }

    #[test]
    fn a_table_that_does_not_fit_loses_columns_in_order_then_cuts_the_first() {
        assert_eq!(
            table().text(usize::MAX),
            "BATCH                             STATE             SENT  QUEUED  LAST RUN\n\
             a-long-name-of-a-list-2026-05-01  interrupted  1,234,567      12  never"
        );
        assert_eq!(
            table().text(40),
            "BATCH             STATE             SENT\na-long-name-of-…  interrupted  1,234,567"
        );
        for width in [40, 60, 80, 120] {
            for line in table().text(width).lines() {
                assert!(
                    textwrap::core::display_width(line) <= width,
                    "{width}: {line}"
                );
            }
        }
    }
}
