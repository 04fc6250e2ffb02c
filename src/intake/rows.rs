//! Records of a delimited text, with spreadsheet row numbers, and the damage that the format allows.
//!
//! The rules are those of the `csv` crate (a property test holds this reader to it). It exists because a
//! contacts file needs what that crate does not report: a quote that is still open at the end of the file,
//! the row in which it was opened, blank lines, and a bound on the size of a record while it is read.

use std::io::{self, Read};
use std::ops::Range;

use super::source::read_some;
use crate::domain::text;

/// A record may have at most this many lines: enough for an address or a note.
pub(super) const MAX_LINES: u32 = 100;
/// A record may have at most this many bytes.
pub(super) const MAX_BYTES: usize = 1 << 20;

/// A record may have at most as many fields as a spreadsheet has columns.
pub(super) const MAX_FIELDS: usize = 16_384;

/// Rows in a block: large enough to make the hand-over cheap, small enough to keep memory flat.
pub(super) const BLOCK_ROWS: usize = 512;
/// A block is handed over at this size, however few rows it has.
const BLOCK_BYTES: usize = 1 << 18;

/// Records one after the other in one buffer: what a worker takes at a time.
#[derive(Debug, Default)]
pub(super) struct Block {
    /// The fields' bytes, unquoted, without separators.
    pub(super) data: Vec<u8>,
    /// End of each field in `data`.
    pub(super) ends: Vec<u32>,
    /// Row number, and the end of the row in `ends`.
    pub(super) rows: Vec<(u32, u32)>,
}

impl Block {
    pub(super) fn clear(&mut self) {
        self.data.clear();
        self.ends.clear();
        self.rows.clear();
    }

    fn end_field(&mut self) {
        // A block is flushed long before 4 GiB.
        self.ends
            .push(u32::try_from(self.data.len()).unwrap_or(u32::MAX));
    }

    /// True once the block is to be handed over.
    pub(super) fn is_full(&self) -> bool {
        self.rows.len() >= BLOCK_ROWS || self.data.len() >= BLOCK_BYTES
    }

    /// Appends a whole row: for tables that come as cells.
    pub(super) fn push_row<F: AsRef<[u8]>>(&mut self, row: u32, fields: impl Iterator<Item = F>) {
        for field in fields {
            self.data.extend_from_slice(field.as_ref());
            self.end_field();
        }
        self.end_row(row);
    }

    /// The fields of the row at this place.
    pub(super) fn fields(&self, place: usize) -> Fields<'_> {
        let end = |place: usize| self.rows.get(place).map_or(0, |(_, end)| *end as usize);
        let first = place.checked_sub(1).map_or(0, end);
        Fields {
            block: self,
            range: first..end(place),
        }
    }

    /// Gives the rows at these places empty cells at their ends, so that each has `width` of them.
    pub(super) fn fill_up(&mut self, places: Range<usize>, width: usize) {
        let first = self.fields(places.start).range.start;
        let ends = self.ends.split_off(first);
        let mut from = 0;
        for (place, (_, end)) in self.rows.iter_mut().enumerate().skip(places.start) {
            let to = (*end as usize).saturating_sub(first);
            let own = ends.get(from..to).unwrap_or(&[]);
            from = to;
            self.ends.extend_from_slice(own);
            if places.contains(&place) {
                let data = self.ends.last().copied().unwrap_or(0);
                let missing = width.saturating_sub(own.len());
                self.ends.extend(std::iter::repeat_n(data, missing));
            }
            *end = u32::try_from(self.ends.len()).unwrap_or(u32::MAX);
        }
    }

    fn end_row(&mut self, row: u32) {
        self.rows
            .push((row, u32::try_from(self.ends.len()).unwrap_or(u32::MAX)));
    }

    /// The first row with a character that no text has.
    pub(super) fn row_with_nul(&self) -> Option<u32> {
        if !self.data.contains(&0) {
            return None;
        }
        let mut rows = self.iter();
        let row = rows.find(|(_, fields)| fields.iter().any(|field| field.contains(&0)))?;
        Some(row.0)
    }

    /// The rows with their fields.
    pub(super) fn iter(&self) -> impl Iterator<Item = (u32, Fields<'_>)> {
        let mut first = 0_usize;
        self.rows.iter().map(move |(row, end)| {
            let range = first..*end as usize;
            first = range.end;
            (*row, Fields { block: self, range })
        })
    }
}

/// The fields of one row of a block.
pub(super) struct Fields<'a> {
    block: &'a Block,
    range: Range<usize>,
}

impl<'a> Fields<'a> {
    pub(super) fn len(&self) -> usize {
        self.range.len()
    }

    /// The bytes of the field; empty past the end of the row.
    pub(super) fn get(&self, index: usize) -> &'a [u8] {
        let at = self.range.start + index;
        if at >= self.range.end {
            return &[];
        }
        let start = at
            .checked_sub(1)
            .and_then(|before| self.block.ends.get(before))
            .map_or(0, |end| *end as usize);
        let end = self.block.ends.get(at).map_or(start, |end| *end as usize);
        self.block.data.get(start..end).unwrap_or(&[])
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &'a [u8]> {
        (0..self.len()).map(|index| self.get(index))
    }

    /// True if nothing can be seen in any field.
    pub(super) fn is_blank(&self) -> bool {
        self.iter().all(is_blank)
    }

    /// True if something can be seen after the first `width` fields: many programs write empty ones.
    pub(super) fn goes_beyond(&self, width: usize) -> bool {
        (width..self.len()).any(|index| !is_blank(self.get(index)))
    }
}

/// True if nothing can be seen in the field.
fn is_blank(field: &[u8]) -> bool {
    // Most fields begin with a letter or a digit, and need no decoding.
    !field.first().is_some_and(u8::is_ascii_graphic)
        && std::str::from_utf8(field).is_ok_and(text::is_blank)
}

/// Why a record cannot be read.
#[derive(Debug)]
pub(super) enum RowFault {
    Io(io::Error),
    Unclosed {
        row: u32,
        line: u64,
    },
    Huge {
        row: u32,
        line: u64,
        limit: &'static str,
    },
    /// A character that no text has.
    Nul {
        row: u32,
    },
    /// More fields than a spreadsheet has columns.
    Wide {
        row: u32,
        line: u64,
    },
    TooMany,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    RecordStart,
    FieldStart,
    Plain,
    Quoted,
    QuoteInQuoted,
}

/// A record while it is read.
struct Record {
    state: State,
    /// The line of the file on which it begins.
    line: u64,
    /// Line breaks in its quoted fields so far.
    breaks: u32,
    /// Where it begins in the block's data.
    data: usize,
    /// Where it begins among the block's fields.
    fields: usize,
}

impl Record {
    /// The limit that the record exceeds, in words: what a quote swallows must not fill the memory.
    fn too_large(&self, block: &Block) -> Option<&'static str> {
        if block.data.len() - self.data > MAX_BYTES {
            return Some("1 MiB");
        }
        (self.breaks > MAX_LINES).then_some("100 lines")
    }

    /// True; refuses a row that is at its end and is no text.
    fn checked(&self, block: &Block) -> Result<bool, RowFault> {
        let data = block.data.get(self.data..).unwrap_or(&[]);
        match block.rows.last() {
            Some((row, _)) if data.contains(&0) => Err(RowFault::Nul { row: *row }),
            Some(_) | None => Ok(true),
        }
    }
}

/// Reads records from UTF-8 bytes.
pub(super) struct RowReader<R> {
    inner: R,
    buffer: Vec<u8>,
    at: usize,
    filled: usize,
    delimiter: u8,
    after_cr: bool,
    /// The row that comes next, as a spreadsheet numbers it.
    row: u32,
    line: u64,
}

impl<R: Read> RowReader<R> {
    pub(super) fn new(inner: R, delimiter: u8) -> Self {
        Self {
            inner,
            buffer: vec![0; 1 << 16],
            at: 0,
            filled: 0,
            delimiter,
            after_cr: false,
            row: 1,
            line: 1,
        }
    }

    /// Appends the next record to `block`; false at the end of the file.
    pub(super) fn read(&mut self, block: &mut Block) -> Result<bool, RowFault> {
        let mut record = Record {
            state: State::RecordStart,
            line: self.line,
            breaks: 0,
            data: block.data.len(),
            fields: block.ends.len(),
        };
        loop {
            if self.at == self.filled && !self.fill()? {
                return self.end_of_file(&record, block);
            }
            if matches!(record.state, State::Quoted | State::Plain) {
                self.take_run(record.state, block);
            }
            if block.ends.len() - record.fields > MAX_FIELDS {
                return Err(RowFault::Wide {
                    row: self.row,
                    line: record.line,
                });
            }
            if let Some(limit) = record.too_large(block) {
                return Err(RowFault::Huge {
                    row: self.row,
                    line: record.line,
                    limit,
                });
            }
            // The run may have reached the end of the buffer.
            let Some(&byte) = self.buffer.get(self.at).filter(|_| self.at < self.filled) else {
                continue;
            };
            self.at += 1;
            if self.step(byte, &mut record, block)? {
                return record.checked(block);
            }
        }
    }

    /// Takes one byte; true if it ends the record.
    fn step(&mut self, byte: u8, record: &mut Record, block: &mut Block) -> Result<bool, RowFault> {
        let after_cr = std::mem::replace(&mut self.after_cr, false);
        let ends_line = byte == b'\n' || byte == b'\r';
        match record.state {
            // The second half of a line end of Windows.
            State::RecordStart if byte == b'\n' && after_cr => {}
            // A blank line counts in the numbering and is no record.
            State::RecordStart if ends_line => {
                self.after_cr = byte == b'\r';
                self.next_row()?;
                record.line = self.line;
            }
            State::Quoted if byte == b'"' => record.state = State::QuoteInQuoted,
            State::Quoted => {
                block.data.push(byte);
                let breaks = u32::from(byte == b'\n');
                self.line += u64::from(breaks);
                record.breaks += breaks;
            }
            State::QuoteInQuoted if byte == b'"' => {
                block.data.push(byte);
                record.state = State::Quoted;
            }
            State::RecordStart | State::FieldStart if byte == b'"' => record.state = State::Quoted,
            State::RecordStart | State::FieldStart | State::Plain | State::QuoteInQuoted => {
                if byte == self.delimiter {
                    block.end_field();
                    record.state = State::FieldStart;
                } else if ends_line {
                    self.after_cr = byte == b'\r';
                    block.end_field();
                    block.end_row(self.row);
                    self.next_row()?;
                    return Ok(true);
                } else {
                    block.data.push(byte);
                    record.state = State::Plain;
                }
            }
        }
        Ok(false)
    }

    /// Copies the bytes up to the next one with a meaning for the format.
    fn take_run(&mut self, state: State, block: &mut Block) {
        let rest = self.buffer.get(self.at..self.filled).unwrap_or(&[]);
        let length = if state == State::Quoted {
            rest.iter().position(|b| matches!(b, b'"' | b'\n'))
        } else {
            rest.iter()
                .position(|b| *b == self.delimiter || matches!(b, b'\n' | b'\r'))
        }
        .unwrap_or(rest.len());
        block
            .data
            .extend_from_slice(rest.get(..length).unwrap_or(&[]));
        self.at += length;
        if length > 0 {
            self.after_cr = false;
        }
    }

    fn end_of_file(&self, record: &Record, block: &mut Block) -> Result<bool, RowFault> {
        match record.state {
            State::RecordStart => Ok(false),
            State::Quoted => Err(RowFault::Unclosed {
                row: self.row,
                line: record.line,
            }),
            State::FieldStart | State::Plain | State::QuoteInQuoted => {
                block.end_field();
                block.end_row(self.row);
                record.checked(block)
            }
        }
    }

    fn next_row(&mut self) -> Result<(), RowFault> {
        self.row = self.row.checked_add(1).ok_or(RowFault::TooMany)?;
        self.line += 1;
        Ok(())
    }

    fn fill(&mut self) -> Result<bool, RowFault> {
        self.at = 0;
        self.filled = read_some(&mut self.inner, &mut self.buffer).map_err(RowFault::Io)?;
        Ok(self.filled > 0)
    }
}
