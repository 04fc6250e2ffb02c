//! The examination of a file: format, encoding, delimiter, header, first rows, digest.

use super::delimiter;
use super::error::IntakeError;
use super::file::{Layout, TextLayout};
use super::header::Header;
use super::rows::{Block, RowFault};
use super::settings::{Delimiter, Settings, TextEncoding};
use super::sheet;
use super::source::{Bytes, FileDigest, Source};
use super::text::{Examined, examine};
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
}

/// Reads the source once, whole.
pub(super) fn open(source: &Source, settings: &Settings) -> Result<Opened, IntakeError> {
    let name = source.name();
    let failed = IntakeError::read(&name);
    let bytes = Bytes::open(source).map_err(failed)?;
    let (reader, digest) = bytes.decompressed().map_err(failed)?;
    let table = sheet::read(&name, reader, settings.sheet.as_deref())?;
    let (digest, head, note, layout) = match table {
        Some(table) => (
            digest.finish(),
            head_of(table.blocks.iter()),
            table.note,
            Layout::Table(table.blocks),
        ),
        None => open_text(&name, bytes, settings)?,
    };
    let (header, sample) = Header::of(&name, head, settings)?;
    Ok(Opened {
        name,
        layout,
        digest,
        header,
        sample,
        note,
    })
}

/// The first rows that are not blank, with their numbers.
type Head = Vec<(u32, Vec<String>)>;

fn open_text(
    name: &str,
    bytes: Bytes,
    settings: &Settings,
) -> Result<(FileDigest, Head, String, Layout), IntakeError> {
    let failed = IntakeError::read(name);
    let (reader, digest) = bytes.decompressed().map_err(failed)?;
    let country = settings.region.map(Region::code);
    let asked = settings.encoding.map(|encoding| encoding.0);
    let examined = examine(reader, asked, country.as_deref()).map_err(failed)?;
    let (hint, text) = excel_hint(&examined.sample);
    let delimiter = settings
        .delimiter
        .or(hint)
        .unwrap_or_else(|| delimiter::detect(text, examined.complete));
    let layout = TextLayout {
        bytes,
        encoding: TextEncoding(examined.encoding),
        delimiter,
        hint_line: hint.is_some(),
        digest: digest.finish(),
    };
    let head = text_head(name, &layout)?;
    let note = describe(&examined, delimiter, settings);
    Ok((layout.digest, head, note, Layout::Text(layout)))
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
