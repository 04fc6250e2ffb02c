//! The examination of a file: format, encoding, delimiter, header, first rows, digest.

use std::io::{self, Cursor, Read as _};

use super::columns;
use super::consent;
use super::delimiter;
use super::encoding::TextEncoding;
use super::error::IntakeError;
use super::file::{Layout, TextLayout};
use super::formats::{self, Content, Fault, Kind, Table};
use super::guess::Doubt;
use super::header::Header;
use super::mixed::{self, Lines};
use super::rows::{Block, RowFault};
use super::settings::{Delimiter, HiddenRows, ReadFor, Settings};
use super::sheets::{Sheet, Sheets};
use super::source::{Bytes, FileDigest, Source};
use super::text::{Examined, examine};
use crate::domain::dialect::{Dialect, ListFormat};
use crate::domain::phone::Region;

/// The number of rows from which the columns are recognised.
const SAMPLE_ROWS: usize = 200;

/// A file after its examination, before its columns are compared with the others'.
pub(super) struct Opened {
    pub(super) name: String,
    pub(super) layout: Layout,
    pub(super) digest: FileDigest,
    pub(super) header: Header,
    /// The first rows behind the header that are not blank.
    pub(super) sample: Vec<Vec<String>>,
    /// What was detected, in words.
    pub(super) note: String,
    /// What its results are written as.
    pub(super) format: ListFormat,
    /// Where we wrote it, no cell of it is guarded.
    pub(super) as_typed: bool,
    /// Rows of the sheet that are hidden.
    pub(super) hidden_rows: u64,
    /// The names of columns that are hidden in the sheet.
    pub(super) hidden_columns: Vec<String>,
    /// The format itself names the columns: there is no row that does.
    pub(super) has_names: bool,
    /// Another encoding in which the letters read nearly as well.
    pub(super) doubt: Option<Doubt>,
    /// The sheets of a workbook, where it has several and none was named.
    pub(super) sheets: Option<Sheets>,
    /// The name of the sheet, where nobody named it.
    pub(super) sheet: Option<String>,
}

/// How many sheets are looked at; the first ones are those that people see.
const SHEETS_SEARCHED: usize = 20;

/// Reads the source once, whole.
pub(super) fn open(source: &Source, settings: &Settings) -> Result<Opened, IntakeError> {
    let name = source.name();
    let bytes = Bytes::open(source).map_err(IntakeError::read(&name))?;
    open_bytes(name, bytes, settings, true)
}

/// `may_unpack`: a list may be packed in an archive, an archive in an archive is refused.
fn open_bytes(
    name: String,
    bytes: Bytes,
    settings: &Settings,
    may_unpack: bool,
) -> Result<Opened, IntakeError> {
    let failed = IntakeError::read(&name);
    let (mut reader, digest) = bytes.decompressed().map_err(failed)?;
    let mut head = Vec::new();
    reader
        .by_ref()
        .take(formats::HEAD as u64)
        .read_to_end(&mut head)
        .map_err(failed)?;
    let Some(kind) =
        formats::sniff(&head).map_err(|fault| refused(&name, None, settings, fault))?
    else {
        return open_text(name, bytes, settings);
    };
    let country = settings.region.map(Region::code);
    let how = formats::DecodeOptions {
        encoding: settings.encoding,
        country: country.as_deref(),
        region: settings.region,
        sheet: settings.sheet.as_deref(),
        skip_hidden: settings.hidden_rows == Some(HiddenRows::Skip),
    };
    let content = formats::read(kind, Cursor::new(head).chain(&mut reader), how)
        .map_err(|fault| refused(&name, Some(kind), settings, fault))?;
    // What follows the list in its file belongs to the digest too.
    io::copy(&mut reader, &mut io::sink()).map_err(failed)?;
    let digest = digest.finish();
    match content {
        Content::Table(table, doubt) if table.sheets.len() < 2 => Ok(Opened {
            doubt,
            ..opened_table(name, digest, *table, settings)?
        }),
        Content::Table(table, doubt) => {
            let again = |sheet: Option<&str>, skip_hidden: bool| {
                let how = formats::DecodeOptions {
                    sheet,
                    skip_hidden,
                    ..how
                };
                let (reader, _) = bytes.decompressed()?;
                formats::read(kind, reader, how)
            };
            let opened = of_sheets((&name, digest), *table, settings, &again)?;
            Ok(Opened { doubt, ..opened })
        }
        Content::Packed(_, inner) if !may_unpack => Err(IntakeError::NotAList {
            file: name,
            what: format!("a ZIP archive in a ZIP archive (with {inner})"),
            advice: "unpack it and name the list".to_owned(),
        }),
        Content::Packed(list, inner) => open_packed(name, digest, (list, &inner), settings),
    }
}

/// The one list of an archive.
fn open_packed(
    name: String,
    digest: FileDigest,
    (list, inner): (Bytes, &str),
    settings: &Settings,
) -> Result<Opened, IntakeError> {
    let opened = open_bytes(format!("{name}, {inner}"), list, settings, false)?;
    Ok(Opened {
        note: format!("in a ZIP archive: \"{inner}\", {}", opened.note),
        name,
        digest,
        ..opened
    })
}

/// Reads a sheet of a workbook, or the first one, with its hidden rows or without.
type ReadSheet<'a> = dyn Fn(Option<&str>, bool) -> Result<Content, Fault> + 'a;

/// A workbook of which no sheet was named: `first` is its first one, `read` reads another.
fn of_sheets(
    (file, digest): (&str, FileDigest),
    first: Table,
    settings: &Settings,
    read: &ReadSheet<'_>,
) -> Result<Opened, IntakeError> {
    let names = first.sheets.clone();
    let open = |table| opened_table(file.to_owned(), digest, table, settings);
    let read = |sheet, skip_hidden| match read(sheet, skip_hidden) {
        Ok(Content::Table(table, _)) => open(*table),
        Ok(Content::Packed(..)) => Err(IntakeError::NoFile),
        Err(fault) => Err(refused(file, None, settings, fault)),
    };
    // Which sheet is meant does not hang on what is hidden in it.
    let skips_hidden = settings.hidden_rows == Some(HiddenRows::Skip);
    let others = names.iter().skip(1).take(SHEETS_SEARCHED - 1);
    let others = others.map(|sheet| read(Some(sheet.as_str()), false));
    let first = std::iter::once_with(|| {
        if skips_hidden {
            read(None, false)
        } else {
            open(first)
        }
    });
    let found = first_with_numbers(file, &names, first.chain(others), settings)?;
    match &found.sheets {
        Some(sheets) if skips_hidden && found.hidden_rows > 0 => Ok(Opened {
            sheet: Some(sheets.read.clone()),
            sheets: Some(sheets.clone()),
            ..read(Some(sheets.read.as_str()), true)?
        }),
        Some(_) | None => Ok(found),
    }
}

/// The first sheet with numbers; the first one if none has any. Sheets that cannot be read hold no list.
fn first_with_numbers(
    file: &str,
    names: &[String],
    opened: impl Iterator<Item = Result<Opened, IntakeError>>,
    settings: &Settings,
) -> Result<Opened, IntakeError> {
    let mut sheets = Vec::new();
    // A sheet of people who do not want to be messaged is not meant where there is another.
    let (mut first, mut found, mut refusing) = (None, None, None);
    for (name, opened) in names.iter().zip(opened) {
        let (rows, phone) = match &opened {
            Ok(opened) => (opened.rows(), opened.phone(settings)),
            Err(_) => (0, None),
        };
        let refuses = settings.read_for == ReadFor::Messages && consent::names_refusals(name);
        let place = if refuses { &mut refusing } else { &mut found };
        if phone.is_some() && place.is_none() {
            *place = Some((name, opened));
        } else if first.is_none() {
            first = Some((name, opened));
        }
        sheets.push(Sheet {
            name: name.clone(),
            rows,
            phone,
        });
    }
    let Some((read, opened)) = found.or(refusing).or(first) else {
        return Err(IntakeError::NoFile);
    };
    Ok(Opened {
        sheet: Some(read.clone()),
        sheets: Some(Sheets {
            file: file.to_owned(),
            found: sheets,
            read: read.clone(),
        }),
        ..opened?
    })
}

impl Opened {
    /// Rows behind the header of a table.
    fn rows(&self) -> usize {
        let blocks = match &self.layout {
            Layout::Table(blocks) => &blocks[..],
            Layout::Text(_) => &[],
        };
        let rows = blocks.iter().flat_map(|block| &block.rows);
        rows.filter(|(row, _)| *row > self.header.row).count()
    }

    /// The phone columns in words, where there are rows; `None` without any.
    fn phone(&self, settings: &Settings) -> Option<String> {
        let mapped = columns::map(&self.name, &self.header.names, &self.sample, settings);
        let names = match mapped {
            Ok(mapping) => mapping.phone.into_iter().map(|it| it.column.name).collect(),
            Err(IntakeError::AmbiguousPhoneColumn { candidates, .. }) => candidates,
            Err(_) => Vec::new(),
        };
        let names: Vec<String> = names.iter().map(|name| format!("\"{name}\"")).collect();
        (!names.is_empty() && self.rows() > 0).then(|| names.join(", "))
    }
}

fn refused(name: &str, kind: Option<Kind>, settings: &Settings, fault: Fault) -> IntakeError {
    let file = name.to_owned();
    match fault {
        Fault::Io(source) => IntakeError::Read { file, source },
        Fault::Broken(message) => IntakeError::Broken {
            file,
            format: kind.map(|kind| kind.to_string()).unwrap_or_default(),
            message,
        },
        Fault::TooLarge(message) => IntakeError::TooLarge { file, message },
        Fault::NoSheet(present) => IntakeError::NoSheet {
            file,
            sheet: settings.sheet.clone().unwrap_or_default(),
            present,
        },
        Fault::NotAList { what, advice } => IntakeError::NotAList { file, what, advice },
    }
}

fn opened_table(
    name: String,
    digest: FileDigest,
    mut table: Table,
    settings: &Settings,
) -> Result<Opened, IntakeError> {
    if let Some(row) = table.blocks.iter().find_map(Block::row_with_nul) {
        return Err(IntakeError::Nul { file: name, row });
    }
    let mut head = head_of(table.blocks.iter());
    for (_, cells) in &mut head {
        cells.resize(table.width, String::new());
    }
    let has_names = table.headers.is_some();
    let digest = digest_of(digest, &table, settings);
    let merged = std::mem::take(&mut table.merged);
    let sheet = match &table.sheets[..] {
        [only] => Some(only.clone()),
        _ => None,
    };
    let dialect = Dialect {
        mark: !table.blocks.iter().all(|block| block.data.is_ascii()),
        ..Dialect::default()
    };
    let (header, sample) = match table.headers {
        Some(names) => {
            let sample = head.into_iter().map(|(_, cells)| cells).collect();
            let titles = Vec::new();
            (
                Header {
                    row: 0,
                    titles,
                    names,
                },
                sample,
            )
        }
        None => Header::of(&name, head, settings, table.as_typed)?,
    };
    let filled = formats::fill(table.blocks, &merged, header.row);
    let blocks = filled.map_err(|fault| refused(&name, None, settings, fault))?;
    let hidden_columns = table.hidden_columns.iter();
    let hidden_columns = hidden_columns.filter_map(|at| header.names.get(*at).cloned());
    Ok(Opened {
        hidden_columns: hidden_columns.collect(),
        name,
        layout: Layout::Table(blocks),
        digest,
        header,
        sample,
        note: table.note,
        has_names,
        format: ListFormat {
            workbook: table.workbook,
            dialect,
        },
        as_typed: table.as_typed,
        hidden_rows: table.hidden_rows,
        doubt: None,
        sheets: None,
        sheet,
    })
}

/// Another sheet of the file is another list, and so is one without its hidden rows.
fn digest_of(file: FileDigest, table: &Table, settings: &Settings) -> FileDigest {
    let digest = match &table.other_sheet {
        Some(sheet) => file.with(sheet),
        None => file,
    };
    if table.hidden_rows > 0 && settings.hidden_rows == Some(HiddenRows::Skip) {
        digest.with("without hidden rows")
    } else {
        digest
    }
}

/// The first rows that are not blank, with their numbers.
type Head = Vec<(u32, Vec<String>)>;

fn open_text(name: String, bytes: Bytes, settings: &Settings) -> Result<Opened, IntakeError> {
    let failed = IntakeError::read(&name);
    let (reader, digest) = bytes.decompressed().map_err(failed)?;
    let country = settings.region.map(Region::code);
    let examined = examine(reader, settings.encoding, country.as_deref()).map_err(failed)?;
    refuse_mixed(&name, &bytes, examined.encoding, settings)?;
    let (hint, text) = excel_hint(&examined.sample);
    let delimiter = settings
        .delimiter
        .or(hint)
        .unwrap_or_else(|| delimiter::detect(text, examined.complete));
    let layout = TextLayout {
        bytes,
        encoding: examined.encoding,
        delimiter,
        hint_line: hint.is_some(),
        digest: digest.finish(),
    };
    let (header, sample) = Header::of(&name, text_head(&name, &layout)?, settings, false)?;
    let dialect = Dialect {
        delimiter,
        mark: !examined.plain_ascii,
    };
    Ok(Opened {
        name,
        digest: layout.digest,
        header,
        sample,
        note: describe(&examined, delimiter, settings),
        layout: Layout::Text(layout),
        has_names: false,
        format: ListFormat {
            workbook: false,
            dialect,
        },
        as_typed: false,
        hidden_rows: 0,
        hidden_columns: Vec::new(),
        doubt: examined.doubt,
        sheets: None,
        sheet: None,
    })
}

/// Where the encoding was found by the letters: lines in UTF-8 among the others would become other letters.
fn refuse_mixed(
    name: &str,
    bytes: &Bytes,
    encoding: TextEncoding,
    settings: &Settings,
) -> Result<(), IntakeError> {
    if settings.encoding.is_some() || encoding.is_unicode() {
        return Ok(());
    }
    let failed = IntakeError::read(name);
    let (reader, _) = bytes.decompressed().map_err(failed)?;
    match mixed::find(reader, encoding.is_single_byte()).map_err(failed)? {
        Some(Lines { utf8, others }) => Err(IntakeError::MixedEncodings {
            file: name.to_owned(),
            utf8,
            others,
            encoding: encoding.to_string(),
        }),
        None => Ok(()),
    }
}

/// The first rows. A fault behind them is found again, and named, when the rows are judged.
fn text_head(name: &str, layout: &TextLayout) -> Result<Head, IntakeError> {
    let (mut rows, _) = layout.rows().map_err(IntakeError::read(name))?;
    let mut block = Block::default();
    while block.rows.len() < SAMPLE_ROWS {
        match rows.read(&mut block) {
            Ok(true) => {}
            Err(RowFault::Wide { row, .. }) if block.rows.is_empty() => {
                return Err(IntakeError::TooWide {
                    file: name.to_owned(),
                    row,
                });
            }
            Err(fault) if block.rows.is_empty() => return Err(layout.fault(name, fault)),
            Ok(false) | Err(_) => break,
        }
    }
    Ok(head_of(std::iter::once(&block)))
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

/// A first line such as `sep=;` names the delimiter for Excel and is no row.
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

fn head_of<'a>(blocks: impl Iterator<Item = &'a Block>) -> Head {
    let text = |field: &[u8]| String::from_utf8_lossy(field).into_owned();
    blocks
        .flat_map(Block::iter)
        .filter(|(_, fields)| !fields.is_blank())
        .take(SAMPLE_ROWS)
        .map(|(row, fields)| (row, fields.iter().map(text).collect()))
        .collect()
}
