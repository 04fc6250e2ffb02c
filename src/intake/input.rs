//! Contacts files, examined: format, encoding, delimiter, header, columns. Nothing is judged yet.

use super::columns::{self, Mapping};
use super::error::IntakeError;
use super::judge::{BLOCK_BYTES, BLOCK_ROWS, Dealer, Job};
use super::rows::{Block, Fields, RowFault, RowReader};
use super::settings::{Delimiter, MinValid, Settings, TextEncoding};
use super::sheet;
use super::source::{Bytes, FileDigest, Source};
use super::text::{Examined, Utf8Reader, examine};
use crate::domain::phone::PhoneNumber;

/// Rows that are looked at to understand the columns.
const SAMPLE_ROWS: usize = 200;

/// One or several contacts files of one batch, examined and ready to be judged.
pub struct Input {
    pub(super) files: Vec<FileInput>,
    pub(super) mapping: Mapping,
    pub(super) min_valid: MinValid,
    headers: Vec<String>,
    notes: Vec<String>,
    digest: FileDigest,
    stem: String,
}

/// One file, and how to read it.
pub(super) struct FileInput {
    pub(super) name: String,
    /// For each of the input's columns its index in this file.
    pub(super) columns: Vec<usize>,
    /// Fields in the file's header.
    pub(super) width: usize,
    layout: Layout,
    digest: FileDigest,
    /// Row of the header; 0 if there is none.
    header_row: u32,
}

enum Layout {
    Text {
        bytes: Bytes,
        encoding: TextEncoding,
        delimiter: Delimiter,
        hint_line: bool,
    },
    Table(Vec<Block>),
}

/// A file after its examination, before its columns are compared with the others'.
struct Opened {
    name: String,
    layout: Layout,
    digest: FileDigest,
    head: Vec<(u32, Vec<String>)>,
    note: String,
}

impl Input {
    /// Examines the files: reads each of them once, whole.
    ///
    /// # Errors
    ///
    /// [`IntakeError`] if a file cannot be read, or its columns cannot be understood with certainty.
    pub fn open(sources: &[Source], settings: &Settings) -> Result<Self, IntakeError> {
        if sources.len() > usize::from(u16::MAX) {
            return Err(IntakeError::TooManyFiles(sources.len()));
        }
        let opened = sources
            .iter()
            .map(|source| open_one(source, settings))
            .collect::<Result<Vec<_>, _>>()?;
        let first = opened.first().ok_or(IntakeError::NoFile)?;
        let (headers, header_row, sample) = read_head(first, settings)?;
        let mapping = columns::map(&first.name, &headers, &sample, settings)?;
        let first_name = first.name.clone();
        let mut notes: Vec<String> = Vec::new();
        let mut files = Vec::with_capacity(opened.len());
        for (index, file) in opened.into_iter().enumerate() {
            notes.push(format!("{}: {}", file.name, file.note));
            files.push(align(
                file,
                index,
                &headers,
                header_row,
                &first_name,
                settings,
            )?);
        }
        let digests: Vec<_> = files.iter().map(|file| file.digest).collect();
        let dropped = dropped_note(&files, &headers);
        notes.extend(dropped);
        Ok(Self {
            digest: FileDigest::of_all(&digests),
            stem: sources.first().map(Source::stem).unwrap_or_default(),
            min_valid: settings.min_valid,
            files,
            mapping,
            headers,
            notes,
        })
    }

    /// The columns, in the order of the first file, without those of a results file.
    pub fn headers(&self) -> &[String] {
        &self.headers
    }

    /// Which column means what.
    pub fn mapping(&self) -> &Mapping {
        &self.mapping
    }

    /// What was detected, in words, one line for each file.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// The SHA-256 over the raw bytes of all files.
    pub fn digest(&self) -> FileDigest {
        self.digest
    }

    /// The first file's name without folder and suffixes.
    pub fn stem(&self) -> &str {
        &self.stem
    }

    /// The names of the files, in order.
    pub fn file_names(&self) -> impl Iterator<Item = &str> {
        self.files.iter().map(|file| file.name.as_str())
    }
}

fn dropped_note(files: &[FileInput], headers: &[String]) -> Option<String> {
    let dropped = files
        .iter()
        .map(|file| file.width.saturating_sub(headers.len()))
        .max()
        .unwrap_or(0);
    (dropped > 0).then(|| format!("{dropped} columns of an earlier results file are ignored"))
}

fn is_ours(header: &str) -> bool {
    header.trim().to_ascii_lowercase().starts_with("outreach_")
}

/// Headers, the row that they stand in (0 for none), and a sample of the rows.
type Head = (Vec<String>, u32, Vec<Vec<String>>);

/// The header of the first file and a sample of its rows, in our columns.
fn read_head(file: &Opened, settings: &Settings) -> Result<Head, IntakeError> {
    let (row, first) = file
        .head
        .first()
        .cloned()
        .ok_or_else(|| IntakeError::Empty {
            file: file.name.clone(),
        })?;
    if settings.no_header {
        let headers = (1..=first.len())
            .map(|number| format!("column_{number}"))
            .collect();
        return Ok((
            headers,
            0,
            file.head.iter().map(|(_, fields)| fields.clone()).collect(),
        ));
    }
    refuse_data_as_header(&file.name, row, &first, settings)?;
    let kept: Vec<usize> = (0..first.len())
        .filter(|index| first.get(*index).is_some_and(|h| !is_ours(h)))
        .collect();
    let pick = |fields: &[String]| -> Vec<String> {
        kept.iter()
            .map(|index| fields.get(*index).cloned().unwrap_or_default())
            .collect()
    };
    let headers = pick(&first)
        .iter()
        .map(|header| header.trim().to_owned())
        .collect();
    let sample = file
        .head
        .iter()
        .skip(1)
        .map(|(_, fields)| pick(fields))
        .collect();
    Ok((headers, row, sample))
}

/// A header that holds a phone number is a contact who would be lost.
fn refuse_data_as_header(
    file: &str,
    row: u32,
    cells: &[String],
    settings: &Settings,
) -> Result<(), IntakeError> {
    let number = cells.iter().find(|cell| {
        let digits = cell.bytes().filter(u8::is_ascii_digit).count();
        PhoneNumber::parse(cell, settings.region).is_ok()
            || (digits >= 9 && !cell.chars().any(char::is_alphabetic))
    });
    match number {
        Some(cell) => Err(IntakeError::HeaderIsData {
            file: file.to_owned(),
            row,
            cell: cell.clone(),
        }),
        None => Ok(()),
    }
}

/// Finds the columns of the first file in another one, in whatever order they stand there.
fn align(
    file: Opened,
    index: usize,
    headers: &[String],
    first_header_row: u32,
    first_name: &str,
    settings: &Settings,
) -> Result<FileInput, IntakeError> {
    let (row, cells) = file
        .head
        .first()
        .cloned()
        .ok_or_else(|| IntakeError::Empty {
            file: file.name.clone(),
        })?;
    let differs = |missing: &str| IntakeError::ColumnsDiffer {
        file: file.name.clone(),
        first: first_name.to_owned(),
        missing: missing.to_owned(),
    };
    let columns = if settings.no_header {
        if cells.len() < headers.len() {
            return Err(differs(headers.get(cells.len()).map_or("", String::as_str)));
        }
        (0..headers.len()).collect()
    } else if index == 0 {
        (0..cells.len())
            .filter(|at| cells.get(*at).is_some_and(|header| !is_ours(header)))
            .collect()
    } else {
        refuse_data_as_header(&file.name, row, &cells, settings)?;
        let mut free: Vec<Option<String>> =
            cells.iter().map(|cell| Some(columns::fold(cell))).collect();
        let mut found = Vec::with_capacity(headers.len());
        for header in headers {
            let wanted = Some(columns::fold(header));
            let at = free
                .iter()
                .position(|cell| *cell == wanted)
                .ok_or_else(|| differs(header))?;
            if let Some(taken) = free.get_mut(at) {
                *taken = None;
            }
            found.push(at);
        }
        found
    };
    let header_row = if settings.no_header {
        0
    } else if index == 0 {
        first_header_row
    } else {
        row
    };
    Ok(FileInput {
        name: file.name,
        columns,
        width: cells.len(),
        layout: file.layout,
        digest: file.digest,
        header_row,
    })
}

fn open_one(source: &Source, settings: &Settings) -> Result<Opened, IntakeError> {
    let name = source.name();
    let read = |error: std::io::Error| IntakeError::Read {
        file: name.clone(),
        source: error,
    };
    let bytes = Bytes::open(source).map_err(read)?;
    let (reader, running) = bytes.decompressed().map_err(read)?;
    if let Some(table) = sheet::read(&name, reader, settings.sheet.as_deref())? {
        let digest = running.finish();
        let head = head_of(table.blocks.iter());
        return Ok(Opened {
            name,
            digest,
            head,
            note: table.note,
            layout: Layout::Table(table.blocks),
        });
    }
    let (reader, running) = bytes.decompressed().map_err(read)?;
    let country = settings.region.map(crate::domain::phone::Region::code);
    let examined = examine(
        reader,
        settings.encoding.map(|encoding| encoding.0),
        country.as_deref(),
    )
    .map_err(read)?;
    let digest = running.finish();
    let (hint, text) = excel_hint(&examined.sample);
    let delimiter = settings
        .delimiter
        .or(hint)
        .unwrap_or_else(|| super::delimiter::detect(text, examined.complete));
    let mut block = Block::default();
    let mut reader = RowReader::new(text.as_bytes(), delimiter.byte());
    // A fault in the sample is found again, and named, when the rows are judged.
    while block.rows.len() < SAMPLE_ROWS && matches!(reader.read(&mut block), Ok(true)) {}
    if !examined.complete && block.rows.len() > 2 && block.rows.len() < SAMPLE_ROWS {
        // The sample ends within its last row.
        block.rows.pop();
    }
    let head = head_of(std::iter::once(&block));
    let encoding = TextEncoding(examined.encoding);
    let note = describe(&examined, delimiter, settings);
    let layout = Layout::Text {
        bytes,
        encoding,
        delimiter,
        hint_line: hint.is_some(),
    };
    Ok(Opened {
        name,
        layout,
        digest,
        head,
        note,
    })
}

fn describe(examined: &Examined, delimiter: Delimiter, settings: &Settings) -> String {
    let how = |given: bool| if given { "" } else { " (detected)" };
    format!(
        "{}{}, separated by {}{}",
        examined.encoding.name(),
        how(settings.encoding.is_some()),
        delimiter,
        how(settings.delimiter.is_some())
    )
}

/// `sep=;` in the first line tells Excel the delimiter and is no row.
fn excel_hint(sample: &str) -> (Option<Delimiter>, &str) {
    let line_end = sample.find('\n').unwrap_or(sample.len());
    let line = sample
        .get(..line_end)
        .unwrap_or("")
        .trim_end_matches('\r')
        .trim_matches('"');
    let hint = line
        .strip_prefix("sep=")
        .and_then(|delimiter| delimiter.parse().ok());
    let rest = if hint.is_some() {
        sample.get(line_end + 1..).unwrap_or("")
    } else {
        sample
    };
    (hint, rest)
}

/// The first rows that are not blank.
fn head_of<'a>(blocks: impl Iterator<Item = &'a Block>) -> Vec<(u32, Vec<String>)> {
    blocks
        .flat_map(Block::iter)
        .filter(|(_, fields)| !fields.is_blank())
        .take(SAMPLE_ROWS)
        .map(|(row, fields)| {
            (
                row,
                fields
                    .iter()
                    .map(|field| String::from_utf8_lossy(field).into_owned())
                    .collect(),
            )
        })
        .collect()
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
        rows: &mut RowReader<impl std::io::Read>,
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
            RowFault::Io(error) if error.kind() == std::io::ErrorKind::InvalidData => {
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
    /// phone number's worth of digits. A quote that is opened by mistake and closed some rows later
    /// leaves such a field.
    pub(super) fn looks_swallowed(&self, fields: &Fields<'_>) -> bool {
        let Layout::Text { delimiter, .. } = &self.layout else {
            return false;
        };
        if self.width < 2 {
            return false;
        }
        let delimiter = delimiter.byte();
        let like_a_row = |line: &[u8]| {
            line.split(|byte| *byte == delimiter).count() >= self.width
                && line.iter().filter(|byte| byte.is_ascii_digit()).count() >= 7
        };
        fields.iter().any(|field| {
            field.contains(&b'\n') && field.split(|byte| *byte == b'\n').skip(1).any(like_a_row)
        })
    }
}

fn skip_line(text: &mut impl std::io::Read) -> std::io::Result<()> {
    let mut byte = [0_u8];
    while text.read(&mut byte)? > 0 && byte != [b'\n'] {}
    Ok(())
}
