//! ZIP: what an archive is, what it would unpack to, and the one list in it.

use std::io::{self, Cursor, Read, Seek};

use zip::ZipArchive;

use super::grid::Fault;

/// An archive may unpack to so much.
const MAX_UNPACKED: u64 = 4 << 30;
/// What is read as a whole, not as a stream, may unpack to so much.
const MAX_HELD: u64 = 512 << 20;
/// An archive that unpacks to more than [`SMALL`] may be packed at most so well: lists come to 5 to 60.
const MAX_RATIO: u64 = 200;
const SMALL: u64 = 64 << 20;

/// What a ZIP archive is.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Archive {
    Xlsx,
    Xlsb,
    Ods,
    /// Files that were packed together: the index of the one list among them.
    Files(usize, String),
}

/// Endings of files that may be lists.
const LISTS: &[&str] = &[
    "csv", "tsv", "tab", "xlsx", "xlsm", "xlsb", "xls", "ods", "vcf", "vcard", "json", "jsonl",
    "ndjson",
];

/// Formats that are archives too, by a file that they hold.
const DOCUMENTS: &[(&str, &str)] = &[
    ("word/document.xml", "a Word document (DOCX)"),
    ("ppt/presentation.xml", "a PowerPoint presentation (PPTX)"),
    ("visio/document.xml", "a Visio drawing"),
    (
        "Index/Document.iwa",
        "a document of Apple's Numbers, Pages or Keynote",
    ),
    (
        "Index.zip",
        "a document of Apple's Numbers, Pages or Keynote",
    ),
    (
        "index.xml",
        "a document of Apple's Numbers, Pages or Keynote",
    ),
    ("index.apxl", "a document of Apple's Keynote"),
    ("AndroidManifest.xml", "an Android app"),
    ("META-INF/MANIFEST.MF", "a Java archive"),
    ("doc.kml", "a map (KMZ)"),
];

const SAVE_TABLE: &str =
    "save or export the table with the contacts as XLSX or CSV and name that file";

/// Opens the archive's directory.
pub(super) fn directory<R: Read + Seek>(reader: R) -> Result<ZipArchive<R>, Fault> {
    ZipArchive::new(reader).map_err(|error| {
        Fault::Broken(format!(
            "{error} (was the file copied or downloaded to its end?)"
        ))
    })
}

/// Whether a part of the archive that is XML holds these bytes among its first `begin` ones.
pub(in crate::intake) fn mentions(reader: impl Read + Seek, wanted: &[u8], begin: u64) -> bool {
    let Ok(mut archive) = directory(reader) else {
        return false;
    };
    (0..archive.len()).any(|at| {
        let Ok(part) = archive.by_index(at) else {
            return false;
        };
        let mut head = Vec::new();
        part.name().is_ok_and(|name| name.ends_with(".xml"))
            && part.take(begin).read_to_end(&mut head).is_ok()
            && head.windows(wanted.len()).any(|it| it == wanted)
    })
}

/// Says what the archive is, by the names in it.
pub(super) fn recognise<R: Read + Seek>(archive: &mut ZipArchive<R>) -> Result<Archive, Fault> {
    let names: Vec<String> = (0..archive.len())
        .map(|at| match archive.name_for_index(at) {
            Some(Ok(name)) => name.into_owned(),
            Some(Err(_)) | None => String::new(),
        })
        .collect();
    let has = |wanted: &str| names.iter().any(|name| name.eq_ignore_ascii_case(wanted));
    if has("xl/workbook.bin") {
        return Ok(Archive::Xlsb);
    }
    if names
        .iter()
        .any(|name| name.to_ascii_lowercase().starts_with("xl/"))
    {
        return Ok(Archive::Xlsx);
    }
    if let Some(at) = names.iter().position(|name| name == "mimetype") {
        return of_mimetype(archive, at);
    }
    if let Some((_, what)) = DOCUMENTS.iter().find(|(name, _)| has(name)) {
        return Err(Fault::not_a_list(*what, SAVE_TABLE));
    }
    one_list(archive, &names)
}

/// OpenDocument and e-books say what they are in their first file.
fn of_mimetype<R: Read + Seek>(archive: &mut ZipArchive<R>, at: usize) -> Result<Archive, Fault> {
    let mut kind = String::new();
    let file = archive.by_index(at).map_err(Fault::broken)?;
    file.take(200).read_to_string(&mut kind)?;
    if kind.contains("opendocument.spreadsheet") {
        return Ok(Archive::Ods);
    }
    let what = if kind.contains("opendocument.text") {
        "a text document (ODT)".to_owned()
    } else if kind.contains("epub") {
        "an e-book (EPUB)".to_owned()
    } else {
        format!("a document ({})", kind.trim())
    };
    Err(Fault::not_a_list(what, SAVE_TABLE))
}

fn one_list<R: Read + Seek>(
    archive: &mut ZipArchive<R>,
    names: &[String],
) -> Result<Archive, Fault> {
    let files: Vec<usize> = (0..names.len())
        .filter(|at| names.get(*at).is_some_and(|name| !is_clutter(name)))
        .collect();
    let name_of = |at: &usize| names.get(*at).cloned().unwrap_or_default();
    let ends_as_list = |at: &&usize| {
        let name = name_of(at).to_ascii_lowercase();
        let name = name.trim_end_matches(".gz").trim_end_matches(".zst");
        name.rsplit_once('.')
            .is_some_and(|(_, ending)| LISTS.contains(&ending))
    };
    let lists: Vec<usize> = files.iter().filter(ends_as_list).copied().collect();
    let chosen = match (&files[..], &lists[..]) {
        ([only], _) | (_, [only]) => *only,
        ([], _) => {
            return Err(Fault::not_a_list(
                "a ZIP archive without a file",
                "pack it again, with the list in it",
            ));
        }
        (several, []) | (_, several) => {
            let shown: Vec<String> = several.iter().take(10).map(name_of).collect();
            return Err(Fault::not_a_list(
                format!("a ZIP archive of several files ({})", shown.join(", ")),
                "unpack it and name the list; several lists of the same columns can be named together",
            ));
        }
    };
    let file = archive.by_index_raw(chosen).map_err(Fault::broken)?;
    if file.encrypted() {
        return Err(Fault::not_a_list(
            "a ZIP archive with a password",
            "unpack it and name the list",
        ));
    }
    Ok(Archive::Files(chosen, name_of(&chosen)))
}

/// Folders, and what systems leave beside files.
fn is_clutter(name: &str) -> bool {
    let last = name.rsplit(['/', '\\']).next().unwrap_or(name);
    last.is_empty()
        || name.starts_with("__MACOSX/")
        || last.starts_with('.')
        || matches!(last, "Thumbs.db" | "desktop.ini")
}

/// A reader of the packed file that ends with an error where it holds more than its archive may.
pub(super) fn unpack<R: Read + Seek>(
    archive: &mut ZipArchive<R>,
    at: usize,
    packed: u64,
) -> Result<impl Read, Fault> {
    let file = archive.by_index(at).map_err(Fault::broken)?;
    Ok(Bounded {
        inner: file,
        left: bound(packed),
    })
}

/// How much may come out of an archive of so many bytes.
fn bound(packed: u64) -> u64 {
    packed.saturating_mul(MAX_RATIO).clamp(SMALL, MAX_UNPACKED)
}

/// Refuses a workbook that unpacks to more than a list does. Its directory may lie, so all of it is
/// unpacked, and thrown away; what the workbook's reader holds as a whole has a bound of its own.
pub(super) fn check_workbook(content: &[u8]) -> Result<(), Fault> {
    let mut archive = directory(Cursor::new(content))?;
    let limit = bound(content.len() as u64);
    let mut total = 0_u64;
    for at in 0..archive.len() {
        let file = archive.by_index(at).map_err(Fault::broken)?;
        let name = file.name().map(|name| name.to_ascii_lowercase());
        let name = name.unwrap_or_default();
        // Pictures are not unpacked by anybody.
        if name.contains("/media/") || name.starts_with("pictures/") {
            continue;
        }
        let streamed = name.contains("worksheets/") || name == "content.xml";
        let allowed = if streamed { limit } else { limit.min(MAX_HELD) };
        let mut file = file.take(allowed + 1);
        let damaged = |error| Fault::Broken(format!("{name}: {error}"));
        let mut head = Vec::new();
        file.by_ref()
            .take(1024)
            .read_to_end(&mut head)
            .map_err(damaged)?;
        let rest = io::copy(&mut file, &mut io::sink()).map_err(damaged)?;
        let unpacked = head.len() as u64 + rest;
        check_count(&head, unpacked)?;
        total += unpacked;
        if unpacked > allowed || total > limit {
            return Err(too_much(content.len() as u64, limit));
        }
    }
    Ok(())
}

/// Room is made for as many shared texts as a workbook says that it has: each takes five bytes at least.
fn check_count(head: &[u8], unpacked: u64) -> Result<(), Fault> {
    let head = String::from_utf8_lossy(head);
    let behind = head.split_once("uniqueCount=").map_or("", |(_, rest)| rest);
    let digits = behind.trim_start_matches(['"', '\'']);
    let end = digits
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(digits.len());
    let count = digits.get(..end).unwrap_or("");
    let most = unpacked / 5;
    match count.parse::<u64>() {
        Ok(count) if count > most => Err(Fault::Broken(format!(
            "it claims to hold {count} texts, and has room for {most}"
        ))),
        Err(_) if !count.is_empty() => {
            Err(Fault::Broken(format!("it claims to hold {count} texts")))
        }
        Ok(_) | Err(_) => Ok(()),
    }
}

fn too_much(packed: u64, limit: u64) -> Fault {
    Fault::TooLarge(format!(
        "{} of it unpack to more than {}",
        in_units(packed),
        in_units(limit)
    ))
}

fn in_units(bytes: u64) -> String {
    match bytes {
        0..10_240 => format!("{bytes} bytes"),
        10_240..10_485_760 => format!("{} KiB", bytes >> 10),
        _ => format!("{} MiB", bytes >> 20),
    }
}

struct Bounded<R> {
    inner: R,
    left: u64,
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let length = self.inner.read(into)?;
        self.left = self.left.checked_sub(length as u64).ok_or_else(|| {
            io::Error::new(
                io::ErrorKind::FileTooLarge,
                "the archive unpacks to more than a list can hold",
            )
        })?;
        Ok(length)
    }
}
