//! What is hidden in a sheet.

use std::collections::BTreeMap;

/// What is hidden in a sheet.
#[derive(Debug, Default)]
pub(super) struct Hidden {
    /// As a spreadsheet numbers them, from 1.
    pub(super) rows: Ranges,
    /// From 0.
    pub(super) columns: Ranges,
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
