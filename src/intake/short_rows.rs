//! Rows without their last cells, as Excel writes them.
//!
//! Excel saves a text in groups of sixteen rows, and leaves the last columns of a group out where no row of it has anything
//! there (Microsoft's article 77295). So all rows of such a group end at the same column. A row that a line break has cut in
//! two does not look so: its parts have other numbers of cells than the rows around them, or no phone number.

use super::rows::{Block, Fields};
use super::swallowed;

/// Rows of a group.
const GROUP: u32 = 16;

/// How the rows of a text are to lie.
pub(super) struct ShortRows<'a> {
    /// Fields of the header.
    pub(super) width: usize,
    /// Row of the header.
    pub(super) header_row: u32,
    /// Where the numbers stand.
    pub(super) phones: &'a [usize],
}

/// The group that is read.
#[derive(Debug, Default)]
pub(super) struct Group {
    number: u32,
    /// Where its rows begin in the block.
    first: usize,
    /// Cells of each of its rows; `None` once they differ, or are as many as those of the header.
    cells: Option<usize>,
    with_number: usize,
}

impl Group {
    /// Whether its rows may still turn out to be short: they are to stay in the block.
    pub(super) fn is_open(&self) -> bool {
        self.cells.is_some()
    }

    /// The block was handed over: the rows that follow begin the next one.
    pub(super) fn begin_block(&mut self) {
        self.first = 0;
    }
}

impl ShortRows<'_> {
    /// Looks at the row that was read last. Where it begins another group, the rows of the one before are given their cells.
    pub(super) fn take(&self, block: &mut Block, group: &mut Group) {
        let Some(place) = block.rows.len().checked_sub(1) else {
            return;
        };
        let row = block.rows.last().map_or(0, |(row, _)| *row);
        let number = row.saturating_sub(1) / GROUP;
        if number != group.number {
            self.end_group(block, group, place, true);
            let is_of_header = number == self.header_row.saturating_sub(1) / GROUP;
            let cells = block.fields(place).len();
            *group = Group {
                number,
                first: place,
                cells: Some(cells).filter(|cells| *cells < self.width && !is_of_header),
                with_number: 0,
            };
        }
        let fields = block.fields(place);
        group.cells = group.cells.filter(|cells| *cells == fields.len());
        group.with_number += usize::from(group.is_open() && self.has_number(&fields));
    }

    /// The rows of the last group are given their cells.
    pub(super) fn end(&self, block: &mut Block, group: &mut Group) {
        let end = block.rows.len();
        self.end_group(block, group, end, false);
        group.cells = None;
    }

    /// The rows of a group, up to `end`, are given the cells that they lack, where Excel left them out: in a group that is
    /// whole most rows have a number, in the last one of a file all.
    fn end_group(&self, block: &mut Block, group: &Group, end: usize, is_whole: bool) {
        let rows = end.saturating_sub(group.first);
        let is_short = group.is_open() && rows > 0;
        let has_numbers = group.with_number == rows || is_whole && group.with_number * 2 > rows;
        if is_short && has_numbers {
            block.fill_up(group.first..end, self.width);
        }
    }

    fn has_number(&self, fields: &Fields<'_>) -> bool {
        let mut phones = self.phones.iter().map(|phone| fields.get(*phone));
        phones.any(swallowed::is_number)
    }
}
