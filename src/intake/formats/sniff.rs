//! What a file is, by its first bytes.

use super::grid::Fault;
use crate::intake::text::is_utf16;

/// How many bytes show what a file is.
pub(in crate::intake) const HEAD: usize = 16 << 10;

/// A format that is read as a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::intake) enum Kind {
    /// A ZIP archive: a workbook, or a list that was packed.
    Zip,
    /// A compound file of Microsoft: an old workbook.
    Compound,
    Vcard,
    Json,
    Html,
    SpreadsheetMl,
}

impl std::fmt::Display for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Zip => "a workbook or a ZIP archive",
            Self::Compound => "a workbook",
            Self::Vcard => "a vCard",
            Self::Json => "JSON",
            Self::Html => "an HTML page",
            Self::SpreadsheetMl => "a workbook in XML",
        })
    }
}

const SAVE_TABLE: &str = "export the contacts as XLSX or CSV from the program that has them";
const PICTURE: &str = "a list is needed, not a picture of it: export the contacts as XLSX or CSV";
const UNPACK: &str = "unpack it and name the list";
const SAVE_AS: &str = "save it as XLSX or CSV";
const WRITE_CSV: &str = "write the contacts as CSV";
const EXPORT_BOOK: &str = "export it as CSV or vCard";
const NAME_FILE: &str = "name the file with the contacts";
const SAVE_MAIL: &str = "save the list that it brings, and name that file";

/// Formats that begin with one of these and are no lists.
const MAGIC: &[(&[&[u8]], &str, &str)] = &[
    (&[b"%PDF-"], "a PDF document", SAVE_TABLE),
    (
        &[b"\xff\xfe\0\0", b"\0\0\xfe\xff"],
        "a text in UTF-32",
        "save it as CSV in UTF-8",
    ),
    (&[b"{\\rtf"], "a document in rich text (RTF)", SAVE_TABLE),
    (&[b"\x89PNG"], "a picture (PNG)", PICTURE),
    (&[b"\xff\xd8\xff"], "a picture (JPEG)", PICTURE),
    (&[b"GIF8"], "a picture (GIF)", PICTURE),
    (&[b"II*\0", b"MM\0*"], "a picture (TIFF)", PICTURE),
    (&[b"%!PS"], "a PostScript document", SAVE_TABLE),
    (&[b"7z\xbc\xaf\x27\x1c"], "a 7-Zip archive", UNPACK),
    (&[b"Rar!\x1a\x07"], "a RAR archive", UNPACK),
    (&[b"BZh"], "a file packed with bzip2", UNPACK),
    (&[b"\xfd7zXZ\0"], "a file packed with xz", UNPACK),
    (
        &[b"PK\x05\x06"],
        "a ZIP archive without a file",
        "pack it again, with the list in it",
    ),
    (&[b"PK\x07\x08"], "a ZIP archive in several parts", UNPACK),
    (
        &[b"SQLite format 3\0"],
        "an SQLite database",
        "export the table with the contacts as CSV",
    ),
    (&[b"PAR1"], "a Parquet file", WRITE_CSV),
    (&[b"ARROW1"], "an Arrow file", WRITE_CSV),
    (&[b"Obj\x01"], "an Avro file", WRITE_CSV),
    (
        &[b"\0\x01\0\0Standard "],
        "a database of Microsoft Access",
        "export the table with the contacts as XLSX or CSV",
    ),
    (
        &[b"!BDN"],
        "an Outlook data file (PST)",
        "export the contacts from Outlook as CSV",
    ),
    (
        &[b"BEGIN:VCALENDAR"],
        "a calendar (iCalendar)",
        "export the contacts, as vCard or CSV",
    ),
    (
        &[b"dn: ", b"dn:: ", b"version: 1\n"],
        "an address book in LDIF",
        EXPORT_BOOK,
    ),
    (&[b"TABLE\r\n0,1", b"TABLE\n0,1"], "a table in DIF", SAVE_AS),
    (
        &[b"\x00\x00\x1a\x00", b"\x00\x00\x02\x00"],
        "a workbook of Lotus 1-2-3",
        SAVE_AS,
    ),
    (&[b"bplist00"], "a property list of Apple", SAVE_TABLE),
    (&[b"\x7fELF", b"MZ\x90"], "a program", NAME_FILE),
    (
        &[b"Return-Path:", b"Received: ", b"Delivered-To:"],
        "an e-mail",
        SAVE_MAIL,
    ),
];

/// Says what a file is whose first bytes are `head`; `None` for a text.
pub(in crate::intake) fn sniff(head: &[u8]) -> Result<Option<Kind>, Fault> {
    if head.starts_with(b"PK\x03\x04") {
        return Ok(Some(Kind::Zip));
    }
    if head.starts_with(&[0xd0, 0xcf, 0x11, 0xe0]) {
        return Ok(Some(Kind::Compound));
    }
    let mut known = MAGIC.iter();
    let begins = |magics: &[&[u8]]| magics.iter().any(|magic| head.starts_with(magic));
    if let Some((_, what, advice)) = known.find(|(magics, ..)| begins(magics)) {
        return Err(Fault::not_a_list(*what, *advice));
    }
    let wide = is_utf16(head);
    let text = if wide {
        let letters: Vec<u8> = head
            .iter()
            .copied()
            .filter(|byte| *byte != 0 && *byte < 0x80)
            .collect();
        String::from_utf8_lossy(&letters).into_owned()
    } else {
        String::from_utf8_lossy(head).into_owned()
    };
    let text = text.trim_start_matches('\u{feff}').trim_start();
    if let Some(kind) = of_text(text)? {
        return Ok(Some(kind));
    }
    // A text has few control characters, and one stray zero makes no program of it.
    // ISO-2022-JP switches its alphabets by escape and shift.
    let is_control = |byte: &&u8| {
        byte.is_ascii_control()
            && !byte.is_ascii_whitespace()
            && !matches!(**byte, 0x0e | 0x0f | 0x1b)
    };
    let controls = head.iter().filter(is_control).count();
    if !wide && controls * 20 > head.len() {
        return Err(of_binary(head));
    }
    Ok(None)
}

fn of_text(text: &str) -> Result<Option<Kind>, Fault> {
    let lower = text.to_ascii_lowercase();
    if lower.starts_with("begin:vcard") {
        return Ok(Some(Kind::Vcard));
    }
    if is_json(text) && lower.contains("docs.google.com/") && lower.contains("doc_id") {
        return Err(Fault::not_a_list(
            "a shortcut to a document of Google Drive",
            "open it there and download it as XLSX or CSV",
        ));
    }
    if is_json(text) {
        return Ok(Some(Kind::Json));
    }
    if lower.starts_with("mime-version:") && lower.contains("multipart/related") {
        return Err(Fault::not_a_list(
            "a web page with its pictures (MHTML)",
            "open it in a spreadsheet and save it as XLSX or CSV",
        ));
    }
    // A header `ID;Phone` begins as SYLK does.
    let is_sylk = lower.starts_with("id;p")
        && lower.lines().nth(1).is_some_and(|line| {
            ["p;", "f;", "b;", "c;", "o;"]
                .iter()
                .any(|it| line.starts_with(it))
        });
    if is_sylk {
        return Err(Fault::not_a_list("a table in SYLK", SAVE_AS));
    }
    if lower.starts_with('<') {
        of_markup(&lower)
    } else {
        Ok(None)
    }
}

/// What a text is that begins with a tag; `lower` is in lower case.
fn of_markup(lower: &str) -> Result<Option<Kind>, Fault> {
    if lower.contains("urn:schemas-microsoft-com:office:spreadsheet") && lower.contains("workbook")
    {
        return Ok(Some(Kind::SpreadsheetMl));
    }
    let is_xml = lower.starts_with("<?xml");
    let tag = |name: &str| lower.contains(&format!("<{name}"));
    let is_html = [
        "html",
        "!doctype html",
        "table",
        "head",
        "body",
        "meta",
        "style",
        "div",
        "tr",
        "center",
        "font",
    ];
    if is_html.into_iter().any(tag) && (!is_xml || tag("html")) {
        return Ok(Some(Kind::Html));
    }
    if lower.contains("urn:oasis:names:tc:opendocument") {
        return Err(Fault::not_a_list(
            "a flat OpenDocument (FODS)",
            "save it as ODS, XLSX or CSV",
        ));
    }
    if tag("plist") {
        return Err(Fault::not_a_list("a property list of Apple", SAVE_TABLE));
    }
    if is_xml || tag("!doctype") {
        return Err(Fault::not_a_list("an XML file", SAVE_TABLE));
    }
    Ok(None)
}

/// `{"`, `[{`, `[[`, `["`, with white space between: no header of a CSV begins so.
fn is_json(text: &str) -> bool {
    let mut signs = text.chars().filter(|sign| !sign.is_whitespace());
    match (signs.next(), signs.next()) {
        (Some('{'), second) => matches!(second, Some('"' | '}')),
        (Some('['), second) => matches!(second, Some('{' | '[' | '"' | ']')),
        _ => false,
    }
}

fn of_binary(head: &[u8]) -> Fault {
    let at = |from: usize, what: &[u8]| head.get(from..from + what.len()) == Some(what);
    let (what, advice) = if at(257, b"ustar") {
        ("a tar archive", UNPACK)
    } else if at(4, b"ftyphei") || at(4, b"ftypmif") {
        ("a picture (HEIC)", PICTURE)
    } else if at(4, b"ftyp") {
        ("a film", "name the file with the contacts")
    } else if at(8, b"WEBP") {
        ("a picture (WebP)", PICTURE)
    } else if at(0, b"BM") {
        ("a picture (BMP)", PICTURE)
    } else if matches!(head.first(), Some(0x03 | 0x30 | 0x83 | 0x8b | 0xf5)) {
        (
            "a database file, probably dBASE (DBF)",
            "save it as XLSX or CSV",
        )
    } else {
        ("no text but a program's own format", SAVE_TABLE)
    };
    Fault::not_a_list(what, advice)
}
