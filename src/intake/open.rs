//! The examination of a file: format, encoding, delimiter, header, first rows, digest.

use std::io::{self, Cursor, Read as _};

use super::consent;
use super::error::IntakeError;
use super::file::Layout;
use super::formats::{self, Content, Fault, Kind, Table};
use super::header::Header;
use super::open_text::open_text;
use super::opened::{Opened, head_of};
use super::rows::Block;
use super::settings::{HiddenRows, ReadFor, Settings};
use super::sheets::{Sheet, Sheets};
use super::source::{Bytes, FileDigest, Source};
use crate::domain::dialect::{Dialect, ListFormat};
use crate::domain::phone::Region;

/// How many sheets are looked at: the first ones, which people see.
const SHEETS_SEARCHED: usize = 20;

/// Reads the source once, whole.
pub(super) fn open(source: &Source, settings: &Settings) -> Result<Opened, IntakeError> {
    let name = source.name();
    let bytes = Bytes::open(source).map_err(IntakeError::read(&name))?;
    open_bytes(name, bytes, settings, true)
}

/// A list without a row.
const NOBODY: &str = "phone\n";

/// Whether a suppression list is one of nobody: an empty file, or an empty array of JSON, as we write it.
fn holds_nobody(head: &[u8]) -> bool {
    let text = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head);
    let text: Vec<u8> = text
        .iter()
        .copied()
        .filter(|byte| !byte.is_ascii_whitespace())
        .collect();
    text.is_empty() || text == b"[]"
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
    if settings.read_for != ReadFor::Messages && holds_nobody(&head) {
        return Ok(Opened {
            digest: digest.finish(),
            is_nobodys: true,
            ..open_text(name, Bytes::of(NOBODY), settings)?
        });
    }
    let Some(kind) =
        formats::sniff(&head).map_err(|fault| refused(&name, None, settings, fault))?
    else {
        return open_text(name, bytes, settings);
    };
    let country = settings.region.map(Region::code);
    let how = formats::DecodeOptions {
        encoding: settings.encoding,
        country: country.as_deref(),
        numbers: formats::ReadNumbers {
            region: settings.region,
            to_suppress: settings.read_for != ReadFor::Messages,
        },
        sheet: settings.sheet.as_deref(),
        skip_hidden: settings.hidden_rows == Some(HiddenRows::Skip),
    };
    let mut content = formats::read(kind, Cursor::new(head).chain(&mut reader), how)
        .map_err(|fault| refused(&name, Some(kind), settings, fault))?;
    if let Content::Table(table, _) = &mut content
        && settings.read_for == ReadFor::Messages
    {
        // Whoever hides those who refused means no less by it.
        let hidden = std::mem::take(&mut table.hidden_sheets).into_iter();
        let refusing = hidden.filter(|name| consent::names_refusing_sheet(name));
        table.sheets.extend(refusing);
    }
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
        packed: Some(inner.to_owned()),
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
        let refuses = settings.read_for == ReadFor::Messages && consent::names_refusing_sheet(name);
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
    let format = ListFormat {
        workbook: table.workbook,
        dialect: Dialect {
            mark: !table.blocks.iter().all(|block| block.data.is_ascii()),
            ..Dialect::default()
        },
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
        note: table.note,
        has_names,
        as_typed: table.as_typed,
        hidden_rows: table.hidden_rows,
        sheet,
        ..Opened::new(
            name,
            digest,
            Layout::Table(blocks),
            (header, sample),
            format,
        )
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
