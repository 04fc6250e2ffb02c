//! HTML: the one table of contacts in a page. Many web applications write such a page and call it `.xls`.

use html5gum::{DefaultEmitter, HtmlString, StartTag, Token, Tokenizer};

use super::grid::{Fault, Grid, Table};
use super::marks::Marks;
use crate::domain::text::{is_blank, trimmed};

/// A cell spans at most so many columns, and so many rows: the bounds of the HTML standard.
const MAX_COLSPAN: usize = 1000;
const MAX_ROWSPAN: u32 = 65_534;
/// What is read of a picture that does not say what it stands for: an error, which no text and no answer is.
const UNKNOWN_PICTURE: &str = "#PICTURE!";
/// Tables within tables.
const MAX_DEPTH: usize = 100;

/// Reads the page.
pub(super) fn read(text: &str, skip_hidden: bool) -> Result<Table, Fault> {
    let mut page = Page {
        skips_hidden: skip_hidden,
        ..Page::default()
    };
    // The text of scripts and styles is no markup.
    let mut emitter = DefaultEmitter::default();
    emitter.naively_switch_states(true);
    for token in Tokenizer::new_with_emitter(text, emitter) {
        let Ok(token) = token;
        match token {
            Token::StartTag(tag) => page.start(&tag)?,
            Token::EndTag(tag) => page.end(&tag.name)?,
            Token::String(text) => page.text(&text.value),
            Token::Comment(_) | Token::Doctype(_) | Token::Error(_) => {}
        }
    }
    page.finish()
}

/// The tables that were read and that are open.
#[derive(Default)]
struct Page {
    open: Vec<OpenTable>,
    /// With the number of rows that are lists of numbers, and of cells that are filled.
    done: Vec<OpenTable>,
    /// Within a script, a style or the like, whose text nobody sees.
    hidden: Option<HtmlString>,
    /// Rows that are not shown are left out.
    skips_hidden: bool,
}

#[derive(Default)]
struct OpenTable {
    grid: Grid,
    row: u32,
    column: usize,
    cell: Option<Cell>,
    /// For each column the rows that a cell from above still reaches into.
    spans: Vec<u32>,
    filled: usize,
    /// Cells that look like phone numbers.
    numbers: usize,
}

struct Cell {
    text: String,
    columns: usize,
    rows: u32,
    /// The number behind what is shown, as Excel writes it.
    value: Option<String>,
    /// Its boxes to tick, which have no text.
    ticks: String,
    /// What its pictures stand for.
    pictures: String,
    /// Within a list to choose from: its options, and whether each is chosen.
    options: Option<Vec<(bool, String)>>,
}

impl Page {
    fn start(&mut self, tag: &StartTag<()>) -> Result<(), Fault> {
        if self.hidden.is_some() {
            return Ok(());
        }
        let name: &[u8] = &tag.name;
        match name {
            b"script" | b"style" | b"title" | b"template" | b"noscript" if !tag.self_closing => {
                self.hidden = Some(tag.name.clone());
            }
            b"table" => {
                if self.open.len() >= MAX_DEPTH {
                    return Err(Fault::Broken("its tables are nested too deeply".to_owned()));
                }
                self.open_table();
            }
            b"br" | b"p" | b"div" | b"li" => self.text(b" "),
            // Rows without a table around them.
            b"tr" | b"td" | b"th" if self.open.is_empty() => {
                self.open_table();
                return self.start(tag);
            }
            b"input" | b"select" | b"option" => {
                if let Some(cell) = self.cell() {
                    cell.take_field(tag);
                }
            }
            // `<i class="fa fa-check">` is a picture, too.
            b"img" | b"svg" | b"i"
                if name != b"i" || tag.attributes.contains_key(&b"class"[..]) =>
            {
                if let Some(cell) = self.cell() {
                    cell.take_picture(tag);
                }
            }
            b"tr" => {
                if let Some(table) = self.open.last_mut() {
                    table.end_cell()?;
                    table.begin_row();
                    if is_not_shown(tag) {
                        table.grid.hide(table.row);
                    }
                }
            }
            b"td" | b"th" => {
                if let Some(table) = self.open.last_mut() {
                    table.end_cell()?;
                    table.begin_cell(tag);
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn end(&mut self, name: &HtmlString) -> Result<(), Fault> {
        if let Some(hidden) = &self.hidden {
            if hidden == name {
                self.hidden = None;
            }
            return Ok(());
        }
        let name: &[u8] = name;
        match name {
            b"table" => self.end_table()?,
            b"select" => {
                if let Some(cell) = self.cell() {
                    cell.end_options();
                }
            }
            b"td" | b"th" | b"tr" => {
                if let Some(table) = self.open.last_mut() {
                    table.end_cell()?;
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn open_table(&mut self) {
        self.open.push(OpenTable {
            grid: Grid::new(Marks::default(), self.skips_hidden),
            ..OpenTable::default()
        });
    }

    fn end_table(&mut self) -> Result<(), Fault> {
        if let Some(mut table) = self.open.pop() {
            table.end_cell()?;
            self.done.push(table);
        }
        Ok(())
    }

    fn text(&mut self, text: &[u8]) {
        if self.hidden.is_some() {
            return;
        }
        if let Some(cell) = self.cell() {
            cell.take_text(&String::from_utf8_lossy(text));
        }
    }

    /// The cell that is open.
    fn cell(&mut self) -> Option<&mut Cell> {
        self.open.last_mut()?.cell.as_mut()
    }

    fn finish(mut self) -> Result<Table, Fault> {
        while !self.open.is_empty() {
            self.end_table()?;
        }
        let lists = self
            .done
            .iter()
            .filter(|table| table.numbers > 0 && table.row > 1);
        if lists.count() > 1 {
            return Err(Fault::not_a_list(
                "an HTML page with several tables of numbers",
                "open it in a spreadsheet, keep one table, and save it as XLSX or CSV",
            ));
        }
        let others = self.done.len().saturating_sub(1);
        let best = self
            .done
            .into_iter()
            .max_by_key(|table| (table.numbers, table.filled));
        let table = best.filter(|table| table.filled > 0).ok_or_else(|| {
            Fault::not_a_list(
                "an HTML page without a table",
                "it may be the page of a log-in or an error: download the list again, as CSV if possible",
            )
        })?;
        let note = match others {
            0 => "HTML table".to_owned(),
            others => format!("HTML, the table with the most numbers of {}", others + 1),
        };
        Ok(Table {
            // Programs export such tables for Excel.
            workbook: true,
            ..table.grid.finish(None, note)
        })
    }
}

impl Cell {
    fn take_text(&mut self, text: &str) {
        match &mut self.options {
            // Text between the options is not shown.
            Some(options) => {
                if let Some((_, option)) = options.last_mut() {
                    option.push_str(text);
                }
            }
            None => self.text.push_str(text),
        }
    }

    /// Takes a picture: what it stands for is text of the cell, and one that does not say so is not understood.
    fn take_picture(&mut self, tag: &StartTag<()>) {
        let names = [&b"alt"[..], b"title", b"aria-label"].into_iter();
        let said: Vec<String> = names.filter_map(|name| attribute(tag, name)).collect();
        let shown = said.iter().find(|text| !is_blank(text));
        // An empty text says that the picture is mere decoration.
        let shown = match shown {
            Some(text) => text,
            None if said.is_empty() => UNKNOWN_PICTURE,
            None => "",
        };
        self.pictures.push(' ');
        self.pictures.push_str(shown);
    }

    /// Takes a field of a form: what it shows is text of the cell.
    fn take_field(&mut self, tag: &StartTag<()>) {
        let has = |name: &[u8]| tag.attributes.contains_key(name);
        let name: &[u8] = &tag.name;
        match name {
            b"select" => {
                self.end_options();
                self.options = Some(Vec::new());
            }
            b"option" => {
                if let Some(options) = &mut self.options {
                    options.push((has(b"selected"), String::new()));
                }
            }
            _ => self.take_input(tag, has(b"checked")),
        }
    }

    fn take_input(&mut self, tag: &StartTag<()>, is_checked: bool) {
        let kind = attribute(tag, b"type").unwrap_or_default();
        match kind.trim().to_ascii_lowercase().as_str() {
            "checkbox" | "radio" => self.ticks.push(if is_checked { '☑' } else { '☐' }),
            "hidden" | "submit" | "button" | "reset" | "image" | "password" | "file" => {}
            _ => {
                self.text.push(' ');
                self.text.extend(attribute(tag, b"value"));
                self.text.push(' ');
            }
        }
    }

    /// Ends a list to choose from: what is chosen is shown, else its first option.
    fn end_options(&mut self) {
        let Some(options) = self.options.take() else {
            return;
        };
        let any_chosen = options.iter().any(|(is_chosen, _)| *is_chosen);
        let shown = options
            .into_iter()
            .enumerate()
            .filter(|(at, (is_chosen, _))| *is_chosen || !any_chosen && *at == 0);
        for (_, (_, option)) in shown {
            self.text.push(' ');
            self.text.push_str(&option);
            self.text.push(' ');
        }
    }

    /// What the cell says in that row.
    fn into_text(mut self, row: u32) -> String {
        self.end_options();
        let shown = shown(&self.text);
        match self.value {
            // `4.20777E+11` is shown, the attribute has the digits.
            Some(value) if shown.contains("E+") => match value.parse() {
                Ok(value) => super::grid::number(value),
                Err(_) => value,
            },
            // Above the people, a box ticks them all.
            Some(_) | None if shown.is_empty() && row > 1 && !self.ticks.is_empty() => self.ticks,
            Some(_) | None if shown.is_empty() => {
                let pictures = self::shown(&self.pictures);
                // No column is called so, and no title.
                if row == 1 {
                    pictures.replace(UNKNOWN_PICTURE, "")
                } else {
                    pictures
                }
            }
            Some(_) | None => shown,
        }
    }
}

/// A text with one space between its words.
fn shown(text: &str) -> String {
    let words = text.split(char::is_whitespace);
    let words: Vec<&str> = words.filter(|word| !is_blank(word)).collect();
    trimmed(&words.join(" ")).to_owned()
}

fn attribute(tag: &StartTag<()>, name: &[u8]) -> Option<String> {
    let value = tag.attributes.get(name)?;
    Some(String::from_utf8_lossy(&value.value).into_owned())
}

impl OpenTable {
    fn begin_row(&mut self) {
        self.row = self.row.saturating_add(1);
        self.column = 0;
        for span in &mut self.spans {
            *span = span.saturating_sub(1);
        }
    }

    fn begin_cell(&mut self, tag: &StartTag<()>) {
        if self.row == 0 {
            self.begin_row();
        }
        let attribute = |name: &[u8]| attribute(tag, name);
        let columns = attribute(b"colspan").and_then(|n| n.trim().parse().ok());
        let rows = attribute(b"rowspan").and_then(|n| n.trim().parse().ok());
        self.cell = Some(Cell {
            text: String::new(),
            columns: columns.unwrap_or(1).clamp(1, MAX_COLSPAN),
            rows: match rows {
                // To the end of the table.
                Some(0) => MAX_ROWSPAN,
                rows => rows.unwrap_or(1).min(MAX_ROWSPAN),
            },
            value: attribute(b"x:num").filter(|value| !value.is_empty()),
            ticks: String::new(),
            pictures: String::new(),
            options: None,
        });
        // Cells from above that reach into this row.
        while self.spans.get(self.column).is_some_and(|rows| *rows > 0) {
            self.column += 1;
        }
    }

    fn end_cell(&mut self) -> Result<(), Fault> {
        let Some(cell) = self.cell.take() else {
            return Ok(());
        };
        let (columns, rows) = (cell.columns, cell.rows);
        let text = cell.into_text(self.row);
        let digits = text.bytes().filter(u8::is_ascii_digit).count();
        self.numbers += usize::from((7..=20).contains(&digits));
        self.filled += usize::from(!text.is_empty());
        let last = self.row.saturating_add(rows - 1);
        self.grid.merge((self.row, last), self.column);
        self.grid.set(self.row, self.column, text)?;
        let end = self.column + columns;
        if rows > 1 {
            if self.spans.len() < end {
                self.spans.resize(end, 0);
            }
            for span in self.spans.iter_mut().take(end).skip(self.column) {
                *span = rows;
            }
        }
        self.column = end;
        Ok(())
    }
}

/// Whether a row is not shown: as Excel writes those that a filter hides.
fn is_not_shown(tag: &StartTag<()>) -> bool {
    let style = tag.attributes.get(&b"style"[..]);
    let style = style.map(|style| String::from_utf8_lossy(&style.value).to_lowercase());
    let style: Option<String> =
        style.map(|it| it.chars().filter(|sign| !sign.is_whitespace()).collect());
    style.is_some_and(|it| it.split(';').any(|it| it.starts_with("display:none")))
        || tag.attributes.contains_key(&b"hidden"[..])
}

/// The encoding that the page names in its head.
pub(super) fn declared_encoding(head: &str) -> Option<&str> {
    let at = head.find("charset")?;
    let rest = head
        .get(at + "charset".len()..)?
        .trim_start()
        .strip_prefix('=')?;
    let rest = rest.trim_start().trim_start_matches(['"', '\'']);
    let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | ':')))?;
    rest.get(..end)
}
