//! Rows and columns of a sheet that are hidden, as by a filter: the readers of its cells do not tell.

use std::io::{BufReader, Cursor, Read, Seek};

use quick_xml::XmlVersion;
use quick_xml::events::{BytesStart, Event};
use zip::ZipArchive;

use super::archive;
use super::grid::{Fault, MAX_BYTES};
use super::hidden::Hidden;

/// What is hidden in the sheet of XLSX at this place of the workbook, from 0.
pub(super) fn in_xlsx(content: &[u8], sheet: usize) -> Result<Hidden, Fault> {
    let mut archive = archive::directory(Cursor::new(content))?;
    let Some(path) = sheet_file(&mut archive, sheet)? else {
        return Ok(Hidden::default());
    };
    let (mut hidden, mut row) = (Hidden::default(), 0_u32);
    each_tag(&mut archive, &path, &mut |tag| {
        match tag.local_name().as_ref() {
            "row" => {
                row = number(tag, "r")?.unwrap_or(row.saturating_add(1));
                if is_hidden(tag, "ht")? {
                    hidden.rows.add(row, row);
                }
            }
            "col" if is_hidden(tag, "width")? => {
                if let (Some(first), Some(last)) = (number(tag, "min")?, number(tag, "max")?) {
                    let before = |column: u32| column.saturating_sub(1);
                    hidden.columns.add(before(first), before(last));
                }
            }
            _ => {}
        }
        Ok(())
    })?;
    Ok(hidden)
}

/// The file of the sheet of XLSX at this place of the workbook, from 0.
pub(super) fn sheet_file<R: Read + Seek>(
    archive: &mut ZipArchive<R>,
    sheet: usize,
) -> Result<Option<String>, Fault> {
    let mut relations = Vec::new();
    each_tag(archive, "xl/workbook.xml", &mut |tag| {
        if tag.local_name().as_ref() == "sheet" {
            relations.push(relation(tag)?);
        }
        Ok(())
    })?;
    let wanted = relations.into_iter().nth(sheet).unwrap_or_default();
    target(archive, "xl/_rels/workbook.xml.rels", &wanted)
}

/// What is hidden in the sheet of ODS of this name.
pub(super) fn in_ods(content: &[u8], sheet: &str) -> Result<Hidden, Fault> {
    let mut archive = archive::directory(Cursor::new(content))?;
    let (mut hidden, mut is_it, mut was_found) = (Hidden::default(), false, false);
    let (mut rows, mut columns) = (0_u32, 0_u32);
    each_tag(&mut archive, "content.xml", &mut |tag| {
        match tag.name().as_ref() {
            "table:table" => {
                let name = attribute(tag, "table:name")?;
                is_it = !was_found && name.as_deref() == Some(sheet);
                was_found |= is_it;
            }
            "table:table-row" if is_it => {
                let first = rows.saturating_add(1);
                let repeated = number(tag, "table:number-rows-repeated")?.unwrap_or(1);
                rows = rows.saturating_add(repeated);
                if is_collapsed(tag)? {
                    hidden.rows.add(first, rows);
                }
            }
            "table:table-column" if is_it => {
                let first = columns;
                let repeated = number(tag, "table:number-columns-repeated")?.unwrap_or(1);
                columns = columns.saturating_add(repeated);
                if is_collapsed(tag)? && columns > first {
                    hidden.columns.add(first, columns - 1);
                }
            }
            _ => {}
        }
        Ok(())
    })?;
    Ok(hidden)
}

/// What is hidden in the sheet of XLSB at this place of the workbook, from 0.
///
/// The records: <https://learn.microsoft.com/en-us/openspecs/office_file_formats/ms-xlsb/>
pub(super) fn in_xlsb(content: &[u8], sheet: usize) -> Result<Hidden, Fault> {
    let mut archive = archive::directory(Cursor::new(content))?;
    let book = part(&mut archive, "xl/workbook.bin")?;
    // BrtBundleSh: state, id, and the name of its relation.
    let mut sheets = records(&book).filter(|(kind, _)| *kind == 156);
    let wanted = sheets.nth(sheet).and_then(|(_, data)| wide(data, 8));
    let rels = "xl/_rels/workbook.bin.rels";
    let Some(path) = target(&mut archive, rels, &wanted.unwrap_or_default())? else {
        return Ok(Hidden::default());
    };
    let mut hidden = Hidden::default();
    for (kind, data) in records(&part(&mut archive, &path)?) {
        match kind {
            // BrtRowHdr: row, style, height, two bytes of flags.
            0 if data.get(11).is_some_and(|flags| flags & 0x10 != 0) => {
                let row = long(data, 0).unwrap_or(0).saturating_add(1);
                hidden.rows.add(row, row);
            }
            // BrtColInfo: first, last, width, style, flags.
            60 if data.get(16).is_some_and(|flags| flags & 1 != 0) => {
                if let (Some(first), Some(last)) = (long(data, 0), long(data, 4)) {
                    hidden.columns.add(first, last);
                }
            }
            _ => {}
        }
    }
    Ok(hidden)
}

/// Whether the row or column is hidden, or has no height or width.
fn is_hidden(tag: &BytesStart<'_>, size: &str) -> Result<bool, Fault> {
    let hidden = attribute(tag, "hidden")?;
    let size = attribute(tag, size)?.and_then(|size| size.trim().parse::<f64>().ok());
    Ok(hidden.is_some_and(|it| matches!(it.trim(), "1" | "true"))
        || size.is_some_and(|it| it <= 0.0))
}

/// The same in ODS.
fn is_collapsed(tag: &BytesStart<'_>) -> Result<bool, Fault> {
    let visibility = attribute(tag, "table:visibility")?;
    Ok(visibility.is_some_and(|it| matches!(it.trim(), "collapse" | "filter")))
}

/// The relation by which a workbook names the file of a sheet, whatever the space of its name is called.
fn relation(tag: &BytesStart<'_>) -> Result<String, Fault> {
    for attribute in tag.attributes().with_checks(false) {
        let attribute = attribute.map_err(Fault::broken)?;
        if attribute.key.prefix().is_some() && attribute.key.local_name().as_ref() == "id" {
            return Ok(attribute.value.to_string());
        }
    }
    Ok(String::new())
}

/// The file that a relation leads to.
fn target<R: Read + Seek>(
    archive: &mut ZipArchive<R>,
    relations: &str,
    wanted: &str,
) -> Result<Option<String>, Fault> {
    let mut path = None;
    each_tag(archive, relations, &mut |tag| {
        if attribute(tag, "Id")?.as_deref() == Some(wanted) {
            path = attribute(tag, "Target")?;
        }
        Ok(())
    })?;
    Ok(path.map(|path| match path.strip_prefix('/') {
        Some(whole) => whole.to_owned(),
        None => format!("xl/{path}"),
    }))
}

/// The name of a file of the archive, in the case in which it stands there.
fn name_in<R: Read + Seek>(archive: &ZipArchive<R>, path: &str) -> Option<String> {
    let names = archive.file_names().flatten();
    let name = names.filter(|name| name.eq_ignore_ascii_case(path)).last();
    name.map(|name| name.to_string())
}

/// Hands each tag of a file of the archive to `take`; none if the file is not there.
pub(super) fn each_tag<R: Read + Seek>(
    archive: &mut ZipArchive<R>,
    path: &str,
    take: &mut dyn FnMut(&BytesStart<'_>) -> Result<(), Fault>,
) -> Result<(), Fault> {
    let Some(name) = name_in(archive, path) else {
        return Ok(());
    };
    let file = archive.by_name(&name).map_err(Fault::broken)?;
    let mut xml = quick_xml::Reader::from_reader(BufReader::new(file));
    let mut buffer = Vec::new();
    loop {
        buffer.clear();
        match xml.read_event_into(&mut buffer).map_err(Fault::broken)? {
            Event::Start(tag) | Event::Empty(tag) => take(&tag)?,
            Event::Eof => return Ok(()),
            _ => {}
        }
    }
}

pub(super) fn attribute(tag: &BytesStart<'_>, name: &str) -> Result<Option<String>, Fault> {
    let Some(found) = tag.try_get_attribute(name).map_err(Fault::broken)? else {
        return Ok(None);
    };
    let value = found.normalized_value(XmlVersion::Implicit1_0);
    Ok(Some(value.map_err(Fault::broken)?.into_owned()))
}

pub(super) fn number(tag: &BytesStart<'_>, name: &str) -> Result<Option<u32>, Fault> {
    let text = attribute(tag, name)?;
    text.map(|text| text.trim().parse().map_err(Fault::broken))
        .transpose()
}

/// A file of the archive; empty if it is not there.
fn part<R: Read + Seek>(archive: &mut ZipArchive<R>, path: &str) -> Result<Vec<u8>, Fault> {
    let mut bytes = Vec::new();
    if let Some(name) = name_in(archive, path) {
        let file = archive.by_name(&name).map_err(Fault::broken)?;
        file.take(MAX_BYTES).read_to_end(&mut bytes)?;
    }
    Ok(bytes)
}

/// The records of a part of XLSB, each with its kind and its data. Kind and length have seven bits in each byte, and
/// one that says whether another byte follows.
fn records(bytes: &[u8]) -> impl Iterator<Item = (u32, &[u8])> {
    let mut rest = bytes;
    std::iter::from_fn(move || {
        let mut next = |most: u32| {
            let (mut value, mut shift) = (0_u32, 0);
            loop {
                let (byte, behind) = rest.split_first()?;
                rest = behind;
                value |= u32::from(byte & 0x7f) << shift;
                shift += 7;
                if byte & 0x80 == 0 || shift == 7 * most {
                    return Some(value);
                }
            }
        };
        let (kind, length) = (next(2)?, next(4)?);
        let (data, behind) = rest.split_at_checked(usize::try_from(length).ok()?)?;
        rest = behind;
        Some((kind, data))
    })
}

fn long(data: &[u8], from: usize) -> Option<u32> {
    let bytes = data.get(from..from.checked_add(4)?)?;
    Some(u32::from_le_bytes(bytes.try_into().ok()?))
}

/// A text of two bytes a letter, behind its length.
fn wide(data: &[u8], from: usize) -> Option<String> {
    let letters = usize::try_from(long(data, from)?).ok()?;
    let bytes = data.get(from + 4..)?.get(..letters.checked_mul(2)?)?;
    let (letters, _) = bytes.as_chunks::<2>();
    let letters: Vec<u16> = letters.iter().map(|it| u16::from_le_bytes(*it)).collect();
    Some(String::from_utf16_lossy(&letters))
}

#[cfg(test)]
mod tests;
