//! SpreadsheetML 2003: a workbook in one XML file, which many web applications write and call `.xls`.
//!
//! <https://learn.microsoft.com/en-us/previous-versions/office/developer/office-xp/aa140066(v=office.10)>

use quick_xml::events::{BytesRef, BytesStart, Event};
use quick_xml::reader::Reader;

use super::grid::{Fault, Grid, Table, number};
use super::marks::Marks;
use super::workbook::Sheets;

/// Reads the sheet, or the first one.
pub(super) fn read(text: &str, sheet: Option<&str>, skip_hidden: bool) -> Result<Table, Fault> {
    let sheets = Sheets::new(sheet_names(text)?);
    let chosen = sheets.choose(sheet)?;
    let mut reader = Reader::from_str(text);
    let mut at = 0;
    let mut cells = Cells {
        grid: Grid::new(Marks::default(), skip_hidden),
        ..Cells::default()
    };
    loop {
        let event = reader.read_event().map_err(Fault::broken)?;
        if let Event::Start(tag) | Event::Empty(tag) = &event
            && tag.local_name().as_ref() == "Worksheet"
        {
            at += 1;
        }
        match event {
            Event::Eof => break,
            event if at == chosen + 1 => cells.take(event)?,
            _ => {}
        }
    }
    Ok(sheets.table(cells.grid, "workbook in XML", chosen, sheet))
}

/// The names of the sheets, and whether each is hidden.
fn sheet_names(text: &str) -> Result<Vec<(String, bool)>, Fault> {
    let mut reader = Reader::from_str(text);
    let mut sheets: Vec<(String, bool)> = Vec::new();
    let mut in_visible = false;
    loop {
        match reader.read_event().map_err(Fault::broken)? {
            Event::Start(tag) | Event::Empty(tag) if tag.local_name().as_ref() == "Worksheet" => {
                sheets.push((attribute(&tag, "Name")?.unwrap_or_default(), false));
            }
            Event::Start(tag) => in_visible = tag.local_name().as_ref() == "Visible",
            Event::End(_) => in_visible = false,
            Event::Text(text) if in_visible => {
                if let Some((_, is_hidden)) = sheets.last_mut() {
                    // `SheetHidden`, `SheetVeryHidden`.
                    *is_hidden = text.xml10_content().contains("Hidden");
                }
            }
            Event::Eof => return Ok(sheets),
            _ => {}
        }
    }
}

/// The attribute of this local name: most writers put `ss:` before it.
fn attribute(tag: &BytesStart<'_>, name: &str) -> Result<Option<String>, Fault> {
    for attribute in tag.attributes().with_checks(false) {
        let attribute = attribute.map_err(Fault::broken)?;
        if attribute.key.local_name().as_ref() == name {
            let value = attribute.normalized_value(quick_xml::XmlVersion::Implicit1_0);
            return Ok(Some(value.map_err(Fault::broken)?.into_owned()));
        }
    }
    Ok(None)
}

/// Whether a row or a column is hidden, or has no size.
fn is_hidden(tag: &BytesStart<'_>, size: &str) -> Result<bool, Fault> {
    let size = attribute(tag, size)?.and_then(|it| it.trim().parse::<f64>().ok());
    let hidden = attribute(tag, "Hidden")?;
    Ok(size.is_some_and(|size| size <= 0.0) || hidden.is_some_and(|it| it.trim() == "1"))
}

#[derive(Default)]
struct Cells {
    grid: Grid,
    row: u32,
    column: usize,
    /// Columns that were told of.
    columns: u32,
    /// Columns after the cell that belong to it.
    merged: usize,
    /// The text of the cell's data, once it has begun.
    data: Option<String>,
    is_number: bool,
    /// The cell has a formula, and no data yet.
    is_not_calculated: bool,
    /// Within a comment, which has data of its own.
    in_comment: bool,
}

impl Cells {
    fn take(&mut self, event: Event<'_>) -> Result<(), Fault> {
        match event {
            Event::Start(tag) => self.start(&tag)?,
            Event::Empty(tag) => {
                self.start(&tag)?;
                self.end(tag.local_name().as_ref())?;
            }
            Event::End(tag) => self.end(tag.local_name().as_ref())?,
            Event::Text(text) => self.text(&text.xml10_content()),
            Event::CData(text) => self.text(&text.xml10_content()),
            Event::GeneralRef(reference) => {
                let text = resolve(&reference)?;
                self.text(&text);
            }
            Event::Comment(_) | Event::Decl(_) | Event::PI(_) | Event::DocType(_) | Event::Eof => {}
        }
        Ok(())
    }

    fn start(&mut self, tag: &BytesStart<'_>) -> Result<(), Fault> {
        let index = |name| -> Result<Option<u32>, Fault> {
            let text = attribute(tag, name)?;
            text.map(|text| {
                text.trim()
                    .parse()
                    .map_err(|_| Fault::Broken(format!("{name}=\"{text}\"")))
            })
            .transpose()
        };
        match tag.local_name().as_ref() {
            "Column" => {
                let first = index("Index")?
                    .unwrap_or(self.columns.saturating_add(1))
                    .max(1);
                self.columns = first.saturating_add(index("Span")?.unwrap_or(0));
                if is_hidden(tag, "Width")? {
                    self.grid.hide_columns(first - 1, self.columns - 1);
                }
            }
            "Row" => {
                let next = self.row.saturating_add(1);
                self.row = index("Index")?.unwrap_or(next);
                self.column = 0;
                if is_hidden(tag, "Height")? {
                    self.grid.hide(self.row.max(1));
                }
            }
            "Cell" => {
                if let Some(place) = index("Index")? {
                    self.column = (place as usize).saturating_sub(1);
                }
                self.merged = index("MergeAcross")?.unwrap_or(0) as usize;
                let (row, below) = (self.row.max(1), index("MergeDown")?.unwrap_or(0));
                self.grid
                    .merge((row, row.saturating_add(below)), self.column);
                self.is_not_calculated = attribute(tag, "Formula")?.is_some();
            }
            "Comment" => self.in_comment = true,
            "Data" if !self.in_comment => {
                self.is_number = attribute(tag, "Type")?.as_deref() == Some("Number");
                self.data = Some(String::new());
            }
            _ => {}
        }
        Ok(())
    }

    fn end(&mut self, name: &str) -> Result<(), Fault> {
        match name {
            "Comment" => self.in_comment = false,
            "Data" => {
                if let Some(text) = self.data.take() {
                    self.is_not_calculated = false;
                    let value = text.trim().parse().ok().filter(|_| self.is_number);
                    let text = value.map_or(text, number);
                    self.grid.set(self.row.max(1), self.column, text)?;
                }
            }
            "Cell" => {
                if self.is_not_calculated {
                    let row = self.row.max(1);
                    self.grid.not_calculated(row, self.column);
                    self.grid.set(row, self.column, String::new())?;
                }
                self.column = self.column.saturating_add(self.merged).saturating_add(1);
            }
            _ => {}
        }
        Ok(())
    }

    fn text(&mut self, text: &str) {
        if let Some(data) = &mut self.data {
            data.push_str(text);
        }
    }
}

/// `&amp;` and `&#233;`. Entities of a file's own are not expanded: they can make gigabytes of a few bytes.
fn resolve(reference: &BytesRef<'_>) -> Result<String, Fault> {
    if let Some(letter) = reference.resolve_char_ref().map_err(Fault::broken)? {
        return Ok(letter.to_string());
    }
    let name = reference.xml10_content();
    quick_xml::escape::resolve_predefined_entity(&name)
        .map(str::to_owned)
        .ok_or_else(|| Fault::Broken(format!("the entity &{name}; is not known")))
}
