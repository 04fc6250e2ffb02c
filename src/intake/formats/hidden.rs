//! Rows of a sheet of XLSX that are hidden, as by a filter: the reader of its cells does not tell.

use std::io::{BufReader, Cursor, Read};

use quick_xml::events::{BytesStart, Event};
use zip::ZipArchive;

use super::archive;
use super::grid::Fault;

/// Hidden rows, as a spreadsheet numbers them, ascending.
#[derive(Debug, Default)]
pub(super) struct HiddenRows(Vec<u32>);

impl HiddenRows {
    /// Of the sheet at this place of the workbook, from 0.
    pub(super) fn of_xlsx(content: &[u8], sheet: usize) -> Result<Self, Fault> {
        let mut archive = archive::directory(Cursor::new(content))?;
        let Some(path) = path_of(&mut archive, sheet)? else {
            return Ok(Self::default());
        };
        let (mut rows, mut row) = (Vec::new(), 0_u32);
        each_tag(&mut archive, &path, &mut |tag| {
            if tag.local_name().as_ref() == "row" {
                row = match attribute(tag, "r")? {
                    Some(number) => number.trim().parse().map_err(Fault::broken)?,
                    None => row.saturating_add(1),
                };
                let hidden = attribute(tag, "hidden")?;
                if hidden.is_some_and(|it| matches!(it.trim(), "1" | "true")) {
                    rows.push(row);
                }
            }
            Ok(())
        })?;
        Ok(Self(rows))
    }

    pub(super) fn has(&self, row: u32) -> bool {
        self.0.binary_search(&row).is_ok()
    }
}

/// The file of the sheet: the workbook names it by a relation.
fn path_of<R: Read + std::io::Seek>(
    archive: &mut ZipArchive<R>,
    sheet: usize,
) -> Result<Option<String>, Fault> {
    let mut relations = Vec::new();
    each_tag(archive, "xl/workbook.xml", &mut |tag| {
        if tag.local_name().as_ref() == "sheet" {
            relations.push(attribute(tag, "r:id")?.unwrap_or_default());
        }
        Ok(())
    })?;
    let Some(wanted) = relations.get(sheet) else {
        return Ok(None);
    };
    let mut path = None;
    each_tag(archive, "xl/_rels/workbook.xml.rels", &mut |tag| {
        if attribute(tag, "Id")?.as_ref() == Some(wanted) {
            path = attribute(tag, "Target")?;
        }
        Ok(())
    })?;
    Ok(path.map(|path| match path.strip_prefix('/') {
        Some(whole) => whole.to_owned(),
        None => format!("xl/{path}"),
    }))
}

/// Hands each tag of a file of the archive to `take`; none if the file is not there.
fn each_tag<R: Read + std::io::Seek>(
    archive: &mut ZipArchive<R>,
    path: &str,
    take: &mut dyn FnMut(&BytesStart<'_>) -> Result<(), Fault>,
) -> Result<(), Fault> {
    let names = archive.file_names().flatten();
    let name = names.filter(|name| name.eq_ignore_ascii_case(path)).last();
    let Some(name) = name.map(|name| name.to_string()) else {
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

fn attribute(tag: &BytesStart<'_>, name: &str) -> Result<Option<String>, Fault> {
    let found = tag.try_get_attribute(name).map_err(Fault::broken)?;
    Ok(found.map(|it| it.value.to_string()))
}
