//! Cells that are one with those below them: the value stands in the first of them, and is that of all their rows.

use std::collections::BTreeMap;

use super::grid::{Fault, MAX_TEXT};
use super::marks::Merged;
use crate::domain::text::is_blank;
use crate::intake::rows::{BLOCK_ROWS, Block};

/// The rows, with the value of merged cells in all of them. Those that begin above or in the header belong to it.
///
/// `merged` is in the order of the rows.
pub(in crate::intake) fn fill(
    blocks: Vec<Block>,
    merged: &[Merged],
    header_row: u32,
) -> Result<Vec<Block>, Fault> {
    if merged.is_empty() {
        return Ok(blocks);
    }
    let mut merged = merged.iter().peekable();
    // By column: cells overlap in no sheet, and then the later one counts.
    let mut open: BTreeMap<usize, &Merged> = BTreeMap::new();
    let (mut filled, mut text) = (vec![Block::default()], 0);
    for (row, fields) in blocks.iter().flat_map(Block::iter) {
        while let Some(next) = merged.next_if(|it| it.rows.0 <= row) {
            if next.rows.0 > header_row {
                open.insert(next.column, next);
            }
        }
        open.retain(|_, it| row <= it.rows.1);
        let mut cells: Vec<&[u8]> = fields.iter().collect();
        for (column, it) in &open {
            if cells.len() <= *column {
                cells.resize(*column + 1, &[]);
            }
            let cell = cells.get_mut(*column);
            if let Some(cell) = cell.filter(|it| std::str::from_utf8(it).is_ok_and(is_blank)) {
                *cell = it.text.as_bytes();
                text += it.text.len() as u64;
            }
        }
        if text > MAX_TEXT {
            let long = "its merged cells hold more than 512 MiB of text";
            return Err(Fault::TooLarge(long.to_owned()));
        }
        let is_full = |block: &Block| block.rows.len() >= BLOCK_ROWS || block.is_full();
        if filled.last().is_none_or(is_full) {
            filled.push(Block::default());
        }
        if let Some(block) = filled.last_mut() {
            block.push_row(row, cells.into_iter());
        }
    }
    Ok(filled)
}
