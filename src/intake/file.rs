//! One examined file, dealt out to the workers in blocks of rows.

use std::io::{self, Read};

use super::columns::Mapping;
use super::error::IntakeError;
use super::judge::{BLOCK_BYTES, BLOCK_ROWS, Dealer, Job};
use super::rows::{Block, Fields, RowFault, RowReader};
use super::settings::{Delimiter, TextEncoding};
use super::source::{Bytes, FileDigest};
use super::text::Utf8Reader;

/// One file, and how to read it.
pub(super) struct FileInput {
    pub(super) name: String,
    /// For each of the input's columns its index in this file.
    pub(super) columns: Vec<usize>,
    /// Fields in the file's header.
    pub(super) width: usize,
    pub(super) layout: Layout,
    pub(super) digest: FileDigest,
    /// Row of the header; 0 if there is none.
    pub(super) header_row: u32,
}

/// How the rows lie in the file.
pub(super) enum Layout {
    /// Delimited text, read as a stream.
    Text {
        bytes: Bytes,
        encoding: TextEncoding,
        delimiter: Delimiter,
        /// The first line is Excel's `sep=;` and no row.
        hint_line: bool,
    },
    /// The cells of a workbook, in memory.
    Table(Vec<Block>),
}

impl FileInput {
    /// Reads all rows behind the header and deals them out; false if nobody wants more.
    pub(super) fn deal(&self, index: usize, dealer: &mut Dealer) -> Result<bool, IntakeError> {
        match &self.layout {
            Layout::Table(blocks) => Ok(self.deal_table(index, blocks, dealer)),
            Layout::Text {
                bytes,
                encoding,
                delimiter,
                hint_line,
            } => {
                let read = |source| IntakeError::Read {
                    file: self.name.clone(),
                    source,
                };
                let (reader, running) = bytes.decompressed().map_err(read)?;
                let mut text = Utf8Reader::new(reader, encoding.0);
                if *hint_line {
                    skip_line(&mut text).map_err(read)?;
                }
                let mut rows = RowReader::new(text, delimiter.byte());
                if !self.deal_text(index, &mut rows, *encoding, dealer)? {
                    return Ok(false);
                }
                if running.finish() == self.digest {
                    Ok(true)
                } else {
                    Err(IntakeError::Changed {
                        file: self.name.clone(),
                    })
                }
            }
        }
    }

    fn deal_text(
        &self,
        index: usize,
        rows: &mut RowReader<impl Read>,
        encoding: TextEncoding,
        dealer: &mut Dealer,
    ) -> Result<bool, IntakeError> {
        let mut block = Block::default();
        loop {
            let more = rows
                .read(&mut block)
                .map_err(|fault| self.fault(fault, encoding))?;
            if block
                .rows
                .last()
                .is_some_and(|(row, _)| *row <= self.header_row)
            {
                block.clear();
            }
            let full = block.rows.len() >= BLOCK_ROWS || block.data.len() >= BLOCK_BYTES;
            if (full || !more) && !block.rows.is_empty() {
                let block = std::mem::take(&mut block);
                if !dealer.deal(Job::Rows { file: index, block }) {
                    return Ok(false);
                }
            }
            if !more {
                return Ok(true);
            }
        }
    }

    fn deal_table(&self, index: usize, blocks: &[Block], dealer: &mut Dealer) -> bool {
        blocks.iter().all(|source| {
            let mut block = Block::default();
            for (row, fields) in source.iter().filter(|(row, _)| *row > self.header_row) {
                block.push_row(
                    row,
                    fields
                        .iter()
                        .map(|field| std::str::from_utf8(field).unwrap_or("")),
                );
            }
            block.rows.is_empty() || dealer.deal(Job::Rows { file: index, block })
        })
    }

    fn fault(&self, fault: RowFault, encoding: TextEncoding) -> IntakeError {
        let file = self.name.clone();
        match fault {
            RowFault::Io(error) if error.kind() == io::ErrorKind::InvalidData => {
                IntakeError::Encoding {
                    file,
                    encoding: encoding.to_string(),
                }
            }
            RowFault::Io(source) => IntakeError::Read { file, source },
            RowFault::Unclosed { row, line } => IntakeError::UnclosedQuote { file, row, line },
            RowFault::Huge { row, line, limit } => IntakeError::HugeRow {
                file,
                row,
                line,
                limit,
            },
            RowFault::TooMany => IntakeError::TooManyRows { file },
        }
    }

    /// True if a field holds a line that looks like a row of this file: as many delimiters, and a
    /// number in the place of the phone column. A quote that is opened by mistake and closed some rows
    /// later leaves such a field.
    pub(super) fn looks_swallowed(&self, fields: &Fields<'_>, mapping: &Mapping) -> bool {
        let Layout::Text { delimiter, .. } = &self.layout else {
            return false;
        };
        if self.width < 2 {
            return false;
        }
        let delimiter = delimiter.byte();
        let places = || {
            mapping
                .phone
                .iter()
                .filter_map(|column| self.columns.get(column.index).copied())
        };
        let like_a_row = |line: &[u8]| {
            line.split(|byte| *byte == delimiter).count() >= self.width
                && places().any(|place| {
                    line.split(|byte| *byte == delimiter)
                        .nth(place)
                        .is_some_and(like_a_number)
                })
        };
        fields.iter().any(|field| {
            field.contains(&b'\n') && field.split(|byte| *byte == b'\n').skip(1).any(like_a_row)
        })
    }
}

fn like_a_number(cell: &[u8]) -> bool {
    let digits = cell
        .iter()
        .map(|byte| usize::from(byte.is_ascii_digit()))
        .sum::<usize>();
    digits >= 7 && !cell.iter().any(u8::is_ascii_alphabetic)
}

fn skip_line(text: &mut impl Read) -> io::Result<()> {
    let mut byte = [0_u8];
    while text.read(&mut byte)? > 0 && byte != [b'\n'] {}
    Ok(())
}
