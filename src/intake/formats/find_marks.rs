//! What a sheet says of its cells, and the readers of them do not tell: rows and columns that are hidden, as by a filter,
//! cells that are one, formulas that were not calculated.

use std::io::{BufReader, Cursor, Read, Seek};

use quick_xml::XmlVersion;
use quick_xml::events::{BytesStart, Event};
use zip::ZipArchive;

use super::archive;
use super::grid::{Fault, MAX_BYTES};
use super::marks::Marks;
use crate::domain::text::is_blank;

/// What the sheet of XLSX at this place of the workbook, from 0, says of its cells.
pub(super) fn in_xlsx(content: &[u8], sheet: usize) -> Result<Marks, Fault> {
    let mut archive = archive::directory(Cursor::new(content))?;
    let Some(path) = sheet_file(&mut archive, sheet)? else {
        return Ok(Marks::default());
    };
    let mut sheet = XlsxSheet::default();
    each_event(&mut archive, &path, &mut |event| sheet.take(event))?;
    Ok(sheet.marks)
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

/// What was read of a sheet of XLSX so far.
#[derive(Default)]
struct XlsxSheet {
    marks: Marks,
    /// From 1.
    row: u32,
    /// Where the next cell stands that does not say so, from 0.
    column: usize,
    cell: (u32, usize),
    /// The formula of the cell makes a text, which may be empty.
    is_text: bool,
    /// It has a formula, and no value yet.
    is_not_calculated: bool,
    in_value: bool,
    /// The text of the error that the cell holds, where the cell says where it stands.
    error: Option<String>,
}

/// The errors that the reader of XLSX knows.
const KNOWN_ERRORS: [&str; 7] = [
    "#DIV/0!", "#N/A", "#NAME?", "#NULL!", "#NUM!", "#REF!", "#VALUE!",
];

/// The same as the reader of XLSB knows them, where no formula made them.
const KNOWN_CODES: [u8; 8] = [0x00, 0x07, 0x0F, 0x17, 0x1D, 0x24, 0x2A, 0x2B];

impl XlsxSheet {
    fn take(&mut self, event: &Event<'_>) -> Result<(), Fault> {
        match event {
            Event::Start(tag) => self.start(tag)?,
            Event::Empty(tag) => {
                self.start(tag)?;
                self.end(tag.local_name().as_ref());
            }
            Event::End(tag) => self.end(tag.local_name().as_ref()),
            Event::Text(text) => {
                if let Some(error) = self.error.as_mut().filter(|_| self.in_value) {
                    error.push_str(text.as_ref());
                }
                self.value(is_blank(text.as_ref()));
            }
            Event::CData(_) | Event::GeneralRef(_) => self.value(false),
            Event::Comment(_) | Event::Decl(_) | Event::PI(_) | Event::DocType(_) | Event::Eof => {}
        }
        Ok(())
    }

    fn start(&mut self, tag: &BytesStart<'_>) -> Result<(), Fault> {
        match tag.local_name().as_ref() {
            "row" => {
                self.row = number(tag, "r")?.unwrap_or(self.row.saturating_add(1));
                self.column = 0;
                if is_hidden(tag, "ht")? {
                    self.marks.hidden_rows.add(self.row, self.row);
                }
            }
            "col" if is_hidden(tag, "width")? => {
                if let (Some(first), Some(last)) = (number(tag, "min")?, number(tag, "max")?) {
                    let before = |column: u32| column.saturating_sub(1);
                    self.marks.hidden_columns.add(before(first), before(last));
                }
            }
            "c" => {
                let named = attribute(tag, "r")?;
                let named = named.as_deref().and_then(place);
                self.cell = named.unwrap_or((self.row, self.column));
                self.column = self.cell.1.saturating_add(1);
                let kind = attribute(tag, "t")?;
                self.is_text = kind.as_deref() == Some("str");
                let is_error = kind.as_deref() == Some("e") && named.is_some();
                self.error = is_error.then(String::new);
                self.is_not_calculated = false;
            }
            // A value before the formula is read by nobody.
            "f" => self.is_not_calculated = true,
            "v" => {
                self.in_value = true;
                self.is_not_calculated &= !self.is_text;
            }
            "is" => self.is_not_calculated = false,
            "mergeCell" => {
                let range = attribute(tag, "ref")?.unwrap_or_default();
                let ends = range.split_once(':');
                let ends = ends.and_then(|(first, last)| Some((place(first)?, place(last)?)));
                if let Some(((first, column), (last, _))) = ends {
                    self.marks.merge((first, last), column);
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn value(&mut self, is_blank: bool) {
        self.is_not_calculated &= !self.in_value || is_blank;
    }

    fn end(&mut self, name: &str) {
        match name {
            "v" => {
                self.in_value = false;
                let error = self.error.take();
                if error.is_some_and(|error| !KNOWN_ERRORS.contains(&error.as_str())) {
                    self.marks.unknown_errors.push(self.cell);
                }
            }
            "c" if self.is_not_calculated => {
                self.marks.not_calculated.insert(self.cell);
            }
            _ => {}
        }
    }
}

/// Row and column of a cell, as `B7` names it: the row from 1, the column from 0.
pub(super) fn place(name: &str) -> Option<(u32, usize)> {
    let name = name.replace('$', "");
    let digits = name.find(|c: char| c.is_ascii_digit())?;
    let (letters, row) = name.split_at(digits);
    let column = letters.bytes().try_fold(0_usize, |column, letter| {
        let digit = letter.to_ascii_uppercase().checked_sub(b'A')?;
        let column = column.saturating_mul(26).saturating_add(1);
        (digit < 26).then(|| column.saturating_add(digit.into()))
    })?;
    Some((row.parse().ok()?, column.checked_sub(1)?))
}

/// What the sheet of ODS of this name says of its cells.
pub(super) fn in_ods(content: &[u8], sheet: &str) -> Result<Marks, Fault> {
    let mut archive = archive::directory(Cursor::new(content))?;
    let mut was_found = false;
    let mut it = OdsSheet::default();
    each_tag(&mut archive, "content.xml", &mut |tag| {
        if tag.name().as_ref() == "table:table" {
            let name = attribute(tag, "table:name")?;
            it.is_open = !was_found && name.as_deref() == Some(sheet);
            was_found |= it.is_open;
        }
        if it.is_open { it.take(tag) } else { Ok(()) }
    })?;
    Ok(it.marks)
}

/// What was read of a sheet of ODS so far.
#[derive(Default)]
struct OdsSheet {
    marks: Marks,
    is_open: bool,
    /// Columns that were told of.
    columns: u32,
    /// The rows of the last tag, from 1: one that is repeated stands for several.
    rows: (u32, u32),
    /// Where the next cell stands, from 0.
    column: usize,
}

impl OdsSheet {
    fn take(&mut self, tag: &BytesStart<'_>) -> Result<(), Fault> {
        let repeated = |name| Ok::<_, Fault>(number(tag, name)?.unwrap_or(1));
        match tag.name().as_ref() {
            "table:table-row" => {
                let before = self.rows.1;
                let repeated = repeated("table:number-rows-repeated")?;
                self.rows = (before.saturating_add(1), before.saturating_add(repeated));
                self.column = 0;
                if is_collapsed(tag)? {
                    self.marks.hidden_rows.add(self.rows.0, self.rows.1);
                }
            }
            "table:table-column" => {
                let first = self.columns;
                let repeated = repeated("table:number-columns-repeated")?;
                self.columns = first.saturating_add(repeated);
                if is_collapsed(tag)? && self.columns > first {
                    self.marks.hidden_columns.add(first, self.columns - 1);
                }
            }
            "table:table-cell" | "table:covered-table-cell" => self.cell(tag)?,
            _ => {}
        }
        Ok(())
    }

    fn cell(&mut self, tag: &BytesStart<'_>) -> Result<(), Fault> {
        let repeated = number(tag, "table:number-columns-repeated")?.unwrap_or(1);
        let behind = self.column.saturating_add(repeated as usize);
        let columns = self.column..behind;
        self.column = behind;
        let first = self.rows.0;
        if let Some(spanned) = number(tag, "table:number-rows-spanned")? {
            let last = first.saturating_add(spanned.saturating_sub(1));
            self.marks.merge((first, last), columns.start);
        }
        let has = |name| Ok::<_, Fault>(attribute(tag, name)?.is_some());
        if has("table:formula")? && !has("office:value-type")? {
            // How many there may be was counted before.
            for row in self.rows.0..=self.rows.1 {
                let cells = columns.clone().map(|column| (row, column));
                self.marks.not_calculated.extend(cells);
            }
        }
        Ok(())
    }
}

/// What the sheet of XLSB at this place of the workbook, from 0, says of its cells.
///
/// The records: <https://learn.microsoft.com/en-us/openspecs/office_file_formats/ms-xlsb/>
pub(super) fn in_xlsb(content: &[u8], sheet: usize) -> Result<Marks, Fault> {
    let mut archive = archive::directory(Cursor::new(content))?;
    let book = part(&mut archive, "xl/workbook.bin")?;
    // BrtBundleSh: state, id, and the name of its relation.
    let mut sheets = records(&book).filter(|(kind, _)| *kind == 156);
    let wanted = sheets.nth(sheet).and_then(|(_, data)| wide(data, 8));
    let rels = "xl/_rels/workbook.bin.rels";
    let Some(path) = target(&mut archive, rels, &wanted.unwrap_or_default())? else {
        return Ok(Marks::default());
    };
    let (mut marks, mut row) = (Marks::default(), 0);
    for (kind, data) in records(&part(&mut archive, &path)?) {
        match kind {
            // BrtRowHdr: row, style, height, two bytes of flags.
            0 => {
                row = long(data, 0).unwrap_or(0).saturating_add(1);
                if data.get(11).is_some_and(|flags| flags & 0x10 != 0) {
                    marks.hidden_rows.add(row, row);
                }
            }
            // BrtCellError and BrtFmlaError: column, style, the code of the error.
            3 | 11 => {
                let is_known = data.get(8).is_some_and(|code| KNOWN_CODES.contains(code));
                let column = long(data, 0).filter(|_| kind == 11 || !is_known);
                marks
                    .unknown_errors
                    .extend(column.map(|column| (row, column as usize)));
            }
            // BrtColInfo: first, last, width, style, flags.
            60 if data.get(16).is_some_and(|flags| flags & 1 != 0) => {
                if let (Some(first), Some(last)) = (long(data, 0), long(data, 4)) {
                    marks.hidden_columns.add(first, last);
                }
            }
            // BrtMergeCell: first and last row, first and last column.
            176 => {
                let rows = (long(data, 0), long(data, 4));
                if let ((Some(first), Some(last)), Some(column)) = (rows, long(data, 8)) {
                    let rows = (first.saturating_add(1), last.saturating_add(1));
                    marks.merge(rows, column as usize);
                }
            }
            _ => {}
        }
    }
    Ok(marks)
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
    each_event(archive, path, &mut |event| match event {
        Event::Start(tag) | Event::Empty(tag) => take(tag),
        _ => Ok(()),
    })
}

/// Hands all that stands in a file of the archive to `take`; nothing if the file is not there.
pub(super) fn each_event<R: Read + Seek>(
    archive: &mut ZipArchive<R>,
    path: &str,
    take: &mut dyn FnMut(&Event<'_>) -> Result<(), Fault>,
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
            Event::Eof => return Ok(()),
            event => take(&event)?,
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
