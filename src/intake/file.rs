//! One examined file, read in blocks of rows.

use std::io::{self, Read};

use super::columns::Mapping;
use super::error::IntakeError;
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
    /// It has columns of ours: cells that a spreadsheet would run are guarded.
    pub(super) ours: bool,
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
    /// Reads all rows behind the header, in blocks; ends early, with `false`, once `take` returns false.
    pub(super) fn for_each_block(
        &self,
        take: &mut dyn FnMut(Block) -> bool,
    ) -> Result<bool, IntakeError> {
        let (bytes, encoding, delimiter, hint_line) = match &self.layout {
            Layout::Table(blocks) => return Ok(self.for_each_table_block(blocks, take)),
            Layout::Text {
                bytes,
                encoding,
                delimiter,
                hint_line,
            } => (bytes, *encoding, delimiter, *hint_line),
        };
        let failed = IntakeError::read(&self.name);
        let (reader, digest) = bytes.decompressed().map_err(failed)?;
        let mut text = Utf8Reader::new(reader, encoding.0);
        if hint_line {
            skip_line(&mut text).map_err(failed)?;
        }
        let mut rows = RowReader::new(text, delimiter.byte());
        let mut block = Block::default();
        loop {
            let more = rows
                .read(&mut block)
                .map_err(|fault| self.fault(fault, encoding))?;
            let last = block.rows.last();
            // Everything up to the header; rows before it are blank.
            if last.is_some_and(|(row, _)| *row <= self.header_row) {
                block.clear();
            }
            let complete = block.is_full() || !more;
            if complete && !block.rows.is_empty() && !take(std::mem::take(&mut block)) {
                return Ok(false);
            }
            if !more {
                break;
            }
        }
        // The columns were found in the bytes of the first reading.
        if digest.finish() == self.digest {
            Ok(true)
        } else {
            Err(IntakeError::Changed {
                file: self.name.clone(),
            })
        }
    }

    fn for_each_table_block(&self, blocks: &[Block], take: &mut dyn FnMut(Block) -> bool) -> bool {
        blocks.iter().all(|source| {
            let mut block = Block::default();
            for (row, fields) in source.iter().filter(|(row, _)| *row > self.header_row) {
                block.push_row(row, fields.iter());
            }
            block.rows.is_empty() || take(block)
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

    /// True if a field holds a line that looks like a row of this file: it has as many delimiters, and a
    /// number in the phone column. A quote that is opened by mistake and closed some rows later leaves
    /// such a field.
    pub(super) fn looks_swallowed(&self, fields: &Fields<'_>, mapping: &Mapping) -> bool {
        let Layout::Text { delimiter, .. } = &self.layout else {
            return false;
        };
        if self.width < 2 {
            return false;
        }
        let delimiter = delimiter.byte();
        let phone_columns = || {
            let columns = mapping.phone.iter();
            columns.filter_map(|column| self.columns.get(column.index).copied())
        };
        let like_a_row = |line: &[u8]| {
            let cells = || line.split(|byte| *byte == delimiter);
            cells().count() >= self.width
                && phone_columns().any(|column| cells().nth(column).is_some_and(like_a_number))
        };
        fields.iter().any(|field| {
            field.contains(&b'\n') && field.split(|byte| *byte == b'\n').skip(1).any(like_a_row)
        })
    }
}

fn like_a_number(cell: &[u8]) -> bool {
    let digits = cell.iter().filter(|byte| byte.is_ascii_digit()).count();
    digits >= 7 && !cell.iter().any(u8::is_ascii_alphabetic)
}

fn skip_line(text: &mut impl Read) -> io::Result<()> {
    let mut byte = [0_u8];
    while text.read(&mut byte)? > 0 && byte != [b'\n'] {}
    Ok(())
}
