//! Cells of ODS that show digits which their numbers do not hold, by a number format: `+48 602 333 444` for 602333444. The
//! file holds both.

use std::io::Cursor;
use std::ops::{Range, RangeInclusive};

use quick_xml::events::{BytesStart, Event};

use super::archive;
use super::find_marks::{attribute, each_event, number};
use super::grid::Fault;

/// So many digits are no price and no year.
const FEWEST_DIGITS: usize = 6;

/// What cells show that is more than their numbers, in the order of the sheet.
#[derive(Debug, Default)]
pub(super) struct Shown(Vec<ShownCell>);

/// A cell, which may stand for several.
#[derive(Debug)]
struct ShownCell {
    /// From 1.
    rows: RangeInclusive<u32>,
    /// From 0.
    columns: Range<usize>,
    text: String,
}

impl Shown {
    /// What the cell shows: row from 1, column from 0.
    pub(super) fn text(&self, row: u32, column: usize) -> Option<&str> {
        let behind = self.0.partition_point(|it| *it.rows.start() <= row);
        let before = self.0.get(..behind)?.iter().rev();
        let mut of_row = before.take_while(|it| it.rows.contains(&row));
        let cell = of_row.find(|it| it.columns.contains(&column))?;
        Some(&cell.text)
    }
}

/// Those of this sheet.
pub(super) fn in_ods(content: &[u8], sheet: &str) -> Result<Shown, Fault> {
    let mut archive = archive::directory(Cursor::new(content))?;
    let mut it = Numbers::default();
    let mut was_found = false;
    each_event(&mut archive, "content.xml", &mut |event| {
        if let Event::Start(tag) | Event::Empty(tag) = event
            && tag.name().as_ref() == "table:table"
        {
            let name = attribute(tag, "table:name")?;
            it.is_open = !was_found && name.as_deref() == Some(sheet);
            was_found |= it.is_open;
        }
        if it.is_open { it.take(event) } else { Ok(()) }
    })?;
    Ok(it.shown)
}

/// What was read of a sheet so far.
#[derive(Default)]
struct Numbers {
    shown: Shown,
    is_open: bool,
    /// The rows of the last tag, from 1: one that is repeated stands for several.
    rows: (u32, u32),
    /// Where the next cell stands, from 0.
    column: usize,
    /// The columns behind the cell, and its number in digits.
    cell: Option<(Range<usize>, String)>,
    /// What the cell shows.
    text: String,
    /// A remark on the cell is no part of what it shows.
    in_remark: bool,
}

impl Numbers {
    fn take(&mut self, event: &Event<'_>) -> Result<(), Fault> {
        match event {
            Event::Start(tag) => self.start(tag)?,
            Event::Empty(tag) => {
                self.start(tag)?;
                self.end(tag.name().as_ref());
            }
            Event::End(tag) => self.end(tag.name().as_ref()),
            Event::Text(text) if self.cell.is_some() && !self.in_remark => {
                self.text.push_str(text.as_ref());
            }
            Event::Text(_)
            | Event::CData(_)
            | Event::GeneralRef(_)
            | Event::Comment(_)
            | Event::Decl(_)
            | Event::PI(_)
            | Event::DocType(_)
            | Event::Eof => {}
        }
        Ok(())
    }

    fn start(&mut self, tag: &BytesStart<'_>) -> Result<(), Fault> {
        let repeated = |name| Ok::<_, Fault>(number(tag, name)?.unwrap_or(1));
        match tag.name().as_ref() {
            "table:table-row" => {
                let before = self.rows.1;
                let repeated = repeated("table:number-rows-repeated")?;
                self.rows = (before.saturating_add(1), before.saturating_add(repeated));
                self.column = 0;
            }
            "table:table-cell" | "table:covered-table-cell" => {
                let repeated = repeated("table:number-columns-repeated")?;
                let behind = self.column.saturating_add(repeated as usize);
                let columns = self.column..behind;
                self.column = behind;
                self.text.clear();
                let is_number = attribute(tag, "office:value-type")?.as_deref() == Some("float");
                let value = attribute(tag, "office:value")?.filter(|_| is_number);
                let value = value.and_then(|value| value.parse::<f64>().ok());
                let digits = value.filter(|value| value.fract() == 0.0 && *value >= 0.0);
                self.cell = digits.map(|value| (columns, format!("{value:.0}")));
            }
            "office:annotation" => self.in_remark = true,
            // Spaces that stand beside others.
            "text:s" if !self.in_remark => self.text.push(' '),
            _ => {}
        }
        Ok(())
    }

    fn end(&mut self, name: &str) {
        if name == "office:annotation" {
            self.in_remark = false;
        }
        if !["table:table-cell", "table:covered-table-cell"].contains(&name) {
            return;
        }
        let Some((columns, digits)) = self.cell.take() else {
            return;
        };
        if shows_more(&self.text, &digits) {
            self.shown.0.push(ShownCell {
                rows: self.rows.0..=self.rows.1,
                columns,
                text: self.text.clone(),
            });
        }
    }
}

/// Whether a text is a number with more before it: a plus, a code, noughts.
fn shows_more(text: &str, digits: &str) -> bool {
    let shown: String = text.chars().filter(char::is_ascii_digit).collect();
    let is_longer = shown.len() > digits.len() && shown.len() >= FEWEST_DIGITS;
    shown.ends_with(digits) && (is_longer || text.contains('+'))
}

#[cfg(test)]
mod tests {
    use super::shows_more;

    #[test]
    fn a_text_is_taken_that_shows_the_number_with_more_before_it() {
        for text in [
            "+48 602 333 444",
            "0048602333444",
            "0602333444",
            "48 602333444",
            "+602333444",
        ] {
            assert!(shows_more(text, "602333444"), "{text}");
        }
        for text in [
            "602 333 444",
            "602333444",
            "6,02E+08",
            "602 333 444,00 Kč",
            "ano",
            "",
        ] {
            assert!(!shows_more(text, "602333444"), "{text}");
        }
        assert!(!shows_more("007", "7"));
        assert!(!shows_more("1", "0"));
    }
}
