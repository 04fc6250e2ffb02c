//! One examined file, read in blocks of rows.

use std::io::{self, Read};

use super::earlier::EarlierResults;
use super::encoding::TextEncoding;
use super::error::IntakeError;
use super::header::HeaderWords;
use super::rows::{Block, RowFault, RowReader};
use super::settings::Delimiter;
use super::short_rows::{Group, ShortRows};
use super::source::{Bytes, FileDigest, RunningDigest};
use super::swallowed::RowShape;
use super::text::Utf8Reader;

/// One file, and how to read it.
pub(super) struct FileInput {
    pub(super) name: String,
    pub(super) digest: FileDigest,
    /// For each of the input's columns its index in this file.
    pub(super) columns: Vec<usize>,
    /// Fields in the file's header.
    pub(super) width: usize,
    /// It has columns of ours, and is no format in which they are as typed: cells that a spreadsheet would run are guarded.
    pub(super) guarded: bool,
    /// The column that names the rows that are mended.
    pub(super) mends: Option<usize>,
    /// The columns that say what became of its rows, if it is a results file.
    pub(super) earlier: Option<EarlierResults>,
    pub(super) layout: Layout,
    /// Row of the header; 0 if there is none.
    pub(super) header_row: u32,
    pub(super) header: HeaderWords,
    /// Where its numbers stand; none in a file that is read as it stands.
    pub(super) phones: Vec<usize>,
}

/// How the rows lie in the file.
pub(super) enum Layout {
    /// Delimited text, read as a stream.
    Text(TextLayout),
    /// The cells of a workbook or the like, in memory; rows may be shorter than the header.
    Table(Vec<Block>),
}

/// Delimited text, which can be read again from its start.
pub(super) struct TextLayout {
    pub(super) bytes: Bytes,
    pub(super) encoding: TextEncoding,
    pub(super) delimiter: Delimiter,
    /// The first line is Excel's `sep=;` and no row.
    pub(super) hint_line: bool,
    /// What the bytes were when they were examined.
    pub(super) digest: FileDigest,
}

/// The rows of a text.
pub(super) type TextRows = RowReader<Utf8Reader<Box<dyn Read + Send>>>;

impl TextLayout {
    /// The rows from the first one on, and the digest of what is read.
    pub(super) fn rows(&self) -> io::Result<(TextRows, RunningDigest)> {
        let (reader, digest) = self.bytes.decompressed()?;
        let mut text = Utf8Reader::new(reader, self.encoding);
        if self.hint_line {
            skip_line(&mut text)?;
        }
        Ok((RowReader::new(text, self.delimiter.byte()), digest))
    }

    /// What is wrong with the file where a row cannot be read.
    pub(super) fn fault(&self, file: &str, fault: RowFault) -> IntakeError {
        let file = file.to_owned();
        match fault {
            RowFault::Io(error) if error.kind() == io::ErrorKind::InvalidData => {
                IntakeError::Encoding {
                    file,
                    encoding: self.encoding.to_string(),
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
            RowFault::Nul { row } => IntakeError::Nul { file, row },
            RowFault::Wide { row, line } => IntakeError::HugeRow {
                file,
                row,
                line,
                limit: "16384 fields",
            },
            RowFault::TooMany => IntakeError::TooManyRows { file },
        }
    }
}

impl FileInput {
    /// Reads all rows after the header, in blocks; ends early, with `false`, once `take` returns false.
    pub(super) fn for_each_block(
        &self,
        take: &mut dyn FnMut(Block) -> bool,
    ) -> Result<bool, IntakeError> {
        let text = match &self.layout {
            Layout::Table(blocks) => return Ok(self.for_each_table_block(blocks, take)),
            Layout::Text(text) => text,
        };
        let (mut rows, digest) = text.rows().map_err(IntakeError::read(&self.name))?;
        let mut block = Block::default();
        let short = ShortRows {
            width: self.width,
            header_row: self.header_row,
            phones: &self.phones,
        };
        let mut group = Group::default();
        loop {
            let more = rows
                .read(&mut block)
                .map_err(|fault| text.fault(&self.name, fault))?;
            let last = block.rows.last();
            // Everything up to the header; rows before it are blank.
            if last.is_some_and(|(row, _)| *row <= self.header_row) {
                block.clear();
            }
            if more {
                short.take(&mut block, &mut group);
            } else {
                short.end(&mut block, &mut group);
            }
            let complete = block.is_full() && !group.is_open() || !more;
            if complete && !block.rows.is_empty() {
                group.begin_block();
                if !take(std::mem::take(&mut block)) {
                    return Ok(false);
                }
            }
            if !more {
                break;
            }
        }
        // The columns were found in the bytes of the first reading.
        if digest.finish() == text.digest {
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
                let missing = self.width.saturating_sub(fields.len());
                let fields = fields.iter().chain(std::iter::repeat_n(&[][..], missing));
                block.push_row(row, fields);
            }
            block.rows.is_empty() || take(block)
        })
    }

    /// What shows that a quote swallowed rows of this file; `None` where no quotes are.
    pub(super) fn row_shape(&self) -> Option<RowShape> {
        let Layout::Text(text) = &self.layout else {
            return None;
        };
        Some(RowShape {
            width: self.width,
            delimiter: text.delimiter.byte(),
            phones: self.phones.clone(),
        })
    }
}

fn skip_line(text: &mut impl Read) -> io::Result<()> {
    let mut byte = [0_u8];
    while text.read(&mut byte)? > 0 && byte != [b'\n'] {}
    Ok(())
}
