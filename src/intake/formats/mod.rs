//! Files that are no delimited text: each format is recognised by its bytes, never by its name, and read as
//! a table, or refused by what it is.
//!
//! What these files hold is kept in memory, within the bounds of [`grid`].

mod archive;
mod compound;
mod find_marks;
mod grid;
mod html;
mod json;
mod labels;
mod marks;
mod merged;
mod number_format;
mod ods_numbers;
mod pairs;
mod sniff;
mod spreadsheetml;
mod vcard;
mod workbook;

use std::io::{Cursor, Read};

pub(super) use archive::mentions as archive_mentions;
pub(super) use grid::{Fault, MAX_BYTES, Table};
pub(super) use json::is_json;
pub(super) use labels::ReadNumbers;
pub(super) use merged::fill;
pub(super) use sniff::{HEAD, Kind, sniff};

use super::encoding::TextEncoding;
use super::guess::Doubt;
use super::source::{Bytes, spool};
use super::text;
use archive::Archive;
use encoding_rs::Encoding;

/// How the text of a file is to be decoded, and which sheet is meant.
#[derive(Clone, Copy)]
pub(super) struct DecodeOptions<'a> {
    pub(super) encoding: Option<TextEncoding>,
    pub(super) country: Option<&'a str>,
    pub(super) numbers: ReadNumbers,
    pub(super) sheet: Option<&'a str>,
    /// Rows that are hidden in a sheet are left out.
    pub(super) skip_hidden: bool,
}

/// What a file of a known format is.
pub(super) enum Content {
    Table(Box<Table>, Option<Doubt>),
    /// An archive with one list in it: the list, and its name.
    Packed(Bytes, String),
}

/// Reads a file of the kind.
pub(super) fn read(kind: Kind, bytes: impl Read, how: DecodeOptions<'_>) -> Result<Content, Fault> {
    let content = whole(bytes)?;
    let (table, doubt) = match kind {
        Kind::Zip => {
            let mut archive = archive::directory(Cursor::new(&content[..]))?;
            match archive::recognise(&mut archive)? {
                Archive::Files(at, name) => {
                    let packed = content.len() as u64;
                    let inner = spool(archive::unpack(&mut archive, at, packed)?)?;
                    return Ok(Content::Packed(inner, name));
                }
                kind => {
                    let read = workbook::read_zip(&content, &kind, how.sheet, how.skip_hidden);
                    (read?, None)
                }
            }
        }
        Kind::Compound => {
            let table = workbook::read_xls(&content, how.sheet, how.skip_hidden)?;
            (table, None)
        }
        Kind::Vcard => read_vcard(&content, how)?,
        Kind::Json => {
            let (text, doubt) = decoded(&content, how, None)?;
            (json::read(&text, how.numbers)?, doubt)
        }
        Kind::Html => {
            let declared = html::declared_encoding(&head_of(&content)).map(str::to_owned);
            let (text, doubt) = decoded(&content, how, declared.as_deref())?;
            (html::read(&text, how.skip_hidden)?, doubt)
        }
        Kind::SpreadsheetMl => {
            let declared = xml_encoding(&head_of(&content)).map(str::to_owned);
            let (text, doubt) = decoded(&content, how, declared.as_deref())?;
            let table = spreadsheetml::read(&text, how.sheet, how.skip_hidden)?;
            (table, doubt)
        }
    };
    Ok(Content::Table(Box::new(table), doubt))
}

fn head_of(content: &[u8]) -> std::borrow::Cow<'_, str> {
    String::from_utf8_lossy(content.get(..HEAD.min(content.len())).unwrap_or(&[]))
}

fn whole(bytes: impl Read) -> Result<Vec<u8>, Fault> {
    let mut content = Vec::new();
    bytes.take(MAX_BYTES + 1).read_to_end(&mut content)?;
    if content.len() as u64 > MAX_BYTES {
        return Err(Fault::TooLarge("it is larger than 256 MiB".to_owned()));
    }
    Ok(content)
}

/// The text; `declared` is the encoding that the file itself names, which UTF-8 and marks go before.
fn decoded(
    content: &[u8],
    how: DecodeOptions<'_>,
    declared: Option<&str>,
) -> Result<(String, Option<Doubt>), Fault> {
    let declared = declared.and_then(TextEncoding::of_label);
    let is_plain = std::str::from_utf8(content).is_ok() || Encoding::for_bom(content).is_some();
    let asked = how.encoding.or(declared.filter(|_| !is_plain));
    let examined = text::examine(content, asked, how.country)?;
    Ok((examined.encoding.decode(content), examined.doubt))
}

fn read_vcard(content: &[u8], how: DecodeOptions<'_>) -> Result<(Table, Option<Doubt>), Fault> {
    let wide = how.encoding.is_none() && text::is_utf16(content);
    let content = if wide {
        decoded(content, how, None)?.0.into_bytes()
    } else {
        content.to_vec()
    };
    let examined = text::examine(&vcard::unfold(&content)[..], how.encoding, how.country)?;
    let encoding = examined.encoding;
    let table = vcard::read(&content, &|bytes| encoding.decode(bytes), how.numbers)?;
    Ok((table, examined.doubt))
}

/// The encoding that an XML file names in its first line.
fn xml_encoding(head: &str) -> Option<&str> {
    let declaration = head.split_once("?>")?.0;
    let rest = declaration.split_once("encoding=")?.1;
    let quote = rest.chars().next()?;
    rest.get(1..)?.split(quote).next()
}
