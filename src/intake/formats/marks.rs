//! What a sheet says of its cells, beside what they hold.

use std::collections::{BTreeMap, HashMap, HashSet};

/// What a sheet says of its cells. Rows are numbered as a spreadsheet does, from 1, and columns from 0.
#[derive(Debug, Default)]
pub(super) struct Marks {
    pub(super) hidden_rows: Ranges,
    pub(super) hidden_columns: Ranges,
    /// Cells that are merged with those below them, by row and column, with the last row.
    pub(super) merged: HashMap<(u32, usize), u32>,
    /// Cells with a formula that no program has calculated yet.
    pub(super) not_calculated: HashSet<(u32, usize)>,
    /// Cells with an error that their reader does not know, in the order of the sheet.
    pub(super) unknown_errors: Vec<(u32, usize)>,
}

impl Marks {
    /// The cells of these rows are one. Those beside each other in a row are not of interest: the first of them has the
    /// value, and the others are empty.
    pub(super) fn merge(&mut self, rows: (u32, u32), column: usize) {
        let (first, last) = rows;
        if last > first {
            self.merged.insert((first, column), last);
        }
    }
}

/// Cells of one column that are one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::intake) struct Merged {
    /// The first row and the last one.
    pub(super) rows: (u32, u32),
    pub(super) column: usize,
    pub(super) text: String,
}

/// Numbers that follow each other, by the first of them, with the last.
#[derive(Debug, Default)]
pub(super) struct Ranges(BTreeMap<u32, u32>);

impl Ranges {
    pub(super) fn add(&mut self, first: u32, last: u32) {
        match self.0.last_entry() {
            Some(mut end) if end.get().checked_add(1) == Some(first) => {
                end.insert(last);
            }
            Some(_) | None => {
                let end = self.0.entry(first).or_insert(last);
                *end = last.max(*end);
            }
        }
    }

    pub(super) fn has(&self, number: u32) -> bool {
        let mut before = self.0.range(..=number);
        before.next_back().is_some_and(|(_, last)| number <= *last)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_that_follow_each_other_are_one_range() {
        let mut ranges = Ranges::default();
        for (first, last) in [(3, 3), (4, 4), (9, 20), (1, 1)] {
            ranges.add(first, last);
        }
        assert_eq!(ranges.0.len(), 3);
        let held: Vec<u32> = (0..23).filter(|number| ranges.has(*number)).collect();
        let expected: Vec<u32> = [1, 3, 4].into_iter().chain(9..=20).collect();
        assert_eq!(held, expected);
        ranges.add(0, u32::MAX);
        ranges.add(5, 6);
        assert!(ranges.has(5));
    }
}
