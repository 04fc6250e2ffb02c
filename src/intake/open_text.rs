//! The examination of a text file: its encoding, its delimiter, its first rows.

use super::delimiter;
use super::encoding::TextEncoding;
use super::error::IntakeError;
use super::file::{Layout, TextLayout};
use super::header::Header;
use super::mixed::{self, Lines};
use super::opened::{Head, Opened, SAMPLE_ROWS, head_of};
use super::rows::{Block, RowFault};
use super::settings::{Delimiter, Settings};
use super::source::Bytes;
use super::text::{Examined, examine};
use crate::domain::dialect::{Dialect, ListFormat};
use crate::domain::phone::Region;

pub(super) fn open_text(
    name: String,
    bytes: Bytes,
    settings: &Settings,
) -> Result<Opened, IntakeError> {
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
    let head = (header.without_empty_end(&sample), sample);
    let dialect = Dialect {
        delimiter,
        mark: !examined.plain_ascii,
    };
    let format = ListFormat {
        workbook: false,
        dialect,
    };
    Ok(Opened {
        note: describe(&examined, delimiter, settings),
        doubt: examined.doubt,
        ..Opened::new(name, layout.digest, Layout::Text(layout), head, format)
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

/// The first rows. A fault after them is found again, and named, when the rows are judged.
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
